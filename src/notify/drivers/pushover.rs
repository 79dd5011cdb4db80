//! Pushover: a message to a user or a group.

use serde::Serialize;

use super::{Letter, push_text, to_json};
use crate::model::alert::Severity;
use crate::notify::render::{fitted, raw};
use crate::notify::tail::last_bytes;

/// Characters that Pushover takes (pushover.net/api#limits).
const TITLE: usize = 250;
const MESSAGE: usize = 1024;

#[derive(Serialize)]
struct Body<'a> {
    token: &'a str,
    user: &'a str,
    title: String,
    message: String,
    priority: i8,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

/// What is posted. The result of a template is the message.
pub(super) fn body(letter: &Letter, token: &str, user: &str) -> String {
    let message = &letter.message;
    to_json(&Body {
        token,
        user,
        title: fitted(&message.title_with_emoji(), raw, TITLE),
        message: fitted(&short(letter), raw, MESSAGE),
        priority: match message.severity {
            Severity::Error | Severity::Warn => 0,
            Severity::Info => -1,
        },
        url: message.link(),
    })
}

/// The tail gives way to the rest.
fn short(letter: &Letter) -> String {
    let whole = letter.push_text();
    let over = whole.chars().count().saturating_sub(MESSAGE);
    let tail = &letter.message.tail;
    if over == 0 || tail.is_empty() || letter.template.is_some() {
        return whole;
    }
    // As many bytes are at least as many characters, and `…` takes three.
    let most = tail.char_indices().nth(over + 1).map_or(0, |(start, _)| tail.len() - start + 3);
    let tail = if most == 0 { String::new() } else { last_bytes(tail, most) };
    push_text(&letter.message, &tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alert::Kind;
    use crate::notify::fixtures;

    #[test]
    fn a_long_message_loses_its_tail_first() {
        let mut message = fixtures::message(Kind::RunFailed);
        message.tail = "é".repeat(150);
        for (length, kept) in [(800, 150), (900, 0), (830, 1)] {
            message.sentence = "x".repeat(length);
            let letter = Letter { message: message.clone(), id: fixtures::id(), template: None };
            let text = short(&letter);
            assert!(text.chars().count() <= MESSAGE, "{length}: {}", text.chars().count());
            assert!(text.ends_with("from runwisp · bright-falcon"), "{text}");
            assert!(text.matches('é').count() >= kept, "{length} {text}");
        }
        message.sentence = "x".repeat(2000);
        let letter = Letter { message, id: fixtures::id(), template: None };
        assert!(body(&letter, "t", "u").contains("xx…\""));
    }
}
