//! One execution of a job, and every refusal of one: what a row of the history says.

use std::fmt;

use jiff::Timestamp;

use crate::base::ulid::Ulid;
use crate::base::words::as_words;
use crate::model::job::{JobName, Kind};
use crate::model::param::Given;

/// The id of a run.
pub(crate) type RunId = Ulid;

/// No process ever gave an exit status: never started, skipped or refused.
pub(crate) const NO_EXIT_STATUS: i32 = -1;
/// The daemon died while the run was running.
pub(crate) const CRASHED: i32 = -2;

/// One row of the history.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) id: RunId,
    pub(crate) job: JobName,
    pub(crate) kind: Kind,
    pub(crate) trigger: Trigger,
    pub(crate) created_at: Timestamp,
    pub(crate) phase: Phase,
    /// 0 for the first run, 1 for its first retry.
    pub(crate) retry_attempt: u32,
    /// The direct predecessor in a chain of retries or restarts.
    pub(crate) retry_of: Option<RunId>,
    /// The slot of a service, 0 for tasks.
    pub(crate) replica: u16,
    /// What it was given; empty for tasks that take nothing.
    pub(crate) params: Given,
    /// The number of the configuration whose definition it runs; 0 is unknown.
    pub(crate) config: u32,
}

impl Run {
    /// When its process came to be, else its row.
    pub(crate) fn began(&self) -> Timestamp {
        let since = match self.phase {
            Phase::Pending => None,
            Phase::Running { since } => Some(since),
            Phase::Ended { since, .. } => since,
        };
        since.unwrap_or(self.created_at)
    }
}

/// How far a run has come; it never goes back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Phase {
    Pending,
    Running { since: Timestamp },
    Ended { since: Option<Timestamp>, at: Timestamp, end: End },
}

impl Phase {
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Phase::Pending => "pending",
            Phase::Running { .. } => "running",
            Phase::Ended { .. } => "ended",
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct End {
    pub(crate) reason: EndReason,
    /// Whether it counts as a failure of its job, whatever the reason says by itself.
    pub(crate) is_failure: bool,
    /// 0 to 255, [`NO_EXIT_STATUS`] or [`CRASHED`].
    pub(crate) exit_code: i32,
    /// The cause in a few words, where the reason does not say it all.
    pub(crate) message: Option<String>,
    pub(crate) log: LogTotals,
    /// Known of a process whose end was seen.
    pub(crate) usage: Option<Usage>,
}

impl End {
    /// An end without a log, of a job that nobody knows any more.
    pub(crate) fn unjudged(reason: EndReason, exit_code: i32, message: Option<String>) -> End {
        let is_failure = reason.is_failure();
        End { reason, is_failure, exit_code, message, log: LogTotals::default(), usage: None }
    }

    pub(crate) fn fate(&self) -> Fate {
        Fate { reason: self.reason, is_failure: self.is_failure }
    }
}

/// What became of a run, as it is counted and shown: `failures` of its job may judge a reason
/// otherwise than [`EndReason::is_failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) reason: EndReason,
    pub(crate) is_failure: bool,
}

impl From<EndReason> for Fate {
    fn from(reason: EndReason) -> Fate {
        Fate { reason, is_failure: reason.is_failure() }
    }
}

impl Fate {
    /// Both ways in which each reason can be judged. A success is never a failure.
    pub(crate) fn all() -> impl Iterator<Item = Fate> {
        let as_said = EndReason::ALL.into_iter().map(Fate::from);
        let otherwise = |fate: Fate| Fate { is_failure: !fate.is_failure, ..fate };
        as_said
            .clone()
            .chain(as_said.filter(|fate| fate.reason != EndReason::Success).map(otherwise))
    }

    /// Whether this is what the reason says by itself.
    pub(crate) fn is_as_usual(self) -> bool {
        self == Fate::from(self.reason)
    }

    /// The worse of the two: what a day or a bucket of many runs is shown as (docs/api.md, History
    /// and pictures). Whatever does not count as a failure that usually is one is hardly worse
    /// than a success.
    pub(crate) fn worse(self, other: Fate) -> Fate {
        if other != self && other.severity() < self.severity() { other } else { self }
    }

    /// The worst first.
    pub(crate) fn severity(self) -> (u8, usize) {
        let step = match (self.is_failure, self.is_as_usual()) {
            (true, _) => 0,
            (false, true) if self.reason != EndReason::Success => 1,
            (false, false) => 2,
            (false, true) => 3,
        };
        let place = EndReason::WORST_FIRST.into_iter().position(|one| one == self.reason);
        (step, place.unwrap_or(usize::MAX))
    }
}

/// What the log of a run holds at its close.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogTotals {
    pub(crate) lines: u64,
    /// Process output received, dropped bytes included.
    pub(crate) bytes: u64,
    pub(crate) truncated: bool,
}

/// What a process took of the machine, with those of its children that it waited for; with a cgroup
/// of its own, what all in it took (docs/deployment.md, Cgroups).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Time on processors, its own and the kernel's for it.
    pub(crate) cpu_ms: u64,
    /// Of the largest of them, or of all together, in bytes.
    pub(crate) peak_memory: u64,
}

/// Why a run is over (docs/running.md, How a run ends).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum EndReason {
    Success,
    Failed,
    Timeout,
    LogOverflow,
    Crashed,
    Stopped,
    Skipped,
    QueueFull,
    DstSkipped,
    Missed,
    /// A replica failed to start too often: its slot stays empty.
    StartFailed,
    /// A replica was stopped because its health check failed.
    Unhealthy,
}

impl EndReason {
    pub(crate) const ALL: [EndReason; 12] = [
        EndReason::Success,
        EndReason::Failed,
        EndReason::Timeout,
        EndReason::LogOverflow,
        EndReason::Crashed,
        EndReason::Stopped,
        EndReason::Skipped,
        EndReason::QueueFull,
        EndReason::DstSkipped,
        EndReason::Missed,
        EndReason::StartFailed,
        EndReason::Unhealthy,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            EndReason::Success => "success",
            EndReason::Failed => "failed",
            EndReason::Timeout => "timeout",
            EndReason::LogOverflow => "log_overflow",
            EndReason::Crashed => "crashed",
            EndReason::Stopped => "stopped",
            EndReason::Skipped => "skipped",
            EndReason::QueueFull => "queue_full",
            EndReason::DstSkipped => "dst_skipped",
            EndReason::Missed => "missed",
            EndReason::StartFailed => "start_failed",
            EndReason::Unhealthy => "unhealthy",
        }
    }

    pub(crate) fn is_failure(self) -> bool {
        match self {
            EndReason::Failed
            | EndReason::Timeout
            | EndReason::LogOverflow
            | EndReason::Crashed
            | EndReason::Missed
            | EndReason::StartFailed
            | EndReason::Unhealthy => true,
            EndReason::Success
            | EndReason::Stopped
            | EndReason::Skipped
            | EndReason::QueueFull
            | EndReason::DstSkipped => false,
        }
    }

    /// See [`Fate::worse`].
    const WORST_FIRST: [EndReason; 12] = [
        EndReason::StartFailed,
        EndReason::Crashed,
        EndReason::Unhealthy,
        EndReason::Failed,
        EndReason::Timeout,
        EndReason::LogOverflow,
        EndReason::Missed,
        EndReason::QueueFull,
        EndReason::Stopped,
        EndReason::Skipped,
        EndReason::DstSkipped,
        EndReason::Success,
    ];

    /// Failures of a run that really ran; a missed tick has nothing to repeat.
    pub(crate) fn is_retryable(self) -> bool {
        self.is_failure() && self != EndReason::Missed
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    Cron,
    Api,
    Service,
    Startup,
    /// Somebody who holds a hook token of the job.
    Hook,
}

impl Trigger {
    pub(crate) const ALL: [Trigger; 5] =
        [Trigger::Cron, Trigger::Api, Trigger::Service, Trigger::Startup, Trigger::Hook];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Trigger::Cron => "cron",
            Trigger::Api => "api",
            Trigger::Service => "service",
            Trigger::Startup => "startup",
            Trigger::Hook => "hook",
        }
    }
}

/// Who a process is, so that a later daemon never mistakes another one for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leader {
    pub(crate) pid: i32,
    /// Clock ticks since boot, field 22 of `/proc/PID/stat` (proc_pid_stat(5)).
    pub(crate) start: u64,
}

/// Why runwisp stops a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its `timeout` passed.
    Timeout,
    /// `log_on_full = "kill_task"` at `log_max_size`.
    LogOverflow,
    /// The disk is nearly full and `log_on_full` is `kill_task`.
    DiskPressure,
    /// Somebody asked for it.
    Operator,
    /// A newer run takes its slot (`on_overlap = "terminate"`).
    Superseded,
    /// The daemon stops.
    Shutdown,
    /// Its health check failed.
    Unhealthy,
    /// Its job has another definition now, or none.
    Reconfigured,
}

as_words!(EndReason, Trigger, Cause);

impl Cause {
    pub(crate) const ALL: [Cause; 8] = [
        Cause::Timeout,
        Cause::LogOverflow,
        Cause::DiskPressure,
        Cause::Operator,
        Cause::Superseded,
        Cause::Shutdown,
        Cause::Unhealthy,
        Cause::Reconfigured,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Cause::Timeout => "timeout",
            Cause::LogOverflow => "log_overflow",
            Cause::DiskPressure => "disk_pressure",
            Cause::Operator => "operator",
            Cause::Superseded => "superseded",
            Cause::Shutdown => "shutdown",
            Cause::Unhealthy => "unhealthy",
            Cause::Reconfigured => "reconfigured",
        }
    }
}

/// What a run's thread reports when the run is over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exit {
    pub(crate) how: ExitHow,
    /// Why runwisp stopped it, if it did.
    pub(crate) cause: Option<Cause>,
    pub(crate) log: LogTotals,
    /// When it was over: the leader gone, and with it the group or the pipes.
    pub(crate) at: Timestamp,
    /// The pattern of `failures` that a line of its output fitted first.
    pub(crate) matched: Option<String>,
    /// What the machine looked like when it went wrong.
    pub(crate) snapshot: Option<Box<str>>,
    pub(crate) usage: Option<Usage>,
}

impl Exit {
    /// An end with nothing more to be told of it.
    pub(crate) fn new(how: ExitHow, cause: Option<Cause>, log: LogTotals, at: Timestamp) -> Exit {
        Exit { how, cause, log, at, matched: None, snapshot: None, usage: None }
    }
}

/// The disk is so full that output is no longer stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pressure {
    /// Bytes that are free, and that have to be.
    pub(crate) free: u64,
    pub(crate) min: u64,
    /// Whether the run is stopped for it.
    pub(crate) stopped: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ExitHow {
    Code(i32),
    /// The number of the signal that killed the leader.
    Signal(i32),
    /// No process came to be, or its thread was lost; the text says why.
    NotStarted(String),
}
