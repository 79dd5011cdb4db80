//! The letter that `smtp` and `sendmail` send.

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder, MultiPart, SinglePart};

use super::Letter;
use super::mail_text::to_text;
use crate::model::notifier::Mail;
use crate::notify::Facts;
use crate::notify::message::Message;
use crate::notify::render::{escaped, html};

/// Text and HTML, with everybody's address; `Bcc` is no header.
pub(super) fn with_html(
    mail: &Mail,
    target: Option<&str>,
    letter: &Letter,
    facts: &Facts,
) -> Result<lettre::Message, String> {
    let html = letter.rendered(&|text| escaped(text, html));
    let html = html.unwrap_or_else(|| built_in(&letter.message));
    let parts = MultiPart::alternative()
        .singlepart(SinglePart::plain(to_text(&html)))
        .singlepart(SinglePart::html(html));
    let made = headers(mail, target, letter, facts)?.multipart(parts);
    made.map_err(|error| error.to_string())
}

/// Text alone, with `Bcc` as a header for the program that reads it.
pub(super) fn plain(
    mail: &Mail,
    target: Option<&str>,
    letter: &Letter,
    facts: &Facts,
) -> Result<lettre::Message, String> {
    let text = letter.rendered(&str::to_owned);
    let text = text.unwrap_or_else(|| to_text(&built_in(&letter.message)));
    let made = headers(mail, target, letter, facts)?
        .keep_bcc()
        .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(text));
    made.map_err(|error| error.to_string())
}

fn headers(
    mail: &Mail,
    target: Option<&str>,
    letter: &Letter,
    facts: &Facts,
) -> Result<MessageBuilder, String> {
    let host = host(facts);
    let mut made = lettre::Message::builder()
        .from(mailbox("from", &mail.from)?)
        .subject(letter.message.title.clone())
        .message_id(Some(format!("<{}@{host}>", letter.id)))
        .user_agent("runwisp-notify/1".to_owned())
        .date_now();
    match target {
        Some(target) => made = made.to(mailbox("to", target)?),
        None => {
            for address in &mail.to {
                made = made.to(mailbox("to", address)?);
            }
        }
    }
    for address in &mail.cc {
        made = made.cc(mailbox("cc", address)?);
    }
    for address in &mail.bcc {
        made = made.bcc(mailbox("bcc", address)?);
    }
    if let Some(address) = &mail.reply_to {
        made = made.reply_to(mailbox("reply_to", address)?);
    }
    // RFC 3834, 5, and what Exchange looks at: nobody is to answer that he is on holiday.
    for (name, value) in [("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")]
    {
        let name = HeaderName::new_from_ascii_str(name);
        made = made.raw_header(HeaderValue::new(name, value.to_owned()));
    }
    Ok(made)
}

/// The machine, where its name is one that mail knows.
pub(super) fn host(facts: &Facts) -> &str {
    let name = &facts.hostname;
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if !name.is_empty() && name.bytes().all(known) { name } else { "localhost" }
}

fn mailbox(key: &str, address: &str) -> Result<Mailbox, String> {
    if address.contains(['\r', '\n']) {
        return Err(format!("{key}: must be on one line"));
    }
    address.parse().map_err(|_| format!("{key}: {address:?} is not an address"))
}

fn built_in(message: &Message) -> String {
    let escaped = |text: &str| escaped(text, html);
    let mut page = format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n<h3>{}</h3>\n",
        escaped(&message.title_with_emoji())
    );
    let lines: Vec<_> = message.lines().map(escaped).collect();
    if !lines.is_empty() {
        page.push_str(&format!("<p>{}</p>\n", lines.join("<br>")));
    }
    if !message.tail.is_empty() {
        page.push_str(&format!("<pre>{}</pre>\n", escaped(&message.tail)));
    }
    if let Some(url) = message.link() {
        page.push_str(&format!(
            "<p><a href=\"{}\">{}</a></p>\n",
            escaped(url),
            message.link_name()
        ));
    }
    page.push_str(&format!("<p><small>{}</small></p>\n</body></html>\n", escaped(&message.footer)));
    page
}
