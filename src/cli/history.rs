//! `runwisp history`: recent runs as a table, read from the database beside a running daemon or
//! without one.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::base::duration::brief;
use crate::base::time::rfc3339;
use crate::cli::args::Output;
use crate::cli::globals::Globals;
use crate::cli::table::Table;
use crate::cli::{Failure, Outcome, document, failed};
use crate::model::job::JobName;
use crate::model::run::{Phase, Run};
use crate::store::query::{Filter, State};
use crate::store::{self, Reader};

const HEAD: [&str; 7] = ["STARTED", "TASK", "OUTCOME", "EXIT", "DURATION", "TRIGGER", "RUN"];

pub(crate) fn run(
    globals: &Globals,
    task: Option<&str>,
    limit: u32,
    state: Option<State>,
    output: Output,
) -> Result<Outcome, Failure> {
    let reader = Reader::open(&globals.data.path.join(store::FILE_NAME)).map_err(failed)?;
    let states = state.map(|state| vec![state]);
    let filter = Filter { job: task.map(JobName::new), states, ..Filter::default() };
    let runs = reader.recent(&filter, limit).map_err(failed)?;
    Ok(Outcome::success(match output {
        Output::Human => shown(&runs, &TimeZone::try_system().unwrap_or(TimeZone::UTC)),
        Output::Json => {
            document(&History { schema_version: 1, runs: runs.iter().map(Row::from).collect() })
        }
    }))
}

fn shown(runs: &[Run], zone: &TimeZone) -> String {
    let mut table = Table::new(HEAD);
    for run in runs {
        let (began, ended) = times(run);
        let shown = began.unwrap_or(run.created_at).to_zoned(zone.clone());
        let took = began.zip(ended).map(|(began, ended)| took(began, ended));
        let (outcome, exit) = match &run.phase {
            Phase::Ended { end, .. } => (end.reason.as_str(), end.exit_code.to_string()),
            phase @ (Phase::Pending | Phase::Running { .. }) => (phase.as_str(), String::new()),
        };
        table.row([
            shown.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            run.job.to_string(),
            outcome.to_owned(),
            exit,
            took.map(brief).unwrap_or_default(),
            run.trigger.as_str().to_owned(),
            run.id.to_string(),
        ]);
    }
    table.to_string()
}

fn times(run: &Run) -> (Option<Timestamp>, Option<Timestamp>) {
    match run.phase {
        Phase::Pending => (None, None),
        Phase::Running { since } => (Some(since), None),
        Phase::Ended { since, at, .. } => (since, Some(at)),
    }
}

fn took(began: Timestamp, ended: Timestamp) -> Duration {
    // A clock that was set back in between makes it nothing.
    Duration::try_from(ended.duration_since(began)).unwrap_or_default()
}

#[derive(Serialize)]
struct History<'a> {
    schema_version: u32,
    runs: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: String,
    task_name: &'a str,
    kind: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<bool>,
    triggered_by: &'static str,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    retry_attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_of_run_id: Option<String>,
    replica_index: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_memory_bytes: Option<u64>,
}

impl<'a> From<&'a Run> for Row<'a> {
    fn from(run: &'a Run) -> Row<'a> {
        let (began, ended) = times(run);
        let end = match &run.phase {
            Phase::Ended { end, .. } => Some(end),
            Phase::Pending | Phase::Running { .. } => None,
        };
        let usage = end.and_then(|end| end.usage);
        Row {
            id: run.id.to_string(),
            task_name: run.job.as_str(),
            kind: run.kind.as_str(),
            status: run.phase.as_str(),
            end_reason: end.map(|end| end.reason.as_str()),
            exit_code: end.map(|end| end.exit_code),
            failed: end.map(|end| end.is_failure),
            triggered_by: run.trigger.as_str(),
            created_at: rfc3339(run.created_at),
            start_at: began.map(rfc3339),
            end_at: ended.map(rfc3339),
            duration_ms: began
                .zip(ended)
                .map(|(began, ended)| took(began, ended).as_millis() as u64),
            retry_attempt: run.retry_attempt,
            retry_of_run_id: run.retry_of.map(|id| id.to_string()),
            replica_index: run.replica,
            cpu_ms: usage.map(|usage| usage.cpu_ms),
            peak_memory_bytes: usage.map(|usage| usage.peak_memory),
            message: end.and_then(|end| end.message.as_deref()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::Kind;
    use crate::model::run::{End, EndReason, Trigger};

    const ID: &str = "01JTQ6V6Z9M3XK2B8N4C7D5E1F";

    fn run(job: &str, phase: Phase) -> Run {
        Run {
            id: ID.parse().unwrap(),
            job: JobName::new(job),
            kind: Kind::Task,
            trigger: Trigger::Cron,
            created_at: at("2026-05-07T01:00:00Z"),
            phase,
            retry_attempt: 0,
            retry_of: None,
            replica: 0,
            params: [].into(),
            config: 0,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn ended(since: Option<Timestamp>, at: Timestamp, reason: EndReason, exit_code: i32) -> Phase {
        let message = (exit_code < 0).then(|| "the cause".to_owned());
        Phase::Ended { since, at, end: End::unjudged(reason, exit_code, message) }
    }

    #[test]
    fn a_row_shows_what_is_known_of_its_run() {
        let since = at("2026-05-07T01:00:00.118Z");
        let runs = [
            run("backup", ended(Some(since), at("2026-05-07T01:02:05Z"), EndReason::Failed, 7)),
            run("back", ended(Some(since), at("2026-05-07T00:00:00Z"), EndReason::Success, 0)),
            run("skip", ended(None, since, EndReason::Skipped, -1)),
            run("now", Phase::Running { since }),
            run("later\u{1b}[2J", Phase::Pending),
        ];
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let expected = "\
STARTED              TASK          OUTCOME  EXIT  DURATION  TRIGGER  RUN
2026-05-07 03:00:00  backup        failed   7     2m4s      cron     01JTQ6V6Z9M3XK2B8N4C7D5E1F
2026-05-07 03:00:00  back          success  0     0ms       cron     01JTQ6V6Z9M3XK2B8N4C7D5E1F
2026-05-07 03:00:00  skip          skipped  -1              cron     01JTQ6V6Z9M3XK2B8N4C7D5E1F
2026-05-07 03:00:00  now           running                  cron     01JTQ6V6Z9M3XK2B8N4C7D5E1F
2026-05-07 03:00:00  later\\x1b[2J  pending                  cron     01JTQ6V6Z9M3XK2B8N4C7D5E1F
";
        assert_eq!(shown(&runs, &zone), expected);
    }

    #[test]
    fn json_leaves_out_what_is_not_known() {
        let since = at("2026-05-07T01:00:00.118Z");
        let row = |phase| serde_json::to_value(Row::from(&run("a", phase))).unwrap();
        let known = serde_json::json!({
            "id": ID, "task_name": "a", "kind": "task", "status": "pending",
            "triggered_by": "cron", "created_at": "2026-05-07T01:00:00.000Z",
            "retry_attempt": 0, "replica_index": 0,
        });
        assert_eq!(row(Phase::Pending), known);
        let end = row(ended(Some(since), at("2026-05-07T01:00:01Z"), EndReason::Failed, -1));
        assert_eq!(end["duration_ms"], 882);
        assert_eq!((&end["end_reason"], &end["exit_code"]), (&"failed".into(), &(-1).into()));
        assert_eq!(end["message"], "the cause");
    }
}
