//! runwisp: one daemon in place of cron and supervisord.

#![cfg_attr(
    not(feature = "notify"),
    allow(dead_code, reason = "what only outbound notifiers read is defined in every build")
)]

mod auth;
mod base;
mod board;
mod cli;
mod config;
mod cron;
mod current;
mod daemon;
mod engine;
mod hub;
mod inbox;
mod logging;
mod logs;
mod model;
mod notify;
mod process;
mod sampler;
mod store;
mod sweep;
mod sys;
mod tally;
mod threads;
mod web;

#[cfg(test)]
#[path = "../tests/fuzz/src/properties/mod.rs"]
mod properties;

fn main() -> std::process::ExitCode {
    cli::main()
}
