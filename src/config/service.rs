//! What only `[services.NAME]` has: replicas, the waits between their starts, and who starts
//! before whom (docs/configuration.md, Services).

use std::sync::Arc;

use super::include::File;
use super::inherit::Starts;
use super::job::Context;
use super::schema::Shape;
use super::table::Table;
use super::{health, task};
use crate::model::job::JobName;
use crate::model::process::Process;
use crate::model::service::{Restart, Service};

const RESTART: [(&str, Restart); 3] =
    [("always", Restart::Always), ("on_failure", Restart::OnFailure), ("never", Restart::Never)];

pub(crate) fn read(
    table: &Table<'_>,
    process: &Process,
    depends_on: Arc<[JobName]>,
    file: &File<'_>,
    context: &Context<'_>,
) -> Service {
    let instances = table.number("instances", 1..=64).unwrap_or(1);
    // Tasks have these two; services take them, but keep their replicas at `instances`.
    let (key, parallelism) = task::parallelism(table);
    if parallelism != 1 {
        table.warn(key, format!("{key} has no effect on a service; use instances"));
    }
    task::on_overlap(table);
    let starts = starts(table, context.defaults.starts);
    let health_check = health::read(table, process, file, context);
    if health_check.is_some() && starts.healthy_after.is_zero() {
        let message = "healthy_after is zero, which leaves no time for the first health check to \
                       pass; must be a positive duration";
        table.error("healthy_after", message);
    }
    // Reading the list is left to `depends`, which knows all services.
    table.note("depends_on", || Shape::List);
    table.entry("depends_on");
    let priority = table.number("priority", i64::from(i32::MIN)..=i64::from(i32::MAX));
    Service {
        instances: u16::try_from(instances).expect("at most 64"),
        restart: table.choice("restart", &RESTART).unwrap_or(Restart::Always),
        restart_delay: starts.delay,
        restart_backoff: starts.backoff,
        healthy_after: starts.healthy_after,
        restart_attempts: starts.attempts,
        autostart: table.switch("autostart").unwrap_or(true),
        priority: priority.map_or(0, |it| i32::try_from(it).expect("in its range")),
        depends_on,
        health_check,
    }
}

/// What `[defaults]` and services may say, and `or` where they say nothing.
pub(crate) fn starts(table: &Table<'_>, or: Starts) -> Starts {
    let healthy_after = table.alias("healthy_after", "backoff_reset_after");
    let attempts = table.number("restart_attempts", 0..=100);
    Starts {
        delay: table.duration("restart_delay").unwrap_or(or.delay),
        backoff: task::backoff(table, "restart_backoff").unwrap_or(or.backoff),
        healthy_after: table.duration(healthy_after).unwrap_or(or.healthy_after),
        attempts: attempts.map_or(or.attempts, |it| u32::try_from(it).expect("at most 100")),
    }
}
