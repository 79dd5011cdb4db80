//! Tokens that are nearly good, and what was good once: sessions, nonces and tickets
//! (docs/security.md, Login, Sessions, Launch tickets).

use serde_json::json;

use super::{CANARY, Wire, over_socket, password};
use crate::harness::Home;
use crate::harness::login::response;
use crate::login::{at_once, forged, stolen_key};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// Whether each of these tokens is a session, in few connections.
struct Judge {
    port: u16,
    wire: Wire,
}

impl Judge {
    fn new(port: u16) -> Judge {
        Judge { port, wire: Wire::open(port) }
    }

    fn is_in(&mut self, header: &str) -> bool {
        let ask = format!("GET /api/auth/status HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n");
        self.wire.say(ask);
        let answer = self.wire.answer().unwrap();
        if answer.status != 200 {
            // Not even a request; the connection ends with it.
            assert_eq!(answer.status, 400, "{header:?}");
            self.wire = Wire::open(self.port);
            return false;
        }
        answer.json()["authenticated"].as_bool().unwrap()
    }

    fn takes(&mut self, token: &str) -> bool {
        let bearer = self.is_in(&format!("Authorization: Bearer {token}"));
        assert_eq!(bearer, self.is_in(&format!("Cookie: runwisp_jwt={token}")), "{token:?}");
        bearer
    }
}

#[test]
fn no_bit_of_a_token_can_be_another_one() {
    let home = Home::new(CANARY);
    let daemon = home.start();
    let token = daemon.login().token;
    let mut judge = Judge::new(daemon.port);
    assert!(judge.takes(&token));
    for place in 0..token.len() {
        for bit in 0..8 {
            let mut bytes = token.clone().into_bytes();
            bytes[place] ^= 1 << bit;
            // Others are none of HTTP, or end the pair of a cookie.
            if bytes[place].is_ascii_graphic() && bytes[place] != b';' {
                let changed = String::from_utf8(bytes).unwrap();
                assert!(!judge.takes(&changed), "{changed}");
            }
        }
    }
    for cut in 0..token.len() {
        assert!(!judge.takes(&token[..cut]), "{cut}");
        assert!(cut == 0 || !judge.takes(&token[cut..]), "{cut}");
    }
    assert!(judge.takes(&token), "it is good still");
    daemon.stop_well();
}

#[test]
fn a_token_has_one_spelling_and_one_size() {
    let home = Home::new(CANARY);
    let daemon = home.start();
    let token = daemon.login().token;
    let mut judge = Judge::new(daemon.port);
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("{token}") };
    let swapped: String = token
        .chars()
        .map(|letter| if letter.is_lowercase() { letter.to_ascii_uppercase() } else { letter })
        .collect();
    for wrong in [
        format!("{token}="),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{header}=.{claims}=.{signature}="),
        format!("{header}.{claims}"),
        format!("{header}..{signature}"),
        format!("{claims}.{header}.{signature}"),
        format!("{header}.{claims}.{signature}{signature}"),
        format!("{header} .{claims}.{signature}"),
        format!("{header}.{claims}.%{signature}"),
        token.replace('.', "%2e"),
        token.replace('.', ".."),
        format!("\"{token}\""),
        format!("{token}{token}"),
        swapped,
        "x".repeat(4096),
        "x".repeat(60_000),
        format!("{header}.{}.{signature}", "x".repeat(50_000)),
        ".".repeat(4000),
        "null".to_owned(),
        "\u{202e}".to_owned(),
    ] {
        assert!(!judge.takes(&wrong), "{wrong:.200}");
    }
    // One good one is enough, wherever it stands; a bad one beside it does no harm.
    for right in [
        format!("Authorization: bearer   {token}  "),
        format!("Authorization: Bearer x\r\nAuthorization: Bearer {token}"),
        format!("Authorization: Bearer x\r\nCookie: a=b; runwisp_jwt=x; runwisp_jwt={token}"),
    ] {
        assert!(judge.is_in(&right), "{right}");
    }
    for wrong in [
        format!("Authorization: {token}"),
        format!("Authorization: Bearer{token}"),
        format!("Authorization: Basic {token}"),
        format!("Authorization: Bearer Bearer {token}"),
        format!("Cookie: RUNWISP_JWT={token}"),
        format!("Cookie: xrunwisp_jwt={token}"),
        format!("Cookie: runwisp_jwt=\"{token}\""),
        format!("Cookie: runwisp_jwt%3d{token}"),
        format!("X-Authorization: Bearer {token}"),
    ] {
        assert!(!judge.is_in(&wrong), "{wrong}");
    }
    daemon.stop_well();
}

/// Signed with the right key: what an older or newer program may have made, or somebody who has
/// read the database and is not let in by carelessness on top.
#[test]
fn claims_are_what_they_have_to_be() {
    let home = Home::new(CANARY);
    let daemon = home.start();
    daemon.login();
    let key = stolen_key(&home);
    let now = jiff::Timestamp::now().as_second();
    let mut judge = Judge::new(daemon.port);
    let good = json!({ "iss": "runwisp", "aud": "runwisp-api", "iat": now, "exp": now + 600 });
    let with = |name: &str, value: serde_json::Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    assert!(judge.takes(&forged(&key, HEADER, &good)));
    for right in [
        with("aud", json!(["other", "runwisp-api"])),
        with("more", json!({ "admin": true })),
        with("iat", json!("whenever")),
    ] {
        assert!(judge.takes(&forged(&key, HEADER, &right)), "{right}");
    }
    for wrong in [
        with("iss", json!("Runwisp")),
        with("iss", json!(["runwisp"])),
        with("iss", json!(null)),
        with("aud", json!("runwisp-api ")),
        with("aud", json!([])),
        with("aud", json!([["runwisp-api"]])),
        with("aud", json!({ "runwisp-api": true })),
        with("aud", json!(1)),
        with("exp", json!(now)),
        with("exp", json!(0)),
        with("exp", json!(-1)),
        with("exp", json!((now + 600).to_string())),
        with("exp", json!(1e300)),
        with("exp", json!(now as f64 + 600.5)),
        with("exp", json!(i64::MAX)),
        with("exp", json!(u64::MAX)),
        with("exp", json!(null)),
        with("exp", json!([now + 600])),
        json!([good]),
        json!("runwisp"),
        json!(null),
    ] {
        assert!(!judge.takes(&forged(&key, HEADER, &wrong)), "{wrong}");
    }
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":"HS512"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":""}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"typ":"JWT"}"#,
        r#"["HS256"]x"#,
        "",
    ] {
        assert!(!judge.takes(&forged(&key, header, &good)), "{header}");
    }
    daemon.stop_well();
}

#[test]
fn a_recorded_login_is_worth_nothing() {
    let home = Home::new(CANARY);
    let daemon = home.start();
    let password = password(&home);
    let nonce = || {
        let answer = daemon.call("GET", "/api/auth/challenge", &[], "");
        answer.json()["nonce"].as_str().unwrap().to_owned()
    };
    let answer = |nonce: &str, response: &str| {
        let body = json!({ "nonce": nonce, "response": response }).to_string();
        daemon.call("POST", "/api/auth", &[], &body).status
    };
    let first = nonce();
    let proof = response(&password, &first);
    assert_eq!(answer(&first, &proof), 200);
    assert_eq!(answer(&first, &proof), 401, "once");
    assert_eq!(answer(&first.to_uppercase(), &proof), 401, "however it is spelled");
    let second = nonce();
    assert_eq!(answer(&second, &proof), 401, "for another challenge");
    // Over the door that has no limit, many at once.
    let record = json!({ "nonce": first, "response": proof }).to_string();
    let replayed = at_once(16, |_| post_over_socket(&home, &record));
    assert!(replayed.iter().all(|status| *status == 401), "{replayed:?}");
    daemon.stop_well();
}

#[test]
fn a_nonce_and_a_ticket_let_one_in_through_two_doors_at_once() {
    let home = Home::new(CANARY);
    let daemon = home.start();
    let password = password(&home);
    let session = daemon.login();
    for _ in 0..3 {
        let answer = over_socket(
            &home,
            "GET /api/auth/challenge HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        );
        let (_, rest) = answer.split_once("\"nonce\":\"").unwrap();
        let nonce = &rest[..64];
        let body = json!({ "nonce": nonce, "response": response(&password, nonce) }).to_string();
        // One of them: the limit of an address must not decide it.
        let through = at_once(16, |n| match n {
            0 => daemon.call("POST", "/api/auth", &[], &body).status,
            _ => post_over_socket(&home, &body),
        });
        assert_eq!(through.iter().filter(|status| **status == 200).count(), 1, "{through:?}");

        let ticket = session.post("/api/auth/launch-ticket", "").json()["ticket"].clone();
        let path = format!("/api/auth/launch?ticket={}", ticket.as_str().unwrap());
        let ask = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let through = at_once(16, |n| match n % 8 {
            0 => daemon.call("GET", &path, &[], "").status,
            _ => super::statuses(&over_socket(&home, &ask))[0],
        });
        assert_eq!(through.iter().filter(|status| **status == 302).count(), 1, "{through:?}");
    }
    daemon.stop_well();
}

fn post_over_socket(home: &Home, body: &str) -> u16 {
    let ask = format!(
        "POST /api/auth HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    super::statuses(&over_socket(home, ask))[0]
}
