//! `runwisp reload`: has the daemon read its configuration again, and says what that changed.

use serde::Deserialize;

use crate::base::escape::escape;
use crate::cli::globals::Globals;
use crate::cli::{Failure, Outcome, door};
use crate::web::client::Refusal;

pub(crate) const HELP: &str = "\
Has the daemon read its configuration again.

Usage: runwisp reload [--dry-run] [flags]

All of it is checked first, and all of it is applied, or nothing. What is new starts from now on,
what is gone winds down, what is the same is not touched; runs that are under way end as they
began. SIGHUP does the same. Exit 0 when it was applied, 1 when something is wrong with it.

      --dry-run          only say what it would change
";

/// How the daemon tells what it did.
#[derive(Deserialize)]
struct Reloaded {
    added: Vec<String>,
    changed: Vec<Changed>,
    removed: Vec<String>,
    notes: Vec<String>,
}

#[derive(Deserialize)]
struct Changed {
    name: String,
    reasons: Vec<String>,
}

pub(crate) fn run(globals: &Globals, dry: bool) -> Result<Outcome, Failure> {
    let client = door::open(globals, None)?;
    let path = if dry { "/api/reload?dry_run=true" } else { "/api/reload" };
    let reloaded: Reloaded = match client.post(path) {
        Ok(reloaded) => reloaded,
        Err(refusal @ Refusal::Said { .. }) => {
            return Err(Failure::Error(format!("reload rejected: {refusal}")));
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let mut text = match dry {
        true => "This would change:\n".to_owned(),
        false => "Configuration reloaded.\n".to_owned(),
    };
    let nothing = text.len();
    for name in &reloaded.added {
        text.push_str(&format!("+ added {}\n", escape(name)));
    }
    for Changed { name, reasons } in &reloaded.changed {
        text.push_str(&format!("~ changed {} ({})\n", escape(name), escape(&reasons.join(", "))));
    }
    for name in &reloaded.removed {
        text.push_str(&format!("- removed {}\n", escape(name)));
    }
    if text.len() == nothing {
        text.push_str("no task and no service is another one\n");
    }
    let mut outcome = Outcome::success(text);
    outcome.stderr =
        reloaded.notes.iter().map(|note| format!("note: {}\n", escape(note))).collect();
    Ok(outcome)
}
