//! The trash: ended runs that were deleted and may come back for a while. Their rows are in
//! another table, so every other question passes them over; their files stay where they are
//! until the sweeper purges them.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Result, named_params};

use crate::model::run::RunId;
use crate::store::apply::Applied;
use crate::store::query::Table;
use crate::store::retention::{Old, Position, old};
use crate::store::row::{COLUMNS, Time};
use crate::store::{Error, Reader, snapshots};

/// How long a deleted run can be restored (docs/api.md, Bulk actions).
pub(crate) const UNDO: SignedDuration = SignedDuration::from_secs(60);

/// After [`UNDO`]: whoever asks for a run in its last moment gets it with its files.
pub(crate) const MARGIN: SignedDuration = SignedDuration::from_secs(10);

/// A run that has not ended, or is gone, is passed over.
pub(super) fn put(connection: &Connection, runs: &[RunId], at: Timestamp) -> Result<Applied> {
    let mut copy = connection.prepare_cached(&format!(
        "INSERT INTO deleted_runs ({COLUMNS}, duration_ms, deleted_at) \
         SELECT {COLUMNS}, duration_ms, :at FROM runs WHERE id = :id AND status = 'ended'"
    ))?;
    let mut delete = connection.prepare_cached("DELETE FROM runs WHERE id = ?1")?;
    for run in runs {
        if copy.execute(named_params! { ":id": run, ":at": Time(at) })? > 0 {
            delete.execute([run])?;
        }
    }
    Ok(Applied::Done)
}

pub(super) fn restore(
    connection: &Connection,
    runs: &[RunId],
    since: Timestamp,
) -> Result<Applied> {
    let mut copy = connection.prepare_cached(&format!(
        "INSERT INTO runs ({COLUMNS}, duration_ms) SELECT {COLUMNS}, duration_ms FROM deleted_runs \
         WHERE id = :id AND deleted_at >= :since"
    ))?;
    let mut delete = connection.prepare_cached(PURGE)?;
    for run in runs {
        if copy.execute(named_params! { ":id": run, ":since": Time(since) })? > 0 {
            delete.execute([run])?;
        }
    }
    Ok(Applied::Done)
}

pub(super) fn purge(connection: &Connection, runs: &[RunId]) -> Result<Applied> {
    let mut statement = connection.prepare_cached(PURGE)?;
    for run in runs {
        if statement.execute([run])? > 0 {
            snapshots::drop(connection, *run)?;
        }
    }
    Ok(Applied::Done)
}

const PURGE: &str = "DELETE FROM deleted_runs WHERE id = ?1";

impl Reader {
    /// Runs that were deleted after one position, up to an instant, and where each stands.
    pub(crate) fn trashed(
        &self,
        after: &Position,
        until: Timestamp,
        limit: u32,
    ) -> std::result::Result<Vec<(Old, Position)>, Error> {
        self.read(|db| {
            db.prepare_cached(
                "SELECT id, task_name, created_at, deleted_at FROM deleted_runs \
                 WHERE (deleted_at, id) > (:after, :after_id) AND deleted_at <= :until \
                 ORDER BY deleted_at, id LIMIT :limit",
            )?
            .query_map(
                named_params! {
                    ":after": after.at,
                    ":after_id": after.id,
                    ":until": Time(until),
                    ":limit": limit,
                },
                |row| {
                    let old = old(row)?;
                    let position = Position { at: row.get("deleted_at")?, id: old.id.to_string() };
                    Ok((old, position))
                },
            )?
            .collect()
        })
    }

    /// Where the row of this run is. One question: a run that is deleted or restored meanwhile is
    /// always in one of them.
    pub(crate) fn table_of(&self, run: RunId) -> std::result::Result<Option<Table>, Error> {
        let sql = "SELECT EXISTS (SELECT 1 FROM runs WHERE id = ?1), \
             EXISTS (SELECT 1 FROM deleted_runs WHERE id = ?1)";
        self.read(|db| {
            db.prepare_cached(sql)?.query_row([run], |row| {
                Ok(match (row.get(0)?, row.get(1)?) {
                    (true, _) => Some(Table::Runs),
                    (false, true) => Some(Table::Trash),
                    (false, false) => None,
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::{Change, Tidy};
    use crate::model::run::{EndReason, Run};
    use crate::store::query::Filter;
    use crate::store::scratch::{Scratch, at, ended, pending};

    #[test]
    fn a_run_comes_back_as_it_was_until_the_time_is_over() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let runs = [
            ended("a", 0, EndReason::Failed),
            ended("a", 1, EndReason::Success),
            pending("a", 2),
            ended("b", 3, EndReason::Skipped),
        ];
        let insert: Vec<Change> = runs.iter().cloned().map(Change::Insert).collect();
        store.write(&insert).unwrap();
        let reader = Reader::open(&scratch.db()).unwrap();
        let stored = || {
            let mut left = reader.recent(&Filter::default(), 10).unwrap();
            left.reverse();
            left
        };
        let ids = |runs: &[Run]| runs.iter().map(|run| run.id).collect::<Vec<_>>();
        store.write(&[Tidy::Trash { runs: ids(&runs[..2]), at: at(10) }.into()]).unwrap();
        // One that has not ended stays, one that is gone is passed over.
        store.write(&[Tidy::Trash { runs: ids(&runs), at: at(20) }.into()]).unwrap();
        assert_eq!(stored(), [runs[2].clone()]);
        let tables = [0, 2].map(|index: usize| reader.table_of(runs[index].id).unwrap());
        assert_eq!(tables, [Some(Table::Trash), Some(Table::Runs)]);
        assert_eq!(reader.table_of(pending("a", 9).id).unwrap(), None);
        store.write(&[Tidy::Restore { runs: ids(&runs), since: at(11) }.into()]).unwrap();
        assert_eq!(stored(), runs[2..]);
        store.write(&[Tidy::Restore { runs: ids(&runs), since: at(10) }.into()]).unwrap();
        assert_eq!(stored(), runs);
        assert_eq!(reader.trashed(&Position::start(), at(100), 10).unwrap().len(), 0);
    }

    #[test]
    fn what_is_to_go_comes_in_the_order_of_deletion() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let runs = [0, 1, 2, 3].map(|seconds| ended("a", seconds, EndReason::Success));
        store.write(&runs.clone().map(Change::Insert)).unwrap();
        for (run, seconds) in runs.iter().zip([40, 30, 30, 50]) {
            store.write(&[Tidy::Trash { runs: vec![run.id], at: at(seconds) }.into()]).unwrap();
        }
        let reader = Reader::open(&scratch.db()).unwrap();
        let (mut after, mut found) = (Position::start(), Vec::new());
        while let Some((old, position)) = reader.trashed(&after, at(40), 1).unwrap().pop() {
            found.push(old.id);
            after = position;
        }
        assert_eq!(found, [runs[1].id, runs[2].id, runs[0].id]);
        store.write(&[Tidy::Purge(found).into()]).unwrap();
        let left = reader.trashed(&Position::start(), at(100), 10).unwrap();
        assert_eq!(left.iter().map(|(old, _)| old.id).collect::<Vec<_>>(), [runs[3].id]);
    }
}
