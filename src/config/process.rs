//! The surroundings of a process: who it is, where it begins, and its shell. What it finds in its
//! environment is read by `variables` (docs/configuration.md, Shell).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::surroundings::Surroundings;
use super::table::Table;
use super::variables;
use crate::base::sentence::quoted;
use crate::model::process::{EnvBase, Process, RunAs, is_posix_shell};

/// The longest name that useradd(8) takes.
const ACCOUNT_LIMIT: usize = 32;

const ENV_BASE: [(&str, EnvBase); 2] = [("inherit", EnvBase::Inherit), ("clean", EnvBase::Clean)];

/// Everything that a job or a health check may say, and `base` where it says nothing.
pub(crate) fn read(table: &Table<'_>, base: &Process, surroundings: &Surroundings<'_>) -> Process {
    let shared = shared(table, base, surroundings);
    Process {
        env_base: table.choice("env_base", &ENV_BASE).unwrap_or(base.env_base),
        working_dir: working_dir(table, surroundings).or_else(|| base.working_dir.clone()),
        user: user(table).map(Arc::new).or_else(|| base.user.clone()),
        umask: umask(table).or(base.umask),
        ..shared
    }
}

/// What `[defaults]` may say too.
pub(crate) fn shared(
    table: &Table<'_>,
    base: &Process,
    surroundings: &Surroundings<'_>,
) -> Process {
    let process = Process {
        shell: shell(table, surroundings).map_or_else(|| base.shell.clone(), Into::into),
        ..base.clone()
    };
    variables::read(table, process, surroundings)
}

/// The shell as an absolute path; whether it exists shows when a run starts.
fn shell(table: &Table<'_>, surroundings: &Surroundings<'_>) -> Option<PathBuf> {
    let text = path(table, "shell")?;
    if !text.starts_with('/') && !text.starts_with("~/") {
        let message = format!(r#"{}; must be an absolute path, e.g. "/bin/bash""#, quoted(text));
        table.error("shell", message);
        return None;
    }
    let shell = surroundings.resolve(text);
    if !is_posix_shell(&shell) {
        let message =
            format!("{} gets no -e: a script goes on after a command that fails", quoted(text));
        table.warn("shell", message);
    }
    Some(shell)
}

/// Absolute, but a leading `~` stays: it is the home of whoever the run executes as.
fn working_dir(table: &Table<'_>, surroundings: &Surroundings<'_>) -> Option<PathBuf> {
    let text = path(table, "working_dir")?;
    if text == "~" || text.starts_with("~/") {
        // `~` alone becomes `~/`.
        return Some(Path::new("~").join(text[1..].trim_start_matches('/')));
    }
    Some(surroundings.directory.join(text))
}

/// `USER` or `USER:GROUP`; who that is shows when a run starts.
fn user(table: &Table<'_>) -> Option<RunAs> {
    let text = table.filled_text("user")?;
    let run_as = run_as(text);
    if run_as.is_none() {
        let message = format!(
            "{}; must be a user or USER:GROUP, names or numbers, e.g. \"www-data\" or \"app:1001\"",
            quoted(text)
        );
        table.error("user", message);
    }
    run_as
}

/// The same as a crontab may have it.
pub(super) fn run_as(text: &str) -> Option<RunAs> {
    let (user, group) = text.split_once(':').map_or((text, None), |(user, it)| (user, Some(it)));
    let is_good = is_account(user) && group.is_none_or(is_account);
    is_good.then(|| RunAs { user: user.to_owned(), group: group.map(str::to_owned) })
}

/// As useradd(8) takes them; Samba ends names of machines with `$`.
fn is_account(name: &str) -> bool {
    let stem = name.strip_suffix('$').unwrap_or(name);
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    name.len() <= ACCOUNT_LIMIT
        && stem.bytes().next().is_some_and(|first| first != b'-' && first != b'.')
        && stem.bytes().all(is_letter)
}

fn umask(table: &Table<'_>) -> Option<u16> {
    let text = table.text("umask").filter(|text| !text.is_empty())?;
    let is_octal = text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let umask = u16::from_str_radix(text, 8).ok().filter(|mask| is_octal && *mask <= 0o777);
    if umask.is_none() {
        let message =
            format!("{}; must be octal from \"0\" to \"0777\", e.g. \"027\"", quoted(text));
        table.error("umask", message);
    }
    umask
}

/// The text of a path: not blank, no NUL byte.
pub(super) fn path<'a>(table: &Table<'a>, key: &'static str) -> Option<&'a str> {
    let text = table.filled_text(key)?;
    if text.contains('\0') {
        table.error(key, format!("{} contains a NUL byte; remove it", quoted(text)));
        return None;
    }
    Some(text)
}
