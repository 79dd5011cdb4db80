//! What the sweeper asks: which runs are old enough to go. Every question names an index, so
//! none reads the whole history.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, named_params};

use crate::base::time::rfc3339;
use crate::model::job::JobName;
use crate::model::run::RunId;
use crate::store::row::Time;
use crate::store::{Error, Reader};

/// A point in the order of creation, or of deletion: the time as stored, then the id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(super) at: String,
    pub(super) id: String,
}

impl Position {
    /// Before every run.
    pub(crate) fn start() -> Position {
        Position { at: String::new(), id: String::new() }
    }

    /// After every run: stored times begin with a digit.
    pub(crate) fn end() -> Position {
        Position { at: "~".to_owned(), id: String::new() }
    }

    /// Before every run that was created at or after this instant.
    pub(crate) fn before(instant: Timestamp) -> Position {
        Position { at: rfc3339(instant), id: String::new() }
    }
}

/// A run that is over, with what names its files.
#[derive(Clone, Debug)]
pub(crate) struct Old {
    pub(crate) id: RunId,
    pub(crate) job: JobName,
    pub(crate) created_at: Timestamp,
}

impl Old {
    pub(crate) fn position(&self) -> Position {
        Position { at: rfc3339(self.created_at), id: self.id.to_string() }
    }
}

impl Reader {
    /// The next name in order that has runs.
    pub(crate) fn next_job(&self, after: Option<&JobName>) -> Result<Option<JobName>, Error> {
        let after = after.map_or("", JobName::as_str);
        self.read(|db| {
            db.prepare_cached("SELECT min(task_name) AS name FROM runs WHERE task_name > ?1")?
                .query_row([after], |row| row.get("name"))
        })
    }

    /// How many runs of a job are over.
    pub(crate) fn count_ended(&self, job: &JobName) -> Result<u64, Error> {
        // Counts inside two indexes; the few open runs are subtracted.
        self.read(|db| {
            let count: i64 = db.query_row(
                "SELECT (SELECT count(*) FROM runs INDEXED BY runs_by_task WHERE task_name = ?1) \
                 - (SELECT count(*) FROM runs INDEXED BY runs_unfinished WHERE status <> 'ended' AND task_name = ?1) \
                 AS ended",
                [job],
                |row| row.get("ended"),
            )?;
            Ok(count.unsigned_abs())
        })
    }

    /// The newest ended run of a job beyond the `keep` newest ones.
    pub(crate) fn newest_beyond(
        &self,
        job: &JobName,
        keep: u64,
    ) -> Result<Option<Position>, Error> {
        self.read(|db| {
            db.prepare_cached(
                "SELECT id, task_name, created_at FROM runs INDEXED BY runs_by_task \
                 WHERE task_name = ?1 AND status = 'ended' ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET ?2",
            )?
            .query_row((job, i64::try_from(keep).unwrap_or(i64::MAX)), |row| old(row).map(|old| old.position()))
            .optional()
        })
    }

    /// Ended runs of one job or of all, after one position, up to and including another,
    /// oldest first.
    pub(crate) fn ended(
        &self,
        job: Option<&JobName>,
        after: &Position,
        until: &Position,
        limit: u32,
    ) -> Result<Vec<Old>, Error> {
        let (index, of_job) = match job {
            Some(_) => ("runs_by_task", "task_name = :job"),
            None => ("runs_by_time", ":job IS NULL"),
        };
        let sql = format!(
            "SELECT id, task_name, created_at FROM runs INDEXED BY {index} \
             WHERE {of_job} AND status = 'ended' AND (created_at, id) > (:after, :after_id) \
             AND (created_at, id) <= (:until, :until_id) ORDER BY created_at, id LIMIT :limit"
        );
        self.read(|db| {
            db.prepare_cached(&sql)?
                .query_map(
                    named_params! {
                        ":job": job,
                        ":after": after.at,
                        ":after_id": after.id,
                        ":until": until.at,
                        ":until_id": until.id,
                        ":limit": limit,
                    },
                    old,
                )?
                .collect()
        })
    }
}

pub(super) fn old(row: &Row<'_>) -> rusqlite::Result<Old> {
    Ok(Old {
        id: row.get("id")?,
        job: row.get("task_name")?,
        created_at: row.get::<_, Time>("created_at")?.0,
    })
}
