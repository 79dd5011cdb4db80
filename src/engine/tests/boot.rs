//! docs/running.md, Boot, Catch-up.

use jiff::Timestamp;

use super::stage::{Stage, secs};
use crate::engine::sample::{service, task};
use crate::engine::simulator::database::Database;
use crate::engine::{Engine, Lifetime};
use crate::model::alert::Kind;
use crate::model::job::{AfterFailure, Backoff, CatchUp, Job, Overlap, RunOnStart};
use crate::model::run::Trigger;

const TEN: &str = "2026-05-07T10:00:00Z";

fn every_five_minutes(catch_up: CatchUp) -> Job {
    task("a").scheduled("*/5 * * * *", "UTC").with(|task| task.catch_up = catch_up)
}

/// A daemon that handled the tick of 10:00 and died.
fn dead_since_ten(job: Job) -> Stage {
    let mut stage = Stage::new("2026-05-07T09:58:00Z", [job]).quick();
    stage.pass_until(TEN);
    stage
}

#[test]
fn a_running_row_has_crashed_and_a_waiting_one_finds_its_place() {
    let mut stage = Stage::new(TEN, [task("a")]);
    (0..4).for_each(|_| stage.trigger("a"));
    let mut stage = stage.reboot("2026-05-07T10:05:00Z", [task("a")]);
    let told = stage.heard();
    assert_eq!(told, ["ended old a: crashed -2", "spawn old a"]);
    let open: Vec<_> = stage.database.open().map(|run| run.phase.as_str()).collect();
    assert_eq!(open, ["running", "pending", "pending"], "in order of creation");
}

#[test]
fn rows_that_wait_are_judged_by_their_job() {
    let policy = |policy| task("a").with(move |task| task.on_overlap = policy);
    let mut same_name = service("s");
    same_name.name = crate::model::job::JobName::new("a");
    for (jobs, ends) in [
        (vec![policy(Overlap::Queue)], &[][..]),
        (vec![policy(Overlap::Skip)], &["no free slot after the daemon was restarted"]),
        (vec![policy(Overlap::Terminate)], &["no free slot after the daemon was restarted"]),
        (vec![same_name], &["the daemon was restarted"; 2]),
        (vec![task("b")], &["task is no longer configured"; 2]),
    ] {
        let mut stage = Stage::new(TEN, [task("a")]);
        (0..3).for_each(|_| stage.trigger("a"));
        let mut stage = stage.reboot(TEN, jobs);
        let expected: Vec<_> =
            ends.iter().map(|text| format!("ended old a: failed -1 ({text})")).collect();
        assert_eq!(stage.heard_of("ended old a: failed"), expected);
    }
}

#[test]
fn crashed_runs_are_retried_unless_something_was_caught_up() {
    let job = |text| {
        task("a").scheduled(text, "UTC").with(|task| {
            task.after_failure =
                AfterFailure::Retry { attempts: 1, delay: secs(10), backoff: Backoff::Constant };
        })
    };
    for (schedule, trigger) in [("0 0 1 1 *", Trigger::Api), ("*/5 * * * *", Trigger::Cron)] {
        let mut stage = Stage::new(TEN, [job(schedule)]);
        stage.trigger("a");
        let mut stage = stage.reboot("2026-05-07T10:06:00Z", [job(schedule)]);
        if trigger == Trigger::Api {
            assert_eq!(stage.wait_for_spawn(), 10.0);
        }
        stage.pass(secs(60));
        let spawned: Vec<_> = stage.database.open().collect();
        assert_eq!(spawned.len(), 1, "{spawned:?}");
        assert_eq!(spawned[0].trigger, trigger);
        assert_eq!(spawned[0].retry_of.is_some(), trigger == Trigger::Api);
    }
}

#[test]
fn missed_ticks_are_counted_from_the_last_one_that_was_handled() {
    for (boot, missed) in [
        ("2026-05-07T10:20:00Z", Some("4 scheduled runs missed since 2026-05-07 10:05")),
        ("2026-05-07T10:05:00Z", Some("1 scheduled run missed since 2026-05-07 10:05")),
        ("2026-05-07T10:04:59.999Z", None),
        ("2026-05-07T10:03:00Z", None),
    ] {
        let stage = dead_since_ten(every_five_minutes(CatchUp::Skip));
        let mut stage = stage.reboot(boot, [every_five_minutes(CatchUp::Skip)]);
        let expected: Vec<_> =
            missed.iter().map(|text| format!("ended a#1: missed -1 ({text})")).collect();
        assert_eq!(stage.heard_of("ended"), expected, "{boot}");
    }
}

#[test]
fn catch_up_starts_what_it_says() {
    let note = "4 scheduled runs missed since 2026-05-07 10:05";
    for (catch_up, runs, message) in [
        (CatchUp::Skip, 0, note.to_owned()),
        (CatchUp::Latest, 1, format!("{note}; catch_up starts 1")),
        (CatchUp::All { cap: 100 }, 4, note.to_owned()),
        (CatchUp::All { cap: 2 }, 2, format!("{note}; catch_up starts 2")),
    ] {
        let stage = dead_since_ten(every_five_minutes(catch_up));
        let mut stage =
            stage.reboot("2026-05-07T10:22:00Z", [every_five_minutes(catch_up)]).quick();
        let row = stage.run("a#1");
        assert_eq!(row.created_at, "2026-05-07T10:20:00Z".parse::<Timestamp>().unwrap());
        assert_eq!((row.trigger, row.replica), (Trigger::Cron, 0));
        assert_eq!(stage.row("a#1"), format!("missed -1 ({message})"));
        let heard = stage.heard();
        assert_eq!(heard.iter().filter(|line| line.starts_with("created")).count(), 1 + runs);
        assert!(heard.contains(&format!("missed a: 4, {runs} started")), "{heard:?}");
        stage.pass_until("2026-05-07T10:24:59Z");
        assert_eq!(stage.heard_of("created"), [""; 0]);
        stage.pass_until("2026-05-07T10:25:00Z");
        assert_eq!(stage.heard_of("created").len(), 1, "the next tick comes as ever");
    }
}

#[test]
fn a_thousand_missed_ticks_are_one_row_and_what_catch_up_allows() {
    for (days, since) in [(1, "288 scheduled"), (30, "at least 1000+ scheduled")] {
        let stage = dead_since_ten(every_five_minutes(CatchUp::All { cap: 3 }));
        let boot = TEN.parse::<Timestamp>().unwrap() + secs(days * 86_400 + 30);
        let mut stage =
            stage.reboot(&boot.to_string(), [every_five_minutes(CatchUp::All { cap: 3 })]);
        assert!(stage.row("a#1").contains(since), "{}", stage.row("a#1"));
        if days == 30 {
            assert_eq!(stage.run("a#1").created_at, boot, "counting was cut");
        }
        assert_eq!(stage.heard_of("created").len(), 1 + 3);
        let raised = stage.raised();
        let missed = raised.iter().filter(|alert| alert.kind == Kind::RunMissed).count();
        assert_eq!(missed, 1, "one alert");
    }
}

#[test]
fn the_same_gap_is_reported_once() {
    let job = || every_five_minutes(CatchUp::All { cap: 2 });
    let stage = dead_since_ten(job());
    let mut stage = stage.reboot("2026-06-07T10:22:00Z", [job()]);
    assert_eq!(stage.heard_of("missed").len(), 1);
    let mut stage = stage.reboot("2026-06-07T10:23:00Z", [job()]);
    assert_eq!(stage.heard_of("missed"), [""; 0]);
}

#[test]
fn a_task_that_comes_back_or_changes_its_schedule_missed_nothing() {
    let job = || every_five_minutes(CatchUp::Latest);
    let stage = dead_since_ten(job());
    let stage = stage.reboot("2026-05-07T11:00:00Z", [task("other")]);
    let mut stage = stage.reboot("2026-05-07T12:00:00Z", [job()]);
    assert_eq!(stage.heard(), [""; 0], "it was away");
    for changed in [
        task("a").scheduled("*/10 * * * *", "UTC"),
        task("a").scheduled("*/5 * * * *", "Asia/Kolkata"),
        task("a").scheduled("@every 5m", "UTC"),
        task("a"),
    ] {
        let stage = dead_since_ten(job());
        let mut stage = stage.reboot("2026-05-07T13:00:00Z", [changed]);
        assert_eq!(stage.heard(), [""; 0], "nothing fires by being altered");
    }
}

#[test]
fn a_new_task_missed_nothing() {
    let mut stage = Stage::new(TEN, [every_five_minutes(CatchUp::All { cap: 100 })]);
    assert_eq!(stage.heard(), [""; 0]);
    stage.pass(secs(299));
    assert_eq!(stage.heard(), [""; 0]);
}

#[test]
fn an_interval_goes_on_where_the_last_daemon_left_it() {
    let job = || task("a").scheduled("@every 24h", "UTC");
    let mut stage = Stage::new(TEN, [job()]).quick();
    assert_eq!(stage.wait_for_spawn(), 86_400.0);
    let mut stage = stage.reboot("2026-05-08T16:00:00Z", [job()]).quick();
    assert_eq!(stage.wait_for_spawn(), 18.0 * 3_600.0);
    let mut stage = stage.reboot("2026-05-11T11:00:00Z", [job()]).quick();
    let text = "2 scheduled runs missed since 2026-05-10 10:00; catch_up starts 1";
    assert_eq!(stage.row("a#1"), format!("missed -1 ({text})"));
    assert_eq!(stage.wait_for_spawn(), 23.0 * 3_600.0);
}

#[test]
fn a_suppressed_second_pass_is_no_missed_tick() {
    let job = || task("a").scheduled("30 2 * * *", "Europe/Prague");
    let stage = Stage::new("2026-10-25T00:45:00Z", [job()]);
    let mut stage = stage.reboot("2026-10-25T02:00:00Z", [job()]);
    assert_eq!(stage.heard(), [""; 0]);
}

#[test]
fn a_task_may_run_at_every_start_or_once_per_boot_of_the_machine() {
    for (when, spawned) in [(RunOnStart::Never, 0), (RunOnStart::Daemon, 1), (RunOnStart::Boot, 1)]
    {
        let job = every_five_minutes(CatchUp::Latest).with(|task| task.run_on_start = when);
        let mut stage = Stage::new(TEN, [job.clone()]).quick();
        assert_eq!(stage.heard_of("created").len(), spawned);
        if spawned > 0 {
            assert_eq!(stage.run("a#1").trigger, Trigger::Startup);
        }
        let mut stage = stage.reboot("2026-05-07T10:05:00Z", [job]);
        assert_eq!(stage.heard_of("missed").len(), 1, "it does not count as a tick");
    }
}

#[test]
fn services_come_first_then_who_waited_then_what_was_missed() {
    let jobs = || [every_five_minutes(CatchUp::Latest), service("s"), task("waiting")];
    let mut stage = Stage::new(TEN, jobs());
    stage.trigger("waiting");
    stage.trigger("waiting");
    let mut stage = stage.reboot("2026-05-07T10:05:00Z", jobs());
    let expected = ["spawn s#1", "spawn old waiting", "spawn a#2"];
    assert_eq!(stage.heard_of("spawn"), expected);
}

#[test]
fn an_engine_that_was_stopped_while_it_booted_starts_nothing() {
    let now = crate::base::time::Moment { wall: TEN.parse().unwrap(), steady: secs(5) };
    let mut engine = Engine::new(vec![service("s")], secs(3), Lifetime::Daemon, 1, now);
    let (_, reconciled) = engine.reconcile(now, Database::default().found(&[], false));
    engine.handle(now, crate::engine::Input::Shutdown { signal: "SIGTERM" });
    assert_eq!(engine.serve(now, reconciled), []);
}
