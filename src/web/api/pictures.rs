//! What the pictures of a dashboard are drawn from: who ran when, how the last runs ended, how
//! the days went, when the daemon was up (docs/api.md, History and pictures).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Serialize;

use crate::base::time::rfc3339;
use crate::model::run::Fate;
use crate::store::sessions::Ending;
use crate::store::timeline::{Bar, Bucket, Shape, Track, Window};
use crate::web::api::runs;
use crate::web::context::Context;
use crate::web::http::{Detail, Problem, Reply, Whole};
use crate::web::json::run::RunJson;
use crate::web::params::{Kind, Param, Values};
use crate::web::router::Call;

pub(crate) static FROM: Param = Param {
    name: "from",
    about: "The begin of the window, a day before its end unless it is said",
    kind: Kind::Instant,
};
pub(crate) static TO: Param = Param {
    name: "to",
    about: "The end of the window, now unless it is said",
    kind: Kind::Instant,
};
pub(crate) static BUCKET: Param = Param {
    name: "bucket",
    about: "Seconds of one bucket; every task is then counted in buckets",
    kind: Kind::Integer { min: 1, max: 31 * 86_400, default: None },
};
pub(crate) static MERGE: Param = Param {
    name: "merge",
    about: "All tasks together, and only what started in the window or never did",
    kind: Kind::Flag,
};
pub(crate) static LAST: Param = Param {
    name: "last",
    about: "Runs of each task",
    kind: Kind::Integer { min: 1, max: 100, default: Some(30) },
};
pub(crate) static DAYS: Param = Param {
    name: "days",
    about: "Days, today included",
    kind: Kind::Integer { min: 1, max: 400, default: Some(364) },
};
pub(crate) static HISTORY_LIMIT: Param = Param {
    name: "limit",
    about: "Lives of the daemon",
    kind: Kind::Integer { min: 1, max: 1000, default: Some(100) },
};

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// The longest window, and the most buckets in it.
const LONGEST: SignedDuration = SignedDuration::from_hours(31 * 24);
pub(super) const MOST_BUCKETS: i64 = 5000;
/// Buckets of a window when nobody says how long they are.
const BUCKETS: i64 = 120;

#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
}

#[derive(Serialize)]
struct Timeline {
    /// Empty where all are merged.
    tasks: Vec<TrackJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merged: Option<Vec<BucketJson>>,
}

#[derive(Serialize)]
struct TrackJson {
    task_name: String,
    #[serde(flatten)]
    track: Either,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Either {
    Runs(Vec<BarJson>),
    Buckets(Vec<BucketJson>),
}

#[derive(Serialize)]
struct BarJson {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<bool>,
    replica_index: u16,
}

#[derive(Serialize)]
struct BucketJson {
    at: String,
    count: u64,
    failed: u64,
    /// Absent while none of its runs has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    worst: Option<&'static str>,
}

/// There may be thousands in one answer: only what the reason does not say.
fn unusual(fate: Fate) -> Option<bool> {
    (!fate.is_as_usual()).then_some(fate.is_failure)
}

impl From<Bar> for BarJson {
    fn from(bar: Bar) -> BarJson {
        BarJson {
            id: bar.run.to_string(),
            start_at: bar.start_at.map(rfc3339),
            end_at: bar.end.map(|(at, _)| rfc3339(at)),
            end_reason: bar.end.map(|(_, fate)| fate.reason.as_str()),
            failure: bar.end.and_then(|(_, fate)| unusual(fate)),
            replica_index: bar.replica,
        }
    }
}

impl From<Bucket> for BucketJson {
    fn from(bucket: Bucket) -> BucketJson {
        BucketJson {
            at: rfc3339(bucket.at),
            count: bucket.count,
            failed: bucket.failed,
            worst: bucket.worst.map(|worst| worst.reason.as_str()),
        }
    }
}

impl From<Track> for Either {
    fn from(track: Track) -> Either {
        match track {
            Track::Runs(bars) => Either::Runs(bars.into_iter().map(BarJson::from).collect()),
            Track::Buckets(buckets) => {
                Either::Buckets(buckets.into_iter().map(BucketJson::from).collect())
            }
        }
    }
}

pub(crate) fn timeline(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let (window, shape) = window(&call.values, context.clock.now().wall)?;
    let is_merged = call.values.flag(&MERGE);
    let context = Arc::clone(context);
    // A wide one takes megabytes to put together.
    Ok(Reply::later(move || {
        let timeline = match is_merged {
            true => merged(&context, window)?,
            false => by_task(&context, window, shape)?,
        };
        Ok(Whole::json(200, &timeline))
    }))
}

fn by_task(context: &Context, window: Window, shape: Shape) -> Result<Timeline, Problem> {
    let found = context.readers.read(|reader| reader.timeline(window, shape))?;
    let tasks = found
        .into_iter()
        .map(|(job, track)| TrackJson { task_name: job.to_string(), track: track.into() })
        .collect();
    Ok(Timeline { tasks, merged: None })
}

fn merged(context: &Context, window: Window) -> Result<Timeline, Problem> {
    let starts = context.readers.read(|reader| reader.starts(window))?;
    let merged = starts.into_iter().map(BucketJson::from).collect();
    Ok(Timeline { tasks: Vec::new(), merged: Some(merged) })
}

fn window(values: &Values, now: Timestamp) -> Result<(Window, Shape), Problem> {
    let to = values.instant(&TO).unwrap_or(now);
    let from = values.instant(&FROM).or_else(|| to.checked_sub(DAY).ok()).unwrap_or(to);
    let length = to.duration_since(from);
    if length.is_negative() || length.is_zero() {
        return Err(wrong("query.from", "expected an instant before to"));
    }
    if length > LONGEST {
        return Err(wrong("query.from", "expected at most 31 days before to"));
    }
    let (seconds, shape) = match values.integer(&BUCKET) {
        Some(seconds) => (seconds, Shape::Buckets),
        None => ((length.as_secs() / BUCKETS).max(1), Shape::Runs),
    };
    if length.as_secs() / seconds > MOST_BUCKETS {
        return Err(wrong("query.bucket", "expected at most 5000 buckets in the window"));
    }
    Ok((Window { from, to, bucket: SignedDuration::from_secs(seconds) }, shape))
}

pub(super) fn wrong(location: &str, message: &str) -> Problem {
    let (location, message) = (Some(location.to_owned()), message.to_owned());
    Problem::invalid(vec![Detail { location, message, value: None }])
}

pub(crate) fn outcomes(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    #[derive(Serialize)]
    struct Outcome {
        id: String,
        end_reason: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<bool>,
        /// Absent for a run that never started.
        #[serde(skip_serializing_if = "Option::is_none")]
        duration_ms: Option<i64>,
    }
    #[derive(Serialize)]
    struct Task {
        task_name: String,
        /// Absent where there is none that is over.
        #[serde(skip_serializing_if = "Option::is_none")]
        latest: Option<RunJson>,
        runs: Vec<Outcome>,
    }
    let last = small(&call.values, &LAST);
    let current = context.current();
    let found = context.readers.read(|reader| {
        let jobs = current.jobs.iter();
        jobs.map(|job| Ok((&job.name, reader.outcomes(&job.name, last)?)))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let items = found.into_iter().map(|(job, outcomes)| Task {
        task_name: job.to_string(),
        latest: outcomes.latest.as_ref().map(RunJson::from),
        runs: outcomes
            .runs
            .into_iter()
            .map(|outcome| Outcome {
                id: outcome.run.to_string(),
                end_reason: outcome.fate.reason.as_str(),
                failure: unusual(outcome.fate),
                duration_ms: outcome.duration_ms,
            })
            .collect(),
    });
    Ok(Whole::json(200, &Items { items: items.collect() }).into())
}

/// A task that is not configured any more has its days too.
pub(crate) fn days(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    #[derive(Serialize)]
    struct Day {
        date: String,
        count: u64,
        failed: u64,
        worst: &'static str,
    }
    #[derive(Serialize)]
    struct Days {
        days: Vec<Day>,
    }
    let job = call.job();
    let today = context.facts.calendar.date(&job, context.clock.now().wall);
    let first = today.saturating_sub((i64::from(small(&call.values, &DAYS)) - 1).days());
    let found = context.readers.read(|reader| reader.days(&job, first))?;
    if found.is_empty() {
        runs::known(context, &job)?;
    }
    let days = found.into_iter().map(|day| Day {
        date: day.date,
        count: day.count,
        failed: day.failed,
        worst: day.worst.reason.as_str(),
    });
    Ok(Whole::json(200, &Days { days: days.collect() }).into())
}

pub(crate) fn daemon_history(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    #[derive(Serialize)]
    struct Life {
        started_at: String,
        /// Absent while it goes on; of a life that was cut short, when it was last seen.
        #[serde(skip_serializing_if = "Option::is_none")]
        stopped_at: Option<String>,
        /// Absent while it goes on.
        #[serde(skip_serializing_if = "Option::is_none")]
        how: Option<&'static str>,
        version: String,
    }
    let limit = small(&call.values, &HISTORY_LIMIT);
    let found = context.readers.read(|reader| reader.sessions(limit))?;
    let items = found.into_iter().map(|session| {
        let (stopped_at, how) = match session.end {
            Ending::Running => (None, None),
            Ending::Clean(at) => (Some(at), Some("clean")),
            Ending::Killed(at) => (Some(at), Some("killed")),
        };
        Life {
            started_at: rfc3339(session.started_at),
            stopped_at: stopped_at.map(rfc3339),
            how,
            version: session.version,
        }
    });
    Ok(Whole::json(200, &Items { items: items.collect() }).into())
}

/// A number whose declaration keeps it small.
fn small(values: &Values, param: &Param) -> u32 {
    values.integer(param).and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    static PARAMS: &[&Param] = &[&FROM, &TO, &BUCKET];

    #[test]
    fn a_window_is_bounded() {
        let now = "2026-05-07T12:00:00Z".parse().unwrap();
        let of = |query: &str| window(&Values::read(query, PARAMS).unwrap(), now);
        let (day, shape) = of("").unwrap();
        assert_eq!((day.to, day.to.duration_since(day.from)), (now, DAY));
        assert_eq!((day.bucket.as_secs(), shape), (720, Shape::Runs));
        let (hour, shape) = of("from=2026-05-07T11:00:00Z&bucket=1").unwrap();
        assert_eq!((hour.bucket.as_secs(), shape), (1, Shape::Buckets));
        for wrong in [
            "from=2026-05-07T12:00:00Z",
            "to=2020-01-01T00:00:00Z&from=2021-01-01T00:00:00Z",
            "from=2026-04-06T11:59:59Z",
            "bucket=10",
        ] {
            assert_eq!(of(wrong).unwrap_err().status, 422, "{wrong}");
        }
    }
}
