//! A change as SQL: the only statements that alter rows. A run only ever moves forward:
//! each update names the status it expects, so a repeated or late change hits no row.

use jiff::Timestamp;
use rusqlite::{Connection, Result, named_params};

use crate::model::change::{Anchor, Change, Tidy};
use crate::model::run::{Phase, Run, RunId};
use crate::store::calendar::Calendar;
use crate::store::row::{Count, Time, params_text};
use crate::store::{alerts, configurations, daily, decisions, notices, snapshots, trash};

/// Whether a change found what it speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applied {
    Done,
    /// The run is gone, or in another state than the change expects.
    NoRow,
}

/// What a change does not say itself.
#[derive(Clone, Debug)]
pub(super) struct Circumstances {
    /// The kernel's.
    pub(super) boot_id: String,
    pub(super) calendar: Calendar,
}

/// Carries out one change inside the caller's transaction.
pub(super) fn apply(
    connection: &Connection,
    circumstances: &Circumstances,
    change: &Change,
) -> Result<Applied> {
    let Circumstances { boot_id, calendar } = circumstances;
    match change {
        Change::Insert(run) => {
            let inserted = insert(connection, run)?;
            if let Phase::Ended { end, .. } = &run.phase {
                let date = calendar.date(&run.job, run.created_at);
                daily::count(connection, &run.job, date, end.fate())?;
            }
            Ok(inserted)
        }
        Change::Start { run, at, config } => {
            hit(connection.prepare_cached(START)?.execute(named_params! {
                ":id": run,
                ":start_at": Time(*at),
                ":config": config,
            })?)
        }
        Change::Identify { run, leader } => {
            hit(connection.prepare_cached(IDENTIFY)?.execute(named_params! {
                ":id": run,
                ":pid": leader.pid,
                ":start": Count(leader.start),
                ":boot_id": boot_id,
            })?)
        }
        Change::End { run, job, created_at, since, at, end } => {
            let ended = connection.prepare_cached(END)?.execute(named_params! {
                ":id": run,
                ":start_at": since.map(Time),
                ":end_at": Time(*at),
                ":end_reason": end.fate().word(),
                ":exit_code": end.exit_code,
                ":message": end.message,
                ":log_lines": Count(end.log.lines),
                ":log_bytes": Count(end.log.bytes),
                ":log_truncated": end.log.truncated,
                ":duration_ms": since.map(|since| millis(since, *at)),
                ":cpu_ms": end.usage.map(|usage| Count(usage.cpu_ms)),
                ":peak_memory_bytes": end.usage.map(|usage| Count(usage.peak_memory)),
            })?;
            if ended > 0 {
                daily::count(connection, job, calendar.date(job, *created_at), end.fate())?;
            }
            hit(ended)
        }
        Change::Decide(decision) => decisions::put(connection, decision),
        Change::ForgetDecisions { before } => decisions::forget(connection, *before),
        Change::Configure(configuration) => configurations::put(connection, configuration),
        Change::Raise(alert) => alerts::raise(connection, alert),
        Change::Tell(tell) => alerts::tell(connection, tell),
        Change::Snapshot { run, text } => snapshots::put(connection, *run, text),
        Change::Anchor(anchor) => set_anchor(connection, anchor),
        Change::Pause { job, since } => hit(connection
            .prepare_cached(PAUSE)?
            .execute(named_params! { ":task_name": job, ":paused_at": since.map(Time) })?),
        Change::Forget(job) => {
            connection
                .prepare_cached("DELETE FROM task_state WHERE task_name = ?1")?
                .execute([job])?;
            Ok(Applied::Done)
        }
        Change::Delete(runs) => delete(connection, runs),
        Change::Tidy(change) => tidy(connection, change),
        Change::Set { key, value } => {
            connection
                .prepare_cached(SET)?
                .execute(named_params! { ":key": key, ":value": value })?;
            Ok(Applied::Done)
        }
    }
}

/// Names a change in the log without telling values of it, which may be secrets.
pub(super) fn subject(change: &Change) -> String {
    match change {
        Change::Insert(run) => format!("insert:{}", run.id),
        Change::Start { run, .. } => format!("start:{run}"),
        Change::Identify { run, .. } => format!("identify:{run}"),
        Change::End { run, .. } => format!("end:{run}"),
        Change::Decide(decision) => format!("decide:{}", decision.what.as_str()),
        Change::ForgetDecisions { .. } => "forget_decisions".to_owned(),
        Change::Configure(configuration) => format!("configure:{}", configuration.number),
        Change::Raise(alert) => format!("raise:{}", alert.kind.as_str()),
        Change::Tell(tell) => alerts::subject(tell),
        Change::Snapshot { run, .. } => format!("snapshot:{run}"),
        Change::Anchor(anchor) => format!("anchor:{}", anchor.job),
        Change::Pause { job, .. } => format!("pause:{job}"),
        Change::Forget(job) => format!("forget:{job}"),
        Change::Delete(runs) => format!("delete:{}", runs.len()),
        Change::Tidy(Tidy::Trash { runs, .. }) => format!("trash:{}", runs.len()),
        Change::Tidy(Tidy::Restore { runs, .. }) => format!("restore:{}", runs.len()),
        Change::Tidy(Tidy::Purge(runs)) => format!("purge:{}", runs.len()),
        Change::Tidy(Tidy::Mark { notification, .. }) => format!("mark:{notification}"),
        Change::Tidy(Tidy::MarkAll { .. }) => "mark_all".to_owned(),
        Change::Set { key, .. } => format!("set:{key}"),
    }
}

const INSERT: &str = "INSERT INTO runs (id, task_name, kind, status, end_reason, exit_code, triggered_by, \
     created_at, start_at, end_at, retry_attempt, retry_of_run_id, replica_index, message, log_lines, log_bytes, \
     log_truncated, duration_ms, params, config, cpu_ms, peak_memory_bytes) VALUES (:id, :task_name, :kind, :status, :end_reason, :exit_code, :triggered_by, :created_at, \
     :start_at, :end_at, :retry_attempt, :retry_of_run_id, :replica_index, :message, :log_lines, :log_bytes, \
     :log_truncated, :duration_ms, :params, :config, :cpu_ms, :peak_memory_bytes)";

const START: &str = "UPDATE runs SET status = 'running', start_at = :start_at, config = :config WHERE id = :id AND status = 'pending'";

const IDENTIFY: &str = "UPDATE runs SET leader_pid = :pid, leader_start = :start, boot_id = :boot_id \
     WHERE id = :id AND status = 'running'";

const END: &str = "UPDATE runs SET status = 'ended', start_at = :start_at, end_at = :end_at, \
     end_reason = :end_reason, exit_code = :exit_code, message = :message, log_lines = :log_lines, \
     log_bytes = :log_bytes, log_truncated = :log_truncated, duration_ms = :duration_ms, \
     cpu_ms = :cpu_ms, peak_memory_bytes = :peak_memory_bytes, leader_pid = NULL, leader_start = NULL, \
     boot_id = NULL WHERE id = :id AND status <> 'ended'";

const ANCHOR: &str = "INSERT INTO task_state (task_name, first_seen_at, last_tick_at, schedule, updated_at) \
     VALUES (:task_name, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), :last_tick_at, :schedule, \
     strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) \
     ON CONFLICT DO UPDATE SET last_tick_at = excluded.last_tick_at, schedule = excluded.schedule, \
     updated_at = excluded.updated_at";

/// Whoever has a schedule has a row: the boot has written its anchor.
const PAUSE: &str = "UPDATE task_state SET paused_at = :paused_at, \
     updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE task_name = :task_name";

const SET: &str = "INSERT INTO config_entries (key, value, updated_at) \
     VALUES (:key, :value, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) \
     ON CONFLICT DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at";

fn insert(connection: &Connection, run: &Run) -> Result<Applied> {
    let (since, ended) = match &run.phase {
        Phase::Pending => (None, None),
        Phase::Running { since } => (Some(*since), None),
        Phase::Ended { since, at, end } => (*since, Some((*at, end))),
    };
    let log = ended.map(|(_, end)| end.log).unwrap_or_default();
    let usage = ended.and_then(|(_, end)| end.usage);
    hit(connection.prepare_cached(INSERT)?.execute(named_params! {
        ":id": run.id,
        ":task_name": run.job,
        ":kind": run.kind.as_str(),
        ":status": run.phase.as_str(),
        ":end_reason": ended.map(|(_, end)| end.fate().word()),
        ":exit_code": ended.map(|(_, end)| end.exit_code),
        ":triggered_by": run.trigger.as_str(),
        ":created_at": Time(run.created_at),
        ":start_at": since.map(Time),
        ":end_at": ended.map(|(at, _)| Time(at)),
        ":retry_attempt": run.retry_attempt,
        ":retry_of_run_id": run.retry_of,
        ":replica_index": run.replica,
        ":message": ended.and_then(|(_, end)| end.message.as_deref()),
        ":log_lines": Count(log.lines),
        ":log_bytes": Count(log.bytes),
        ":log_truncated": log.truncated,
        ":duration_ms": since.zip(ended).map(|(since, (at, _))| millis(since, at)),
        ":params": params_text(&run.params),
        ":config": run.config,
        ":cpu_ms": usage.map(|usage| Count(usage.cpu_ms)),
        ":peak_memory_bytes": usage.map(|usage| Count(usage.peak_memory)),
    })?)
}

/// Between two instants as they are stored; less than nothing when the clock was set back.
fn millis(since: Timestamp, at: Timestamp) -> i64 {
    at.as_millisecond() - since.as_millisecond()
}

fn set_anchor(connection: &Connection, anchor: &Anchor) -> Result<Applied> {
    hit(connection.prepare_cached(ANCHOR)?.execute(named_params! {
        ":task_name": anchor.job,
        ":last_tick_at": Time(anchor.at),
        ":schedule": anchor.schedule,
    })?)
}

fn tidy(connection: &Connection, change: &Tidy) -> Result<Applied> {
    match change {
        Tidy::Trash { runs, at } => trash::put(connection, runs, *at),
        Tidy::Restore { runs, since } => trash::restore(connection, runs, *since),
        Tidy::Purge(runs) => trash::purge(connection, runs),
        Tidy::Mark { notification, read_at } => notices::mark(connection, *notification, *read_at),
        Tidy::MarkAll { read_at } => notices::mark_all(connection, *read_at),
    }
}

/// A row that is already gone is what was wanted; one that is not over stays.
fn delete(connection: &Connection, runs: &[RunId]) -> Result<Applied> {
    let mut statement =
        connection.prepare_cached("DELETE FROM runs WHERE id = ?1 AND status = 'ended'")?;
    for run in runs {
        if statement.execute([run])? > 0 {
            snapshots::drop(connection, *run)?;
        }
    }
    Ok(Applied::Done)
}

pub(super) fn hit(rows: usize) -> Result<Applied> {
    Ok(if rows == 0 { Applied::NoRow } else { Applied::Done })
}
