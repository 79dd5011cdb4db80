//! Foreign text on its way to a terminal or a log: nothing in it may act there.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with control characters written out, `\x1b` for ESC. A newline is one of them.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            // Writing into a `String` cannot fail.
            _ if acts(letter) && letter.is_ascii() => {
                _ = write!(safe, "\\x{:02x}", u32::from(letter))
            }
            _ if acts(letter) => _ = write!(safe, "\\u{{{:x}}}", u32::from(letter)),
            _ => safe.push(letter),
        }
    }
    Cow::Owned(safe)
}

/// Control characters, and the ones that turn the direction of writing.
fn acts(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_on_a_terminal_is_written_out() {
        for (text, safe) in [
            ("plain ä €", "plain ä €"),
            ("\u{1b}[2Jx\u{7}", "\\x1b[2Jx\\x07"),
            ("a\nb\r\tc\0", "a\\nb\\r\\tc\\x00"),
            ("\u{7f}\u{9b}31m", "\\x7f\\u{9b}31m"),
            ("\u{202e}exe", "\\u{202e}exe"),
        ] {
            assert_eq!(escape(text), safe);
        }
        assert!(matches!(escape("plain"), Cow::Borrowed(_)));
    }
}
