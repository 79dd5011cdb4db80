//! Short jobs end to end: a durable row with its end and a log file for each.

use std::fmt::Write;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::harness::{Home, process, rows, wait_until};
use crate::report::{line, quantile};

pub(crate) const AT_ONCE: u32 = 16;
const EACH: u32 = 600;
const ROUNDS: usize = 3;
pub(crate) const SCRIPT: &str = "echo x";

pub(crate) fn measure() {
    let (mut rates, mut bare_rates) = (Vec::new(), Vec::new());
    // None is removed before all are through: for half a minute after, ext4 without a journal passes
    // over each freed inode whenever it looks for a free one.
    let homes: [Home; ROUNDS] = std::array::from_fn(|_| Home::new(""));
    for home in &homes {
        bare_rates.push(bare(EACH / 2));
        let (rate, memory) = catch_up(home, EACH);
        println!("    one round: {rate:.0} a second, peak RSS {memory} KiB");
        rates.push(rate);
    }
    let (rate, bare_rate) = (quantile(&rates, 0.5), quantile(&bare_rates, 0.5));
    let ratio = rate / bare_rate;
    let text = format!("{rate:.0} a second, {ratio:.2} of {bare_rate:.0} bare (n={ROUNDS})");
    line("short jobs, 16 at once", &text, "0.60 of bare");
    every_second(500);
}

/// Sixteen tasks, each with a line of missed ticks to make up for, one after the other: runs a
/// second, and the daemon's peak RSS in KiB.
pub(crate) fn catch_up(home: &Home, each: u32) -> (f64, u64) {
    let missed = format!("catch_up = \"all\"\nmax_catch_up_runs = {each}\nmax_queued = 10000");
    home.write("runwisp.toml", config(AT_ONCE, &format!("{missed}\ncron = \"* * * * * *\"")));
    let daemon = home.start();
    wait_until("the tasks have ticked", Duration::from_secs(10), || {
        rows::value::<u32>(&home.data(), "SELECT count(*) FROM task_state") == AT_ONCE
    });
    daemon.stop_well();
    let db = Connection::open(home.data().join("runwisp.db")).unwrap();
    db.execute_batch(&format!(
        "DELETE FROM runs;
         UPDATE task_state SET last_tick_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-{each} seconds')"
    ))
    .unwrap();
    drop(db);
    let daemon = home.start();
    daemon.forget_peak();
    let begun = Instant::now();
    wait_until("the missed runs are over", Duration::from_secs(120), || {
        thread::sleep(Duration::from_millis(50));
        ended(home) >= AT_ONCE * each
    });
    let rate = f64::from(ended(home)) / begun.elapsed().as_secs_f64();
    let memory = process::kib(daemon.pid(), "VmHWM");
    daemon.stop_well();
    (rate, memory)
}

/// So many tasks tick every second: whether the daemon keeps up.
fn every_second(tasks: u32) {
    let home = Home::new(&config(tasks, "cron = \"* * * * * *\"\non_overlap = \"skip\""));
    let daemon = home.start();
    thread::sleep(Duration::from_secs(3));
    let (before, begun) = (ended(&home), Instant::now());
    thread::sleep(Duration::from_secs(10));
    let rate = f64::from(ended(&home) - before) / begun.elapsed().as_secs_f64();
    let sql = "SELECT count(*) FROM runs WHERE end_reason = 'skipped'";
    let skipped: u32 = rows::value(&home.data(), sql);
    daemon.stop_well();
    let text = format!("{rate:.0} a second, {skipped} skipped");
    line(&format!("short jobs, {tasks} tasks a second"), &text, "");
}

fn config(tasks: u32, schedule: &str) -> String {
    let mut text = String::from("[defaults]\nkeep_runs = 1000000\n");
    for number in 0..tasks {
        writeln!(text, "[tasks.task-{number}]\n{schedule}\nrun = '{SCRIPT}'").unwrap();
    }
    text
}

/// Runs with a log that ended well.
fn ended(home: &Home) -> u32 {
    let sql = "SELECT ifnull(sum(count), 0) FROM run_counts WHERE outcome = 'success'";
    rows::value(&home.data(), sql)
}

/// Spawns and waits, without anything else.
pub(crate) fn bare(each: u32) -> f64 {
    let spawn = || {
        let mut command = Command::new("/bin/sh");
        command.args(["-e", "-c", SCRIPT]).stdin(Stdio::null()).stdout(Stdio::null());
        assert!(command.status().unwrap().success());
    };
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| (0..each).for_each(|_| spawn()));
        }
    });
    f64::from(AT_ONCE * each) / begun.elapsed().as_secs_f64()
}
