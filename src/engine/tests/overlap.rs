//! docs/running.md, Overlap, Stopping, Starting by hand.

use super::stage::{Stage, secs};
use crate::engine::sample::{service, task};
use crate::model::job::{Job, Overlap, Verb};
use crate::model::run::{Cause, ExitHow, Phase};

const NOON: &str = "2026-05-07T12:00:00Z";

fn with_policy(policy: Overlap, parallelism: usize) -> Job {
    task("a").with(|task| {
        task.on_overlap = policy;
        task.parallelism = parallelism;
    })
}

#[test]
fn row_then_process_then_events_each_after_the_disk() {
    let mut stage = Stage::new(NOON, [task("a")]);
    stage.hold_disk();
    stage.trigger("a");
    assert_eq!(stage.heard(), [""; 0]);
    stage.release_disk();
    assert_eq!(stage.heard(), ["created a#1", "spawn a#1", "answer a#1"]);
    stage.starts("a#1");
    stage.hold_disk();
    stage.exits("a#1", 0);
    assert_eq!(stage.heard(), ["started a#1"]);
    stage.trigger("a");
    stage.release_disk();
    assert_eq!(
        stage.heard(),
        ["ended a#1: success 0", "created a#2", "answer a#2", "spawn a#2"],
        "the slot is free when the end is durable"
    );
}

#[test]
fn queued_runs_start_in_order_and_are_never_passed() {
    let mut stage = Stage::new(NOON, [with_policy(Overlap::Queue, 2)]);
    (0..5).for_each(|_| stage.trigger("a"));
    assert_eq!(stage.heard_of("spawn"), ["spawn a#1", "spawn a#2"]);
    stage.exits("a#2", 0);
    stage.trigger("a");
    assert_eq!(stage.heard_of("spawn"), ["spawn a#3"]);
    for (ended, started) in [("a#1", "spawn a#4"), ("a#3", "spawn a#5"), ("a#5", "spawn a#6")] {
        stage.exits(ended, 1);
        assert_eq!(stage.heard_of("spawn"), [started]);
    }
}

#[test]
fn a_full_queue_refuses_and_zero_means_that_nobody_waits() {
    for (limit, refused) in [(0, "a#2"), (1, "a#3"), (2, "a#4")] {
        let job = task("a").with(|task| task.max_queued = limit);
        let mut stage = Stage::new(NOON, [job]);
        (0..=limit + 1).for_each(|_| stage.trigger("a"));
        let row = format!("queue_full -1 (the queue is full (max_queued = {limit}))");
        assert_eq!(stage.row(refused), row);
        assert_eq!(stage.heard_of("spawn"), ["spawn a#1"]);
    }
}

#[test]
fn skip_ends_the_run_at_once_and_says_so_to_the_caller() {
    let mut stage = Stage::new(NOON, [with_policy(Overlap::Skip, 1)]);
    stage.trigger("a");
    stage.heard();
    stage.trigger("a");
    let row = "skipped -1 (task already running, skipping (policy: skip))";
    assert_eq!(stage.heard(), ["created a#2", &format!("ended a#2: {row}"), "answer a#2"]);
    stage.exits("a#1", 0);
    stage.trigger("a");
    assert_eq!(stage.heard_of("spawn"), ["spawn a#3"]);
}

#[test]
fn terminate_stops_the_oldest_and_one_victim_for_each_who_waits() {
    let mut stage = Stage::new(NOON, [with_policy(Overlap::Terminate, 3)]);
    (0..3).for_each(|_| stage.trigger("a"));
    stage.heard();
    stage.trigger("a");
    assert_eq!(stage.heard_of("stop"), ["stop a#1 Superseded"], "one of three slots is needed");
    stage.trigger("a");
    assert_eq!(stage.heard_of("stop"), ["stop a#2 Superseded"], "another victim");
    stage.exits("a#1", 0);
    assert_eq!(stage.row("a#1"), "stopped 0", "asked to stop, whatever its status");
    assert_eq!(stage.heard_of("spawn"), ["spawn a#4"]);
    stage.ends("a#2", ExitHow::Signal(15), Some(Cause::Superseded));
    assert_eq!(stage.row("a#2"), "stopped 143");
    assert_eq!(stage.heard_of("spawn"), ["spawn a#5"]);
    assert_eq!(stage.row("a#3"), "running");
}

#[test]
fn terminate_lets_as_many_wait_as_there_are_slots() {
    let mut stage = Stage::new(NOON, [with_policy(Overlap::Terminate, 1)]);
    (0..4).for_each(|_| stage.trigger("a"));
    assert_eq!(stage.heard_of("stop"), ["stop a#1 Superseded"]);
    for dropped in ["a#2", "a#3"] {
        assert_eq!(stage.row(dropped), "stopped -1 (superseded by a newer run)");
    }
    stage.exits("a#1", 0);
    assert_eq!(stage.heard_of("spawn"), ["spawn a#4"]);
}

#[test]
fn a_victim_that_is_leaving_anyway_makes_room_for_one() {
    let mut stage = Stage::new(NOON, [with_policy(Overlap::Terminate, 2)]);
    (0..2).for_each(|_| stage.trigger("a"));
    stage.stop_run("a#2");
    stage.heard();
    stage.trigger("a");
    assert_eq!(stage.heard_of("stop"), [""; 0]);
}

#[test]
fn a_hundred_triggers_at_once_never_exceed_parallelism() {
    for policy in [Overlap::Queue, Overlap::Skip, Overlap::Terminate] {
        let mut stage = Stage::new(NOON, [with_policy(policy, 3)]);
        stage.hold_disk();
        (0..100).for_each(|_| stage.trigger("a"));
        stage.release_disk();
        let spawned = stage.heard_of("spawn").len();
        assert!(spawned <= 3, "{policy:?}: {spawned}");
    }
}

#[test]
fn a_victim_whose_row_is_still_on_its_way_never_gets_a_process() {
    let mut stage = Stage::new(NOON, [with_policy(Overlap::Terminate, 1)]);
    stage.hold_disk();
    stage.trigger("a");
    stage.trigger("a");
    stage.release_disk();
    assert_eq!(stage.row("a#1"), "stopped -1 (stopped before it started)");
    assert_eq!(stage.heard_of("spawn"), ["spawn a#2"]);
}

#[test]
fn a_run_that_waits_can_be_cancelled() {
    let mut stage = Stage::new(NOON, [task("a")]);
    (0..3).for_each(|_| stage.trigger("a"));
    stage.stop_run("a#2");
    assert_eq!(stage.row("a#2"), "stopped -1 (cancelled while it waited)");
    stage.exits("a#1", 0);
    assert_eq!(stage.heard_of("spawn"), ["spawn a#1", "spawn a#3"]);
}

#[test]
fn a_run_is_stopped_once_and_an_ended_one_not_at_all() {
    let mut stage = Stage::new(NOON, [task("a")]);
    stage.trigger("a");
    stage.heard();
    stage.stop_run("a#1");
    stage.stop_run("a#1");
    assert_eq!(stage.heard(), ["stop a#1 Operator", "answer done", "answer done"]);
    stage.exits("a#1", 0);
    assert_eq!(stage.heard(), ["ended a#1: stopped 0"]);
    stage.stop_run("a#1");
    assert_eq!(stage.heard(), ["refused: run not found"]);
}

#[test]
fn requests_are_refused_without_a_row() {
    let mut closed = task("closed");
    closed.api_trigger = false;
    let mut stage = Stage::new(NOON, [closed, task("a"), service("s")]);
    stage.heard();
    stage.trigger("closed");
    stage.trigger("unknown");
    stage.trigger("s");
    stage.operate("a", Verb::Pause);
    stage.operate("unknown", Verb::Restart);
    let expected = [
        "refused: API triggering disabled for this task",
        "refused: task not found: unknown",
        "refused: no free replica slots",
        "refused: a has no schedule to pause",
        "refused: task not found: unknown",
    ];
    assert_eq!(stage.heard(), expected);
}

#[test]
fn the_reason_of_an_end_is_the_strongest_one() {
    use Cause::{DiskPressure, LogOverflow, Operator, Timeout};
    use ExitHow::{Code, Signal};
    for (how, cause, asked, expected) in [
        (Code(0), None, false, "success 0"),
        (Code(3), None, false, "failed 3"),
        (Code(255), None, false, "failed 255"),
        (Signal(11), None, false, "failed 139"),
        (Signal(9), None, false, "failed 137"),
        (Code(0), Some(Timeout), false, "timeout 0"),
        (Signal(9), Some(Timeout), true, "timeout 137"),
        (Signal(15), Some(LogOverflow), true, "log_overflow 143"),
        (Signal(15), Some(DiskPressure), false, "stopped 143"),
        (Code(3), Some(Operator), true, "stopped 3"),
        (Code(0), None, true, "stopped 0"),
        (
            ExitHow::NotStarted("failed to start: EAGAIN".into()),
            None,
            false,
            "failed -1 (failed to start: EAGAIN)",
        ),
    ] {
        let mut stage = Stage::new(NOON, [task("a")]);
        stage.trigger("a");
        if asked {
            stage.stop_run("a#1");
        }
        stage.ends("a#1", how, cause);
        assert_eq!(stage.row("a#1"), expected);
    }
}

#[test]
fn a_run_without_a_process_never_started() {
    let mut stage = Stage::new(NOON, [task("a")]);
    stage.trigger("a");
    stage.heard();
    stage.ends("a#1", ExitHow::NotStarted("no shell".into()), None);
    assert_eq!(stage.heard(), ["ended a#1: failed -1 (no shell)"]);
    let crate::model::run::Phase::Ended { since, .. } = stage.run("a#1").phase else { panic!() };
    assert_eq!(since, None, "its start is taken back");
}

#[test]
fn a_death_by_sigterm_waits_250_ms_for_the_daemons_own_stop() {
    for how in [ExitHow::Signal(15), ExitHow::Signal(2), ExitHow::Code(143), ExitHow::Code(130)] {
        let mut stage = Stage::new(NOON, [task("a")]);
        stage.trigger("a");
        stage.heard();
        stage.ends("a#1", how.clone(), None);
        stage.pass(std::time::Duration::from_millis(249));
        assert_eq!(stage.row("a#1"), "running", "{how:?}");
        stage.pass(std::time::Duration::from_millis(1));
        assert!(stage.row("a#1").starts_with("failed"), "{how:?}: {}", stage.row("a#1"));

        stage.trigger("a");
        stage.ends("a#2", how, None);
        stage.stall(std::time::Duration::from_millis(100));
        stage.shut_down();
        assert!(stage.row("a#2").starts_with("stopped"), "{}", stage.row("a#2"));
        assert_eq!(stage.heard_of("quit"), ["quit 0"]);
    }
}

#[test]
fn a_stuck_run_delays_no_other_job() {
    let stuck = task("stuck").scheduled("* * * * *", "UTC");
    let other = task("other").scheduled("* * * * *", "UTC");
    let mut stage = Stage::new(NOON, [stuck, other]);
    for minute in 1..=5 {
        stage.pass(secs(60));
        stage.exits(&format!("other#{minute}"), 0);
    }
    assert_eq!(stage.heard_of("spawn other").len(), 5);
}

/// docs/running.md, Full disk.
#[test]
fn a_run_whose_row_waited_for_the_disk_starts_when_it_starts() {
    let mut stage = Stage::new(NOON, [task("a")]);
    stage.hold_disk();
    stage.trigger("a");
    stage.stall(secs(30));
    stage.release_disk();
    let spawned = stage.now.wall;
    stage.stall(secs(2));
    stage.exits("a#1", 0);
    let run = stage.run("a#1");
    let Phase::Ended { since, at, .. } = run.phase else { panic!("{run:?}") };
    assert_eq!((since, at), (Some(spawned), stage.now.wall));
    assert_eq!(run.created_at, spawned - secs(30));
}
