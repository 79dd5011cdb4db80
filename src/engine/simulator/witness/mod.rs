//! Watches a daemon from the outside and checks after every event that nothing happened that
//! must never happen: to slots and waiting lines, processes, events and answers. What follows
//! a run is checked in `chains`, schedules in `almanac`.

mod effects;
mod rows;
mod verbs;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use crate::base::time::Moment;
use crate::cron::Schedule;
use crate::engine::simulator::almanac::{Almanac, Owed};
use crate::engine::simulator::chains::Chains;
use crate::engine::simulator::database::Database;
use crate::engine::{Effect, Input, ReplyId};
use crate::model::change::{Anchor, Change, CommitId};
use crate::model::event::{Standing, Switch};
use crate::model::job::{Job, JobName};
use crate::model::run::{EndReason, Exit, Phase, Run, RunId};

pub(super) const BUDGET: Duration = Duration::from_secs(3);
/// docs/running.md, Stopping.
const JUDGE_AFTER: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) struct Witness {
    jobs: BTreeMap<JobName, Job>,
    lanes: BTreeMap<JobName, Lane>,
    pub(super) runs: HashMap<RunId, Seen>,
    /// Runs that end with a commit.
    ending: VecDeque<(CommitId, Vec<RunId>)>,
    /// Over as a process, but not yet by the engine.
    exited: BTreeMap<RunId, Duration>,
    last_id: Option<RunId>,
    unanswered: HashSet<ReplyId>,
    almanac: Almanac,
    owed: BTreeMap<JobName, Owed>,
    chains: Chains,
    stopping_since: Option<Duration>,
    has_quit: bool,
    asked: Option<verbs::Asked>,
    /// What was told of each job last.
    told: BTreeMap<JobName, Standing>,
}

/// One job as it may be known to everybody.
#[derive(Debug, Default)]
struct Lane {
    active: Vec<RunId>,
    waiting: VecDeque<RunId>,
    /// Processes that live.
    processes: BTreeMap<RunId, u16>,
    /// Those among them that make room for a newer run.
    victims: BTreeSet<RunId>,
    /// Waits until everybody else is gone.
    last: Option<RunId>,
    last_spawned: u64,
}

/// One run.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) run: Run,
    pub(super) asked: bool,
    /// By an operator, so that nothing follows.
    pub(super) by_hand: bool,
    pub(super) began: Duration,
    /// When the engine was told that the process is gone, and how.
    pub(super) exit: Option<(Duration, Exit)>,
    pub(super) reason: Option<EndReason>,
    was_spawned: bool,
    created: bool,
    started: bool,
    ended: bool,
}

impl Seen {
    fn new(run: Run, now: Moment) -> Seen {
        Seen {
            run,
            asked: false,
            by_hand: false,
            began: now.steady,
            exit: None,
            reason: None,
            was_spawned: false,
            created: false,
            started: false,
            ended: false,
        }
    }
}

impl Witness {
    /// A daemon reads what the last one left; `changes` is what it makes of it.
    pub(super) fn boot(
        jobs: &[Job],
        database: &Database,
        changes: &[Change],
        now: Moment,
    ) -> Witness {
        let mut witness = Witness {
            jobs: jobs.iter().map(|job| (job.name.clone(), job.clone())).collect(),
            lanes: jobs.iter().map(|job| (job.name.clone(), Lane::default())).collect(),
            runs: HashMap::new(),
            ending: VecDeque::new(),
            exited: BTreeMap::new(),
            last_id: None,
            unanswered: HashSet::new(),
            almanac: Almanac::new(jobs, database, now),
            owed: BTreeMap::new(),
            chains: Chains::default(),
            stopping_since: None,
            has_quit: false,
            asked: None,
            told: BTreeMap::new(),
        };
        let ended: HashSet<RunId> = changes
            .iter()
            .filter_map(|change| match change {
                Change::End { run, .. } => Some(*run),
                Change::Insert(_)
                | Change::Start { .. }
                | Change::Identify { .. }
                | Change::Raise(_)
                | Change::Decide(_)
                | Change::ForgetDecisions { .. }
                | Change::Configure(_)
                | Change::Tell(_)
                | Change::Snapshot { .. }
                | Change::Anchor(_)
                | Change::Pause { .. }
                | Change::Forget(_)
                | Change::Delete(_)
                | Change::Tidy(_)
                | Change::Set { .. } => None,
            })
            .collect();
        for run in database.open() {
            witness.runs.insert(run.id, Seen { created: true, ..Seen::new(run.clone(), now) });
            if ended.contains(&run.id) {
                continue;
            }
            assert_eq!(run.phase, Phase::Pending, "{} goes on after a crash", run.id);
            let lane = witness.lanes.get_mut(&run.job).expect("who waits is configured");
            lane.waiting.push_back(run.id);
        }
        witness
    }

    pub(super) fn before_serve(&mut self, now: Moment) {
        self.owed = self.almanac.serve(now);
    }

    /// Something is about to be told to the engine.
    pub(super) fn before(&mut self, now: Moment, input: &Input) {
        let was_stopping = self.stopping_since.is_some();
        self.asked = None;
        let mut owed = if was_stopping { BTreeMap::new() } else { self.almanac.look(now) };
        match input {
            Input::Woke | Input::Hail { .. } | Input::Pressed { .. } => {}
            Input::RunWith { .. }
            | Input::Reload { .. }
            | Input::ReloadAsked
            | Input::Cron { .. }
            | Input::Checked { .. } => panic!("nobody does this here"),
            Input::Operate { job, verb, by, reply } => {
                assert!(self.unanswered.insert(*reply));
                self.before_verb(now, job, *verb, *by);
            }
            Input::StopRun { run, reply } => {
                self.unanswered.insert(*reply);
                // Who is over already cannot be stopped.
                if self.runs.get(run).is_some_and(|seen| seen.reason.is_none()) {
                    self.ask_by_hand(*run);
                }
            }
            Input::Started { run, .. } => {
                self.runs.get_mut(run).expect("who starts is known").began = now.steady;
            }
            Input::Exited { run, exit } => {
                let seen = self.runs.get_mut(run).expect("who exits is known");
                seen.exit = Some((now.steady, exit.clone()));
                self.exited.insert(*run, now.steady);
            }
            Input::Committed(id) => self.free(now, *id),
            Input::Shutdown { .. } | Input::Fatal(_) => {
                self.stopping_since.get_or_insert(now.steady);
                let active: Vec<_> =
                    self.lanes.values().flat_map(|lane| lane.active.clone()).collect();
                active.into_iter().for_each(|run| self.ask(run));
                self.chains.clear();
            }
        }
        if self.stopping_since.is_none() {
            self.almanac.fire(now, &mut owed);
        }
        self.owed = owed;
    }

    /// The engine has answered; nothing of it was carried out yet.
    pub(super) fn after(&mut self, now: Moment, effects: &[Effect], is_freeing: bool) {
        let mut tally: BTreeMap<JobName, Owed> = BTreeMap::new();
        let mut anchors: BTreeMap<JobName, &Anchor> = BTreeMap::new();
        for effect in effects {
            let Effect::Commit { id, changes } = effect else { continue };
            let mut over = Vec::new();
            for change in changes {
                match change {
                    Change::Insert(run) => {
                        rows::count(run, &mut tally);
                        self.made(run);
                        self.inserted(now, run, is_freeing);
                    }
                    Change::Start { run, .. } => self.leaves_line(now, *run),
                    Change::End { run, end, .. } => {
                        if self.ends(*run, end.reason) {
                            over.push(*run);
                        }
                    }
                    Change::Anchor(anchor) => drop(anchors.insert(anchor.job.clone(), anchor)),
                    Change::Identify { .. }
                    | Change::Pause { .. }
                    | Change::Decide(_)
                    | Change::Configure(_)
                    | Change::Raise(_) => {}
                    Change::Snapshot { .. }
                    | Change::ForgetDecisions { .. }
                    | Change::Forget(_)
                    | Change::Delete(_)
                    | Change::Tidy(_)
                    | Change::Tell(_)
                    | Change::Set { .. } => panic!("unexpected: {change:?}"),
                }
            }
            self.ending.push_back((*id, over));
        }
        for job in self.jobs.keys() {
            let owed = self.owed.get(job).copied().unwrap_or_default();
            let found = tally.get(job).copied().unwrap_or_default();
            assert_eq!(found, owed, "ticks of {job}: engine left, almanac right");
            if owed != Owed::default() {
                assert_eq!(anchors[job].at, self.almanac.anchor(job), "anchor of {job}");
            }
        }
        self.after_verb();
        self.check_lines(now);
    }

    /// The engine says how long nothing is due.
    pub(super) fn check_patience(&self, now: Moment, patience: Option<Duration>) {
        assert_ne!(patience, Some(Duration::ZERO), "something due was left undone");
        if let Some(since) = self.stopping_since {
            let left = (since + BUDGET).saturating_sub(now.steady);
            assert!(patience.is_some_and(|patience| patience <= left), "sleeps past its budget");
            return;
        }
        for wait in [self.almanac.patience(now), self.chains.patience(now)].into_iter().flatten() {
            assert!(patience.is_some_and(|patience| patience <= wait), "sleeps past {wait:?}");
        }
    }

    pub(super) fn has_quit(&self) -> bool {
        self.has_quit
    }

    /// After a whole event: whoever is stopping and has nothing left to wait for is gone.
    pub(super) fn check_leaving(&self, now: Moment, database: &Database) {
        let Some(since) = self.stopping_since.filter(|_| !self.has_quit) else { return };
        assert!(now.steady < since + BUDGET, "the budget is over");
        let is_busy = self.lanes.values().any(|lane| !lane.active.is_empty());
        assert!(
            is_busy || database.on_the_way() > 0 || !self.ending.is_empty(),
            "has nothing left to do"
        );
    }

    /// The engine tells how jobs stand.
    pub(super) fn hear(&mut self, standings: impl IntoIterator<Item = Standing>) {
        self.told.extend(standings.into_iter().map(|standing| (standing.job.clone(), standing)));
    }

    /// What the engine tells of its jobs is true, and it has told all of it that is durable.
    pub(super) fn check_standings(&self, now: Moment, standings: impl Iterator<Item = Standing>) {
        if self.stopping_since.is_some() {
            return;
        }
        for Standing { job, next, switch, instances: _ } in standings {
            let (is_paused, tick) = self.almanac.standing(now, &job);
            assert_eq!((switch == Switch::Paused, next), (is_paused, tick), "{job}");
            let Some(told) = self.told.get(&job).filter(|_| self.ending.is_empty()) else {
                continue;
            };
            // The next tick of an interval moves with the wall clock, by fractions all the time.
            let is_exact = matches!(
                self.jobs[&job].task().and_then(|task| task.schedule.as_deref()),
                Some(Schedule::Cron(_))
            );
            assert!(told.switch == switch && (!is_exact || told.next == next), "{told:?} {next:?}");
        }
    }

    fn ask(&mut self, run: RunId) {
        if let Some(seen) = self.runs.get_mut(&run) {
            seen.asked = true;
        }
    }

    fn free(&mut self, now: Moment, id: CommitId) {
        while self.ending.front().is_some_and(|(first, _)| *first <= id) {
            for run in self.ending.pop_front().unwrap().1 {
                let seen = &self.runs[&run];
                self.lanes.get_mut(&seen.run.job).unwrap().active.retain(|active| *active != run);
                if self.stopping_since.is_none() {
                    self.chains.freed(now, &self.jobs[&seen.run.job], seen);
                }
            }
        }
    }

    /// Nobody waits for a free slot, for the end of a dead process or for a run that is due.
    fn check_lines(&self, now: Moment) {
        for (run, since) in &self.exited {
            assert!(now.steady < *since + JUDGE_AFTER, "{run} exited but does not end");
        }
        if self.stopping_since.is_some() {
            return;
        }
        for (name, lane) in &self.lanes {
            let Some(task) = self.jobs[name].task() else { continue };
            assert!(lane.active.len() <= task.parallelism, "{name}: {lane:?}");
            let is_free = match lane.last.is_some() && lane.last.as_ref() == lane.waiting.front() {
                true => lane.active.is_empty(),
                false => lane.active.len() < task.parallelism,
            };
            assert!(lane.waiting.is_empty() || !is_free, "{lane:?}");
        }
        self.chains.check(now);
    }
}
