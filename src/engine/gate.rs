//! `jitter`: runs that are due together wait for one another (docs/running.md, Jitter). Each task
//! has its place inside its window, and one gate for all lets them through one at a time; whose
//! window ends goes on anyway. Who waits has a row already, so that no crash loses the tick.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::base::time::Moment;
use crate::engine::timers::Timer;
use crate::engine::{Engine, State};
use crate::model::decision::{Decision, What};
use crate::model::run::{RunId, Trigger};

/// The window ends so long before the next tick.
const MARGIN: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Who has gone through and is not over.
    passing: Option<RunId>,
    line: VecDeque<RunId>,
}

impl Engine {
    /// A tick starts a run, now or at its place in the window.
    pub(super) fn submit_tick(&mut self, now: Moment, lane: usize, tick: Timestamp) {
        let Some((place, window)) = self.place_in_window(lane, tick) else {
            self.submit(now, lane, Trigger::Cron);
            return;
        };
        let run = self.new_run(now, lane, Trigger::Cron);
        let id = run.id;
        self.insert_live(now, lane, run, State::Jitter, 0);
        let late = Duration::try_from(now.wall.duration_since(tick)).unwrap_or_default();
        let begun = now.steady.saturating_sub(late);
        let timer =
            self.timers.set(begun + place, Timer::Jitter { run: id, until: begun + window });
        self.runs.get_mut(&id).expect("just made").held_by = Some(timer);
        let job = self.lanes[lane].job.name.clone();
        let until = tick.checked_add(place).ok();
        let jitter = Decision::new(Some(job), now.wall, What::Jitter);
        self.decide(Decision { tick: Some(tick), until, run: Some(id), ..jitter });
    }

    /// Where in its window a task goes, and how long that is; `None` where there is none to wait
    /// in.
    fn place_in_window(&self, lane: usize, tick: Timestamp) -> Option<(Duration, Duration)> {
        let job = &self.lanes[lane].job;
        let task = job.task()?;
        let window = task.jitter?;
        let schedule = task.schedule.as_ref()?;
        let next = schedule.fires_after(tick).map(|next| next.duration_since(tick));
        let room = next.map_or(window, |gap| Duration::try_from(gap).unwrap_or_default());
        let window = window.min(room.saturating_sub(MARGIN));
        let millis = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        if millis == 0 {
            return None;
        }
        let seed = format!("{} {}", job.name, schedule.identity());
        Some((Duration::from_millis(fingerprint(&seed) % millis), window))
    }

    /// Its place in the window has come.
    pub(super) fn approach_gate(&mut self, now: Moment, id: RunId, until: Duration) {
        if self.gate.passing.is_none() {
            self.gate.passing = Some(id);
            return self.admit_held(now, id);
        }
        let Some(live) = self.runs.get_mut(&id) else { return };
        live.held_by = Some(self.timers.set(until, Timer::WindowEnds(id)));
        self.gate.line.push_back(id);
    }

    /// It has waited for as long as it may.
    pub(super) fn pass_gate(&mut self, now: Moment, id: RunId) {
        self.gate.line.retain(|waiting| *waiting != id);
        self.admit_held(now, id);
    }

    /// A run is over, or was never to be: whoever waits behind it goes through.
    pub(super) fn leave_gate(&mut self, now: Moment, id: RunId) {
        self.gate.line.retain(|waiting| *waiting != id);
        if self.gate.passing != Some(id) {
            return;
        }
        self.gate.passing = self.gate.line.pop_front();
        if let Some(next) = self.gate.passing
            && !self.is_stopping()
        {
            self.admit_held(now, next);
        }
    }
}

/// FNV-1a (RFC 9923): the same on every machine and in every version.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
