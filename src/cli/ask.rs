//! Questions to whoever sits at the terminal.

use std::io::{self, IsTerminal};

use crate::cli::{Failure, failed, to_stderr};

/// Yes or no; `None` without a terminal, where nobody can answer.
pub(crate) fn confirm(question: &str) -> Result<Option<bool>, Failure> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    to_stderr(&format!("{question} [y/N] "));
    Ok(Some(["y", "yes"].contains(&answer()?.to_ascii_lowercase().as_str())))
}

/// A line of stdin.
pub(crate) fn answer() -> Result<String, Failure> {
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(failed)?;
    Ok(line.trim().to_owned())
}
