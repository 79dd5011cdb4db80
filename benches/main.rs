//! The figures that the project promises, measured on the real program; how to run and read them
//! stands in README.md beside this file. The same executable is the job that is measured: see
//! `job`.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on says where and ends")]
#![expect(clippy::disallowed_methods, reason = "benches live on the real clock")]
#![expect(clippy::print_stdout, reason = "the figures are printed")]
#![expect(clippy::print_stderr, reason = "a failing bench prints what the daemon said")]

mod alerts;
mod audience;
mod caller;
mod capture;
mod door;
#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../tests/harness/mod.rs"]
mod harness;
mod history;
mod idle;
mod job;
mod latency;
mod many;
mod pages;
mod ready;
mod reload;
mod report;
mod restart;
mod rivals;
mod short;
mod siege;
mod size;
mod tick;

type Group = (&'static str, fn());

const GROUPS: [Group; 15] = [
    ("size", size::measure),
    ("ready", ready::measure),
    ("idle", idle::measure),
    ("tick", tick::measure),
    ("short", short::measure),
    ("capture", capture::measure),
    ("many", many::measure),
    ("restart", restart::measure),
    ("door", door::measure),
    ("history", history::measure),
    ("pages", pages::measure),
    ("latency", latency::measure),
    ("siege", siege::measure),
    ("alerts", alerts::measure),
    ("reload", reload::measure),
];

fn main() {
    // `cargo bench` adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if job::play(&words) {
        return;
    }
    if let Some(("rivals", groups)) = words.split_first().map(|(word, rest)| (word.as_str(), rest))
    {
        rivals::measure(groups);
        return;
    }
    for (name, measure) in GROUPS {
        if words.is_empty() || words.iter().any(|word| word == name) {
            measure();
        }
    }
}
