//! kill -9, torn files, a full disk: nothing that was recorded is lost, and nothing runs twice. The
//! same at any moment and many times over is in `rigs/crash.rs`.

use std::fs;
use std::process::Command;

use crate::harness::daemon::PATIENCE;
use crate::harness::rows::Row;
use crate::harness::{Home, http, process, wait_for, wait_until};

#[test]
fn the_processes_of_a_killed_daemon_do_not_run_beside_their_successors() {
    let home = Home::new(
        "[tasks.long]\nrun_on_start = true\nretry_attempts = 1\nretry_delay = \"0s\"
         run = \"echo begun; sleep 603\"\n",
    );
    let daemon = home.start();
    wait_until("it has begun", PATIENCE, || {
        home.rows("long").first().is_some_and(|row| home.log(row).contains("begun"))
    });
    let orphans = process::children(daemon.pid());
    assert_eq!(orphans.len(), 1);
    daemon.kill9();
    assert!(process::is_alive(orphans[0]), "nobody told it to end");
    let daemon = home.start();
    assert!(!process::is_alive(orphans[0]), "before anything new runs, it is gone");
    let first = home.rows("long").remove(0);
    assert_eq!(first.end(), "crashed -2");
    assert_eq!(home.log(&first).lines().next(), Some("begun"), "what it printed stays");
    daemon.signal("TERM");
}

#[test]
fn a_crashed_run_with_retries_left_is_tried_again() {
    let home = Home::new(
        "[tasks.long]\ncron = \"* * * * * *\"\non_overlap = \"skip\"\ncatch_up = \"skip\"\nretry_attempts = 1\nretry_delay = \"0s\"\nrun = \"sleep 604\"\n",
    );
    let daemon = home.start();
    let crashed = wait_for("it runs", PATIENCE, || {
        home.rows("long").into_iter().find(|row| row.status == "running")
    });
    daemon.kill9();
    home.write("runwisp.toml", home.read("runwisp.toml").replace("* * * * * *", "0 0 1 1 *"));
    let daemon = home.start();
    wait_until("its retry runs", PATIENCE, || {
        let retry =
            home.rows("long").into_iter().find(|row| row.retry_of.as_ref() == Some(&crashed.id));
        retry.is_some_and(|row| row.status == "running" && row.retry_attempt == 1)
    });
    daemon.stop_well();
}

#[test]
fn files_that_are_no_database_are_left_as_they_are() {
    let home = Home::new("[tasks.tick]\ncron = \"* * * * * *\"\nrun = \"true\"\n");
    let daemon = home.start();
    wait_until("a row is there", PATIENCE, || home.ended("tick").is_some());
    daemon.stop_well();
    let whole = fs::read(home.data().join("runwisp.db")).unwrap();

    let mut torn = whole.clone();
    torn.truncate(whole.len() / 2 - 100);
    let mut garbled = whole.clone();
    garbled[100..200].fill(0xa5);
    for (what, content) in [
        ("foreign", b"SQLite is not what this is, but it is long enough to be read.".to_vec()),
        ("torn", torn),
        ("garbled", garbled),
        ("another program's", other_database()),
    ] {
        fs::write(home.data().join("runwisp.db"), &content).unwrap();
        let port = http::free_port();
        let output = home.run(["daemon", "--port", &port.to_string()]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{what}: {said}");
        assert!(
            said.contains("cannot open database ") && said.contains("runwisp.db"),
            "{what}: {said}"
        );
        let now = fs::read(home.data().join("runwisp.db")).unwrap();
        assert!(now == content, "{what}: it was written to");
        assert_eq!(http::get(port, "/health"), None);
    }
}

fn other_database() -> Vec<u8> {
    let home = Home::new("");
    let path = home.path("other.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch("CREATE TABLE runs (name TEXT); INSERT INTO runs VALUES ('mine')")
        .unwrap();
    drop(connection);
    fs::read(path).unwrap()
}

#[test]
fn a_database_of_a_newer_version_is_refused_untouched() {
    let home = Home::new("[tasks.x]\nrun = \"true\"\n");
    home.start().stop_well();
    let path = home.data().join("runwisp.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch("PRAGMA user_version = 4711; PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(connection);
    let before = fs::read(&path).unwrap();
    let output = home.run(["daemon", "--port", &http::free_port().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("was written by a newer version (schema 4711, this build knows "),
        "{said}"
    );
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn a_backup_taken_while_it_runs_starts_elsewhere() {
    let home = Home::new("[tasks.tick]\ncron = \"* * * * * *\"\nrun = \"echo tick; sleep 0.5\"\n");
    let daemon = home.start();
    wait_until("a row is there", PATIENCE, || home.ended("tick").is_some());
    let copy = Home::new(&home.read("runwisp.toml").replace("* * * * * *", "0 0 1 1 *"));
    fs::create_dir(copy.data()).unwrap();
    let status = Command::new("sqlite3")
        .arg(home.data().join("runwisp.db"))
        .arg(format!(".backup '{}'", copy.data().join("runwisp.db").display()))
        .status();
    assert!(status.unwrap().success());
    daemon.stop_well();
    let daemon = copy.start();
    assert!(copy.rows("tick").iter().all(Row::is_ended));
    assert!(copy.ended("tick").is_some());
    daemon.stop_well();
}
