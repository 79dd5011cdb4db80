//! Stopping: bounded in time, nothing left behind, every row telling what happened.

use std::time::{Duration, Instant};

use crate::harness::daemon::PATIENCE;
use crate::harness::{Home, process, rows, wait_until};

/// docs/running.md, Stopping the daemon: 3 s in all.
const BUDGET: Duration = Duration::from_secs(3);
const MARGIN: Duration = Duration::from_millis(900);

#[test]
fn an_idle_daemon_ends_at_once_on_either_signal() {
    for name in ["TERM", "INT"] {
        let home = Home::new("[tasks.x]\nrun = \"true\"\n");
        let mut daemon = home.start();
        let asked = Instant::now();
        daemon.signal(name);
        assert_eq!(daemon.wait().code(), Some(0), "SIG{name}");
        assert!(asked.elapsed() < Duration::from_secs(1), "SIG{name}: {:?}", asked.elapsed());
        assert!(home.read("stderr").contains(&format!("SIG{name}")), "the signal is named");
        assert!(home.read("stderr").contains("stopped dur="), "and how long it took");
    }
}

#[test]
fn a_hangup_ends_nothing() {
    let home = Home::new("[tasks.x]\nrun = \"true\"\n");
    let daemon = home.start();
    daemon.signal("HUP");
    wait_until("it is said", PATIENCE, || home.read("stderr").contains("reload"));
    assert!(daemon.is_healthy());
    daemon.stop_well();
}

#[test]
fn runs_in_flight_are_stopped() {
    let home = Home::new(
        "[tasks.long]\nrun_on_start = true\nretry_attempts = 3\nretry_delay = \"0s\"
         run = \"echo begun; sleep 600\"\n
         [tasks.tidy]\nrun_on_start = true\nrun = \"trap 'echo tidied; exit 5' TERM; echo begun; while :; do sleep 0.05; done\"\n
         [services.web]\ninstances = 2\nrun = \"echo begun; exec sleep 601\"\n",
    );
    let daemon = home.start();
    wait_until("all have begun", PATIENCE, || {
        let begun =
            |task| home.rows(task).iter().filter(|row| home.log(row).contains("begun")).count();
        begun("long") == 1 && begun("tidy") == 1 && begun("web") == 2
    });
    let marks = process::children(daemon.pid());
    assert_eq!(marks.len(), 4);
    let (status, took) = daemon.stop();
    assert_eq!(status.code(), Some(0));
    assert!(took < BUDGET, "{took:?}");
    for pid in marks {
        assert!(!process::is_alive(pid));
    }
    assert_eq!(home.rows("long").iter().map(|row| row.end()).collect::<Vec<_>>(), ["stopped 143"]);
    let tidy = &home.rows("tidy")[0];
    assert_eq!(tidy.end(), "stopped 5", "a run that tidies up keeps its own code");
    assert!(home.log(tidy).contains("tidied"));
    assert_eq!(home.rows("web").len(), 2);
    assert!(home.rows("web").iter().all(|row| row.end() == "stopped 143"));
}

#[test]
fn a_run_that_ignores_the_signal_is_killed_in_time_and_named() {
    let home = Home::new(
        "[tasks.stubborn]\nrun_on_start = true
         run = \"trap '' TERM; echo begun; sleep 602 & while :; do sleep 0.2; done\"\n
         [tasks.tick]\ncron = \"* * * * * *\"\nrun = \"true\"\n",
    );
    let daemon = home.start();
    wait_until("it has begun", PATIENCE, || {
        home.rows("stubborn").first().is_some_and(|row| home.log(row).contains("begun"))
    });
    let ticks = home.rows("tick").len();
    let asked = jiff::Timestamp::now();
    let (status, took) = daemon.stop();
    assert_eq!(status.code(), Some(0));
    assert!(took > BUDGET - MARGIN && took < BUDGET + MARGIN, "{took:?}");
    assert_eq!(process::in_directory(home.dir()), [0; 0]);
    assert!(home.read("stderr").contains("stubborn"), "the blocker is named");
    // What did not end in time has no end yet; the next start knows.
    assert_eq!(home.rows("stubborn")[0].status, "running");
    let late = home.rows("tick").iter().skip(ticks).filter(|row| row.created_at > asked).count();
    assert!(late <= 1, "no run starts once the end has begun");

    let daemon = home.start();
    assert_eq!(home.rows("stubborn")[0].end(), "crashed -2");
    daemon.signal("TERM");
}

#[test]
fn a_second_signal_ends_everything_at_once() {
    let home = Home::new(
        "[tasks.stubborn]\nrun_on_start = true
         run = \"trap '' TERM; echo begun; while :; do sleep 0.2; done\"\n",
    );
    let mut daemon = home.start();
    wait_until("it has begun", PATIENCE, || {
        home.rows("stubborn").first().is_some_and(|row| home.log(row).contains("begun"))
    });
    daemon.signal("TERM");
    wait_until("the first is heard", PATIENCE, || home.read("stderr").contains("SIGTERM"));
    let asked = Instant::now();
    daemon.signal("TERM");
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert!(home.read("stderr").contains("killed before they had ended: stubborn/"));
    assert_eq!(process::in_directory(home.dir()), [0; 0]);
    assert_eq!(home.rows("stubborn")[0].status, "running");
}

#[test]
fn a_grace_time_within_the_budget_still_ends_as_stopped() {
    let home = Home::new(
        "[tasks.stubborn]\nrun_on_start = true\ngraceful_stop = \"500ms\"
         run = \"trap '' TERM; echo begun; while :; do sleep 0.1; done\"\n",
    );
    let daemon = home.start();
    wait_until("it has begun", PATIENCE, || {
        home.rows("stubborn").first().is_some_and(|row| home.log(row).contains("begun"))
    });
    let (_, took) = daemon.stop();
    assert!(took < Duration::from_millis(1500), "{took:?}");
    assert_eq!(home.rows("stubborn")[0].end(), "stopped 137");
}

#[test]
fn what_waits_in_line_waits_over_a_restart() {
    let home = Home::new(
        "[tasks.slow]\ncron = \"* * * * * *\"\non_overlap = \"queue\"\ncatch_up = \"skip\"
         run = \"test -e go || sleep 600\"\n",
    );
    let daemon = home.start();
    let pending = "SELECT count(*) FROM runs WHERE status = 'pending'";
    wait_until("two wait", PATIENCE, || {
        home.data().join("runwisp.db").exists() && rows::value::<i64>(&home.data(), pending) >= 2
    });
    daemon.stop_well();
    let waiting: Vec<String> = home
        .rows("slow")
        .into_iter()
        .filter(|row| row.status == "pending")
        .map(|row| row.id)
        .collect();
    assert!(waiting.len() >= 2, "they are not thrown away");
    home.write("go", "");
    let daemon = home.start();
    wait_until("they ran, in order", PATIENCE, || {
        let done: Vec<_> =
            home.rows("slow").into_iter().filter(|row| waiting.contains(&row.id)).collect();
        done.iter().all(|row| row.end() == "success 0") && done.is_sorted_by_key(|row| row.start_at)
    });
    daemon.stop_well();
}
