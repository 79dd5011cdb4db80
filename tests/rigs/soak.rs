//! A hundred runs a second for as long as one likes: what the daemon holds at the end is what it
//! held when retention had found its balance.

use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};

use crate::harness::daemon::PATIENCE;
use crate::harness::{Daemon, Home, process, rows, wait_until};

const TASKS: usize = 100;
/// Runs of a task that are kept.
const KEPT: usize = 20;
/// Retention comes back to a task when it has collected so many more (docs/logs.md, Retention),
/// which each of them has after so many seconds.
const BALANCE: usize = KEPT + 100;

/// Runs since the beginning, kept or not.
const STARTED: &str = "SELECT ifnull(sum(count), 0) FROM daily_outcomes";

#[derive(Debug)]
struct Held {
    started: i64,
    rows: i64,
    rss: u64,
    threads: usize,
    descriptors: usize,
    database: u64,
    files: usize,
}

impl Held {
    fn of(home: &Home, daemon: &Daemon<'_>) -> Held {
        let size = |name| fs::metadata(home.data().join(name)).map_or(0, |file| file.len());
        let files = |task| fs::read_dir(home.logs(&format!("t{task}"))).map_or(0, Iterator::count);
        Held {
            started: rows::value(&home.data(), STARTED),
            rows: rows::value(&home.data(), "SELECT count(*) FROM runs"),
            // Its own; pages of the program come back from where they were let go after the start.
            rss: process::kib(daemon.pid(), "RssAnon"),
            threads: process::count(daemon.pid(), "task"),
            descriptors: process::count(daemon.pid(), "fd"),
            database: (size("runwisp.db") + size("runwisp.db-wal")) / 1024,
            files: (0..TASKS).map(files).sum(),
        }
    }
}

/// RUNWISP_RIG_MINUTES=20 is the long form. The short one is over before retention begins, so it
/// looks at what no retention would give back. It begins when SQLite has moved its write-ahead log
/// for the first time, a thousand pages (<https://sqlite.org/wal.html>) or about 600 runs: until
/// then its caches fill.
#[test]
fn a_hundred_runs_a_second_leave_nothing_that_grows() {
    let minutes =
        std::env::var("RUNWISP_RIG_MINUTES").ok().map(|text| text.parse::<u64>().unwrap());
    let (length, balance) = match minutes {
        Some(minutes) => (minutes * 60, 2 * BALANCE as u64),
        None => (16, 8),
    };
    let mut config = format!("[defaults]\nkeep_runs = {KEPT}\n");
    for task in 0..TASKS {
        writeln!(config, "[tasks.t{task}]\ncron = \"* * * * * *\"\non_overlap = \"skip\"").unwrap();
        writeln!(config, "run = 'echo {task}; exit {}'", task % 3).unwrap();
    }
    let home = Home::new(&config);
    let daemon = home.start();
    let begun = Instant::now();
    let reach = |second: u64| {
        let patience = Duration::from_secs(second) + PATIENCE;
        wait_until("time passes", patience, || begun.elapsed() >= Duration::from_secs(second));
        // A machine with other work has its ticks late.
        let due = (second - 1) as i64 * TASKS as i64;
        let started = || rows::value::<i64>(&home.data(), STARTED);
        wait_until("runs are started", patience, || started() >= due);
    };
    reach(balance);
    let first = Held::of(&home, &daemon);
    eprintln!("after {balance} s: {first:?}");
    let mut second = balance;
    while second < length {
        second = (second + 60).min(length);
        reach(second);
        eprintln!("after {second} s: {:?}", Held::of(&home, &daemon));
    }
    let last = Held::of(&home, &daemon);
    let seconds = (length - balance) as i64;
    assert!(last.started - first.started > 5 * seconds, "it was busy: {last:?}");
    assert!(last.threads < first.threads + 40 && last.descriptors < first.descriptors + 200);
    // In the short form the allocator still finds out how many threads it has to serve.
    let growth = if minutes.is_some() { 1024 } else { 4096 };
    assert!(last.rss < first.rss + growth, "{first:?} {last:?}");
    if minutes.is_some() {
        assert!(last.database <= first.database * 5 / 4, "{first:?} {last:?}");
        assert!(last.rows <= (TASKS * (BALANCE + 30)) as i64, "{last:?}");
        assert!(last.files <= 2 * TASKS * (BALANCE + 30), "{last:?}");
    }
    daemon.stop_well();
    let wrong = "SELECT count(*) FROM runs WHERE status <> 'ended' OR end_reason = 'failed'
                 AND exit_code <> substr(task_name, 2) % 3 OR end_reason = 'success' AND exit_code <> 0";
    assert_eq!(rows::value::<i64>(&home.data(), wrong), 0);
    let doubled = "SELECT count(*) FROM (SELECT 1 FROM runs WHERE end_reason <> 'skipped'
                   GROUP BY task_name, substr(created_at, 1, 19) HAVING count(*) > 2)";
    assert_eq!(rows::value::<i64>(&home.data(), doubled), 0);
    assert_eq!(rows::value::<String>(&home.data(), "PRAGMA integrity_check"), "ok");
    assert_eq!(process::in_directory(home.dir()), [0; 0]);
}
