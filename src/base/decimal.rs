//! Unsigned decimal numbers in front of a unit, as durations and sizes have them. They are
//! scaled exactly, not through floating point: `1.9gb` is 2040109465 on every machine.

/// `1`, `1.5`, `.5` or `2.`: digits may be missing on one side of the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal<'a> {
    whole: &'a str,
    fraction: &'a str,
}

/// Takes the number at the start of `text`; `None` when there is none.
pub(crate) fn split(text: &str) -> Option<(Decimal<'_>, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    Some((Decimal { whole, fraction }, rest))
}

impl Decimal<'_> {
    /// The product cut to an integer; it saturates. Digits past the 18th of the fraction weigh nothing.
    pub(crate) fn times(self, factor: u64) -> u128 {
        let value = |digits: &str| {
            digits.bytes().fold(0u128, |sum, digit| {
                sum.saturating_mul(10).saturating_add((digit - b'0').into())
            })
        };
        let fraction = &self.fraction[..self.fraction.len().min(18)];
        let part = value(fraction) * u128::from(factor) / 10u128.pow(fraction.len() as u32);
        value(self.whole).saturating_mul(factor.into()).saturating_add(part)
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_split_off_and_scaled_exactly() {
        for (text, factor, product, rest) in [
            ("15min", 60, 900, "min"),
            ("1.9gb", 1 << 30, 2_040_109_465, "gb"),
            (".5h", 3600, 1800, "h"),
            ("2.h", 3600, 7200, "h"),
            ("007", 1, 7, ""),
            ("0.9999999999999999999", 1, 0, ""),
            ("1.2.3", 10, 12, ".3"),
        ] {
            let (number, left) = split(text).unwrap();
            assert_eq!((number.times(factor), left), (product, rest), "{text}");
        }
        assert_eq!(split(&"9".repeat(50)).unwrap().0.times(1024), u128::MAX);
    }

    #[test]
    fn text_without_digits_is_no_number() {
        for text in ["", ".", "h", ".h", "-1", "+1", " 1", "٣"] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
