//! Event streams as a browser or a script sees them (docs/api.md, Streams).

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::harness::daemon::PATIENCE;
use crate::harness::login::Session;
use crate::harness::sse::{Event, Events};
use crate::harness::{Home, process, wait_until};

/// A task that runs every second.
const TICKING: &str =
    "[tasks.tick]\ncron = \"* * * * * *\"\non_overlap = \"queue\"\nrun = \"true\"\n";

/// Events that are kept, with what else there is left out.
fn news(events: &mut Events, count: usize) -> Vec<Event> {
    let mut seen = Vec::new();
    while seen.len() < count {
        let event = events.next().unwrap_or_else(|| panic!("ended after {seen:?}"));
        if event.name != "ping" && event.name != "system.sample" {
            seen.push(event);
        }
    }
    seen
}

fn run_of(event: &Event) -> Option<&str> {
    event.data["run"]["id"].as_str()
}

fn json(session: &Session, path: &str) -> Value {
    let answer = session.get(path);
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

#[test]
fn a_run_is_created_and_started_and_completed_in_this_order() {
    let home = Home::new(
        "[tasks.good]\ncron = \"* * * * * *\"\nrun = \"true\"\n
         [tasks.bad]\ncron = \"* * * * * *\"\nrun = \"exit 3\"\n
         [tasks.lost]\ncron = \"* * * * * *\"\nrun = \"true\"\nshell = \"/nowhere/sh\"\n",
    );
    let daemon = home.start();
    let session = daemon.login();
    for (path, is_numbered) in [("/api/stream", true), ("/api/runs/stream", false)] {
        let mut events = session.stream(path, &[]);
        assert_eq!(events.status(), 200);
        for header in
            ["Content-Type: text/event-stream", "Cache-Control: no-store", "X-Accel-Buffering: no"]
        {
            assert!(events.head.contains(header), "{}", events.head);
        }
        let seen = news(&mut events, 30);
        assert!(seen.iter().all(|event| event.id.is_some() == is_numbered));
        assert!(seen.is_sorted_by_key(|event| event.id));
        for (task, expected) in [
            ("good", ["run.created", "run.started", "run.completed"].as_slice()),
            ("bad", &["run.created", "run.started", "run.failed"]),
            ("lost", &["run.created", "run.failed"]),
        ] {
            let created = seen.iter().find(|event| {
                event.name == "run.created" && event.data["run"]["task_name"] == task
            });
            let run = run_of(created.unwrap());
            assert!(run.is_some());
            let of_run: Vec<&Event> = seen.iter().filter(|event| run_of(event) == run).collect();
            let names: Vec<&str> = of_run.iter().map(|event| event.name.as_str()).collect();
            assert_eq!(names, expected, "{task}");
            let mut phases =
                of_run.iter().map(|event| event.data["run"]["status"].as_str().unwrap());
            assert_eq!(phases.next_back(), Some("ended"));
            let why = of_run.last().unwrap().data["error"].as_str().unwrap_or_default();
            assert_eq!(why.contains("/nowhere/sh"), task == "lost", "{why}");
        }
    }
    daemon.stop_well();
}

#[test]
fn a_deleted_run_is_told_to_whoever_follows_everything() {
    let home = Home::new("[tasks.once]\nrun = \"true\"\n");
    let daemon = home.start();
    let session = daemon.login();
    let mut runs = session.stream("/api/runs/stream", &[]);
    let mut events = session.stream("/api/stream", &[]);
    let start = || session.post("/api/tasks/once/run?wait=true", "").json();
    let run = start();
    let id = run["id"].as_str().unwrap();
    let path = format!("/api/tasks/once/runs/{id}");
    assert_eq!(session.call("DELETE", &path, "").status, 204);
    let mut seen = news(&mut events, 4);
    let deleted = seen.pop().unwrap();
    assert_eq!(deleted.name, "run.deleted");
    assert_eq!(deleted.data, json!({"run_id": id, "task_name": "once"}));
    assert_eq!(seen.pop().unwrap().data, json!({"run": run}), "the end is what the API says");
    start();
    let names: Vec<String> = news(&mut runs, 6).into_iter().map(|event| event.name).collect();
    let of_one = ["run.created", "run.started", "run.completed"];
    assert_eq!(names, of_one.repeat(2), "this one tells of runs alone");
    daemon.stop_well();
}

#[test]
fn a_dropped_stream_goes_on_without_loss_or_repeat() {
    let home = Home::new(TICKING);
    let daemon = home.start();
    let session = daemon.login();
    let mut seen = news(&mut session.stream("/api/stream", &[]), 2);
    let ended =
        || home.rows("tick").iter().filter(|row| row.is_ended()).map(|row| row.id.clone()).max();
    // Several times, with runs that come and go while nobody listens.
    for _ in 0..3 {
        let before = ended();
        wait_until("a run ends unheard", PATIENCE, || ended() > before);
        let header = format!("Last-Event-ID: {}", seen.last().unwrap().id.unwrap());
        let mut events = session.stream("/api/stream", &[&header]);
        seen.extend(news(&mut events, 4));
    }
    let ids: Vec<u64> = seen.iter().map(|event| event.id.unwrap()).collect();
    let expected: Vec<u64> = (ids[0]..).take(ids.len()).collect();
    assert_eq!(ids, expected, "no number is missing and none comes twice");
    daemon.stop_well();
}

#[test]
fn a_client_that_heard_nothing_yet_misses_nothing_either() {
    let home = Home::new(TICKING);
    let daemon = home.start();
    let session = daemon.login();
    let position = session.stream("/api/stream", &[]).position();
    let mut events = session.stream("/api/stream", &[]);
    let next = news(&mut events, 1)[0].id.unwrap();
    assert!(position < next);
    let header = format!("Last-Event-ID: {position}");
    let replayed = news(&mut session.stream("/api/stream", &[&header]), 1);
    assert_eq!(replayed[0].id, Some(position + 1));
    daemon.stop_well();
}

#[test]
fn who_names_an_unknown_number_is_told_to_read_everything_again() {
    let home = Home::new(TICKING);
    let daemon = home.start();
    let session = daemon.login();
    let last = news(&mut session.stream("/api/stream", &[]), 3)[2].id.unwrap();
    let far = last + 1_000_000;
    for unknown in ["0".to_owned(), far.to_string(), "-1".to_owned(), "x".to_owned()] {
        let header = format!("Last-Event-ID: {unknown}");
        let mut events = session.stream("/api/stream", &[&header]);
        let first = events.next().unwrap();
        assert_eq!((first.name.as_str(), &first.data), ("resync", &json!({})), "{unknown}");
        assert!(first.id.unwrap() >= last && first.id.unwrap() < far);
        let next = news(&mut events, 1);
        assert_eq!(next[0].id, Some(first.id.unwrap() + 1), "and goes on from there");
    }
    daemon.stop_well();

    let daemon = home.start();
    let session = daemon.login();
    let header = format!("Last-Event-ID: {last}");
    let mut events = session.stream("/api/stream", &[&header]);
    let first = events.next().unwrap();
    assert_eq!(first.name, "resync", "another daemon has other events");
    assert!(first.id.unwrap() > last, "numbers grow over restarts");
    daemon.stop_well();
}

#[test]
fn the_figures_of_the_host_come_every_two_seconds() {
    let home = Home::new("[tasks.x]\nrun = \"true\"\n");
    let daemon = home.start();
    let session = daemon.login();
    let asked = Instant::now();
    let mut events = session.stream("/api/stream", &[]);
    let samples: Vec<Event> =
        (0..3).map(|_| events.until("system.sample").pop().unwrap()).collect();
    assert!(asked.elapsed() > Duration::from_secs(3), "{:?}", asked.elapsed());
    assert!(asked.elapsed() < PATIENCE);
    let (one, other) = (&samples[2].data, json(&session, "/api/system"));
    let fields = |stats: &Value| stats.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(one), fields(&other));
    for field in ["mem_total", "mem_used", "cpu_cores"] {
        assert!(one[field].as_u64().unwrap() > 0, "{field}");
    }
    for field in ["cpu_usage", "mem_usage"] {
        assert!((0.0..=100.0).contains(&one[field].as_f64().unwrap()), "{field}");
    }
    assert_eq!(one["work_dir"], home.dir().to_str().unwrap());
    let now = |stats: &Value| stats["now"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let by_clock = Timestamp::now();
    assert!(now(one) <= now(&other) && now(&other) <= by_clock, "{one} {other} {by_clock}");
    assert!(by_clock.duration_since(now(one)).as_secs_f64() < PATIENCE.as_secs_f64(), "{one}");
    let count = |window: &str| {
        let history = json(&session, &format!("/api/system/history{window}"));
        let times: Vec<i64> = history
            .as_array()
            .unwrap()
            .iter()
            .map(|sample| sample["ts"].as_i64().unwrap())
            .collect();
        assert!(times.is_sorted());
        times.len()
    };
    assert_eq!(count("?window=24h"), 1, "the one of the start");
    assert!(count("?window=10m") >= 1);
    assert!(count("?window=1h") >= 2, "both kinds");
    assert!(count("") >= 2);
    daemon.stop_well();
}

#[test]
fn the_figures_cost_nothing_when_nobody_looks_any_more() {
    let home = Home::new("[tasks.x]\nrun = \"true\"\n");
    let daemon = home.start();
    let session = daemon.login();
    session.stream("/api/stream", &[]).until("system.sample");
    let (mut woken, mut since) = (process::switches(daemon.pid(), "sampler"), Instant::now());
    // Twice as long as between two samples.
    wait_until("the thread sleeps", PATIENCE, || {
        let now = process::switches(daemon.pid(), "sampler");
        if std::mem::replace(&mut woken, now) != now {
            since = Instant::now();
        }
        since.elapsed() > Duration::from_millis(4500)
    });
    daemon.stop_well();
}

#[test]
fn a_stream_without_news_says_so_in_time() {
    let home = Home::new("[tasks.x]\nrun = \"true\"\n");
    let daemon = home.start();
    let session = daemon.login();
    let asked = Instant::now();
    let paths = ["/api/stream", "/api/runs/stream", "/api/notifications/stream"];
    let mut streams = paths.map(|path| session.stream(path, &[]));
    let mut log = session.stream("/api/daemon/log-stream", &[]);
    for events in &mut streams {
        let ping = events.until("ping").pop().unwrap();
        assert_eq!(ping.data, json!({}));
    }
    assert_eq!(log.comment(), "ping");
    // docs/api.md, Streams.
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    daemon.stop_well();
}

#[test]
fn the_daemons_log_is_followed_from_its_last_lines_on() {
    let home = Home::new("[tasks.x]\nrun = \"true\"\n");
    let daemon = home.start();
    let session = daemon.login();
    let mut events = session.stream("/api/daemon/log-stream", &[]);
    let line = |event: &Event| event.data["line"].as_str().unwrap().to_owned();
    let mut lines = vec![];
    while !lines.last().is_some_and(|line: &String| line.contains(" [INFO] ready url=")) {
        let event = events.next().unwrap();
        assert_eq!((event.name.as_str(), event.id), ("line", None));
        lines.push(line(&event));
    }
    daemon.signal("HUP");
    let next = line(&events.next().unwrap());
    assert!(next.contains("reload"), "{next}");
    lines.push(next);
    // Nothing else was said, least of all by the stream.
    wait_until("stderr says the same", PATIENCE, || home.read("stderr").lines().eq(lines.iter()));
    daemon.stop_well();
}

#[test]
fn open_streams_end_first_when_the_daemon_stops() {
    let home = Home::new(TICKING);
    let daemon = home.start();
    let session = daemon.login();
    let paths =
        ["/api/stream", "/api/runs/stream", "/api/notifications/stream", "/api/daemon/log-stream"];
    let mut open: Vec<Events> = paths.iter().map(|path| session.stream(path, &[])).collect();
    assert!(open.iter().all(|events| events.status() == 200));
    let (status, took) = daemon.stop();
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(1), "{took:?}");
    for (events, path) in open.iter_mut().zip(paths) {
        let mut last = None;
        while let Some(event) = events.next() {
            last = Some(event);
        }
        let is_log = path.ends_with("log-stream");
        let said = last.map(|event| event.data.to_string()).unwrap_or_default();
        assert_eq!(said.contains("stopping because=SIGTERM"), is_log, "{path}: {said}");
    }
}

#[test]
fn a_stream_has_no_head_of_its_own() {
    let home = Home::new(TICKING);
    let daemon = home.start();
    let session = daemon.login();
    for (path, status, allow) in [
        ("/api/stream", 405, Some("GET, OPTIONS")),
        ("/api/daemon/log-stream", 405, Some("GET, OPTIONS")),
        ("/api/info", 200, None),
    ] {
        let answer = session.call("HEAD", path, "");
        assert_eq!((answer.status, answer.header("allow")), (status, allow), "{path}");
    }
    for path in ["/api/info", "/health", "/openapi.json", "/"] {
        let answer = session.call("OPTIONS", path, "");
        let allow = answer.header("allow");
        assert_eq!((answer.status, allow), (204, Some("GET, HEAD, OPTIONS")), "{path}");
    }
    daemon.stop_well();
}

#[test]
fn the_daemon_says_what_it_is() {
    let home = Home::new(
        "[scheduler]\ntimezone = \"Europe/Vienna\"\n
         [tasks.backup]\ncron = \"0 3 * * *\"\ncatch_up = \"all\"\nrun = \"true\"\n
         [tasks.hand]\napi_trigger = false\nrun = \"true\"\n
         [services.web]\ninstances = 2\nrun = \"exec sleep 600\"\n",
    );
    let daemon = home.start();
    let session = daemon.login();
    let mut info = json(&session, "/api/info");
    let fields = info.as_object_mut().unwrap();
    for time in ["started_at", "config_loaded_at"] {
        let at: Timestamp = fields.remove(time).unwrap().as_str().unwrap().parse().unwrap();
        assert!(at <= Timestamp::now());
    }
    let fingerprint = fields.remove("fingerprint").unwrap();
    assert_eq!(fingerprint.as_str().unwrap().split('-').count(), 2, "{fingerprint}");
    let (dir, port) = (home.dir().to_str().unwrap(), daemon.port);
    assert_eq!(
        info,
        json!({
            "version": env!("CARGO_PKG_VERSION"), "port": port, "cloud_enabled": false,
            "capabilities": [{"name": "shell", "available": true}],
            "resolved_timezone": "Europe/Vienna", "timezone_source": "config",
            "config_path": format!("{dir}/runwisp.toml"), "data_dir": format!("{dir}/data"),
            "config_stale": false, "service_managed": false, "scheduling_active": true,
            "auth_disabled": false,
            "tasks": [
                {
                    "name": "backup", "api_trigger": true, "kind": "task", "group": "Tasks",
                    "cron": "0 3 * * *", "catch_up": "all", "on_overlap": "queue",
                    "restart": "never", "parallelism": 1,
                },
                {
                    "name": "hand", "api_trigger": false, "kind": "task", "group": "Tasks",
                    "catch_up": "latest", "on_overlap": "queue", "restart": "never",
                    "parallelism": 1,
                },
                {
                    "name": "web", "api_trigger": true, "kind": "service", "group": "Services",
                    "restart": "always", "instances": 2,
                },
            ],
        })
    );
    home.write("runwisp.toml", "");
    assert_eq!(json(&session, "/api/info")["config_stale"], true);
    daemon.stop_well();
    home.write("runwisp.toml", "[tasks.x]\nrun = \"true\"\n");
    let daemon = home.start();
    let session = daemon.login();
    let again = json(&session, "/api/info");
    assert_eq!(again["fingerprint"], fingerprint, "the name stays");
    daemon.stop_well();
}
