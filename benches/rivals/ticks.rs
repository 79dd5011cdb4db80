//! Schedules: how late jobs start, and how often a rival wakes up that has nothing to do. cron
//! starts jobs once a minute only; while it is waited for, the others are idle and are watched.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::alive::{Alive, within};
use super::rival::{Jobs, Output, Rival, When};
use super::{Bench, Trial, guarded, is_short, pick, shell, trial, two};
use crate::harness::Home;
use crate::job::stamps;
use crate::tick::{late, spawn_on_ticks};

pub(crate) const HOW: &str = "Wake-ups: context switches of all threads of the rival's own \
    processes, with 100 jobs as under Memory, while \
    cron is waited for (four minutes; systemd one). Tick: second of the clock to the first instruction of \
    the job (benches/stamp.c in the place of its shell), all jobs on one second, median / worst of 8, \
    160 and 400 starts; systemd with `AccuracySec=1us`; cron at full minutes, 2, 20 and 200 starts: \
    it sleeps whole seconds into the one behind the minute, and was itself started just behind a \
    full second, which is its best case; bare: 16 threads that spawn.";

/// Jobs on one second, ticks, seconds between them; ticks of cron.
const CROWDS: [(usize, usize, u32, usize); 3] = [(1, 8, 2, 2), (20, 8, 2, 1), (200, 2, 10, 1)];

pub(crate) fn measure(bench: &mut Bench) {
    wake_ups(bench);
    for (jobs, ticks, period, _) in crowds() {
        let row = row(*jobs);
        for rival in bench.rivals.iter().filter(|rival| rival.name() != "cron") {
            let cell = on_ticks(&**rival, *jobs, *ticks, *period, &bench.tools.stamp);
            bench.table.put(&row, rival.name(), cell.map(|late| two(&late)));
        }
        let stamp = bench.tools.stamp.clone();
        bench.bare(&row, || {
            let home = Home::new("");
            let file = home.path("stamps");
            spawn_on_ticks(16, *jobs, *ticks, *period, &stamp, &file);
            two(&late(&stamps(&file), *period))
        });
    }
}

fn crowds() -> &'static [(usize, usize, u32, usize)] {
    pick(&CROWDS[..], &[(5, 2, 2, 1)])
}

fn row(jobs: usize) -> String {
    format!("Tick to job, {jobs} on one second, ms")
}

/// Everybody idle at once, for as long as cron needs for its ticks or a while.
fn wake_ups(bench: &mut Bench) {
    let jobs = Jobs {
        count: pick(100, 10),
        program: shell(),
        argument: "true".to_owned(),
        when: When::Never,
        output: Output::Ignored,
    };
    let homes: Vec<Home> = bench.rivals.iter().map(|_| Home::new("")).collect();
    let pairs = bench.rivals.iter().zip(&homes);
    let idle: Vec<Result<Alive, String>> =
        pairs.map(|(rival, home)| guarded(|| rival.start(home, &jobs))).collect();
    let settled = |alive: Result<Alive, String>| {
        let alive = alive?;
        alive.settle(Duration::from_secs(60))?;
        Ok(alive)
    };
    let idle: Vec<Result<Alive, String>> = idle.into_iter().map(settled).collect();
    // What a start leaves behind: threads that end after some seconds, a sweep.
    thread::sleep(Duration::from_secs(pick(20, 1)));
    let count = |alive: &Result<Alive, String>| alive.as_ref().map_or(0, Alive::switches);
    let before: Vec<u64> = idle.iter().map(count).collect();
    let begun = Instant::now();
    let minutes = |begun: Instant| begun.elapsed().as_secs_f64() / 60.0;
    let late = ticks_of_cron(bench);
    let left = Duration::from_secs(pick(65, 5)).saturating_sub(begun.elapsed());
    thread::sleep(left);
    for ((rival, alive), before) in bench.rivals.iter().zip(&idle).zip(before) {
        let cell = alive.as_ref().map_err(Clone::clone);
        let cell = cell.map(|alive| {
            format!("{:.1}", alive.switches().abs_diff(before) as f64 / minutes(begun))
        });
        let row = format!("Idle, {} jobs: wake-ups a minute", jobs.count);
        bench.table.put(&row, rival.name(), cell);
    }
    for (row, cell) in late {
        bench.table.put(&row, "cron", cell);
    }
}

fn ticks_of_cron(bench: &Bench) -> Vec<(String, Result<String, String>)> {
    let Some(cron) = bench.rivals.iter().find(|rival| rival.name() == "cron") else {
        return Vec::new();
    };
    let late = |&(jobs, _, _, ticks): &(usize, usize, u32, usize)| {
        let cell = match is_short() {
            true => Err("a minute is too long for a short trial".to_owned()),
            false => {
                let cell = on_ticks(&**cron, jobs, ticks, 60, &bench.tools.stamp);
                cell.map(|late| two(&late))
            }
        };
        (row(jobs), cell)
    };
    crowds().iter().map(late).collect()
}

fn on_ticks(
    rival: &dyn Rival,
    count: usize,
    ticks: usize,
    period: u32,
    stamp: &Path,
) -> Result<Vec<f64>, String> {
    let jobs = |home: &Home| Jobs {
        count,
        program: stamp,
        argument: home.path("stamps").display().to_string(),
        when: When::Every(period),
        output: Output::Ignored,
    };
    // cron sleeps whole seconds: as late within a second as it starts, its jobs will be.
    let now = crate::job::now();
    thread::sleep(Duration::from_secs_f64(1.0 - now % 1.0));
    trial(rival, &jobs, &mut |trial: &Trial<'_>| {
        let file = trial.home.path("stamps");
        let wanted = count * ticks;
        let patience = Duration::from_secs(30 + u64::from(period) * 2 * ticks as u64);
        let all = || Some(stamps(&file)).filter(|stamps| stamps.len() >= wanted);
        let mut stamps = within(patience, "all ticks fired", all)?;
        stamps.truncate(wanted);
        Ok(late(&stamps, period))
    })
}
