//! What people ask of a history of years: lists, counts and pictures over HTTP.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use crate::caller::Caller;
use crate::harness::{Home, history, process};
use crate::idle::rss;
use crate::report::{line, setting, spread};

const TASKS: u32 = 50;

/// What else there is beside good runs of no time by the clock. `SPACING` stands for the seconds
/// from one run to the next.
const MIX: &str = "
    CREATE TEMP TABLE numbered AS SELECT id, row_number() OVER (ORDER BY id DESC) AS n FROM runs;
    UPDATE runs SET created_at = at, start_at = iif(n % 211 = 0, NULL, at),
        end_at = strftime('%Y-%m-%dT%H:%M:%fZ', at, '+' || (n * 7919 % 600) || ' seconds'),
        duration_ms = iif(n % 211 = 0, NULL, n * 7919 % 600 * 1000),
        end_reason = CASE WHEN n % 211 = 0 THEN 'skipped' WHEN n % 97 = 0 THEN 'timeout'
            WHEN n % 23 = 0 THEN 'failed' ELSE 'success' END,
        exit_code = CASE WHEN n % 211 = 0 THEN -2 WHEN n % 97 = 0 THEN -1
            WHEN n % 23 = 0 THEN n % 5 + 1 ELSE 0 END,
        triggered_by = iif(n % 31 = 0, 'api', 'cron'),
        retry_attempt = iif(n % 41 = 0, 1, 0)
    FROM (SELECT id AS of, n,
        strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-' || (SPACING * n) || ' seconds') AS at FROM numbered)
    WHERE id = of;
    DELETE FROM daily_outcomes;
    INSERT INTO daily_outcomes SELECT task_name, substr(created_at, 1, 10), count(*),
        sum(end_reason IN ('failed', 'timeout')), max(end_reason) FROM runs GROUP BY 1, 2;
    WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 1000)
    INSERT INTO daemon_sessions (boot_id, version, started_at, last_seen_at, stopped_at)
        SELECT 'x', '0.1.0', at, at, iif(n % 2, at, NULL) FROM
        (SELECT n, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-' || (9000 - n) || ' hours') AS at
        FROM number);
";

pub(crate) fn measure() {
    // A million in three months; the default of every task keeps 10,000.
    let (runs, spacing) = (setting("RUNS", 1_000_000), setting("SPACING", 8));
    let home = filled(runs, spacing);
    let daemon = home.start();
    let mut caller = Caller::new(daemon.port, &daemon.login().token);
    daemon.forget_peak();
    let mut memory = format!("{}", rss(daemon.pid()) / 1000);
    let mut remember = || write!(memory, ", {}", rss(daemon.pid()) / 1000).unwrap();
    println!("    {runs} runs of {TASKS} tasks, one every {spacing} s");

    let mut lists: Vec<String> =
        ["/api/runs", "/api/runs?offset=1000", "/api/tasks/task-7/runs", "/api/runs?status=failed"]
            .map(str::to_owned)
            .into();
    lists.extend(["?is_failure=true", "?task_name=task-7&is_failure=true"].map(all));
    for field in ["created_at", "start_at", "task_name", "status", "exit_code", "duration"] {
        for direction in ["asc", "desc"] {
            lists.push(all(&format!("?sort_field={field}&sort_direction={direction}")));
        }
    }
    for path in lists {
        report(&mut caller, &path, 200, "p99 20 ms");
    }
    remember();

    let ago = |hours: u64| {
        (Timestamp::now() - SignedDuration::from_hours(hours.cast_signed())).strftime("%FT%H:%MZ")
    };
    let old = ago(runs * spacing / 7200);
    let deep = runs / 10 * 9;
    for query in [
        "?search=task-1",
        "?search=0001234",
        "?search=zzz",
        "?status=success",
        "?triggered_by=api",
        "?exit_code_min=2",
        "?exit_code_min=1&exit_code_max=3",
        "?retries_only=true",
        "?status=timeout&task_name=task-7",
        &format!("?offset={deep}"),
        &format!("?offset={deep}&sort_field=duration"),
        &format!("?offset={deep}&sort_field=task_name&sort_direction=asc"),
        &format!("?created_before={old}"),
        &format!("?created_after={old}&triggered_by=cron"),
        &format!("?created_after={old}&triggered_by=cron&search=task"),
    ] {
        report(&mut caller, &all(query), 20, "p99 800 ms");
    }
    remember();

    for path in [
        "/api/upcoming",
        "/api/upcoming?limit=5000",
        "/api/upcoming?bucket=900",
        "/api/timeline",
        "/api/timeline?merge=true",
        &format!("/api/timeline?from={}", ago(30 * 24)),
        "/api/outcomes",
        "/api/outcomes?last=100",
        "/api/tasks/task-7/days",
        "/api/daemon/history",
        "/api/runs/summary",
    ] {
        report(&mut caller, path, 50, "p99 50 ms");
    }
    remember();
    let peak = process::kib(daemon.pid(), "VmHWM");
    line("RSS at first and after each part", &format!("{memory} kB; peak {peak} KiB"), "flat");
    daemon.stop_well();
}

/// A home with so many runs in its database, one every `spacing` seconds.
pub(crate) fn filled(runs: u64, spacing: u64) -> Home {
    let home = Home::new(&config());
    home.start().stop_well();
    history::fill(&home.data(), TASKS, u32::try_from(runs).unwrap());
    let db = Connection::open(home.data().join("runwisp.db")).unwrap();
    db.pragma_update(None, "synchronous", "OFF").unwrap();
    db.execute_batch(&MIX.replace("SPACING", &spacing.to_string())).unwrap();
    drop(db);
    home
}

fn all(query: &str) -> String {
    format!("/api/runs{query}")
}

fn report(caller: &mut Caller, path: &str, times: usize, target: &str) {
    let times: Vec<f64> = (0..times).map(|_| caller.time(path)).collect();
    line(path.trim_start_matches("/api/"), &spread(&times), target);
}

/// Every task is due once an hour.
fn config() -> String {
    let mut text = String::from("[defaults]\nkeep_runs = 1000000\nkeep_for = \"unlimited\"\n");
    for number in 0..TASKS {
        writeln!(text, "[tasks.task-{number}]\ncron = \"{number} * * * *\"\nrun = \"true\"")
            .unwrap();
    }
    text
}
