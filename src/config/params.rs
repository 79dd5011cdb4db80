//! `[[tasks.NAME.params]]`: what a run may be given (docs/configuration.md, Parameters).

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::dotenv;
use super::schema::Shape;
use super::table::Table;
use crate::base::sentence::quoted;
use crate::model::param::{Param, ParamKind};
use crate::model::process::Process;

/// Who starts a task with parameters, and what it has already.
pub(crate) struct Uses<'a> {
    /// It also starts without anybody who could give them.
    pub(crate) is_automatic: bool,
    pub(crate) process: &'a Process,
}

pub(crate) fn read(task: &Table<'_>, uses: &Uses<'_>) -> Arc<[Param]> {
    let mut params: Vec<(usize, Param)> = Vec::new();
    for table in task.tables("params", key_of) {
        let (at, line) = (table.at(), task.report().line(table.at()));
        let param = param(&table, uses);
        if let Some(param) = param {
            if let Some((first, _)) = params.iter().find(|(_, other)| other.key == param.key) {
                let message = format!(
                    "{} is given twice; first defined at line {first}, again at line {line}",
                    quoted(&param.key)
                );
                table.error_here(message);
            }
            params.push((task.report().line(at), param));
        }
        table.finish(|_, _| None);
    }
    params.into_iter().map(|(_, param)| param).collect()
}

/// What a parameter is called in messages about it.
fn key_of<'a>(entries: &'a DeTable<'a>) -> Option<&'a str> {
    ParamKind::ALL.into_iter().find_map(|kind| entries.get(kind.as_str())?.get_ref().as_str())
}

fn param(table: &Table<'_>, uses: &Uses<'_>) -> Option<Param> {
    ParamKind::ALL.into_iter().for_each(|kind| table.note(kind.as_str(), || Shape::Text));
    let set: Vec<_> =
        ParamKind::ALL.into_iter().filter(|kind| table.entry(kind.as_str()).is_some()).collect();
    let names = || ParamKind::ALL.map(ParamKind::as_str).join(", ");
    let kind = match set.as_slice() {
        [] => {
            table.error_here(format!("one is required of {}", names()));
            None
        }
        [kind] => Some(*kind),
        [_, .., last] => {
            table.misplaced(last.as_str(), format!("only one of {} may be set", names()));
            None
        }
    };
    let key = kind.and_then(|kind| key(table, kind, uses));
    let is_number = table.choice("type", &[("string", false), ("number", true)]).unwrap_or(false);
    let required = table.switch("required").unwrap_or(false);
    let allow_custom = table.switch("allow_custom").unwrap_or(false);
    let description = table.text("description").unwrap_or_default().to_owned();
    let choices = table.list("choices").unwrap_or_default();
    let default = default(table);
    let kind = kind?;
    if kind == ParamKind::Flag {
        for key in ["required", "type", "choices", "allow_custom"] {
            if table.has(key) {
                table.misplaced(key, format!("{key} makes no sense on a flag, which is on or off"));
            }
        }
    }
    if table.has("allow_custom") && !table.has("choices") {
        table.misplaced("allow_custom", "allow_custom needs choices");
    }
    if table.has("choices") && !table.has_items("choices") {
        table.error("choices", "choices is empty; leave it out to allow every value");
    }
    let mut param = Param {
        kind,
        key: key?,
        is_number,
        required,
        default,
        choices: choices.iter().map(|item| item.text.to_owned()).collect(),
        allow_custom,
        description,
    };
    if is_number {
        for item in choices.iter().filter(|item| !is_number_text(item.text)) {
            table.error_at(item.at, "choices", format!("{} is not a number", quoted(item.text)));
        }
    }
    if let Some(flaw) = default_flaw(&mut param) {
        table.error("default", flaw);
    }
    if required && param.default.is_none() && uses.is_automatic && !table.has("default") {
        table.error(
            "required",
            "the task also starts without anybody to ask (cron, run_on_start); give it a default",
        );
    }
    Some(param)
}

fn key(table: &Table<'_>, kind: ParamKind, uses: &Uses<'_>) -> Option<String> {
    let word = kind.as_str();
    let text = table.filled_text(word)?;
    let is_set = |variables: &[(String, String)]| variables.iter().any(|(name, _)| name == text);
    let flaw = match kind {
        ParamKind::Env if !dotenv::is_name(text) => Some(dotenv::Flaw::Name.to_string()),
        ParamKind::Env if is_set(&uses.process.env) || is_set(&uses.process.secrets) => {
            Some("is a variable of env or secrets already; use another name".to_owned())
        }
        ParamKind::Option | ParamKind::Flag if !text.starts_with('-') => {
            Some("must start with \"-\", e.g. \"--level\"".to_owned())
        }
        ParamKind::Env | ParamKind::Arg | ParamKind::Option | ParamKind::Flag => text
            .contains(|letter: char| letter.is_control() || letter.is_whitespace())
            .then(|| "must not contain blanks or control characters".to_owned()),
    };
    if let Some(flaw) = flaw {
        table.error(word, format!("{}: {flaw}", quoted(text)));
        return None;
    }
    Some(text.to_owned())
}

/// As text, whatever it is written as.
fn default(table: &Table<'_>) -> Option<String> {
    let entry = table.entry("default")?;
    match entry.value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(on) => Some(on.to_string()),
        DeValue::Integer(digits) => {
            let number = i64::from_str_radix(digits.as_str(), digits.radix()).ok();
            if number.is_none() {
                table.error("default", format!("{digits:.80} is too large; quote it"));
            }
            number.map(|number| number.to_string())
        }
        // Without an exponent: a script should not have to know of them.
        DeValue::Float(digits) => match digits.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Some(number.to_string()),
            Ok(_) | Err(_) => {
                table.error("default", format!("{:.80} is not a number", digits.as_str()));
                None
            }
        },
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
            table.expected("default", entry, "string, number or boolean", r#"e.g. "text" or 3"#);
            None
        }
    }
}

/// Brings the default into its form; what is wrong with it, if anything.
fn default_flaw(param: &mut Param) -> Option<String> {
    let text = param.default.clone()?;
    if text.contains('\0') {
        return Some("the value contains a NUL byte; remove it".to_owned());
    }
    if param.kind == ParamKind::Flag {
        let on = switch(&text);
        param.default = on.map(|on| on.to_string());
        return on.is_none().then(|| format!("{}; a flag is true, false, 1 or 0", quoted(&text)));
    }
    if param.is_number && !is_number_text(&text) {
        return Some(format!("{} is not a number", quoted(&text)));
    }
    let is_choice = param.choices.is_empty() || param.allow_custom;
    (!is_choice && !param.choices.contains(&text))
        .then(|| format!("{} is not in choices", quoted(&text)))
}

fn switch(text: &str) -> Option<bool> {
    if text == "1" || text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    (text == "0" || text.eq_ignore_ascii_case("false")).then_some(false)
}

fn is_number_text(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}
