//! From exec to the first instruction of the first job.

use std::fs;
use std::time::Duration;

use super::alive::within;
use super::rival::{Jobs, Output, When};
use super::{Bench, Rival, guarded, pick, two};
use crate::harness::Home;
use crate::job::stamps;

pub(crate) const HOW: &str = "Ready: exec of the rival (PM2: of `pm2 start`) to the first \
    instruction of the first of 10 jobs: services; with cron `@reboot`, and the mounts before it are \
    counted. Median / worst of 5 starts \
    after a first one in the same place.";

pub(crate) fn measure(bench: &mut Bench) {
    for rival in &bench.rivals {
        let jobs = |home: &Home| Jobs {
            count: 10,
            program: &bench.tools.stay,
            argument: home.path("stamps").display().to_string(),
            when: When::AtStart,
            output: Output::Ignored,
        };
        let home = Home::new("");
        let jobs = jobs(&home);
        // The first start makes what later ones find: a database, a supervise directory.
        let times: Result<Vec<f64>, String> =
            (0..=pick(5, 1)).map(|_| guarded(|| start(&**rival, &home, &jobs))).collect();
        let cell = times.map(|times| two(&times[1..]));
        bench.table.put("Ready: exec to first job, ms", rival.name(), cell);
    }
}

/// Milliseconds of one start; the rival is gone afterwards.
fn start(rival: &dyn Rival, home: &Home, jobs: &Jobs<'_>) -> Result<f64, String> {
    if let Some(reason) = rival.lacks(jobs) {
        return Err(reason.to_owned());
    }
    let file = home.path("stamps");
    // There is none before the first start.
    let _ = fs::remove_file(&file);
    let alive = rival.start(home, jobs)?;
    let all = || Some(stamps(&file)).filter(|stamps| stamps.len() == jobs.count);
    let stamps = within(Duration::from_secs(60), "all jobs have started", all)?;
    let first = stamps.iter().map(|(at, _)| *at).fold(f64::MAX, f64::min);
    Ok((first - alive.begun) * 1000.0)
}
