//! The figures that the project promises, measured on the real program; how to run and read them
//! stands in README.md beside this file. The same executable is the job that is measured: see
//! `job`.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on says where and ends")]
#![expect(clippy::disallowed_methods, reason = "benches live on the real clock")]
#![expect(clippy::print_stdout, reason = "the figures are printed")]
#![expect(clippy::print_stderr, reason = "a failing bench prints what the daemon said")]

mod capture;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../tests/harness/mod.rs"]
mod harness;
mod idle;
mod job;
mod many;
mod ready;
mod report;
mod restart;
mod short;
mod size;
mod tick;

type Group = (&'static str, fn());

const GROUPS: [Group; 8] = [
    ("size", size::measure),
    ("ready", ready::measure),
    ("idle", idle::measure),
    ("tick", tick::measure),
    ("short", short::measure),
    ("capture", capture::measure),
    ("many", many::measure),
    ("restart", restart::measure),
];

fn main() {
    // `cargo bench` adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if job::play(&words) {
        return;
    }
    for (name, measure) in GROUPS {
        if words.is_empty() || words.iter().any(|word| word == name) {
            measure();
        }
    }
}
