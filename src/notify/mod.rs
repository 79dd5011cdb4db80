//! Tells people what happened: the feed behind the bell, and messages that leave the machine
//! (docs/notifications.md).
//!
//! An alert is written down in the transaction of what it is about. The thread `notify` takes it
//! from there, decides who is to be told and when, and writes that down in its place; one thread
//! for each channel that has something to do sends it. Whatever the daemon dies of, what was not
//! delivered is still written somewhere.

mod attempts;
pub(crate) mod channel;
mod coalesce;
pub(crate) mod dispatch;
#[cfg(feature = "notify")]
pub(crate) mod drivers;
#[cfg(not(feature = "notify"))]
#[path = "no_drivers.rs"]
pub(crate) mod drivers;
mod excerpt;
#[cfg(test)]
mod fixtures;
#[cfg(feature = "notify")]
mod heartbeat;
mod ledger;
pub(crate) mod message;
mod policy;
pub(crate) mod probe;
#[cfg(feature = "notify")]
pub(crate) mod pulse;
#[cfg(test)]
#[cfg(feature = "notify")]
mod receiver;
#[cfg(feature = "notify")]
mod redact;
#[cfg(feature = "notify")]
mod render;
pub(crate) mod route;
mod sample;
#[cfg(test)]
mod samples;
pub(crate) mod secret;
pub(crate) mod surroundings;
pub(crate) mod tail;
#[cfg(feature = "notify")]
mod transport;
#[cfg(feature = "notify")]
mod trust;
#[cfg(feature = "notify")]
mod values;
mod wording;

use std::path::PathBuf;
use std::time::Duration;

/// The most that one attempt takes (docs/notifications.md, Delivery).
pub(crate) const ATTEMPT: Duration = Duration::from_secs(15);

/// What all messages of one daemon share.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Base of links, without a slash at its end.
    pub(crate) external_url: Option<String>,
    pub(crate) fingerprint: String,
    /// Of the machine.
    pub(crate) hostname: String,
    /// Where relative secret files start.
    pub(crate) data: PathBuf,
    /// Certificates (PEM) that are trusted beside the built-in ones.
    pub(crate) ca_file: Option<PathBuf>,
}

/// What became of one attempt. No text holds a secret.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// What the other side said, in a few words.
    Delivered { answer: String },
    /// It may go better later; not before so long, where the other side said so.
    Retry { error: String, after: Option<Duration> },
    /// It would fail again.
    Refused { error: String },
}
