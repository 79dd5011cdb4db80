//! The engine: decides what runs when. A value without I/O, clock or thread. Whatever
//! happens is an [`Input`], whatever is to be done is an [`Effect`].
//!
//! Durable, then visible: all changes that one input causes go out together in one
//! [`Effect::Commit`], and what hangs on them (a process, an event, a freed slot, an answer)
//! follows only when [`Input::Committed`] has come back.

mod admission;
mod alerts;
mod answer;
mod boot;
mod catch_up;
mod ending;
mod gate;
mod health;
mod operator;
mod reload;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod simulator;
mod slots;
mod standing;
mod stopping;
#[cfg(test)]
mod tests;
mod ticks;
mod timers;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::base::order;
use crate::base::time::{Moment, to_millis};
use crate::base::ulid::Ulids;
use crate::model::change::{Change, CommitId};
use crate::model::decision::Decision;
use crate::model::event::Event;
use crate::model::job::{Job, JobName, Verb};
use crate::model::param::{self, Given};
use crate::model::run::{Cause, Exit, Leader, Pressure, Run, RunId, Trigger};

pub(crate) use answer::{Answer, Outcome, Refusal};
pub(crate) use boot::{Found, Reconciled};
pub(crate) use reload::Plan;

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Input {
    /// The loop woke up: a tick or a timer may be due, or a clock was set.
    Woke,
    /// Something is to be done with a job.
    Operate { job: JobName, verb: Verb, by: Trigger, reply: ReplyId },
    /// A task is to run with these values, which fit its parameters.
    RunWith { job: JobName, params: Given, by: Trigger, reply: ReplyId },
    /// This is to be the configuration from now on.
    Reload { plan: Box<Plan>, reply: ReplyId },
    /// Somebody wants the configuration to be read again.
    ReloadAsked,
    /// Cron was started, or is gone.
    Cron { alive: bool },
    /// What the health check of a replica came to: its first success, or that it is unhealthy.
    Checked { run: RunId, result: Result<(), String> },
    /// Somebody wants to know whether the engine answers, and whether it is heard on the disk.
    Hail { reply: ReplyId },
    /// A run is to be stopped, or cancelled while it waits.
    StopRun { run: RunId, reply: ReplyId },
    /// The process of a run exists.
    Started { run: RunId, leader: Leader },
    /// The output of a run is no longer stored, because the disk is nearly full.
    Pressed { run: RunId, pressure: Pressure },
    /// A run is over; comes exactly once for every [`Effect::Spawn`].
    Exited { run: RunId, exit: Exit },
    /// Everything up to this commit is durable.
    Committed(CommitId),
    /// The daemon is to stop; a second time: at once.
    Shutdown { signal: &'static str },
    /// The daemon cannot go on; the text says why.
    Fatal(String),
}

/// Names the asker of something, so that the answer finds its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ReplyId(pub(crate) u64);

/// Something must be done. Carried out in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Make these changes durable in one transaction, then say [`Input::Committed`].
    Commit {
        id: CommitId,
        changes: Vec<Change>,
    },
    /// Start the process of this run.
    Spawn(Run, Arc<Job>),
    /// Ask the thread of this run to stop its process.
    Stop {
        run: RunId,
        cause: Cause,
    },
    /// SIGKILL to everything that still runs; nobody waits for its end.
    KillAll,
    Publish(Event),
    Reply {
        to: ReplyId,
        answer: Answer,
    },
    /// Leave the loop with this exit code.
    Quit {
        code: u8,
    },
}

/// Whether the engine goes on when nothing is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// Until a shutdown is asked for.
    Daemon,
    /// Until no run and no timer is left.
    UntilIdle,
}

/// What hangs on a commit.
#[derive(Debug)]
enum After {
    Spawn(RunId),
    Stop(RunId, Cause),
    Publish(Event),
    Reply(ReplyId, Answer),
    /// The end of this run is durable: its slot is free.
    Freed(RunId),
}

/// A run that has not ended.
#[derive(Debug)]
struct Live {
    run: Run,
    lane: usize,
    /// Its job as it was when the run got its slot.
    job: Arc<Job>,
    state: State,
    /// Why it was asked to stop, if it was.
    asked: Option<Cause>,
    /// On the steady clock: when its process came to be, or its slot was given.
    began: Duration,
    /// Quick failures in a row before it, for tasks that restart without a limit.
    streak: u32,
    /// When it is not as `expect` says any more.
    band: Option<timers::TimerKey>,
    /// When it may leave its place in the window of its task.
    held_by: Option<timers::TimerKey>,
    /// Why it was asked to stop, in words.
    message: Option<String>,
    /// Its thread was told that the daemon stops.
    is_told: bool,
}

#[derive(Debug, PartialEq)]
enum State {
    /// Waits in the window that `jitter` gives it, before it asks for a slot.
    Jitter,
    /// In the waiting line of its task.
    Waiting,
    /// Has its slot; its row is on the way to the disk.
    Admitted,
    /// Its thread is at work, or about to be.
    Running,
    /// Died as if somebody had stopped it; the daemon's own stop may be a moment away.
    /// It died `at` on the steady clock.
    Held { exit: Exit, at: Duration },
    /// Over since `at` on the steady clock; the end is on the way to the disk.
    Ending { at: Duration },
}

/// One job and what is going on in it.
#[derive(Debug)]
struct Lane {
    job: Arc<Job>,
    /// Runs that have a slot, oldest first.
    active: Vec<RunId>,
    /// Runs that wait for one, in order of submission.
    waiting: VecDeque<RunId>,
    /// Starts only when everybody who has a slot is gone: a restart is one after the other.
    last: Option<RunId>,
    /// The replicas of a service, empty for tasks.
    slots: Vec<slots::Slot>,
    ticking: Option<ticks::Ticking>,
    /// A failure was told and no success since.
    in_trouble: bool,
    /// It is no longer configured; something of it is left.
    is_gone: bool,
}

#[derive(Debug, PartialEq)]
enum Phase {
    Booting,
    Serving,
    Stopping { code: u8 },
    Left,
}

/// Knows every job, slot, queue, timer and run, and touches nothing outside itself.
#[derive(Debug)]
pub(crate) struct Engine {
    /// By name: ticks due together fire in that order, and each is found.
    lanes: Vec<Lane>,
    runs: HashMap<RunId, Live>,
    /// The next tick of every schedule that follows the wall clock.
    ticks: BTreeSet<(Timestamp, usize)>,
    timers: timers::Timers,
    gate: gate::Gate,
    /// The daemon stops, and somebody was not asked to yet.
    is_tearing: bool,
    /// Whether cron is alive and runs what is in its files.
    cron_lives: bool,
    ids: Ulids,
    phase: Phase,
    lifetime: Lifetime,
    budget: Duration,
    /// The number of the configuration that new runs are of.
    config: u32,
    last: Moment,
    commits: u64,
    awaiting: VecDeque<(CommitId, Vec<After>)>,
    /// What the input at hand causes.
    changes: Vec<Change>,
    after: Vec<After>,
    effects: Vec<Effect>,
    /// The way out; the rows of the last moment go before it.
    way_out: Vec<Effect>,
}

impl Engine {
    /// `budget` bounds a shutdown, `seed` keeps the ids of two daemons apart. Nothing
    /// happens before [`Engine::reconcile`] and [`Engine::serve`].
    pub(crate) fn new(
        jobs: impl IntoIterator<Item = impl Into<Arc<Job>>>,
        budget: Duration,
        lifetime: Lifetime,
        seed: u64,
        now: Moment,
    ) -> Engine {
        let mut lanes: Vec<Lane> = jobs.into_iter().map(|job| Lane::new(job.into())).collect();
        order::sort_by(&mut lanes, |a, b| a.job.name.cmp(&b.job.name));
        Engine {
            lanes,
            runs: HashMap::new(),
            ticks: BTreeSet::new(),
            timers: timers::Timers::default(),
            gate: gate::Gate::default(),
            is_tearing: false,
            cron_lives: false,
            ids: Ulids::new(seed),
            phase: Phase::Booting,
            lifetime,
            budget,
            config: 0,
            last: now,
            commits: 0,
            awaiting: VecDeque::new(),
            changes: Vec::new(),
            after: Vec::new(),
            effects: Vec::new(),
            way_out: Vec::new(),
        }
    }

    /// The lane of a job.
    fn lane_of(&self, job: &JobName) -> Option<usize> {
        self.lanes.binary_search_by(|lane| lane.job.name.cmp(job)).ok()
    }

    /// Takes in what happened and says what is to be done about it.
    pub(crate) fn handle(&mut self, now: Moment, input: Input) -> Vec<Effect> {
        let now = Moment { wall: to_millis(now.wall), ..now };
        self.observe_clocks(now);
        match input {
            Input::Woke => {}
            Input::Operate { job, verb, by, reply } => self.operate(now, &job, verb, by, reply),
            Input::RunWith { job, params, by, reply } => {
                self.run_with(now, &job, params, by, reply);
            }
            Input::Reload { plan, reply } => self.reload(now, *plan, reply),
            Input::ReloadAsked => self.effects.push(Effect::Publish(Event::ReloadAsked)),
            Input::Cron { alive } => self.cron_is(now, alive),
            Input::Checked { run, result } => self.checked(now, run, result),
            Input::Hail { reply } => self.reply(reply, Ok(Answer::Done)),
            Input::StopRun { run, reply } => self.stop_run(now, run, reply),
            Input::Started { run, leader } => self.started(now, run, leader),
            Input::Pressed { run, pressure } => self.pressed(now, run, pressure),
            Input::Exited { run, exit } => self.exited(now, run, exit),
            Input::Committed(id) => self.committed(now, id),
            Input::Shutdown { signal } => self.shut_down(now, signal),
            Input::Fatal(text) => self.fail(now, text),
        }
        self.fire_ticks(now);
        self.run_timers(now);
        self.leave_when_done();
        self.finish()
    }

    /// How long nothing is due; `None` for as long as nothing happens.
    pub(crate) fn patience(&self, now: Moment) -> Option<Duration> {
        let timer = self.timers.next().map(|due| due.saturating_sub(now.steady));
        let tick = self.ticks.first().map(|(at, _)| {
            let wait = at.duration_since(now.wall);
            // A tick fires when its instant is reached, never a fraction before.
            Duration::try_from(wait).unwrap_or(Duration::ZERO)
        });
        [timer, tick].into_iter().flatten().min()
    }

    /// One commit for everything the input caused.
    fn finish(&mut self) -> Vec<Effect> {
        if !self.changes.is_empty() || !self.after.is_empty() {
            self.commits += 1;
            let id = CommitId(self.commits);
            self.awaiting.push_back((id, std::mem::take(&mut self.after)));
            self.effects.push(Effect::Commit { id, changes: std::mem::take(&mut self.changes) });
        }
        self.effects.append(&mut self.way_out);
        std::mem::take(&mut self.effects)
    }

    fn committed(&mut self, now: Moment, id: CommitId) {
        while self.awaiting.front().is_some_and(|(first, _)| *first <= id) {
            let Some((_, after)) = self.awaiting.pop_front() else { return };
            for step in after {
                match step {
                    After::Spawn(run) => self.spawn(now, run),
                    After::Stop(run, cause) => self.send_stop(run, cause),
                    After::Publish(event) => self.effects.push(Effect::Publish(event)),
                    After::Reply(to, answer) => self.effects.push(Effect::Reply { to, answer }),
                    After::Freed(run) => self.freed(now, run),
                }
            }
        }
    }

    /// How many runs, commits and timers it keeps in mind.
    #[cfg(test)]
    fn held(&self) -> [usize; 3] {
        [self.runs.len(), self.awaiting.len(), self.timers.len()]
    }

    fn decide(&mut self, decision: Decision) {
        self.changes.push(Change::Decide(Box::new(decision)));
    }

    fn publish_after(&mut self, event: Event) {
        self.after.push(After::Publish(event));
    }

    fn is_stopping(&self) -> bool {
        match self.phase {
            Phase::Booting | Phase::Serving => false,
            Phase::Stopping { .. } | Phase::Left => true,
        }
    }
}

impl Lane {
    fn new(job: Arc<Job>) -> Lane {
        Lane {
            active: Vec::new(),
            waiting: VecDeque::new(),
            last: None,
            slots: Vec::new(),
            ticking: None,
            in_trouble: false,
            is_gone: false,
            job,
        }
    }
}

impl Engine {
    /// A new run of this lane, in the phase that admission gives it later.
    fn new_run(&mut self, now: Moment, lane: usize, trigger: Trigger) -> Run {
        let job = &self.lanes[lane].job;
        Run {
            id: self.ids.next(now.wall),
            job: job.name.clone(),
            kind: job.kind(),
            trigger,
            created_at: now.wall,
            phase: crate::model::run::Phase::Pending,
            retry_attempt: 0,
            retry_of: None,
            replica: 0,
            params: job.task().map_or_else(Given::default, |task| param::defaults(&task.params)),
            config: self.config,
        }
    }
}
