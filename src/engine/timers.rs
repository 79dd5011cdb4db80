//! What is due on the steady clock, which no clock change can move: retries, restarts,
//! `@every` ticks, and the end of a stop.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::time::Moment;
use crate::engine::Engine;
use crate::engine::alerts::Band;
use crate::model::param::Given;
use crate::model::run::{RunId, Trigger};

/// What a timer is for.
#[derive(Clone, Debug)]
pub(super) enum Timer {
    /// An `@every` schedule ticks.
    Every {
        lane: usize,
    },
    Retry(Retry),
    /// A replica waited out its back-off.
    Refill {
        lane: usize,
        slot: usize,
    },
    /// A service has waited for long enough for what it depends on.
    Depend {
        lane: usize,
    },
    /// A replica has had its time to become well.
    Settle(RunId),
    /// The place of a run in its window has come; the window ends `until` then.
    Jitter {
        run: RunId,
        until: Duration,
    },
    WindowEnds(RunId),
    /// A run is not as `expect` says.
    Band(RunId, Band),
    /// The daemon's own stop did not come: the run failed by itself.
    Judge(RunId),
    /// The shutdown budget is used up.
    Deadline,
}

/// The next run of a chain.
#[derive(Clone, Debug)]
pub(super) struct Retry {
    pub(super) lane: usize,
    pub(super) of: RunId,
    pub(super) attempt: u32,
    pub(super) trigger: Trigger,
    pub(super) streak: u32,
    pub(super) params: Given,
}

/// Names a timer, to take it back. Timers due together fire in the order they were set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerKey(Duration, u64);

impl TimerKey {
    /// On the steady clock.
    pub(super) fn due(self) -> Duration {
        self.0
    }
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    due: BTreeMap<TimerKey, Timer>,
    made: u64,
}

impl Timers {
    pub(super) fn set(&mut self, due: Duration, timer: Timer) -> TimerKey {
        self.made += 1;
        let key = TimerKey(due, self.made);
        self.due.insert(key, timer);
        key
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.due.len()
    }

    pub(super) fn cancel(&mut self, key: TimerKey) {
        self.due.remove(&key);
    }

    /// Takes back all retries of a lane.
    pub(super) fn take_retries(&mut self, lane: usize) -> Vec<Retry> {
        let mut taken = Vec::new();
        self.due.retain(|_, timer| {
            if let Timer::Retry(retry) = timer
                && retry.lane == lane
            {
                taken.push(retry.clone());
                return false;
            }
            true
        });
        taken
    }

    /// Lanes have other places now; timers of those that have none go.
    pub(super) fn move_lanes(&mut self, places: &[Option<usize>]) {
        self.due.retain(|_, timer| {
            let lane = match timer {
                Timer::Every { lane } | Timer::Refill { lane, .. } | Timer::Depend { lane } => lane,
                Timer::Retry(retry) => &mut retry.lane,
                Timer::Settle(_)
                | Timer::Jitter { .. }
                | Timer::WindowEnds(_)
                | Timer::Band(..)
                | Timer::Judge(_)
                | Timer::Deadline => return true,
            };
            places[*lane].map(|place| *lane = place).is_some()
        });
    }

    pub(super) fn clear(&mut self) {
        self.due.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    pub(super) fn next(&self) -> Option<Duration> {
        self.due.first_key_value().map(|(key, _)| key.0)
    }

    /// The earliest timer that is due, with the moment it was due at.
    fn pop(&mut self, now: Duration) -> Option<(Duration, Timer)> {
        let first = self.due.first_entry().filter(|first| first.key().0 <= now)?;
        Some((first.key().0, first.remove()))
    }
}

impl Engine {
    pub(super) fn run_timers(&mut self, now: Moment) {
        while let Some((due, timer)) = self.timers.pop(now.steady) {
            match timer {
                Timer::Every { lane } => self.fire_every(now, lane, due),
                Timer::Retry(retry) => self.retry(now, retry),
                Timer::Refill { lane, slot } => drop(self.fill_slot(now, lane, slot)),
                Timer::Depend { lane } => self.start_anyway(now, lane),
                Timer::Settle(run) => self.settle(now, run),
                Timer::Jitter { run, until } => self.approach_gate(now, run, until),
                Timer::WindowEnds(run) => self.pass_gate(now, run),
                Timer::Band(run, band) => self.pass_band(now, run, band),
                Timer::Judge(run) => self.judge(run),
                Timer::Deadline => self.cut_short(),
            }
        }
    }
}
