//! What may stand in the data directory in the place of the daemon's own files, and who may have
//! put it there (docs/deployment.md, Data directory). Symlinks are `boot`'s.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::{CANARY, assert_well};
use crate::harness::daemon::PATIENCE;
use crate::harness::{Home, is_root, skip};

/// Of nobody that matters here.
const SOMEBODY: u32 = 65_533;

fn home() -> Home {
    let home = Home::new(CANARY);
    fs::create_dir(home.data()).unwrap();
    fs::set_permissions(home.data(), Permissions::from_mode(0o700)).unwrap();
    home
}

fn make(command: &str, path: &Path, more: &[&str]) {
    assert!(Command::new(command).arg(path).args(more).status().unwrap().success());
}

/// What a start says that is expected to fail.
#[track_caller]
fn refused(home: &Home) -> String {
    let begun = Instant::now();
    let port = crate::harness::http::free_port().to_string();
    let output = home.run(["daemon", "--port", &port]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(begun.elapsed() < PATIENCE / 2, "{said}");
    said
}

#[test]
fn nothing_but_a_file_is_taken_for_one_and_nobody_waits_for_it() {
    let kinds: &[&str] =
        if is_root() { &["fifo", "directory", "device"] } else { &["fifo", "directory"] };
    for name in ["runwisp.db", "password", "daemon.pid", "logs", "runwisp.sock"] {
        for kind in kinds {
            if (name, *kind) == ("logs", "directory") {
                continue;
            }
            let home = home();
            let path = home.data().join(name);
            match *kind {
                "fifo" => make("mkfifo", &path, &[]),
                // It never ends, and takes everything.
                "device" => make("mknod", &path, &["c", "1", "5"]),
                _ => fs::create_dir(&path).unwrap(),
            }
            let before = fs::symlink_metadata(&path).unwrap().ino();
            // Without a folder for logs the daemon works, and its runs fail with the reason.
            if name == "logs" {
                let daemon = home.start();
                assert_well(&daemon);
                daemon.stop_well();
            } else {
                let said = refused(&home);
                assert!(said.contains(&format!("data/{name}")), "{name} {kind}: {said}");
            }
            assert_eq!(fs::symlink_metadata(&path).unwrap().ino(), before, "it stays");
        }
    }
}

#[test]
fn commands_do_not_wait_for_what_is_no_file_either() {
    for name in ["daemon.pid", "password", "runwisp.sock", "runwisp.db", "daemon.log"] {
        let home = home();
        make("mkfifo", &home.data().join(name), &[]);
        let port = crate::harness::http::free_port().to_string();
        for args in [
            &["stop"][..],
            &["restart"],
            &["status"],
            &["list"],
            &["password"],
            &["logs", "canary"],
            &["history"],
        ] {
            // `Home::run` gives up one that does not end. A restart of nothing is a start.
            let output = home.output(home.command(args).env("RUNWISP_PORT", &port));
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(!said.contains("panicked"), "{name} {args:?}: {said}");
            if output.status.success() && args == ["restart"] {
                home.run(["stop"]);
            }
        }
    }
}

/// Other names of a file are other files to their owners.
#[test]
fn no_file_with_another_name_is_emptied() {
    let home = home();
    home.write("precious", "precious\n");
    let precious = home.path("precious");
    fs::set_permissions(&precious, Permissions::from_mode(0o644)).unwrap();
    for name in ["daemon.pid", "password.tmp", "runwisp.db.new"] {
        fs::hard_link(&precious, home.data().join(name)).unwrap();
    }
    let daemon = home.start();
    assert_eq!(home.read("precious"), "precious\n");
    assert_eq!(fs::metadata(&precious).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(home.read("data/daemon.pid"), format!("{}\n", daemon.pid()));
    assert_well(&daemon);
    daemon.stop_well();
    assert_eq!(fs::metadata(&precious).unwrap().nlink(), 1);
}

#[test]
fn what_others_could_put_into_an_open_directory_is_not_believed() {
    if !is_root() {
        return skip("only root gives files away");
    }
    for name in ["password", "runwisp.db", "runwisp.db-wal", "daemon.pid", "logs", "daemon.log"] {
        let home = home();
        fs::set_permissions(home.data(), Permissions::from_mode(0o777)).unwrap();
        let path = home.data().join(name);
        match name {
            "logs" => fs::create_dir(&path).unwrap(),
            "password" => fs::write(&path, "a password that he knows\n").unwrap(),
            _ => fs::write(&path, "x").unwrap(),
        }
        chown(&path, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        let said = refused(&home);
        assert!(said.contains(&format!("data/{name} belongs to ")), "{said}");
        assert!(!said.contains("that he knows"), "{said}");
        // What is named can be put right.
        fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path)).unwrap();
        let daemon = home.start();
        let mode = fs::metadata(home.data()).unwrap().permissions().mode();
        assert_eq!(mode & 0o027, 0, "closed to others, and the group may not write");
        daemon.stop_well();
    }
    // The same through a link of his, to a file that is root's.
    let home = home();
    home.write("known", "a password that he knows\n");
    symlink(home.path("known"), home.data().join("password")).unwrap();
    lchown(home.data().join("password"), Some(SOMEBODY), None).unwrap();
    assert!(refused(&home).contains("data/password belongs to "));
}

#[test]
fn a_directory_of_somebody_else_stays_as_it_is() {
    if !is_root() {
        return skip("only root gives files away");
    }
    for mode in [0o700, 0o750, 0o777, 0o1777] {
        let home = home();
        fs::set_permissions(home.data(), Permissions::from_mode(mode)).unwrap();
        chown(home.data(), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
        assert!(refused(&home).contains(" belongs to "));
        let found = fs::metadata(home.data()).unwrap();
        assert_eq!((found.uid(), found.permissions().mode() & 0o7777), (SOMEBODY, mode));
        assert_eq!(fs::read_dir(home.data()).unwrap().count(), 0);
    }
}

/// A permissive umask, as containers have it, opens nothing.
#[test]
fn no_umask_opens_a_file_to_others() {
    let home = Home::new("[tasks.a]\nrun_on_start = true\nrun = \"echo x\"\n");
    let daemon =
        crate::harness::Daemon::launch(&home, crate::harness::http::free_port(), |command| {
            let program = command.get_program().to_owned();
            let args: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(program).args(args);
            shell.current_dir(home.dir()).env("RUNWISP_DATA", "data").env_remove("NOTIFY_SOCKET");
            shell.stderr(fs::File::create(home.path("stderr")).unwrap());
            *command = shell;
        });
    daemon.wait_ready();
    let deadline = Instant::now() + PATIENCE;
    while home.ended("a").is_none() {
        assert!(Instant::now() < deadline, "the run ends");
        std::thread::yield_now();
    }
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home.data()), 0o700);
    for name in ["runwisp.db", "runwisp.db-wal", "runwisp.db-shm", "password", "runwisp.sock"] {
        assert_eq!(mode(&home.data().join(name)), 0o600, "{name}");
    }
    assert_eq!(mode(&home.data().join("daemon.pid")), 0o600);
    assert_eq!(mode(&home.logs("a")), 0o700);
    // Nothing else is there: the line to the server has no name any more.
    let mut names: Vec<_> =
        fs::read_dir(home.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let expected = ["daemon.pid", "logs", "password", "runwisp.db", "runwisp.db-shm"];
    assert_eq!(names[..5], expected);
    assert_eq!(names.len(), 7, "{names:?}");
    daemon.stop_well();
}

/// The name of the line to the server, taken before: nobody's else is used, and the daemon works.
#[test]
fn a_name_that_is_taken_does_not_lead_the_line_elsewhere() {
    let home = home();
    let trap = home.path("trap");
    let listener = UnixListener::bind(&trap).unwrap();
    listener.set_nonblocking(true).unwrap();
    // A pid is guessed by making all that may come next.
    let next: u32 = fs::read_to_string("/proc/loadavg")
        .unwrap()
        .trim()
        .rsplit(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    for pid in next..next + 200 {
        symlink(&trap, home.data().join(format!(".runwisp-http-{pid}-0"))).unwrap();
    }
    let daemon = home.start();
    assert_well(&daemon);
    assert!(listener.accept().is_err(), "nobody came by");
    daemon.stop_well();
}
