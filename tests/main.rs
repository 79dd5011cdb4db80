//! Black-box tests: they start the real program in a directory of its own and look at what a user
//! would see: exit codes, output, the database and the files. Pure code has its tests in `src/`.
#![expect(clippy::unwrap_used, reason = "in a test a panic with its place is the report")]
#![expect(clippy::disallowed_methods, reason = "black-box tests live on the real clock")]
#![expect(clippy::print_stderr, reason = "a failing test prints what the daemon said")]

mod alerts;
mod boot;
mod cli;
mod client;
mod crash;
mod cron;
mod demo;
mod deploy;
mod docs;
mod doors;
mod harness;
mod import;
mod layers;
mod login;
mod metrics;
mod never;
mod openapi;
mod operate;
mod proxies;
mod real_input;
mod rigs;
mod runs_api;
mod services;
mod shutdown;
mod snapshots;
mod streams;
mod streams_log;
mod upkeep;
mod why;
