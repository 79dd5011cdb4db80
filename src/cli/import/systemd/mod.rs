//! Units of systemd: services that stay become services, oneshots and timers become tasks
//! (docs/migration.md, From systemd). Where units are found is left to `units`.

mod calendar;
mod command;
mod service;
#[cfg(test)]
mod tests;
pub(crate) mod unit;
pub(super) mod units;

use super::draft::{Draft, Import};
use crate::config::crontab::sanitised;
use crate::model::job::Kind;
use service::of_service;
use unit::Unit;

/// Imports one unit. `find` knows all units of the host by name.
pub(crate) fn import(import: &mut Import, unit: &Unit, find: &dyn Fn(&str) -> Option<Unit>) {
    let drafts = match unit.name.rsplit_once('.') {
        Some((_, "timer")) => of_timer(unit, find),
        Some((_, "service")) => vec![of_service(unit, None)],
        Some(_) | None => {
            let reason = "only services and timers can be imported".to_owned();
            vec![Draft::broken(sanitised(unit.stem()), unit.name.clone(), reason, String::new())]
        }
    };
    for draft in drafts {
        let is_slow =
            matches!(draft.kind, Kind::Service) && draft.text_of("graceful_stop").is_none();
        if is_slow && draft.mark() != '!' {
            import.note(
                "systemd waits 90 s for a service to stop unless told otherwise, RunWisp 5 s: set \
                 graceful_stop where one needs longer",
            );
        }
        import.drafts.push(draft);
    }
}

/// One task for each calendar event or interval of a timer.
fn of_timer(timer: &Unit, find: &dyn Fn(&str) -> Option<Unit>) -> Vec<Draft> {
    let stem = timer.stem();
    let name = timer.get("Timer", "Unit").map_or(format!("{stem}.service"), str::to_owned);
    let name = timer.specified(&name, &mut Vec::new());
    let Some(service) = find(&name) else {
        let reason = format!("there is no unit {name}");
        return vec![Draft::broken(sanitised(stem), timer.name.clone(), reason, String::new())];
    };
    let base = || of_service(&service, Some(timer));
    let mut drafts = Vec::new();
    for event in timer.list("Timer", "OnCalendar") {
        let mut draft = base();
        match calendar::read(event) {
            Ok(calendar) => {
                draft.text("cron", calendar.cron);
                draft.text("timezone", calendar.zone.unwrap_or("Local".to_owned()));
            }
            Err(reason) => {
                draft.todo(format!("OnCalendar={event}: {reason}; give it a cron of its own"))
            }
        }
        drafts.push(draft);
    }
    for key in ["OnUnitActiveSec", "OnUnitInactiveSec"] {
        for span in timer.list("Timer", key) {
            let mut draft = base();
            match unit::seconds(span).filter(|seconds| *seconds >= 1.0) {
                Some(seconds) => draft.text("cron", format!("@every {}s", seconds.round())),
                None => draft.todo(format!("{key}={span}: at least one second is needed")),
            }
            if key == "OnUnitInactiveSec" {
                draft.note(
                    "OnUnitInactiveSec: counted from start to start, no longer from end to start",
                );
            }
            drafts.push(draft);
        }
    }
    let at_boot: Vec<&str> = ["OnBootSec", "OnStartupSec", "OnActiveSec"]
        .into_iter()
        .filter(|key| timer.get("Timer", key).is_some())
        .collect();
    if !at_boot.is_empty() {
        if drafts.is_empty() {
            drafts.push(base());
        }
        let first = &mut drafts[0];
        first.text("run_on_start", "boot");
        first.note(format!("{}: at the boot at once, without the delay", at_boot.join(", ")));
    }
    if drafts.is_empty() {
        let reason = "the timer says nowhere when it is due".to_owned();
        return vec![Draft::broken(sanitised(stem), timer.name.clone(), reason, String::new())];
    }
    drafts.iter_mut().for_each(|draft| timing(timer, draft));
    drafts
}

/// What a timer says besides when.
fn timing(timer: &Unit, draft: &mut Draft) {
    if draft.mark() == '!' {
        return;
    }
    let has_cron = draft.text_of("cron").is_some();
    if has_cron {
        let is_persistent = timer.get("Timer", "Persistent").is_some_and(is_true);
        draft.text("catch_up", if is_persistent { "latest" } else { "skip" });
        // A unit that is active is not started a second time.
        draft.text("on_overlap", "skip");
    }
    if let Some(delay) = timer.get("Timer", "RandomizedDelaySec").filter(|_| has_cron) {
        match unit::seconds(delay) {
            Some(seconds) if seconds <= 86_400.0 => {
                draft.text("jitter", unit::duration(delay).unwrap_or_default());
                if !timer.get("Timer", "FixedRandomDelay").is_some_and(is_true) {
                    draft.note("RandomizedDelaySec: the delay is the same each time");
                }
            }
            Some(_) | None => {
                draft.todo(format!("RandomizedDelaySec={delay}: at most 24h are possible"))
            }
        }
    }
    if let Some(accuracy) = timer.get("Timer", "AccuracySec") {
        draft.note(format!("AccuracySec={accuracy}: runs on time"));
    }
    const SAID: [&str; 12] = [
        "OnCalendar",
        "OnUnitActiveSec",
        "OnUnitInactiveSec",
        "OnBootSec",
        "OnStartupSec",
        "OnActiveSec",
        "Persistent",
        "RandomizedDelaySec",
        "FixedRandomDelay",
        "AccuracySec",
        "Unit",
        "RemainAfterElapse",
    ];
    let others: Vec<&str> =
        timer.keys("Timer").into_iter().filter(|key| !SAID.contains(key)).collect();
    draft.left_out("", &others);
}

fn is_true(value: &str) -> bool {
    ["yes", "true", "on", "1", "y", "t"].contains(&value.to_lowercase().as_str())
}
