//! What the machine looked like when a run went wrong: docs/running.md, Snapshots.

use super::harness::login::Session;
use super::harness::{Home, rows};

const CONFIG: &str = r#"
[tasks.tree]
run = "sleep 6171 & sh -c 'sleep 6172; :' & : --password=hunter2 and xyzzy-1; wait"
timeout = "500ms"
env = { API_TOKEN = "xyzzy-1" }

[tasks.bad]
run = "exit 3"

[tasks.good]
run = "echo fine"
"#;

/// Runs a task to its end; gives the path of its run.
fn finish(session: &Session, task: &str) -> String {
    let run = session.post(&format!("/api/tasks/{task}/run?wait=true"), "").json();
    format!("/api/tasks/{task}/runs/{}", run["id"].as_str().unwrap())
}

#[test]
fn a_run_that_went_wrong_tells_what_the_machine_looked_like() {
    let home = Home::new(CONFIG);
    let daemon = home.start();
    let session = daemon.login();
    let stored = || rows::value::<i64>(&home.data(), "SELECT count(*) FROM snapshots");

    let tree = finish(&session, "tree");
    let answer = session.get(&format!("{tree}/snapshot"));
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("text/plain; charset=utf-8"))
    );
    let text = answer.body;
    assert!(text.starts_with("Taken ") && text.contains(" before the stop: timeout\n"), "{text}");
    for end in ["sleep 6171", "sleep 6172"] {
        let line = text.lines().find(|line| line.ends_with(end));
        let files = line.and_then(|line| line.split_ascii_whitespace().nth(5)?.parse::<u32>().ok());
        assert!(files.is_some_and(|files| files >= 3), "{end}: {text}");
    }
    assert!(text.contains("--password=*** and ***"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("xyzzy"), "{text}");
    assert_eq!(session.get(&tree).json()["has_snapshot"], true);

    let bad = finish(&session, "bad");
    let text = session.get(&format!("{bad}/snapshot")).body;
    assert!(
        text.contains(" after the end: exit code 3\n") && text.contains("\nMemory: "),
        "{text}"
    );
    let good = finish(&session, "good");
    let answer = session.get(&format!("{good}/snapshot"));
    assert_eq!((answer.status, answer.detail().contains("no snapshot")), (404, true));
    let run = session.get(&good).json();
    assert_eq!((&run["failure"], run.get("has_snapshot")), (&false.into(), None));
    assert_eq!((session.get(&bad).json()["failure"].as_bool(), stored()), (Some(true), 2));

    // It goes with its run, and comes back from the trash with it.
    assert_eq!(session.call("DELETE", &bad, "").status, 204);
    assert_eq!((session.get(&format!("{bad}/snapshot")).status, stored()), (404, 1));
    let (_, id) = tree.rsplit_once('/').unwrap();
    let body = format!(r#"{{"ids": ["{id}"]}}"#);
    assert_eq!(session.post("/api/runs/bulk/delete", &body).status, 200);
    assert_eq!(session.get(&format!("{tree}/snapshot")).status, 404);
    assert_eq!(session.post("/api/runs/bulk/restore", &body).status, 200);
    assert_eq!(session.get(&format!("{tree}/snapshot")).status, 200);
    daemon.stop_well();
}
