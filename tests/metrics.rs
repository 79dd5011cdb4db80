//! `GET /metrics`: off, on the port of the dashboard, on a listener of its own.

use crate::harness::daemon::PATIENCE;
use crate::harness::{Home, http, wait_until};

const TASKS: &str = "[tasks.good]\nrun = \"true\"\nrun_on_start = true\n\
                     [tasks.\"b.d\"]\nrun = \"exit 3\"\nrun_on_start = true\n\
                     [services.web]\nrun = \"exec sleep 60\"\n";

fn page(port: u16) -> String {
    let answer = http::request(port, "GET", "/metrics", &[], "").unwrap();
    assert_eq!(answer.status, 200);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.header("content-type"), Some(kind));
    answer.body
}

fn has(page: &str, line: &str) -> bool {
    page.lines().any(|one| one == line)
}

fn value(page: &str, name: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {page}")).parse().unwrap()
}

#[test]
fn metrics_say_how_the_jobs_stand_and_go_on_after_a_restart() {
    let home = Home::new(&format!("[daemon]\nmetrics_enabled = true\n{TASKS}"));
    let daemon = home.start();
    wait_until("both have ended", PATIENCE, || {
        home.ended("good").is_some() && home.ended("b.d").is_some()
    });
    wait_until("the service runs and all is counted", PATIENCE, || {
        let page = page(daemon.port);
        has(&page, "runwisp_task_active_runs{task=\"web\",kind=\"service\"} 1")
            && has(&page, "runwisp_runs_total{status=\"success\"} 1")
            && has(&page, "runwisp_runs_total{status=\"failed\"} 1")
    });
    let first = page(daemon.port);
    assert!(first.ends_with("\n# EOF\n"), "{first}");
    let version = env!("CARGO_PKG_VERSION");
    for line in [
        format!("runwisp_build_info{{version=\"{version}\"}} 1"),
        "runwisp_task_active_runs{task=\"good\",kind=\"task\"} 0".to_owned(),
        "runwisp_task_queued_runs{task=\"good\",kind=\"task\"} 0".to_owned(),
        "runwisp_task_runs_total{task=\"b.d\",kind=\"task\",status=\"failed\"} 1".to_owned(),
        "runwisp_task_last_run_success{task=\"b.d\",kind=\"task\"} 0".to_owned(),
        "runwisp_task_last_run_exit_code{task=\"b.d\",kind=\"task\"} 3".to_owned(),
        "runwisp_task_last_run_success{task=\"good\",kind=\"task\"} 1".to_owned(),
    ] {
        assert!(has(&first, &line), "{line} in {first}");
    }
    let failure = value(&first, "runwisp_runs_last_failure_timestamp_seconds");
    let of_good = "runwisp_task_last_success_timestamp_seconds{task=\"good\",kind=\"task\"}";
    let success = value(&first, of_good);
    assert!(failure > 1.7e9 && success > 1.7e9);
    assert!(value(&first, "runwisp_daemon_memory_total_bytes") > 1e6);
    let none = "runwisp_task_last_success_timestamp_seconds{task=\"b.d\"";
    assert!(!first.contains(none), "it never was a success: {first}");
    let bodiless = http::request(daemon.port, "HEAD", "/metrics", &[], "").unwrap();
    assert_eq!((bodiless.status, bodiless.body.as_str()), (200, ""));
    daemon.stop_well();

    let config = TASKS.replace("run_on_start = true\n", "");
    home.write("runwisp.toml", format!("[daemon]\nmetrics_enabled = true\n{config}"));
    let daemon = home.start();
    let second = page(daemon.port);
    assert!(has(&second, "runwisp_runs_total{status=\"failed\"} 0"), "{second}");
    assert_eq!(value(&second, "runwisp_runs_last_failure_timestamp_seconds"), failure);
    assert_eq!(value(&second, of_good), success);
    daemon.stop_well();
}

#[test]
fn a_listener_of_its_own_serves_nothing_else() {
    let own = http::free_port();
    let home = Home::new(&format!("[daemon]\nmetrics_listen = \"127.0.0.1:{own}\"\n{TASKS}"));
    let daemon = home.start();
    assert!(page(own).ends_with("# EOF\n"));
    let status = |port, method, path| http::request(port, method, path, &[], "").unwrap().status;
    for path in ["/", "/health", "/api/tasks", "/metrics/x"] {
        assert_eq!(status(own, "GET", path), 404, "{path}");
    }
    assert_eq!(status(own, "POST", "/metrics"), 405);
    assert_eq!(status(daemon.port, "GET", "/metrics"), 404);
    daemon.stop_well();
}

#[test]
fn metrics_are_off_unless_they_are_wanted() {
    let home = Home::new(TASKS);
    let daemon = home.start();
    let answer = http::request(daemon.port, "GET", "/metrics", &[], "").unwrap();
    assert_eq!(answer.status, 404);
    assert!(answer.detail().contains("metrics_enabled"), "{}", answer.detail());
    daemon.stop_well();
}
