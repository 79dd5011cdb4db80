//! Variables of a process: the rules for their names and values, and the dotenv files they
//! may come from (docs/configuration.md, Environment).

use std::fmt;

/// The most bytes of one value.
const VALUE_LIMIT: usize = 32 << 10;

/// What is wrong with one variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Name,
    NulByte,
    TooLong,
    NoEqualsSign,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Name => f.write_str(
                r#"not a variable name; use letters, digits and "_", not starting with a digit"#,
            ),
            Flaw::NulByte => f.write_str("the value contains a NUL byte; remove it"),
            Flaw::TooLong => f.write_str("the value is too long; at most 32 KiB are allowed"),
            Flaw::NoEqualsSign => {
                f.write_str("no \"=\"; each line is KEY=VALUE or starts with \"#\"")
            }
        }
    }
}

pub(crate) fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(is_letter)
        && name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

pub(crate) fn check(name: &str, value: &str) -> Result<(), Flaw> {
    if !is_name(name) {
        return Err(Flaw::Name);
    }
    if value.contains('\0') {
        return Err(Flaw::NulByte);
    }
    if value.len() > VALUE_LIMIT {
        return Err(Flaw::TooLong);
    }
    Ok(())
}

/// Reads a dotenv file; an error comes with its line, from 1. Nothing is expanded, and a `#`
/// inside a value belongs to it.
pub(crate) fn parse(text: &str) -> Result<Vec<(&str, &str)>, (usize, Flaw)> {
    let mut variables = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let at = |flaw| (index + 1, flaw);
        let (name, value) = line.split_once('=').ok_or(at(Flaw::NoEqualsSign))?;
        let value = unquoted(value);
        check(name, value).map_err(at)?;
        variables.push((name, value));
    }
    Ok(variables)
}

fn unquoted(value: &str) -> &str {
    let inner = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_literally_but_for_one_pair_of_quotes() {
        let text =
            "\n# note\nA=1\r\n_b2= x # y \nC=\"a 'b'\"\nD='$A'\nE=\"\nF=\nG=a=b\nH=\"\"x\"\"\n";
        let expected = [
            ("A", "1"),
            ("_b2", " x # y "),
            ("C", "a 'b'"),
            ("D", "$A"),
            ("E", "\""),
            ("F", ""),
            ("G", "a=b"),
            ("H", "\"x\""),
        ];
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn a_bad_line_is_named_by_its_number() {
        let long = format!("A={}", "x".repeat(VALUE_LIMIT + 1));
        for (text, line, flaw) in [
            ("A=1\nB\n", 2, Flaw::NoEqualsSign),
            ("\n\n1A=2", 3, Flaw::Name),
            ("A =2", 1, Flaw::Name),
            ("=2", 1, Flaw::Name),
            ("export A=2", 1, Flaw::Name),
            ("A=x\0", 1, Flaw::NulByte),
            (long.as_str(), 1, Flaw::TooLong),
        ] {
            assert_eq!(parse(text), Err((line, flaw)));
        }
        assert!(parse(&long[..long.len() - 1]).is_ok());
    }
}
