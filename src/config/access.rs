//! Who reaches the daemon from outside, and who may operate a job without the password
//! (docs/configuration.md, Daemon and Tasks). Tokens are never repeated in a message.

use core::net::Ipv6Addr;

use toml::de::DeValue;

use super::Metrics;
use super::notify::is_web_address;
use super::schema::Shape;
use super::table::{Entry, Table};
use crate::auth::proxy::Proxies;
use crate::base::sentence::quoted;
use crate::model::job::{Hook, Kind, Verb};

/// The form of `hook_tokens`, for the schema.
const TOKENS: &str = r#"{"type":"array","items":{"anyOf":[{"type":"string"},{"type":"object","properties":{"token":{"type":"string"},"allow":{"type":"array","items":{"type":"string"}}},"required":["token"],"additionalProperties":false}]}}"#;
/// The fewest characters of a hook token: what a random one needs to be beyond guessing.
const TOKEN_LETTERS: usize = 32;

/// `[daemon] external_url`, without a slash at its end.
pub(crate) fn external_url(daemon: &Table<'_>) -> Option<String> {
    let url = daemon.filled_text("external_url")?;
    if !is_web_address(url) || url.contains(['?', '#', '@', '\\']) {
        let message = format!(
            "{}; must be an absolute http or https URL without query and fragment, \
             e.g. \"https://jobs.example.org\"",
            quoted(url)
        );
        daemon.error("external_url", message);
        return None;
    }
    Some(url.trim_end_matches('/').to_owned())
}

/// `[daemon] metrics_enabled` and `metrics_listen`.
pub(crate) fn metrics(daemon: &Table<'_>) -> Metrics {
    let enabled = daemon.switch("metrics_enabled");
    let Some(listen) = daemon.filled_text("metrics_listen") else {
        return if enabled == Some(true) { Metrics::Port } else { Metrics::Off };
    };
    if enabled == Some(false) {
        daemon.misplaced("metrics_listen", "metrics_enabled is false; leave one of them out");
    }
    let (host, port) = listen.rsplit_once(':').unwrap_or_default();
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_plain = bare.is_some_and(|bare| bare.parse::<Ipv6Addr>().is_ok())
        || (!host.is_empty() && !host.contains([':', '[', ']', '/', ' ']));
    match port.parse() {
        Ok(port @ 1..) if is_plain => Metrics::Own { host: bare.unwrap_or(host).to_owned(), port },
        Ok(_) | Err(_) => {
            let wanted = "must be an address and a port, e.g. \"127.0.0.1:9464\" or \"[::1]:9464\"";
            daemon.error("metrics_listen", format!("{}; {wanted}", quoted(listen)));
            Metrics::Off
        }
    }
}

/// `[daemon] trusted_proxies`.
pub(crate) fn trusted_proxies(daemon: &Table<'_>) -> Proxies {
    let items = daemon.list("trusted_proxies").unwrap_or_default();
    for item in &items {
        if let Err(bad) = Proxies::read([item.text]) {
            daemon.error_at(item.at, "trusted_proxies", bad.to_string());
        }
    }
    Proxies::read(items.iter().map(|item| item.text)).unwrap_or_default()
}

/// `hook_tokens` of a job.
pub(crate) fn hooks(table: &Table<'_>, kind: Kind) -> Vec<Hook> {
    table.note("hook_tokens", || Shape::Is(TOKENS));
    let Some(entry) = table.entry("hook_tokens") else { return Vec::new() };
    let DeValue::Array(items) = entry.value else {
        table.expected("hook_tokens", entry, "array", r#"e.g. ["k3v9…"]"#);
        return Vec::new();
    };
    let read = |(index, item)| hook(table, index, Entry::item(item), kind);
    items.iter().enumerate().filter_map(read).collect()
}

fn hook(table: &Table<'_>, index: usize, item: Entry<'_>, kind: Kind) -> Option<Hook> {
    match item.value {
        DeValue::String(token) => {
            if let Some(flaw) = token_flaw(token) {
                table.error_at(item.at, "hook_tokens", flaw);
            }
            Some(Hook { token: token.to_string(), allow: verbs(kind).to_vec() })
        }
        DeValue::Table(entries) => {
            let own = table.item("hook_tokens", index, item.at, entries);
            let token = own.text("token");
            match token.map(token_flaw) {
                None if !own.has("token") => own.error_here("token is required"),
                Some(Some(flaw)) => own.error("token", flaw),
                None | Some(None) => {}
            }
            let allow = allow(&own, kind);
            own.finish(|_, _| None);
            Some(Hook { token: token?.to_owned(), allow })
        }
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_) => {
            let found = item.value.type_str();
            let message = format!(
                "expected string or table, found {found}; \
                 e.g. \"k3v9…\" or {{ token = \"k3v9…\", allow = [\"start\"] }}"
            );
            table.error_at(item.at, "hook_tokens", message);
            None
        }
    }
}

fn allow(table: &Table<'_>, kind: Kind) -> Vec<Verb> {
    let known = verbs(kind);
    let Some(words) = table.list("allow") else { return known.to_vec() };
    if words.is_empty() && !table.has_items("allow") {
        table.error("allow", "allow is empty; leave it out to allow everything");
    }
    let verb = |word: &str| known.iter().find(|verb| verb.as_str() == word).copied();
    for word in words.iter().filter(|word| verb(word.text).is_none()) {
        let names: Vec<_> = known.iter().map(|verb| verb.as_str()).collect();
        let message = format!("{}; must be one of {}", quoted(word.text), names.join(", "));
        table.error_at(word.at, "allow", message);
    }
    words.iter().filter_map(|word| verb(word.text)).collect()
}

/// What hooks can do. A service has no runs of its own to start.
fn verbs(kind: Kind) -> &'static [Verb] {
    const ALL: [Verb; 4] = [Verb::Run, Verb::Start, Verb::Stop, Verb::Restart];
    match kind {
        Kind::Task => &ALL,
        Kind::Service => &ALL[1..],
    }
}

fn token_flaw(token: &str) -> Option<String> {
    let is_good = token.chars().count() >= TOKEN_LETTERS && !token.contains(char::is_whitespace);
    (!is_good)
        .then(|| format!("<hidden>; a token has at least {TOKEN_LETTERS} characters and no blanks"))
}
