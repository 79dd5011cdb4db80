//! The commands as a shell script meets them: exit codes, and which stream says what.

use std::io::Read;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use crate::harness::daemon::PATIENCE;
use crate::harness::{Daemon, Home, http, process, wait_for, wait_until};

const CONFIG: &str = "[tasks.ok]\nrun = \"echo out; echo err >&2\"\ncron = \"0 3 * * *\"\n
[tasks.bad]\nrun = \"echo bad; exit 7\"\n
[tasks.closed]\nrun = \"true\"\ncron = \"0 3 * * *\"\napi_trigger = false\n
[services.web]\nrun = \"sleep 600\"\ninstances = 3\n";

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn status_tells_a_daemon_from_silence() {
    let home = Home::new(CONFIG);
    let port = http::free_port();
    let nobody = home.run(["status", "--port", &port.to_string()]);
    assert_eq!(code(&nobody), Some(1));
    assert_eq!(out(&nobody), "");
    let core = format!("RunWisp is not reachable at 127.0.0.1:{port}: ");
    assert!(err(&nobody).contains(&core), "{}", err(&nobody));
    assert!(!home.data().exists(), "asking makes nothing");

    let daemon = home.start();
    let well = home.run(["status", "--port", &daemon.port.to_string()]);
    assert_eq!(code(&well), Some(0));
    assert!(out(&well).starts_with(&format!("RunWisp is healthy at :{}\n", daemon.port)));
    daemon.stop_well();
}

#[test]
fn status_of_a_listener_that_never_answers_ends_in_time() {
    let home = Home::new(CONFIG);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let asked = Instant::now();
    let output = home.run(["status", "--port", &port]);
    assert_eq!(code(&output), Some(1));
    assert!(asked.elapsed() < Duration::from_millis(4500), "{:?}", asked.elapsed());
}

#[test]
fn validate_and_list_read_the_file_and_nothing_else() {
    let home = Home::new(CONFIG);
    let output = home.run(["validate"]);
    assert_eq!((code(&output), err(&output).as_str()), (Some(0), ""));
    assert_eq!(out(&output), "ok: runwisp.toml: 3 tasks, 1 service, 0 notifiers, timezone UTC\n");
    let output = home.run(["list"]);
    assert_eq!(code(&output), Some(0));
    let text = out(&output);
    assert!(text.starts_with("NAME"), "{text}");
    assert!(text.contains("(service x3)") && text.contains("(manual)"), "{text}");
    assert!(!home.data().exists());
}

#[test]
fn what_init_writes_is_valid() {
    let home = Home::new("");
    let output = home.run(["init", "--config", "fresh.toml"]);
    assert_eq!(code(&output), Some(0), "{}", err(&output));
    assert_eq!(code(&home.run(["validate", "fresh.toml"])), Some(0));
    let before = home.read("fresh.toml");
    assert_eq!(code(&home.run(["init", "--config", "fresh.toml"])), Some(1), "it is kept");
    assert_eq!(home.read("fresh.toml"), before);
    assert_eq!(code(&home.run(["init", "--config", "fresh.toml", "--force"])), Some(0));
}

#[test]
fn exec_passes_output_and_exit_code_through_and_keeps_a_record() {
    let home = Home::new(CONFIG);
    let output = home.run(["exec", "ok"]);
    assert_eq!((code(&output), out(&output).as_str()), (Some(0), "out\n"));
    assert!(err(&output).lines().any(|line| line == "err"), "{}", err(&output));
    let output = home.run(["exec", "bad"]);
    assert_eq!((code(&output), out(&output).as_str()), (Some(7), "bad\n"));
    let row = &home.rows("bad")[0];
    assert_eq!((row.end().as_str(), row.triggered_by.as_str()), ("failed 7", "api"));
    assert_eq!(home.log(row), "bad\n");
    assert!(home.log(&home.rows("ok")[0]).contains("[ERR] err\n"));
}

#[test]
fn exec_runs_once_what_would_also_start_by_itself() {
    let home = Home::new(
        "[tasks.eager]\ncron = \"* * * * * *\"\nrun_on_start = true\nrun = \"sleep 1.5; echo once\"\n",
    );
    let output = home.run(["exec", "eager"]);
    assert_eq!((code(&output), out(&output).as_str()), (Some(0), "once\n"));
    assert_eq!(home.rows("eager").len(), 1);
}

#[test]
fn exec_refuses_what_it_must() {
    let home = Home::new(CONFIG);
    for (task, core) in
        [("bda", "bad"), ("closed", "API triggering disabled for this task"), ("web", "service")]
    {
        let output = home.run(["exec", task]);
        assert_eq!(code(&output), Some(1), "{task}");
        assert!(err(&output).contains(core), "{task}: {}", err(&output));
        assert_eq!(home.rows(task).len(), 0);
    }
    let daemon = home.start();
    let output = home.run(["exec", "ok"]);
    assert_eq!(code(&output), Some(1));
    let core = format!("a daemon (pid {}) is using ", daemon.pid());
    assert!(err(&output).contains(&core), "{}", err(&output));
    daemon.stop_well();
}

#[test]
fn exec_holds_the_data_directory_and_an_interrupt_stops_its_run() {
    let home = Home::new("[tasks.long]\nrun = \"echo begun; sleep 600\"\n");
    let mut exec = home.command(["exec", "long"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut begun = [0; 6];
    exec.stdout.as_mut().unwrap().read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"begun\n");
    let daemon = home.run(["daemon", "--port", &http::free_port().to_string()]);
    assert_eq!(code(&daemon), Some(1), "no daemon beside it");
    process::signal(exec.id(), "INT");
    let status = wait_for("exec ends", PATIENCE, || exec.try_wait().unwrap());
    assert_eq!(status.code(), Some(130));
    assert_eq!(home.rows("long")[0].end(), "stopped 143");
}

#[test]
fn exec_of_a_broken_configuration_touches_nothing() {
    let home = Home::new("[tasks.x]\nrnu = \"true\"\n");
    assert_eq!(code(&home.run(["exec", "x"])), Some(1));
    assert!(!home.data().exists());
}

#[test]
fn wrong_arguments_are_one_clear_sentence() {
    let home = Home::new(CONFIG);
    for args in [
        &["statsu"][..],
        &["status", "--prot", "1"],
        &["status", "--port"],
        &["status", "--port", "0"],
        &["status", "--port", "65536"],
        &["list", "surplus"],
        &["exec"],
        &["reload", "x"],
        &["tui"],
    ] {
        let output = home.run(args);
        assert_eq!(code(&output), Some(1), "{args:?}");
        assert_eq!(out(&output), "", "{args:?}");
        assert!(err(&output).starts_with("error: "), "{args:?}: {}", err(&output));
    }
    assert!(err(&home.run(["statsu"])).contains("status"));
    assert!(err(&home.run(["status", "--prot", "1"])).contains("--port"));
    assert!(!home.data().exists());
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let home = Home::new(CONFIG);
    let mut child = home
        .command(["next", "* * * * * *", "--count", "10000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn next_shows_what_the_clock_change_does() {
    let home = Home::new(CONFIG);
    let from = ["--timezone", "Europe/Prague", "--from", "2026-03-28T12:00:00Z", "--count", "2"];
    let mut args = vec!["next", "30 2 * * *"];
    args.extend(from);
    let output = home.run(&args);
    let text = out(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(code(&output), Some(0), "{}", err(&output));
    assert!(lines[0].starts_with("2026-03-29T03:00:00+02:00 "), "{text}");
    assert_eq!(lines[1], "2026-03-30T02:30:00+02:00");
}

#[test]
fn history_and_logs_show_what_ran() {
    let home = Home::new(CONFIG);
    home.run(["exec", "ok"]);
    home.run(["exec", "bad"]);
    let history = home.run(["history"]);
    assert_eq!(code(&history), Some(0), "{}", err(&history));
    let text = out(&history);
    assert!(text.contains("bad") && text.contains("failed") && text.contains("success"), "{text}");
    let logs = home.run(["logs", "bad"]);
    assert_eq!((code(&logs), out(&logs).as_str()), (Some(0), "bad\n"));
}

/// Plain `runwisp`: a daemon in the background, and its address.
#[test]
fn the_bare_command_starts_a_daemon_in_the_background() {
    let home = Home::new("[tasks.tick]\ncron = \"* * * * * *\"\nrun = \"echo tick\"\n");
    let port = http::free_port();
    let first = home.run(["--port", &port.to_string()]);
    assert_eq!(code(&first), Some(0), "{}", err(&first));
    assert!(out(&first).contains("RunWisp is healthy at "), "{}", out(&first));
    let pid: u32 = home.read("data/daemon.pid").trim().parse().unwrap();
    let second = home.run(["--port", &port.to_string()]);
    assert_eq!(code(&second), Some(0));
    assert_eq!(home.read("data/daemon.pid").trim(), pid.to_string(), "one is enough");
    wait_until("it works", PATIENCE, || home.ended("tick").is_some());
    process::signal(pid, "TERM");
    wait_until("it ends", PATIENCE, || !process::is_alive(pid));
}

#[test]
fn the_bare_command_reports_a_daemon_that_cannot_start() {
    let home = Home::new("[tasks.x]\nrnu = \"true\"\n");
    let output = home.run(["--port", &http::free_port().to_string()]);
    assert_eq!(code(&output), Some(1));
    assert!(err(&output).contains("rnu"), "{}", err(&output));
}

#[test]
fn flags_of_the_environment_are_second_to_flags() {
    let home = Home::new("");
    home.write("other.toml", CONFIG);
    let daemon = Daemon::launch(&home, http::free_port(), |command| {
        command.env("RUNWISP_CONFIG", "other.toml").env("RUNWISP_DATA", "elsewhere");
        command.env("RUNWISP_PORT", "1");
    });
    daemon.wait_ready();
    assert!(home.path("elsewhere/runwisp.db").exists() && !home.data().exists());
    let mut status = home.command(["status"]);
    status.env("RUNWISP_PORT", daemon.port.to_string());
    assert_eq!(home.output(&mut status).status.code(), Some(0));
    status.env("RUNWISP_PORT", "none");
    assert_eq!(home.output(&mut status).status.code(), Some(1));
    daemon.stop_well();
}
