//! Reads the secrets of all notifiers that are in use once, as the daemon starts: what is wrong
//! with them is known before they are needed (docs/notifications.md, Secrets).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::job::Job;
use crate::model::notifier::{Notify, Token};
use crate::notify::{Facts, route, secret};

/// The channels that something may be sent to.
pub(crate) fn channels<'a>(notify: &'a Notify, jobs: &'a [Arc<Job>]) -> BTreeSet<&'a str> {
    let of_jobs = jobs
        .iter()
        .flat_map(|job| job.alerts.on_failure.iter().flatten().chain(&job.alerts.on_success));
    let of_routes = notify.routes.iter().flat_map(|route| &route.to);
    let all = notify.settings.default_notifiers.iter().chain(of_routes).chain(of_jobs);
    let mut found = BTreeSet::new();
    found.extend(all.filter(|token| !token.is_in_app()).map(Token::as_str));
    found
}

/// The ids of their notifiers.
pub(crate) fn used<'a>(notify: &'a Notify, jobs: &'a [Arc<Job>]) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    found.extend(channels(notify, jobs).into_iter().map(route::id_of));
    found
}

/// Notifier, key and fault of each secret that cannot be read. What is merely careless goes to the
/// log.
pub(crate) fn faults(
    notify: &Notify,
    jobs: &[Arc<Job>],
    facts: &Facts,
) -> Vec<(String, &'static str, String)> {
    let used = used(notify, jobs);
    let mut faults = Vec::new();
    for notifier in notify.notifiers.iter().filter(|it| used.contains(it.id.as_str())) {
        for secret in notifier.driver.secrets() {
            match secret::probe(secret, facts) {
                Ok(None) => {}
                Ok(Some(warning)) => {
                    log::warn!("{} notifier={} key={}", warning.0, notifier.id, secret.key);
                }
                Err(fault) => faults.push((notifier.id.clone(), secret.key, fault)),
            }
        }
    }
    faults
}
