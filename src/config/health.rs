//! `[services.NAME.health_check]`: how a replica is asked whether it is well
//! (docs/configuration.md, Health checks).

use std::sync::Arc;
use std::time::Duration;

use super::include::File;
use super::job::{Context, script};
use super::table::Table;
use super::{failures, process, task};
use crate::base::order;
use crate::base::sentence::quoted;
use crate::model::job::Backoff;
use crate::model::process::Process;
use crate::model::service::{HealthCheck, HttpTarget, Probe, Target};

const EVERY: &str = "@every 10s";
const TIMEOUT: Duration = Duration::from_secs(5);
const PROBES: [&str; 3] = ["run", "http", "tcp"];
/// What only a command has.
const OF_COMMANDS: [&str; 10] = [
    "failures",
    "working_dir",
    "shell",
    "umask",
    "env_base",
    "user",
    "env",
    "env_file",
    "secrets",
    "secrets_file",
];

pub(crate) fn read(
    service: &Table<'_>,
    process: &Process,
    file: &File<'_>,
    context: &Context<'_>,
) -> Option<Arc<HealthCheck>> {
    let table = service.table("health_check")?;
    let probe = probe(&table, process, file, context);
    let own_zone = task::own_zone(&table, context);
    let cron = table.text("cron").filter(|text| !text.is_empty()).unwrap_or(EVERY);
    let schedule = task::schedule_of(&table, cron, own_zone, context);
    let timeout = table.positive_duration("timeout");
    let attempts = table.number("retry_attempts", 0..=100).unwrap_or(2);
    let (delay, backoff) = task::retry_waits(&table);
    table.finish(|_, _| None);
    Some(Arc::new(HealthCheck {
        probe: probe?,
        schedule: schedule?,
        timeout: timeout.or(context.defaults.timeout).unwrap_or(TIMEOUT),
        attempts: u32::try_from(attempts).expect("at most 100"),
        delay: delay.unwrap_or(Duration::from_secs(5)),
        backoff: backoff.unwrap_or(Backoff::Constant),
    }))
}

/// What exactly one of three keys says.
fn probe(
    table: &Table<'_>,
    service: &Process,
    file: &File<'_>,
    context: &Context<'_>,
) -> Option<Probe> {
    let mut set: Vec<_> =
        PROBES.iter().filter_map(|key| Some((table.entry(key)?.key_at, *key))).collect();
    if table.is_recorded() {
        for key in PROBES {
            table.text(key);
        }
        failures::read(table, &context.defaults.failures);
        process::read(table, service, &file.around);
    }
    order::sort(&mut set);
    match set.as_slice() {
        [] => table.error_here("one is required of run, http, tcp"),
        [_, .., (_, last)] => table.misplaced(last, "only one of run, http, tcp may be set"),
        [_] => {}
    }
    let (_, key) = set.first()?;
    if *key == "run" {
        return Some(Probe::Command {
            run: script(table),
            failures: failures::read(table, &context.defaults.failures),
            process: process::read(table, service, &file.around),
        });
    }
    for other in OF_COMMANDS {
        if table.entry(other).is_some() {
            table.misplaced(other, format!("{other} is only valid together with run"));
        }
    }
    let text = table.filled_text(key)?;
    let (probe, form) = match *key {
        "http" => (http(text).map(Probe::Http), "e.g. \"http://127.0.0.1:8080/health\""),
        _ => (target(text).map(Probe::Tcp), "must be HOST:PORT, e.g. \"127.0.0.1:5432\""),
    };
    if probe.is_none() {
        table.error(key, format!("{} is not an address; {form}", quoted(text)));
    }
    probe
}

/// An address that begins with `http://`, without credentials; a fragment is not sent.
fn http(url: &str) -> Option<HttpTarget> {
    let is_plain = |byte: u8| byte.is_ascii_graphic();
    let rest = url.strip_prefix("http://").filter(|rest| rest.bytes().all(is_plain))?;
    let rest = rest.split('#').next().unwrap_or(rest);
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let at = target(authority).or_else(|| target(&format!("{authority}:80")))?;
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Some(HttpTarget { at, path, authority: authority.to_owned() })
}

/// `HOST:PORT`; IPv6 stands in brackets.
fn target(text: &str) -> Option<Target> {
    let (host, port) = text.rsplit_once(':')?;
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| is_number && *port > 0)?;
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_good = match inner {
        Some(inner) => inner.parse::<core::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(is_name),
    };
    is_good.then(|| Target { host: inner.unwrap_or(host).to_owned(), port })
}
