//! Gotify: a message of an application.

use serde::Serialize;

use super::{Letter, to_json};
use crate::model::alert::Severity;

#[derive(Serialize)]
struct Body<'a> {
    title: String,
    message: String,
    priority: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    extras: Option<Extras<'a>>,
}

#[derive(Serialize)]
struct Extras<'a> {
    #[serde(rename = "client::notification")]
    notification: Notification<'a>,
}

#[derive(Serialize)]
struct Notification<'a> {
    click: Click<'a>,
}

#[derive(Serialize)]
struct Click<'a> {
    url: &'a str,
}

/// What is posted. The result of a template is the message.
pub(super) fn body(letter: &Letter) -> String {
    let message = &letter.message;
    let extras = |url| Extras { notification: Notification { click: Click { url } } };
    to_json(&Body {
        title: message.title_with_emoji(),
        message: letter.push_text(),
        priority: match message.severity {
            Severity::Error => 8,
            Severity::Warn => 5,
            Severity::Info => 2,
        },
        extras: message.link().map(extras),
    })
}
