//! What sets one configuration apart from another, as a reload reports and applies it
//! (docs/configuration.md, Reload).

use std::sync::Arc;

use crate::base::order;
use crate::model::job::{Job, JobName, Work};

/// By name, each list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) added: Vec<JobName>,
    /// With the keys that differ.
    pub(crate) changed: Vec<(JobName, Vec<&'static str>)>,
    pub(crate) removed: Vec<JobName>,
    /// What else is worth telling.
    pub(crate) notes: Vec<String>,
}

impl Difference {
    pub(crate) fn between(old: &[Arc<Job>], new: &[Arc<Job>]) -> Difference {
        let by_name = |jobs: &[Arc<Job>]| {
            let mut jobs = jobs.to_vec();
            order::sort_by(&mut jobs, |a, b| a.name.cmp(&b.name));
            jobs
        };
        let (old, new) = (by_name(old), by_name(new));
        let find = |jobs: &[Arc<Job>], name: &JobName| {
            jobs.binary_search_by(|job| job.name.cmp(name)).ok()
        };
        let mut difference = Difference::default();
        for job in &new {
            match find(&old, &job.name) {
                None => difference.added.push(job.name.clone()),
                Some(place) => {
                    let keys = keys(&old[place], job);
                    if !keys.is_empty() {
                        difference.changed.push((job.name.clone(), keys));
                    }
                }
            }
        }
        let is_gone = |job: &&Arc<Job>| find(&new, &job.name).is_none();
        difference.removed = old.iter().filter(is_gone).map(|job| job.name.clone()).collect();
        difference
    }
}

/// What of a job differs, by the keys of the file or what they are about.
pub(crate) fn keys(old: &Job, new: &Job) -> Vec<&'static str> {
    let mut keys = Vec::new();
    let mut note = |differs: bool, key| {
        if differs {
            keys.push(key);
        }
    };
    note(old.kind() != new.kind(), "kind");
    note(old.source != new.source, "file");
    note(old.description != new.description, "description");
    note(old.group != new.group, "group");
    note(old.run != new.run, "run");
    note(old.api_trigger != new.api_trigger, "api_trigger");
    note(old.hooks != new.hooks, "hook_tokens");
    note(old.timeout != new.timeout, "timeout");
    note(old.log != new.log, "log");
    note(old.keep != new.keep, "keep");
    note(old.stop != new.stop, "stop");
    let (before, after) = (&old.process, &new.process);
    note(before.env_base != after.env_base || before.env != after.env, "env");
    note(before.secrets != after.secrets, "secrets");
    note(before.working_dir != after.working_dir, "working_dir");
    note(before.shell != after.shell, "shell");
    note(before.user != after.user || before.umask != after.umask, "user");
    note(old.failures != new.failures, "failures");
    note(old.alerts != new.alerts || old.raises != new.raises, "alerts");
    match (&old.work, &new.work) {
        (Work::Task(old), Work::Task(new)) => {
            note(old.schedule != new.schedule, "schedule");
            note(old.catch_up != new.catch_up, "catch_up");
            note(old.parallelism != new.parallelism, "parallelism");
            let overlap = old.on_overlap != new.on_overlap || old.max_queued != new.max_queued;
            note(overlap, "on_overlap");
            note(old.after_failure != new.after_failure, "retries");
            note(old.run_on_start != new.run_on_start, "run_on_start");
            note(old.jitter != new.jitter, "jitter");
            note(old.params != new.params, "params");
        }
        (Work::Service(old), Work::Service(new)) => {
            note(old.instances != new.instances, "instances");
            let waits = old.restart_delay != new.restart_delay
                || old.restart_backoff != new.restart_backoff
                || old.restart_attempts != new.restart_attempts
                || old.healthy_after != new.healthy_after;
            note(old.restart != new.restart || waits, "restart");
            note(old.autostart != new.autostart || old.priority != new.priority, "autostart");
            note(old.depends_on != new.depends_on, "depends_on");
            note(old.health_check != new.health_check, "health_check");
        }
        (Work::Task(_), Work::Service(_)) | (Work::Service(_), Work::Task(_)) => {}
    }
    keys
}

/// Whether a replica that runs by the old definition has to make way for one of the new.
pub(crate) fn needs_new_process(keys: &[&'static str]) -> bool {
    const OF_A_PROCESS: [&str; 10] = [
        "run",
        "env",
        "secrets",
        "working_dir",
        "shell",
        "user",
        "timeout",
        "log",
        "stop",
        "health_check",
    ];
    keys.iter().any(|key| OF_A_PROCESS.contains(key))
}
