//! What a job is beside its schedule, as the API shows it (docs/api.md, Tasks): its process,
//! parameters, replicas, and where it is defined. Secrets are not among it, not even their names.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::event::Instance;
use crate::model::job::{Job, Source};
use crate::model::param::Param;
use crate::model::service::{HealthCheck, HttpTarget, Probe, Target};

#[derive(Debug, Default, Serialize)]
pub(super) struct Details<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    umask: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    env: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env_file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets_file: Option<&'a str>,
    /// `included` or `cron`, where it is not in the file of the daemon itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_file: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parameters: Vec<ParamJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    health_check: Option<HealthJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replicas: Vec<ReplicaJson>,
}

#[derive(Debug, Serialize)]
struct ParamJson<'a> {
    kind: &'static str,
    key: &'a str,
    r#type: &'static str,
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    choices: &'a [String],
    allow_custom: bool,
}

#[derive(Debug, Serialize)]
struct HealthJson<'a> {
    kind: &'static str,
    target: String,
    schedule: &'a str,
}

#[derive(Debug, Serialize)]
struct ReplicaJson {
    index: usize,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
    failed_starts: u32,
}

impl<'a> Details<'a> {
    pub(super) fn new(job: &'a Job, instances: &[Instance]) -> Details<'a> {
        let process = &job.process;
        let (source, source_file) = match &job.source {
            Source::Root => (None, None),
            Source::Included(path) => (Some("included"), Some(path.display().to_string())),
            Source::Crontab(path, line) => {
                (Some("cron"), Some(format!("{}:{line}", path.display())))
            }
        };
        let user = process.user.as_ref().map(|run_as| match &run_as.group {
            Some(group) => format!("{}:{group}", run_as.user),
            None => run_as.user.clone(),
        });
        let service = job.service();
        Details {
            user,
            umask: process.umask.map(|umask| format!("{umask:03o}")),
            env: process
                .env
                .iter()
                .map(|(key, value)| (key.clone(), value.as_str().into()))
                .collect(),
            env_file: process.env_file.as_deref(),
            secrets_file: process.secrets_file.as_deref(),
            source,
            source_file,
            parameters: job
                .task()
                .map_or(&[][..], |task| &task.params)
                .iter()
                .map(ParamJson::of)
                .collect(),
            depends_on: service
                .map_or(&[][..], |it| &it.depends_on)
                .iter()
                .map(|it| it.as_str())
                .collect(),
            health_check: service.and_then(|it| it.health_check.as_deref()).map(HealthJson::of),
            replicas: instances.iter().enumerate().map(ReplicaJson::of).collect(),
        }
    }
}

impl<'a> ParamJson<'a> {
    fn of(param: &'a Param) -> ParamJson<'a> {
        ParamJson {
            kind: param.kind.as_str(),
            key: &param.key,
            r#type: if param.is_number { "number" } else { "string" },
            required: param.required,
            default: param.default.as_deref(),
            description: &param.description,
            choices: &param.choices,
            allow_custom: param.allow_custom,
        }
    }
}

impl<'a> HealthJson<'a> {
    fn of(check: &'a HealthCheck) -> HealthJson<'a> {
        let (kind, target) = match &check.probe {
            Probe::Command { run, .. } => ("command", run.to_string()),
            Probe::Http(HttpTarget { authority, path, .. }) => {
                ("http", format!("http://{authority}{path}"))
            }
            Probe::Tcp(Target { host, port }) => ("tcp", format!("{host}:{port}")),
        };
        HealthJson { kind, target, schedule: check.schedule.text() }
    }
}

impl ReplicaJson {
    fn of((index, instance): (usize, &Instance)) -> ReplicaJson {
        ReplicaJson {
            index,
            state: instance.state.as_str(),
            run_id: instance.run.map(|run| run.to_string()),
            failed_starts: instance.failed,
        }
    }
}
