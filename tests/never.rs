//! Failures that other schedulers and supervisors shipped, each shown not to happen here, where it
//! takes the whole program to show it. What pure code can show is tested in `src/`.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::{Duration, Instant};

use crate::harness::daemon::PATIENCE;
use crate::harness::{Daemon, Home, history, http, process, rows, wait_for, wait_until};

/// The leader goes, its child stays: stopped is said only when both are gone, within the grace time
/// and a second.
#[test]
fn a_stop_is_over_when_the_whole_group_is_gone() {
    let home = Home::new(
        "[tasks.family]\nrun_on_start = true\ntimeout = \"500ms\"\ngraceful_stop = \"1s\"
         run = \"(trap '' TERM; while :; do sleep 0.1; done) & echo $! > child; wait\"\n",
    );
    let daemon = home.start();
    let row = wait_for("the run ends", PATIENCE, || home.ended("family"));
    let child: u32 = home.read("child").trim().parse().unwrap();
    assert!(!process::is_alive(child), "ended is said after the child's death");
    assert_eq!(row.reason(), "timeout");
    let took = row.end_at.unwrap().duration_since(row.start_at.unwrap()).as_millis();
    assert!((1500..2500).contains(&took), "{took} ms");
    daemon.stop_well();
}

#[test]
fn a_grandchild_that_keeps_the_pipe_does_not_keep_the_run() {
    let home = Home::new(
        "[tasks.leaving]\nrun_on_start = true
         run = \"setsid sleep 605 & echo $! > stray; echo said; exit 7\"\n",
    );
    let daemon = home.start();
    let row = wait_for("the run ends", Duration::from_secs(8), || home.ended("leaving"));
    let stray = home.read("stray").trim().parse().unwrap();
    assert_eq!(row.end(), "failed 7");
    let log = home.log(&row);
    assert!(log.starts_with("said\n"), "{log}");
    assert!(
        log.contains("[SYSTEM] Output closed: a background process still held the pipe"),
        "{log}"
    );
    if process::is_alive(stray) {
        process::signal(stray, "KILL");
    }
    daemon.stop_well();
}

/// A hundred tasks with a hundred retries each: every exit code is right, every byte is there, and
/// nothing stays behind in the daemon.
#[test]
fn ten_thousand_short_runs_leave_nothing_but_their_records() {
    const TASKS: usize = 100;
    const ATTEMPTS: usize = 100;
    let task = |number: usize| {
        format!(
            "[tasks.t{number}]\nrun_on_start = true\nretry_attempts = {}\nretry_delay = \"0s\"
             run = \"echo ${{RUNWISP_RETRY_ATTEMPT}}; exit $((RUNWISP_RETRY_ATTEMPT + 1))\"\n",
            ATTEMPTS - 1
        )
    };
    let home = Home::new(&(0..TASKS).map(task).collect::<String>());
    let daemon = home.start();
    let ended = || {
        let count = "SELECT count(*) FROM runs WHERE status = 'ended'";
        usize::try_from(rows::value::<i64>(&home.data(), count)).unwrap()
    };
    wait_until("a fifth is done", Duration::from_secs(60), || ended() >= TASKS * ATTEMPTS / 5);
    let memory = process::kib(daemon.pid(), "VmRSS");
    wait_until("all is done", Duration::from_secs(120), || ended() == TASKS * ATTEMPTS);
    wait_until("the threads are gone", PATIENCE, || process::count(daemon.pid(), "task") < 30);
    let grown = process::kib(daemon.pid(), "VmRSS").saturating_sub(memory);
    assert!(grown < 3000, "{grown} KiB more after the last 8,000 runs");
    assert_eq!(process::children(daemon.pid()), [0; 0], "no child, not even a zombie");
    let descriptors = process::count(daemon.pid(), "fd");
    assert!(descriptors < 30, "{descriptors} descriptors");

    let mut names = HashSet::new();
    let mut chains: HashMap<String, Vec<i64>> = HashMap::new();
    for row in rows::all(&home.data()) {
        assert_eq!(row.end(), format!("failed {}", row.retry_attempt + 1), "{row:?}");
        assert_eq!(row.log_lines, 1, "{row:?}");
        chains.entry(row.task.clone()).or_default().push(row.retry_attempt);
        names.insert(row.id);
    }
    for (task, chain) in &chains {
        assert!(chain.iter().copied().eq(0..ATTEMPTS as i64), "{task}: {chain:?}");
    }
    // What was printed in the last moment before the exit is there, in each file of its own.
    let mut files = 0;
    for number in 0..TASKS {
        for entry in fs::read_dir(home.logs(&format!("t{number}"))).unwrap() {
            let path = entry.unwrap().path();
            // On a busy machine a line comes a second after its start, and that is kept.
            if path.extension().is_some_and(|ending| ending == "tidx") {
                continue;
            }
            let id = path.file_stem().unwrap().to_str().unwrap().rsplit('_').next().unwrap();
            assert!(names.remove(id), "{}", path.display());
            assert!(fs::read_to_string(&path).unwrap().trim_end().parse::<u32>().is_ok());
            files += 1;
        }
    }
    assert_eq!((files, names.len()), (TASKS * ATTEMPTS, 0));
    daemon.stop_well();
}

#[test]
fn what_cannot_be_started_ends_with_the_reason() {
    let home = Home::new("");
    home.write("not-executable", "#!/bin/sh\n");
    let dir = home.dir().display();
    home.write(
        "runwisp.toml",
        format!(
            "[tasks.no-shell]\nrun_on_start = true\nshell = \"{dir}/no-such-shell\"\nrun = \"true\"\n
             [tasks.not-executable]\nrun_on_start = true\nshell = \"{dir}/not-executable\"\nrun = \"true\"\n
             [tasks.no-directory]\nrun_on_start = true\nworking_dir = \"vanished\"\nrun = \"true\"\n
             [tasks.no-command]\nrun_on_start = true\nrun = \"no-such-command\"\n
             [tasks.well]\ncron = \"* * * * * *\"\nrun = \"true\"\n"
        ),
    );
    let daemon = home.start();
    for (task, end, named) in [
        ("no-shell", "failed -1", "no-such-shell"),
        ("not-executable", "failed -1", "not-executable"),
        ("no-directory", "failed -1", "vanished"),
        ("no-command", "failed 127", "no-such-command"),
    ] {
        let row = wait_for(task, PATIENCE, || home.ended(task));
        assert_eq!(row.end(), end, "{task}");
        let log = home.log(&row);
        assert!(log.contains(named), "{task}: {log}");
        if row.exit_code == Some(-1) {
            assert!(log.starts_with("[SYSTEM] failed to start: "), "{task}: {log}");
            assert!(row.message.unwrap().contains(named), "{task}");
            assert_eq!(row.start_at, None, "{task}: it never started");
        }
    }
    wait_until("the daemon is well", PATIENCE, || {
        home.ended("well").is_some_and(|row| row.end() == "success 0")
    });
    // The directory comes back: the next run finds it.
    fs::create_dir(home.path("vanished")).unwrap();
    daemon.stop_well();
    let daemon = home.start();
    wait_until("it runs", PATIENCE, || {
        home.rows("no-directory").last().is_some_and(|row| row.end() == "success 0")
    });
    daemon.stop_well();
}

#[test]
fn runs_beyond_the_limit_of_descriptors_fail_alone() {
    let task = |n: usize| format!("[tasks.t{n}]\nrun_on_start = true\nrun = \"sleep 1\"\n");
    let mut config: String = (0..60).map(task).collect();
    config.push_str("[tasks.after]\ncron = \"* * * * * *\"\nrun = \"echo well\"\n");
    let home = Home::new(&config);
    let port = http::free_port();
    let daemon = Daemon::launch(&home, port, |command| {
        let args: Vec<_> = command.get_args().map(|arg| arg.to_owned()).collect();
        let program = env!("CARGO_BIN_EXE_runwisp");
        *command = std::process::Command::new("sh");
        command.current_dir(home.dir()).env("RUNWISP_DATA", "data");
        command.args(["-c", "ulimit -n 60; exec \"$0\" \"$@\" 2>>stderr", program]).args(args);
    });
    wait_until("all have ended", PATIENCE, || {
        (0..60).all(|n| home.ended(&format!("t{n}")).is_some())
    });
    let failed =
        (0..60).filter_map(|n| home.ended(&format!("t{n}"))).filter(|row| row.reason() == "failed");
    for row in failed {
        assert_eq!(row.exit_code, Some(-1), "{row:?}");
        assert!(row.message.as_ref().is_some_and(|text| text.contains("open files")), "{row:?}");
    }
    wait_until("runs go on", PATIENCE, || {
        home.rows("after").last().is_some_and(|row| row.end() == "success 0")
    });
    assert!(process::is_alive(daemon.pid()));
    daemon.stop_well();
}

#[test]
fn a_service_that_dies_at_once_follows_its_back_off_and_costs_nothing() {
    let home = Home::new(
        "[services.doomed]\nrestart_attempts = 100\nrestart_delay = \"200ms\"\nrestart_backoff = \"exponential\"\nrun = \"exit 1\"\n",
    );
    let daemon = home.start();
    wait_until("it died four times", PATIENCE, || {
        home.rows("doomed").iter().filter(|row| row.is_ended()).count() >= 4
    });
    let ticks = process::cpu_ticks(daemon.pid());
    wait_until("and once more", PATIENCE, || home.rows("doomed").len() >= 5);
    // 1.6 s between the fourth and the fifth: one percent is 1.6 ticks.
    assert!(process::cpu_ticks(daemon.pid()) - ticks <= 3);
    let rows = home.rows("doomed");
    for (pair, wait) in rows.windows(2).zip([200, 400, 800, 1600]) {
        let gap = pair[1].start_at.unwrap().duration_since(pair[0].end_at.unwrap()).as_millis();
        assert!((wait - 1..wait + 300).contains(&gap), "{gap} ms instead of {wait}");
        assert_eq!(pair[0].end(), "failed 1");
        assert_eq!(pair[0].triggered_by, "service");
    }
    daemon.stop_well();
}

#[test]
fn a_task_gets_nothing_of_the_daemon_but_its_plain_environment() {
    let home = Home::new(
        "[tasks.look]\nrun_on_start = true\nenv = { OWN = \"value\" }
         run = \"\"\"
ls /proc/self/fd | grep -vx 3 | tr '\\n' ' '
echo
grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status
ulimit -n
env
readlink /proc/$$/fd/0
\"\"\"\n",
    );
    let port = http::free_port();
    let daemon = Daemon::launch(&home, port, |command| {
        command.env("RUNWISP_PASSWORD", "a-good-secret").env("PLAIN", "kept");
        command.env("NOTIFY_SOCKET", home.path("none")).env("WATCHDOG_USEC", "1");
        command
            .env("LISTEN_FDS", "1")
            .env("CREDENTIALS_DIRECTORY", "/x")
            .env("JOURNAL_STREAM", "1:2");
    });
    daemon.wait_ready();
    let row = wait_for("it ends", PATIENCE, || home.ended("look"));
    let log = home.log(&row);
    assert_eq!(row.end(), "success 0", "{log}");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[0].trim(), "0 1 2", "{log}");
    assert_eq!(lines[1], "SigBlk:\t0000000000000000");
    assert_eq!(lines[2], "SigIgn:\t0000000000000000");
    let limit = std::process::Command::new("sh").args(["-c", "ulimit -n"]).output().unwrap();
    assert_eq!(lines[4], String::from_utf8_lossy(&limit.stdout).trim(), "the limit of the caller");
    for absent in [
        "RUNWISP_PASSWORD",
        "NOTIFY_SOCKET",
        "WATCHDOG_",
        "LISTEN_",
        "CREDENTIALS_",
        "JOURNAL_STREAM",
    ] {
        assert!(!log.contains(absent), "{absent}: {log}");
    }
    for present in [
        "PLAIN=kept",
        "OWN=value",
        "RUNWISP_TASK=look",
        &format!("RUNWISP_RUN_ID={}", row.id),
        "RUNWISP_TRIGGERED_BY=startup",
        "RUNWISP_RETRY_ATTEMPT=0",
    ] {
        assert!(lines.contains(&present), "{present}: {log}");
    }
    assert_eq!(lines.last(), Some(&"/dev/null"));
    daemon.stop_well();
}

#[test]
fn odd_output_is_stored_byte_for_byte() {
    let odd: &[(&str, &str, Vec<u8>)] = &[
        ("no-newline", "printf 'last words'", b"last words\n".to_vec()),
        ("nul", r"printf 'a\\000b\\n'", b"a\0b\n".to_vec()),
        ("broken-utf8", r"printf '\\377\\303(\\n'", b"\xff\xc3(\n".to_vec()),
        ("progress", r"printf '1%%\\r2%%\\r100%%\\n'", b"1%\r2%\r100%\n".to_vec()),
        ("escape", r"printf '\\033[31mred\\033[0m\\n'", b"\x1b[31mred\x1b[0m\n".to_vec()),
        ("empty-lines", r"printf '\\n\\nx\\n'", b"\n\nx\n".to_vec()),
    ];
    let mut config = String::new();
    for (name, script, _) in odd {
        config.push_str(&format!("[tasks.{name}]\nrun_on_start = true\nrun = \"{script}\"\n"));
    }
    // One line of a megabyte.
    config.push_str("[tasks.long-line]\nrun_on_start = true\nrun = \"head -c 1048576 /dev/zero | tr '\\\\000' x\"\n");
    let home = Home::new(&config);
    let daemon = home.start();
    for (name, _, expected) in odd {
        let row = wait_for(name, PATIENCE, || home.ended(name));
        let found = home.run_file(&row, ".log").unwrap();
        assert_eq!(String::from_utf8_lossy(&found), String::from_utf8_lossy(expected), "{name}");
        assert_eq!(found, *expected, "{name}");
        assert_eq!(
            row.log_lines,
            expected.iter().filter(|b| **b == b'\n').count() as i64,
            "{name}"
        );
    }
    let row = wait_for("the long line", PATIENCE, || home.ended("long-line"));
    let log = home.log(&row);
    assert_eq!(log.lines().count(), 16, "pieces of 64 KiB");
    assert_eq!(log.bytes().filter(|byte| *byte == b'x').count(), 1 << 20);
    assert_eq!((row.log_lines, row.log_bytes), (16, 1 << 20));
    daemon.stop_well();
}

#[test]
fn a_flood_through_every_policy_keeps_what_the_policy_says_in_flat_memory() {
    let task = |name: &str, policy: &str| {
        format!(
            "[tasks.{name}]\nrun_on_start = true\nlog_max_size = \"1mb\"\nlog_on_full = \"{policy}\"
             run = \"seq 1 2000000\"\n"
        )
    };
    let home = Home::new(
        &["drop_old", "drop_new", "kill_task"].map(|policy| task(policy, policy)).concat(),
    );
    let printed: u64 = (1..=2_000_000_u64).map(|n| u64::from(n.ilog10()) + 2).sum();
    let daemon = home.start();
    daemon.forget_peak();
    let numbers =
        |text: &str| -> Vec<u64> { text.lines().filter_map(|line| line.parse().ok()).collect() };
    let is_gapless = |found: &[u64]| found.windows(2).all(|pair| pair[1] == pair[0] + 1);

    let row = wait_for("drop_old ends", Duration::from_secs(60), || home.ended("drop_old"));
    assert_eq!((row.end().as_str(), row.log_bytes as u64), ("success 0", printed));
    let before = home.run_file(&row, ".log.prev").unwrap();
    let now = home.run_file(&row, ".log").unwrap();
    assert!(before.len() <= 1 << 20 && now.len() <= (1 << 20) + 200);
    let kept =
        numbers(&format!("{}{}", String::from_utf8_lossy(&before), String::from_utf8_lossy(&now)));
    assert!(is_gapless(&kept) && kept.last() == Some(&2_000_000), "the end is whole");

    let row = wait_for("drop_new ends", Duration::from_secs(60), || home.ended("drop_new"));
    assert_eq!((row.end().as_str(), row.log_bytes as u64), ("success 0", printed));
    let log = home.log(&row);
    let kept = numbers(&log);
    assert!(is_gapless(&kept) && kept[0] == 1, "the beginning is whole");
    assert!(log.contains("[SYSTEM] Log truncated: log_max_size 1 MB reached"), "and says so");

    let row = wait_for("kill_task ends", Duration::from_secs(60), || home.ended("kill_task"));
    assert_eq!(row.reason(), "log_overflow");
    assert!(home.log(&row).contains("[SYSTEM] Process killed: log_max_size 1 MB reached"));

    let peak = process::kib(daemon.pid(), "VmHWM");
    assert!(peak < 32_000, "{peak} KiB");
    daemon.stop_well();
}

#[test]
fn ten_thousand_tasks_load_and_tick() {
    let mut config = String::new();
    for number in 0..10_000 {
        let minute = number % 60;
        let hour = number / 60 % 24;
        config.push_str(&format!(
            "[tasks.t{number}]\ncron = \"{minute} {hour} 1 1 *\"\nrun = \"true\"\n"
        ));
    }
    config.push_str("[tasks.tick]\ncron = \"* * * * * *\"\nrun = \"true\"\n");
    let home = Home::new(&config);
    let daemon = home.start();
    wait_until("it ticks", PATIENCE, || {
        home.rows("tick").iter().filter(|row| row.is_ended()).count() >= 2
    });
    daemon.stop_well();
}

#[test]
fn a_million_runs_of_history_cost_a_start_neither_time_nor_memory() {
    let home = Home::new("[defaults]\nkeep_runs = -1\n[tasks.task-0]\nrun = \"true\"\n");
    home.start().stop_well();
    history::fill(&home.data(), 100, 1_000_000);
    let begun = Instant::now();
    let daemon = home.start();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let output = home.run(["history", "task-0", "-n", "3"]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(shown.lines().count(), 4, "three and the head: {shown}");
    // Half of it is the hash of the password, 19 MiB for a moment; a hundred bytes of each run would
    // be 95 MiB.
    let peak = process::kib(daemon.pid(), "VmHWM");
    assert!(peak < 60_000, "{peak} KiB");
    daemon.stop_well();
}

#[test]
fn a_stuck_job_delays_no_other() {
    let home = Home::new(
        "[tasks.stuck]\ncron = \"* * * * * *\"\non_overlap = \"queue\"\nmax_queued = 1\nrun = \"sleep 606\"\n
         [tasks.tick]\ncron = \"* * * * * *\"\nrun = \"true\"\n",
    );
    let daemon = home.start();
    wait_until("the line is full", PATIENCE, || {
        home.rows("stuck").iter().any(|row| row.end() == "queue_full -1")
    });
    wait_until("the other ticked", PATIENCE, || home.rows("tick").len() >= 3);
    let ticks = home.rows("tick");
    for pair in ticks.windows(2) {
        let gap = pair[1].created_at.duration_since(pair[0].created_at).as_millis();
        assert!((700..1300).contains(&gap), "{gap} ms between two ticks");
    }
    daemon.stop_well();
}
