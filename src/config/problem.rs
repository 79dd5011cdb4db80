//! What is wrong in a configuration file, and where. The stages push problems into one
//! [`Report`] by byte offset; lines and columns are only looked up for what is printed.

use std::cell::{OnceCell, RefCell};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::base::order;
use crate::base::sentence::quoted;

/// The most problems that are printed (docs/configuration.md, Errors).
const PRINTED: usize = 50;

/// One thing that is wrong, or worth a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The path as the user gave it.
    pub(crate) file: Arc<str>,
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
    /// Dotted path of the key; `None` for what concerns the whole file.
    pub(crate) key: Option<String>,
    pub(crate) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        self.key.iter().try_for_each(|key| write!(f, "{key}: "))?;
        f.write_str(&self.message)
    }
}

/// All problems of files that do not load, in the order of their lines; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

/// One problem a line, at most 50 of them, then their number.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        self.0.iter().take(PRINTED).try_for_each(|problem| writeln!(f, "{problem}"))?;
        if count > PRINTED {
            writeln!(f, "… and {} more", count - PRINTED)?;
        }
        write!(f, "configuration invalid: {count} error(s)")
    }
}

/// Collects the problems of one text.
pub(crate) struct Report<'a> {
    file: Arc<str>,
    text: &'a str,
    /// Where each line starts.
    lines: OnceCell<Vec<usize>>,
    errors: RefCell<Vec<Found>>,
    /// Where there is one error and no second one.
    closed: RefCell<HashSet<usize>>,
    warnings: RefCell<Vec<Found>>,
}

struct Found {
    at: usize,
    key: Option<String>,
    message: String,
}

impl<'a> Report<'a> {
    pub(crate) fn new(file: &str, text: &'a str) -> Report<'a> {
        Report {
            file: file.into(),
            text,
            lines: OnceCell::new(),
            errors: RefCell::default(),
            closed: RefCell::default(),
            warnings: RefCell::default(),
        }
    }

    /// `at` is a byte offset into the text.
    pub(crate) fn error(&self, at: usize, key: Option<String>, message: String) {
        if !self.closed.borrow().contains(&at) {
            self.errors.borrow_mut().push(Found { at, key, message });
        }
    }

    /// An error after which nothing that is said about this place would make sense.
    pub(crate) fn only_error(&self, at: usize, key: String, message: String) {
        self.error(at, Some(key), message);
        self.closed.borrow_mut().insert(at);
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    pub(crate) fn warn(&self, at: usize, key: Option<String>, message: String) {
        self.warnings.borrow_mut().push(Found { at, key, message });
    }

    /// The line of a byte offset, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        let start_of_lines = || {
            let after_newline = self.text.match_indices('\n').map(|(newline, _)| newline + 1);
            std::iter::once(0).chain(after_newline).collect()
        };
        self.lines.get_or_init(start_of_lines).partition_point(|start| *start <= at)
    }

    /// `line 5`, and of which file if that is another one.
    pub(crate) fn line_in(&self, other: &Report<'_>, at: usize) -> String {
        let line = other.line(at);
        if other.file == self.file {
            format!("line {line}")
        } else {
            format!("line {line} of {}", other.file)
        }
    }

    /// The warnings when nothing is wrong, else all errors.
    pub(crate) fn finish(&self) -> Result<Vec<Problem>, Problems> {
        Report::finish_all([self])
    }

    /// The same of several texts.
    pub(crate) fn finish_all<'r>(
        reports: impl IntoIterator<Item = &'r Report<'r>>,
    ) -> Result<Vec<Problem>, Problems> {
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        for report in reports {
            errors.extend(report.placed(report.errors.take()));
            warnings.extend(report.placed(report.warnings.take()));
        }
        if errors.is_empty() { Ok(warnings) } else { Err(Problems(errors)) }
    }

    fn placed(&self, mut found: Vec<Found>) -> Vec<Problem> {
        order::sort_by_key(&mut found, |found| found.at);
        let place = |Found { at, key, message }| {
            let line = self.line(at);
            let start = self.lines.get().map_or(0, |lines| lines[line - 1]);
            let column = self.text.get(start..at).map_or(1, |before| before.chars().count() + 1);
            Problem { file: self.file.clone(), line, column, key, message }
        };
        found.into_iter().map(place).collect()
    }
}

/// One part of a key path: quoted when TOML would quote it.
pub(crate) fn key_part(name: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if !name.is_empty() && name.chars().all(is_bare) { name.to_owned() } else { quoted(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_sorted_placed_and_cut_at_fifty() {
        let text = "a\nbä=1\n\n".to_owned() + &"x\n".repeat(60);
        let report = Report::new("f", &text);
        for line in (0..60).rev() {
            report.error(9 + 2 * line, None, "wrong".to_owned());
        }
        report.error(5, Some("b".to_owned()), "bad".to_owned());
        let shown = report.finish().unwrap_err().to_string();
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[..2], ["f:2:3: b: bad", "f:4:1: wrong"]);
        assert_eq!(
            lines[49..],
            ["f:52:1: wrong", "… and 11 more", "configuration invalid: 61 error(s)"]
        );
    }

    #[test]
    fn a_part_of_a_path_is_quoted_when_toml_would_quote_it() {
        assert_eq!(key_part("a-B_1"), "a-B_1");
        assert_eq!(key_part("db:backup"), r#""db:backup""#);
    }
}
