//! The daemon and its host: what it is, how busy the machine is, now and over time
//! (docs/api.md, Host).

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::base::time::rfc3339;
use crate::current::Current;
use crate::sampler::{Sample, Window};
use crate::web::context::{Context, Facts};
use crate::web::http::{Problem, Reply, Whole};
use crate::web::json::task::TaskBrief;
use crate::web::params::{Kind, Param};
use crate::web::router::Call;

pub(crate) static WINDOW: Param = Param {
    name: "window",
    about: "Only samples of 2 s (10m), all of the last hour (1h), or only those of the minutes (24h)",
    kind: Kind::Word(&["10m", "1h", "24h"]),
};

pub(crate) fn info(context: &Arc<Context>, _: &Call<'_>) -> Result<Reply, Problem> {
    Ok(Whole::json(200, &DaemonInfo::of(&context.facts, &context.current())).into())
}

pub(crate) fn stats(context: &Arc<Context>, _: &Call<'_>) -> Result<Reply, Problem> {
    Ok(Whole::json(200, &SystemStats::of(context, context.sampler.now())).into())
}

pub(crate) fn history(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let window = match call.values.text(&WINDOW) {
        Some("10m") => Window::TenMinutes,
        Some("1h") => Window::Hour,
        Some("24h") => Window::Day,
        Some(_) | None => Window::Both,
    };
    Ok(Whole::json(200, &context.sampler.history(window)).into())
}

#[derive(Serialize)]
struct DaemonInfo<'a> {
    version: &'static str,
    fingerprint: &'a str,
    port: u16,
    cloud_enabled: bool,
    tasks: Vec<TaskBrief<'a>>,
    capabilities: [Capability; 1],
    resolved_timezone: &'a str,
    timezone_source: &'static str,
    config_path: String,
    data_dir: String,
    started_at: String,
    config_loaded_at: String,
    config_stale: bool,
    service_managed: bool,
    scheduling_active: bool,
    auth_disabled: bool,
}

/// A way to execute something.
#[derive(Serialize)]
struct Capability {
    name: &'static str,
    available: bool,
}

/// `SystemStats` of the schema.
#[derive(Serialize)]
pub(crate) struct SystemStats<'a> {
    /// The daemon's own time: a client may have another one.
    now: String,
    cpu_usage: f64,
    mem_usage: f64,
    mem_total: u64,
    mem_used: u64,
    cpu_cores: usize,
    uptime: String,
    version: &'static str,
    name: &'static str,
    host: &'a str,
    os: &'static str,
    arch: &'static str,
    work_dir: String,
}

impl<'a> DaemonInfo<'a> {
    fn of(facts: &'a Facts, current: &'a Current) -> DaemonInfo<'a> {
        DaemonInfo {
            version: env!("CARGO_PKG_VERSION"),
            fingerprint: &facts.fingerprint,
            port: facts.port,
            cloud_enabled: false,
            tasks: current.jobs.iter().map(|job| TaskBrief::of(job, &current.timezone)).collect(),
            capabilities: [Capability { name: "shell", available: true }],
            resolved_timezone: &current.timezone,
            timezone_source: current.timezone_source,
            config_path: current.path.display().to_string(),
            data_dir: facts.data.display().to_string(),
            started_at: rfc3339(facts.started_at),
            config_loaded_at: rfc3339(current.loaded_at),
            config_stale: current.is_stale(),
            service_managed: facts.service_managed,
            scheduling_active: true,
            auth_disabled: false,
        }
    }
}

impl<'a> SystemStats<'a> {
    pub(crate) fn of(context: &'a Context, sample: Sample) -> SystemStats<'a> {
        let now = context.clock.now();
        SystemStats {
            now: rfc3339(now.wall),
            cpu_usage: sample.cpu,
            mem_usage: sample.mem,
            mem_total: sample.mem_total,
            mem_used: sample.mem_used,
            cpu_cores: context.sampler.cores(),
            uptime: uptime(now.steady),
            version: env!("CARGO_PKG_VERSION"),
            name: "runwisp",
            host: &context.facts.host,
            os: std::env::consts::OS,
            arch: match std::env::consts::ARCH {
                "x86_64" => "amd64",
                "aarch64" => "arm64",
                arch => arch,
            },
            work_dir: context.facts.work_dir.display().to_string(),
        }
    }
}

/// `42s`, `12m 5s`, `3h 12m`, `2d 3h`.
fn uptime(since: Duration) -> String {
    let seconds = since.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m {}s", seconds % 60),
        3600..86_400 => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_uptime_has_its_two_largest_units() {
        for (seconds, text) in [
            (0, "0s"),
            (42, "42s"),
            (60, "1m 0s"),
            (725, "12m 5s"),
            (3 * 3600 + 12 * 60 + 59, "3h 12m"),
            (2 * 86_400 + 3 * 3600 + 3599, "2d 3h"),
            (1000 * 86_400, "1000d 0h"),
        ] {
            assert_eq!(uptime(Duration::from_secs(seconds)), text);
        }
    }
}
