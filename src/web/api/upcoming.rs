//! The coming ticks of all schedules, earliest first (docs/api.md, History and pictures).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::base::time::rfc3339;
use crate::cron::Schedule;
use crate::model::job::{Job, JobName};
use crate::web::api::pictures::{MOST_BUCKETS, wrong};
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
pub(crate) static BUCKET: Param = Param {
    name: "bucket",
    about: "Seconds of one bucket, from 1970 on; all ticks are then counted too",
    kind: Kind::Integer { min: 1, max: 31 * 86_400, default: None },
};

/// Where nobody says how far to look.
const DEFAULT: SignedDuration = SignedDuration::from_hours(24);
const FARTHEST: SignedDuration = SignedDuration::from_hours(31 * 24);
/// Ticks that are counted: a task of every second has 2.7 million of them in 31 days.
const MOST_COUNTED: u32 = 200_000;

/// `Upcoming` of the schema.
#[derive(Debug, PartialEq, Serialize)]
struct Upcoming<'a> {
    items: Vec<Item<'a>>,
    /// There are more until then.
    truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    buckets: Option<Vec<Bucket>>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Item<'a> {
    task_name: &'a str,
    at: String,
    /// That the schedule reads its clock in.
    zone: &'a str,
}

#[derive(Debug, PartialEq, Serialize)]
struct Bucket {
    at: String,
    count: u32,
}

/// What a request wants to know.
#[derive(Clone, Copy)]
struct Wanted {
    until: Timestamp,
    limit: usize,
    /// Seconds; `None`: nothing is counted.
    bucket: Option<i64>,
}

/// Whether there is more than what is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    None,
    Some,
}

/// A schedule and when it is due next.
struct Due<'a> {
    name: &'a JobName,
    schedule: &'a Schedule,
    at: Timestamp,
}

pub(crate) fn list(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let now = context.clock.now().wall;
    let until = call.values.instant(&UNTIL).unwrap_or(now + DEFAULT).min(now + FARTHEST);
    let limit = call.values.integer(&LIMIT).and_then(|limit| usize::try_from(limit).ok());
    let bucket = call.values.integer(&BUCKET);
    let wanted = Wanted { until, limit: limit.unwrap_or(1), bucket };
    let Some(seconds) = bucket else { return Ok(answer(context, wanted).into()) };
    if until.duration_since(now).as_secs() / seconds > MOST_BUCKETS {
        return Err(wrong("query.bucket", "expected at most 5000 buckets until then"));
    }
    let context = Arc::clone(context);
    Ok(Reply::later(move || Ok(answer(&context, wanted))))
}

fn answer(context: &Context, wanted: Wanted) -> Whole {
    let next = |job: &JobName| context.board.get(job).and_then(|standing| standing.next);
    let current = context.current();
    let jobs = current.jobs.iter().map(AsRef::as_ref);
    Whole::json(200, &upcoming(jobs, next, &current.timezone, wanted))
}

/// `next` is the next tick of a job; who has none is paused or has no schedule.
fn upcoming<'a>(
    jobs: impl Iterator<Item = &'a Job>,
    next: impl Fn(&JobName) -> Option<Timestamp>,
    timezone: &'a str,
    wanted: Wanted,
) -> Upcoming<'a> {
    let due = jobs.filter_map(|job| {
        let schedule = job.task()?.schedule.as_deref()?;
        let at = next(&job.name).filter(|at| *at <= wanted.until)?;
        Some(Due { name: &job.name, schedule, at })
    });
    let due: Vec<Due<'_>> = due.collect();
    let (items, unlisted) = merge(&due, timezone, wanted.until, wanted.limit);
    let counted = wanted.bucket.map(|seconds| count(&due, wanted.until, seconds, MOST_COUNTED));
    let (buckets, uncounted) = match counted {
        Some((buckets, rest)) => (Some(buckets), rest),
        None => (None, Rest::None),
    };
    Upcoming { items, truncated: unlisted == Rest::Some || uncounted == Rest::Some, buckets }
}

impl Due<'_> {
    fn after(&self, at: Timestamp, until: Timestamp) -> Option<Timestamp> {
        self.schedule.fires_after(at).filter(|after| *after <= until)
    }
}

fn merge<'a>(
    due: &[Due<'a>],
    timezone: &'a str,
    until: Timestamp,
    limit: usize,
) -> (Vec<Item<'a>>, Rest) {
    let first = due.iter().enumerate().map(|(place, due)| Reverse((due.at, due.name, place)));
    let mut heap: BinaryHeap<_> = first.collect();
    let mut items = Vec::new();
    while let Some(Reverse((at, name, place))) = heap.pop() {
        if items.len() == limit {
            return (items, Rest::Some);
        }
        let zone = match due[place].schedule {
            Schedule::Cron(cron) => cron.zone_name(),
            Schedule::Every(_) => timezone,
        };
        items.push(Item { task_name: name.as_str(), at: rfc3339(at), zone });
        if let Some(after) = due[place].after(at, until) {
            heap.push(Reverse((after, name, place)));
        }
    }
    (items, Rest::None)
}

/// Counts the first `most` ticks. All those of a task in one bucket are counted at once: which
/// ones they are does not matter, and buckets still follow one another.
fn count(due: &[Due<'_>], until: Timestamp, seconds: i64, most: u32) -> (Vec<Bucket>, Rest) {
    let number = |at: Timestamp| at.as_second().div_euclid(seconds);
    let bucket = |(number, count): (i64, u32)| Bucket {
        at: rfc3339(Timestamp::from_second(number * seconds).unwrap_or(until)),
        count,
    };
    let first = due.iter().enumerate().map(|(place, due)| Reverse((number(due.at), place, due.at)));
    let mut heap: BinaryHeap<_> = first.collect();
    let (mut counts, mut left) = (BTreeMap::new(), most);
    while let Some(Reverse((current, place, first))) = heap.pop() {
        let mut next = Some(first);
        while let Some(at) = next.filter(|at| number(*at) == current) {
            if left == 0 {
                return (counts.into_iter().map(bucket).collect(), Rest::Some);
            }
            left -= 1;
            *counts.entry(current).or_insert(0) += 1;
            next = due[place].after(at, until);
        }
        heap.extend(next.map(|at| Reverse((number(at), place, at))));
    }
    (counts.into_iter().map(bucket).collect(), Rest::None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::store::scratch::Scratch;

    /// What is upcoming for a configuration whose task `paused` is so, as text.
    fn told(config: &str, from: &str, until: &str, limit: usize, bucket: Option<i64>) -> Told {
        let scratch = Scratch::new();
        let file = scratch.path().join("runwisp.toml");
        std::fs::write(&file, config).unwrap();
        let from: Timestamp = from.parse().unwrap();
        let config = config::load(&file, from).unwrap();
        let next = |name: &JobName| {
            let job = config.jobs.iter().find(|job| job.name == *name)?;
            job.task()?.schedule.as_deref()?.fires_after(from).filter(|_| name.as_str() != "paused")
        };
        let jobs = config.jobs.iter().map(AsRef::as_ref);
        let wanted = Wanted { until: until.parse().unwrap(), limit, bucket };
        let upcoming = upcoming(jobs, next, "Etc/UTC", wanted);
        let item = |item: &Item<'_>| format!("{} {} {}", item.at, item.task_name, item.zone);
        let bucket = |bucket: &Bucket| format!("{} {}", bucket.at, bucket.count);
        Told {
            items: upcoming.items.iter().map(item).collect(),
            truncated: upcoming.truncated,
            buckets: upcoming.buckets.map(|buckets| buckets.iter().map(bucket).collect()),
        }
    }

    struct Told {
        items: Vec<String>,
        truncated: bool,
        buckets: Option<Vec<String>>,
    }

    fn listed(config: &str, from: &str, until: &str, limit: usize) -> (Vec<String>, bool) {
        let told = told(config, from, until, limit, None);
        assert_eq!(told.buckets, None);
        (told.items, told.truncated)
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

    #[test]
    fn all_ticks_are_counted_in_buckets_whatever_the_limit_of_the_list() {
        let config = "[tasks.a]\ncron = '*/10 * * * *'\nrun = 'true'\n\
             [tasks.b]\ncron = '@every 25m'\nrun = 'true'\n\
             [tasks.c]\ncron = '0 2 * * *'\ntimezone = 'Europe/Prague'\nrun = 'true'\n\
             [tasks.paused]\ncron = '* * * * *'\nrun = 'true'\n";
        let (from, until) = ("2026-05-06T23:05:00Z", "2026-05-07T00:20:00Z");
        let expected = [
            "2026-05-06T23:00:00.000Z 1",
            "2026-05-06T23:15:00.000Z 1",
            "2026-05-06T23:30:00.000Z 3",
            "2026-05-06T23:45:00.000Z 2",
            "2026-05-07T00:00:00.000Z 3",
            "2026-05-07T00:15:00.000Z 2",
        ];
        for limit in [1, 50] {
            let told = told(config, from, until, limit, Some(900));
            assert_eq!(told.buckets.unwrap(), expected, "{limit}");
            assert_eq!((told.items.len(), told.truncated), (limit.min(12), limit < 12), "{limit}");
        }
        let whole = told(config, from, until, 50, Some(86_400)).buckets.unwrap();
        assert_eq!(whole, ["2026-05-06T00:00:00.000Z 7", "2026-05-07T00:00:00.000Z 5"]);
        let none = told(config, from, from, 50, Some(60));
        assert_eq!((none.buckets.unwrap().len(), none.truncated), (0, false));
    }

    #[test]
    fn a_count_ends_after_so_many_ticks() {
        let schedule = |text| Schedule::parse(text, jiff::tz::TimeZone::UTC, "UTC").unwrap();
        let (one, other) = (schedule("* * * * *"), schedule("@every 20s"));
        let (name, at) = (JobName::new("a"), "2026-05-07T12:00:00Z".parse().unwrap());
        let due = [&one, &other].map(|schedule| Due { name: &name, schedule, at });
        let until = at + SignedDuration::from_mins(3);
        // Four a minute, and two at the very end.
        for (most, expected) in [
            (13, vec![4, 4, 4, 1]),
            (14, vec![4, 4, 4, 2]),
            (15, vec![4, 4, 4, 2]),
            (9, vec![4, 4, 1]),
            (8, vec![4, 4]),
        ] {
            let (buckets, rest) = count(&due, until, 60, most);
            let counts: Vec<u32> = buckets.iter().map(|bucket| bucket.count).collect();
            assert_eq!(counts, expected, "{most}");
            assert_eq!(rest, if most < 14 { Rest::Some } else { Rest::None }, "{most}");
        }
    }
}
