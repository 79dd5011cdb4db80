//! Cron expressions as text: five fields, six with the seconds in front, or an alias
//! (docs/configuration.md, Schedules). Each field becomes a set of values; errors name the
//! field and the item of its list.

use std::fmt;
use std::time::Duration;

use super::fields::{DayRule, Fields, Set};
use crate::base::duration::{self, DurationError};
use crate::base::sentence::quoted;

/// What is allowed, for the end of an error message.
pub(crate) const FORM: &str = r#"use five fields, minute hour day-of-month month day-of-week, e.g. "30 2 * * mon-fri", six with the seconds in front, or an alias such as @daily or "@every 90s""#;

const ALIASES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// Why text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CronError {
    FieldCount {
        found: usize,
    },
    Item {
        field: &'static Field,
        item: String,
        wrong: Wrong,
    },
    UnknownAlias(String),
    /// cron's `@reboot` has a key of its own.
    Reboot,
    Interval(DurationError),
    IntervalTooShort,
}

/// What is wrong with one item of a field's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Empty,
    Value(String),
    /// `L`, `W`, `#` and `H`, which other schedulers know.
    Unsupported,
    Backwards,
    Step(String),
}

/// The range of one field, and what its values are called.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Field {
    name: &'static str,
    min: u32,
    max: u32,
    /// Three-letter names of the values from `min` on.
    names: &'static [&'static str],
}

static SECOND: Field = Field { name: "second", min: 0, max: 59, names: &[] };
static MINUTE: Field = Field { name: "minute", min: 0, max: 59, names: &[] };
static HOUR: Field = Field { name: "hour", min: 0, max: 23, names: &[] };
static DAY: Field = Field { name: "day of month", min: 1, max: 31, names: &[] };
static MONTH: Field = Field {
    name: "month",
    min: 1,
    max: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
/// 0 and 7 are both Sunday.
static WEEKDAY: Field = Field {
    name: "day of week",
    min: 0,
    max: 7,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

/// Takes `CRON_TZ=Zone ` or `TZ=Zone ` off: the zone's name, if one is given, and the rest.
pub(crate) fn split_zone(text: &str) -> (Option<&str>, &str) {
    let text = text.trim();
    let Some(rest) = text.strip_prefix("CRON_TZ=").or_else(|| text.strip_prefix("TZ=")) else {
        return (None, text);
    };
    let (zone, expression) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    (Some(zone), expression.trim())
}

/// The interval of `@every DURATION` in whole seconds; `None` for any other text.
pub(super) fn interval(text: &str) -> Result<Option<Duration>, CronError> {
    let (word, length) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    if !word.eq_ignore_ascii_case("@every") {
        return Ok(None);
    }
    let seconds = duration::parse(length).map_err(CronError::Interval)?.as_secs();
    if seconds == 0 {
        return Err(CronError::IntervalTooShort);
    }
    Ok(Some(Duration::from_secs(seconds)))
}

/// Reads an expression or an alias.
pub(super) fn fields(text: &str) -> Result<Fields, CronError> {
    let alias = ALIASES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
    if alias.is_none() && text.starts_with('@') {
        let is_reboot = text.eq_ignore_ascii_case("@reboot");
        return Err(if is_reboot {
            CronError::Reboot
        } else {
            CronError::UnknownAlias(text.to_owned())
        });
    }
    let text = alias.map_or(text, |(_, meaning)| meaning);
    let parts: Vec<&str> = text.split([' ', '\t']).filter(|part| !part.is_empty()).collect();
    let (second, [minute, hour, day, month, weekday]) = match parts[..] {
        [minute, hour, day, month, weekday] => ("0", [minute, hour, day, month, weekday]),
        [second, minute, hour, day, month, weekday] => {
            (second, [minute, hour, day, month, weekday])
        }
        _ => return Err(CronError::FieldCount { found: parts.len() }),
    };
    let restricts = |field: &str| !field.split(',').any(|item| item.starts_with(['*', '?']));
    Ok(Fields {
        seconds: SECOND.read(second)?,
        minutes: MINUTE.read(minute)?,
        hours: HOUR.read(hour)?,
        days: DAY.read(day)?,
        months: MONTH.read(month)?,
        weekdays: WEEKDAY.read(weekday).map(|set| Set((set.0 | set.0 >> 7) & 0x7f))?,
        rule: if restricts(day) && restricts(weekday) { DayRule::Either } else { DayRule::Both },
    })
}

impl Field {
    fn read(&'static self, text: &str) -> Result<Set, CronError> {
        text.split(',').try_fold(Set(0), |set, item| {
            let values = self.item(item).map_err(|wrong| CronError::Item {
                field: self,
                item: item.to_owned(),
                wrong,
            })?;
            Ok(Set(set.0 | values.0))
        })
    }

    fn item(&self, item: &str) -> Result<Set, Wrong> {
        if item.is_empty() {
            return Err(Wrong::Empty);
        }
        let (base, step) = match item.split_once('/') {
            Some((base, step)) => (
                base,
                Some(number(step).filter(|&step| step > 0).ok_or(Wrong::Step(step.to_owned()))?),
            ),
            None => (item, None),
        };
        let (from, to) = match base.split_once('-') {
            _ if base == "*" || base == "?" => (self.min, self.max),
            Some((from, to)) => self.range(from, to)?,
            None => {
                let value = self.value(base)?;
                (value, if step.is_some() { self.max } else { value })
            }
        };
        Ok(Set::span(from, to, step.unwrap_or(1) as usize))
    }

    /// `fri-sun` ends at 7: the week may be left at its end, no other field may.
    fn range(&self, from: &str, to: &str) -> Result<(u32, u32), Wrong> {
        let (from, to) = (self.value(from)?, self.value(to)?);
        let to = if *self == WEEKDAY && to == 0 && from > 0 { 7 } else { to };
        if from > to { Err(Wrong::Backwards) } else { Ok((from, to)) }
    }

    fn value(&self, text: &str) -> Result<u32, Wrong> {
        let named = || self.names.iter().position(|name| text.eq_ignore_ascii_case(name));
        if let Some(value) = number(text).or_else(|| named().map(|place| self.min + place as u32))
            && (self.min..=self.max).contains(&value)
        {
            return Ok(value);
        }
        let letters =
            text.trim_matches(|letter: char| letter.is_ascii_digit()).to_ascii_uppercase();
        if ["L", "W", "LW", "H"].contains(&&*letters)
            || letters.starts_with("H(")
            || text.contains('#')
        {
            return Err(Wrong::Unsupported);
        }
        Err(Wrong::Value(text.to_owned()))
    }
}

/// Digits and nothing else; what is too long saturates.
fn number(text: &str) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|letter| letter.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u32::MAX))
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CronError::FieldCount { found } => {
                write!(f, "five fields are needed (six with the seconds in front), found {found}")
            }
            CronError::Item { field, item, wrong } => {
                write!(f, "{} {}: ", field.name, quoted(item))?;
                wrong.describe(field, f)
            }
            CronError::UnknownAlias(name) => {
                write!(f, "unknown alias {}, must be one of ", quoted(name))?;
                ALIASES.iter().try_for_each(|(name, _)| write!(f, "{name}, "))?;
                f.write_str("@every DURATION")
            }
            CronError::Reboot => {
                f.write_str("@reboot is not supported, use run_on_start = \"boot\"")
            }
            CronError::Interval(error) => write!(f, "@every: {error}"),
            CronError::IntervalTooShort => f.write_str("@every: must be at least 1s"),
        }
    }
}

impl Wrong {
    fn describe(&self, field: &Field, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Empty => f.write_str("empty item"),
            Wrong::Value(value) => {
                write!(f, "bad value {}, must be {}-{}", quoted(value), field.min, field.max)?;
                match field.names {
                    [first, .., last] => write!(f, " or {first}-{last}"),
                    _ => Ok(()),
                }
            }
            Wrong::Unsupported => f.write_str("L, W, # and H are not supported"),
            Wrong::Backwards => f.write_str("the range runs backwards"),
            Wrong::Step(step) => {
                write!(f, "bad step {}, must be a number of at least 1", quoted(step))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_as_the_manual_says() {
        // docs/configuration.md, Schedules.
        for (field, text, values) in [
            (&HOUR, "7", vec![7]),
            (&HOUR, "007", vec![7]),
            (&HOUR, "1,3,1", vec![1, 3]),
            (&HOUR, "20-23", vec![20, 21, 22, 23]),
            (&HOUR, "*/10", vec![0, 10, 20]),
            (&HOUR, "?/10", vec![0, 10, 20]),
            (&HOUR, "*/99", vec![0]),
            (&HOUR, "*/99999999999999999999", vec![0]),
            (&HOUR, "3-9/3", vec![3, 6, 9]),
            (&HOUR, "5/9", vec![5, 14, 23]),
            (&DAY, "*/15", vec![1, 16, 31]),
            (&MONTH, "jan,Mar-MAY,nov/1", vec![1, 3, 4, 5, 11, 12]),
            (&WEEKDAY, "mon-fri/2", vec![1, 3, 5]),
            (&WEEKDAY, "fri-sun", vec![5, 6, 7]),
            (&WEEKDAY, "6-0", vec![6, 7]),
            (&WEEKDAY, "sun-sun", vec![0]),
            (&WEEKDAY, "sun-2", vec![0, 1, 2]),
            (&WEEKDAY, "1/2", vec![1, 3, 5, 7]),
            (&WEEKDAY, "7/2", vec![7]),
        ] {
            let bits = values.iter().fold(0, |bits, value| bits | 1 << value);
            assert_eq!(field.read(text), Ok(Set(bits)), "{text}");
        }
    }

    #[test]
    fn aliases_are_their_expressions_in_any_case() {
        for (alias, text) in
            [("@Daily", "0 0 * * *"), ("@HOURLY", "0 0 * * * *"), ("@annually", "0 0 1 jan ?")]
        {
            assert_eq!(fields(alias), fields(text), "{alias}");
        }
    }

    #[test]
    fn other_text_is_refused_with_the_field_and_the_reason() {
        for (text, message) in [
            ("", "five fields are needed (six with the seconds in front), found 0"),
            ("* * * *", "five fields are needed (six with the seconds in front), found 4"),
            ("* * * * * * *", "five fields are needed (six with the seconds in front), found 7"),
            ("60 * * * *", r#"minute "60": bad value "60", must be 0-59"#),
            ("60 * * * * *", r#"second "60": bad value "60", must be 0-59"#),
            ("* 24 * * *", r#"hour "24": bad value "24", must be 0-23"#),
            ("* * 0 * *", r#"day of month "0": bad value "0", must be 1-31"#),
            ("* * * 13 *", r#"month "13": bad value "13", must be 1-12 or jan-dec"#),
            ("* * * january *", r#"month "january": bad value "january", must be 1-12 or jan-dec"#),
            ("* * * * 8", r#"day of week "8": bad value "8", must be 0-7 or sun-sat"#),
            (
                "* * * * mon-fry",
                r#"day of week "mon-fry": bad value "fry", must be 0-7 or sun-sat"#,
            ),
            ("mon * * * *", r#"minute "mon": bad value "mon", must be 0-59"#),
            ("*/0 * * * *", r#"minute "*/0": bad step "0", must be a number of at least 1"#),
            ("*/ * * * *", r#"minute "*/": bad step "", must be a number of at least 1"#),
            ("*/-1 * * * *", r#"minute "*/-1": bad step "-1", must be a number of at least 1"#),
            ("1/2/3 * * * *", r#"minute "1/2/3": bad step "2/3", must be a number of at least 1"#),
            ("1,,2 * * * *", r#"minute "": empty item"#),
            ("1, * * * *", r#"minute "": empty item"#),
            ("/5 * * * *", r#"minute "/5": bad value "", must be 0-59"#),
            ("5- * * * *", r#"minute "5-": bad value "", must be 0-59"#),
            ("-5 * * * *", r#"minute "-5": bad value "", must be 0-59"#),
            ("+5 * * * *", r#"minute "+5": bad value "+5", must be 0-59"#),
            ("1-2-3 * * * *", r#"minute "1-2-3": bad value "2-3", must be 0-59"#),
            ("*-5 * * * *", r#"minute "*-5": bad value "*", must be 0-59"#),
            ("** * * * *", r#"minute "**": bad value "**", must be 0-59"#),
            ("5\n* * * * *", r#"minute "5\n*": bad value "5\n*", must be 0-59"#),
            ("30-10 * * * *", r#"minute "30-10": the range runs backwards"#),
            ("* 22-0 * * *", r#"hour "22-0": the range runs backwards"#),
            ("* * * * sat-mon", r#"day of week "sat-mon": the range runs backwards"#),
            ("0 0 L * *", r#"day of month "L": L, W, # and H are not supported"#),
            ("0 0 15W * *", r#"day of month "15W": L, W, # and H are not supported"#),
            ("0 0 * * 5#2", r##"day of week "5#2": L, W, # and H are not supported"##),
            ("H/15 * * * *", r#"minute "H/15": L, W, # and H are not supported"#),
            ("@reboot", r#"@reboot is not supported, use run_on_start = "boot""#),
            (
                "@fortnightly",
                r#"unknown alias "@fortnightly", must be one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, @every DURATION"#,
            ),
        ] {
            assert_eq!(
                fields(text).map_err(|error| error.to_string()),
                Err(message.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn an_interval_has_whole_seconds_and_at_least_one() {
        for (text, seconds) in
            [("@every 1h30m", 5400), ("@EVERY\t1d", 86_400), ("@every   1.9s", 1)]
        {
            assert_eq!(interval(text), Ok(Some(Duration::from_secs(seconds))), "{text}");
        }
        assert_eq!(interval("* * * * *"), Ok(None));
        for (text, message) in [
            ("@every", "@every: missing number"),
            ("@every 999ms", "@every: must be at least 1s"),
            ("@every 0", "@every: must be at least 1s"),
            ("@every -5s", "@every: must not be negative"),
            ("@every 5", r#"@every: missing unit after "5", did you mean "5s"?"#),
        ] {
            assert_eq!(
                interval(text).map_err(|error| error.to_string()),
                Err(message.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_zone_prefix_is_split_off() {
        for (text, parts) in [
            (" 0 0 * * * ", (None, "0 0 * * *")),
            ("CRON_TZ=Europe/Prague 0 0 * * *", (Some("Europe/Prague"), "0 0 * * *")),
            ("TZ=UTC\t @daily ", (Some("UTC"), "@daily")),
            ("TZ= @daily", (Some(""), "@daily")),
            ("TZ=UTC", (Some("UTC"), "")),
        ] {
            assert_eq!(split_zone(text), parts, "{text}");
        }
    }
}
