//! A database that is exactly as durable as it says: changes count from the moment their commit
//! is through, in order; what was still on its way when the daemon died is gone. It refuses
//! every change that takes a row back or ends it twice.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::engine::Found;
use crate::model::alert::{Alert, Kind};
use crate::model::change::{Anchor, Change, CommitId};
use crate::model::decision::Decision;
use crate::model::job::{Job, JobName};
use crate::model::run::{EndReason, Phase, Run, RunId};

#[derive(Debug, Default)]
pub(in crate::engine) struct Database {
    rows: BTreeMap<RunId, Row>,
    /// Rows that have not ended, in order of insertion.
    open: BTreeSet<(u64, RunId)>,
    newest: BTreeMap<JobName, RunId>,
    anchors: BTreeMap<JobName, Anchor>,
    paused: BTreeSet<JobName>,
    /// Jobs that somebody was told bad news of, and no good ones since.
    in_trouble: BTreeSet<JobName>,
    /// Nobody is told anything: somebody looks.
    pub(in crate::engine) is_lenient: bool,
    /// The newest alerts.
    pub(in crate::engine) raised: VecDeque<Alert>,
    /// And the newest decisions.
    pub(in crate::engine) decisions: VecDeque<Decision>,
    on_the_way: VecDeque<(CommitId, Vec<Change>)>,
    inserted: u64,
}

#[derive(Debug)]
pub(in crate::engine) struct Row {
    pub(in crate::engine) run: Run,
    /// Counts insertions: the order in which runs were submitted.
    pub(in crate::engine) serial: u64,
}

impl Database {
    pub(in crate::engine) fn send(&mut self, id: CommitId, changes: Vec<Change>) {
        self.on_the_way.push_back((id, changes));
    }

    /// Everything up to this commit is on the disk. Returns whether that is news.
    pub(in crate::engine) fn sync(&mut self, id: CommitId) -> bool {
        let mut is_news = false;
        while self.on_the_way.front().is_some_and(|(first, _)| *first <= id) {
            let (_, changes) = self.on_the_way.pop_front().unwrap();
            self.apply(changes);
            is_news = true;
        }
        is_news
    }

    /// Power off: the first `kept` commits that were on their way made it, the rest did not.
    pub(in crate::engine) fn crash(&mut self, kept: usize) {
        for (_, changes) in self.on_the_way.drain(..).take(kept).collect::<Vec<_>>() {
            self.apply(changes);
        }
    }

    pub(in crate::engine) fn on_the_way(&self) -> usize {
        self.on_the_way.len()
    }

    /// Rows, and those among them that are not over.
    pub(in crate::engine) fn sizes(&self) -> (usize, usize) {
        (self.rows.len(), self.open.len())
    }

    pub(in crate::engine) fn row(&self, run: RunId) -> Option<&Row> {
        self.rows.get(&run)
    }

    pub(in crate::engine) fn open(&self) -> impl Iterator<Item = &Run> {
        self.open.iter().map(|(_, id)| &self.rows[id].run)
    }

    pub(in crate::engine) fn anchor(&self, job: &JobName) -> Option<&Anchor> {
        self.anchors.get(job)
    }

    pub(in crate::engine) fn is_paused(&self, job: &JobName) -> bool {
        self.paused.contains(job)
    }

    /// What a daemon reads as it starts.
    pub(in crate::engine) fn found(&self, jobs: &[Job], machine_booted: bool) -> Found {
        Found {
            unfinished: self.open().cloned().collect(),
            anchors: self.anchors.values().cloned().collect(),
            paused: self.paused.iter().cloned().collect(),
            newest: jobs
                .iter()
                .filter_map(|job| self.newest.get(&job.name))
                .map(|id| self.rows[id].run.clone())
                .collect(),
            in_trouble: self.in_trouble.iter().cloned().collect(),
            machine_booted,
            cron_lives: false,
            config: 0,
        }
    }

    pub(in crate::engine) fn apply(&mut self, changes: Vec<Change>) {
        self.check_alerts(&changes);
        for change in changes {
            match change {
                Change::Insert(run) => self.insert(run),
                Change::Start { run, at, config } => {
                    let row = self.rows.get_mut(&run).expect("only a known run starts");
                    assert_eq!(row.run.phase, Phase::Pending, "{run} starts once");
                    row.run.phase = Phase::Running { since: at };
                    row.run.config = config;
                }
                Change::Identify { run, .. } => {
                    let phase = &self.rows[&run].run.phase;
                    assert!(
                        matches!(phase, Phase::Running { .. }),
                        "{run} has a process: {phase:?}"
                    );
                }
                Change::End { run, job, created_at, since, at, end } => {
                    let row = self.rows.get_mut(&run).expect("only a known run ends");
                    let before = match row.run.phase {
                        Phase::Pending => None,
                        Phase::Running { since } => Some(since),
                        Phase::Ended { .. } => panic!("{run} ends twice"),
                    };
                    assert!(
                        since.is_none() || since >= before,
                        "{run} started when its row was there"
                    );
                    assert_eq!((&row.run.job, row.run.created_at), (&job, created_at));
                    row.run.phase = Phase::Ended { since, at, end };
                    self.open.remove(&(row.serial, run));
                }
                Change::Anchor(anchor) => {
                    self.anchors.insert(anchor.job.clone(), anchor);
                }
                Change::Pause { job, since } => {
                    assert!(self.anchors.contains_key(&job), "{job} has a schedule");
                    match since {
                        Some(_) => assert!(self.paused.insert(job), "it is paused once"),
                        None => assert!(self.paused.remove(&job), "it is resumed once"),
                    }
                }
                Change::Forget(job) => {
                    self.paused.remove(&job);
                    self.anchors.remove(&job).expect("only a known task is forgotten");
                }
                Change::Raise(alert) => {
                    self.raised.truncate(99);
                    self.raised.push_front(*alert);
                }
                Change::Decide(decision) => {
                    self.decisions.truncate(99);
                    self.decisions.push_front(*decision);
                }
                Change::Configure(_) => {}
                Change::Snapshot { .. }
                | Change::ForgetDecisions { .. }
                | Change::Delete(_)
                | Change::Tell(_)
                | Change::Tidy(_)
                | Change::Set { .. } => {
                    panic!("the engine does not do this")
                }
            }
        }
    }

    /// A failure is told of in the commit of its row, and a success where a failure was before it;
    /// nothing is told twice.
    fn check_alerts(&mut self, changes: &[Change]) {
        if self.is_lenient {
            return;
        }
        let mut raised = BTreeMap::new();
        for change in changes {
            let Change::Raise(alert) = change else { continue };
            if alert.kind == Kind::RunRecovered {
                let job = JobName::new(&alert.job);
                assert!(self.in_trouble.remove(&job), "{job} was ill");
            }
            if alert.kind.is_failure() || alert.kind == Kind::RunSucceeded {
                let run = alert.run.as_ref().expect("it is about a run").id;
                assert_eq!(raised.insert(run, alert.kind), None, "{run} is told once");
            }
        }
        for change in changes {
            let ended = if let Change::End { run, job, end, .. } = change {
                Some((run, job, end))
            } else if let Change::Insert(Run { id, job, phase: Phase::Ended { end, .. }, .. }) =
                change
            {
                Some((id, job, end))
            } else {
                None
            };
            let Some((run, job, end)) = ended else { continue };
            let told = raised.remove(run);
            let (failed, was_ill) = (end.is_failure, self.in_trouble.contains(job));
            let is_due = failed || (end.reason == EndReason::Success && was_ill);
            assert!(told.is_some() || !is_due, "{run} {} is told", end.reason);
            match failed {
                true => drop(self.in_trouble.insert(job.clone())),
                false if is_due => drop(self.in_trouble.remove(job)),
                false => {}
            }
        }
        assert!(raised.is_empty(), "{raised:?} did not end");
    }

    fn insert(&mut self, run: Run) {
        self.inserted += 1;
        let id = run.id;
        // A refusal says nothing about the task, but it ends a chain.
        let is_news = match &run.phase {
            Phase::Pending | Phase::Running { .. } => {
                self.open.insert((self.inserted, id));
                true
            }
            Phase::Ended { end, .. } => {
                assert_ne!(end.reason, EndReason::Crashed, "{id} never ran");
                run.retry_of.is_some()
            }
        };
        if is_news {
            self.newest.insert(run.job.clone(), id);
        }
        let known = self.rows.insert(id, Row { run, serial: self.inserted });
        assert!(known.is_none(), "{id} is inserted twice");
    }
}
