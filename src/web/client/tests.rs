//! The client against a daemon that says what the test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::*;
use crate::threads;

/// Every request that arrived: its first line, and the headers and body that matter.
type Heard = Arc<Mutex<Vec<String>>>;

/// Answers one request with status, further headers and body.
fn answer(mut stream: impl Read + Write, heard: &Heard, reply: impl Fn(&str) -> String) {
    let mut reader = BufReader::new(&mut stream);
    let mut request = String::new();
    reader.read_line(&mut request).unwrap();
    let mut noted = request.trim_end().to_owned();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let lower = line.trim_end().to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        if let Some(value) = lower.strip_prefix("authorization: ") {
            noted.push_str(&format!(" [{value}]"));
        }
        if lower.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    noted.push_str(&String::from_utf8(body).unwrap());
    heard.lock().unwrap().push(noted);
    write!(stream, "HTTP/1.1 {}", reply(&request)).unwrap();
}

fn with_body(status: &str, body: &str) -> String {
    let length = body.len();
    format!("{status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

/// A daemon that knows the password `hunter2`.
fn daemon(request: &str) -> String {
    match request.split(' ').nth(1).unwrap() {
        "/api/auth/challenge" => with_body("200 OK", &json!({"nonce": "a".repeat(64)}).to_string()),
        "/api/auth" => with_body("200 OK", r#"{"token":"the-token"}"#),
        "/api/info" => with_body(
            "200 OK",
            r#"{"port":81,"resolved_timezone":"UTC","timezone_source":"system"}"#,
        ),
        "/empty" => with_body("200 OK", "{}"),
        "/no" => with_body("403 No", r#"{"title":"Forbidden","status":403,"detail":"not you"}"#),
        "/wrong" => with_body(
            "422 No",
            r#"{"detail":"validation failed","errors":[{"location":"path.x","message":"bad"}]}"#,
        ),
        "/page" => with_body("502 Bad Gateway", "<html>"),
        "/limit" => with_body("429 No\r\nRetry-After: 17", "{}"),
        _ => with_body("401 No", "{}"),
    }
}

fn tcp(reply: fn(&str) -> String) -> (u16, Heard) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Heard::default();
    let book = Arc::clone(&heard);
    threads::spawn("fake", move || {
        listener.incoming().for_each(|stream| answer(stream.unwrap(), &book, reply));
    })
    .unwrap();
    (port, heard)
}

fn socket(name: &str, reply: fn(&str) -> String) -> (PathBuf, Heard) {
    let path = std::env::temp_dir().join(format!("runwisp-c-{name}-{}", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    let heard = Heard::default();
    let book = Arc::clone(&heard);
    threads::spawn("fake", move || {
        listener.incoming().for_each(|stream| answer(stream.unwrap(), &book, reply));
    })
    .unwrap();
    (path, heard)
}

fn way(socket: &Path, trust: SocketTrust, port: u16) -> Way<'_> {
    Way { socket, trust, host: "127.0.0.1", port }
}

fn known() -> Password {
    Password::Known("hunter2".to_owned())
}

#[test]
fn the_socket_is_taken_where_the_right_daemon_is_behind_it() {
    let (path, heard) = socket("right", daemon);
    for (trust, port) in [(SocketTrust::Any, 1), (SocketTrust::SamePort, 81)] {
        let client = Client::open(way(&path, trust, port), known(), None).unwrap();
        assert_eq!(client.get::<Value>("/empty"), Ok(json!({})));
        let asked = std::mem::take(&mut *heard.lock().unwrap());
        assert_eq!(asked, ["GET /api/info HTTP/1.1", "GET /empty HTTP/1.1"], "no login");
    }
    for (trust, port) in [(SocketTrust::SamePort, 82), (SocketTrust::None, 81)] {
        assert!(Client::local(way(&path, trust, port), None).is_none());
    }
    std::fs::remove_file(&path).unwrap();
    let gone = Client::local(way(&path, SocketTrust::Any, 81), None);
    assert!(gone.is_none());
}

#[test]
fn a_login_answers_the_challenge_and_its_token_goes_with_each_request() {
    let (port, heard) = tcp(daemon);
    let nowhere = Path::new("/nonexistent");
    let client = Client::open(way(nowhere, SocketTrust::Any, port), known(), None).unwrap();
    assert_eq!(client.get::<Value>("/empty"), Ok(json!({})));
    assert_eq!(client.post::<Value>("/empty"), Ok(json!({})));
    let proof = response("hunter2", &"a".repeat(64));
    let body = json!({"nonce": "a".repeat(64), "response": proof}).to_string();
    assert_eq!(
        *heard.lock().unwrap(),
        [
            "GET /api/auth/challenge HTTP/1.1",
            &format!("POST /api/auth HTTP/1.1{body}"),
            "GET /empty HTTP/1.1 [bearer the-token]",
            "POST /empty HTTP/1.1 [bearer the-token]",
        ]
    );
}

#[test]
fn each_refusal_has_its_sentence() {
    let (port, _) = tcp(daemon);
    let nowhere = Path::new("/nonexistent");
    let way = way(nowhere, SocketTrust::Any, port);
    let client = Client::open(way, known(), None).unwrap();
    for (path, message) in [
        ("/no", "not you".to_owned()),
        ("/wrong", "validation failed: path.x: bad".to_owned()),
        ("/page", "the daemon answered 502".to_owned()),
        ("/other", "the daemon rejected the session".to_owned()),
        (
            "/limit",
            format!(
                "too many authentication attempts against the daemon on port {port}; retry in 17s"
            ),
        ),
    ] {
        assert_eq!(client.get::<Value>(path).unwrap_err().to_string(), message);
    }
    let strange = client.get::<Vec<u8>>("/empty").unwrap_err().to_string();
    assert!(strange.contains("does not answer like a runwisp daemon"), "{strange}");
    for (reason, message) in [
        (None, "no password: set RUNWISP_PASSWORD or pass --data"),
        (Some("torn"), "no password: set RUNWISP_PASSWORD or pass --data (torn)"),
    ] {
        let unknown = Password::Unknown(reason.map(str::to_owned));
        let client = Client::open(way, unknown, None).unwrap();
        assert_eq!(client.get::<Value>("/other").unwrap_err().to_string(), message);
    }
    let (port, _) = tcp(|request| match request.contains("challenge") {
        true => daemon(request),
        false => with_body("401 No", "{}"),
    });
    let wrong = Client::open(Way { port, ..way }, known(), None).err();
    assert_eq!(wrong, Some(Refusal::WrongPassword));
}

#[test]
fn a_deadline_ends_whatever_is_asked() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let clock = Clock::start();
    let deadline = Deadline { clock: clock.clone(), at: Duration::from_millis(100) };
    let way = way(Path::new("/nonexistent"), SocketTrust::None, port);
    let refusal = Client::open(way, known(), Some(deadline)).err().unwrap().to_string();
    assert!(refusal.ends_with("- is it running? (no answer in time)"), "{refusal}");
    assert!(clock.now().steady < ANSWER);
}

#[test]
fn a_response_is_the_hash_of_password_and_nonce() {
    assert_eq!(
        response("hunter2", &"a".repeat(64)),
        "11d2f21b420693b3cbb79c186807e2b8693e53863c9eebd56b2de06e05f5c34d"
    );
}

#[test]
fn a_name_never_leaves_its_segment() {
    assert_eq!(segment("db-1_x.y"), "db-1_x.y");
    assert_eq!(segment("../a b?ä"), "..%2Fa%20b%3F%C3%A4");
}
