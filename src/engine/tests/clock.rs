//! docs/running.md, When a schedule ticks, Clock changes, When the clock jumps.

use jiff::SignedDuration;

use super::stage::{Stage, secs};
use crate::engine::sample::task;
use crate::model::job::{CatchUp, Job, Overlap};

fn job(schedule: &str, zone: &str) -> Job {
    task("a").scheduled(schedule, zone).with(|task| task.catch_up = CatchUp::Skip)
}

/// The instants at which something fires or is suppressed, day and minute in UTC.
fn fired(stage: &mut Stage, until: &str) -> Vec<String> {
    stage.heard();
    let before: Vec<_> = (1..).map_while(|number| stage.name_of(number)).collect();
    stage.pass_until(until);
    let all = (1..).map_while(|number| stage.name_of(number));
    all.skip(before.len())
        .map(|name| {
            let mark = if stage.row(&name).starts_with("dst_skipped") { " suppressed" } else { "" };
            format!("{}{mark}", stage.run(&name).created_at.strftime("%d %H:%M"))
        })
        .collect()
}

#[test]
fn hours_that_are_fixed_fire_once_on_both_days_of_a_clock_change() {
    for (schedule, zone, from, until, expected) in [
        (
            "30 2 * * *",
            "Europe/Prague",
            "2026-03-28T12:00:00Z",
            "2026-03-30T12:00:00Z",
            &["29 01:00", "30 00:30"][..],
        ),
        (
            "0 2,3 * * *",
            "Europe/Prague",
            "2026-03-29T00:00:00Z",
            "2026-03-29T23:00:00Z",
            &["29 01:00"],
        ),
        (
            "30 2 * * *",
            "Europe/Prague",
            "2026-10-24T12:00:00Z",
            "2026-10-26T12:00:00Z",
            &["25 00:30", "25 01:30 suppressed", "26 01:30"],
        ),
        (
            "0,30 2 * * *",
            "Europe/Prague",
            "2026-10-24T12:00:00Z",
            "2026-10-25T12:00:00Z",
            &["25 00:00", "25 00:30", "25 01:00 suppressed", "25 01:30 suppressed"],
        ),
        (
            "15 2,14 * * *",
            "America/New_York",
            "2026-03-08T00:00:00Z",
            "2026-03-08T23:00:00Z",
            &["08 07:00", "08 18:15"],
        ),
        (
            "30 1 * * *",
            "America/New_York",
            "2026-11-01T00:00:00Z",
            "2026-11-01T23:00:00Z",
            &["01 05:30", "01 06:30 suppressed"],
        ),
        // Half an hour: 02:00 to 01:30 at 15:00Z, and 02:00 to 02:30 at 15:30Z.
        (
            "45 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T12:00:00Z",
            "2026-04-05T12:00:00Z",
            &["04 14:45", "04 15:15 suppressed"],
        ),
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12:00:00Z",
            "2026-10-04T12:00:00Z",
            &["03 15:30"],
        ),
        (
            "30 2 * * *",
            "UTC",
            "2026-03-28T12:00:00Z",
            "2026-03-30T12:00:00Z",
            &["29 02:30", "30 02:30"],
        ),
    ] {
        let mut stage = Stage::new(from, [job(schedule, zone)]).quick();
        assert_eq!(fired(&mut stage, until), expected, "{schedule} {zone} {from}");
    }
}

#[test]
fn a_suppressed_pass_is_a_row_but_no_failure() {
    let mut stage = Stage::new("2026-10-25T01:00:00Z", [job("30 2 * * *", "Europe/Prague")]);
    stage.pass_until("2026-10-25T02:00:00Z");
    let text = "this time came twice as the clocks went back; it ran the first time";
    assert_eq!(stage.row("a#1"), format!("dst_skipped -1 ({text})"));
    assert_eq!(stage.heard_of("spawn"), [""; 0]);
}

#[test]
fn short_intervals_run_through_both_changes_without_a_hole() {
    for (schedule, seconds) in
        [("* * * * *", 60), ("*/15 * * * * *", 15), ("@every 5m", 300), ("*/30 * * * *", 1800)]
    {
        for from in ["2026-03-29T00:00:00Z", "2026-10-25T00:00:00Z"] {
            let mut stage = Stage::new(from, [job(schedule, "Europe/Prague")]).quick();
            for _ in 0..(3 * 3_600 / seconds) {
                assert_eq!(stage.wait_for_spawn(), seconds as f64, "{schedule} {from}");
            }
        }
    }
}

#[test]
fn ticks_due_together_fire_in_the_order_of_names() {
    let named = |name: &str| task(name).scheduled("0 * * * *", "UTC");
    let jobs = [named("c"), named("a"), named("b")];
    let mut stage = Stage::new("2026-05-07T12:30:00Z", jobs);
    stage.pass(secs(1800));
    assert_eq!(stage.heard_of("spawn"), ["spawn a#1", "spawn b#1", "spawn c#1"]);
}

#[test]
fn a_late_pass_skips_no_tick_and_doubles_none() {
    for (schedule, seconds) in [("* * * * *", 60), ("@every 1m", 60), ("*/10 * * * * *", 10)] {
        let mut stage = Stage::new("2026-05-07T12:00:00Z", [job(schedule, "UTC")]);
        stage.stall(secs(600));
        stage.tell(crate::engine::Input::Woke);
        assert_eq!(stage.heard_of("created").len(), 600 / seconds, "{schedule}");
        stage.pass(secs(60));
        assert_eq!(stage.heard_of("created").len(), 60 / seconds, "{schedule}");
    }
}

#[test]
fn a_late_run_does_not_shift_an_interval() {
    let mut stage = Stage::new("2026-05-07T12:00:00Z", [job("@every 1m", "UTC")]).quick();
    stage.stall(secs(70));
    stage.tell(crate::engine::Input::Woke);
    assert_eq!(stage.heard_of("spawn").len(), 1);
    assert_eq!(stage.wait_for_spawn(), 50.0);
}

#[test]
fn a_small_step_forward_fires_every_tick() {
    let mut stage = Stage::new("2026-05-07T12:00:30Z", [job("*/30 * * * * *", "UTC")]);
    stage.jump(SignedDuration::from_secs(90));
    assert_eq!(stage.heard_of("created").len(), 3);
    assert_eq!(stage.heard_of("clock"), [""; 0]);
}

#[test]
fn a_big_step_forward_or_a_suspend_is_missed_time() {
    for hours in [1, 8] {
        for (catch_up, spawned) in
            [(CatchUp::Skip, 0), (CatchUp::Latest, 1), (CatchUp::All { cap: 5 }, 5)]
        {
            let job = job("* * * * *", "UTC").with(|task| {
                task.catch_up = catch_up;
                task.on_overlap = Overlap::Queue;
            });
            let mut stage = Stage::new("2026-05-07T12:00:00Z", [job]).quick();
            stage.jump(SignedDuration::from_hours(hours));
            let heard = stage.heard();
            assert_eq!(heard[0], format!("clock Forward {}", hours * 3_600));
            let told = format!("missed a: {}, {spawned} started", hours * 60);
            assert!(heard.contains(&told), "{heard:?}");
            assert_eq!(heard.iter().filter(|line| line.starts_with("spawn")).count(), spawned);
            assert_eq!(stage.wait_for_spawn(), 60.0, "no extra wait");
        }
    }
}

#[test]
fn a_step_back_repeats_no_fixed_hour_and_delays_nothing_else() {
    // The tick of 11:30 fired; it is 12:00 and becomes 11:00.
    for (schedule, expected) in [
        ("30 11,12 * * *", &["07 12:30"][..]),
        ("30 * * * *", &["07 11:30", "07 12:30"]),
        ("@every 30m", &["07 11:30", "07 12:00", "07 12:30"]),
    ] {
        let mut stage = Stage::new("2026-05-07T11:00:00Z", [job(schedule, "UTC")]).quick();
        stage.pass_until("2026-05-07T12:00:00Z");
        stage.heard();
        stage.jump(SignedDuration::from_hours(-1));
        assert_eq!(stage.heard(), ["clock Back 3600"]);
        assert_eq!(fired(&mut stage, "2026-05-07T12:45:00Z"), expected, "{schedule}");
    }
}

#[test]
fn a_step_back_by_more_than_three_hours_counts_for_everybody() {
    for (hours, expected) in [(3, &["08 11:30"][..]), (4, &["07 11:30", "08 11:30"])] {
        let mut stage = Stage::new("2026-05-07T11:00:00Z", [job("30 11 * * *", "UTC")]).quick();
        stage.pass_until("2026-05-07T13:00:00Z");
        stage.jump(SignedDuration::from_hours(-hours));
        assert_eq!(fired(&mut stage, "2026-05-08T13:00:00Z"), expected, "{hours} h");
    }
}

#[test]
fn a_step_back_and_forward_again_misses_nothing() {
    let mut stage = Stage::new("2026-05-07T11:00:00Z", [job("30 11,13 * * *", "UTC")]).quick();
    stage.pass_until("2026-05-07T12:00:00Z");
    stage.jump(SignedDuration::from_hours(-2));
    stage.jump(SignedDuration::from_hours(2));
    assert_eq!(stage.heard_of("missed"), [""; 0]);
    assert_eq!(fired(&mut stage, "2026-05-07T14:00:00Z"), ["07 13:30"]);
}

#[test]
fn an_anchor_from_a_clock_that_ran_ahead_does_not_hide_missed_ticks() {
    // The last daemon believed it was ten hours later.
    let job = || job("0 * * * *", "UTC");
    let mut stage = Stage::new("2026-05-07T21:30:00Z", [job()]).quick();
    stage.pass_until("2026-05-07T22:00:00Z");
    let mut stage = stage.reboot("2026-05-07T12:30:00Z", [job()]).quick();
    assert_eq!(stage.heard_of("missed"), [""; 0]);
    stage.jump(SignedDuration::from_hours(2));
    assert_eq!(stage.heard_of("missed"), ["missed a: 2, 0 started"]);
}

#[test]
fn a_step_back_hides_nothing_that_is_missed_before_the_next_tick() {
    let job = || job("0 * * * *", "UTC");
    let mut stage = Stage::new("2026-05-07T21:30:00Z", [job()]).quick();
    stage.pass_until("2026-05-07T22:00:00Z");
    stage.jump(SignedDuration::from_hours(-10));
    let mut stage = stage.reboot("2026-05-07T14:30:00Z", [job()]).quick();
    assert_eq!(stage.heard_of("missed"), ["missed a: 2, 0 started"], "13:00 and 14:00");
    // This time it is set back while nobody looks.
    let stage = stage.reboot("2026-05-07T02:30:00Z", [job()]);
    let mut stage = stage.reboot("2026-05-07T04:30:00Z", [job()]);
    assert_eq!(stage.heard_of("missed"), ["missed a: 2, 0 started"], "3:00 and 4:00");
}

#[test]
fn an_interval_does_not_take_a_jump_for_missed_time() {
    for (hours, next) in [(1, "2026-05-07T13:10:00Z"), (-1, "2026-05-07T11:10:00Z")] {
        let job = || job("@every 30m", "UTC");
        let mut stage = Stage::new("2026-05-07T11:30:00Z", [job()]).quick();
        stage.pass_until("2026-05-07T12:05:00Z");
        stage.jump(SignedDuration::from_hours(hours));
        let mut stage = stage.reboot(next, [job()]).quick();
        assert_eq!(stage.heard_of("missed"), [""; 0], "{hours} h");
        assert_eq!(stage.wait_for_spawn(), 20.0 * 60.0, "{hours} h");
    }
}

#[test]
fn a_month_in_three_zones_takes_no_time() {
    let zones = ["Europe/Prague", "America/New_York", "Australia/Lord_Howe"];
    let jobs = zones.map(|zone| task(zone).scheduled("30 2 * * *", zone));
    let mut stage = Stage::new("2026-10-15T00:00:00Z", jobs).quick();
    stage.pass(secs(31 * 86_400));
    let heard = stage.heard();
    for zone in zones {
        let fired = heard.iter().filter(|line| line.starts_with(&format!("spawn {zone}#"))).count();
        assert_eq!(fired, 31, "{zone}");
    }
}
