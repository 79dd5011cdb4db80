//! The history as `sqlite3 runwisp.db` shows it: tests believe the database, not the program.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

/// One row of `runs`.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) task: String,
    pub(crate) status: String,
    pub(crate) end_reason: Option<String>,
    pub(crate) exit_code: Option<i64>,
    pub(crate) triggered_by: String,
    pub(crate) created_at: Timestamp,
    pub(crate) start_at: Option<Timestamp>,
    pub(crate) end_at: Option<Timestamp>,
    pub(crate) retry_attempt: i64,
    pub(crate) retry_of: Option<String>,
    pub(crate) replica: i64,
    pub(crate) message: Option<String>,
    pub(crate) log_lines: i64,
    pub(crate) log_bytes: i64,
}

impl Row {
    pub(crate) fn is_ended(&self) -> bool {
        self.status == "ended"
    }

    /// The end reason, "" while there is none.
    pub(crate) fn reason(&self) -> &str {
        self.end_reason.as_deref().unwrap_or("")
    }

    /// `reason exit_code`, the shortest way to say how a run ended.
    pub(crate) fn end(&self) -> String {
        format!("{} {}", self.reason(), self.exit_code.map_or("-".to_owned(), |c| c.to_string()))
    }
}

/// All rows in the order of their ids; none when there is no database yet.
pub(crate) fn all(data: &Path) -> Vec<Row> {
    read(data).unwrap_or_default()
}

/// A value of any query, for what has no function of its own.
pub(crate) fn value<T: rusqlite::types::FromSql>(data: &Path, sql: &str) -> T {
    open(data).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// For each task the last tick that was dealt with; none when there is no database yet.
pub(crate) fn anchors(data: &Path) -> HashMap<String, Timestamp> {
    let read = || -> rusqlite::Result<HashMap<String, Timestamp>> {
        let connection = open(data)?;
        let mut statement = connection.prepare("SELECT task_name, last_tick_at FROM task_state")?;
        let anchors = statement
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?.parse().unwrap())))?;
        anchors.collect()
    };
    read().unwrap_or_default()
}

fn open(data: &Path) -> rusqlite::Result<Connection> {
    let path = data.join("runwisp.db");
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

fn read(data: &Path) -> rusqlite::Result<Vec<Row>> {
    let connection = open(data)?;
    let mut statement = connection.prepare(
        "SELECT id, task_name, status, end_reason, exit_code, triggered_by, created_at, start_at,
             end_at, retry_attempt, retry_of_run_id, replica_index, message,
             ifnull(log_lines, 0), ifnull(log_bytes, 0)
         FROM runs ORDER BY id",
    )?;
    let rows = statement.query_map([], |row| {
        let instant = |column| -> rusqlite::Result<Option<Timestamp>> {
            let text: Option<String> = row.get(column)?;
            Ok(text.map(|text| text.parse().unwrap()))
        };
        Ok(Row {
            id: row.get(0)?,
            task: row.get(1)?,
            status: row.get(2)?,
            end_reason: row.get(3)?,
            exit_code: row.get(4)?,
            triggered_by: row.get(5)?,
            created_at: instant(6)?.unwrap(),
            start_at: instant(7)?,
            end_at: instant(8)?,
            retry_attempt: row.get(9)?,
            retry_of: row.get(10)?,
            replica: row.get(11)?,
            message: row.get(12)?,
            log_lines: row.get(13)?,
            log_bytes: row.get(14)?,
        })
    })?;
    rows.collect()
}
