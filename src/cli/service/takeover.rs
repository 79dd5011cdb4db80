//! `runwisp takeover`: RunWisp in the place of cron (docs/migration.md, Takeover). The daemon
//! starts beside cron, which holds its jobs, and cron is not touched before the daemon is healthy.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::base::escape::escape;
use crate::base::time::Clock;
use crate::cli::argv::{Argv, Usage};
use crate::cli::globals::Globals;
use crate::cli::import::layout;
use crate::cli::service::install::{Baked, Plan};
use crate::cli::service::steps::Steps;
use crate::cli::service::{Service, confirm, cron, uninstall, unit};
use crate::cli::table::Table;
use crate::cli::{Exit, Failure, counted, door, is_root, print, to_stderr};
use crate::config::Config;
use crate::config::include_cron::{REFUSED, SKIPPED};
use crate::config::load::load_as;
use crate::model::job::Source;
use crate::sys;
use crate::web::client::documents::Task;
use crate::web::client::{self, Answer};

pub(crate) const HELP: &str = "\
Runs the jobs of cron in RunWisp from now on: crontabs stay as they are, cron stops.

Usage: runwisp takeover [--yes] [--dry-run] [--force] [--allow-skipped-cron-jobs]
                        [--binary <path>] [flags]

Needs root and systemd. Has the configuration read /etc/crontab, /etc/cron.d and the crontabs of
users, installs the service as root and without its sandbox, as cron was, and starts it; once it
is healthy, stops and masks cron at a moment when no job is due. Where that fails, all is put back.
Says first what it will do, and asks once. \"runwisp service uninstall\" brings cron back.

  -y, --yes              do not ask
      --dry-run          print what would be done; exit 1 where something stands in the way
      --force            replace a service that is there, also one of somebody else
      --allow-skipped-cron-jobs  also where lines or files of crontabs would not run any more
      --binary <path>    the program of the service [this one]
";

const NOTE: &str = "\
# Read from the crontabs of this machine, by \"runwisp takeover\". Tasks and services of your own can
# stand here too.";
/// How long cron may take to end, and the daemon to notice.
const PATIENCE: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(100);

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Takeover {
    yes: bool,
    dry_run: bool,
    force: bool,
    allow_skipped: bool,
    binary: Option<PathBuf>,
}

impl Takeover {
    /// Reads the arguments of `takeover`.
    pub(crate) fn take(argv: &mut Argv) -> Result<Takeover, Usage> {
        let order = Takeover {
            yes: argv.switch(&["-y", "--yes"]),
            dry_run: argv.switch(&["--dry-run"]),
            force: argv.switch(&["--force"]),
            allow_skipped: argv.switch(&["--allow-skipped-cron-jobs"]),
            binary: argv.os_value(&["--binary"])?.map(PathBuf::from),
        };
        argv.no_words()?;
        Ok(order)
    }
}

/// What is there before, and comes back if something goes wrong.
struct Before {
    /// Text of the unit, where it is to be replaced.
    unit: Option<String>,
    config: Option<String>,
    directory: bool,
    data: bool,
    service_lives: bool,
    cron_lives: bool,
}

pub(crate) fn run(globals: &Globals, order: &Takeover) -> Result<Exit, Failure> {
    if !is_root() {
        let message = "a takeover needs root, as cron does for jobs of several users: use sudo";
        return Err(Failure::Error(message.to_owned()));
    }
    let service = Service::of_system();
    let Baked { mut settings, binary, hash } =
        Baked::of(globals, order.binary.as_deref(), &service)?;
    // The file itself is written, not a link to it.
    if let Ok(file) = fs::canonicalize(&settings.config.path) {
        settings.config.path = file;
    }
    let found = service.found()?;
    let old = found.as_ref().and_then(|(_, text)| unit::took_over(text));
    let (mut units, mut blocks) = (Vec::new(), Vec::new());
    let alive = sys::cron::find();
    cron::find_units(alive.as_ref().map(|(pid, _)| *pid), &mut units, &mut blocks);
    let known = old.into_iter().flat_map(|units| units.split(' ')).map(str::to_owned);
    let mut all: Vec<String> = known.filter(|name| !name.is_empty()).collect();
    all.extend(units.iter().filter(|name| !all.contains(name)).cloned().collect::<Vec<_>>());
    let text = unit::text(&binary, &settings, &hash, false, Some(&all.join(" ")));

    let path = &settings.config.path;
    let now = layout::read(path)?;
    let patterns = cron::patterns();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let next = layout::listing(path, now.as_deref(), "include_cron", &patterns, NOTE)?;
    let candidate = next.as_deref().or(now.as_deref()).unwrap_or_default();
    let config = load_as(path, candidate, Clock::start().now().wall)?;

    let is_same =
        found.as_ref().is_some_and(|(at, text_now)| *at == service.path && *text_now == text);
    let is_healthy =
        || matches!(client::health(&settings.host, settings.port, client::GLANCE), Answer::Healthy);
    let is_active = service.property("ActiveState") == "active";
    let is_done = is_same && next.is_none() && units.is_empty() && alive.is_none();
    if is_done && is_active && is_healthy() {
        print("Already taken over.\n")?;
        return Ok(Exit::Success);
    }

    let steps = if order.dry_run { Steps::Printed } else { Steps::Done };
    let plan = Plan {
        service: &service,
        settings: &settings,
        steps,
        user: "root",
        config: next.as_deref().unwrap_or_default(),
    };
    let replaces = found.is_some() && old.is_none();
    if replaces && !order.force {
        let name = &service.name;
        blocks.push(format!(
            "{name} is there already: \"runwisp service uninstall\" removes it, --force replaces it"
        ));
    }
    for check in [plan.check_owner(&binary), plan.check_machine(), plan.check_data()] {
        if let Err(Failure::Error(why)) = check {
            blocks.push(why);
        }
    }
    print(&told(&config, &settings, &all, order.allow_skipped, &mut blocks))?;
    if !blocks.is_empty() {
        let lines: Vec<String> = blocks.iter().map(|why| format!("in the way: {why}\n")).collect();
        to_stderr(&lines.concat());
        return Err(Failure::Error("nothing was changed".to_owned()));
    }
    if !order.yes && !order.dry_run && !confirm("Take over from cron?")? {
        return Err(Failure::Error("nothing was changed".to_owned()));
    }
    let before = Before {
        unit: fs::read_to_string(&service.path).ok(),
        config: now.clone(),
        directory: path.parent().is_none_or(Path::exists),
        data: settings.data.path.exists(),
        service_lives: is_active,
        cron_lives: alive.is_some(),
    };
    let change = next.as_deref().filter(|_| now.is_some());
    let done = install(&plan, change, &text, order.force, found.is_some());
    let done = done.and_then(|()| switch(&units, &plan));
    if let Err(failure) = done {
        to_stderr("The takeover failed; everything is put back:\n");
        put_back(&plan, &before, &units);
        return Err(failure);
    }
    if steps == Steps::Done {
        print("RunWisp runs the jobs of cron from now on.\n")?;
    }
    Ok(Exit::Success)
}

/// What will be, for whoever is asked.
fn told(
    config: &Config,
    settings: &Globals,
    units: &[String],
    allow_skipped: bool,
    blocks: &mut Vec<String>,
) -> String {
    let mut table = Table::new(["JOB", "SCHEDULE", "USER", "FROM"]);
    let mut count = 0;
    for job in &config.jobs {
        let Source::Crontab(path, line) = &job.source else { continue };
        count += 1;
        let schedule = job.task().and_then(|task| task.schedule.as_ref());
        table.row([
            job.name.as_str().to_owned(),
            schedule.map_or_else(|| "@reboot".to_owned(), |schedule| schedule.text().to_owned()),
            job.process.user.as_ref().map_or("root", |run_as| &*run_as.user).to_owned(),
            format!("{}:{line}", path.display()),
        ]);
    }
    let mut text = if count == 0 { String::new() } else { format!("{table}\n") };
    for warning in &config.warnings {
        let is = |word: &str| warning.message.starts_with(word);
        let line = escape(&warning.to_string()).into_owned();
        match (is(SKIPPED), is(REFUSED)) {
            (true, _) if !allow_skipped => {
                blocks.push(format!("{line}; --allow-skipped-cron-jobs leaves it out"));
            }
            (_, true) => blocks.push(line),
            _ => text.push_str(&format!("note: {line}\n")),
        }
    }
    let cron = if units.is_empty() { "no unit".to_owned() } else { units.join(", ") };
    text + &format!(
        "RunWisp runs {} in the place of cron ({cron}):\n\
         - {} reads the crontabs, which stay as they are and are edited as ever.\n\
         - The service runs as root and without a sandbox, as cron does; jobs run as their users.\n\
         - Output is kept and shown, not mailed (MAILTO).\n\
         - Once the service is healthy, cron is stopped and masked, between the seconds {} and {} of a\n  \
         minute, so that no job is lost and none runs twice.\n\
         \"runwisp service uninstall\" brings cron back.\n\n",
        counted(count, "job"),
        settings.config.path.display(),
        cron::WINDOW.0,
        cron::WINDOW.1,
    )
}

/// A healthy daemon, whose jobs are held as long as cron is alive.
fn install(
    plan: &Plan<'_>,
    config: Option<&str>,
    text: &str,
    force: bool,
    is_update: bool,
) -> Result<(), Failure> {
    plan.prepare_system()?;
    if let Some(config) = config {
        let path = &plan.settings.config.path;
        print(&format!("write {}\n", path.display()))?;
        if plan.steps == Steps::Done {
            layout::replace(&[(path.clone(), config.to_owned())])?;
        }
    }
    plan.write(text, force)?;
    plan.start(is_update)?;
    if plan.steps == Steps::Done { plan.wait() } else { Ok(()) }
}

/// Cron ends, and the daemon takes its jobs up.
fn switch(units: &[String], plan: &Plan<'_>) -> Result<(), Failure> {
    let main = plan.service.property("MainPID");
    cron::await_window(plan.steps)?;
    for unit in units {
        plan.steps.run(&["systemctl", "mask", "--now", unit])?;
    }
    if plan.steps == Steps::Printed {
        return Ok(());
    }
    let clock = Clock::start();
    let is_over = || {
        let is_same = plan.service.property("MainPID") == main;
        let tasks =
            door::open(plan.settings, None).and_then(|it| it.get::<Vec<Task>>("/api/tasks"));
        is_same
            && sys::cron::find().is_none()
            && tasks.is_ok_and(|tasks| tasks.iter().all(|task| task.held_by.is_none()))
    };
    while !is_over() {
        if clock.now().steady > PATIENCE {
            let message = match sys::cron::find() {
                Some((pid, _)) => format!("cron is still alive (pid {pid})"),
                None => "the daemon does not take up the jobs".to_owned(),
            };
            return Err(Failure::Error(message));
        }
        thread::sleep(STEP);
    }
    Ok(())
}

/// As it was before; what goes wrong now is told, and the rest is done.
fn put_back(plan: &Plan<'_>, before: &Before, units: &[String]) {
    let tell = |done: Result<(), Failure>| {
        if let Err(Failure::Error(why)) = done {
            to_stderr(&format!("note: {why}\n"));
        }
    };
    let (service, steps) = (plan.service, plan.steps);
    // They were not before, or they would not be among them.
    let is_masked = |unit: &&String| cron::property(unit, "LoadState") == "masked";
    let masked = units.iter().filter(is_masked).map(String::as_str);
    tell(cron::bring_back(masked, before.cron_lives, steps));
    tell(match &before.unit {
        Some(text) => steps
            .write(&service.path, text, 0o644)
            .and_then(|()| steps.run(&["systemctl", "daemon-reload"]))
            .and_then(|()| steps.run(&["systemctl", "restart", &service.name])),
        None if service.path.exists() => uninstall::remove_unit(service, steps),
        None => Ok(()),
    });
    // That of a package, which ours had hidden.
    if before.unit.is_none() && before.service_lives {
        tell(steps.run(&["systemctl", "enable", "--now", &service.name]));
    }
    let path = &plan.settings.config.path;
    tell(match &before.config {
        Some(text) => layout::replace(&[(path.clone(), text.clone())]),
        None if path.exists() => steps.run(&["rm", "--", &path.to_string_lossy()]),
        None => Ok(()),
    });
    let directory = path.parent().unwrap_or(path);
    if !before.directory && directory.exists() {
        tell(steps.run(&["rmdir", "--", &directory.to_string_lossy()]));
    }
    let data = &plan.settings.data.path;
    if !before.data && data.exists() {
        tell(steps.run(&["rm", "-r", "--", &data.to_string_lossy()]));
    }
}
