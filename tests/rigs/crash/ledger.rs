//! What rows may become of what they were, and what they may say: a run only moves forward, an end
//! stays, and nobody lives beside more of its kind than its job allows.

use std::collections::{HashMap, HashSet};

use super::jobs::{JOBS, Job, named};
use crate::harness::rows::Row;

/// Whether anybody sets the clock: then nothing that was measured is in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Clock {
    Steady,
    Set,
}

/// All rows ever seen, as they were last seen.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    known: HashMap<String, Row>,
    /// Also those that retention has removed since.
    ids: HashSet<String>,
}

impl Ledger {
    /// Compares with what was seen before, and looks at each row by itself.
    pub(super) fn check(&mut self, rows: &[Row], clock: Clock) -> Vec<String> {
        let mut faults = Vec::new();
        let present: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let gone = self.known.values().filter(|row| !present.contains(row.id.as_str()));
        for row in gone {
            // Within one life a run may end and become one too many for retention.
            if named(&row.task).keep.is_none() {
                faults.push(format!("a row is gone: {row:?}"));
            }
        }
        for row in rows {
            if let Some(before) = self.known.get(&row.id) {
                faults.extend(
                    moved_wrongly(before, row).map(|why| format!("{why}: {before:?} → {row:?}")),
                );
            }
            if row.reason() == "crashed" && self.known.get(&row.id).is_none_or(is_waiting) {
                // Each end of a daemon was looked at, and it did not run then.
                faults.push(format!("crashed, but when? {row:?}"));
            }
            faults.extend(lie(row, clock).map(|why| format!("{why}: {row:?}")));
        }
        faults.extend(JOBS.iter().flat_map(|job| crowd(job, rows, clock)));
        faults.extend(double_successors(rows));
        self.known
            .retain(|_, row| named(&row.task).keep.is_none() || present.contains(row.id.as_str()));
        self.ids.extend(rows.iter().map(|row| row.id.clone()));
        self.known.extend(rows.iter().map(|row| (row.id.clone(), row.clone())));
        faults
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.known.contains_key(id)
    }

    /// Whether a run was ever seen.
    pub(super) fn ever_knew(&self, id: &str) -> bool {
        self.ids.contains(id)
    }
}

fn is_waiting(row: &Row) -> bool {
    row.status == "pending"
}

fn rank(row: &Row) -> usize {
    ["pending", "running", "ended"].iter().position(|status| *status == row.status).unwrap()
}

fn moved_wrongly(before: &Row, now: &Row) -> Option<&'static str> {
    let identity = |row: &Row| {
        (
            row.task.clone(),
            row.created_at,
            row.triggered_by.clone(),
            row.retry_of.clone(),
            row.replica,
        )
    };
    let end = |row: &Row| {
        (row.end(), row.start_at, row.end_at, row.message.clone(), row.log_lines, row.log_bytes)
    };
    if identity(before) != identity(now) {
        return Some("another run under the same id");
    }
    if rank(now) < rank(before) {
        return Some("went back");
    }
    if before.is_ended() && end(before) != end(now) {
        return Some("an end has changed");
    }
    (before.start_at.is_some() && before.start_at != now.start_at).then_some("started twice")
}

/// What no row may say of itself.
fn lie(row: &Row, clock: Clock) -> Option<&'static str> {
    if row.is_ended() != row.end_at.is_some() || row.is_ended() != row.exit_code.is_some() {
        return Some("half an end");
    }
    let fits = match (row.status.as_str(), row.reason(), row.exit_code, row.start_at) {
        ("pending", "", None, None) | ("running", "", None, Some(_)) => true,
        ("ended", "success", Some(0), Some(_)) => true,
        ("ended", "crashed", Some(-2), Some(_)) => true,
        ("ended", "skipped" | "queue_full" | "missed", Some(-1), None) => true,
        // Nobody but the daemon sends signals, and then it knows.
        ("ended", "failed", Some(code), Some(_)) => (1..128).contains(&code),
        // Only who is neither queued nor refused has no place after a restart.
        ("ended", "failed", Some(-1), None) => row.task == "replaced" && row.message.is_some(),
        ("ended", "stopped", Some(-1), None) => true,
        ("ended", "stopped" | "timeout" | "log_overflow", Some(_), Some(_)) => true,
        _ => false,
    };
    if !fits {
        return Some("reason, code and start do not fit");
    }
    let is_ordered = row.start_at.is_none_or(|at| at >= row.created_at)
        && row.end_at.is_none_or(|at| at >= row.start_at.unwrap_or(row.created_at));
    (clock == Clock::Steady && !is_ordered).then_some("the times are not in order")
}

fn crowd(job: &Job, rows: &[Row], clock: Clock) -> Vec<String> {
    let mut faults = Vec::new();
    let own = || rows.iter().filter(|row| row.task == job.name);
    let live: Vec<&Row> = own().filter(|row| row.status == "running").collect();
    if live.len() > job.live {
        faults.push(format!("{} live runs of {}: {live:?}", live.len(), job.name));
    }
    if matches!(job.name, "flapping" | "steady") {
        let places: HashSet<i64> = live.iter().map(|row| row.replica).collect();
        if places.len() < live.len() {
            faults.push(format!("two in one place of {}: {live:?}", job.name));
        }
    }
    // Who came first goes first, over restarts too.
    let started: Vec<&Row> = own().filter(|row| row.start_at.is_some()).collect();
    if job.name == "queued"
        && clock == Clock::Steady
        && let Some(pair) = started.windows(2).find(|pair| pair[0].start_at > pair[1].start_at)
    {
        faults.push(format!("overtaken: {pair:?}"));
    }
    faults
}

/// A run is repeated once: two rows that follow the same one would be two retries of it.
fn double_successors(rows: &[Row]) -> Vec<String> {
    let mut seen: HashMap<&str, &Row> = HashMap::new();
    let mut faults = Vec::new();
    for row in rows {
        let Some(of) = row.retry_of.as_deref() else { continue };
        if let Some(other) = seen.insert(of, row) {
            faults.push(format!("two follow {of}: {other:?} and {row:?}"));
        }
    }
    faults
}
