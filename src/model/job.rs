//! Jobs as the configuration defines them, complete and valid: defaults are filled in, every
//! number is in its range. Only `config` makes them.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::base::words::as_words;
use crate::cron::Schedule;
use crate::model::alert::Kinds;
use crate::model::failures::Failures;
use crate::model::notifier::JobAlerts;
use crate::model::param::Param;
use crate::model::process::Process;
use crate::model::service::Service;

/// The name of a task or service: its identity everywhere (docs/configuration.md, Names).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct JobName(Arc<str>);

impl JobName {
    /// Takes any text: names of former jobs come from the database too.
    pub(crate) fn new(name: &str) -> JobName {
        JobName(name.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The directory that the logs of a job go to, below `logs/`: its name with everything outside
/// `A-Z a-z 0-9 _ -` replaced by `_`.
pub(crate) fn log_directory(name: &str) -> String {
    let safe = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    name.chars().map(|letter| if safe(letter) { letter } else { '_' }).collect()
}

impl Borrow<str> for JobName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where a job is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// In the file of the daemon itself.
    Root,
    /// In a file that it includes.
    Included(Arc<Path>),
    /// In a line of a crontab, from 1. While cron is alive it runs the job, and nobody else does.
    Crontab(Arc<Path>, u32),
}

/// One `[tasks.NAME]` or `[services.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Job {
    pub(crate) name: JobName,
    pub(crate) source: Source,
    pub(crate) description: String,
    /// The heading it stands under in listings.
    pub(crate) group: Cow<'static, str>,
    /// The script, byte for byte as the shell gets it.
    pub(crate) run: Arc<str>,
    /// Whether people and programs may start it by hand.
    pub(crate) api_trigger: bool,
    /// Who may operate it without the password.
    pub(crate) hooks: Vec<Hook>,
    /// From the start of the process to its stop; `None` is no limit.
    pub(crate) timeout: Option<Duration>,
    pub(crate) log: LogLimit,
    pub(crate) keep: Keep,
    pub(crate) stop: Stop,
    pub(crate) process: Process,
    /// Which outcomes are failures.
    pub(crate) failures: Arc<Failures>,
    pub(crate) alerts: Arc<JobAlerts>,
    /// What somebody wants to be told of it.
    pub(crate) raises: Kinds,
    pub(crate) work: Work,
}

impl Job {
    pub(crate) fn kind(&self) -> Kind {
        match self.work {
            Work::Task(_) => Kind::Task,
            Work::Service(_) => Kind::Service,
        }
    }

    pub(crate) fn task(&self) -> Option<&Task> {
        match &self.work {
            Work::Task(task) => Some(task),
            Work::Service(_) => None,
        }
    }

    pub(crate) fn service(&self) -> Option<&Service> {
        match &self.work {
            Work::Task(_) => None,
            Work::Service(service) => Some(service),
        }
    }
}

/// A token that operates one job and nothing else (docs/security.md, Hook tokens).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hook {
    /// At least 32 characters without blanks; never shown.
    pub(crate) token: String,
    /// What it may be used for.
    pub(crate) allow: Vec<Verb>,
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hook(<hidden> for {:?})", self.allow)
    }
}

/// Something that runs to completion, or something that is kept alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Task,
    Service,
}

as_words!(Kind);

impl Kind {
    pub(crate) const ALL: [Kind; 2] = [Kind::Task, Kind::Service];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Kind::Task => "task",
            Kind::Service => "service",
        }
    }
}

/// What people and programs do with a job (docs/running.md, Starting by hand).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// A new run, whatever else runs.
    Run,
    /// A new run unless there is one; a service that was stopped gets its replicas.
    Start,
    /// Ends what runs and waits; a service stays stopped until it is started again.
    Stop,
    /// Both, one after the other.
    Restart,
    /// The schedule is off until it is resumed.
    Pause,
    Resume,
}

impl Verb {
    pub(crate) const ALL: [Verb; 6] =
        [Verb::Run, Verb::Start, Verb::Stop, Verb::Restart, Verb::Pause, Verb::Resume];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Verb::Run => "run",
            Verb::Start => "start",
            Verb::Stop => "stop",
            Verb::Restart => "restart",
            Verb::Pause => "pause",
            Verb::Resume => "resume",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Work {
    Task(Task),
    Service(Service),
}

/// What only tasks have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Task {
    /// `None`: runs only when it is triggered.
    pub(crate) schedule: Option<Arc<Schedule>>,
    pub(crate) catch_up: CatchUp,
    /// Runs at once, 1 to 1024.
    pub(crate) parallelism: usize,
    pub(crate) on_overlap: Overlap,
    /// Runs that may wait under [`Overlap::Queue`], 0 to 10,000.
    pub(crate) max_queued: usize,
    pub(crate) after_failure: AfterFailure,
    pub(crate) run_on_start: RunOnStart,
    /// Ticks that are due together wait for one another, each so long at most; `None`: not at all.
    pub(crate) jitter: Option<Duration>,
    /// What a run may be given, in the order of the file.
    pub(crate) params: Arc<[Param]>,
}

/// What becomes of ticks that passed while nobody was there to fire them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CatchUp {
    Skip,
    Latest,
    /// One run per missed tick, at most `cap` (1 to 10,000).
    All {
        cap: usize,
    },
}

/// What becomes of a run that finds every slot taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overlap {
    Queue,
    Skip,
    Terminate,
}

impl Overlap {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Overlap::Queue => "queue",
            Overlap::Skip => "skip",
            Overlap::Terminate => "terminate",
        }
    }
}

/// What follows a run that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterFailure {
    /// `attempts` further runs, 0 to 100.
    Retry { attempts: u32, delay: Duration, backoff: Backoff },
    /// `restart = "on_failure"`: again and again until it succeeds.
    Restart,
}

/// How a wait grows with the number of attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backoff {
    Constant,
    Linear,
    Exponential,
}

impl Backoff {
    /// The wait before attempt `n` (1, 2, …), never above `cap`.
    pub(crate) fn wait(self, base: Duration, n: u32, cap: Duration) -> Duration {
        let factor = match self {
            Backoff::Constant => 1,
            Backoff::Linear => n,
            Backoff::Exponential => 1u32.checked_shl(n.saturating_sub(1)).unwrap_or(u32::MAX),
        };
        base.saturating_mul(factor).min(cap)
    }
}

/// When a task also runs as the daemon starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunOnStart {
    Never,
    Daemon,
    /// Once per boot of the machine.
    Boot,
}

/// The most that one run may write into its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogLimit {
    /// Bytes of one segment; `None` is no limit.
    pub(crate) max: Option<u64>,
    pub(crate) on_full: OnFull,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnFull {
    DropOld,
    DropNew,
    KillTask,
}

/// How many ended runs are kept, and for how long; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keep {
    pub(crate) runs: Option<u64>,
    pub(crate) age: Option<Duration>,
}

/// How a run is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) signal: StopSignal,
    /// Between the stop signal and SIGKILL; zero kills at once.
    pub(crate) grace: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSignal {
    Term,
    Int,
    Quit,
    Hup,
    Kill,
    Usr1,
    Usr2,
}

impl StopSignal {
    pub(crate) const ALL: [StopSignal; 7] = [
        StopSignal::Term,
        StopSignal::Int,
        StopSignal::Quit,
        StopSignal::Hup,
        StopSignal::Kill,
        StopSignal::Usr1,
        StopSignal::Usr2,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            StopSignal::Term => "SIGTERM",
            StopSignal::Int => "SIGINT",
            StopSignal::Quit => "SIGQUIT",
            StopSignal::Hup => "SIGHUP",
            StopSignal::Kill => "SIGKILL",
            StopSignal::Usr1 => "SIGUSR1",
            StopSignal::Usr2 => "SIGUSR2",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_name_holds_only_safe_characters() {
        for (name, directory) in [
            ("backup-db_2", "backup-db_2"),
            ("a.b:c%d", "a_b_c_d"),
            ("../etc", "___etc"),
            ("<script>", "_script_"),
            ("sauvegarde é", "sauvegarde__"),
        ] {
            assert_eq!(log_directory(name), directory, "{name}");
        }
    }

    #[test]
    fn waits_grow_as_the_manual_says() {
        // docs/running.md, Retries.
        let cap = Duration::from_secs(300);
        let waits = |backoff: Backoff, base| {
            (1..=7).map(move |n| backoff.wait(Duration::from_secs(base), n, cap).as_secs())
        };
        assert!(waits(Backoff::Exponential, 10).eq([10, 20, 40, 80, 160, 300, 300]));
        assert!(waits(Backoff::Linear, 2).eq([2, 4, 6, 8, 10, 12, 14]));
        assert!(waits(Backoff::Linear, 60).eq([60, 120, 180, 240, 300, 300, 300]));
        assert!(waits(Backoff::Constant, 900).eq([300; 7]));
        assert_eq!(Backoff::Exponential.wait(Duration::from_secs(1), u32::MAX, cap), cap);
        assert_eq!(Backoff::Exponential.wait(Duration::ZERO, 50, cap), Duration::ZERO);
    }
}
