//! `runwisp.toml`: from text to jobs that are complete and valid, or to every problem that
//! the text has. Nothing is guessed, clamped or ignored. Only `load` touches the host; the
//! other stages are values in, values out (docs/configuration.md).

mod access;
pub(crate) mod crontab;
mod depends;
pub(crate) mod dotenv;
mod failures;
mod health;
mod include;
pub(crate) mod include_cron;
mod inherit;
mod job;
pub(crate) mod load;
mod notify;
mod params;
mod problem;
mod process;
mod scalars;
mod schema;
mod service;
mod substitute;
pub(crate) mod surroundings;
mod syntax;
mod table;
mod task;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod variables;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeTable;

pub(crate) use job::name_flaw;
pub(crate) use load::{LoadError, load, zone_named};
pub(crate) use problem::{Problem, Problems};
pub(crate) use schema::schema;

use crate::auth::proxy::Proxies;
use crate::model::job::{Job, Keep, Kind, Source, log_directory};
use crate::model::notifier::{Heartbeat, Notify};
use include::File;
use include_cron::Crontab;
use inherit::Inherited;
use problem::Report;
use schema::Shape;
use surroundings::{Surroundings, Zone, Zones};
use table::Table;

/// What the daemon has to stop where nothing else is said: the shipped unit is made for it
/// (docs/running.md, Shutdown).
pub(crate) const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

/// Everything that one file says.
#[derive(Debug)]
pub(crate) struct Config {
    /// As the user gave it.
    pub(crate) path: PathBuf,
    /// What was read as configuration, that file first.
    pub(crate) files: Vec<SourceFile>,
    /// What else was looked at, files and directories; absolute, in order.
    pub(crate) watched: Vec<PathBuf>,
    /// In the order of the file.
    pub(crate) jobs: Vec<Arc<Job>>,
    /// The zone of schedules that name none.
    pub(crate) timezone: String,
    pub(crate) timezone_source: TimezoneSource,
    pub(crate) storage: Storage,
    /// From the signal to the last SIGKILL when the daemon stops.
    pub(crate) shutdown_timeout: Duration,
    /// Where browsers find the dashboard, without a slash at its end.
    pub(crate) external_url: Option<String>,
    pub(crate) metrics: Metrics,
    /// The reverse proxies whose headers count, unless the environment names others.
    pub(crate) trusted_proxies: Proxies,
    /// For the runs of jobs that are no longer in the file.
    pub(crate) default_keep: Keep,
    pub(crate) notify: Notify,
    /// The dead-man switch of the daemon itself, and how often it is told that all is well.
    pub(crate) heartbeat: Option<(Heartbeat, Duration)>,
    /// In the order of their lines.
    pub(crate) warnings: Vec<Problem>,
}

/// One file of the configuration.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Absolute.
    pub(crate) path: PathBuf,
    /// As it is written, but for secrets.
    pub(crate) text_hidden: String,
}

/// Where `/metrics` is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Metrics {
    Off,
    /// On the port of the dashboard.
    Port,
    /// By a listener that serves nothing else.
    Own {
        host: String,
        port: u16,
    },
}

/// Who chose the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimezoneSource {
    Config,
    /// The file says `Local`.
    System,
    Default,
}

impl TimezoneSource {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            TimezoneSource::Config => "config",
            TimezoneSource::System => "system",
            TimezoneSource::Default => "default",
        }
    }
}

/// Limits on the disk, in bytes; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Storage {
    /// For all logs together.
    pub(crate) max_size: Option<u64>,
    /// Below it no run starts.
    pub(crate) min_free_space: Option<u64>,
}

/// Reads a whole file and those that it includes. A syntax error is reported alone, everything
/// else together.
pub(crate) fn read(text: &str, surroundings: &Surroundings<'_>) -> Result<Config, Problems> {
    let report = Report::new(surroundings.file, text);
    let tree = parse(&report, surroundings)?;
    let root = Table::root(&report, tree.get_ref());
    let daemon = root.table("daemon");
    let found = include::find(daemon.as_ref(), surroundings);
    let crontabs = include_cron::find(daemon.as_ref(), &found, surroundings);
    let cron_reports: Vec<_> =
        crontabs.iter().map(|(it, _)| Report::new(&it.shown, &it.text)).collect();
    let reports: Vec<_> = found.iter().map(|it| Report::new(&it.shown, &it.text)).collect();
    let mut trees = Vec::new();
    for (found, report) in found.iter().zip(&reports) {
        trees.push(parse(report, &found.around(surroundings))?);
    }
    let mut files = vec![File { table: root, around: *surroundings, source: Source::Root }];
    for ((found, report), tree) in found.iter().zip(&reports).zip(&trees) {
        let table = Table::root(report, tree.get_ref());
        let (around, source) = (found.around(surroundings), include::source(&found.path));
        files.push(File { table, around, source });
    }
    let crontabs: Vec<_> = crontabs.iter().zip(&cron_reports).collect();
    let mut config = read_tables(&files, &crontabs, daemon);
    let reports = std::iter::once(&report).chain(&reports).chain(&cron_reports);
    config.warnings = Report::finish_all(reports)?;
    let sources = [(surroundings.path(), text, &tree)];
    let included = found.iter().zip(&trees).map(|(it, tree)| (it.path.clone(), &*it.text, tree));
    let shown = sources.into_iter().chain(included).map(|(path, text, tree)| SourceFile {
        path,
        text_hidden: text::without_secrets(text, tree.get_ref()),
    });
    config.files = shown.collect();
    Ok(config)
}

/// The tables of one file, with everything substituted that its values name.
fn parse<'t>(
    report: &Report<'t>,
    surroundings: &Surroundings<'_>,
) -> Result<Spanned<DeTable<'t>>, Problems> {
    let parsed = DeTable::parse(report.text());
    let mut tree = parsed.map_err(|error| syntax::problem(report, &error))?;
    substitute::everywhere(tree.get_mut(), report, surroundings);
    Ok(tree)
}

fn read_tables(
    files: &[File<'_>],
    crontabs: &[(&Crontab, &Report<'_>)],
    daemon: Option<Table<'_>>,
) -> Config {
    let (file, included) = files.split_first().expect("one file includes the others");
    let (root, surroundings) = (&file.table, &file.around);
    let zones = Zones::new(surroundings);
    let storage = root
        .table("storage")
        .map_or(Storage { max_size: None, min_free_space: None }, read_storage);
    let scheduler = root.table("scheduler");
    let (zone, timezone_source) = read_zone(scheduler.as_ref(), daemon.as_ref(), &zones);
    let shutdown_timeout = daemon
        .as_ref()
        .and_then(|daemon| daemon.positive_duration("shutdown_timeout"))
        .unwrap_or(SHUTDOWN_TIMEOUT);
    let external_url = daemon.as_ref().and_then(access::external_url);
    let metrics = daemon.as_ref().map_or(Metrics::Off, access::metrics);
    let trusted_proxies = daemon.as_ref().map(access::trusted_proxies).unwrap_or_default();
    let heartbeat = daemon.as_ref().and_then(notify::heartbeat::of_daemon);
    scheduler.into_iter().for_each(|scheduler| scheduler.finish(|_, _| None));
    daemon.into_iter().for_each(|daemon| daemon.finish(|key, _| daemon_pointer(key)));
    let built_in = Inherited::built_in();
    let defaults = root.table("defaults").map_or(built_in.clone(), |table| {
        let defaults = built_in.overridden_by(&table, shutdown_timeout);
        let defaults = defaults.with_defaults(&table, surroundings);
        table.finish(|key, _| defaults_pointer(key));
        defaults
    });
    let default_keep = defaults.keep;
    let timezone = zone.name.to_string();
    let (channels, notify) = notify::read(files);
    let context =
        job::Context { surroundings, zones, zone, shutdown_timeout, channels, notify, defaults };
    let mut jobs = read_jobs(files, &context);
    jobs.extend(include_cron::jobs(crontabs, &jobs, &context));
    if jobs.is_empty() {
        root.warn_here("there is nothing to run: no task and no service");
    }
    root.report_unknown(|key, _| root_pointer(key));
    included.iter().for_each(|file| include::finish(&file.table));
    Config {
        path: PathBuf::from(surroundings.file),
        files: Vec::new(),
        watched: Vec::new(),
        jobs,
        timezone,
        timezone_source,
        storage,
        shutdown_timeout,
        external_url,
        metrics,
        trusted_proxies,
        default_keep,
        notify: context.notify,
        heartbeat,
        warnings: Vec::new(),
    }
}

fn read_storage(table: Table<'_>) -> Storage {
    let limit = |key| table.size(key).filter(|bytes| *bytes > 0);
    let storage = Storage { max_size: limit("max_size"), min_free_space: limit("min_free_space") };
    table.finish(|_, _| None);
    storage
}

fn read_zone(
    scheduler: Option<&Table<'_>>,
    daemon: Option<&Table<'_>>,
    zones: &Zones<'_>,
) -> (Zone, TimezoneSource) {
    scheduler.into_iter().chain(daemon).for_each(|table| table.note("timezone", || Shape::Text));
    let default = (Zone::utc(), TimezoneSource::Default);
    let of = |table: Option<&Table<'_>>| Some(table?.entry("timezone")?.key_at);
    let table = match (of(scheduler), of(daemon)) {
        (None, None) => return default,
        (Some(one), Some(other)) => {
            let at = one.max(other);
            let message = "[scheduler] timezone and [daemon] timezone are the same setting; use only the first";
            scheduler.into_iter().for_each(|table| table.error_at(at, "timezone", message));
            scheduler
        }
        (Some(_), None) => scheduler,
        (None, Some(_)) => daemon,
    };
    let Some((table, name)) = table.and_then(|table| Some((table, table.text("timezone")?))) else {
        return default;
    };
    let source = match name {
        "Local" => TimezoneSource::System,
        _ => TimezoneSource::Config,
    };
    match zones.find(name) {
        Ok(zone) => (zone, source),
        Err(message) => {
            table.error("timezone", message);
            default
        }
    }
}

/// A job's table, and where it stands.
pub(crate) struct Place<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    name_at: usize,
    pub(crate) table: Table<'a>,
    pub(crate) file: &'a File<'a>,
}

fn read_jobs<'a>(files: &'a [File<'a>], context: &job::Context<'_>) -> Vec<Arc<Job>> {
    let mut places = Vec::new();
    for file in files {
        let before = places.len();
        for (key, kind) in [("tasks", Kind::Task), ("services", Kind::Service)] {
            let tables = file.table.table(key).map_or_else(Vec::new, |it| it.named_tables());
            let place = |(name, name_at, table)| Place { name, kind, name_at, table, file };
            places.extend(tables.into_iter().map(place));
        }
        places[before..].sort_by_key(|place| place.table.at());
    }
    check_names(&places);
    let depends = depends::read(&places);
    let read = |place: Place<'_>| {
        let depends_on = depends.get(place.name).cloned().unwrap_or_default();
        Arc::new(job::read(place, depends_on, context))
    };
    places.into_iter().map(read).collect()
}

/// Each name is good, and alone: in all files and as a directory of logs.
fn check_names(places: &[Place<'_>]) {
    let mut directories: HashMap<String, &Place<'_>> = HashMap::new();
    for place in places {
        let report = place.table.report();
        let path = || Some(place.table.path().to_owned());
        if let Some(flaw) = job::name_flaw(place.name, place.kind) {
            report.error(place.name_at, path(), flaw);
            continue;
        }
        let Some(first) = directories.insert(log_directory(place.name), place) else {
            continue;
        };
        let line = report.line_in(first.table.report(), first.name_at);
        let first_path = first.table.path();
        let own_line = report.line(place.name_at);
        let message = if first.name != place.name {
            let directory = log_directory(place.name);
            format!(
                "shares the log directory {directory:?} with {first_path}, first defined at \
                 {line}; rename one of them"
            )
        } else if first.kind == place.kind {
            let file = place.file.around.file;
            format!(
                "first defined at {line}, again at line {own_line} of {file}; rename one of them"
            )
        } else {
            format!(
                "the name is used by both [tasks.*] and [services.*]: [{first_path}] first defined \
                 at {line}, [{}] at line {own_line}; rename one of them",
                place.table.path()
            )
        };
        report.error(place.name_at, path(), message);
    }
}

fn root_pointer(key: &str) -> Option<String> {
    (key == "compose").then(|| {
        "containers are not supported; let a task or a service call docker compose".to_owned()
    })
}

fn daemon_pointer(key: &str) -> Option<String> {
    match key {
        "host" | "port" | "data" => Some(format!("use the --{key} flag")),
        "password" => Some("use RUNWISP_PASSWORD in the environment".to_owned()),
        "tls" | "tls_cert" | "tls_key" => {
            Some("there is no TLS here; put a reverse proxy in front".to_owned())
        }
        _ if key.contains("update") => Some("RunWisp never calls out to look for one".to_owned()),
        _ if key.contains("remote") => Some("RunWisp takes no jobs from elsewhere".to_owned()),
        _ => None,
    }
}

fn defaults_pointer(key: &str) -> Option<String> {
    match key {
        "on_overlap" | "parallelism" | "max_concurrent" | "cron" | "api_trigger"
        | "manual_trigger" | "retry_attempts" | "retry_delay" | "retry_backoff" => {
            Some(format!("{key} is per-task; set it on [tasks.<name>]"))
        }
        "notify_on_failure" | "notify_on_success" | "notify" => {
            Some("use [notify] default_notifiers for all jobs together".to_owned())
        }
        "expect" | "heartbeat" => {
            Some(format!("{key} is per job; set it on [tasks.<name>] or [services.<name>]"))
        }
        "timezone" => Some("use [scheduler] timezone".to_owned()),
        _ => None,
    }
}
