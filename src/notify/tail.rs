//! The last lines of a run's output as a message shows them: short, and nothing in them that
//! would act on whoever reads it (docs/notifications.md, Messages).

/// Lines of output in a message.
const LINES: usize = 3;
/// Bytes of them.
const BYTES: usize = 300;

/// The last three lines that are not blank, at most 300 bytes; what is too long loses its front.
/// The caller leaves out what runwisp itself wrote to the log.
pub(crate) fn tail<'a>(lines: impl DoubleEndedIterator<Item = &'a [u8]>) -> String {
    let mut kept: Vec<String> = lines
        .rev()
        .map(plain)
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.trim_end().to_owned())
        .take(LINES)
        .collect();
    kept.reverse();
    last_bytes(&kept.join("\n"), BYTES)
}

/// The end of a text, with `…` for what is gone from its front.
pub(crate) fn last_bytes(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mark = '…';
    let mut start = text.len() - most.saturating_sub(mark.len_utf8());
    while !text.is_char_boundary(start) {
        start += 1;
    }
    format!("{mark}{}", &text[start..])
}

/// One line of output without escape sequences and control characters; a tab is a space.
pub(crate) fn plain(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => match letters.next_if(|next| *next != '\u{1b}') {
                Some('[') => skip_control_sequence(&mut letters),
                Some(']' | 'P' | 'X' | '^' | '_') => skip_string(&mut letters),
                // nF sequences, such as the choice of a character set (ECMA-35).
                Some(' '..='/') => {
                    while letters.next_if(|next| (' '..='/').contains(next)).is_some() {}
                    letters.next_if(|next| ('0'..='~').contains(next));
                }
                Some(_) | None => {}
            },
            '\u{9b}' => skip_control_sequence(&mut letters),
            '\u{9d}' | '\u{90}' => skip_string(&mut letters),
            '\t' => plain.push(' '),
            letter if acts(letter) => {}
            letter => plain.push(letter),
        }
    }
    plain
}

/// Control characters, and the ones that turn the direction of writing.
pub(crate) fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// CSI: parameters up to a final byte (ECMA-48, 5.4). Whatever fits in no such sequence ends it.
fn skip_control_sequence(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while letters.next_if(|next| (' '..='?').contains(next)).is_some() {}
    letters.next_if(|next| ('@'..='~').contains(next));
}

/// OSC and its like: up to BEL, ST or the end of the line.
fn skip_string(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(letter) = letters.next() {
        match letter {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                letters.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &[u8]) -> String {
        tail(text.split(|byte| *byte == b'\n'))
    }

    // docs/notifications.md, Messages.
    #[test]
    fn the_last_three_lines_that_say_something_are_kept() {
        for (output, kept) in [
            (&b""[..], ""),
            (b"one", "one"),
            (b"one\n\n  \ntwo\r\nthree\nfour\n\n", "two\nthree\nfour"),
            (b"\x1b[31mred\x1b[0m \x1b]0;title\x07tail", "red tail"),
            (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            (b"a\x1b(Bb\x1b=c\x1bMd", "abcd"),
            (b"a\tb\x00c\x08d", "a bcd"),
            (b"\xff\xfe!", "\u{fffd}\u{fffd}!"),
            (b"\x1b[2J\x1b[H", ""),
            ("\u{202e}txt.exe".as_bytes(), "txt.exe"),
            (b"cut\x1b[3", "cut"),
            (b"cut\x1b", "cut"),
            (b"cut\x1b(", "cut"),
        ] {
            assert_eq!(of(output), kept, "{}", String::from_utf8_lossy(output));
        }
    }

    #[test]
    fn what_is_too_long_loses_its_front() {
        let long = of("é".repeat(200).as_bytes());
        assert_eq!(long, format!("…{}", "é".repeat(148)));
        assert_eq!(of("é".repeat(150).as_bytes()), "é".repeat(150));
        assert_eq!(last_bytes("abc", 0), "…");
    }

    proptest! {
        #[test]
        fn whatever_is_printed_is_short_and_does_nothing(output: Vec<u8>) {
            let tail = of(&output);
            prop_assert!(tail.len() <= BYTES && tail.lines().count() <= LINES);
            prop_assert!(tail.chars().all(|letter| letter == '\n' || !acts(letter)), "{tail:?}");
        }
    }
}
