//! docs/configuration.md, Reload.

use std::sync::Arc;

use super::stage::{Stage, secs};
use crate::engine::sample::{service, task};
use crate::engine::{Input, Plan, ReplyId};
use crate::model::change::Configuration;
use crate::model::job::{AfterFailure, Backoff, Job, Overlap, Verb};
use crate::model::run::{Cause, ExitHow};

const NOON: &str = "2026-05-07T12:00:00Z";

impl Stage {
    fn reload(&mut self, jobs: impl Into<Vec<Job>>) -> String {
        let plan = Box::new(Plan {
            jobs: jobs.into().into_iter().map(Arc::new).collect(),
            budget: secs(3),
            configuration: Configuration { number: 7, at: self.now.wall, files: Vec::new() },
            cron_lives: false,
        });
        self.tell(Input::Reload { plan, reply: ReplyId(99) });
        let heard = self.heard();
        let answer = heard.iter().find(|line| line.starts_with("reloaded")).cloned();
        let is_news = |line: &&String| line.starts_with("spawn") || line.starts_with("stop ");
        let news: Vec<&String> = heard.iter().filter(is_news).collect();
        format!("{} {news:?}", answer.expect("it is answered"))
    }
}

fn each(text: &str) -> Job {
    task("t").scheduled(text, "UTC")
}

fn replicas(count: u16) -> Job {
    service("s").with_service(|service| service.instances = count)
}

#[test]
fn a_schedule_that_is_altered_fires_nothing_by_being_altered() {
    let mut stage = Stage::new(NOON, [each("5 * * * *")]).quick();
    stage.pass_until("2026-05-07T12:04:00Z");
    assert_eq!(stage.reload([each("3 * * * *")]), "reloaded: +[] ~[t (schedule)] -[]  []");
    stage.pass_until("2026-05-07T13:02:59Z");
    assert_eq!(stage.heard_of("spawn"), [""; 0], "neither the old tick nor a missed new one");
    stage.pass(secs(1));
    assert_eq!(stage.heard_of("spawn"), ["spawn t#1"]);
    // The same in other words is the same, and keeps its place.
    assert_eq!(stage.reload([each("3 0-23 * * *")]), "reloaded: +[] ~[] -[]  []");
    stage.pass_until("2026-05-07T14:03:00Z");
    assert_eq!(stage.heard_of("spawn"), ["spawn t#2"]);
    assert_eq!(stage.run("t#2").config, 7);
}

#[test]
fn what_is_new_missed_nothing_and_what_is_gone_winds_down() {
    let retried = task("b").with(|task| {
        task.after_failure =
            AfterFailure::Retry { attempts: 3, delay: secs(60), backoff: Backoff::Constant };
    });
    let mut stage = Stage::new(NOON, [task("a"), retried, replicas(1)]);
    for job in ["a", "a", "b"] {
        stage.trigger(job);
    }
    stage.exits("b#1", 1);
    stage.heard();
    assert_eq!(
        stage.reload([each("* * * * *")]),
        "reloaded: +[t] ~[] -[a b s]  [\"stop s#1 Reconfigured\"]"
    );
    assert_eq!(stage.row("a#2"), "failed -1 (task is no longer configured)");
    assert_eq!(stage.row("b#2"), "stopped -1 (the retry was called off)");
    assert_eq!(stage.row("a#1"), "running", "it ends as it began");
    stage.trigger("a");
    assert_eq!(stage.heard_of("refused"), ["refused: task not found: a"]);
    stage.exits("a#1", 0);
    stage.ends("s#1", ExitHow::Signal(15), Some(Cause::Reconfigured));
    assert_eq!(stage.row("s#1"), "stopped 143");
    stage.pass(secs(60));
    assert_eq!(stage.heard_of("spawn"), ["spawn t#1"]);
    // It comes back as if it had never been there.
    assert_eq!(stage.reload([task("a"), each("* * * * *")]), "reloaded: +[a] ~[] -[]  []");
    stage.trigger("a");
    assert_eq!(stage.heard_of("spawn"), ["spawn a#3"]);
}

#[test]
fn replicas_that_are_not_concerned_are_not_touched() {
    let mut stage = Stage::new(NOON, [replicas(2)]);
    ["s#1", "s#2"].into_iter().for_each(|run| stage.starts(run));
    stage.heard();
    assert_eq!(
        stage.reload([replicas(4)]),
        "reloaded: +[] ~[s (instances)] -[]  [\"spawn s#3\", \"spawn s#4\"]"
    );
    let described = |count| Job { description: "new".to_owned(), ..replicas(count) };
    assert_eq!(stage.reload([described(4)]), "reloaded: +[] ~[s (description)] -[]  []");
    assert_eq!(
        stage.reload([described(1)]),
        "reloaded: +[] ~[s (instances)] -[]  [\"stop s#2 Reconfigured\", \"stop s#3 Reconfigured\", \"stop s#4 Reconfigured\"]"
    );
    for run in ["s#2", "s#3", "s#4"] {
        stage.ends(run, ExitHow::Signal(15), Some(Cause::Reconfigured));
    }
    stage.pass(secs(600));
    assert_eq!(stage.heard_of("spawn"), [""; 0]);
    let other = Job { run: "false".into(), ..replicas(1) };
    assert_eq!(
        stage.reload([other]),
        "reloaded: +[] ~[s (description run)] -[]  [\"stop s#1 Reconfigured\"]"
    );
    stage.ends("s#1", ExitHow::Signal(15), Some(Cause::Reconfigured));
    assert_eq!(stage.heard_of("spawn"), ["spawn s#5"], "without back-off");
}

#[test]
fn a_service_that_was_stopped_stays_stopped_and_that_is_said() {
    let mut stage = Stage::new(NOON, [replicas(1)]);
    stage.operate("s", Verb::Stop);
    stage.ends("s#1", ExitHow::Signal(15), Some(Cause::Operator));
    stage.heard();
    let other = Job { run: "false".into(), ..replicas(2) };
    assert_eq!(
        stage.reload([other]),
        "reloaded: +[] ~[s (run instances)] -[] s stays stopped until it is started []"
    );
    stage.operate("s", Verb::Start);
    assert_eq!(stage.heard_of("spawn"), ["spawn s#2", "spawn s#3"]);
}

#[test]
fn runs_keep_the_definition_that_they_began_with() {
    let strict = task("t").with(|task| {
        task.after_failure =
            AfterFailure::Retry { attempts: 1, delay: secs(5), backoff: Backoff::Constant };
    });
    let mut stage = Stage::new(NOON, [strict.clone()]);
    stage.trigger("t");
    stage.trigger("t");
    stage.heard();
    // Two at once from now on: who waits gets its slot.
    let wide = strict.with(|task| {
        task.parallelism = 2;
        task.on_overlap = Overlap::Skip;
    });
    assert_eq!(
        stage.reload([wide]),
        "reloaded: +[] ~[t (parallelism on_overlap)] -[]  [\"spawn t#2\"]"
    );
    assert_eq!((stage.run("t#1").config, stage.run("t#2").config), (0, 7));
    // A retry is a run by the new definition.
    stage.exits("t#2", 0);
    stage.exits("t#1", 1);
    stage.reload([task("t")]);
    assert_eq!(stage.wait_for_spawn(), 5.0);
}

#[test]
fn a_task_may_become_a_service_of_the_same_name_and_a_service_a_task() {
    let named = |name: &str| Job { name: crate::model::job::JobName::new(name), ..replicas(1) };
    let mut stage = Stage::new(NOON, [each("* * * * *")]);
    stage.pass(secs(60));
    stage.heard();
    assert_eq!(stage.reload([named("t")]), "reloaded: +[] ~[t (kind)] -[]  [\"spawn t#2\"]");
    stage.exits("t#1", 0);
    stage.pass(secs(600));
    assert_eq!(stage.heard_of("spawn"), [""; 0]);
    assert_eq!(
        stage.reload([each("* * * * *")]),
        "reloaded: +[] ~[t (kind)] -[]  [\"stop t#2 Reconfigured\"]"
    );
    stage.ends("t#2", ExitHow::Signal(15), Some(Cause::Reconfigured));
    stage.pass(secs(60));
    assert_eq!(stage.heard_of("spawn"), ["spawn t#3"]);
}

#[test]
fn a_paused_schedule_stays_paused_and_nothing_reloads_while_the_daemon_stops() {
    let mut stage = Stage::new(NOON, [each("5 * * * *")]);
    stage.operate("t", Verb::Pause);
    stage.reload([each("3 * * * *")]);
    stage.pass(secs(7200));
    assert_eq!(stage.heard_of("spawn"), [""; 0]);
    stage.operate("t", Verb::Resume);
    stage.pass(secs(3600));
    assert_eq!(stage.heard_of("spawn"), ["spawn t#1"]);
    stage.shut_down();
    let plan = Box::new(Plan {
        jobs: Vec::new(),
        budget: secs(3),
        configuration: Configuration { number: 8, at: stage.now.wall, files: Vec::new() },
        cron_lives: false,
    });
    stage.tell(Input::Reload { plan, reply: ReplyId(1) });
    assert_eq!(stage.heard_of("refused"), ["refused: the daemon is shutting down"]);
}
