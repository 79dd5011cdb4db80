//! Patterns over job names: `*` and `?` stand for anything but `/`, `[a-z]` and `[^a]` for one
//! letter, `\` takes the meaning off the next one (docs/configuration.md, Notifications).

use std::iter::Peekable;
use std::str::Chars;

/// Whether text is a pattern that may fit more than one name.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '\\'])
}

/// Whether the name as a whole fits the pattern, which must have no [`flaw`].
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut at, mut read) = (0, 0);
    // Where to go on when what follows the last star turns out not to fit: one letter later.
    let mut retreat = None;
    while read < name.len() || at < pattern.len() {
        match pattern.get(at) {
            Some('*') => {
                retreat = Some((at + 1, read));
                at += 1;
                continue;
            }
            Some(_) if read < name.len() => {
                if let Some(next) = one(&pattern, at, name[read]) {
                    (at, read) = (next, read + 1);
                    continue;
                }
            }
            Some(_) | None => {}
        }
        match retreat {
            Some((after, from)) if from < name.len() && name[from] != '/' => {
                retreat = Some((after, from + 1));
                (at, read) = (after, from + 1);
            }
            Some(_) | None => return false,
        }
    }
    true
}

/// Whether the part of the pattern at `at` stands for this letter; then where the next one begins.
fn one(pattern: &[char], at: usize, letter: char) -> Option<usize> {
    match pattern[at] {
        '?' => (letter != '/').then_some(at + 1),
        '\\' => (*pattern.get(at + 1)? == letter).then_some(at + 2),
        '[' => class(pattern, at + 1, letter),
        plain => (plain == letter).then_some(at + 1),
    }
}

/// The same for a class, behind its `[`.
fn class(pattern: &[char], mut at: usize, letter: char) -> Option<usize> {
    let is_negated = *pattern.get(at)? == '^';
    at += usize::from(is_negated);
    let mut is_in = false;
    while *pattern.get(at)? != ']' {
        let (low, after) = member(pattern, at)?;
        let (high, after) = match pattern.get(after) {
            Some('-') => member(pattern, after + 1)?,
            Some(_) | None => (low, after),
        };
        is_in |= (low..=high).contains(&letter);
        at = after;
    }
    (is_in != is_negated && letter != '/').then_some(at + 1)
}

fn member(pattern: &[char], at: usize) -> Option<(char, usize)> {
    match *pattern.get(at)? {
        '\\' => Some((*pattern.get(at + 1)?, at + 2)),
        plain => Some((plain, at + 1)),
    }
}

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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_fits_a_whole_name_or_not_at_all() {
        for (pattern, fitting, others) in [
            ("db", &["db"][..], &["", "d", "db2", "xdb"][..]),
            ("*", &["", "a", "a.b"], &["a/b"]),
            ("db-*", &["db-", "db-1"], &["db", "xdb-1", "db-1/2"]),
            ("*-db-*", &["a-db-", "-db--db-x"], &["db-", "a-db"]),
            ("a*b*c", &["abc", "aXbYbZc", "abbc"], &["ab", "acb", "abcd"]),
            ("?", &["a", "ä"], &["", "ab", "/"]),
            ("[a-c]x", &["ax", "cx"], &["dx", "x", "aax"]),
            ("[^a-c]", &["d", "-"], &["a", "/", ""]),
            (r"\*", &["*"], &["a"]),
            (r"[\]a]", &["]", "a"], &["b"]),
            (r"[a-\d]", &["b"], &["e"]),
            ("", &[""], &["a"]),
        ] {
            for name in fitting {
                assert!(fits(pattern, name), "{pattern} {name}");
            }
            for name in others {
                assert!(!fits(pattern, name), "{pattern} {name}");
            }
        }
    }

    /// The same pattern in the words of another matcher.
    fn as_regex(pattern: &str) -> regex_lite::Regex {
        let mut text = String::from("^");
        let mut in_class = false;
        let mut letters = pattern.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => text.push_str(&format!("\\x{{{:x}}}", u32::from(letters.next().unwrap()))),
                '*' if !in_class => text.push_str("[^/]*"),
                '?' if !in_class => text.push_str("[^/]"),
                '[' if !in_class => {
                    in_class = true;
                    text.push('[');
                }
                ']' if in_class => {
                    in_class = false;
                    text.push(']');
                }
                '-' if in_class => text.push('-'),
                '^' if in_class && text.ends_with('[') => text.push_str("^/"),
                letter => text.push_str(&format!("\\x{{{:x}}}", u32::from(letter))),
            }
        }
        regex_lite::Regex::new(&(text + "$")).unwrap()
    }

    proptest! {
        #[test]
        fn another_matcher_says_the_same(
            pattern in r"[ab*?\[\]^\\-]{0,12}",
            name in "[ab*^-]{0,8}(/[ab]{0,2})?",
        ) {
            let answer = fits(&pattern, &name);
            if flaw(&pattern).is_none() {
                prop_assert_eq!(answer, as_regex(&pattern).is_match(&name));
            }
        }
    }

    #[test]
    fn many_stars_cost_no_more_than_a_few() {
        assert!(!fits(&"*a".repeat(200), &"a".repeat(190)));
    }

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
