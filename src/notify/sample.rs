//! A message to see whether it arrives.

use jiff::{SignedDuration, Timestamp};

use crate::base::ulid::Ulid;
use crate::model::alert::{Alert, Delivery, Detail, EndFacts, Kind, More, RunFacts};
use crate::model::job;
use crate::model::run::{EndReason, Trigger};

/// Its name says what it is: everything about it is as in an alert.
const JOB: &str = "test-alert";

/// A failure that nobody had.
pub(crate) fn delivery(channel: &str, at: Timestamp, id: Ulid) -> Delivery {
    let start = at.checked_sub(SignedDuration::from_secs(12)).unwrap_or(at);
    let end = EndFacts {
        at,
        reason: EndReason::Failed,
        exit_code: 1,
        signal: None,
        message: None,
        cause: None,
    };
    let run = RunFacts {
        id,
        kind: job::Kind::Task,
        trigger: Trigger::Api,
        created_at: start,
        started_at: Some(start),
        retry_attempt: 0,
        replica: 0,
        end: Some(end),
    };
    let alert = Alert {
        kind: Kind::RunFailed,
        at,
        job: JOB.to_owned(),
        run: Some(run),
        detail: Detail::None,
    };
    let tail = "This is a test of the notifier: nothing has failed.".to_owned();
    Delivery { id, channel: channel.to_owned(), alert, tail, more: More::None }
}
