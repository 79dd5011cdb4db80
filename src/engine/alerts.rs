//! What somebody may want to be told, raised in the commit of what it is about
//! (docs/notifications.md, Events). Who is told, and when, is decided elsewhere.

use std::time::Duration;

use jiff::Timestamp;

use crate::base::time::Moment;
use crate::engine::timers::{Timer, TimerKey};
use crate::engine::{Engine, Lifetime, State};
use crate::model::alert::{Alert, Detail, EndFacts, Kind, RunFacts};
use crate::model::change::Change;
use crate::model::event::Event;
use crate::model::job::Job;
use crate::model::run::{Cause, End, EndReason, Exit, ExitHow, Phase, Pressure, Run, RunId};

/// What becomes of a run that is not over, when its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Band {
    Late,
    TooLong,
}

/// What the row of a run does not say about its end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct How {
    signal: Option<i32>,
    cause: Option<Cause>,
}

impl How {
    pub(super) fn of(exit: &Exit, asked: Option<Cause>) -> How {
        let signal = match exit.how {
            ExitHow::Signal(signal) => Some(signal),
            ExitHow::Code(_) | ExitHow::NotStarted(_) => None,
        };
        How { signal, cause: exit.cause.or(asked) }
    }
}

impl Engine {
    /// A run that is new may be late from so much later on.
    pub(super) fn expect_start(&mut self, now: Moment, lane: usize, id: RunId) -> Option<TimerKey> {
        let limit = self.lanes[lane].job.alerts.expect.start_within?;
        Some(self.timers.set(now.steady.saturating_add(limit), Timer::Band(id, Band::Late)))
    }

    /// Its process came to be, so it is not late; it may take too long.
    pub(super) fn raise_started(&mut self, now: Moment, id: RunId) {
        let live = self.runs.get_mut(&id).expect("who has started is alive");
        let (lane, late, run) = (live.lane, live.band.take(), live.run.clone());
        late.into_iter().for_each(|late| self.timers.cancel(late));
        if let Some(limit) = self.lanes[lane].job.alerts.expect.at_most {
            let due = now.steady.saturating_add(limit);
            let timer = self.timers.set(due, Timer::Band(id, Band::TooLong));
            self.runs.get_mut(&id).expect("seen above").band = Some(timer);
        }
        self.raise(Some(lane), Kind::RunStarted, now.wall, &run, Detail::None, How::default());
        self.await_health(now, id);
    }

    /// The time that `expect` gives is over.
    pub(super) fn pass_band(&mut self, now: Moment, id: RunId, band: Band) {
        let Some(live) = self.runs.get_mut(&id) else { return };
        live.band = None;
        let (lane, run) = (live.lane, live.run.clone());
        let is_over = matches!(live.state, State::Held { .. } | State::Ending { .. });
        if is_over {
            return;
        }
        let expect = self.lanes[lane].job.alerts.expect;
        let (kind, limit) = match band {
            Band::Late => (Kind::RunLate, expect.start_within),
            Band::TooLong => (Kind::RunTooLong, expect.at_most),
        };
        if let Some(limit) = limit {
            self.raise(Some(lane), kind, now.wall, &run, Detail::AtMost(limit), How::default());
        }
    }

    /// A replica is well, so the trouble before it is over. Nobody waits for a service to succeed.
    pub(super) fn raise_healthy(&mut self, now: Moment, id: RunId) {
        let Some(live) = self.runs.get(&id) else { return };
        let (lane, run) = (live.lane, live.run.clone());
        // Another replica may have said so.
        if std::mem::take(&mut self.lanes[lane].in_trouble) {
            let (kind, how) = (Kind::RunRecovered, How::default());
            self.raise_always(kind, now.wall, &run, Detail::None, how);
        }
    }

    /// Its output is no longer stored, because the disk is nearly full.
    pub(super) fn pressed(&mut self, now: Moment, id: RunId, pressure: Pressure) {
        let Some(live) = self.runs.get(&id) else { return };
        let (lane, run) = (live.lane, live.run.clone());
        let Pressure { free, min, stopped } = pressure;
        let detail = Detail::Disk { free, min, stopped };
        self.raise(Some(lane), Kind::DiskPressure, now.wall, &run, detail, How::default());
    }

    /// The run is over, in the row as in `run`.
    pub(super) fn raise_end(&mut self, lane: Option<usize>, run: &Run, how: How) {
        let Phase::Ended { since, at, end } = &run.phase else { return };
        let job = lane.map(|lane| &self.lanes[lane].job);
        let Some(kind) = kind_of(end) else { return };
        let limit = job.and_then(|job| job.timeout).filter(|_| kind == Kind::RunTimeout);
        let detail = limit.map_or(Detail::None, Detail::Limit);
        let unlike = job.and_then(|job| unlike(job, end, since.map(|since| took(since, *at))));
        let mut ends_trouble = false;
        if let Some(lane) = lane.map(|lane| &mut self.lanes[lane]) {
            if kind.is_failure() {
                lane.in_trouble |= lane.job.raises.contains(kind);
            } else if kind == Kind::RunSucceeded {
                ends_trouble = std::mem::take(&mut lane.in_trouble);
            }
        }
        match ends_trouble {
            // Nobody may want to hear of it, but it ends what somebody was told of.
            true => self.raise_always(kind, *at, run, detail, how),
            false => self.raise(lane, kind, *at, run, detail, how),
        }
        if let Some((kind, detail)) = unlike.filter(|_| kind == Kind::RunSucceeded) {
            self.raise(lane, kind, *at, run, detail, how);
        }
    }

    /// Unless nobody wants to hear of it. Of a job that is gone nobody has said anything.
    fn raise(
        &mut self,
        lane: Option<usize>,
        kind: Kind,
        at: Timestamp,
        run: &Run,
        detail: Detail,
        how: How,
    ) {
        if lane.is_none_or(|lane| self.lanes[lane].job.raises.contains(kind)) {
            self.raise_always(kind, at, run, detail, how);
        }
    }

    fn raise_always(&mut self, kind: Kind, at: Timestamp, run: &Run, detail: Detail, how: How) {
        // A run in the foreground has somebody who sees it.
        if self.lifetime == Lifetime::UntilIdle {
            return;
        }
        let job = run.job.to_string();
        let alert = Alert { kind, at, job, run: Some(facts(run, how)), detail };
        self.changes.push(Change::Raise(Box::new(alert)));
        self.publish_after(Event::Raised);
    }
}

/// What the end of a run is told as; refusals are rows and nothing else.
fn kind_of(end: &End) -> Option<Kind> {
    Some(match (end.reason, end.is_failure) {
        (EndReason::Timeout, true) => Kind::RunTimeout,
        (EndReason::Crashed, true) => Kind::RunCrashed,
        (EndReason::Missed, true) => Kind::RunMissed,
        (EndReason::StartFailed, true) => Kind::ServiceFatal,
        (EndReason::Unhealthy, true) => Kind::ServiceUnhealthy,
        (_, true) => Kind::RunFailed,
        (EndReason::Success | EndReason::Failed, false) => Kind::RunSucceeded,
        (
            EndReason::Stopped
            | EndReason::Timeout
            | EndReason::LogOverflow
            | EndReason::Crashed
            | EndReason::Unhealthy,
            false,
        ) => Kind::RunStopped,
        (
            EndReason::Missed
            | EndReason::Skipped
            | EndReason::QueueFull
            | EndReason::DstSkipped
            | EndReason::StartFailed,
            false,
        ) => return None,
    })
}

/// How a success was not as `expect` says.
fn unlike(job: &Job, end: &End, took: Option<Duration>) -> Option<(Kind, Detail)> {
    let expect = job.alerts.expect;
    if let Some(least) = expect.at_least.filter(|least| took.is_some_and(|took| took < *least)) {
        return Some((Kind::RunTooShort, Detail::AtLeast(least)));
    }
    let bytes = end.log.bytes;
    let expected = expect.output_min.filter(|least| bytes < *least)?;
    Some((Kind::RunTooQuiet, Detail::Output { bytes, expected }))
}

fn took(since: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(since)).unwrap_or_default()
}

fn facts(run: &Run, how: How) -> RunFacts {
    let (started_at, end) = match &run.phase {
        Phase::Pending => (None, None),
        Phase::Running { since } => (Some(*since), None),
        Phase::Ended { since, at, end } => {
            let End { reason, exit_code, message, .. } = end;
            let How { signal, cause } = how;
            let (reason, exit_code, message) = (*reason, *exit_code, message.clone());
            (*since, Some(EndFacts { at: *at, reason, exit_code, signal, message, cause }))
        }
    };
    RunFacts {
        id: run.id,
        kind: run.kind,
        trigger: run.trigger,
        created_at: run.created_at,
        started_at,
        retry_attempt: run.retry_attempt,
        replica: run.replica,
        end,
    }
}
