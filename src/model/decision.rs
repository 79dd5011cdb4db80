//! What the engine decided about the ticks of a task where it was more than to start a run, and
//! what explains why nothing ran (docs/running.md, Why did it run).

use jiff::Timestamp;

use crate::base::words::as_words;
use crate::model::job::JobName;
use crate::model::run::RunId;

/// One decision; a tick that simply starts a run is told by the row of the run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decision {
    /// `None` concerns all jobs.
    pub(crate) job: Option<JobName>,
    pub(crate) at: Timestamp,
    pub(crate) what: What,
    /// The tick in question, or the first of many.
    pub(crate) tick: Option<Timestamp>,
    /// Up to when, or the instant that it came to instead.
    pub(crate) until: Option<Timestamp>,
    /// The run that came of it.
    pub(crate) run: Option<RunId>,
    /// The run that stood in the way.
    pub(crate) other: Option<RunId>,
    /// In a few words, where the rest does not say it all.
    pub(crate) detail: String,
}

/// What was decided, or happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The run waits behind others.
    Queued,
    /// An older run was stopped for it.
    Replaced,
    Skipped,
    QueueFull,
    /// Ticks from `tick` to `until` passed while nobody was there.
    Missed,
    /// The tick fell into the gap of a clock that went forward, and fired at `until`.
    Moved,
    /// The tick came twice as the clock went back; this was the second time.
    Repeated,
    /// The run waits for its turn until `until`.
    Jitter,
    Paused,
    Resumed,
    /// The wall clock went from `tick` to `until`.
    Stepped,
    /// The job is new, has another definition, or is gone.
    Added,
    Changed,
    Removed,
    /// Cron is alive and runs the job; or no longer.
    Held,
    Released,
}

as_words!(What);

impl What {
    pub(crate) const ALL: [What; 16] = [
        What::Queued,
        What::Replaced,
        What::Skipped,
        What::QueueFull,
        What::Missed,
        What::Moved,
        What::Repeated,
        What::Jitter,
        What::Paused,
        What::Resumed,
        What::Stepped,
        What::Added,
        What::Changed,
        What::Removed,
        What::Held,
        What::Released,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            What::Queued => "queued",
            What::Replaced => "replaced",
            What::Skipped => "skipped",
            What::QueueFull => "queue_full",
            What::Missed => "missed",
            What::Moved => "moved",
            What::Repeated => "repeated",
            What::Jitter => "jitter",
            What::Paused => "paused",
            What::Resumed => "resumed",
            What::Stepped => "stepped",
            What::Added => "added",
            What::Changed => "changed",
            What::Removed => "removed",
            What::Held => "held",
            What::Released => "released",
        }
    }
}

impl Decision {
    pub(crate) fn new(job: Option<JobName>, at: Timestamp, what: What) -> Decision {
        let detail = String::new();
        Decision { job, at, what, tick: None, until: None, run: None, other: None, detail }
    }
}
