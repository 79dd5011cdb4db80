//! How much started when, all tasks together, counted in buckets of a window. The rows come in the
//! order of time, so most of them only raise the number of the bucket of the row before.

use std::collections::BTreeMap;

use rusqlite::{Rows, named_params};

use crate::base::time::rfc3339;
use crate::model::run::{EndReason, Fate};
use crate::store::row::Time;
use crate::store::timeline::{Bucket, Window};
use crate::store::{Error, Reader};

/// Everything that started in the window.
const STARTED: &str = "SELECT start_at, end_reason FROM runs INDEXED BY runs_by_start \
     WHERE start_at IS NOT NULL AND start_at >= :from AND start_at <= :to ORDER BY start_at";

/// What never started, at the moment of its creation.
const NEVER: &str = "SELECT created_at, end_reason FROM runs INDEXED BY runs_by_reason \
     WHERE end_reason <> 'success' AND end_reason = :reason AND created_at >= :from AND created_at <= :to \
     AND start_at IS NULL ORDER BY created_at";

impl Reader {
    /// Earliest first; buckets without a run are left out.
    pub(crate) fn starts(&self, window: Window) -> Result<Vec<Bucket>, Error> {
        let (from, to) = (Time(window.from), Time(window.to));
        self.read(|db| {
            let _snapshot = db.unchecked_transaction()?;
            let mut buckets = BTreeMap::new();
            let mut started = db.prepare_cached(STARTED)?;
            let rows = started.query(named_params! { ":from": from, ":to": to })?;
            count(&mut buckets, window, rows)?;
            let mut never = db.prepare_cached(NEVER)?;
            for fate in Fate::all().filter(|fate| fate.reason != EndReason::Success) {
                let reason = fate.word();
                let rows =
                    never.query(named_params! { ":reason": reason, ":from": from, ":to": to })?;
                count(&mut buckets, window, rows)?;
            }
            Ok(buckets.into_values().collect())
        })
    }
}

/// Counts runs that come in the order of their times.
fn count(
    buckets: &mut BTreeMap<i64, Bucket>,
    window: Window,
    mut rows: Rows<'_>,
) -> rusqlite::Result<()> {
    // As text: it has the order of time, and to read each would cost more than all the rest.
    let (mut number, mut end) = (0, String::new());
    while let Some(row) = rows.next()? {
        if row.get_ref(0)?.as_str()? >= end.as_str() {
            number = window.number(row.get::<_, Time>(0)?.0);
            end = rfc3339(window.start_of(number.saturating_add(1)));
        }
        buckets.entry(number).or_insert_with(|| window.empty(number)).add(row.get(1)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::base::time::to_millis;
    use crate::model::change::Change;
    use crate::model::run::{Phase, Run};
    use crate::store::scratch::{Scratch, at, ended, pending, plan};

    fn running(job: &str, seconds: i64) -> Run {
        Run { phase: Phase::Running { since: at(seconds) }, ..pending(job, seconds) }
    }

    fn never(job: &str, seconds: i64, reason: EndReason) -> Run {
        let mut run = ended(job, seconds, reason);
        let Phase::Ended { since, .. } = &mut run.phase else { unreachable!() };
        *since = None;
        run
    }

    #[test]
    fn only_what_starts_in_the_window_counts_and_what_never_did() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let mut long = ended("a", -1, EndReason::Crashed);
        let Phase::Ended { at: end, .. } = &mut long.phase else { unreachable!() };
        *end = at(5000);
        let runs = [
            long,
            running("a", -1),
            never("a", -1, EndReason::Missed),
            ended("a", 0, EndReason::Success),
            ended("b", 59, EndReason::Timeout),
            never("c", 30, EndReason::Skipped),
            running("b", 60),
            never("a", 200, EndReason::Missed),
            pending("a", 210),
            ended("a", 239, EndReason::Failed),
            ended("c", 240, EndReason::Success),
            ended("c", 241, EndReason::Success),
        ];
        store.write(&runs.map(Change::Insert)).unwrap();
        let reader = Reader::open(&scratch.db()).unwrap();
        let minute = SignedDuration::from_secs(60);
        let starts = |from, to| {
            let window = Window { from: at(from), to: at(to), bucket: minute };
            reader.starts(window).unwrap()
        };
        let bucket = |second, count, failed, worst: Option<EndReason>| Bucket {
            at: at(second),
            count,
            failed,
            worst: worst.map(Fate::from),
        };
        assert_eq!(
            starts(0, 240),
            [
                bucket(0, 3, 1, Some(EndReason::Timeout)),
                bucket(60, 1, 0, None),
                bucket(180, 2, 2, Some(EndReason::Failed)),
                bucket(240, 1, 0, Some(EndReason::Success)),
            ]
        );
        assert_eq!(starts(242, 9000), []);
    }

    #[test]
    fn buckets_meet_wherever_the_window_begins() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let times: Vec<Timestamp> =
            (0..1000).map(|number| at(0) + SignedDuration::from_millis(number * 250)).collect();
        let run = |since: &Timestamp| {
            Change::Insert(Run { phase: Phase::Running { since: *since }, ..pending("a", 0) })
        };
        store.write(&times.iter().map(run).collect::<Vec<_>>()).unwrap();
        let reader = Reader::open(&scratch.db()).unwrap();
        for micros in [0, 1, 249_999, 250_000, 700_500] {
            let from = at(0) + SignedDuration::from_micros(micros);
            let window = Window { from, to: at(300), bucket: SignedDuration::from_secs(7) };
            let mut expected = BTreeMap::new();
            // Stored times, and so the border of the window, are whole milliseconds.
            for start in times.iter().filter(|start| **start >= to_millis(from)) {
                let number = start.max(&from).duration_since(from).as_secs() / 7;
                *expected.entry(from + SignedDuration::from_secs(7 * number)).or_insert(0) += 1;
            }
            let starts = reader.starts(window).unwrap().into_iter();
            let found: BTreeMap<_, _> = starts.map(|bucket| (bucket.at, bucket.count)).collect();
            assert_eq!(found, expected, "{micros}");
        }
    }

    #[test]
    fn starts_are_read_from_indexes_in_their_order() {
        let scratch = Scratch::new();
        let store = scratch.store();
        assert!(plan(&store.connection, STARTED).contains("COVERING INDEX runs_by_start"));
        for sql in [STARTED, NEVER] {
            let plan = plan(&store.connection, sql);
            assert!(plan.contains("SEARCH") && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
    }
}
