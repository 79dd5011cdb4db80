//! Sizes in bytes as the configuration writes them (`500mb`) and as messages show them
//! (`1.5 GB`); units are powers of 1024 (docs/configuration.md, Sizes).

use std::fmt;

use super::decimal;
use super::sentence::quoted;

/// What is allowed, for the end of an error message.
pub(crate) const FORM: &str = r#"use a number with b, kb, mb, gb or tb, e.g. "500mb" or "1.5gb""#;

const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];

/// Why text is no size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SizeError {
    MissingNumber,
    Negative,
    UnknownUnit(String),
    /// More than 2^63 - 1 bytes, the most that a file can have.
    OutOfRange,
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SizeError::MissingNumber => f.write_str("missing number"),
            SizeError::Negative => f.write_str("must not be negative"),
            SizeError::UnknownUnit(unit) => write!(f, "unknown unit {}", quoted(unit)),
            SizeError::OutOfRange => f.write_str("out of range, at most 8388607 TB"),
        }
    }
}

/// Reads a size of 0 to 2^63 - 1 bytes, cut to whole bytes.
pub(crate) fn parse(text: &str) -> Result<u64, SizeError> {
    let text = text.trim();
    let Some((number, unit)) = decimal::split(text) else {
        return Err(if text.starts_with('-') {
            SizeError::Negative
        } else {
            SizeError::MissingNumber
        });
    };
    let unit = unit.trim_start_matches(' ');
    let power = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        _ => return Err(SizeError::UnknownUnit(unit.to_owned())),
    };
    let bytes = number.times(1 << (10 * power));
    i64::try_from(bytes).map(i64::cast_unsigned).map_err(|_| SizeError::OutOfRange)
}

/// `0 B`, `1.5 KB`, `1 GB`: the largest unit, at most one decimal, rounded.
pub(crate) fn display(bytes: u64) -> String {
    let mut power = bytes.checked_ilog2().map_or(0, |bits| (bits / 10).min(4));
    let tenths = |power| {
        let unit = 1u128 << (10 * power);
        (u128::from(bytes) * 10 + unit / 2) / unit
    };
    // 1048575 bytes are 1 MB, not 1024 KB.
    if tenths(power) >= 10_240 && power < 4 {
        power += 1;
    }
    let (whole, tenth) = (tenths(power) / 10, tenths(power) % 10);
    let unit = UNITS[power as usize];
    if tenth == 0 { format!("{whole} {unit}") } else { format!("{whole}.{tenth} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    // docs/configuration.md, Sizes.
    #[test]
    fn units_are_powers_of_1024() {
        for (text, bytes) in [
            ("0", 0),
            ("0 gb", 0),
            ("17", 17),
            ("17B", 17),
            ("1.9", 1),
            ("1kb", 1 << 10),
            ("  100 MB ", 100 << 20),
            ("100   mb", 100 << 20),
            ("1.9gb", 2_040_109_465),
            (".5gb", 1 << 29),
            ("2.tb", 2 << 40),
            ("3k", 3 << 10),
            ("3MiB", 3 << 20),
            ("3g", 3 << 30),
            ("3tib", 3 << 40),
            ("9223372036854775807", i64::MAX as u64),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn other_text_is_refused_with_the_reason() {
        for (text, message) in [
            ("", "missing number"),
            ("mb", "missing number"),
            ("inf", "missing number"),
            ("NaN", "missing number"),
            (".", "missing number"),
            ("-1mb", "must not be negative"),
            ("5 gbs", r#"unknown unit "gbs""#),
            ("5 m b", r#"unknown unit "m b""#),
            ("1e3", r#"unknown unit "e3""#),
            ("1.2.3kb", r#"unknown unit ".3kb""#),
            ("9223372036854775808", "out of range, at most 8388607 TB"),
            ("8388608tb", "out of range, at most 8388607 TB"),
        ] {
            assert_eq!(
                parse(text).map_err(|error| error.to_string()),
                Err(message.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_size_is_shown_in_the_largest_unit() {
        for (bytes, shown) in [
            (0, "0 B"),
            (512, "512 B"),
            (1023, "1023 B"),
            (1 << 10, "1 KB"),
            (1536, "1.5 KB"),
            ((1 << 20) - 1, "1 MB"),
            (1 << 20, "1 MB"),
            (1 << 30, "1 GB"),
            (2_040_109_465, "1.9 GB"),
            (3 << 50, "3072 TB"),
            (u64::MAX, "16777216 TB"),
        ] {
            assert_eq!(display(bytes), shown);
        }
    }
}
