//! What ends a process that does not end by itself, and what is left of it then.

use super::*;

#[test]
fn a_stop_ends_a_process_that_obeys_at_once() {
    let started = start(&task("echo ready; exec sleep 60"));
    started.line("ready");
    started.stopper.stop(Cause::Operator);
    started.stopper.stop(Cause::Shutdown);
    let (exit, log, took) = started.exit();
    assert_eq!((exit.how, exit.cause), (ExitHow::Signal(15), Some(Cause::Operator)));
    assert!(log.ends_with("[SYSTEM] killed by SIGTERM\n"), "{log}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_process_that_cleans_up_in_time_keeps_its_exit_code() {
    let started = start(&task(
        "set +e; trap 'echo bye; exit 9' TERM; echo ready; while :; do sleep 0.01; done",
    ));
    started.line("ready");
    started.stopper.stop(Cause::Superseded);
    let (exit, log, _) = started.exit();
    assert_eq!((exit.how, exit.cause), (ExitHow::Code(9), Some(Cause::Superseded)));
    assert!(log.contains("bye\n"), "{log}");
}

#[test]
fn a_process_that_ignores_the_stop_signal_is_killed_after_the_grace_time() {
    let started = start(&task("trap '' TERM; echo ready; while :; do sleep 0.05; done"));
    started.line("ready");
    started.stopper.stop(Cause::Operator);
    let (exit, _, took) = started.exit();
    assert_eq!((exit.how, exit.cause), (ExitHow::Signal(9), Some(Cause::Operator)));
    assert!(took >= Duration::from_millis(300), "{took:?}");
}

#[test]
fn no_grace_time_means_no_stop_signal() {
    let mut job = task("trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.05; done");
    job.stop.grace = Duration::ZERO;
    let started = start(&job);
    started.line("ready");
    started.stopper.stop(Cause::Operator);
    let (exit, log, _) = started.exit();
    assert_eq!(exit.how, ExitHow::Signal(9), "{log}");
}

#[test]
fn a_timeout_counts_from_the_start() {
    let mut job = task("exec sleep 60");
    job.timeout = Some(Duration::from_millis(100));
    let (exit, _, took) = start(&job).exit();
    assert_eq!((exit.how, exit.cause), (ExitHow::Signal(15), Some(Cause::Timeout)));
    assert!(took >= Duration::from_millis(100) && took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_stop_is_over_only_when_the_whole_group_is_dead() {
    // The leader dies by SIGTERM at once; its child ignores it and has let go of the pipes.
    let script = "sh -c 'trap \"\" TERM; echo pid $$; exec >/dev/null 2>&1; while :; do sleep 0.05; done' & wait";
    let started = start(&task(script));
    let pid = started.line("pid ");
    started.stopper.stop(Cause::Operator);
    let (exit, _, took) = started.exit();
    assert_eq!(exit.how, ExitHow::Signal(15));
    assert!(took >= Duration::from_millis(300), "the grace time is the group's: {took:?}");
    assert!(!is_running(&pid));
}

#[test]
fn leftovers_of_a_task_stay_and_those_of_a_service_go() {
    let script = "sleep 6 >/dev/null 2>&1 & echo pid $!; exit 5";
    for (job, stays) in [(task(script), true), (service(script), false)] {
        let (exit, log, took) = start(&job).exit();
        assert_eq!((exit.how, exit.cause), (ExitHow::Code(5), None));
        assert_eq!(is_running(log.trim().strip_prefix("pid ").unwrap()), stays, "{:?}", job.kind());
        assert!(took < Duration::from_secs(4), "{took:?}");
    }
}

#[test]
fn a_process_that_left_the_group_holds_the_run_for_five_seconds_at_most() {
    let (exit, log, took) = start(&task("setsid sleep 8 & echo out; exit 7")).exit();
    assert_eq!((exit.how, exit.cause), (ExitHow::Code(7), None));
    assert_eq!(log, "out\n[SYSTEM] Output closed: a background process still held the pipe\n");
    assert!(took >= Duration::from_secs(5) && took < Duration::from_secs(7), "{took:?}");
}

#[test]
fn a_daemon_that_leaves_kills_the_group_itself() {
    let started = start(&task("trap '' TERM; sleep 60 & echo pid $!; wait"));
    let pid = started.line("pid ");
    started.stopper.kill();
    let stopper = started.stopper.clone();
    let (exit, _, _) = started.exit();
    assert_eq!(exit.how, ExitHow::Signal(9));
    wait_for(|| (!is_running(&pid)).then_some(()));
    // The number of the group may be a stranger's by now.
    stopper.stop(Cause::Shutdown);
    stopper.kill();
    assert!(format!("{stopper:?}").contains("group: None"), "{stopper:?}");
}

#[test]
fn a_run_that_is_stopped_before_it_starts_never_starts() {
    let place = Place::new();
    let job = task("echo never");
    let spec = place.spec(&job, None);
    let log = spec.place().file(LogFile::Log);
    let (sender, inputs) = mpsc::channel();
    let stopper = Stopper::new().unwrap();
    stopper.stop(Cause::Shutdown);
    let exit = run::execute(spec, &Clock::start(), &stopper, &Inbox::new(sender));
    assert_eq!(
        (text_of(&exit.how), exit.cause),
        ("stopped before it started", Some(Cause::Shutdown))
    );
    assert!(inputs.recv().is_err() && !log.exists());
}

#[test]
fn a_log_that_is_full_can_end_its_run() {
    let mut job = task("while :; do echo 0123456789; done");
    job.log = LogLimit { max: Some(10_000), on_full: OnFull::KillTask };
    let (exit, log, _) = start(&job).exit();
    assert_eq!(exit.cause, Some(Cause::LogOverflow));
    assert!(log.contains("[SYSTEM] Process killed: log_max_size"), "{log}");
}

#[test]
fn a_panic_ends_the_run_once_and_leaves_no_process() {
    let place = Place::new();
    let job = task("trap '' TERM; echo $$; sleep 60 & wait");
    let mut spec = place.spec(&job, None);
    spec.observer = Some(Box::new(|_, text| panic!("{}", String::from_utf8_lossy(text).trim())));
    let (sender, inputs) = mpsc::channel();
    run::start(spec, Clock::start(), Inbox::new(sender), &Crew::default()).unwrap();
    let heard: Vec<_> = inputs.iter().collect();
    let [Input::Started { leader, .. }, Input::Exited { exit, .. }] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!(text_of(&exit.how), format!("the thread of the run was lost: {}", leader.pid));
    assert!(!group::is_alive(*leader));
    wait_for(|| group::Group::of(*leader).is_empty().then_some(()));
}
