//! What a starting daemon reads from its database, and the processes of a dead daemon that it
//! ends before anything else may run (docs/running.md, Boot).

use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use jiff::Timestamp;

use crate::base::bytes;
use crate::base::time::Clock;
use crate::config::Config;
use crate::config::text::Definitions;
use crate::daemon::fingerprint::{self, Fingerprint, machine_id};
use crate::daemon::reload::Last;
use crate::daemon::secrets::{self, Password, Source};
use crate::daemon::{StartError, reload};
use crate::engine::Found;
use crate::logs::{LogPlace, append_system};
use crate::model::change::Change;
use crate::model::decision::{Decision, What};
use crate::model::job::{AfterFailure, Job, JobName};
use crate::model::run::{Leader, Phase, RunId};
use crate::process::survivor::{self, Survivor};
use crate::store::runs::Unfinished;
use crate::store::{Error, Store};
use crate::sys::fs::free_space;
use crate::sys::group::start_of;

/// The machine's boot that the last daemon saw, in `config_entries`.
const MACHINE_BOOT: &str = "machine_boot";
pub(crate) const FINGERPRINT: &str = "fingerprint";

/// Everything that [`crate::engine::Engine::reconcile`] needs. Processes that outlived the
/// last daemon are gone when it returns.
pub(crate) fn find(
    store: &Store,
    config: &Config,
    machine: &str,
    logs: &Path,
    clock: &Clock,
) -> Result<Found, Error> {
    let unfinished = store.unfinished()?;
    end_survivors(&unfinished, machine, logs, clock);
    let repeating = config.jobs.iter().filter(|job| repeats(job));
    let newest =
        repeating.map(|job| store.newest_executed(&job.name)).filter_map(Result::transpose);
    Ok(Found {
        newest: newest.collect::<Result<_, _>>()?,
        anchors: store.anchors()?,
        paused: store.paused()?.into_iter().collect(),
        in_trouble: store.in_trouble()?.into_iter().collect(),
        cron_lives: false,
        config: 0,
        machine_booted: is_new_boot(
            store.setting(MACHINE_BOOT)?.as_deref(),
            boot_of_machine(machine),
        ),
        unfinished: unfinished.into_iter().map(|row| row.run).collect(),
    })
}

/// The number of this configuration, and what is to be stored of it, unless it is the one that the
/// last daemon had.
pub(crate) fn configuration(
    store: &Store,
    config: &Config,
    now: Timestamp,
) -> Result<(Last, Vec<Change>), Error> {
    let last = store.newest_configuration()?;
    let number = last.as_ref().map_or(0, |last| last.number);
    let kept = reload::kept(config, now, number + 1);
    let Some(last) = last else {
        return Ok((Last::of(&kept), vec![Change::Configure(Box::new(kept))]));
    };
    if last.files == kept.files {
        return Ok((Last::of(&last), Vec::new()));
    }
    let mut changes = Vec::new();
    let decided = |job: &str, what| {
        let decision = Decision::new(Some(JobName::new(job)), now, what);
        let detail = "while the daemon was down".to_owned();
        Change::Decide(Box::new(Decision { detail, ..decision }))
    };
    let (before, after) = (definitions(&last.files), definitions(&kept.files));
    let defined = |files: &[Definitions<'_>], job: &str| files.iter().find_map(|file| file.of(job));
    for job in config.jobs.iter().map(|job| job.name.as_str()) {
        match (defined(&before, job), defined(&after, job)) {
            (None, Some(_)) => changes.push(decided(job, What::Added)),
            (Some(old), Some(new)) if old != new => changes.push(decided(job, What::Changed)),
            _ => {}
        }
    }
    let last = Last::of(&kept);
    changes.push(Change::Configure(Box::new(kept)));
    Ok((last, changes))
}

fn definitions(files: &[(String, String)]) -> Vec<Definitions<'_>> {
    files.iter().map(|(_, text)| Definitions::new(text)).collect()
}

/// Nobody else may run beside a process of ours that outlived its daemon.
fn end_survivors(unfinished: &[Unfinished], machine: &str, logs: &Path, clock: &Clock) {
    let open = unfinished.iter().filter(|row| row.run.phase != Phase::Pending);
    let known = |row: &Unfinished| {
        row.process.as_ref().filter(|known| known.boot_id == machine).map(|known| known.leader)
    };
    let open: Vec<(RunId, Option<Leader>)> = open.map(|row| (row.run.id, known(row))).collect();
    let found = survivor::find(&open);
    let (rows, leaders): (Vec<&Unfinished>, Vec<Leader>) =
        unfinished.iter().filter_map(|row| Some((row, *found.get(&row.run.id)?))).unzip();
    for (row, fate) in rows.iter().zip(survivor::end_all(&leaders, clock)) {
        let (run, text) = match fate {
            Survivor::None => continue,
            Survivor::Ended => {
                (&row.run, "ended by the next daemon: it outlived the one that started it")
            }
            Survivor::Stuck => {
                (&row.run, "outlived the daemon that started it and could not be killed")
            }
        };
        log::warn!("{text} task={} run={}", run.job, run.id);
        let place = LogPlace::new(logs, &run.job, run.id, run.created_at);
        if let Err(error) = append_system(&place, text) {
            log::warn!("{error}");
        }
    }
}

/// The kernel's boot and the start of pid 1: a container is booted without its kernel. `None`
/// where one of them is hidden.
fn boot_of_machine(kernel_boot: &str) -> Option<String> {
    let init = start_of(1)?;
    (!kernel_boot.is_empty()).then(|| format!("{kernel_boot} {init}"))
}

/// What cannot be known counts as a boot: a job that is to run then runs too often, not never.
fn is_new_boot(stored: Option<&str>, now: Option<String>) -> bool {
    now.is_none_or(|now| stored != Some(&now))
}

/// What the owner should know, and what keeps nothing from starting.
pub(crate) fn warn(config: &Config, data: &Path) {
    let Some(wanted) = config.storage.min_free_space else { return };
    match free_space(data) {
        Ok(free) if free >= wanted => {}
        Ok(free) => log::warn!(
            "low disk space, no run will start free={} min_free_space={}",
            bytes::display(free),
            bytes::display(wanted)
        ),
        Err(error) => log::warn!("cannot tell the free space of {}: {error}", data.display()),
    }
}

fn repeats(job: &Job) -> bool {
    job.task().is_some_and(|task| match task.after_failure {
        AfterFailure::Retry { attempts, .. } => attempts > 0,
        AfterFailure::Restart => true,
    })
}

/// The name of the instance.
pub(crate) fn fingerprint(store: &Store) -> Result<Fingerprint, StartError> {
    // Empty is how an environment file says nothing; what is not UTF-8 is refused below.
    let variable = env::var_os("RUNWISP_FINGERPRINT").filter(|value| !value.is_empty());
    let variable = variable.as_ref().map(|value| value.to_string_lossy());
    let stored = store.setting(FINGERPRINT)?;
    let directory = env::current_dir().unwrap_or_default();
    Ok(fingerprint::fingerprint(variable.as_deref(), stored.as_deref(), &machine_id(), &directory)?)
}

/// The instance's own rows: its name, and the boot of the machine that it runs in.
pub(crate) fn remember(name: &Fingerprint, machine: &str) -> Vec<Change> {
    vec![
        Change::Set { key: FINGERPRINT, value: name.as_str().to_owned() },
        Change::Set { key: MACHINE_BOOT, value: boot_of_machine(machine).unwrap_or_default() },
    ]
}

/// Finds the password, or makes one. The value is shown on a terminal and nowhere else.
pub(crate) fn settle_password(data: &Path) -> Result<Password, StartError> {
    let (variable, credentials) =
        (env::var_os(secrets::VARIABLE), env::var_os("CREDENTIALS_DIRECTORY"));
    let found = secrets::find(variable, credentials, data)?;
    for warning in &found.warnings {
        log::warn!("{warning}");
    }
    if let Some(password) = found.password {
        return Ok(password);
    }
    let text = secrets::generate()?;
    let path = secrets::store(data, &text)?;
    let mut stdout = io::stdout();
    if stdout.is_terminal() {
        writeln!(stdout, "password: {text}")?;
    }
    log::info!("a password was made and saved in {}", path.display());
    Ok(Password { text, source: Source::File(path) })
}

/// Random bits that keep the run ids of two daemons apart.
pub(crate) fn seed() -> Result<u64, StartError> {
    getrandom::u64().map_err(|error| StartError::from(format!("cannot read random bytes: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_is_new_when_kernel_or_init_changed_or_nobody_knows() {
        let now = |text: &str| Some(text.to_owned());
        assert!(is_new_boot(None, now("a 1")));
        assert!(!is_new_boot(Some("a 1"), now("a 1")));
        assert!(is_new_boot(Some("a 1"), now("a 2")));
        assert!(is_new_boot(Some("a 1"), now("b 1")));
        assert!(is_new_boot(Some(""), None));
        assert_eq!(boot_of_machine(""), None);
    }
}
