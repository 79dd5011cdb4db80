//! docs/running.md, Held by cron.

use std::path::Path;

use super::stage::{Stage, secs};
use crate::base::time::Moment;
use crate::engine::sample::task;
use crate::engine::simulator::database::Database;
use crate::engine::{Effect, Engine, Found, Input, Lifetime, Plan, ReplyId};
use crate::model::change::Configuration;
use crate::model::job::{Job, RunOnStart, Source};

fn of_cron(job: Job) -> Job {
    Job { source: Source::Crontab(Path::new("/etc/crontab").into(), 1), ..job }
}

#[test]
fn jobs_of_crontabs_tick_only_while_cron_is_dead() {
    let minutely = |name| task(name).scheduled("* * * * *", "UTC");
    let jobs = [of_cron(minutely("crons")), minutely("ours")];
    let mut stage = Stage::new("2026-05-07T10:00:30Z", jobs).quick();
    stage.tell(Input::Cron { alive: true });
    stage.pass_until("2026-05-07T10:02:30Z");
    assert_eq!(stage.heard_of("spawn"), ["spawn ours#1", "spawn ours#2"]);
    stage.trigger("crons");
    assert_eq!(stage.heard_of("spawn"), ["spawn crons#1"], "by hand it starts as ever");
    stage.tell(Input::Cron { alive: false });
    stage.tell(Input::Cron { alive: false });
    stage.pass_until("2026-05-07T10:03:30Z");
    assert_eq!(stage.heard_of("spawn"), ["spawn crons#2", "spawn ours#3"]);
    stage.tell(Input::Cron { alive: true });
    stage.pass_until("2026-05-07T10:04:30Z");
    assert_eq!(stage.heard_of("spawn"), ["spawn ours#4"]);
}

#[test]
fn a_line_that_is_edited_stays_held_and_nothing_is_said_of_that() {
    let line = |text| of_cron(task("a").scheduled(text, "UTC"));
    let mut stage = Stage::new("2026-05-07T10:00:30Z", [line("* * * * *")]).quick();
    stage.tell(Input::Cron { alive: true });
    stage.heard();
    let configuration = Configuration { number: 2, at: stage.now.wall, files: Vec::new() };
    let jobs = vec![line("*/2 * * * *").into()];
    let plan = Box::new(Plan { jobs, budget: secs(3), configuration, cron_lives: true });
    let effects = stage.engine.handle(stage.now, Input::Reload { plan, reply: ReplyId(9) });
    let said = format!("{effects:?}");
    assert!(said.contains("what: Changed") && !said.contains("what: Held"), "{said}");
}

#[test]
fn what_runs_once_per_boot_is_left_to_a_cron_that_is_alive() {
    let now = Moment { wall: "2026-05-07T10:00:30Z".parse().unwrap(), steady: secs(5) };
    for cron_lives in [false, true] {
        let job = of_cron(task("a").with(|task| task.run_on_start = RunOnStart::Boot));
        let mut engine = Engine::new(vec![job.clone()], secs(3), Lifetime::Daemon, 1, now);
        let found = Found { cron_lives, ..Database::default().found(&[job], true) };
        let (_, reconciled) = engine.reconcile(now, found);
        let effects = engine.serve(now, reconciled);
        let is_commit = |effect: &Effect| matches!(effect, Effect::Commit { .. });
        assert_eq!(effects.iter().any(is_commit), !cron_lives, "{effects:?}");
    }
}
