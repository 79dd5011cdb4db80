//! A database as a daemon leaves it after years.

use std::path::Path;

use rusqlite::{Connection, params};

/// Adds ended runs of the tasks `task-0`, `task-1`, …, a minute apart, the newest an hour ago.
pub(crate) fn fill(data: &Path, tasks: u32, runs: u32) {
    let db = Connection::open(data.join("runwisp.db")).unwrap();
    db.pragma_update(None, "synchronous", "OFF").unwrap();
    db.execute(
        "WITH RECURSIVE number(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < ?1)
         INSERT INTO runs (id, task_name, kind, status, end_reason, exit_code, triggered_by,
             created_at, start_at, end_at, retry_attempt, replica_index)
         SELECT printf('%026d', n), 'task-' || (n % ?2), 'task', 'ended', 'success', 0, 'cron',
             at, at, at, 0, 0
         FROM (SELECT n, strftime('%Y-%m-%dT%H:%M:%fZ', ?3 + 60 * n, 'unixepoch') AS at FROM number)",
        params![runs, tasks, jiff::Timestamp::now().as_second() - 60 * (60 + i64::from(runs))],
    )
    .unwrap();
    // The first release had no such column.
    let version: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    if version > 1 {
        db.execute(
            "UPDATE runs SET duration_ms = 0 WHERE duration_ms IS NULL AND status = 'ended'",
            [],
        )
        .unwrap();
    }
}
