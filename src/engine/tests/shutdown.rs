//! docs/running.md, Shutdown.

use std::time::Duration;

use super::stage::{Stage, secs};
use crate::engine::Input;
use crate::engine::sample::{service, task};
use crate::model::job::{AfterFailure, Backoff};
use crate::model::run::{Cause, ExitHow};

const NOON: &str = "2026-05-07T12:00:00Z";

#[test]
fn an_idle_daemon_leaves_at_once() {
    let mut stage = Stage::new(NOON, [task("a").scheduled("* * * * *", "UTC")]);
    stage.heard();
    stage.shut_down();
    assert_eq!(stage.heard(), ["stopping for SIGTERM, 0 in flight", "quit 0"]);
}

#[test]
fn everybody_is_stopped_at_once_and_ends_as_stopped() {
    let mut stage = Stage::new(NOON, [task("a"), service("s")]);
    stage.trigger("a");
    stage.trigger("a");
    stage.heard();
    stage.shut_down();
    let told = stage.heard();
    assert_eq!(told[0], "stopping for SIGTERM, 2 in flight");
    assert_eq!(told[1..], ["stop s#1 Shutdown", "stop a#1 Shutdown"]);
    stage.exits("a#1", 1);
    stage.pass(secs(1));
    stage.ends("s#1", ExitHow::Signal(15), Some(Cause::Shutdown));
    assert_eq!(stage.heard(), ["ended a#1: stopped 1", "ended s#1: stopped 143", "quit 0"]);
    assert_eq!(stage.row("a#2"), "pending", "it waits for the next daemon");
}

#[test]
fn nothing_starts_once_the_shutdown_has_begun() {
    let retrying = task("retrying").with(|task| {
        task.after_failure =
            AfterFailure::Retry { attempts: 3, delay: secs(1), backoff: Backoff::Constant };
    });
    let ticking = task("ticking").scheduled("* * * * * *", "UTC");
    let mut every = task("every").scheduled("@every 1s", "UTC");
    every.api_trigger = true;
    let mut stage = Stage::new(NOON, [retrying, ticking, every, service("s"), task("queued")]);
    stage.trigger("retrying");
    stage.exits("retrying#1", 1);
    stage.trigger("queued");
    stage.trigger("queued");
    stage.exits("s#1", 1);
    stage.trigger("every");
    stage.heard();
    stage.stall(Duration::from_millis(999));
    stage.shut_down();
    stage.exits("queued#1", 0);
    stage.trigger("queued");
    stage.pass(secs(2));
    let heard = stage.heard();
    let begins = |line: &String| line.starts_with("created") || line.starts_with("spawn");
    assert!(!heard.iter().any(begins), "{heard:?}");
    assert!(heard.contains(&"refused: the daemon is shutting down".to_owned()), "{heard:?}");
}

#[test]
fn a_run_whose_row_was_on_its_way_never_gets_a_process() {
    let mut stage = Stage::new(NOON, [task("a")]);
    stage.hold_disk();
    stage.trigger("a");
    stage.shut_down();
    stage.release_disk();
    assert_eq!(stage.row("a#1"), "stopped -1 (stopped before it started)");
    assert_eq!(stage.heard_of("quit"), ["quit 0"]);
}

#[test]
fn who_is_left_at_the_end_of_the_budget_is_killed_and_stays_running() {
    let mut stage = Stage::new(NOON, [task("a")]);
    stage.trigger("a");
    stage.shut_down();
    stage.heard();
    stage.pass(Duration::from_millis(2_999));
    assert_eq!(stage.heard(), [""; 0]);
    stage.pass(Duration::from_millis(1));
    assert_eq!(stage.heard(), ["cut short 1", "kill all", "quit 0"]);
    assert_eq!(stage.row("a#1"), "running");
}

#[test]
fn a_second_signal_leaves_at_once_without_an_error() {
    let mut stage = Stage::new(NOON, [task("a")]);
    stage.trigger("a");
    stage.shut_down();
    stage.heard();
    stage.tell(Input::Shutdown { signal: "SIGINT" });
    assert_eq!(stage.heard(), ["cut short 1", "kill all", "quit 0"]);
    stage.tell(Input::Shutdown { signal: "SIGINT" });
    assert_eq!(stage.heard(), [""; 0], "quit comes once");
}

#[test]
fn a_fatal_error_shuts_down_in_order_and_ends_with_one() {
    let mut stage = Stage::new(NOON, [task("a")]);
    stage.trigger("a");
    stage.heard();
    stage.tell(Input::Fatal("the listener is lost".to_owned()));
    stage.tell(Input::Fatal("and the disk".to_owned()));
    let expected = [
        "fatal: the listener is lost",
        "stopping for a fatal error, 1 in flight",
        "stop a#1 Shutdown",
        "fatal: and the disk",
    ];
    assert_eq!(stage.heard(), expected, "a second error is nobody's impatience");
    stage.exits("a#1", 0);
    assert_eq!(stage.heard(), ["ended a#1: stopped 0", "quit 1"]);
}

#[test]
fn a_disk_that_takes_nothing_does_not_hold_up_the_end() {
    let mut stage = Stage::new(NOON, [task("a")]);
    stage.trigger("a");
    stage.hold_disk();
    stage.shut_down();
    assert_eq!(stage.heard_of("stop a"), ["stop a#1 Shutdown"]);
    stage.exits("a#1", 0);
    stage.pass(secs(3));
    assert_eq!(stage.heard_of("quit"), ["quit 0"]);
}

#[test]
fn an_end_at_the_last_moment_still_gets_its_row() {
    let mut stage = Stage::new(NOON, [task("a")]);
    stage.trigger("a");
    stage.shut_down();
    stage.stall(secs(3));
    stage.exits("a#1", 0);
    assert_eq!(stage.heard_of("quit"), ["quit 0"]);
    assert_eq!(stage.row("a#1"), "stopped 0");
}
