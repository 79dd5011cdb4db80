//! The replicas of a service: each slot is kept filled, with a back-off of its own, until it is
//! stopped or given up (docs/running.md, Services).

use std::time::Duration;

use crate::base::time::Moment;
use crate::engine::ending::RESTART_CAP;
use crate::engine::timers::{Timer, TimerKey};
use crate::engine::{Engine, Live, Outcome};
use crate::model::event::{Instance, InstanceState};
use crate::model::run::{Cause, EndReason, Phase, Run, RunId, Trigger};
use crate::model::service::Restart;

/// docs/running.md, Services: the least time between two starts of one replica.
const FLOOR: Duration = Duration::from_millis(100);

#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) run: Option<RunId>,
    /// Set while the slot waits to be filled again.
    refill: Option<TimerKey>,
    /// Why nobody fills it, if so.
    pub(super) rest: Option<Rest>,
    last_start: Option<Duration>,
    /// The run that was here before, and how many in a row ended quickly.
    before: Option<RunId>,
    quick: u32,
    /// Starts in a row that failed.
    failed: u32,
    /// The replica that is here has started well.
    pub(super) is_healthy: bool,
    /// Until when it has to be.
    pub(super) settles: Option<TimerKey>,
    /// Who is here is followed by another one, whatever `restart` says.
    replace: bool,
}

/// Why a slot stays empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Somebody stopped it.
    Stopped,
    /// It failed to start too often.
    Fatal,
    /// It ended, and `restart` wants no other one.
    Finished,
    /// What it depends on is not healthy yet.
    Waiting,
}

impl Slot {
    pub(super) fn instance(&self) -> Instance {
        let state = match (self.run, self.rest) {
            (Some(_), Some(Rest::Stopped)) => InstanceState::Stopping,
            (Some(_), _) if self.is_healthy => InstanceState::Healthy,
            (Some(_), _) => InstanceState::Starting,
            (None, Some(Rest::Stopped)) => InstanceState::Stopped,
            (None, Some(Rest::Fatal)) => InstanceState::Fatal,
            (None, Some(Rest::Finished)) => InstanceState::Finished,
            (None, Some(Rest::Waiting)) => InstanceState::Waiting,
            (None, None) => InstanceState::Backoff,
        };
        Instance { state, run: self.run, failed: self.failed }
    }
}

impl Engine {
    /// Starts the replica of an empty slot.
    pub(super) fn fill_slot(&mut self, now: Moment, lane: usize, slot: usize) -> Run {
        self.fill_slot_for(now, lane, slot, Trigger::Service)
    }

    fn fill_slot_for(&mut self, now: Moment, lane: usize, slot: usize, trigger: Trigger) -> Run {
        let mut run = self.new_run(now, lane, trigger);
        let place = &mut self.lanes[lane].slots[slot];
        if let Some(refill) = place.refill.take() {
            self.timers.cancel(refill);
        }
        place.rest = None;
        place.run = Some(run.id);
        place.last_start = Some(now.steady);
        run.replica = slot as u16;
        run.retry_of = place.before;
        run.retry_attempt = place.quick;
        self.publish_standing(lane);
        self.insert_started(now, lane, run, 0)
    }

    /// The lowest slot without a live replica, for a start by hand.
    pub(super) fn fill_free_slot(&mut self, now: Moment, lane: usize, by: Trigger) -> Option<Run> {
        let slot = self.wanted_slots(lane).find(|slot| {
            let place = &self.lanes[lane].slots[*slot];
            place.run.is_none()
        })?;
        self.lanes[lane].slots[slot].failed = 0;
        Some(self.fill_slot_for(now, lane, slot, by))
    }

    /// Those that the configuration wants; one that it no longer wants empties itself.
    fn wanted_slots(&self, lane: usize) -> std::ops::Range<usize> {
        let lane = &self.lanes[lane];
        let instances = match lane.is_gone {
            true => 0,
            false => lane.job.service().map_or(0, |service| usize::from(service.instances)),
        };
        0..instances.min(lane.slots.len())
    }

    /// A replica is gone: its slot waits for the next one, or stays empty.
    pub(super) fn free_slot(&mut self, now: Moment, lane: usize, live: &Live) {
        let slot = usize::from(live.run.replica);
        let wanted = self.wanted_slots(lane);
        let Some(place) = self.lanes[lane].slots.get_mut(slot) else { return };
        if place.run != Some(live.run.id) {
            return;
        }
        place.run = None;
        place.before = Some(live.run.id);
        let was_healthy = std::mem::take(&mut place.is_healthy);
        let replace = std::mem::take(&mut place.replace);
        if let Some(settles) = place.settles.take() {
            self.timers.cancel(settles);
        }
        if wanted.contains(&slot) {
            if self.lanes[lane].slots[slot].rest.is_none() {
                self.follow(now, lane, slot, live, was_healthy, replace);
            }
        } else {
            self.trim_slots(lane);
        }
        self.publish_standing(lane);
    }

    /// Slots beyond those that are wanted go when nobody is in them.
    pub(super) fn trim_slots(&mut self, lane: usize) {
        let wanted = self.wanted_slots(lane).end;
        let slots = &mut self.lanes[lane].slots;
        while slots.len() > wanted && slots.last().is_some_and(|last| last.run.is_none()) {
            slots.pop();
        }
    }

    fn follow(
        &mut self,
        now: Moment,
        lane: usize,
        slot: usize,
        live: &Live,
        was_healthy: bool,
        replace: bool,
    ) {
        let service = self.lanes[lane].job.service().expect("only services have slots").clone();
        let place = &mut self.lanes[lane].slots[slot];
        let Phase::Ended { since, end, .. } = &live.run.phase else { return };
        let is_asked = match live.asked {
            Some(Cause::Unhealthy) | None => false,
            Some(_) => true,
        };
        let is_wanted = replace
            || match service.restart {
                Restart::Always => true,
                Restart::OnFailure => end.is_failure,
                Restart::Never => false,
            };
        let mut wait = Duration::ZERO;
        if !is_asked {
            let ran = live.over_since().saturating_sub(live.began);
            let lasted = since.is_some() && ran >= service.healthy_after;
            let is_well = was_healthy || (service.health_check.is_none() && lasted);
            place.quick = if is_well { 1 } else { place.quick.saturating_add(1) };
            // What the machine refused, a process or room on the disk, is no fault of the service.
            let came_to_be = since.is_some();
            if is_well || !end.is_failure {
                place.failed = 0;
            } else if came_to_be {
                place.failed += 1;
            }
            wait = service.restart_backoff.wait(service.restart_delay, place.quick, RESTART_CAP);
            if is_wanted && place.failed > service.restart_attempts {
                return self.give_up(now, lane, slot);
            }
        }
        if !is_wanted {
            place.rest = Some(Rest::Finished);
            return;
        }
        // Counted from the end of the process, so that a slow disk does not add to it.
        let due = live.over_since() + wait;
        let due = due.max(place.last_start.map_or(Duration::ZERO, |start| start + FLOOR));
        place.refill = Some(self.timers.set(due, Timer::Refill { lane, slot }));
    }

    /// It failed to start too often: a row says so, and somebody has to look.
    fn give_up(&mut self, now: Moment, lane: usize, slot: usize) {
        let mut run = self.new_run(now, lane, Trigger::Service);
        let place = &mut self.lanes[lane].slots[slot];
        place.rest = Some(Rest::Fatal);
        run.replica = slot as u16;
        run.retry_of = place.before;
        let message = format!(
            "{} starts in a row failed; start it by hand when that is mended",
            place.failed
        );
        self.insert_ended(now, run, EndReason::StartFailed, &message);
    }

    /// Fills the slots that were kept empty; one whose replica is still on its way out is filled
    /// when it is gone.
    pub(super) fn start_replicas(&mut self, now: Moment, lane: usize) -> Outcome {
        let mut outcome = Outcome::default();
        for slot in self.wanted_slots(lane) {
            let place = &mut self.lanes[lane].slots[slot];
            if place.rest.take().is_none() {
                continue;
            }
            place.failed = 0;
            match place.run {
                Some(run) => {
                    place.replace = true;
                    outcome.leaving.push(run);
                }
                None => outcome.created.push(self.fill_slot(now, lane, slot).id),
            }
        }
        outcome
    }

    /// Stops every live replica and keeps the slots empty.
    pub(super) fn stop_replicas(&mut self, lane: usize, cause: Cause) -> Outcome {
        let mut outcome = Outcome::default();
        for slot in 0..self.lanes[lane].slots.len() {
            let place = &mut self.lanes[lane].slots[slot];
            place.rest = Some(Rest::Stopped);
            if let Some(refill) = place.refill.take() {
                self.timers.cancel(refill);
            }
            if let Some(run) = place.run {
                self.ask_to_stop(run, cause);
                self.judge(run);
                outcome.leaving.push(run);
            }
        }
        self.publish_standing(lane);
        outcome
    }

    /// Stops every live replica; empty slots are filled without waiting any longer.
    pub(super) fn replace_replicas(&mut self, now: Moment, lane: usize) -> Outcome {
        let mut outcome = Outcome::default();
        for slot in self.wanted_slots(lane) {
            let place = &mut self.lanes[lane].slots[slot];
            place.rest = None;
            place.failed = 0;
            match place.run {
                Some(run) => {
                    place.replace = true;
                    self.ask_to_stop(run, Cause::Operator);
                    self.judge(run);
                    outcome.leaving.push(run);
                }
                None => outcome.created.push(self.fill_slot(now, lane, slot).id),
            }
        }
        outcome
    }

    /// The definition of a service has changed: who runs by the old one is replaced, and who waits
    /// to be started again has its slot now. What rests, rests.
    pub(super) fn recycle_replicas(&mut self, now: Moment, lane: usize) {
        for slot in 0..self.lanes[lane].slots.len() {
            let is_wanted = self.wanted_slots(lane).contains(&slot);
            let place = &mut self.lanes[lane].slots[slot];
            match place.run {
                Some(run) if place.rest.is_none() => {
                    place.replace = true;
                    self.ask_to_stop(run, Cause::Reconfigured);
                    self.judge(run);
                }
                None if place.refill.is_some() && is_wanted => {
                    place.failed = 0;
                    self.fill_slot(now, lane, slot);
                }
                Some(_) | None => {}
            }
        }
    }

    /// There are to be so many slots now. Who has one keeps it; who is too many leaves.
    pub(super) fn resize_slots(&mut self, now: Moment, lane: usize, rest: Option<Rest>) {
        let Some(service) = self.lanes[lane].job.service() else { return };
        let wanted = usize::from(service.instances);
        while self.lanes[lane].slots.len() < wanted {
            let slot = self.lanes[lane].slots.len();
            self.lanes[lane].slots.push(Slot { rest, ..Slot::default() });
            if rest.is_none() {
                self.fill_slot(now, lane, slot);
            }
        }
        for slot in wanted..self.lanes[lane].slots.len() {
            let place = &mut self.lanes[lane].slots[slot];
            if let Some(refill) = place.refill.take() {
                self.timers.cancel(refill);
            }
            if let Some(run) = place.run {
                self.ask_to_stop(run, Cause::Reconfigured);
                self.judge(run);
            }
        }
        self.trim_slots(lane);
    }
}
