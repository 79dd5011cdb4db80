//! What holds for every parser that takes bytes from outside, whatever the bytes are. Each property
//! is a function of bytes that panics when it does not hold. Fuzzers call them (`tests/fuzz/run`),
//! and so do tests of the program itself, with the seeds and some mutations of them (`replay`).

mod alert;
mod auth;
mod config;
mod cron;
mod import;
mod log;
#[cfg(test)]
mod replay;
mod text;
mod web;

pub(crate) use alert::{tail, template};
pub(crate) use auth::{cookie, origin, proxy, redirect, token};
pub(crate) use config::{argv, config, dotenv};
pub(crate) use cron::cron;
pub(crate) use import::{crontab, import};
pub(crate) use log::{capture, lines, log, redact};
pub(crate) use text::{duration, escape, glob, size, ulid};
pub(crate) use web::{body, head, query, request};

use crate::base::escape::escape as escaped;

/// What a person may be shown has nothing that acts on a terminal.
fn assert_plain(shown: &str) {
    assert_eq!(escaped(shown), shown, "it acts on a terminal");
}

/// Text up to a newline, and what comes after it.
fn first_line(data: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(data).ok()?.split_once('\n')
}
