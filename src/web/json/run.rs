//! A run as the API shows it (docs/api.md, Runs).

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::time::rfc3339;
use crate::model::run::{Phase, Run};

/// `Run` of the schema.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RunJson {
    id: String,
    task_name: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<bool>,
    /// 0 until it has ended.
    exit_code: i32,
    triggered_by: &'static str,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_memory_bytes: Option<u64>,
    retry_attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_of_run_id: Option<String>,
    replica_index: u16,
    /// What it was given, by key; `null` was left out.
    #[serde(skip_serializing_if = "Map::is_empty")]
    params: Map<String, Value>,
    /// Said of a run that is asked for alone, and only where it is so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    has_snapshot: bool,
}

impl RunJson {
    /// One run, and whether it has a snapshot.
    pub(crate) fn alone(run: &Run, has_snapshot: bool) -> RunJson {
        RunJson { has_snapshot, ..RunJson::from(run) }
    }
}

impl From<&Run> for RunJson {
    fn from(run: &Run) -> RunJson {
        let (since, ended) = match &run.phase {
            Phase::Pending => (None, None),
            Phase::Running { since } => (Some(*since), None),
            Phase::Ended { since, at, end } => (*since, Some((*at, end))),
        };
        let usage = ended.and_then(|(_, end)| end.usage);
        RunJson {
            id: run.id.to_string(),
            task_name: run.job.to_string(),
            status: run.phase.as_str(),
            end_reason: ended.map(|(_, end)| end.reason.as_str()),
            failure: ended.map(|(_, end)| end.is_failure),
            exit_code: ended.map_or(0, |(_, end)| end.exit_code),
            triggered_by: run.trigger.as_str(),
            created_at: rfc3339(run.created_at),
            start_at: since.map(rfc3339),
            end_at: ended.map(|(at, _)| rfc3339(at)),
            message: ended.and_then(|(_, end)| end.message.clone()),
            cpu_ms: usage.map(|usage| usage.cpu_ms),
            peak_memory_bytes: usage.map(|usage| usage.peak_memory),
            retry_attempt: run.retry_attempt,
            retry_of_run_id: run.retry_of.map(|id| id.to_string()),
            replica_index: run.replica,
            params: run
                .params
                .iter()
                .map(|(key, value)| (key.clone(), value.clone().into()))
                .collect(),
            has_snapshot: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::run::{EndReason, Usage};
    use crate::store::scratch::{ended, pending};

    #[test]
    fn a_run_says_only_what_is_known_of_it() {
        let run = pending("backup", 0);
        assert_eq!(
            serde_json::to_value(RunJson::from(&run)).unwrap(),
            json!({
                "id": run.id.to_string(), "task_name": "backup", "status": "pending", "exit_code": 0,
                "triggered_by": run.trigger.as_str(), "created_at": rfc3339(run.created_at),
                "retry_attempt": 0, "replica_index": 0,
            })
        );
        let mut run = Run { retry_of: Some(run.id), ..ended("backup", 5, EndReason::Failed) };
        let Phase::Ended { since, at, end } = &mut run.phase else { unreachable!() };
        end.message = Some("failed to start: no such shell".to_owned());
        end.usage = Some(Usage { cpu_ms: 12, peak_memory: 4096 });
        let (since, at, code) = (since.map(rfc3339), rfc3339(*at), end.exit_code);
        assert_eq!(
            serde_json::to_value(RunJson::from(&run)).unwrap(),
            json!({
                "id": run.id.to_string(), "task_name": "backup", "status": "ended",
                "end_reason": "failed", "failure": true, "exit_code": code, "triggered_by": run.trigger.as_str(),
                "created_at": rfc3339(run.created_at), "start_at": since, "end_at": at,
                "message": "failed to start: no such shell", "cpu_ms": 12,
                "peak_memory_bytes": 4096, "retry_attempt": run.retry_attempt,
                "retry_of_run_id": run.retry_of.map(|id| id.to_string()), "replica_index": 0,
            })
        );
    }
}
