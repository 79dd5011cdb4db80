//! A task or service as the API shows it (docs/api.md, Tasks): its effective settings and how it
//! stands. Commands, environments and tokens have no field here.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::base::time::rfc3339;
use crate::cron::Schedule;
use crate::model::event::{Standing, Switch};
use crate::model::job::{AfterFailure, Backoff, CatchUp, Job, OnFull, RunOnStart, Task};
use crate::model::service::Service;
use crate::web::json::details::Details;

/// `TaskResponse` of the schema. Durations are nanoseconds, sizes bytes; what has no value or no
/// meaning for the kind is left out.
#[derive(Debug, Default, Serialize)]
pub(crate) struct TaskJson<'a> {
    name: &'a str,
    kind: &'a str,
    api_trigger: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    group: &'a str,
    #[serde(flatten)]
    of_kind: OfKind<'a>,
    #[serde(flatten)]
    details: Details<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_for: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_runs: Option<u64>,
    /// 0 is no limit.
    log_max_size: u64,
    log_on_full: &'a str,
    graceful_stop: u64,
    stop_signal: &'a str,
    shell: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    working_dir: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_run_at: Option<String>,
    /// Only when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<bool>,
    /// Only when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<bool>,
    /// A replica failed to start too often.
    #[serde(skip_serializing_if = "Option::is_none")]
    fatal: Option<bool>,
    /// Who runs it instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_by: Option<&'static str>,
    /// Alerts of it go nowhere until then, which may be over.
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<String>,
}

/// What tasks have, or what services have.
#[derive(Debug, Default, Serialize)]
struct OfKind<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<&'a str>,
    /// Where it is not the zone of the whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catch_up: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_catch_up_runs: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_overlap: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallelism: Option<usize>,
    /// The same by its later name.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_concurrent: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue_max: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_on_start: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    healthy_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    autostart: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instances: Option<u16>,
    restart: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    restart_delay: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restart_backoff: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_delay: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_backoff: Option<&'a str>,
}

/// `TaskBrief` of the schema: a part of the task, for an overview.
#[derive(Debug, Serialize)]
pub(crate) struct TaskBrief<'a> {
    name: &'a str,
    api_trigger: bool,
    kind: &'a str,
    group: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    catch_up: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_overlap: Option<&'a str>,
    restart: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallelism: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instances: Option<u16>,
}

impl<'a> TaskJson<'a> {
    /// `timezone` is the zone of schedules that name none.
    pub(crate) fn new(job: &'a Job, standing: Option<&Standing>, timezone: &str) -> TaskJson<'a> {
        let switch = standing.map_or(Switch::On, |standing| standing.switch);
        TaskJson {
            name: job.name.as_str(),
            kind: job.kind().as_str(),
            api_trigger: job.api_trigger,
            description: &job.description,
            group: &job.group,
            of_kind: match (job.task(), job.service()) {
                (Some(task), _) => OfKind::of_task(task, timezone),
                (None, Some(service)) => OfKind::of_service(service),
                (None, None) => OfKind::default(),
            },
            details: Details::new(job, standing.map_or(&[], |standing| &standing.instances)),
            timeout: job.timeout.map(nanos),
            keep_for: job.keep.age.map(nanos),
            keep_runs: job.keep.runs,
            log_max_size: job.log.max.unwrap_or(0),
            log_on_full: match job.log.on_full {
                OnFull::DropOld => "drop_old",
                OnFull::DropNew => "drop_new",
                OnFull::KillTask => "kill_task",
            },
            graceful_stop: nanos(job.stop.grace),
            stop_signal: job.stop.signal.as_str(),
            shell: job.process.shell.to_string_lossy(),
            working_dir: job.process.working_dir.as_ref().map(|path| path.to_string_lossy()),
            next_run_at: standing.and_then(|standing| standing.next).map(rfc3339),
            paused: (switch == Switch::Paused).then_some(true),
            stopped: (switch == Switch::Stopped).then_some(true),
            fatal: (switch == Switch::Fatal).then_some(true),
            held_by: (switch == Switch::Held).then_some("cron"),
            muted_until: None,
        }
    }

    pub(crate) fn muted(self, until: Option<Timestamp>) -> TaskJson<'a> {
        TaskJson { muted_until: until.map(rfc3339), ..self }
    }
}

impl<'a> TaskBrief<'a> {
    pub(crate) fn of(job: &'a Job, timezone: &str) -> TaskBrief<'a> {
        let TaskJson { name, kind, api_trigger, group, of_kind, .. } =
            TaskJson::new(job, None, timezone);
        let OfKind { cron, catch_up, on_overlap, restart, parallelism, instances, .. } = of_kind;
        TaskBrief {
            name,
            api_trigger,
            kind,
            group,
            cron,
            catch_up,
            on_overlap,
            restart,
            parallelism,
            instances,
        }
    }
}

impl<'a> OfKind<'a> {
    fn of_task(task: &'a Task, timezone: &str) -> OfKind<'a> {
        let own_zone = match task.schedule.as_deref() {
            Some(Schedule::Cron(cron)) => Some(cron.zone_name()).filter(|name| *name != timezone),
            Some(Schedule::Every(_)) | None => None,
        };
        let (catch_up, cap) = match task.catch_up {
            CatchUp::Skip => ("skip", None),
            CatchUp::Latest => ("latest", None),
            CatchUp::All { cap } => ("all", Some(cap)),
        };
        let common = OfKind {
            cron: task.schedule.as_deref().map(Schedule::text),
            timezone: own_zone,
            catch_up: Some(catch_up),
            max_catch_up_runs: cap,
            on_overlap: Some(task.on_overlap.as_str()),
            parallelism: Some(task.parallelism),
            max_concurrent: Some(task.parallelism),
            queue_max: Some(task.max_queued),
            run_on_start: match task.run_on_start {
                RunOnStart::Never => None,
                RunOnStart::Daemon => Some("daemon"),
                RunOnStart::Boot => Some("boot"),
            },
            jitter: task.jitter.map(nanos),
            ..OfKind::default()
        };
        match task.after_failure {
            AfterFailure::Restart => OfKind { restart: "on_failure", ..common },
            AfterFailure::Retry { attempts, delay, backoff } => OfKind {
                restart: "never",
                retry_attempts: Some(attempts),
                retry_delay: Some(nanos(delay)),
                retry_backoff: Some(curve(backoff)),
                ..common
            },
        }
    }

    fn of_service(service: &Service) -> OfKind<'a> {
        OfKind {
            instances: Some(service.instances),
            restart: service.restart.as_str(),
            healthy_after: Some(nanos(service.healthy_after)),
            start_retries: Some(service.restart_attempts),
            autostart: Some(service.autostart),
            priority: Some(service.priority),
            restart_delay: Some(nanos(service.restart_delay)),
            restart_backoff: Some(curve(service.restart_backoff)),
            ..OfKind::default()
        }
    }
}

fn curve(backoff: Backoff) -> &'static str {
    match backoff {
        Backoff::Constant => "constant",
        Backoff::Linear => "linear",
        Backoff::Exponential => "exponential",
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config;
    use crate::store::scratch::{Scratch, at};

    #[test]
    fn a_job_is_shown_with_what_counts_for_it() {
        let scratch = Scratch::new();
        let file = scratch.path().join("runwisp.toml");
        let text = "[tasks.dump]\ndescription = 'all of it'\ncron = '30 2 * * *'\n\
             timezone = 'Europe/Prague'\ntimeout = '90s'\nretry_attempts = 2\nkeep_for = '1d'\nenv = { A = 'secret' }\n\
             working_dir = '/tmp'\nrun = 'secret'\n\
             [services.web]\ninstances = 3\napi_trigger = false\nrun = 'secret'\n";
        std::fs::write(&file, text).unwrap();
        let config = config::load(&file, at(0)).unwrap();
        let of = |place: usize, standing: Option<&Standing>| {
            serde_json::to_value(TaskJson::new(&config.jobs[place], standing, &config.timezone))
                .unwrap()
        };
        let name = config.jobs[0].name.clone();
        let standing = Standing {
            job: name,
            next: Some(at(5)),
            switch: Switch::Paused,
            instances: Vec::new(),
        };
        let expected = json!({
            "name": "dump", "kind": "task", "api_trigger": true, "description": "all of it",
            "group": "Tasks", "cron": "30 2 * * *", "timezone": "Europe/Prague",
            "catch_up": "latest", "on_overlap": "queue", "parallelism": 1, "max_concurrent": 1, "queue_max": 100,
            "restart": "never", "retry_attempts": 2, "retry_delay": 5_000_000_000u64,
            "retry_backoff": "constant", "timeout": 90_000_000_000u64,
            "log_max_size": 104_857_600, "log_on_full": "drop_old",
            "graceful_stop": 5_000_000_000u64, "stop_signal": "SIGTERM", "shell": "/bin/sh",
            "working_dir": "/tmp", "keep_for": 86_400_000_000_000u64, "keep_runs": 10_000,
            "next_run_at": "2026-05-07T12:00:05.000Z", "paused": true,
            "env": { "A": "secret" },
        });
        assert_eq!(of(0, Some(&standing)), expected);
        let standing = Standing { switch: Switch::Stopped, next: None, ..standing };
        let service = of(1, Some(&standing));
        for (field, value) in [
            ("kind", json!("service")),
            ("api_trigger", json!(false)),
            ("group", json!("Services")),
            ("instances", json!(3)),
            ("restart", json!("always")),
            ("restart_delay", json!(1_000_000_000)),
            ("restart_backoff", json!("exponential")),
            ("stopped", json!(true)),
        ] {
            assert_eq!(service[field], value, "{field}");
        }
        for absent in ["cron", "on_overlap", "parallelism", "next_run_at", "paused", "timeout"] {
            assert_eq!(service.get(absent), None, "{absent}");
        }
        assert!(!service.to_string().contains("secret"));
    }
}
