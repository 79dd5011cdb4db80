//! `runwisp validate`: what the daemon would say about a configuration, without the daemon.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::base::escape::escape;
use crate::cli::args::Output;
use crate::cli::globals::{Globals, Origin};
use crate::cli::{Exit, Failure, Outcome, counted, document};
use crate::config::{self, Config, LoadError, Problem};
use crate::model::job::Kind;

pub(crate) fn run(
    globals: &Globals,
    positional: Option<PathBuf>,
    output: Output,
    now: Timestamp,
) -> Result<Outcome, Failure> {
    let flag = &globals.config;
    let path = match positional {
        Some(path) if flag.origin == Origin::Flag && path != flag.path => {
            return Err(Failure::Error(format!(
                "two different files are given: {} and --config {}",
                path.display(),
                flag.path.display()
            )));
        }
        Some(path) => path,
        None => flag.path.clone(),
    };
    let loaded = config::load(&path, now);
    match output {
        Output::Human => Ok(human(&loaded?)),
        Output::Json => Ok(json(&path.to_string_lossy(), loaded)),
    }
}

fn human(config: &Config) -> Outcome {
    let stdout = format!(
        "ok: {}: {}, {}, {}, timezone {}\n",
        escape(&config.path.to_string_lossy()),
        counted(count(config, Kind::Task), "task"),
        counted(count(config, Kind::Service), "service"),
        counted(config.notify.notifiers.len(), "notifier"),
        config.timezone
    );
    let stderr = config.warnings.iter().map(|warning| format!("{warning}\n")).collect();
    Outcome { stdout, stderr, exit: Exit::Success }
}

fn count(config: &Config, kind: Kind) -> usize {
    config.jobs.iter().filter(|job| job.kind() == kind).count()
}

fn json(path: &str, loaded: Result<Config, LoadError>) -> Outcome {
    let exit = if loaded.is_ok() { Exit::Success } else { Exit::Failure };
    let config = loaded.as_ref().ok();
    let errors = match &loaded {
        Ok(_) => Vec::new(),
        Err(LoadError::Unreadable(reason)) => {
            vec![Entry { message: reason, key: None, line: None, column: None }]
        }
        Err(LoadError::Invalid(problems)) => problems.0.iter().map(Entry::of).collect(),
    };
    let verdict = Verdict {
        schema_version: 1,
        valid: config.is_some(),
        config_path: path,
        timezone: config.map(|config| config.timezone.as_str()),
        timezone_source: config.map(|config| config.timezone_source.as_str()),
        tasks: config.map(|config| count(config, Kind::Task)),
        services: config.map(|config| count(config, Kind::Service)),
        warnings: config.map_or_else(Vec::new, |config| {
            config.warnings.iter().map(Problem::to_string).collect()
        }),
        errors,
    };
    Outcome { stdout: document(&verdict), stderr: String::new(), exit }
}

#[derive(Serialize)]
struct Verdict<'a> {
    schema_version: u32,
    valid: bool,
    config_path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone_source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tasks: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    services: Option<usize>,
    warnings: Vec<String>,
    errors: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

impl<'a> Entry<'a> {
    fn of(problem: &'a Problem) -> Entry<'a> {
        Entry {
            message: &problem.message,
            key: problem.key.as_deref(),
            line: Some(problem.line),
            column: Some(problem.column),
        }
    }
}
