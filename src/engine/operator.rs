//! What people and programs ask for (docs/api.md, Operating tasks): start, stop and restart a
//! job, stop one run, switch a schedule off. A service does it slot by slot, see `slots`.

use crate::base::order;
use crate::base::time::Moment;
use crate::engine::{After, Answer, Effect, Engine, Outcome, Refusal, ReplyId, State};
use crate::model::change::Change;
use crate::model::decision::{Decision, What};
use crate::model::job::{JobName, Kind, Verb};
use crate::model::param::{self, Given};
use crate::model::run::{Cause, EndReason, RunId, Trigger};

const CANCELLED: &str = "cancelled while it waited";

impl Engine {
    pub(super) fn operate(
        &mut self,
        now: Moment,
        job: &JobName,
        verb: Verb,
        by: Trigger,
        reply: ReplyId,
    ) {
        let answer = self.find_operable(job, by).and_then(|lane| {
            let before = self.switch(lane);
            let answer = self.carry_out(now, lane, verb, by);
            if self.switch(lane) != before {
                self.publish_standing(lane);
            }
            answer
        });
        self.reply(reply, answer);
    }

    /// A new run of a task with values that fit its parameters.
    pub(super) fn run_with(
        &mut self,
        now: Moment,
        job: &JobName,
        params: Given,
        by: Trigger,
        reply: ReplyId,
    ) {
        let answer = self.find_operable(job, by).and_then(|lane| {
            let task = self.lanes[lane].job.task().ok_or(Refusal::NoParameters)?;
            // They fitted the task that it was when they were checked.
            let fits = param::settle(&task.params, &params).is_ok_and(|it| it == params);
            if !fits {
                return Err(Refusal::NoParameters);
            }
            Ok(Answer::Created(self.submit_with(now, lane, by, params)))
        });
        self.reply(reply, answer);
    }

    pub(super) fn stop_run(&mut self, now: Moment, run: RunId, reply: ReplyId) {
        let answer = match self.runs.get(&run).map(|live| (&live.state, live.lane)) {
            None | Some((State::Ending { .. }, _)) => Err(Refusal::UnknownRun),
            Some((State::Jitter | State::Waiting, lane)) => {
                self.end_waiting(now, run, EndReason::Stopped, CANCELLED);
                self.start_waiting(now, lane);
                Ok(Answer::Done)
            }
            Some((State::Admitted | State::Running | State::Held { .. }, _)) => {
                self.ask_to_stop(run, Cause::Operator);
                self.judge(run);
                Ok(Answer::Done)
            }
        };
        self.reply(reply, answer);
    }

    fn find_operable(&self, job: &JobName, by: Trigger) -> Result<usize, Refusal> {
        let lane = self.lane_of(job).filter(|lane| !self.lanes[*lane].is_gone);
        let lane = lane.ok_or_else(|| Refusal::UnknownJob(job.clone()))?;
        if self.is_stopping() {
            return Err(Refusal::ShuttingDown);
        }
        // A hook has its own list of what it may do.
        if by != Trigger::Hook && !self.lanes[lane].job.api_trigger {
            return Err(Refusal::NotTriggerable);
        }
        Ok(lane)
    }

    fn carry_out(
        &mut self,
        now: Moment,
        lane: usize,
        verb: Verb,
        by: Trigger,
    ) -> Result<Answer, Refusal> {
        if let (Verb::Run | Verb::Start | Verb::Restart, Some(task)) =
            (verb, self.lanes[lane].job.task())
        {
            param::settle(&task.params, &[]).map_err(|(key, _)| Refusal::NeedsValue(key))?;
        }
        let outcome = match (verb, self.lanes[lane].job.kind()) {
            (Verb::Run, Kind::Task) => return Ok(Answer::Created(self.submit(now, lane, by))),
            (Verb::Run, Kind::Service) => {
                let run = self.fill_free_slot(now, lane, by).ok_or(Refusal::NoFreeSlot)?;
                return Ok(Answer::Created(run));
            }
            (Verb::Start, Kind::Task) => self.start_task(now, lane, by),
            (Verb::Start, Kind::Service) => self.start_replicas(now, lane),
            (Verb::Stop, Kind::Task) => self.stop_task(now, lane),
            (Verb::Stop, Kind::Service) => self.stop_replicas(lane, Cause::Operator),
            (Verb::Restart, Kind::Task) => {
                let stopped = self.stop_task(now, lane);
                Outcome { created: vec![self.submit_last(now, lane, by).id], ..stopped }
            }
            (Verb::Restart, Kind::Service) => self.replace_replicas(now, lane),
            (Verb::Pause, Kind::Task | Kind::Service) => self.pause(now, lane)?,
            (Verb::Resume, Kind::Task | Kind::Service) => self.resume(now, lane)?,
        };
        Ok(Answer::Operated(outcome))
    }

    /// What was done is told when it is durable; a refusal has nothing to wait for.
    pub(super) fn reply(&mut self, to: ReplyId, answer: Result<Answer, Refusal>) {
        match answer {
            Ok(answer) => self.after.push(After::Reply(to, answer)),
            Err(refusal) => {
                self.effects.push(Effect::Reply { to, answer: Answer::Refused(refusal) })
            }
        }
    }

    /// Nobody is there who stays: who is being stopped does not count.
    fn start_task(&mut self, now: Moment, lane: usize, by: Trigger) -> Outcome {
        let Engine { lanes, runs, .. } = self;
        let is_busy = lanes[lane].active.iter().any(|run| !runs[run].is_leaving());
        if is_busy || !lanes[lane].waiting.is_empty() {
            return Outcome::default();
        }
        Outcome { created: vec![self.submit_last(now, lane, by).id], ..Outcome::default() }
    }

    /// Nothing of a task is left, and nothing follows: its retries are called off in rows, so that
    /// the next daemon knows it too.
    fn stop_task(&mut self, now: Moment, lane: usize) -> Outcome {
        let waiting = self.waiting_of(lane);
        let retries = self.timers.take_retries(lane);
        let leaving = self.lanes[lane].active.clone();
        let handed_over = self.handed_over(lane);
        let dropped = waiting.len() + retries.len();
        for run in waiting {
            self.end_waiting(now, run, EndReason::Stopped, CANCELLED);
        }
        for retry in retries {
            self.call_off(now, retry);
        }
        for &run in leaving.iter().chain(&handed_over) {
            let live = &self.runs[&run];
            let is_over = matches!(live.state, State::Ending { .. });
            if is_over && live.asked != Some(Cause::Operator) {
                self.call_off_retry_of(now, run);
            }
            self.ask_to_stop(run, Cause::Operator);
            self.judge(run);
        }
        Outcome { created: Vec::new(), leaving, dropped }
    }

    /// Runs whose end is on its way to the disk and whose slot is somebody else's already.
    fn handed_over(&self, lane: usize) -> Vec<RunId> {
        let active = &self.lanes[lane].active;
        let over = self.runs.iter().filter(|(id, live)| {
            live.lane == lane && matches!(live.state, State::Ending { .. }) && !active.contains(id)
        });
        let mut ids: Vec<RunId> = over.map(|(id, _)| *id).collect();
        order::sort(&mut ids);
        ids
    }

    fn pause(&mut self, now: Moment, lane: usize) -> Result<Outcome, Refusal> {
        let job = self.lanes[lane].job.name.clone();
        let Some(ticking) = &mut self.lanes[lane].ticking else {
            return Err(Refusal::NotScheduled(job));
        };
        if !std::mem::replace(&mut ticking.paused, true) {
            self.unqueue_tick(lane);
            self.decide(Decision::new(Some(job.clone()), now.wall, What::Paused));
            self.changes.push(Change::Pause { job, since: Some(now.wall) });
        }
        Ok(Outcome::default())
    }

    /// What passed meanwhile is settled: nobody missed it.
    fn resume(&mut self, now: Moment, lane: usize) -> Result<Outcome, Refusal> {
        let job = self.lanes[lane].job.name.clone();
        let Some(ticking) = &mut self.lanes[lane].ticking else {
            return Err(Refusal::NotScheduled(job));
        };
        if std::mem::replace(&mut ticking.paused, false) {
            ticking.anchor = ticking.anchor.max(now.wall);
            self.start_schedule(now, lane);
            self.save_anchor(lane);
            self.decide(Decision::new(Some(job.clone()), now.wall, What::Resumed));
            self.changes.push(Change::Pause { job, since: None });
        }
        Ok(Outcome::default())
    }
}
