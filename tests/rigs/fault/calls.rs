//! Calls that fail with a broken disk, a read-only one, or a lack of something.

use std::path::Path;
use std::time::Duration;

use super::busy::{self, Allowed, Dice, Said};
use super::disk::Ext4;
use super::inject::{Call, Injector};
use crate::harness::daemon::PATIENCE;
use crate::harness::rows::Row;
use crate::harness::{Home, http, is_root, process, rows, skip, wait_until};
use crate::rigs::is_long;

#[test]
fn a_broken_or_read_only_disk_takes_nothing_that_was_recorded() {
    busy::side_by_side(&[
        logs_on_a_broken_disk_stop_no_run,
        a_database_on_a_broken_disk_ends_the_daemon_and_nothing_is_lost,
        a_disk_that_becomes_read_only_ends_the_daemon_until_it_is_repaired,
    ]);
}

#[test]
fn what_the_kernel_refuses_fails_that_run_alone() {
    busy::side_by_side(&[
        a_full_table_of_files_passes,
        what_the_kernel_refuses_to_create_fails_that_run_alone,
        random_faults_come_and_go,
    ]);
}

const EAGAIN: &str = ": resource temporarily unavailable";
const ENOMEM: &str = ": cannot allocate memory";
const EIO: &str = ": input/output error";
const EROFS: &str = ": read-only file system";

/// Each kind of failure below `logs/`: the process goes on, its row is right.
fn logs_on_a_broken_disk_stop_no_run() {
    let kinds = [
        (Call::Write, libc::EIO, 1, ["[ERROR] cannot write ", EIO]),
        (Call::Write, libc::EIO, 3, ["[ERROR] cannot write ", EIO]),
        (Call::Write, libc::EROFS, 1, ["[ERROR] cannot write ", EROFS]),
        (Call::Sync, libc::EIO, 1, ["[ERROR] cannot sync ", EIO]),
        (Call::Open, libc::EIO, 1, ["[ERROR] cannot create ", EIO]),
        (Call::Open, libc::EROFS, 1, ["[ERROR] cannot create ", EROFS]),
        (Call::Rename, libc::EIO, 1, ["[ERROR] cannot rotate ", EIO]),
        (Call::Unlink, libc::EIO, 1, ["[ERROR] cannot rotate ", EIO]),
    ];
    std::thread::scope(|scope| {
        kinds.chunks(4).for_each(|kinds| drop(scope.spawn(|| logs_fail(kinds))));
    });
}

fn logs_fail(kinds: &[(Call, i32, u32, [&str; 2])]) {
    let home = busy::home("");
    let injector = Injector::new(&home);
    let daemon = busy::start(&home, |command| injector.load(command));
    let logs = home.data().join("logs");
    for &(call, errno, every, words) in kinds {
        let said = Said::listen(&home);
        let last = rows::all(&home.data()).last().unwrap().id.clone();
        injector.set(&[call], errno, every, &logs);
        wait_until(&format!("{call:?} hits"), PATIENCE, || injector.hits(call) >= 2);
        said.wait_for(&words);
        let new = |task: &str| home.rows(task).into_iter().filter(|row| row.id > last);
        wait_until("runs end without their logs", PATIENCE, || {
            new("flood").any(|row| row.end() == "success 0")
                && new("tick").any(|row| row.exit_code > Some(0))
        });
        assert!(daemon.is_healthy());
        let runs = rows::all(&home.data()).iter().filter(|row| row.id >= last).count();
        said.assert_at_most(runs + 5, &["/logs/"]);
        injector.clear();
    }
    busy::goes_on(&home);
    busy::settle(daemon, Allowed::default());
}

/// A database that reports I/O errors is not to be trusted: the daemon ends in order, with one
/// sentence, and whatever it had recorded is there at the next start.
fn a_database_on_a_broken_disk_ends_the_daemon_and_nothing_is_lost() {
    std::thread::scope(|scope| {
        for (call, errno) in [
            (Call::Write, libc::EIO),
            (Call::Sync, libc::EIO),
            (Call::Write, libc::EROFS),
            (Call::Read, libc::EIO),
        ] {
            scope.spawn(move || a_database_fails(call, errno));
        }
    });
}

fn a_database_fails(call: Call, errno: i32) {
    let home = busy::home("");
    let injector = Injector::new(&home);
    let mut daemon = busy::start(&home, |command| injector.load(command));
    let before = ended(&home);
    let said = Said::listen(&home);
    injector.set(&[call], errno, 1, &home.data().join("runwisp.db"));
    if call == Call::Read {
        // What the writer needs is in its memory; others are told.
        let mut read = home.command(["history", "-n", "3"]);
        injector.load(&mut read);
        let output = home.output(&mut read);
        assert!(!output.status.success() && injector.hits(call) > 0, "{output:?}");
        injector.clear();
        busy::goes_on(&home);
        return busy::settle(daemon, Allowed::default());
    }
    assert_eq!(daemon.wait().code(), Some(1), "{call:?}");
    assert!(injector.hits(call) > 0, "{call:?}");
    injector.clear();
    drop(daemon);
    said.assert_once(&["[ERROR]", "cannot write database ", "runwisp.db: disk I/O error"]);
    assert_eq!(process::in_directory(home.dir()), [0; 0], "no process is left");
    busy::check_after_restart(&home, Allowed { crashed: true, ..Allowed::default() });
    let after = ended(&home);
    for row in before {
        assert!(after.contains(&row), "{call:?} {row}");
    }
}

fn ended(home: &Home) -> Vec<String> {
    let all = rows::all(&home.data());
    all.iter().filter(|row| row.is_ended()).map(|row| format!("{} {}", row.id, row.end())).collect()
}

/// A real one: an ext4 that the kernel has made read-only, with files on it open for writing.
fn a_disk_that_becomes_read_only_ends_the_daemon_until_it_is_repaired() {
    if !is_root() {
        return skip("only root can mount an image");
    }
    let home = busy::home("");
    let Some(disk) = Ext4::mount(home.data()) else {
        return skip("no loop devices here");
    };
    let mut daemon = busy::start(&home, |_| ());
    let before = ended(&home);
    let said = Said::listen(&home);
    disk.abort();
    assert_eq!(daemon.wait().code(), Some(1));
    drop(daemon);
    said.assert_once(&["[ERROR]", "cannot write database ", "runwisp.db: "]);
    assert_eq!(process::in_directory(home.dir()), [0; 0], "no process is left");
    let again = home.run(["daemon", "--port", &http::free_port().to_string()]);
    assert_eq!(again.status.code(), Some(1));
    let text = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(text.contains("read-only file system"), "{text}");

    disk.repair();
    let daemon = busy::start(&home, |_| ());
    busy::goes_on(&home);
    // An fsync that is under way when the journal is given up may be told as done, and what it
    // wrote is gone: any program that writes and syncs shows it. Older rows stay.
    busy::settle(daemon, Allowed { crashed: true, sync_lost: true, ..Allowed::default() });
    let after = ended(&home);
    for row in before {
        assert!(after.contains(&row), "{row}");
    }
}

/// The system's table of open files is full, for whoever opens anything of the data directory.
fn a_full_table_of_files_passes() {
    let home = busy::home("");
    let injector = Injector::new(&home);
    let daemon = busy::start(&home, |command| injector.load(command));
    let said = Said::listen(&home);
    injector.set(&[Call::Open], libc::ENFILE, 1, &home.data());
    said.wait_for(&["cannot create ", "too many open files in system"]);
    busy::pass(Duration::from_millis(1500));
    assert!(daemon.is_healthy() && injector.hits(Call::Open) > 0);
    injector.clear();
    busy::goes_on(&home);
    busy::settle(daemon, Allowed::default());
}

/// No thread, no process, no memory for its first steps: the run ends with the reason, and what
/// is decided after it happens all the same.
fn what_the_kernel_refuses_to_create_fails_that_run_alone() {
    let anonymous = "anonymous";
    let kinds = [
        (Call::Thread, libc::EAGAIN, "", ["failed to start: cannot start a thread", EAGAIN]),
        (Call::Clone, libc::EAGAIN, "", ["failed to start: cannot create a process", EAGAIN]),
        (Call::Clone, libc::ENOMEM, "", ["failed to start: cannot create a process", ENOMEM]),
        (Call::Map, libc::ENOMEM, anonymous, ["failed to start: cannot start a thread", ENOMEM]),
        (Call::Mkdir, libc::EIO, "/", ["failed to create log directory: cannot create /", EIO]),
    ];
    std::thread::scope(|scope| {
        kinds.chunks(3).for_each(|kinds| drop(scope.spawn(|| creation_fails(kinds))));
    });
}

fn creation_fails(kinds: &[(Call, i32, &str, [&str; 2])]) {
    let home = busy::home("");
    let injector = Injector::new(&home);
    let daemon = busy::start(&home, |command| injector.load(command));
    let session = daemon.login();
    for &(call, errno, below, [begin, cause]) in kinds {
        let said = Said::listen(&home);
        let last = rows::all(&home.data()).last().unwrap().id.clone();
        injector.set(&[call], errno, 1, Path::new(below));
        let is_refused = |row: &&Row| {
            let message = row.message.as_deref().unwrap_or("");
            let says_why = message.starts_with(begin) && message.ends_with(cause);
            row.id > last && row.end() == "failed -1" && says_why
        };
        // A run that finds an idle thread needs no new one.
        let needs_crowd = begin.ends_with("a thread");
        if needs_crowd {
            busy::crowd(&session);
        }
        wait_until(begin, PATIENCE, || {
            let rows = rows::all(&home.data());
            if needs_crowd {
                return rows.iter().any(|row| is_refused(&row));
            }
            let refused = |task: &str| rows.iter().filter(is_refused).any(|row| row.task == task);
            // The chain of retries goes to its end, the service keeps being started.
            refused("tick")
                && refused("server")
                && rows.iter().filter(is_refused).any(|row| row.retry_attempt == 2)
        });
        assert!(daemon.is_healthy() && injector.hits(call) > 0);
        injector.clear();
        busy::goes_on(&home);
        let refused = rows::all(&home.data()).iter().filter(is_refused).count();
        // Two for each, and for those that were there already.
        let lines = said.lines(&[cause]);
        assert!(lines.len() <= 2 * refused + 10, "{refused} were refused: {lines:#?}");
    }
    busy::settle(daemon, Allowed::default());
}

/// Whatever fails, as often as it likes: what ran is in the history as it was.
fn random_faults_come_and_go() {
    use Call::{Clone, Map, Mkdir, Open, Read, Rename, Sync, Thread, Unlink, Write};
    let home = busy::home("");
    let injector = Injector::new(&home);
    let daemon = busy::start(&home, |command| injector.load(command));
    let logs = home.data().join("logs");
    let mut dice = Dice::new("random faults");
    let disk = [Open, Read, Write, Sync, Rename, Unlink, Mkdir];
    let errors = [libc::EIO, libc::EROFS, libc::ENOSPC, libc::EDQUOT, libc::EACCES, libc::ENFILE];
    for _ in 0..if is_long() { 60 } else { 4 } {
        let every = 1 + dice.below(4) as u32;
        match dice.below(4) {
            0 => injector.set(&[Thread, Clone], libc::EAGAIN, every, Path::new("")),
            1 => injector.set(&[Map], libc::ENOMEM, every, Path::new("anonymous")),
            _ => {
                let call = disk[dice.below(disk.len() as u64) as usize];
                let errno = errors[dice.below(errors.len() as u64) as usize];
                injector.set(&[call], errno, every, &logs);
            }
        }
        busy::pass(dice.millis(2000));
        assert!(process::is_alive(daemon.pid()) && daemon.is_healthy());
        injector.clear();
        busy::pass(dice.millis(500));
    }
    busy::goes_on(&home);
    busy::settle(daemon, Allowed::default());
}
