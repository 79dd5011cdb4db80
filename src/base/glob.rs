//! Patterns over job names: `*` and `?` stand for anything but `/`, `[a-z]` and `[^a]` for one
//! letter, `\` takes the meaning off the next one (docs/configuration.md, Notifications).

use std::iter::Peekable;
use std::str::Chars;

/// Why text is no pattern.
pub(crate) fn flaw(pattern: &str) -> Option<&'static str> {
    check(pattern).err()
}

fn check(pattern: &str) -> Result<(), &'static str> {
    let mut rest = pattern.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            '\\' => {
                rest.next().ok_or("nothing follows the last \\")?;
            }
            '[' => check_class(&mut rest)?,
            _ => (),
        }
    }
    Ok(())
}

/// The rest of a class, to its `]`.
fn check_class(rest: &mut Peekable<Chars<'_>>) -> Result<(), &'static str> {
    rest.next_if_eq(&'^');
    loop {
        let low = class_letter(rest)?;
        if rest.next_if_eq(&'-').is_some() && class_letter(rest)? < low {
            return Err("a range in [ ] ends before it starts");
        }
        if rest.next_if_eq(&']').is_some() {
            return Ok(());
        }
    }
}

fn class_letter(rest: &mut Peekable<Chars<'_>>) -> Result<char, &'static str> {
    const UNCLOSED: &str = "[ is not closed by ]";
    match rest.next().ok_or(UNCLOSED)? {
        '\\' => rest.next().ok_or(UNCLOSED),
        ']' => Err("[ ] is empty or ends with a -"),
        '-' => Err("a - in [ ] must stand between two letters"),
        letter => Ok(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_patterns_pass_and_bad_ones_are_explained() {
        for pattern in
            ["", "*", "db-?", "[abc]", "[a-z]x", "[^a]", r"\[", r"[\]]", "a]", "[a-cx-z]"]
        {
            assert_eq!(flaw(pattern), None, "{pattern}");
        }
        for (pattern, word) in [
            ("[", "closed"),
            ("[a", "closed"),
            ("x[a-", "closed"),
            (r"[\", "closed"),
            ("[]", "empty"),
            ("[^]", "empty"),
            ("[a-]", "ends with"),
            ("[-a]", "between"),
            ("[z-a]", "before"),
            (r"a\", "follows"),
        ] {
            assert!(flaw(pattern).is_some_and(|flaw| flaw.contains(word)), "{pattern}");
        }
    }
}
