//! What the engine tells the outside once it is durable.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::job::JobName;
use crate::model::run::{Run, RunId};

/// Something that listeners may want to know. The events of one run come in the order
/// created, started, ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    RunCreated(Run),
    RunStarted(Run),
    RunEnded(Run),
    /// Something is to be told, see [`crate::model::change::Change::Raise`].
    Raised,
    /// The configuration is to be read again.
    ReloadAsked,
    /// A job is no longer configured.
    JobRemoved(JobName),
    /// A schedule has another next tick, or a job was switched off or on.
    Standing(Standing),
    /// Ticks passed unfired; `started` runs make up for them.
    TicksMissed {
        job: JobName,
        missed: Missed,
        started: usize,
    },
    /// The wall clock moved by more than 90 s against the steady one.
    ClockJumped {
        direction: Direction,
        by: Duration,
    },
    /// A service started although these are not healthy.
    StartedAnyway {
        job: JobName,
        missing: Vec<JobName>,
    },
    /// The daemon cannot go on; the text says why.
    Fatal(String),
    /// The daemon is about to stop, with so many runs in flight.
    Stopping {
        why: &'static str,
        in_flight: usize,
    },
    /// These runs had to be killed: the shutdown budget was used up, or a second signal came.
    CutShort(Vec<(JobName, RunId)>),
}

/// How a job stands between its runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) job: JobName,
    /// When its schedule ticks next.
    pub(crate) next: Option<Timestamp>,
    pub(crate) switch: Switch,
    /// The replicas of a service, by slot.
    pub(crate) instances: Vec<Instance>,
}

/// One replica of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instance {
    pub(crate) state: InstanceState,
    pub(crate) run: Option<RunId>,
    /// Starts in a row that failed.
    pub(crate) failed: u32,
}

/// docs/running.md, Services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstanceState {
    /// It runs, but has not shown yet that it is well.
    Starting,
    Healthy,
    Stopping,
    /// It waits to be started again.
    Backoff,
    /// It waits for what it depends on.
    Waiting,
    Stopped,
    /// It ended, and is to stay so.
    Finished,
    /// It failed to start too often.
    Fatal,
}

impl InstanceState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            InstanceState::Starting => "starting",
            InstanceState::Healthy => "healthy",
            InstanceState::Stopping => "stopping",
            InstanceState::Backoff => "backoff",
            InstanceState::Waiting => "waiting",
            InstanceState::Stopped => "stopped",
            InstanceState::Finished => "finished",
            InstanceState::Fatal => "fatal",
        }
    }
}

/// Whether a job does anything by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    /// The schedule of a task is off.
    Paused,
    /// All slots of a service are kept empty.
    Stopped,
    /// A replica of a service failed to start too often.
    Fatal,
    /// Cron is alive, and runs the task.
    Held,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Back,
}

/// How many ticks passed unfired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missed {
    /// Exact, unless `cut`: then there were more.
    pub(crate) count: usize,
    /// Counting stopped early.
    pub(crate) cut: bool,
    pub(crate) first: Timestamp,
    /// The newest one, or the newest that was counted.
    pub(crate) last: Timestamp,
}
