//! `runwisp list`: what the configuration defines, as a table or as JSON.

use std::sync::Arc;

use serde::Serialize;

use crate::cli::args::Output;
use crate::cli::table::Table;
use crate::cli::{Exit, Failure, Outcome, document};
use crate::config::{Config, LoadError};
use crate::cron::Schedule;
use crate::model::job::{Job, Overlap, Work};

/// The most characters of a description in the table.
const DESCRIPTION: usize = 50;
const HEADER: [&str; 6] = ["NAME", "SCHEDULE", "CONCURRENCY", "POLICY", "API", "DESCRIPTION"];

pub(crate) fn run(config: Result<Config, LoadError>, output: Output) -> Result<Outcome, Failure> {
    match (config, output) {
        (Ok(config), Output::Human) => Ok(Outcome::success(table(&config.jobs))),
        (Err(error), Output::Human) => Err(error.into()),
        (Ok(config), Output::Json) => Ok(Outcome::success(document(&Listing {
            schema_version: 1,
            tasks: config.jobs.iter().map(|job| Entry::of(job)).collect(),
            error: None,
        }))),
        (Err(error), Output::Json) => Ok(Outcome {
            stdout: document(&Listing {
                schema_version: 1,
                tasks: Vec::new(),
                error: Some(error.to_string()),
            }),
            stderr: String::new(),
            exit: Exit::Failure,
        }),
    }
}

fn table(jobs: &[Arc<Job>]) -> String {
    let mut table = Table::new(HEADER);
    jobs.iter().for_each(|job| table.row(row(job)));
    table.to_string()
}

fn row(job: &Job) -> [String; 6] {
    let (schedule, concurrency) = match &job.work {
        Work::Task(task) => {
            let text = task.schedule.as_deref().map_or("(manual)", Schedule::text);
            (text.to_owned(), task.parallelism)
        }
        Work::Service(service) => (format!("(service x{})", service.instances), 1),
    };
    [
        job.name.to_string(),
        schedule,
        concurrency.to_string(),
        policy(job).as_str().to_owned(),
        if job.api_trigger { "yes" } else { "no" }.to_owned(),
        short(&job.description),
    ]
}

/// A replica of a service that runs is never started a second time.
fn policy(job: &Job) -> Overlap {
    job.task().map_or(Overlap::Skip, |task| task.on_overlap)
}

/// The first line, cut where it is too long.
fn short(description: &str) -> String {
    let line = description.lines().next().unwrap_or_default();
    if line.chars().count() <= DESCRIPTION {
        return line.to_owned();
    }
    line.chars().take(DESCRIPTION - 3).chain("...".chars()).collect()
}

#[derive(Serialize)]
struct Listing<'a> {
    schema_version: u32,
    tasks: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    kind: &'static str,
    schedule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_concurrent: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instances: Option<u16>,
    on_overlap: &'static str,
    api_trigger: bool,
    description: &'a str,
    group: &'a str,
}

impl Entry<'_> {
    fn of(job: &Job) -> Entry<'_> {
        Entry {
            name: job.name.as_str(),
            kind: job.kind().as_str(),
            schedule: job.task().and_then(|task| task.schedule.as_deref()).map(Schedule::text),
            max_concurrent: job.task().map(|task| task.parallelism),
            instances: job.service().map(|service| service.instances),
            on_overlap: policy(job).as_str(),
            api_trigger: job.api_trigger,
            description: &job.description,
            group: &job.group,
        }
    }
}
