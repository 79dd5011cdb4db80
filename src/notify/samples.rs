//! Alerts for tests.

use jiff::Timestamp;

use crate::base::ulid::Ulids;
use crate::model::alert::{Alert, Detail, EndFacts, Kind, RunFacts};
use crate::model::job;
use crate::model::run::{EndReason, Trigger};

pub(crate) fn failed(job: &str, at: Timestamp, exit_code: i32) -> Alert {
    ended(Kind::RunFailed, job, at, EndReason::Failed, exit_code)
}

pub(crate) fn succeeded(job: &str, at: Timestamp) -> Alert {
    ended(Kind::RunSucceeded, job, at, EndReason::Success, 0)
}

/// A replica that failed after two minutes.
pub(crate) fn replica(job: &str, at: Timestamp, exit_code: i32) -> Alert {
    let mut alert = failed(job, at, exit_code);
    if let Some(run) = &mut alert.run {
        run.kind = job::Kind::Service;
        run.started_at = Some(at - jiff::SignedDuration::from_mins(2));
    }
    alert
}

/// A replica that has run for long.
pub(crate) fn running(job: &str, at: Timestamp) -> Alert {
    let mut alert = Alert { kind: Kind::RunRecovered, ..replica(job, at, 0) };
    if let Some(run) = &mut alert.run {
        run.end = None;
    }
    alert
}

fn ended(kind: Kind, job: &str, at: Timestamp, reason: EndReason, exit_code: i32) -> Alert {
    let end = EndFacts { at, reason, exit_code, signal: None, message: None, cause: None };
    let run = RunFacts {
        id: Ulids::new(exit_code as u64).next(at),
        kind: job::Kind::Task,
        trigger: Trigger::Cron,
        created_at: at,
        started_at: Some(at),
        retry_attempt: 0,
        replica: 0,
        end: Some(end),
    };
    Alert { kind, at, job: job.to_owned(), run: Some(run), detail: Detail::None }
}
