//! docs/notifications.md, Events.

use std::sync::Arc;

use super::stage::{Stage, secs};
use crate::engine::Input;
use crate::engine::Lifetime;
use crate::engine::sample::{service, task};
use crate::engine::simulator::database::Database;
use crate::model::alert::{Detail, Kind, Kinds};
use crate::model::failures::Failures;
use crate::model::job::Job;
use crate::model::notifier::{Expect, JobAlerts};
use crate::model::run::{Cause, EndReason, ExitHow, Pressure};

const NOON: &str = "2026-05-07T12:00:00Z";
const ALL: Kinds = Kinds::of(&Kind::ALL);

fn expecting(expect: Expect) -> Job {
    let alerts = Arc::new(JobAlerts { expect, ..JobAlerts::default() });
    Job { alerts, raises: ALL, ..task("a") }
}

fn kinds(stage: &mut Stage) -> Vec<&'static str> {
    stage.raised().iter().map(|alert| alert.kind.as_str()).collect()
}

#[test]
fn each_end_is_told_as_what_it_is() {
    use ExitHow::{Code, NotStarted, Signal};
    for (how, cause, kind) in [
        (Code(0), None, "run.succeeded"),
        (Code(1), None, "run.failed"),
        (Signal(11), None, "run.failed"),
        (NotStarted("no shell".to_owned()), None, "run.failed"),
        (Code(0), Some(Cause::Timeout), "run.timeout"),
        (Signal(15), Some(Cause::LogOverflow), "run.failed"),
        (Signal(15), Some(Cause::DiskPressure), "run.stopped"),
        (Signal(15), Some(Cause::Operator), "run.stopped"),
    ] {
        let mut stage = Stage::new(NOON, [Job { raises: ALL, ..task("a") }]);
        stage.trigger("a");
        stage.starts("a#1");
        stage.ends("a#1", how.clone(), cause);
        let raised = stage.raised();
        let [started, ended] = &raised[..] else { panic!("{raised:?}") };
        assert_eq!(started.kind, Kind::RunStarted);
        assert_eq!(ended.kind.as_str(), kind, "{how:?}");
        let end = ended.run.as_ref().unwrap().end.as_ref().unwrap();
        assert_eq!(end.cause, cause);
        assert_eq!(end.signal, if let Signal(signal) = how { Some(signal) } else { None });
    }
}

#[test]
fn nothing_is_raised_that_nobody_wants_to_hear_of() {
    let silent = Job { raises: Kinds::default(), ..task("a") };
    let mut stage = Stage::boot(NOON, [silent], Database::default(), Lifetime::UntilIdle);
    stage.trigger("a");
    stage.starts("a#1");
    stage.exits("a#1", 0);
    assert_eq!(kinds(&mut stage), [""; 0]);
}

#[test]
fn a_success_is_told_when_a_failure_was_also_over_a_restart() {
    let mut stage = Stage::new(NOON, [task("a")]);
    for (number, code) in [(1, 0), (2, 1), (3, 1)] {
        stage.trigger("a");
        stage.exits(&format!("a#{number}"), code);
    }
    assert_eq!(kinds(&mut stage), ["run.failed", "run.failed"]);
    let mut stage = stage.reboot("2026-05-07T13:00:00Z", [task("a")]);
    for number in 1..=2 {
        stage.trigger("a");
        stage.exits(&format!("a#{number}"), 0);
    }
    assert_eq!(kinds(&mut stage), ["run.succeeded"]);
}

#[test]
fn a_run_that_was_cut_off_is_told_by_the_next_daemon() {
    let mut stage = Stage::new(NOON, [task("a")]);
    stage.trigger("a");
    let mut stage = stage.reboot(NOON, [task("a")]);
    let raised = stage.raised();
    assert_eq!(raised[0].kind, Kind::RunCrashed);
    let end = raised[0].run.as_ref().unwrap().end.as_ref().unwrap();
    assert_eq!(end.reason, EndReason::Crashed);
}

#[test]
fn who_waits_too_long_is_late_once_and_who_starts_in_time_is_not() {
    let expect = Expect { start_within: Some(secs(120)), ..Expect::default() };
    let mut stage = Stage::new(NOON, [expecting(expect)]);
    stage.trigger("a");
    stage.starts("a#1");
    stage.trigger("a");
    stage.trigger("a");
    stage.pass(secs(119));
    assert_eq!(kinds(&mut stage), ["run.started"]);
    stage.stop_run("a#3");
    stage.pass(secs(600));
    let raised = stage.raised();
    let late: Vec<_> = raised.iter().filter(|alert| alert.kind == Kind::RunLate).collect();
    assert_eq!(late.len(), 1);
    assert_eq!(late[0].run.as_ref().unwrap().id, stage.run("a#2").id);
    assert_eq!(late[0].detail, Detail::AtMost(secs(120)));
}

#[test]
fn a_run_that_takes_too_long_is_told_while_it_runs_and_one_that_is_over_is_not() {
    let expect = Expect { at_most: Some(secs(60)), ..Expect::default() };
    let mut stage = Stage::new(NOON, [expecting(expect)]);
    stage.trigger("a");
    stage.starts("a#1");
    stage.pass(secs(59));
    stage.exits("a#1", 0);
    stage.trigger("a");
    stage.starts("a#2");
    stage.pass(secs(61));
    let told = kinds(&mut stage);
    assert_eq!(told, ["run.started", "run.succeeded", "run.started", "run.too_long"]);
    assert_eq!(stage.row("a#2"), "running");
    stage.exits("a#2", 0);
    stage.pass(secs(600));
    assert_eq!(kinds(&mut stage), ["run.succeeded"]);
    assert_eq!(stage.engine.patience(stage.now), None, "no timer is left behind");
}

#[test]
fn a_success_that_is_too_short_or_too_quiet_is_told_as_both_what_it_is_and_is_not() {
    for (expect, kind) in [
        (Expect { at_least: Some(secs(300)), ..Expect::default() }, "run.too_short"),
        (Expect { output_min: Some(1), ..Expect::default() }, "run.too_quiet"),
    ] {
        let mut stage = Stage::new(NOON, [expecting(expect)]);
        stage.trigger("a");
        stage.exits("a#1", 1);
        stage.trigger("a");
        stage.exits("a#2", 0);
        assert_eq!(kinds(&mut stage), ["run.failed", "run.succeeded", kind]);
    }
}

#[test]
fn what_counts_as_a_failure_is_what_the_job_says() {
    let failures =
        Failures { reasons: vec![EndReason::Stopped], codes: vec![7..=9], ..Failures::default() };
    let job = Job { failures: Arc::new(failures), raises: ALL, ..task("a") };
    for (code, cause, kind) in [
        (8, None, "run.failed"),
        (1, None, "run.succeeded"),
        (0, None, "run.succeeded"),
        (15, Some(Cause::Operator), "run.failed"),
        (15, Some(Cause::Timeout), "run.stopped"),
    ] {
        let mut stage = Stage::new(NOON, [job.clone()]);
        stage.trigger("a");
        stage.ends("a#1", ExitHow::Code(code), cause);
        assert_eq!(kinds(&mut stage), [kind], "{code} {cause:?}");
    }
}

#[test]
fn a_disk_that_gets_full_is_told_with_its_figures() {
    let mut stage = Stage::new(NOON, [Job { raises: ALL, ..task("a") }]);
    stage.trigger("a");
    let run = stage.run("a#1").id;
    let pressure = Pressure { free: 5, min: 10, stopped: true };
    stage.tell(Input::Pressed { run, pressure });
    let raised = stage.raised();
    assert_eq!(raised[0].kind, Kind::DiskPressure);
    assert_eq!(raised[0].detail, Detail::Disk { free: 5, min: 10, stopped: true });
}

#[test]
fn a_replica_that_lasts_ends_the_trouble_of_its_service() {
    let mut stage = Stage::new(NOON, [service("a")]);
    stage.starts("a#1");
    stage.pass(secs(120));
    stage.exits("a#1", 1);
    stage.wait_for_spawn();
    stage.starts("a#2");
    stage.exits("a#2", 1);
    stage.wait_for_spawn();
    stage.starts("a#3");
    stage.pass(secs(59));
    assert_eq!(kinds(&mut stage), ["run.failed", "run.failed"]);
    stage.pass(secs(2));
    assert_eq!(kinds(&mut stage), ["run.recovered"]);
    stage.pass(secs(3600));
    assert_eq!(kinds(&mut stage), [""; 0], "once");
    assert_eq!(stage.engine.patience(stage.now), None, "and nobody wakes up for it again");
}
