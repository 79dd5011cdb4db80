//! What a daemon makes of what the last one left behind (docs/running.md, Boot).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::base::order;
use crate::base::time::{Moment, to_millis};
use crate::engine::alerts::How;
use crate::engine::ticks::Ticking;
use crate::engine::{Effect, Engine, Live, Phase, State};
use crate::model::change::{Anchor, Change};
use crate::model::event::Event;
use crate::model::job::{JobName, Overlap, RunOnStart};
use crate::model::run::{self, CRASHED, End, EndReason, NO_EXIT_STATUS, Run, Trigger};

/// docs/running.md, Retries: a wait that is over for longer is not taken up again.
const STALE_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// What the database held as the daemon started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// Rows that are pending or running, oldest first. Their processes are gone.
    pub(crate) unfinished: Vec<Run>,
    pub(crate) anchors: Vec<Anchor>,
    /// Tasks whose schedule is switched off.
    pub(crate) paused: HashSet<JobName>,
    /// The newest run of each task that was executed or is a refused retry (which ends its
    /// chain), where the task repeats failures.
    pub(crate) newest: Vec<Run>,
    /// Jobs whose failure was told, and no success since.
    pub(crate) in_trouble: HashSet<JobName>,
    /// Whether the machine was booted since the last daemon started.
    pub(crate) machine_booted: bool,
    /// Whether cron is alive.
    pub(crate) cron_lives: bool,
    /// The number of the configuration that was stored for this start.
    pub(crate) config: u32,
}

/// Reconciled, but nothing started yet.
#[derive(Debug, Default)]
pub(crate) struct Reconciled {
    crashed: Vec<Run>,
    pending: Vec<Run>,
    found: Found,
}

impl Engine {
    /// Settles every row that a dead daemon left open and every anchor. The changes are to be
    /// made durable before [`Engine::serve`].
    pub(crate) fn reconcile(&mut self, now: Moment, mut found: Found) -> (Vec<Change>, Reconciled) {
        let wall = to_millis(now.wall);
        let mut reconciled = Reconciled::default();
        self.cron_lives = found.cron_lives;
        self.config = found.config;
        for lane in &mut self.lanes {
            lane.in_trouble = found.in_trouble.contains(&lane.job.name);
        }
        for mut run in std::mem::take(&mut found.unfinished) {
            let Some((reason, exit_code, message)) = self.judge_row(&run) else {
                reconciled.pending.push(run);
                continue;
            };
            let message = message.map(str::to_owned);
            let end = match self.lane_of(&run.job) {
                Some(lane) => self.lanes[lane].job.end(reason, exit_code, message),
                None => End::unjudged(reason, exit_code, message),
            };
            let since = match run.phase {
                run::Phase::Running { since } => Some(since),
                run::Phase::Pending | run::Phase::Ended { .. } => None,
            };
            self.changes.push(Change::end(&run, since, wall, end.clone()));
            run.phase = run::Phase::Ended { since, at: wall, end };
            self.raise_end(self.lane_of(&run.job), &run, How::default());
            reconciled.crashed.push(run);
        }
        self.set_anchors(wall, std::mem::take(&mut found.anchors), &found.paused);
        reconciled.found = found;
        (std::mem::take(&mut self.changes), reconciled)
    }

    /// How a row that was found open ends; `None` keeps it waiting.
    fn judge_row(&self, run: &Run) -> Option<(EndReason, i32, Option<&'static str>)> {
        if run.phase != run::Phase::Pending {
            return Some((EndReason::Crashed, CRASHED, None));
        }
        let failed = |message| Some((EndReason::Failed, NO_EXIT_STATUS, Some(message)));
        match self.lane_of(&run.job) {
            None => failed("task is no longer configured"),
            Some(lane) if self.lanes[lane].job.task().is_none() => {
                failed("the daemon was restarted")
            }
            Some(_) => None,
        }
    }

    fn set_anchors(&mut self, wall: Timestamp, stored: Vec<Anchor>, paused: &HashSet<JobName>) {
        let mut stored: HashMap<JobName, Anchor> =
            stored.into_iter().map(|one| (one.job.clone(), one)).collect();
        for lane in 0..self.lanes.len() {
            let Some(schedule) = self.lanes[lane].job.task().and_then(|task| task.schedule.clone())
            else {
                continue;
            };
            let mut ticking = Ticking::new(schedule, wall);
            ticking.paused = paused.contains(&self.lanes[lane].job.name);
            let known = stored.remove(&self.lanes[lane].job.name);
            let same = known.filter(|anchor| anchor.schedule == ticking.identity());
            let is_new = same.is_none();
            if let Some(anchor) = same {
                ticking.anchor = anchor.at;
            }
            self.lanes[lane].ticking = Some(ticking);
            if is_new {
                self.save_anchor(lane);
            }
        }
        let mut gone: Vec<JobName> = stored.into_keys().collect();
        order::sort(&mut gone);
        self.changes.extend(gone.into_iter().map(Change::Forget));
    }

    /// Starts everything: services, queued runs, runs at start, what was missed, what is to
    /// be retried, and the schedules.
    pub(crate) fn serve(&mut self, now: Moment, reconciled: Reconciled) -> Vec<Effect> {
        let now = Moment { wall: to_millis(now.wall), ..now };
        let Reconciled { crashed, pending, found } = reconciled;
        if self.is_stopping() {
            return self.finish();
        }
        self.phase = Phase::Serving;
        self.last = now;
        for run in &crashed {
            self.effects.push(Effect::Publish(Event::RunEnded(run.clone())));
        }
        self.hold_where_cron_lives(now);
        self.start_services(now);
        for run in pending {
            self.readmit(now, run);
        }
        self.run_on_start(now, found.machine_booted);
        let mut caught_up = HashSet::new();
        for lane in 0..self.lanes.len() {
            if self.catch_up(now, lane) > 0 {
                caught_up.insert(self.lanes[lane].job.name.clone());
            }
            self.start_schedule(now, lane);
        }
        for run in crashed.iter().chain(&found.newest).filter(|run| !caught_up.contains(&run.job)) {
            self.resume_retry(now, run);
        }
        self.finish()
    }

    /// A run that waited when the daemon died gets its place in the line back.
    fn readmit(&mut self, now: Moment, run: Run) {
        let lane = self.lane_of(&run.job).expect("who is pending has a job");
        let task = self.lanes[lane].job.task().expect("only tasks wait");
        let free =
            self.lanes[lane].active.len() < task.parallelism && self.lanes[lane].waiting.is_empty();
        let queues = task.on_overlap == Overlap::Queue;
        let id = run.id;
        let live = Live {
            lane,
            job: Arc::clone(&self.lanes[lane].job),
            state: State::Waiting,
            asked: None,
            began: now.steady,
            streak: run.retry_attempt,
            band: self.expect_start(now, lane, id),
            held_by: None,
            message: None,
            is_told: false,
            run,
        };
        self.lanes[lane].waiting.push_back(id);
        self.runs.insert(id, live);
        if free {
            self.start_waiting(now, lane);
        } else if !queues {
            self.end_waiting(
                now,
                id,
                EndReason::Failed,
                "no free slot after the daemon was restarted",
            );
        }
    }

    fn run_on_start(&mut self, now: Moment, machine_booted: bool) {
        for lane in 0..self.lanes.len() {
            let wanted = self.lanes[lane].job.task().is_some_and(|task| match task.run_on_start {
                RunOnStart::Never => false,
                RunOnStart::Daemon => true,
                // A cron that is alive has run its own when it started.
                RunOnStart::Boot => {
                    machine_booted && !(self.cron_lives && self.lanes[lane].is_crons())
                }
            });
            if wanted {
                self.submit(now, lane, Trigger::Startup);
            }
        }
    }

    /// The wait before a retry survives a restart of the daemon.
    fn resume_retry(&mut self, now: Moment, run: &Run) {
        let Some(lane) = self.lane_of(&run.job) else { return };
        let run::Phase::Ended { at, end, .. } = &run.phase else { return };
        let Some(wait) = self.lanes[lane].job.retry_wait(end, run.retry_attempt, run.retry_attempt)
        else {
            return;
        };
        let since = now.wall.duration_since(*at);
        let left = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX) - since;
        if left < -STALE_AFTER {
            return;
        }
        let wait = std::time::Duration::try_from(left).unwrap_or_default().min(wait);
        self.set_retry(now.steady + wait, lane, run, run.retry_attempt.saturating_add(1));
    }
}
