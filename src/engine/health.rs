//! When a replica is well, and who waits for that (docs/running.md, Health checks, Order of
//! services).

use std::time::Duration;

use crate::base::order;
use crate::base::time::Moment;
use crate::engine::slots::Rest;
use crate::engine::timers::Timer;
use crate::engine::{Effect, Engine, Live, State};
use crate::model::event::Event;
use crate::model::job::JobName;
use crate::model::run::{Cause, RunId};

/// docs/running.md, Order of services: how long a service waits for what it depends on.
const PATIENCE: Duration = Duration::from_secs(60);

impl Engine {
    /// Starts every service that starts by itself: lower priorities first, then by name, each one
    /// when what it depends on is well.
    pub(super) fn start_services(&mut self, now: Moment) {
        let mut services: Vec<(i32, usize)> = Vec::new();
        for (number, lane) in self.lanes.iter().enumerate() {
            services.extend(lane.job.service().map(|service| (service.priority, number)));
        }
        order::sort(&mut services);
        services.into_iter().for_each(|(_, lane)| self.start_service(now, lane));
    }

    /// A service comes to be, with the daemon or later.
    pub(super) fn start_service(&mut self, now: Moment, lane: usize) {
        let service = self.lanes[lane].job.service().expect("the caller asked for one");
        let rest = match service.autostart {
            false => Some(Rest::Stopped),
            true if self.missing(lane).is_empty() => None,
            true => Some(Rest::Waiting),
        };
        if rest == Some(Rest::Waiting) {
            self.timers.set(now.steady + PATIENCE, Timer::Depend { lane });
        }
        self.resize_slots(now, lane, rest);
    }

    /// What a service depends on and is not well.
    fn missing(&self, lane: usize) -> Vec<JobName> {
        let Some(service) = self.lanes[lane].job.service() else { return Vec::new() };
        let is_well = |name: &&JobName| {
            let lane = self.lane_of(name);
            lane.is_none_or(|lane| self.lanes[lane].slots.iter().any(|slot| slot.is_healthy))
        };
        service.depends_on.iter().filter(|name| !is_well(name)).cloned().collect()
    }

    /// It has waited for long enough.
    pub(super) fn start_anyway(&mut self, now: Moment, lane: usize) {
        if !self.lanes[lane].slots.iter().any(|slot| slot.rest == Some(Rest::Waiting)) {
            return;
        }
        let (job, missing) = (self.lanes[lane].job.name.clone(), self.missing(lane));
        self.effects.push(Effect::Publish(Event::StartedAnyway { job, missing }));
        self.start_waiting_slots(now, lane);
    }

    fn start_waiting_slots(&mut self, now: Moment, lane: usize) {
        for slot in 0..self.lanes[lane].slots.len() {
            if self.lanes[lane].slots[slot].rest == Some(Rest::Waiting) {
                self.fill_slot(now, lane, slot);
            }
        }
    }

    /// The process of a replica came to be: it has so long to become well.
    pub(super) fn await_health(&mut self, now: Moment, id: RunId) {
        let Some((lane, slot)) = self.place_of(id) else { return };
        let Some(service) = self.lanes[lane].job.service() else { return };
        let due = now.steady.saturating_add(service.healthy_after);
        self.lanes[lane].slots[slot].settles = Some(self.timers.set(due, Timer::Settle(id)));
    }

    /// The time is over that a replica has to become well, or that shows that it is.
    pub(super) fn settle(&mut self, now: Moment, id: RunId) {
        let Some((lane, slot)) = self.place_of(id) else { return };
        self.lanes[lane].slots[slot].settles = None;
        let Some(service) = self.lanes[lane].job.service() else { return };
        if service.health_check.is_none() {
            self.become_healthy(now, id);
        } else if !self.lanes[lane].slots[slot].is_healthy {
            let limit = crate::base::duration::brief(service.healthy_after);
            self.become_unhealthy(id, format!("no health check passed within {limit}"));
        }
    }

    /// What the health check of a replica came to.
    pub(super) fn checked(&mut self, now: Moment, id: RunId, result: Result<(), String>) {
        match result {
            Ok(()) => self.become_healthy(now, id),
            Err(message) => self.become_unhealthy(id, message),
        }
    }

    fn become_healthy(&mut self, now: Moment, id: RunId) {
        let Some((lane, slot)) = self.place_of(id) else { return };
        let is_there = self.runs.get(&id).is_some_and(Live::has_process);
        let place = &mut self.lanes[lane].slots[slot];
        if !is_there || std::mem::replace(&mut place.is_healthy, true) {
            return;
        }
        if let Some(settles) = place.settles.take() {
            self.timers.cancel(settles);
        }
        self.raise_healthy(now, id);
        self.publish_standing(lane);
        for waiting in 0..self.lanes.len() {
            let is_waiting = |slot: &crate::engine::slots::Slot| slot.rest == Some(Rest::Waiting);
            if self.lanes[waiting].slots.iter().any(is_waiting) && self.missing(waiting).is_empty()
            {
                self.start_waiting_slots(now, waiting);
            }
        }
    }

    fn become_unhealthy(&mut self, id: RunId, message: String) {
        // Who is being stopped already ends for that reason.
        let is_free = |live: &&mut Live| live.has_process() && live.asked.is_none();
        let Some(live) = self.runs.get_mut(&id).filter(is_free) else { return };
        live.message = Some(message);
        self.ask_to_stop(id, Cause::Unhealthy);
    }

    fn place_of(&self, id: RunId) -> Option<(usize, usize)> {
        let live = self.runs.get(&id)?;
        let slot = usize::from(live.run.replica);
        let is_its = self.lanes[live.lane].slots.get(slot).is_some_and(|it| it.run == Some(id));
        is_its.then_some((live.lane, slot))
    }
}

impl Live {
    /// Its process may be there.
    fn has_process(&self) -> bool {
        self.state == State::Running
    }
}
