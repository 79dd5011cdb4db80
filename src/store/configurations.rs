//! The newest configurations that were applied, as people read them: without what is secret.

use rusqlite::{Connection, OptionalExtension, Result, named_params};

use crate::model::change::Configuration;
use crate::store::apply::Applied;
use crate::store::row::Time;
use crate::store::{Error, Reader, Store};

/// How many are kept (docs/configuration.md, Reload).
const KEPT: u32 = 50;

pub(super) fn put(connection: &Connection, one: &Configuration) -> Result<Applied> {
    let files = serde_json::to_string(&one.files).expect("texts in a list are JSON");
    connection
        .prepare_cached(
            "INSERT INTO configurations (number, applied_at, files) VALUES (:number, :at, :files)",
        )?
        .execute(named_params! { ":number": one.number, ":at": Time(one.at), ":files": files })?;
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
    let files: String = row.get("files")?;
    let files = serde_json::from_str(&files)
        .map_err(|error| rusqlite::types::FromSqlError::Other(error.into()))?;
    Ok(Configuration { number: row.get("number")?, at: row.get::<_, Time>("applied_at")?.0, files })
}
