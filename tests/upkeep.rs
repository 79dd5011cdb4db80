//! What an operator does with a daemon that works: copy what it knows, restart it in a quiet
//! moment, have the shell complete its commands.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use crate::harness::daemon::PATIENCE;
use crate::harness::{Daemon, Home, history, http, process, wait_for, wait_until};

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_backup_under_load_is_a_history_that_a_daemon_starts_on() {
    let config = "[tasks.quick]\nparallelism = 8\nrun = \"echo $RUNWISP_RUN_ID\"\n\
                  [tasks.slow]\nrun = \"echo begun; exec sleep 600\"\n";
    let home = Home::new(config);
    let daemon = home.start();
    daemon.stop_well();
    history::fill(&home.data(), 5, 5000);
    let daemon = home.start();
    let session = daemon.login();
    assert_eq!(session.post("/api/tasks/slow/run", "").status, 201);
    let begun = || home.rows("slow").first().is_some_and(|row| home.log(row).contains("begun"));
    wait_until("the slow task has begun", PATIENCE, begun);

    let done = AtomicBool::new(false);
    let copies: Vec<PathBuf> = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    session.post("/api/tasks/quick/run", "");
                }
            });
        }
        let copies = ["one", "two", "three"].map(|name| {
            let before = count(&home.data());
            wait_until("runs go on", PATIENCE, || count(&home.data()) > before + 30);
            let copy = home.path(name);
            let output = home.run(["backup".as_ref(), copy.as_os_str()]);
            assert_eq!(code(&output), Some(0), "{}", err(&output));
            assert!(out(&output).starts_with("copied the history and "), "{}", out(&output));
            copy
        });
        done.store(true, Ordering::Relaxed);
        copies.into()
    });
    let mut counts = Vec::new();
    for copy in &copies {
        assert_eq!(modes(copy), ["600", "700"], "files and directories");
        let entries = fs::read_dir(copy).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = entries.collect();
        names.sort();
        assert_eq!(names, ["logs", "runwisp.db"]);
        let db = Connection::open(copy.join("runwisp.db")).unwrap();
        let sound = db.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
        assert_eq!(sound.unwrap(), "ok");
        counts.push(count(copy));
        // A log without a row would be of a run that came after the copy of the database.
        let logs = fs::read_dir(copy.join("logs/quick")).unwrap();
        for log in logs.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
            let id = log.split(['_', '.']).nth(2).unwrap().to_owned();
            let known = "SELECT count(*) FROM runs WHERE id = ?1";
            assert_eq!(db.query_row(known, [&id], |row| row.get::<_, u32>(0)).unwrap(), 1, "{log}");
        }
    }
    assert!(counts.is_sorted() && counts[0] > 5000, "{counts:?}");

    let output = home.run(["backup".as_ref(), copies[0].as_os_str()]);
    assert_eq!(code(&output), Some(1));
    assert!(err(&output).contains("it is there and not empty"), "{}", err(&output));
    daemon.stop_well();
    // Without a daemon it is the same.
    assert_eq!(code(&home.run(["backup", "four"])), Some(0));

    let restored = Daemon::launch(&home, http::free_port(), |command| {
        command.arg("--data").arg(&copies[2]);
    });
    restored.wait_ready();
    // What waited in the copy runs now.
    let rows = wait_for("all runs have ended", PATIENCE, || {
        let rows = crate::harness::rows::all(&copies[2]);
        rows.iter().all(|row| row.is_ended()).then_some(rows)
    });
    assert_eq!(rows.len(), counts[2] as usize, "none is lost and none is new");
    let slow = rows.iter().find(|row| row.task == "slow").unwrap();
    assert_eq!(slow.end(), "crashed -2", "what ran in the copy");
    let quick = rows.iter().find(|row| row.task == "quick" && row.end() == "success 0").unwrap();
    for (run, printed) in [(slow, "begun"), (quick, &*quick.id)] {
        let logs = home.run(["logs", &run.id, "--data", copies[2].to_str().unwrap()]);
        assert_eq!(out(&logs).trim_end(), printed, "{}", err(&logs));
    }
    restored.stop_well();
}

/// The runs of a data directory.
fn count(data: &Path) -> u32 {
    let db = Connection::open(data.join("runwisp.db")).unwrap();
    db.query_row("SELECT count(*) FROM runs", [], |row| row.get(0)).unwrap()
}

/// The modes of all files and of all directories below, each named once.
fn modes(directory: &Path) -> Vec<String> {
    let mut found = vec![format!("{:o}", mode(directory))];
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(modes(&path)),
            false => found.push(format!("{:o}", mode(&path))),
        }
    }
    found.sort();
    found.dedup();
    found
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_restart_waits_for_tasks_and_not_for_services() {
    let home = Home::new(
        "[tasks.gate]\nrun = \"until test -e open; do sleep 0.02; done\"\n\
         [services.web]\nrun = \"exec sleep 600\"\n",
    );
    let port = http::free_port().to_string();
    assert_eq!(code(&home.run(["--port", &port])), Some(0));
    let pid = || home.read("data/daemon.pid").trim().parse::<u32>().ok();
    let first = pid().unwrap();
    let id = out(&home.run(["run-task", "gate"])).trim().to_owned();

    let output = home.run(["restart", "--when-idle", "--timeout", "300ms"]);
    assert_eq!(code(&output), Some(1));
    let said = format!(
        "waiting for gate (running, {id})\nerror: the daemon is still busy after 300ms and goes on as it is\n"
    );
    assert_eq!(err(&output), said);
    assert_eq!(pid(), Some(first));

    let mut waiting = home.command(["restart", "--when-idle"]);
    waiting.stdout(Stdio::null()).stderr(fs::File::create(home.path("said")).unwrap());
    let mut waiting = waiting.spawn().unwrap();
    wait_until("it says what it waits for", PATIENCE, || home.read("said").contains(&id));
    assert_eq!(pid(), Some(first));
    home.write("open", "");
    let status = wait_for("it is restarted", PATIENCE, || waiting.try_wait().unwrap());
    assert_eq!(status.code(), Some(0), "{}", home.read("said"));
    assert_eq!(home.rows("gate")[0].end(), "success 0", "the task was not disturbed");
    let second = pid().unwrap();
    assert!(first != second && process::is_alive(second));
    assert_eq!(code(&home.run(["stop"])), Some(0));
}

/// A command line, with the cursor at its end, and what the shell offers for its last word.
const COMPLETED: [(&str, &str); 16] = [
    ("runwisp sta", "status start"),
    ("runwisp completion ", "bash zsh fish"),
    ("runwisp service un", "uninstall"),
    ("runwisp service install --pr", "--print"),
    ("runwisp -p 1 service ", "install status uninstall"),
    (
        "runwisp list --",
        "--config --data --socket --host --port --log-level --log-format --help --version --json",
    ),
    ("runwisp run ", "backup rebuild web"),
    ("runwisp --config=other.toml run ", "elsewhere"),
    ("runwisp --config other.toml logs e", "elsewhere"),
    ("runwisp restart web b", "backup"),
    ("runwisp notify mute r", "rebuild"),
    ("runwisp --log-level d", "debug"),
    ("runwisp --log-level=d", "debug"),
    ("runwisp validate oth", "other.toml"),
    ("runwisp history -n ", ""),
    ("runwisp version ", ""),
];

#[test]
fn bash_completes_commands_flags_and_names() {
    let home = Home::new(
        "[tasks.backup]\nrun = \"true\"\n[tasks.rebuild]\nrun = \"true\"\n[services.web]\nrun = \"true\"\n",
    );
    home.write("other.toml", "[tasks.elsewhere]\nrun = \"true\"\n");
    fs::create_dir(home.path("bin")).unwrap();
    std::os::unix::fs::symlink(crate::harness::home::program(), home.path("bin/runwisp")).unwrap();
    let mut script = out(&home.run(["completion", "bash"]));
    script.push_str("PATH=$PWD/bin:$PATH\n");
    for (line, _) in COMPLETED {
        // As bash itself takes a line apart: "=" is a word of its own.
        let words = line.replace('=', " = ");
        let mut words: Vec<&str> = words.split_whitespace().collect();
        if line.ends_with(' ') {
            words.push("''");
        }
        let (words, last) = (words.join(" "), words.len() - 1);
        script.push_str(&format!(
            "COMP_WORDS=({words}) COMP_CWORD={last} COMPREPLY=()\n__runwisp\necho \"${{COMPREPLY[*]}}\"\n"
        ));
    }
    home.write("script", script);
    let mut bash = std::process::Command::new("bash");
    // The names come from the configuration of the directory.
    bash.args(["--norc", "script"]).current_dir(home.dir()).env_remove("RUNWISP_CONFIG");
    let output = home.output(&mut bash);
    assert_eq!(err(&output), "");
    let offered = out(&output);
    for ((line, expected), offered) in COMPLETED.into_iter().zip(offered.lines()) {
        // One letter each is as good.
        let long = |word: &&str| !word.starts_with('-') || word.starts_with("--");
        let offered: Vec<&str> = offered.split(' ').filter(long).collect();
        assert_eq!(offered.join(" "), expected, "{line}");
    }
    assert_eq!(offered.lines().count(), COMPLETED.len());
}

#[test]
fn the_scripts_for_other_shells_are_read_by_them() {
    let home = Home::new("");
    for shell in ["zsh", "fish"] {
        let script = out(&home.run(["completion", shell]));
        assert!(script.contains("service") && script.contains("json"), "{script}");
        home.write("script", script);
        let mut check = std::process::Command::new(shell);
        // Where such a shell is installed.
        if let Ok(output) = check.args(["-n", "script"]).current_dir(home.dir()).output() {
            assert!(output.status.success(), "{shell}: {}", err(&output));
        }
    }
}

#[test]
fn a_unit_is_shown_and_bad_places_are_refused() {
    let home = Home::new("");
    let print = ["service", "install", "--print", "--binary", "/bin/sh"];
    let system = ["--config", "/etc/runwisp/runwisp.toml", "--data", "/var/lib/runwisp"];
    let output = home.run(print.into_iter().chain(system));
    let unit = out(&output);
    assert!(unit.starts_with("# Managed by runwisp service install\n"), "{}", err(&output));
    assert!(unit.contains("\nExecStart=/bin/sh daemon \\\n") && unit.contains("\nUser=runwisp\n"));
    for (flags, why) in [
        (["--data", "/tmp/x"], "/tmp/x is in a temporary directory"),
        (["--data", "/dev/shm"], "/dev/shm is in a temporary directory"),
        (["--data", "/home/x"], "/home/x is hidden from a service of the system"),
        (["--data", "/srv/a b"], "\"/srv/a b\" cannot stand in a unit"),
        (["--binary", "/nonexistent"], "cannot read /nonexistent: no such file"),
    ] {
        let mut words = vec!["service", "install", "--print", "-c", "/etc/runwisp/runwisp.toml"];
        words.extend(flags);
        for default in [["--data", "/var/lib/runwisp"], ["--binary", "/bin/sh"]] {
            if default[0] != flags[0] {
                words.extend(default);
            }
        }
        let output = home.run(&words);
        assert_eq!(code(&output), Some(1), "{flags:?}");
        assert!(err(&output).starts_with(&format!("error: {why}")), "{}", err(&output));
    }
}
