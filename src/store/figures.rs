//! The history in numbers: how many runs there are and how the last ones of a task ended. From
//! counters and indexes; nothing here reads the whole history.

use jiff::Timestamp;
use rusqlite::{Row, named_params};

use crate::model::job::JobName;
use crate::model::run::{EndReason, Fate, Run, RunId};
use crate::store::row::{Count, Time};
use crate::store::{Error, Reader, list};

/// All stored runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) total: u64,
    pub(crate) success: u64,
    /// All that count as failures, but for missed ticks.
    pub(crate) failed: u64,
    pub(crate) missed: u64,
    /// When the latest of `failed` ended.
    pub(crate) last_failure: Option<Timestamp>,
}

/// How the last runs of a job ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcomes {
    /// The first of `runs`, whole.
    pub(crate) latest: Option<Run>,
    /// Newest first.
    pub(crate) runs: Vec<Outcome>,
}

/// How one run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) run: RunId,
    pub(crate) fate: Fate,
    /// `None`: it never started.
    pub(crate) duration_ms: Option<i64>,
}

/// The words of the partial indexes that hold failures in the order of their ends.
const LAST_FAILURES: [&str; 2] = [
    "SELECT max(end_at) AS last FROM runs INDEXED BY runs_by_failure \
     WHERE end_reason IN ('failed', 'timeout', 'log_overflow', 'crashed')",
    "SELECT max(end_at) AS last FROM runs INDEXED BY runs_by_other_failure WHERE end_reason IN \
     ('stopped:failure', 'skipped:failure', 'queue_full:failure', 'dst_skipped:failure', 'start_failed', 'unhealthy')",
];

const OUTCOMES: &str = "SELECT id, end_reason, duration_ms FROM runs INDEXED BY runs_by_task \
     WHERE task_name = :job AND status = 'ended' ORDER BY created_at DESC, id DESC LIMIT :last";

impl Reader {
    pub(crate) fn summary(&self) -> Result<Summary, Error> {
        self.read(|db| {
            let _snapshot = db.unchecked_transaction()?;
            let mut summary = Summary::default();
            let mut counts = db.prepare_cached(
                "SELECT outcome, sum(count) AS count FROM run_tally GROUP BY outcome",
            )?;
            let mut rows = counts.query([])?;
            while let Some(row) = rows.next()? {
                let (outcome, Count(count)): (String, _) = (row.get("outcome")?, row.get("count")?);
                summary.total += count;
                match Fate::of_word(&outcome) {
                    Some(Fate { reason: EndReason::Success, .. }) => summary.success += count,
                    Some(Fate { reason: EndReason::Missed, .. }) => summary.missed += count,
                    Some(Fate { is_failure: true, .. }) => summary.failed += count,
                    Some(Fate { is_failure: false, .. }) | None => {}
                }
            }
            for sql in LAST_FAILURES {
                let last: Option<Time> =
                    db.prepare_cached(sql)?.query_row([], |row| row.get("last"))?;
                summary.last_failure = summary.last_failure.max(last.map(|last| last.0));
            }
            Ok(summary)
        })
    }

    pub(crate) fn outcomes(&self, job: &JobName, last: u32) -> Result<Outcomes, Error> {
        self.read(|db| {
            let _snapshot = db.unchecked_transaction()?;
            let runs = db
                .prepare_cached(OUTCOMES)?
                .query_map(named_params! { ":job": job, ":last": last }, outcome)?
                .collect::<Result<Vec<_>, _>>()?;
            let latest = runs.first().map(|newest| list::run(db, newest.run)).transpose()?;
            Ok(Outcomes { latest: latest.flatten(), runs })
        })
    }
}

fn outcome(row: &Row<'_>) -> rusqlite::Result<Outcome> {
    Ok(Outcome {
        run: row.get("id")?,
        fate: row.get("end_reason")?,
        // A clock that was set back makes no time negative.
        duration_ms: row.get::<_, Option<i64>>("duration_ms")?.map(|millis| millis.max(0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::{Change, Tidy};
    use crate::model::run::{Phase, Run};
    use crate::store::scratch::{Scratch, at, ended, judged, pending, plan};

    #[test]
    fn the_summary_is_exact_after_every_change() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let reader = || Reader::open(&scratch.db()).unwrap();
        let summary = || {
            let found = reader().summary().unwrap();
            (found.total, found.success, found.failed, found.missed, found.last_failure)
        };
        assert_eq!(summary(), (0, 0, 0, 0, None));
        let all: Vec<Run> = EndReason::ALL
            .into_iter()
            .zip(0..)
            .map(|(reason, seconds)| ended("a", seconds, reason))
            .collect();
        store.write(&all.iter().cloned().map(Change::Insert).collect::<Vec<_>>()).unwrap();
        let waiting = pending("b", 20);
        store.write(&[Change::Insert(waiting.clone())]).unwrap();
        assert_eq!(summary(), (13, 1, 6, 1, Some(at(12))));
        store.write(&[Change::Start { run: waiting.id, at: at(20), config: 0 }]).unwrap();
        assert_eq!(summary(), (13, 1, 6, 1, Some(at(12))));
        let Phase::Ended { end, .. } = ended("b", 20, EndReason::Timeout).phase else {
            unreachable!()
        };
        let since = Some(at(20));
        store.write(&[Change::end(&waiting, since, at(30), end)]).unwrap();
        assert_eq!(summary(), (13, 1, 7, 1, Some(at(30))));
        let trash = vec![waiting.id, all[0].id];
        store.write(&[Tidy::Trash { runs: trash.clone(), at: at(40) }.into()]).unwrap();
        assert_eq!(summary(), (11, 0, 6, 1, Some(at(12))));
        store.write(&[Tidy::Restore { runs: trash, since: at(0) }.into()]).unwrap();
        store.write(&[Change::Delete(vec![waiting.id, all[9].id])]).unwrap();
        assert_eq!(summary(), (11, 1, 6, 0, Some(at(12))));
        store.connection.execute("DELETE FROM runs", []).unwrap();
        assert_eq!(summary(), (0, 0, 0, 0, None));
        // What the job says counts: only what is usually no failure is one here.
        let otherwise = Fate::all().filter(|fate| !fate.is_as_usual()).zip(100..);
        let all = otherwise.map(|(fate, seconds)| Change::Insert(judged("a", seconds, fate)));
        store.write(&all.collect::<Vec<_>>()).unwrap();
        assert_eq!(summary(), (11, 0, 4, 1, Some(at(108))));
    }

    #[test]
    fn the_last_outcomes_are_those_of_runs_that_are_over() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let runs = [
            ended("a", 0, EndReason::Success),
            ended("a", 2, EndReason::Failed),
            ended("b", 3, EndReason::Failed),
            pending("a", 4),
        ];
        store.write(&runs.clone().map(Change::Insert)).unwrap();
        let mut skipped = ended("a", 1, EndReason::Skipped);
        let Phase::Ended { since, .. } = &mut skipped.phase else { unreachable!() };
        *since = None;
        store.write(&[Change::Insert(skipped.clone())]).unwrap();
        let reader = Reader::open(&scratch.db()).unwrap();
        let outcome = |run: &Run, reason: EndReason, duration_ms| Outcome {
            run: run.id,
            fate: reason.into(),
            duration_ms,
        };
        let expected = [
            outcome(&runs[1], EndReason::Failed, Some(1000)),
            outcome(&skipped, EndReason::Skipped, None),
            outcome(&runs[0], EndReason::Success, Some(1000)),
        ];
        let job = JobName::new("a");
        let latest = Some(runs[1].clone());
        assert_eq!(
            reader.outcomes(&job, 100).unwrap(),
            Outcomes { latest: latest.clone(), runs: expected.to_vec() }
        );
        assert_eq!(
            reader.outcomes(&job, 1).unwrap(),
            Outcomes { latest, runs: expected[..1].to_vec() }
        );
        let none = Outcomes { latest: None, runs: Vec::new() };
        assert_eq!(reader.outcomes(&JobName::new("c"), 9).unwrap(), none);
    }

    #[test]
    fn no_number_reads_the_whole_history() {
        let scratch = Scratch::new();
        let store = scratch.store();
        let [last, other] = LAST_FAILURES;
        for (sql, index) in [
            (last, "runs_by_failure"),
            (other, "runs_by_other_failure"),
            (OUTCOMES, "runs_by_task"),
        ] {
            let plan = plan(&store.connection, sql);
            assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
