//! Carries out what the engine asks for: rows to the writer, threads for runs, and everything
//! else to an [`Audience`]. Decides nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::base::sentence::error_text;
use crate::base::time::Clock;
use crate::engine::{Answer, Effect, Input, ReplyId};
use crate::inbox::Inbox;
use crate::logs::{Feeds, Observer};
use crate::model::event::Event;
use crate::model::job::Job;
use crate::model::run::{Exit, ExitHow, LogTotals, Run, RunId};
use crate::process::run;
use crate::process::spec::{Spec, Surroundings};
use crate::process::{Crew, Stopper};
use crate::store::writer::Writer;

/// For the kernel to carry out SIGKILL; who is stuck in a system call stays behind.
const KILL_TIME: Duration = Duration::from_millis(500);

/// Who hears what became durable, and gets the answers.
pub(crate) trait Audience {
    fn hear(&mut self, event: &Event);
    fn answer(&mut self, to: ReplyId, answer: Answer);
}

/// The outside of the engine.
pub(crate) struct World<A> {
    clock: Clock,
    inbox: Inbox,
    writer: Writer,
    surroundings: Arc<Surroundings>,
    /// Makes the one who gets the output of a run too.
    observer: fn() -> Option<Observer>,
    feeds: Feeds,
    crew: Crew,
    pub(crate) audience: A,
    /// Runs whose thread has not reported their end yet.
    runs: HashMap<RunId, Stopper>,
}

impl<A: Audience> World<A> {
    pub(crate) fn new(
        clock: Clock,
        inbox: Inbox,
        writer: Writer,
        surroundings: Surroundings,
        audience: A,
    ) -> World<A> {
        World {
            clock,
            inbox,
            writer,
            surroundings: Arc::new(surroundings),
            observer: || None,
            feeds: Feeds::default(),
            crew: Crew::default(),
            audience,
            runs: HashMap::new(),
        }
    }

    /// Has `observer` see the output of every run from now on.
    pub(crate) fn observe(&mut self, observer: fn() -> Option<Observer>) {
        self.observer = observer;
    }

    /// Tells those who follow a log through these from now on.
    pub(crate) fn tell(&mut self, feeds: Feeds) {
        self.feeds = feeds;
    }

    /// Does one thing; an exit code when that was to leave.
    pub(crate) fn perform(&mut self, effect: Effect) -> Option<u8> {
        match effect {
            Effect::Commit { id, changes } => self.writer.commit(id, changes),
            Effect::Spawn(run, job) => self.spawn(&run, &job),
            Effect::Stop { run, cause } => {
                // Not there: it has just ended by itself.
                if let Some(stopper) = self.runs.get(&run) {
                    stopper.stop(cause);
                }
            }
            Effect::KillAll => self.runs.values().for_each(Stopper::kill),
            Effect::Publish(event) => {
                if let Event::RunEnded(run) = &event {
                    self.runs.remove(&run.id);
                    self.feeds.end(run.id);
                }
                self.audience.hear(&event);
            }
            Effect::Reply { to, answer } => self.audience.answer(to, answer),
            Effect::Quit { code } => return Some(code),
        }
        None
    }

    /// Waits for the threads of runs that were killed on the way out, so that their processes
    /// are reaped and their logs closed; nobody takes note of how they ended.
    pub(crate) fn await_killed(&mut self, inputs: &Receiver<Input>) {
        let until = self.clock.now().steady + KILL_TIME;
        while !self.runs.is_empty() {
            match inputs.recv_timeout(until.saturating_sub(self.clock.now().steady)) {
                Ok(Input::Exited { run, .. }) => drop(self.runs.remove(&run)),
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    fn spawn(&mut self, run: &Run, job: &Arc<Job>) {
        let mut spec = Spec::new(job, run, &self.surroundings);
        spec.observer = (self.observer)();
        spec.feed = Some(self.feeds.of(run.id));
        match run::start(spec, self.clock.clone(), self.inbox.clone(), &self.crew) {
            Ok(stopper) => {
                self.runs.insert(run.id, stopper);
            }
            Err(error) => {
                let cause = format!("cannot start a thread: {}", error_text(&error));
                log::error!("{cause} task={} run={}", run.job, run.id);
                let how = ExitHow::NotStarted(format!("failed to start: {cause}"));
                let at = self.clock.now().wall;
                let exit = Exit::new(how, None, LogTotals::default(), at);
                self.inbox.send(Input::Exited { run: run.id, exit });
            }
        }
    }
}
