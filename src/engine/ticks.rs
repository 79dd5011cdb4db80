//! Due ticks and clock jumps (docs/running.md, When a schedule ticks, When the clock jumps).

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::base::time::Moment;
use crate::cron::{Cron, Every, Schedule, Tick, TickNote};
use crate::engine::timers::{Timer, TimerKey};
use crate::engine::{Effect, Engine, Phase};
use crate::model::change::{Anchor, Change};
use crate::model::decision::{Decision, What};
use crate::model::event::{Direction, Event};
use crate::model::run::{EndReason, Trigger};

/// docs/running.md, When the clock jumps: less is a late pass or a small correction.
const JUMP: SignedDuration = SignedDuration::from_secs(90);
/// docs/running.md, When the clock jumps: set back by more, the new time counts for everybody.
const FAR_BACK: SignedDuration = SignedDuration::from_hours(3);

/// Where the schedule of a task stands.
#[derive(Debug)]
pub(super) struct Ticking {
    schedule: Arc<Schedule>,
    /// Ticks up to here are settled.
    pub(super) anchor: Timestamp,
    /// Nothing ticks until somebody resumes it.
    pub(super) paused: bool,
    /// Nothing ticks while cron is alive.
    pub(super) held: bool,
    /// The next tick on the wall clock.
    next: Option<Tick>,
    /// The next tick of `@every`.
    timer: Option<TimerKey>,
}

impl Ticking {
    pub(super) fn new(schedule: Arc<Schedule>, anchor: Timestamp) -> Ticking {
        Ticking { schedule, anchor, paused: false, held: false, next: None, timer: None }
    }

    /// As silent as the schedule before it.
    pub(super) fn off_as(self, old: Option<&Ticking>) -> Ticking {
        let (paused, held) = old.map_or((false, false), |old| (old.paused, old.held));
        Ticking { paused, held, ..self }
    }

    /// Whether nothing ticks.
    pub(super) fn is_off(&self) -> bool {
        self.paused || self.held
    }

    /// The same schedule, perhaps in other words.
    pub(super) fn take_over(&mut self, schedule: Arc<Schedule>) {
        self.schedule = schedule;
    }

    pub(super) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Names the schedule in the stored anchor.
    pub(super) fn identity(&self) -> String {
        self.schedule.identity()
    }

    /// When it starts a run next, as seen at `now`.
    pub(super) fn next(&self, now: Moment) -> Option<Timestamp> {
        match &self.next {
            Some(tick) if tick.note == TickNote::Suppressed => {
                return self.schedule.fires_after(tick.at);
            }
            Some(tick) => return Some(tick.at),
            None => {}
        }
        let wait = |timer: TimerKey| timer.due().saturating_sub(now.steady);
        self.timer.and_then(|timer| now.wall.checked_add(wait(timer)).ok())
    }

    fn cron(&self) -> Option<&Cron> {
        match &*self.schedule {
            Schedule::Cron(cron) => Some(cron),
            Schedule::Every(_) => None,
        }
    }

    fn every(&self) -> Option<&Every> {
        match &*self.schedule {
            Schedule::Cron(_) => None,
            Schedule::Every(every) => Some(every),
        }
    }

    /// The clock is behind the anchor, or may be, set back by `step`. A schedule of fixed hours
    /// does not repeat what it fired; after a far step, and for others, the new time counts. Says
    /// whether that moved the anchor.
    fn follow_back(&mut self, wall: Timestamp, step: SignedDuration) -> bool {
        let keeps = step <= FAR_BACK && self.cron().is_some_and(Cron::is_hour_fixed);
        if keeps || self.anchor <= wall {
            return false;
        }
        self.anchor = wall;
        true
    }
}

impl Engine {
    /// Fires everything that is due, in order of time, then of name.
    pub(super) fn fire_ticks(&mut self, now: Moment) {
        while let Some(&(at, lane)) = self.ticks.first().filter(|(at, _)| *at <= now.wall) {
            let ticking = self.lanes[lane].ticking.as_mut().expect("who ticks has a schedule");
            let tick = ticking.next.take().expect("a tick is queued for it");
            self.ticks.remove(&(at, lane));
            ticking.anchor = at;
            self.queue_tick(lane, at);
            self.save_anchor(lane);
            self.publish_standing(lane);
            match tick.note {
                TickNote::Plain | TickNote::SecondPass => self.submit_tick(now, lane, at),
                TickNote::AfterGap { .. } => {
                    let job = Some(self.lanes[lane].job.name.clone());
                    let moved = Decision::new(job, now.wall, What::Moved);
                    self.decide(Decision { tick: Some(at), until: Some(at), ..moved });
                    self.submit_tick(now, lane, at);
                }
                TickNote::Suppressed => {
                    let run = self.new_run(now, lane, Trigger::Cron);
                    let repeated = Decision::new(Some(run.job.clone()), now.wall, What::Repeated);
                    self.decide(Decision { tick: Some(at), run: Some(run.id), ..repeated });
                    let message =
                        "this time came twice as the clocks went back; it ran the first time";
                    self.insert_ended(now, run, EndReason::DstSkipped, message);
                }
            }
        }
    }

    pub(super) fn fire_every(&mut self, now: Moment, lane: usize, due: Duration) {
        let ticking = self.lanes[lane].ticking.as_mut().expect("who ticks has a schedule");
        let interval = ticking.every().expect("the timer is for an interval").interval;
        // The instant it was due at, so that a late pass does not shift what is stored.
        let late = now.steady.saturating_sub(due);
        ticking.anchor = now.wall.checked_sub(late).unwrap_or(now.wall);
        ticking.timer = Some(self.timers.set(due + interval, Timer::Every { lane }));
        let tick = ticking.anchor;
        self.save_anchor(lane);
        self.publish_standing(lane);
        self.submit_tick(now, lane, tick);
    }

    /// Takes the next tick back.
    pub(super) fn unqueue_tick(&mut self, lane: usize) {
        let Some(ticking) = self.lanes[lane].ticking.as_mut() else { return };
        if let Some(old) = ticking.next.take() {
            self.ticks.remove(&(old.at, lane));
        }
        if let Some(timer) = ticking.timer.take() {
            self.timers.cancel(timer);
        }
    }

    /// Queues the first tick of an expression after `after`.
    fn queue_tick(&mut self, lane: usize, after: Timestamp) {
        self.unqueue_tick(lane);
        let Some(ticking) = self.lanes[lane].ticking.as_mut() else { return };
        ticking.next = ticking.cron().and_then(|cron| cron.next_after(after));
        if let Some(next) = &ticking.next {
            self.ticks.insert((next.at, lane));
        }
    }

    /// Queues the first tick after `wall` that is not settled yet.
    fn queue_tick_from(&mut self, lane: usize, wall: Timestamp) {
        let settled = self.lanes[lane].ticking.as_ref().map_or(wall, |ticking| ticking.anchor);
        self.queue_tick(lane, settled.max(wall));
    }

    /// Sets a schedule going: what was missed is settled, what comes is queued.
    pub(super) fn start_schedule(&mut self, now: Moment, lane: usize) {
        let ticking = self.lanes[lane].ticking.as_mut().filter(|ticking| !ticking.is_off());
        let Some(ticking) = ticking else { return };
        let moved = ticking.follow_back(now.wall, ticking.anchor.duration_since(now.wall));
        let since = now.wall.duration_since(ticking.anchor);
        match ticking.every().map(|every| every.interval) {
            None => self.queue_tick_from(lane, now.wall),
            Some(interval) => {
                let wait = interval.saturating_sub(Duration::try_from(since).unwrap_or_default());
                ticking.timer = Some(self.timers.set(now.steady + wait, Timer::Every { lane }));
            }
        }
        // Left ahead of the clock, it would hide what is missed until the clock is there again.
        if moved {
            self.save_anchor(lane);
        }
    }

    pub(super) fn save_anchor(&mut self, lane: usize) {
        let Some(ticking) = &self.lanes[lane].ticking else { return };
        let anchor = Anchor {
            job: self.lanes[lane].job.name.clone(),
            at: ticking.anchor,
            schedule: ticking.identity(),
        };
        self.changes.push(Change::Anchor(anchor));
    }

    /// Compares the two clocks since the last look and follows a jump of the wall clock.
    pub(super) fn observe_clocks(&mut self, now: Moment) {
        let expected = SignedDuration::try_from(now.steady.saturating_sub(self.last.steady))
            .unwrap_or(SignedDuration::MAX);
        let jump = now.wall.duration_since(self.last.wall).saturating_sub(expected);
        self.last = now;
        if jump.abs() <= JUMP || self.phase != Phase::Serving {
            return;
        }
        let direction = if jump.is_positive() { Direction::Forward } else { Direction::Back };
        let by = jump.unsigned_abs();
        self.effects.push(Effect::Publish(Event::ClockJumped { direction, by }));
        let stepped = Decision::new(None, now.wall, What::Stepped);
        let from = now.wall.checked_sub(jump).ok();
        self.decide(Decision { tick: from, until: Some(now.wall), ..stepped });
        for lane in 0..self.lanes.len() {
            let ticking = self.lanes[lane].ticking.as_mut().filter(|ticking| !ticking.is_off());
            let Some(ticking) = ticking else { continue };
            if ticking.cron().is_some() {
                match direction {
                    Direction::Forward => drop(self.catch_up(now, lane)),
                    Direction::Back if ticking.follow_back(now.wall, jump.abs()) => {
                        self.save_anchor(lane);
                    }
                    Direction::Back => {}
                }
                self.queue_tick_from(lane, now.wall);
            } else {
                // Its ticks did not move: by the new time they were so much later or earlier.
                ticking.anchor = ticking.anchor.checked_add(jump).unwrap_or(now.wall);
                self.save_anchor(lane);
            }
            self.publish_standing(lane);
        }
    }
}
