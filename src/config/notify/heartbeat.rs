//! `heartbeat`: a dead-man switch somewhere else, of one job or of the daemon
//! (docs/configuration.md, Heartbeats). Whoever knows the address can speak for the job, so it is
//! never repeated.

use std::time::Duration;

use super::{WITHOUT, address};
use crate::base::sentence::quoted;
use crate::config::table::Table;
use crate::model::notifier::Heartbeat;

const EVERY: Duration = Duration::from_secs(60);
const LEAST: Duration = Duration::from_secs(10);
const MOST: Duration = Duration::from_secs(86_400);

pub(crate) fn read(table: &Table<'_>) -> Option<Heartbeat> {
    let url = address::base(table, "heartbeat");
    if let Some(reason) = WITHOUT.filter(|_| table.has("heartbeat")) {
        table.error("heartbeat", reason);
    }
    url.map(|url| Heartbeat(url.into()))
}

/// The daemon's own, and how often it is told.
pub(crate) fn of_daemon(daemon: &Table<'_>) -> Option<(Heartbeat, Duration)> {
    let heartbeat = read(daemon);
    let every = daemon.positive_duration("heartbeat_every");
    if daemon.has("heartbeat_every") && !daemon.has("heartbeat") {
        daemon.misplaced("heartbeat_every", "heartbeat_every needs heartbeat");
    }
    if every.is_some_and(|every| !(LEAST..=MOST).contains(&every)) {
        let text = daemon.text_or_nothing("heartbeat_every").unwrap_or_default();
        let message = format!("{} is out of range; must be between 10s and 24h", quoted(text));
        daemon.error("heartbeat_every", message);
    }
    Some((heartbeat?, every.unwrap_or(EVERY)))
}
