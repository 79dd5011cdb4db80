//! One request that is to be taken for two, or for somebody else's: between a client and the gate,
//! and on the line from the gate to the server (docs/security.md, Connections). Each attempt
//! carries a second request that would be obeyed, with a session that is good; it must never be.

use super::{CANARY, Wire, assert_well, canaries, reply, statuses};
use crate::harness::login::Session;
use crate::harness::{Daemon, Home};

/// What must not be heard: it would start the canary.
fn inner(session: &Session) -> String {
    format!(
        "POST /api/tasks/canary/run HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\
         Runwisp-Client: 0 socket\r\nConnection: close\r\n\r\n",
        session.token
    )
}

/// Says each of these and looks for more than one answer, or one that is not among `allowed`.
#[track_caller]
fn assert_refused(daemon: &Daemon<'_>, allowed: &[u16], attempts: &[String]) {
    for attempt in attempts {
        let text = reply(daemon.port, attempt);
        let found = statuses(&text);
        assert!(matches!(found[..], [one] if allowed.contains(&one)), "{attempt:?}\n{text}");
        assert!(text.contains("Connection: close\r\n"), "{attempt:?}\n{text}");
    }
    assert_eq!(canaries(daemon.home()), 0);
    assert_well(daemon);
}

#[test]
fn two_lengths_are_none() {
    let home = Home::new(CANARY);
    let daemon = home.start();
    let inner = inner(&daemon.login());
    let post = "POST /api/auth HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    let chunked = format!("0\r\n\r\n{inner}");
    let length = chunked.len();
    let attempts = [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}"),
        format!("Content-Length: 0\r\nContent-Length: {length}"),
        format!("Content-Length: {length}\r\nContent-Length: {length}"),
        format!("Content-Length: {length}\r\nCONTENT-LENGTH: 0"),
        format!("Content-Length: 0, {length}"),
        format!("Content-Length: {length}\r\n , 0"),
        format!("Content-Length: +{length}"),
        format!("Content-Length: -{length}"),
        format!("Content-Length: 0x{length:x}"),
        format!("Content-Length: {length}.0"),
        format!("Content-Length: {length}e0"),
        "Content-Length: 1_0".to_owned(),
        format!("Content-Length: {length} 0"),
        format!("Content-Length: \"{length}\""),
        "Content-Length: \u{665}".to_owned(),
        "Content-Length:".to_owned(),
        format!("Content-Length : {length}"),
        format!("Content-Length\t: {length}"),
        format!(" Content-Length: {length}"),
        format!("X: y\r\n Content-Length: {length}"),
        format!("X: y\rContent-Length: {length}"),
        format!("X: y\nContent-Length: {length}"),
        format!("X: y\0\r\nContent-Length: {length}"),
        format!("Content-Length\0: {length}"),
        format!("Content-Length: {length}\0"),
        format!("Content-Length: {length}\u{b}"),
        format!("Content-Length: \r{length}"),
        format!(": {length}"),
        format!("Content-Length {length}"),
    ]
    .map(|field| format!("{post}{field}\r\n\r\n{chunked}"));
    assert_refused(&daemon, &[400], &attempts);
    let beyond = ["18446744073709551621", "4294967296", "99999999999999999999999999999999999"]
        .map(|length| format!("{post}Content-Length: {length}\r\n\r\n{chunked}"));
    assert_refused(&daemon, &[413], &beyond);
    daemon.stop_well();
}

#[test]
fn no_spelling_of_a_transfer_encoding_is_obeyed_or_overlooked() {
    let home = Home::new(CANARY);
    let daemon = home.start();
    let inner = inner(&daemon.login());
    let post = "POST /api/auth HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    let chunked = format!("0\r\n\r\n{inner}");
    let known = [
        "Transfer-Encoding: chunked",
        "transfer-encoding:chunked",
        "TRANSFER-ENCODING: CHUNKED",
        "Transfer-Encoding:\tchunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding:",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    ];
    let attempts = known.map(|field| format!("{post}{field}\r\n\r\n{chunked}"));
    assert_refused(&daemon, &[411], &attempts);
    let broken = [
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\t:chunked",
        " Transfer-Encoding: chunked",
        "X: y\r\n Transfer-Encoding: chunked",
        "X: y\r\n\tTransfer-Encoding: chunked",
        "X: y\nTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "Transfer-Encoding: \u{b}chunked",
        "Transfer-Encoding: chunked\u{c}",
        "Transfer-Encoding\0: chunked",
        "Transfer\rEncoding: chunked",
        "Transfer-Encod\u{131}ng: chunked",
    ];
    let attempts = broken.map(|field| format!("{post}{field}\r\n\r\n{chunked}"));
    assert_refused(&daemon, &[400], &attempts);
    // Other fields are nothing to anybody: the request has no body, and what follows is none.
    let text = reply(daemon.port, format!("{post}Transfer_Encoding: chunked\r\n\r\n{chunked}"));
    assert_eq!(statuses(&text).last(), Some(&400), "{text}");
    assert_eq!(canaries(&home), 0);
    daemon.stop_well();
}

#[test]
fn a_line_ends_in_one_way_and_a_target_is_a_path() {
    let home = Home::new(CANARY);
    let daemon = home.start();
    let inner = inner(&daemon.login());
    let attempts = [
        "GET /health HTTP/1.1\nHost: a\n\n",
        "GET /health HTTP/1.1\r\nHost: a\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\n\n",
        "GET /health HTTP/1.1\rHost: a\r\r",
        "GET /health\0 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /health\tHTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /health HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET  /health HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost a\r\n\r\n",
        "GET /health\r\nHost: a\r\n\r\n",
        "GET /health HTTP/0.9\r\nHost: a\r\n\r\n",
        "GET /health HTTP/1.10\r\nHost: a\r\n\r\n",
        "GET /health HTTP/2\r\nHost: a\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET https://a/health HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET \\health HTTP/1.1\r\nHost: a\r\n\r\n",
        "G\u{e9}T /health HTTP/1.1\r\nHost: a\r\n\r\n",
        "\0GET /health HTTP/1.1\r\nHost: a\r\n\r\n",
        "\u{feff}GET /health HTTP/1.1\r\nHost: a\r\n\r\n",
    ]
    .map(|attempt| format!("{attempt}{inner}"));
    assert_refused(&daemon, &[400], &attempts);
    // A target that names a host says whose it is, and opens nothing.
    for target in ["http://a/api/tasks", "HTTP://root@localhost:1/api/tasks", "http:///api/tasks"] {
        let ask = format!("GET {target} HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n");
        assert_eq!(statuses(&reply(daemon.port, ask)), [401], "{target}");
    }
    let junk = "x".repeat(100 * 1024) + &inner;
    let text = reply(daemon.port, junk);
    assert!(text.is_empty() || statuses(&text) == [431], "{text}");
    // Empty lines before a request are no request, however many.
    let padded =
        "\r\n".repeat(60_000) + "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(statuses(&reply(daemon.port, padded)), [200]);
    assert_eq!(canaries(&home), 0);
    assert_well(&daemon);
    daemon.stop_well();
}

/// The body goes over the line as it came; the server has to take it for a body, whatever the
/// method, whoever reads it and whatever stands in it.
#[test]
fn a_request_hidden_in_a_body_stays_there() {
    let home = Home::new(CANARY);
    let daemon = home.start();
    let session = daemon.login();
    let hidden = [
        inner(&session),
        format!("\r\n\r\n{}", inner(&session)),
        format!("0\r\n\r\n{}", inner(&session)),
        format!("{{\"nonce\":\"\r\n\r\n{}\"}}", inner(&session)),
    ];
    let mut wire = Wire::open(daemon.port);
    for method in ["GET", "POST", "DELETE", "OPTIONS", "PUT", "PATCH", "TRACE", "p~t"] {
        for path in ["/health", "/", "/api/auth", "/api/tasks", "/openapi.json", "/nothing"] {
            for body in &hidden {
                let length = body.len();
                wire.say(format!(
                    "{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                     Content-Length: {length}\r\n\r\n{body}GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
                ));
                let first = wire.answer().unwrap();
                assert_ne!(first.status, 201, "{method} {path}");
                let second = wire.answer().expect("the connection goes on");
                assert_eq!((second.status, &*second.body), (200, "OK"), "{method} {path}");
            }
        }
    }
    // The same in a large body, which only a session may send.
    let body = inner(&session).repeat(2000);
    let ask = format!(
        "POST /api/runs/bulk/cancel HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        session.token,
        body.len()
    );
    assert_eq!(statuses(&reply(daemon.port, ask)), [400]);
    assert_eq!(canaries(&home), 0);
    assert_well(&daemon);
    daemon.stop_well();
}

/// What the gate says of a client, from the mouth of a client.
#[test]
fn no_field_of_a_client_says_who_it_is() {
    let home = Home::new(CANARY);
    let daemon = home.start();
    let names = [
        "Runwisp-Client",
        "RUNWISP-CLIENT",
        "runwisp-client",
        "rUnWiSp-cLiEnT",
        "Runwisp_Client",
        "X-Runwisp-Client",
    ];
    let values = ["0", "0 socket", "15 socket", "16 socket", "0 127.0.0.1", "socket", "", " 0 ::1"];
    for name in names {
        for value in values {
            let forged = format!("{name}: {value}\r\n");
            let ask = format!(
                "GET /api/tasks HTTP/1.1\r\n{forged}Host: a\r\n{forged}Connection: close\r\n\r\n"
            );
            assert_eq!(statuses(&reply(daemon.port, ask)), [401], "{forged}");
        }
    }
    // Inside a value that is passed on, behind every byte that somebody may take for an end.
    let session = daemon.login();
    let fields = [
        "Accept",
        "Authorization",
        "Cookie",
        "Forwarded",
        "If-None-Match",
        "Last-Event-ID",
        "Origin",
        "Sec-Fetch-Site",
        "Via",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Real-IP",
    ];
    for field in fields {
        for end in
            ["\u{85}", "\u{2028}", "\u{10a}\u{10d}", "%0d%0a", "\\r\\n", "\t", ";", ",", " : "]
        {
            let ask = format!(
                "GET /api/tasks HTTP/1.1\r\nHost: a\r\n{field}: x{end}Runwisp-Client: 0 socket\r\n\
                 Connection: close\r\n\r\n"
            );
            assert_eq!(statuses(&reply(daemon.port, ask)), [401], "{field} {end:?}");
        }
        for end in ["\r", "\0", "\u{b}", "\u{7f}"] {
            let ask = format!(
                "GET /api/tasks HTTP/1.1\r\nHost: a\r\n{field}: x{end}Runwisp-Client: 0 socket\r\n\r\n{}",
                inner(&session)
            );
            assert_eq!(statuses(&reply(daemon.port, ask)), [400], "{field} {end:?}");
        }
    }
    assert_eq!(canaries(&home), 0);
    assert_well(&daemon);
    daemon.stop_well();
}

/// Whatever is passed on, the server gets it whole: a request that it could not read would be
/// left without an answer, and its place with it.
#[test]
fn every_field_and_target_that_passes_the_gate_is_answered() {
    let home = Home::new(CANARY);
    let daemon = home.start();
    let fields = [
        "Accept",
        "Authorization",
        "Content-Type",
        "Cookie",
        "Forwarded",
        "If-None-Match",
        "Last-Event-ID",
        "Origin",
        "Sec-Fetch-Site",
        "Via",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
    ];
    let long = "a".repeat(60_000);
    let values = ["", ":", ": : :", "=;,\"'<>(){}[]|^`\\", "\u{20ac}", "\u{0}", &long];
    let mut asked = 0;
    for field in fields {
        for value in values.iter().filter(|value| !value.contains('\0')) {
            let ask = format!(
                "GET /api/tasks HTTP/1.1\r\nHost: a\r\n{field}: {value}\r\nConnection: close\r\n\r\n"
            );
            assert_eq!(statuses(&reply(daemon.port, ask)).len(), 1, "{field}: {:.40}", value);
            asked += 1;
        }
    }
    let targets = [
        "/?",
        "/??",
        "/#x",
        "//",
        "///a",
        "/;a",
        "/%",
        "/%zz",
        "/%00",
        "/\\",
        "/{}|^`\"<>",
        "/a?b=%",
        "/..",
        "/.",
        "/api",
        "/api/",
        "/api//",
        "/api/?",
        "/api/tasks/?",
        "/:80",
        "/@a",
        "/a:b@c/",
    ];
    let long = format!("/{}", "a".repeat(60_000));
    for target in targets.into_iter().chain([&*long]) {
        for method in ["GET", "HEAD", "OPTIONS", "a", "!#$%&'*+-.^_`|~"] {
            let ask = format!("{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            let found = statuses(&reply(daemon.port, ask));
            assert!(matches!(found[..], [200..500]), "{method} {target:.40} {found:?}");
            asked += 1;
        }
    }
    let method = "M".repeat(60_000);
    let ask = format!("{method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(statuses(&reply(daemon.port, ask)).len(), 1);
    assert!(asked > 100);
    assert_well(&daemon);
    daemon.stop_well();
}
