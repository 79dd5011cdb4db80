//! What one task or service says about its alerts: who is told, what it takes, what is expected
//! of a run (docs/configuration.md, Notifications). Jobs that say nothing share one value.

use std::sync::Arc;
use std::time::Duration;

use toml::de::DeValue;

use super::{Channels, heartbeat};
use crate::base::sentence::quoted;
use crate::base::{duration, glob};
use crate::config::schema::Shape;
use crate::config::table::Table;
use crate::model::alert::{FAILURES, Kind as AlertKind, Kinds, TROUBLE};
use crate::model::job::Kind;
use crate::model::notifier::{AlertAfter, Expect, JobAlerts, Notify, Token};

/// The most failures that `alert_after` may wait for.
const MOST_FAILURES: u32 = 1000;

/// Reads the keys of a job. `inherited` is what `[defaults]` says.
pub(crate) fn read(
    table: &Table<'_>,
    kind: Kind,
    inherited: &Arc<JobAlerts>,
    channels: &Channels<'_>,
    notify: &Notify,
) -> Arc<JobAlerts> {
    let with_defaults = |key| {
        let mut tokens: Vec<Token> = channels.tokens(table, key)?;
        let defaults = &notify.settings.default_notifiers;
        let further = defaults.iter().filter(|token| !tokens.contains(token)).cloned();
        // An empty list silences.
        if !tokens.is_empty() {
            tokens.extend(further.collect::<Vec<_>>());
        }
        Some(tokens)
    };
    let on_failure = with_defaults(table.alias("notify_on_failure", "notify"));
    let on_success = with_defaults("notify_on_success").unwrap_or_default();
    let after = after(table);
    let expect = expect(table, kind);
    let heartbeat = heartbeat::read(table);
    let says_something = on_failure.is_some()
        || !on_success.is_empty()
        || after.is_some_and(|after| after != inherited.after)
        || expect != Expect::default()
        || heartbeat.is_some();
    if !says_something {
        return inherited.clone();
    }
    let after = after.unwrap_or(inherited.after);
    Arc::new(JobAlerts { on_failure, on_success, after, expect, heartbeat })
}

/// What `[defaults]` says about the alerts of all jobs.
pub(crate) fn defaults(table: &Table<'_>, inherited: &Arc<JobAlerts>) -> Arc<JobAlerts> {
    match after(table) {
        Some(after) => Arc::new(JobAlerts { after, ..JobAlerts::default() }),
        None => inherited.clone(),
    }
}

/// The kinds of alerts of this job that reach anybody.
pub(crate) fn raises(name: &str, alerts: &JobAlerts, missed: bool, notify: &Notify) -> Kinds {
    let has_default = !notify.settings.default_notifiers.is_empty();
    let tells_trouble = alerts.on_failure.as_ref().map_or(has_default, |list| !list.is_empty());
    let mut kinds = if tells_trouble { TROUBLE } else { Kinds::default() };
    if !alerts.on_success.is_empty() {
        kinds = kinds.with(Kinds::of(&[AlertKind::RunSucceeded]));
    }
    if has_default {
        kinds = kinds.with(Kinds::of(&[AlertKind::DiskPressure]));
    }
    for route in &notify.routes {
        if route.task.as_ref().is_some_and(|pattern| !glob::fits(pattern, name)) {
            continue;
        }
        for kind in route.kinds.iter().filter(|kind| kind.severity() >= route.severity) {
            kinds = kinds.with(Kinds::of(&[kind]));
        }
    }
    if !missed {
        kinds = kinds.without(Kinds::of(&[AlertKind::RunMissed]));
    }
    // Nothing can be over that was never told.
    if !FAILURES.iter().any(|kind| kinds.contains(kind)) {
        kinds = kinds.without(Kinds::of(&[AlertKind::RunRecovered]));
    }
    kinds
}

/// `alert_after`: a number of failures in a row, or `N/DURATION`.
fn after(table: &Table<'_>) -> Option<AlertAfter> {
    const KEY: &str = "alert_after";
    table.note(KEY, || Shape::Number(1, i64::from(MOST_FAILURES)));
    table.note(KEY, || Shape::Text);
    let entry = table.entry(KEY)?;
    if entry.value.is_integer() {
        let failures = table.number(KEY, 1..=i64::from(MOST_FAILURES))?;
        let failures = u32::try_from(failures).expect("in its range");
        return Some(AlertAfter { failures, within: None });
    }
    let DeValue::String(text) = entry.value else {
        table.expected(KEY, entry, "integer or string", "e.g. 3 or \"3/1h\"");
        return None;
    };
    let form = format!(
        "must be a number or \"NUMBER/DURATION\" with a number between 1 and {MOST_FAILURES}, \
         e.g. 3 or \"3/1h\""
    );
    let parts = text.split_once('/').map(|(count, time)| (count.trim(), time.trim()));
    let count = parts
        .filter(|(count, _)| count.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|(count, _)| count.parse().ok())
        .filter(|count| (1..=MOST_FAILURES).contains(count));
    let Some((failures, (_, time))) = count.zip(parts) else {
        table.error(KEY, format!("{}; {form}", quoted(text)));
        return None;
    };
    match duration::parse(time) {
        Ok(within) if !within.is_zero() => Some(AlertAfter { failures, within: Some(within) }),
        Ok(_) => {
            table.error(KEY, format!("{}: the duration is zero; {form}", quoted(text)));
            None
        }
        Err(error) => {
            let message = format!("{}: {error}; {form}; {}", quoted(text), duration::FORM);
            table.error(KEY, message);
            None
        }
    }
}

/// `expect`: what a run that is well looks like.
fn expect(table: &Table<'_>, kind: Kind) -> Expect {
    let Some(table) = table.table("expect") else { return Expect::default() };
    let start_within = table.positive_duration("start_within");
    let (at_least, at_most) = span(&table).unwrap_or_default();
    let output_min = table.size("output_min");
    if output_min == Some(0) {
        table.error("output_min", "zero expects nothing; give a size or leave it out");
    }
    if kind == Kind::Service {
        for key in ["duration", "output_min"].into_iter().filter(|key| table.has(key)) {
            let message = format!("{key} is only valid on [tasks.*]: a service does not end");
            table.misplaced(key, message);
        }
    }
    table.finish(|_, _| None);
    Expect { start_within, at_least, at_most, output_min }
}

/// `"5m..40m"`; either side may be left out.
fn span(table: &Table<'_>) -> Option<(Option<Duration>, Option<Duration>)> {
    const KEY: &str = "duration";
    const FORM: &str = "must be \"LEAST..MOST\", e.g. \"5m..40m\", \"5m..\" or \"..40m\"";
    let text = table.text(KEY)?;
    let flaw = |flaw: &str| table.error(KEY, format!("{}{flaw}; {FORM}", quoted(text)));
    let Some((least, most)) = text.split_once("..") else {
        flaw("");
        return None;
    };
    let mut sides = [None, None];
    for (side, part) in sides.iter_mut().zip([least.trim(), most.trim()]) {
        if part.is_empty() {
            continue;
        }
        match duration::parse(part) {
            Ok(limit) if limit.is_zero() => {
                flaw(": a duration of zero expects nothing");
                return None;
            }
            Ok(limit) => *side = Some(limit),
            Err(error) => {
                flaw(&format!(": {error}"));
                return None;
            }
        }
    }
    match sides {
        [None, None] => flaw(": both sides are empty"),
        [Some(least), Some(most)] if least >= most => flaw(": the first must be shorter"),
        [least, most] => return Some((least, most)),
    }
    None
}
