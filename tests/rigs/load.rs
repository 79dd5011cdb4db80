//! As much of everything at once as is allowed. Ten thousand tasks and a million runs are in
//! `never`, a million lines in the browser's tests.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::harness::daemon::PATIENCE;
use crate::harness::{Home, process, rows, wait_for, wait_until};

#[test]
fn a_thousand_runs_at_once_are_cheap_and_all_stop() {
    const RUNS: i64 = 1000;
    let service =
        |number| format!("[services.s{number}]\ninstances = 50\nrun = 'exec sleep 3600'\n");
    let home = Home::new(&(0..RUNS / 50).map(service).collect::<String>());
    let daemon = home.start();
    wait_until("all run", 4 * PATIENCE, || {
        let running = "SELECT count(*) FROM runs WHERE leader_pid > 0";
        rows::value::<i64>(&home.data(), running) == RUNS
    });
    let memory = process::kib(daemon.pid(), "VmRSS");
    // Debug builds keep more on their stacks.
    assert!(memory < 80_000, "{memory} KiB");
    assert!(daemon.is_healthy());
    daemon.stop();
    assert_eq!(process::in_directory(home.dir()), [0; 0]);
    let ended = "SELECT count(*) FROM runs WHERE end_reason = 'stopped'";
    let daemon = home.start();
    let stopped: i64 = rows::value(&home.data(), ended);
    assert!(stopped > 0, "{stopped}");
    let open = "SELECT count(*) FROM runs WHERE status = 'ended' AND end_reason NOT IN ('stopped', 'crashed')";
    assert_eq!(rows::value::<i64>(&home.data(), open), 0);
    daemon.kill9();
}

#[test]
fn sixty_four_streams_of_one_flood_all_see_its_end() {
    const STREAMS: usize = 64;
    // Every line is 64 events, which a debug build takes its time for.
    let lines = super::count(5_000, 500_000);
    let home = Home::new(&format!(
        "[tasks.flood]\nlog_max_size = \"16KB\"\nrun = 'sleep 1; seq {lines}; echo the end'\n"
    ));
    let daemon = home.start();
    let answer = daemon.login().post("/api/tasks/flood/run", "");
    assert_eq!(answer.status, 201, "{answer:?}");
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/tasks/flood/runs/{id}/log/stream");
    let followers: Vec<_> = (0..STREAMS).map(|_| follow(&home, &path)).collect();
    daemon.forget_peak();
    let mut worst = Duration::ZERO;
    wait_for("the flood is over", 4 * PATIENCE, || {
        let asked = Instant::now();
        assert!(daemon.is_healthy());
        worst = worst.max(asked.elapsed());
        home.ended("flood")
    });
    for follower in followers {
        assert_eq!(follower.join().unwrap(), "the end");
    }
    eprintln!("/health took {worst:?} at most");
    let peak = process::kib(daemon.pid(), "VmHWM");
    assert!(peak < 60_000, "{peak} KiB");
    let text = home.log(&home.ended("flood").unwrap());
    assert!(text.contains("\nthe end\n") && text.len() <= 2 * (16 << 10), "{}", text.len());
    daemon.stop_well();
}

/// Follows a log over the control socket, where one client may have all streams that there are, in
/// a thread that ends with the text of the last line.
fn follow(home: &Home, path: &str) -> JoinHandle<String> {
    let mut stream = UnixStream::connect(home.data().join("runwisp.sock")).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "HTTP/1.1 200 OK");
    thread::spawn(move || {
        let (mut event, mut last, mut next) = (String::new(), String::new(), 0);
        for line in lines {
            if let Some(name) = line.strip_prefix("event: ") {
                event = name.to_owned();
            }
            if event == "done" {
                return last;
            }
            let Some(data) = line.strip_prefix("data: ").filter(|_| event == "line") else {
                continue;
            };
            // In order; what a rotation took away is a gap, never a repeat.
            let data: serde_json::Value = serde_json::from_str(data).unwrap();
            let number = data["n"].as_u64().unwrap();
            assert!(number >= next, "{number} after {next}");
            next = number + 1;
            // What the daemon itself adds comes after the process is gone.
            if data["stream"] == "stdout" {
                last = data["text"].as_str().unwrap().to_owned();
            }
        }
        panic!("a stream was cut behind {last:?}")
    })
}
