//! docs/running.md, Retries, Restarting a task.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::stage::{Stage, secs};
use crate::engine::sample::task;
use crate::engine::simulator::database::Database;
use crate::engine::{Input, Lifetime};
use crate::model::failures::Failures;
use crate::model::job::{AfterFailure, Backoff, Job, Overlap};
use crate::model::run::{Cause, EndReason, Exit, ExitHow, LogTotals, Phase, Trigger};

const NOON: &str = "2026-05-07T12:00:00Z";

fn retrying(attempts: u32, delay: u64, backoff: Backoff) -> Job {
    task("a").with(|task| {
        task.after_failure = AfterFailure::Retry { attempts, delay: secs(delay), backoff };
    })
}

fn restarting() -> Job {
    task("a").with(|task| task.after_failure = AfterFailure::Restart)
}

#[test]
fn retries_wait_as_the_curve_says_and_end() {
    for (job, waits) in [
        (retrying(7, 10, Backoff::Exponential), &[10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0][..]),
        (retrying(3, 2, Backoff::Linear), &[2.0, 4.0, 6.0]),
        (retrying(6, 60, Backoff::Linear), &[60.0, 120.0, 180.0, 240.0, 300.0, 300.0]),
        (retrying(2, 900, Backoff::Constant), &[300.0, 300.0]),
        (retrying(2, 0, Backoff::Exponential), &[0.0, 0.0]),
        (retrying(0, 5, Backoff::Constant), &[]),
    ] {
        let mut stage = Stage::new(NOON, [job]);
        stage.trigger("a");
        for (number, wait) in (1..).zip(waits) {
            stage.exits(&format!("a#{number}"), 1);
            // Without a wait it is there already.
            let waited = if *wait == 0.0 { 0.0 } else { stage.wait_for_spawn() };
            assert_eq!(waited, *wait, "retry {number}");
        }
        let last = waits.len() + 1;
        stage.exits(&format!("a#{last}"), 1);
        assert_eq!(stage.engine.patience(stage.now), None, "nothing follows");
        for number in 2..=last {
            let run = stage.run(&format!("a#{number}"));
            let before = stage.run(&format!("a#{}", number - 1));
            assert_eq!((run.retry_attempt as usize, run.retry_of), (number - 1, Some(before.id)));
            assert_eq!(run.trigger, Trigger::Api, "the source of the first one");
        }
    }
}

#[test]
fn only_failures_of_real_runs_are_repeated() {
    use ExitHow::{Code, Signal};
    for (how, cause, is_repeated) in [
        (Code(0), None, false),
        (Code(1), None, true),
        (Code(0), Some(Cause::Timeout), true),
        (Signal(9), Some(Cause::LogOverflow), true),
        (Signal(15), Some(Cause::Operator), false),
        (Signal(15), Some(Cause::DiskPressure), false),
        (ExitHow::NotStarted("insufficient disk space".into()), None, true),
    ] {
        let mut stage = Stage::new(NOON, [retrying(1, 1, Backoff::Constant)]);
        stage.trigger("a");
        stage.ends("a#1", how, cause);
        assert_eq!(stage.engine.patience(stage.now).is_some(), is_repeated, "{}", stage.row("a#1"));
    }
}

#[test]
fn only_what_counts_for_its_job_is_repeated() {
    let narrow = Failures { reasons: vec![], codes: vec![3..=5], output: Arc::new([]) };
    for (code, counts) in [(1, false), (3, true), (5, true), (6, false)] {
        let job = retrying(1, 1, Backoff::Constant);
        let mut stage = Stage::new(NOON, [Job { failures: Arc::new(narrow.clone()), ..job }]);
        stage.trigger("a");
        stage.exits("a#1", code);
        let Phase::Ended { end, .. } = stage.run("a#1").phase else { panic!("it ran") };
        assert_eq!((end.reason, end.is_failure), (EndReason::Failed, counts), "{code}");
        assert_eq!(stage.engine.patience(stage.now).is_some(), counts, "{code}");
        // The next daemon knows it from the row.
        let job = retrying(1, 1, Backoff::Constant);
        let stage = stage.reboot("2026-05-07T12:00:00.5Z", [job]);
        assert_eq!(stage.engine.patience(stage.now).is_some(), counts, "{code}");
    }
}

#[test]
fn a_refusal_is_a_failure_where_its_job_says_so() {
    let strict = Failures { reasons: vec![EndReason::Skipped], ..Failures::default() };
    let job = retrying(1, 1, Backoff::Constant).with(|task| task.on_overlap = Overlap::Skip);
    let mut stage = Stage::new(NOON, [Job { failures: Arc::new(strict), ..job }]);
    stage.trigger("a");
    stage.trigger("a");
    let Phase::Ended { end, .. } = stage.run("a#2").phase else { panic!("it is refused") };
    assert_eq!((end.reason, end.is_failure), (EndReason::Skipped, true));
    assert_eq!(stage.engine.patience(stage.now), None, "there is nothing to repeat");
}

#[test]
fn a_line_of_output_makes_a_success_a_failure_and_nothing_else() {
    for (how, cause, end) in [
        (ExitHow::Code(0), None, "failed 0 (output matched /ERR.*/)"),
        (ExitHow::Code(3), None, "failed 3"),
        (ExitHow::Code(0), Some(Cause::Operator), "stopped 0"),
        (ExitHow::Code(0), Some(Cause::Timeout), "timeout 0"),
    ] {
        let mut stage = Stage::new(NOON, [retrying(0, 1, Backoff::Constant)]);
        stage.trigger("a");
        let run = stage.run("a#1").id;
        let exit = Exit::new(how, cause, LogTotals::default(), stage.now.wall);
        let matched = Some("ERR.*".to_owned());
        stage.tell(Input::Exited { run, exit: Exit { matched, ..exit } });
        assert_eq!(stage.row("a#1"), end);
    }
}

#[test]
fn a_retry_asks_for_a_slot_like_anybody_else() {
    for (policy, third) in [
        (Overlap::Queue, "pending"),
        (Overlap::Skip, "skipped -1 (task already running, skipping (policy: skip))"),
        (Overlap::Terminate, "pending"),
    ] {
        let job = retrying(1, 5, Backoff::Constant).with(|task| task.on_overlap = policy);
        let mut stage = Stage::new(NOON, [job]);
        stage.trigger("a");
        stage.exits("a#1", 1);
        stage.trigger("a");
        stage.pass(secs(5));
        assert_eq!(stage.row("a#3"), third);
        assert_eq!(stage.run("a#3").retry_of, Some(stage.run("a#1").id));
        let stopped = usize::from(policy == Overlap::Terminate);
        assert_eq!(stage.heard_of("stop a#2").len(), stopped);
    }
}

#[test]
fn a_wait_ignores_the_wall_clock_and_a_slow_disk() {
    for jump in [SignedDuration::from_hours(1), SignedDuration::from_hours(-1)] {
        let mut stage = Stage::new(NOON, [retrying(1, 60, Backoff::Constant)]);
        stage.trigger("a");
        stage.hold_disk();
        stage.exits("a#1", 1);
        stage.jump(jump);
        stage.stall(secs(20));
        stage.release_disk();
        assert_eq!(stage.wait_for_spawn(), 40.0);
    }
}

#[test]
fn a_task_restarts_without_a_limit_and_faster_again_after_a_long_run() {
    let mut stage = Stage::new(NOON, [restarting()]);
    stage.trigger("a");
    for (number, wait) in (1..).zip([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]) {
        stage.exits(&format!("a#{number}"), 1);
        assert_eq!(stage.wait_for_spawn(), wait);
    }
    stage.starts("a#9");
    stage.pass(secs(60));
    stage.exits("a#9", 1);
    assert_eq!(stage.wait_for_spawn(), 1.0);
    assert_eq!(stage.run("a#10").retry_attempt, 9);
    stage.exits("a#10", 0);
    assert_eq!(stage.engine.patience(stage.now), None, "until it succeeds");
}

#[test]
fn a_wait_survives_the_daemon() {
    for (back_at, wait) in [
        ("2026-05-07T12:00:30Z", 30.0),
        ("2026-05-07T12:05:00Z", 0.0),
        ("2026-05-07T12:11:00Z", 0.0),
        // The clock was set back meanwhile.
        ("2026-05-07T11:00:00Z", 60.0),
    ] {
        let job = retrying(1, 60, Backoff::Constant);
        let mut stage = Stage::new(NOON, [job.clone()]);
        stage.trigger("a");
        stage.exits("a#1", 1);
        let before = stage.run("a#1").id;
        let mut stage = stage.reboot(back_at, [job]);
        if wait == 0.0 {
            stage.pass(Duration::from_millis(1));
        } else {
            assert_eq!(stage.wait_for_spawn(), wait, "{back_at}");
        }
        assert_eq!(stage.run("a#1").retry_of, Some(before), "{back_at}");
    }
}

#[test]
fn a_wait_that_is_over_for_ten_minutes_is_not_taken_up_again() {
    let job = retrying(1, 60, Backoff::Constant);
    let mut stage = Stage::new(NOON, [job.clone()]);
    stage.trigger("a");
    stage.exits("a#1", 1);
    let stage = stage.reboot("2026-05-07T12:11:01Z", [job]);
    assert_eq!(stage.engine.patience(stage.now), None);
}

#[test]
fn a_run_that_runs_alone_keeps_the_engine_until_its_last_retry() {
    let jobs = [retrying(1, 5, Backoff::Constant)];
    let mut stage = Stage::boot(NOON, jobs, Database::default(), Lifetime::UntilIdle);
    stage.trigger("a");
    stage.exits("a#1", 1);
    assert_eq!(stage.heard_of("quit"), [""; 0]);
    stage.pass(secs(5));
    stage.hold_disk();
    stage.exits("a#2", 1);
    assert_eq!(stage.heard_of("quit"), [""; 0], "its end is not durable yet");
    stage.release_disk();
    assert_eq!(stage.heard_of("quit"), ["quit 0"]);
}

#[test]
fn a_chain_that_was_refused_a_slot_is_not_taken_up_again() {
    let job = retrying(1, 60, Backoff::Constant).with(|task| task.on_overlap = Overlap::Skip);
    let mut stage = Stage::new(NOON, [job.clone()]);
    stage.trigger("a");
    stage.exits("a#1", 1);
    stage.trigger("a");
    stage.pass(secs(60));
    assert!(stage.row("a#3").starts_with("skipped"));
    let mut stage = stage.reboot("2026-05-07T12:02:00Z", [job]);
    assert_eq!(stage.wait_for_spawn(), 60.0, "the one that crashed");
    assert_eq!(stage.engine.patience(stage.now), None, "and nobody else");
}
