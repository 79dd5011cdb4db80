//! The shape of the database: numbered migrations, forward only, each in one transaction;
//! `PRAGMA user_version` counts those that were applied. A migration that was released is
//! never changed again.

use rusqlite::{Connection, TransactionBehavior};

const MIGRATIONS: [&str; 7] = [
    include_str!("migrations/0001_runs.sql"),
    include_str!("migrations/0002_door.sql"),
    include_str!("migrations/0003_open_runs.sql"),
    include_str!("migrations/0004_ends.sql"),
    include_str!("migrations/0005_alerts.sql"),
    include_str!("migrations/0006_usage.sql"),
    include_str!("migrations/0007_operate.sql"),
];

/// The schema that this build writes.
pub(super) const KNOWN: i64 = MIGRATIONS.len() as i64;

/// `RWsp`: tells our databases from those of other programs (`PRAGMA application_id`).
const APPLICATION: i64 = 0x5257_7370;

/// What an existing file turned out to be.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Ours {
        version: i64,
    },
    Newer {
        version: i64,
    },
    /// A database, but not one of ours.
    Foreign,
}

/// Reads the header and the schema; nothing is written.
pub(super) fn inspect(connection: &Connection) -> rusqlite::Result<Found> {
    let version = number(connection, "user_version")?;
    if version > KNOWN {
        return Ok(Found::Newer { version });
    }
    if version < 1 || number(connection, "application_id")? != APPLICATION {
        return Ok(Found::Foreign);
    }
    Ok(Found::Ours { version })
}

/// Applies what is missing after `version`; 0 is an empty file.
pub(super) fn migrate(connection: &mut Connection, version: i64) -> rusqlite::Result<()> {
    for (number, migration) in (1..).zip(MIGRATIONS) {
        if number <= version {
            continue;
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

/// The value of a numeric pragma.
pub(super) fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}
