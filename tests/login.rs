//! Getting in, and not getting in (docs/security.md).

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::Barrier;
use std::thread;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::harness::daemon::PATIENCE;
use crate::harness::http::{Answer, free_port};
use crate::harness::{Daemon, Home, rows, wait_until};

const JOB: &str = "[tasks.a]\nrun = \"true\"\n";
/// A path that needs a session.
const CLOSED: &str = "/api/auth/launch-ticket";

fn home() -> Home {
    Home::new(JOB)
}

/// A daemon that trusts the proxy on this machine, which is the test itself.
fn behind_proxy(home: &Home) -> Daemon<'_> {
    with(home, |command| _ = command.env("RUNWISP_TRUST_PROXY", "127.0.0.1/32"))
}

fn with(home: &Home, adjust: impl FnOnce(&mut Command)) -> Daemon<'_> {
    let daemon = Daemon::launch(home, free_port(), adjust);
    daemon.wait_ready();
    daemon
}

fn nonce(daemon: &Daemon<'_>, headers: &[(&str, &str)]) -> String {
    let answer = daemon.call("GET", "/api/auth/challenge", headers, "");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["nonce"].as_str().unwrap().to_owned()
}

fn password(home: &Home) -> String {
    home.read("data/password").trim_end().to_owned()
}

/// Waits until the log, which has a thread of its own, says something so often.
#[track_caller]
fn wait_said(home: &Home, text: &str, times: usize) {
    wait_until(text, PATIENCE, || home.read("stderr").matches(text).count() == times);
}

fn is_in(daemon: &Daemon<'_>, headers: &[(&str, &str)]) -> bool {
    let answer = daemon.call("GET", "/api/auth/status", headers, "");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["authenticated"].as_bool().unwrap()
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, detail: &str) {
    assert_eq!((answer.status, answer.detail()), (status, detail.to_owned()), "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
}

#[test]
fn a_login_gives_a_token_and_a_cookie() {
    let home = home();
    let daemon = home.start();
    let answer = daemon.try_login(&password(&home), &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let cookie = answer.header("set-cookie").unwrap();
    let expected =
        format!("runwisp_jwt={token}; Path=/api/; Max-Age=86400; HttpOnly; SameSite=Strict");
    assert_eq!(cookie, expected);
    assert!(is_in(&daemon, &[("Authorization", &format!("bearer {token}"))]));
    let cookie = format!("theme=dark; runwisp_jwt={token}");
    assert!(is_in(&daemon, &[("Cookie", &cookie)]));
    assert!(!is_in(&daemon, &[]));
    assert!(!is_in(&daemon, &[("Authorization", "Bearer nonsense")]));
    let out = daemon.call("POST", "/api/auth/logout", &[("Cookie", &cookie)], "");
    assert_eq!((out.status, out.body.as_str()), (204, ""));
    assert_eq!(
        out.header("set-cookie"),
        Some("runwisp_jwt=; Path=/api/; Max-Age=0; HttpOnly; SameSite=Strict")
    );
    let log = home.read("stderr");
    assert!(!log.contains(&token) && !log.contains(&password(&home)), "{log}");
}

#[test]
fn what_needs_a_session_says_so_before_anything_else() {
    let home = home();
    let daemon = home.start();
    for (method, path) in [
        ("POST", CLOSED),
        ("GET", "/api/tasks"),
        ("GET", "/api/nothing/here"),
        ("DELETE", "/api/tasks"),
        ("POST", "/api/tasks/a%zz/run"),
        ("OPTIONS", "/api/tasks"),
    ] {
        let answer = daemon.call(method, path, &[], "");
        assert_refused(&answer, 401, "authentication required");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
    let in_query = format!("/api/tasks?token={0}&runwisp_jwt={0}", daemon.login().token);
    assert_refused(&daemon.call("GET", &in_query, &[], ""), 401, "authentication required");
    assert_eq!(daemon.login().get("/api/nothing/here").status, 404);
    for method in ["GET", "HEAD"] {
        assert_eq!(daemon.call(method, "/api/local/credentials", &[], "").status, 403);
    }
    assert_eq!(daemon.login().get("/api/local/credentials").status, 403);
}

#[test]
fn a_wrong_answer_is_refused_and_uses_the_nonce_up() {
    let home = home();
    let daemon = home.start();
    let password = password(&home);
    let first = nonce(&daemon, &[]);
    let answer = daemon.answer_challenge(&first, "wrong", &[]);
    assert_refused(&answer, 401, "Invalid password");
    let again = daemon.answer_challenge(&first, &password, &[]);
    assert_refused(&again, 401, "Invalid or expired challenge");
    let unknown = daemon.answer_challenge(&"0".repeat(64), &password, &[]);
    assert_refused(&unknown, 401, "Invalid or expired challenge");
    wait_said(&home, "login refused status=401 client=127.0.0.1", 3);
    assert!(!home.read("stderr").contains(&first));
}

#[test]
fn a_body_that_is_no_login_is_refused_for_what_it_is() {
    let home = home();
    let daemon = home.start();
    let right = json!({ "nonce": "x", "response": "y", "$schema": "z" }).to_string();
    for (body, status) in [
        ("{", 400),
        ("[]", 422),
        ("{}", 422),
        (r#"{"nonce":"x"}"#, 422),
        (r#"{"nonce":1,"response":"y"}"#, 422),
        (r#"{"nonce":"x","response":"y","password":"z"}"#, 422),
        (&right, 401),
    ] {
        let answer = daemon.call("POST", "/api/auth", &[], body);
        assert_eq!(answer.status, status, "{body} {answer:?}");
    }
    let text = [("Content-Type", "text/plain")];
    assert_eq!(daemon.call("POST", "/api/auth", &text, &right).status, 415);
}

#[test]
fn the_sixth_attempt_is_refused_even_with_the_right_password() {
    let home = home();
    let daemon = home.start();
    let password = password(&home);
    let session = daemon.login();
    for _ in 0..5 {
        assert_refused(&daemon.try_login("wrong", &[]), 401, "Invalid password");
    }
    let challenge = daemon.call("GET", "/api/auth/challenge", &[], "");
    let login = daemon.answer_challenge(&"0".repeat(64), &password, &[]);
    for answer in [challenge, login, daemon.call("GET", "/api/auth/launch?ticket=x", &[], "")] {
        assert_refused(&answer, 429, "too many authentication attempts");
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((290..=300).contains(&seconds), "{seconds}");
    }
    assert_eq!(session.post(CLOSED, "").status, 200, "sessions go on");
    wait_said(&home, "login refused status=429 client=127.0.0.1", 3);
}

#[test]
fn whoever_knows_the_password_is_never_locked_out() {
    let home = home();
    let daemon = home.start();
    for _ in 0..12 {
        daemon.login();
    }
    // Nonces that are hoarded are not given back.
    let hoard: Vec<String> = (0..5).map(|_| nonce(&daemon, &[])).collect();
    assert_eq!(daemon.call("GET", "/api/auth/challenge", &[], "").status, 429);
    assert_eq!(daemon.answer_challenge(&hoard[0], &password(&home), &[]).status, 200);
    daemon.login();
}

#[test]
fn of_many_answers_to_one_nonce_one_gets_in() {
    let home = home();
    let daemon = behind_proxy(&home);
    let password = password(&home);
    for round in 0..5 {
        let nonce = nonce(&daemon, &[]);
        let statuses = at_once(8, |n| {
            let client = format!("203.0.113.{}", round * 8 + n);
            daemon.answer_challenge(&nonce, &password, &[("X-Forwarded-For", &client)]).status
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 7, "{statuses:?}");
    }
}

/// Calls from so many threads at the same moment.
pub(crate) fn at_once<T: Send>(count: usize, call: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let (barrier, call) = (Barrier::new(count), &call);
    thread::scope(|scope| {
        let start = |n| {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                call(n)
            })
        };
        let threads: Vec<_> = (0..count).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn a_launch_ticket_logs_in_once_and_only_here() {
    let home = home();
    let daemon = home.start();
    let session = daemon.login();
    let ticket = |headers: &[(&str, &str)], rest: &str| {
        let made = session.post(CLOSED, "").json()["ticket"].as_str().unwrap().to_owned();
        assert_eq!(made.len(), 43);
        assert!(made.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let path = format!("/api/auth/launch?ticket={made}{rest}");
        let answer = daemon.call("GET", &path, headers, "");
        assert!(!home.read("stderr").contains(&made));
        (path, answer)
    };
    for (rest, place) in [
        ("", "/"),
        ("&redirect=/runs?x=1", "/runs?x=1"),
        ("&redirect=//evil.example", "/"),
        ("&redirect=/%5Cevil.example", "/"),
        ("&redirect=https://evil.example", "/"),
        ("&redirect=/%0d%0aX-Evil:1", "/"),
    ] {
        let (path, answer) = ticket(&[], rest);
        assert_eq!((answer.status, answer.header("location")), (302, Some(place)), "{rest}");
        let cookie = answer.header("set-cookie").unwrap();
        let (token, attributes) = cookie.split_once(';').unwrap();
        assert_eq!(attributes, " Path=/api/; Max-Age=86400; HttpOnly; SameSite=Strict");
        assert!(is_in(&daemon, &[("Cookie", token)]));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        if rest.is_empty() {
            assert_refused(&daemon.call("GET", &path, &[], ""), 401, "invalid or expired ticket");
        }
    }
    for header in ["X-Forwarded-For", "Via", "Forwarded", "X-Real-IP"] {
        let (path, answer) = ticket(&[(header, "127.0.0.1")], "");
        assert_eq!(answer.status, 403, "{header}");
        assert_eq!(daemon.call("GET", &path, &[], "").status, 302, "it was not used up");
    }
    let made = session.post(CLOSED, "").json()["ticket"].as_str().unwrap().to_owned();
    let path = format!("/api/auth/launch?ticket={made}");
    // Three of the losers are within the limit, one attempt was taken above.
    let long = format!("/api/auth/launch?ticket={}", "a".repeat(200));
    let answer = daemon.call("GET", &long, &[], "");
    assert_refused(&answer, 401, "invalid or expired ticket");
    let statuses = at_once(4, |_| daemon.call("GET", &path, &[], "").status);
    assert_eq!(statuses.iter().filter(|status| **status == 302).count(), 1, "{statuses:?}");
}

#[test]
fn a_stranger_s_forwarding_headers_change_nothing() {
    let home = home();
    let daemon = home.start();
    let forged = |n: usize| format!("203.0.113.{n}");
    for n in 0..5 {
        let client = forged(n);
        let headers = [("X-Forwarded-For", client.as_str()), ("X-Forwarded-Proto", "https")];
        assert_eq!(daemon.try_login("wrong", &headers).status, 401);
    }
    let client = forged(9);
    let headers = [("X-Forwarded-For", client.as_str())];
    assert_eq!(daemon.call("GET", "/api/auth/challenge", &headers, "").status, 429);
    wait_said(&home, "login refused status=429 client=127.0.0.1", 1);
    let log = home.read("stderr");
    assert_eq!(log.matches("is not trusted: all clients share one login limit").count(), 1);
    assert!(log.contains("RUNWISP_TRUST_PROXY=127.0.0.1"), "{log}");
    assert!(!log.contains("203.0.113."), "{log}");
}

#[test]
fn a_trusted_proxy_says_who_asks_and_how() {
    let home = home();
    let daemon = behind_proxy(&home);
    let password = password(&home);
    let one = [("X-Forwarded-For", "198.51.100.1, 203.0.113.1"), ("X-Forwarded-Proto", "https")];
    let other = [("X-Forwarded-For", "198.51.100.1, 203.0.113.2")];
    for _ in 0..5 {
        assert_eq!(daemon.try_login("wrong", &one).status, 401);
    }
    assert_eq!(daemon.try_login(&password, &one).status, 429);
    // A live nonce that somebody else has paid for does not help.
    let borrowed = nonce(&daemon, &other);
    assert_eq!(daemon.answer_challenge(&borrowed, &password, &one).status, 429);
    let plain = daemon.try_login(&password, &other);
    assert_eq!(plain.status, 200);
    assert!(!plain.header("set-cookie").unwrap().contains("Secure"));
    let secure = daemon.try_login(&password, &[("X-Forwarded-Proto", "https")]);
    assert!(secure.header("set-cookie").unwrap().ends_with("; SameSite=Strict; Secure"));
    // Five times the wrong password, one challenge and one answer beyond the limit.
    wait_said(&home, "client=203.0.113.1:", 7);
}

#[test]
fn the_configuration_names_proxies_and_the_variable_wins() {
    let home = Home::new(&format!("[daemon]\ntrusted_proxies = [\"127.0.0.1\"]\n{JOB}"));
    let is_secure = |daemon: &Daemon<'_>| {
        let answer = daemon.try_login(&password(&home), &[("X-Forwarded-Proto", "https")]);
        answer.header("set-cookie").unwrap().contains("; Secure")
    };
    assert!(is_secure(&home.start()));
    let elsewhere = |command: &mut Command| _ = command.env("RUNWISP_TRUSTED_PROXIES", "10.0.0.1");
    assert!(!is_secure(&with(&home, elsewhere)));
}

#[test]
fn a_variable_that_would_trust_everybody_keeps_the_daemon_from_starting() {
    let home = home();
    for (name, value, said) in [
        ("RUNWISP_TRUST_PROXY", "::1, 0.0.0.0/0", "RUNWISP_TRUST_PROXY: \"0.0.0.0/0\" would trust"),
        ("RUNWISP_TRUSTED_PROXIES", "proxy", "RUNWISP_TRUSTED_PROXIES: \"proxy\" is not"),
    ] {
        // The configuration is not even read.
        let mut command = home.command(["daemon", "-c", "nowhere.toml"]);
        let output = home.output(command.env(name, value));
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.starts_with(&format!("error: {said}")), "{error}");
    }
    assert!(!home.data().exists());
}

#[test]
fn what_another_site_made_a_browser_send_is_refused() {
    let home = Home::new(&format!("[daemon]\nexternal_url = \"https://jobs.example.org\"\n{JOB}"));
    let daemon = home.start();
    let session = daemon.login();
    let cookie = format!("runwisp_jwt={}", session.token);
    let bearer = format!("Bearer {}", session.token);
    let post = |headers: &[(&str, &str)]| {
        let mut headers = headers.to_vec();
        if !headers.iter().any(|(name, _)| *name == "Authorization") {
            headers.push(("Cookie", &cookie));
        }
        headers.push(("Host", "box:9477"));
        daemon.call("POST", CLOSED, &headers, "").status
    };
    for (headers, status) in [
        (&[][..], 200),
        (&[("Origin", "http://box:9477")], 200),
        (&[("Origin", "https://jobs.example.org")], 200),
        (&[("Sec-Fetch-Site", "same-origin"), ("Origin", "http://box:9477")], 200),
        (&[("Origin", "http://evil.example")], 403),
        (&[("Origin", "http://box")], 403),
        (&[("Origin", "null")], 403),
        (&[("Sec-Fetch-Site", "cross-site")], 403),
        (&[("Sec-Fetch-Site", "same-site"), ("Origin", "http://box:9477")], 403),
        (&[("Origin", "http://evil.example"), ("X-Forwarded-Host", "evil.example")], 403),
        (&[("Origin", "http://evil.example"), ("Authorization", &bearer)], 200),
    ] {
        assert_eq!(post(headers), status, "{headers:?}");
    }
    let evil = [("Origin", "http://evil.example")];
    let login = daemon.try_login(&password(&home), &evil);
    assert_refused(&login, 403, "cross-origin request refused");
    assert_eq!(daemon.call("POST", "/api/auth/logout", &evil, "").status, 403);
    let cookies = [("Cookie", cookie.as_str()), evil[0]];
    assert!(is_in(&daemon, &cookies), "asking is no harm: the answer stays unread");
}

/// The key as somebody reads it who has the database.
pub(crate) fn stolen_key(home: &Home) -> Vec<u8> {
    let sql = "SELECT value FROM config_entries WHERE key = 'jwt_secret'";
    BASE64.decode(rows::value::<String>(&home.data(), sql)).unwrap()
}

pub(crate) fn forged(key: &[u8], header: &str, claims: &serde_json::Value) -> String {
    let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims.to_string()));
    let mac = Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(&signed);
    format!("{signed}.{}", BASE64.encode(mac.finalize().into_bytes()))
}

#[test]
fn tokens_that_are_not_ours_are_refused() {
    let home = home();
    let daemon = home.start();
    // Whoever is in knows that the key is stored.
    daemon.login();
    let key = stolen_key(&home);
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let now = jiff::Timestamp::now().as_second();
    let claims =
        |aud: &str, exp: i64| json!({ "iss": "runwisp", "aud": aud, "iat": 0, "exp": exp });
    let good = claims("runwisp-api", now + 600);
    let token = forged(&key, header, &good);
    let (signed, _) = token.rsplit_once('.').unwrap();
    let none = BASE64.encode(r#"{"alg":"none"}"#);
    let long =
        json!({ "iss": "runwisp", "aud": "runwisp-api", "exp": now + 600, "x": "x".repeat(3100) });
    assert!(is_in(&daemon, &[("Authorization", &format!("Bearer {token}"))]), "the test's own");
    for bad in [
        format!("{signed}."),
        format!("{none}.{}.", BASE64.encode(good.to_string())),
        forged(&key, r#"{"alg":"none"}"#, &good),
        forged(&[0; 32], header, &good),
        forged(&[], header, &good),
        forged(&key, header, &claims("runwisp-api", now)),
        forged(&key, header, &claims("runwisp", now + 600)),
        forged(&key, header, &json!({ "iss": "runwisp", "aud": "runwisp-api" })),
        forged(&key, header, &long),
    ] {
        let answer =
            daemon.call("POST", CLOSED, &[("Authorization", &format!("Bearer {bad}"))], "");
        assert_refused(&answer, 401, "invalid or expired token");
        assert!(!is_in(&daemon, &[("Authorization", &format!("Bearer {bad}"))]));
    }
}

#[test]
fn sessions_outlive_restarts_until_the_password_changes() {
    const SIGNED_OUT: &str = "password changed: all sessions were signed out";
    let home = home();
    let daemon = home.start();
    let token = daemon.login().token;
    let is_valid =
        |daemon: &Daemon<'_>| is_in(daemon, &[("Authorization", &format!("Bearer {token}"))]);
    daemon.stop_well();
    let daemon = home.start();
    assert!(is_valid(&daemon), "the same password");
    daemon.stop_well();
    assert!(!home.read("stderr").contains(SIGNED_OUT));
    home.write("data/password", "another password\n");
    let daemon = home.start();
    assert!(!is_valid(&daemon), "the file was edited");
    let edited = daemon.login_with("another password").token;
    wait_said(&home, SIGNED_OUT, 1);
    daemon.stop_well();
    let daemon = with(&home, |command| _ = command.env("RUNWISP_PASSWORD", "from outside"));
    assert!(!is_in(&daemon, &[("Authorization", &format!("Bearer {edited}"))]));
    assert_eq!(daemon.try_login("another password", &[]).status, 401);
    daemon.login_with("from outside");
    assert_eq!(home.read("data/password"), "another password\n", "left as it was");
    daemon.stop_well();
    let credentials = home.path("credentials");
    home.write("credentials/runwisp.password", "from the manager\n");
    let daemon = with(&home, |command| _ = command.env("CREDENTIALS_DIRECTORY", &credentials));
    daemon.login_with("from the manager");
    wait_said(&home, SIGNED_OUT, 3);
    let log = home.read("stderr");
    for secret in ["another password", "from outside", "from the manager"] {
        assert!(!log.contains(secret), "{log}");
    }
}

/// A request over the control socket, where nobody needs a session.
fn over_socket(home: &Home, method: &str, path: &str, body: &str) -> Answer {
    let mut stream = UnixStream::connect(home.path("data/runwisp.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    Answer::parse(&answer).unwrap()
}

#[test]
fn the_control_socket_needs_no_session_and_tells_the_password_that_is_ours() {
    let home = home();
    let daemon = home.start();
    let said = over_socket(&home, "GET", "/api/local/credentials", "");
    assert_eq!((said.status, said.header("cache-control")), (200, Some("no-store")));
    assert_eq!(said.json(), json!({ "password": password(&home), "ephemeral": false }));
    assert_eq!(over_socket(&home, "GET", "/api/auth/status", "").json()["authenticated"], true);
    let wrong = json!({ "nonce": "x", "response": "y" }).to_string();
    for _ in 0..7 {
        assert_eq!(over_socket(&home, "POST", "/api/auth", &wrong).status, 401);
    }
    assert_eq!(over_socket(&home, "GET", "/api/auth/challenge", "").status, 200, "no limit");
    daemon.stop_well();
    let daemon = with(&home, |command| _ = command.env("RUNWISP_PASSWORD", "from outside"));
    let said = over_socket(&home, "GET", "/api/local/credentials", "");
    assert_refused(&said, 404, "the operator has set the password");
    daemon.stop_well();
}

const TOKEN: &str = "k3v9Qw7ZrT1xLb8Nf5Ym2Hc6Jd4Gs0Pa";
const STOP_TOKEN: &str = "Zt8Lw2Xq6Rn4Vb0Kc9Mf3Hy7Gj5Ds1Pe";

#[test]
fn a_hook_token_operates_its_own_job_and_nothing_else() {
    let home = Home::new(&format!(
        "[tasks.a]\nrun = \"true\"\napi_trigger = false\n\
         hook_tokens = [\"{TOKEN}\", {{ token = \"{STOP_TOKEN}\", allow = [\"stop\"] }}]\n\
         [tasks.b]\nrun = \"true\"\n"
    ));
    let daemon = home.start();
    let call = |path: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        daemon.call("POST", path, &[("Authorization", &bearer)], "")
    };
    let wrong = call("/api/hooks/tasks/a/run", &TOKEN[1..]);
    let unknown = call("/api/hooks/tasks/nobody/run", TOKEN);
    let other = call("/api/hooks/tasks/b/run", TOKEN);
    for answer in [&wrong, &unknown, &other] {
        assert_refused(answer, 401, "invalid token");
        assert_eq!(answer.body, wrong.body);
    }
    assert_eq!(call("/api/hooks/tasks/a/run", STOP_TOKEN).status, 403);
    assert_eq!(call("/api/hooks/tasks/a/pause", TOKEN).status, 403);
    assert_eq!(call("/api/tasks", TOKEN).status, 401, "it is no session");
    assert_eq!(rows::all(&home.data()).len(), 0);
    let in_query = format!("/api/hooks/tasks/a/run?token={TOKEN}");
    let foreign = [("Content-Type", "application/x-www-form-urlencoded")];
    // What other sites say of themselves is long, and comes in with the token only.
    let long = "payload=1".repeat(2000);
    let started = daemon.call("POST", &in_query, &foreign, &long);
    assert_eq!(started.status, 201, "{started:?}");
    assert_eq!(started.json()["triggered_by"], "hook");
    assert_eq!(call("/api/hooks/tasks/a/run", TOKEN).status, 201);
    let guessed = daemon.call("POST", "/api/hooks/tasks/a/run?token=guess", &foreign, &long);
    assert_refused(&guessed, 401, "invalid token");
    assert_eq!(call("/api/hooks/tasks/a/run", "guess").status, 401);
    assert_refused(
        &call("/api/hooks/tasks/a/run", "guess"),
        429,
        "too many authentication attempts",
    );
    assert_eq!(daemon.try_login(&password(&home), &[]).status, 200, "a limit of their own");
    let log = home.read("stderr");
    assert!(!log.contains(TOKEN) && !log.contains(STOP_TOKEN), "{log}");
}
