//! `[daemon] include_cron`: crontabs whose lines are tasks (docs/configuration.md, Crontabs). They
//! are never changed, nothing in them is substituted, and a line that has no meaning here is passed
//! over with a warning, as cron does.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::crontab::{self, Entry, Form, When};
use super::include::{self, Found, Match};
use super::job::Context;
use super::problem::Report;
use super::surroundings::Surroundings;
use super::table::Table;
use super::{notify, process, variables};
use crate::base::sentence::quoted;
use crate::cron::Schedule;
use crate::model::job::{
    AfterFailure, Backoff, CatchUp, Job, JobName, Overlap, RunOnStart, Source, Task, Work,
    log_directory,
};
use crate::model::process::{EnvBase, Process, RunAs};

const KEY: &str = "include_cron";
/// How warnings begin about a line or a file that is passed over, and about a file that is not to
/// be trusted.
pub(crate) const SKIPPED: &str = "skipped: ";
pub(crate) const REFUSED: &str = "refused: ";

/// A file, and the user whose crontab it is if that does not stand in it.
pub(crate) type Crontab = (Found, Option<String>);

/// All crontabs that the patterns match, by path and each once. A file that only a pattern names
/// may be bad without keeping everything else from running: users come and go.
pub(crate) fn find(
    daemon: Option<&Table<'_>>,
    included: &[Found],
    around: &Surroundings<'_>,
) -> Vec<Crontab> {
    let Some(daemon) = daemon else { return Vec::new() };
    let mut found = Vec::new();
    for Match { path, at, is_named } in include::matches(daemon, KEY, around) {
        let shown = quoted(&path.to_string_lossy());
        if included.iter().any(|other| other.path == path) {
            let message = format!("{shown} is matched by include too; it is one or the other");
            daemon.error_at(at, KEY, message);
            continue;
        }
        if !is_name_for_cron(&path) && !is_named {
            let message = format!("{SKIPPED}{shown}: cron reads no file of such a name in cron.d");
            daemon.warn_at(at, KEY, message);
            continue;
        }
        let user = owner(&path);
        match (around.crontab)(&path, user.as_deref()) {
            Ok(text) => {
                let shown = include::shown(&path, around);
                found.push((Found { path, shown, text }, user));
            }
            Err(reason) if is_named => {
                daemon.error_at(at, KEY, format!("cannot use {shown}: {reason}"));
            }
            Err(reason) => daemon.warn_at(at, KEY, format!("{REFUSED}{shown}: {reason}")),
        }
    }
    found
}

/// Packages and editors leave copies in `cron.d`, whose names have a dot or a tilde (cron(8)).
pub(crate) fn is_name_for_cron(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let is_good = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
    name.iter().all(is_good) || !path.parent().is_some_and(|parent| parent.ends_with("cron.d"))
}

/// Whose crontab a file of the spool is: its name says so (crontab(1)).
pub(crate) fn owner(path: &Path) -> Option<String> {
    const SPOOLS: [&str; 3] = ["cron/crontabs", "cron/tabs", "spool/cron"];
    let is_spool =
        path.parent().is_some_and(|parent| SPOOLS.iter().any(|spool| parent.ends_with(spool)));
    path.file_name().filter(|_| is_spool).map(|name| name.to_string_lossy().into_owned())
}

/// `/etc/crontab` and what is below `/etc/cron.d` name a user on each line (cron(8)).
pub(crate) fn form(path: &Path, text: &str) -> Form {
    let is_system = path.ends_with("etc/crontab")
        || path.parent().is_some_and(|parent| parent.ends_with("cron.d"));
    if is_system || (owner(path).is_none() && crontab::looks_like_system(text)) {
        Form::System
    } else {
        Form::User
    }
}

/// The tasks of all crontabs. Their names give way to those of `others`.
pub(crate) fn jobs(
    crontabs: &[(&Crontab, &Report<'_>)],
    others: &[Arc<Job>],
    context: &Context<'_>,
) -> Vec<Arc<Job>> {
    let mut taken: HashSet<String> =
        others.iter().map(|job| log_directory(job.name.as_str())).collect();
    let mut jobs = Vec::new();
    for ((file, owner), report) in crontabs {
        let read = crontab::read(&file.text, form(&file.path, &file.text));
        let path: Arc<Path> = file.path.as_path().into();
        let starts: Vec<usize> = line_starts(&file.text);
        let warn = |line: usize, message: String| {
            report.warn(starts.get(line - 1).copied().unwrap_or_default(), None, message);
        };
        read.notes.into_iter().for_each(|note| warn(starts.len().max(1), note));
        for skipped in read.skipped {
            warn(skipped.line, format!("{SKIPPED}{}", skipped.reason));
        }
        for entry in read.entries {
            let name = crontab::name_of(&entry.command);
            let name = crontab::unique(&name, |name| taken.contains(&log_directory(name)));
            let line = entry.line;
            match job(&name, &entry, owner.as_deref(), &path, context) {
                Ok(job) => {
                    taken.insert(log_directory(&name));
                    entry.notes.into_iter().for_each(|note| warn(line, note));
                    jobs.push(Arc::new(job));
                }
                Err(reason) => warn(line, format!("{SKIPPED}{reason}")),
            }
        }
    }
    jobs
}

fn line_starts(text: &str) -> Vec<usize> {
    let lines = text.split_inclusive('\n');
    lines.scan(0, |at, line| Some(std::mem::replace(at, *at + line.len()))).collect()
}

/// One task, or why the line cannot be one.
fn job(
    name: &str,
    entry: &Entry,
    owner: Option<&str>,
    path: &Arc<Path>,
    context: &Context<'_>,
) -> Result<Job, String> {
    let script = entry.script();
    let run = script.ok_or("its shell is none that could be told to read the input behind %")?;
    let (schedule, run_on_start) = match &entry.when {
        When::Boot => (None, RunOnStart::Boot),
        When::Cron(text) => (Some(schedule(text, context)?), RunOnStart::Never),
    };
    let defaults = &context.defaults;
    let source = Source::Crontab(Arc::clone(path), u32::try_from(entry.line).unwrap_or(u32::MAX));
    let alerts = defaults.alerts.clone();
    Ok(Job {
        name: JobName::new(name),
        source,
        description: entry.comment.clone().unwrap_or_default(),
        group: "Tasks".into(),
        run: run.into(),
        api_trigger: true,
        hooks: Vec::new(),
        timeout: defaults.timeout,
        log: defaults.log,
        keep: defaults.keep,
        stop: defaults.stop,
        process: process(entry, owner, context)?,
        failures: defaults.failures.clone(),
        raises: notify::job::raises(name, &alerts, defaults.tells_missed, &context.notify),
        alerts,
        work: Work::Task(Task {
            jitter: defaults.jitter.filter(|_| schedule.is_some()),
            schedule: schedule.map(Arc::new),
            catch_up: CatchUp::Skip,
            parallelism: 1,
            on_overlap: Overlap::Queue,
            max_queued: 100,
            after_failure: AfterFailure::Retry {
                attempts: 0,
                delay: Duration::from_secs(5),
                backoff: Backoff::Constant,
            },
            run_on_start,
            params: Arc::new([]),
        }),
    })
}

fn schedule(text: &str, context: &Context<'_>) -> Result<Schedule, String> {
    let zone = context.zones.find("Local")?;
    Schedule::parse(text, zone.zone, zone.name)
        .map_err(|error| format!("{}: {error}", quoted(text)))
}

fn process(entry: &Entry, owner: Option<&str>, context: &Context<'_>) -> Result<Process, String> {
    let base = &context.defaults.process;
    let user = entry.user.as_deref().or(owner);
    let run_as = |name: &str| -> Result<Arc<RunAs>, String> {
        let run_as = process::run_as(name).filter(|run_as| run_as.group.is_none());
        run_as.map(Arc::new).ok_or_else(|| format!("{} is no name of a user", quoted(name)))
    };
    let own = entry.variables().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok(Process {
        env_base: EnvBase::Clean,
        env: variables::merged(&base.env, own),
        // Cron's own, whatever other jobs have.
        shell: Path::new(entry.shell().unwrap_or("/bin/sh")).into(),
        working_dir: Some(match entry.home() {
            "~" => Path::new("~").join(""),
            home => home.into(),
        }),
        user: user.map(run_as).transpose()?,
        ..base.clone()
    })
}
