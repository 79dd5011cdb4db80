//! What the stages make of whole files, against docs/configuration.md. No test reads the host.

mod access;
mod alerts;
mod crontabs;
mod errors;
mod failures;
mod includes;
#[cfg(feature = "notify")]
mod notifications;
#[cfg(feature = "notify")]
mod notifiers;
mod params;
mod processes;
mod services;
mod substitution;
mod values;
mod warnings;

use std::path::Path;

use jiff::tz::{TimeZone, offset};

use super::surroundings::{NoZone, Surroundings};
use super::{Config, Problems};
use crate::model::job::{Job, Task};
use crate::model::service::Service;

/// Reads a text as `/etc/rw/c.toml` on a host with two zones and a few files.
fn read(text: &str) -> Result<Config, Problems> {
    let surroundings = Surroundings {
        file: "c.toml",
        directory: Path::new("/etc/rw"),
        home: Some(Path::new("/home/me")),
        now: "2026-01-01T00:00:00Z".parse().unwrap(),
        zone: &|name| match name {
            "Europe/Vienna" => Ok(TimeZone::fixed(offset(1))),
            "Asia/Tokyo" => Ok(TimeZone::fixed(offset(9))),
            _ => Err(NoZone::Unknown),
        },
        local_zone: &|| TimeZone::fixed(offset(5)),
        env: &|name| match name {
            "SET" => Some("value".to_owned()),
            "EMPTY" => Some(String::new()),
            "TRICK" => Some("${SET} $${".to_owned()),
            "CRON" => Some("0 25 * * *".to_owned()),
            _ => None,
        },
        read: &|path| match path.to_str() {
            Some("/etc/rw/token") => Ok("  s3cret ${SET}\n\n".to_owned()),
            Some("/home/me/hook") => Ok("0123456789abcdef0123456789abcdef\n".to_owned()),
            Some("/etc/rw/common.env") => Ok("A=file\nB=file\n".to_owned()),
            Some("/home/me/own.env") => Ok("B=own\nC=own\n".to_owned()),
            Some("/etc/rw/bad.env") => Ok("A=1\nnonsense\n".to_owned()),
            Some("/etc/rw/plain.txt") => Ok("{{task}} {{verb}}: {{sentence|raw}}\n".to_owned()),
            Some("/etc/rw/object.json") => {
                Ok("{\"n\": {{exit_code}}, {{#tail}}\"t\": {{tail|json}}{{/tail}}}".to_owned())
            }
            Some("/etc/rw/list.json") => Ok("[\"{{title}}\"]".to_owned()),
            Some("/etc/rw/typo.txt") => Ok("one\n{{tsak}}\n".to_owned()),
            Some("/etc/rw/most.txt") => Ok("x".repeat(64 << 10)),
            Some("/etc/rw/large.txt") => Ok("x".repeat((64 << 10) + 1)),
            Some("/etc/rw/ca.pem") => Ok("-----BEGIN CERTIFICATE-----\nMII\n".to_owned()),
            _ => Err("no such file".to_owned()),
        },
        crontab: &|_, _| Err("no such file".to_owned()),
        entries: &|_| Ok(Vec::new()),
    };
    super::read(text, &surroundings)
}

fn good(text: &str) -> Config {
    read(text).unwrap_or_else(|problems| panic!("{text}\n{problems}"))
}

/// The problems without their file, `line:column: …`.
fn problems(text: &str) -> Vec<String> {
    let problems = read(text).err().map_or(Vec::new(), |problems| problems.0);
    problems.iter().map(|problem| short(problem.to_string())).collect()
}

fn short(line: String) -> String {
    line.strip_prefix("c.toml:").unwrap().to_owned()
}

fn job<'a>(config: &'a Config, name: &str) -> &'a Job {
    config.jobs.iter().find(|job| job.name.as_str() == name).unwrap()
}

fn task<'a>(config: &'a Config, name: &str) -> &'a Task {
    job(config, name).task().unwrap()
}

fn service<'a>(config: &'a Config, name: &str) -> &'a Service {
    job(config, name).service().unwrap()
}

/// `[tasks.t]` with a command and these lines, which start at line 3.
fn with_task(lines: &str) -> String {
    format!("[tasks.t]\nrun = \"true\"\n{lines}\n")
}

fn with_service(lines: &str) -> String {
    format!("[services.s]\nrun = \"true\"\n{lines}\n")
}
