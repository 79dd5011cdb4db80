//! The commands that ask a running daemon, over its control socket and over TCP with a password.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::harness::daemon::PATIENCE;
use crate::harness::{Daemon, Home, http, is_root, process, skip, wait_for, wait_until};

const CONFIG: &str = "\
[tasks.ok]\nrun = \"echo out; echo err >&2\"
[tasks.bad]\nrun = \"echo bad; exit 7\"
[tasks.slow]\non_overlap = \"skip\"\nrun = \"echo begun; sleep 600\"
[tasks.closed]\napi_trigger = false\nrun = \"true\"
[tasks.nightly]\ncron = \"0 3 * * *\"\nrun = \"true\"
[tasks.flaky]\nretry_attempts = 2\nretry_delay = \"100ms\"
run = \"echo try; test -e tried || { touch tried; exit 3; }\"
[services.web-a]\nrun = \"sleep 600\"
[services.web-b]\nrun = \"sleep 600\"
";

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", out(output)))
}

/// A command that asks this daemon over its control socket.
fn ask(home: &Home, args: &[&str]) -> Output {
    home.run(args)
}

/// The same over TCP, with the password of the data directory.
fn ask_tcp(home: &Home, daemon: &Daemon<'_>, args: &[&str]) -> Output {
    home.output(&mut tcp(home, daemon, args))
}

fn tcp(home: &Home, daemon: &Daemon<'_>, args: &[&str]) -> Command {
    let mut command = home.command(args);
    command.args(["--port", &daemon.port.to_string(), "--socket", "nowhere"]);
    command
}

#[test]
fn run_task_starts_a_run_and_says_its_id() {
    let home = Home::new(CONFIG);
    let daemon = home.start();
    for output in [ask(&home, &["run-task", "ok"]), ask_tcp(&home, &daemon, &["run-task", "ok"])] {
        assert_eq!((code(&output), err(&output).as_str()), (Some(0), ""));
        let id = out(&output).trim_end().to_owned();
        let run = wait_for("the run ends", PATIENCE, || {
            home.rows("ok").into_iter().find(|row| row.id == id && row.is_ended())
        });
        assert_eq!(run.end(), "success 0");
    }
    assert_eq!(code(&ask(&home, &["run-task", "slow"])), Some(0));
    let again = ask(&home, &["run-task", "slow"]);
    assert_eq!(code(&again), Some(1));
    assert_eq!(out(&again).trim_end().len(), 26, "{}", out(&again));
    assert_eq!(err(&again), "skipped: task already running\n");
    for (task, core) in [
        ("nosuch", "error: task not found: nosuch\n"),
        ("closed", "error: API triggering disabled for this task\n"),
        ("a b", "error: "),
    ] {
        let output = ask(&home, &["run-task", task]);
        assert_eq!((code(&output), out(&output).as_str()), (Some(1), ""), "{task}");
        assert!(err(&output).starts_with(core), "{task}: {}", err(&output));
    }
    daemon.stop_well();
}

#[test]
fn a_client_that_gets_no_answer_says_why() {
    let home = Home::new(CONFIG);
    let port = http::free_port().to_string();
    let nobody = home.run(["run-task", "ok", "--port", &port]);
    assert_eq!(code(&nobody), Some(1));
    let core = format!("error: cannot reach daemon at http://127.0.0.1:{port} - is it running?");
    assert!(err(&nobody).starts_with(&core), "{}", err(&nobody));
    assert!(!home.data().exists(), "asking makes nothing");

    let daemon = home.start();
    let mut stranger = tcp(&home, &daemon, &["run-task", "ok", "--data", "elsewhere"]);
    let output = home.output(&mut stranger);
    assert_eq!(err(&output), "error: no password: set RUNWISP_PASSWORD or pass --data\n");
    for attempt in 0..5 {
        let output = match attempt % 2 {
            0 => ask_tcp(&home, &daemon, &["run-task", "ok", "--password", "wrong-one"]),
            _ => home.output(stranger.env("RUNWISP_PASSWORD", "wrong-one")),
        };
        assert_eq!(code(&output), Some(1));
        assert_eq!(err(&output), "error: the daemon rejected the password\n", "{attempt}");
    }
    let output = ask_tcp(&home, &daemon, &["run-task", "ok"]);
    let core = format!(
        "error: too many authentication attempts against the daemon on port {}; retry in ",
        daemon.port
    );
    assert!(err(&output).starts_with(&core) && err(&output).ends_with("s\n"), "{}", err(&output));
    assert_eq!(home.rows("ok").len(), 0);
    assert_eq!(code(&ask(&home, &["run-task", "ok"])), Some(0), "the socket has no limit");
    daemon.stop_well();
}

#[test]
fn a_named_port_is_never_taken_for_the_daemon_of_the_data_directory() {
    let (here, there) = (Home::new(CONFIG), Home::new(CONFIG));
    let (daemon, other) = (here.start(), there.start());
    let output = here.run(["run-task", "ok", "--port", &other.port.to_string()]);
    assert_eq!(err(&output), "error: the daemon rejected the password\n");
    let output = here.run(["run-task", "ok", "--port", &daemon.port.to_string()]);
    assert_eq!(code(&output), Some(0), "{}", err(&output));
    assert_eq!(there.rows("ok").len(), 0);
    daemon.stop_well();
    other.stop_well();
}

#[test]
fn run_goes_to_the_daemon_where_there_is_one() {
    let home = Home::new(CONFIG);
    let here = home.run(["run", "bad"]);
    assert_eq!((code(&here), out(&here).as_str()), (Some(7), "bad\n"));
    let here = json(&home.run(["run", "--standalone", "--json", "ok"]));
    assert_eq!((&here["task"], &here["end_reason"]), (&"ok".into(), &"success".into()));
    let nobody = home.run(["run", "--daemon", "ok", "--port", &http::free_port().to_string()]);
    assert!(err(&nobody).contains("is it running?"), "{}", err(&nobody));

    let daemon = home.start();
    let there = home.run(["run", "ok"]);
    assert_eq!((code(&there), out(&there).as_str()), (Some(0), "out\n"), "{}", err(&there));
    assert_eq!(err(&there), "err\n");
    for output in [ask(&home, &["run", "bad"]), ask_tcp(&home, &daemon, &["run", "bad"])] {
        assert_eq!((code(&output), out(&output).as_str()), (Some(7), "bad\n"), "{}", err(&output));
    }
    let output = ask(&home, &["run", "--json", "bad"]);
    let report = json(&output);
    assert_eq!((code(&output), err(&output).as_str()), (Some(7), "bad\n"));
    assert_eq!(report["schema_version"], 1);
    assert_eq!(report["run_id"].as_str(), home.rows("bad").last().map(|row| row.id.as_str()));
    assert_eq!(
        (&report["status"], &report["end_reason"], &report["exit_code"], &report["failed"]),
        (&"ended".into(), &"failed".into(), &7.into(), &true.into())
    );
    assert!(report["duration_ms"].is_u64(), "{report}");

    let standalone = ask(&home, &["run", "--standalone", "ok"]);
    assert!(err(&standalone).contains("use \"runwisp run-task ok\""), "{}", err(&standalone));
    for (task, core) in [
        ("bda", "error: task not found: bda; did you mean \"bad\"?\n"),
        ("web-a", "error: web-a is a service; run runs tasks\n"),
        ("closed", "error: API triggering disabled for this task\n"),
    ] {
        let output = ask(&home, &["run", task]);
        assert_eq!((code(&output), err(&output).as_str()), (Some(1), core));
        let report = ask(&home, &["run", task, "--json"]);
        assert_eq!(code(&report), Some(1));
        assert!(core.contains(json(&report)["error"].as_str().unwrap()), "{}", out(&report));
    }
    daemon.stop_well();
}

#[test]
fn run_waits_for_retries_and_a_detached_run_for_nothing() {
    let home = Home::new(CONFIG);
    let daemon = home.start();
    let flaky = ask(&home, &["run", "flaky"]);
    assert_eq!((code(&flaky), out(&flaky).as_str()), (Some(0), "try\ntry\n"), "{}", err(&flaky));
    let detached = ask(&home, &["run", "slow", "--detach"]);
    assert_eq!((code(&detached), err(&detached).as_str()), (Some(0), ""));
    assert_eq!(out(&detached).trim_end(), home.rows("slow")[0].id);
    let skipped = ask(&home, &["run", "slow"]);
    assert_eq!(code(&skipped), Some(1));
    assert!(err(&skipped).starts_with("error: the run ended as skipped"), "{}", err(&skipped));
    daemon.stop_well();
}

#[test]
fn an_interrupt_ends_the_following_and_not_the_run() {
    let home = Home::new(CONFIG);
    let daemon = home.start();
    let mut run = home
        .command(["run", "slow"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(run.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "begun\n");
    process::signal(run.id(), "INT");
    let status = wait_for("the following ends", PATIENCE, || run.try_wait().unwrap());
    assert_eq!(status.code(), Some(130));
    let said = std::io::read_to_string(run.stderr.take().unwrap()).unwrap();
    let id = home.rows("slow")[0].id.clone();
    assert!(said.contains(&format!("\"runwisp stop {id}\" ends it")), "{said}");
    assert_eq!(home.rows("slow")[0].status, "running");
    let stop = ask(&home, &["stop", &id]);
    assert_eq!(code(&stop), Some(0), "{}", err(&stop));
    let run = wait_for("the run ends", PATIENCE, || home.ended("slow"));
    assert_eq!(run.reason(), "stopped");
    daemon.stop_well();
}

#[test]
fn a_reader_that_goes_ends_the_following_quietly_and_not_the_run() {
    let home =
        Home::new("[tasks.chatty]\nrun = \"while ! test -e go; do echo tick; sleep 0.02; done\"\n");
    let daemon = home.start();
    let mut run = home
        .command(["run", "chatty"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(run.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let status = wait_for("the following ends", PATIENCE, || run.try_wait().unwrap());
    assert_eq!((status.code(), line.as_str()), (Some(0), "tick\n"));
    assert_eq!(std::io::read_to_string(run.stderr.take().unwrap()).unwrap(), "");
    assert_eq!(home.rows("chatty")[0].status, "running");
    home.write("go", "");
    let run = wait_for("the run ends", PATIENCE, || home.ended("chatty"));
    assert_eq!(run.reason(), "success");
    daemon.stop_well();
}

#[test]
fn following_goes_on_over_a_daemon_that_comes_back() {
    let home = Home::new(CONFIG);
    let daemon = home.start();
    let port = daemon.port;
    let mut run = home.command(["run", "slow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(run.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    daemon.kill9();
    let daemon = Daemon::launch(&home, port, |_| ());
    daemon.wait_ready();
    let status = wait_for("the following ends", PATIENCE, || run.try_wait().unwrap());
    let rest = std::io::read_to_string(stdout).unwrap();
    assert_eq!((status.code(), line.as_str(), rest.as_str()), (Some(1), "begun\n", ""));
    assert_eq!(home.rows("slow")[0].reason(), "crashed");
    daemon.stop_well();
}

#[test]
fn tasks_and_services_are_operated_by_name_pattern_and_id() {
    let home = Home::new(CONFIG);
    let daemon = home.start();
    let active = |task: &str| home.rows(task).iter().any(|row| row.status == "running");
    wait_until("the services run", PATIENCE, || active("web-a") && active("web-b"));

    let stop = ask(&home, &["stop", "web-*"]);
    assert_eq!(code(&stop), Some(0), "{}", err(&stop));
    let text = out(&stop);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("web-a: ") && lines[1].starts_with("web-b: "), "{lines:?}");
    wait_until("they stop", PATIENCE, || !active("web-a") && !active("web-b"));
    let start = ask(&home, &["start", "web-a", "web-[a]"]);
    assert_eq!((code(&start), out(&start).lines().count()), (Some(0), 1), "{}", err(&start));
    wait_until("it runs", PATIENCE, || active("web-a"));
    assert!(!active("web-b"));
    let restart = ask_tcp(&home, &daemon, &["restart", "web-a"]);
    assert_eq!(code(&restart), Some(0), "{}", err(&restart));
    wait_until("it runs anew", PATIENCE, || home.rows("web-a").len() == 3 && active("web-a"));

    let paused = |task: &str| daemon.login().get(&format!("/api/tasks/{task}")).json();
    let pause = ask(&home, &["pause", "n*"]);
    assert_eq!((code(&pause), out(&pause).lines().count()), (Some(0), 1), "{}", err(&pause));
    assert!(paused("nightly").get("next_run_at").is_none());
    assert_eq!(code(&ask(&home, &["resume", "nightly"])), Some(0));
    assert!(paused("nightly").get("next_run_at").is_some());

    for (args, core) in [
        (&["start", "web-c"][..], "error: task not found: web-c; did you mean \"web-a\"?\n"),
        (&["stop", "x*"], "error: no task or service fits x*\n"),
        (&["stop", "[x"], "error: [x: [ is not closed by ]\n"),
        (&["start", "closed"], "error: closed: API triggering disabled for this task\n"),
        (&["pause", "web-a"], "error: web-a: "),
        (&["stop", "01JTQ6V6Z9M3XK2B8N4C7D5E1F"], "error: "),
    ] {
        let output = ask(&home, args);
        assert_eq!((code(&output), out(&output).as_str()), (Some(1), ""), "{args:?}");
        assert!(err(&output).starts_with(core), "{args:?}: {}", err(&output));
    }
    let some = ask(&home, &["start", "closed", "web-b"]);
    assert_eq!(code(&some), Some(1));
    assert!(out(&some).starts_with("web-b: "), "one refusal hinders nobody: {}", out(&some));
    daemon.stop_well();
}

#[test]
fn notifiers_are_listed_and_tested_and_tasks_are_muted() {
    let plain = Home::new(CONFIG);
    let quiet = plain.start();
    let none = ask(&plain, &["notify", "list"]);
    let expected = "no notifiers are configured: alerts are listed in the dashboard alone\n";
    assert_eq!((code(&none), out(&none).as_str()), (Some(0), expected), "{}", err(&none));
    let unknown = ask(&plain, &["notify", "test", "ops"]);
    assert_eq!(err(&unknown), "error: no notifier \"ops\"; declared are none\n");
    quiet.stop_well();

    // Nobody listens at this address.
    let nowhere = http::free_port();
    let home = Home::new(&format!(
        "[notify]\ndefault_notifiers = [\"inapp\", \"ops\"]
[[notifier]]\nid = \"ops\"\ntype = \"webhook\"\nurl = \"http://127.0.0.1:{nowhere}/\"
[[notifier]]\nid = \"spare\"\ntype = \"webhook\"\nurl = \"http://127.0.0.1:{nowhere}/\"
{CONFIG}"
    ));
    let daemon = home.start();
    let list = ask(&home, &["notify", "list"]);
    let text = out(&list);
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0][..5], ["CHANNEL", "TYPE", "WAITING", "DELIVERED", "FAILED"], "{text}");
    assert_eq!(rows[1], ["ops", "webhook", "0", "0", "0", "nothing", "yet"], "{text}");
    assert_eq!(rows[2], ["spare", "webhook", "nothing", "goes", "there"], "{text}");
    for output in [
        ask(&home, &["notify", "list", "--json"]),
        ask_tcp(&home, &daemon, &["notify", "list", "--json"]),
    ] {
        let listed = json(&output);
        assert_eq!(listed["schema_version"], 1);
        assert_eq!(listed["notifiers"][1]["id"], "spare");
        assert_eq!(listed["notifiers"][1]["used"], false);
        assert_eq!(listed["channels"][0]["channel"], "ops");
        assert_eq!(listed["channels"][0]["pending"], 0);
        assert!(listed["channels"][0].get("last_answer").is_none());
    }

    for channel in ["ops", "spare"] {
        let test = ask(&home, &["notify", "test", channel]);
        assert_eq!((code(&test), out(&test).as_str()), (Some(1), ""), "{channel}");
        let core = format!("error: {channel}: not delivered");
        assert!(err(&test).starts_with(&core), "{}", err(&test));
    }
    let unknown = ask(&home, &["notify", "test", "opps"]);
    let expected = "error: no notifier \"opps\"; declared are ops, spare\n";
    assert_eq!((code(&unknown), err(&unknown).as_str()), (Some(1), expected));

    let muted = || {
        let task = daemon.login().get("/api/tasks/bad").json();
        task.get("muted_until").map(|until| until.as_str().unwrap().to_owned())
    };
    let mute = ask(&home, &["notify", "mute", "bad"]);
    assert_eq!(code(&mute), Some(0), "{}", err(&mute));
    assert!(out(&mute).starts_with("bad: alerts are muted until "), "{}", out(&mute));
    assert!(muted().is_some());
    let unmute = ask_tcp(&home, &daemon, &["notify", "unmute", "bad"]);
    assert_eq!(out(&unmute), "bad: alerts are no longer muted\n", "{}", err(&unmute));
    assert_eq!(muted(), None);
    let until = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)).to_string();
    let mute = ask_tcp(&home, &daemon, &["notify", "mute", "bad", "--until", &until]);
    assert_eq!(code(&mute), Some(0), "{}", err(&mute));
    assert_eq!(muted().map(|text| text[..19].to_owned()), Some(until[..19].to_owned()));
    for (args, expected) in [
        (&["notify", "mute", "bed"][..], "error: task not found: bed; did you mean \"bad\"?\n"),
        (&["notify", "unmute", "nosuch"], "error: task not found: nosuch\n"),
        (
            &["notify", "mute", "bad", "--until", "2001-01-01T00:00:00Z"],
            "error: until must be in the future, and within a year\n",
        ),
    ] {
        let output = ask(&home, args);
        assert_eq!((code(&output), err(&output).as_str()), (Some(1), expected), "{args:?}");
    }
    daemon.stop_well();
}

#[test]
fn logs_follow_runs_to_their_ends() {
    let home = Home::new(
        "[tasks.count]\nrun = \"echo one; while ! test -e go; do sleep 0.02; done; echo two >&2\"
[tasks.other]\nrun = \"while ! test -e go; do sleep 0.02; done; echo three\"",
    );
    let daemon = home.start();
    assert_eq!(code(&ask(&home, &["run-task", "count"])), Some(0));
    assert_eq!(code(&ask(&home, &["run-task", "other"])), Some(0));
    let mut follow =
        home.command(["logs", "-f", "count", "other"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(follow.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "count | one\n");
    home.write("go", "");
    let rest = std::io::read_to_string(stdout).unwrap();
    let mut lines: Vec<&str> = rest.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["count | two", "other | three"]);
    assert_eq!(follow.wait().unwrap().code(), Some(0));

    for (args, expected) in [
        (&["logs", "-f", "count"][..], "one\ntwo\n"),
        (&["logs", "-f", "-n", "1", "count"], "two\n"),
        (&["logs", "-f", "-n", "0", "count"], ""),
    ] {
        for output in [ask(&home, args), ask_tcp(&home, &daemon, args)] {
            assert_eq!((code(&output), out(&output).as_str()), (Some(0), expected), "{args:?}");
        }
    }
    let id = home.rows("count")[0].id.clone();
    let record = json(&ask(&home, &["logs", "-f", "--json", "-n", "1", &id]));
    assert_eq!((&record["n"], &record["stream"]), (&1.into(), &"stderr".into()));
    assert_eq!((record["run_id"].as_str(), &record["text"]), (Some(id.as_str()), &"two".into()));
    let none = ask(&home, &["logs", "-f", "nosuch"]);
    assert!(err(&none).starts_with("error: no run found: \"nosuch\" is neither"), "{}", err(&none));
    daemon.stop_well();
}

#[test]
fn nothing_that_is_typed_acts_on_the_terminal_through_an_error() {
    let home = Home::new(CONFIG);
    let daemon = home.start();
    for args in [
        &["run-task"][..],
        &["run"],
        &["run", "--detach"],
        &["start"],
        &["stop"],
        &["pause"],
        &["notify", "test"],
        &["notify", "mute"],
        &["notify"],
        &["logs", "-f"],
        &["exec"],
        &["run", "--standalone"],
        &["validate"],
        &["stop", "--data"],
        &["list", "--config"],
    ] {
        for target in ["\u{1b}[2J", "*\u{1b}[2J"] {
            let output = ask(&home, &[args, &[target]].concat());
            assert_eq!((code(&output), out(&output).as_str()), (Some(1), ""), "{args:?}");
            let said = err(&output);
            assert!(!said.contains('\u{1b}') && said.starts_with("error: "), "{args:?}: {said:?}");
        }
    }
    daemon.stop_well();
}

#[test]
fn status_says_more_where_it_may_and_never_costs_a_login() {
    let home = Home::new(CONFIG);
    let daemon = home.start();
    let port = daemon.port.to_string();
    home.run(["run", "bad"]);
    let head = format!("RunWisp is healthy at :{port}\n");
    for socket in ["data/runwisp.sock", "nowhere"] {
        let output = home.run(["status", "--port", &port, "--socket", socket]);
        let text = out(&output);
        assert_eq!((code(&output), err(&output).as_str()), (Some(0), ""));
        let more = text.strip_prefix(&head).unwrap();
        let names: Vec<&str> =
            more.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
        assert_eq!(names, ["Version:", "Uptime:", "CPU:", "Host:"], "{socket}");
        assert!(more.contains(env!("CARGO_PKG_VERSION")), "{more}");
    }
    for _ in 0..50 {
        let output = home.run(["status", "--port", &port, "--socket", "nowhere"]);
        assert!(out(&output).contains("Uptime:"), "each call logs in: {}", out(&output));
    }
    // Without a password nobody knocks.
    let output = home.run(["status", "--port", &port, "--data", "elsewhere"]);
    assert_eq!((code(&output), out(&output)), (Some(0), head.clone()));
    let mut wrong = home.command(["status", "--port", &port, "--socket", "nowhere"]);
    let output = home.output(wrong.env("RUNWISP_PASSWORD", "wrong-one"));
    assert_eq!((code(&output), out(&output)), (Some(0), head));

    let report = json(&home.run(["status", "--json", "--port", &port]));
    assert_eq!((&report["schema_version"], &report["healthy"]), (&1.into(), &true.into()));
    assert_eq!(report["port"], daemon.port);
    assert_eq!(report["scheduling_active"], true);
    assert_eq!(report["system"]["name"], "runwisp");
    let task = |name: &str| {
        let tasks = report["tasks"].as_array().unwrap();
        tasks.iter().find(|task| task["name"] == name).unwrap().clone()
    };
    assert_eq!(task("ok")["last_run"], Value::Null);
    assert!(task("nightly")["next_run_at"].is_string());
    let last = &task("bad")["last_run"];
    assert_eq!((&last["end_reason"], &last["exit_code"]), (&"failed".into(), &7.into()));
    assert_eq!((&last["failed"], &last["missed"]), (&true.into(), &false.into()));
    daemon.stop_well();

    let gone = home.run(["status", "--json", "--port", &port]);
    assert_eq!((code(&gone), &json(&gone)["healthy"]), (Some(1), &false.into()));
    assert!(json(&gone)["error"].as_str().unwrap().contains("is not reachable at"));
}

#[test]
fn status_works_for_everybody_from_everywhere() {
    if !is_root() {
        return skip("another user can only be had by root");
    }
    let home = Home::new(CONFIG);
    let daemon = home.start();
    // The program as others may run it.
    home.write("bin/runwisp", std::fs::read(env!("CARGO_BIN_EXE_runwisp")).unwrap());
    let program = home.path("bin/runwisp");
    let chmod = Command::new("chmod").args(["-R", "a+rx"]).arg(program.parent().unwrap()).status();
    assert!(chmod.unwrap().success());
    let (data, port) = (home.data(), daemon.port.to_string());
    let asked = Instant::now();
    let mut status = Command::new(program);
    status.args(["status", "--port", &port, "--data"]).arg(&data).env_clear();
    let output = status.current_dir("/").uid(65534).gid(65534).output().unwrap();
    assert_eq!(code(&output), Some(0), "{}", err(&output));
    assert_eq!(out(&output), format!("RunWisp is healthy at :{port}\n"));
    assert!(asked.elapsed() < PATIENCE);
    let mut output = Command::new(home.path("bin/runwisp"));
    output.args(["run-task", "ok", "--port", &port, "--data"]).arg(&data).env_clear();
    let output = output.current_dir("/").uid(65534).gid(65534).output().unwrap();
    assert_eq!(code(&output), Some(1));
    let core = "error: no password: set RUNWISP_PASSWORD or pass --data (cannot read password file";
    assert!(err(&output).starts_with(core), "{}", err(&output));
    daemon.stop_well();
}

#[test]
fn a_terminal_gets_a_link_that_logs_in_once() {
    let home = Home::new(CONFIG);
    let port = http::free_port();
    let program = env!("CARGO_BIN_EXE_runwisp");
    // script(1) is a terminal for the program.
    let mut script = Command::new("script");
    script.args(["-qec", &format!("{program} --data data --port {port}"), "/dev/null"]);
    let Ok(output) = script.current_dir(home.dir()).stdin(Stdio::null()).output() else {
        return skip("script(1) is not installed");
    };
    let text = out(&output);
    assert_eq!(code(&output), Some(0), "{text}");
    let link = text.split_whitespace().find(|word| word.contains("ticket=")).unwrap().to_owned();
    let path = link.strip_prefix(&format!("http://127.0.0.1:{port}")).unwrap();
    let answers = [(); 2].map(|()| http::request(port, "GET", path, &[], "").unwrap());
    assert_eq!(answers.map(|answer| answer.status), [302, 401]);
    let elsewhere =
        home.output(home.command(["--port", &port.to_string()]).env("RUNWISP_DATA", "x"));
    assert_eq!(out(&elsewhere).lines().count(), 2, "no password, no more: {}", out(&elsewhere));
    let mut wrong = home.command(["--port", &port.to_string(), "--socket", "nowhere"]);
    let wrong = home.output(wrong.env("RUNWISP_PASSWORD", "wrong-one"));
    let core = format!(
        "error: another RunWisp daemon is already running on port {port} with a different password"
    );
    assert_eq!(code(&wrong), Some(1));
    assert!(err(&wrong).starts_with(&core), "{}", err(&wrong));
    assert_eq!(code(&home.run(["stop"])), Some(0));
}

#[test]
fn only_a_password_that_was_made_is_shown() {
    let home = Home::new(CONFIG);
    let none = home.run(["password"]);
    assert_eq!(code(&none), Some(1));
    assert!(err(&none).contains("makes a password at its first start"), "{}", err(&none));
    let daemon = home.start();
    let made = home.run(["password"]);
    assert_eq!((code(&made), out(&made)), (Some(0), home.read("data/password")));
    daemon.stop_well();
    let stopped = home.run(["password"]);
    assert_eq!((code(&stopped), out(&stopped)), (Some(0), home.read("data/password")));

    let daemon = Daemon::launch(&home, http::free_port(), |command| {
        command.env("RUNWISP_PASSWORD", "chosen-by-somebody");
    });
    daemon.wait_ready();
    let chosen = home.run(["password"]);
    assert_eq!((code(&chosen), out(&chosen).as_str()), (Some(1), ""));
    assert!(err(&chosen).starts_with("error: somebody chose the password"), "{}", err(&chosen));
    daemon.stop_well();
}

#[test]
fn the_schema_is_printed_without_a_daemon_or_a_file() {
    let home = Home::new("");
    let schema = json(&home.run(["openapi", "--config", "/nonexistent"]));
    assert!(schema["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(!home.data().exists());
}

#[test]
fn the_daemon_itself_is_stopped_and_restarted() {
    let home = Home::new(CONFIG);
    let nobody = home.run(["stop"]);
    assert_eq!((code(&nobody), err(&nobody).as_str()), (Some(1), "error: no daemon uses data\n"));
    let port = http::free_port();
    let mut start = home.command(["--port", &port.to_string()]);
    let output = home.output(start.env("RUNWISP_FINGERPRINT", "kept-over-restarts"));
    assert_eq!(code(&output), Some(0), "{}", err(&output));
    let pid = || home.read("data/daemon.pid").trim().parse::<u32>().ok();
    let first = pid().unwrap();

    // Neither port nor environment are said again.
    let output = home.run(["restart"]);
    assert_eq!(code(&output), Some(0), "{}", err(&output));
    assert!(out(&output).starts_with(&format!("RunWisp is healthy at :{port}\n")));
    let second = pid().unwrap();
    assert!(first != second && !process::is_alive(first) && process::is_alive(second));
    let environment = std::fs::read(format!("/proc/{second}/environ")).unwrap();
    assert!(String::from_utf8_lossy(&environment).contains("kept-over-restarts"));

    home.write("runwisp.toml", "[tasks.x]\nrnu = \"true\"\n");
    let output = home.run(["restart"]);
    assert_eq!(code(&output), Some(1));
    assert!(err(&output).contains("rnu") && err(&output).contains("goes on as it is"));
    assert_eq!(pid(), Some(second), "a broken configuration stops nothing");

    let output = home.run(["stop"]);
    let said = format!("stopped the daemon (pid {second})\n");
    assert_eq!((code(&output), out(&output)), (Some(0), said), "{}", err(&output));
    assert!(!process::is_alive(second) && pid().is_none());
}

#[test]
fn a_daemon_of_systemd_is_left_to_systemctl() {
    let home = Home::new(CONFIG);
    home.write("bin/systemctl", "#!/bin/sh\necho \"$@\" > told\n");
    let chmod = Command::new("chmod").arg("+x").arg(home.path("bin/systemctl")).status();
    assert!(chmod.unwrap().success());
    // systemd.exec(5): SYSTEMD_EXEC_PID is the number of the process that the unit executes.
    let start = format!(
        "SYSTEMD_EXEC_PID=$$ exec {} daemon --data data --port {}",
        env!("CARGO_BIN_EXE_runwisp"),
        http::free_port()
    );
    let mut daemon =
        Command::new("sh").args(["-c", &start]).current_dir(home.dir()).spawn().unwrap();
    wait_until("it listens", PATIENCE, || home.path("data/runwisp.sock").exists());
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    for verb in ["stop", "restart"] {
        let mut command = home.command([verb]);
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", home.path("bin").display()));
        let output = home.output(&mut command);
        // Where these tests themselves run in a unit, the daemon does too.
        match groups.contains(".service\n") {
            true => assert!(home.read("told").contains(verb), "{}", err(&output)),
            false => assert!(err(&output).ends_with("use systemctl\n"), "{}", err(&output)),
        }
        assert!(process::is_alive(daemon.id()), "{verb}");
    }
    process::signal(daemon.id(), "TERM");
    daemon.wait().unwrap();
}

#[test]
fn only_a_daemon_is_stopped() {
    let home = Home::new(CONFIG);
    let mut exec = home.command(["exec", "slow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(exec.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = home.run(["stop"]);
    assert_eq!(code(&output), Some(1));
    assert!(err(&output).contains("is no daemon that can be stopped"), "{}", err(&output));
    assert!(process::is_alive(exec.id()));
    process::signal(exec.id(), "INT");
    exec.wait().unwrap();

    // A file that a dead daemon left names a process that is none of ours.
    home.write("data/daemon.pid", format!("{}\n", std::process::id()));
    let output = home.run(["stop"]);
    assert_eq!((code(&output), err(&output).as_str()), (Some(1), "error: no daemon uses data\n"));
}
