//! docs/running.md, Services.

use std::time::Duration;

use super::stage::{Stage, secs};
use crate::engine::sample::service;
use crate::model::job::{Backoff, Job, Verb};
use crate::model::run::{Cause, ExitHow, Trigger};

const NOON: &str = "2026-05-07T12:00:00Z";

fn replicas(instances: u16) -> Job {
    service("s").with_service(|service| service.instances = instances)
}

fn waiting(delay: Duration, backoff: Backoff) -> Job {
    service("s").with_service(|service| {
        service.restart_delay = delay;
        service.restart_backoff = backoff;
    })
}

#[test]
fn every_slot_is_filled_at_boot_in_order_of_name_and_index() {
    let mut other = replicas(1);
    other.name = crate::model::job::JobName::new("b");
    let mut stage = Stage::new(NOON, [replicas(3), other]);
    assert_eq!(stage.heard_of("spawn"), ["spawn b#1", "spawn s#1", "spawn s#2", "spawn s#3"]);
    for (name, replica) in [("s#1", 0), ("s#2", 1), ("s#3", 2)] {
        let run = stage.run(name);
        assert_eq!((run.replica, run.trigger), (replica, Trigger::Service));
    }
}

#[test]
fn quick_exits_wait_longer_each_time() {
    let (one, seven) = (secs(1), secs(7));
    for (job, waits) in [
        (waiting(one, Backoff::Exponential), [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]),
        (waiting(seven, Backoff::Linear), [7.0, 14.0, 21.0, 28.0, 35.0, 42.0, 49.0, 56.0]),
        (waiting(seven, Backoff::Constant), [7.0; 8]),
        // Never faster than every 100 ms.
        (waiting(Duration::ZERO, Backoff::Exponential), [0.1; 8]),
    ] {
        let mut stage = Stage::new(NOON, [job]);
        for (number, wait) in (1..).zip(waits) {
            // Clean or not is all the same.
            stage.exits(&format!("s#{number}"), number % 2);
            assert_eq!(stage.wait_for_spawn(), wait);
        }
    }
}

#[test]
fn a_run_of_a_minute_starts_the_count_over() {
    let mut stage = Stage::new(NOON, [service("s")]);
    for (number, lasts, wait) in [(1, 0, 1.0), (2, 59, 2.0), (3, 60, 1.0), (4, 0, 2.0)] {
        stage.starts(&format!("s#{number}"));
        stage.pass(secs(lasts));
        stage.exits(&format!("s#{number}"), 1);
        assert_eq!(stage.wait_for_spawn(), wait, "after {lasts} s");
    }
}

#[test]
fn slots_do_not_care_about_each_other() {
    let mut stage = Stage::new(NOON, [replicas(2)]);
    stage.exits("s#1", 1);
    stage.wait_for_spawn();
    stage.exits("s#3", 1);
    stage.exits("s#2", 1);
    assert_eq!(stage.wait_for_spawn(), 1.0, "the first exit of the second slot");
    assert_eq!(stage.run("s#4").replica, 1);
    assert_eq!(stage.wait_for_spawn(), 1.0, "the second exit of the first one");
    assert_eq!(stage.run("s#5").replica, 0);
    assert_eq!(stage.run("s#5").retry_of, Some(stage.run("s#3").id));
}

#[test]
fn a_stopped_replica_comes_back_at_once_and_a_timed_out_one_after_its_wait() {
    let mut stage = Stage::new(NOON, [service("s")]);
    stage.starts("s#1");
    stage.pass(secs(5));
    stage.stop_run("s#1");
    stage.heard();
    stage.ends("s#1", ExitHow::Signal(15), Some(Cause::Operator));
    assert_eq!(stage.heard_of("spawn"), ["spawn s#2"]);
    stage.ends("s#2", ExitHow::Signal(15), Some(Cause::Timeout));
    assert_eq!(stage.row("s#2"), "timeout 143");
    assert_eq!(stage.wait_for_spawn(), 1.0);
}

#[test]
fn a_full_disk_that_stops_a_replica_does_not_spin() {
    let mut stage = Stage::new(NOON, [service("s")]);
    for (number, wait) in [(1, 1.0), (2, 2.0), (3, 4.0)] {
        let name = format!("s#{number}");
        stage.ends(&name, ExitHow::Signal(15), Some(Cause::DiskPressure));
        assert_eq!(stage.row(&name), "stopped 143");
        assert_eq!(stage.wait_for_spawn(), wait);
    }
}

#[test]
fn a_restart_replaces_every_replica_without_a_wait() {
    let mut stage = Stage::new(NOON, [replicas(3)]);
    stage.pass(secs(5));
    // One waits for its turn, one dies by itself just now, one is well.
    stage.exits("s#1", 1);
    stage.hold_disk();
    stage.exits("s#2", 1);
    stage.heard();
    stage.operate("s", Verb::Restart);
    stage.release_disk();
    assert_eq!(stage.heard_of("stop"), ["stop s#3 Operator"]);
    stage.exits("s#3", 0);
    let replicas = ["s#4", "s#5", "s#6"].map(|name| stage.run(name).replica);
    assert_eq!(replicas, [0, 1, 2], "nobody waits");
}

#[test]
fn a_trigger_starts_the_lowest_free_slot() {
    let mut stage = Stage::new(NOON, [replicas(3)]);
    stage.exits("s#3", 1);
    stage.exits("s#2", 1);
    stage.heard();
    stage.trigger("s");
    stage.trigger("s");
    stage.trigger("s");
    assert_eq!(["s#4", "s#5"].map(|name| stage.run(name).replica), [1, 2]);
    assert_eq!(stage.run("s#4").trigger, Trigger::Api);
    assert_eq!(stage.heard_of("refused"), ["refused: no free replica slots"]);
    stage.pass(secs(120));
    assert_eq!(stage.heard_of("spawn"), [""; 0], "the waits they had are over");
}
