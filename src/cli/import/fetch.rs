//! Gets the text of each source from where it lies, and what the host knows of it.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::draft::{Draft, Import};
use super::systemd::units;
use super::{ImportArgs, Script, anacron, supervisord};
use crate::base::glob;
use crate::base::sentence::error_text;
use crate::cli::{Failure, cannot};
use crate::config::crontab::Form;
use crate::config::include_cron;
use crate::config::load::zone_named;

/// Crontabs: one file, all of a folder, or stdin.
pub(super) fn cron(args: &ImportArgs, form: Option<Form>) -> Result<Import, Failure> {
    let mut import = crontabs(args, form)?;
    let common = fs::read_to_string("/etc/environment").unwrap_or_default();
    let is_set =
        common.lines().any(|line| !line.trim_start().starts_with('#') && line.contains('='));
    if is_set && !import.drafts.is_empty() {
        import.note(
            "on many systems cron gives its jobs what /etc/environment sets: add env_file = \
             \"/etc/environment\" where one needs it",
        );
    }
    Ok(import)
}

fn crontabs(args: &ImportArgs, form: Option<Form>) -> Result<Import, Failure> {
    let mut import = Import::default();
    let is_debian = Path::new("/etc/debian_version").exists();
    let host = super::cron::Host { is_debian, has_user: &has_user, has_zone: &has_zone };
    let Some(name) = args.names.first().filter(|name| *name != "-") else {
        let text = stdin("crontab -l | runwisp import cron")?;
        let form = form.unwrap_or_else(|| include_cron::form(Path::new(""), &text));
        super::cron::import(&mut import, &text, form, None, "", &host);
        return Ok(import);
    };
    let path = Path::new(name);
    if path.is_dir() {
        for file in files_in(path)? {
            let text = read(&file)?;
            let form = form.unwrap_or_else(|| include_cron::form(&file, &text));
            let shown = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            note_file_name(&mut import, &file);
            super::cron::import(
                &mut import,
                &text,
                form,
                whose(&file, form).as_deref(),
                &shown,
                &host,
            );
        }
        return Ok(import);
    }
    let text = read(path)?;
    if path.file_name().is_some_and(|name| name == "anacrontab") {
        anacron::import(&mut import, &text);
        return Ok(import);
    }
    let form = form.unwrap_or_else(|| include_cron::form(path, &text));
    note_file_name(&mut import, path);
    super::cron::import(&mut import, &text, form, whose(path, form).as_deref(), "", &host);
    Ok(import)
}

/// The user of a crontab that names none on its lines.
fn whose(path: &Path, form: Form) -> Option<String> {
    include_cron::owner(path).filter(|_| form == Form::User)
}

/// Debian's cron passes over files of `cron.d` whose names it does not like (cron(8)).
fn note_file_name(import: &mut Import, path: &Path) {
    if !include_cron::is_name_for_cron(path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        import.note(format!(
            "{name}: Debian's cron ignores a file in cron.d whose name has more than letters, digits, _ and -"
        ));
    }
}

pub(super) fn has_zone(name: &str) -> bool {
    zone_named(name).is_ok()
}

/// Accounts of the host; those that no file lists are asked for.
pub(super) fn has_user(name: &str) -> bool {
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
    let bytes = fs::read(path).map_err(|error| cannot("read", path.display(), &error))?;
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
pub(super) fn files_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| cannot("read", folder.display(), &error))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let is_hidden =
        |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
    files.retain(|path| path.is_file() && !is_hidden(path));
    files.sort();
    Ok(files)
}

/// Files of supervisord with all that they include, or stdin.
pub(super) fn supervisord(args: &ImportArgs) -> Result<Import, Failure> {
    let mut import = Import::default();
    let mut files: Vec<(PathBuf, String)> = Vec::new();
    if args.names.is_empty() || args.names == ["-"] {
        let text = stdin("runwisp import supervisord < supervisord.conf")?;
        if !supervisord::includes(&text).is_empty() {
            import.note("[include] is not followed from stdin: name the file");
        }
        let source = supervisord::Source { text: &text, file: "stdin", here: None };
        supervisord::import(&mut import, &[source]);
        return Ok(import);
    }
    for name in &args.names {
        let path = fs::canonicalize(name).map_err(|error| cannot("read", name, &error))?;
        let text = read(&path)?;
        let includes = supervisord::includes(&text);
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        files.push((path, text));
        for pattern in includes {
            let pattern = pattern.replace("%(here)s", &folder.to_string_lossy());
            let found = matching(&folder, &pattern);
            if found.is_empty() {
                import.note(format!("[include] {pattern}: no such file"));
            }
            for path in found {
                let text = read(&path)?;
                files.push((path, text));
            }
        }
    }
    let shown: Vec<(String, String)> = files
        .iter()
        .map(|(path, _)| {
            let folder = path.parent().unwrap_or(Path::new("/"));
            (path.to_string_lossy().into_owned(), folder.to_string_lossy().into_owned())
        })
        .collect();
    let sources = files.iter().zip(&shown).map(|((_, text), (file, here))| supervisord::Source {
        text,
        file,
        here: Some(here),
    });
    supervisord::import(&mut import, &sources.collect::<Vec<_>>());
    Ok(import)
}

/// Units by name or path; without any, those of the administrator.
pub(super) fn systemd(args: &ImportArgs) -> Result<Import, Failure> {
    let mut import = Import::default();
    let own = || units::own();
    let names = if args.names.is_empty() { own() } else { args.names.clone() };
    if names.is_empty() {
        let message = "there are no units in /etc/systemd/system: name one, such as backup.timer";
        return Err(Failure::Error(message.to_owned()));
    }
    for name in &names {
        let near = name.contains('/').then(|| Path::new(name).parent()).flatten();
        match units::open(name) {
            Some(unit) => {
                super::systemd::import(&mut import, &unit, &|name| units::find(name, near));
            }
            None => {
                let reason = "there is no such unit".to_owned();
                import.drafts.push(Draft::broken(
                    String::new(),
                    name.clone(),
                    reason,
                    String::new(),
                ));
            }
        }
    }
    Ok(import)
}

/// An ecosystem file or a dump; a program only where it may be run.
pub(super) fn pm2(args: &ImportArgs, script: Script) -> Result<Import, Failure> {
    let mut import = Import::default();
    let name = args.names.first().map_or("-", String::as_str);
    let path = Path::new(name);
    let is_program =
        ["js", "cjs", "mjs"].iter().any(|ending| path.extension().is_some_and(|it| it == *ending));
    let text = match (name, is_program, script) {
        ("-", ..) => stdin("runwisp import pm2 ~/.pm2/dump.pm2")?,
        (_, false, _) => read(path)?,
        (_, true, Script::Evaluate) => evaluated(path)?,
        (_, true, Script::Refuse) => {
            let message = format!(
                "{name} is a program and is not run: call \"pm2 save\" and import ~/.pm2/dump.pm2, or add \
                 --eval, which has node run it"
            );
            return Err(Failure::Error(message));
        }
    };
    let place = fs::canonicalize(path).unwrap_or_default();
    let folder = place.parent().unwrap_or(Path::new("/"));
    super::pm2::import(&mut import, &text, &folder.to_string_lossy())
        .map_err(|reason| Failure::Error(format!("cannot read {name}: {reason}")))?;
    Ok(import)
}

/// What a file of JavaScript exports, as JSON.
fn evaluated(path: &Path) -> Result<String, Failure> {
    let path = fs::canonicalize(path).map_err(|error| cannot("read", path.display(), &error))?;
    let code = "import(require('url').pathToFileURL(process.argv[1]))\
                .then(it => process.stdout.write(JSON.stringify(it.default)))";
    let mut node = Command::new("node");
    let output = node.args(["-e", code]).arg(&path).stdin(Stdio::null()).output();
    let output = output
        .map_err(|error| Failure::Error(format!("cannot start node: {}", error_text(&error))))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said =
            said.lines().find(|line| line.contains("Error")).unwrap_or("it failed").to_owned();
        return Err(Failure::Error(format!("node cannot run {}: {said}", path.display())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The files that a pattern of paths fits, in order.
fn matching(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![match pattern.starts_with('/') {
        true => PathBuf::from("/"),
        false => folder.to_owned(),
    }];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = match glob::is_pattern(part) {
            false => found.into_iter().map(|path| path.join(part)).collect(),
            true => found.iter().flat_map(|path| fitting(path, part)).collect(),
        };
    }
    found.retain(|path| path.is_file());
    found
}

fn fitting(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let fits = |name: &str| {
        !name.starts_with('.') && glob::flaw(pattern).is_none() && glob::fits(pattern, name)
    };
    let fitting = entries.filter(|entry| entry.file_name().to_str().is_some_and(fits));
    let mut paths: Vec<PathBuf> = fitting.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
