//! The notification tables: `[notify]`, `[[notifier]]` and `[[notification_route]]`. All of
//! it is checked; what is kept are the ids, because jobs name them
//! (docs/configuration.md, Notifications).

use std::collections::HashMap;
use std::time::Duration;

use super::dotenv;
use super::table::Table;
use crate::base::glob;
use crate::base::sentence::quoted;

/// The channel that is always there.
const IN_APP: &str = "inapp";
/// One attempt may take this long (docs/configuration.md, Notifications).
const ATTEMPT: Duration = Duration::from_secs(15);

const KINDS: [&str; 8] = [
    "run.started",
    "run.succeeded",
    "run.failed",
    "run.timeout",
    "run.stopped",
    "run.crashed",
    "notify.delivery_failed",
    "log.disk_pressure",
];

const WEBHOOK_URL: [&str; 3] = ["webhook_url", "webhook_url_env", "webhook_url_file"];
const BOT_TOKEN: [&str; 3] = ["bot_token", "bot_token_env", "bot_token_file"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Driver {
    Slack,
    Telegram,
}

impl Driver {
    const WORDS: [(&str, Driver); 2] = [("slack", Driver::Slack), ("telegram", Driver::Telegram)];

    /// The keys that only this type has.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Driver::Slack => &["webhook_url", "webhook_url_env", "webhook_url_file", "channel"],
            Driver::Telegram => {
                &["bot_token", "bot_token_env", "bot_token_file", "chat_id", "parse_mode"]
            }
        }
    }
}

/// The notifiers that the file declares.
#[derive(Default)]
pub(crate) struct Channels<'a> {
    /// In the order of the file.
    ids: Vec<&'a str>,
    /// By id: where it stands, and its type unless that is wrong.
    declared: HashMap<&'a str, (usize, Option<Driver>)>,
}

/// Reads all three tables.
pub(crate) fn read<'a>(root: &Table<'a>) -> Channels<'a> {
    let mut channels = Channels::default();
    let key = root.alias("notifier", "notifiers");
    if key == "notifier" {
        for table in root.tables(key, |entries| entries.get("id")?.get_ref().as_str()) {
            read_listed(table, &mut channels);
        }
    } else if let Some(notifiers) = root.table(key) {
        for (id, id_at, table) in notifiers.named_tables() {
            read_notifier(id, id_at, table, &mut channels);
        }
    }
    if let Some(table) = root.table("notify") {
        read_settings(table, &channels);
    }
    let key = root.alias("notification_route", "route");
    for table in root.tables(key, |_| None) {
        read_route(table, &channels);
    }
    channels
}

impl<'a> Channels<'a> {
    pub(crate) fn count(&self) -> usize {
        self.ids.len()
    }

    /// Checks a list of tokens, if there is one; answers how many it has.
    pub(crate) fn check(&self, table: &Table<'_>, key: &'static str) -> Option<usize> {
        let tokens = table.list(key)?;
        for token in &tokens {
            if let Some(flaw) = self.token_flaw(token.text) {
                table.error_at(token.at, key, format!("{}: {flaw}", quoted(token.text)));
            }
        }
        Some(tokens.len())
    }

    /// `ID` or `ID:TARGET`.
    fn token_flaw(&self, token: &str) -> Option<String> {
        let (id, target) = match token.split_once(':') {
            Some((id, target)) => (id.trim(), Some(target.trim())),
            None => (token.trim(), None),
        };
        if id == IN_APP {
            let flaw = "inapp has no target to override; write \"inapp\" alone";
            return target.map(|_| flaw.to_owned());
        }
        if target == Some("") {
            return Some(format!("target override is empty; write {} alone", quoted(id)));
        }
        let Some((_, driver)) = self.declared.get(id) else {
            let role = if target.is_some() { "parent notifier" } else { "notifier" };
            let ids: Vec<_> = std::iter::once(IN_APP).chain(self.ids.iter().copied()).collect();
            return Some(format!(
                "unknown {role} id {}; declared are {}",
                quoted(id),
                ids.join(", ")
            ));
        };
        match (driver, target) {
            (Some(Driver::Slack), Some(target)) if !is_slack_target(target) => {
                Some("the target must start with # or @, e.g. \"#ops\"".to_owned())
            }
            (Some(Driver::Slack | Driver::Telegram) | None, _) => None,
        }
    }
}

fn is_slack_target(text: &str) -> bool {
    text.starts_with(['#', '@'])
}

fn read_settings(table: Table<'_>, channels: &Channels<'_>) {
    let default_notifiers = table.alias("default_notifiers", "global_notifiers");
    channels.check(&table, default_notifiers);
    table.number("queue_size", 1..=1_000_000);
    let default_timeout = table.alias("default_timeout", "retry_budget");
    if table.positive_duration(default_timeout).is_some_and(|budget| budget < ATTEMPT) {
        table.warn(default_timeout, "below 15s there is one delivery attempt at most");
    }
    let history_keep = table.alias("history_keep", "keep_notifications");
    table.whole_number(history_keep, &(1..=i64::MAX), format_args!("must be 1 or more"));
    let history_keep_for = table.alias("history_keep_for", "keep_for");
    table.positive_duration(history_keep_for);
    table.duration("coalesce_window");
    let occurrence_ring = table.alias("occurrence_ring", "coalesce_limit");
    table.number(occurrence_ring, 1..=1000);
    table.switch("coalesce_outbound");
    table.finish(|_, _| None);
}

/// A `[[notifier]]`, which carries its id as a key.
fn read_listed<'a>(table: Table<'a>, channels: &mut Channels<'a>) {
    let id_at = table.entry("id").map_or(table.at(), |entry| entry.at);
    if !table.has("id") {
        table.error_here("id is required; give the notifier a name, e.g. id = \"ops\"");
    }
    let id = table.filled_text("id").unwrap_or_default();
    read_notifier(id, id_at, table, channels);
}

fn read_notifier<'a>(id: &'a str, id_at: usize, table: Table<'a>, channels: &mut Channels<'a>) {
    let driver = table.choice("type", &Driver::WORDS);
    if driver.is_none() && table.text_or_nothing("type").is_none_or(str::is_empty) {
        table.error_here("type is required; must be one of slack, telegram");
    }
    declare(id, id_at, driver, &table, channels);
    for (name, other) in Driver::WORDS {
        if driver.is_none() || driver == Some(other) {
            continue;
        }
        for key in other.keys().iter().filter(|key| table.entry(key).is_some()) {
            table.misplaced(key, format!("{key} is only valid on notifiers of type {name:?}"));
        }
    }
    match driver {
        Some(Driver::Slack) => read_slack(&table),
        Some(Driver::Telegram) => read_telegram(&table),
        // Whether its keys fit cannot be said; they are no typing errors for that.
        None => Driver::WORDS.iter().flat_map(|(_, driver)| driver.keys()).for_each(|key| {
            table.entry(key);
        }),
    }
    table.filled_text("template_path");
    table.finish(|_, _| None);
}

fn declare<'a>(
    id: &'a str,
    at: usize,
    driver: Option<Driver>,
    table: &Table<'_>,
    channels: &mut Channels<'a>,
) {
    if id == IN_APP {
        table.error_at(at, "id", "\"inapp\" is reserved; choose another id");
    } else if id.contains(':') {
        table.error_at(at, "id", format!("{} must not contain \":\"", quoted(id)));
    } else if let Some((first, _)) = channels.declared.get(id) {
        let line = table.report().line(*first);
        let message = format!("duplicate notifier id {}; first defined at line {line}", quoted(id));
        table.error_at(at, "id", message);
    } else if !id.is_empty() {
        channels.declared.insert(id, (at, driver));
        channels.ids.push(id);
    }
}

fn read_slack(table: &Table<'_>) {
    read_secret(table, WEBHOOK_URL);
    if let Some(url) = table.filled_text("webhook_url").filter(|url| !is_web_address(url)) {
        let message = format!(
            "{}; must be an absolute http or https URL, e.g. \"https://host/path\"",
            table.shown("webhook_url", url)
        );
        table.error("webhook_url", message);
    }
    if let Some(channel) = table.text("channel").filter(|channel| !is_slack_target(channel)) {
        let message = format!("{}; must start with # or @, e.g. \"#ops\"", quoted(channel));
        table.error("channel", message);
    }
}

fn read_telegram(table: &Table<'_>) {
    read_secret(table, BOT_TOKEN);
    table.filled_text("bot_token");
    if !table.has("chat_id") {
        table.error_here("chat_id is required, e.g. chat_id = \"-1001234\"");
    }
    table.filled_text("chat_id");
    let is_markdown = table.choice("parse_mode", &[("HTML", false), ("MarkdownV2", true)]);
    if is_markdown == Some(true) && !table.has("template_path") {
        table.error("parse_mode", "\"MarkdownV2\" needs template_path; without one use \"HTML\"");
    }
}

/// A secret stands in the file, in a variable or in a file of its own; exactly one of them.
fn read_secret(table: &Table<'_>, sources: [&'static str; 3]) {
    let names = sources.join(", ");
    let mut set: Vec<_> =
        sources.iter().filter_map(|key| Some((table.entry(key)?.key_at, *key))).collect();
    set.sort_unstable();
    match set.as_slice() {
        [] => table.error_here(format!("one is required of {names}")),
        [_] => (),
        [_, .., (_, last)] => table.misplaced(last, format!("only one of {names} may be set")),
    }
    let [_, variable, file] = sources;
    if let Some(name) = table.filled_text(variable).filter(|name| !dotenv::is_name(name)) {
        let message = format!("{}: {}", quoted(name), dotenv::Flaw::Name);
        table.error(variable, message);
    }
    table.filled_text(file);
}

/// Whether this is an absolute http or https URL with a host.
pub(crate) fn is_web_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let is_host = !host.is_empty() && !host.starts_with(':');
    is_host && !url.contains(|letter: char| letter.is_whitespace() || letter.is_control())
}

fn read_route(table: Table<'_>, channels: &Channels<'_>) {
    match table.table("match") {
        Some(conditions) => read_conditions(conditions),
        None if table.has("match") => (),
        None => table.error_here("match is required, e.g. match.kind = [\"run.failed\"]"),
    }
    let notify = table.alias("notify", "notifiers");
    let tokens = channels.check(&table, notify);
    match tokens {
        None if !table.has(notify) => {
            table.error_here("notify is required, e.g. notify = [\"inapp\"]")
        }
        Some(0) if !table.has_items(notify) => {
            table.error(notify, "notify is empty; name at least one notifier");
        }
        None | Some(_) => (),
    }
    table.finish(|_, _| None);
}

fn read_conditions(conditions: Table<'_>) {
    let kind = conditions.alias("kind", "kinds");
    match conditions.list(kind) {
        None if !conditions.has(kind) => {
            conditions
                .error_here(format!("kind is required; must list some of {}", KINDS.join(", ")));
        }
        Some(kinds) if kinds.is_empty() && !conditions.has_items(kind) => {
            conditions
                .error(kind, format!("{kind} is empty; must list some of {}", KINDS.join(", ")));
        }
        Some(kinds) => {
            for unknown in kinds.iter().filter(|item| !KINDS.contains(&item.text)) {
                let allowed = KINDS.join(", ");
                let message = format!("{}; must be one of {allowed}", quoted(unknown.text));
                conditions.error_at(unknown.at, kind, message);
            }
        }
        None => (),
    }
    let task = conditions.filled_text("task");
    if let Some((pattern, flaw)) = task.and_then(|task| Some((task, glob::flaw(task)?))) {
        let message = format!("{} is not a pattern: {flaw}; e.g. \"db-*\"", quoted(pattern));
        conditions.error("task", message);
    }
    conditions.choice("severity", &[("info", 0), ("warn", 1), ("error", 2)]);
    conditions.finish(|_, _| None);
}
