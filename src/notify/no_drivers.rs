//! Nothing leaves the machine in this build, and the configuration says so to whoever wants it to.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::model::alert::Delivery;
use crate::model::notifier::Notifier;
use crate::notify::{Facts, Outcome};

/// A message that was left by a build that could send it.
pub(crate) fn send(
    _: &Notifier,
    _: Option<&str>,
    _: &Delivery,
    _: &Facts,
    _: &TimeZone,
    _: Duration,
) -> Outcome {
    Outcome::Refused { error: "this build has no outbound notifiers".to_owned() }
}
