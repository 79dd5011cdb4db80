//! runwisp: one daemon in place of cron and supervisord.
#![allow(dead_code, unused_imports, reason = "the parts that use the others are still to come")]

mod base;
mod config;
mod cron;
mod daemon;
mod engine;
mod inbox;
mod logging;
mod logs;
mod model;
mod process;
mod store;
mod sweep;
mod sys;
mod threads;
mod web;

fn main() {}
