//! Values that stand in many places: lengths, ids, patterns, and text on its way out.

use crate::base::duration::DurationError;
use crate::base::escape::escape as escaped;
use crate::base::glob as globs;
use crate::base::sentence::quoted;
use crate::base::ulid::Ulid;
use crate::base::{bytes, duration as durations};
use crate::properties::{assert_plain, first_line};

/// What is read can be written and read again; a hint can be followed.
pub(crate) fn duration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match durations::parse(text) {
        Ok(length) => {
            let exact = format!("{}ns", length.as_nanos());
            assert_eq!(durations::parse(&exact), Ok(length));
            let brief = durations::brief(length);
            let again = durations::parse(&brief).expect("what is shown can be read");
            assert!(again <= length, "{brief}");
            assert_eq!(durations::brief(again), brief);
        }
        Err(error) => {
            assert_plain(&error.to_string());
            if let DurationError::Malformed { hint: Some(hint), .. } = error {
                let followed = durations::parse(&hint);
                assert!(matches!(followed, Ok(_) | Err(DurationError::OutOfRange)), "{hint}");
            }
        }
    }
}

/// The same for sizes. What is shown has one decimal: it is off by a twentieth at most.
pub(crate) fn size(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match bytes::parse(text) {
        Ok(size) => {
            assert_eq!(bytes::parse(&format!("{size}b")), Ok(size));
            let shown = bytes::display(size);
            match bytes::parse(&shown) {
                Ok(again) => {
                    assert!(again.abs_diff(size) <= size / 20 + 1, "{size} is not {shown}");
                    assert_eq!(bytes::display(again), shown);
                }
                // Rounded up at the very end.
                Err(_) => assert_eq!(shown, "8388608 TB"),
            }
        }
        Err(error) => assert_plain(&error.to_string()),
    }
}

/// Nothing that acts is left, and what does not act is left alone.
pub(crate) fn escape(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let safe = escaped(&text);
    let acts = |letter: char| {
        letter < ' '
            || ('\u{7f}'..='\u{9f}').contains(&letter)
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!safe.contains(acts));
    assert_eq!(safe == text, !text.contains(acts));
    assert!(safe.len() <= text.len() * 4, "a control character becomes a few letters");
    assert_eq!(escaped(&safe), safe);
    let kept: String = text.split(acts).collect();
    let mut rest = safe.chars();
    assert!(kept.chars().all(|letter| rest.any(|other| other == letter)), "letters are missing");
    let shown = quoted(&text);
    assert_plain(&shown);
    // Each letter may become `\u{10ffff}`.
    assert!(shown.chars().count() <= 80 * 10 + 3);
}

/// Ids are text and number in the same order.
pub(crate) fn ulid(data: &[u8]) {
    let Some((one, other)) = first_line(data) else { return };
    let (Ok(a), Ok(b)) = (one.parse::<Ulid>(), other.parse::<Ulid>()) else { return };
    assert_eq!((a.to_string(), b.to_string()), (one.to_owned(), other.to_owned()));
    assert_eq!(a.cmp(&b), one.cmp(other));
}

/// The matcher says what a slow one says, a table of all beginnings of pattern and name.
pub(crate) fn glob(data: &[u8]) {
    let Some((pattern, name)) = first_line(data) else { return };
    if let Some(flaw) = globs::flaw(pattern) {
        assert_plain(flaw);
        return;
    }
    let name: Vec<char> = name.chars().take(40).collect();
    let parts = parts(pattern);
    let mut fits = vec![false; name.len() + 1];
    fits[0] = true;
    for part in &parts {
        let mut next = vec![false; name.len() + 1];
        for end in 0..=name.len() {
            let letter = end.checked_sub(1).map(|last| name[last]);
            next[end] = match part {
                Part::Star => fits[end] || (letter.is_some_and(|it| it != '/') && next[end - 1]),
                Part::One(accepts) => letter.is_some_and(accepts) && fits[end - 1],
            };
        }
        fits = next;
    }
    let text: String = name.iter().collect();
    assert_eq!(globs::fits(pattern, &text), fits[name.len()], "{pattern:?} {text:?}");
    if !globs::is_pattern(pattern) {
        assert_eq!(fits[name.len()], pattern == text);
    }
}

enum Part {
    Star,
    One(Box<dyn Fn(char) -> bool>),
}

/// The parts of a pattern without flaws.
fn parts(pattern: &str) -> Vec<Part> {
    let mut rest = pattern.chars().peekable();
    let mut parts = Vec::new();
    while let Some(letter) = rest.next() {
        parts.push(match letter {
            '*' => Part::Star,
            '?' => Part::One(Box::new(|letter| letter != '/')),
            '\\' => {
                let plain = rest.next().expect("no flaw");
                Part::One(Box::new(move |letter| letter == plain))
            }
            '[' => {
                let negated = rest.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                loop {
                    let mut member = || match rest.next().expect("no flaw") {
                        '\\' => rest.next().expect("no flaw"),
                        plain => plain,
                    };
                    let low = member();
                    let high = match rest.next_if_eq(&'-') {
                        Some(_) => {
                            let next = rest.next().expect("no flaw");
                            if next == '\\' { rest.next().expect("no flaw") } else { next }
                        }
                        None => low,
                    };
                    ranges.push(low..=high);
                    if rest.next_if_eq(&']').is_some() {
                        break;
                    }
                }
                Part::One(Box::new(move |letter| {
                    letter != '/' && negated != ranges.iter().any(|range| range.contains(&letter))
                }))
            }
            plain => Part::One(Box::new(move |letter| letter == plain)),
        });
    }
    parts
}
