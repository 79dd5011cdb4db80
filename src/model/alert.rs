//! What somebody may want to be told: that a run failed, that one did not come, that a message
//! could not be delivered (docs/notifications.md, Events). An alert holds everything that its
//! message needs, because the run may be deleted before the message is sent.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::ulid::Ulid;
use crate::base::words::as_words;
use crate::model::job;
use crate::model::run::{Cause, EndReason, RunId, Trigger};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    RunStarted,
    RunSucceeded,
    RunFailed,
    RunTimeout,
    RunCrashed,
    RunStopped,
    /// Ticks passed while the daemon was down.
    RunMissed,
    /// A job that had alerted succeeded again.
    RunRecovered,
    /// It did not start within the time that `expect` gives it.
    RunLate,
    /// It still runs after the longest time that `expect` gives it.
    RunTooLong,
    /// It succeeded sooner than `expect` believes.
    RunTooShort,
    /// It succeeded with less output than `expect` believes.
    RunTooQuiet,
    DiskPressure,
    DeliveryFailed,
    /// The secret of a notifier cannot be read.
    Misconfigured,
    /// A replica was stopped because its health check failed.
    ServiceUnhealthy,
    /// A replica failed to start too often: its slot stays empty.
    ServiceFatal,
}

/// How bad it is; the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Severity {
    Info,
    Warn,
    Error,
}

as_words!(Kind, Severity);

impl Kind {
    pub(crate) const ALL: [Kind; 17] = [
        Kind::RunStarted,
        Kind::RunSucceeded,
        Kind::RunFailed,
        Kind::RunTimeout,
        Kind::RunCrashed,
        Kind::RunStopped,
        Kind::RunMissed,
        Kind::RunRecovered,
        Kind::RunLate,
        Kind::RunTooLong,
        Kind::RunTooShort,
        Kind::RunTooQuiet,
        Kind::DiskPressure,
        Kind::DeliveryFailed,
        Kind::Misconfigured,
        Kind::ServiceUnhealthy,
        Kind::ServiceFatal,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Kind::RunStarted => "run.started",
            Kind::RunSucceeded => "run.succeeded",
            Kind::RunFailed => "run.failed",
            Kind::RunTimeout => "run.timeout",
            Kind::RunCrashed => "run.crashed",
            Kind::RunStopped => "run.stopped",
            Kind::RunMissed => "run.missed",
            Kind::RunRecovered => "run.recovered",
            Kind::RunLate => "run.late",
            Kind::RunTooLong => "run.too_long",
            Kind::RunTooShort => "run.too_short",
            Kind::RunTooQuiet => "run.too_quiet",
            Kind::DiskPressure => "log.disk_pressure",
            Kind::DeliveryFailed => "notify.delivery_failed",
            Kind::Misconfigured => "notify.misconfigured",
            Kind::ServiceUnhealthy => "service.unhealthy",
            Kind::ServiceFatal => "service.fatal",
        }
    }

    pub(crate) fn severity(self) -> Severity {
        match self {
            Kind::RunStarted | Kind::RunSucceeded | Kind::RunStopped | Kind::RunRecovered => {
                Severity::Info
            }
            Kind::RunLate
            | Kind::RunTooLong
            | Kind::RunTooShort
            | Kind::RunTooQuiet
            | Kind::DiskPressure
            | Kind::DeliveryFailed
            | Kind::Misconfigured => Severity::Warn,
            Kind::RunFailed
            | Kind::RunTimeout
            | Kind::RunCrashed
            | Kind::RunMissed
            | Kind::ServiceUnhealthy
            | Kind::ServiceFatal => Severity::Error,
        }
    }

    /// A run that went wrong; what follows it may be a recovery.
    pub(crate) fn is_failure(self) -> bool {
        FAILURES.contains(self)
    }
}

impl Severity {
    pub(crate) const ALL: [Severity; 3] = [Severity::Info, Severity::Warn, Severity::Error];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warn => "warn",
            Severity::Error => "error",
        }
    }
}

/// The kinds that count as failures of a job.
pub(crate) const FAILURES: Kinds = Kinds::of(&[
    Kind::RunFailed,
    Kind::RunTimeout,
    Kind::RunCrashed,
    Kind::RunMissed,
    Kind::ServiceUnhealthy,
    Kind::ServiceFatal,
]);

/// What is told of a job unless it has a list of its own: its failures, that they are over, and
/// that a run was not as `expect` says.
pub(crate) const TROUBLE: Kinds = Kinds::of(&[
    Kind::RunFailed,
    Kind::RunTimeout,
    Kind::RunCrashed,
    Kind::RunMissed,
    Kind::ServiceUnhealthy,
    Kind::ServiceFatal,
    Kind::RunRecovered,
    Kind::RunLate,
    Kind::RunTooLong,
    Kind::RunTooShort,
    Kind::RunTooQuiet,
]);

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds(u32);

impl Kinds {
    pub(crate) const fn of(kinds: &[Kind]) -> Kinds {
        let (mut bits, mut n) = (0, 0);
        while n < kinds.len() {
            bits |= 1 << kinds[n] as u32;
            n += 1;
        }
        Kinds(bits)
    }

    pub(crate) const fn with(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    pub(crate) const fn without(self, other: Kinds) -> Kinds {
        Kinds(self.0 & !other.0)
    }

    pub(crate) const fn contains(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u32) != 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alert {
    pub(crate) kind: Kind,
    pub(crate) at: Timestamp,
    /// The name of the job; empty when it is about none.
    #[serde(default)]
    pub(crate) job: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run: Option<RunFacts>,
    #[serde(default, skip_serializing_if = "Detail::is_none")]
    pub(crate) detail: Detail,
}

/// The run that it is about, as it was then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunFacts {
    pub(crate) id: RunId,
    pub(crate) kind: job::Kind,
    pub(crate) trigger: Trigger,
    pub(crate) created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) retry_attempt: u32,
    pub(crate) replica: u16,
    /// Once it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<EndFacts>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EndFacts {
    pub(crate) at: Timestamp,
    pub(crate) reason: EndReason,
    pub(crate) exit_code: i32,
    /// The signal that killed its process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signal: Option<i32>,
    /// The cause in a few words, where the reason does not say it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// Why runwisp stopped it, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<Cause>,
}

/// What only some kinds have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Detail {
    #[default]
    None,
    /// [`Kind::RunTimeout`]: the limit.
    Limit(Duration),
    /// [`Kind::RunRecovered`]: what went before.
    Recovered { failures: u64, since: Timestamp },
    /// [`Kind::RunLate`] and [`Kind::RunTooLong`]: the most that was expected.
    AtMost(Duration),
    /// [`Kind::RunTooShort`]: the least that was expected.
    AtLeast(Duration),
    /// [`Kind::RunTooQuiet`]: bytes of output that there were, and that were expected.
    Output { bytes: u64, expected: u64 },
    /// [`Kind::DiskPressure`].
    Disk { free: u64, min: u64, stopped: bool },
    /// [`Kind::DeliveryFailed`]: the channel, and the title of what it did not take. The error
    /// holds no secret.
    Delivery { channel: String, original: Kind, title: String, error: String },
    /// [`Kind::Misconfigured`]: the notifier, the key that names its secret, and what is wrong.
    Secret { notifier: String, key: String, error: String },
}

impl Detail {
    fn is_none(&self) -> bool {
        *self == Detail::None
    }
}

impl Alert {
    /// What makes it one with others of its kind (docs/notifications.md, Coalescing).
    pub(crate) fn dedup_key(&self) -> String {
        let end = self.run.as_ref().and_then(|run| run.end.as_ref());
        let reason = end.map_or("", |end| end.reason.as_str());
        // Which channel it was matters more than whose message it did not take.
        match &self.detail {
            Detail::Delivery { channel, .. } => format!("\n{}\n{channel}", self.kind.as_str()),
            Detail::Secret { notifier, key, .. } => {
                format!("\n{}\n{notifier}.{key}", self.kind.as_str())
            }
            Detail::None
            | Detail::Limit(_)
            | Detail::Recovered { .. }
            | Detail::AtMost(_)
            | Detail::AtLeast(_)
            | Detail::Output { .. }
            | Detail::Disk { .. } => format!("{}\n{}\n{reason}", self.job, self.kind.as_str()),
        }
    }
}

/// An alert on its way to one channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// The same at each attempt, so that a receiver can tell a repeat.
    pub(crate) id: Ulid,
    /// The token of the configuration: a notifier, or one with another target.
    pub(crate) channel: String,
    pub(crate) alert: Alert,
    /// The last lines of the run's output, at most 300 bytes; empty when there are none.
    #[serde(default)]
    pub(crate) tail: String,
    /// What it stands for beside itself.
    #[serde(default)]
    pub(crate) more: More,
}

impl Alert {
    /// What is told when this alert did not get through, as `title` names it; nothing when it was
    /// about such a one itself. The error holds no secret.
    pub(crate) fn undelivered(
        &self,
        at: Timestamp,
        channel: &str,
        title: String,
        error: String,
    ) -> Option<Alert> {
        if self.kind == Kind::DeliveryFailed {
            return None;
        }
        let (channel, original) = (channel.to_owned(), self.kind);
        let detail = Detail::Delivery { channel, original, title, error };
        let (job, run) = (self.job.clone(), self.run.clone());
        Some(Alert { kind: Kind::DeliveryFailed, at, job, run, detail })
    }
}

/// Alerts that were held back in favour of this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum More {
    #[default]
    None,
    /// So many since the last message, this one included.
    CheckIn(u64),
    /// So many in the window that has just ended, this one included.
    Summary { count: u64, window: Duration },
}
