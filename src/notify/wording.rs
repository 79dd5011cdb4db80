//! The words of a message: what each kind is called, and what is said of it
//! (docs/notifications.md, Messages).

use jiff::tz::TimeZone;

use crate::base::bytes;
use crate::model::alert::{Alert, Detail, EndFacts, Kind, More, RunFacts};
use crate::model::job;
use crate::model::run::{Cause, EndReason, NO_EXIT_STATUS, Trigger};
use crate::notify::message::{clock_time, ran, span};
use crate::notify::tail::acts;
use crate::sys::signals;

pub(super) fn look(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::RunStarted => ("▶️", "started"),
        Kind::RunSucceeded => ("✅", "succeeded"),
        Kind::RunFailed => ("❌", "failed"),
        Kind::RunTimeout => ("⏱️", "timed out"),
        Kind::RunCrashed => ("💥", "crashed"),
        Kind::RunStopped => ("⏹️", "stopped"),
        Kind::RunMissed => ("⏭️", "missed"),
        Kind::RunRecovered => ("💚", "recovered"),
        Kind::RunLate => ("🐢", "is late"),
        Kind::RunTooLong => ("🐌", "runs too long"),
        Kind::RunTooShort => ("⏩", "was too short"),
        Kind::RunTooQuiet => ("🔇", "was too quiet"),
        Kind::DiskPressure => ("💾", "log output paused"),
        Kind::ServiceUnhealthy => ("🤒", "is unhealthy"),
        Kind::ServiceFatal => ("🛑", "was given up"),
        Kind::DeliveryFailed | Kind::Misconfigured => ("⚠️", ""),
    }
}

pub(super) fn title(alert: &Alert, job: &str, verb: &str) -> String {
    match (&alert.detail, alert.kind) {
        (Detail::Delivery { channel, .. }, _) => {
            format!("Delivery to {} failed", one_line(channel))
        }
        (Detail::Secret { notifier, .. }, _) => {
            format!("Notifier {} cannot be used", one_line(notifier))
        }
        (_, Kind::DeliveryFailed) => "Notification delivery failed".to_owned(),
        (_, Kind::Misconfigured) => "A notifier cannot be used".to_owned(),
        _ => format!("{job} {verb}"),
    }
}

pub(super) fn sentence(alert: &Alert, zone: &TimeZone) -> String {
    let end = alert.run.as_ref().and_then(|run| run.end.as_ref());
    let after = after(alert);
    match (&alert.detail, alert.kind) {
        (Detail::Delivery { title, error, .. }, _) => format!("{title}: {error}"),
        (Detail::Secret { notifier, key, error }, _) => format!("{notifier}: {key}: {error}"),
        (Detail::Limit(limit), _) => format!("Stopped at the {} timeout", span(*limit)),
        (Detail::Recovered { failures, since }, _) => {
            let failures = counted(*failures, "failure");
            let now = match end {
                Some(_) => format!("Finished{}", within(alert)),
                None => "Runs again".to_owned(),
            };
            format!("{now}, after {failures} since {}", clock_time(*since, zone))
        }
        (Detail::AtMost(most), Kind::RunLate) => format!("Has not started within {}", span(*most)),
        (Detail::AtMost(most), _) => format!("Still running after {}", span(*most)),
        (Detail::AtLeast(least), _) => {
            format!("Finished{}, expected at least {}", within(alert), span(*least))
        }
        (Detail::Output { bytes, expected }, _) => {
            let (bytes, expected) = (bytes::display(*bytes), bytes::display(*expected));
            format!("Wrote {bytes} of output, expected at least {expected}")
        }
        (Detail::Disk { free, min, stopped }, _) => {
            let (free, min) = (bytes::display(*free), bytes::display(*min));
            let stopped = if *stopped { "; the run was stopped" } else { "" };
            format!("Only {free} free, minimum {min}{stopped}")
        }
        (Detail::None, Kind::RunStarted) => "Run started".to_owned(),
        (Detail::None, Kind::RunSucceeded | Kind::RunRecovered) => {
            format!("Finished{}", within(alert))
        }
        (Detail::None, Kind::RunFailed) => end.map(|end| failed(end, &after)).unwrap_or_default(),
        (Detail::None, Kind::RunTimeout) => "Stopped at its timeout".to_owned(),
        (Detail::None, Kind::RunCrashed) => "Was running when the daemon went down".to_owned(),
        (Detail::None, Kind::RunStopped) => stopped(end.and_then(|end| end.cause), &after),
        (Detail::None, _) => end.and_then(|end| end.message.clone()).unwrap_or_default(),
    }
}

fn failed(end: &EndFacts, after: &str) -> String {
    if end.reason == EndReason::LogOverflow {
        return format!("Log limit reached{after}");
    }
    if let Some(signal) = end.signal {
        return format!("Killed by {}{after}", signals::name(signal));
    }
    let code = end.exit_code;
    match &end.message {
        Some(message) if code == NO_EXIT_STATUS && after.is_empty() => {
            format!("Could not start: {message}")
        }
        None if code == NO_EXIT_STATUS => format!("No exit status{after}"),
        Some(message) if code == NO_EXIT_STATUS => format!("No exit status{after}: {message}"),
        Some(message) => format!("Exit code {code}{after}: {message}"),
        None => format!("Exit code {code}{after}"),
    }
}

fn stopped(cause: Option<Cause>, after: &str) -> String {
    match cause {
        Some(Cause::Operator) => format!("Stopped by the operator{after}"),
        Some(Cause::Shutdown) => "Stopped by daemon shutdown".to_owned(),
        Some(Cause::Superseded) => "Replaced by a newer run".to_owned(),
        Some(Cause::DiskPressure) => format!("Stopped{after}, the disk is nearly full"),
        Some(Cause::Unhealthy) => format!("Stopped{after}, its health check failed"),
        Some(Cause::Reconfigured) => format!("Stopped{after}, its definition changed"),
        Some(Cause::Timeout | Cause::LogOverflow) | None => format!("Stopped{after}"),
    }
}

/// The short text for machines and templates.
pub(super) fn reason(alert: &Alert) -> String {
    if let Detail::Delivery { error, .. } | Detail::Secret { error, .. } = &alert.detail {
        return error.clone();
    }
    let Some(end) = alert.run.as_ref().and_then(|run| run.end.as_ref()) else {
        return String::new();
    };
    match (&end.message, end.signal) {
        (_, Some(signal)) => {
            let name = signals::name(signal);
            if name.starts_with("signal") { name.into_owned() } else { format!("signal {name}") }
        }
        (Some(message), None) => message.clone(),
        (None, None) if end.reason == EndReason::Failed && end.exit_code >= 0 => {
            format!("exit {}", end.exit_code)
        }
        (None, None) => String::new(),
    }
}

pub(super) fn trigger_phrase(run: &RunFacts) -> String {
    if run.retry_attempt > 0 && run.kind == job::Kind::Task {
        return format!("Retry {}", run.retry_attempt);
    }
    let phrase = match run.trigger {
        Trigger::Cron => "Scheduled",
        Trigger::Api => "Manual",
        Trigger::Service => "Service",
        Trigger::Startup => "Startup",
        Trigger::Hook => "Hook",
    };
    phrase.to_owned()
}

pub(super) fn count(more: More) -> String {
    match more {
        More::None => String::new(),
        More::CheckIn(count) => format!("×{count} · {count} more since the last message"),
        More::Summary { count, window } => {
            format!("×{count} · {count} more in the last {}", span(window))
        }
    }
}

fn after(alert: &Alert) -> String {
    let ran = alert.run.as_ref().and_then(ran);
    ran.map(|ran| format!(" after {}", span(ran))).unwrap_or_default()
}

fn within(alert: &Alert) -> String {
    let ran = alert.run.as_ref().and_then(ran);
    ran.map(|ran| format!(" in {}", span(ran))).unwrap_or_default()
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Text of others as part of a line.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|letter| if acts(letter) { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::fixtures;

    // docs/notifications.md, Messages.
    #[test]
    fn every_kind_has_its_words() {
        for (kind, title, sentence) in [
            (Kind::RunStarted, "▶️ sync-orders started", "Run started"),
            (Kind::RunSucceeded, "✅ sync-orders succeeded", "Finished in 0.3s"),
            (Kind::RunFailed, "❌ sync-orders failed", "Exit code 1 after 0.3s"),
            (Kind::RunTimeout, "⏱️ sync-orders timed out", "Stopped at the 5m timeout"),
            (Kind::RunCrashed, "💥 sync-orders crashed", "Was running when the daemon went down"),
            (Kind::RunStopped, "⏹️ sync-orders stopped", "Stopped by the operator after 0.3s"),
            (
                Kind::RunMissed,
                "⏭️ sync-orders missed",
                "3 scheduled runs missed since 2026-05-14 12:00",
            ),
            (
                Kind::RunRecovered,
                "💚 sync-orders recovered",
                "Finished in 0.3s, after 13 failures since 14 May, 15:02",
            ),
            (Kind::RunLate, "🐢 sync-orders is late", "Has not started within 2m"),
            (Kind::RunTooLong, "🐌 sync-orders runs too long", "Still running after 40m"),
            (
                Kind::RunTooShort,
                "⏩ sync-orders was too short",
                "Finished in 0.3s, expected at least 5m",
            ),
            (
                Kind::RunTooQuiet,
                "🔇 sync-orders was too quiet",
                "Wrote 12 B of output, expected at least 1 KB",
            ),
            (
                Kind::DiskPressure,
                "💾 sync-orders log output paused",
                "Only 212 MB free, minimum 500 MB; the run was stopped",
            ),
            (
                Kind::DeliveryFailed,
                "⚠️ Delivery to ops-chat failed",
                "sync-orders failed: slack:ops-chat: 404 Not Found",
            ),
            (
                Kind::Misconfigured,
                "⚠️ Notifier ops-chat cannot be used",
                "ops-chat: webhook_url_env: OPS_CHAT_URL is not set",
            ),
        ] {
            let message = fixtures::message(kind);
            assert_eq!(message.title_with_emoji(), title);
            assert_eq!(message.sentence, sentence, "{title}");
        }
    }

    #[test]
    fn the_end_of_a_failure_is_told_as_it_was() {
        let whole = fixtures::alert(Kind::RunFailed);
        let text = |text: &str| Some(text.to_owned());
        for (exit_code, signal, message, started, sentence, reason) in [
            (139, Some(11), None, true, "Killed by SIGSEGV after 0.3s", "signal SIGSEGV"),
            (227, Some(99), None, true, "Killed by signal 99 after 0.3s", "signal 99"),
            (
                -1,
                None,
                text("no such file"),
                false,
                "Could not start: no such file",
                "no such file",
            ),
            (-1, None, text("lost"), true, "No exit status after 0.3s: lost", "lost"),
            (0, None, text("output: x"), true, "Exit code 0 after 0.3s: output: x", "output: x"),
            (3, None, None, true, "Exit code 3 after 0.3s", "exit 3"),
        ] {
            let mut alert = whole.clone();
            let run = alert.run.as_mut().unwrap();
            run.started_at = run.started_at.filter(|_| started);
            let end = run.end.as_mut().unwrap();
            (end.exit_code, end.signal, end.message) = (exit_code, signal, message);
            assert_eq!(super::sentence(&alert, &TimeZone::UTC), sentence);
            assert_eq!(super::reason(&alert), reason);
            alert.run.as_mut().unwrap().end.as_mut().unwrap().reason = EndReason::LogOverflow;
            assert!(super::sentence(&alert, &TimeZone::UTC).starts_with("Log limit reached"));
        }
    }

    #[test]
    fn who_stopped_a_run_is_named() {
        for (cause, sentence) in [
            (Some(Cause::Operator), "Stopped by the operator after 4s"),
            (Some(Cause::Shutdown), "Stopped by daemon shutdown"),
            (Some(Cause::Superseded), "Replaced by a newer run"),
            (Some(Cause::DiskPressure), "Stopped after 4s, the disk is nearly full"),
            (None, "Stopped after 4s"),
        ] {
            assert_eq!(stopped(cause, " after 4s"), sentence);
        }
    }

    #[test]
    fn who_started_it_and_what_it_stands_for_are_named() {
        let run = fixtures::alert(Kind::RunFailed).run.unwrap();
        let retry = RunFacts { retry_attempt: 2, ..run.clone() };
        let restart =
            RunFacts { kind: job::Kind::Service, trigger: Trigger::Service, ..retry.clone() };
        assert_eq!(trigger_phrase(&run), "Scheduled");
        assert_eq!(trigger_phrase(&retry), "Retry 2");
        assert_eq!(trigger_phrase(&restart), "Service");
        assert_eq!(count(More::CheckIn(10)), "×10 · 10 more since the last message");
        assert_eq!(counted(1, "failure"), "1 failure");
    }
}
