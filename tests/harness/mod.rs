//! What the tests stand on: a home directory for one instance, the daemon in it, its rows, and
//! waiting for a condition with a deadline.

pub(crate) mod daemon;
pub(crate) mod history;
pub(crate) mod home;
pub(crate) mod http;
pub(crate) mod login;
pub(crate) mod process;
pub(crate) mod rows;
pub(crate) mod sink;
pub(crate) mod sse;
pub(crate) mod wait;

pub(crate) use daemon::Daemon;
pub(crate) use home::Home;
pub(crate) use wait::{wait_for, wait_until};

/// Says why a test cannot run here, which is a failure where everything is expected to run.
pub(crate) fn skip(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "cannot be skipped with CI set: {reason}");
    eprintln!("skipped: {reason}");
}

/// Whether the tests run as root, without which nothing can be mounted.
pub(crate) fn is_root() -> bool {
    process::status_field("self", "Uid").is_some_and(|ids| ids.starts_with('0'))
}
