//! Whole deliveries to real receivers on the loopback.

mod answers;
mod mails;
mod payloads;

use std::sync::Arc;
use std::time::Duration;

use crate::model::alert::{Delivery, Kind};
use crate::model::notifier::{Driver, Notifier, Secret, Source};
use crate::notify::{Facts, Outcome, fixtures};

/// Enough for whatever is not meant to be late.
const ENOUGH: Duration = Duration::from_secs(10);

fn secret(value: impl Into<String>) -> Secret {
    Secret { key: "the_key", source: Source::Value(value.into()) }
}

fn notifier(driver: Driver, template: Option<&str>) -> Notifier {
    Notifier { id: "ops".to_owned(), driver, template: template.map(Arc::from) }
}

fn send_to(notifier: &Notifier, target: Option<&str>, delivery: &Delivery) -> Outcome {
    super::send(notifier, target, delivery, &fixtures::facts(), &fixtures::zone(), ENOUGH)
}

/// A failed run.
fn send(driver: Driver, facts: &Facts, limit: Duration) -> Outcome {
    let (notifier, delivery) = (notifier(driver, None), fixtures::delivery(Kind::RunFailed));
    super::send(&notifier, None, &delivery, facts, &fixtures::zone(), limit)
}
