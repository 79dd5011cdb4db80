//! Text that is no TOML. The parser's own words are kept; what it leaves out of a duplicate
//! key, its name and the place of the first one, is found here.

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::problem::{Problems, Report};
use crate::base::sentence::quoted;

/// The one problem of a text that the parser refuses.
pub(crate) fn problem(report: &Report<'_>, error: &Error) -> Problems {
    let text = report.text();
    let span = error.span().unwrap_or_default();
    let mut message = format!("not valid TOML: {}", error.message());
    if error.message() == "duplicate key"
        && let Some(key) = text.get(span.clone())
    {
        let key = key.trim_matches(['"', '\'']);
        message += &format!(" {}", quoted(key));
        if let Some(at) = first_definition(text, span.start, key) {
            message += &format!("; first defined at line {}", report.line(at));
        }
    }
    report.error(span.start, None, message);
    report.finish().expect_err("an error has just been reported")
}

/// Where the key whose second definition is at `at` stands for the first time. Unknown for
/// keys in inline tables and with dots.
fn first_definition(text: &str, at: usize, key: &str) -> Option<usize> {
    let line_at = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    let before = DeTable::parse(&text[..line_at]).ok()?;
    let line = text[line_at..].lines().next()?;
    if !line.trim_start().starts_with('[') {
        let table = last_header(before.get_ref(), text).map_or(before.get_ref(), |(_, last)| last);
        return table.get_key_value(key).map(|(key, _)| key.span().start);
    }
    let header = DeTable::parse(line).ok()?;
    let (mut wanted, mut known) = (header.get_ref(), before.get_ref());
    loop {
        let (part, next) = wanted.iter().next()?;
        let (key, value) = known.get_key_value(part.get_ref().as_ref())?;
        match as_table(next).filter(|next| !next.is_empty()) {
            Some(next) => (wanted, known) = (next, as_table(value)?),
            None => return Some(key.span().start),
        }
    }
}

/// The table whose header comes last, which is the one that keys go to.
fn last_header<'t>(table: &'t DeTable<'t>, text: &str) -> Option<(usize, &'t DeTable<'t>)> {
    let below = table.values().filter_map(|value| {
        let inner = as_table(value)?;
        let start = as_item(value).span().start;
        let own = text[start..].starts_with('[').then_some((start, inner));
        own.into_iter().chain(last_header(inner, text)).max_by_key(|(start, _)| *start)
    });
    below.max_by_key(|(start, _)| *start)
}

/// A table, or the last one of an array.
fn as_table<'t>(value: &'t Spanned<DeValue<'t>>) -> Option<&'t DeTable<'t>> {
    as_item(value).get_ref().as_table()
}

fn as_item<'t>(value: &'t Spanned<DeValue<'t>>) -> &'t Spanned<DeValue<'t>> {
    value.get_ref().as_array().and_then(|items| items.last()).unwrap_or(value)
}
