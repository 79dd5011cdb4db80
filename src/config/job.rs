//! One `[tasks.NAME]` or `[services.NAME]`: what both kinds have in common. What only one of
//! them has is read by `task` and `service` (docs/configuration.md, Tasks and Services).

use std::sync::Arc;
use std::time::Duration;

use super::inherit::Inherited;
use super::notify::{self, Channels};
use super::surroundings::{Surroundings, Zone, Zones};
use super::table::{Entry, Table};
use super::{Place, access, process, service, task};
use crate::model::job::{Job, JobName, Kind, Work};
use crate::model::notifier::Notify;

/// Linux takes no longer argument (MAX_ARG_STRLEN, execve(2)), less the closing NUL.
const SCRIPT_LIMIT: usize = 131_071;
const NAME_LIMIT: usize = 100;

/// What the other tables of the file say that matters to jobs.
pub(crate) struct Context<'a> {
    pub(crate) surroundings: &'a Surroundings<'a>,
    pub(crate) zones: Zones<'a>,
    pub(crate) zone: Zone,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) channels: Channels<'a>,
    pub(crate) notify: Notify,
    pub(crate) defaults: Inherited,
}

/// Reads a whole table. Whatever is wrong in it is reported, and stands for its default.
pub(crate) fn read(place: Place<'_>, depends_on: Arc<[JobName]>, context: &Context<'_>) -> Job {
    let Place { name, kind, table, file, .. } = place;
    let from = match kind {
        Kind::Task => context.defaults.clone(),
        // A limit meant for jobs that end would restart services for ever.
        Kind::Service => Inherited { timeout: None, ..context.defaults.clone() },
    };
    let own = from.overridden_by(&table, context.shutdown_timeout);
    let run = script(&table);
    let description = table.text("description").unwrap_or_default().to_owned();
    let group = table.text("group").filter(|group| !group.trim().is_empty());
    let api_trigger_key = table.alias("api_trigger", "manual_trigger");
    let api_trigger = table.switch(api_trigger_key).unwrap_or(true);
    let hooks = access::hooks(&table, kind);
    let alerts = notify::job::read(&table, kind, &own.alerts, &context.channels, &context.notify);
    let tells_missed = match kind {
        Kind::Task => table.switch("notify_on_missed").unwrap_or(own.tells_missed),
        Kind::Service => own.tells_missed,
    };
    let process = process::read(&table, &own.process, &file.around);
    let (work, heading) = match kind {
        Kind::Task => {
            let task = task::read(name, &table, api_trigger, &process, context);
            (Work::Task(task), "Tasks")
        }
        Kind::Service => {
            let service = service::read(&table, &process, depends_on, file, context);
            (Work::Service(service), "Services")
        }
    };
    table.finish(|key, entry| pointer(name, kind, key, entry));
    Job {
        name: JobName::new(name),
        source: file.source.clone(),
        description,
        group: group.map_or(heading.into(), |group| group.to_owned().into()),
        run,
        api_trigger,
        hooks,
        timeout: own.timeout,
        log: own.log,
        keep: own.keep,
        stop: own.stop,
        process,
        failures: own.failures,
        raises: notify::job::raises(name, &alerts, tells_missed, &context.notify),
        alerts,
        work,
    }
}

/// What is wrong with a name, if anything.
pub(crate) fn name_flaw(name: &str, kind: Kind) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_good = name.bytes().next().is_some_and(is_plain)
        && name.bytes().all(|byte| is_plain(byte) || b".:-".contains(&byte))
        && name.len() <= NAME_LIMIT;
    (!is_good).then(|| {
        format!(
            "not a valid {} name; use 1 to {NAME_LIMIT} letters, digits, \"_\", \"-\", \".\" or \
             \":\", the first one a letter, a digit or \"_\"",
            kind.as_str()
        )
    })
}

pub(super) fn script(table: &Table<'_>) -> Arc<str> {
    let Some(script) = table.text("run") else {
        // `[tasks.a.b]` alone is a name without quotes, not a task without a command.
        if !table.has("run") && !has_stray_table(table) {
            table.error_here("run command is required");
        }
        return "".into();
    };
    if script.trim().is_empty() {
        table.error("run", "run command is required; it is blank");
    } else if script.contains('\0') {
        table.error("run", "the command contains a NUL byte; remove it");
    } else if script.len() > SCRIPT_LIMIT {
        let length = script.len();
        let message = format!(
            "the command is too long ({length} bytes); at most {SCRIPT_LIMIT} bytes, put it into a file"
        );
        table.error("run", message);
    }
    script.into()
}

fn has_stray_table(table: &Table<'_>) -> bool {
    let entries = table.entries();
    let known = ["env", "secrets", "health_check", "expect"];
    entries.iter().any(|(key, entry)| !known.contains(key) && entry.value.is_table())
}

/// Where a key that is not known here belongs.
fn pointer(name: &str, kind: Kind, key: &str, entry: Entry<'_>) -> Option<String> {
    match (kind, key) {
        (
            Kind::Task,
            "instances"
            | "restart_delay"
            | "restart_backoff"
            | "healthy_after"
            | "backoff_reset_after"
            | "restart_attempts"
            | "autostart"
            | "priority"
            | "depends_on"
            | "health_check",
        ) => Some(format!("{key} is only valid on [services.*]")),
        (Kind::Service, "retry_attempts" | "retry_delay" | "retry_backoff") => Some(format!(
            "{key} is only valid on [tasks.*]; services have restart_delay and restart_backoff"
        )),
        (
            Kind::Service,
            "cron" | "timezone" | "catch_up" | "max_queued" | "queue_max" | "max_catch_up_runs"
            | "run_on_start" | "notify_on_missed" | "jitter" | "params",
        ) => Some(format!("{key} is only valid on [tasks.*]")),
        (Kind::Task | Kind::Service, _) => entry.value.is_table().then(|| {
            let full = format!("{name}.{key}");
            format!("a name with a dot must be quoted: [{}s.{full:?}]", kind.as_str())
        }),
    }
}
