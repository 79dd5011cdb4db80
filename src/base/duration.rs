//! Lengths of time as the configuration writes them: `90s`, `1h30m`, `.5d`
//! (docs/configuration.md, Durations). Whoever reads one adds key and value to the error.

use std::fmt;
use std::time::Duration;

use super::decimal;
use super::sentence::quoted;

/// What is allowed, for the end of an error message.
pub(crate) const FORM: &str = r#"use numbers with the units ns, us, ms, s, m, h, d or w and no spaces, e.g. "90s" or "1h30m""#;

/// Nanoseconds per unit; both letters that look like a micro sign count.
const UNITS: [(&str, u64); 10] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3_600 * SECOND),
    ("d", 86_400 * SECOND),
    ("w", 7 * 86_400 * SECOND),
];
const SECOND: u64 = 1_000_000_000;

/// Why text is no duration. No key takes a negative one, so that is an error here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DurationError {
    Malformed {
        wrong: Wrong,
        /// The same thing as it should be written, when that can be guessed.
        hint: Option<String>,
    },
    /// More than 2^63 - 1 nanoseconds, about 292 years.
    OutOfRange,
    Negative,
}

/// The part of the text that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// A unit, or the end, where a number should be.
    MissingNumber {
        at: String,
    },
    MissingUnit {
        number: String,
    },
    UnknownUnit {
        unit: String,
    },
    Space,
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DurationError::Malformed { wrong, hint } => {
                wrong.fmt(f)?;
                hint.iter().try_for_each(|hint| write!(f, ", did you mean {}?", quoted(hint)))
            }
            DurationError::OutOfRange => f.write_str("out of range, at most about 292 years"),
            DurationError::Negative => f.write_str("must not be negative"),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::MissingNumber { at } if at.is_empty() => f.write_str("missing number"),
            Wrong::MissingNumber { at } => write!(f, "missing number before {}", quoted(at)),
            Wrong::MissingUnit { number } => write!(f, "missing unit after {}", quoted(number)),
            Wrong::UnknownUnit { unit } => write!(f, "unknown unit {}", quoted(unit)),
            Wrong::Space => f.write_str("spaces are not allowed inside"),
        }
    }
}

/// Reads a duration of 0 to 2^63 - 1 nanoseconds.
pub(crate) fn parse(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    let (sign, digits) = match text.as_bytes().first() {
        Some(&sign @ (b'+' | b'-')) => (sign, &text[1..]),
        Some(_) | None => (b'+', text),
    };
    let nanos = nanoseconds(digits)
        .map_err(|wrong| DurationError::Malformed { wrong, hint: repaired(digits) })?;
    match u64::try_from(nanos) {
        Ok(1..) if sign == b'-' => Err(DurationError::Negative),
        Ok(nanos @ ..=0x7fff_ffff_ffff_ffff) => Ok(Duration::from_nanos(nanos)),
        Ok(_) | Err(_) => Err(DurationError::OutOfRange),
    }
}

/// The two largest units that say something: `412ms`, `3.5s`, `2m5s`, `3h12m`, `4d3h`.
pub(crate) fn brief(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let pair = |large: u64, name: &str, small: u64, other: &str| match small {
        0 => format!("{large}{name}"),
        _ => format!("{large}{name}{small}{other}"),
    };
    match seconds {
        0 => format!("{}ms", duration.as_millis()),
        1..60 => match duration.subsec_millis() / 100 {
            0 => format!("{seconds}s"),
            tenths => format!("{seconds}.{tenths}s"),
        },
        60..3600 => pair(seconds / 60, "m", seconds % 60, "s"),
        3600..86_400 => pair(seconds / 3600, "h", seconds % 3600 / 60, "m"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

fn nanoseconds(text: &str) -> Result<u128, Wrong> {
    if text == "0" {
        return Ok(0);
    }
    let mut rest = text;
    let mut sum = 0u128;
    loop {
        let Some((number, tail)) = decimal::split(rest) else {
            return Err(Wrong::MissingNumber { at: rest.to_owned() });
        };
        let (unit, next) = split_unit(tail);
        if tail.starts_with(char::is_whitespace) || next.starts_with(char::is_whitespace) {
            return Err(Wrong::Space);
        }
        if unit.is_empty() {
            return Err(Wrong::MissingUnit { number: rest[..rest.len() - tail.len()].to_owned() });
        }
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(Wrong::UnknownUnit { unit: unit.to_owned() });
        };
        sum = sum.saturating_add(number.times(*factor));
        if next.is_empty() {
            return Ok(sum);
        }
        rest = next;
    }
}

/// A unit reaches to the next number or space.
fn split_unit(text: &str) -> (&str, &str) {
    let is_end = |letter: char| letter.is_ascii_digit() || letter == '.' || letter.is_whitespace();
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

/// `5 minutes` → `5m`, `30` → `30s`, `1H 30M` → `1h30m`.
fn repaired(text: &str) -> Option<String> {
    let compact: String = text.split_whitespace().collect::<String>().to_lowercase();
    let mut good = String::new();
    let mut rest = compact.as_str();
    while !rest.is_empty() {
        let (_, tail) = decimal::split(rest)?;
        let (unit, next) = split_unit(tail);
        good += &rest[..rest.len() - tail.len()];
        good += match unit {
            "" | "sec" | "secs" | "second" | "seconds" => "s",
            "min" | "mins" | "minute" | "minutes" => "m",
            "hr" | "hrs" | "hour" | "hours" => "h",
            "day" | "days" => "d",
            "week" | "weeks" => "w",
            "msec" | "millis" | "millisecond" | "milliseconds" => "ms",
            other => other,
        };
        rest = next;
    }
    nanoseconds(&good).is_ok().then_some(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    // docs/configuration.md, Durations.
    #[test]
    fn the_sum_of_the_parts_counts() {
        for (text, nanos) in [
            ("0", 0),
            ("+0", 0),
            ("-0s", 0),
            ("5s", 5_000_000_000),
            (" 250ms\n", 250_000_000),
            ("1h30m", 5_400_000_000_000),
            ("30m1h", 5_400_000_000_000),
            ("1s1s", 2_000_000_000),
            ("1.5h", 5_400_000_000_000),
            (".5h", 1_800_000_000_000),
            ("2.h", 7_200_000_000_000),
            ("1h.5m", 3_630_000_000_000),
            ("+7us", 7_000),
            ("7\u{b5}s", 7_000),
            ("7\u{3bc}s", 7_000),
            ("1.9ns", 1),
            ("1d", 86_400_000_000_000),
            ("2w", 1_209_600_000_000_000),
            ("9223372036854775807ns", i64::MAX as u64),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn other_text_is_refused_with_the_reason_and_a_hint() {
        for (text, message) in [
            ("", "missing number"),
            ("-", "missing number"),
            ("s", r#"missing number before "s""#),
            (".h", r#"missing number before ".h""#),
            ("1hm", r#"unknown unit "hm""#),
            ("30", r#"missing unit after "30", did you mean "30s"?"#),
            ("00", r#"missing unit after "00", did you mean "00s"?"#),
            ("1.5", r#"missing unit after "1.5", did you mean "1.5s"?"#),
            ("1h30", r#"missing unit after "30", did you mean "1h30s"?"#),
            ("5minutes", r#"unknown unit "minutes", did you mean "5m"?"#),
            ("5 minutes", r#"spaces are not allowed inside, did you mean "5m"?"#),
            ("1h 30m", r#"spaces are not allowed inside, did you mean "1h30m"?"#),
            ("5M", r#"unknown unit "M", did you mean "5m"?"#),
            ("5 parsecs", "spaces are not allowed inside"),
            ("5y", r#"unknown unit "y""#),
            ("1.2.3s", r#"missing unit after "1.2", did you mean "1.2s.3s"?"#),
            ("++1s", r#"missing number before "+1s""#),
            ("-1s", "must not be negative"),
            ("9223372036854775808ns", "out of range, at most about 292 years"),
            ("300000d", "out of range, at most about 292 years"),
            ("99999999999999999999999999999999999999999w", "out of range, at most about 292 years"),
            (
                "-99999999999999999999999999999999999999999w",
                "out of range, at most about 292 years",
            ),
        ] {
            assert_eq!(
                parse(text).map_err(|error| error.to_string()),
                Err(message.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_span_is_shown_with_its_two_largest_units() {
        for (millis, shown) in [
            (0, "0ms"),
            (412, "412ms"),
            (1000, "1s"),
            (3549, "3.5s"),
            (60_000, "1m"),
            (125_000, "2m5s"),
            (11_520_000, "3h12m"),
            (356_400_000, "4d3h"),
        ] {
            assert_eq!(brief(Duration::from_millis(millis)), shown);
        }
    }
}
