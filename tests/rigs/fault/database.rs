//! A database that somebody else locks, deletes or replaces.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::busy::{self, Allowed, Said};
use crate::harness::daemon::PATIENCE;
use crate::harness::{Home, http, process, wait_until};
use crate::rigs::is_long;

#[test]
fn a_locked_database_delays_and_loses_nothing() {
    busy::side_by_side(&[
        a_lock_of_another_program_delays_and_loses_nothing,
        a_lock_of_another_program_delays_the_start,
    ]);
}

#[test]
fn a_database_that_is_taken_away_is_missed() {
    busy::side_by_side(&[
        a_database_that_is_taken_away_is_waited_for,
        a_database_that_is_deleted_is_missed_and_made_anew_by_the_next_start,
        another_file_in_place_of_the_database_stays_as_it_is,
        files_beside_the_database_that_are_deleted_lose_nothing,
    ]);
}

/// Longer than SQLite waits by itself, in the short form too.
fn lock_time() -> Duration {
    Duration::from_millis(if is_long() { 30_000 } else { 5_500 })
}

/// Another program that has begun to write.
struct Lock(Child);

impl Lock {
    fn take(home: &Home) -> Lock {
        let mut sqlite = Command::new("sqlite3");
        sqlite.arg("-bail").arg(home.data().join("runwisp.db"));
        let mut child = sqlite.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.as_ref().unwrap();
        writeln!(input, ".timeout 10000\nBEGIN EXCLUSIVE;\nSELECT 'locked';").unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "locked\n");
        Lock(child)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn a_lock_of_another_program_delays_and_loses_nothing() {
    let home = busy::home("");
    let daemon = busy::start(&home, |_| ());
    let said = Said::listen(&home);
    let begun = Instant::now();
    let lock = Lock::take(&home);
    while begun.elapsed() < lock_time() {
        assert!(daemon.is_healthy());
        let output = home.run(["history", "-n", "3"]);
        assert!(output.status.success(), "readers are not locked out");
        busy::pass(Duration::from_millis(500));
    }
    let locked = ["[ERROR] cannot write database ", "runwisp.db: database is locked"];
    said.wait_for(&locked);
    drop(lock);
    said.wait_for(&["can be written again"]);
    said.assert_once(&locked);
    busy::goes_on(&home);
    busy::settle(daemon, Allowed::default());
}

/// The start is less patient: three tries.
fn a_lock_of_another_program_delays_the_start() {
    let home = busy::home("");
    busy::start(&home, |_| ()).stop_well();
    let lock = Lock::take(&home);
    let mut daemon = home.launch();
    busy::pass(Duration::from_millis(5500));
    assert!(!daemon.is_healthy());
    if is_long() {
        wait_until("it gives up", 2 * PATIENCE, || !process::is_alive(daemon.pid()));
        assert_eq!(daemon.wait().code(), Some(1));
        assert!(home.read("stderr").contains("database is locked"));
        drop((daemon, lock));
        return busy::check_after_restart(&home, Allowed::default());
    }
    drop(lock);
    daemon.wait_ready();
    busy::goes_on(&home);
    busy::settle(daemon, Allowed::default());
}

/// Nothing is written to a file that nobody will find: it waits for its return, as for a full disk.
fn a_database_that_is_taken_away_is_waited_for() {
    let home = busy::home("");
    let daemon = busy::start(&home, |_| ());
    let database = home.data().join("runwisp.db");
    let (data, away) = (home.data(), home.path("away"));
    let database_away = home.data().join("elsewhere.db");
    for (what, from, to) in
        [("the file", &database, &database_away), ("the directory", &data, &away)]
    {
        let said = Said::listen(&home);
        fs::rename(from, to).unwrap();
        said.wait_for(&[
            "[ERROR] cannot write database ",
            "runwisp.db: it is no longer in its place",
        ]);
        busy::pass(Duration::from_millis(400));
        assert!(daemon.is_healthy(), "{what}");
        assert!(!from.exists(), "{what}: nothing is made in its place");
        fs::rename(to, from).unwrap();
        busy::goes_on(&home);
        said.assert_once(&["[ERROR] cannot write database "]);
        said.assert_once(&["can be written again"]);
    }
    // A file in place of the directory.
    fs::rename(&data, &away).unwrap();
    fs::write(&data, "no directory").unwrap();
    busy::pass(Duration::from_millis(400));
    assert!(daemon.is_healthy());
    fs::remove_file(&data).unwrap();
    fs::rename(&away, &data).unwrap();
    busy::goes_on(&home);
    busy::settle(daemon, Allowed::default());
}

/// It is gone for good: the daemon says so and stops in order, and the next one begins anew.
fn a_database_that_is_deleted_is_missed_and_made_anew_by_the_next_start() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let home = busy::home("");
            is_gone_for_good(&home, || fs::remove_file(home.data().join("runwisp.db")));
        });
        scope.spawn(|| {
            let home = busy::home("");
            is_gone_for_good(&home, || fs::remove_dir_all(home.data()));
        });
    });
}

fn is_gone_for_good(home: &Home, delete: impl Fn() -> std::io::Result<()>) {
    let mut daemon = busy::start(home, |_| ());
    let said = Said::listen(home);
    // A file may come into the directory while it is being removed.
    wait_until("it is deleted", PATIENCE, || delete().is_ok());
    said.wait_for(&["[ERROR] cannot write database ", "it is no longer in its place"]);
    busy::pass(Duration::from_millis(500));
    assert!(daemon.is_healthy());
    said.assert_once(&["[ERROR] cannot write database "]);
    if is_long() {
        let begun = Instant::now();
        wait_until("it gives up", 6 * PATIENCE, || !process::is_alive(daemon.pid()));
        assert!(begun.elapsed() > Duration::from_secs(50), "{:?}", begun.elapsed());
        assert_eq!(daemon.wait().code(), Some(1));
    } else {
        daemon.signal("TERM");
        assert_eq!(daemon.wait().code(), Some(0));
    }
    drop(daemon);
    assert!(!home.data().join("runwisp.db").exists());
    let daemon = busy::start(home, |_| ());
    busy::goes_on(home);
    busy::settle(daemon, Allowed { crashed: true, rows_lost: true, ..Allowed::default() });
}

fn another_file_in_place_of_the_database_stays_as_it_is() {
    let home = busy::home("");
    let daemon = busy::start(&home, |_| ());
    let said = Said::listen(&home);
    let (database, away) = (home.data().join("runwisp.db"), home.path("away.db"));
    fs::rename(&database, &away).unwrap();
    fs::write(&database, "this is somebody else's file").unwrap();
    said.wait_for(&["[ERROR] cannot write database ", "another file is in its place"]);
    busy::pass(Duration::from_millis(500));
    assert!(daemon.is_healthy());
    daemon.stop_well();
    let again = home.run(["daemon", "--port", &http::free_port().to_string()]);
    let text = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.status.code() == Some(1) && text.contains("cannot open database "), "{text}");
    assert_eq!(fs::read(&database).unwrap(), b"this is somebody else's file");

    // The daemon has left everything in the file that it had opened.
    fs::rename(&away, &database).unwrap();
    let daemon = busy::start(&home, |_| ());
    busy::goes_on(&home);
    busy::settle(daemon, Allowed { crashed: true, ..Allowed::default() });
}

/// Removing these is like tearing a page out: the daemon goes on with those that it has open, and
/// its stop puts everything into the database.
fn files_beside_the_database_that_are_deleted_lose_nothing() {
    let home = busy::home("");
    let daemon = busy::start(&home, |_| ());
    for rest in ["runwisp.db-wal", "runwisp.db-shm"] {
        fs::remove_file(home.data().join(rest)).unwrap();
    }
    for _ in 0..4 {
        busy::pass(Duration::from_millis(500));
        // Who looks meanwhile sees old rows or none, and hurts nothing.
        home.run(["history", "-n", "3"]);
        assert!(daemon.is_healthy());
    }
    busy::settle(daemon, Allowed::default());
}
