//! Logs and directories that somebody deletes, renames, cuts or closes off.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::time::Duration;

use super::busy::{self, Allowed, Said};
use crate::harness::daemon::PATIENCE;
use crate::harness::{Home, is_root, rows, skip, wait_until};

#[test]
fn files_and_permissions_that_are_taken_away_stop_no_daemon() {
    busy::side_by_side(&[
        logs_that_are_taken_from_under_their_writer_stop_no_run,
        a_data_directory_without_permission_fails_runs_until_it_is_given_back,
    ]);
}

fn files_of(home: &Home, task: &str) -> Vec<PathBuf> {
    let Ok(folder) = fs::read_dir(home.logs(task)) else { return Vec::new() };
    folder.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn logs_that_are_taken_from_under_their_writer_stop_no_run() {
    let ways: [Way; 4] = [
        |file| fs::remove_file(file),
        |file| fs::rename(file, file.with_extension("stolen")),
        |file| fs::File::options().write(true).open(file).and_then(|file| file.set_len(0)),
        |file| fs::write(file, "garbage that is no log, no index, no time and no JSON\n\0\u{1}"),
    ];
    std::thread::scope(|scope| {
        ways.chunks(2).for_each(|ways| drop(scope.spawn(|| logs_are_taken(ways))));
    });
}

type Way = fn(&PathBuf) -> std::io::Result<()>;

fn logs_are_taken(ways: &[Way]) {
    let home = busy::home("");
    let daemon = busy::start(&home, |_| ());
    for way in ways {
        let last = rows::all(&home.data()).last().unwrap().id.clone();
        let new = |task: &str| home.rows(task).into_iter().filter(move |row| row.id > last);
        // Again and again, whatever is there, until runs have lived through it.
        wait_until("runs end under it", 2 * PATIENCE, || {
            for task in ["tick", "flood", "slow", "server"] {
                // One that is gone by now was somebody's before.
                files_of(&home, task).iter().for_each(|file| drop(way(file)));
            }
            ["flood", "server", "slow"]
                .iter()
                .all(|task| new.clone()(task).any(|row| row.is_ended() && row.exit_code > Some(-1)))
        });
        assert!(daemon.is_healthy());
        for task in ["flood", "server", "slow", "tick"] {
            let output = home.run(["logs", task]);
            assert!(output.status.success(), "what is left can be read: {task}: {output:?}");
        }
    }
    // All of it at once, folders included.
    wait_until("it is deleted", PATIENCE, || fs::remove_dir_all(home.data().join("logs")).is_ok());
    busy::goes_on(&home);
    for task in ["flood", "server", "slow", "tick"] {
        let output = home.run(["logs", task]);
        assert!(output.status.success(), "{task}: {output:?}");
    }
    busy::settle(daemon, Allowed::default());
}

fn a_data_directory_without_permission_fails_runs_until_it_is_given_back() {
    if !is_root() {
        return skip("only root can be another user");
    }
    const OWNER: u32 = 61_235;
    let home = busy::home("");
    busy::give_to(home.dir(), OWNER);
    busy::give_to(&home.path("witness"), OWNER);
    let daemon = busy::start(&home, |command| {
        command.uid(OWNER).gid(OWNER);
    });
    let last = rows::all(&home.data()).last().unwrap().id.clone();
    let said = Said::listen(&home);
    fs::set_permissions(home.data(), Permissions::from_mode(0o000)).unwrap();
    wait_until("runs are refused", PATIENCE, || {
        home.rows("tick").iter().any(|row| {
            row.id > last
                && row.end() == "failed -1"
                && row.message.as_deref().is_some_and(|text| {
                    text.starts_with("failed to create log directory: cannot create ")
                        && text.contains(": permission denied")
                })
        })
    });
    assert!(daemon.is_healthy());
    busy::pass(Duration::from_millis(1500));
    // The end of each run finds it anew.
    assert!(said.lines(&["retention failed"]).len() <= 1);
    fs::set_permissions(home.data(), Permissions::from_mode(0o700)).unwrap();
    busy::goes_on(&home);
    let said = Said::listen(&home);
    busy::pass(Duration::from_millis(500));
    assert!(said.lines(&["permission denied"]).is_empty());
    busy::settle(daemon, Allowed::default());
}
