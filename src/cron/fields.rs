//! What an expression matches: a set of values for each field, and the search for the next match
//! on the calendar. It jumps from set value to set value, month by month at worst, and knows
//! nothing of zones.

use jiff::civil::{Date, DateTime, Time};

/// The values that match, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Set(pub(super) u64);

impl Set {
    /// The smallest value from `value` (0 to 63) on.
    pub(super) fn at_or_after(self, value: u32) -> Option<u32> {
        let rest = self.0 & u64::MAX << value;
        (rest != 0).then_some(rest.trailing_zeros())
    }

    pub(super) fn has(self, value: u32) -> bool {
        self.0 >> value & 1 == 1
    }

    /// No field is ever empty.
    pub(super) fn first(self) -> u32 {
        self.0.trailing_zeros()
    }

    pub(super) fn span(from: u32, to: u32, step: usize) -> Set {
        Set((from..=to).step_by(step).fold(0, |bits, value| bits | 1 << value))
    }
}

/// An expression, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) seconds: Set,
    pub(super) minutes: Set,
    pub(super) hours: Set,
    pub(super) days: Set,
    pub(super) months: Set,
    /// Sunday is 0.
    pub(super) weekdays: Set,
    pub(super) rule: DayRule,
}

/// Which days match. `*/2` does not restrict in this sense, so it is joined by [`DayRule::Both`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DayRule {
    /// At most one day field restricts: a day is in both sets.
    Both,
    /// Both day fields restrict: a day is in one set or the other.
    Either,
}

impl Fields {
    pub(super) fn is_hour_fixed(&self) -> bool {
        self.hours != Set::span(0, 23, 1)
    }

    pub(super) fn identity(&self) -> String {
        let rule = match self.rule {
            DayRule::Both => "and",
            DayRule::Either => "or",
        };
        let Fields { seconds, minutes, hours, days, months, weekdays, rule: _ } = self;
        let sets =
            [seconds, minutes, hours, days, months, weekdays].map(|set| format!("{:x}", set.0));
        format!("{} {rule}", sets.join(" "))
    }

    /// The first match from `from` on, on a calendar without clock changes.
    pub(super) fn at_or_after(&self, from: DateTime, last_year: i16) -> Option<DateTime> {
        let date = self.date_at_or_after(from.date(), last_year)?;
        if date > from.date() {
            return Some(date.to_datetime(self.first_time()));
        }
        if let Some(time) = self.time_at_or_after(from.time()) {
            return Some(date.to_datetime(time));
        }
        let date = self.date_at_or_after(date.tomorrow().ok()?, last_year)?;
        Some(date.to_datetime(self.first_time()))
    }

    fn date_at_or_after(&self, from: Date, last_year: i16) -> Option<Date> {
        let (mut year, mut month, mut day) = (from.year(), from.month() as u32, from.day() as u32);
        while year <= last_year {
            let Some(next) = self.months.at_or_after(month) else {
                (year, month, day) = (year + 1, 1, 1);
                continue;
            };
            if next > month {
                (month, day) = (next, 1);
            }
            let first = Date::new(year, month as i8, 1).ok()?;
            if let Some(day) = self.days_of(first).at_or_after(day) {
                return Date::new(year, month as i8, day as i8).ok();
            }
            (month, day) = (month + 1, 1);
        }
        None
    }

    /// The days that match in the month that begins with `first`.
    fn days_of(&self, first: Date) -> Set {
        let shift = first.weekday().to_sunday_zero_offset() as u32;
        let week = (self.weekdays.0 >> shift | self.weekdays.0 << (7 - shift)) & 0x7f;
        // The same seven bits five times over, from bit 1 on.
        let weekdays = week * (1 << 1 | 1 << 8 | 1 << 15 | 1 << 22 | 1 << 29);
        let days = match self.rule {
            DayRule::Both => self.days.0 & weekdays,
            DayRule::Either => self.days.0 | weekdays,
        };
        Set(days & ((2 << first.days_in_month()) - 1))
    }

    fn time_at_or_after(&self, from: Time) -> Option<Time> {
        let (hour, minute, second) =
            (from.hour() as u32, from.minute() as u32, from.second() as u32);
        if self.hours.has(hour) {
            if self.minutes.has(minute)
                && let Some(second) = self.seconds.at_or_after(second)
            {
                return Some(time(hour, minute, second));
            }
            if let Some(minute) = self.minutes.at_or_after(minute + 1) {
                return Some(time(hour, minute, self.seconds.first()));
            }
        }
        let hour = self.hours.at_or_after(hour + 1)?;
        Some(time(hour, self.minutes.first(), self.seconds.first()))
    }

    fn first_time(&self) -> Time {
        time(self.hours.first(), self.minutes.first(), self.seconds.first())
    }
}

/// The fields hold hours to 23, minutes and seconds to 59.
fn time(hour: u32, minute: u32, second: u32) -> Time {
    Time::constant(hour as i8, minute as i8, second as i8, 0)
}
