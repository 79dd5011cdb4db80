//! What is kept between an alert and those who hear of it: rows of the feed, alerts that are held
//! back, and how a job that fails has fared (docs/notifications.md).

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::ulid::Ulid;
use crate::model::alert::{Alert, Kind};
use crate::model::run::{EndReason, RunId};

/// Alerts for the feed that are one row: a new one, or one that is there already.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// Of the row, if it is a new one.
    pub(crate) id: Ulid,
    /// What makes them one, lower-case hex.
    pub(crate) fingerprint: String,
    pub(crate) kind: Kind,
    /// Empty when it is about no job.
    pub(crate) job: String,
    pub(crate) run: Option<RunId>,
    pub(crate) title: String,
    pub(crate) body: String,
    /// How many they are.
    pub(crate) count: u64,
    /// When they happened, newest first, `ring` at most and at least one.
    pub(crate) times: Vec<Timestamp>,
    /// Nobody wants to hear of it now.
    pub(crate) read_at: Option<Timestamp>,
    /// A row that is no older is the same one; zero is none.
    pub(crate) window: Duration,
    /// How many times one row keeps.
    pub(crate) ring: usize,
}

/// Alerts of one kind that are held back for one channel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    /// The job that they are about.
    pub(crate) job: String,
    /// When the last message went out.
    pub(crate) opened_at: Timestamp,
    /// Held since.
    pub(crate) count: u64,
    /// The newest of them.
    pub(crate) newest: Option<Alert>,
}

/// A job that fails, from its first failure on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trouble {
    pub(crate) since: Timestamp,
    /// Without a success in between.
    pub(crate) failures: u64,
    /// The newest failures, as many as `alert_after` counts, oldest first.
    #[serde(default)]
    pub(crate) recent: Vec<Timestamp>,
    /// The failures that somebody was told of, each once.
    #[serde(default)]
    pub(crate) told: Vec<(EndReason, i32)>,
}

/// A message that waits for its channel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Waiting {
    pub(crate) delivery: crate::model::alert::Delivery,
    pub(crate) created_at: Timestamp,
    pub(crate) attempts: u64,
    /// When the last attempt was made, and why it failed.
    pub(crate) tried: Option<(Timestamp, String)>,
}

/// How a channel has fared.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Record {
    pub(crate) channel: String,
    pub(crate) delivered: u64,
    pub(crate) failed: u64,
    /// The last message that got through, and what the other side said.
    pub(crate) last_delivered: Option<(Timestamp, String)>,
    /// The last one that was given up, and why.
    pub(crate) last_failed: Option<(Timestamp, String)>,
    /// Messages that wait now.
    pub(crate) pending: u64,
}

/// A job that nobody wants to hear of for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mute {
    pub(crate) job: String,
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
}
