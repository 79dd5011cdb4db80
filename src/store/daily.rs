//! Counters by task and day, kept beside the runs: they outlive retention and the trash.

use jiff::civil::Date;
use rusqlite::{Connection, Result, named_params};

use crate::model::job::JobName;
use crate::model::run::EndReason;
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
    pub(crate) worst: EndReason,
}

/// One more run of this day has ended.
pub(super) fn count(
    connection: &Connection,
    job: &JobName,
    date: Date,
    reason: EndReason,
) -> Result<()> {
    connection.prepare_cached(COUNT)?.execute(named_params! {
        ":task_name": job,
        ":date": date.to_string(),
        ":failed": u8::from(reason.is_failure()),
        ":reason": reason.as_str(),
        ":milder": milder(reason),
    })?;
    Ok(())
}

/// In one statement: whoever ends a run does this too.
const COUNT: &str = "INSERT INTO daily_outcomes VALUES (:task_name, :date, 1, :failed, :reason) \
     ON CONFLICT DO UPDATE SET count = count + 1, failed = failed + excluded.failed, \
     worst = CASE WHEN instr(:milder, ' ' || worst || ' ') THEN excluded.worst ELSE worst END";

/// The reasons that this one is worse than, between blanks.
fn milder(reason: EndReason) -> String {
    let milder = EndReason::WORST_FIRST.into_iter().skip_while(|one| *one != reason).skip(1);
    milder.fold(String::new(), |all, one| all + " " + one.as_str() + " ")
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
    use crate::model::run::{Phase, Run};
    use crate::store::scratch::{Scratch, at, ended, pending};

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
        let day =
            |date: &str, count, failed, worst| Day { date: date.to_owned(), count, failed, worst };
        let before = day("2026-05-06", 1, 0, EndReason::Success);
        let today = day("2026-05-07", 3, 1, EndReason::Timeout);
        let date = |seconds| scratch_date(seconds);
        let a = JobName::new("a");
        assert_eq!(reader.days(&a, date(-86_400)).unwrap(), [before, today.clone()]);
        assert_eq!(reader.days(&a, date(0)).unwrap(), [today]);
        assert_eq!(reader.days(&JobName::new("c"), date(0)).unwrap(), []);
    }

    fn scratch_date(seconds: i64) -> Date {
        at(seconds).to_zoned(jiff::tz::TimeZone::UTC).date()
    }
}
