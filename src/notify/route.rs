//! Who is told of an alert: the union of all routes that fit it, each channel once
//! (docs/notifications.md, Who is told).

use std::sync::Arc;

use crate::base::glob;
use crate::model::alert::{Alert, Detail, FAILURES, Kind};
use crate::model::notifier::{JobAlerts, Notifier, Notify, Route, Token};

/// The channels of an alert, in no order that means anything. `job` is what its job says; `None`
/// when there is no such job any more.
pub(crate) fn channels(notify: &Notify, job: Option<&JobAlerts>, alert: &Alert) -> Vec<Token> {
    let mut channels: Vec<Token> = Vec::new();
    let mut add = |tokens: &[Token]| {
        for token in tokens {
            if !channels.contains(token) {
                channels.push(token.clone());
            }
        }
    };
    if alert.kind != Kind::Misconfigured {
        notify.routes.iter().filter(|route| fits(route, alert)).for_each(|route| add(&route.to));
    }
    let defaults = &notify.settings.default_notifiers;
    match alert.kind {
        Kind::DiskPressure => add(defaults),
        // What went wrong on the way to the feed is told in the feed, whatever the file says.
        Kind::DeliveryFailed | Kind::Misconfigured => add(&[Token::in_app()]),
        Kind::RunSucceeded => add(job.map_or(&[], |job| &job.on_success)),
        Kind::RunStarted | Kind::RunStopped => {}
        Kind::RunFailed
        | Kind::RunTimeout
        | Kind::RunCrashed
        | Kind::RunMissed
        | Kind::RunRecovered
        | Kind::RunLate
        | Kind::RunTooLong
        | Kind::RunTooShort
        | Kind::RunTooQuiet
        | Kind::ServiceUnhealthy
        | Kind::ServiceFatal => {
            add(job.and_then(|job| job.on_failure.as_deref()).unwrap_or(defaults));
        }
    }
    if let Detail::Delivery { channel, .. } = &alert.detail {
        channels.retain(|token| id_of(token.as_str()) != id_of(channel));
    }
    channels
}

/// A route to the failures of a job takes what ends them too.
fn fits(route: &Route, alert: &Alert) -> bool {
    let takes = route.kinds.contains(alert.kind);
    let follows =
        alert.kind == Kind::RunRecovered && FAILURES.iter().any(|it| route.kinds.contains(it));
    let is_bad_enough = follows || alert.kind.severity() >= route.severity;
    let is_its_job = route.task.as_ref().is_none_or(|task| glob::fits(task, &alert.job));
    (takes || follows) && is_bad_enough && is_its_job
}

/// The notifier behind a channel, if it is declared.
pub(crate) fn notifier_of<'a>(notify: &'a Notify, channel: &str) -> Option<&'a Arc<Notifier>> {
    let id = id_of(channel);
    notify.notifiers.iter().find(|notifier| notifier.id == id)
}

/// The id of the notifier behind a channel.
pub(crate) fn id_of(channel: &str) -> &str {
    channel.split_once(':').map_or(channel, |(id, _)| id)
}

/// Another target of the notifier, where the channel names one.
pub(crate) fn target_of(channel: &str) -> Option<&str> {
    channel.split_once(':').map(|(_, target)| target)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::alert::{Kinds, Severity, TROUBLE};

    fn alert(kind: Kind, job: &str) -> Alert {
        let detail = Detail::None;
        Alert { kind, at: Timestamp::UNIX_EPOCH, job: job.to_owned(), run: None, detail }
    }

    fn tokens(names: &[&str]) -> Vec<Token> {
        names.iter().map(|name| Token::new(id_of(name), target_of(name))).collect()
    }

    fn route(kinds: &[Kind], task: Option<&str>, severity: Severity, to: &[&str]) -> Route {
        let (kinds, task, to) = (Kinds::of(kinds), task.map(str::to_owned), tokens(to));
        Route { kinds, task, severity, to }
    }

    fn told(notify: &Notify, job: Option<&JobAlerts>, alert: &Alert) -> Vec<String> {
        let mut told: Vec<_> =
            channels(notify, job, alert).iter().map(|token| token.as_str().to_owned()).collect();
        told.sort();
        told
    }

    #[test]
    fn a_job_without_a_list_tells_its_trouble_to_the_default_notifiers() {
        let notify = Notify::default();
        let silent = JobAlerts { on_failure: Some(Vec::new()), ..JobAlerts::default() };
        for kind in Kind::ALL {
            let is_told = TROUBLE.contains(kind) || kind == Kind::DiskPressure;
            let always = matches!(kind, Kind::DeliveryFailed | Kind::Misconfigured);
            let alert = alert(kind, "a");
            let expected: &[&str] = if is_told || always { &["inapp"] } else { &[] };
            assert_eq!(told(&notify, Some(&JobAlerts::default()), &alert), expected, "{kind:?}");
            assert_eq!(told(&notify, None, &alert), expected, "{kind:?}");
            let quiet = always || kind == Kind::DiskPressure;
            let expected: &[&str] = if quiet { &["inapp"] } else { &[] };
            assert_eq!(told(&notify, Some(&silent), &alert), expected, "{kind:?}");
        }
    }

    #[test]
    fn every_route_that_fits_adds_its_channels_once() {
        let job = JobAlerts {
            on_failure: Some(tokens(&["ops", "inapp"])),
            on_success: tokens(&["ops:#ok", "inapp"]),
            ..JobAlerts::default()
        };
        let all = [Kind::RunFailed, Kind::RunSucceeded, Kind::DeliveryFailed];
        let notify = Notify {
            routes: vec![
                route(&all, Some("db-*"), Severity::Info, &["mail"]),
                route(&all, None, Severity::Warn, &["ops", "pager"]),
                route(&[Kind::RunTimeout], None, Severity::Info, &["never"]),
            ],
            ..Notify::default()
        };
        let told = |kind, name| told(&notify, Some(&job), &alert(kind, name));
        assert_eq!(told(Kind::RunFailed, "db-a"), ["inapp", "mail", "ops", "pager"]);
        assert_eq!(told(Kind::RunFailed, "web"), ["inapp", "ops", "pager"]);
        assert_eq!(told(Kind::RunSucceeded, "db-a"), ["inapp", "mail", "ops:#ok"]);
        assert_eq!(told(Kind::RunSucceeded, "web"), ["inapp", "ops:#ok"]);
        assert_eq!(told(Kind::RunRecovered, "db-a"), ["inapp", "mail", "never", "ops", "pager"]);
        assert_eq!(told(Kind::RunStarted, "db-a"), [""; 0]);
    }

    #[test]
    fn what_a_channel_did_not_take_is_never_told_to_the_same_notifier() {
        let settings = crate::model::notifier::Settings {
            default_notifiers: Vec::new(),
            ..crate::model::notifier::Settings::default()
        };
        let to = &["ops", "ops:#other", "mail"];
        let notify = Notify {
            settings,
            routes: vec![route(&[Kind::DeliveryFailed], None, Severity::Info, to)],
            ..Notify::default()
        };
        let detail = Detail::Delivery {
            channel: "ops:#night".to_owned(),
            original: Kind::RunFailed,
            title: "a failed".to_owned(),
            error: "no".to_owned(),
        };
        let alert = Alert { detail, ..alert(Kind::DeliveryFailed, "a") };
        assert_eq!(told(&notify, None, &alert), ["inapp", "mail"]);
    }
}
