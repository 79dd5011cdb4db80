//! The surroundings of a job's process: `env`, `env_file`, `working_dir` and `shell`
//! (docs/configuration.md, Environment).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::dotenv;
use super::surroundings::Surroundings;
use super::table::Table;
use crate::base::sentence::quoted;

/// The most variables of one job.
const VARIABLES_LIMIT: usize = 256;

/// The shell as an absolute path; whether it exists shows when a run starts.
pub(crate) fn shell(table: &Table<'_>, surroundings: &Surroundings<'_>) -> Option<PathBuf> {
    let text = path(table, "shell")?;
    if !text.starts_with('/') && !text.starts_with("~/") {
        let message = format!(r#"{}; must be an absolute path, e.g. "/bin/bash""#, quoted(text));
        table.error("shell", message);
        return None;
    }
    Some(surroundings.resolve(text))
}

/// Absolute, but a leading `~` stays: it is the home of whoever the run executes as.
pub(crate) fn working_dir(table: &Table<'_>, surroundings: &Surroundings<'_>) -> Option<PathBuf> {
    let text = path(table, "working_dir")?;
    if text == "~" || text.starts_with("~/") {
        // `~` alone becomes `~/`.
        return Some(Path::new("~").join(text[1..].trim_start_matches('/')));
    }
    Some(surroundings.directory.join(text))
}

/// The inherited variables, then those of `env_file`, then those of `env`; later ones win.
pub(crate) fn env(
    table: &Table<'_>,
    inherited: &Arc<[(String, String)]>,
    surroundings: &Surroundings<'_>,
) -> Arc<[(String, String)]> {
    let mut own = file_variables(table, surroundings);
    own.extend(table_variables(table));
    if own.is_empty() {
        return inherited.clone();
    }
    let merged = merged(inherited, own);
    if merged.len() > VARIABLES_LIMIT {
        let key = if table.has("env") { "env" } else { "env_file" };
        let count = merged.len();
        table.error(key, format!("{count} variables; must be at most {VARIABLES_LIMIT}"));
    }
    merged.into()
}

fn merged(inherited: &[(String, String)], own: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut places = HashMap::new();
    let mut merged: Vec<(String, String)> = Vec::new();
    for (name, value) in inherited.iter().cloned().chain(own) {
        match places.get(&name) {
            Some(&place) => {
                let earlier: &mut (String, String) = &mut merged[place];
                earlier.1 = value;
            }
            None => {
                places.insert(name.clone(), merged.len());
                merged.push((name, value));
            }
        }
    }
    merged
}

fn file_variables(table: &Table<'_>, surroundings: &Surroundings<'_>) -> Vec<(String, String)> {
    let Some(text) = path(table, "env_file") else {
        return Vec::new();
    };
    let file = surroundings.resolve(text);
    let shown = quoted(&file.to_string_lossy());
    let content = match (surroundings.read)(&file) {
        Ok(content) => content,
        Err(reason) => {
            table.error("env_file", format!("cannot read {shown}: {reason}"));
            return Vec::new();
        }
    };
    match dotenv::parse(&content) {
        Ok(variables) => variables.into_iter().map(owned).collect(),
        Err((line, flaw)) => {
            table.error("env_file", format!("cannot read {shown}: line {line}: {flaw}"));
            Vec::new()
        }
    }
}

fn table_variables(table: &Table<'_>) -> Vec<(String, String)> {
    let Some(env) = table.table("env") else {
        return Vec::new();
    };
    let mut variables = Vec::new();
    for (name, entry) in env.entries() {
        let Some(value) = entry.value.as_str() else {
            env.expected(name, entry, "string", r#"quote it, e.g. "1""#);
            continue;
        };
        match dotenv::check(name, value) {
            Ok(()) => variables.push(owned((name, value))),
            Err(flaw @ dotenv::Flaw::Name) => env.misplaced(name, flaw.to_string()),
            Err(flaw) => env.error(name, flaw.to_string()),
        }
    }
    variables
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The text of a path: not blank, no NUL byte.
fn path<'a>(table: &Table<'a>, key: &'static str) -> Option<&'a str> {
    let text = table.filled_text(key)?;
    if text.contains('\0') {
        table.error(key, format!("{} contains a NUL byte; remove it", quoted(text)));
        return None;
    }
    Some(text)
}
