//! A busy daemon is ended again and again, at moments that nobody chose: by SIGKILL, by SIGTERM, and
//! with its clock set meanwhile. After each end, and after the next start, rows, anchors, logs and
//! processes are compared with what was seen before.
//!
//! | Variable | |
//! |---|---|
//! | `RUNWISP_RIG_KILLS` | how many ends of each kind, 10 unless set; 300 for the long form |
//! | `RUNWISP_RIG_SEED` | where the random numbers begin; every failure names it |
//!
//! The clock is set by a library of a few lines, `crash/set_clock.c`, preloaded into the daemon and not
//! into its jobs: it adds what a file says to every look at the wall clock. The monotonic clock stays
//! real, as it does when somebody sets a clock. libfaketime does more than that: it moves timers
//! too, and a timer that is due at the end of time is then refused. A time namespace has no wall clock,
//! and the host's own clock belongs to others. What no library can do is to cancel the timer that
//! tells the daemon of a set clock: here it notices at its next look, within the second that its
//! busiest schedule lets it sleep. That timer has its test in `src/sys/clock.rs`, and under a real kernel
//! in `tests/systemd`.

mod jobs;
mod ledger;
mod rig;
mod set_clock;
mod ticks;
mod written;

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use crate::harness::daemon::PATIENCE;
use crate::harness::{Daemon, process, rows, skip, wait_until};
use ledger::Clock;
use rig::Rig;
use set_clock::SetClock;

#[test]
fn killed_at_any_moment_every_run_ends_once_and_none_runs_twice() {
    let home = Rig::home();
    let mut rig = Rig::new("SIGKILL", &home, Clock::Steady);
    while rig.next_end() {
        let daemon = rig.launch(|_| ());
        rig.live(&daemon);
        rig.kill(daemon);
    }
    rig.finish(|_| ());
}

#[test]
fn stopped_at_any_moment_every_run_is_stopped_and_nothing_is_left() {
    let home = Rig::home();
    let mut rig = Rig::new("SIGTERM", &home, Clock::Steady);
    while rig.next_end() {
        let daemon = rig.launch(|_| ());
        rig.live(&daemon);
        stop(&mut rig, daemon);
    }
    rig.finish(|_| ());
}

/// SIGTERM, and now and then a second one before the first is done with.
fn stop(rig: &mut Rig, mut daemon: Daemon) {
    let before = rows::all(&rig.home.data()).len();
    daemon.signal("TERM");
    let is_impatient = rig.random.below(3) == 0;
    if is_impatient {
        rig.random.wait(Duration::from_millis(300));
        // It may be gone already, which is as good.
        let _ = std::process::Command::new("kill")
            .args(["-TERM", &daemon.pid().to_string()])
            .stderr(std::process::Stdio::null())
            .status();
    }
    let status = daemon.wait();
    drop(daemon);
    let said = rig.said();
    let after = rows::all(&rig.home.data());
    // Before it listens for signals a daemon dies of one; it has done nothing yet.
    let is_early = status.signal() == Some(15) && !said.contains("ready") && after.len() == before;
    rig.expect(status.code() == Some(0) || is_early, || format!("{status}; it said {said}"));
    if !is_early {
        for file in ["daemon.pid", "runwisp.sock"] {
            rig.expect(!rig.home.data().join(file).exists(), || format!("{file} is left"));
        }
        let torn = "SELECT count(*) FROM daemon_sessions WHERE stopped_at IS NULL";
        let torn: i64 = rows::value(&rig.home.data(), torn);
        rig.expect(torn == 0, || format!("{torn} lives without an end"));
    }
    wait_until("the processes are gone", PATIENCE, || rig.processes().is_empty());
    for row in after.iter().filter(|row| row.status == "running") {
        // Unless it was too early for anything to be known of an end.
        let is_named = said.contains("killed before they had ended") && said.contains(&row.id);
        rig.expect(is_named || is_early, || format!("unnamed and without an end: {row:?}"));
    }
    rig.look();
}

#[test]
fn with_the_clock_set_meanwhile_nothing_storms_nothing_waits_and_every_run_ends_once() {
    let home = Rig::home();
    let Some(clock) = SetClock::new(&home) else {
        return skip("there is no C compiler for the library that sets the clock under a daemon");
    };
    let mut rig = Rig::new("set clock", &home, Clock::Set);
    while rig.next_end() {
        if rig.random.below(4) == 0 {
            step(&mut rig, &clock);
        }
        let daemon = rig.launch(|command| clock.preload(command));
        let is_ready = rig.live(&daemon);
        let by = step(&mut rig, &clock);
        if is_ready && rig.random.below(2) == 0 {
            follow(&rig, &clock, &daemon, by);
        }
        rig.random.wait(Duration::from_millis(200));
        rig.kill(daemon);
        // As text order is time order, lists must stand times that are not in order.
        let output = rig.home.run(["history", "-n", "50"]);
        rig.expect(output.status.success(), || format!("history: {output:?}"));
    }
    rig.finish(|command| clock.preload(command));
}

/// Sets the clock, by a second, by just what is no jump, an hour, or more than a day.
fn step(rig: &mut Rig, clock: &SetClock) -> i64 {
    let steps = [1, 90, 3600, 25 * 3600];
    let size = steps[rig.random.below(steps.len() as u64) as usize];
    // Not too far away from the truth after many steps.
    let is_back = match clock.offset() {
        far if far.abs() > 100 * 3600 => far > 0,
        _ => rig.random.below(2) == 0,
    };
    let by = if is_back { -size } else { size };
    clock.step(by);
    rig.offset = clock.offset();
    rig.passed.steps += 1;
    rig.passed.forward += by.max(0);
    rig.passed.back += (-by).max(0);
    by
}

/// The daemon notices a step that is a jump, goes on to tick, and leaves no anchor in the future.
fn follow(rig: &Rig, clock: &SetClock, daemon: &Daemon, by: i64) {
    if by.abs() <= 90 {
        return;
    }
    wait_until("the jump is noticed", PATIENCE, || {
        rig.said().contains(match by > 0 {
            true => "the wall clock jumped forward",
            false => "the wall clock jumped back",
        })
    });
    let before = rig.ticks();
    wait_until("it ticks", PATIENCE, || {
        assert!(process::is_alive(daemon.pid()));
        rig.ticks() > before
    });
    wait_until("no anchor lies in the future", PATIENCE, || {
        let anchors = rows::anchors(&rig.home.data());
        // Fixed hours do not come twice within three hours.
        anchors.iter().all(|(task, anchor)| task == "fixed" || *anchor <= clock.now())
    });
    daemon.wait_for_keys();
    let session = daemon.login();
    for path in [
        "/api/runs?limit=100",
        "/api/runs?sort=duration&limit=100",
        "/api/runs/summary",
        "/api/timeline",
        "/api/outcomes",
        "/api/tasks",
        "/api/tasks/each",
        "/api/tasks/each/days",
        "/api/upcoming",
        "/api/daemon/history",
    ] {
        let answer = session.get(path);
        rig.expect(answer.status < 500, || format!("{path}: {answer:?}"));
    }
}
