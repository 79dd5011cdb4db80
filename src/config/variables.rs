//! The variables of a process: `env`, `env_file`, and `secrets`, `secrets_file`, which work alike
//! but whose values are never repeated (docs/configuration.md, Environment and Secrets).

use std::collections::HashMap;
use std::sync::Arc;

use super::dotenv;
use super::process::path;
use super::schema::Shape;
use super::surroundings::Surroundings;
use super::table::Table;
use crate::base::sentence::quoted;
use crate::model::process::{Process, Variables};

/// The most variables of one job, secrets among them.
const VARIABLES_LIMIT: usize = 256;

/// A process with what its table adds: first the file, then the table; later ones win.
pub(crate) fn read(table: &Table<'_>, base: Process, surroundings: &Surroundings<'_>) -> Process {
    let [env, secrets] = [("env", "env_file", base.env), ("secrets", "secrets_file", base.secrets)]
        .map(|(key, file, inherited)| {
            let mut own = file_variables(table, file, surroundings);
            own.extend(table_variables(table, key));
            if own.is_empty() { inherited } else { merged(&inherited, own) }
        });
    let count = env.len() + secrets.len();
    let keys = ["secrets", "secrets_file", "env", "env_file"];
    // Too many of `[defaults]` have been reported there.
    if count > VARIABLES_LIMIT
        && let Some(key) = keys.into_iter().find(|key| table.has(key))
    {
        table.error(key, format!("{count} variables; must be at most {VARIABLES_LIMIT}"));
    }
    let named = |key| Some(Arc::from(table.text_or_nothing(key)?));
    let env_file = named("env_file").or(base.env_file);
    let secrets_file = named("secrets_file").or(base.secrets_file);
    Process { env, secrets, env_file, secrets_file, ..base }
}

pub(super) fn merged(inherited: &[(String, String)], own: Vec<(String, String)>) -> Variables {
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
    merged.into()
}

fn file_variables(
    table: &Table<'_>,
    key: &'static str,
    surroundings: &Surroundings<'_>,
) -> Vec<(String, String)> {
    let Some(text) = path(table, key) else {
        return Vec::new();
    };
    let file = surroundings.resolve(text);
    let shown = quoted(&file.to_string_lossy());
    let content = match (surroundings.read)(&file) {
        Ok(content) => content,
        Err(reason) => {
            table.error(key, format!("cannot read {shown}: {reason}"));
            return Vec::new();
        }
    };
    match dotenv::parse(&content) {
        Ok(variables) => variables.into_iter().map(owned).collect(),
        Err((line, flaw)) => {
            table.error(key, format!("cannot read {shown}: line {line}: {flaw}"));
            Vec::new()
        }
    }
}

fn table_variables(table: &Table<'_>, key: &'static str) -> Vec<(String, String)> {
    let Some(own) = table.table(key) else {
        return Vec::new();
    };
    own.note("*", || Shape::Text);
    let mut variables = Vec::new();
    for (name, entry) in own.entries() {
        let Some(value) = entry.value.as_str() else {
            own.expected(name, entry, "string", r#"quote it, e.g. "1""#);
            continue;
        };
        match dotenv::check(name, value) {
            Ok(()) => variables.push(owned((name, value))),
            Err(flaw @ dotenv::Flaw::Name) => own.misplaced(name, flaw.to_string()),
            Err(flaw) => own.error(name, flaw.to_string()),
        }
    }
    variables
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
