//! `[[notification_route]]`: which alerts go to whom beside the lists of the jobs.

use super::Channels;
use crate::base::glob;
use crate::base::sentence::quoted;
use crate::config::table::Table;
use crate::model::alert::{Kind, Kinds, Severity};
use crate::model::notifier::Route;

pub(super) fn read(root: &Table<'_>, channels: &Channels<'_>) -> Vec<Route> {
    let key = root.alias("notification_route", "route");
    let tables = root.tables(key, |_| None);
    tables.into_iter().map(|table| route(table, channels)).collect()
}

/// The kinds that a route may name. A secret that cannot be read is told in the feed alone.
fn kinds() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| *kind != Kind::Misconfigured)
}

fn route(table: Table<'_>, channels: &Channels<'_>) -> Route {
    let everything =
        Route { kinds: Kinds::default(), task: None, severity: Severity::Info, to: Vec::new() };
    let conditions = match table.table("match") {
        Some(conditions) => read_conditions(conditions, everything),
        None => {
            if !table.has("match") {
                table.error_here("match is required, e.g. match.kind = [\"run.failed\"]");
            }
            everything
        }
    };
    let notify = table.alias("notify", "notifiers");
    let to = channels.tokens(&table, notify);
    if !table.has(notify) {
        table.error_here("notify is required, e.g. notify = [\"inapp\"]");
    } else if to.is_some() && !table.has_items(notify) {
        table.error(notify, "notify is empty; name at least one notifier");
    }
    table.finish(|_, _| None);
    Route { to: to.unwrap_or_default(), ..conditions }
}

fn read_conditions(conditions: Table<'_>, everything: Route) -> Route {
    let key = conditions.alias("kind", "kinds");
    let items = conditions.list(key);
    let allowed = || kinds().map(Kind::as_str).collect::<Vec<_>>().join(", ");
    if !conditions.has(key) {
        conditions.error_here(format!("kind is required; must list some of {}", allowed()));
    } else if items.is_some() && !conditions.has_items(key) {
        conditions.error(key, format!("{key} is empty; must list some of {}", allowed()));
    }
    let mut listed = Kinds::default();
    for item in items.unwrap_or_default() {
        match kinds().find(|kind| kind.as_str() == item.text) {
            Some(kind) => listed = listed.with(Kinds::of(&[kind])),
            None => {
                let message = format!("{}; must be one of {}", quoted(item.text), allowed());
                conditions.error_at(item.at, key, message);
            }
        }
    }
    let task = conditions.filled_text("task");
    if let Some((pattern, flaw)) = task.and_then(|task| Some((task, glob::flaw(task)?))) {
        let message = format!("{} is not a pattern: {flaw}; e.g. \"db-*\"", quoted(pattern));
        conditions.error("task", message);
    }
    let words = Severity::ALL.map(|severity| (severity.as_str(), severity));
    let severity = conditions.choice("severity", &words);
    conditions.finish(|_, _| None);
    Route {
        kinds: listed,
        task: task.map(str::to_owned),
        severity: severity.unwrap_or(everything.severity),
        ..everything
    }
}
