//! Starting: what is made, with which modes, and what a start that fails leaves alone.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use crate::harness::daemon::PATIENCE;
use crate::harness::{Daemon, Home, http, process, rows, wait_for, wait_until};

const ONE_TASK: &str = "[tasks.tick]\ncron = \"* * * * * *\"\nrun = \"echo x >> ticks\"\n";

#[test]
fn a_first_start_makes_its_files_for_the_owner_alone() {
    let home = Home::new(ONE_TASK);
    let daemon = Daemon::launch(&home, http::free_port(), |command| {
        let program = env!("CARGO_BIN_EXE_runwisp");
        let args: Vec<_> = command.get_args().map(|arg| arg.to_owned()).collect();
        // The mask of a careless shell.
        *command = std::process::Command::new("sh");
        command.current_dir(home.dir()).env("RUNWISP_DATA", "data");
        command.args(["-c", "umask 000; exec \"$0\" \"$@\" 2>>stderr", program]).args(args);
    });
    daemon.wait_ready();
    wait_until("a run ends", PATIENCE, || home.ended("tick").is_some());

    assert_eq!(mode(&home.data()), 0o700);
    for name in ["runwisp.db", "runwisp.db-wal", "runwisp.db-shm", "password", "daemon.pid"] {
        assert_eq!(mode(&home.data().join(name)), 0o600, "{name}");
    }
    assert_eq!(home.read("data/daemon.pid"), format!("{}\n", daemon.pid()));
    let password = home.read("data/password");
    assert_eq!(password.len(), 23);
    assert!(password.trim_end().bytes().all(|byte| byte.is_ascii_alphanumeric()), "{password}");
    let said = home.read("stderr");
    assert!(said.contains("password") && !said.contains(password.trim_end()), "{said}");
    // What nobody printed has no file.
    assert!(!home.logs("tick").exists() || fs::read_dir(home.logs("tick")).unwrap().count() == 0);

    // Whoever reads has a connection of its own.
    assert_eq!(daemon.login().get("/api/runs").status, 200);
    daemon.stop_well();
    assert!(!home.data().join("daemon.pid").exists());
    assert!(!home.data().join("runwisp.db-wal").exists(), "the database is whole in one file");
}

#[test]
fn the_files_of_a_run_have_the_modes_of_the_manual() {
    let home = Home::new("[tasks.\"a.b\"]\nrun_on_start = true\nrun = \"echo out\"\n");
    let daemon = home.start();
    wait_until("the run ends", PATIENCE, || home.ended("a.b").is_some());
    let logs = home.data().join("logs");
    assert_eq!(mode(&logs), 0o700);
    let folder = logs.join("a_b");
    assert_eq!(mode(&folder), 0o700);
    let row = home.ended("a.b").unwrap();
    let stamp = row.created_at.strftime("%Y%m%d_%H%M%S");
    let file = folder.join(format!("{stamp}_{}.log", row.id));
    assert_eq!(mode(&file), 0o644);
    assert_eq!(fs::read_to_string(file).unwrap(), "out\n");
    daemon.stop_well();
}

#[test]
fn an_existing_data_directory_keeps_what_the_group_may_read_and_no_more() {
    let home = Home::new(ONE_TASK);
    fs::create_dir(home.data()).unwrap();
    fs::set_permissions(home.data(), fs::Permissions::from_mode(0o777)).unwrap();
    let daemon = home.start();
    assert_eq!(mode(&home.data()), 0o750);
    daemon.stop_well();
}

#[test]
fn readiness_and_the_end_are_told_to_the_service_manager() {
    let home = Home::new(ONE_TASK);
    let path = home.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = http::free_port();
    let daemon = Daemon::launch(&home, port, |command| {
        command.env("NOTIFY_SOCKET", &path);
    });
    let heard = |what: &str| {
        let mut buffer = [0; 4096];
        let bytes = socket.recv(&mut buffer).unwrap();
        let text = String::from_utf8_lossy(&buffer[..bytes]).into_owned();
        assert!(text.lines().any(|line| line == what), "{text}");
    };
    heard("READY=1");
    assert!(daemon.is_healthy(), "ready means that /health answers");
    daemon.signal("TERM");
    heard("STOPPING=1");
}

#[test]
fn a_broken_configuration_touches_nothing() {
    let home = Home::new("[tasks.x]\ncron = \"61 * * * *\"\n\n[tasks.y]\nrnu = \"true\"\n");
    let port = http::free_port();
    let mut daemon = Daemon::launch(&home, port, |_| ());
    wait_for("the daemon gives up", PATIENCE, || {
        assert_eq!(http::get(port, "/health"), None, "the port is never open");
        (!process::is_alive(daemon.pid())).then_some(())
    });
    assert_eq!(daemon.wait().code(), Some(1));
    assert!(!home.data().exists());
    let said = home.read("stderr");
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("runwisp.toml:2:") && line.contains("tasks.x.cron")),
        "{said}"
    );
    assert!(
        lines.iter().any(|line| line.starts_with("runwisp.toml:5:") && line.contains("rnu")),
        "{said}"
    );
    let last = lines.last().unwrap();
    assert!(last.contains("configuration invalid: ") && last.contains("error"), "{said}");

    // Tried again, it says the same.
    let again = home.run(["daemon", "--port", &port.to_string()]);
    assert_eq!(String::from_utf8_lossy(&again.stderr), said);
}

#[test]
fn a_missing_configuration_is_named() {
    let home = Home::new("");
    let output = home.run(["daemon", "--config", "nowhere.toml"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("config file not found: ") && said.contains("nowhere.toml"), "{said}");
    assert!(!home.data().exists());
}

#[test]
fn a_port_in_use_starts_no_task() {
    let home = Home::new(&format!("{ONE_TASK}run_on_start = true\n"));
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = holder.local_addr().unwrap().port();
    let output = home.run(["daemon", "--port", &port.to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let core = format!("port {port} on 127.0.0.1 is already in use by another process");
    assert!(said.contains(&core), "{said}");
    assert_eq!(home.rows("tick").len(), 0);
    assert!(!home.path("ticks").exists());
    assert!(!home.data().join("daemon.pid").exists() || home.start().is_healthy());
}

#[test]
fn a_port_held_by_another_daemon_is_told_apart() {
    let first = Home::new(ONE_TASK);
    let daemon = first.start();
    let second = Home::new(ONE_TASK);
    let output = second.run(["daemon", "--port", &daemon.port.to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let core = format!("another RunWisp daemon is already running on port {}", daemon.port);
    assert!(said.contains(&core), "{said}");
    daemon.stop_well();
}

/// Exactly one of many daemons wins a data directory, and the losers change no row.
#[test]
fn a_second_daemon_on_the_same_data_is_refused() {
    let home = Home::new("[tasks.long]\nrun_on_start = true\nrun = \"sleep 600\"\n");
    let mut daemons: Vec<Daemon> = (0..5).map(|_| home.launch()).collect();
    wait_until("one is left", PATIENCE, || {
        daemons.iter().filter(|daemon| process::is_alive(daemon.pid())).count() == 1
    });
    let place = daemons.iter().position(|daemon| process::is_alive(daemon.pid())).unwrap();
    let winner = daemons.swap_remove(place);
    for mut loser in daemons {
        assert_eq!(loser.wait().code(), Some(1));
    }
    winner.wait_ready();
    wait_until("the task runs", PATIENCE, || home.rows("long").len() == 1);
    let port = http::free_port().to_string();
    let output = home.run(["daemon", "--port", &port]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let core = format!("a daemon (pid {}) is already using ", winner.pid());
    assert!(said.contains(&core), "{said}");
    assert_eq!(home.read("data/daemon.pid"), format!("{}\n", winner.pid()));
    assert_eq!(home.rows("long").len(), 1);
    assert_eq!(home.rows("long")[0].status, "running");
    winner.stop_well();
}

#[test]
fn a_stale_pid_file_is_taken_over() {
    let home = Home::new(ONE_TASK);
    // The test's own process: alive, and no daemon.
    home.write("data/daemon.pid", format!("{}\n", std::process::id()));
    let daemon = home.start();
    assert_eq!(home.read("data/daemon.pid"), format!("{}\n", daemon.pid()));
    daemon.stop_well();
}

#[test]
fn symlinks_in_the_data_directory_are_not_written_through() {
    for (name, victim) in [("daemon.pid", "victim"), ("password", "not-there")] {
        let home = Home::new(ONE_TASK);
        home.write("victim", "untouched");
        fs::create_dir(home.data()).unwrap();
        symlink(home.path(victim), home.data().join(name)).unwrap();
        let output = home.run(["daemon", "--port", &http::free_port().to_string()]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains("refusing to write ") && said.contains("path is a symlink"),
            "{said}"
        );
        assert_eq!(home.read("victim"), "untouched");
        assert!(!home.path("not-there").exists());
    }
}

#[test]
fn a_data_directory_that_cannot_be_is_named() {
    let home = Home::new(ONE_TASK);
    home.write("data", "a file");
    let output = home.run(["daemon", "--port", &http::free_port().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("data directory") && said.contains("data"), "{said}");
    assert_eq!(home.read("data"), "a file");
}

#[test]
fn a_password_that_everybody_knows_or_nobody_could_type_is_refused() {
    let home = Home::new(ONE_TASK);
    let port = http::free_port().to_string();
    let mut command = home.command(["daemon", "--port", &port]);
    let output = home.output(command.env("RUNWISP_PASSWORD", "replace-with-a-long-random-string"));
    assert_eq!(output.status.code(), Some(1));
    home.write("data/password", "  \n");
    let output = home.run(["daemon", "--port", &port]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("password file ") && said.contains("is empty"), "{said}");
    assert_eq!(home.read("data/password"), "  \n");
}

#[test]
fn a_password_of_the_environment_stays_out_of_files_and_tasks() {
    let home = Home::new("[tasks.env]\nrun_on_start = true\nrun = \"env\"\n");
    let secret = "correct horse battery";
    let daemon = Daemon::launch(&home, http::free_port(), |command| {
        command.env("RUNWISP_PASSWORD", secret);
    });
    let row = wait_for("the task ends", PATIENCE, || home.ended("env"));
    assert!(!home.data().join("password").exists());
    assert!(!home.log(&row).contains(secret));
    daemon.stop_well();
    assert!(!home.read("stderr").contains(secret));
    for entry in fs::read_dir(home.data()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains(secret), "{}", path.display());
    }
}

/// Ticks that passed while the daemon was down: one row tells of them, one run makes up for them.
#[test]
fn missed_ticks_are_recorded_and_caught_up() {
    let home = Home::new(&ONE_TASK.replace("ticks\"", "ticks\"\ncatch_up = \"latest\""));
    let daemon = home.start();
    wait_until("a tick ran", PATIENCE, || home.ended("tick").is_some());
    daemon.stop_well();
    let last = home.rows("tick").last().unwrap().created_at;
    wait_until("ticks pass", PATIENCE, || {
        jiff::Timestamp::now().duration_since(last) > jiff::SignedDuration::from_millis(3100)
    });
    let daemon = home.start();
    wait_until("they are missed", Duration::from_secs(2), || {
        home.rows("tick").iter().any(|row| row.end() == "missed -1")
    });
    daemon.stop_well();
    let missed = "SELECT count(*) FROM runs WHERE end_reason = 'missed'";
    assert_eq!(rows::value::<i64>(&home.data(), missed), 1);
    let message = "SELECT message FROM runs WHERE end_reason = 'missed'";
    let message: String = rows::value(&home.data(), message);
    assert!(message.contains("scheduled runs missed since "), "{message}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_log_can_be_json() {
    let home = Home::new(ONE_TASK);
    let daemon = Daemon::launch(&home, http::free_port(), |command| {
        command.args(["--log-format", "json"]);
    });
    daemon.wait_ready();
    wait_until("a run ends", PATIENCE, || home.read("stderr").contains("run succeeded"));
    daemon.stop_well();
    let log = home.read("stderr");
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["time"].is_string() && line["msg"].is_string()), "{log}");
    let ended = lines.iter().find(|line| line["msg"] == "run succeeded").unwrap();
    assert_eq!((ended["level"].as_str(), ended["task"].as_str()), (Some("info"), Some("tick")));
}
