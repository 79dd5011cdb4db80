//! kill -9, torn files, a full disk: nothing that was recorded is lost, and nothing runs twice. The
//! same at any moment and many times over is in `rigs/crash.rs`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::daemon::PATIENCE;
use crate::harness::rows::Row;
use crate::harness::{Home, http, is_root, process, rows, skip, wait_for, wait_until};

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

/// The disk of database and logs fills up and is freed again, on a file system of 8 MiB.
#[test]
fn a_full_disk_loses_no_outcome() {
    if !is_root() {
        return skip("only root can mount a small file system");
    }
    let home = Home::new(
        "[tasks.tick]\ncron = \"* * * * * *\"\nrun = \"exit $(( $(date +%s) % 7 + 1 ))\"\n
         [tasks.chatty]\ncron = \"* * * * * *\"\nrun = \"echo said\"\n",
    );
    let disk = SmallDisk::mount(home.data());
    let daemon = home.start();
    let ended = |task: &str| home.rows(task).iter().filter(|row| row.is_ended()).count();
    wait_until("a run ended", PATIENCE, || ended("tick") >= 1 && ended("chatty") >= 1);
    let before = rows::all(&home.data());

    disk.fill();
    wait_until("it is noticed", PATIENCE, || home.read("stderr").contains("[ERROR]"));
    let noticed = Instant::now();
    wait_until("time passes on a full disk", PATIENCE, || {
        noticed.elapsed() > Duration::from_millis(2500)
    });
    assert!(process::is_alive(daemon.pid()) && daemon.is_healthy(), "it goes on");
    for row in before.iter().filter(|row| row.is_ended()) {
        let now = home.rows(&row.task).into_iter().find(|now| now.id == row.id).unwrap();
        assert_eq!(now.end(), row.end(), "what was written stays");
    }
    let last = rows::all(&home.data()).last().unwrap().id.clone();

    disk.free();
    wait_until("new runs end", PATIENCE, || {
        let new = |task: &str| home.rows(task).iter().any(|row| row.id > last && row.is_ended());
        new("tick") && new("chatty")
    });
    wait_until("what was delayed has ended too", PATIENCE, || {
        rows::all(&home.data()).iter().filter(|row| row.id <= last).all(Row::is_ended)
    });
    daemon.stop_well();
    for row in home.rows("tick").iter().filter(|row| row.is_ended()) {
        // A run may start up to a second after its tick was read; its code tells which second.
        let second = row.start_at.unwrap_or(row.created_at).as_second();
        let codes = [second % 7 + 1, (second + 1) % 7 + 1];
        let fits = row.exit_code.is_some_and(|code| codes.contains(&code));
        assert!(row.reason() != "failed" || fits || row.exit_code == Some(-1), "{row:?}");
    }
    let verdict: String = rows::value(&home.data(), "PRAGMA integrity_check");
    assert_eq!(verdict, "ok");
}

/// A file system of 8 MiB in memory.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(place: PathBuf) -> SmallDisk {
        fs::create_dir_all(&place).unwrap();
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m,mode=700", "none"])
            .arg(&place)
            .status();
        assert!(status.unwrap().success());
        SmallDisk(place)
    }

    /// Writes until not a byte more fits.
    fn fill(&self) {
        let mut file = fs::File::create(self.0.join("ballast")).unwrap();
        let full = std::io::copy(&mut std::io::repeat(7), &mut file);
        assert_eq!(full.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    }

    fn free(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a daemon of a failed test may still be there.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
