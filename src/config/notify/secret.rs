//! A secret stands in the file, in a variable or in a file of its own: `X`, `X_env`, `X_file`,
//! exactly one of them. It is read when a message is sent. No value is ever repeated.

use std::path::PathBuf;

use super::is_web_address;
use crate::base::order;
use crate::config::dotenv;
use crate::config::surroundings::Surroundings;
use crate::config::table::Table;
use crate::model::notifier::{Secret, Source};

/// The three spellings: the value itself, a variable, a file.
pub(super) type Keys = [&'static str; 3];

pub(super) const WEBHOOK_URL: Keys = ["webhook_url", "webhook_url_env", "webhook_url_file"];
pub(super) const URL: Keys = ["url", "url_env", "url_file"];
pub(super) const BOT_TOKEN: Keys = ["bot_token", "bot_token_env", "bot_token_file"];
pub(super) const TOKEN: Keys = ["token", "token_env", "token_file"];
pub(super) const USER: Keys = ["user", "user_env", "user_file"];
pub(super) const PASSWORD: Keys = ["password", "password_env", "password_file"];

/// One that must be there.
pub(super) fn required(
    table: &Table<'_>,
    keys: Keys,
    surroundings: &Surroundings<'_>,
) -> Option<Secret> {
    if keys.iter().all(|key| !table.has(key)) {
        table.error_here(format!("one is required of {}", keys.join(", ")));
    }
    optional(table, keys, surroundings)
}

/// The same, of an address of the web.
pub(super) fn address(
    table: &Table<'_>,
    keys: Keys,
    surroundings: &Surroundings<'_>,
) -> Option<Secret> {
    let secret = required(table, keys, surroundings)?;
    if let Source::Value(url) = &secret.source
        && !is_web_address(url)
    {
        let message = "<hidden>; must be an absolute http or https URL, e.g. \"https://host/path\"";
        table.error(secret.key, message);
        return None;
    }
    Some(secret)
}

/// One that may be left out.
pub(super) fn optional(
    table: &Table<'_>,
    keys: Keys,
    surroundings: &Surroundings<'_>,
) -> Option<Secret> {
    let mut set: Vec<_> =
        keys.iter().filter_map(|key| Some((table.entry(key)?.key_at, *key))).collect();
    order::sort(&mut set);
    if let [_, .., (_, last)] = set.as_slice() {
        table.misplaced(last, format!("only one of {} may be set", keys.join(", ")));
    }
    let [value, variable, file] = keys;
    let sources = [
        (value, text(table, value).map(|text| Source::Value(text.to_owned()))),
        (variable, name(table, variable).map(|name| Source::Variable(name.to_owned()))),
        (file, text(table, file).map(|text| Source::File(path(text, surroundings)))),
    ];
    let mut found = sources.into_iter().filter_map(|(key, source)| Some((key, source?)));
    found.next().map(|(key, source)| Secret { key, source })
}

fn text<'a>(table: &Table<'a>, key: &'static str) -> Option<&'a str> {
    let text = table.filled_text(key)?;
    if text.contains(char::is_control) {
        table.error(key, "<hidden> contains a control character; remove it");
        return None;
    }
    Some(text)
}

/// What stands where a name should may well be the secret itself.
fn name<'a>(table: &Table<'a>, key: &'static str) -> Option<&'a str> {
    let name = table.filled_text(key)?;
    if !dotenv::is_name(name) {
        table.error(key, format!("<hidden>: {}", dotenv::Flaw::Name));
        return None;
    }
    Some(name)
}

/// What is relative starts at the data directory, which only the daemon knows.
fn path(text: &str, surroundings: &Surroundings<'_>) -> PathBuf {
    if text.starts_with("~/") { surroundings.resolve(text) } else { PathBuf::from(text) }
}
