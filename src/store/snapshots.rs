//! What the machine looked like when a run went wrong. It belongs to the run: it stays while the
//! run is in the trash, and goes when the run is gone for good.

use rusqlite::{Connection, OptionalExtension, Result, named_params};

use crate::model::run::RunId;
use crate::store::apply::{Applied, hit};
use crate::store::{Error, Reader};

const PUT: &str = "INSERT INTO snapshots SELECT :run, :text \
     WHERE EXISTS (SELECT 1 FROM runs WHERE id = :run) ON CONFLICT DO NOTHING";

pub(super) fn put(connection: &Connection, run: RunId, text: &str) -> Result<Applied> {
    let values = named_params! { ":run": run, ":text": text };
    hit(connection.prepare_cached(PUT)?.execute(values)?)
}

pub(super) fn drop(connection: &Connection, run: RunId) -> Result<()> {
    connection.prepare_cached("DELETE FROM snapshots WHERE run_id = ?1")?.execute([run])?;
    Ok(())
}

impl Reader {
    pub(crate) fn snapshot(&self, run: RunId) -> std::result::Result<Option<String>, Error> {
        self.read(|db| {
            let sql = "SELECT text FROM snapshots WHERE run_id = ?1";
            db.prepare_cached(sql)?.query_row([run], |row| row.get("text")).optional()
        })
    }

    pub(crate) fn has_snapshot(&self, run: RunId) -> std::result::Result<bool, Error> {
        let sql = "SELECT 1 FROM snapshots WHERE run_id = ?1";
        self.read(|db| db.prepare_cached(sql)?.exists([run]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::{Change, Tidy};
    use crate::model::run::EndReason;
    use crate::store::scratch::{Scratch, at, ended};

    #[test]
    fn a_snapshot_stays_in_the_trash_and_goes_with_its_run() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let (one, other) = (ended("a", 0, EndReason::Failed), ended("a", 1, EndReason::Failed));
        let text = |text: &str| Box::from(text);
        store
            .write(&[
                Change::Insert(one.clone()),
                Change::Snapshot { run: one.id, text: text("load 1") },
                Change::Snapshot { run: one.id, text: text("too late") },
                // Its row is gone: nobody would ever take it away.
                Change::Snapshot { run: other.id, text: text("load 2") },
                Change::Insert(other.clone()),
                Change::Snapshot { run: other.id, text: text("load 3") },
            ])
            .unwrap();
        let reader = Reader::open(&scratch.db()).unwrap();
        let read = |run| {
            let found = reader.snapshot(run).unwrap();
            assert_eq!(reader.has_snapshot(run).unwrap(), found.is_some());
            found
        };
        assert_eq!(read(one.id).as_deref(), Some("load 1"));
        assert_eq!(read(other.id).as_deref(), Some("load 3"));
        store.write(&[Tidy::Trash { runs: vec![one.id], at: at(10) }.into()]).unwrap();
        store.write(&[Tidy::Purge(vec![other.id]).into()]).unwrap();
        assert_eq!(read(other.id).as_deref(), Some("load 3"), "it is not in the trash");
        store.write(&[Tidy::Restore { runs: vec![one.id], since: at(0) }.into()]).unwrap();
        assert_eq!(read(one.id).as_deref(), Some("load 1"));
        store.write(&[Tidy::Trash { runs: vec![one.id], at: at(10) }.into()]).unwrap();
        store.write(&[Tidy::Purge(vec![one.id]).into()]).unwrap();
        store.write(&[Change::Delete(vec![other.id])]).unwrap();
        assert_eq!((read(one.id), read(other.id)), (None, None));
    }
}
