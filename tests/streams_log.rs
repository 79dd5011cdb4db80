//! The log of a run over HTTP: as a stream while it is written, as pages, as a download, and
//! searched.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::daemon::PATIENCE;
use crate::harness::login::Session;
use crate::harness::rows::Row;
use crate::harness::sse::{Event, Events};
use crate::harness::{Home, wait_for, wait_until};

/// A task that prints what comes through a pipe, line by line, until the pipe is closed.
struct Echo {
    home: Home,
}

impl Echo {
    /// `settings` are further lines of the task.
    fn new(settings: &str) -> Echo {
        let home = Home::new("");
        let pipe = home.path("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let script = "exec < \"$PIPE\"; while read -r line; do eval \"$line\"; done";
        home.write(
            "runwisp.toml",
            format!(
                "[tasks.echo]\nrun_on_start = true\n{settings}\nrun = '{script}'\n\
                 env = {{ PIPE = {pipe:?} }}\n"
            ),
        );
        Echo { home }
    }

    /// The end of the pipe that commands go into, as soon as the task listens.
    fn pipe(&self) -> File {
        OpenOptions::new().write(true).open(self.home.path("pipe")).unwrap()
    }

    fn run(&self) -> Row {
        first(&self.home, "echo")
    }
}

fn first(home: &Home, task: &str) -> Row {
    let row = || home.rows(task).into_iter().next();
    wait_for("there is a run", PATIENCE, row)
}

fn url(row: &Row, rest: &str) -> String {
    format!("/api/tasks/{}/runs/{}/log{rest}", row.task, row.id)
}

#[track_caller]
fn follow(session: &Session, row: &Row, rest: &str, headers: &[&str]) -> Events {
    let events = session.stream(&url(row, &format!("/stream{rest}")), headers);
    assert_eq!(events.status(), 200, "{}", events.head);
    events
}

#[track_caller]
fn page(session: &Session, row: &Row, query: &str) -> Value {
    let answer = session.get(&url(row, query));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn done(event: &Event) -> Value {
    assert_eq!(event.name, "done", "{event:?}");
    event.data.clone()
}

#[test]
fn lines_come_one_by_one_and_the_end_says_how_it_went() {
    let echo = Echo::new("");
    let daemon = echo.home.start();
    let session = daemon.login();
    let row = echo.run();
    let mut events = follow(&session, &row, "", &[]);
    for header in ["text/event-stream", "no-store", "X-Accel-Buffering: no"] {
        assert!(events.head.contains(header), "{}", events.head);
    }
    let mut pipe = echo.pipe();
    for (n, (command, stream, text)) in [
        ("echo one", "stdout", "one"),
        ("echo two >&2", "stderr", "two"),
        ("printf \"\\377\\033[1mx\\n\"", "stdout", "\u{fffd}\u{1b}[1mx"),
    ]
    .into_iter()
    .enumerate()
    {
        writeln!(pipe, "{command}").unwrap();
        let event = events.next().unwrap();
        assert_eq!((event.id, &*event.name), (Some(n as u64), "line"));
        assert_eq!(event.data["n"], n);
        assert_eq!((&event.data["stream"], &event.data["text"]), (&json!(stream), &json!(text)));
        assert!(event.data["ts"].as_i64().unwrap() > 1_700_000_000_000);
    }
    writeln!(pipe, "exit 7").unwrap();
    let end = events.next().unwrap();
    assert_eq!(end.id, Some(2));
    let outcome =
        json!({"final_line": 2, "status": "ended", "end_reason": "failed", "exit_code": 7});
    assert_eq!(done(&end), outcome);
    assert_eq!(events.next(), None, "the server closes");
    assert_eq!(echo.run().exit_code, Some(7), "the end was durable");

    let mut again = follow(&session, &row, "?from=-2", &[]);
    let ids: Vec<_> = again.until("done").iter().map(|event| event.id).collect();
    assert_eq!(ids, [Some(1), Some(2), Some(2)]);
}

#[test]
fn a_client_that_comes_back_goes_on_where_it_was() {
    let echo = Echo::new("");
    let daemon = echo.home.start();
    let session = daemon.login();
    let (row, mut pipe) = (echo.run(), echo.pipe());
    writeln!(pipe, "i=0; while [ $i -lt 8000 ]; do echo $i; i=$((i+1)); done").unwrap();
    let mut seen: Vec<u64> = Vec::new();
    while seen.len() < 8000 {
        let last = seen.last().map(|last| format!("Last-Event-ID: {last}"));
        let last: Vec<&str> = last.as_deref().into_iter().collect();
        // What is asked for in the address is for the first time only.
        let mut events = follow(&session, &row, "?from=0&replay_limit=50000", &last);
        for _ in 0..1300.min(8000 - seen.len()) {
            let event = events.next().unwrap();
            assert_eq!(event.name, "line");
            assert_eq!(event.data["text"], event.data["n"].to_string());
            seen.push(event.id.unwrap());
        }
    }
    assert!(seen.iter().copied().eq(0..8000), "no line lost, none twice");
    for header in ["Last-Event-ID: -5", "Last-Event-ID: x", "Last-Event-ID:"] {
        let mut events = follow(&session, &row, "?from=7998", &[header]);
        assert_eq!(events.next().unwrap().id, Some(7998), "{header}");
    }
    drop(pipe);
    let mut events = follow(&session, &row, "", &["Last-Event-ID: 123456"]);
    assert_eq!(events.next().unwrap().name, "done");
}

/// Checks that events leave no gap: what is not sent is accounted for. Gives the next number.
#[track_caller]
fn account(events: &[Event], mut next: u64) -> u64 {
    for event in events {
        match &*event.name {
            "line" => {
                assert_eq!(event.data["n"], next, "{event:?}");
                next += 1;
            }
            "dropped" => {
                next += event.data["count"].as_u64().unwrap();
                assert_eq!(event.data["after"], next - 1, "{event:?}");
            }
            "rotated" => assert!(event.data["first_available"].is_u64()),
            "done" => assert_eq!(event.data["final_line"], next - 1, "{event:?}"),
            other => panic!("{other}"),
        }
        assert_eq!(event.id, next.checked_sub(1), "{event:?}");
    }
    next
}

#[test]
fn a_job_that_floods_and_rotates_is_followed_without_a_gap() {
    let flood = "seq 1 300000";
    let echo = Echo::new("log_max_size = \"200kb\"");
    let daemon = echo.home.start();
    let session = daemon.login();
    let (row, mut pipe) = (echo.run(), echo.pipe());
    let mut steady = follow(&session, &row, "?from=0", &[]);
    writeln!(pipe, "{flood}; exit 0").unwrap();
    let mut next = 0;
    // One that is cut off again and again.
    let mut broken = Vec::new();
    loop {
        let last = format!("Last-Event-ID: {}", next as i64 - 1);
        let mut events = follow(&session, &row, "?from=0&replay_limit=50000", &[&last]);
        let some: Vec<Event> = std::iter::from_fn(|| events.next()).take(20_000).collect();
        next = account(&some, next);
        let is_done = some.last().unwrap().name == "done";
        broken.extend(some);
        if is_done {
            break;
        }
    }
    let all = steady.until("done");
    assert_eq!(account(&all, 0), next, "both saw the end");
    let has = |events: &[Event], name| events.iter().any(|event| event.name == name);
    assert!(has(&all, "rotated") && has(&broken, "rotated"));
    for events in [&all, &broken] {
        let texts = events.iter().filter(|event| event.name == "line");
        let numbers: Vec<u64> =
            texts.filter_map(|event| event.data["text"].as_str()?.parse().ok()).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "no line came twice");
        assert_eq!(numbers.last(), Some(&300_000));
    }
}

#[test]
fn the_newest_lines_are_replayed_and_the_rest_is_reported() {
    let home = Home::new("[tasks.a]\nrun_on_start = true\nrun = 'seq 0 99'\n");
    let daemon = home.start();
    let session = daemon.login();
    let row = wait_for("the run is over", PATIENCE, || home.ended("a"));
    let events = follow(&session, &row, "?from=10&replay_limit=30", &[]).until("done");
    assert_eq!(events[0].data, json!({"after": 69, "count": 60}));
    assert_eq!((&*events[0].name, events[0].id), ("dropped", Some(69)));
    assert_eq!((events[1].id, events.len()), (Some(70), 32));
    assert_eq!(account(&events, 10), 100);
    let missing = session.get("/api/tasks/a/runs/01JTQ6V6Z9M3XK2B8N4C7D5E1F/log/stream");
    assert_eq!(missing.status, 404);
    let wrong = session.get(&url(&row, "/stream?replay_limit=0"));
    assert_eq!(
        (wrong.status, &wrong.json()["errors"][0]["location"]),
        (422, &json!("query.replay_limit"))
    );
}

#[test]
fn the_stream_of_a_run_that_waits_begins_with_its_first_line() {
    let echo = Echo::new("cron = \"@every 1s\"");
    let daemon = echo.home.start();
    let session = daemon.login();
    let mut first = echo.pipe();
    let waiting = || echo.home.rows("echo").into_iter().find(|row| row.status == "pending");
    let row = wait_for("a run waits", PATIENCE, waiting);
    let mut events = follow(&session, &row, "", &[]);
    let empty = json!({"lines": [], "first_available": 0, "total_lines": 0, "truncated": false,
        "finalized": false});
    assert_eq!(page(&session, &row, ""), empty);
    writeln!(first, "exit 0").unwrap();
    let begun = || {
        echo.home
            .rows("echo")
            .into_iter()
            .find(|other| other.id == row.id && other.status == "running")
    };
    wait_for("it has begun", PATIENCE, begun);
    let mut second = echo.pipe();
    writeln!(second, "echo here; exit 0").unwrap();
    let seen = events.until("done");
    assert_eq!(account(&seen, 0), 1);
    assert_eq!(seen[0].data["text"], "here");
    assert_eq!(seen[0].data["ts"], page(&session, &row, "")["lines"][0]["ts"]);
}

#[test]
fn the_stream_of_a_run_that_is_cancelled_while_it_waits_ends() {
    let echo = Echo::new("cron = \"@every 1s\"");
    let daemon = echo.home.start();
    let session = daemon.login();
    let waiting = || echo.home.rows("echo").into_iter().find(|row| row.status == "pending");
    let row = wait_for("a run waits", PATIENCE, waiting);
    let mut events = follow(&session, &row, "", &[]);
    let stop = format!("/api/tasks/echo/runs/{}/stop", row.id);
    assert_eq!(session.post(&stop, "").status, 200);
    let end = events.next().unwrap();
    let outcome =
        json!({"final_line": -1, "status": "ended", "end_reason": "stopped", "exit_code": -1});
    assert_eq!((done(&end), end.id), (outcome, None));
    assert_eq!(events.next(), None);
}

#[test]
fn a_daemon_that_stops_closes_its_streams() {
    let echo = Echo::new("");
    let mut daemon = echo.home.start();
    let session = daemon.login();
    let mut events = follow(&session, &echo.run(), "", &[]);
    let mut pipe = echo.pipe();
    writeln!(pipe, "trap : TERM; echo x").unwrap();
    assert_eq!(events.next().unwrap().name, "line");
    daemon.signal("TERM");
    assert_eq!(events.next(), None, "before the run has ended");
    drop(pipe);
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn pages_begin_where_they_are_asked_to() {
    let home = Home::new(
        "[tasks.a]\nrun_on_start = true\nrun = 'seq 0 2999; echo end >&2'\n\
         [tasks.b]\nrun_on_start = true\nrun = 'true'\n\
         [tasks.cut]\nrun_on_start = true\nlog_max_size = \"10kb\"\nrun = 'seq 1 5000'\n",
    );
    let daemon = home.start();
    let session = daemon.login();
    let [a, b, cut] =
        ["a", "b", "cut"].map(|task| wait_for("the run is over", PATIENCE, || home.ended(task)));
    for (query, first, count) in [
        ("", 2001, 1000),
        ("?from=0", 0, 1000),
        ("?from=2990&limit=5", 2990, 5),
        ("?from=-3", 2998, 3),
        ("?from=-99999&limit=1", 0, 1),
        ("?from=&limit=10000&x=y", 2001, 1000),
    ] {
        let page = page(&session, &a, query);
        let lines = page["lines"].as_array().unwrap();
        assert_eq!((lines[0]["n"].as_u64(), lines.len()), (Some(first), count), "{query}");
        assert_eq!(page["total_lines"], 3001);
        assert_eq!((&page["truncated"], &page["finalized"]), (&json!(false), &json!(true)));
    }
    let end = page(&session, &a, "?from=-1");
    let ts = end["lines"][0]["ts"].clone();
    assert_eq!(end["lines"], json!([{"n": 3000, "ts": ts, "stream": "stderr", "text": "end"}]));
    assert_eq!(page(&session, &a, "?from=3001")["lines"], json!([]));
    assert_eq!(page(&session, &b, "")["total_lines"], 0);

    let page = page(&session, &cut, "?from=0&limit=1");
    let first = page["first_available"].as_u64().unwrap();
    assert!(first > 0 && page["truncated"] == true, "{page}");
    assert_eq!(page["lines"][0]["n"], first);
    assert_eq!(page["lines"][0]["stream"], "system");

    let foreign = format!("/api/tasks/b/runs/{}/log", a.id);
    for path in [foreign.clone(), foreign + "/raw"] {
        assert_eq!(session.get(&path).status, 404, "{path}");
    }
    for query in ["?from=x", "?limit=0", "?limit=10001", "?from=1e3"] {
        assert_eq!(session.get(&url(&a, query)).status, 422, "{query}");
    }
    assert_eq!(session.get("/api/tasks/a/runs/x/log").status, 422);
}

#[test]
fn a_download_is_the_log_byte_for_byte() {
    let home = Home::new(
        "[tasks.\"a.b\"]\nrun_on_start = true\nlog_max_size = \"10kb\"\nrun = 'seq 1 5000; echo x >&2'\n\
         [tasks.silent]\nrun_on_start = true\nrun = 'true'\n",
    );
    let daemon = home.start();
    let session = daemon.login();
    let row = wait_for("the run is over", PATIENCE, || home.ended("a.b"));
    let silent = wait_for("the run is over", PATIENCE, || home.ended("silent"));
    let read = |ending: &str| {
        let name = format!("_{}{ending}", row.id);
        let mut files =
            std::fs::read_dir(home.logs("a_b")).unwrap().map(|file| file.unwrap().path());
        std::fs::read_to_string(files.find(|path| path.to_string_lossy().ends_with(&name)).unwrap())
            .unwrap()
    };
    let expected = read(".log.prev") + &read(".log");
    let answer = session.get(&url(&row, "/raw"));
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("text/plain; charset=utf-8"))
    );
    assert_eq!(answer.header("content-disposition"), None);
    assert_eq!(answer.body, expected);
    assert!(expected.contains("\n[ERR] x\n"));
    let saved = session.get(&url(&row, "/raw?download=1"));
    let name = format!("attachment; filename=\"a.b_{}.log\"", row.id);
    assert_eq!(saved.header("content-disposition"), Some(&*name));
    let empty = session.get(&url(&silent, "/raw"));
    assert_eq!((empty.status, &*empty.body), (200, ""));
}

#[test]
fn a_search_finds_every_line_in_pages() {
    let home = Home::new(
        "[tasks.a]\ncron = \"@every 1s\"\nrun_on_start = true\n\
         run = 'seq -f \"line %.0f\" 1 3000; echo \"Needle ERR\" >&2'\n\
         [tasks.b]\nrun = 'true'\n",
    );
    let daemon = home.start();
    let session = daemon.login();
    let ended = || home.rows("a").into_iter().filter(Row::is_ended).collect::<Vec<_>>();
    let rows =
        wait_for("there are two runs", PATIENCE, || Some(ended()).filter(|rows| rows.len() > 1));
    let path = |query: &str| format!("/api/tasks/a/log/search?{query}");
    let search = |query: &str| {
        let answer = session.get(&path(query));
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        answer.json()
    };
    let one = format!("&run_id={}", rows[0].id);
    for (query, count) in [
        ("q=needle", 1),
        ("q=needle&case=true", 0),
        ("q=Needle&case=true", 1),
        ("q=ERR", 1),
        ("q=%5BERR", 0),
        ("q=line+29%0A", 0),
        ("q=line+2999", 1),
        ("q=%5Eline+%5Cd$&regex=true", 9),
        ("q=LINE+1&regex=true&limit=1000&case=true", 0),
        ("q=.", 0),
    ] {
        let found = search(&format!("{query}{one}"));
        assert_eq!(found["hits"].as_array().unwrap().len(), count, "{query}");
        assert_eq!((&found["exhausted"], &found["scanned_runs"]), (&json!(true), &json!(1)));
        assert_eq!(found.get("next_cursor"), None);
    }
    let hit = &search(&format!("q=needle{one}"))["hits"][0];
    assert_eq!(
        (&hit["n"], &hit["stream"], &hit["text"]),
        (&json!(3000), &json!("stderr"), &json!("Needle ERR"))
    );
    assert_eq!(hit["run_id"], rows[0].id);

    let (mut cursor, mut numbers) = (String::new(), Vec::new());
    loop {
        let found = search(&format!("q=1&limit=100{one}{cursor}"));
        let hits = found["hits"].as_array().unwrap();
        numbers.extend(hits.iter().map(|hit| hit["n"].as_u64().unwrap()));
        let Some(next) = found.get("next_cursor") else { break };
        assert_eq!((hits.len(), &found["exhausted"]), (100, &json!(false)));
        cursor = format!("&cursor={}", next.as_str().unwrap());
    }
    assert!(numbers.iter().copied().eq((0..3000).filter(|n| (n + 1).to_string().contains('1'))));

    let found = search("q=line+1$&regex=true&limit=1000");
    let ids: Vec<_> =
        found["hits"].as_array().unwrap().iter().map(|hit| hit["run_id"].to_string()).collect();
    assert!(ids.len() > 1 && ids.is_sorted_by(|a, b| a > b), "the newest run first: {ids:?}");

    for (query, location) in [
        ("", "query.q"),
        ("q=", "query.q"),
        ("q=%28&regex=true", "query.q"),
        ("q=%28a%7B1000%7D%29%7B1000%7D&regex=true", "query.q"),
        ("q=a&limit=1001", "query.limit"),
        ("q=a&case=1", "query.case"),
        ("q=a&cursor=x", "query.cursor"),
        ("q=a&run_id=x", "query.run_id"),
    ] {
        let answer = session.get(&path(query));
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["location"]),
            (422, &json!(location)),
            "{query}"
        );
    }
    let foreign = format!("/api/tasks/b/log/search?q=a{one}");
    for path in [foreign, "/api/tasks/none/log/search?q=a".to_owned()] {
        assert_eq!(session.get(&path).status, 404, "{path}");
    }
    assert_eq!(session.get("/api/tasks/b/log/search?q=a").json()["exhausted"], true);
}

#[test]
fn followers_that_have_gone_soon_make_room() {
    let echo = Echo::new("");
    let daemon = echo.home.start();
    let (session, row) = (daemon.login(), echo.run());
    let _pipe = echo.pipe();
    let path = url(&row, "/stream");
    // As many as one address may have (docs/security.md, Connections).
    let followers: Vec<Events> = (0..8).map(|_| follow(&session, &row, "", &[])).collect();
    assert_eq!(session.stream(&path, &[]).status(), 503);
    drop(followers);
    let begun = Instant::now();
    wait_until("there is room again", PATIENCE, || session.stream(&path, &[]).status() == 200);
    // A sign of life every 14 s would be too late for somebody who looks at one log after another.
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    daemon.kill9();
}
