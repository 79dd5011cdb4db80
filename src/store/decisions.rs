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
    connection.prepare_cached("DELETE FROM decisions WHERE at < ?1")?.execute([Time(before)])?;
    Ok(Applied::Done)
}

impl Reader {
    pub(crate) fn has_decisions_before(&self, before: Timestamp) -> Result<bool, Error> {
        self.read(|db| {
            db.prepare_cached("SELECT EXISTS (SELECT 1 FROM decisions WHERE at < ?1)")?
                .query_row([Time(before)], |row| row.get(0))
        })
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
