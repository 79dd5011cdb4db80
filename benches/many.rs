//! A thousand runs at once.

use std::time::Duration;

use crate::harness::{Home, rows, wait_until};
use crate::idle::rss;
use crate::report::{line, ms};

const RUNS: u32 = 1000;

/// So many idle runs, as a configuration.
pub(crate) fn sleepers() -> String {
    let service =
        |number| format!("[services.sleepers-{number}]\ninstances = 50\nrun = 'exec sleep 3600'\n");
    (0..RUNS / 50).map(service).collect()
}

pub(crate) fn measure() {
    let home = Home::new(&sleepers());
    let daemon = home.start();
    wait_for_sleepers(&home);
    let memory = rss(daemon.pid());
    let text = format!("{} kB, {} bytes a run", memory / 1000, memory / u64::from(RUNS));
    line("1,000 runs at once: RSS", &text, "60000 kB");
    let (status, took) = daemon.stop();
    assert!(status.success());
    let ended = "SELECT count(*) FROM runs WHERE end_reason = 'stopped'";
    let text = format!("{:.0} ms, {} ended", ms(took), rows::value::<u32>(&home.data(), ended));
    line("    and all of them stopped", &text, "3000 ms");
}

pub(crate) fn wait_for_sleepers(home: &Home) {
    wait_until("all runs have their process", Duration::from_secs(60), || {
        let sql = "SELECT count(*) FROM runs WHERE task_name LIKE 'sleepers-%' AND leader_pid > 0";
        rows::value::<u32>(&home.data(), sql) == RUNS
    });
}
