//! Settings that jobs inherit: each comes from the job's own table, else from `[defaults]`,
//! else from the built-in values. `[defaults]` itself inherits the built-in ones, so one
//! function reads both (docs/configuration.md, Defaults).

use std::sync::Arc;
use std::time::Duration;

use super::schema::Shape;
use super::surroundings::Surroundings;
use super::table::Table;
use super::{failures, notify, process, service, task};
use crate::base::duration;
use crate::base::sentence::quoted;
use crate::model::failures::Failures;
use crate::model::job::{Backoff, CatchUp, Keep, LogLimit, OnFull, Stop, StopSignal};
use crate::model::notifier::JobAlerts;
use crate::model::process::Process;

/// The most runs that `keep_runs` may ask for; a guard against typing errors, like the next.
const KEEP_RUNS_LIMIT: i64 = 1_000_000;
const KEEP_FOR_LIMIT: Duration = Duration::from_secs(36_500 * 86_400);

const ON_FULL: [(&str, OnFull); 4] = [
    ("drop_new", OnFull::DropNew),
    ("drop_old", OnFull::DropOld),
    ("kill_task", OnFull::KillTask),
    ("kill", OnFull::KillTask),
];

/// Everything that `[defaults]` may set.
#[derive(Clone, Debug)]
pub(crate) struct Inherited {
    pub(crate) timeout: Option<Duration>,
    pub(crate) log: LogLimit,
    pub(crate) keep: Keep,
    pub(crate) stop: Stop,
    pub(crate) process: Process,
    pub(crate) failures: Arc<Failures>,
    /// Of these a job takes over what it takes for an alert; the rest is empty.
    pub(crate) alerts: Arc<JobAlerts>,
    /// Whether ticks that were missed are told.
    pub(crate) tells_missed: bool,
    pub(crate) catch_up: CatchUp,
    pub(crate) jitter: Option<Duration>,
    pub(crate) starts: Starts,
}

/// What `[defaults]` may set for services alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Starts {
    pub(crate) delay: Duration,
    pub(crate) backoff: Backoff,
    pub(crate) healthy_after: Duration,
    pub(crate) attempts: u32,
}

impl Inherited {
    /// docs/configuration.md, Defaults.
    pub(crate) fn built_in() -> Inherited {
        Inherited {
            timeout: None,
            log: LogLimit { max: Some(100 << 20), on_full: OnFull::DropOld },
            keep: Keep { runs: Some(10_000), age: None },
            stop: Stop { signal: StopSignal::Term, grace: Duration::from_secs(5) },
            process: Process::plain(),
            failures: Arc::default(),
            alerts: Arc::default(),
            tells_missed: true,
            catch_up: CatchUp::Latest,
            jitter: None,
            starts: Starts {
                delay: Duration::from_secs(1),
                backoff: Backoff::Exponential,
                healthy_after: Duration::from_secs(60),
                attempts: 3,
            },
        }
    }

    /// What a table sets, and this where it sets nothing.
    pub(crate) fn overridden_by(&self, table: &Table<'_>, shutdown_timeout: Duration) -> Inherited {
        // Zero switches a limit off that would be inherited.
        let timeout = table.duration("timeout").map(|limit| Some(limit).filter(|it| !it.is_zero()));
        let log_max = table.size("log_max_size").map(|size| Some(size).filter(|size| *size > 0));
        let on_full = table.choice("log_on_full", &ON_FULL);
        Inherited {
            timeout: timeout.unwrap_or(self.timeout),
            log: LogLimit {
                max: log_max.unwrap_or(self.log.max),
                on_full: on_full.unwrap_or(self.log.on_full),
            },
            keep: Keep {
                runs: keep_runs(table).unwrap_or(self.keep.runs),
                age: keep_for(table).unwrap_or(self.keep.age),
            },
            stop: Stop {
                signal: stop_signal(table).unwrap_or(self.stop.signal),
                grace: grace(table, shutdown_timeout).unwrap_or(self.stop.grace),
            },
            failures: failures::read(table, &self.failures),
            ..self.clone()
        }
    }

    /// What `[defaults]` says beside that. Jobs say more about these things, or only one kind of
    /// them does, so they read them elsewhere.
    pub(crate) fn with_defaults(
        self,
        defaults: &Table<'_>,
        surroundings: &Surroundings<'_>,
    ) -> Inherited {
        Inherited {
            process: process::shared(defaults, &self.process, surroundings),
            alerts: notify::job::defaults(defaults, &self.alerts),
            tells_missed: defaults.switch("notify_on_missed").unwrap_or(self.tells_missed),
            catch_up: task::catch_up(defaults, self.catch_up),
            jitter: task::jitter(defaults, self.jitter),
            starts: service::starts(defaults, self.starts),
            ..self
        }
    }
}

/// `None` inherits, `Some(None)` keeps all.
fn keep_runs(table: &Table<'_>) -> Option<Option<u64>> {
    let rule = format_args!(
        "must be -1 (unlimited), 0 (inherit) or a positive count of at most {KEEP_RUNS_LIMIT}"
    );
    match table.whole_number("keep_runs", &(-1..=KEEP_RUNS_LIMIT), rule)? {
        0 => None,
        count => Some(u64::try_from(count).ok()),
    }
}

/// `None` inherits, `Some(None)` keeps for ever.
fn keep_for(table: &Table<'_>) -> Option<Option<Duration>> {
    table.note("keep_for", || {
        Shape::Is(r#"{"type":"string","pattern":"^[Uu][Nn][Ll][Ii][Mm][Ii][Tt][Ee][Dd]$"}"#)
    });
    let text = table.duration_text("keep_for")?;
    if text.eq_ignore_ascii_case("unlimited") {
        return Some(None);
    }
    let rule = r#"must be "unlimited", omitted or a positive duration of at most 36500d"#;
    match duration::parse(text) {
        Ok(age) if !age.is_zero() && age <= KEEP_FOR_LIMIT => Some(Some(age)),
        Ok(_) => {
            table.error("keep_for", format!("{}; {rule}", quoted(text)));
            None
        }
        Err(error) => {
            let form = duration::FORM;
            table.error("keep_for", format!("{}: {error}; {rule}; {form}", quoted(text)));
            None
        }
    }
}

fn stop_signal(table: &Table<'_>) -> Option<StopSignal> {
    let text = table.text("stop_signal").filter(|text| !text.is_empty())?;
    let signal = StopSignal::ALL.into_iter().find(|it| it.as_str().eq_ignore_ascii_case(text));
    if signal.is_none() {
        let names = StopSignal::ALL.map(StopSignal::as_str).join(", ");
        table.error("stop_signal", format!("{}; must be one of {names}", quoted(text)));
    }
    signal
}

fn grace(table: &Table<'_>, shutdown_timeout: Duration) -> Option<Duration> {
    let grace = table.duration("graceful_stop")?;
    if grace > shutdown_timeout {
        let message = format!(
            "{grace:?} is longer than [daemon] shutdown_timeout ({shutdown_timeout:?}), \
             which ends it when the daemon stops"
        );
        table.warn("graceful_stop", message);
    }
    Some(grace)
}
