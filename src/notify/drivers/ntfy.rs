//! ntfy: a message to a topic.

use serde::Serialize;

use super::{Letter, to_json};
use crate::model::alert::Severity;

#[derive(Serialize)]
struct Body<'a> {
    topic: &'a str,
    title: String,
    message: String,
    priority: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    click: Option<&'a str>,
}

/// What is posted. The result of a template is the message.
pub(super) fn body(letter: &Letter, topic: &str) -> String {
    let message = &letter.message;
    to_json(&Body {
        topic,
        title: message.title_with_emoji(),
        message: letter.push_text(),
        priority: match message.severity {
            Severity::Error => 4,
            Severity::Warn => 3,
            Severity::Info => 2,
        },
        click: message.link(),
    })
}
