//! docs/running.md, Health checks, Order of services; and how a service is given up.

use std::sync::Arc;
use std::time::Duration;

use super::stage::{Stage, secs};
use crate::engine::Input;
use crate::engine::sample::{schedule, service};
use crate::model::event::InstanceState;
use crate::model::job::{Backoff, Job, JobName, Verb};
use crate::model::run::{Cause, ExitHow};
use crate::model::service::{HealthCheck, Probe, Restart, Service, Target};

const NOON: &str = "2026-05-07T12:00:00Z";

fn named(name: &str, alter: impl FnOnce(&mut Service)) -> Job {
    service(name).with_service(alter)
}

fn checked(name: &str) -> Job {
    named(name, |service| {
        service.healthy_after = secs(30);
        service.health_check = Some(Arc::new(HealthCheck {
            probe: Probe::Tcp(Target { host: "localhost".to_owned(), port: 1 }),
            schedule: schedule("@every 10s", "UTC"),
            timeout: secs(5),
            attempts: 2,
            delay: secs(5),
            backoff: Backoff::Constant,
        }));
    })
}

impl Stage {
    fn checks(&mut self, run: &str, result: Result<(), &str>) {
        let run = self.run(run).id;
        self.tell(Input::Checked { run, result: result.map_err(str::to_owned) });
    }

    fn states(&self, job: &str) -> Vec<InstanceState> {
        let standing = self.engine.standings().find(|it| it.job == JobName::new(job)).unwrap();
        standing.instances.iter().map(|instance| instance.state).collect()
    }
}

#[test]
fn a_replica_that_fails_to_start_too_often_is_given_up_in_a_row_of_its_own() {
    let mut stage = Stage::new(NOON, [named("s", |service| service.restart_attempts = 2)]);
    for run in ["s#1", "s#2", "s#3"] {
        stage.starts(run);
        stage.pass(secs(59));
        stage.exits(run, 7);
        if run != "s#3" {
            stage.wait_for_spawn();
        }
    }
    assert_eq!(
        stage.heard_of("ended").last().unwrap(),
        "ended s#4: start_failed -1 (3 starts in a row failed; start it by hand when that is mended)"
    );
    assert_eq!(stage.states("s"), [InstanceState::Fatal]);
    let raised: Vec<_> = stage.raised().iter().map(|alert| alert.kind.as_str()).collect();
    assert_eq!(raised.last(), Some(&"service.fatal"));
    stage.pass(secs(86_400));
    assert_eq!(stage.heard_of("spawn"), [""; 0], "nobody tries again");
    // By hand it starts, and has all its tries again.
    stage.operate("s", Verb::Start);
    assert_eq!(stage.heard_of("spawn"), ["spawn s#5"]);
    stage.exits("s#5", 7);
    stage.wait_for_spawn();
}

#[test]
fn a_clean_exit_and_a_healthy_run_start_the_count_over() {
    let job = named("s", |service| service.restart_attempts = 1);
    let mut stage = Stage::new(NOON, [job]);
    for (number, lasts, code) in [(1, 0, 1), (2, 0, 0), (3, 0, 1), (4, 60, 1), (5, 0, 1)] {
        let run = format!("s#{number}");
        stage.starts(&run);
        stage.pass(secs(lasts));
        stage.exits(&run, code);
        stage.wait_for_spawn();
    }
    stage.exits("s#6", 1);
    assert_eq!(stage.states("s"), [InstanceState::Fatal]);
}

#[test]
fn restart_says_who_is_followed() {
    for (restart, code, state) in [
        (Restart::Always, 0, InstanceState::Backoff),
        (Restart::OnFailure, 0, InstanceState::Finished),
        (Restart::OnFailure, 3, InstanceState::Backoff),
        (Restart::Never, 3, InstanceState::Finished),
    ] {
        let mut stage = Stage::new(NOON, [named("s", |service| service.restart = restart)]);
        stage.exits("s#1", code);
        assert_eq!(stage.states("s"), [state], "{restart:?} {code}");
        // A person is obeyed, whatever it says.
        stage.operate("s", Verb::Restart);
        assert_eq!(stage.heard_of("spawn").last().unwrap(), "spawn s#2", "{restart:?} {code}");
        stage.operate("s", Verb::Restart);
        stage.ends("s#2", ExitHow::Signal(15), Some(Cause::Operator));
        stage.pass(secs(1));
        assert_eq!(stage.heard_of("spawn"), ["spawn s#3"], "{restart:?} {code}");
    }
}

#[test]
fn a_service_without_autostart_waits_for_somebody() {
    let mut stage = Stage::new(NOON, [named("s", |service| service.autostart = false)]);
    assert_eq!(stage.heard_of("spawn"), [""; 0]);
    assert_eq!(stage.states("s"), [InstanceState::Stopped]);
    stage.operate("s", Verb::Start);
    assert_eq!(stage.heard_of("spawn"), ["spawn s#1"]);
}

#[test]
fn without_a_check_time_shows_that_a_replica_is_well() {
    let mut stage = Stage::new(NOON, [named("s", |service| service.healthy_after = secs(5))]);
    stage.starts("s#1");
    stage.pass(secs(4));
    assert_eq!(stage.states("s"), [InstanceState::Starting]);
    stage.pass(secs(1));
    assert_eq!(stage.states("s"), [InstanceState::Healthy]);
}

#[test]
fn a_check_that_never_passes_is_a_failed_start_and_one_that_fails_later_an_end() {
    let mut stage = Stage::new(NOON, [checked("s")]);
    stage.starts("s#1");
    stage.pass(secs(29));
    assert_eq!(stage.heard_of("stop"), [""; 0]);
    stage.pass(secs(1));
    assert_eq!(stage.heard_of("stop"), ["stop s#1 Unhealthy"]);
    stage.ends("s#1", ExitHow::Signal(15), Some(Cause::Unhealthy));
    assert_eq!(stage.row("s#1"), "unhealthy 143 (no health check passed within 30s)");
    assert_eq!(stage.wait_for_spawn(), 1.0);
    stage.starts("s#2");
    stage.checks("s#2", Ok(()));
    assert_eq!(stage.states("s"), [InstanceState::Healthy]);
    stage.pass(secs(100));
    stage.checks("s#2", Err("health check failed: no answer"));
    stage.ends("s#2", ExitHow::Code(0), Some(Cause::Unhealthy));
    assert_eq!(stage.row("s#2"), "unhealthy 0 (health check failed: no answer)");
    let standing = stage.engine.standings().next().unwrap();
    assert_eq!(standing.instances[0].failed, 0, "it had started well");
    let raised: Vec<_> = stage.raised().iter().map(|alert| alert.kind.as_str()).collect();
    assert_eq!(raised, ["service.unhealthy", "run.recovered", "service.unhealthy"]);
}

#[test]
fn services_start_by_priority_when_what_they_depend_on_is_well_and_leave_in_reverse() {
    let needs = |name: &str, needs: &str| {
        named(name, |service| service.depends_on = [JobName::new(needs)].into())
    };
    let first = named("z", |service| service.priority = -1);
    let mut stage =
        Stage::new(NOON, [needs("app", "db"), checked("db"), needs("web", "app"), first]);
    assert_eq!(stage.heard_of("spawn"), ["spawn z#1", "spawn db#1"]);
    assert_eq!(stage.states("app"), [InstanceState::Waiting]);
    stage.starts("db#1");
    stage.checks("db#1", Ok(()));
    assert_eq!(stage.heard_of("spawn"), ["spawn app#1"]);
    // What takes too long is not waited for.
    stage.starts("app#1");
    stage.exits("app#1", 1);
    stage.pass(Duration::from_millis(57_000));
    assert_eq!(stage.heard_of("anyway"), [""; 0]);
    stage.pass(secs(3));
    assert_eq!(stage.heard_of("anyway"), ["anyway web without app"]);
    let running = ["app#2", "db#1", "web#1", "z#1"];
    running.iter().filter(|run| **run != "db#1").for_each(|run| stage.starts(run));
    stage.heard();
    stage.shut_down();
    assert_eq!(stage.heard_of("stop "), ["stop z#1 Shutdown", "stop web#1 Shutdown"]);
    stage.ends("web#1", ExitHow::Signal(15), Some(Cause::Shutdown));
    assert_eq!(stage.heard_of("stop "), ["stop app#2 Shutdown"]);
    stage.ends("z#1", ExitHow::Signal(15), Some(Cause::Shutdown));
    assert_eq!(stage.heard_of("stop "), [""; 0]);
    stage.ends("app#2", ExitHow::Signal(15), Some(Cause::Shutdown));
    assert_eq!(stage.heard_of("stop "), ["stop db#1 Shutdown"]);
    stage.ends("db#1", ExitHow::Signal(15), Some(Cause::Shutdown));
    assert_eq!(stage.heard_of("quit"), ["quit 0"]);
}
