//! What others say, as a part of our own sentences: values of users and errors of the system.

use std::io;

/// The most characters of a value that a message repeats (docs/configuration.md, Errors).
const SHOWN: usize = 80;

/// A value as messages repeat it: quoted, escaped, cut.
pub(crate) fn quoted(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{:?}…", &value[..cut]),
        None => format!("{value:?}"),
    }
}

/// The text of an error: lower case, without `(os error 2)`.
pub(crate) fn error_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error ").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_cut() {
        assert_eq!(quoted("a\"\u{1b}[1m\n"), r#""a\"\u{1b}[1m\n""#);
        assert_eq!(quoted(&"ä".repeat(81)), format!("\"{}\"…", "ä".repeat(80)));
        assert_eq!(quoted(&"ä".repeat(80)), format!("\"{}\"", "ä".repeat(80)));
    }

    #[test]
    fn an_error_reads_well_inside_a_sentence() {
        // ENOENT on Linux.
        assert_eq!(error_text(&io::Error::from_raw_os_error(2)), "no such file or directory");
        assert_eq!(error_text(&io::Error::other("Torn")), "torn");
    }
}
