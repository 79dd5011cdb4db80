//! A gigabyte of output in lines of 100 bytes.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::{Home, process, wait_until};
use crate::job::script;
use crate::report::{line, quantile};

const MEGABYTES: u32 = 1000;
const ROUNDS: usize = 5;

pub(crate) fn measure() {
    for (name, limit, secrets) in [
        ("rotating at 100 MB", "100MB", 0),
        ("without a limit", "0", 0),
        ("without a limit, with 20 secrets", "0", 20),
    ] {
        let (mut ours, mut bare, mut peak) = (Vec::new(), Vec::new(), 0);
        for _ in 0..ROUNDS {
            bare.push(cat(MEGABYTES));
            let (rate, memory) = captured(limit, secrets);
            ours.push(rate);
            peak = peak.max(memory);
        }
        let (rate, cat) = (quantile(&ours, 0.5), quantile(&bare, 0.5));
        let text = format!("{rate:.0} MB/s, {:.2} of {cat:.0} by cat, peak {peak} KiB", rate / cat);
        line(&format!("capture, {name}"), &text, "0.80");
    }
}

/// MB/s from the start of the process to its end as the row has them, and the daemon's peak RSS.
fn captured(limit: &str, secrets: usize) -> (f64, u64) {
    // None of them is in the output: what is found costs what it costs.
    let secret = |n| format!("S{n} = '{}-{n}-of-many-secrets'\n", n * 7919);
    let secrets: String = (0..secrets).map(secret).collect();
    let home = Home::new("");
    home.write(
        "runwisp.toml",
        format!(
            "[tasks.lines]\nrun_on_start = true\nlog_max_size = \"{limit}\"\nrun = '{}'\n
             [tasks.lines.secrets]\n{secrets}",
            script(&format!("lines {MEGABYTES}"))
        ),
    );
    let daemon = home.start();
    daemon.forget_peak();
    wait_until("the run is over", Duration::from_secs(120), || home.ended("lines").is_some());
    let row = home.ended("lines").unwrap();
    assert_eq!(row.log_bytes, i64::from(MEGABYTES) * 1_000_000, "{row:?}");
    let peak = process::kib(daemon.pid(), "VmHWM");
    daemon.stop_well();
    let took = row.end_at.unwrap().duration_since(row.start_at.unwrap()).as_secs_f64();
    (f64::from(MEGABYTES) / took, peak)
}

/// MB/s of `prog | cat > file`.
pub(crate) fn cat(megabytes: u32) -> f64 {
    let home = Home::new("");
    let script = script(&format!("lines {megabytes}"));
    let pipe = format!("sh -e -c '{script}' | cat > file");
    let begun = Instant::now();
    let status = Command::new("/bin/sh").args(["-c", &pipe]).current_dir(home.dir()).status();
    assert!(status.unwrap().success());
    f64::from(megabytes) / begun.elapsed().as_secs_f64()
}
