//! Who gets a slot (docs/running.md, Overlap). Ticks, catch-up, manual starts and retries all
//! come through here, so two of them can never take the same slot.

use std::sync::Arc;

use crate::base::time::Moment;
use crate::engine::alerts::How;
use crate::engine::timers::Retry;
use crate::engine::{After, Engine, Lane, Live, State};
use crate::model::change::Change;
use crate::model::decision::{Decision, What};
use crate::model::event::Event;
use crate::model::job::{Overlap, Task};
use crate::model::param::Given;
use crate::model::run::{Cause, EndReason, NO_EXIT_STATUS, Phase, Run, RunId, Trigger};

const SKIPPED: &str = "task already running, skipping (policy: skip)";

/// What becomes of a run that asks for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Start,
    Wait,
    /// Wait for the slot of an older run, which is stopped for it.
    Replace,
    Skip,
    QueueFull,
}

impl Lane {
    /// A run that waits is never passed by a new one.
    fn admit(&self, task: &Task) -> Verdict {
        if self.active.len() < task.parallelism && self.waiting.is_empty() {
            return Verdict::Start;
        }
        match task.on_overlap {
            Overlap::Queue if self.waiting.len() < task.max_queued => Verdict::Wait,
            Overlap::Queue => Verdict::QueueFull,
            Overlap::Skip => Verdict::Skip,
            Overlap::Terminate => Verdict::Replace,
        }
    }
}

impl Engine {
    /// A new run of a task asks for a slot. Returns its row.
    pub(super) fn submit(&mut self, now: Moment, lane: usize, trigger: Trigger) -> Run {
        let run = self.new_run(now, lane, trigger);
        self.admit(now, lane, run, 0)
    }

    /// The same with values of its own.
    pub(super) fn submit_with(
        &mut self,
        now: Moment,
        lane: usize,
        trigger: Trigger,
        params: Given,
    ) -> Run {
        let run = Run { params, ..self.new_run(now, lane, trigger) };
        self.admit(now, lane, run, 0)
    }

    /// The wait of a retry is over.
    pub(super) fn retry(&mut self, now: Moment, retry: Retry) {
        let (lane, streak) = (retry.lane, retry.streak);
        let run = self.new_retry(now, retry);
        self.admit(now, lane, run, streak);
    }

    /// A new run starts when those that have a slot now are gone, whatever `on_overlap` says; the
    /// line is empty.
    pub(super) fn submit_last(&mut self, now: Moment, lane: usize, trigger: Trigger) -> Run {
        let run = self.new_run(now, lane, trigger);
        if self.lanes[lane].active.is_empty() {
            return self.insert_started(now, lane, run, 0);
        }
        self.lanes[lane].last = Some(run.id);
        self.insert_waiting(now, lane, run, 0)
    }

    /// A retry that is not to be: its row ends the chain.
    pub(super) fn call_off(&mut self, now: Moment, retry: Retry) {
        let run = self.new_retry(now, retry);
        self.insert_ended(now, run, EndReason::Stopped, "the retry was called off");
    }

    fn new_retry(&mut self, now: Moment, retry: Retry) -> Run {
        let mut run = self.new_run(now, retry.lane, retry.trigger);
        run.retry_attempt = retry.attempt;
        run.retry_of = Some(retry.of);
        run.params = retry.params;
        run
    }

    fn admit(&mut self, now: Moment, lane: usize, run: Run, streak: u32) -> Run {
        let task = self.lanes[lane].job.task().expect("only tasks are submitted");
        match self.lanes[lane].admit(task) {
            Verdict::Start => self.insert_started(now, lane, run, streak),
            Verdict::Wait => {
                self.decide_behind(now, lane, run.id, What::Queued);
                self.insert_waiting(now, lane, run, streak)
            }
            Verdict::Replace => {
                if self.lanes[lane].waiting.len() >= task.parallelism {
                    self.drop_oldest_waiting(now, lane);
                }
                self.decide_behind(now, lane, run.id, What::Replaced);
                let run = self.insert_waiting(now, lane, run, streak);
                self.stop_victims(lane);
                run
            }
            Verdict::Skip => {
                self.decide_behind(now, lane, run.id, What::Skipped);
                self.insert_ended(now, run, EndReason::Skipped, SKIPPED)
            }
            Verdict::QueueFull => {
                let message = full(task.max_queued);
                self.decide_behind(now, lane, run.id, What::QueueFull);
                self.insert_ended(now, run, EndReason::QueueFull, &message)
            }
        }
    }

    /// A run that waited in the window of its task asks for a slot.
    pub(super) fn admit_held(&mut self, now: Moment, id: RunId) {
        let Some(live) = self.runs.get_mut(&id).filter(|live| live.state == State::Jitter) else {
            return;
        };
        live.held_by.take().into_iter().for_each(|timer| self.timers.cancel(timer));
        let lane = live.lane;
        live.state = State::Waiting;
        let task = self.lanes[lane].job.task().expect("only tasks have a window");
        let (slots, limit) = (task.parallelism, task.max_queued);
        match self.lanes[lane].admit(task) {
            Verdict::Start => {
                self.lanes[lane].waiting.push_back(id);
                self.start_waiting(now, lane);
            }
            Verdict::Wait => {
                self.decide_behind(now, lane, id, What::Queued);
                self.lanes[lane].waiting.push_back(id);
            }
            Verdict::Replace => {
                if self.lanes[lane].waiting.len() >= slots {
                    self.drop_oldest_waiting(now, lane);
                }
                self.decide_behind(now, lane, id, What::Replaced);
                self.lanes[lane].waiting.push_back(id);
                self.stop_victims(lane);
            }
            Verdict::Skip => {
                self.decide_behind(now, lane, id, What::Skipped);
                self.end_waiting(now, id, EndReason::Skipped, SKIPPED);
            }
            Verdict::QueueFull => {
                self.decide_behind(now, lane, id, What::QueueFull);
                self.end_waiting(now, id, EndReason::QueueFull, &full(limit));
            }
        }
    }

    /// Another run stands in the way of this one.
    fn decide_behind(&mut self, now: Moment, lane: usize, run: RunId, what: What) {
        let Lane { job, active, waiting, .. } = &self.lanes[lane];
        let other = active.first().or(waiting.front()).copied();
        let decision = Decision::new(Some(job.name.clone()), now.wall, what);
        self.decide(Decision { run: Some(run), other, ..decision });
    }

    pub(super) fn insert_started(
        &mut self,
        now: Moment,
        lane: usize,
        mut run: Run,
        streak: u32,
    ) -> Run {
        run.phase = Phase::Running { since: now.wall };
        self.lanes[lane].active.push(run.id);
        self.insert_live(now, lane, run, State::Admitted, streak)
    }

    fn insert_waiting(&mut self, now: Moment, lane: usize, run: Run, streak: u32) -> Run {
        self.lanes[lane].waiting.push_back(run.id);
        self.insert_live(now, lane, run, State::Waiting, streak)
    }

    pub(super) fn insert_live(
        &mut self,
        now: Moment,
        lane: usize,
        run: Run,
        state: State,
        streak: u32,
    ) -> Run {
        self.changes.push(Change::Insert(run.clone()));
        self.publish_after(Event::RunCreated(run.clone()));
        if state == State::Admitted {
            self.after.push(After::Spawn(run.id));
        }
        let (band, began) = (self.expect_start(now, lane, run.id), now.steady);
        let live = Live {
            run: run.clone(),
            lane,
            job: Arc::clone(&self.lanes[lane].job),
            state,
            asked: None,
            began,
            streak,
            band,
            held_by: None,
            message: None,
            is_told: false,
        };
        self.runs.insert(run.id, live);
        run
    }

    /// A refusal is a row too: it was created, and it is over.
    pub(super) fn insert_ended(
        &mut self,
        now: Moment,
        mut run: Run,
        reason: EndReason,
        message: &str,
    ) -> Run {
        let created = run.clone();
        let message = (!message.is_empty()).then(|| message.to_owned());
        let lane = self.lane_of(&run.job).expect("only runs of our jobs are refused");
        let end = self.lanes[lane].job.end(reason, NO_EXIT_STATUS, message);
        run.phase = Phase::Ended { since: None, at: now.wall, end };
        self.changes.push(Change::Insert(run.clone()));
        self.publish_after(Event::RunCreated(created));
        self.publish_after(Event::RunEnded(run.clone()));
        self.raise_end(self.lane_of(&run.job), &run, How::default());
        run
    }

    /// Ends a run that never got a process, and forgets it.
    pub(super) fn end_waiting(
        &mut self,
        now: Moment,
        run: RunId,
        reason: EndReason,
        message: &str,
    ) {
        let Some(mut live) = self.runs.remove(&run) else { return };
        self.lanes[live.lane].waiting.retain(|&waiting| waiting != run);
        let job = &self.lanes[live.lane].job;
        let end = job.end(reason, NO_EXIT_STATUS, Some(message.to_owned()));
        self.changes.push(Change::end(&live.run, None, now.wall, end.clone()));
        live.run.phase = Phase::Ended { since: None, at: now.wall, end };
        for timer in live.band.into_iter().chain(live.held_by) {
            self.timers.cancel(timer);
        }
        self.raise_end(Some(live.lane), &live.run, How::default());
        self.publish_after(Event::RunEnded(live.run));
        self.leave_gate(now, run);
    }

    fn drop_oldest_waiting(&mut self, now: Moment, lane: usize) {
        if let Some(&oldest) = self.lanes[lane].waiting.front() {
            self.end_waiting(now, oldest, EndReason::Stopped, "superseded by a newer run");
            self.start_waiting(now, lane);
        }
    }

    /// Stops the oldest runs, as many as wait and no more; one that is leaving anyway counts.
    fn stop_victims(&mut self, lane: usize) {
        let leaving =
            self.lanes[lane].active.iter().filter(|run| self.runs[run].is_leaving()).count();
        let missing = self.lanes[lane].waiting.len().saturating_sub(leaving);
        let staying = self.lanes[lane].active.iter().filter(|run| !self.runs[run].is_leaving());
        for run in staying.take(missing).copied().collect::<Vec<_>>() {
            self.ask_to_stop(run, Cause::Superseded);
        }
    }

    /// Gives free slots to those who wait, oldest first.
    pub(super) fn start_waiting(&mut self, now: Moment, lane: usize) {
        let Some(task) = self.lanes[lane].job.task() else { return };
        let free = task.parallelism.saturating_sub(self.lanes[lane].active.len());
        for _ in 0..free {
            let Lane { active, waiting, last, .. } = &mut self.lanes[lane];
            if *last == waiting.front().copied() && !active.is_empty() {
                return;
            }
            let Some(id) = waiting.pop_front() else { return };
            active.push(id);
            let live = self.runs.get_mut(&id).expect("who waits is alive");
            live.state = State::Admitted;
            live.job = Arc::clone(&self.lanes[lane].job);
            live.began = now.steady;
            live.run.phase = Phase::Running { since: now.wall };
            live.run.config = self.config;
            self.changes.push(Change::Start { run: id, at: now.wall, config: self.config });
            self.after.push(After::Spawn(id));
        }
    }
}

fn full(max_queued: usize) -> String {
    format!("the queue is full (max_queued = {max_queued})")
}

impl Live {
    /// Its slot is free soon, without anybody doing more about it.
    pub(super) fn is_leaving(&self) -> bool {
        self.asked.is_some()
            || match self.state {
                State::Held { .. } | State::Ending { .. } => true,
                State::Jitter | State::Waiting | State::Admitted | State::Running => false,
            }
    }
}
