//! What ran when: every run that touches a window of time, one by one, or counted in buckets
//! where a task has too many of them. One pass over an index finds them; only runs that are
//! shown one by one are looked up.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Statement, named_params};

use crate::base::order;
use crate::model::job::JobName;
use crate::model::run::{EndReason, Fate, RunId};
use crate::store::row::Time;
use crate::store::{Error, Reader};

/// A task with more runs than this in the window is shown in buckets.
pub(crate) const MOST_RUNS: usize = 500;

/// So many of the longest runs of all times are looked at one by one, so that the search for the
/// others need not go back further than any of them took.
const LONGEST: u32 = 1000;

/// What to show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Both included.
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) bucket: SignedDuration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Buckets,
    /// One by one, up to [`MOST_RUNS`] of a task.
    Runs,
}

/// The part of a task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Track {
    /// In the order of their starts; runs that never started are at the end.
    Runs(Vec<Bar>),
    /// Earliest first; those without a run are left out.
    Buckets(Vec<Bucket>),
}

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bar {
    pub(crate) run: RunId,
    /// `None`: it never started.
    pub(crate) start_at: Option<Timestamp>,
    /// `None`: it is running.
    pub(crate) end: Option<(Timestamp, Fate)>,
    pub(crate) replica: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) at: Timestamp,
    /// Runs that started in it; the first one of a task holds those that started before the window
    /// too.
    pub(crate) count: u64,
    pub(crate) failed: u64,
    /// `None`: none of them has ended.
    pub(crate) worst: Option<Fate>,
}

/// A run that touches the window, as the index knows it.
struct Touch {
    run: RunId,
    at: Timestamp,
    fate: Option<Fate>,
}

/// What has been found of one task.
#[derive(Default)]
struct Found {
    /// Up to one more than are shown.
    runs: Vec<RunId>,
    buckets: BTreeMap<i64, Bucket>,
}

impl Reader {
    /// All tasks with runs in the window, by name.
    pub(crate) fn timeline(
        &self,
        window: Window,
        shape: Shape,
    ) -> Result<BTreeMap<JobName, Track>, Error> {
        self.read(|db| {
            let _snapshot = db.unchecked_transaction()?;
            let mut found = BTreeMap::new();
            touching(db, window, |job, touch| note(&mut found, window, shape, job, touch))?;
            let mut bars = db.prepare_cached(BAR)?;
            let mut tracks = BTreeMap::new();
            for (job, found) in found {
                tracks.insert(job, found.track(&mut bars)?);
            }
            Ok(tracks)
        })
    }
}

fn note(
    found: &mut BTreeMap<JobName, Found>,
    window: Window,
    shape: Shape,
    job: &str,
    touch: Touch,
) {
    if !found.contains_key(job) {
        found.insert(JobName::new(job), Found::default());
    }
    let Some(found) = found.get_mut(job) else { return };
    if shape == Shape::Runs && found.runs.len() <= MOST_RUNS {
        found.runs.push(touch.run);
    }
    let number = window.number(touch.at);
    found.buckets.entry(number).or_insert_with(|| window.empty(number)).add(touch.fate);
}

impl Window {
    /// The number of the bucket that holds an instant; what is before the window is in the first.
    pub(super) fn number(&self, at: Timestamp) -> i64 {
        let since = at.max(self.from).duration_since(self.from);
        let number = since.as_millis() / self.bucket.as_millis().max(1);
        i64::try_from(number).unwrap_or(i64::MAX)
    }

    pub(super) fn start_of(&self, bucket: i64) -> Timestamp {
        let number = i32::try_from(bucket).unwrap_or(i32::MAX);
        self.from.checked_add(self.bucket.saturating_mul(number)).unwrap_or(self.to)
    }

    pub(super) fn empty(&self, bucket: i64) -> Bucket {
        Bucket { at: self.start_of(bucket), count: 0, failed: 0, worst: None }
    }
}

impl Bucket {
    /// One more run; nothing has become yet of one that has not ended.
    pub(super) fn add(&mut self, fate: Option<Fate>) {
        self.count += 1;
        if let Some(fate) = fate {
            self.failed += u64::from(fate.is_failure);
            self.worst = Some(self.worst.map_or(fate, |worst| worst.worse(fate)));
        }
    }
}

impl Found {
    fn track(self, bars: &mut Statement<'_>) -> rusqlite::Result<Track> {
        if self.runs.is_empty() || self.runs.len() > MOST_RUNS {
            return Ok(Track::Buckets(self.buckets.into_values().collect()));
        }
        let mut runs = Vec::with_capacity(self.runs.len());
        for run in self.runs {
            runs.extend(bars.query_row([run], bar).optional()?);
        }
        let never = |bar: &Bar| (bar.start_at.is_none(), bar.start_at, bar.run);
        order::sort_by_key(&mut runs, never);
        Ok(Track::Runs(runs))
    }
}

const BAR: &str = "SELECT id, start_at, end_at, end_reason, replica_index FROM runs WHERE id = ?1";

fn bar(row: &Row<'_>) -> rusqlite::Result<Bar> {
    let end_at: Option<Time> = row.get("end_at")?;
    Ok(Bar {
        run: row.get("id")?,
        start_at: row.get::<_, Option<Time>>("start_at")?.map(|time| time.0),
        end: end_at
            .map(|at| Ok::<_, rusqlite::Error>((at.0, row.get("end_reason")?)))
            .transpose()?,
        replica: row.get("replica_index")?,
    })
}

/// How long the longest runs took, but for some.
const REACH: &str = "SELECT duration_ms FROM runs WHERE duration_ms IS NOT NULL \
     ORDER BY duration_ms DESC LIMIT 1 OFFSET ?1";

/// Everything that started in the window.
const STARTED: &str = "SELECT id, start_at AS at, task_name, end_reason FROM runs INDEXED BY runs_by_start \
     WHERE start_at IS NOT NULL AND start_at >= :from AND start_at <= :to";

/// What started before it and did not take long.
const SHORT: &str = "SELECT id, start_at AS at, task_name, end_reason FROM runs INDEXED BY runs_by_start \
     WHERE start_at IS NOT NULL AND start_at >= :reach AND start_at < :from AND end_at >= :from \
     AND duration_ms <= :longest";

/// What took longer than that, whenever it began.
const LONG: &str = "SELECT id, start_at AS at, task_name, end_reason FROM runs INDEXED BY runs_by_duration \
     WHERE duration_ms IS NOT NULL AND duration_ms > :longest AND start_at < :from AND end_at >= :from";

/// What is still running.
const OPEN: &str = "SELECT id, start_at AS at, task_name, end_reason FROM runs INDEXED BY runs_unfinished \
     WHERE status <> 'ended' AND start_at < :from";

/// What never started, at the moment of its creation.
const NEVER: &str = "SELECT id, created_at AS at, task_name, end_reason FROM runs INDEXED BY runs_by_reason \
     WHERE end_reason <> 'success' AND end_reason = :reason AND created_at >= :from AND created_at <= :to \
     AND start_at IS NULL";

/// Shows `see` every run that touches the window, each once.
fn touching(
    db: &Connection,
    window: Window,
    mut see: impl FnMut(&str, Touch),
) -> rusqlite::Result<()> {
    let (from, to) = (Time(window.from), Time(window.to));
    let longest: Option<i64> =
        db.prepare_cached(REACH)?.query_row([LONGEST], |row| row.get(0)).optional()?;
    // A clock that was set back made a run that took less than nothing.
    let longest = longest.unwrap_or(0).max(0);
    let reach = window.from.checked_sub(SignedDuration::from_millis(longest));
    let reach = Time(reach.unwrap_or(Timestamp::MIN));
    let mut all = |sql: &str, params: &[(&str, &dyn rusqlite::ToSql)]| {
        let mut statement = db.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            let touch = Touch { run: row.get(0)?, at: row.get::<_, Time>(1)?.0, fate: row.get(3)? };
            see(row.get_ref(2)?.as_str()?, touch);
        }
        Ok::<_, rusqlite::Error>(())
    };
    all(SHORT, named_params! { ":reach": reach, ":from": from, ":longest": longest })?;
    all(LONG, named_params! { ":longest": longest, ":from": from })?;
    all(OPEN, named_params! { ":from": from })?;
    all(STARTED, named_params! { ":from": from, ":to": to })?;
    for fate in Fate::all().filter(|fate| fate.reason != EndReason::Success) {
        all(NEVER, named_params! { ":reason": fate.word(), ":from": from, ":to": to })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::Change;
    use crate::model::run::{Phase, Run};
    use crate::store::scratch::{Scratch, at, ended, pending, plan};

    fn window(from: i64, to: i64) -> Window {
        Window { from: at(from), to: at(to), bucket: SignedDuration::from_secs(60) }
    }

    /// A run of `job` from one second to another; `None`: it did not.
    fn ran(job: &str, start: Option<i64>, end: Option<i64>, reason: EndReason) -> Run {
        let Phase::Ended { end: how, .. } = ended(job, 0, reason).phase else { unreachable!() };
        let phase = match (start, end) {
            (start, Some(end)) => Phase::Ended { since: start.map(at), at: at(end), end: how },
            (Some(start), None) => Phase::Running { since: at(start) },
            (None, None) => Phase::Pending,
        };
        Run { phase, ..pending(job, start.or(end).unwrap_or(0)) }
    }

    fn touches(run: &Run, window: Window) -> bool {
        let (start, end) = match &run.phase {
            Phase::Pending => return false,
            Phase::Running { since } => (*since, Timestamp::MAX),
            Phase::Ended { since: None, .. } => (run.created_at, run.created_at),
            Phase::Ended { since: Some(since), at, .. } => (*since, *at.max(since)),
        };
        start <= window.to && end >= window.from
    }

    #[test]
    fn every_run_that_touches_the_window_is_found_once() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let mut runs = Vec::new();
        // Starts and lengths on both sides of every border, some very long.
        for start in (-3000i64..3000).step_by(47) {
            let length = match start % 5 {
                0 => 5000,
                1 => 1,
                2 => 0,
                _ => start.abs() % 400,
            };
            let reason = EndReason::ALL[(start.unsigned_abs() % 10) as usize];
            runs.push(ran("a", Some(start), Some(start + length), reason));
            runs.push(ran("b", None, Some(start), EndReason::Skipped));
            runs.push(ran("c", Some(start), None, reason));
        }
        runs.push(ran("d", None, None, EndReason::Success));
        runs.push(ran("e", Some(0), Some(-50), EndReason::Success));
        store.write(&runs.iter().cloned().map(Change::Insert).collect::<Vec<_>>()).unwrap();
        let reader = Reader::open(&scratch.db()).unwrap();
        for (from, to) in
            [(0, 100), (-4000, 4000), (-47, 0), (100, 100), (5000, 6000), (9000, 9001)]
        {
            let window = window(from, to);
            let mut expected: Vec<RunId> =
                runs.iter().filter(|run| touches(run, window)).map(|run| run.id).collect();
            let mut found = Vec::new();
            for track in reader.timeline(window, Shape::Runs).unwrap().into_values() {
                let Track::Runs(bars) = track else { panic!("too many") };
                assert!(bars.is_sorted_by_key(|bar| (bar.start_at.is_none(), bar.start_at)));
                found.extend(bars.iter().map(|bar| bar.run));
            }
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected, "{from} {to}");
        }
    }

    #[test]
    fn many_runs_of_a_task_are_counted_in_buckets() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let mut runs: Vec<Run> = (0..MOST_RUNS as i64 + 1)
            .map(|second| ran("many", Some(second), Some(second + 1), EndReason::Success))
            .collect();
        runs.push(ran("many", Some(-50), Some(70), EndReason::Timeout));
        runs.push(ran("many", Some(61), None, EndReason::Success));
        runs.push(ran("few", Some(-5), None, EndReason::Success));
        runs.push(ran("few", Some(130), Some(131), EndReason::Stopped));
        store.write(&runs.iter().cloned().map(Change::Insert).collect::<Vec<_>>()).unwrap();
        let reader = Reader::open(&scratch.db()).unwrap();
        let tracks = reader.timeline(window(0, 7200), Shape::Runs).unwrap();
        let Some(Track::Buckets(many)) = tracks.get("many") else { panic!("{tracks:?}") };
        let bucket = |second, count, failed, worst: Option<EndReason>| Bucket {
            at: at(second),
            count,
            failed,
            worst: worst.map(Fate::from),
        };
        assert_eq!(many.len(), 9);
        assert_eq!(many[0], bucket(0, 61, 1, Some(EndReason::Timeout)));
        assert_eq!(many[1], bucket(60, 61, 0, Some(EndReason::Success)));
        assert_eq!(many.iter().map(|bucket| bucket.count).sum::<u64>() as usize, MOST_RUNS + 3);
        assert!(matches!(tracks.get("few"), Some(Track::Runs(runs)) if runs.len() == 2));
        let tracks = reader.timeline(window(0, 7200), Shape::Buckets).unwrap();
        let few = [bucket(0, 1, 0, None), bucket(120, 1, 0, Some(EndReason::Stopped))];
        assert_eq!(tracks.get("few"), Some(&Track::Buckets(few.to_vec())));
        assert_eq!(tracks.get("many"), Some(&Track::Buckets(many.clone())));
    }

    #[test]
    fn a_timeline_reads_only_indexes() {
        let scratch = Scratch::new();
        let store = scratch.store();
        assert!(plan(&store.connection, STARTED).contains("COVERING INDEX runs_by_start"));
        for sql in [REACH, SHORT, LONG, OPEN, NEVER] {
            let plan = plan(&store.connection, sql);
            let is_narrow = plan.contains("SEARCH") || plan.contains("runs_unfinished");
            assert!(is_narrow && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
    }
}
