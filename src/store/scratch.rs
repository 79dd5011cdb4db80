//! A directory for one test, removed at its end, and runs to put into a database there.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use crate::base::ulid::Ulids;
use crate::model::job::{JobName, Kind};
use crate::model::run::{End, EndReason, Fate, LogTotals, Phase, Run, Trigger, Usage};
use crate::store::calendar::Calendar;
use crate::store::{FILE_NAME, Store};

pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("runwisp-store-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.0.join(FILE_NAME)
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.db(), "boot-1".to_owned(), utc()).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A calendar in which every task lives in UTC.
pub(crate) fn utc() -> Calendar {
    Calendar::new(TimeZone::UTC, HashMap::new())
}

/// Noon of some day, and `seconds` later.
pub(crate) fn at(seconds: i64) -> Timestamp {
    "2026-05-07T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

/// A pending run of `job` that was created at `seconds`.
pub(crate) fn pending(job: &str, seconds: i64) -> Run {
    static SEED: AtomicU32 = AtomicU32::new(1);
    let seed = SEED.fetch_add(1, Ordering::Relaxed);
    Run {
        id: Ulids::new(u64::from(seed)).next(at(seconds)),
        job: JobName::new(job),
        kind: Kind::Task,
        trigger: Trigger::Cron,
        created_at: at(seconds),
        phase: Phase::Pending,
        retry_attempt: 0,
        retry_of: None,
        replica: 0,
        params: [].into(),
        config: 0,
    }
}

/// A run that was over one second after it was created.
pub(crate) fn ended(job: &str, seconds: i64, reason: EndReason) -> Run {
    let log = LogTotals { lines: 3, bytes: 70, truncated: true };
    let usage = Some(Usage { cpu_ms: 1200, peak_memory: 9 << 20 });
    let end = End { log, usage, ..End::unjudged(reason, 7, Some("why".to_owned())) };
    let phase = Phase::Ended { since: Some(at(seconds)), at: at(seconds + 1), end };
    Run { phase, ..pending(job, seconds) }
}

/// The same, with an end that its job judged in its own way.
pub(crate) fn judged(job: &str, seconds: i64, fate: Fate) -> Run {
    let mut run = ended(job, seconds, fate.reason);
    let Phase::Ended { end, .. } = &mut run.phase else { unreachable!() };
    end.is_failure = fate.is_failure;
    run
}

/// How SQLite would answer.
pub(crate) fn plan(connection: &Connection, sql: &str) -> String {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = statement.raw_query().mapped(|row| row.get("detail"));
    let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
    steps.join("; ")
}
