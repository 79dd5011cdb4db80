//! The published schema as a client gets it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::Home;

#[test]
fn the_command_and_the_daemon_publish_the_same_schema() {
    let home = Home::new("");
    let daemon = home.start();
    let answer = daemon.call("GET", "/openapi.json", &[], "");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let printed = home.run(["openapi"]);
    assert!(printed.status.success(), "{printed:?}");
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), answer.body);
    assert!(answer.body.starts_with("{\n  \"") && answer.body.ends_with("}\n"));
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    daemon.stop_well();
}

/// Clients are generated from these names.
#[test]
fn operations_keep_their_names() {
    let home = Home::new("");
    let document: Value = serde_json::from_slice(&home.run(["openapi"]).stdout).unwrap();
    let mut paths = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            paths.insert(id, format!("{method} {path}"));
        }
    }
    let of_run = "/api/tasks/{taskName}/runs/{runId}";
    for (id, path) in [
        ("getInfo", "get /api/info"),
        ("getSystemStats", "get /api/system"),
        ("getMetricsHistory", "get /api/system/history"),
        ("streamDaemonLog", "get /api/daemon/log-stream"),
        ("getTasks", "get /api/tasks"),
        ("triggerRun", "post /api/tasks/{taskName}/run"),
        ("restartService", "post /api/tasks/{taskName}/restart"),
        ("getTaskRuns", "get /api/tasks/{taskName}/runs"),
        ("getRun", &format!("get {of_run}")),
        ("deleteRun", &format!("delete {of_run}")),
        ("getRunSnapshot", &format!("get {of_run}/snapshot")),
        ("stopRun", &format!("post {of_run}/stop")),
        ("getLogPage", &format!("get {of_run}/log")),
        ("getLogRaw", &format!("get {of_run}/log/raw")),
        ("streamLog", &format!("get {of_run}/log/stream")),
        ("getAllRuns", "get /api/runs"),
        ("getRunSummary", "get /api/runs/summary"),
        ("streamRuns", "get /api/runs/stream"),
        ("streamEvents", "get /api/stream"),
        ("listNotifications", "get /api/notifications"),
        ("getUnreadNotificationCount", "get /api/notifications/unread-count"),
        ("streamNotifications", "get /api/notifications/stream"),
        ("markAllNotificationsRead", "post /api/notifications/read"),
        ("markNotificationRead", "post /api/notifications/{id}/read"),
        ("markNotificationUnread", "post /api/notifications/{id}/unread"),
    ] {
        assert_eq!(paths.get(id).map(String::as_str), Some(path), "{id}");
    }
}
