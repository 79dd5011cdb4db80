//! A world around one engine after another: two clocks, a database, processes, operators and
//! their accidents. Time jumps from event to event. Whoever dies by `kill -9` loses what was
//! not durable; the next daemon starts from the database.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::base::time::Moment;
use crate::engine::simulator::database::Database;
use crate::engine::simulator::dice::Dice;
use crate::engine::simulator::jobs::{any_jobs, edit};
use crate::engine::simulator::witness::{BUDGET, Witness};
use crate::engine::{Effect, Engine, Input, Lifetime};
use crate::model::change::CommitId;
use crate::model::job::Job;
use crate::model::run::{Cause, Exit, ExitHow, Leader, LogTotals, Run, RunId};

/// So many jobs are looked at from time to time only.
const MANY: usize = 20;

/// What the world does by itself, in order of time on the steady clock.
#[derive(Debug)]
pub(super) enum Event {
    Tell(Input),
    /// The disk has everything up to this commit.
    Synced(CommitId),
    /// The process of a run ends this way.
    Exits(RunId, ExitHow, Option<Cause>),
    /// Somebody does something.
    Happening,
}

pub(super) struct World {
    seed: u64,
    pub(super) dice: Dice,
    pub(super) now: Moment,
    pub(super) jobs: Vec<Job>,
    pub(super) database: Database,
    pub(super) engine: Engine,
    pub(super) witness: Witness,
    pub(super) children: BTreeMap<RunId, Child>,
    events: BTreeMap<(Duration, u64), Event>,
    made: u64,
    /// When the disk is through with everything it has.
    disk_free: Duration,
    pub(super) disk_slow_until: Duration,
    /// The last things told and heard, for whoever has to find a fault.
    pub(super) trace: VecDeque<String>,
    pub(super) told: u64,
}

/// A process.
pub(super) struct Child {
    pub(super) run: Run,
    ends: (Duration, u64),
    /// How long it goes on after it was asked to stop; `None` until somebody kills it.
    obeys_after: Option<Duration>,
    asked: Option<Cause>,
}

impl World {
    /// With a few jobs.
    pub(super) fn new(seed: u64) -> World {
        let mut dice = Dice::new(seed);
        let count = 1 + dice.roll(5);
        World::of(seed, dice, count)
    }

    /// With many jobs.
    pub(super) fn large(seed: u64, count: u64) -> World {
        World::of(seed, Dice::new(seed), count)
    }

    fn of(seed: u64, mut dice: Dice, count: u64) -> World {
        // Shortly before clocks change somewhere.
        let day =
            dice.pick(&["2026-03-01", "2026-03-25", "2026-10-01", "2026-10-20", "2027-12-20"]);
        let midnight: Timestamp = format!("{day}T00:00:00.000417Z").parse().unwrap();
        let now = Moment { wall: midnight + dice.millis(86_400_000), steady: Duration::ZERO };
        let jobs = any_jobs(&mut dice, count);
        let database = Database::default();
        let engine = Engine::new(jobs.clone(), BUDGET, Lifetime::Daemon, dice.next(), now);
        let witness = Witness::boot(&jobs, &database, &[], now);
        let mut world = World {
            seed,
            dice,
            now,
            jobs,
            database,
            engine,
            witness,
            children: BTreeMap::new(),
            events: BTreeMap::new(),
            made: 0,
            disk_free: Duration::ZERO,
            disk_slow_until: Duration::ZERO,
            trace: VecDeque::new(),
            told: 0,
        };
        world.boot();
        world.plan_happening();
        world
    }

    /// Lives until then, or until so many inputs were told.
    pub(super) fn live(&mut self, until: Duration, most: u64) {
        while self.now.steady < until && self.told < most {
            self.step();
        }
    }

    /// Goes to the next event, whatever it is.
    pub(super) fn step(&mut self) {
        let patience = self.engine.patience(self.now).map(|wait| self.now.steady + wait);
        let event = self.events.first_key_value().map(|(key, _)| key.0);
        let Some(next) = [patience, event].into_iter().flatten().min() else { return };
        self.pass(next.saturating_sub(self.now.steady));
        let event = self.events.first_entry().filter(|first| first.key().0 <= self.now.steady);
        match event.map(|first| first.remove()) {
            None => self.tell(Input::Woke),
            Some(Event::Tell(input)) => self.tell(input),
            Some(Event::Synced(id)) => {
                if self.database.sync(id) {
                    let lag = self.dice.millis(3);
                    self.plan(lag, Event::Tell(Input::Committed(id)));
                }
            }
            Some(Event::Exits(run, how, cause)) => self.exits(run, how, cause),
            Some(Event::Happening) => {
                self.happen();
                self.plan_happening();
            }
        }
    }

    /// Both clocks move on.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now.steady += time;
        self.now.wall += time;
    }

    pub(super) fn plan(&mut self, wait: Duration, event: Event) -> (Duration, u64) {
        self.made += 1;
        let key = (self.now.steady + wait, self.made);
        self.events.insert(key, event);
        key
    }

    fn plan_happening(&mut self) {
        let wait = self.dice.span(Duration::from_secs(1), Duration::from_hours(60));
        self.plan(wait, Event::Happening);
    }

    pub(super) fn tell(&mut self, input: Input) {
        self.told += 1;
        self.note(format!("told {input:?}"));
        self.witness.before(self.now, &input);
        let is_freeing = matches!(input, Input::Committed(_));
        let effects = self.engine.handle(self.now, input);
        self.witness.after(self.now, &effects, is_freeing);
        self.perform(effects);
        if self.witness.has_quit() {
            // Whoever leaves waits for the disk.
            self.next_life(usize::MAX);
            return;
        }
        self.witness.check_patience(self.now, self.engine.patience(self.now));
        self.witness.check_leaving(self.now, &self.database);
        // With hundreds of jobs each look takes longer than everything else.
        if self.jobs.len() < MANY || self.told.is_multiple_of(MANY as u64) {
            self.witness.check_standings(self.now, self.engine.standings());
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        let mut is_forced = false;
        for effect in effects {
            self.note(format!("     {effect:?}"));
            assert!(!self.witness.has_quit(), "nothing follows the quit");
            match effect {
                Effect::Commit { id, changes } => {
                    self.database.send(id, changes);
                    let slow = self.now.steady < self.disk_slow_until;
                    let wait = self.dice.millis(if slow { 60_000 } else { 20 });
                    self.disk_free = self.disk_free.max(self.now.steady + wait);
                    let wait = self.disk_free - self.now.steady;
                    // Some are made durable together with those that come after.
                    if self.dice.chance(80) || self.database.on_the_way() > 3 {
                        self.plan(wait, Event::Synced(id));
                    } else {
                        self.plan(wait + Duration::from_millis(5), Event::Synced(id));
                    }
                }
                Effect::Spawn(run, _) => self.spawn(run),
                Effect::Stop { run, cause } => {
                    self.witness.told_to_stop(&self.database, run, cause);
                    self.stop_child(run, cause);
                }
                Effect::KillAll => is_forced = true,
                Effect::Publish(event) => self.witness.published(&self.database, &event),
                Effect::Reply { to, answer } => {
                    self.witness.answered(&self.database, to, &answer);
                }
                Effect::Quit { .. } => self.witness.quit(&self.database, is_forced),
            }
        }
    }

    fn spawn(&mut self, run: Run) {
        self.witness.spawned(&self.database, &run);
        let id = run.id;
        if self.dice.chance(2) {
            let how = ExitHow::NotStarted("no such shell".to_owned());
            let ends = self.plan(Duration::from_millis(2), Event::Exits(id, how, None));
            self.children.insert(id, Child { run, ends, obeys_after: None, asked: None });
            return;
        }
        let leader = Leader { pid: self.told as i32, start: self.told };
        let begins = self.dice.millis(5);
        self.plan(begins, Event::Tell(Input::Started { run: id, leader }));
        let longest = self.dice.pick(&[1, 90, 3_600, 20_000].map(Duration::from_secs));
        let life = begins + self.dice.span(Duration::from_millis(5), longest);
        let (how, cause) = match self.dice.roll(20) {
            0..10 => (ExitHow::Code(0), None),
            10..15 => (ExitHow::Code(self.dice.roll(256) as i32), None),
            15 => (ExitHow::Signal(self.dice.pick(&[2, 9, 11, 15])), None),
            16 => (ExitHow::Signal(15), Some(Cause::Timeout)),
            17 => (ExitHow::Code(0), Some(Cause::Timeout)),
            18 => (ExitHow::Signal(9), Some(Cause::LogOverflow)),
            _ => (ExitHow::Signal(15), Some(Cause::DiskPressure)),
        };
        let obeys_after = self.dice.chance(80).then(|| self.dice.millis(3_000));
        let ends = self.plan(life, Event::Exits(id, how, cause));
        self.children.insert(id, Child { run, ends, obeys_after, asked: None });
    }

    fn stop_child(&mut self, id: RunId, cause: Cause) {
        let Some(child) = self.children.get(&id).filter(|child| child.asked.is_none()) else {
            return;
        };
        let ends = child.ends.0.saturating_sub(self.now.steady);
        let grace = self.jobs.iter().find(|job| job.name == child.run.job).unwrap().stop.grace;
        let (wait, how) = match child.obeys_after {
            _ if ends < Duration::from_millis(6) => return,
            Some(wait) if wait < grace => {
                (wait, self.dice.pick(&[ExitHow::Signal(15), ExitHow::Code(0), ExitHow::Code(3)]))
            }
            Some(_) | None => (grace, ExitHow::Signal(9)),
        };
        // It may take a moment until the process exists.
        self.end_child_in(id, wait + Duration::from_millis(6), how, Some(cause));
        self.children.get_mut(&id).unwrap().asked = Some(cause);
    }

    /// Ends a process another way than it had in mind.
    pub(super) fn end_child_in(
        &mut self,
        id: RunId,
        wait: Duration,
        how: ExitHow,
        cause: Option<Cause>,
    ) {
        let ends = self.plan(wait, Event::Exits(id, how, cause));
        let child = self.children.get_mut(&id).unwrap();
        self.events.remove(&std::mem::replace(&mut child.ends, ends));
    }

    fn exits(&mut self, id: RunId, how: ExitHow, cause: Option<Cause>) {
        let child = self.children.remove(&id).unwrap();
        self.witness.process_is_gone(&child.run);
        let exit = Exit::new(how, cause, LogTotals::default(), self.now.wall);
        let lag = self.dice.millis(2);
        self.plan(lag, Event::Tell(Input::Exited { run: id, exit }));
    }

    /// The daemon is gone, by itself or by `kill -9`, and comes back some time later; so many
    /// of the commits that were on their way had reached the disk.
    pub(super) fn next_life(&mut self, kept: usize) {
        self.note(format!("{:?} the daemon is gone", self.now));
        self.database.crash(kept);
        self.children.clear();
        self.events.retain(|_, event| matches!(event, Event::Happening));
        self.disk_free = self.now.steady;
        let longest = self.dice.pick(&[1, 60, 7_200, 400_000].map(Duration::from_secs));
        let away = self.dice.span(Duration::from_millis(100), longest);
        self.pass(away);
        if self.dice.chance(5) {
            let by = self.dice.span(Duration::from_mins(1), Duration::from_hours(10));
            self.now.wall -= by;
        }
        edit(&mut self.dice, &mut self.jobs);
        self.boot();
    }

    fn boot(&mut self) {
        self.note(format!("{:?} a daemon begins with {:#?}", self.now, self.jobs));
        let found = self.database.found(&self.jobs, self.dice.chance(20));
        self.engine =
            Engine::new(self.jobs.clone(), BUDGET, Lifetime::Daemon, self.dice.next(), self.now);
        let (changes, reconciled) = self.engine.reconcile(self.now, found);
        self.witness = Witness::boot(&self.jobs, &self.database, &changes, self.now);
        self.database.apply(changes);
        self.pass(Duration::from_millis(30));
        self.witness.before_serve(self.now);
        let effects = self.engine.serve(self.now, reconciled);
        self.witness.hear(self.engine.standings());
        self.witness.after(self.now, &effects, false);
        self.perform(effects);
    }

    pub(super) fn note(&mut self, line: String) {
        if self.trace.len() == 120 {
            self.trace.pop_front();
        }
        self.trace.push_back(format!("{} {:?} {line}", self.now.wall, self.now.steady));
    }
}

impl Drop for World {
    #[expect(clippy::print_stderr, reason = "a failed test shows how it came to that")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.trace.iter().for_each(|line| eprintln!("{line}"));
            eprintln!("replay with RUNWISP_SIM_SEED={}", self.seed);
        }
    }
}
