//! From exec to the first good answer of `/health`.

use std::fmt::Write;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Daemon, Home, history, http};
use crate::report::{line, ms, spread};

const YEARS: u32 = 1_000_000;

pub(crate) fn measure() {
    let small = Home::new(&config(10));
    line("ready, 10 tasks, first start", &spread(&[ready(&small)]), "");
    line("ready, 10 tasks", &spread(&starts(&small, 20)), "median 30 ms");

    let large = Home::new(&config(10_000));
    ready(&large);
    history::fill(&large.data(), 10_000, YEARS);
    let figure = format!("ready, 10,000 tasks, {YEARS} runs");
    line(&figure, &spread(&starts(&large, 10)), "median 150 ms");
}

/// Tasks that are due at midnight only, with schedules as people have them.
pub(crate) fn config(tasks: usize) -> String {
    let mut text = String::from("[scheduler]\ntimezone = \"Europe/Vienna\"\n");
    text.push_str("[defaults]\nkeep_runs = 1000000\nkeep_for = \"unlimited\"\n");
    for number in 0..tasks {
        let schedule = format!("{} 3 1 1 *", number % 60);
        writeln!(text, "[tasks.task-{number}]\ncron = \"{schedule}\"\nrun = \"true\"").unwrap();
    }
    text
}

fn starts(home: &Home, count: usize) -> Vec<f64> {
    (0..count).map(|_| ready(home)).collect()
}

/// One start and stop; milliseconds until it was ready.
fn ready(home: &Home) -> f64 {
    let port = http::free_port();
    let begun = Instant::now();
    let daemon = Daemon::launch(home, port, |_| ());
    while !daemon.is_healthy() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", home.read("stderr"));
        thread::sleep(Duration::from_micros(200));
    }
    let took = ms(begun.elapsed());
    daemon.stop_well();
    took
}
