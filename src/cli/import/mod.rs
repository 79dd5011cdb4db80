//! `runwisp import`: jobs of cron, supervisord, systemd and PM2 as tables of ours
//! (docs/migration.md). Each source has a pure reader from text to drafts; this file fetches the
//! text, and brings the result to where it was asked for. Nothing of the source is changed.

mod anacron;
mod cron;
mod draft;
pub(crate) mod flags;
mod layout;
mod page;
mod sections;

use std::fs;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::base::sentence::error_text;
use crate::cli::args::Existing;
use crate::cli::globals::Globals;
use crate::cli::{Exit, Failure, print, tame, to_stderr};
use crate::config::crontab::{self, Form};
use crate::config::load::zone_named;
use draft::Import;

/// What `import` is asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ImportArgs {
    pub(crate) source: Source,
    /// Files, or names of units; none is stdin, or what the host has.
    pub(crate) names: Vec<String>,
    pub(crate) target: Target,
    pub(crate) existing: Existing,
    pub(crate) extent: Extent,
}

/// Whose jobs they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// With a column for users or without, where that was said.
    Cron(Option<Form>),
}

/// Where the tables go.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    Stdout,
    File(PathBuf),
    /// Into a file that the configuration includes.
    Config,
}

/// How much happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The tables are written and summed up.
    Full,
    /// They are written, and nothing is said about it.
    Quiet,
    /// They are only shown.
    DryRun,
}

impl Source {
    fn name(self) -> &'static str {
        match self {
            Source::Cron(_) => "cron",
        }
    }

    /// How the old scheduler is kept from running the jobs too.
    fn reminder(self) -> &'static str {
        match self {
            Source::Cron(_) => {
                "cron still runs these jobs: take the lines out there (crontab -e) when RunWisp runs them"
            }
        }
    }
}

pub(crate) fn run(globals: &Globals, args: &ImportArgs) -> Result<Exit, Failure> {
    let mut import = match args.source {
        Source::Cron(form) => of_cron(args, form)?,
    };
    let existing = match args.target {
        Target::Config => layout::jobs_of(&globals.config.path)?,
        Target::Stdout | Target::File(_) => Vec::new(),
    };
    import.settle_names(&existing);
    let page = page::tables(&import);
    let from = match &args.names[..] {
        [] => String::new(),
        names => format!(" from {}", names.join(", ")),
    };
    let from: String = from.chars().filter(|letter| !letter.is_control()).collect();
    let head = format!("# Made by \"runwisp import {}\"{from}.\n", args.source.name());
    let is_blocked = args.target == Target::Config && import.has_broken();
    let mut said = String::new();
    match &args.target {
        _ if args.extent == Extent::DryRun => print(&(head + &page))?,
        Target::Stdout => print(&(head + &page))?,
        Target::File(path) => {
            write_file(path, &(head + &page), args.existing)?;
            said = format!("wrote {}\n", path.display());
        }
        Target::Config if is_blocked => {}
        Target::Config => said = layout::write(&globals.config.path, &head, &page)?,
    }
    if args.extent != Extent::Quiet {
        let reminder = args.source.reminder();
        to_stderr(&tame(&format!("{}{said}{reminder}\n", import.summary())));
    }
    if is_blocked {
        let message = "nothing is written: the lines with ! need a table by hand; take them out of the source, \
                       or import to stdout and edit";
        return Err(Failure::Error(message.to_owned()));
    }
    Ok(Exit::Success)
}

fn of_cron(args: &ImportArgs, form: Option<Form>) -> Result<Import, Failure> {
    let mut import = Import::default();
    let is_debian = Path::new("/etc/debian_version").exists();
    let has_zone = |name: &str| zone_named(name).is_ok();
    let host = cron::Host { is_debian, has_user: &has_user, has_zone: &has_zone };
    let Some(name) = args.names.first().filter(|name| *name != "-") else {
        let text = stdin("crontab -l | runwisp import cron")?;
        let form = form.unwrap_or_else(|| form_of(Path::new(""), &text));
        cron::import(&mut import, &text, form, None, "", &host);
        return Ok(import);
    };
    let path = Path::new(name);
    if path.is_dir() {
        for file in files_in(path)? {
            let text = read(&file)?;
            let form = form.unwrap_or_else(|| form_of(&file, &text));
            let shown = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            note_file_name(&mut import, &file);
            cron::import(&mut import, &text, form, owner(&file, form), &shown, &host);
        }
        return Ok(import);
    }
    let text = read(path)?;
    if path.file_name().is_some_and(|name| name == "anacrontab") {
        anacron::import(&mut import, &text);
        return Ok(import);
    }
    let form = form.unwrap_or_else(|| form_of(path, &text));
    note_file_name(&mut import, path);
    cron::import(&mut import, &text, form, owner(path, form), "", &host);
    Ok(import)
}

/// `/etc/crontab` and what lies in a `cron.d` have a column for users, or the file says so.
fn form_of(path: &Path, text: &str) -> Form {
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
    let is_crontab = path.file_name().is_some_and(|name| name == "crontab") && folder == "etc";
    match folder == "cron.d" || is_crontab || crontab::looks_like_system(text) {
        true => Form::System,
        false => Form::User,
    }
}

/// Spools are named after users: `/var/spool/cron/crontabs/www-data`.
fn owner(path: &Path, form: Form) -> Option<&str> {
    let folder = path.parent()?;
    let is_spool = folder.ends_with("cron/crontabs") || folder.ends_with("spool/cron");
    path.file_name()?.to_str().filter(|_| is_spool && form == Form::User)
}

/// Debian's cron passes over files of `cron.d` whose names it does not like (cron(8)).
fn note_file_name(import: &mut Import, path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_in_cron_d = path.parent().is_some_and(|folder| folder.ends_with("cron.d"));
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if is_in_cron_d && !name.bytes().all(is_good) {
        import.note(format!(
            "{name}: Debian's cron ignores a file in cron.d whose name has more than letters, digits, _ and -"
        ));
    }
}

/// Accounts of the host; those that no file lists are asked for.
fn has_user(name: &str) -> bool {
    let listed = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let is_listed = listed.lines().any(|line| line.split(':').next() == Some(name));
    let asked = || {
        let mut getent = Command::new("getent");
        getent.args(["passwd", name]).stdout(Stdio::null()).stderr(Stdio::null());
        getent.status().is_ok_and(|status| status.success())
    };
    is_listed || asked()
}

/// Text from a file; what is no UTF-8 is marked, and its line will be refused.
fn read(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|error| cannot("read", path, &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Text from stdin; on a terminal nobody would know that it is waited for.
fn stdin(example: &str) -> Result<String, Failure> {
    let mut stdin = io::stdin();
    if stdin.is_terminal() {
        let message = format!("name a file, or pipe one in: {example}");
        return Err(Failure::Error(message));
    }
    let mut bytes = Vec::new();
    let read = stdin.read_to_end(&mut bytes);
    read.map_err(|error| Failure::Error(format!("cannot read stdin: {}", error_text(&error))))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The plain files of a folder, by name.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| cannot("read", folder, &error))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let is_hidden =
        |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
    files.retain(|path| path.is_file() && !is_hidden(path));
    files.sort();
    Ok(files)
}

fn write_file(path: &Path, text: &str, existing: Existing) -> Result<(), Failure> {
    if path.exists() && existing == Existing::Refuse {
        let shown = path.display();
        if !io::stdin().is_terminal() {
            let message = format!("{shown} already exists; --force replaces it");
            return Err(Failure::Error(message));
        }
        to_stderr(&format!("{shown} already exists. Replace it? [y/N] "));
        _ = io::stderr().flush();
        let mut answer = String::new();
        _ = io::stdin().lock().read_line(&mut answer);
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Err(Failure::Error(format!("{shown} is left as it was")));
        }
    }
    layout::replace(&[(path.to_owned(), text.to_owned())])
}

fn cannot(verb: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::Error(format!("cannot {verb} {}: {}", path.display(), error_text(error)))
}
