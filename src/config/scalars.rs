//! Readers of single values: each makes its key known, and answers `None` when the key is
//! not set or when its value is wrong and has been reported (docs/configuration.md, Values).

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::DeValue;

use super::schema::Shape;
use super::table::{Entry, Table};
use crate::base::duration::DurationError;
use crate::base::sentence::quoted;
use crate::base::{bytes, duration};

/// Keys whose values are never repeated: secrets, and addresses that may hold one.
const SECRET: [&str; 8] =
    ["webhook_url", "bot_token", "token", "user", "password", "url", "api_url", "heartbeat"];

/// One string of an array and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: usize,
}

impl<'a> Table<'a> {
    /// A string, as it is.
    pub(crate) fn text(&self, key: &'static str) -> Option<&'a str> {
        self.note(key, || Shape::Text);
        self.string(key, "", r#"e.g. "text""#)
    }

    /// A string that says something.
    pub(crate) fn filled_text(&self, key: &'static str) -> Option<&'a str> {
        let text = self.text(key)?;
        if text.trim().is_empty() {
            self.error(
                key,
                format!("{} is blank; give a text or leave it out", self.shown(key, text)),
            );
            return None;
        }
        Some(text)
    }

    pub(crate) fn switch(&self, key: &'static str) -> Option<bool> {
        self.note(key, || Shape::Switch);
        let entry = self.entry(key)?;
        let on = entry.value.as_bool();
        if on.is_none() {
            self.expected(key, entry, "boolean", "use true or false, without quotes");
        }
        on
    }

    /// A whole number in a range.
    pub(crate) fn number(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let (low, high) = (range.start(), range.end());
        self.whole_number(key, &range, format_args!("must be between {low} and {high}"))
    }

    /// A whole number in a range that `rule` describes.
    pub(crate) fn whole_number(
        &self,
        key: &'static str,
        range: &RangeInclusive<i64>,
        rule: fmt::Arguments<'_>,
    ) -> Option<i64> {
        self.note(key, || Shape::Number(*range.start(), *range.end()));
        let entry = self.entry(key)?;
        let DeValue::Integer(digits) = entry.value else {
            self.expected(key, entry, "integer", &format!("e.g. {}", range.end().min(&10)));
            return None;
        };
        let number = i64::from_str_radix(digits.as_str(), digits.radix()).ok();
        let good = number.filter(|number| range.contains(number));
        if good.is_none() {
            self.error(key, format!("{digits:.80} is out of range; {rule}"));
        }
        good
    }

    /// One of a few words; the first of a meaning is canonical and shown, others are older or
    /// newer spellings. An empty string is not set.
    pub(crate) fn choice<T: Copy + PartialEq>(
        &self,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Option<T> {
        self.note(key, || Shape::Words(words.iter().map(|(word, _)| (*word).to_owned()).collect()));
        let text = self.string(key, "", &must_be_one_of(words))?;
        if text.is_empty() {
            return None;
        }
        let meaning = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if meaning.is_none() {
            self.error(key, format!("{}; {}", self.shown(key, text), must_be_one_of(words)));
        }
        meaning
    }

    /// A duration of zero or more. An empty string is not set.
    pub(crate) fn duration(&self, key: &'static str) -> Option<Duration> {
        let text = self.duration_text(key)?;
        self.duration_of(key, text)
    }

    /// A duration above zero. An empty string is not set.
    pub(crate) fn positive_duration(&self, key: &'static str) -> Option<Duration> {
        let text = self.duration_text(key)?;
        let duration = self.duration_of(key, text)?;
        if duration.is_zero() {
            self.error(key, format!("{} is zero; must be a positive duration", quoted(text)));
            return None;
        }
        Some(duration)
    }

    /// The text of a duration; an empty string is not set.
    pub(crate) fn duration_text(&self, key: &'static str) -> Option<&'a str> {
        self.note(key, || Shape::Duration);
        self.string(key, "s", duration::FORM).filter(|text| !text.is_empty())
    }

    pub(crate) fn duration_of(&self, key: &str, text: &str) -> Option<Duration> {
        match duration::parse(text) {
            Ok(duration) => Some(duration),
            Err(DurationError::Negative) => {
                self.error(key, format!("{} is negative; must be 0 or more", quoted(text)));
                None
            }
            Err(error @ (DurationError::Malformed { .. } | DurationError::OutOfRange)) => {
                let form = duration::FORM;
                self.error(key, format!("{} is not a duration: {error}; {form}", quoted(text)));
                None
            }
        }
    }

    /// A number of bytes. An empty string is not set.
    pub(crate) fn size(&self, key: &'static str) -> Option<u64> {
        self.note(key, || Shape::Size);
        let text = self.string(key, "b", bytes::FORM).filter(|text| !text.is_empty())?;
        let size = bytes::parse(text);
        if let Err(error) = &size {
            self.error(key, format!("{} is not a size: {error}; {}", quoted(text), bytes::FORM));
        }
        size.ok()
    }

    /// An array of strings that say something.
    pub(crate) fn list(&self, key: &'static str) -> Option<Vec<Item<'a>>> {
        self.note(key, || Shape::List);
        let entry = self.entry(key)?;
        let DeValue::Array(values) = entry.value else {
            self.expected(key, entry, "array of strings", r#"e.g. ["text"]"#);
            return None;
        };
        let item_of = |(index, value)| {
            let entry = Entry::item(value);
            let place = format!("{key}[{index}]");
            let Some(text) = entry.value.as_str() else {
                let found = entry.value.type_str();
                self.error_at(
                    entry.at,
                    key,
                    format!("{place}: expected string, found {found}; e.g. [\"text\"]"),
                );
                return None;
            };
            if text.trim().is_empty() {
                self.error_at(
                    entry.at,
                    key,
                    format!("{place}: {} is blank; remove it", quoted(text)),
                );
                return None;
            }
            Some(Item { text, at: entry.at })
        };
        Some(values.iter().enumerate().filter_map(item_of).collect())
    }

    /// A value as messages repeat it.
    pub(crate) fn shown(&self, key: &str, value: &str) -> String {
        if SECRET.contains(&key) { "<hidden>".to_owned() } else { quoted(value) }
    }

    /// A string; where a bare number stands, the message quotes it with this unit.
    fn string(&self, key: &'static str, unit: &str, allowed: &str) -> Option<&'a str> {
        let entry = self.entry(key)?;
        let text = entry.value.as_str();
        if text.is_none() {
            let number = entry.value.as_integer().filter(|_| !SECRET.contains(&key));
            let quote = number.map(|it| format!("quote it, e.g. \"{it}{unit}\"; "));
            self.expected(key, entry, "string", &(quote.unwrap_or_default() + allowed));
        }
        text
    }
}

/// `must be one of queue, skip, terminate`: the first word of each meaning.
pub(crate) fn must_be_one_of<T: PartialEq>(words: &[(&str, T)]) -> String {
    let is_first = |n: usize| words[..n].iter().all(|(_, meaning)| *meaning != words[n].1);
    let canonical: Vec<_> = (0..words.len()).filter(|n| is_first(*n)).map(|n| words[n].0).collect();
    format!("must be one of {}", canonical.join(", "))
}
