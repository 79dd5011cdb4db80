//! Jobs that end at once.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::alive::within;
use super::rival::{Jobs, Output, When};
use super::{Bench, Rival, Trial, guarded, pick, shell, trial};
use crate::harness::Home;
use crate::short::{AT_ONCE, SCRIPT, bare, catch_up};

pub(crate) const HOW: &str = "Short jobs: `echo x`, output kept, 16 at once. runwisp: missed ticks \
    to catch up with, two durable rows' worth of commits and a log file for each run. The others: 16 \
    services that end at once and are started again, counted by the lines they left in 10 s; none \
    of them keeps a record of each run but journald. bare: 16 threads that spawn and wait; and \
    commits of one row a second to SQLite with synchronous=FULL.";

const ROW: &str = "Short jobs a second";

pub(crate) fn measure(bench: &mut Bench) {
    for rival in &bench.rivals {
        let cell = guarded(|| match rival.name() {
            "runwisp" => Ok(format!("{:.0}", catch_up(&Home::new(""), pick(600, 40)).0)),
            _ => loops(&**rival),
        });
        bench.table.put(ROW, rival.name(), cell);
    }
    bench.bare(ROW, || format!("{:.0}; {:.0} commits", bare(pick(300, 30)), commits()));
}

fn loops(rival: &dyn Rival) -> Result<String, String> {
    let jobs = |_: &Home| Jobs {
        count: AT_ONCE as usize,
        program: shell(),
        argument: SCRIPT.to_owned(),
        when: When::Kept,
        output: Output::Kept,
    };
    trial(rival, &jobs, &mut |trial: &Trial<'_>| {
        let count = || trial.rival.kept_x(trial.home);
        let first = || (count() >= u64::from(AT_ONCE)).then_some(());
        within(Duration::from_secs(30), "each job has printed", first)?;
        thread::sleep(Duration::from_secs(pick(3, 1)));
        let (begun, before) = (Instant::now(), count());
        thread::sleep(Duration::from_secs(pick(10, 2)));
        let took = begun.elapsed().as_secs_f64();
        Ok(format!("{:.0}", (count() - before) as f64 / took))
    })
}

/// Rows a second, each in a transaction of its own.
fn commits() -> f64 {
    let home = Home::new("");
    let db = Connection::open(home.path("bare.db")).unwrap();
    db.pragma_update(None, "journal_mode", "WAL").unwrap();
    db.pragma_update(None, "synchronous", "FULL").unwrap();
    db.execute_batch("CREATE TABLE runs (id INTEGER PRIMARY KEY, name TEXT, at TEXT)").unwrap();
    let mut insert = db
        .prepare("INSERT INTO runs (name, at) VALUES ('job', '2026-01-01T00:00:00.000Z')")
        .unwrap();
    let begun = Instant::now();
    let mut count = 0.0;
    while begun.elapsed() < Duration::from_secs(pick(3, 1)) {
        insert.execute([]).unwrap();
        count += 1.0;
    }
    count / begun.elapsed().as_secs_f64()
}
