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
}

/// Whether a job does anything by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    On,
    /// The schedule of a task is off.
    Paused,
    /// All slots of a service are kept empty.
    Stopped,
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
