//! `runwisp status`: a few questions to the daemon, made to be asked every second for ever. Only
//! `/health` decides; whatever else goes wrong leaves out what it would have told.

use serde::{Deserialize, Serialize};

use crate::base::escape::escape;
use crate::base::time::Clock;
use crate::cli::args::Output;
use crate::cli::ending::is_failure;
use crate::cli::globals::Globals;
use crate::cli::run::took_ms;
use crate::cli::{Exit, Outcome, document, door};
use crate::model::run::EndReason;
use crate::web::client::documents::{Info, Run, Runs, Task};
use crate::web::client::{self, Answer, Client, Deadline, Refusal, segment};

/// Exit 0 exactly when `/health` answered 200.
pub(crate) fn run(globals: &Globals, output: Output) -> Outcome {
    let deadline = Deadline { clock: Clock::start(), at: client::WHOLE };
    let reason = match client::health(&globals.host, globals.port, client::WHOLE) {
        Answer::Healthy | Answer::Said { status: 200, .. } => {
            let client = door::open_same_port(globals, Some(deadline)).ok();
            return Outcome::success(match output {
                Output::Human => block(globals.port, client.as_ref()),
                Output::Json => document(&report(globals.port, client.as_ref())),
            });
        }
        Answer::Said { status, .. } => format!("answered {status}"),
        Answer::Unreachable(reason) => reason,
    };
    let address = client::address(&globals.host, globals.port);
    let error = format!("RunWisp is not reachable at {address}: {reason}");
    let (stdout, stderr) = match output {
        Output::Human => (String::new(), format!("{error}\n")),
        Output::Json => {
            let report = Report { error: Some(error), ..Report::new(globals.port) };
            (document(&report), String::new())
        }
    };
    Outcome { stdout, stderr, exit: Exit::Failure }
}

/// What a person reads of a healthy daemon.
pub(crate) fn block(port: u16, client: Option<&Client>) -> String {
    let system: Option<System> = client.and_then(|client| client.get("/api/system").ok());
    let mut text = format!("RunWisp is healthy at :{port}\n");
    if let Some(system) = system {
        let cores = format!("{} cores", system.cpu_cores);
        for (name, value) in [
            ("Version:", &system.version),
            ("Uptime:", &system.uptime),
            ("CPU:", &cores),
            ("Host:", &system.host),
        ] {
            text.push_str(&format!("  {name:<9} {}\n", escape(value)));
        }
    }
    let info: Option<Info> = client.and_then(|client| client.get("/api/info").ok());
    if info.is_some_and(|info| info.config_stale == Some(true)) {
        text.push_str("  Config:   another one by now than was loaded: runwisp reload\n");
    }
    text
}

#[derive(Deserialize, Serialize)]
struct System {
    version: String,
    uptime: String,
    cpu_cores: u64,
    host: String,
    os: String,
    arch: String,
    name: String,
    work_dir: String,
}

/// What is not known is left out.
#[derive(Serialize)]
struct Report {
    schema_version: u32,
    healthy: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    port: u16,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    schedules: Option<Schedules>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<System>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tasks: Option<Vec<TaskReport>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Schedules {
    scheduling_active: bool,
    config_stale: bool,
    resolved_timezone: String,
    timezone_source: String,
}

#[derive(Serialize)]
struct TaskReport {
    name: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    api_trigger: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_run_at: Option<String>,
    /// `null` when it never ran.
    last_run: Option<LastRun>,
}

#[derive(Serialize)]
struct LastRun {
    id: String,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_reason: Option<String>,
    exit_code: i32,
    triggered_by: String,
    /// `null` while it waits, and when it never started.
    start_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    failed: bool,
    missed: bool,
}

impl Report {
    fn new(port: u16) -> Report {
        Report {
            schema_version: 1,
            healthy: false,
            version: None,
            port,
            schedules: None,
            system: None,
            tasks: None,
            error: None,
        }
    }
}

fn report(port: u16, client: Option<&Client>) -> Report {
    let mut report = Report { healthy: true, ..Report::new(port) };
    let Some(client) = client else { return report };
    report.system = client.get("/api/system").ok();
    report.version = report.system.as_ref().map(|system: &System| system.version.clone());
    report.schedules = client.get("/api/info").ok().map(|info: Info| Schedules {
        scheduling_active: info.scheduling_active.unwrap_or(true),
        config_stale: info.config_stale.unwrap_or(false),
        resolved_timezone: info.resolved_timezone,
        timezone_source: info.timezone_source,
    });
    report.tasks = tasks(client).ok();
    report
}

fn tasks(client: &Client) -> Result<Vec<TaskReport>, Refusal> {
    let tasks: Vec<Task> = client.get("/api/tasks")?;
    let with_run = |task: Task| {
        let path = format!("/api/tasks/{}/runs?limit=1", segment(&task.name));
        let found: Runs = client.get(&path)?;
        Ok(TaskReport {
            name: task.name,
            kind: task.kind,
            cron: task.cron,
            api_trigger: task.api_trigger,
            next_run_at: task.next_run_at,
            last_run: found.runs.into_iter().next().map(LastRun::from),
        })
    };
    tasks.into_iter().map(with_run).collect()
}

impl From<Run> for LastRun {
    fn from(run: Run) -> LastRun {
        let reason = run.end_reason.as_deref();
        LastRun {
            duration_ms: took_ms(&run),
            failed: run.failure.unwrap_or_else(|| reason.is_some_and(is_failure)),
            missed: reason == Some(EndReason::Missed.as_str()),
            id: run.id,
            status: run.status,
            end_reason: run.end_reason,
            exit_code: run.exit_code,
            triggered_by: run.triggered_by,
            start_at: run.start_at,
            end_at: run.end_at,
        }
    }
}
