//! `template_path`: read once, with the configuration, and checked, so that a flaw in it does not
//! show when something else has already failed (docs/notifications.md, Templates).

use std::sync::Arc;

use serde_json::Value;

use super::drivers::Type;
use crate::base::sentence::quoted;
use crate::base::template::Template;
use crate::config::surroundings::Surroundings;
use crate::config::table::Table;
use crate::model::notifier::NAMES;

/// The most bytes of one file.
const LIMIT: usize = 64 << 10;

pub(super) fn read(
    table: &Table<'_>,
    kind: Option<Type>,
    surroundings: &Surroundings<'_>,
) -> Option<Arc<str>> {
    let path = surroundings.resolve(table.filled_text("template_path")?);
    let shown = quoted(&path.to_string_lossy());
    let flaw = match (surroundings.read)(&path) {
        Ok(text) if text.len() > LIMIT => "it is larger than 64 KiB".to_owned(),
        Ok(text) => match flaw(&text, kind) {
            None => return Some(text.into()),
            Some(flaw) => flaw,
        },
        Err(reason) => reason,
    };
    table.error("template_path", format!("cannot use {shown}: {flaw}"));
    None
}

fn flaw(text: &str, kind: Option<Type>) -> Option<String> {
    let template = match Template::parse(text, &NAMES) {
        Ok(template) => template,
        Err(flaw) => return Some(flaw.to_string()),
    };
    let wanted = match kind {
        Some(Type::Slack) => "a JSON object",
        Some(Type::Webhook) => "JSON",
        Some(
            Type::Telegram
            | Type::Smtp
            | Type::Sendmail
            | Type::Discord
            | Type::Ntfy
            | Type::Gotify
            | Type::Pushover,
        )
        | None => return None,
    };
    let rendered = template.render(&sample, &|value| value.to_owned());
    match serde_json::from_str::<Value>(&rendered) {
        Ok(Value::Object(_)) => None,
        Ok(_) if kind == Some(Type::Webhook) => None,
        Ok(_) => Some(format!("what it makes of a sample alert is not {wanted}")),
        Err(error) => Some(format!("what it makes of a sample alert is not {wanted}: {error}")),
    }
}

/// A value for each name, none of which needs escaping. Numbers and switches may stand without
/// quotes.
fn sample(name: &str) -> String {
    match name {
        "exit_code" | "retry_attempt" | "replica_index" | "duration_ms" | "free_bytes"
        | "min_free_bytes" | "coalesced_count" => "1",
        "killed_task" | "coalesced_summary" => "true",
        _ => "sample",
    }
    .to_owned()
}
