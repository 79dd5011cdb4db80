//! docs/running.md, Jitter; and jobs that cron runs.

use std::path::Path;
use std::time::Duration;

use super::stage::{Stage, secs};
use crate::engine::Input;
use crate::engine::sample::task;
use crate::model::decision::What;
use crate::model::job::{Job, Source};

const NOON: &str = "2026-05-07T12:00:00Z";

fn jittered(name: &str, window: u64) -> Job {
    task(name).scheduled("0 * * * *", "UTC").with(|task| task.jitter = Some(secs(window)))
}

#[test]
fn jobs_that_tick_together_go_one_after_the_other_and_nobody_waits_beyond_the_window() {
    let mut stage = Stage::new(NOON, [jittered("a", 600), jittered("b", 600), jittered("c", 600)]);
    stage.pass_until("2026-05-07T13:00:00Z");
    let rows: Vec<String> = ["a#1", "b#1", "c#1"].map(|run| stage.row(run)).into();
    assert_eq!(rows, ["pending"; 3], "the tick has its row at once");
    let mut started = Vec::new();
    while stage.now.wall < "2026-05-07T13:09:59Z".parse().unwrap() {
        stage.pass(secs(1));
        started.extend(stage.heard_of("spawn"));
    }
    assert_eq!(started.len(), 1, "the first one is not over: {started:?}");
    stage.pass(secs(1));
    started.extend(stage.heard_of("spawn"));
    assert_eq!(started.len(), 3, "but the window is: {started:?}");
    let decided = |what| stage.database.decisions.iter().filter(|it| it.what == what).count();
    assert_eq!(decided(What::Jitter), 3);
    for run in ["a#1", "b#1", "c#1"] {
        stage.exits(run, 0);
    }
    // Its place in the window is the same each time.
    let offset = |stage: &mut Stage| {
        stage.pass_until("2026-05-07T14:00:00Z");
        stage.wait_for_spawn()
    };
    let (mut one, mut other) = (
        Stage::new(NOON, [jittered("a", 600)]).quick(),
        Stage::new(NOON, [jittered("a", 600)]).quick(),
    );
    assert_eq!(offset(&mut one), offset(&mut other));
}

#[test]
fn the_window_ends_a_second_before_the_next_tick_and_hands_are_not_held_up() {
    let minutely =
        task("a").scheduled("* * * * *", "UTC").with(|task| task.jitter = Some(secs(3600)));
    let mut stage = Stage::new(NOON, [minutely]).quick();
    for _ in 0..5 {
        stage.pass(secs(60));
        assert!(stage.wait_for_spawn() <= 59.0);
        stage.heard();
        let left = 60 - stage.now.wall.as_second() % 60;
        stage.trigger("a");
        assert_eq!(stage.heard_of("spawn").len(), 1, "by hand there is no window");
        stage.pass(Duration::from_secs(left as u64 - 1));
    }
}

#[test]
fn who_waits_in_a_window_can_be_cancelled_and_is_not_lost_by_a_crash() {
    let mut stage = Stage::new(NOON, [jittered("a", 600), jittered("b", 600)]);
    stage.pass_until("2026-05-07T13:00:00Z");
    stage.stop_run("a#1");
    assert_eq!(stage.row("a#1"), "stopped -1 (cancelled while it waited)");
    let mut stage = stage.reboot("2026-05-07T13:00:30Z", [jittered("a", 600), jittered("b", 600)]);
    assert_eq!(stage.heard_of("spawn"), ["spawn old b"]);
}

#[test]
fn while_cron_lives_its_jobs_tick_here_no_more_and_again_when_it_is_gone() {
    let path = Path::new("/etc/crontab").into();
    let job = Job { source: Source::Crontab(path, 3), ..task("a").scheduled("* * * * *", "UTC") };
    let mut stage = Stage::new(NOON, [job]).quick();
    stage.pass(secs(60));
    assert_eq!(stage.heard_of("spawn"), ["spawn a#1"]);
    stage.tell(Input::Cron { alive: true });
    stage.pass(secs(600));
    assert_eq!(stage.heard_of("spawn"), [""; 0]);
    stage.trigger("a");
    assert_eq!(stage.heard_of("spawn"), ["spawn a#2"], "by hand it runs");
    stage.tell(Input::Cron { alive: false });
    stage.pass(secs(60));
    assert_eq!(stage.heard_of("spawn"), ["spawn a#3"], "and nothing of the meantime is caught up");
}
