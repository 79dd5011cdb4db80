//! docs/api.md, Operating tasks.

use super::stage::{Stage, secs};
use crate::engine::sample::{service, task};
use crate::engine::{Effect, Input, ReplyId};
use crate::model::change::Change;
use crate::model::event::Switch;
use crate::model::job::{AfterFailure, Backoff, CatchUp, Job, JobName, Overlap, Verb};
use crate::model::param::{Given, Param, ParamKind};
use crate::model::run::{Cause, ExitHow, Trigger};

const NOON: &str = "2026-05-07T12:00:00Z";

fn retrying() -> Job {
    task("a").with(|task| {
        task.after_failure =
            AfterFailure::Retry { attempts: 3, delay: secs(60), backoff: Backoff::Constant };
    })
}

fn replicas(instances: u16) -> Job {
    service("s").with_service(|service| service.instances = instances)
}

fn standing(stage: &Stage) -> (Switch, Option<String>) {
    let standing = stage.engine.standings().next().unwrap();
    (standing.switch, standing.next.map(|next| next.to_string()))
}

#[test]
fn a_task_is_started_once_and_a_run_that_leaves_does_not_count() {
    let skip = task("a").with(|task| task.on_overlap = Overlap::Skip);
    let mut stage = Stage::new(NOON, [skip]);
    stage.operate("a", Verb::Start);
    stage.operate("a", Verb::Start);
    let created = "answer: 1 created, 0 leave, 0 dropped";
    let nothing = "answer: 0 created, 0 leave, 0 dropped";
    assert_eq!(stage.heard(), ["created a#1", "spawn a#1", created, nothing]);
    stage.operate("a", Verb::Stop);
    stage.operate("a", Verb::Start);
    stage.operate("a", Verb::Start);
    stage.heard();
    assert_eq!(stage.row("a#2"), "pending", "it waits, whatever the policy says");
    stage.trigger("a");
    assert!(stage.row("a#3").starts_with("skipped"));
    stage.heard();
    stage.exits("a#1", 0);
    assert_eq!(stage.heard(), ["ended a#1: stopped 0", "spawn a#2"]);
    assert_eq!(stage.run("a#2").trigger, Trigger::Api);
}

#[test]
fn stop_leaves_nothing_that_runs_waits_or_is_to_be_repeated() {
    let mut stage = Stage::new(NOON, [retrying()]);
    (0..3).for_each(|_| stage.trigger("a"));
    stage.exits("a#1", 1);
    stage.heard();
    stage.operate("a", Verb::Stop);
    assert_eq!(
        stage.heard(),
        [
            "ended a#3: stopped -1 (cancelled while it waited)",
            "created a#4",
            "ended a#4: stopped -1 (the retry was called off)",
            "stop a#2 Operator",
            "answer: 0 created, 1 leave, 2 dropped",
        ]
    );
    assert_eq!(stage.run("a#4").retry_of, Some(stage.run("a#1").id));
    // Its time was up before the stop came: it counts as that, but nothing follows.
    stage.ends("a#2", ExitHow::Signal(15), Some(Cause::Timeout));
    assert_eq!((stage.row("a#2"), stage.row("a#5")), ("timeout 143".into(), stage.row("a#4")));
    assert_eq!(stage.engine.patience(stage.now), None);
    let mut stage = stage.reboot("2026-05-07T12:00:10Z", [retrying()]);
    assert_eq!(stage.engine.patience(stage.now), None, "the next daemon knows it too");
    assert_eq!(stage.heard(), [""; 0]);
}

#[test]
fn a_failure_whose_end_is_on_its_way_to_the_disk_is_not_repeated_after_a_stop() {
    let mut stage = Stage::new(NOON, [retrying()]);
    stage.trigger("a");
    stage.hold_disk();
    stage.exits("a#1", 1);
    stage.operate("a", Verb::Stop);
    stage.operate("a", Verb::Stop);
    stage.release_disk();
    assert_eq!(stage.row("a#1"), "failed 1");
    assert_eq!(stage.row("a#2"), "stopped -1 (the retry was called off)");
    assert_eq!((stage.engine.patience(stage.now), stage.name_of(3)), (None, None));
}

#[test]
fn a_restart_begins_when_everybody_else_is_gone() {
    for policy in [Overlap::Queue, Overlap::Skip, Overlap::Terminate] {
        let job = task("a").with(|task| {
            task.on_overlap = policy;
            task.parallelism = 3;
            task.max_queued = 0;
        });
        let mut stage = Stage::new(NOON, [job]);
        stage.trigger("a");
        stage.trigger("a");
        stage.heard();
        stage.operate("a", Verb::Restart);
        assert_eq!(
            stage.heard(),
            [
                "stop a#1 Operator",
                "stop a#2 Operator",
                "created a#3",
                "answer: 1 created, 2 leave, 0 dropped"
            ]
        );
        stage.exits("a#1", 0);
        assert_eq!(stage.heard_of("spawn"), [""; 0], "one is still there");
        stage.exits("a#2", 0);
        assert_eq!(stage.heard_of("spawn"), ["spawn a#3"], "{policy:?}");
        stage.exits("a#3", 0);
        stage.operate("a", Verb::Restart);
        assert_eq!(stage.heard_of("spawn"), ["spawn a#4"], "nobody to wait for");
    }
}

#[test]
fn who_waits_behind_a_restart_that_is_cancelled_goes_on_at_once() {
    let job = task("a").with(|task| task.parallelism = 2);
    let mut stage = Stage::new(NOON, [job]);
    stage.trigger("a");
    stage.operate("a", Verb::Restart);
    stage.trigger("a");
    stage.heard();
    stage.stop_run("a#2");
    assert_eq!(stage.heard_of("spawn"), ["spawn a#3"]);
}

#[test]
fn a_stopped_service_stays_stopped_until_somebody_starts_it() {
    let mut stage = Stage::new(NOON, [replicas(3)]);
    // One waits for its turn, one is on its way out already.
    stage.exits("s#1", 1);
    stage.stop_run("s#2");
    stage.heard();
    stage.operate("s", Verb::Stop);
    assert_eq!(stage.heard(), ["stop s#3 Operator", "answer: 0 created, 2 leave, 0 dropped"]);
    assert_eq!(standing(&stage), (Switch::Stopped, None));
    stage.exits("s#2", 0);
    stage.pass(secs(3600));
    assert_eq!(stage.heard_of("spawn"), [""; 0]);
    // The last one is not gone yet; it comes back when it is.
    stage.operate("s", Verb::Start);
    assert_eq!(stage.heard_of("spawn"), ["spawn s#4", "spawn s#5"]);
    assert_eq!(standing(&stage).0, Switch::On);
    stage.exits("s#3", 0);
    stage.pass(secs(1));
    assert_eq!(stage.heard_of("spawn"), ["spawn s#6"]);
    assert_eq!(["s#4", "s#5", "s#6"].map(|name| stage.run(name).replica), [0, 1, 2]);
    stage.operate("s", Verb::Start);
    assert_eq!(stage.heard(), ["answer: 0 created, 0 leave, 0 dropped"]);
}

#[test]
fn a_restart_a_trigger_and_the_next_daemon_end_a_stop() {
    let stopped = || {
        let mut stage = Stage::new(NOON, [replicas(2)]);
        stage.operate("s", Verb::Stop);
        stage.exits("s#1", 0);
        stage.exits("s#2", 0);
        stage.heard();
        stage
    };
    let mut stage = stopped();
    stage.operate("s", Verb::Restart);
    assert_eq!(stage.heard_of("spawn"), ["spawn s#3", "spawn s#4"]);
    let mut stage = stopped();
    stage.trigger("s");
    assert_eq!(stage.heard_of("spawn"), ["spawn s#3"], "that slot alone");
    stage.exits("s#3", 0);
    stage.pass(secs(60));
    assert_eq!(stage.heard_of("spawn"), ["spawn s#4"], "and it is kept filled");
    let mut stage = stopped().reboot("2026-05-07T12:01:00Z", [replicas(2)]);
    assert_eq!(stage.heard_of("spawn"), ["spawn s#1", "spawn s#2"]);
}

#[test]
fn a_replica_whose_row_is_still_on_its_way_never_gets_a_process_after_a_stop() {
    let mut stage = Stage::new(NOON, [service("s")]);
    stage.exits("s#1", 0);
    stage.hold_disk();
    stage.pass(secs(1));
    stage.operate("s", Verb::Stop);
    stage.heard();
    stage.release_disk();
    assert_eq!(stage.heard_of("spawn"), [""; 0]);
    assert_eq!(stage.row("s#2"), "stopped -1 (stopped before it started)");
}

#[test]
fn a_paused_schedule_neither_ticks_nor_catches_up_and_the_rest_works() {
    for (text, resumed) in
        [("30 * * * *", "2026-05-07T16:30:00Z"), ("@every 1h", "2026-05-07T17:10:00Z")]
    {
        let job = || {
            task("a").scheduled(text, "UTC").with(|task| {
                task.catch_up = CatchUp::All { cap: 100 };
                task.after_failure = AfterFailure::Retry {
                    attempts: 1,
                    delay: secs(60),
                    backoff: Backoff::Constant,
                };
            })
        };
        let mut stage = Stage::new(NOON, [job()]);
        stage.operate("a", Verb::Pause);
        stage.operate("a", Verb::Pause);
        assert_eq!(standing(&stage), (Switch::Paused, None), "{text}");
        stage.trigger("a");
        stage.exits("a#1", 1);
        stage.heard();
        stage.pass_until("2026-05-07T14:10:00Z");
        assert_eq!(stage.heard_of("spawn"), ["spawn a#2"], "{text}: the retry");
        stage.exits("a#2", 0);
        assert_eq!(stage.engine.patience(stage.now), None, "{text}: nothing wakes it");
        stage.jump(jiff::SignedDuration::from_hours(1));
        let mut stage = stage.reboot("2026-05-07T16:10:00Z", [job()]);
        assert_eq!(stage.heard(), [""; 0], "{text}");
        assert_eq!(standing(&stage), (Switch::Paused, None), "{text}");
        stage.operate("a", Verb::Resume);
        stage.operate("a", Verb::Resume);
        assert_eq!(standing(&stage), (Switch::On, Some(resumed.to_owned())), "{text}");
        assert_eq!(stage.heard_of("missed"), [""; 0], "{text}");
        let mut stage = stage.reboot("2026-05-07T16:20:00Z", [job()]);
        assert_eq!(stage.heard(), [""; 0], "{text}: settled for the next daemon too");
        stage.pass_until(resumed);
        assert_eq!(stage.heard_of("spawn"), ["spawn a#1"], "{text}");
    }
}

#[test]
fn a_tick_that_is_due_as_the_pause_comes_does_not_fire() {
    let mut stage = Stage::new(NOON, [task("a").scheduled("* * * * *", "UTC")]);
    stage.pass(secs(59));
    stage.stall(secs(1));
    stage.operate("a", Verb::Pause);
    stage.operate("a", Verb::Resume);
    assert_eq!(stage.heard_of("spawn"), [""; 0]);
    stage.pass(secs(60));
    assert_eq!(stage.heard_of("spawn"), ["spawn a#1"]);
}

#[test]
fn a_resumed_schedule_of_fixed_hours_repeats_nothing_after_the_clock_was_set_back() {
    let mut stage = Stage::new(NOON, [task("a").scheduled("30 12 * * *", "UTC")]);
    stage.pass_until("2026-05-07T12:40:00Z");
    stage.heard();
    stage.operate("a", Verb::Pause);
    stage.jump(jiff::SignedDuration::from_hours(-1));
    stage.operate("a", Verb::Resume);
    assert_eq!(standing(&stage).1.as_deref(), Some("2026-05-08T12:30:00Z"));
}

#[test]
fn what_is_paused_is_forgotten_with_the_task() {
    let job = || task("a").scheduled("* * * * *", "UTC");
    let mut stage = Stage::new(NOON, [job()]);
    stage.operate("a", Verb::Pause);
    let other = task("a").scheduled("0 * * * *", "UTC");
    let stage = stage.reboot("2026-05-07T12:05:00Z", [other]);
    assert_eq!(standing(&stage), (Switch::Paused, None), "another schedule is as paused");
    let stage = stage.reboot("2026-05-07T12:10:00Z", [task("b")]);
    let stage = stage.reboot("2026-05-07T12:20:00Z", [job()]);
    assert_eq!(standing(&stage), (Switch::On, Some("2026-05-07T12:21:00Z".to_owned())));
}

#[test]
fn a_refusal_does_not_wait_for_the_disk() {
    let mut stage = Stage::new(NOON, [task("a"), service("s")]);
    stage.heard();
    stage.hold_disk();
    stage.trigger("unknown");
    stage.operate("s", Verb::Pause);
    stage.operate("a", Verb::Resume);
    let run =
        Input::StopRun { run: "01JTQ6V6Z9M3XK2B8N4C7D5E1F".parse().unwrap(), reply: ReplyId(99) };
    stage.tell(run);
    let expected = [
        "refused: task not found: unknown",
        "refused: s has no schedule to pause",
        "refused: a has no schedule to pause",
        "refused: run not found",
    ];
    assert_eq!(stage.heard(), expected);
    stage.operate("a", Verb::Start);
    assert_eq!(stage.heard(), [""; 0], "what was done waits for it");
    stage.release_disk();
    assert_eq!(stage.heard_of("answer").len(), 1);
}

#[test]
fn a_hook_may_start_what_nobody_else_may() {
    let mut job = task("a");
    job.api_trigger = false;
    let mut stage = Stage::new(NOON, [job]);
    for (by, reply) in [(Trigger::Api, 1), (Trigger::Hook, 2)] {
        let (job, reply) = (JobName::new("a"), ReplyId(reply));
        stage.tell(Input::Operate { job, verb: Verb::Run, by, reply });
    }
    assert_eq!(
        stage.heard(),
        [
            "refused: API triggering disabled for this task",
            "created a#1",
            "spawn a#1",
            "answer a#1"
        ]
    );
    assert_eq!(stage.run("a#1").trigger, Trigger::Hook);
}

#[test]
fn a_pause_is_one_change_and_so_is_its_end_with_its_anchor() {
    let mut stage = Stage::new(NOON, [task("a").scheduled("* * * * *", "UTC")]);
    let mut told = |verb| {
        let (job, reply) = (JobName::new("a"), ReplyId(1));
        let input = Input::Operate { job, verb, by: Trigger::Api, reply };
        let effects = stage.engine.handle(stage.now, input);
        let [Effect::Commit { changes, .. }] = &effects[..] else { panic!("{effects:?}") };
        changes.clone()
    };
    assert!(matches!(
        &told(Verb::Pause)[..],
        [Change::Decide(_), Change::Pause { since: Some(_), .. }]
    ));
    let resumed = told(Verb::Resume);
    assert!(
        matches!(
            &resumed[..],
            [Change::Anchor(_), Change::Decide(_), Change::Pause { since: None, .. }]
        ),
        "{resumed:?}"
    );
}

#[test]
fn a_parameter_that_needs_a_value_gets_one_or_nothing_starts() {
    let target = Param {
        kind: ParamKind::Env,
        key: "TARGET".to_owned(),
        is_number: false,
        required: true,
        default: None,
        choices: Vec::new(),
        allow_custom: false,
        description: String::new(),
    };
    let job = task("a").with(|task| {
        task.params = [target].into();
        task.after_failure =
            AfterFailure::Retry { attempts: 1, delay: secs(1), backoff: Backoff::Constant };
    });
    let mut stage = Stage::new(NOON, [job]);
    for verb in [Verb::Run, Verb::Start, Verb::Restart] {
        stage.operate("a", verb);
        assert_eq!(stage.heard(), ["refused: the parameter TARGET needs a value"], "{verb:?}");
    }
    let params: Given = [("TARGET".to_owned(), Some("x".to_owned()))].into();
    let run_with = |params: &Given| Input::RunWith {
        job: JobName::new("a"),
        params: params.clone(),
        by: Trigger::Api,
        reply: ReplyId(1),
    };
    stage.tell(run_with(&params));
    stage.exits("a#1", 1);
    stage.wait_for_spawn();
    assert_eq!(stage.run("a#2").params, params, "a retry repeats them");
    stage.tell(run_with(&Given::default()));
    assert_eq!(stage.heard_of("refused"), ["refused: the parameters do not fit the task any more"]);
}
