//! Disks that are full and have room again.

use std::time::Duration;

use super::busy::{self, Allowed, Dice, Said};
use super::disk::SmallDisk;
use crate::harness::daemon::PATIENCE;
use crate::harness::{http, is_root, process, rows, skip, wait_until};
use crate::rigs::is_long;

#[test]
fn full_disks_lose_no_outcome() {
    busy::side_by_side(&[
        a_full_disk_loses_no_outcome,
        full_logs_stop_no_run_and_a_full_database_no_output,
    ]);
}

fn a_full_disk_loses_no_outcome() {
    if !is_root() {
        return skip("only root can mount a small file system");
    }
    let home = busy::home("");
    // Room for all that is printed meanwhile.
    let disk = SmallDisk::mount(home.data(), if is_long() { 64 } else { 12 });
    let daemon = busy::start(&home, |_| ());
    let before = rows::all(&home.data());
    let mut dice = Dice::new("full disk");
    for _ in 0..if is_long() { 25 } else { 2 } {
        busy::pass(dice.millis(700));
        let said = Said::listen(&home);
        disk.fill();
        said.wait_for(&["[ERROR] cannot write database ", "runwisp.db: "]);
        busy::pass(dice.millis(1200));
        assert!(process::is_alive(daemon.pid()) && daemon.is_healthy(), "it goes on");
        said.assert_once(&["[ERROR] cannot write database "]);
        disk.free();
        said.wait_for(&["can be written again"]);
        busy::goes_on(&home);
    }
    for row in before.iter().filter(|row| row.is_ended()) {
        let now = home.rows(&row.task).into_iter().find(|now| now.id == row.id).unwrap();
        assert_eq!(now.end(), row.end(), "what was written stays");
    }
    daemon.stop_well();
    disk.fill();
    let output = home.run(["daemon", "--port", &http::free_port().to_string()]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && text.contains("no space left on device"), "{text}");
    disk.free();
    busy::check_after_restart(&home, Allowed::default());
}

/// Only the logs do not fit: everything runs, and its rows are written.
fn full_logs_stop_no_run_and_a_full_database_no_output() {
    if !is_root() {
        return skip("only root can mount a small file system");
    }
    let home = busy::home("");
    let database = SmallDisk::mount(home.data(), 8);
    let logs = SmallDisk::mount(home.data().join("logs"), 8);
    let daemon = busy::start(&home, |_| ());

    let said = Said::listen(&home);
    logs.fill();
    said.wait_for(&["[ERROR] cannot write ", "/logs/", "no space left on device"]);
    let last = rows::all(&home.data()).last().unwrap().id.clone();
    wait_until("runs end without their logs", PATIENCE, || {
        home.rows("flood").iter().any(|row| row.id > last && row.end() == "success 0")
    });
    let new = home.rows("flood").into_iter().find(|row| row.id > last).unwrap();
    assert_eq!(new.log_bytes, busy::FLOOD_BYTES, "what it printed was counted: {new:?}");
    assert!(said.lines(&["cannot write database"]).is_empty());
    logs.free();
    busy::goes_on(&home);

    let said = Said::listen(&home);
    database.fill();
    said.wait_for(&["[ERROR] cannot write database "]);
    busy::pass(Duration::from_millis(800));
    assert!(said.lines(&["/logs/"]).is_empty(), "the logs are well");
    database.free();
    busy::goes_on(&home);
    said.assert_once(&["[ERROR] cannot write database "]);
    busy::settle(daemon, Allowed::default());
}
