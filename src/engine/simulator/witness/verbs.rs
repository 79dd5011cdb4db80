//! Watches what people have done with a job (docs/api.md, Operating tasks): how many runs a verb
//! makes, that nothing is left of what it stops, and that what is switched off stays off.

use super::{Seen, Witness};
use crate::base::time::Moment;
use crate::model::job::{JobName, Kind, Overlap, Verb};
use crate::model::run::{Phase, Run, RunId, Trigger};

/// A verb that is about to be carried out.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) job: JobName,
    pub(super) verb: Verb,
    by: Trigger,
    /// Runs that waited and runs that had a slot.
    waiting: Vec<RunId>,
    active: Vec<RunId>,
    /// Whether somebody is there who stays; `None`: only the engine knows.
    is_busy: Option<bool>,
    made: usize,
}

impl Asked {
    /// Whether this run is what was asked for.
    pub(super) fn is_for(&self, run: &Run) -> bool {
        self.job == run.job
            && (run.kind == Kind::Service || self.by == run.trigger && run.retry_of.is_none())
    }

    /// Whether its run waits until everybody else is gone.
    pub(super) fn makes_last(&self) -> bool {
        match self.verb {
            Verb::Start | Verb::Restart => true,
            Verb::Run | Verb::Stop | Verb::Pause | Verb::Resume => false,
        }
    }
}

impl Witness {
    /// Somebody asks for something, which is refused when the daemon is leaving.
    pub(super) fn before_verb(&mut self, now: Moment, name: &JobName, verb: Verb, by: Trigger) {
        let Some(job) = self.jobs.get(name) else { return };
        if self.stopping_since.is_some() || !(job.api_trigger || by == Trigger::Hook) {
            return;
        }
        let lane = &self.lanes[name];
        let is_task = job.kind() == Kind::Task;
        let has_victims = job.task().is_some_and(|task| task.on_overlap == Overlap::Terminate);
        let stays = |id: &RunId| {
            let seen = &self.runs[id];
            !seen.asked && seen.exit.is_none() && seen.reason.is_none()
        };
        let is_busy = match lane.active.iter().any(stays) || !lane.waiting.is_empty() {
            true if lane.waiting.is_empty() && has_victims => None,
            is_busy => Some(is_busy),
        };
        let asked = Asked {
            job: name.clone(),
            verb,
            by,
            waiting: lane.waiting.iter().copied().collect(),
            active: lane.active.clone(),
            is_busy,
            made: 0,
        };
        match (verb, is_task) {
            (Verb::Run | Verb::Start, true) => {}
            (Verb::Run, false) => {}
            (Verb::Start, false) => self.chains.release(now, name, &taken(lane, &self.runs)),
            (Verb::Stop | Verb::Restart, _) => {
                match (is_task, verb == Verb::Stop) {
                    (true, _) => {}
                    (false, true) => self.chains.hold(name),
                    (false, false) => {
                        self.chains.release(now, name, &taken(lane, &self.runs));
                        self.chains.forgive(name);
                    }
                }
                asked.active.iter().for_each(|run| self.ask_by_hand(*run));
            }
            (Verb::Pause, _) => self.almanac.pause(name),
            (Verb::Resume, _) => self.almanac.resume(now, name),
        }
        self.asked = Some(asked);
    }

    pub(super) fn made(&mut self, run: &Run) {
        if let Some(asked) = self.asked.as_mut().filter(|asked| asked.is_for(run)) {
            let is_called_off = run.retry_of.is_some() && matches!(run.phase, Phase::Ended { .. });
            asked.made += usize::from(run.kind == Kind::Task && !is_called_off);
        }
    }

    /// The engine has carried it out.
    pub(super) fn after_verb(&self) {
        let Some(asked) = &self.asked else { return };
        let Asked { job, verb, made, .. } = asked;
        if self.jobs[job].service().is_some() {
            return;
        }
        match (verb, asked.is_busy) {
            (Verb::Run | Verb::Restart, _) | (Verb::Start, Some(false)) => {
                assert_eq!(*made, 1, "{verb:?} of {job} makes one run");
            }
            (Verb::Start, Some(true)) | (Verb::Stop | Verb::Pause | Verb::Resume, _) => {
                assert_eq!(*made, 0, "{verb:?} of {job} makes no run");
            }
            (Verb::Start, None) => assert!(*made <= 1, "{job} starts once"),
        }
        if matches!(verb, Verb::Stop | Verb::Restart) {
            for run in &asked.waiting {
                assert!(self.runs[run].reason.is_some(), "{run} still waits after a {verb:?}");
            }
            for run in self.chains.owed() {
                assert_ne!(self.runs[run].run.job, *job, "{run} is still to be followed");
            }
        }
    }

    pub(super) fn ask_by_hand(&mut self, run: RunId) {
        if let Some(seen) = self.runs.get_mut(&run) {
            seen.asked = true;
            seen.by_hand = true;
        }
    }
}

/// The slots of a service that have a replica.
fn taken(lane: &super::Lane, runs: &std::collections::HashMap<RunId, Seen>) -> Vec<u16> {
    lane.active.iter().map(|id| runs[id].run.replica).collect()
}
