//! The history over HTTP: lists, single runs, actions on many, pictures, the feed.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};

use super::harness::daemon::PATIENCE;
use super::harness::http::Answer;
use super::harness::login::Session;
use super::harness::{Daemon, Home, history, rows, wait_for, wait_until};

const CONFIG: &str = r#"
[tasks.good]
run = "echo fine"

[tasks.bad]
run = "exit 3"

[tasks.slow]
run = "sleep 60"

[tasks.locked]
run = "true"
api_trigger = false
"#;

/// The ids of a list, in its order.
fn ids(list: &Value) -> Vec<String> {
    list["runs"].as_array().unwrap().iter().map(|run| text(&run["id"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

#[track_caller]
fn ok(answer: Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[track_caller]
fn refused(answer: Answer, status: u16, detail: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert!(answer.detail().contains(detail), "{answer:?}");
}

/// Starts a task and waits until its run is over.
fn finish(session: &Session, task: &str) -> Value {
    let answer = session.post(&format!("/api/tasks/{task}/run?wait=true"), "");
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

/// Starts the task that takes its time.
fn start_slow(session: &Session) -> String {
    let run = session.post("/api/tasks/slow/run", "");
    assert_eq!(run.status, 201, "{run:?}");
    text(&run.json()["id"])
}

fn wait_ended(session: &Session, id: &str) -> Value {
    wait_for("the run is over", PATIENCE, || {
        let run = ok(session.get(&format!("/api/runs/{id}")));
        (run["status"] == "ended").then_some(run)
    })
}

#[test]
fn runs_are_listed_and_found_one_by_one() {
    let home = Home::new(CONFIG);
    let daemon = home.start();
    let session = daemon.login();
    let good = finish(&session, "good");
    let bad = finish(&session, "bad");
    assert_eq!((&good["status"], &good["end_reason"]), (&json!("ended"), &json!("success")));
    let (good_id, bad_id) = (text(&good["id"]), text(&bad["id"]));

    let all = ok(session.get("/api/runs"));
    assert_eq!((ids(&all), &all["total"]), (vec![bad_id.clone(), good_id.clone()], &json!(2)));
    assert_eq!(all["runs"][1], good);
    let table: [(&str, &[&String]); 12] = [
        ("/api/runs?sort_direction=asc", &[&good_id, &bad_id]),
        ("/api/runs?sort_field=task_name", &[&good_id, &bad_id]),
        ("/api/runs?sort_field=exit_code&sort_direction=asc", &[&good_id, &bad_id]),
        ("/api/runs?status=failed,running", &[&bad_id]),
        ("/api/runs?status=ended&is_failure=true", &[&bad_id]),
        ("/api/runs?search=GOO", &[&good_id]),
        ("/api/runs?task_name=good", &[&good_id]),
        ("/api/runs?exit_code_min=1&exit_code_max=3", &[&bad_id]),
        ("/api/runs?triggered_by=cron", &[]),
        ("/api/runs?created_before=2020-01-01T00:00:00Z", &[]),
        ("/api/runs?limit=1&offset=1", &[&good_id]),
        ("/api/tasks/bad/runs?task_name=good", &[&bad_id]),
    ];
    for (path, expected) in table {
        let list = ok(session.get(path));
        assert_eq!(ids(&list).iter().collect::<Vec<_>>(), expected, "{path}");
        let total = if path.contains("limit") { 2 } else { expected.len() };
        assert_eq!(list["total"], json!(total), "{path}");
    }
    // A list does not say whether there is one.
    let mut alone = bad.clone();
    alone["has_snapshot"] = json!(true);
    assert_eq!(ok(session.get(&format!("/api/runs/{bad_id}"))), alone);
    assert_eq!(ok(session.get(&format!("/api/tasks/bad/runs/{bad_id}"))), alone);
    let elsewhere = session.get(&format!("/api/tasks/good/runs/{bad_id}"));
    refused(elsewhere, 404, "run not found");
    refused(session.get("/api/tasks/none/runs"), 404, "task not found: none");
    assert_eq!(ok(session.get("/api/tasks/slow/runs")), json!({ "runs": [], "total": 0 }));
    let wrong = session.get("/api/runs?limit=0&status=ended,done&sort_field=id&retries_only=1");
    let locations: Vec<_> =
        wrong.json()["errors"].as_array().unwrap().iter().map(|e| text(&e["location"])).collect();
    assert_eq!(wrong.status, 422);
    let expected = ["query.limit", "query.status", "query.sort_field", "query.retries_only"];
    assert_eq!(locations, expected);

    let summary = ok(session.get("/api/runs/summary"));
    let end = &bad["end_at"];
    let expected =
        json!({ "total": 2, "success": 1, "failed": 1, "missed": 0, "last_failure": end });
    assert_eq!(summary, expected);
    daemon.stop_well();
}

#[test]
fn a_run_is_stopped_and_deleted_but_never_deleted_while_it_runs() {
    let home = Home::new(CONFIG);
    let daemon = home.start();
    let session = daemon.login();
    for form in ["/api/tasks/{task}/runs/", "/api/runs/"] {
        let id = start_slow(&session);
        let path = form.replace("{task}", "slow") + &id;
        refused(session.call("DELETE", &path, ""), 409, "has not ended");
        refused(session.post(&format!("/api/tasks/bad/runs/{id}/stop"), ""), 404, "run not found");
        refused(session.post(&format!("{path}/stop"), "{\"x\":1}"), 422, "validation failed");
        assert_eq!(
            ok(session.post(&format!("{path}/stop"), "")),
            json!({ "message": "the stop is under way" })
        );
        assert_eq!(wait_ended(&session, &id)["end_reason"], "stopped");
        refused(session.post(&format!("{path}/stop"), ""), 409, "has already ended");
        assert_eq!(session.call("DELETE", &path, "").status, 204);

        let id = text(&finish(&session, "bad")["id"]);
        let path = form.replace("{task}", "bad") + &id;
        let full = format!("/api/tasks/bad/runs/{id}");
        for part in ["", "/log", "/definition"] {
            let expected = ok(session.get(&format!("{full}{part}")));
            assert_eq!(ok(session.get(&format!("{path}{part}"))), expected, "{path}{part}");
        }
        for part in ["/log/raw", "/snapshot"] {
            let expected = session.get(&format!("{full}{part}"));
            let found = session.get(&format!("{path}{part}"));
            assert_eq!((found.status, found.body), (200, expected.body), "{path}{part}");
        }
        assert!(home.logs("bad").exists());
        assert_eq!(session.call("DELETE", &path, "").status, 204);
        assert!(!home.logs("bad").exists(), "files and the empty directory are gone");
        refused(session.call("DELETE", &path, ""), 404, "run not found");
        assert_eq!(ok(session.get("/api/runs"))["total"], json!(0));
    }
    daemon.stop_well();
}

#[test]
fn a_disk_that_takes_no_writes_holds_up_nobody_who_only_reads() {
    let home = Home::new(CONFIG);
    let daemon = home.start();
    let session = &daemon.login();
    let runs: Vec<String> = (0..8).map(|_| text(&finish(session, "good")["id"])).collect();
    // As good as a full disk: another process holds the lock.
    let lock = Connection::open(home.data().join("runwisp.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    thread::scope(|scope| {
        let mut writing = Vec::new();
        for run in &runs {
            let path = format!("/api/tasks/good/runs/{run}");
            writing.push((204, scope.spawn(move || session.call("DELETE", &path, ""))));
            writing.push((201, scope.spawn(|| session.post("/api/tasks/good/run", ""))));
        }
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(1) {
            let asked = Instant::now();
            assert_eq!(session.get("/api/runs").status, 200);
            assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        }
        lock.execute_batch("ROLLBACK").unwrap();
        for (status, one) in writing {
            let answer = one.join().unwrap();
            assert_eq!(answer.status, status, "{answer:?}");
        }
    });
    let left = ids(&ok(session.get("/api/runs")));
    assert!(left.len() == 8 && runs.iter().all(|run| !left.contains(run)), "{left:?}");
    daemon.stop_well();
}

#[test]
fn many_runs_are_deleted_restored_stopped_and_started_again() {
    let home = Home::new(CONFIG);
    let daemon = home.start();
    let session = daemon.login();
    let bulk = |action: &str, body: Value| {
        session.post(&format!("/api/runs/bulk/{action}"), &body.to_string())
    };
    let mut made: Vec<String> = Vec::new();
    for task in ["good", "bad", "good"] {
        made.push(text(&finish(&session, task)["id"]));
    }
    let slow = start_slow(&session);
    let before = ok(session.get("/api/runs?sort_direction=asc"));

    let everything = json!({ "match_all": true, "except_ids": [made[0]] });
    assert_eq!(ok(bulk("delete", everything)), json!({ "affected": 2, "skipped": 1 }));
    let left = ok(session.get("/api/runs?sort_direction=asc"));
    assert_eq!(ids(&left), [made[0].clone(), slow.clone()]);
    assert_eq!(session.get(&format!("/api/runs/{}", made[1])).status, 404);
    assert_eq!(home.logs("good").read_dir().unwrap().count(), 2, "the files wait");
    let failed = json!({ "match_all": true, "filter": { "is_failure": true } });
    assert_eq!(ok(bulk("restore", failed)), json!({ "affected": 1 }));
    assert_eq!(ok(bulk("restore", json!({ "ids": made }))), json!({ "affected": 1 }));
    assert_eq!(ok(session.get("/api/runs?sort_direction=asc")), before);
    assert_eq!(ok(bulk("restore", json!({ "ids": made }))), json!({ "affected": 0 }));

    let rerun = ok(bulk("rerun", json!({ "ids": [made[0], made[2], made[1]] })));
    let started = rerun["triggered"].as_array().unwrap();
    let mut tasks: Vec<_> = started.iter().map(|run| text(&run["task_name"])).collect();
    tasks.sort_unstable();
    assert_eq!(tasks, ["bad", "good", "good"]);
    for run in started {
        wait_ended(&session, &text(&run["run_id"]));
    }
    let running = json!({ "match_all": true, "filter": { "status": "running" } });
    assert_eq!(ok(bulk("cancel", running.clone())), json!({ "affected": 1 }));
    wait_ended(&session, &slow);
    assert_eq!(ok(bulk("cancel", running)), json!({ "affected": 0 }));

    refused(bulk("delete", json!({})), 422, "validation failed");
    refused(bulk("delete", json!({ "ids": made, "more": 1 })), 422, "validation failed");
    refused(
        bulk("rerun", json!({ "match_all": true, "filter": { "x": 1 } })),
        422,
        "validation failed",
    );
    assert_eq!(session.post("/api/runs/bulk/delete", "{").status, 400);
    assert_eq!(ok(session.get("/api/runs"))["total"], json!(7), "nothing was changed");
    daemon.stop_well();
}

#[test]
fn pictures_show_what_ran_and_when_the_daemon_was_up() {
    let home = Home::new(CONFIG);
    let daemon = home.start();
    daemon.stop_well();
    history::fill(&home.data(), 2, 1400);
    let daemon = home.start();
    let session = daemon.login();
    let bad = finish(&session, "bad");
    let slow = start_slow(&session);

    let timeline = ok(session.get("/api/timeline"));
    let tasks = timeline["tasks"].as_array().unwrap();
    let names: Vec<_> = tasks.iter().map(|task| text(&task["task_name"])).collect();
    assert_eq!(names, ["bad", "slow", "task-0", "task-1"]);
    let bar = &tasks[0]["runs"][0];
    let keys = ["id", "start_at", "end_at", "end_reason", "replica_index"];
    assert!(keys.iter().all(|key| bar[key] == bad[key]), "{bar} {bad}");
    assert_eq!(tasks[1]["runs"][0]["id"], slow);
    assert_eq!(tasks[1]["runs"][0].get("end_at"), None);
    let buckets = tasks[2]["buckets"].as_array().unwrap();
    let count: u64 = buckets.iter().map(|bucket| bucket["count"].as_u64().unwrap()).sum();
    assert!((600..=700).contains(&count), "{count}");
    let buckets = ok(session.get("/api/timeline?bucket=3600"));
    assert!(buckets["tasks"].as_array().unwrap().iter().all(|task| task.get("runs").is_none()));
    let merged = ok(session.get("/api/timeline?merge=true"));
    assert_eq!(merged["tasks"], json!([]));
    let merged = merged["merged"].as_array().unwrap();
    let sum =
        |field: &str| merged.iter().map(|bucket| bucket[field].as_u64().unwrap()).sum::<u64>();
    // Of all that the history was filled with, and the two of today.
    assert!((1300..=1402).contains(&sum("count")), "{}", sum("count"));
    assert!(sum("failed") >= 1 && merged.len() <= 121, "{merged:?}");
    assert_eq!(buckets.get("merged"), None);
    refused(session.get("/api/timeline?from=2020-01-01T00:00:00Z"), 422, "validation failed");

    let outcomes = ok(session.get("/api/outcomes?last=1"));
    let of = |task: &str| {
        let items = outcomes["items"].as_array().unwrap();
        items.iter().find(|item| item["task_name"] == task).unwrap()
    };
    assert_eq!(of("bad")["runs"][0]["end_reason"], "failed");
    assert!(of("bad")["runs"][0]["duration_ms"].is_u64());
    assert_eq!(of("bad")["latest"], bad);
    assert_eq!(of("slow")["runs"], json!([]), "it has not ended");
    assert_eq!(of("slow").get("latest"), None);
    let days = ok(session.get("/api/tasks/bad/days"));
    let day = &days["days"][0];
    assert_eq!(
        (&day["count"], &day["failed"], &day["worst"]),
        (&json!(1), &json!(1), &json!("failed"))
    );
    assert_eq!(ok(session.get("/api/tasks/good/days?days=1")), json!({ "days": [] }));
    refused(session.get("/api/tasks/none/days"), 404, "task not found");

    daemon.kill9();
    let daemon = home.start();
    let lives = ok(daemon.login().get("/api/daemon/history"));
    let how: Vec<_> = lives["items"].as_array().unwrap().iter().map(|life| &life["how"]).collect();
    assert_eq!(how, [&Value::Null, &json!("killed"), &json!("clean")]);
    assert_eq!(lives["items"][0].get("stopped_at"), None);
    assert!(lives["items"][1]["stopped_at"].is_string());
    assert_eq!(lives["items"][0]["version"], env!("CARGO_PKG_VERSION"));
    daemon.stop_well();
}

#[test]
fn the_feed_is_empty_until_something_is_in_it() {
    let home = Home::new(CONFIG);
    let daemon = home.start();
    let session = daemon.login();
    assert_eq!(ok(session.get("/api/notifications")), json!({ "items": [] }));
    let id = "01JTQ6V6Z9M3XK2B8N4C7D5E1F";
    let other = "01JTQ6V6Z9M3XK2B8N4C7D5E1G";
    refused(session.post(&format!("/api/notifications/{id}/read"), ""), 404, "not found");
    assert_eq!(session.post("/api/notifications/x/read", "").status, 422);
    let db = Connection::open(home.data().join("runwisp.db")).unwrap();
    for id in [id, other] {
        db.execute(
            "INSERT INTO notifications VALUES (?1, 'ab', 'run.failed', 'error', 'bad', NULL, 't', 'b', 2,
                 '[\"2026-05-07T12:00:00.000Z\"]', '2026-05-07T11:00:00.000Z', '2026-05-07T12:00:00.000Z', NULL)",
            [id],
        )
        .unwrap();
    }
    let first = ok(session.get("/api/notifications?limit=1"));
    let expected = json!({
        "id": other, "fingerprint": "ab", "kind": "run.failed", "severity": "error",
        "task_name": "bad", "run_id": "", "title": "t", "body": "b", "count": 2,
        "occurrences": ["2026-05-07T12:00:00.000Z"], "created_at": "2026-05-07T11:00:00.000Z",
        "last_occurred_at": "2026-05-07T12:00:00.000Z",
    });
    assert_eq!(first, json!({ "items": [expected], "next_cursor": other }));
    let second = ok(session.get(&format!("/api/notifications?limit=1&before={other}")));
    assert_eq!((&second["items"][0]["id"], second.get("next_cursor")), (&json!(id), None));
    let unread = || ok(session.get("/api/notifications/unread-count"))["count"].clone();
    assert_eq!(unread(), json!(2));
    for _again in 0..2 {
        assert_eq!(session.post(&format!("/api/notifications/{id}/read"), "").status, 204);
    }
    assert_eq!(unread(), json!(1));
    assert_eq!(session.post("/api/notifications/read", "").status, 204);
    assert_eq!(unread(), json!(0));
    assert_eq!(session.post(&format!("/api/notifications/{id}/unread"), "{}").status, 204);
    assert_eq!(unread(), json!(1));
    daemon.stop_well();
}

/// A daemon is updated: rows of the first release, then this one.
#[test]
fn a_database_of_the_first_release_is_taken_over() {
    let home = Home::new(CONFIG);
    fs::create_dir(home.data()).unwrap();
    let db = Connection::open(home.data().join("runwisp.db")).unwrap();
    db.execute_batch(include_str!("../src/store/migrations/0001_runs.sql")).unwrap();
    db.execute_batch("PRAGMA application_id = 1381462896; PRAGMA user_version = 1").unwrap();
    drop(db);
    history::fill(&home.data(), 3, 3000);
    let daemon: Daemon<'_> = home.start();
    let session = daemon.login();
    let list = ok(session.get("/api/runs?sort_field=duration&limit=1000"));
    assert_eq!((ids(&list).len(), &list["total"]), (1000, &json!(3000)));
    let summary = ok(session.get("/api/runs/summary"));
    assert_eq!((&summary["total"], &summary["success"]), (&json!(3000), &json!(3000)));
    let days = ok(session.get("/api/tasks/task-0/days"));
    let counts = days["days"].as_array().unwrap().iter().map(|day| day["count"].as_u64().unwrap());
    assert_eq!(counts.sum::<u64>(), 1000);
    finish(&session, "good");
    let sound: String = rows::value(&home.data(), "PRAGMA integrity_check");
    assert_eq!(sound, "ok");
    wait_until("the counters agree", PATIENCE, || {
        ok(session.get("/api/runs/summary"))["total"] == json!(3001)
    });
    daemon.stop_well();
}
