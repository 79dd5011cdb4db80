//! What people ask for: start a job, stop a run, replace the replicas of a service.

use crate::base::time::Moment;
use crate::engine::{After, Answer, Engine, Refusal, ReplyId, State};
use crate::model::job::JobName;
use crate::model::run::{Cause, EndReason, RunId, Trigger};

impl Engine {
    pub(super) fn trigger(&mut self, now: Moment, job: &JobName, reply: ReplyId) {
        let answer = match self.find_triggerable(job) {
            Err(refusal) => Answer::Refused(refusal),
            Ok(lane) if self.lanes[lane].job.service().is_some() => {
                match self.fill_free_slot(now, lane) {
                    Some(run) => Answer::Created(run),
                    None => Answer::Refused(Refusal::NoFreeSlot),
                }
            }
            Ok(lane) => Answer::Created(self.submit(now, lane, Trigger::Api)),
        };
        self.after.push(After::Reply(reply, answer));
    }

    pub(super) fn stop_run(&mut self, now: Moment, run: RunId, reply: ReplyId) {
        let answer = match self.runs.get(&run).map(|live| &live.state) {
            None | Some(State::Ending { .. }) => Answer::Refused(Refusal::UnknownRun),
            Some(State::Waiting) => {
                self.end_waiting(now, run, EndReason::Stopped, "cancelled while it waited");
                Answer::Done
            }
            Some(State::Admitted | State::Running | State::Held { .. }) => {
                self.ask_to_stop(run, Cause::Operator);
                self.judge(run);
                Answer::Done
            }
        };
        self.after.push(After::Reply(reply, answer));
    }

    pub(super) fn restart_service(&mut self, now: Moment, job: &JobName, reply: ReplyId) {
        let answer = match self.find_triggerable(job) {
            Err(refusal) => Answer::Refused(refusal),
            Ok(lane) if self.lanes[lane].job.service().is_none() => {
                Answer::Refused(Refusal::NotAService(job.clone()))
            }
            Ok(lane) => {
                self.replace_replicas(now, lane);
                Answer::Done
            }
        };
        self.after.push(After::Reply(reply, answer));
    }

    fn find_triggerable(&self, job: &JobName) -> Result<usize, Refusal> {
        let lane = *self.by_name.get(job).ok_or_else(|| Refusal::UnknownJob(job.clone()))?;
        if self.is_stopping() {
            return Err(Refusal::ShuttingDown);
        }
        if !self.lanes[lane].job.api_trigger {
            return Err(Refusal::NotTriggerable);
        }
        Ok(lane)
    }
}
