//! Tells a dead-man switch elsewhere that a job lives, in the way that Healthchecks made a habit
//! (docs/notifications.md, Heartbeats; healthchecks.io/docs/http_api).

use std::time::Duration;

use crate::base::ulid::Ulid;
use crate::model::notifier::Heartbeat;
use crate::notify::drivers::cleaned;
use crate::notify::redact::Redactor;
use crate::notify::transport::{self, Request};
use crate::notify::{Facts, Outcome};

/// The most that one ping may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most output that a ping carries; what is too long loses its front.
const BODY: usize = 10 * 1024;

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ping {
    pub(crate) what: What,
    pub(crate) run: Ulid,
    /// The last lines of output.
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Start,
    Success,
    Fail,
    /// The exit status; 0 is a success.
    Exit(u8),
}

/// One attempt of at most 10 s. No text of the outcome holds the URL.
pub(crate) fn ping(heartbeat: &Heartbeat, ping: &Ping, facts: &Facts) -> Outcome {
    let mut redactor = Redactor::default();
    redactor.hide_url(&heartbeat.0);
    let request = Request {
        url: address(&heartbeat.0, ping.what, ping.run),
        content_type: "text/plain; charset=utf-8",
        headers: Vec::new(),
        body: last_of(&ping.body).to_owned(),
    };
    cleaned(transport::post(request, facts, PATIENCE, |_| None), &redactor, "heartbeat: ")
}

fn address(url: &str, what: What, run: Ulid) -> String {
    let (path, query) = url.split_once('?').map_or((url, ""), |(path, query)| (path, query));
    let path = path.trim_end_matches('/');
    let path = match what {
        What::Success => path.to_owned(),
        What::Start => format!("{path}/start"),
        What::Fail => format!("{path}/fail"),
        What::Exit(code) => format!("{path}/{code}"),
    };
    let separator = if query.is_empty() { "" } else { "&" };
    format!("{path}?{query}{separator}rid={}", uuid(run))
}

/// The same 128 bits as RFC 9562 writes them.
fn uuid(id: Ulid) -> String {
    let hex = format!("{:032x}", id.bits());
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn last_of(text: &str) -> &str {
    let mut start = text.len().saturating_sub(BODY);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::notify::fixtures;
    use crate::notify::receiver::{Receiver, Reply};

    #[test]
    fn what_is_told_stands_in_the_path() {
        let id = fixtures::id();
        let rid = "rid=019e270a-8f40-0000-0000-00000000002a";
        for (url, what, address_) in [
            ("https://hc.example/abc", What::Start, format!("https://hc.example/abc/start?{rid}")),
            ("https://hc.example/abc", What::Success, format!("https://hc.example/abc?{rid}")),
            ("https://hc.example/abc", What::Fail, format!("https://hc.example/abc/fail?{rid}")),
            ("https://hc.example/abc", What::Exit(17), format!("https://hc.example/abc/17?{rid}")),
            ("http://x/a?k=v", What::Start, format!("http://x/a/start?k=v&{rid}")),
        ] {
            assert_eq!(address(url, what, id), address_);
        }
    }

    #[test]
    fn a_ping_carries_the_end_of_the_output_and_no_error_the_url() {
        let receiver = Receiver::new([Reply::Status(200), Reply::Status(404), Reply::Status(503)]);
        let heartbeat = Heartbeat(Arc::from(format!("{}/ping/s3cr3tuuid", receiver.url())));
        let body = format!("{}end", "é".repeat(BODY));
        let told = Ping { what: What::Exit(1), run: fixtures::id(), body };
        let facts = fixtures::facts();
        let answer = "200 OK".to_owned();
        assert_eq!(ping(&heartbeat, &told, &facts), Outcome::Delivered { answer });
        let request = receiver.request();
        assert!(request.head.starts_with("POST /ping/s3cr3tuuid/1?rid=019e"), "{request:?}");
        assert!(request.body.len() <= BODY && request.body.ends_with("éend"));
        assert!(request.head.contains("user-agent: runwisp-notify/1"), "{request:?}");
        let rid = "rid=019e270a-8f40-0000-0000-00000000002a";
        let error = format!("heartbeat: 404 Not Found: no [redacted]/1?{rid}");
        let refused = ping(&heartbeat, &told, &facts);
        assert_eq!(refused, Outcome::Refused { error });
        assert!(matches!(ping(&heartbeat, &told, &facts), Outcome::Retry { .. }));
    }
}
