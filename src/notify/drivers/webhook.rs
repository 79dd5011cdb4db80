//! A webhook of one's own: JSON, or whatever a template makes.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::IgnoredAny;

use super::{Letter, json, json_text, to_json};
use crate::model::alert::{Detail, Kind, Severity};
use crate::model::run::Trigger;
use crate::notify::message::Message;
use crate::notify::transport::Request;
use crate::notify::values::{coalesced_count, is_summary};

#[derive(Serialize)]
struct Body<'a> {
    kind: Kind,
    severity: Severity,
    timestamp: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    task: &'a str,
    title: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    trigger: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Run<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    output_tail: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    coalesced_count: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    coalesced_summary: bool,
    #[serde(flatten)]
    more: More<'a>,
    id: String,
}

#[derive(Serialize)]
struct Run<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    triggered_by: Trigger,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    duration: &'a str,
}

/// What only some kinds have.
#[derive(Serialize)]
#[serde(untagged)]
enum More<'a> {
    Nothing {},
    Recovered { failures: u64, failing_since: String },
    Limit { timeout_ms: u128 },
    Expected { expected_ms: u128 },
    Output { output_bytes: u64, expected_bytes: u64 },
    Disk { free_bytes: u64, min_free_bytes: u64, killed_task: bool },
    Delivery { channel: &'a str, original_kind: Kind, error: &'a str },
    Secret { channel: &'a str, key: &'a str, error: &'a str },
}

/// What is posted. The result of a template is the body as it is.
pub(super) fn request(url: String, letter: &Letter) -> Request {
    let Some(body) = letter.rendered(&json_text) else {
        return json(url, built_in(letter));
    };
    let is_json = serde_json::from_str::<IgnoredAny>(&body).is_ok();
    let content_type = if is_json { "application/json" } else { "text/plain; charset=utf-8" };
    Request { content_type, ..json(url, body) }
}

fn built_in(letter: &Letter) -> String {
    let message = &letter.message;
    let run = message.run.as_ref().map(|run| Run {
        id: run.id.to_string(),
        exit_code: run.end.as_ref().map(|end| end.exit_code),
        triggered_by: run.trigger,
        url: message.run_url.as_deref(),
        duration: &message.duration,
    });
    to_json(&Body {
        kind: message.kind,
        severity: message.severity,
        timestamp: seconds(message.at),
        task: &message.job,
        title: &message.title,
        message: &message.sentence,
        trigger: &message.trigger,
        run,
        output_tail: &message.tail,
        reason: &message.reason,
        source: format!("runwisp ({})", message.fingerprint),
        coalesced_count: coalesced_count(message.more),
        coalesced_summary: is_summary(message.more),
        more: more(message),
        id: letter.id.to_string(),
    })
}

fn more(message: &Message) -> More<'_> {
    match &message.detail {
        Detail::None => More::Nothing {},
        Detail::Limit(time) => More::Limit { timeout_ms: time.as_millis() },
        Detail::AtMost(time) | Detail::AtLeast(time) => {
            More::Expected { expected_ms: time.as_millis() }
        }
        Detail::Recovered { failures, since } => {
            More::Recovered { failures: *failures, failing_since: seconds(*since) }
        }
        Detail::Output { bytes, expected } => {
            More::Output { output_bytes: *bytes, expected_bytes: *expected }
        }
        Detail::Disk { free, min, stopped } => {
            More::Disk { free_bytes: *free, min_free_bytes: *min, killed_task: *stopped }
        }
        Detail::Delivery { channel, original, error, .. } => {
            More::Delivery { channel, original_kind: *original, error }
        }
        Detail::Secret { notifier, key, error } => More::Secret { channel: notifier, key, error },
    }
}

/// `2026-05-14T15:11:04Z`.
fn seconds(at: Timestamp) -> String {
    format!("{at:.0}")
}
