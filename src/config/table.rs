//! A cursor over one table of the file. Whoever reads a key makes it known; [`Table::finish`]
//! reports every key that nobody asked for, so no list of keys can go out of step with the
//! code that reads them. What the values mean is left to `scalars` and the stages.

use std::cell::RefCell;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Report, key_part};
use super::schema::{Recorder, Shape};
use crate::base::order;
use crate::base::sentence::quoted;
use crate::base::suggest;

/// One table, and where it stands.
pub(crate) struct Table<'a> {
    report: &'a Report<'a>,
    /// Dotted path, empty for the whole file.
    path: String,
    /// Byte offset of its header.
    at: usize,
    entries: &'a DeTable<'a>,
    known: RefCell<Vec<&'static str>>,
    /// Where all keys are written down, for the schema; there is no file then.
    recorder: Option<&'a Recorder>,
}

/// A value and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// Byte offset of the key; of the value for an array's items.
    pub(crate) key_at: usize,
    /// Byte offset of the value.
    pub(crate) at: usize,
    pub(crate) value: &'a DeValue<'a>,
}

impl<'a> Entry<'a> {
    pub(crate) fn item(value: &'a Spanned<DeValue<'a>>) -> Entry<'a> {
        let at = value.span().start;
        Entry { key_at: at, at, value: value.get_ref() }
    }
}

impl<'a> Table<'a> {
    /// The whole file.
    pub(crate) fn root(report: &'a Report<'a>, entries: &'a DeTable<'a>) -> Table<'a> {
        Table::new(report, String::new(), 0, entries)
    }

    fn new(report: &'a Report<'a>, path: String, at: usize, entries: &'a DeTable<'a>) -> Table<'a> {
        Table { report, path, at, entries, known: RefCell::default(), recorder: None }
    }

    /// Every table there is, empty: reading it tells the recorder all keys and what they may be.
    pub(crate) fn recording(
        report: &'a Report<'a>,
        path: String,
        entries: &'a DeTable<'a>,
        recorder: &'a Recorder,
    ) -> Table<'a> {
        Table { recorder: Some(recorder), ..Table::new(report, path, 0, entries) }
    }

    /// Whether there is no file: then everything is to be read that any file could hold.
    pub(crate) fn is_recorded(&self) -> bool {
        self.recorder.is_some()
    }

    /// Tells what a key may be. Several shapes are alternatives.
    pub(crate) fn note(&self, key: &'static str, shape: impl FnOnce() -> Shape) {
        if let Some(recorder) = self.recorder {
            recorder.note(&self.path, key, shape());
        }
    }

    fn recorded(
        &self,
        key: &'static str,
        shape: impl FnOnce(String) -> Shape,
    ) -> Option<Table<'a>> {
        let recorder = self.recorder?;
        let path = self.path_of(key);
        self.note(key, || shape(path.clone()));
        Some(Table::recording(self.report, path, self.entries, recorder))
    }

    pub(crate) fn report(&self) -> &'a Report<'a> {
        self.report
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Byte offset of its header.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// What is set under `key`, which is known from now on.
    pub(crate) fn entry(&self, key: &'static str) -> Option<Entry<'a>> {
        self.known.borrow_mut().push(key);
        self.note(key, || Shape::Any);
        self.find(key)
    }

    /// Whether `key` is set, well or badly. Does not make it known.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// The text under `key` if that is what it is; reports nothing.
    pub(crate) fn text_or_nothing(&self, key: &str) -> Option<&'a str> {
        self.find(key)?.value.as_str()
    }

    /// Whether `key` is an array with anything in it, good or bad.
    pub(crate) fn has_items(&self, key: &str) -> bool {
        self.find(key).and_then(|entry| entry.value.as_array()).is_some_and(|it| !it.is_empty())
    }

    /// The spelling in use of a key that has two; both together are an error.
    pub(crate) fn alias(&self, key: &'static str, other: &'static str) -> &'static str {
        self.note(other, || Shape::SameAs(key));
        match (self.entry(key), self.entry(other)) {
            (None, Some(_)) => other,
            (Some(first), Some(second)) => {
                let (name, at) = later((key, first.key_at), (other, second.key_at));
                let message = format!("{key} and {other} are the same setting; use only {key}");
                self.report.error(at, Some(self.path_of(name)), message);
                key
            }
            (_, None) => key,
        }
    }

    /// The table under `key`.
    pub(crate) fn table(&self, key: &'static str) -> Option<Table<'a>> {
        if let Some(table) = self.recorded(key, Shape::Table) {
            return Some(table);
        }
        let entry = self.entry(key)?;
        let DeValue::Table(entries) = entry.value else {
            self.expected(key, entry, "table", &format!("e.g. [{}]", self.path_of(key)));
            return None;
        };
        Some(Table::new(self.report, self.path_of(key), entry.at, entries))
    }

    /// The tables under `key`, an array of tables, with `name_of` added to their paths.
    pub(crate) fn tables(
        &self,
        key: &'static str,
        name_of: impl Fn(&'a DeTable<'a>) -> Option<&'a str>,
    ) -> Vec<Table<'a>> {
        if let Some(table) = self.recorded(key, Shape::Tables) {
            return vec![table];
        }
        let Some(entry) = self.entry(key) else {
            return Vec::new();
        };
        let hint = format!("e.g. [[{}]]", self.path_of(key));
        let DeValue::Array(items) = entry.value else {
            self.expected(key, entry, "array of tables", &hint);
            return Vec::new();
        };
        let table_of = |(index, item): (usize, &'a Spanned<DeValue<'a>>)| {
            let DeValue::Table(entries) = item.get_ref() else {
                self.expected(key, Entry::item(item), "array of tables", &hint);
                return None;
            };
            let name =
                name_of(entries).map_or(String::new(), |name| format!(" ({})", key_part(name)));
            let path = format!("{}[{index}]{name}", self.path_of(key));
            Some(Table::new(self.report, path, item.span().start, entries))
        };
        items.iter().enumerate().filter_map(table_of).collect()
    }

    /// The table that is one item of the array under `key`.
    pub(crate) fn item(
        &self,
        key: &str,
        index: usize,
        at: usize,
        entries: &'a DeTable<'a>,
    ) -> Table<'a> {
        Table::new(self.report, format!("{}[{index}]", self.path_of(key)), at, entries)
    }

    /// All entries in the order of the file, for tables whose keys are names.
    pub(crate) fn entries(&self) -> Vec<(&'a str, Entry<'a>)> {
        let mut entries: Vec<_> = self.entries.iter().map(found).collect();
        order::sort_by_key(&mut entries, |(_, entry)| entry.at);
        entries
    }

    /// All tables under names, each with the byte offset of its name, in the order of the
    /// file; anything else is an error.
    pub(crate) fn named_tables(&self) -> Vec<(&'a str, usize, Table<'a>)> {
        if let Some(table) = self.recorded("*", Shape::Table) {
            return vec![("", 0, table)];
        }
        let table_of = |(name, entry): (&'a str, Entry<'a>)| {
            let DeValue::Table(entries) = entry.value else {
                self.expected(name, entry, "table", &format!("e.g. [{}]", self.path_of(name)));
                return None;
            };
            let table = Table::new(self.report, self.path_of(name), entry.at, entries);
            Some((name, entry.key_at, table))
        };
        self.entries().into_iter().filter_map(table_of).collect()
    }

    /// Says that the value of `key` is wrong; at the header when it is not set.
    pub(crate) fn error(&self, key: &str, message: impl Into<String>) {
        let at = self.find(key).map_or(self.at, |entry| entry.at);
        self.report.error(at, Some(self.path_of(key)), message.into());
    }

    /// Says that `key` should not be here.
    pub(crate) fn misplaced(&self, key: &str, message: impl Into<String>) {
        let at = self.find(key).map_or(self.at, |entry| entry.key_at);
        self.report.error(at, Some(self.path_of(key)), message.into());
    }

    /// Says that something is missing or wrong in the whole table.
    pub(crate) fn error_here(&self, message: impl Into<String>) {
        self.report.error(self.at, self.own_path(), message.into());
    }

    pub(crate) fn error_at(&self, at: usize, key: &str, message: impl Into<String>) {
        self.report.error(at, Some(self.path_of(key)), message.into());
    }

    pub(crate) fn warn_at(&self, at: usize, key: &str, message: String) {
        self.report.warn(at, Some(self.path_of(key)), message);
    }

    pub(crate) fn warn(&self, key: &str, message: impl Into<String>) {
        let at = self.find(key).map_or(self.at, |entry| entry.key_at);
        self.report.warn(at, Some(self.path_of(key)), message.into());
    }

    pub(crate) fn warn_here(&self, message: impl Into<String>) {
        self.report.warn(self.at, self.own_path(), message.into());
    }

    /// Says that a value has another type.
    pub(crate) fn expected(&self, key: &str, entry: Entry<'_>, wanted: &str, hint: &str) {
        let message = format!("expected {wanted}, found {}; {hint}", entry.value.type_str());
        self.report.error(entry.at, Some(self.path_of(key)), message);
    }

    /// Whether the table under `key` has something under `inner`.
    pub(crate) fn has_in(&self, key: &str, inner: &str) -> bool {
        let table = self.find(key).and_then(|entry| entry.value.as_table());
        table.is_some_and(|table| table.contains_key(inner))
    }

    /// Reports every key that nobody asked for. `pointer` knows where misplaced ones belong.
    pub(crate) fn finish(self, pointer: impl Fn(&str, Entry<'a>) -> Option<String>) {
        self.report_unknown(pointer);
    }

    pub(crate) fn report_unknown(&self, pointer: impl Fn(&str, Entry<'a>) -> Option<String>) {
        let known = self.known.borrow();
        let listed = || known.iter().enumerate().filter(|(n, key)| !known[..*n].contains(key));
        for (key, entry) in self.entries.iter().map(found) {
            if known.contains(&key) {
                continue;
            }
            let advice = pointer(key, entry).unwrap_or_else(|| {
                match suggest::nearest(key, known.iter().copied()) {
                    Some(nearest) => format!("did you mean {nearest:?}?"),
                    None if known.is_empty() => "this table takes no keys".to_owned(),
                    None => {
                        let keys: Vec<_> = listed().map(|(_, key)| *key).collect();
                        format!("known here: {}", keys.join(", "))
                    }
                }
            });
            let message = format!("unknown key {}; {advice}", quoted(key));
            self.report.error(entry.key_at, Some(self.path_of(key)), message);
        }
    }

    pub(crate) fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key_part(key),
            path => format!("{path}.{}", key_part(key)),
        }
    }

    fn own_path(&self) -> Option<String> {
        (!self.path.is_empty()).then(|| self.path.clone())
    }

    fn find(&self, key: &str) -> Option<Entry<'a>> {
        self.entries.get_key_value(key).map(|pair| found(pair).1)
    }
}

type Pair<'a> = (&'a Spanned<toml::de::DeString<'a>>, &'a Spanned<DeValue<'a>>);

fn found<'a>((key, value): Pair<'a>) -> (&'a str, Entry<'a>) {
    let entry = Entry { key_at: key.span().start, at: value.span().start, value: value.get_ref() };
    (key.get_ref(), entry)
}

/// Of two keys the one that comes later in the file.
pub(crate) fn later<'k>(first: (&'k str, usize), second: (&'k str, usize)) -> (&'k str, usize) {
    if first.1 > second.1 { first } else { second }
}
