//! The coming ticks of all schedules, earliest first (docs/api.md, History and pictures).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::base::time::rfc3339;
use crate::cron::Schedule;
use crate::model::job::{Job, JobName};
use crate::web::context::Context;
use crate::web::http::{Problem, Reply, Whole};
use crate::web::params::{Kind, Param};
use crate::web::router::Call;

pub(crate) static UNTIL: Param = Param {
    name: "until",
    about: "The last instant of interest, 24 hours from now by default, 31 days at most",
    kind: Kind::Instant,
};
pub(crate) static LIMIT: Param = Param {
    name: "limit",
    about: "The most ticks that are told",
    kind: Kind::Integer { min: 1, max: 5000, default: Some(500) },
};

/// Where nobody says how far to look.
const DEFAULT: SignedDuration = SignedDuration::from_hours(24);
const FARTHEST: SignedDuration = SignedDuration::from_hours(31 * 24);

/// `Upcoming` of the schema.
#[derive(Debug, PartialEq, Serialize)]
struct Upcoming<'a> {
    items: Vec<Item<'a>>,
    /// There are more until then.
    truncated: bool,
}

#[derive(Debug, PartialEq, Serialize)]
struct Item<'a> {
    task_name: &'a str,
    at: String,
    /// That the schedule reads its clock in.
    zone: &'a str,
}

pub(crate) fn list(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let now = context.clock.now().wall;
    let farthest = now + FARTHEST;
    let until = call.values.instant(&UNTIL).unwrap_or(now + DEFAULT).min(farthest);
    let limit = call.values.integer(&LIMIT).and_then(|limit| usize::try_from(limit).ok());
    let next = |job: &JobName| context.board.get(job).and_then(|standing| standing.next);
    let facts = &context.facts;
    let jobs = facts.jobs.iter().map(AsRef::as_ref);
    let upcoming = merge(jobs, next, &facts.timezone, until, limit.unwrap_or(1));
    Ok(Whole::json(200, &upcoming).into())
}

/// `next` is the next tick of a job; who has none is paused or has no schedule.
fn merge<'a>(
    jobs: impl Iterator<Item = &'a Job>,
    next: impl Fn(&JobName) -> Option<Timestamp>,
    timezone: &'a str,
    until: Timestamp,
    limit: usize,
) -> Upcoming<'a> {
    let scheduled: Vec<(&Job, &Schedule)> =
        jobs.filter_map(|job| Some((job, job.task()?.schedule.as_ref()?))).collect();
    let first = scheduled.iter().enumerate().filter_map(|(place, (job, _))| {
        let at = next(&job.name).filter(|at| *at <= until)?;
        Some(Reverse((at, &job.name, place)))
    });
    let mut heap: BinaryHeap<_> = first.collect();
    let mut items = Vec::new();
    while let Some(Reverse((at, name, place))) = heap.pop() {
        if items.len() == limit {
            return Upcoming { items, truncated: true };
        }
        let schedule = scheduled[place].1;
        let zone = match schedule {
            Schedule::Cron(cron) => cron.zone_name(),
            Schedule::Every(_) => timezone,
        };
        items.push(Item { task_name: name.as_str(), at: rfc3339(at), zone });
        if let Some(after) = schedule.fires_after(at).filter(|after| *after <= until) {
            heap.push(Reverse((after, name, place)));
        }
    }
    Upcoming { items, truncated: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::store::scratch::Scratch;

    fn listed(config: &str, from: &str, until: &str, limit: usize) -> (Vec<String>, bool) {
        let scratch = Scratch::new();
        let file = scratch.path().join("runwisp.toml");
        std::fs::write(&file, config).unwrap();
        let from: Timestamp = from.parse().unwrap();
        let config = config::load(&file, from).unwrap();
        let next = |name: &JobName| {
            let job = config.jobs.iter().find(|job| job.name == *name)?;
            job.task()?.schedule.as_ref()?.fires_after(from).filter(|_| name.as_str() != "paused")
        };
        let jobs = config.jobs.iter().map(AsRef::as_ref);
        let upcoming = merge(jobs, next, "Etc/UTC", until.parse().unwrap(), limit);
        let told = |item: &Item<'_>| format!("{} {} {}", item.at, item.task_name, item.zone);
        (upcoming.items.iter().map(told).collect(), upcoming.truncated)
    }

    #[test]
    fn ticks_of_all_schedules_come_in_order_of_time_and_name() {
        let config = "[tasks.b]\ncron = '0 * * * *'\nrun = 'true'\n\
             [tasks.a]\ncron = '@every 40m'\nrun = 'true'\n\
             [tasks.paused]\ncron = '* * * * *'\nrun = 'true'\n\
             [tasks.by-hand]\nrun = 'true'\n[services.s]\nrun = 'true'\n\
             [tasks.c]\ncron = '0 2 * * *'\ntimezone = 'Europe/Prague'\nrun = 'true'\n";
        let expected = [
            "2026-05-06T23:40:00.000Z a Etc/UTC",
            "2026-05-07T00:00:00.000Z b UTC",
            "2026-05-07T00:00:00.000Z c Europe/Prague",
            "2026-05-07T00:20:00.000Z a Etc/UTC",
            "2026-05-07T01:00:00.000Z a Etc/UTC",
            "2026-05-07T01:00:00.000Z b UTC",
        ];
        let (from, until) = ("2026-05-06T23:00:00Z", "2026-05-07T01:00:00Z");
        for limit in 1..=7 {
            let shown = expected.len().min(limit);
            let told = (expected[..shown].iter().map(|&line| line.to_owned()).collect(), limit < 6);
            assert_eq!(listed(config, from, until, limit), told, "{limit}");
        }
        assert_eq!(listed(config, from, "2026-05-06T23:39:59Z", 5), (Vec::new(), false));
    }

    #[test]
    fn a_time_that_comes_twice_is_told_once() {
        let config = "[tasks.a]\ncron = '30 2 * * *'\ntimezone = 'Europe/Prague'\nrun = 'true'\n";
        let (told, _) = listed(config, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z", 9);
        assert_eq!(
            told,
            [
                "2026-10-25T00:30:00.000Z a Europe/Prague",
                "2026-10-26T01:30:00.000Z a Europe/Prague"
            ]
        );
    }
}
