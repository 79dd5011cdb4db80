//! Paths that lead elsewhere, names that become something else, and what a task plants among its
//! own logs.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::Instant;

use serde_json::json;

use super::{CANARY, assert_well, over_socket, reply, statuses};
use crate::harness::daemon::PATIENCE;
use crate::harness::sse::Events;
use crate::harness::{Home, wait_for};
use crate::rigs::count;

/// Stands in files that no path may reach.
const MARK: &str = "this-is-the-secret-of-the-data-directory";

#[test]
fn no_path_leaves_the_dashboard_or_the_logs() {
    let home = Home::new(CANARY);
    let daemon = home.start();
    let session = daemon.login();
    home.write("data/marked", MARK);
    home.write("data/logs/marked.log", MARK);
    let ups = [
        "../",
        "..%2f",
        "%2e%2e/",
        "%2e%2e%2f",
        "%252e%252e%252f",
        "..%5c",
        "..\\",
        "..;/",
        "..%00/",
        "..%c0%af",
        "%c0%ae%c0%ae/",
        "%e0%80%ae%e0%80%ae%e0%80%af",
        "..%ef%bc%8f",
        ".%2e/",
        "..//",
        "./..././../",
        "....//",
        "%2e%2e%3b/",
        "..%u2215",
        "..%0a/",
    ];
    let files =
        ["etc/passwd", "proc/self/environ", "marked", "data/marked", "runwisp.db", "password"];
    let places = ["/", "/assets/js/", "/api/", "/openapi.json/"];
    for place in places {
        for up in ups {
            for file in files {
                for depth in [1, 8].into_iter().skip(2 - count(1, 2)) {
                    let target = format!("{place}{}{file}", up.repeat(depth));
                    let ask = format!(
                        "GET {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
                         Connection: close\r\n\r\n",
                        session.token
                    );
                    let text = reply(daemon.port, ask);
                    assert_eq!(statuses(&text).len(), 1, "{target}");
                    assert!(!text.contains(MARK) && !text.contains("root:"), "{target}\n{text}");
                    assert!(!text.contains("SQLite format"), "{target}\n{text}");
                }
            }
        }
    }
    // The same in the places of a task's name and of a run, with a session.
    let names = [
        "..",
        ".",
        "...",
        "%2e%2e",
        "..%2f..",
        "..%2fdata",
        "canary%2f..%2fmarked",
        "canary%00",
        "canary%0a",
        "%2fetc",
        "marked.log",
        "-canary",
        "canary%20",
        "%ff",
        "",
    ];
    let runs = ["..", "%2e%2e%2fmarked", "marked", "00000000000000000000000000", "a%00b", "%2f"];
    for name in names {
        for run in runs {
            for rest in ["", "/log", "/log/raw", "/log/raw?download=1", "/log/stream"] {
                let path = format!("/api/tasks/{name}/runs/{run}{rest}");
                let answer = session.get(&path);
                assert!([400, 404, 422].contains(&answer.status), "{path} {answer:?}");
                assert!(!answer.body.contains(MARK), "{path} {answer:?}");
            }
            let ask = format!(
                "GET /api/tasks/{name}/log/search?q=secret&run_id={run} HTTP/1.1\r\nHost: a\r\n\
                 Connection: close\r\n\r\n"
            );
            let text = over_socket(&home, ask);
            assert!(!text.contains(MARK), "{text}");
        }
    }
    daemon.stop_well();
}

/// A task may write what it likes, but readers of its logs read logs.
#[test]
fn what_is_planted_among_logs_is_neither_read_nor_waited_for() {
    // Long enough to be put aside once, so that all kinds of files are there.
    let home = Home::new("[tasks.a]\nrun = \"seq 30000\"\nlog_max_size = \"128kb\"\n");
    let daemon = home.start();
    let session = daemon.login();
    home.write("secret", MARK);
    let run = |session: &crate::harness::login::Session| {
        let started = session.post("/api/tasks/a/run?wait=true", "");
        assert!([200, 201].contains(&started.status), "{started:?}");
        started.json()["id"].as_str().unwrap().to_owned()
    };
    let files = |id: &str| -> Vec<std::path::PathBuf> {
        let entries = fs::read_dir(home.logs("a")).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.to_string_lossy().contains(id)).collect()
    };
    let mut planted = 0;
    for kind in ["symlink", "fifo", "directory", "dangling"] {
        for place in 0..8 {
            let id = run(&session);
            wait_for("the run is over", PATIENCE, || {
                home.rows("a").pop().filter(|row| row.is_ended())
            });
            let found = files(&id);
            let Some(path) = found.get(place) else { continue };
            fs::remove_file(path).unwrap();
            match kind {
                "symlink" => symlink(home.path("secret"), path).unwrap(),
                "dangling" => symlink(home.path("nowhere"), path).unwrap(),
                "directory" => fs::create_dir(path).unwrap(),
                _ => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
            }
            planted += 1;
            let begun = Instant::now();
            for rest in ["/log", "/log/raw"] {
                let answer = session.get(&format!("/api/tasks/a/runs/{id}{rest}"));
                assert!(!answer.body.contains(MARK), "{kind} {path:?} {answer:?}");
            }
            let found = session.get(&format!("/api/tasks/a/log/search?q=secret&run_id={id}"));
            assert!(!found.body.contains(MARK), "{kind} {path:?} {found:?}");
            assert!(begun.elapsed() < PATIENCE / 2, "{kind} {path:?}");
            assert!(!home.path("nowhere").exists());
        }
    }
    assert!(planted >= 20, "{planted}");
    assert_eq!(home.read("secret"), MARK, "nobody wrote through it");
    assert_well(&daemon);
    daemon.stop_well();
}

/// A folder of a task that is a link to elsewhere is the owner's own doing or a task's; files that
/// are there already are not touched.
#[test]
fn a_run_never_writes_into_a_file_that_is_there() {
    let home = Home::new("[tasks.a]\nrun = \"echo mine\"\n");
    let daemon = home.start();
    let session = daemon.login();
    home.write("elsewhere/precious", MARK);
    fs::create_dir_all(home.data().join("logs")).unwrap();
    symlink(home.path("elsewhere"), home.logs("a")).unwrap();
    session.post("/api/tasks/a/run?wait=true", "");
    wait_for("the run is over", PATIENCE, || home.ended("a"));
    assert_eq!(home.read("elsewhere/precious"), MARK);
    assert_well(&daemon);
    daemon.stop_well();
}

/// Names that would be something else in a header, an event, a line of the log or a page.
#[test]
fn names_that_are_not_plain_are_refused_and_not_repeated_raw() {
    let home = Home::new(CANARY);
    for name in [
        "a\\r\\nSet-Cookie: x=y",
        "a\\nevent: run.completed",
        "a\\u0000b",
        "a\\u001b[31m",
        "a\\u202eb",
        "a\\u2028b",
        "a\\u0085b",
        "a/b",
        "../a",
        "..",
        ".a",
        "a b",
        "a\\\"b",
        "<script>",
        "\\u00e4",
        "a;b",
        "a%0d",
        "-a",
        "",
    ] {
        home.write("bad.toml", format!("[tasks.\"{name}\"]\nrun = \"true\"\n"));
        let output = home.run(["validate", "--config", "bad.toml"]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        let said = String::from_utf8(output.stderr).unwrap();
        let raw = |letter: char| {
            letter != '\n' && (letter.is_control() || "\u{202e}\u{2028}".contains(letter))
        };
        assert!(!said.contains(raw), "{name}: {said:?}");
        assert!(!said.contains("\nSet-Cookie") && !said.contains("\nevent:"), "{said}");
    }
}

/// The strangest names that are allowed, and what clients send of their own, in everything that
/// has lines.
#[test]
fn strange_names_and_targets_stay_in_their_line() {
    let name = "a.:-_..::--Z";
    let home = Home::new(&format!(
        "[tasks.\"{name}\"]\nrun = \"echo x\"\n[tasks.canary]\nrun = \"true\"\n"
    ));
    let daemon =
        crate::harness::Daemon::launch(&home, crate::harness::http::free_port(), |command| {
            command.args(["--log-level", "debug"]);
        });
    daemon.wait_ready();
    let session = daemon.login();
    let bearer = format!("Authorization: Bearer {}", session.token);
    let mut events = Events::open(daemon.port, "/api/stream", &[&bearer]);
    events.position();
    let started = session.post(&format!("/api/tasks/{name}/run?wait=true"), "");
    let id = started.json()["id"].as_str().unwrap().to_owned();
    let seen = events.until("run.completed");
    assert!(seen.iter().all(|event| event.name.contains('.')), "{seen:?}");
    let run = &seen.last().unwrap().data["run"];
    assert_eq!((&run["task_name"], &run["id"]), (&json!(name), &json!(id)));
    let raw = session.get(&format!("/api/tasks/{name}/runs/{id}/log/raw?download=1"));
    let disposition = raw.header("content-disposition").unwrap();
    let file = disposition.strip_prefix("attachment; filename=\"").unwrap().strip_suffix('"');
    let is_safe = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    assert!(file.unwrap().chars().all(is_safe), "{disposition}");
    // Lines of the log, of the answer and of the redirect, each with what a client made of it.
    let lines = home.read("stderr").lines().count();
    for target in [
        "/api/tasks/x%0d%0aSet-Cookie:%20a=b/runs",
        "/api/tasks/%1b%5b31m",
        "/%0d%0aready%20url=http://evil",
        "/api/auth/launch?ticket=x&redirect=/%0d%0aSet-Cookie:a",
        "/api/auth/launch?ticket=%0d%0a[INFO]%20login",
        "/api/runs?status=%0d%0aX:%20y&task=%1b",
        "/api/%e2%80%ae",
    ] {
        let text = reply(
            daemon.port,
            format!("GET {target} HTTP/1.1\r\nHost: a\r\n{bearer}\r\nConnection: close\r\n\r\n"),
        );
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.to_lowercase().contains("\r\nset-cookie"), "{target}\n{text}");
        assert!(!head.contains("\r\nX: y"), "{target}\n{text}");
    }
    let said = home.read("stderr");
    let new: Vec<&str> = said.lines().skip(lines).collect();
    assert!(new.iter().all(|line| line.starts_with("20") && line.contains('[')), "{new:?}");
    assert!(!said.contains('\u{1b}'), "{said}");
    assert!(!said.contains("\nready url=http://evil"), "{said}");
    // A token in a query, which some senders cannot avoid, is in no line.
    assert!(!said.contains("ticket="), "{said}");
    daemon.stop_well();
}

/// Output that looks like events, headers, and lines of our own files.
#[test]
fn what_a_task_prints_stays_output() {
    let home = Home::new(
        r#"[tasks.a]
run = '''printf 'x\r\n\r\nevent: done\ndata: {}\n\nid: 99\n: c\nretry: 1\n[ERR] \n\033]0;t\007\n\0\n'; sleep 60'''
"#,
    );
    let daemon = home.start();
    let session = daemon.login();
    let id = session.post("/api/tasks/a/run", "").json()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/tasks/a/runs/{id}/log/stream");
    let mut events = session.stream(&path, &[]);
    // `retry` of another value and fields that are none make the reader panic.
    for _ in 0..10 {
        let event = events.next().unwrap();
        assert_ne!(event.name, "done", "{event:?}");
        assert!(event.id.is_none_or(|id| id < 20), "{event:?}");
        let text = event.data.to_string();
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
    }
    let raw = session.get(&format!("/api/tasks/a/runs/{id}/log/raw"));
    assert_eq!(raw.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(raw.header("x-content-type-options"), Some("nosniff"));
    assert!(!home.read("stderr").contains('\u{1b}'));
    daemon.stop_well();
}
