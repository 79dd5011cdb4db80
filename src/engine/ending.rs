//! From the spawn of a run to its end, and what follows from it (docs/running.md, How a run
//! ends, Retries).

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use crate::base::time::{Moment, to_millis};
use crate::engine::alerts::How;
use crate::engine::timers::{Retry, Timer};
use crate::engine::{After, Effect, Engine, Live, State};
use crate::model::change::Change;
use crate::model::event::Event;
use crate::model::job::{AfterFailure, Backoff, Job, Kind};
use crate::model::run::{
    Cause, End, EndReason, Exit, ExitHow, Leader, LogTotals, NO_EXIT_STATUS, Phase, Run, RunId,
};

/// docs/running.md, Retries: no wait is longer, whatever the curve.
const RETRY_CAP: Duration = Duration::from_secs(300);
/// docs/running.md, Restarting a task: first wait, cap, and the run that starts the count over.
const RESTART_FIRST: Duration = Duration::from_secs(1);
pub(super) const RESTART_CAP: Duration = Duration::from_secs(60);
const LASTING: Duration = Duration::from_secs(60);
/// docs/running.md, Stopping: how long the daemon's own stop signal may lag behind a stop
/// signal that went to its children directly, as systemd sends it to a whole unit.
const JUDGE_AFTER: Duration = Duration::from_millis(250);

/// docs/running.md, Full disk: a row that had to wait so long for the disk was no run yet.
const LATE: SignedDuration = SignedDuration::from_secs(1);

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;
/// What a shell says of a child that a signal killed.
const SIGNAL_BASE: i32 = 128;

impl Engine {
    /// The row is durable: now the process may come to be, if nobody changed their mind.
    pub(super) fn spawn(&mut self, now: Moment, id: RunId) {
        let Some(live) = self.runs.get_mut(&id) else { return };
        if let Some(cause) = live.asked {
            let how = ExitHow::NotStarted("stopped before it started".to_owned());
            let exit = Exit::new(how, Some(cause), LogTotals::default(), now.wall);
            self.end(now.steady, id, exit);
            return;
        }
        live.state = State::Running;
        self.effects.push(Effect::Spawn(live.run.clone(), Arc::clone(&live.job)));
        if let Phase::Running { since } = &mut live.run.phase
            && now.wall.duration_since(*since) >= LATE
        {
            *since = to_millis(now.wall);
        }
    }

    pub(super) fn started(&mut self, now: Moment, id: RunId, leader: Leader) {
        let Some(live) = self.runs.get_mut(&id) else { return };
        live.began = now.steady;
        let run = live.run.clone();
        self.changes.push(Change::Identify { run: id, leader });
        self.effects.push(Effect::Publish(Event::RunStarted(run)));
        self.raise_started(now, id);
    }

    pub(super) fn exited(&mut self, now: Moment, id: RunId, exit: Exit) {
        let stopping = self.is_stopping();
        let Some(live) = self.runs.get_mut(&id) else { return };
        if !stopping && live.asked.is_none() && looks_stopped_from_outside(&exit) {
            live.state = State::Held { exit, at: now.steady };
            self.timers.set(now.steady + JUDGE_AFTER, Timer::Judge(id));
            return;
        }
        self.end(now.steady, id, exit);
    }

    /// Nobody claimed the stop of this run, or somebody just did: it ends now.
    pub(super) fn judge(&mut self, id: RunId) {
        let held = self.runs.get(&id).and_then(|live| match &live.state {
            State::Held { exit, at } => Some((*at, exit.clone())),
            State::Jitter
            | State::Waiting
            | State::Admitted
            | State::Running
            | State::Ending { .. } => None,
        });
        if let Some((at, exit)) = held {
            self.end(at, id, exit);
        }
    }

    /// Asks for a stop, once; the first cause is kept, unless an operator gives one: nothing
    /// follows a run that an operator stopped.
    pub(super) fn ask_to_stop(&mut self, id: RunId, cause: Cause) {
        let Some(live) = self.runs.get_mut(&id) else { return };
        if live.asked.is_none() {
            self.after.push(After::Stop(id, cause));
        }
        if live.asked.is_none() || cause == Cause::Operator {
            live.asked = Some(cause);
        }
    }

    /// The retry that an ended run would get is called off.
    pub(super) fn call_off_retry_of(&mut self, now: Moment, id: RunId) {
        let live = &self.runs[&id];
        let Phase::Ended { end, .. } = &live.run.phase else { return };
        let lane = live.lane;
        if let Some((_, streak)) = self.lanes[lane].job.wait_after(end, live) {
            let retry = Retry::new(lane, &live.run, streak);
            self.call_off(now, retry);
        }
    }

    /// Hands a stop to the thread of a run, if it has one.
    pub(super) fn send_stop(&mut self, id: RunId, cause: Cause) {
        if cause == Cause::Superseded && self.is_spared(id) {
            return;
        }
        if self.runs.get(&id).is_some_and(|live| live.state == State::Running) {
            self.effects.push(Effect::Stop { run: id, cause });
        }
    }

    /// While the stop was on its way to the disk, whoever wanted the slot of this run got another.
    fn is_spared(&mut self, id: RunId) -> bool {
        let Some(live) = self.runs.get(&id) else { return true };
        let lane = &self.lanes[live.lane];
        let leaving = lane.active.iter().filter(|run| self.runs[run].is_leaving()).count();
        if live.asked != Some(Cause::Superseded) || leaving <= lane.waiting.len() {
            return false;
        }
        self.runs.get_mut(&id).expect("seen above").asked = None;
        true
    }

    /// `at` is when it was over on the steady clock; what follows counts from there.
    fn end(&mut self, at: Duration, id: RunId, exit: Exit) {
        let now = self.last;
        let live = self.runs.get_mut(&id).expect("who ends is alive");
        let is_final = live.asked == Some(Cause::Operator);
        let end = live.job.end_of(&exit, live.asked, live.message.take());
        // Who died of a signal may turn out to have been stopped.
        let is_worth_a_look = end.is_failure || exit.cause == Some(Cause::DiskPressure);
        let since = match (&exit.how, &live.run.phase) {
            (ExitHow::NotStarted(_), _) => None,
            (_, Phase::Running { since }) => Some(*since),
            (_, Phase::Pending | Phase::Ended { .. }) => None,
        };
        live.state = State::Ending { at };
        let at = to_millis(exit.at);
        live.run.phase = Phase::Ended { since, at, end: end.clone() };
        let (run, band, how) = (live.run.clone(), live.band.take(), How::of(&exit, live.asked));
        self.changes.push(Change::end(&run, since, at, end));
        if let Some(text) = exit.snapshot.filter(|_| is_worth_a_look) {
            self.changes.push(Change::Snapshot { run: id, text });
        }
        let lane = live.lane;
        band.into_iter().for_each(|band| self.timers.cancel(band));
        self.raise_end(Some(lane), &run, how);
        self.publish_after(Event::RunEnded(run));
        self.after.push(After::Freed(id));
        if is_final {
            self.call_off_retry_of(now, id);
        }
        self.hand_over(now, lane, id);
        if self.is_stopping() {
            self.tear_down();
        }
    }

    /// Whoever waits for the slot of a run that is over gets it in the same commit: a queue moves on
    /// with one transaction for each run.
    fn hand_over(&mut self, now: Moment, lane: usize, id: RunId) {
        if !self.is_stopping() && !self.lanes[lane].waiting.is_empty() {
            self.lanes[lane].active.retain(|&active| active != id);
            self.start_waiting(now, lane);
        }
    }

    /// The end is durable: the slot is free, unless it was handed over, and what follows may begin.
    pub(super) fn freed(&mut self, now: Moment, id: RunId) {
        let Some(live) = self.runs.remove(&id) else { return };
        let lane = live.lane;
        self.lanes[lane].active.retain(|&active| active != id);
        self.leave_gate(now, id);
        if self.is_stopping() {
            return;
        }
        if live.run.kind == Kind::Service {
            self.free_slot(now, lane, &live);
            return;
        }
        self.start_waiting(now, lane);
        if live.asked == Some(Cause::Operator) || self.lanes[lane].is_gone {
            return;
        }
        let Phase::Ended { end, .. } = &live.run.phase else { return };
        if let Some((wait, streak)) = self.lanes[lane].job.wait_after(end, &live) {
            // Counted from the end of the process, so that a slow disk does not add to it.
            self.set_retry(live.over_since() + wait, lane, &live.run, streak);
        }
    }

    pub(super) fn set_retry(&mut self, due: Duration, lane: usize, run: &Run, streak: u32) {
        self.timers.set(due, Timer::Retry(Retry::new(lane, run, streak)));
    }
}

impl Retry {
    fn new(lane: usize, run: &Run, streak: u32) -> Retry {
        let attempt = run.retry_attempt.saturating_add(1);
        let params = Arc::clone(&run.params);
        Retry { lane, of: run.id, attempt, trigger: run.trigger, streak, params }
    }
}

impl Job {
    /// The wait before the next run of a chain and its count of quick failures; `None` ends
    /// the chain.
    fn wait_after(&self, end: &End, live: &Live) -> Option<(Duration, u32)> {
        let streak = if live.lasted() { 0 } else { live.streak };
        self.retry_wait(end, live.run.retry_attempt, streak)
            .map(|wait| (wait, streak.saturating_add(1)))
    }

    /// The wait before attempt `attempt + 1`, if there is to be one.
    pub(super) fn retry_wait(&self, end: &End, attempt: u32, streak: u32) -> Option<Duration> {
        if !end.is_failure || !end.reason.is_retryable() {
            return None;
        }
        match self.task()?.after_failure {
            AfterFailure::Retry { attempts, .. } if attempt >= attempts => None,
            AfterFailure::Retry { delay, backoff, .. } => {
                Some(backoff.wait(delay, attempt + 1, RETRY_CAP))
            }
            AfterFailure::Restart => Some(Backoff::Exponential.wait(
                RESTART_FIRST,
                streak.saturating_add(1),
                RESTART_CAP,
            )),
        }
    }
}

impl Job {
    /// Timeout and overflow outrank a stop, a stop outranks the exit status.
    fn end_of(&self, exit: &Exit, asked: Option<Cause>, said: Option<String>) -> End {
        let matched = exit.matched.as_ref().filter(|_| exit.how == ExitHow::Code(0));
        let reason = match exit.cause.or(asked) {
            Some(Cause::Timeout) => EndReason::Timeout,
            Some(Cause::LogOverflow) => EndReason::LogOverflow,
            Some(Cause::Unhealthy) => EndReason::Unhealthy,
            Some(
                Cause::DiskPressure
                | Cause::Operator
                | Cause::Superseded
                | Cause::Shutdown
                | Cause::Reconfigured,
            ) => EndReason::Stopped,
            None if exit.how == ExitHow::Code(0) && matched.is_none() => EndReason::Success,
            None => EndReason::Failed,
        };
        let (exit_code, message) = match &exit.how {
            ExitHow::Code(code) => {
                let matched = matched.filter(|_| reason == EndReason::Failed);
                (*code, matched.map(|pattern| format!("output matched /{pattern}/")))
            }
            ExitHow::Signal(number) => (SIGNAL_BASE + number, None),
            ExitHow::NotStarted(text) => (NO_EXIT_STATUS, Some(text.clone())),
        };
        let message = said.or(message);
        End { log: exit.log, usage: exit.usage, ..self.end(reason, exit_code, message) }
    }

    /// An end without a log, and whether it is a failure of this job.
    pub(super) fn end(&self, reason: EndReason, exit_code: i32, message: Option<String>) -> End {
        let is_failure = self.failures.counts(reason, exit_code);
        End { is_failure, ..End::unjudged(reason, exit_code, message) }
    }
}

impl Live {
    /// When it was over, on the steady clock.
    pub(super) fn over_since(&self) -> Duration {
        match self.state {
            State::Held { at, .. } | State::Ending { at } => at,
            State::Jitter | State::Waiting | State::Admitted | State::Running => self.began,
        }
    }

    /// Whether it ran for so long that its end does not count as a quick one.
    pub(super) fn lasted(&self) -> bool {
        self.over_since().saturating_sub(self.began) >= LASTING
    }
}

fn looks_stopped_from_outside(exit: &Exit) -> bool {
    let number = match &exit.how {
        ExitHow::Code(code) => code - SIGNAL_BASE,
        ExitHow::Signal(number) => *number,
        ExitHow::NotStarted(_) => return false,
    };
    exit.cause.is_none() && (number == SIGTERM || number == SIGINT)
}
