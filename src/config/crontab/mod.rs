//! Crontabs, read as Debian's cron reads them: text in, entries and what is no entry out.
//!
//! Whoever makes tasks of the entries calls [`read`] once for each file, names each one with
//! [`name_of`] and [`unique`], and takes from [`Entry`]: `when`, `user`, [`Entry::script`] for
//! `run`, [`Entry::shell`], [`Entry::home`] for `working_dir`, [`Entry::variables`] for `env`. What
//! holds for every entry is not in it: `env_base = "clean"`, the machine's own zone (`Local`), no
//! catch-up. `script` stands for a shell that is started with `-e`, as ours are
//! (docs/configuration.md, Shell).
//!
//! Nothing is guessed: a line that cron reads in a way that our schedules cannot say, or that it
//! does not read at all, is in [`Crontab::skipped`].

mod command;
mod name;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
mod variable;
mod when;

use std::sync::Arc;

use super::dotenv;

pub(crate) use name::{name_of, sanitised, unique};
use when::Fault;
pub(crate) use when::When;

/// How wide a command may be for cron (Debian's MAX_COMMAND).
const WIDEST_COMMAND: usize = 998;

/// Whose crontab it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `crontab -l`: all entries are of one user.
    User,
    /// `/etc/crontab`, `/etc/cron.d/*`: a user stands before each command.
    System,
}

/// Everything that one file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Crontab {
    pub(crate) entries: Vec<Entry>,
    pub(crate) skipped: Vec<Skipped>,
    /// What is odd about the file as a whole.
    pub(crate) notes: Vec<String>,
}

/// One job.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// From 1 on.
    pub(crate) line: usize,
    /// The line itself.
    pub(crate) text: String,
    pub(crate) when: When,
    /// In the system's form only.
    pub(crate) user: Option<String>,
    /// What the shell gets, `\%` resolved.
    pub(crate) command: String,
    /// What the command reads, if its line has a `%`.
    pub(crate) stdin: Option<String>,
    /// The comment right above.
    pub(crate) comment: Option<String>,
    /// The variables that are set above, each once.
    pub(crate) env: Arc<[(String, String)]>,
    /// What is said differently here than in the file, or means less.
    pub(crate) notes: Vec<String>,
}

/// A line that became nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Skipped {
    pub(crate) line: usize,
    pub(crate) text: String,
    pub(crate) reason: String,
    /// Debian's cron refuses it too, and with it the whole file.
    pub(crate) is_refused_by_cron: bool,
}

impl Entry {
    /// The value of a variable that is set above the entry.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.env.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The script that does in a shell with `-e` what cron has done in one without; `None` when
    /// the command has input and its shell is none that could be told to read it.
    pub(crate) fn script(&self) -> Option<String> {
        command::script(&self.command, self.stdin.as_deref(), self.shell())
    }

    /// `SHELL`; an absolute path, or cron would not find it.
    pub(crate) fn shell(&self) -> Option<&str> {
        self.variable("SHELL").filter(|shell| *shell != "/bin/sh")
    }

    /// Where the command starts.
    pub(crate) fn home(&self) -> &str {
        self.variable("HOME").filter(|home| !home.is_empty()).unwrap_or("~")
    }

    /// What is left for the environment of the command: without what cron itself reads, and
    /// without names that we do not take ([`Entry::lost_variables`]).
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = |name: &str| {
            matches!(name, "SHELL" | "LOGNAME" | "MAILTO" | "MAILFROM" | "RANDOM_DELAY")
                || name.starts_with("CONTENT_T")
                || !dotenv::is_name(name)
        };
        self.pairs().filter(move |(name, _)| !own(name))
    }

    /// Names that no variable may have here.
    pub(crate) fn lost_variables(&self) -> impl Iterator<Item = &str> {
        self.pairs().map(|(name, _)| name).filter(|name| !dotenv::is_name(name))
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.env.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Reads a whole file.
pub(crate) fn read(text: &str, form: Form) -> Crontab {
    let mut crontab = Crontab::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.is_empty() && !text.ends_with('\n') {
        let note = "the last line has no end: Debian's cron refuses such a file".to_owned();
        crontab.notes.push(note);
    }
    let mut env: Arc<[(String, String)]> = Arc::default();
    let mut comments: Vec<&str> = Vec::new();
    for (number, whole) in (1..).zip(text.split('\n')) {
        let line = whole.trim_start_matches(BLANKS);
        if let Some(comment) = line.strip_prefix('#') {
            comments.push(comment.trim_matches(['#', ' ', '\t', '\r', '-', '=']));
            continue;
        }
        let comments = std::mem::take(&mut comments);
        if line.trim().is_empty() {
            continue;
        }
        if let Some((name, value)) = variable::read(line) {
            let mut set: Vec<_> = env.iter().filter(|(known, _)| *known != name).cloned().collect();
            set.push((name, value));
            env = set.into();
            continue;
        }
        match entry(line, form) {
            Ok(mut entry) => {
                entry.line = number;
                entry.text = whole.trim_end().to_owned();
                entry.comment = description(&comments, form);
                entry.env = Arc::clone(&env);
                crontab.entries.push(entry);
            }
            Err(fault) => crontab.skipped.push(Skipped {
                line: number,
                text: whole.trim_end().to_owned(),
                reason: fault.reason,
                is_refused_by_cron: fault.is_refused_by_cron,
            }),
        }
    }
    crontab
}

/// Whether a comment of the file explains a column for the user.
pub(crate) fn looks_like_system(text: &str) -> bool {
    text.lines().filter_map(|line| line.trim().strip_prefix('#')).any(|comment| {
        let words: Vec<&str> = comment.split_whitespace().collect();
        words.windows(2).any(|pair| {
            matches!(pair[0], "user" | "user-name" | "username") && pair[1].starts_with("command")
        })
    })
}

const BLANKS: [char; 2] = [' ', '\t'];

/// The first word, and what follows the blanks behind it.
fn word(text: &str) -> (&str, &str) {
    let end = text.find(BLANKS).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start_matches(BLANKS))
}

fn entry(line: &str, form: Form) -> Result<Entry, Fault> {
    if line.contains(['\0', char::REPLACEMENT_CHARACTER]) {
        return Err(Fault::odd("it is not UTF-8 text without NUL bytes"));
    }
    let mut notes = Vec::new();
    let line = match line.strip_suffix('\r') {
        Some(line) => {
            notes.push("the carriage return at its end, which cron passes on, is gone".to_owned());
            line
        }
        None => line,
    };
    let is_quiet = |rest: &&str| rest.starts_with(|c: char| c.is_ascii_digit() || c == '*');
    let line = match line.strip_prefix('-').filter(is_quiet) {
        Some(line) => {
            notes.push("the - in front, cronie's way to keep it out of syslog, is gone".to_owned());
            line
        }
        None => line,
    };
    let (when, rest) = when::read(line, &mut notes)?;
    let (user, command) = match form {
        Form::User => (None, rest),
        Form::System => {
            let (user, rest) = word(rest);
            if !is_user(user) {
                let reason = format!("{user:?} stands where the name of a user has to be");
                return Err(Fault::refused(reason));
            }
            (Some(user.to_owned()), rest)
        }
    };
    // Most likely there are six fields of time; cron refuses only the star.
    if command.starts_with('*') {
        return Err(Fault::refused("the command begins with *; are there six fields of time?"));
    }
    if word(command).0.bytes().all(|byte| byte.is_ascii_digit() || b",-/".contains(&byte)) {
        notes.push("the command begins with a number; are there six fields of time?".to_owned());
    }
    if command.len() > WIDEST_COMMAND {
        notes.push(format!("Debian's cron takes no command over {WIDEST_COMMAND} bytes"));
    }
    let (command, stdin) = command::split(command);
    if command.trim().is_empty() {
        return Err(Fault::odd("there is no command"));
    }
    Ok(Entry {
        line: 0,
        text: String::new(),
        when,
        user,
        command,
        stdin,
        comment: None,
        env: Arc::default(),
        notes,
    })
}

/// What a name of an account looks like (useradd(8)), and not a path, an option or a pattern.
fn is_user(name: &str) -> bool {
    let name = name.strip_suffix('$').unwrap_or(name);
    name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte))
}

/// The comment above an entry in one line: not a heading of the columns, not a job that is
/// commented out.
fn description(comments: &[&str], form: Form) -> Option<String> {
    let is_told = |comment: &&&str| {
        let says =
            comment.split(' ').any(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 1);
        let is_heading = comment.contains("dow") || comment.contains("user-name");
        says && !is_heading && entry(comment, form).is_err() && variable::read(comment).is_none()
    };
    let mut told: Vec<&str> = comments.iter().rev().take_while(is_told).copied().collect();
    told.reverse();
    let text = told.join(" ");
    match text.chars().count() {
        0 => None,
        1..=200 => Some(text),
        // A whole essay: what stands nearest.
        _ => told.last().map(|line| line.chars().take(200).collect()),
    }
}
