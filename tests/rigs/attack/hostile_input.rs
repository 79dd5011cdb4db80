//! Bodies and queries that are made to hurt whoever reads them.

use std::time::{Duration, Instant};

use super::{CANARY, assert_well, canaries, reply, statuses};
use crate::harness::daemon::PATIENCE;
use crate::harness::{Daemon, Home, process, wait_for};
use crate::rigs::count;

/// Where JSON is taken: the only one that needs no session, and those that do.
const OPEN: &str = "/api/auth";
const CLOSED: [&str; 3] =
    ["/api/runs/bulk/cancel", "/api/runs/bulk/delete", "/api/tasks/canary/pause"];
const ALL: [&str; 4] = [OPEN, CLOSED[0], CLOSED[1], CLOSED[2]];

fn post(daemon: &Daemon<'_>, path: &str, token: &str, body: &[u8]) -> Vec<u16> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {token}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    statuses(&reply(daemon.port, [head.as_bytes(), body].concat()))
}

#[test]
fn no_json_is_too_deep_too_long_or_too_strange() {
    let home = Home::new(CANARY);
    let daemon = home.start();
    let token = daemon.login().token;
    // What the largest body takes for a moment is no growth.
    let large = 1_048_576;
    post(&daemon, CLOSED[0], &token, &vec![b' '; large]);
    let before = process::kib(daemon.pid(), "VmRSS");
    let repeat = |text: &str, times: usize| text.repeat(times).into_bytes();
    let nested = |open: &str, times: usize| {
        let mut text = open.repeat(times);
        text.truncate(large);
        text.into_bytes()
    };
    let bodies: Vec<Vec<u8>> = vec![
        nested("[", large),
        nested("{\"a\":", large),
        nested("[[],", large),
        [repeat("[", 500_000), repeat("]", 500_000)].concat(),
        [b"{\"ids\":".to_vec(), repeat("[", 200), repeat("]", 200), b"}".to_vec()].concat(),
        format!("{{\"ids\":[{}\"x\"]}}", "\"x\",".repeat(200_000)).into_bytes(),
        format!("{{{}\"a\":1}}", "\"ids\":[],".repeat(80_000)).into_bytes(),
        format!("{{\"ids\":{}}}", "9".repeat(1_000_000)).into_bytes(),
        b"{\"nonce\":1e999999999,\"response\":-1e999999999}".to_vec(),
        b"{\"nonce\":\"a\",\"nonce\":\"b\",\"response\":\"c\"}".to_vec(),
        b"{\"nonce\":\"\\ud800\",\"response\":\"\\udc00\"}".to_vec(),
        b"{\"nonce\":\"\xff\xfe\",\"response\":\"x\"}".to_vec(),
        b"\xef\xbb\xbf{\"nonce\":\"a\",\"response\":\"b\"}".to_vec(),
        b"\xff\xfe{\0}\0".to_vec(),
        b"{\"nonce\":\"a\0b\",\"response\":\"x\"}".to_vec(),
        b"{\"nonce\":NaN,\"response\":Infinity}".to_vec(),
        b"{\"__proto__\":{\"nonce\":\"a\"},\"nonce\":\"a\",\"response\":\"b\"}".to_vec(),
        b"{\"nonce\":\"a\",\"response\":\"b\"}{\"nonce\":\"a\",\"response\":\"b\"}".to_vec(),
        b"{\"nonce\":\"a\" /* x */,\"response\":\"b\",}".to_vec(),
        b"null".to_vec(),
        b"\"\"".to_vec(),
        b"-".to_vec(),
        b"\0".to_vec(),
    ];
    for body in &bodies {
        // All of them read JSON the same way.
        let paths = if body.len() > 1000 { &[OPEN, CLOSED[0]][..] } else { &ALL };
        for path in paths.iter().copied() {
            let begun = Instant::now();
            let found = post(&daemon, path, &token, body);
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            // A name that comes twice counts once: a login like any other, and a wrong one.
            let is_refused = matches!(found[..], [400 | 413 | 422])
                || (path == OPEN && matches!(found[..], [401 | 429]));
            assert!(is_refused, "{path} {shown} {found:?}");
            assert!(begun.elapsed() < PATIENCE / 3, "{path} {shown}");
        }
    }
    let grown = process::kib(daemon.pid(), "VmRSS").saturating_sub(before);
    assert!(grown < 40 * 1024, "{grown} KiB more");
    // The answer does not give back what was sent, however long it was.
    let long = format!("{{\"nonce\":[\"{}\"],\"response\":\"x\"}}", "y".repeat(500_000));
    let head = format!(
        "POST {OPEN} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {token}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        long.len()
    );
    assert!(reply(daemon.port, head + &long).len() < 4096);
    assert_eq!(canaries(&home), 0);
    assert_well(&daemon);
    daemon.stop_well();
}

#[test]
fn no_number_of_a_query_is_too_large_or_too_small() {
    let home = Home::new("[tasks.a]\nrun = \"echo x\"\n");
    let daemon = home.start();
    let session = daemon.login();
    session.post("/api/tasks/a/run?wait=true", "");
    let row = wait_for("the run is over", PATIENCE, || home.ended("a"));
    let log = format!("/api/tasks/a/runs/{}/log", row.id);
    let numbers = [
        "0",
        "-0",
        "-1",
        "+1",
        "1001",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "340282366920938463463374607431768211456",
        "1e3",
        "1.5",
        "0x10",
        "NaN",
        "Infinity",
        "%31",
        "%00",
        "1%00",
        "1;2",
        "1,2",
        "\u{665}",
        "%d9%a5",
        "%20",
        "true",
        "null",
        "[]",
        "'",
        "1'--",
        "1%20or%201=1",
    ];
    let asks = [
        ("/api/runs", &["limit", "before", "after", "from", "to", "since", "until", "offset"][..]),
        ("/api/tasks/a/runs", &["limit", "before", "after", "offset", "status", "sort"]),
        (&*log, &["from", "limit"]),
        ("/api/tasks/a/log/search", &["q", "limit", "cursor", "run_id", "regex"]),
        ("/api/timeline", &["from", "to", "bucket", "merge"]),
        ("/api/outcomes", &["last"]),
        ("/api/upcoming", &["limit", "from", "to", "within", "count"]),
        ("/api/tasks/a/days", &["days", "from", "to", "year"]),
        ("/api/system/history", &["window"]),
        ("/api/daemon/history", &["window", "days"]),
        ("/api/notifications", &["limit", "before"]),
        ("/api/runs/summary", &["from", "to", "window", "days"]),
    ];
    let begun = Instant::now();
    for (path, names) in asks {
        for name in names {
            for number in numbers.iter().filter(|number| number.is_ascii()) {
                let target = format!("{path}?{name}={number}");
                let answer = session.get(&target);
                assert!([200, 400, 422].contains(&answer.status), "{target} {answer:?}");
                assert!(answer.body.len() < 100_000, "{target} {}", answer.body.len());
            }
        }
    }
    let many = (0..5000).map(|n| format!("limit={n}&")).collect::<String>();
    for query in [&*many, &"&".repeat(50_000), &"=".repeat(50_000), &"limit=1;".repeat(5000)] {
        let answer = session.get(&format!("/api/runs?{query}"));
        assert!([200, 400, 422].contains(&answer.status), "{query:.40} {answer:?}");
    }
    for raw in ["limit=\u{665}", "q=\u{0}"] {
        let ask = format!("GET /api/runs?{raw} HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(statuses(&reply(daemon.port, ask)), [400], "{raw:?}");
    }
    assert!(begun.elapsed() < 2 * PATIENCE);
    assert_well(&daemon);
    daemon.stop_well();
}

/// Expressions that take other engines years, against lines that are made for them.
#[test]
fn no_expression_makes_a_search_go_on_for_ever() {
    let home = Home::new(
        "[tasks.a]\nrun = \"head -c 20000 /dev/zero | tr '\\\\0' a; echo; \
         for n in $(seq 50); do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab; done\"\n",
    );
    let daemon = home.start();
    let session = daemon.login();
    session.post("/api/tasks/a/run?wait=true", "");
    wait_for("the run is over", PATIENCE, || home.ended("a"));
    let before = process::kib(daemon.pid(), "VmRSS");
    let bracket = "(".repeat(500) + &")".repeat(500);
    let alternatives = vec!["a"; 500].join("|");
    let expressions = [
        "(a+)+$",
        "(a|a)*c",
        "(a|aa)+$",
        "(.*)*(.*)*(.*)*x",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "a{1000}{1000}",
        "(a{1,1000}){1,1000}",
        "((((a{100}){100}){100}){100})",
        "\\w{1000}\\w{1000}",
        "(?i)\\p{L}{500}",
        "(?x) a # b",
        "(?=a)",
        "(a)\\1",
        "[",
        "(?P<a>",
        "*",
        "\\",
        &bracket,
        &alternatives,
    ];
    let mut slowest = Duration::ZERO;
    for expression in expressions {
        for _ in 0..count(1, 20) {
            let encoded: String = expression.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let begun = Instant::now();
            let target = format!("/api/tasks/a/log/search?regex=true&q={encoded}");
            let answer = session.get(&target);
            assert!([200, 422].contains(&answer.status), "{expression:.60} {answer:?}");
            slowest = slowest.max(begun.elapsed());
        }
    }
    // Two seconds of looking, and what a busy machine adds.
    assert!(slowest < Duration::from_secs(8), "{slowest:?}");
    let grown = process::kib(daemon.pid(), "VmRSS").saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB more");
    assert_well(&daemon);
    daemon.stop_well();
}

/// Each part of a head that may have no end; `doors` has a header line and slow ones.
#[test]
fn no_part_of_a_head_goes_on_for_ever() {
    let home = Home::new(CANARY);
    let daemon = home.start();
    let before = process::kib(daemon.pid(), "VmRSS");
    let begins = [
        ("", "G"),
        ("GET /", "x"),
        ("GET /?", "a=b&"),
        ("GET / ", "H"),
        ("GET / HTTP/1.1\r\n", "X"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: ", "\t "),
        ("GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n"),
        ("GET / HTTP/1.1\r\nHost: a\r\n", "Cookie: runwisp_jwt=x; \r\n"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ", "0"),
        ("POST / HTTP/1.1\r\nHost: ", "a"),
    ];
    for (begin, more) in begins {
        let text = reply(daemon.port, begin.to_owned() + &more.repeat(1_000_000 / more.len()));
        assert!(text.is_empty() || statuses(&text) == [431], "{begin:?} {text}");
    }
    // Many at once, each as long as it may be and a byte short.
    let unfinished = "GET /".to_owned() + &"x".repeat(64 * 1024 - 6);
    let mut wires: Vec<super::Wire> = Vec::new();
    for _ in 0..count(100, 256) {
        let mut wire = super::Wire::open(daemon.port);
        wire.say(&unfinished);
        wires.push(wire);
    }
    let grown = process::kib(daemon.pid(), "VmRSS").saturating_sub(before);
    // 256 connections of 64 KiB, twice that while they grow, and what a request takes.
    assert!(grown < 40 * 1024, "{grown} KiB more");
    assert_well(&daemon);
    drop(wires);
    daemon.stop_well();
}

#[test]
fn no_number_of_an_event_confuses_a_stream() {
    let home = Home::new("[tasks.a]\nrun = \"echo x\"\n");
    let daemon = home.start();
    let session = daemon.login();
    session.post("/api/tasks/a/run?wait=true", "");
    let row = wait_for("the run is over", PATIENCE, || home.ended("a"));
    let log = format!("/api/tasks/a/runs/{}/log/stream", row.id);
    for id in ["", "0", "-1", "9223372036854775808", "18446744073709551616", "1e9", "x", "\u{20ac}"]
    {
        let header = format!("Last-Event-ID: {id}");
        // The stream of a run that is over ends; that of all news begins with a number.
        let mut events = session.stream(&log, &[&header]);
        assert!([200, 400, 422].contains(&events.status()), "{id}: {}", events.head);
        if events.status() == 200 {
            while events.next().is_some() {}
        }
        let events = session.stream("/api/stream", &[&header]);
        assert!([200, 400, 422].contains(&events.status()), "{id}: {}", events.head);
    }
    assert_well(&daemon);
    daemon.stop_well();
}
