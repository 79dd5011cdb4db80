//! What the commands read of the API's documents; fields that they do not need are passed over.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::job::Backoff;

/// The longest wait between two attempts (docs/running.md, Retries).
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// `DaemonInfo`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Info {
    pub(crate) port: u16,
    pub(crate) resolved_timezone: String,
    pub(crate) timezone_source: String,
    /// Absent in a daemon that always schedules.
    pub(crate) scheduling_active: Option<bool>,
    pub(crate) config_stale: Option<bool>,
}

/// `TaskResponse`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) api_trigger: bool,
    pub(crate) cron: Option<String>,
    pub(crate) next_run_at: Option<String>,
    /// Who else runs it now.
    pub(crate) held_by: Option<String>,
    /// Absent where nothing is retried, as the next two.
    pub(crate) retry_attempts: Option<u32>,
    /// Nanoseconds.
    pub(crate) retry_delay: Option<u64>,
    pub(crate) retry_backoff: Option<String>,
}

impl Task {
    /// How long the daemon waits before attempt `n` (1, 2, …) of a task whose run failed; none
    /// when there is no such attempt (docs/running.md, Retries).
    pub(crate) fn wait_before(&self, n: u32) -> Option<Duration> {
        if n > self.retry_attempts.unwrap_or(0) {
            return None;
        }
        let backoff = match self.retry_backoff.as_deref() {
            Some("linear") => Backoff::Linear,
            Some("exponential") => Backoff::Exponential,
            Some(_) | None => Backoff::Constant,
        };
        let delay = Duration::from_nanos(self.retry_delay.unwrap_or(0));
        Some(backoff.wait(delay, n, LONGEST_WAIT))
    }
}

/// `Run`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) task_name: String,
    pub(crate) status: String,
    pub(crate) end_reason: Option<String>,
    /// An older daemon says it by the reason alone.
    pub(crate) failure: Option<bool>,
    pub(crate) exit_code: i32,
    pub(crate) triggered_by: String,
    pub(crate) start_at: Option<String>,
    pub(crate) end_at: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) retry_attempt: u32,
    pub(crate) retry_of_run_id: Option<String>,
}

/// `RunsResponseBody`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Runs {
    pub(crate) runs: Vec<Run>,
}

/// `StopRunOutputBody`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Message {
    pub(crate) message: String,
}

/// `LogLineEntry`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct LogLine {
    pub(crate) n: u64,
    /// Unix milliseconds.
    pub(crate) ts: i64,
    pub(crate) stream: String,
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) continued: bool,
}

/// `LogPageBody`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct LogPage {
    pub(crate) total_lines: u64,
}

/// `NotifySettings`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct NotifySettings {
    pub(crate) notifiers: Vec<Notifier>,
    pub(crate) channels: Vec<Channel>,
}

/// `Notifier`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Notifier {
    pub(crate) id: String,
    pub(crate) r#type: String,
    pub(crate) has_template: bool,
    pub(crate) used: bool,
}

/// `NotifyChannel`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Channel {
    pub(crate) channel: String,
    pub(crate) pending: u64,
    pub(crate) delivered: u64,
    pub(crate) failed: u64,
    pub(crate) attempts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_delivered_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_answer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_failed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) waiting_since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tried_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_try_at: Option<Timestamp>,
}

/// `NotifyTest`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Tested {
    pub(crate) delivered: bool,
    pub(crate) answer: String,
}

/// `TaskMute`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Mute {
    pub(crate) muted_until: Option<Timestamp>,
}
