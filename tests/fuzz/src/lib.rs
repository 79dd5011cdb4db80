//! The program with its properties as a library, for fuzzers. The properties are tests of the
//! program itself as well, with the seeds and some mutations of them (`properties/replay.rs`).

#![allow(dead_code, reason = "a target uses one parser of the whole program")]

#[path = "../../../src/auth/mod.rs"]
mod auth;
#[path = "../../../src/base/mod.rs"]
mod base;
#[path = "../../../src/board.rs"]
mod board;
#[path = "../../../src/cli/mod.rs"]
mod cli;
#[path = "../../../src/config/mod.rs"]
mod config;
#[path = "../../../src/cron/mod.rs"]
mod cron;
#[path = "../../../src/daemon/mod.rs"]
mod daemon;
#[path = "../../../src/engine/mod.rs"]
mod engine;
#[path = "../../../src/hub.rs"]
mod hub;
#[path = "../../../src/inbox.rs"]
mod inbox;
#[path = "../../../src/logging/mod.rs"]
mod logging;
#[path = "../../../src/logs/mod.rs"]
mod logs;
#[path = "../../../src/model/mod.rs"]
mod model;
#[path = "../../../src/notify/mod.rs"]
mod notify;
#[path = "../../../src/process/mod.rs"]
mod process;
#[path = "../../../src/sampler/mod.rs"]
mod sampler;
#[path = "../../../src/store/mod.rs"]
mod store;
#[path = "../../../src/sweep/mod.rs"]
mod sweep;
#[path = "../../../src/sys/mod.rs"]
mod sys;
#[path = "../../../src/tally.rs"]
mod tally;
#[path = "../../../src/threads.rs"]
mod threads;
#[path = "../../../src/web/mod.rs"]
mod web;

mod properties;

/// A function for each target, so that a target links its own parser only.
macro_rules! targets {
    ($($name:ident)*) => {
        $(pub fn $name(data: &[u8]) {
            properties::$name(data);
        })*
    };
}

targets! { argv body capture config cookie cron crontab dotenv duration escape glob head import lines log origin proxy query redact redirect request size tail template token ulid }
