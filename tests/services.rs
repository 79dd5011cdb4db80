//! Services as people run them: health, order, being given up, and what a reload does to them
//! (docs/running.md, Services; docs/configuration.md, Reload).

use serde_json::Value;

use crate::harness::daemon::PATIENCE;
use crate::harness::login::Session;
use crate::harness::{Home, process, rows, wait_for, wait_until};

fn states(session: &Session, service: &str) -> Vec<String> {
    let task = session.get(&format!("/api/tasks/{service}")).json();
    let replicas = task["replicas"].as_array().cloned().unwrap_or_default();
    replicas.iter().map(|it| it["state"].as_str().unwrap().to_owned()).collect()
}

fn pids(home: &Home, service: &str) -> Vec<String> {
    let rows = home.rows(service);
    let running = rows.iter().filter(|row| row.status == "running");
    let mut pids: Vec<String> = running.map(|row| home.log(row)).collect();
    pids.sort();
    pids
}

#[test]
fn a_check_decides_who_is_healthy_and_who_waits_for_it() {
    let home = Home::new(
        "[services.app]\ndepends_on = ['db']\nrun = 'exec sleep 613'\n
         [services.db]\nrestart_delay = '100ms'\nrun = 'echo begun; exec sleep 614'\n
         health_check = { run = 'echo looking; test -e ready', cron = '@every 1s', retry_attempts = 1, retry_delay = '100ms', working_dir = '.' }\n
         healthy_after = '30s'\n",
    );
    let daemon = home.start();
    let session = daemon.login();
    wait_until("db has begun", PATIENCE, || {
        home.rows("db")
            .iter()
            .any(|row| home.log(row).contains("not healthy yet: exit code 1: looking"))
    });
    assert_eq!(states(&session, "db"), ["starting"]);
    assert_eq!(states(&session, "app"), ["waiting"]);
    assert!(home.rows("app").is_empty());
    home.write("ready", "");
    wait_until("both are there", PATIENCE, || {
        states(&session, "db") == ["healthy"] && states(&session, "app") == ["starting"]
    });
    std::fs::remove_file(home.path("ready")).unwrap();
    let ended = wait_for("it is replaced", PATIENCE, || home.ended("db"));
    assert_eq!(ended.reason(), "unhealthy");
    let log = home.log(&ended);
    for line in
        ["health check passed", "health check failed (1 of 2)", "health check failed (2 of 2)"]
    {
        assert!(log.contains(line), "{line}: {log}");
    }
    home.write("ready", "");
    wait_until("it is well again", PATIENCE, || states(&session, "db") == ["healthy"]);
    assert_eq!(home.rows("app").len(), 1, "who depends on it was not disturbed");
    daemon.stop_well();
    assert_eq!(process::in_directory(home.dir()), [0; 0]);
}

#[test]
fn sockets_are_asked_without_a_program() {
    let port = crate::harness::http::serve(|count| if count < 2 { 503 } else { 204 });
    let home = Home::new(&format!(
        "[services.web]\nrun = 'exec sleep 615'\n
         health_check = {{ http = 'http://127.0.0.1:{port}/health', cron = '@every 1s' }}\n
         [services.tcp]\nrun = 'exec sleep 616'\nhealth_check = {{ tcp = '127.0.0.1:{port}', cron = '@every 1s' }}\n"
    ));
    let daemon = home.start();
    let session = daemon.login();
    wait_until("both are well", PATIENCE, || {
        states(&session, "web") == ["healthy"] && states(&session, "tcp") == ["healthy"]
    });
    assert!(home.log(&home.rows("web")[0]).contains("not healthy yet: status 503"));
    daemon.stop_well();
}

#[test]
fn a_service_that_cannot_start_is_given_up_and_starts_by_hand() {
    let home = Home::new(
        "[services.bad]\nrestart_delay = '0s'\nrestart_attempts = 2\nrun = 'test -e mended && exec sleep 617; exit 9'\nworking_dir = '.'\n",
    );
    let daemon = home.start();
    let session = daemon.login();
    wait_until("it is given up", PATIENCE, || states(&session, "bad") == ["fatal"]);
    let rows = home.rows("bad");
    let reasons: Vec<&str> = rows.iter().map(|row| row.reason()).collect();
    assert_eq!(reasons, ["failed", "failed", "failed", "start_failed"]);
    assert_eq!(session.get("/api/tasks/bad").json()["fatal"], Value::Bool(true));
    let told = session.get("/api/notifications").json();
    assert!(told.to_string().contains("service.fatal"), "{told}");
    home.write("mended", "");
    assert_eq!(session.post("/api/tasks/bad/start", "").status, 200);
    wait_until("it runs", PATIENCE, || states(&session, "bad") == ["starting"]);
    daemon.stop_well();
}

#[test]
fn a_reload_is_all_or_nothing_and_leaves_alone_what_is_the_same() {
    let config = |instances: u32, script: &str| {
        format!(
            "[services.web]\ninstances = {instances}\nrun = 'echo $$; exec sleep 618'\n
             [services.other]\nrun = '{script}'\n[tasks.t]\nrun = 'echo $WHAT'\nenv = {{ WHAT = '{instances}' }}\n"
        )
    };
    let home = Home::new(&config(2, "exec sleep 619"));
    let daemon = home.start();
    let session = daemon.login();
    wait_until("all run", PATIENCE, || {
        pids(&home, "web").iter().filter(|it| it.contains('\n')).count() == 2
    });
    let before = pids(&home, "web");
    home.write("runwisp.toml", config(4, "echo new; exec sleep 619") + "[tasks.u]\nrun = 'true'\n");
    let info = session.get("/api/info").json();
    assert_eq!(info["config_stale"], Value::Bool(true));
    let dry = home.run(["reload", "--dry-run"]);
    let said = String::from_utf8_lossy(&dry.stdout).into_owned();
    assert_eq!(
        said,
        "This would change:\n+ added u\n~ changed other (run)\n~ changed t (env)\n~ changed web (instances)\n"
    );
    assert_eq!(pids(&home, "web"), before, "and nothing has changed");
    assert!(home.run(["reload"]).status.success());
    wait_until("there are four", PATIENCE, || {
        pids(&home, "web").iter().filter(|it| it.contains('\n')).count() == 4
    });
    let after = pids(&home, "web");
    assert!(before.iter().all(|pid| after.contains(pid)), "{before:?} {after:?}");
    wait_until("the other one is replaced", PATIENCE, || {
        home.rows("other").iter().any(|row| home.log(row).contains("new"))
    });
    assert_eq!(session.get("/api/info").json()["config_stale"], Value::Bool(false));

    // The same once more is the same.
    let again = home.run(["reload"]);
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    assert_eq!(said, "Configuration reloaded.\nno task and no service is another one\n");
    let kept = "SELECT count(*) FROM configurations";
    assert_eq!(rows::value::<i64>(&home.data(), kept), 2);

    // A run shows what it ran with, whatever the file says now.
    let run = session.post("/api/tasks/t/run?wait=true", "").json();
    home.write("runwisp.toml", config(4, "echo new; exec sleep 619"));
    daemon.signal("HUP");
    wait_until("u is gone", PATIENCE, || session.get("/api/tasks/u").status == 404);
    let id = run["id"].as_str().unwrap();
    let definition = session.get(&format!("/api/tasks/t/runs/{id}/definition")).json();
    assert_eq!(definition["text"], "[tasks.t]\nrun = 'echo $WHAT'\nenv = { WHAT = '4' }\n");

    home.write("runwisp.toml", "[tasks.t]\nrn = 1\n[services.web]\nrun = 2\n");
    let bad = home.run(["reload"]);
    let said = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert!(!bad.status.success());
    for part in [
        "reload rejected: ",
        "runwisp.toml:2:1: tasks.t.rn: unknown key",
        "runwisp.toml:4:7: services.web.run: expected string",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(pids(&home, "web"), after);
    daemon.stop_well();
}

#[test]
fn parameters_reach_the_script_and_are_kept() {
    let home = Home::new(
        "[tasks.t]\nrun = 'printf \"%s|\" \"$TARGET\" \"$@\"; echo; printf \"%s|\"'\n
         params = [ { env = 'TARGET', required = true }, { option = '--depth', type = 'number', default = 3 }, { flag = '--all' } ]\n",
    );
    let daemon = home.start();
    let session = daemon.login();
    let refused = session.post("/api/tasks/t/run", "{}");
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(refused.json().to_string().contains("body.params.TARGET"), "{refused:?}");
    let output = home.run(["run", "t", "--param", "TARGET=a b", "--param=--all=true"]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "a b|--depth|3|--all|\n--depth|3|--all|\n",
        "{output:?}"
    );
    let run = session.get("/api/tasks/t/runs").json()["runs"][0].clone();
    assert_eq!(
        run["params"],
        serde_json::json!({ "TARGET": "a b", "--depth": "3", "--all": "true" })
    );
    daemon.stop_well();
}
