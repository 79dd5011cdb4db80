//! What every schedule owes, told from the two clocks alone and in the most naive way
//! (docs/running.md, When the clock jumps, Catch-up): how many ticks are to fire in a pass, how
//! many were missed, and up to where a schedule is settled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::base::time::{Moment, to_millis};
use crate::cron::{Cron, Schedule, Tick, TickNote};
use crate::engine::simulator::database::Database;
use crate::model::job::{CatchUp, Job, JobName};

const JUMP: SignedDuration = SignedDuration::from_secs(90);
const FAR_BACK: SignedDuration = SignedDuration::from_hours(3);

#[derive(Debug)]
pub(super) struct Almanac {
    courses: BTreeMap<JobName, Course>,
    last: Moment,
}

/// One schedule.
#[derive(Debug)]
struct Course {
    schedule: Arc<Schedule>,
    catch_up: CatchUp,
    paused: bool,
    /// Ticks up to here are settled.
    anchor: Timestamp,
    /// The next tick of an expression.
    next: Option<Tick>,
    /// The next tick of an interval.
    due: Duration,
    /// Fixed hours that fired, as long as the clock was not set far back.
    fired: BTreeSet<Timestamp>,
}

/// The new runs that a pass owes one task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Owed {
    pub(super) fired: usize,
    pub(super) suppressed: usize,
    /// Rows that report missed ticks.
    pub(super) missed: usize,
}

impl Almanac {
    /// A daemon begins: `settled` is when it looked at the stored anchors.
    pub(super) fn new(jobs: &[Job], database: &Database, settled: Moment) -> Almanac {
        let courses = jobs.iter().filter_map(|job| {
            let schedule = job.task()?.schedule.clone()?;
            let stored = database.anchor(&job.name);
            let same = stored.filter(|anchor| anchor.schedule == schedule.identity());
            let course = Course {
                catch_up: job.task()?.catch_up,
                paused: database.is_paused(&job.name),
                anchor: same.map_or(to_millis(settled.wall), |anchor| anchor.at),
                next: None,
                due: Duration::MAX,
                fired: BTreeSet::new(),
                schedule,
            };
            Some((job.name.clone(), course))
        });
        Almanac { courses: courses.collect(), last: settled }
    }

    /// The schedules are set going.
    pub(super) fn serve(&mut self, now: Moment) -> BTreeMap<JobName, Owed> {
        let now = Moment { wall: to_millis(now.wall), ..now };
        self.last = now;
        let mut all = BTreeMap::new();
        for (name, course) in self.courses.iter_mut().filter(|(_, course)| !course.paused) {
            let owed = course.catch_up(now);
            course.begin(now);
            all.insert(name.clone(), owed);
        }
        all
    }

    /// Somebody switches a schedule off, if there is one.
    pub(super) fn pause(&mut self, job: &JobName) {
        if let Some(course) = self.courses.get_mut(job) {
            course.paused = true;
            course.next = None;
            course.due = Duration::MAX;
        }
    }

    /// Somebody switches it on: everything up to now is settled.
    pub(super) fn resume(&mut self, now: Moment, job: &JobName) {
        let now = Moment { wall: to_millis(now.wall), ..now };
        if let Some(course) = self.courses.get_mut(job).filter(|course| course.paused) {
            course.paused = false;
            course.anchor = course.anchor.max(now.wall);
            course.begin(now);
        }
    }

    /// Whether a schedule is off, and its next tick.
    pub(super) fn standing(&self, now: Moment, job: &JobName) -> (bool, Option<Timestamp>) {
        let Some(course) = self.courses.get(job) else { return (false, None) };
        let next = match &*course.schedule {
            _ if course.paused => None,
            Schedule::Cron(cron) => {
                let mut next = course.next;
                while let Some(tick) = next.take_if(|tick| tick.note == TickNote::Suppressed) {
                    next = cron.next_after(tick.at);
                }
                next.map(|tick| tick.at)
            }
            Schedule::Every(_) => Some(to_millis(now.wall) + (course.due - now.steady)),
        };
        (course.paused, next)
    }

    /// The engine looks at the clocks.
    pub(super) fn look(&mut self, now: Moment) -> BTreeMap<JobName, Owed> {
        let now = Moment { wall: to_millis(now.wall), ..now };
        let passed = SignedDuration::try_from(now.steady - self.last.steady).unwrap();
        let jump = now.wall.duration_since(self.last.wall) - passed;
        self.last = now;
        let mut all = BTreeMap::new();
        for (name, course) in self.courses.iter_mut().filter(|(_, course)| !course.paused) {
            let mut owed = Owed::default();
            if let Schedule::Cron(cron) = &*course.schedule {
                let is_fixed = cron.is_hour_fixed();
                if jump > JUMP {
                    owed = course.catch_up(now);
                    course.resume(now.wall, is_fixed);
                } else if jump < -JUMP {
                    course.resume(now.wall, is_fixed && jump >= -FAR_BACK);
                }
            }
            all.insert(name.clone(), owed);
        }
        all
    }

    /// Adds what is due.
    pub(super) fn fire(&mut self, now: Moment, all: &mut BTreeMap<JobName, Owed>) {
        let now = Moment { wall: to_millis(now.wall), ..now };
        for (name, course) in self.courses.iter_mut().filter(|(_, course)| !course.paused) {
            course.fire(now, all.entry(name.clone()).or_default());
        }
    }

    pub(super) fn anchor(&self, job: &JobName) -> Timestamp {
        self.courses[job].anchor
    }

    /// How long until the next tick; the engine may not sleep longer.
    pub(super) fn patience(&self, now: Moment) -> Option<Duration> {
        let waits =
            self.courses.values().filter(|course| !course.paused).filter_map(
                |course| match &*course.schedule {
                    Schedule::Cron(_) => {
                        let at = course.next.as_ref()?.at;
                        Some(
                            Duration::try_from(at.duration_since(now.wall))
                                .unwrap_or(Duration::ZERO),
                        )
                    }
                    Schedule::Every(_) => Some(course.due.saturating_sub(now.steady)),
                },
            );
        waits.min()
    }
}

impl Course {
    fn cron(&self) -> &Cron {
        match &*self.schedule {
            Schedule::Cron(cron) => cron,
            Schedule::Every(_) => panic!("an interval has no expression"),
        }
    }

    /// Sets the schedule going.
    fn begin(&mut self, now: Moment) {
        match &*self.schedule {
            Schedule::Cron(cron) => {
                let keeps =
                    cron.is_hour_fixed() && self.anchor.duration_since(now.wall) <= FAR_BACK;
                self.resume(now.wall, keeps);
            }
            Schedule::Every(every) => {
                let since = now.wall.duration_since(self.anchor);
                let since = Duration::try_from(since).unwrap_or(Duration::ZERO);
                self.due = now.steady + every.interval - since;
            }
        }
    }

    /// Looks for the next tick from `wall` on, or from the anchor where that lies ahead and what
    /// fired may not fire again.
    fn resume(&mut self, wall: Timestamp, keeps: bool) {
        if !keeps && self.anchor > wall {
            self.anchor = wall;
            self.fired.split_off(&wall);
        }
        self.next = self.cron().next_after(self.anchor.max(wall));
    }

    fn fire(&mut self, now: Moment, owed: &mut Owed) {
        if let Schedule::Every(every) = &*self.schedule {
            let interval = every.interval;
            while self.due <= now.steady {
                self.anchor = now.wall - SignedDuration::try_from(now.steady - self.due).unwrap();
                self.due += interval;
                owed.fired += 1;
            }
        }
        while let Some(tick) = self.next.take_if(|tick| tick.at <= now.wall) {
            self.anchor = tick.at;
            self.next = self.cron().next_after(tick.at);
            if tick.note == TickNote::Suppressed {
                owed.suppressed += 1;
                continue;
            }
            owed.fired += 1;
            let is_news = !self.cron().is_hour_fixed() || self.fired.insert(tick.at);
            assert!(is_news, "{} would fire twice at {}", self.schedule.text(), tick.at);
        }
    }

    fn catch_up(&mut self, now: Moment) -> Owed {
        let cap = match self.catch_up {
            CatchUp::Skip => 0,
            CatchUp::Latest => 1,
            CatchUp::All { cap } => cap,
        };
        let (count, last) = match &*self.schedule {
            Schedule::Every(every) => {
                let since = now.wall.duration_since(self.anchor);
                let since = Duration::try_from(since).unwrap_or(Duration::ZERO);
                let count = (since.as_nanos() / every.interval.as_nanos()) as u32;
                (count as usize, self.anchor + every.interval * count)
            }
            Schedule::Cron(cron) => {
                let first = cron.next_after(self.anchor);
                let ticks: Vec<Timestamp> =
                    std::iter::successors(first, |tick| cron.next_after(tick.at))
                        .take_while(|tick| tick.at <= now.wall)
                        .filter(|tick| tick.note != TickNote::Suppressed)
                        .map(|tick| tick.at)
                        .take(1001)
                        .collect();
                let is_cut = ticks.len() > 1000;
                let last = ticks.last().copied().filter(|_| !is_cut);
                (ticks.len(), last.unwrap_or(now.wall))
            }
        };
        if count == 0 {
            return Owed::default();
        }
        self.anchor = last;
        Owed { fired: count.min(cap), suppressed: 0, missed: 1 }
    }
}
