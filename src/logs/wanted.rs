//! Lines of output that make a run a failure: each is tested against the patterns of its job, until
//! one fits (docs/running.md, What counts as a failure).

use std::sync::Arc;

use memchr::memchr;
use regex_lite::Regex;

use crate::logs::lines::Cut;

#[derive(Debug)]
pub(super) struct Wanted {
    patterns: Arc<[Regex]>,
    found: Option<usize>,
}

impl Wanted {
    pub(super) fn new(patterns: Arc<[Regex]>) -> Wanted {
        Wanted { patterns, found: None }
    }

    /// The pattern that fitted first.
    pub(super) fn found(&self) -> Option<&str> {
        self.found.map(|place| self.patterns[place].as_str())
    }

    /// Looks through whole lines; says once which pattern fits.
    pub(super) fn look_at(&mut self, lines: &Cut) -> Option<String> {
        if self.found.is_some() {
            return None;
        }
        let (head, mut rest) = (&lines.head[..], &lines.body[..]);
        if !head.is_empty() {
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            self.test(&[head, &rest[..end]].concat());
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        while self.found.is_none() && !rest.is_empty() {
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            self.test(&rest[..end]);
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        self.found().map(str::to_owned)
    }

    fn test(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        self.found = self.patterns.iter().position(|pattern| pattern.is_match(&line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::lines::Splitter;

    #[test]
    fn whole_lines_are_tested_however_they_come() {
        for (pattern, text, found) in [
            ("^ERROR$", "ok\nERROR\n", true),
            ("^ERROR$", "ok\nERRORS\nxERROR\n", false),
            ("^ERROR$", "ok\r\nERROR\r\n", true),
            ("^a.*z$", "a\nz\n", false),
            ("^$", "a\n\nb\n", true),
            ("ü.€", "\u{fffd}ü-€", true),
            ("last", "at last", true),
        ] {
            for size in [1, 3, 1000] {
                let mut splitter = Splitter::default();
                let mut wanted = Wanted::new(Arc::new([Regex::new(pattern).unwrap()]));
                let mut said = Vec::new();
                for bytes in text.as_bytes().chunks(size) {
                    said.extend(wanted.look_at(&splitter.cut(bytes)));
                }
                said.extend(wanted.look_at(&splitter.finish()));
                let expected: &[&str] = if found { &[pattern] } else { &[] };
                assert_eq!(said, expected, "{pattern} in {text:?} by {size}");
                assert_eq!(wanted.found().is_some(), found);
            }
        }
    }

    #[test]
    fn the_first_pattern_that_fits_is_told() {
        let patterns = ["never", "b", "a"].map(|pattern| Regex::new(pattern).unwrap());
        let mut wanted = Wanted::new(Arc::new(patterns));
        let mut splitter = Splitter::default();
        assert_eq!(wanted.look_at(&splitter.cut(b"x\n")), None);
        assert_eq!(wanted.look_at(&splitter.cut(b"ab\na\n")).as_deref(), Some("b"));
        assert_eq!(wanted.look_at(&splitter.cut(b"a\n")), None);
        assert_eq!(wanted.found(), Some("b"));
    }
}
