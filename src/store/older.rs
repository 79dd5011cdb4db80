//! The runs of one job, newest first, from a place in them on.

use jiff::Timestamp;
use rusqlite::named_params;

use crate::model::job::JobName;
use crate::model::run::{Run, RunId};
use crate::store::row::{self, COLUMNS, Time};
use crate::store::{Error, Reader};

/// Where a run stands in the order of all runs: by creation, then by id.
pub(crate) type Place = (Timestamp, RunId);

impl Reader {
    /// At most `limit` runs of a job that stand before `place`, newest first; all where it is none.
    pub(crate) fn older(
        &self,
        job: &JobName,
        place: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Run>, Error> {
        let before = if place.is_some() { "AND (created_at, id) < (:at, :id)" } else { "" };
        self.read(|db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM runs INDEXED BY runs_by_task WHERE task_name = :job {before} \
                 ORDER BY created_at DESC, id DESC LIMIT :limit"
            );
            let mut statement = db.prepare_cached(&sql)?;
            let runs = match place {
                None => statement.query_map(named_params! { ":job": job, ":limit": limit }, row::run),
                Some((at, id)) => {
                    let at = Time(at);
                    statement.query_map(
                        named_params! { ":job": job, ":limit": limit, ":at": at, ":id": id },
                        row::run,
                    )
                }
            };
            runs?.collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::Change;
    use crate::model::run::EndReason;
    use crate::store::scratch::{Scratch, ended};

    #[test]
    fn pages_follow_each_other_without_a_gap() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        // Two of each instant.
        let runs: Vec<Run> = (0..20).map(|n| ended("a", n / 2, EndReason::Success)).collect();
        let others = (0..5).map(|n| ended("b", n, EndReason::Failed));
        let all: Vec<Change> = runs.iter().cloned().chain(others).map(Change::Insert).collect();
        store.write(&all).unwrap();
        let reader = Reader::open(&scratch.db()).unwrap();
        let (mut place, mut seen) = (None, Vec::new());
        loop {
            let page = reader.older(&JobName::new("a"), place, 3).unwrap();
            let Some(last) = page.last() else { break };
            place = Some((last.created_at, last.id));
            seen.extend(page);
        }
        let mut expected = runs;
        expected.sort_by_key(|run| std::cmp::Reverse((run.created_at, run.id)));
        assert_eq!(seen, expected);
    }
}
