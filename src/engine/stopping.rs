//! The way out (docs/running.md, Shutdown): no new work, everybody is asked to stop, and what
//! is left at the end of the budget is killed with its row still saying `running`.

use crate::base::order;
use crate::base::time::Moment;
use crate::engine::timers::Timer;
use crate::engine::{Effect, Engine, Lifetime, Phase, State};
use crate::model::event::Event;
use crate::model::job::JobName;
use crate::model::run::{Cause, RunId};

impl Engine {
    /// Begins the shutdown; asked again, leaves at once.
    pub(super) fn shut_down(&mut self, now: Moment, signal: &'static str) {
        match self.phase {
            Phase::Booting | Phase::Serving => self.stop(now, signal, 0),
            Phase::Stopping { .. } => self.cut_short(),
            Phase::Left => {}
        }
    }

    /// Begins the shutdown, or lets the one under way end in failure: nobody got impatient.
    pub(super) fn fail(&mut self, now: Moment, text: String) {
        self.effects.push(Effect::Publish(Event::Fatal(text)));
        match &mut self.phase {
            Phase::Booting | Phase::Serving => self.stop(now, "a fatal error", 1),
            Phase::Stopping { code } => *code = 1,
            Phase::Left => {}
        }
    }

    fn stop(&mut self, now: Moment, why: &'static str, code: u8) {
        self.phase = Phase::Stopping { code };
        self.ticks.clear();
        self.timers.clear();
        self.timers.set(now.steady + self.budget, Timer::Deadline);
        let in_flight = self.in_flight();
        self.effects.push(Effect::Publish(Event::Stopping { why, in_flight: in_flight.len() }));
        for run in in_flight {
            let live = self.runs.get_mut(&run).expect("who is in flight is alive");
            live.asked.get_or_insert(Cause::Shutdown);
            self.judge(run);
        }
        self.is_tearing = true;
        self.tear_down();
    }

    /// Asks everybody to stop whom nobody needs any more: a service stays until those that depend
    /// on it are gone.
    pub(super) fn tear_down(&mut self) {
        // With a thousand runs on their way out this is asked a thousand times.
        if !std::mem::take(&mut self.is_tearing) {
            return;
        }
        let in_flight = self.in_flight();
        let mut needed: Vec<JobName> = Vec::new();
        for run in &in_flight {
            let live = &self.runs[run];
            let is_there = !matches!(live.state, State::Ending { .. });
            // As it is now: what a run was started with may be turned round, and then all would wait.
            if let Some(service) = self.lanes[live.lane].job.service().filter(|_| is_there) {
                needed.extend(service.depends_on.iter().cloned());
            }
        }
        for run in in_flight {
            let live = self.runs.get_mut(&run).expect("who is in flight is alive");
            if needed.contains(&live.run.job) {
                self.is_tearing = true;
            } else if !std::mem::replace(&mut live.is_told, true) {
                // Not after a commit: a disk that takes no writes must not keep anybody alive.
                self.send_stop(run, Cause::Shutdown);
            }
        }
    }

    /// The budget is used up, or somebody's patience.
    pub(super) fn cut_short(&mut self) {
        let left = self.in_flight();
        let named = left.iter().map(|id| (self.runs[id].run.job.clone(), *id)).collect();
        self.effects.push(Effect::Publish(Event::CutShort(named)));
        self.leave_now();
    }

    pub(super) fn leave_when_done(&mut self) {
        let code = match (&self.phase, self.lifetime) {
            (Phase::Stopping { code }, _) => *code,
            (Phase::Serving, Lifetime::UntilIdle)
                if self.timers.is_empty() && self.runs.is_empty() =>
            {
                0
            }
            (Phase::Booting | Phase::Serving | Phase::Left, _) => return,
        };
        let settled = self.awaiting.is_empty() && self.changes.is_empty() && self.after.is_empty();
        if settled && self.in_flight().is_empty() {
            self.phase = Phase::Left;
            self.way_out.push(Effect::Quit { code });
        }
    }

    fn leave_now(&mut self) {
        let code = match self.phase {
            Phase::Stopping { code } => code,
            Phase::Booting | Phase::Serving | Phase::Left => return,
        };
        self.phase = Phase::Left;
        self.way_out.extend([Effect::KillAll, Effect::Quit { code }]);
    }

    /// Everybody who has a slot; who waits in a queue stays pending for the next boot.
    fn in_flight(&self) -> Vec<RunId> {
        let in_flight = self
            .runs
            .iter()
            .filter(|(_, live)| !matches!(live.state, State::Waiting | State::Jitter));
        let mut ids: Vec<RunId> = in_flight.map(|(id, _)| *id).collect();
        // The same inputs give the same effects, whatever the order of a hash map.
        order::sort(&mut ids);
        ids
    }
}
