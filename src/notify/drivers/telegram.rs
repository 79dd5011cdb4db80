//! Telegram: `sendMessage` of the Bot API, as a form.

use std::time::Duration;

use serde::Deserialize;

use super::Letter;
use crate::model::notifier::ParseMode;
use crate::notify::message::Message;
use crate::notify::render::{cut_markup, entities, escaped, form, html, markdown_v2, units};
use crate::notify::tail::last_bytes;

/// UTF-16 units of one message (core.telegram.org/bots/api#sendmessage).
const TEXT: usize = 4096;

/// What is posted.
pub(super) fn body(letter: &Letter, chat_id: &str, mode: ParseMode) -> String {
    let (name, text) = match mode {
        ParseMode::Html => {
            let text = letter.rendered(&|text| escaped(text, html));
            let text = text.map(|text| cut_markup(&text, TEXT));
            ("HTML", text.unwrap_or_else(|| built_in(&letter.message)))
        }
        ParseMode::MarkdownV2 => {
            // Without a template there is no such message; then plain text is one.
            let text = letter.rendered(&|text| escaped(text, markdown_v2));
            let text = text.unwrap_or_else(|| escaped(&letter.message.body(), markdown_v2));
            ("MarkdownV2", cut_markdown(&text))
        }
    };
    form(&[
        ("chat_id", chat_id),
        ("parse_mode", name),
        ("text", &text),
        ("disable_web_page_preview", "true"),
    ])
}

/// How long an answer asks to wait.
pub(super) fn wait(body: &str) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Answer {
        parameters: Parameters,
    }
    #[derive(Deserialize)]
    struct Parameters {
        retry_after: u64,
    }
    let answer: Answer = serde_json::from_str(body).ok()?;
    Some(Duration::from_secs(answer.parameters.retry_after))
}

fn built_in(message: &Message) -> String {
    let whole = with_tail(message, &message.tail);
    let over = units(&whole).saturating_sub(TEXT);
    if over == 0 {
        return whole;
    }
    // A byte of the tail is at most one unit of the text, and `…` takes three.
    let kept = message.tail.len().saturating_sub(over + 3);
    let tail = if kept == 0 { String::new() } else { last_bytes(&message.tail, kept) };
    cut_markup(&with_tail(message, &tail), TEXT)
}

fn with_tail(message: &Message, tail: &str) -> String {
    let escaped = |text: &str| escaped(text, entities);
    let mut text = format!("{} ", message.emoji);
    match message.title.strip_prefix(&*message.job).filter(|_| !message.verb.is_empty()) {
        Some(verb) if !message.job.is_empty() => {
            text.push_str(&format!("<b>{}</b>{}", escaped(&message.job), escaped(verb)));
        }
        Some(_) | None => text.push_str(&format!("<b>{}</b>", escaped(&message.title))),
    }
    text.push('\n');
    for line in message.lines() {
        text.push_str(&format!("\n{}", escaped(line)));
    }
    if !tail.is_empty() {
        text.push_str(&format!("\n<pre>{}</pre>", escaped(tail)));
    }
    if let Some(url) = message.link() {
        let url = crate::notify::render::escaped(url, html);
        text.push_str(&format!("\n<a href=\"{url}\">{}</a>", message.link_name()));
    }
    text.push_str(&format!("\n<i>{}</i>", escaped(&message.footer)));
    text
}

/// Plainly cut, without half an escape at the end.
fn cut_markdown(text: &str) -> String {
    if units(text) <= TEXT {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |letter: &char| {
        used += letter.len_utf16();
        used <= TEXT
    };
    let kept: String = text.chars().take_while(fits).collect();
    let escapes = kept.len() - kept.trim_end_matches('\\').len();
    format!("{}…", &kept[..kept.len() - escapes % 2])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::alert::Kind;
    use crate::notify::fixtures;

    #[test]
    fn a_long_message_loses_its_tail_first() {
        let mut message = fixtures::message(Kind::RunFailed);
        message.sentence = "&".repeat(750);
        message.tail = "x".repeat(300);
        let text = built_in(&message);
        assert!(units(&text) <= TEXT && text.contains("<pre>…xx"), "{text}");
        assert!(text.contains(&"&amp;".repeat(750)) && text.ends_with("</i>"), "{text}");
        message.sentence = "&".repeat(2000);
        let text = built_in(&message);
        assert!(units(&text) <= TEXT && text.ends_with("&amp;…"), "{text}");
        assert!(!text.contains("<pre>"), "{text}");
    }

    #[test]
    fn half_an_escape_is_not_left_behind() {
        assert_eq!(cut_markdown(&format!("{}\\.", "x".repeat(4094))).chars().count(), 4096);
        let cut = cut_markdown(&format!("{}\\..", "x".repeat(4094)));
        assert_eq!(cut, format!("{}…", "x".repeat(4094)));
    }

    #[test]
    fn the_wait_of_an_answer_is_found() {
        let body = r#"{"ok":false,"error_code":429,"parameters":{"retry_after":7}}"#;
        assert_eq!(wait(body), Some(Duration::from_secs(7)));
        assert_eq!(wait(r#"{"ok":false}"#), None);
        assert_eq!(wait("slow down"), None);
    }

    proptest! {
        #[test]
        fn no_value_can_write_markup(tail in "[<>&/pre\"a🐢\n]{0,300}", job: String) {
            let mut message = fixtures::message(Kind::RunFailed);
            message.tail = tail;
            message.title = format!("{job} failed");
            message.job = job;
            let text = built_in(&message);
            for tag in ["<b>", "</b>", "<pre>", "</pre>", "<a ", "</a>", "<i>", "</i>"] {
                prop_assert!(text.matches(tag).count() <= 1, "{text}");
            }
            let marks = text.matches('<').count();
            prop_assert_eq!(marks, text.matches('>').count());
            prop_assert!(marks <= 8 && units(&text) <= TEXT, "{text}");
        }
    }
}
