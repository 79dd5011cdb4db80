//! Counters by task and day, kept beside the runs: they outlive retention and the trash.

use jiff::civil::Date;
use rusqlite::{Connection, Result, named_params};

use crate::model::job::JobName;
use crate::model::run::Fate;
use crate::store::row::Count;
use crate::store::{Error, Reader};

/// One day of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    /// `2026-05-07`.
    pub(crate) date: String,
    /// Runs that were created on this day and have ended.
    pub(crate) count: u64,
    pub(crate) failed: u64,
    pub(crate) worst: Fate,
}

/// One more run of this day has ended.
pub(super) fn count(connection: &Connection, job: &JobName, date: Date, fate: Fate) -> Result<()> {
    connection.prepare_cached(COUNT)?.execute(named_params! {
        ":task_name": job,
        ":date": date.to_string(),
        ":failed": u8::from(fate.is_failure),
        ":reason": fate.word(),
        ":milder": milder(fate),
    })?;
    Ok(())
}

/// In one statement: whoever ends a run does this too.
const COUNT: &str = "INSERT INTO daily_outcomes VALUES (:task_name, :date, 1, :failed, :reason) \
     ON CONFLICT DO UPDATE SET count = count + 1, failed = failed + excluded.failed, \
     worst = CASE WHEN instr(:milder, ' ' || worst || ' ') THEN excluded.worst ELSE worst END";

/// The words of what this one is worse than, between blanks.
fn milder(fate: Fate) -> String {
    let milder = Fate::all().filter(|one| one.severity() > fate.severity());
    milder.fold(String::new(), |all, one| all + " " + one.word() + " ")
}

impl Reader {
    /// The days of a task from one day on, earliest first; days without a run are left out.
    pub(crate) fn days(&self, job: &JobName, from: Date) -> std::result::Result<Vec<Day>, Error> {
        self.read(|db| {
            db.prepare_cached(
                "SELECT date, count, failed, worst FROM daily_outcomes \
                 WHERE task_name = ?1 AND date >= ?2 ORDER BY date",
            )?
            .query_map((job, from.to_string()), |row| {
                Ok(Day {
                    date: row.get("date")?,
                    count: row.get::<_, Count>("count")?.0,
                    failed: row.get::<_, Count>("failed")?.0,
                    worst: row.get("worst")?,
                })
            })?
            .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::Change;
    use crate::model::run::{EndReason, Phase, Run};
    use crate::store::scratch::{Scratch, at, ended, judged, pending};

    #[test]
    fn days_count_each_end_once_and_outlive_the_runs() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let (late, running) = (ended("a", 0, EndReason::Timeout), pending("a", 1));
        let Phase::Ended { since, at: over, end } = late.phase.clone() else { unreachable!() };
        store
            .write(&[
                Change::Insert(ended("a", -86_400, EndReason::Success)),
                Change::Insert(ended("a", 2, EndReason::Success)),
                Change::Insert(ended("a", 3, EndReason::Skipped)),
                Change::Insert(Run { phase: Phase::Pending, ..late.clone() }),
                Change::Insert(ended("b", 4, EndReason::Crashed)),
                Change::Insert(running),
                Change::end(&late, since, over, end.clone()),
                // Too late: it has ended before.
                Change::end(&late, since, over, end),
                Change::Delete(vec![late.id]),
            ])
            .unwrap();
        let reader = Reader::open(&scratch.db()).unwrap();
        let day = |date: &str, count, failed, worst: EndReason| Day {
            date: date.to_owned(),
            count,
            failed,
            worst: worst.into(),
        };
        let before = day("2026-05-06", 1, 0, EndReason::Success);
        let today = day("2026-05-07", 3, 1, EndReason::Timeout);
        let date = |seconds| scratch_date(seconds);
        let a = JobName::new("a");
        assert_eq!(reader.days(&a, date(-86_400)).unwrap(), [before, today.clone()]);
        assert_eq!(reader.days(&a, date(0)).unwrap(), [today]);
        assert_eq!(reader.days(&JobName::new("c"), date(0)).unwrap(), []);
    }

    #[test]
    fn a_day_is_as_bad_as_its_job_calls_it() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let fine = Fate { reason: EndReason::Failed, is_failure: false };
        let loud = Fate { reason: EndReason::Skipped, is_failure: true };
        let days = || {
            let reader = Reader::open(&scratch.db()).unwrap();
            let days = reader.days(&JobName::new("a"), scratch_date(0)).unwrap();
            days.iter().map(|day| (day.count, day.failed, day.worst)).collect::<Vec<_>>()
        };
        let stopped = Fate::from(EndReason::Stopped);
        for (fate, day) in [
            (EndReason::Success.into(), (1, 0, EndReason::Success.into())),
            (fine, (2, 0, fine)),
            (stopped, (3, 0, stopped)),
            (fine, (4, 0, stopped)),
            (loud, (5, 1, loud)),
            (fine, (6, 1, loud)),
        ] {
            store.write(&[Change::Insert(judged("a", 0, fate))]).unwrap();
            assert_eq!(days(), [day], "{fate:?}");
        }
    }

    fn scratch_date(seconds: i64) -> Date {
        at(seconds).to_zoned(jiff::tz::TimeZone::UTC).date()
    }
}
