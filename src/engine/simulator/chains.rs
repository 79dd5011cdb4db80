//! What follows the end of a run (docs/running.md, Retries, Restarting a task, Services): the
//! next run of a chain and the next replica of a slot come once, not before their wait is over,
//! and at once when it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::base::time::Moment;
use crate::engine::simulator::witness::Seen;
use crate::model::job::{AfterFailure, Backoff, Job, JobName};
use crate::model::run::{ExitHow, Run, RunId, Trigger};
use crate::model::service::Service;

const LASTING: Duration = Duration::from_secs(60);
const FLOOR: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub(super) struct Chains {
    /// Failed runs that are to be followed, and when.
    owed: BTreeMap<RunId, (Duration, u32)>,
    followed: BTreeSet<RunId>,
    /// Quick failures in a row before a run.
    streaks: HashMap<RunId, u32>,
    slots: BTreeMap<(JobName, u16), Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    before: Option<RunId>,
    started: Duration,
    quick: u32,
    due: Option<Duration>,
    /// Kept empty.
    held: bool,
    /// Starts in a row that failed.
    failed: u32,
    /// A row is to say that it is given up.
    given_up: bool,
}

impl Chains {
    /// Nothing follows any more.
    pub(super) fn clear(&mut self) {
        self.owed.clear();
        self.slots.clear();
    }

    /// Failed runs that are to be followed.
    pub(super) fn owed(&self) -> impl Iterator<Item = &RunId> {
        self.owed.keys()
    }

    /// A retry that will not come is told in a row.
    pub(super) fn called_off(&mut self, run: &Run) {
        let id = run.retry_of.expect("only a retry is called off");
        assert!(self.followed.insert(id), "{id} is followed once");
        self.owed.remove(&id);
    }

    /// The slots of a service are kept empty from now on.
    pub(super) fn hold(&mut self, job: &JobName) {
        for (_, slot) in self.slots.iter_mut().filter(|((of, _), _)| of == job) {
            slot.held = true;
            slot.due = None;
        }
    }

    /// They are filled at once, but those that are `taken`.
    pub(super) fn release(&mut self, now: Moment, job: &JobName, taken: &[u16]) {
        for ((_, index), slot) in self.slots.iter_mut().filter(|((of, _), _)| of == job) {
            if std::mem::take(&mut slot.held) {
                slot.failed = 0;
                if taken.contains(index) {
                    continue;
                }
                slot.due = Some(now.steady);
            }
        }
    }

    /// What failed before does not count any more.
    pub(super) fn forgive(&mut self, job: &JobName) {
        for (_, slot) in self.slots.iter_mut().filter(|((of, _), _)| of == job) {
            slot.failed = 0;
        }
    }

    /// A row says that a slot is given up.
    pub(super) fn given_up(&mut self, run: &Run) {
        let slot = self.slots.get_mut(&(run.job.clone(), run.replica)).unwrap();
        assert!(std::mem::take(&mut slot.given_up), "{} had more tries", run.id);
        assert_eq!(run.retry_of, slot.before);
    }

    pub(super) fn is_held(&self, run: &Run) -> bool {
        self.slots.get(&(run.job.clone(), run.replica)).is_some_and(|slot| slot.held)
    }

    pub(super) fn freed(&mut self, now: Moment, job: &Job, seen: &Seen) {
        let gone = seen.exit.as_ref().map_or(now.steady, |(at, _)| *at);
        let lasted = gone.saturating_sub(seen.began) >= LASTING;
        match job.service() {
            Some(service) => self.replica_freed(gone, lasted, service, seen),
            None => self.task_freed(gone, lasted, job, seen),
        }
    }

    fn task_freed(&mut self, gone: Duration, lasted: bool, job: &Job, seen: &Seen) {
        // Its retry may have been called off while its end was on the way to the disk.
        let is_settled = seen.by_hand || self.followed.contains(&seen.run.id);
        if is_settled || !seen.reason.unwrap().is_retryable() {
            return;
        }
        let attempt = seen.run.retry_attempt;
        let known = self.streaks.get(&seen.run.id).copied().unwrap_or(attempt);
        let streak = if lasted { 0 } else { known };
        let wait = match job.task().unwrap().after_failure {
            AfterFailure::Retry { attempts, .. } if attempt >= attempts => return,
            AfterFailure::Retry { delay, backoff, .. } => curve(backoff, delay, attempt + 1, 300),
            AfterFailure::Restart => {
                curve(Backoff::Exponential, Duration::from_secs(1), streak + 1, 60)
            }
        };
        self.owed.insert(seen.run.id, (gone + wait, streak + 1));
    }

    fn replica_freed(&mut self, gone: Duration, lasted: bool, service: &Service, seen: &Seen) {
        let slot = self.slots.get_mut(&(seen.run.job.clone(), seen.run.replica)).unwrap();
        let mut wait = Duration::ZERO;
        if !seen.asked {
            slot.quick = if lasted { 1 } else { slot.quick + 1 };
            let failed = seen.reason.unwrap().is_failure() && !lasted;
            let came_to_be = !matches!(&seen.exit, Some((_, exit)) if matches!(exit.how, ExitHow::NotStarted(_)));
            match failed {
                true => slot.failed += u32::from(came_to_be),
                false => slot.failed = 0,
            }
            slot.given_up = slot.failed > service.restart_attempts;
            slot.held |= slot.given_up;
            wait = curve(service.restart_backoff, service.restart_delay, slot.quick, 60);
        }
        slot.before = Some(seen.run.id);
        slot.due = (!slot.held).then(|| (gone + wait).max(slot.started + FLOOR));
    }

    /// A task is started because `run.retry_of` failed; `before` is that run if this daemon
    /// knows it.
    pub(super) fn follows(&mut self, now: Moment, job: &Job, run: &Run, before: Option<&Seen>) {
        let id = run.retry_of.unwrap();
        assert!(self.followed.insert(id), "{id} is followed once");
        if let AfterFailure::Retry { attempts, .. } = job.task().unwrap().after_failure {
            assert!(run.retry_attempt <= attempts, "{} is one too many", run.id);
        }
        if let Some(before) = before {
            assert_eq!(run.retry_attempt, before.run.retry_attempt + 1);
            assert_eq!((&run.job, run.trigger), (&before.run.job, before.run.trigger));
        }
        match self.owed.remove(&id) {
            Some((due, streak)) => {
                assert!(due <= now.steady, "{} comes {:?} early", run.id, due - now.steady);
                self.streaks.insert(run.id, streak);
            }
            // What a dead daemon owed is not known here.
            None => assert!(before.is_none_or(|seen| seen.reason.is_none()), "{id} owes nothing"),
        }
    }

    pub(super) fn replica_starts(&mut self, now: Moment, run: &Run, is_asked: bool) {
        let slot = self.slots.entry((run.job.clone(), run.replica)).or_default();
        assert_eq!(run.retry_of, slot.before, "a replica follows the one before it");
        if run.trigger == Trigger::Service && !is_asked && slot.before.is_some() {
            let due = slot.due.expect("only an empty slot is filled");
            assert!(due <= now.steady, "{} comes {:?} early", run.id, due - now.steady);
        }
        assert!(is_asked || !slot.held, "{} starts in a slot that is kept empty", run.id);
        assert!(!slot.given_up, "{} is told in a row first", run.id);
        if run.trigger != Trigger::Service {
            slot.failed = 0;
        }
        slot.held = false;
        slot.started = now.steady;
        slot.due = None;
    }

    /// Nobody who is due is still missing.
    pub(super) fn check(&self, now: Moment) {
        for (run, (due, _)) in &self.owed {
            assert!(*due > now.steady, "{run} should have been followed by now");
        }
        for (name, slot) in &self.slots {
            assert!(slot.due.is_none_or(|due| due > now.steady), "{name:?} stays empty");
        }
    }

    pub(super) fn patience(&self, now: Moment) -> Option<Duration> {
        let retries = self.owed.values().map(|(due, _)| *due);
        let refills = self.slots.values().filter_map(|slot| slot.due);
        retries.chain(refills).min().map(|due| due.saturating_sub(now.steady))
    }
}

fn curve(backoff: Backoff, first: Duration, count: u32, cap: u64) -> Duration {
    let factor = match backoff {
        Backoff::Constant => 1.0,
        Backoff::Linear => f64::from(count),
        Backoff::Exponential => f64::from(count - 1).exp2(),
    };
    Duration::from_secs_f64((first.as_secs_f64() * factor).min(cap as f64))
}
