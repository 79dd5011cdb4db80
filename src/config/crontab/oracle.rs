//! A slow second opinion, for tests: a reader that goes letter by letter as Debian's cron does, with
//! all that it passes over in silence, and a walk through more than a year that asks each minute of
//! each day. Every line of the corpus must tick alike, or be flagged.

use jiff::Timestamp;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::{Form, When, read};
use crate::cron::{Cron, Schedule};

const CORPUS: &str = include_str!("../../../tests/corpus/cron/lines.crontab");
/// From here on, so many days: a leap year and a bit more.
const FIRST: Date = date(2027, 12, 1);
const DAYS: i32 = 400;
/// A line that ticks each minute is looked at for some weeks only.
const MOST_TICKS: usize = 4_000;

/// What cron makes of a line.
enum Read {
    Refused,
    Reboot,
    /// Set values of minute, hour, day, month and weekday, and whether a day field begins with a
    /// star.
    Fields {
        sets: [u64; 5],
        stars: [bool; 2],
    },
}

struct Letters<'a> {
    line: &'a [u8],
    at: usize,
}

impl Letters<'_> {
    fn now(&self) -> u8 {
        self.line.get(self.at).copied().unwrap_or(b'\n')
    }

    fn skip(&mut self, is_skipped: fn(u8) -> bool) {
        while self.now() != b'\n' && is_skipped(self.now()) {
            self.at += 1;
        }
    }

    fn list(&mut self, low: u64, high: u64, names: &[&str]) -> Option<u64> {
        let mut set = 0;
        loop {
            set |= self.range(low, high, names)?;
            if self.now() != b',' {
                break;
            }
            self.at += 1;
        }
        self.skip(|letter| letter != b' ' && letter != b'\t');
        self.skip(|letter| letter == b' ' || letter == b'\t');
        Some(set)
    }

    fn range(&mut self, low: u64, high: u64, names: &[&str]) -> Option<u64> {
        let (from, to);
        if self.now() == b'*' {
            self.at += 1;
            (from, to) = (low, high);
        } else {
            from = self.number(low, names)?;
            if self.now() != b'-' {
                if self.now() == b'/' {
                    return None;
                }
                return (low..=high).contains(&from).then_some(1 << from);
            }
            self.at += 1;
            to = self.number(low, names)?;
        }
        let mut step = 1;
        if self.now() == b'/' {
            self.at += 1;
            step = self.number(0, &[])?;
        }
        if step == 0 || from < low || to > high {
            return None;
        }
        Some((from..=to).step_by(step as usize).fold(0, |set, value| set | 1 << value))
    }

    fn number(&mut self, low: u64, names: &[&str]) -> Option<u64> {
        let start = self.at;
        self.skip(|letter| letter.is_ascii_alphanumeric());
        let word = std::str::from_utf8(&self.line[start..self.at]).unwrap();
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(word));
        // Its numbers are ints.
        named
            .map(|place| low + place as u64)
            .or_else(|| word.parse().ok().filter(|number| *number <= i32::MAX as u64))
    }
}

fn oracle(line: &str) -> Read {
    let line = line.trim_start_matches([' ', '\t']);
    if let Some(alias) = line.strip_prefix('@') {
        let name = alias.split([' ', '\t']).next().unwrap();
        let all = [u64::MAX; 5];
        let fields = |minute, hour, day, month, weekday| Read::Fields {
            sets: [minute, hour, day, month, weekday],
            stars: [day == all[2], weekday == all[4]],
        };
        return match name {
            "reboot" => Read::Reboot,
            "yearly" | "annually" => fields(1, 1, 2, 2, all[4]),
            "monthly" => fields(1, 1, 2, all[3], all[4]),
            "weekly" => fields(1, 1, all[2], all[3], 1),
            "daily" | "midnight" => fields(1, 1, all[2], all[3], all[4]),
            "hourly" => fields(1, all[1], all[2], all[3], all[4]),
            _ => Read::Refused,
        };
    }
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let bounds: [(u64, u64, &[&str]); 5] =
        [(0, 59, &[]), (0, 23, &[]), (1, 31, &[]), (1, 12, &MONTHS), (0, 7, &WEEKDAYS)];
    let mut letters = Letters { line: line.as_bytes(), at: 0 };
    let mut sets = [0; 5];
    let mut stars = [false; 5];
    for (place, (low, high, names)) in bounds.into_iter().enumerate() {
        stars[place] = letters.now() == b'*';
        let Some(set) = letters.list(low, high, names) else { return Read::Refused };
        sets[place] = set;
    }
    if letters.now() == b'*' {
        return Read::Refused;
    }
    if sets[4] & 0x81 != 0 {
        sets[4] |= 0x81;
    }
    Read::Fields { sets, stars: [stars[2], stars[4]] }
}

/// The rule of cron's main loop, for the minutes of all days.
fn ticks(sets: [u64; 5], stars: [bool; 2]) -> Vec<Timestamp> {
    let has = |field: usize, value: i8| sets[field] >> value & 1 == 1;
    let mut ticks = Vec::new();
    for day in 0..DAYS {
        let today = FIRST.checked_add(day.days()).unwrap();
        let (is_day, is_weekday) =
            (has(2, today.day()), has(4, today.weekday().to_sunday_zero_offset()));
        let fits = match stars {
            [false, false] => is_day || is_weekday,
            [true, _] | [_, true] => is_day && is_weekday,
        };
        if !fits || !has(3, today.month()) {
            continue;
        }
        for hour in (0..24).filter(|hour| has(1, *hour)) {
            for minute in (0..60).filter(|minute| has(0, *minute)) {
                let at = today.at(hour, minute, 0, 0).to_zoned(TimeZone::UTC).unwrap();
                ticks.push(at.timestamp());
                if ticks.len() == MOST_TICKS {
                    return ticks;
                }
            }
        }
    }
    ticks
}

fn ours(expression: &str) -> Cron {
    match Schedule::parse(expression, TimeZone::UTC, "UTC") {
        Ok(Schedule::Cron(cron)) => cron,
        other => panic!("{expression}: {other:?}"),
    }
}

#[test]
fn every_line_ticks_as_in_cron_or_is_flagged() {
    let start = FIRST.at(0, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
    let end = start + 24.hours() * i64::from(DAYS);
    let (mut alike, mut refused, mut flagged) = (0, 0, 0);
    for line in CORPUS.lines() {
        let crontab = read(&format!("{line}\n"), Form::User);
        let found = (crontab.entries.first(), crontab.skipped.first());
        match (oracle(line), found) {
            (Read::Refused, (None, Some(skipped))) => {
                assert!(skipped.is_refused_by_cron, "{line}: {}", skipped.reason);
                refused += 1;
            }
            // What cron refuses and its successor takes.
            (Read::Refused, (Some(entry), None)) => assert!(!entry.notes.is_empty(), "{line}"),
            (Read::Reboot | Read::Fields { .. }, (None, Some(skipped))) => {
                assert!(!skipped.is_refused_by_cron, "{line}: {}", skipped.reason);
                flagged += 1;
            }
            (Read::Reboot, (Some(entry), None)) => assert_eq!(entry.when, When::Boot, "{line}"),
            (Read::Fields { sets, stars }, (Some(entry), None)) => {
                let When::Cron(expression) = &entry.when else { panic!("{line}: {entry:?}") };
                let cron = ours(expression);
                let expected = ticks(sets, stars);
                let before = start - 1.second();
                let first = cron.next_after(before).map(|tick| tick.at);
                let next = |at: &Timestamp| cron.next_after(*at).map(|tick| tick.at);
                let mut found = std::iter::successors(first, next).take_while(|at| *at < end);
                for expected in &expected {
                    assert_eq!(found.next().as_ref(), Some(expected), "{line}: {expression}");
                }
                if expected.len() < MOST_TICKS {
                    assert_eq!(found.next(), None, "{line}: {expression}");
                }
                alike += 1;
            }
            (Read::Refused | Read::Reboot | Read::Fields { .. }, other) => {
                panic!("{line}: {other:?}")
            }
        }
    }
    assert!(alike >= 120 && refused >= 40 && flagged >= 20, "{alike} {refused} {flagged}");
}
