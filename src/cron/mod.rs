//! When a task is due: a cron expression in a time zone, or a fixed interval. Text is read in
//! `parse`, ticks are found in `next` with the calendar search of `fields`. Whoever asks brings
//! the zone and the instant.

mod fields;
mod next;
#[cfg(test)]
mod oracle;
mod parse;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(crate) use next::{Tick, TickNote};
pub(crate) use parse::{CronError, FORM, split_zone};

/// A task's schedule.
#[derive(Clone, Debug)]
pub(crate) enum Schedule {
    Cron(Cron),
    Every(Every),
}

/// `@every 90s`: an interval on the monotonic clock, bound to no calendar.
#[derive(Clone, Debug)]
pub(crate) struct Every {
    /// Whole seconds, at least one.
    pub(crate) interval: Duration,
    pub(crate) text: Box<str>,
}

/// A cron expression and the zone whose clock it reads.
#[derive(Clone, Debug)]
pub(crate) struct Cron {
    fields: fields::Fields,
    zone: TimeZone,
    /// Shared by all who are in it.
    zone_name: Arc<str>,
    text: Box<str>,
}

/// Two texts that mean the same are the same schedule.
impl PartialEq for Schedule {
    fn eq(&self, other: &Schedule) -> bool {
        self.identity() == other.identity()
    }
}

impl Schedule {
    /// Reads an expression, an alias or `@every`. A zone prefix (see [`split_zone`]) is passed
    /// over: `zone` is the one that applies, `zone_name` what tells it from others.
    pub(crate) fn parse(
        text: &str,
        zone: TimeZone,
        zone_name: impl Into<Arc<str>>,
    ) -> Result<Schedule, CronError> {
        let text = text.trim();
        let (_, expression) = split_zone(text);
        if let Some(interval) = parse::interval(expression)? {
            return Ok(Schedule::Every(Every { interval, text: text.into() }));
        }
        let fields = parse::fields(expression)?;
        Ok(Schedule::Cron(Cron { fields, zone, zone_name: zone_name.into(), text: text.into() }))
    }

    /// The expression as it was written, without outer whitespace.
    pub(crate) fn text(&self) -> &str {
        match self {
            Schedule::Cron(cron) => &cron.text,
            Schedule::Every(every) => &every.text,
        }
    }

    /// Differs whenever the meaning differs, so that an altered schedule can be told from one that
    /// is only written in another way. It is stored, so its form stays.
    pub(crate) fn identity(&self) -> String {
        match self {
            Schedule::Cron(cron) => format!("cron {} {}", cron.fields.identity(), cron.zone_name),
            Schedule::Every(every) => format!("every {}s", every.interval.as_secs()),
        }
    }

    /// The first tick after `after`, itself a tick, that starts a run: those that the end of
    /// daylight saving time suppresses do not.
    pub(crate) fn fires_after(&self, after: Timestamp) -> Option<Timestamp> {
        let cron = match self {
            Schedule::Every(every) => return after.checked_add(every.interval).ok(),
            Schedule::Cron(cron) => cron,
        };
        let mut ticks =
            std::iter::successors(cron.next_after(after), |tick| cron.next_after(tick.at));
        ticks.find(|tick| tick.note != TickNote::Suppressed).map(|tick| tick.at)
    }

    /// Whether no date within 40 years after `from` matches, as with `0 0 30 2 *`.
    pub(crate) fn never_fires(&self, from: Timestamp) -> bool {
        match self {
            Schedule::Cron(cron) => cron.next_after(from).is_none(),
            Schedule::Every(_) => false,
        }
    }
}

impl Cron {
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The zone as the configuration names it.
    pub(crate) fn zone_name(&self) -> &str {
        &self.zone_name
    }

    /// Whether the hour field leaves out an hour. Such a schedule means times of the day and keeps
    /// to them when clocks change; any other one follows real time.
    pub(crate) fn is_hour_fixed(&self) -> bool {
        self.fields.is_hour_fixed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(text: &str) -> Schedule {
        Schedule::parse(text, TimeZone::UTC, "UTC").unwrap()
    }

    #[test]
    fn text_is_kept_as_it_was_written() {
        for text in ["30 2 * * Mon", "@Daily", "@every 90m", "CRON_TZ=UTC 0  0 * * *"] {
            assert_eq!(schedule(&format!(" {text}\n")).text(), text);
        }
    }

    #[test]
    fn identities_are_equal_when_the_meaning_is() {
        for (one, other) in [
            ("@daily", "0 0 * * *"),
            ("*/15 * * * *", "0 0,15,30,45 * * * *"),
            ("0 0 * * sun", "0 0 * * 7"),
            ("@every 90m", "@every 1h30m"),
            ("TZ=UTC @daily", "@daily"),
        ] {
            assert_eq!(schedule(one).identity(), schedule(other).identity(), "{one}");
        }
    }

    #[test]
    fn identities_differ_when_the_meaning_does() {
        let texts = [
            "0 0 1 * 1",
            "0 0 1 * *",
            "0 0 1,* * 1",
            "0 1 * * *",
            "1 0 * * *",
            "0 0 * 1 *",
            "@every 1m",
            "@every 1h",
        ];
        let mut all: Vec<_> = texts.map(|text| schedule(text).identity()).to_vec();
        all.push(Schedule::parse(texts[0], TimeZone::UTC, "Etc/UTC").unwrap().identity());
        for (place, one) in all.iter().enumerate() {
            assert!(!all[..place].contains(one), "{one}");
        }
        // The form is stored.
        assert_eq!(all[0], "cron 1 1 1 2 1ffe 2 or UTC");
    }

    #[test]
    fn only_an_impossible_date_never_fires() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        assert!(schedule("0 0 30 2 *").never_fires(now));
        for text in ["0 0 29 2 *", "0 0 30 2 1", "@every 100000d"] {
            assert!(!schedule(text).never_fires(now), "{text}");
        }
    }
}
