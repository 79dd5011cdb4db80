use super::*;
use crate::auth::token::Key;
use crate::web::guard::keys::{Keys, Origin};
use crate::web::http::Method;

const PASSWORD: &str = "correct horse";

fn guard(proxies: &str) -> Guard {
    let (ring, key) = (KeyRing::default(), key());
    ring.put(Keys { password: PASSWORD.to_owned(), origin: Origin::File, key });
    let proxies = Proxies::read(proxies.split(',')).unwrap();
    Guard::new(Clock::start(), Configured::empty(), Some(proxies), ring)
}

fn key() -> Key {
    Key::new([1; 32])
}

fn request(peer: &str, headers: &[(&str, &str)]) -> Request {
    let peer = match peer {
        "socket" => Peer::Socket,
        address => Peer::Tcp(address.parse().unwrap()),
    };
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Request {
        method: Method::Post,
        path: "/api/auth".to_owned(),
        query: String::new(),
        headers: headers.collect(),
        body: Vec::new(),
        peer,
    }
}

#[test]
fn either_token_that_is_valid_is_enough() {
    let guard = guard("");
    let good = key().sign(guard.clock.now().wall);
    let (bearer, cookie) = (format!("bEaReR {good}"), format!("a=b; runwisp_jwt={good}"));
    for (headers, proof) in [
        (&[("Authorization", &*bearer)][..], Proof::Bearer),
        (&[("Cookie", &cookie)], Proof::Cookie),
        (&[("Cookie", &cookie), ("Authorization", "Bearer x")], Proof::Cookie),
        (&[("Cookie", "runwisp_jwt=x"), ("Authorization", &bearer)], Proof::Bearer),
        (&[("Cookie", &cookie), ("Authorization", &bearer)], Proof::Bearer),
        (&[("Cookie", "runwisp_jwt=x"), ("Cookie", &cookie)], Proof::Cookie),
    ] {
        let session = guard.session(&request("192.0.2.1", headers)).unwrap();
        assert_eq!(session.proof, proof, "{headers:?}");
        assert!(session.until.is_some());
    }
    for (headers, detail) in [
        (&[][..], "authentication required"),
        (&[("Authorization", "Basic eDp5")], "authentication required"),
        (&[("Authorization", &good)], "authentication required"),
        (&[("Cookie", "runwisp_jwt=")], "authentication required"),
        (&[("Authorization", "Bearer x")], "invalid or expired token"),
        (&[("Cookie", "runwisp_jwt=x")], "invalid or expired token"),
    ] {
        let problem = guard.session(&request("127.0.0.1", headers)).unwrap_err();
        assert_eq!((problem.status, &*problem.detail), (401, detail), "{headers:?}");
        assert_eq!(problem.headers, [("WWW-Authenticate", "Bearer".to_owned())]);
    }
    assert_eq!(guard.session(&request("socket", &[])).unwrap().proof, Proof::Socket);
}

#[test]
fn only_who_connects_from_here_directly_is_local() {
    let guard = guard("127.0.0.1");
    for peer in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "socket"] {
        assert!(guard.is_local(&request(peer, &[])), "{peer}");
    }
    for peer in ["192.0.2.1", "::ffff:192.0.2.1"] {
        assert!(!guard.is_local(&request(peer, &[("X-Forwarded-For", "127.0.0.1")])), "{peer}");
        assert!(!guard.is_local(&request(peer, &[])), "{peer}");
    }
    for header in FORWARDING {
        assert!(!guard.is_local(&request("127.0.0.1", &[(header, "")])), "{header}");
    }
}

#[test]
fn only_a_trusted_proxy_says_who_asks_and_how() {
    let headers = [("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "http, HTTPS")];
    for (proxies, peer, client, channel) in [
        ("127.0.0.1", "127.0.0.1", "203.0.113.7", Channel::Https),
        ("127.0.0.1", "::ffff:127.0.0.1", "203.0.113.7", Channel::Https),
        ("", "127.0.0.1", "127.0.0.1", Channel::Plain),
        ("127.0.0.1", "192.0.2.1", "192.0.2.1", Channel::Plain),
    ] {
        let (guard, request) = (guard(proxies), request(peer, &headers));
        assert_eq!(guard.client(&request), Some(client.parse().unwrap()), "{proxies} {peer}");
        assert_eq!(guard.channel(&request), channel, "{proxies} {peer}");
    }
    assert_eq!(guard("127.0.0.1").client(&request("socket", &headers)), None);
    for last in ["http", "https, http", "", "httpsx"] {
        let request = request("127.0.0.1", &[("X-Forwarded-Proto", last)]);
        assert_eq!(guard("127.0.0.1").channel(&request), Channel::Plain, "{last}");
    }
}

#[test]
fn a_proxy_that_is_not_trusted_cannot_name_the_host() {
    let headers = [
        ("Origin", "https://jobs.example.org"),
        ("Host", "127.0.0.1:9477"),
        ("X-Forwarded-Host", "jobs.example.org"),
    ];
    let request = request("127.0.0.1", &headers);
    assert!(guard("127.0.0.1").same_origin(&request, None).is_ok());
    assert_eq!(guard("").same_origin(&request, None).unwrap_err().status, 403);
    let session = |proof| Session { proof, until: None };
    assert!(guard("").same_origin(&request, Some(&session(Proof::Bearer))).is_ok());
    assert!(guard("").same_origin(&request, Some(&session(Proof::Cookie))).is_err());
}

#[test]
fn only_right_after_the_start_somebody_waits_for_the_keys() {
    let ring = KeyRing::default();
    let mut guard = Guard::new(Clock::start(), Configured::empty(), None, ring);
    assert!((Duration::from_millis(1)..=PATIENCE).contains(&guard.patience()));
    guard.keys_by = guard.clock.now().steady;
    assert_eq!(guard.patience(), Duration::ZERO);
    let shown = request("192.0.2.1", &[("Authorization", "Bearer x")]);
    assert_eq!(guard.session(&shown).unwrap_err().status, 503);
    assert_eq!(guard.is_authenticated(&shown).unwrap_err().status, 503);
    assert_eq!(guard.log_in(&shown, "", "").unwrap_err().status, 503);
    assert_eq!(guard.password().unwrap_err().status, 503);
}
