//! Watches what is carried out: processes, stops, events and answers come only after the row
//! they belong to is durable, once, and in order.

use super::Witness;
use crate::engine::simulator::database::Database;
use crate::engine::{Answer, ReplyId};
use crate::model::event::Event;
use crate::model::run::{Cause, Phase, Run, RunId};

impl Witness {
    pub(in crate::engine) fn spawned(&mut self, database: &Database, run: &Run) {
        let row = database.row(run.id).expect("no process without a durable row");
        assert!(matches!(row.run.phase, Phase::Running { .. }), "{:?}", row.run);
        assert_eq!(row.run, *run, "what is spawned is what is stored");
        assert!(self.stopping_since.is_none(), "{} starts after the stop began", run.id);
        let seen = self.runs.get_mut(&run.id).expect("who is spawned is known");
        assert!(!seen.was_spawned, "{} is executed twice", run.id);
        assert!(!seen.by_hand, "{} was stopped before", run.id);
        seen.was_spawned = true;
        assert!(!self.chains.is_held(run), "{} is not to run", run.job);
        let lane = self.lanes.get_mut(&run.job).expect("who is spawned is configured");
        match &self.jobs[&run.job].service() {
            Some(service) => {
                let is_free = lane.processes.values().all(|replica| *replica != run.replica);
                assert!(is_free, "two live replicas share {}#{}", run.job, run.replica);
                assert!(run.replica < service.instances);
            }
            None => {
                assert!(row.serial > lane.last_spawned, "{} passed an older run", run.id);
                lane.last_spawned = row.serial;
                let limit = self.jobs[&run.job].task().unwrap().parallelism;
                assert!(lane.processes.len() < limit, "{} is over parallelism", run.id);
            }
        }
        lane.processes.insert(run.id, run.replica);
    }

    pub(in crate::engine) fn process_is_gone(&mut self, run: &Run) {
        let lane = self.lanes.get_mut(&run.job).unwrap();
        lane.processes.remove(&run.id);
        lane.victims.remove(&run.id);
    }

    pub(in crate::engine) fn told_to_stop(&mut self, database: &Database, id: RunId, cause: Cause) {
        self.ask(id);
        let run = &self.runs[&id].run;
        let lane = self.lanes.get_mut(&run.job).unwrap();
        // Who is stopped by hand as well makes room for nobody.
        let is_victim = cause == Cause::Superseded && !self.runs[&id].by_hand;
        if !is_victim || !lane.processes.contains_key(&id) {
            return;
        }
        lane.victims.insert(id);
        let waiting = database
            .open()
            .filter(|other| other.job == run.job && other.phase == Phase::Pending)
            .count();
        assert!(lane.victims.len() <= waiting, "more victims than runs that wait: {lane:?}");
    }

    pub(in crate::engine) fn published(&mut self, database: &Database, event: &Event) {
        match event {
            Event::RunCreated(run) => {
                let row = database.row(run.id).expect("created is said of a stored row");
                assert_eq!(row.run.id, run.id);
                let seen = self.runs.get_mut(&run.id).unwrap();
                assert!(!seen.created && !seen.started && !seen.ended, "created comes first");
                seen.created = true;
            }
            Event::RunStarted(run) => {
                let row = database.row(run.id).expect("started is said of a stored row");
                assert!(matches!(row.run.phase, Phase::Running { .. }));
                let seen = self.runs.get_mut(&run.id).unwrap();
                assert!(seen.created && !seen.started && !seen.ended, "started comes second");
                seen.started = true;
            }
            Event::RunEnded(run) => {
                let row = database.row(run.id).expect("ended is said of a stored row");
                assert_eq!(row.run.phase, run.phase, "the event says what the row says");
                let seen = self.runs.get_mut(&run.id).unwrap();
                assert!(seen.created && !seen.ended, "ended comes last, and once");
                seen.ended = true;
            }
            Event::Standing(standing) => self.hear([standing.clone()]),
            Event::Raised
            | Event::ReloadAsked
            | Event::JobRemoved(_)
            | Event::StartedAnyway { .. }
            | Event::TicksMissed { .. }
            | Event::ClockJumped { .. }
            | Event::Fatal(_)
            | Event::Stopping { .. }
            | Event::CutShort(_) => {}
        }
    }

    pub(in crate::engine) fn answered(
        &mut self,
        database: &Database,
        to: ReplyId,
        answer: &Answer,
    ) {
        assert!(self.unanswered.remove(&to), "an answer comes once");
        let named = match answer {
            Answer::Created(run) => vec![run.id],
            Answer::Operated(outcome) => [&*outcome.created, &outcome.leaving].concat(),
            Answer::Done | Answer::Reloaded(_) | Answer::Refused(_) => Vec::new(),
        };
        for run in named {
            assert!(database.row(run).is_some(), "an answer names a stored row");
        }
    }

    pub(in crate::engine) fn quit(&mut self, database: &Database, is_forced: bool) {
        assert!(!self.has_quit, "quit comes once");
        self.has_quit = true;
        if is_forced {
            return;
        }
        assert_eq!(database.on_the_way(), 0, "quits before its rows are stored");
        assert!(self.unanswered.is_empty(), "somebody still waits for an answer");
        for (job, lane) in &self.lanes {
            assert!(lane.processes.is_empty(), "{job} is left behind: {lane:?}");
        }
    }
}
