//! What alerts have to do with beside themselves: whose they are, how they are put into words, who
//! sends them, and which secrets that takes.

use std::path::PathBuf;
use std::time::Duration;

use crate::base::time::Clock;
use crate::base::ulid::Ulids;
use crate::current::Configured;
use crate::hub::Hub;
use crate::inbox::Inbox;
use crate::model::alert::{Alert, Delivery, Detail, Kind, More};
use crate::model::change::{Change, Tell};
use crate::model::notifier::IN_APP;
use crate::notify::ledger::Words;
use crate::notify::message::{self, Message};
use crate::notify::{Facts, Outcome, drivers, excerpt, probe, route};
use crate::store::calendar::Calendar;
use crate::store::writer::Writer;

const NO_LONGER: &str = "the notifier is no longer configured";

/// Everything of the daemon that alerts have to do with.
pub(crate) struct Surroundings {
    pub(crate) configured: Configured,
    /// Those that no reload changes; see [`Surroundings::facts`].
    pub(crate) facts: Facts,
    pub(crate) calendar: Calendar,
    pub(crate) database: PathBuf,
    pub(crate) logs: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) writer: Writer,
    pub(crate) hub: Hub,
    pub(crate) inbox: Inbox,
    /// Keeps the ids of two daemons apart.
    pub(crate) seed: u64,
}

impl Surroundings {
    /// Whether messages for this channel can be sent.
    pub(super) fn knows(&self, channel: &str) -> bool {
        channel == IN_APP || route::notifier_of(&self.configured.get().notify, channel).is_some()
    }

    pub(super) fn send(&self, delivery: &Delivery, limit: Duration) -> Outcome {
        let current = self.configured.get();
        let Some(notifier) = route::notifier_of(&current.notify, &delivery.channel) else {
            return Outcome::Refused { error: NO_LONGER.to_owned() };
        };
        let target = route::target_of(&delivery.channel);
        let zone = self.calendar.zone(&delivery.alert.job);
        drivers::send(notifier, target, delivery, &self.facts(), &zone, limit)
    }

    /// What all messages share now.
    fn facts(&self) -> Facts {
        let current = self.configured.get();
        Facts {
            external_url: current.external_url.clone(),
            ca_file: current.notify.settings.ca_file.clone(),
            ..self.facts.clone()
        }
    }

    /// A message whose notifier was taken out of the file.
    pub(super) fn give_up_orphan(&self, delivery: &Delivery) -> Vec<Change> {
        let (at, channel) = (self.clock.now().wall, delivery.channel.clone());
        let error = NO_LONGER.to_owned();
        log::warn!("delivery given up channel={channel} error={error:?}");
        let alert = &delivery.alert;
        let raised = alert.undelivered(at, &channel, self.title(alert), error.clone());
        let done = Tell::Done { delivery: delivery.id, channel, at, result: Err(error) };
        let raised = raised.map(|alert| Change::Raise(Box::new(alert)));
        raised.into_iter().chain([done.into()]).collect()
    }

    /// Reads each secret once, so that a wrong one is known before it is needed.
    pub(super) fn probe(&self) -> Vec<Alert> {
        let at = self.clock.now().wall;
        let mut alerts = Vec::new();
        let current = self.configured.get();
        for (notifier, key, error) in probe::faults(&current.notify, &current.jobs, &self.facts()) {
            log::warn!("a notifier cannot be used notifier={notifier} key={key} error={error:?}");
            let detail = Detail::Secret { notifier, key: key.to_owned(), error };
            let (job, run) = (String::new(), None);
            alerts.push(Alert { kind: Kind::Misconfigured, at, job, run, detail });
        }
        alerts
    }

    fn message(&self, alert: &Alert, tail: &str) -> Message {
        let delivery = Delivery {
            id: Ulids::new(0).next(alert.at),
            channel: IN_APP.to_owned(),
            alert: alert.clone(),
            tail: tail.to_owned(),
            more: More::None,
        };
        Message::new(&delivery, &self.facts(), &self.calendar.zone(&alert.job))
    }
}

impl Words for Surroundings {
    fn tail(&self, alert: &Alert) -> String {
        let Some(run) = &alert.run else { return String::new() };
        if !matches!(alert.kind, Kind::RunFailed | Kind::RunTimeout) {
            return String::new();
        }
        excerpt::tail(&self.logs, &alert.job, run)
    }

    fn feed(&self, alert: &Alert, tail: &str) -> (String, String) {
        let message = self.message(alert, tail);
        (message::feed_title(alert), message.body())
    }

    fn title(&self, alert: &Alert) -> String {
        message::feed_title(alert)
    }
}
