//! What the answer of the other side, or the lack of one, comes to.

use std::fs;
use std::time::Duration;

use super::{ENOUGH, notifier, secret, send, send_to};
use crate::base::time::Clock;
use crate::model::alert::Kind;
use crate::model::notifier::{Driver, ParseMode, Secret, Source};
use crate::notify::receiver::{Certificate, Receiver, Reply, closed_port};
use crate::notify::{Facts, Outcome, fixtures};
use crate::store::scratch::Scratch;

fn slack(url: &str) -> Driver {
    Driver::Slack { webhook_url: secret(format!("{url}/services/s3cr3tpart")), channel: None }
}

fn answered(reply: Reply) -> Outcome {
    let receiver = Receiver::new([reply]);
    send(slack(&receiver.url()), &fixtures::facts(), ENOUGH)
}

fn retry(error: &str, seconds: Option<u64>) -> Outcome {
    Outcome::Retry { error: format!("slack:ops: {error}"), after: seconds.map(Duration::from_secs) }
}

// docs/notifications.md, Delivery.
#[test]
fn an_answer_is_done_later_or_never() {
    for (status, text) in [(200, "200 OK"), (202, "202 Accepted"), (204, "204 No Content")] {
        let reply = Reply::With(status, "", "");
        assert_eq!(answered(reply), Outcome::Delivered { answer: text.to_owned() });
    }
    for (status, text) in [
        (500, "500 Internal Server Error"),
        (503, "503 Service Unavailable"),
        (408, "408 Request Timeout"),
        (425, "425 Too Early"),
    ] {
        assert_eq!(answered(Reply::With(status, "", "")), retry(text, None));
    }
    for (status, text) in [
        (400, "400 Bad Request"),
        (404, "404 Not Found"),
        (418, "418 I'm a teapot"),
        (304, "304 Not Modified"),
    ] {
        let error = format!("slack:ops: {text}");
        assert_eq!(answered(Reply::With(status, "", "")), Outcome::Refused { error });
    }
}

#[test]
fn who_asks_to_wait_is_waited_for_a_minute_at_most() {
    for (headers, seconds) in [
        ("Retry-After: 7\r\n", 7),
        ("Retry-After: 3600\r\n", 60),
        ("Retry-After: -1\r\n", 0),
        ("Retry-After: soon\r\n", 0),
        ("Retry-After: Thu, 14 May 2020 15:11:34 GMT\r\n", 0),
        ("Retry-After: Thu, 14 May 2099 15:11:34 GMT\r\n", 60),
        ("", 0),
    ] {
        let expected = retry("429 Too Many Requests: busy", Some(seconds));
        assert_eq!(answered(Reply::With(429, headers, "busy")), expected, "{headers}");
    }
    let body = r#"{"ok":false,"parameters":{"retry_after":9}}"#;
    let receiver = Receiver::new([Reply::With(429, "Retry-After: 7\r\n", body)]);
    let telegram = Driver::Telegram {
        bot_token: secret("123:s3cr3t"),
        chat_id: "1".to_owned(),
        parse_mode: ParseMode::Html,
        api: receiver.url(),
    };
    let outcome = send(telegram, &fixtures::facts(), ENOUGH);
    let Outcome::Retry { after, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(after, Some(Duration::from_secs(9)));
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Receiver::new([Reply::Status(200)]);
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: {}/\r\n", elsewhere.url()).leak();
        let outcome = answered(Reply::With(status, location, ""));
        let Outcome::Refused { error } = &outcome else { panic!("{outcome:?}") };
        assert!(error.starts_with(&format!("slack:ops: {status} ")), "{error}");
    }
    assert!(!elsewhere.has_request());
}

#[test]
fn a_lost_way_is_tried_again() {
    let outcome =
        send(slack(&format!("http://127.0.0.1:{}", closed_port())), &fixtures::facts(), ENOUGH);
    assert_eq!(outcome, retry("connection refused", None));
    let outcome = answered(Reply::Cut);
    assert!(matches!(&outcome, Outcome::Retry { .. }), "{outcome:?}");
    let outcome = send(slack("http://nowhere.invalid"), &fixtures::facts(), ENOUGH);
    assert!(matches!(&outcome, Outcome::Retry { .. }), "{outcome:?}");
    let outcome = send(slack("http://127.0.0.1:9"), &fixtures::facts(), Duration::ZERO);
    assert_eq!(outcome, retry("no time left", None));
}

#[test]
fn silence_is_given_up() {
    let limit = Duration::from_millis(300);
    for (reply, error) in
        [(Reply::Hang, "no answer in time"), (Reply::HeadOnly(500), "500 Internal Server Error")]
    {
        let receiver = Receiver::new([reply]);
        let clock = Clock::start();
        let outcome = send(slack(&receiver.url()), &fixtures::facts(), limit);
        assert_eq!(outcome, retry(error, None));
        assert!(clock.now().steady < Duration::from_secs(5));
    }
}

#[test]
fn a_certificate_is_trusted_by_whoever_has_its_file() {
    let scratch = Scratch::new();
    let certificate = Certificate::new(scratch.path());
    let receiver = Receiver::with_tls([Reply::Status(200), Reply::Status(200)], &certificate);
    let refused = send(slack(&receiver.url()), &fixtures::facts(), ENOUGH);
    let Outcome::Retry { error, .. } = refused else { panic!("{refused:?}") };
    assert!(error.contains("certificate"), "{error}");
    let facts = Facts { ca_file: Some(certificate.file), ..fixtures::facts() };
    let answer = "200 OK".to_owned();
    assert_eq!(send(slack(&receiver.url()), &facts, ENOUGH), Outcome::Delivered { answer });

    let empty = scratch.path().join("empty.pem");
    fs::write(&empty, "nothing").unwrap();
    for (file, reason) in [
        (empty, "it holds no certificate"),
        (scratch.path().join("none.pem"), "no such file or directory"),
    ] {
        let error = format!("slack:ops: cannot use ca_file {}: {reason}", file.display());
        let facts = Facts { ca_file: Some(file), ..fixtures::facts() };
        assert_eq!(send(slack(&receiver.url()), &facts, ENOUGH), Outcome::Refused { error });
    }
}

#[test]
fn no_error_holds_a_secret() {
    let said = "unknown key s3cr3tpart, header-s3cret, at /services/s3cr3tpart\r\nmore\u{1b}[0m";
    let receiver = Receiver::new([Reply::With(403, "", said)]);
    let webhook = Driver::Webhook {
        url: secret(format!("{}/services/s3cr3tpart", receiver.url())),
        headers: vec![("X-Key".to_owned(), "header-s3cret".to_owned())],
    };
    let error = "webhook:ops: 403 Forbidden: unknown key [redacted], [redacted], at [redacted] \
                 more [0m"
        .to_owned();
    let outcome = send(webhook, &fixtures::facts(), ENOUGH);
    assert_eq!(outcome, Outcome::Refused { error });

    let long = "x".repeat(9000).leak();
    let outcome = answered(Reply::With(400, "", long));
    let Outcome::Refused { error } = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.chars().count(), 300);
}

#[test]
fn a_secret_that_is_not_there_fails_at_once() {
    let delivery = fixtures::delivery(Kind::RunFailed);
    let missing =
        Secret { key: "webhook_url_env", source: Source::Variable("NOBODY_SETS_THIS".to_owned()) };
    for (webhook_url, reason) in [
        (missing, "webhook_url_env: NOBODY_SETS_THIS is not set"),
        (secret("ftp://s3cr3t"), "the_key: must start with http:// or https://"),
        (secret("http://"), "slack:ops: http: "),
    ] {
        let notifier = notifier(Driver::Slack { webhook_url, channel: None }, None);
        let outcome = send_to(&notifier, None, &delivery);
        let Outcome::Refused { error } = outcome else { panic!("{outcome:?}") };
        assert!(error.starts_with("slack:ops: ") && error.contains(reason), "{error}");
    }
}
