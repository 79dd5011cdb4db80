//! Random configurations, and random edits of them between two lives of a daemon.

use std::sync::Arc;

use std::time::Duration;

use crate::engine::sample;
use crate::engine::simulator::dice::Dice;
use crate::model::job::{AfterFailure, Backoff, CatchUp, Job, Overlap, RunOnStart};

const ZONES: [&str; 5] =
    ["UTC", "Europe/Prague", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];

/// Busy ones are rare, so that a month fits into a case.
const SCHEDULES: [&str; 28] = [
    "30 2 * * *",
    "0,30 2 * * *",
    "15 1-3 * * *",
    "0 2,3 * * *",
    "0 0 * * *",
    "@daily",
    "45 1 * * sun",
    "30 1 29-31 * *",
    "*/30 1-2 * * *",
    "15 30 2 * * *",
    "*/20 59 1 * * *",
    "0 * * * *",
    "@hourly",
    "*/30 * * * *",
    "30 */2 * * *",
    "7 */6 * * mon-fri",
    "0 0 29 2 *",
    "@every 5m",
    "@every 45m",
    "@every 24h",
    "@every 7d",
    "*/5 * * * *",
    "0 12 * * 7",
    "@weekly",
    "*/10 0-22 * * *",
    "* * * * *",
    "*/15 * * * * *",
    "@every 90s",
];

pub(super) fn any_jobs(dice: &mut Dice, count: u64) -> Vec<Job> {
    (0..count).map(|number| any_job(dice, number)).collect()
}

/// A job goes, comes, comes back changed, or everything stays.
pub(super) fn edit(dice: &mut Dice, jobs: &mut Vec<Job>) {
    if !dice.chance(30) {
        return;
    }
    let number = dice.roll(6);
    let job = any_job(dice, number);
    let place = jobs.iter().position(|known| known.name == job.name);
    match place {
        Some(place) if jobs.len() > 1 && dice.chance(40) => drop(jobs.remove(place)),
        Some(place) => jobs[place] = job,
        None => jobs.push(job),
    }
}

/// The number is part of the name; the same number may be a task today and a service tomorrow.
fn any_job(dice: &mut Dice, number: u64) -> Job {
    let name = format!("job-{number}");
    let mut job = if dice.chance(25) { any_service(dice, &name) } else { any_task(dice, &name) };
    job.api_trigger = !dice.chance(5);
    job.stop.grace = dice.pick(&[0, 1, 5, 60].map(Duration::from_secs));
    job
}

fn any_service(dice: &mut Dice, name: &str) -> Job {
    sample::service(name).with_service(|service| {
        service.instances = 1 + dice.roll(3) as u16;
        service.restart_delay = dice.pick(&[0, 1, 7].map(Duration::from_secs));
        service.restart_backoff = any_backoff(dice);
        service.restart_attempts = dice.pick(&[0, 3, 100]);
    })
}

fn any_task(dice: &mut Dice, name: &str) -> Job {
    let catch_up = dice.pick(&[
        CatchUp::Skip,
        CatchUp::Latest,
        CatchUp::All { cap: 3 },
        CatchUp::All { cap: 100 },
    ]);
    let schedule = dice.chance(85).then(|| {
        let zone = dice.pick(&ZONES);
        sample::schedule(dice.pick(&SCHEDULES), zone)
    });
    sample::task(name).with(|task| {
        task.schedule = schedule.map(Arc::new);
        task.catch_up = catch_up;
        task.parallelism = dice.pick(&[1, 1, 2, 3]);
        task.on_overlap = dice.pick(&[Overlap::Queue, Overlap::Skip, Overlap::Terminate]);
        task.max_queued = dice.pick(&[0, 1, 5, 100]);
        task.after_failure = any_after_failure(dice);
        task.run_on_start = match dice.roll(6) {
            0 => RunOnStart::Daemon,
            1 => RunOnStart::Boot,
            _ => RunOnStart::Never,
        };
    })
}

fn any_after_failure(dice: &mut Dice) -> AfterFailure {
    if dice.chance(15) {
        return AfterFailure::Restart;
    }
    AfterFailure::Retry {
        attempts: dice.pick(&[0, 0, 1, 3, 10]),
        delay: dice.pick(&[0, 1, 10, 60, 900].map(Duration::from_secs)),
        backoff: any_backoff(dice),
    }
}

fn any_backoff(dice: &mut Dice) -> Backoff {
    dice.pick(&[Backoff::Constant, Backoff::Linear, Backoff::Exponential])
}
