//! A great deal of output.

use std::thread;
use std::time::{Duration, Instant};

use super::alive::within;
use super::rival::{Jobs, Output, When};
use super::{Bench, Rival, Trial, pick, shell, trial};
use crate::harness::{Home, process};
use crate::job::{script, stamps};
use crate::report::quantile;

pub(crate) const HOW: &str = "Capture: 1 GB (PM2, svlogd: 300 MB; journald: 100 MB) of lines of 100 bytes from one \
    process, first byte until the rival has neither used processor time nor written for half a \
    second; processor time of the rival's own processes; VmHWM of them. Rotation by default: \
    runwisp 100 MB, supervisord 50 MB and 10 old files, svlogd 1 MB and 10 old files, PM2 never; \
    journald without its rate limit, which would drop nearly all of it. Only runwisp and journald \
    know where each line begins. bare: `| cat > file`.";

pub(crate) fn measure(bench: &mut Bench) {
    for (name, output) in
        [("rotation by default", Output::Kept), ("no rotation", Output::KeptWhole)]
    {
        let rows = ["MB/s", "processor s per GB", "peak RSS, MB"]
            .map(|unit| format!("Capture, {name}: {unit}"));
        for rival in &bench.rivals {
            let mut rounds = Vec::new();
            let begun = Instant::now();
            let result = loop {
                match round(&**rival, output) {
                    Ok(round) => rounds.push(round),
                    Err(reason) => break Err(reason),
                }
                if rounds.len() == pick(3, 1) || begun.elapsed() > Duration::from_secs(8) {
                    break Ok(());
                }
            };
            for (number, row) in rows.iter().enumerate() {
                let median = || {
                    let values: Vec<f64> = rounds.iter().map(|round| round[number]).collect();
                    quantile(&values, 0.5)
                };
                let digits = [0, 2, 1][number];
                let cell = result.clone().map(|()| format!("{:.digits$}", median()));
                bench.table.put(row, rival.name(), cell);
            }
        }
        bench.bare(&rows[0], || {
            let rates: Vec<f64> =
                (0..pick(3, 1)).map(|_| crate::capture::cat(pick(1000, 20))).collect();
            format!("{:.0}", quantile(&rates, 0.5))
        });
    }
}

/// MB/s, seconds per GB, peak in MB.
fn round(rival: &dyn Rival, output: Output) -> Result<[f64; 3], String> {
    let megabytes: u32 = match rival.name() {
        "systemd" => pick(100, 10),
        "PM2" | "runit" => pick(300, 20),
        _ => pick(1000, 20),
    };
    let jobs = |home: &Home| Jobs {
        count: 1,
        program: shell(),
        argument: script(&format!("pour {} {megabytes}", home.path("stamps").display())),
        when: When::Kept,
        output,
    };
    trial(rival, &jobs, &mut |trial: &Trial<'_>| {
        let file = trial.home.path("stamps");
        let some = |count: usize, patience| {
            within(Duration::from_secs(patience), "the process has printed", || {
                stamps(&file).get(count - 1).map(|(at, _)| *at)
            })
        };
        some(1, 60)?;
        let before = trial.alive.processor();
        let first = some(2, 60)?;
        some(3, 240)?;
        let mut last = (0.0, 0);
        let mut changed = Instant::now();
        let mut end = 0.0;
        within(Duration::from_secs(120), "it has written everything", || {
            let now = (trial.alive.processor(), trial.rival.kept(trial.home));
            // A clock tick of 10 ms now and then is what an idle rival may use.
            if now.1 != last.1 || now.0 - last.0 > 0.015 {
                (last, changed, end) = (now, Instant::now(), crate::job::now());
            }
            thread::sleep(Duration::from_millis(5));
            (changed.elapsed() > Duration::from_millis(500)).then_some(())
        })?;
        let gigabytes = f64::from(megabytes) / 1000.0;
        if output == Output::KeptWhole && last.1 < u64::from(megabytes) * 1_000_000 {
            return Err(format!("it kept {} of {megabytes} MB", last.1 / 1_000_000));
        }
        let own = trial.alive.own();
        let peak: u64 = own.into_iter().map(|pid| process::kib(pid, "VmHWM")).sum();
        Ok([
            f64::from(megabytes) / (end - first),
            (trial.alive.processor() - before) / gigabytes,
            peak as f64 * 1.024e-3,
        ])
    })
}
