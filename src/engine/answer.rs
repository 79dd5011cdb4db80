//! What becomes of a request: the words the engine answers with.

use crate::model::difference::Difference;
use crate::model::job::JobName;
use crate::model::run::{Run, RunId};

/// What became of a request. Sent when it is durable; a refusal, which changes nothing, at once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// The row of the run; it may have ended already (`skipped`, `queue_full`).
    Created(Run),
    Operated(Outcome),
    Reloaded(Difference),
    Done,
    /// Nothing was done and no row written; the text says why.
    Refused(Refusal),
}

/// What a verb other than `run` came to; all empty where there was nothing to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Runs that were made; one that waits is among them.
    pub(crate) created: Vec<RunId>,
    /// Runs with a slot that are on their way out. Replicas that are to be replaced come back by
    /// themselves, each as a run that follows the one before it.
    pub(crate) leaving: Vec<RunId>,
    /// Runs that waited, in line or for a retry, and do so no longer.
    pub(crate) dropped: usize,
}

/// Why a request was refused (docs/api.md, Operating tasks).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownJob(JobName),
    ShuttingDown,
    NotTriggerable,
    NoFreeSlot,
    NotScheduled(JobName),
    UnknownRun,
    NoParameters,
    /// This parameter has no default.
    NeedsValue(String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::UnknownJob(job) => write!(f, "task not found: {job}"),
            Refusal::ShuttingDown => f.write_str("the daemon is shutting down"),
            Refusal::NotTriggerable => f.write_str("API triggering disabled for this task"),
            Refusal::NoFreeSlot => f.write_str("no free replica slots"),
            Refusal::NotScheduled(job) => write!(f, "{job} has no schedule to pause"),
            Refusal::UnknownRun => f.write_str("run not found"),
            Refusal::NeedsValue(key) => write!(f, "the parameter {key} needs a value"),
            Refusal::NoParameters => f.write_str("the parameters do not fit the task any more"),
        }
    }
}
