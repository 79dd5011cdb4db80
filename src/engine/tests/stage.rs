//! A stage for one engine: a test says what happens and hears, in words, what the engine does.
//! Commits are durable at once, unless the disk is held up; runs are called by their job and
//! number (`backup#2`), and live until the test ends them.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::base::time::Moment;
use crate::engine::simulator::database::Database;
use crate::engine::{Answer, Effect, Engine, Found, Input, Lifetime, Outcome, ReplyId};
use crate::model::alert::Alert;
use crate::model::change::CommitId;
use crate::model::event::Event;
use crate::model::job::Verb;
use crate::model::job::{Job, JobName};
use crate::model::run::Trigger;
use crate::model::run::{Cause, Exit, ExitHow, Leader, LogTotals, Phase, Run, RunId};

pub(super) struct Stage {
    pub(super) now: Moment,
    pub(super) engine: Engine,
    pub(super) database: Database,
    /// What was heard since the test last listened.
    heard: Vec<String>,
    names: Vec<(RunId, String)>,
    counts: HashMap<JobName, usize>,
    /// Commits that a slow disk still has before it.
    held: Option<Vec<CommitId>>,
    told: u64,
    ends_runs: bool,
}

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Stage {
    /// A daemon that starts for the first time.
    pub(super) fn new(at: &str, jobs: impl Into<Vec<Job>>) -> Stage {
        Stage::boot(at, jobs, Database::default(), Lifetime::Daemon)
    }

    /// A daemon that finds a database.
    pub(super) fn boot(
        at: &str,
        jobs: impl Into<Vec<Job>>,
        mut database: Database,
        lifetime: Lifetime,
    ) -> Stage {
        let jobs = jobs.into();
        let now = Moment { wall: at.parse().unwrap(), steady: secs(1000) };
        // Two lives never share an id.
        let seed = database.open().count() as u64;
        // Whoever runs in the foreground sees how it ends.
        database.is_lenient |= lifetime == Lifetime::UntilIdle;
        let mut engine = Engine::new(jobs.clone(), secs(3), lifetime, seed, now);
        let found = Found { machine_booted: true, ..database.found(&jobs, true) };
        let names: Vec<_> =
            found.unfinished.iter().map(|run| (run.id, format!("old {}", run.job))).collect();
        let (changes, reconciled) = engine.reconcile(now, found);
        database.apply(changes);
        let effects = engine.serve(now, reconciled);
        let mut stage = Stage {
            now,
            engine,
            database,
            heard: Vec::new(),
            names,
            counts: HashMap::new(),
            held: None,
            told: 0,
            ends_runs: false,
        };
        stage.perform(effects);
        stage
    }

    /// The daemon dies by `kill -9`, the next one starts at `at`.
    pub(super) fn reboot(mut self, at: &str, jobs: impl Into<Vec<Job>>) -> Stage {
        self.database.crash(0);
        Stage::boot(at, jobs, self.database, Lifetime::Daemon)
    }

    /// Every run succeeds as soon as it starts.
    pub(super) fn quick(mut self) -> Stage {
        self.ends_runs = true;
        let running = |run: &&Run| matches!(run.phase, Phase::Running { .. });
        for id in self.database.open().filter(running).map(|run| run.id).collect::<Vec<_>>() {
            self.end(id, ExitHow::Code(0), None);
        }
        self
    }

    /// Lets time pass, and with it everything that comes due on the way.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now.steady + time;
        self.tell(Input::Woke);
        while self.now.steady < end {
            let left = end - self.now.steady;
            let step = self.engine.patience(self.now).map_or(left, |patience| patience.min(left));
            assert_ne!(step, Duration::ZERO, "something due was left undone");
            self.stall(step);
            self.tell(Input::Woke);
        }
    }

    /// Lets time pass until the wall clock says so.
    pub(super) fn pass_until(&mut self, at: &str) {
        let at: Timestamp = at.parse().unwrap();
        self.pass(at.duration_since(self.now.wall).unsigned_abs());
    }

    /// Time passes, but nobody gets to run.
    pub(super) fn stall(&mut self, time: Duration) {
        self.now.steady += time;
        self.now.wall += time;
    }

    /// The wall clock is set, or the machine was suspended.
    pub(super) fn jump(&mut self, by: SignedDuration) {
        self.now.wall += by;
        self.tell(Input::Woke);
    }

    pub(super) fn tell(&mut self, input: Input) {
        let effects = self.engine.handle(self.now, input);
        self.perform(effects);
    }

    pub(super) fn trigger(&mut self, job: &str) {
        self.operate(job, Verb::Run);
    }

    pub(super) fn stop_run(&mut self, run: &str) {
        let (run, reply) = (self.id(run), self.reply());
        self.tell(Input::StopRun { run, reply });
    }

    pub(super) fn operate(&mut self, job: &str, verb: Verb) {
        let (job, reply) = (JobName::new(job), self.reply());
        self.tell(Input::Operate { job, verb, by: Trigger::Api, reply });
    }

    pub(super) fn shut_down(&mut self) {
        self.tell(Input::Shutdown { signal: "SIGTERM" });
    }

    pub(super) fn starts(&mut self, run: &str) {
        let run = self.id(run);
        self.tell(Input::Started { run, leader: Leader { pid: 1, start: 1 } });
    }

    pub(super) fn exits(&mut self, run: &str, code: i32) {
        self.ends(run, ExitHow::Code(code), None);
    }

    pub(super) fn ends(&mut self, run: &str, how: ExitHow, cause: Option<Cause>) {
        let run = self.id(run);
        self.end(run, how, cause);
    }

    fn end(&mut self, run: RunId, how: ExitHow, cause: Option<Cause>) {
        let exit = Exit::new(how, cause, LogTotals::default(), self.now.wall);
        self.tell(Input::Exited { run, exit });
    }

    /// The disk takes no more commits.
    pub(super) fn hold_disk(&mut self) {
        self.held = Some(Vec::new());
    }

    /// The disk takes commits again.
    pub(super) fn release_disk(&mut self) {
        for id in self.held.take().unwrap() {
            self.database.sync(id);
            self.tell(Input::Committed(id));
        }
    }

    /// What was heard since the last time.
    pub(super) fn heard(&mut self) -> Vec<String> {
        std::mem::take(&mut self.heard)
    }

    /// What was heard that begins with this word.
    pub(super) fn heard_of(&mut self, word: &str) -> Vec<String> {
        let mut heard = self.heard();
        heard.retain(|line| line.starts_with(word));
        heard
    }

    /// What was raised since the last time, oldest first.
    pub(super) fn raised(&mut self) -> Vec<Alert> {
        self.database.raised.drain(..).rev().collect()
    }

    /// How many seconds pass until the next run is spawned.
    pub(super) fn wait_for_spawn(&mut self) -> f64 {
        let since = self.now.steady;
        self.heard();
        while !self.heard.iter().any(|line| line.starts_with("spawn")) {
            assert!(self.now.steady < since + secs(86_400 * 400), "nobody is ever spawned");
            let patience = self.engine.patience(self.now).expect("somebody is to be spawned");
            self.pass(patience);
        }
        (self.now.steady - since).as_secs_f64()
    }

    /// The row of a run, in words.
    pub(super) fn row(&self, name: &str) -> String {
        self.tell_row(&self.database.row(self.id(name)).expect("it has a row").run)
    }

    pub(super) fn run(&self, name: &str) -> Run {
        self.database.row(self.id(name)).expect("it has a row").run.clone()
    }

    /// The name of the so-and-so-many-th run of the task `a`, if there was one.
    pub(super) fn name_of(&self, number: usize) -> Option<String> {
        let name = format!("a#{number}");
        self.names.iter().any(|(_, known)| *known == name).then_some(name)
    }

    fn tell_row(&self, run: &Run) -> String {
        match &run.phase {
            Phase::Pending | Phase::Running { .. } => run.phase.as_str().to_owned(),
            Phase::Ended { end, .. } => {
                let message = end.message.as_ref().map(|text| format!(" ({text})"));
                format!("{} {}{}", end.reason, end.exit_code, message.unwrap_or_default())
            }
        }
    }

    fn reply(&mut self) -> ReplyId {
        self.told += 1;
        ReplyId(self.told)
    }

    fn id(&self, name: &str) -> RunId {
        let known = self.names.iter().find(|(_, known)| known == name);
        known.unwrap_or_else(|| panic!("no run is called {name}: {:?}", self.names)).0
    }

    fn name(&mut self, run: &Run) -> String {
        if let Some((_, name)) = self.names.iter().find(|(id, _)| *id == run.id) {
            return name.clone();
        }
        let count = self.counts.entry(run.job.clone()).or_default();
        *count += 1;
        let name = format!("{}#{count}", run.job);
        self.names.push((run.id, name.clone()));
        name
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        let mut told = Vec::new();
        for effect in effects {
            let line = match effect {
                Effect::Commit { id, changes } => {
                    self.database.send(id, changes);
                    match &mut self.held {
                        Some(held) => held.push(id),
                        None => {
                            self.database.sync(id);
                            told.push(Input::Committed(id));
                        }
                    }
                    continue;
                }
                Effect::Spawn(run, _) => {
                    if self.ends_runs {
                        let (how, log) = (ExitHow::Code(0), LogTotals::default());
                        let exit = Exit::new(how, None, log, self.now.wall);
                        told.push(Input::Exited { run: run.id, exit });
                    }
                    format!("spawn {}", self.name(&run))
                }
                Effect::Stop { run, cause } => {
                    let name = self.names.iter().find(|(id, _)| *id == run).unwrap().1.clone();
                    format!("stop {name} {cause:?}")
                }
                Effect::KillAll => "kill all".to_owned(),
                Effect::Quit { code } => format!("quit {code}"),
                Effect::Reply { answer: Answer::Created(run), .. } => {
                    format!("answer {}", self.name(&run))
                }
                Effect::Reply { answer: Answer::Done, .. } => "answer done".to_owned(),
                Effect::Reply { answer: Answer::Operated(outcome), .. } => {
                    let Outcome { created, leaving, dropped } = outcome;
                    let (created, leaving) = (created.len(), leaving.len());
                    format!("answer: {created} created, {leaving} leave, {dropped} dropped")
                }
                Effect::Publish(Event::Standing(_) | Event::Raised) => continue,
                Effect::Publish(Event::ReloadAsked) => "reload asked".to_owned(),
                Effect::Publish(Event::JobRemoved(job)) => format!("removed {job}"),
                Effect::Publish(Event::StartedAnyway { job, missing }) => {
                    let missing: Vec<_> = missing.iter().map(JobName::as_str).collect();
                    format!("anyway {job} without {}", missing.join(" "))
                }
                Effect::Reply { answer: Answer::Reloaded(difference), .. } => {
                    let names = |names: &[JobName]| {
                        names.iter().map(|it| it.to_string()).collect::<Vec<_>>().join(" ")
                    };
                    let changed: Vec<String> = difference
                        .changed
                        .iter()
                        .map(|(name, keys)| format!("{name} ({})", keys.join(" ")))
                        .collect();
                    format!(
                        "reloaded: +[{}] ~[{}] -[{}] {}",
                        names(&difference.added),
                        changed.join(" "),
                        names(&difference.removed),
                        difference.notes.join("; ")
                    )
                }
                Effect::Reply { answer: Answer::Refused(refusal), .. } => {
                    format!("refused: {refusal}")
                }
                Effect::Publish(Event::RunCreated(run)) => format!("created {}", self.name(&run)),
                Effect::Publish(Event::RunStarted(run)) => format!("started {}", self.name(&run)),
                Effect::Publish(Event::RunEnded(run)) => {
                    format!("ended {}: {}", self.name(&run), self.tell_row(&run))
                }
                Effect::Publish(Event::TicksMissed { job, missed, started }) => {
                    format!("missed {job}: {}, {started} started", missed.count)
                }
                Effect::Publish(Event::ClockJumped { direction, by }) => {
                    format!("clock {direction:?} {}", by.as_secs())
                }
                Effect::Publish(Event::Fatal(text)) => format!("fatal: {text}"),
                Effect::Publish(Event::Stopping { why, in_flight }) => {
                    format!("stopping for {why}, {in_flight} in flight")
                }
                Effect::Publish(Event::CutShort(runs)) => format!("cut short {}", runs.len()),
            };
            self.heard.push(line);
        }
        told.into_iter().for_each(|input| self.tell(input));
    }
}
