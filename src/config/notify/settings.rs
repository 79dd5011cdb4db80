//! `[notify]`: who is told by default, how long a delivery is tried, what the feed keeps.

use std::path::PathBuf;
use std::time::Duration;

use super::Channels;
use crate::base::sentence::quoted;
use crate::config::surroundings::Surroundings;
use crate::config::table::Table;
use crate::model::notifier::Settings;

/// One attempt may take this long (docs/configuration.md, Notifications).
const ATTEMPT: Duration = Duration::from_secs(15);
/// How a certificate begins (RFC 7468, 5.1).
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

pub(super) fn read(
    table: Table<'_>,
    surroundings: &Surroundings<'_>,
    channels: &Channels<'_>,
) -> Settings {
    let or = Settings::default();
    let default_notifiers = table.alias("default_notifiers", "global_notifiers");
    let default_notifiers = channels.tokens(&table, default_notifiers);
    let queue_size = table.number("queue_size", 1..=1_000_000);
    let default_timeout = table.alias("default_timeout", "retry_budget");
    let budget = table.positive_duration(default_timeout);
    if budget.is_some_and(|budget| budget < ATTEMPT) {
        table.warn(default_timeout, "below 15s there is one delivery attempt at most");
    }
    let history_keep = table.alias("history_keep", "keep_notifications");
    let history_keep =
        table.whole_number(history_keep, &(1..=i64::MAX), format_args!("must be 1 or more"));
    let history_keep_for = table.alias("history_keep_for", "keep_for");
    let history_keep_for = table.positive_duration(history_keep_for);
    let coalesce_window = table.duration("coalesce_window");
    let occurrence_ring = table.alias("occurrence_ring", "coalesce_limit");
    let occurrence_ring = table.number(occurrence_ring, 1..=1000);
    let coalesce_outbound = table.switch("coalesce_outbound");
    let ca_file = ca_file(&table, surroundings);
    table.finish(|_, _| None);
    let count = |number| usize::try_from(number).expect("ranges start at one");
    Settings {
        default_notifiers: default_notifiers.unwrap_or(or.default_notifiers),
        queue_size: queue_size.map_or(or.queue_size, count),
        budget: budget.unwrap_or(or.budget),
        history_keep: history_keep.map_or(or.history_keep, i64::unsigned_abs),
        history_keep_for: history_keep_for.unwrap_or(or.history_keep_for),
        coalesce_window: coalesce_window.unwrap_or(or.coalesce_window),
        coalesce_outbound: coalesce_outbound.unwrap_or(or.coalesce_outbound),
        occurrence_ring: occurrence_ring.map_or(or.occurrence_ring, count),
        ca_file,
    }
}

/// A file that is missing would show with the first alert that does not arrive; so it is looked
/// at now.
fn ca_file(table: &Table<'_>, surroundings: &Surroundings<'_>) -> Option<PathBuf> {
    let path = surroundings.resolve(table.filled_text("ca_file")?);
    let shown = quoted(&path.to_string_lossy());
    match (surroundings.read)(&path) {
        Ok(text) if text.contains(CERTIFICATE) => return Some(path),
        Ok(_) => table.error("ca_file", format!("{shown} holds no certificate in PEM form")),
        Err(reason) => table.error("ca_file", format!("cannot read {shown}: {reason}")),
    }
    None
}
