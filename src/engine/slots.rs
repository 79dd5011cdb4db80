//! The replicas of a service: each slot is kept filled, with a back-off of its own
//! (docs/running.md, Services).

use std::time::Duration;

use crate::base::time::Moment;
use crate::engine::ending::RESTART_CAP;
use crate::engine::timers::{Timer, TimerKey};
use crate::engine::{Engine, Live, Outcome};
use crate::model::run::{Cause, Run, RunId, Trigger};

/// docs/running.md, Services: the least time between two starts of one replica.
const FLOOR: Duration = Duration::from_millis(100);

#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    run: Option<RunId>,
    /// Set while the slot waits to be filled again.
    refill: Option<TimerKey>,
    /// Kept empty until somebody starts it.
    held: bool,
    last_start: Option<Duration>,
    /// The run that was here before, and how many in a row ended quickly.
    before: Option<RunId>,
    quick: u32,
}

impl Engine {
    pub(super) fn start_services(&mut self, now: Moment) {
        for lane in 0..self.lanes.len() {
            for slot in 0..self.lanes[lane].slots.len() {
                self.fill_slot(now, lane, slot);
            }
        }
    }

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
        place.held = false;
        place.run = Some(run.id);
        place.last_start = Some(now.steady);
        run.replica = slot as u16;
        run.retry_of = place.before;
        run.retry_attempt = place.quick;
        self.insert_started(now, lane, run, 0)
    }

    /// The lowest slot without a live replica, for a start by hand.
    pub(super) fn fill_free_slot(&mut self, now: Moment, lane: usize, by: Trigger) -> Option<Run> {
        let slot = self.lanes[lane].slots.iter().position(|slot| slot.run.is_none())?;
        Some(self.fill_slot_for(now, lane, slot, by))
    }

    /// A replica is gone: its slot waits for the next one.
    pub(super) fn free_slot(&mut self, lane: usize, live: &Live) {
        let service = self.lanes[lane].job.service().expect("only services have slots").clone();
        let slot = usize::from(live.run.replica);
        let place = &mut self.lanes[lane].slots[slot];
        place.run = None;
        place.before = Some(live.run.id);
        if place.held {
            return;
        }
        let wait = if live.asked.is_some() {
            Duration::ZERO
        } else {
            place.quick = if live.lasted() { 1 } else { place.quick.saturating_add(1) };
            service.restart_backoff.wait(service.restart_delay, place.quick, RESTART_CAP)
        };
        // Counted from the end of the process, so that a slow disk does not add to it.
        let due = live.over_since() + wait;
        let due = due.max(place.last_start.map_or(Duration::ZERO, |start| start + FLOOR));
        place.refill = Some(self.timers.set(due, Timer::Refill { lane, slot }));
    }

    /// Whether every slot is kept empty.
    pub(super) fn is_stopped(&self, lane: usize) -> bool {
        let slots = &self.lanes[lane].slots;
        !slots.is_empty() && slots.iter().all(|slot| slot.held)
    }

    /// Fills the slots that were kept empty; one whose replica is still on its way out is filled
    /// when it is gone.
    pub(super) fn start_replicas(&mut self, now: Moment, lane: usize) -> Outcome {
        let mut outcome = Outcome::default();
        for slot in 0..self.lanes[lane].slots.len() {
            let place = &mut self.lanes[lane].slots[slot];
            if !std::mem::take(&mut place.held) {
                continue;
            }
            match place.run {
                Some(run) => outcome.leaving.push(run),
                None => outcome.created.push(self.fill_slot(now, lane, slot).id),
            }
        }
        outcome
    }

    /// Stops every live replica and keeps the slots empty.
    pub(super) fn stop_replicas(&mut self, lane: usize) -> Outcome {
        let mut outcome = Outcome::default();
        for slot in 0..self.lanes[lane].slots.len() {
            let place = &mut self.lanes[lane].slots[slot];
            place.held = true;
            if let Some(refill) = place.refill.take() {
                self.timers.cancel(refill);
            }
            if let Some(run) = place.run {
                self.ask_to_stop(run, Cause::Operator);
                self.judge(run);
                outcome.leaving.push(run);
            }
        }
        outcome
    }

    /// Stops every live replica; empty slots are filled without waiting any longer.
    pub(super) fn replace_replicas(&mut self, now: Moment, lane: usize) -> Outcome {
        let mut outcome = Outcome::default();
        for slot in 0..self.lanes[lane].slots.len() {
            let place = &mut self.lanes[lane].slots[slot];
            place.held = false;
            match place.run {
                Some(run) => {
                    self.ask_to_stop(run, Cause::Operator);
                    self.judge(run);
                    outcome.leaving.push(run);
                }
                None => outcome.created.push(self.fill_slot(now, lane, slot).id),
            }
        }
        outcome
    }
}
