//! A simulator: random jobs in a random world for a month at a time, watched after every
//! event by somebody who knows only the manual. A failure names its seed;
//! `RUNWISP_SIM_SEED=n cargo test simulated` replays it, `RUNWISP_SIM_CASES=n` tries more.

mod almanac;
mod chains;
pub(super) mod database;
mod dice;
mod happenings;
mod jobs;
mod witness;
mod world;

use std::time::Duration;

use world::World;

const CASES: u64 = 200;
const MONTH: Duration = Duration::from_hours(30 * 24);
/// RUNWISP_SIM_SOAK=200 is a month of two hundred jobs.
const SOAKED_JOBS: u64 = 30;
const SOAKED_TIME: Duration = Duration::from_hours(24);
/// A job that ticks every few seconds gets a shorter month.
const MOST_INPUTS: u64 = 5_000;

#[test]
fn a_simulated_month_breaks_no_promise() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let seeds = match number("RUNWISP_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("RUNWISP_SIM_CASES").unwrap_or(CASES),
    };
    for seed in seeds {
        let mut world = World::new(seed);
        world.live(MONTH, MOST_INPUTS);
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a long soak says how far it has come")]
fn a_server_of_many_jobs_holds_nothing_of_what_is_over() {
    let long = std::env::var("RUNWISP_SIM_SOAK").ok().map(|text| text.parse::<u64>().unwrap());
    let jobs = long.unwrap_or(SOAKED_JOBS);
    let days = if long.is_some() { 30 } else { 1 };
    let mut world = World::large(7, jobs);
    for day in 1..=days {
        world.live(SOAKED_TIME * day, u64::MAX);
        while world.engine.held()[1] > 0 {
            world.step();
        }
        let [runs, commits, timers] = world.engine.held();
        let (rows, open) = world.database.sizes();
        if long.is_some() {
            eprintln!(
                "day {day}: {} inputs, {rows} rows; held: {runs} runs, {commits} commits, {timers} timers",
                world.told
            );
        }
        assert!(rows > 1000 * day as usize, "the days are busy: {rows} rows");
        assert_eq!(runs, open, "who is known is not over");
        assert_eq!(commits, world.database.on_the_way());
        // A tick or a refill for each replica, a retry or two.
        assert!(timers <= 4 * jobs as usize, "{timers} timers");
    }
}
