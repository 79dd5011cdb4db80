//! What was decided about ticks (docs/running.md, Why did it run).

use jiff::Timestamp;
use rusqlite::types::FromSqlError;
use rusqlite::{Connection, Result, Row, named_params};

use crate::model::decision::{Decision, What};
use crate::model::job::JobName;
use crate::store::apply::Applied;
use crate::store::row::Time;
use crate::store::{Error, Reader};

const PUT: &str = "INSERT INTO decisions (task_name, at, what, tick, until, run_id, other_run_id, detail) \
     VALUES (:job, :at, :what, :tick, :until, :run, :other, :detail)";

/// Those of one task and those of all, newest first.
const AROUND: &str = "SELECT task_name, at, what, tick, until, run_id, other_run_id, detail FROM decisions \
     WHERE (task_name = :job OR task_name IS NULL) AND at <= :to AND at >= :from \
     ORDER BY at DESC, number DESC LIMIT :limit";

/// They were numbered as they were made: the old ones are the first ones.
const FORGET: &str = "DELETE FROM decisions WHERE number < ifnull((SELECT number FROM decisions \
     WHERE at >= ?1 ORDER BY number LIMIT 1), 9223372036854775807)";
const OLDEST: &str = "SELECT ifnull((SELECT at < ?1 FROM decisions ORDER BY number LIMIT 1), 0)";

pub(super) fn put(connection: &Connection, one: &Decision) -> Result<Applied> {
    connection.prepare_cached(PUT)?.execute(named_params! {
        ":job": one.job,
        ":at": Time(one.at),
        ":what": one.what.as_str(),
        ":tick": one.tick.map(Time),
        ":until": one.until.map(Time),
        ":run": one.run,
        ":other": one.other,
        ":detail": one.detail,
    })?;
    Ok(Applied::Done)
}

pub(super) fn forget(connection: &Connection, before: Timestamp) -> Result<Applied> {
    connection.prepare_cached(FORGET)?.execute([Time(before)])?;
    Ok(Applied::Done)
}

impl Reader {
    pub(crate) fn has_decisions_before(&self, before: Timestamp) -> Result<bool, Error> {
        self.read(|db| db.prepare_cached(OLDEST)?.query_row([Time(before)], |row| row.get(0)))
    }

    /// Decisions about one job and those about all, made in this time; the newest first.
    pub(crate) fn decisions(
        &self,
        job: &JobName,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<Decision>, Error> {
        self.read(|db| {
            let mut statement = db.prepare_cached(AROUND)?;
            let rows = statement.query_map(
                named_params! { ":job": job, ":from": Time(from), ":to": Time(to), ":limit": limit },
                read,
            )?;
            rows.collect()
        })
    }
}

fn read(row: &Row<'_>) -> Result<Decision> {
    let word: String = row.get("what")?;
    let what = What::ALL.into_iter().find(|what| what.as_str() == word);
    let what =
        what.ok_or_else(|| FromSqlError::Other(format!("{word:?} is no decision").into()))?;
    Ok(Decision {
        job: row.get("task_name")?,
        at: row.get::<_, Time>("at")?.0,
        what,
        tick: row.get::<_, Option<Time>>("tick")?.map(|time| time.0),
        until: row.get::<_, Option<Time>>("until")?.map(|time| time.0),
        run: row.get("run_id")?,
        other: row.get("other_run_id")?,
        detail: row.get("detail")?,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::model::change::Change;
    use crate::store::scratch::{Scratch, at};

    fn decision(job: Option<&str>, seconds: i64) -> Decision {
        let decision = Decision::new(job.map(JobName::new), at(seconds), What::Skipped);
        Decision { tick: Some(at(seconds)), detail: "why".to_owned(), ..decision }
    }

    #[test]
    fn decisions_of_a_job_and_of_all_are_read_newest_first_and_old_ones_forgotten() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let all = [(Some("a"), 0), (Some("b"), 1), (None, 2), (Some("a"), 3)]
            .map(|(job, seconds)| decision(job, seconds));
        let put = |one: &Decision| Change::Decide(Box::new(one.clone()));
        store.write(&all.iter().map(put).collect::<Vec<_>>()).unwrap();
        let reader = Reader::open(&scratch.db()).unwrap();
        let found = |limit| {
            let (job, day) = (JobName::new("a"), SignedDuration::from_hours(24));
            reader.decisions(&job, at(0) - day, at(0) + day, limit).unwrap()
        };
        assert_eq!(found(9), [all[3].clone(), all[2].clone(), all[0].clone()]);
        assert_eq!(found(1), [all[3].clone()]);
        for (before, left) in [(0, 3), (1, 2), (3, 1), (4, 0)] {
            assert_eq!(reader.has_decisions_before(at(before)).unwrap(), before > 0);
            store.write(&[Change::ForgetDecisions { before: at(before) }]).unwrap();
            assert_eq!(found(9).len(), left, "before {before}");
        }
        assert!(!reader.has_decisions_before(at(9)).unwrap());
    }
}
