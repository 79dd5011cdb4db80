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
