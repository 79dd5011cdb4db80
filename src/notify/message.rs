//! What an alert says: the parts that every message is made of (docs/notifications.md,
//! Messages). How they are laid out is left to whoever sends them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::alert::{Alert, Delivery, Detail, Kind, More, RunFacts, Severity};
use crate::notify::Facts;
use crate::notify::wording::{count, look, one_line, reason, sentence, title, trigger_phrase};

/// The parts of one message. A text that does not apply is empty.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    pub(crate) severity: Severity,
    pub(crate) at: Timestamp,
    pub(crate) job: String,
    pub(crate) run: Option<RunFacts>,
    pub(crate) emoji: &'static str,
    pub(crate) verb: &'static str,
    /// `sync-orders failed`.
    pub(crate) title: String,
    /// `Exit code 1 after 0.3s`.
    pub(crate) sentence: String,
    /// `Scheduled`.
    pub(crate) trigger: String,
    /// `14 May, 17:11`.
    pub(crate) time: String,
    /// `Scheduled · 14 May, 17:11`.
    pub(crate) origin: String,
    /// The last lines of output.
    pub(crate) tail: String,
    /// `×10 · 10 more since the last message`.
    pub(crate) count: String,
    pub(crate) more: More,
    /// `exit 1`, `signal SIGKILL`, or the cause in words.
    pub(crate) reason: String,
    /// `0.3s`.
    pub(crate) duration: String,
    pub(crate) detail: Detail,
    pub(crate) run_url: Option<String>,
    pub(crate) task_url: Option<String>,
    pub(crate) fingerprint: String,
    pub(crate) hostname: String,
    /// `from runwisp · bright-falcon`.
    pub(crate) footer: String,
}

impl Message {
    /// `zone` is the one of the job, else of the scheduler.
    pub(crate) fn new(delivery: &Delivery, facts: &Facts, zone: &TimeZone) -> Message {
        let alert = &delivery.alert;
        let (emoji, verb) = look(alert.kind);
        let job = one_line(&alert.job);
        let trigger = alert.run.as_ref().map(trigger_phrase).unwrap_or_default();
        let time = clock_time(alert.at, zone);
        let task_url = facts.external_url.as_ref().filter(|_| !job.is_empty());
        let task_url = task_url.map(|url| format!("{url}/tasks/{}", percent(&alert.job)));
        let run_url = alert.run.as_ref().zip(task_url.as_ref());
        Message {
            kind: alert.kind,
            severity: alert.kind.severity(),
            at: alert.at,
            run: alert.run.clone(),
            emoji,
            verb,
            title: title(alert, &job, verb),
            sentence: one_line(&sentence(alert, zone)),
            origin: if trigger.is_empty() { String::new() } else { format!("{trigger} · {time}") },
            trigger,
            time,
            tail: delivery.tail.clone(),
            count: count(delivery.more),
            more: delivery.more,
            reason: one_line(&reason(alert)),
            duration: alert.run.as_ref().and_then(ran).map(span).unwrap_or_default(),
            detail: alert.detail.clone(),
            run_url: run_url.map(|(run, url)| format!("{url}/{}", run.id)),
            task_url,
            fingerprint: facts.fingerprint.clone(),
            hostname: facts.hostname.clone(),
            footer: format!("from runwisp · {}", facts.fingerprint),
            job,
        }
    }

    /// Where there is more to see: the run, or the task where the alert is about more than one.
    pub(crate) fn link(&self) -> Option<&str> {
        let run = self.run_url.as_deref().filter(|_| self.kind != Kind::DiskPressure);
        run.or(self.task_url.as_deref())
    }

    /// What the link leads to, for a button.
    pub(crate) fn link_name(&self) -> &'static str {
        if self.link() == self.run_url.as_deref() { "Open run" } else { "Open task" }
    }

    pub(crate) fn title_with_emoji(&self) -> String {
        format!("{} {}", self.emoji, self.title)
    }

    /// The lines between the title and the output.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        [&*self.sentence, &self.origin, &self.count].into_iter().filter(|line| !line.is_empty())
    }

    /// What the feed shows below the title.
    pub(crate) fn body(&self) -> String {
        let parts = [&*self.sentence, &self.tail].into_iter().filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join("\n")
    }
}

/// The title of a message about this alert, without its emoji.
pub(crate) fn feed_title(alert: &Alert) -> String {
    title(alert, &one_line(&alert.job), look(alert.kind).1)
}

/// `0.3s`, `12s`, `3m 4s`, `2h 5m`, `1d 3h`: rounded, and never `60s`.
pub(crate) fn span(duration: Duration) -> String {
    let millis = duration.as_millis();
    let rounded = |unit: u128| (millis + unit / 2) / unit;
    let pair = |value: u128, base: u128, large: &str, small: &str| match value % base {
        0 => format!("{}{large}", value / base),
        rest => format!("{}{large} {rest}{small}", value / base),
    };
    match (rounded(100), rounded(1000), rounded(60_000), rounded(3_600_000)) {
        (tenths @ ..10, _, _, _) => format!("0.{tenths}s"),
        (_, seconds @ ..60, _, _) => format!("{seconds}s"),
        (_, seconds @ ..3600, _, _) => pair(seconds, 60, "m", "s"),
        (_, _, minutes @ ..1440, _) => pair(minutes, 60, "h", "m"),
        (_, _, _, hours) => pair(hours, 24, "d", "h"),
    }
}

/// `14 May, 17:11`.
pub(crate) fn clock_time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%-d %b, %H:%M").to_string()
}

/// How long it ran, once it is over.
pub(crate) fn ran(run: &RunFacts) -> Option<Duration> {
    let (since, end) = (run.started_at?, run.end.as_ref()?);
    // The wall clock may have been set back meanwhile.
    Some(Duration::try_from(end.at.duration_since(since)).unwrap_or_default())
}

/// Percent-encoded: nothing but what is reserved for nothing (RFC 3986, 2.3).
pub(crate) fn percent(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                segment.push(char::from(byte));
            }
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::fixtures;

    // docs/notifications.md, Messages.
    #[test]
    fn a_span_is_rounded_and_never_shows_sixty() {
        for (millis, shown) in [
            (0, "0.0s"),
            (40, "0.0s"),
            (300, "0.3s"),
            (949, "0.9s"),
            (950, "1s"),
            (1_499, "1s"),
            (12_000, "12s"),
            (59_499, "59s"),
            (59_500, "1m"),
            (120_000, "2m"),
            (184_000, "3m 4s"),
            (3_599_499, "59m 59s"),
            (3_599_500, "1h"),
            (7_500_000, "2h 5m"),
            (7_199_000, "2h"),
            (86_369_000, "23h 59m"),
            (86_370_000, "1d"),
            (97_200_000, "1d 3h"),
            (172_799_000, "2d"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), shown, "{millis}");
        }
    }

    #[test]
    fn a_message_has_all_parts_that_apply() {
        let message = fixtures::message(Kind::RunFailed);
        let run = "https://cron.example.net/tasks/sync-orders/01KRKGN3T0000000000000001A";
        assert_eq!(message.title_with_emoji(), "❌ sync-orders failed");
        assert_eq!(message.origin, "Scheduled · 14 May, 17:11");
        assert_eq!((message.link(), message.link_name()), (Some(run), "Open run"));
        assert_eq!(message.footer, "from runwisp · bright-falcon");
        assert_eq!(message.body(), "Exit code 1 after 0.3s\nfatal: no route to host");
        assert_eq!(feed_title(&fixtures::alert(Kind::RunFailed)), message.title);
        assert_eq!((&*message.reason, &*message.duration), ("exit 1", "0.3s"));

        let disk = fixtures::message(Kind::DiskPressure);
        let task = "https://cron.example.net/tasks/sync-orders";
        assert_eq!((disk.link(), disk.link_name()), (Some(task), "Open task"));
        let failed = fixtures::message(Kind::DeliveryFailed);
        assert_eq!((failed.link(), &*failed.origin), (Some(task), ""));
        let bare = fixtures::message(Kind::Misconfigured);
        assert_eq!((bare.link(), bare.task_url.as_deref()), (None, None));

        let facts = Facts { external_url: None, ..fixtures::facts() };
        let unlinked = Message::new(&fixtures::summary(), &facts, &TimeZone::UTC);
        assert_eq!((unlinked.link(), &*unlinked.time), (None, "14 May, 15:11"));
        assert_eq!(unlinked.lines().last(), Some("×3 · 3 more in the last 1h"));
    }

    #[test]
    fn a_strange_name_breaks_no_line_and_no_link() {
        let mut delivery = fixtures::delivery(Kind::RunStarted);
        delivery.alert.job = "a/b ?\n\u{202e}é".to_owned();
        let message = Message::new(&delivery, &fixtures::facts(), &TimeZone::UTC);
        assert_eq!(message.title, "a/b ?  é started");
        let url = "https://cron.example.net/tasks/a%2Fb%20%3F%0A%E2%80%AE%C3%A9";
        assert_eq!(message.task_url.as_deref(), Some(url));
    }
}
