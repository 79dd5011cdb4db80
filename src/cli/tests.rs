//! What the commands that read a configuration print, to the letter.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::args::{self, Command, Invocation};
use super::globals::{Globals, Surroundings};
use super::{Exit, Failure, Outcome, background, init, list, next, status, validate};
use crate::daemon::lock::InstanceLock;
use crate::{config, threads};

const FILE: &str = "\
[scheduler]
timezone = \"Europe/Prague\"
[tasks.nightly-dump]
cron = \"0 3 * * *\"
description = \"Dump the database\\nevery night\"
run = \"true\"
[services.worker]
instances = 3
description = \"\\u001b[2JQueue workers\"
run = \"true\"
[tasks.release-hook]
on_overlap = \"skip\"
api_trigger = false
parallelism = 2
description = \"Runs after a release, when everything else is done\"
run = \"true\"
[tasks.long]
description = \"Runs after a release, when everything else is done.\"
run = \"true\"
";

/// A directory of the test's own, gone with it.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let path = std::env::temp_dir().join(format!("runwisp-cli-{name}-{}", std::process::id()));
        // It exists only when an earlier test process of the same number died.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Place(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A directory that stays behind harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn parsed(argv: &[&str]) -> (Globals, Command) {
    let around = Surroundings { env: &|_| None, is_root: false, has_local_config: false };
    match args::parse(argv.iter().map(Into::into).collect(), &around) {
        Ok(Invocation::Run(globals, command)) => (*globals, command),
        other => panic!("{argv:?}: {other:?}"),
    }
}

fn run(argv: &[&str]) -> Result<Outcome, Failure> {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let (globals, command) = parsed(argv);
    match command {
        Command::List { output } => list::run(config::load(&globals.config.path, now), output),
        Command::Validate { path, output } => validate::run(&globals, path, output, now),
        Command::Next(args) => next::run(&globals, &args, now),
        Command::Init { existing } => init::run(&globals, existing, None),
        Command::Status { output } => Ok(status::run(&globals, output)),
        Command::Start
        | Command::Daemon
        | Command::Exec { .. }
        | Command::Reload { .. }
        | Command::Why { .. }
        | Command::Run { .. }
        | Command::RunTask { .. }
        | Command::Operate { .. }
        | Command::Notify(_)
        | Command::StopDaemon
        | Command::RestartDaemon { .. }
        | Command::Password
        | Command::Backup { .. }
        | Command::Service(_)
        | Command::Completion(_)
        | Command::OpenApi
        | Command::Schema
        | Command::Logs { .. }
        | Command::History { .. }
        | Command::Import(_)
        | Command::Promote(_)
        | Command::Takeover(_)
        | Command::Demo => panic!("{argv:?} does more than ask"),
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn json(outcome: &Outcome) -> serde_json::Value {
    assert_eq!(outcome.stderr, "");
    serde_json::from_str(&outcome.stdout).unwrap()
}

#[test]
fn list_is_a_table_in_the_order_of_the_file() {
    let place = Place::new("list");
    let path = place.file("x.toml", FILE);
    let expected = "\
NAME          SCHEDULE      CONCURRENCY  POLICY  API  DESCRIPTION
nightly-dump  0 3 * * *     1            queue   yes  Dump the database
worker        (service x3)  1            skip    yes  \\x1b[2JQueue workers
release-hook  (manual)      2            skip    no   Runs after a release, when everything else is done
long          (manual)      1            queue   yes  Runs after a release, when everything else is d...
";
    assert_eq!(run(&["list", "-c", text(&path)]), Ok(Outcome::success(expected.to_owned())));
    let empty = place.file("empty.toml", "");
    let header = "NAME  SCHEDULE  CONCURRENCY  POLICY  API  DESCRIPTION\n";
    assert_eq!(run(&["list", "-c", text(&empty)]), Ok(Outcome::success(header.to_owned())));
}

#[test]
fn list_as_json_has_everything_and_an_error_where_there_is_one() {
    let place = Place::new("list-json");
    let path = place.file("x.toml", FILE);
    let listing = json(&run(&["list", "--json", "-c", text(&path)]).unwrap());
    assert_eq!(
        listing["tasks"][0],
        serde_json::json!({
            "name": "nightly-dump", "kind": "task", "schedule": "0 3 * * *", "max_concurrent": 1,
            "on_overlap": "queue", "api_trigger": true, "description": "Dump the database\nevery night",
            "group": "Tasks",
        })
    );
    assert_eq!(listing["tasks"][1]["instances"], 3);
    assert!(listing["tasks"][1].get("max_concurrent").is_none());
    let outcome = run(&["list", "--json", "-c", "/nonexistent.toml"]).unwrap();
    assert_eq!(outcome.exit, Exit::Failure);
    let listing = json(&outcome);
    assert_eq!(
        (&listing["schema_version"], &listing["tasks"]),
        (&1.into(), &serde_json::json!([]))
    );
    assert!(
        listing["error"].as_str().unwrap().starts_with("config file not found: /nonexistent.toml")
    );
}

#[test]
fn validate_counts_what_is_there_and_warns_on_stderr() {
    let place = Place::new("validate");
    let path = place.file("x.toml", FILE);
    for argv in [&["validate", text(&path)][..], &["validate", "-c", text(&path)]] {
        let outcome = run(argv).unwrap();
        let shown = path.display();
        assert_eq!(
            outcome.stdout,
            format!("ok: {shown}: 3 tasks, 1 service, 0 notifiers, timezone Europe/Prague\n")
        );
        assert!(outcome.stderr.starts_with(&format!("{shown}:11:")), "{}", outcome.stderr);
        assert_eq!(outcome.exit, Exit::Success);
    }
    let Err(Failure::Error(message)) = run(&["validate", text(&path), "-c", "y.toml"]) else {
        panic!()
    };
    assert!(message.starts_with("two different files are given"), "{message}");
}

#[test]
fn validate_reports_every_problem() {
    let place = Place::new("problems");
    let path = place.file("x.toml", "[tasks.a]\nrn = \"true\"\n[tasks.b]\nrun = 1\n");
    let Err(Failure::Problems(lines)) = run(&["validate", text(&path)]) else { panic!() };
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.last(), Some(&"configuration invalid: 3 error(s)"));
    assert!(
        lines.iter().any(
            |line| line.contains(":2:1: tasks.a.rn: unknown key \"rn\"; did you mean \"run\"?")
        )
    );

    let outcome = run(&["validate", "--json", text(&path)]).unwrap();
    assert_eq!(outcome.exit, Exit::Failure);
    let verdict = json(&outcome);
    assert_eq!(verdict["valid"], false);
    let errors = verdict["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 3);
    let unknown = errors.iter().find(|error| error["key"] == "tasks.a.rn").unwrap();
    assert_eq!((&unknown["line"], &unknown["column"]), (&2.into(), &1.into()));

    let good = place.file("good.toml", FILE);
    let verdict = json(&run(&["validate", "--json", text(&good)]).unwrap());
    assert_eq!(verdict["valid"], true);
    assert_eq!(
        (&verdict["timezone"], &verdict["timezone_source"]),
        (&"Europe/Prague".into(), &"config".into())
    );
    assert_eq!((&verdict["tasks"], &verdict["services"]), (&3.into(), &1.into()));
}

#[test]
fn next_takes_the_schedule_and_the_zone_of_a_task() {
    let place = Place::new("next");
    let path = place.file("x.toml", FILE);
    let next = |task: &str| run(&["next", task, "-n", "1", "-c", text(&path)]);
    assert_eq!(
        next("nightly-dump"),
        Ok(Outcome::success("2026-01-01T03:00:00+01:00\n".to_owned()))
    );
    for (task, expected) in [
        ("worker", "\"worker\" is a service: it always runs and has no schedule"),
        ("long", "the task \"long\" has no schedule"),
        ("nightly-dmup", "unknown task \"nightly-dmup\"; did you mean \"nightly-dump\"?"),
    ] {
        assert_eq!(next(task), Err(Failure::Error(expected.to_owned())));
    }
}

#[test]
fn init_writes_a_file_that_is_valid_and_touches_none_that_is_there() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::new("init");
    let path = place.0.join("runwisp.toml");
    let data = place.0.join("data");
    let init = |more: &[&str]| run(&[&["init", "-c", text(&path)], more].concat());
    let outcome = init(&[]).unwrap();
    assert!(
        outcome.stdout.contains("the daemon makes one at its first start"),
        "{}",
        outcome.stdout
    );
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
    let checked = run(&["validate", text(&path)]).unwrap();
    assert_eq!((checked.exit, checked.stderr.as_str()), (Exit::Success, ""));
    assert!(!data.exists());
    assert!(std::fs::read_to_string(&path).unwrap().starts_with(init::SCHEMA));

    std::fs::write(&path, "mine").unwrap();
    let Err(Failure::Error(message)) = init(&[]) else { panic!() };
    assert!(message.ends_with("already exists; --force replaces it"), "{message}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");

    init(&["-f", "--data", text(&data)]).unwrap();
    assert_ne!(std::fs::read_to_string(&path).unwrap(), "mine");
    assert_eq!(std::fs::metadata(data.join("password")).unwrap().len(), 23);
    let kept = std::fs::read(data.join("password")).unwrap();
    init(&["-f", "--data", text(&data)]).unwrap();
    assert_eq!(std::fs::read(data.join("password")).unwrap(), kept);

    std::fs::rename(&path, place.0.join("real.toml")).unwrap();
    std::os::unix::fs::symlink(place.0.join("real.toml"), &path).unwrap();
    let Err(Failure::Error(message)) = init(&["-f"]) else { panic!() };
    assert!(message.starts_with("refusing to write") && message.ends_with("path is a symlink"));
}

#[test]
fn status_is_the_answer_of_the_port() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let answers = ["200 OK", "503 Service Unavailable"];
    let server = threads::spawn("server", move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            assert!(request.starts_with(b"GET /health HTTP/1.1\r\n"));
            write!(stream, "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .unwrap();
        }
    });
    let ask = || run(&["status", "-p", &port, "--host", "0.0.0.0"]).unwrap();
    assert_eq!(ask(), Outcome::success(format!("RunWisp is healthy at :{}\n", port)));
    let failed = |reason: &str| format!("RunWisp is not reachable at 127.0.0.1:{port}: {reason}");
    let outcome = ask();
    assert_eq!((outcome.exit, outcome.stderr), (Exit::Failure, failed("answered 503\n")));
    server.unwrap().join().unwrap();
    let outcome = ask();
    assert_eq!((outcome.exit, outcome.stdout.as_str()), (Exit::Failure, ""));
    assert!(outcome.stderr.starts_with(&failed("connection refused\n")), "{}", outcome.stderr);
}

/// A port where nobody listens, from the system.
fn silent_port() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port().to_string()
}

#[test]
fn a_background_start_looks_before_it_touches_anything() {
    let place = Place::new("background");
    let (good, bad) = (place.file("good.toml", FILE), place.file("bad.toml", "x = 1\n"));
    let data = place.0.join("data");
    let start = |config: &Path| {
        let port = silent_port();
        let argv = ["-c", text(config), "--data", text(&data), "-p", &port];
        let (globals, command) = parsed(&argv);
        assert_eq!(command, Command::Start);
        background::run(&globals, None)
    };
    let Err(Failure::Problems(lines)) = start(&bad) else { panic!("a bad file is accepted") };
    assert!(lines.ends_with("configuration invalid: 1 error(s)"), "{lines}");
    assert!(!data.exists());

    std::fs::create_dir(&data).unwrap();
    let log = place.file("data/daemon.log", "of the daemon that runs\n");
    let lock = InstanceLock::take(&data).unwrap();
    let Err(Failure::Error(message)) = start(&good) else { panic!("two daemons in one place") };
    assert!(message.contains("is already using"), "{message}");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "of the daemon that runs\n");
    drop(lock);

    std::fs::remove_file(&log).unwrap();
    std::os::unix::fs::symlink(place.0.join("elsewhere"), &log).unwrap();
    let refusal = format!("refusing to write {}: path is a symlink", log.display());
    assert_eq!(start(&good), Err(Failure::Error(refusal)));
    assert!(!place.0.join("elsewhere").exists());
}
