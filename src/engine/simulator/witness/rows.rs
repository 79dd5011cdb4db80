//! Watches the rows that the engine writes: who is admitted, who waits or is refused, in which
//! order, and why a run ends (docs/running.md, Overlap, How a run ends).

use std::collections::BTreeMap;

use super::{Seen, Witness};
use crate::base::time::Moment;
use crate::engine::simulator::almanac::Owed;
use crate::model::job::{JobName, Kind, Overlap, Verb};
use crate::model::run::{Cause, EndReason, ExitHow, Phase, Run, RunId, Trigger};

impl Witness {
    pub(super) fn inserted(&mut self, now: Moment, run: &Run, is_freeing: bool) {
        let is_in_time = self.stopping_since.is_none_or(|since| since == now.steady);
        let is_over = matches!(run.phase, Phase::Ended { .. });
        assert!(is_in_time || is_over, "{run:?} is created after the stop began");
        assert!(self.last_id.is_none_or(|last| last < run.id), "ids increase");
        self.last_id = Some(run.id);
        let job = &self.jobs[&run.job];
        let lane = self.lanes.get_mut(&run.job).unwrap();
        match job.task() {
            None if matches!(run.phase, Phase::Ended { .. }) => self.chains.given_up(run),
            None => {
                let is_asked = self
                    .asked
                    .as_ref()
                    .is_some_and(|asked| asked.job == run.job && asked.verb != Verb::Stop);
                let taken: Vec<u16> =
                    lane.active.iter().map(|id| self.runs[id].run.replica).collect();
                assert!(!taken.contains(&run.replica), "{} has no slot", run.id);
                if matches!(run.trigger, Trigger::Api | Trigger::Hook) {
                    assert!(
                        (0..run.replica).all(|lower| taken.contains(&lower)),
                        "the lowest slot"
                    );
                }
                self.chains.replica_starts(now, run, is_asked);
            }
            Some(task) => {
                let is_full = lane.active.len() >= task.parallelism || !lane.waiting.is_empty();
                let waiting = lane.waiting.len();
                let is_last = self
                    .asked
                    .as_ref()
                    .is_some_and(|asked| asked.makes_last() && asked.is_for(run));
                match &run.phase {
                    Phase::Running { .. } => assert!(!is_full, "{} passes others", run.id),
                    Phase::Pending if is_last => {
                        assert!(!lane.active.is_empty() && waiting == 0, "{} waits alone", run.id);
                        lane.last = Some(run.id);
                    }
                    Phase::Pending => {
                        assert!(is_full || is_freeing, "{} waits for nothing", run.id);
                        match task.on_overlap {
                            Overlap::Queue => assert!(waiting < task.max_queued),
                            Overlap::Terminate => assert!(waiting < task.parallelism),
                            Overlap::Skip => panic!("nobody waits"),
                        }
                    }
                    Phase::Ended { end, .. } => match end.reason {
                        EndReason::Skipped => {
                            assert!(task.on_overlap == Overlap::Skip && (is_full || is_freeing));
                        }
                        EndReason::QueueFull => {
                            assert!(
                                task.on_overlap == Overlap::Queue && waiting >= task.max_queued
                            );
                            assert!(is_full || is_freeing);
                        }
                        EndReason::Missed | EndReason::DstSkipped => {}
                        EndReason::StartFailed | EndReason::Unhealthy => {
                            panic!("a task is never given up")
                        }
                        EndReason::Stopped => self.chains.called_off(run),
                        EndReason::Success
                        | EndReason::Failed
                        | EndReason::Timeout
                        | EndReason::LogOverflow
                        | EndReason::Crashed => panic!("{run:?} is no refusal"),
                    },
                }
                if let Some(before) = run.retry_of.filter(|_| !is_called_off(run)) {
                    self.chains.follows(now, job, run, self.runs.get(&before));
                }
            }
        }
        match run.phase {
            Phase::Running { .. } => lane.active.push(run.id),
            Phase::Pending => lane.waiting.push_back(run.id),
            Phase::Ended { .. } => {}
        }
        self.runs.insert(run.id, Seen::new(run.clone(), now));
    }

    pub(super) fn leaves_line(&mut self, now: Moment, id: RunId) {
        let seen = self.runs.get_mut(&id).unwrap();
        seen.began = now.steady;
        let lane = self.lanes.get_mut(&seen.run.job).unwrap();
        assert_eq!(lane.waiting.pop_front(), Some(id), "the oldest goes first");
        assert!(lane.last != Some(id) || lane.active.is_empty(), "{id} begins too early");
        lane.active.push(id);
    }

    /// Returns whether the run had a slot.
    pub(super) fn ends(&mut self, id: RunId, reason: EndReason) -> bool {
        self.exited.remove(&id);
        let seen = self.runs.get_mut(&id).expect("who ends is known");
        seen.reason = Some(reason);
        let lane = self.lanes.get_mut(&seen.run.job).unwrap();
        if let Some(place) = lane.waiting.iter().position(|waiting| *waiting == id) {
            lane.waiting.remove(place);
            assert!(matches!(reason, EndReason::Stopped | EndReason::Failed), "{reason}");
            return false;
        }
        assert!(lane.active.contains(&id), "{id} ends with a slot");
        let job = &self.jobs[&seen.run.job];
        if job.task().is_some() && !lane.waiting.is_empty() && self.stopping_since.is_none() {
            // Its slot goes to whoever waits, in this commit.
            lane.active.retain(|active| *active != id);
        }
        let may_be_victim = job.task().is_some_and(|task| task.on_overlap == Overlap::Terminate);
        let Some((_, exit)) = &seen.exit else {
            assert!(!seen.was_spawned && (seen.asked || may_be_victim), "{id} never exited");
            assert_eq!(reason, EndReason::Stopped);
            return true;
        };
        let expected = match exit.cause {
            Some(Cause::Timeout) => EndReason::Timeout,
            Some(Cause::LogOverflow) => EndReason::LogOverflow,
            Some(_) => EndReason::Stopped,
            None if seen.asked => EndReason::Stopped,
            // Its stop may still have been on its way.
            None if may_be_victim && reason == EndReason::Stopped => EndReason::Stopped,
            None if exit.how == ExitHow::Code(0) => EndReason::Success,
            None => EndReason::Failed,
        };
        assert_eq!(reason, expected, "{id} exited with {exit:?}");
        true
    }
}

/// A retry that was not to be.
fn is_called_off(run: &Run) -> bool {
    matches!(&run.phase, Phase::Ended { end, .. } if end.reason == EndReason::Stopped)
}

/// Counts what the schedule of a task brought.
pub(super) fn count(run: &Run, tally: &mut BTreeMap<JobName, Owed>) {
    if run.kind == Kind::Service || run.trigger != Trigger::Cron || run.retry_of.is_some() {
        return;
    }
    let owed = tally.entry(run.job.clone()).or_default();
    match &run.phase {
        Phase::Ended { end, .. } if end.reason == EndReason::Missed => owed.missed += 1,
        Phase::Ended { end, .. } if end.reason == EndReason::DstSkipped => owed.suppressed += 1,
        Phase::Pending | Phase::Running { .. } | Phase::Ended { .. } => owed.fired += 1,
    }
}
