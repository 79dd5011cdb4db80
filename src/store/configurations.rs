//! The newest configurations that were applied, as people read them: without what is secret.

use rusqlite::{Connection, OptionalExtension, Result, named_params};

use crate::model::change::Configuration;
use crate::store::apply::Applied;
use crate::store::row::{Json, Time};
use crate::store::{Error, Reader, Store};

/// How many are kept (docs/configuration.md, Reload).
const KEPT: u32 = 50;

pub(super) fn put(connection: &Connection, one: &Configuration) -> Result<Applied> {
    connection
        .prepare_cached(
            "INSERT INTO configurations (number, applied_at, files) VALUES (:number, :at, :files)",
        )?
        .execute(named_params! {
            ":number": one.number, ":at": Time(one.at), ":files": Json(&one.files),
        })?;
    connection
        .prepare_cached("DELETE FROM configurations WHERE number <= ?1")?
        .execute([one.number.saturating_sub(KEPT)])?;
    Ok(Applied::Done)
}

const NEWEST: &str =
    "SELECT number, applied_at, files FROM configurations ORDER BY number DESC LIMIT 1";
const ONE: &str = "SELECT number, applied_at, files FROM configurations WHERE number = ?1";

impl Store {
    /// The configuration that was applied last.
    pub(crate) fn newest_configuration(&self) -> Result<Option<Configuration>, Error> {
        self.read(|db| db.prepare_cached(NEWEST)?.query_row([], read).optional())
    }
}

impl Reader {
    /// `None` if it is no longer kept.
    pub(crate) fn configuration(&self, number: u32) -> Result<Option<Configuration>, Error> {
        self.read(|db| db.prepare_cached(ONE)?.query_row([number], read).optional())
    }
}

fn read(row: &rusqlite::Row<'_>) -> Result<Configuration> {
    Ok(Configuration {
        number: row.get("number")?,
        at: row.get::<_, Time>("applied_at")?.0,
        files: row.get::<_, Json<_>>("files")?.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::Change;
    use crate::store::scratch::{Scratch, at};

    #[test]
    fn the_newest_are_kept_as_they_were() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        assert_eq!(store.newest_configuration().unwrap(), None);
        let one = |number: u32| Configuration {
            number,
            at: at(number.into()),
            files: vec![("a.toml".to_owned(), format!("# {number}\n[tasks]\n"))],
        };
        let change = |number| Change::Configure(Box::new(one(number)));
        let changes: Vec<_> = (1..=KEPT + 2).map(change).collect();
        store.write(&changes).unwrap();
        assert_eq!(store.newest_configuration().unwrap(), Some(one(KEPT + 2)));
        let reader = Reader::open(&scratch.db()).unwrap();
        for number in 1..=KEPT + 2 {
            let expected = (number > 2).then(|| one(number));
            assert_eq!(reader.configuration(number).unwrap(), expected, "{number}");
        }
    }
}
