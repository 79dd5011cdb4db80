//! Clients that behave badly, and everybody else meanwhile (docs/security.md, Connections).

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::daemon::PATIENCE;
use crate::harness::http::{self, Answer};
use crate::harness::sse::Events;
use crate::harness::{Daemon, Home, process, wait_until};

const PLAIN: &str = "GET /health HTTP/1.1\r\nHost: a\r\n";

/// A client that has sent this much.
fn client(port: u16, text: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(text).unwrap();
    stream
}

/// What comes until the end of the connection.
fn rest(mut stream: impl Read) -> String {
    let mut text = Vec::new();
    match stream.read_to_end(&mut text) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&text)),
    }
    String::from_utf8(text).unwrap()
}

/// The whole of what a client gets who sends this.
fn said(port: u16, text: &str) -> Answer {
    let text = rest(client(port, text.as_bytes()));
    Answer::parse(&text).unwrap_or_else(|| panic!("{text:?}"))
}

/// The slowest of a few answers of `/health`, each over a connection of its own.
fn slowest(port: u16) -> Duration {
    let ask = |_| {
        let begun = Instant::now();
        assert_eq!(http::get(port, "/health").unwrap().0, 200);
        begun.elapsed()
    };
    (0..20).map(ask).max().unwrap()
}

/// Nobody is delayed. The machine may be busy, so that one good round of several is enough.
#[track_caller]
fn assert_undisturbed(daemon: &Daemon<'_>) {
    wait_until("/health answers within 50 ms", PATIENCE, || {
        slowest(daemon.port) < Duration::from_millis(50)
    });
}

#[test]
fn clients_that_never_finish_a_request_delay_nobody() {
    let home = Home::new("");
    let daemon = home.start();
    let threads = process::count(daemon.pid(), "task");
    let unfinished: [&[u8]; 5] = [
        b"",
        b"\x47",
        b"GET /health HTTP/1.1\r\nHost: a\r\n",
        b"POST /api/auth HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{",
        b"GET /health HTTP/1.1\r\nHost: a\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];
    // More than there is room for: the oldest ones have to go.
    let clients: Vec<TcpStream> =
        unfinished.iter().cycle().take(400).map(|text| client(daemon.port, text)).collect();
    assert_undisturbed(&daemon);
    assert!(process::count(daemon.pid(), "task") <= threads, "no client has a thread");
    assert!(process::count(daemon.pid(), "fd") < 300, "so many are let in and no more");
    let mut first = &clients[0];
    assert_eq!(first.read(&mut [0]).unwrap(), 0, "it had to make room");
    let mut last = &clients[397];
    last.write_all(b"\r\n").unwrap();
    let mut status = [0; 12];
    last.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200", "the newest are still welcome");
    drop(clients);
    wait_until("all is as before", PATIENCE, || process::count(daemon.pid(), "fd") < 60);
    daemon.stop_well();
}

#[test]
fn a_head_without_end_is_refused_in_time() {
    let home = Home::new("");
    let daemon = home.start();
    let mut endless = client(daemon.port, PLAIN.as_bytes());
    let mut sent = 0;
    while sent < 1 << 20 {
        // It ends with an error when nobody listens any more.
        let Ok(count) = endless.write(&[b'x'; 1024]) else { break };
        sent += count;
    }
    let text = rest(endless);
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 431 "), "{text}");
    let long = format!("{PLAIN}X: {}\r\n\r\n", "x".repeat(64 * 1024));
    assert_eq!(said(daemon.port, &long).status, 431);
    let fits = format!("{PLAIN}Connection: close\r\nX: {}\r\n\r\n", "x".repeat(63 * 1024));
    assert_eq!(said(daemon.port, &fits).status, 200);
    daemon.stop_well();
}

#[test]
fn bodies_are_for_those_who_are_known_and_have_an_end() {
    let home = Home::new("");
    let daemon = home.start();
    let head = |path: &str, length: usize, more: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n"
        )
    };
    // Refused before the body has come, which it never does.
    assert_eq!(said(daemon.port, &head("/api/auth", 1_048_577, "")).status, 413);
    let refused = said(daemon.port, &head("/api/runs/bulk", 1_048_576, ""));
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    assert_eq!(refused.header("cache-control"), Some("no-store"));
    let chunked = "POST /api/auth HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(said(daemon.port, chunked).status, 411);

    let session = daemon.login();
    let known = format!("Authorization: Bearer {}\r\nConnection: close\r\n", session.token);
    let body = format!("[{}]", " ".repeat(1_048_574));
    let large = head("/api/runs/bulk", body.len(), &known) + &body;
    let answer = said(daemon.port, &large);
    assert!(![401, 413].contains(&answer.status), "{answer:?}");

    // Byte by byte, after an invitation.
    let body = "{\"nonce\":\"x\",\"response\":\"y\"}";
    let close = "Expect: 100-continue\r\nConnection: close\r\n";
    let mut slow = client(daemon.port, head("/api/auth", body.len(), close).as_bytes());
    let mut invitation = [0; 25];
    slow.read_exact(&mut invitation).unwrap();
    assert_eq!(&invitation, b"HTTP/1.1 100 Continue\r\n\r\n");
    for byte in body.bytes() {
        slow.write_all(&[byte]).unwrap();
        thread::yield_now();
    }
    let answer = Answer::parse(&rest(slow)).unwrap();
    assert!([401, 422].contains(&answer.status), "{answer:?}");
    daemon.stop_well();
}

#[test]
fn requests_in_one_piece_and_in_single_bytes_are_answered_in_order() {
    let home = Home::new("");
    let daemon = home.start();
    let text = format!(
        "{PLAIN}\r\nHEAD /health HTTP/1.1\r\nHost: a\r\n\r\nGET /api/nothing HTTP/1.1\r\nHost: a\r\n\r\n\
         {PLAIN}Connection: close\r\n\r\n{PLAIN}\r\n"
    );
    let statuses = |text: &str| -> Vec<String> {
        text.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].to_owned()).collect()
    };
    let expected = ["200", "200", "401", "200"];
    assert_eq!(statuses(&rest(client(daemon.port, text.as_bytes()))), expected);
    let mut slow = client(daemon.port, b"");
    slow.set_nodelay(true).unwrap();
    for byte in text.bytes() {
        // The connection ends before the last request.
        let _ = slow.write_all(&[byte]);
    }
    assert_eq!(statuses(&rest(slow)), expected);
    for text in ["GET / HTTP/1.1\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/1.0\n\n", "\x16\x03\x01"] {
        assert_eq!(said(daemon.port, text).status, 400, "{text:?}");
    }
    let old = said(daemon.port, "GET /health HTTP/1.0\r\n\r\n");
    assert_eq!((old.status, old.header("connection")), (200, Some("close")));
    // What only the gate may say is nothing in the mouth of a client.
    let forged = "GET /api/info HTTP/1.1\r\nHost: a\r\nRunwisp-Client: 0 socket\r\nConnection: close\r\n\r\n";
    assert_eq!(said(daemon.port, forged).status, 401);
    daemon.stop_well();
}

/// Many more than there are workers, each with one request after the other.
#[test]
fn many_clients_at_once_are_all_answered() {
    let home = Home::new("");
    let daemon = home.start();
    let port = daemon.port;
    thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(move || {
                let mut stream = client(port, b"");
                for _ in 0..50 {
                    stream.write_all(format!("{PLAIN}\r\n").as_bytes()).unwrap();
                    let mut answer = Vec::new();
                    while !answer.ends_with(b"\r\n\r\nOK") {
                        let mut piece = [0; 1024];
                        let count = stream.read(&mut piece).unwrap();
                        assert!(count > 0, "the connection is kept");
                        answer.extend_from_slice(&piece[..count]);
                    }
                }
            });
        }
    });
    daemon.stop_well();
}

#[test]
fn readers_that_take_nothing_hold_up_nobody_and_no_memory() {
    let home = Home::new("");
    let daemon = home.start();
    // Making the document takes more memory than it has, once.
    assert!(http::get(daemon.port, "/openapi.json").is_some());
    let before = process::kib(daemon.pid(), "VmRSS");
    let mut readers = Vec::new();
    for _ in 0..4 {
        let mut reader = client(daemon.port, b"");
        reader.set_nonblocking(true).unwrap();
        // Answers back up until the daemon does not read any more either.
        let asks = "GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
        while reader.write(asks.as_bytes()).is_ok() {}
        readers.push(reader);
    }
    assert_undisturbed(&daemon);
    let grown = process::kib(daemon.pid(), "VmRSS").saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} KiB more");
    drop(readers);
    daemon.stop_well();
}

#[test]
fn without_descriptors_the_daemon_still_lets_clients_in() {
    let home = Home::new("");
    let daemon = home.start();
    let used = process::count(daemon.pid(), "fd");
    let limit = format!("--nofile={0}:{0}", used + 10);
    let pid = daemon.pid().to_string();
    let limited = Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap();
    assert!(limited.success());
    let silent: Vec<TcpStream> = (0..40).map(|_| client(daemon.port, b"")).collect();
    assert_undisturbed(&daemon);
    let complaints = home.read("stderr").matches("cannot accept connections").count();
    assert_eq!(complaints, 1, "it is said once");
    drop(silent);
    assert_undisturbed(&daemon);
    daemon.stop_well();
}

#[test]
fn streams_have_their_caps_and_leave_the_workers_alone() {
    let home = Home::new("");
    let daemon = home.start();
    let session = daemon.login();
    let bearer = format!("Authorization: Bearer {}", session.token);
    let open = || Events::open(daemon.port, "/api/stream", &[&bearer]);
    let mut streams: Vec<Events> = (0..8).map(|_| open()).collect();
    assert!(streams.iter().all(|stream| stream.status() == 200));
    let refused = open();
    assert_eq!(refused.status(), 503);
    assert!(refused.head.contains("Retry-After: 5\n"), "{}", refused.head);
    assert!(refused.head.contains("application/problem+json"), "{}", refused.head);

    // Clients of the control socket count towards the total only.
    let more: Vec<UnixStream> = (0..56).map(|_| over_socket(&home, "/api/stream")).collect();
    let status = |mut stream: &UnixStream| {
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        String::from_utf8(status.to_vec()).unwrap()
    };
    assert!(more.iter().all(|stream| status(stream) == "HTTP/1.1 200"));
    assert_eq!(status(&over_socket(&home, "/api/stream")), "HTTP/1.1 503");
    assert_undisturbed(&daemon);
    assert_eq!(session.get("/api/tasks").status, 200);

    // A slot is free again when its stream is seen to be closed.
    drop(more);
    streams.pop();
    wait_until("there is room", 2 * PATIENCE, || open().status() == 200);
    daemon.stop_well();
}

/// A client of the control socket that has asked for this.
fn over_socket(home: &Home, path: &str) -> UnixStream {
    let mut stream = UnixStream::connect(home.data().join("runwisp.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    stream
}

#[test]
fn the_control_socket_needs_no_password_and_is_for_its_owner() {
    let home = Home::new("");
    let path = home.data().join("runwisp.sock");
    let mode = |path: &Path| fs::metadata(path).map(|found| found.permissions().mode() & 0o777);
    let daemon = home.start();
    assert_eq!(mode(&path).unwrap(), 0o600);
    assert_eq!(Answer::parse(&rest(over_socket(&home, "/api/tasks"))).unwrap().status, 200);
    daemon.kill9();
    assert!(fs::metadata(&path).unwrap().file_type().is_socket(), "left by the one that died");

    let daemon = home.start();
    assert_eq!(Answer::parse(&rest(over_socket(&home, "/api/tasks"))).unwrap().status, 200);
    // A neighbour with data of its own cannot take it over.
    let other = home
        .command(["daemon", "--data", "other", "--port"])
        .arg(http::free_port().to_string())
        .arg("--socket")
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8(other.stderr).unwrap();
    assert_eq!(other.status.code(), Some(1), "{said}");
    assert!(said.contains("a daemon may already be running"), "{said}");
    daemon.stop_well();
    assert!(mode(&path).is_err(), "it goes with the daemon");
}

#[test]
fn what_is_under_way_is_answered_when_the_daemon_stops() {
    let home = Home::new("");
    let daemon = home.start();
    let session = daemon.login();
    let bearer = format!("Authorization: Bearer {}", session.token);
    let mut stream = Events::open(daemon.port, "/api/stream", &[&bearer]);
    let silent = client(daemon.port, PLAIN.as_bytes());
    let mut idle = client(daemon.port, format!("{PLAIN}\r\n").as_bytes());
    let mut status = [0; 12];
    idle.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    let (exit, took) = daemon.stop();
    assert_eq!(exit.code(), Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
    while stream.next().is_some() {}
    assert_eq!(rest(silent), "");
    assert!(rest(idle).ends_with("\r\n\r\nOK"), "its end is the end of the answer");
}
