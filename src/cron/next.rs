//! The next tick of a cron expression. Inside a stretch of constant offset it is a search on the
//! calendar, which `fields` does; where clocks change, the rules for skipped and repeated hours
//! apply (docs/running.md, Clock changes). They work on instants, for a change of any size.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset};

use super::Cron;

/// How far a search looks: `0 0 29 2 */7` waits longest, 40 years around 2100.
const HORIZON_YEARS: i16 = 40;

/// An instant at which a schedule is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) at: Timestamp,
    pub(crate) note: TickNote,
}

/// What clock changes have to do with a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TickNote {
    Plain,
    /// Hour-fixed: the local time `wanted`, perhaps with later ones, was skipped by the clock. This
    /// is the first instant after it.
    AfterGap {
        wanted: DateTime,
    },
    /// Hour-free: the local time comes for the second time, and the tick fires again.
    SecondPass,
    /// Hour-fixed: the local time comes for the second time, and the tick does not fire.
    Suppressed,
}

impl Cron {
    /// The first tick strictly after `after`; `None` when no date within 40 years matches.
    pub(crate) fn next_after(&self, after: Timestamp) -> Option<Tick> {
        // Whole seconds are cut towards zero, which before 1970 is already the later one.
        let next_second = after.as_second() + i64::from(after.subsec_nanosecond() >= 0);
        let mut offset = self.zone.to_offset(after);
        let mut from = offset.to_datetime(Timestamp::from_second(next_second).ok()?);
        let mut changes = self.zone.following(after);
        let last_year = from.year() + HORIZON_YEARS;
        loop {
            let wanted = self.fields.at_or_after(from, last_year)?;
            let at = offset.to_timestamp(wanted).ok()?;
            let Some(change) = changes.next().filter(|change| change.timestamp() <= at) else {
                return Some(Tick { at, note: self.note(wanted, offset) });
            };
            // The offset ends before this time is reached: look on from the first local time after.
            offset = change.offset();
            from = offset.to_datetime(change.timestamp());
            let is_skipped = wanted < from && self.is_hour_fixed();
            if is_skipped && self.fields.at_or_after(from, last_year) != Some(from) {
                return Some(Tick { at: change.timestamp(), note: TickNote::AfterGap { wanted } });
            }
        }
    }

    fn note(&self, local: DateTime, offset: Offset) -> TickNote {
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Fold { after, .. } if after == offset => {
                if self.is_hour_fixed() {
                    TickNote::Suppressed
                } else {
                    TickNote::SecondPass
                }
            }
            AmbiguousOffset::Fold { .. }
            | AmbiguousOffset::Gap { .. }
            | AmbiguousOffset::Unambiguous { .. } => TickNote::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::Schedule;
    use super::*;

    fn cron(text: &str, zone: &str) -> Cron {
        match Schedule::parse(text, TimeZone::get(zone).unwrap(), zone) {
            Ok(Schedule::Cron(cron)) => cron,
            other => panic!("{text}: {other:?}"),
        }
    }

    /// Each tick as its instant, and a letter for its note when it is not plain.
    fn ticks(text: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let cron = cron(text, zone);
        let first = cron.next_after(after.parse().unwrap());
        std::iter::successors(first, |tick| cron.next_after(tick.at))
            .map(|tick| match tick.note {
                TickNote::Plain => tick.at.to_string(),
                TickNote::AfterGap { wanted } => format!("{} for {}", tick.at, wanted.time()),
                TickNote::SecondPass => format!("{} again", tick.at),
                TickNote::Suppressed => format!("{} suppressed", tick.at),
            })
            .take(count)
            .collect()
    }

    // docs/configuration.md, Schedules.
    #[test]
    fn fields_match_on_the_calendar() {
        for (text, expected) in [
            ("*/15 * * * *", &["01-01T00:15", "01-01T00:30"][..]),
            ("5/20 * * * *", &["01-01T00:05", "01-01T00:25", "01-01T00:45", "01-01T01:05"]),
            ("0 0 13 * 5", &["01-02T00:00", "01-09T00:00", "01-13T00:00", "01-16T00:00"]),
            ("0 0 1-31 * 5", &["01-02T00:00", "01-03T00:00"]),
            ("0 0 */2 * 1", &["01-05T00:00", "01-19T00:00"]),
            ("30 9 */2 * 2", &["01-13T09:30", "01-27T09:30"]),
            ("0 0 2,* * 2", &["01-06T00:00", "01-13T00:00"]),
            ("0 0 * * fri-sun", &["01-02T00:00", "01-03T00:00", "01-04T00:00", "01-09T00:00"]),
            ("0 0 * * 7", &["01-04T00:00", "01-11T00:00"]),
            ("0 0 * * 0", &["01-04T00:00", "01-11T00:00"]),
            ("0 0 * * 7/2", &["01-04T00:00", "01-11T00:00"]),
            ("0 0 * * 1/2", &["01-02T00:00", "01-04T00:00", "01-05T00:00", "01-07T00:00"]),
            ("0 0 * * sun-7", &["01-02T00:00", "01-03T00:00"]),
            ("0 0 31 * *", &["01-31T00:00", "03-31T00:00"]),
            ("@weekly", &["01-04T00:00", "01-11T00:00"]),
            ("? ?/12 ? ? ?", &["01-01T00:01", "01-01T00:02"]),
        ] {
            let full: Vec<_> = expected.iter().map(|at| format!("2026-{at}:00Z")).collect();
            assert_eq!(ticks(text, "UTC", "2026-01-01T00:00:00Z", full.len()), full, "{text}");
        }
    }

    #[test]
    fn six_fields_begin_with_the_seconds() {
        let after = "2026-01-01T00:00:31.5Z";
        let expected = ["2026-01-01T00:00:45Z", "2026-01-01T00:01:00Z"];
        assert_eq!(ticks("*/15 * * * * *", "UTC", after, 2), expected);
        assert_eq!(ticks("7 30 9 * * *", "UTC", after, 1), ["2026-01-01T09:30:07Z"]);
    }

    #[test]
    fn the_next_tick_is_strictly_later_on_both_sides_of_1970() {
        for (after, expected) in [
            ("2026-01-01T00:00:59.999999999Z", "2026-01-01T00:01:00Z"),
            ("2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"),
            ("2026-01-01T00:01:00.000000001Z", "2026-01-01T00:02:00Z"),
            ("1969-12-31T23:58:59.5Z", "1969-12-31T23:59:00Z"),
            ("1969-12-31T23:59:59.5Z", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(ticks("* * * * *", "UTC", after, 1), [expected], "{after}");
        }
    }

    // docs/running.md, Clock changes.
    #[test]
    fn a_fixed_hour_fires_once_when_clocks_change() {
        for (zone, text, after, expected) in [
            (
                "Europe/Prague",
                "30 2 * * *",
                "2026-03-28T12:00:00Z",
                &["2026-03-29T01:00:00Z for 02:30:00", "2026-03-30T00:30:00Z"][..],
            ),
            (
                "Europe/Prague",
                "0 2,3 * * *",
                "2026-03-28T12:00:00Z",
                &["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"],
            ),
            (
                "Europe/Prague",
                "*/20 2,5 * * *",
                "2026-03-28T12:00:00Z",
                &["2026-03-29T01:00:00Z for 02:00:00", "2026-03-29T03:00:00Z"],
            ),
            (
                "Europe/Prague",
                "30 2 * * *",
                "2026-10-24T12:00:00Z",
                &[
                    "2026-10-25T00:30:00Z",
                    "2026-10-25T01:30:00Z suppressed",
                    "2026-10-26T01:30:00Z",
                ],
            ),
            (
                "Europe/Prague",
                "0,30 2 * * *",
                "2026-10-24T12:00:00Z",
                &[
                    "2026-10-25T00:00:00Z",
                    "2026-10-25T00:30:00Z",
                    "2026-10-25T01:00:00Z suppressed",
                    "2026-10-25T01:30:00Z suppressed",
                    "2026-10-26T01:00:00Z",
                ],
            ),
            (
                "America/New_York",
                "15 2 * * *",
                "2026-03-07T12:00:00Z",
                &["2026-03-08T07:00:00Z for 02:15:00", "2026-03-09T06:15:00Z"],
            ),
            (
                "America/New_York",
                "30 1 * * *",
                "2026-10-31T12:00:00Z",
                &[
                    "2026-11-01T05:30:00Z",
                    "2026-11-01T06:30:00Z suppressed",
                    "2026-11-02T06:30:00Z",
                ],
            ),
            (
                "Australia/Lord_Howe",
                "15 2 * * *",
                "2026-10-03T12:00:00Z",
                &["2026-10-03T15:30:00Z for 02:15:00", "2026-10-04T15:15:00Z"],
            ),
            (
                "Australia/Lord_Howe",
                "45 1 * * *",
                "2026-04-04T12:00:00Z",
                &[
                    "2026-04-04T14:45:00Z",
                    "2026-04-04T15:15:00Z suppressed",
                    "2026-04-05T15:15:00Z",
                ],
            ),
            // The whole of 30 December was left out.
            (
                "Pacific/Apia",
                "0 9 * * *",
                "2011-12-29T12:00:00Z",
                &[
                    "2011-12-29T19:00:00Z",
                    "2011-12-30T10:00:00Z for 09:00:00",
                    "2011-12-30T19:00:00Z",
                ],
            ),
            (
                "Pacific/Apia",
                "0 0 * * *",
                "2011-12-29T09:00:00Z",
                &["2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"],
            ),
            ("America/Nuuk", "30 22 28 3 *", "2026-03-01T00:00:00Z", &["2026-03-29T00:30:00Z"]),
            // Morocco goes back an hour for the month of Ramadan.
            (
                "Africa/Casablanca",
                "30 2 * * *",
                "2026-02-14T12:00:00Z",
                &[
                    "2026-02-15T01:30:00Z",
                    "2026-02-15T02:30:00Z suppressed",
                    "2026-02-16T02:30:00Z",
                ],
            ),
        ] {
            assert_eq!(ticks(text, zone, after, expected.len()), expected, "{text} in {zone}");
        }
    }

    #[test]
    fn a_free_hour_follows_real_time_when_clocks_change() {
        for (zone, text, after, expected) in [
            (
                "Europe/Prague",
                "*/30 * * * *",
                "2026-03-29T00:00:00Z",
                &["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"][..],
            ),
            (
                "Europe/Prague",
                "*/30 0-23 * * *",
                "2026-10-24T23:30:00Z",
                &[
                    "2026-10-25T00:00:00Z",
                    "2026-10-25T00:30:00Z",
                    "2026-10-25T01:00:00Z again",
                    "2026-10-25T01:30:00Z again",
                    "2026-10-25T02:00:00Z",
                ],
            ),
            (
                "Europe/Prague",
                "*/15 59 * * * *",
                "2026-10-25T01:59:20Z",
                &[
                    "2026-10-25T01:59:30Z again",
                    "2026-10-25T01:59:45Z again",
                    "2026-10-25T02:59:00Z",
                ],
            ),
            (
                "Australia/Lord_Howe",
                "10 */1 * * *",
                "2026-10-03T15:00:00Z",
                &["2026-10-03T16:10:00Z"],
            ),
        ] {
            assert_eq!(ticks(text, zone, after, expected.len()), expected, "{text} in {zone}");
        }
    }

    #[test]
    fn a_time_of_day_fires_once_on_every_day_of_a_year() {
        let first: Timestamp = "2025-12-31T23:59:59Z".parse().unwrap();
        for zone in ["Europe/Prague", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll"]
        {
            for time in (0..24).flat_map(|hour| [(0, hour), (15, hour), (30, hour)]) {
                let cron = cron(&format!("{} {} * * *", time.0, time.1), zone);
                let ticks =
                    std::iter::successors(cron.next_after(first), |tick| cron.next_after(tick.at))
                        .take_while(|tick| tick.at.to_string().starts_with("2026"))
                        .filter(|tick| tick.note != TickNote::Suppressed);
                // The year of UTC begins and ends at other times, but is as long.
                assert_eq!(ticks.count(), 365, "{time:?} in {zone}");
            }
        }
    }

    #[test]
    fn every_minute_of_real_time_is_a_tick() {
        for zone in ["Europe/Prague", "Pacific/Apia"] {
            let cron = cron("* * * * *", zone);
            let mut at: Timestamp = "2011-01-01T00:00:00Z".parse().unwrap();
            for _ in 0..365 * 24 * 60 {
                let tick = cron.next_after(at).unwrap();
                assert_eq!(tick.at.as_second() - at.as_second(), 60, "{zone}: {tick:?}");
                at = tick.at;
            }
        }
    }

    #[test]
    fn a_rare_date_is_found_and_an_impossible_one_is_known_as_such() {
        assert_eq!(
            ticks("0 12 29 feb *", "UTC", "2026-01-01T00:00:00Z", 1),
            ["2028-02-29T12:00:00Z"]
        );
        let sundays = ticks("0 0 29 2 */7", "Europe/Prague", "2088-03-01T00:00:00Z", 1);
        assert_eq!(sundays, ["2128-02-28T23:00:00Z"]);
        for zone in ["UTC", "America/New_York", "Pacific/Apia"] {
            for text in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "* * * 30 feb *"] {
                for after in
                    ["2026-01-01T00:00:00Z", "2026-03-08T07:00:00Z", "2011-12-30T09:59:59Z"]
                {
                    assert_eq!(cron(text, zone).next_after(after.parse().unwrap()), None, "{text}");
                }
            }
        }
    }

    #[test]
    fn the_end_of_time_is_no_tick() {
        let cron = cron("* * * * *", "Europe/Prague");
        assert_eq!(cron.next_after(Timestamp::MAX), None);
        assert!(cron.next_after(Timestamp::MIN).is_some());
    }
}
