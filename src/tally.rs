//! How the runs of each job went, in numbers, for whoever scrapes `/metrics`: the main thread counts
//! what it hears, so that no scrape reads the history (docs/deployment.md, Metrics).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::event::Event;
use crate::model::job::JobName;
use crate::model::run::{EndReason, Phase, Run, RunId};

/// Clones share what was counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(Arc<Mutex<Counted>>);

/// What was counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    jobs: HashMap<JobName, Counts>,
    /// The runs that have not ended, and whether they have begun.
    open: HashMap<RunId, (JobName, bool)>,
    /// When the latest run that failed ended.
    pub(crate) last_failure: Option<Timestamp>,
}

/// Of one job.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    /// Since the daemon started, as the next.
    pub(crate) success: u64,
    /// Ends that count as failures, but for missed ticks and starts that failed.
    pub(crate) failed: u64,
    pub(crate) active: u64,
    pub(crate) queued: u64,
    pub(crate) last: Option<Last>,
    /// When the latest success ended.
    pub(crate) last_success: Option<Timestamp>,
}

/// The run of a job that ended last; refusals and missed ticks are none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Last {
    pub(crate) at: Timestamp,
    /// `None`: no process came to be.
    pub(crate) took: Option<Duration>,
    pub(crate) is_failure: bool,
    pub(crate) exit_code: i32,
}

impl Tally {
    /// Counts what the engine tells.
    pub(crate) fn hear(&self, event: &Event) {
        match event {
            Event::RunCreated(run) | Event::RunStarted(run) => self.lock().open(run),
            Event::RunEnded(run) => self.lock().end(run),
            Event::JobRemoved(job) => drop(self.lock().jobs.remove(job)),
            Event::Raised
            | Event::ReloadAsked
            | Event::StartedAnyway { .. }
            | Event::Standing(_)
            | Event::TicksMissed { .. }
            | Event::ClockJumped { .. }
            | Event::Fatal(_)
            | Event::Stopping { .. }
            | Event::CutShort(_) => {}
        }
    }

    /// Takes over what was before the start: a run that waits, or one that ended. It is not counted.
    pub(crate) fn remember(&self, run: &Run) {
        let mut counted = self.lock();
        counted.open(run);
        counted.note(run);
    }

    /// All of it, as it is now.
    pub(crate) fn counted(&self) -> Counted {
        self.lock().clone()
    }

    /// When the latest failure before the start ended.
    pub(crate) fn remember_failure(&self, at: Option<Timestamp>) {
        let mut counted = self.lock();
        counted.last_failure = counted.last_failure.max(at);
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        // Nothing panics under the lock, so what was left is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// Of these jobs, in their order.
    pub(crate) fn of<'a>(&self, jobs: impl Iterator<Item = &'a JobName>) -> Vec<Counts> {
        let mut open: HashMap<&JobName, [u64; 2]> = HashMap::new();
        for (job, has_begun) in self.open.values() {
            open.entry(job).or_default()[usize::from(*has_begun)] += 1;
        }
        let counts = |job| {
            let [queued, active] = open.get(job).copied().unwrap_or_default();
            Counts { queued, active, ..self.jobs.get(job).cloned().unwrap_or_default() }
        };
        jobs.map(counts).collect()
    }

    fn open(&mut self, run: &Run) {
        let has_begun = match run.phase {
            Phase::Pending => false,
            Phase::Running { .. } => true,
            // Its end is told too.
            Phase::Ended { .. } => return,
        };
        self.open.insert(run.id, (run.job.clone(), has_begun));
    }

    fn end(&mut self, run: &Run) {
        self.open.remove(&run.id);
        self.note(run);
        let Phase::Ended { at, end, .. } = &run.phase else { return };
        let counts = self.jobs.entry(run.job.clone()).or_default();
        if end.reason == EndReason::Success {
            counts.success += 1;
        } else if end.is_failure
            && !matches!(end.reason, EndReason::Missed | EndReason::StartFailed)
        {
            counts.failed += 1;
            self.last_failure = self.last_failure.max(Some(*at));
        }
    }

    /// What the last run of its job was.
    fn note(&mut self, run: &Run) {
        let Phase::Ended { since, at, end } = &run.phase else { return };
        match end.reason {
            EndReason::Skipped
            | EndReason::QueueFull
            | EndReason::DstSkipped
            | EndReason::Missed
            | EndReason::StartFailed => return,
            EndReason::Success
            | EndReason::Failed
            | EndReason::Timeout
            | EndReason::LogOverflow
            | EndReason::Crashed
            | EndReason::Stopped
            | EndReason::Unhealthy => {}
        }
        let counts = self.jobs.entry(run.job.clone()).or_default();
        if end.reason == EndReason::Success {
            counts.last_success = counts.last_success.max(Some(*at));
        }
        if counts.last.is_none_or(|last| last.at <= *at) {
            // A clock that was set back makes it nothing.
            let took = |since| Duration::try_from(at.duration_since(since)).unwrap_or_default();
            counts.last = Some(Last {
                at: *at,
                took: since.map(took),
                is_failure: end.is_failure,
                exit_code: end.exit_code,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::scratch::{at, ended, pending};

    fn of(tally: &Tally, job: &str) -> Counts {
        tally.counted().of([JobName::new(job)].iter()).remove(0)
    }

    #[test]
    fn ends_are_counted_once_and_refusals_are_no_last_run() {
        let tally = Tally::default();
        tally.remember(&ended("a", 1, EndReason::Success));
        assert_eq!((of(&tally, "a").success, of(&tally, "a").last_success), (0, Some(at(2))));
        let failed = ended("a", 5, EndReason::Failed);
        tally.hear(&Event::RunCreated(failed.clone()));
        tally.hear(&Event::RunEnded(failed));
        for (seconds, reason) in [(7, EndReason::Skipped), (8, EndReason::Missed)] {
            tally.hear(&Event::RunEnded(ended("a", seconds, reason)));
        }
        let counts = of(&tally, "a");
        assert_eq!((counts.success, counts.failed, counts.active, counts.queued), (0, 1, 0, 0));
        let last = counts.last.unwrap();
        assert_eq!((last.at, last.is_failure, last.exit_code), (at(6), true, 7));
        assert_eq!(tally.counted().last_failure, Some(at(6)));
        assert_eq!(of(&tally, "b"), Counts::default());
    }

    #[test]
    fn a_run_waits_then_runs_then_is_gone() {
        let tally = Tally::default();
        let mut run = pending("a", 0);
        let open = |tally: &Tally| (of(tally, "a").queued, of(tally, "a").active);
        tally.hear(&Event::RunCreated(run.clone()));
        assert_eq!(open(&tally), (1, 0));
        run.phase = Phase::Running { since: at(1) };
        tally.hear(&Event::RunStarted(run.clone()));
        assert_eq!(open(&tally), (0, 1));
        run.phase = ended("a", 0, EndReason::Success).phase;
        tally.hear(&Event::RunEnded(run));
        assert_eq!(open(&tally), (0, 0));
        assert_eq!(of(&tally, "a").success, 1);
    }
}
