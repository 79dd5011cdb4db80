//! A reload of a thousand tasks of which one has changed, with a hundred triggers a second beside
//! it; and whether a tick was lost or doubled meanwhile.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::harness::Home;
use crate::report::{line, setting, spread};

const TASKS: usize = 1000;
/// Tasks that tick every second.
const CLOCKS: usize = 5;
const TRIGGERS: Duration = Duration::from_millis(10);

pub(crate) fn measure() {
    let home = Home::new(&config(0));
    let daemon = home.start();
    let session = daemon.login();
    let (stop, made) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut times = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let session = daemon.login();
            let begun = Instant::now();
            while !stop.load(Ordering::Relaxed) {
                let number = made.fetch_add(1, Ordering::Relaxed) as u32 + 1;
                assert_eq!(session.post("/api/tasks/by-hand/run", "").status, 201);
                std::thread::sleep((TRIGGERS * number).saturating_sub(begun.elapsed()));
            }
        });
        for round in 1..=setting("RELOADS", 50) {
            home.write("runwisp.toml", config(round));
            let begun = Instant::now();
            let answer = session.post("/api/reload", "");
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            assert_eq!(answer.json()["changed"].as_array().map(Vec::len), Some(1), "{answer:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
        stop.store(true, Ordering::Relaxed);
    });
    line("reload of 1,000 tasks, one changed", &spread(&times), "50 ms");
    daemon.stop_well();
    let (mut lost, mut doubled, mut ticks) = (0, 0, 0);
    for clock in 0..CLOCKS {
        let mut seconds: BTreeMap<i64, u32> = BTreeMap::new();
        for row in home.rows(&format!("clock-{clock}")) {
            *seconds.entry(row.created_at.as_second()).or_default() += 1;
        }
        let (first, last) = (*seconds.keys().next().unwrap(), *seconds.keys().last().unwrap());
        lost += last - first + 1 - seconds.len() as i64;
        doubled += seconds.values().filter(|count| **count > 1).count();
        ticks += seconds.len();
    }
    let runs = home.rows("by-hand").len() as u64;
    let text = format!(
        "{ticks} ticks, {lost} lost, {doubled} doubled; {runs} of {} triggers are rows",
        made.load(Ordering::Relaxed)
    );
    line("ticks and triggers beside the reloads", &text, "0 lost, 0 doubled");
}

fn config(round: u64) -> String {
    let mut text = String::from("[tasks.by-hand]\nparallelism = 64\nrun = 'true'\n");
    for clock in 0..CLOCKS {
        writeln!(
            text,
            "[tasks.clock-{clock}]\ncron = '* * * * * *'\nparallelism = 64\nrun = 'true'"
        )
        .unwrap();
    }
    for task in 0..TASKS {
        let version = if task == 500 { round } else { 0 };
        let (minute, hour) = (task % 60, task % 24);
        writeln!(
            text,
            "[tasks.task-{task}]\ncron = '{minute} {hour} * * *'\ntimezone = 'Europe/Prague'\nrun = 'echo {version}'"
        )
        .unwrap();
    }
    text
}
