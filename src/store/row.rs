//! A run as a row and back: the one place that knows how the columns of `runs` spell a
//! [`Run`]. The same texts stand in the `CHECK`s of the schema.

use std::fmt::Display;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::time::rfc3339;
use crate::base::ulid::Ulid;
use crate::model::job::{JobName, Kind};
use crate::model::param::Given;
use crate::model::run::{End, Fate, LogTotals, Phase, Run, Trigger, Usage};

/// What [`run`] reads, by name.
pub(super) const COLUMNS: &str = "id, task_name, kind, status, end_reason, exit_code, triggered_by, created_at, \
     start_at, end_at, retry_attempt, retry_of_run_id, replica_index, message, log_lines, log_bytes, log_truncated, \
     params, config, cpu_ms, peak_memory_bytes";

/// An instant as the text that the tables hold.
#[derive(Clone, Copy)]
pub(super) struct Time(pub(super) Timestamp);

/// A count as SQLite's only kind of integer.
#[derive(Clone, Copy)]
pub(super) struct Count(pub(super) u64);

/// A value whose parts nobody asks the database for, as JSON.
pub(super) struct Json<T>(pub(super) T);

/// Reads one run from a row that holds [`COLUMNS`].
pub(super) fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: row.get("id")?,
        job: row.get("task_name")?,
        kind: row.get("kind")?,
        trigger: row.get("triggered_by")?,
        created_at: row.get::<_, Time>("created_at")?.0,
        phase: phase(row)?,
        retry_attempt: row.get("retry_attempt")?,
        retry_of: row.get("retry_of_run_id")?,
        replica: row.get("replica_index")?,
        params: params(row)?,
        config: row.get("config")?,
    })
}

/// Nearly every task takes nothing.
fn params(row: &Row<'_>) -> rusqlite::Result<Given> {
    static NONE: LazyLock<Given> = LazyLock::new(|| Arc::new([]));
    match row.get_ref("params")?.as_str()? {
        "" => Ok(Arc::clone(&NONE)),
        _ => Ok(Arc::from(row.get::<_, Json<Vec<(String, Option<String>)>>>("params")?.0)),
    }
}

/// What [`run`] reads as the parameters of a run.
pub(super) fn params_text(given: &Given) -> String {
    if given.is_empty() {
        return String::new();
    }
    serde_json::to_string(&**given).expect("texts in a list are JSON")
}

fn phase(row: &Row<'_>) -> rusqlite::Result<Phase> {
    // The schema binds the status to the columns that are filled, so these decide.
    let since = row.get::<_, Option<Time>>("start_at")?.map(|time| time.0);
    match (row.get::<_, Option<Time>>("end_at")?, since) {
        (Some(at), since) => Ok(Phase::Ended { since, at: at.0, end: end(row)? }),
        (None, Some(since)) => Ok(Phase::Running { since }),
        (None, None) => Ok(Phase::Pending),
    }
}

fn end(row: &Row<'_>) -> rusqlite::Result<End> {
    let Fate { reason, is_failure } = row.get("end_reason")?;
    Ok(End {
        reason,
        is_failure,
        exit_code: row.get("exit_code")?,
        message: row.get("message")?,
        log: LogTotals {
            lines: row.get::<_, Count>("log_lines")?.0,
            bytes: row.get::<_, Count>("log_bytes")?.0,
            truncated: row.get("log_truncated")?,
        },
        usage: match (row.get("cpu_ms")?, row.get("peak_memory_bytes")?) {
            (Some(Count(cpu_ms)), Some(Count(peak_memory))) => Some(Usage { cpu_ms, peak_memory }),
            (Some(_), None) | (None, _) => None,
        },
    })
}

/// Finds the value that is spelled like the text of a column.
fn spelled<T: Copy>(
    value: ValueRef<'_>,
    all: &[T],
    as_str: fn(T) -> &'static str,
    what: &str,
) -> FromSqlResult<T> {
    let text = value.as_str()?;
    all.iter().copied().find(|&known| as_str(known) == text).ok_or_else(|| unknown(text, what))
}

fn unknown(text: impl Display, what: &str) -> FromSqlError {
    FromSqlError::Other(format!("{text:?} is not {what}", text = text.to_string()).into())
}

impl FromSql for Kind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Kind> {
        spelled(value, &[Kind::Task, Kind::Service], Kind::as_str, "a kind of job")
    }
}

impl FromSql for Trigger {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Trigger> {
        spelled(value, &Trigger::ALL, Trigger::as_str, "a trigger")
    }
}

impl FromSql for JobName {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<JobName> {
        Ok(JobName::new(value.as_str()?))
    }
}

impl ToSql for JobName {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.as_str().to_sql()
    }
}

impl FromSql for Ulid {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Ulid> {
        let text = value.as_str()?;
        text.parse().map_err(|_| unknown(text, "a run id"))
    }
}

impl ToSql for Ulid {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.to_string().into())
    }
}

impl FromSql for Time {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Time> {
        let text = value.as_str()?;
        text.parse().map(Time).map_err(|_| unknown(text, "a time"))
    }
}

impl ToSql for Time {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(rfc3339(self.0).into())
    }
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Json<T>> {
        let read = serde_json::from_str(value.as_str()?);
        read.map(Json).map_err(|error| FromSqlError::Other(error.into()))
    }
}

impl<T: Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let written = serde_json::to_string(&self.0);
        Ok(written.expect("our own types have text keys only").into())
    }
}

impl FromSql for Count {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Count> {
        let number = value.as_i64()?;
        u64::try_from(number).map(Count).map_err(|_| FromSqlError::OutOfRange(number))
    }
}

impl ToSql for Count {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0).unwrap_or(i64::MAX).into())
    }
}
