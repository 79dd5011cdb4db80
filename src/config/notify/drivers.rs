//! `[[notifier]]`: a channel, what it speaks and to whom (docs/configuration.md, Notifications).

use std::sync::Arc;

use super::secret::{self, BOT_TOKEN, TOKEN, URL, USER, WEBHOOK_URL};
use super::{Channels, WITHOUT, address, mail, template};
use crate::base::sentence::quoted;
use crate::config::schema::Shape;
use crate::config::surroundings::Surroundings;
use crate::config::table::Table;
use crate::model::notifier::{Driver, Notifier, ParseMode};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Slack,
    Telegram,
    Smtp,
    Sendmail,
    Webhook,
    Discord,
    Ntfy,
    Gotify,
    Pushover,
}

impl Type {
    const WORDS: [(&str, Type); 9] = [
        ("slack", Type::Slack),
        ("telegram", Type::Telegram),
        ("smtp", Type::Smtp),
        ("sendmail", Type::Sendmail),
        ("webhook", Type::Webhook),
        ("discord", Type::Discord),
        ("ntfy", Type::Ntfy),
        ("gotify", Type::Gotify),
        ("pushover", Type::Pushover),
    ];

    fn as_str(self) -> &'static str {
        let word = Type::WORDS.iter().find(|(_, kind)| *kind == self);
        word.expect("every type has a word").0
    }

    /// The keys that not every type has.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Type::Slack => &["webhook_url", "webhook_url_env", "webhook_url_file", "channel"],
            Type::Telegram => &[
                "bot_token",
                "bot_token_env",
                "bot_token_file",
                "chat_id",
                "parse_mode",
                "api_url",
            ],
            Type::Smtp => &mail::SMTP_KEYS,
            Type::Sendmail => &mail::SENDMAIL_KEYS,
            Type::Webhook => &["url", "url_env", "url_file", "headers"],
            Type::Discord => &WEBHOOK_URL,
            Type::Ntfy => &["topic", "url", "token", "token_env", "token_file"],
            Type::Gotify => &["url", "token", "token_env", "token_file"],
            Type::Pushover => {
                &["token", "token_env", "token_file", "user", "user_env", "user_file", "api_url"]
            }
        }
    }

    /// What is wrong with a target behind the id of a notifier, if anything.
    pub(super) fn target_flaw(self, target: &str) -> Option<String> {
        match self {
            Type::Slack => (!is_slack_target(target))
                .then(|| "the target must start with # or @, e.g. \"#ops\"".to_owned()),
            Type::Telegram => target
                .contains(|letter: char| letter.is_whitespace() || letter.is_control())
                .then(|| "the target is no chat id; e.g. \"-1001234\"".to_owned()),
            Type::Smtp | Type::Sendmail => {
                address::mail_flaw(target).map(|flaw| format!("the target {flaw}"))
            }
            Type::Ntfy => (!is_topic(target)).then(|| format!("the target {TOPIC}")),
            Type::Pushover => (!target.bytes().all(|byte| byte.is_ascii_alphanumeric()))
                .then(|| "the target is no user or group key; use letters and digits".to_owned()),
            Type::Webhook | Type::Discord | Type::Gotify => Some(format!(
                "notifiers of type {} have no target to override; write the id alone",
                self.as_str()
            )),
        }
    }
}

/// Reads all of them; those that are wrong are declared too, so that nothing else is said about
/// lists that name them.
pub(super) fn read<'a>(
    root: &Table<'a>,
    surroundings: &Surroundings<'_>,
    channels: &mut Channels<'a>,
) -> Vec<Arc<Notifier>> {
    let key = root.alias("notifier", "notifiers");
    root.note("notifiers", || Shape::NamedAs("notifier"));
    let mut tables = Vec::new();
    if key == "notifier" {
        for table in root.tables(key, |entries| entries.get("id")?.get_ref().as_str()) {
            let id_at = table.entry("id").map_or(table.at(), |entry| entry.at);
            if !table.has("id") {
                table.error_here("id is required; give the notifier a name, e.g. id = \"ops\"");
            }
            tables.push((table.filled_text("id").unwrap_or_default(), id_at, table));
        }
    } else if let Some(notifiers) = root.table(key) {
        tables = notifiers.named_tables();
        for (id, at, table) in tables.iter().filter(|(id, ..)| id.trim().is_empty()) {
            table.error_at(*at, "id", format!("{} is blank; name the notifier", quoted(id)));
        }
    }
    let read = |(id, at, table)| notifier(id, at, table, surroundings, channels);
    tables.into_iter().filter_map(read).map(Arc::new).collect()
}

fn notifier<'a>(
    id: &'a str,
    id_at: usize,
    table: Table<'a>,
    surroundings: &Surroundings<'_>,
    channels: &mut Channels<'a>,
) -> Option<Notifier> {
    let kind = table.choice("type", &Type::WORDS);
    if kind.is_none() && table.text_or_nothing("type").is_none_or(str::is_empty) {
        let words = Type::WORDS.map(|(word, _)| word).join(", ");
        table.error_here(format!("type is required; must be one of {words}"));
    }
    if let Some(reason) = WITHOUT.filter(|_| kind.is_some()) {
        table.error("type", reason);
    }
    channels.declare(id, id_at, kind, &table);
    check_keys(&table, kind);
    let template = template::read(&table, kind, surroundings);
    if table.is_recorded() {
        Type::WORDS.iter().for_each(|(_, kind)| drop(driver(&table, *kind, surroundings)));
    }
    let driver = kind.and_then(|kind| driver(&table, kind, surroundings));
    table.finish(|_, _| None);
    Some(Notifier { id: id.to_owned(), driver: driver?, template })
}

/// Keys that belong to other types are no typing errors. Without a type none can be told.
fn check_keys(table: &Table<'_>, kind: Option<Type>) {
    let types_with = |key| {
        let has =
            |(word, other): &(&'static str, Type)| other.keys().contains(key).then_some(*word);
        Type::WORDS.iter().filter_map(has).collect::<Vec<_>>()
    };
    let mut seen: Vec<&str> = Vec::new();
    for key in Type::WORDS.iter().flat_map(|(_, other)| other.keys()) {
        let is_own = kind.is_some_and(|kind| kind.keys().contains(key));
        if is_own || seen.contains(key) || !table.has(key) {
            continue;
        }
        seen.push(key);
        table.entry(key);
        if kind.is_some() {
            let types = types_with(key).join(", ");
            table.misplaced(key, format!("{key} is only valid on notifiers of type {types}"));
        }
    }
}

fn driver(table: &Table<'_>, kind: Type, surroundings: &Surroundings<'_>) -> Option<Driver> {
    let required = |keys| secret::required(table, keys, surroundings);
    let address = |keys| secret::address(table, keys, surroundings);
    match kind {
        Type::Slack => {
            let (webhook_url, channel) = (address(WEBHOOK_URL), channel(table));
            Some(Driver::Slack { webhook_url: webhook_url?, channel })
        }
        Type::Telegram => {
            let bot_token = required(BOT_TOKEN);
            let chat_id = filled(table, "chat_id", "\"-1001234\"");
            let parse_mode = parse_mode(table);
            let api = address::base(table, "api_url");
            let api = api.unwrap_or_else(|| "https://api.telegram.org".to_owned());
            Some(Driver::Telegram { bot_token: bot_token?, chat_id: chat_id?, parse_mode, api })
        }
        Type::Discord => Some(Driver::Discord { webhook_url: address(WEBHOOK_URL)? }),
        Type::Webhook => {
            let (url, headers) = (address(URL), headers(table));
            Some(Driver::Webhook { url: url?, headers })
        }
        Type::Ntfy => {
            let url = address::base(table, "url").unwrap_or_else(|| "https://ntfy.sh".to_owned());
            let token = secret::optional(table, TOKEN, surroundings);
            Some(Driver::Ntfy { url, topic: topic(table)?, token })
        }
        Type::Gotify => {
            if !table.has("url") {
                table.error_here("url is required, e.g. url = \"https://push.example.org\"");
            }
            let (url, token) = (address::base(table, "url"), required(TOKEN));
            Some(Driver::Gotify { url: url?, token: token? })
        }
        Type::Pushover => {
            let (token, user) = (required(TOKEN), required(USER));
            let api = address::base(table, "api_url");
            let api = api.unwrap_or_else(|| "https://api.pushover.net".to_owned());
            Some(Driver::Pushover { token: token?, user: user?, api })
        }
        Type::Smtp => mail::smtp(table, surroundings).map(Driver::Smtp),
        Type::Sendmail => mail::sendmail(table, surroundings),
    }
}

/// A text without which a notifier makes no sense.
pub(super) fn filled<'a>(table: &Table<'a>, key: &'static str, example: &str) -> Option<String> {
    if !table.has(key) {
        table.error_here(format!("{key} is required, e.g. {key} = {example}"));
    }
    let text = table.filled_text(key)?;
    if text.contains(char::is_control) {
        table.error(key, format!("{} contains a control character; remove it", quoted(text)));
        return None;
    }
    Some(text.to_owned())
}

fn is_slack_target(text: &str) -> bool {
    text.starts_with(['#', '@']) && !text.contains(char::is_control)
}

fn channel(table: &Table<'_>) -> Option<String> {
    let channel = table.text("channel")?;
    if !is_slack_target(channel) {
        let message = format!("{}; must start with # or @, e.g. \"#ops\"", quoted(channel));
        table.error("channel", message);
        return None;
    }
    Some(channel.to_owned())
}

fn parse_mode(table: &Table<'_>) -> ParseMode {
    let words = [("HTML", ParseMode::Html), ("MarkdownV2", ParseMode::MarkdownV2)];
    let mode = table.choice("parse_mode", &words).unwrap_or(ParseMode::Html);
    if mode == ParseMode::MarkdownV2 && !table.has("template_path") {
        table.error("parse_mode", "\"MarkdownV2\" needs template_path; without one use \"HTML\"");
    }
    mode
}

const TOPIC: &str = "must be 1 to 64 letters, digits, \"_\" or \"-\"";

fn is_topic(text: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(is_good)
}

fn topic(table: &Table<'_>) -> Option<String> {
    let topic = filled(table, "topic", "\"my-alerts\"")?;
    if !is_topic(&topic) {
        table.error("topic", format!("{}; {TOPIC}", quoted(&topic)));
        return None;
    }
    Some(topic)
}

/// Their values are secrets.
fn headers(table: &Table<'_>) -> Vec<(String, String)> {
    let Some(table) = table.table("headers") else { return Vec::new() };
    table.note("*", || Shape::Text);
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, entry) in table.entries() {
        // A field name is a token (RFC 9110, 5.1).
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_good) {
            let message = "not the name of a header; use letters, digits and \"-\"";
            table.misplaced(name, message);
            continue;
        }
        if headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            table.misplaced(name, "this header is set twice; upper and lower case are the same");
            continue;
        }
        let Some(value) = entry.value.as_str() else {
            table.expected(name, entry, "string", "quote the value");
            continue;
        };
        if value.contains(char::is_control) {
            table.error(name, "<hidden> contains a control character; remove it");
            continue;
        }
        headers.push((name.to_owned(), value.to_owned()));
    }
    headers
}
