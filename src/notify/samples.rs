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
