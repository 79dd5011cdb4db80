//! `${NAME}`, `${NAME:-text}` and `${file:PATH}` in values (docs/configuration.md, Substitution).
//! The tree is changed before any stage reads it, and every value stays where it stands, so all
//! that is said about it later points to the right place. Scripts are left alone: `$` is theirs.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::dotenv::is_name;
use super::problem::{Report, key_part};
use super::surroundings::Surroundings;
use crate::base::sentence::quoted;

/// Tables whose keys are names of the user's, so `run` among them is no script.
const OF_NAMES: [&str; 3] = ["env", "secrets", "headers"];

/// Replaces in all values of a file. What cannot be replaced is reported and stays, and nothing
/// else is said about it.
pub(crate) fn everywhere(tree: &mut DeTable<'_>, report: &Report<'_>, around: &Surroundings<'_>) {
    if report.text().contains("${") {
        table(tree, "", "", &|text| replaced(text, around), report);
    }
}

type Replace<'f> = &'f dyn Fn(&str) -> Result<String, String>;

/// `path` of the table and the last part of it, which is empty for the file.
fn table(
    tree: &mut DeTable<'_>,
    path: &str,
    name: &str,
    replace: Replace<'_>,
    report: &Report<'_>,
) {
    for (key, item) in tree.iter_mut() {
        let key = key.get_ref();
        if key == "run" && item.get_ref().is_str() && !OF_NAMES.contains(&name) {
            continue;
        }
        let dot = if path.is_empty() { "" } else { "." };
        // A job may be called as such a table is.
        let name = if matches!(path, "tasks" | "services") { "" } else { &**key };
        value(item, &format!("{path}{dot}{}", key_part(key)), name, replace, report);
    }
}

fn value(
    item: &mut Spanned<DeValue<'_>>,
    path: &str,
    name: &str,
    replace: Replace<'_>,
    report: &Report<'_>,
) {
    let at = item.span().start;
    match item.get_mut() {
        DeValue::String(text) if text.contains("${") => match replace(text) {
            Ok(new) => *text = new.into(),
            Err(flaw) => report.only_error(at, path.to_owned(), flaw),
        },
        DeValue::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                value(item, &format!("{path}[{index}]"), name, replace, report);
            }
        }
        DeValue::Table(entries) => table(entries, path, name, replace, report),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => {}
    }
}

/// One value in one pass: what is put in is not looked at again. Messages never repeat the value.
fn replaced(text: &str, around: &Surroundings<'_>) -> Result<String, String> {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            done += before;
            done += "${";
            rest = &rest[at + 2..];
            continue;
        }
        let Some(length) = rest[at + 2..].find('}') else {
            return Err("\"${\" has no \"}\"; write \"$${\" for the two letters".to_owned());
        };
        done += &rest[..at];
        done += &meaning(&rest[at + 2..at + 2 + length], around)?;
        rest = &rest[at + 3 + length..];
    }
    Ok(done + rest)
}

/// What stands for the text between the braces.
fn meaning(inner: &str, around: &Surroundings<'_>) -> Result<String, String> {
    if let Some(path) = inner.strip_prefix("file:") {
        if path.trim().is_empty() {
            return Err("${file:} names no file; e.g. \"${file:/run/secrets/token}\"".to_owned());
        }
        let path = around.resolve(path);
        let text = (around.read)(&path);
        return text.map(|text| text.trim().to_owned()).map_err(|reason| {
            format!("cannot read {}: {reason}", quoted(&path.to_string_lossy()))
        });
    }
    let (name, fallback) =
        inner.split_once(":-").map_or((inner, None), |(name, text)| (name, Some(text)));
    if !is_name(name) {
        return Err(format!(
            "{} is not a variable; write ${{NAME}}, ${{NAME:-text}} or ${{file:PATH}}, and \
             \"$${{\" for the two letters",
            quoted(&format!("${{{inner}}}"))
        ));
    }
    match ((around.env)(name), fallback) {
        (Some(value), Some(fallback)) if value.is_empty() => Ok(fallback.to_owned()),
        (Some(value), _) => Ok(value),
        (None, Some(fallback)) => Ok(fallback.to_owned()),
        (None, None) => Err(format!(
            "environment variable {name} is not set; set it or write ${{{name}:-text}}"
        )),
    }
}
