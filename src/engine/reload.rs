//! Another configuration takes the place of the one at hand (docs/configuration.md, Reload): what
//! is new starts from now on, what is gone winds down, what is the same is not touched.

use std::sync::Arc;
use std::time::Duration;

use crate::base::order;
use crate::base::time::Moment;
use crate::engine::slots::Rest;
use crate::engine::ticks::Ticking;
use crate::engine::{Answer, Engine, Lane, Live, Refusal, ReplyId, State};
use crate::model::change::{Change, Configuration};
use crate::model::decision::{Decision, What};
use crate::model::difference::{self, Difference};
use crate::model::event::Event;
use crate::model::job::{Job, JobName, Source};
use crate::model::run::{Cause, EndReason, RunId};

/// What is to hold from now on; all of it is valid.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) jobs: Vec<Arc<Job>>,
    /// Bounds a shutdown.
    pub(crate) budget: Duration,
    /// What is kept of it, and its number.
    pub(crate) configuration: Configuration,
    /// Whether cron is alive.
    pub(crate) cron_lives: bool,
}

impl Engine {
    /// All of it, or nothing while the daemon stops.
    pub(super) fn reload(&mut self, now: Moment, plan: Plan, reply: ReplyId) {
        if self.is_stopping() {
            return self.reply(reply, Err(Refusal::ShuttingDown));
        }
        let jobs: Vec<Arc<Job>> = self.jobs().cloned().collect();
        let mut difference = Difference::between(&jobs, &plan.jobs);
        self.budget = plan.budget;
        self.cron_lives = plan.cron_lives;
        let before = std::mem::replace(&mut self.config, plan.configuration.number);
        if before != self.config {
            self.changes.push(Change::Configure(Box::new(plan.configuration)));
        }
        for name in &difference.removed {
            let lane = self.lane_of(name).expect("it was configured");
            self.remove(now, lane);
            self.decide(Decision::new(Some(name.clone()), now.wall, What::Removed));
            self.publish_after(Event::JobRemoved(name.clone()));
        }
        self.place_lanes(&plan.jobs);
        let mut changed = difference.changed.iter().peekable();
        for (lane, job) in self.lanes_of(plan.jobs) {
            if std::mem::take(&mut self.lanes[lane].is_gone) {
                self.decide(Decision::new(Some(job.name.clone()), now.wall, What::Added));
                self.add(now, lane, job);
                continue;
            }
            let keys = changed.next_if(|(name, _)| *name == job.name).map(|(_, keys)| keys);
            let Some(keys) = keys else {
                // The same in other words, or not even that: the old text can go.
                self.lanes[lane].take_over(job);
                continue;
            };
            let decision = Decision::new(Some(job.name.clone()), now.wall, What::Changed);
            self.decide(Decision { detail: keys.join(", "), ..decision });
            difference.notes.extend(self.change(now, lane, job, keys));
            self.publish_standing(lane);
        }
        self.hold_where_cron_lives(now);
        self.reply(reply, Ok(Answer::Reloaded(difference)));
    }

    /// The jobs that are configured, by name.
    fn jobs(&self) -> impl Iterator<Item = &Arc<Job>> {
        self.lanes.iter().filter(|lane| !lane.is_gone).map(|lane| &lane.job)
    }

    /// The lanes of jobs, by name.
    fn lanes_of(&self, mut jobs: Vec<Arc<Job>>) -> Vec<(usize, Arc<Job>)> {
        order::sort_by(&mut jobs, |a, b| a.name.cmp(&b.name));
        let lane = |job: &Job| self.lane_of(&job.name).expect("each job was given its lane");
        jobs.into_iter().map(|job| (lane(&job), job)).collect()
    }

    /// Makes room for new jobs, and lets go of lanes that nothing is left of. Whoever knows a lane
    /// by its place learns the new one.
    fn place_lanes(&mut self, jobs: &[Arc<Job>]) {
        let new = jobs.iter().filter(|job| self.lane_of(&job.name).is_none());
        let new: Vec<Lane> =
            new.map(|job| Lane { is_gone: true, ..Lane::new(Arc::clone(job)) }).collect();
        let wanted: std::collections::HashSet<&JobName> =
            jobs.iter().map(|job| &job.name).collect();
        let old = std::mem::take(&mut self.lanes);
        let count = old.len();
        let mut lanes: Vec<(Option<usize>, Lane)> =
            old.into_iter().enumerate().map(|(place, lane)| (Some(place), lane)).collect();
        let is_live = |place: usize| self.runs.values().any(|live| live.lane == place);
        lanes.retain(|(place, lane)| {
            !lane.is_gone || wanted.contains(&lane.job.name) || place.is_some_and(is_live)
        });
        lanes.extend(new.into_iter().map(|lane| (None, lane)));
        order::sort_by(&mut lanes, |(_, a), (_, b)| a.job.name.cmp(&b.job.name));
        let mut places = vec![None; count];
        for (place, (was, lane)) in lanes.into_iter().enumerate() {
            if let Some(was) = was {
                places[was] = Some(place);
            }
            self.lanes.push(lane);
        }
        self.timers.move_lanes(&places);
        let ticks = std::mem::take(&mut self.ticks);
        self.ticks = ticks.into_iter().filter_map(|(at, lane)| Some((at, places[lane]?))).collect();
        for live in self.runs.values_mut() {
            live.lane = places[live.lane].expect("a lane with runs stays");
        }
    }

    /// A job is no longer configured. What runs of a task goes on to its end.
    fn remove(&mut self, now: Moment, lane: usize) {
        self.lanes[lane].is_gone = true;
        self.unqueue_tick(lane);
        if self.lanes[lane].ticking.take().is_some() {
            self.changes.push(Change::Forget(self.lanes[lane].job.name.clone()));
        }
        for run in self.waiting_of(lane) {
            self.end_waiting(now, run, EndReason::Failed, "task is no longer configured");
        }
        for retry in self.timers.take_retries(lane) {
            self.call_off(now, retry);
        }
        self.stop_replicas(lane, Cause::Reconfigured);
        self.trim_slots(lane);
    }

    /// Runs of a lane that wait for a slot or at the gate, oldest first.
    pub(super) fn waiting_of(&self, lane: usize) -> Vec<RunId> {
        let is_at_gate = |live: &Live| live.lane == lane && live.state == State::Jitter;
        let at_gate = self.runs.iter().filter(|(_, live)| is_at_gate(live)).map(|(id, _)| *id);
        let mut waiting: Vec<RunId> =
            self.lanes[lane].waiting.iter().copied().chain(at_gate).collect();
        order::sort(&mut waiting);
        waiting
    }

    /// A job is new, or another one than it was: it missed nothing, and nothing fires at once.
    fn add(&mut self, now: Moment, lane: usize, job: Arc<Job>) {
        let schedule = job.task().and_then(|task| task.schedule.clone());
        let is_service = job.service().is_some();
        self.lanes[lane].job = job;
        self.lanes[lane].slots.clear();
        self.set_schedule(now, lane, schedule.map(|schedule| Ticking::new(schedule, now.wall)));
        if is_service {
            self.start_service(now, lane);
        }
        self.publish_standing(lane);
    }

    fn set_schedule(&mut self, now: Moment, lane: usize, ticking: Option<Ticking>) {
        self.unqueue_tick(lane);
        let had = std::mem::replace(&mut self.lanes[lane].ticking, ticking).is_some();
        if self.lanes[lane].ticking.is_some() {
            self.save_anchor(lane);
            self.start_schedule(now, lane);
        } else if had {
            self.changes.push(Change::Forget(self.lanes[lane].job.name.clone()));
        }
    }

    /// A job has another definition. Says what its owner may not expect.
    fn change(
        &mut self,
        now: Moment,
        lane: usize,
        job: Arc<Job>,
        keys: &[&'static str],
    ) -> Option<String> {
        if keys.contains(&"kind") {
            self.remove(now, lane);
            self.lanes[lane].is_gone = false;
            self.add(now, lane, job);
            return None;
        }
        let name = job.name.clone();
        let schedule = job.task().and_then(|task| task.schedule.clone());
        self.lanes[lane].take_over(job);
        if keys.contains(&"schedule") {
            let old = self.lanes[lane].ticking.as_ref();
            let new = schedule.map(|new| Ticking::new(new, now.wall).off_as(old));
            self.set_schedule(now, lane, new);
        }
        self.start_waiting(now, lane);
        self.lanes[lane].job.service()?;
        if difference::needs_new_process(keys) {
            self.recycle_replicas(now, lane);
        }
        let rest = self.lanes[lane].slots.iter().find_map(|slot| slot.rest);
        let rest = rest.filter(|_| self.lanes[lane].slots.iter().all(|slot| slot.rest == rest));
        self.resize_slots(now, lane, rest);
        match rest {
            Some(Rest::Stopped) => Some(format!("{name} stays stopped until it is started")),
            Some(Rest::Fatal) => Some(format!("{name} stays given up until it is started")),
            Some(Rest::Finished | Rest::Waiting) | None => None,
        }
    }

    /// Cron is alive, or no longer.
    pub(super) fn cron_is(&mut self, now: Moment, alive: bool) {
        if std::mem::replace(&mut self.cron_lives, alive) != alive {
            self.hold_where_cron_lives(now);
        }
    }

    /// Jobs that are read from crontabs tick only while cron is dead: they run once, here or there.
    pub(super) fn hold_where_cron_lives(&mut self, now: Moment) {
        for lane in 0..self.lanes.len() {
            let held = self.cron_lives && self.lanes[lane].is_crons();
            let Some(ticking) = &mut self.lanes[lane].ticking else { continue };
            if std::mem::replace(&mut ticking.held, held) == held {
                continue;
            }
            let what = if held { What::Held } else { What::Released };
            if held {
                self.unqueue_tick(lane);
            } else {
                ticking.anchor = ticking.anchor.max(now.wall);
                self.start_schedule(now, lane);
                self.save_anchor(lane);
            }
            let job = self.lanes[lane].job.name.clone();
            self.decide(Decision::new(Some(job), now.wall, what));
            self.publish_standing(lane);
        }
    }
}

impl Lane {
    /// Whether the job is read from a crontab.
    pub(super) fn is_crons(&self) -> bool {
        matches!(self.job.source, Source::Crontab(..))
    }

    /// The same job, as another file has it.
    fn take_over(&mut self, job: Arc<Job>) {
        if let (Some(ticking), Some(schedule)) =
            (&mut self.ticking, job.task().and_then(|task| task.schedule.clone()))
        {
            ticking.take_over(schedule);
        }
        self.job = job;
    }
}
