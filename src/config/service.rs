//! What only `[services.NAME]` has: replicas and the waits between their starts
//! (docs/configuration.md, Services).

use std::sync::Arc;
use std::time::Duration;

use super::problem::key_part;
use super::table::Table;
use super::task;
use crate::base::sentence::quoted;
use crate::model::job::Backoff;
use crate::model::service::{Restart, Service};

pub(crate) fn read(name: &str, table: &Table<'_>) -> Service {
    let instances = table.number("instances", 1..=64).unwrap_or(1);
    // Tasks have these two; services take them, but keep their replicas at `instances`.
    let (key, parallelism) = task::parallelism(table);
    if parallelism != 1 {
        table.warn(key, format!("{key} has no effect on a service; use instances"));
    }
    task::on_overlap(table);
    match table.text("restart") {
        None | Some("" | "always") => (),
        Some(other @ ("never" | "on_failure")) => {
            let path = key_part(name);
            let message = format!(
                "{}; a service is always restarted, use [tasks.{path}] instead",
                quoted(other)
            );
            table.error("restart", message);
        }
        Some(other) => table.error("restart", format!("{}; must be always", quoted(other))),
    }
    Service {
        instances: u16::try_from(instances).expect("at most 64"),
        restart_delay: table.duration("restart_delay").unwrap_or(Duration::from_secs(1)),
        restart_backoff: task::backoff(table, "restart_backoff").unwrap_or(Backoff::Exponential),
        restart: Restart::Always,
        healthy_after: Duration::from_secs(60),
        restart_attempts: 3,
        autostart: true,
        priority: 0,
        depends_on: Arc::new([]),
        health_check: None,
    }
}
