//! Limits of the kernel that are lowered while the daemon runs, and raised again.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use super::busy::{self, Allowed, Said};
use crate::harness::daemon::PATIENCE;
use crate::harness::{Daemon, is_root, process, rows, skip, wait_until};

#[test]
fn lowered_limits_fail_runs_and_not_the_daemon() {
    busy::side_by_side(&[
        a_lack_of_descriptors_passes,
        a_lack_of_address_space_fails_runs_and_not_the_daemon,
        a_lack_of_processes_fails_runs_and_not_the_daemon,
    ]);
}

/// A user that nobody else is: its limit of processes concerns this daemon alone.
const NOBODY: u32 = 61_234;

/// Sets a limit of the running daemon, as its own user: even root may need a capability for others.
fn limit(daemon: &Daemon<'_>, what: &str, value: &str) {
    let mut prlimit = Command::new("prlimit");
    let owner = std::fs::metadata(format!("/proc/{}", daemon.pid())).unwrap();
    prlimit.uid(owner.uid()).gid(owner.gid());
    let status = prlimit.args(["--pid", &daemon.pid().to_string(), &format!("--{what}={value}")]);
    assert!(status.status().unwrap().success(), "{what}={value}");
}

fn a_lack_of_descriptors_passes() {
    let home = busy::home("");
    let daemon = busy::start(&home, |_| ());
    let said = Said::listen(&home);
    let hard = "1024:";
    for allowed in [4, 0] {
        let last = rows::all(&home.data()).last().unwrap().id.clone();
        // The number is one above the highest that may be used.
        let used = std::fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap();
        let highest = used.filter_map(|fd| fd.unwrap().file_name().to_str()?.parse::<u32>().ok());
        let soft = highest.filter(|fd| *fd < 40).max().unwrap() + 1 + allowed;
        limit(&daemon, "nofile", &format!("{soft}:"));
        wait_until("runs are refused", PATIENCE, || {
            rows::all(&home.data()).iter().any(|row| {
                row.id > last
                    && row.end() == "failed -1"
                    && row
                        .message
                        .as_deref()
                        .is_some_and(|text| text.contains("too many open files"))
            })
        });
        busy::pass(Duration::from_millis(800));
        assert!(process::is_alive(daemon.pid()));
        limit(&daemon, "nofile", hard);
        wait_until("clients come in again", PATIENCE, || daemon.is_healthy());
        busy::goes_on(&home);
    }
    assert!(said.lines(&["too many open files"]).len() < 60);
    busy::settle(daemon, Allowed::default());
}

fn a_lack_of_address_space_fails_runs_and_not_the_daemon() {
    let home = busy::home("");
    let daemon = busy::start(&home, |_| ());
    let session = daemon.login();
    for (what, field) in [("as", "VmSize"), ("data", "VmData")] {
        let last = rows::all(&home.data()).last().unwrap().id.clone();
        let mut limited = u64::MAX;
        let mut crowded = false;
        wait_until("runs are refused", PATIENCE, || {
            assert!(process::is_alive(daemon.pid()), "{what}");
            // Less than a thread asks for, enough for small needs of the others. Runs that end give
            // back what they had.
            let room = (process::kib(daemon.pid(), field) + 1024) * 1024;
            if room < limited {
                limit(&daemon, what, &format!("{room}:"));
                limited = room;
            }
            if !std::mem::replace(&mut crowded, true) {
                busy::crowd(&session);
            }
            rows::all(&home.data()).iter().any(|row| {
                row.id > last
                    && row.end() == "failed -1"
                    && row.message.as_deref().is_some_and(|text| {
                        text.contains("cannot allocate memory")
                            || text.contains("resource temporarily unavailable")
                    })
            })
        });
        busy::pass(Duration::from_millis(800));
        assert!(process::is_alive(daemon.pid()), "{what}");
        limit(&daemon, what, "unlimited");
        busy::goes_on(&home);
        assert!(daemon.is_healthy());
    }
    busy::settle(daemon, Allowed::default());
}

fn a_lack_of_processes_fails_runs_and_not_the_daemon() {
    if !is_root() {
        return skip("only root can be another user");
    }
    let home = busy::home("");
    busy::give_to(home.dir(), NOBODY);
    busy::give_to(&home.path("witness"), NOBODY);
    let daemon = busy::start(&home, |command| {
        command.uid(NOBODY).gid(NOBODY);
    });
    let last = rows::all(&home.data()).last().unwrap().id.clone();
    limit(&daemon, "nproc", "1:");
    wait_until("runs are refused", PATIENCE, || {
        let rows = rows::all(&home.data());
        ["tick", "retried", "server"].iter().all(|task| {
            rows.iter().any(|row| {
                row.id > last
                    && row.task == *task
                    && row.end() == "failed -1"
                    && row
                        .message
                        .as_deref()
                        .is_some_and(|text| text.ends_with("resource temporarily unavailable"))
            })
        })
    });
    assert!(daemon.is_healthy());
    limit(&daemon, "nproc", "4096:");
    busy::goes_on(&home);
    busy::settle(daemon, Allowed::default());
}
