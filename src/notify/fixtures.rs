//! What the tests of alerts share.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::ulid::Ulid;
use crate::model::alert::{Alert, Delivery, Detail, EndFacts, Kind, More, RunFacts};
use crate::model::job;
use crate::model::run::{Cause, EndReason, Trigger};
use crate::notify::Facts;
use crate::notify::message::Message;

/// What the documentation uses as its example.
pub(super) fn facts() -> Facts {
    Facts {
        external_url: Some("https://cron.example.net".to_owned()),
        fingerprint: "bright-falcon".to_owned(),
        hostname: "host.example".to_owned(),
        data: std::env::temp_dir(),
        ca_file: None,
    }
}

pub(super) fn facts_in(data: &Path) -> Facts {
    Facts { data: data.to_owned(), ..facts() }
}

/// `01KRKGN3T0000000000000001A`, of the second in which everything happens.
pub(super) fn id() -> Ulid {
    "01KRKGN3T0000000000000001A".parse().unwrap()
}

pub(super) fn zone() -> TimeZone {
    TimeZone::fixed(jiff::tz::offset(2))
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn alert(kind: Kind) -> Alert {
    let (reason, exit_code) = match kind {
        Kind::RunTimeout => (EndReason::Timeout, 143),
        Kind::RunCrashed => (EndReason::Crashed, -2),
        Kind::RunStopped => (EndReason::Stopped, 143),
        Kind::RunMissed => (EndReason::Missed, -1),
        Kind::ServiceUnhealthy => (EndReason::Unhealthy, 143),
        Kind::ServiceFatal => (EndReason::StartFailed, -1),
        Kind::RunSucceeded | Kind::RunRecovered | Kind::RunTooShort | Kind::RunTooQuiet => {
            (EndReason::Success, 0)
        }
        Kind::RunFailed
        | Kind::RunStarted
        | Kind::RunLate
        | Kind::RunTooLong
        | Kind::DiskPressure
        | Kind::DeliveryFailed
        | Kind::Misconfigured => (EndReason::Failed, 1),
    };
    let message = "3 scheduled runs missed since 2026-05-14 12:00";
    let end = EndFacts {
        at: at("2026-05-14T15:11:04Z"),
        reason,
        exit_code,
        signal: None,
        message: (kind == Kind::RunMissed).then(|| message.to_owned()),
        cause: (kind == Kind::RunStopped).then_some(Cause::Operator),
    };
    let is_over = !matches!(kind, Kind::RunStarted | Kind::RunLate | Kind::RunTooLong);
    let has_begun = !matches!(kind, Kind::RunLate | Kind::RunMissed);
    let run = RunFacts {
        id: id(),
        kind: job::Kind::Task,
        trigger: Trigger::Cron,
        created_at: at("2026-05-14T15:11:03.7Z"),
        started_at: has_begun.then(|| at("2026-05-14T15:11:03.7Z")),
        retry_attempt: 0,
        replica: 0,
        end: is_over.then_some(end),
    };
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let detail = match kind {
        Kind::RunTimeout => Detail::Limit(minutes(5)),
        Kind::RunRecovered => Detail::Recovered { failures: 13, since: at("2026-05-14T13:02:00Z") },
        Kind::RunLate => Detail::AtMost(minutes(2)),
        Kind::RunTooLong => Detail::AtMost(minutes(40)),
        Kind::RunTooShort => Detail::AtLeast(minutes(5)),
        Kind::RunTooQuiet => Detail::Output { bytes: 12, expected: 1024 },
        Kind::DiskPressure => Detail::Disk { free: 212 << 20, min: 500 << 20, stopped: true },
        Kind::DeliveryFailed => Detail::Delivery {
            channel: "ops-chat".to_owned(),
            original: Kind::RunFailed,
            title: "sync-orders failed".to_owned(),
            error: "slack:ops-chat: 404 Not Found".to_owned(),
        },
        Kind::Misconfigured => Detail::Secret {
            notifier: "ops-chat".to_owned(),
            key: "webhook_url_env".to_owned(),
            error: "OPS_CHAT_URL is not set".to_owned(),
        },
        Kind::RunFailed
        | Kind::RunStarted
        | Kind::RunSucceeded
        | Kind::RunCrashed
        | Kind::RunStopped
        | Kind::RunMissed
        | Kind::ServiceUnhealthy
        | Kind::ServiceFatal => Detail::None,
    };
    let is_of_a_run = !matches!(kind, Kind::DeliveryFailed | Kind::Misconfigured);
    Alert {
        kind,
        at: at("2026-05-14T15:11:04Z"),
        job: if kind == Kind::Misconfigured { String::new() } else { "sync-orders".to_owned() },
        run: is_of_a_run.then_some(run),
        detail,
    }
}

pub(super) fn delivery(kind: Kind) -> Delivery {
    let has_tail = matches!(kind, Kind::RunFailed | Kind::RunTimeout);
    Delivery {
        id: id(),
        channel: "ops-chat".to_owned(),
        alert: alert(kind),
        tail: if has_tail { "fatal: no route to host".to_owned() } else { String::new() },
        more: More::None,
    }
}

/// A failed run that stands for three.
pub(super) fn summary() -> Delivery {
    let more = More::Summary { count: 3, window: Duration::from_secs(3600) };
    Delivery { more, ..delivery(Kind::RunFailed) }
}

pub(super) fn message(kind: Kind) -> Message {
    Message::new(&delivery(kind), &facts(), &zone())
}
