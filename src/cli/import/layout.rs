//! Where imported tables live beside a configuration of one's own: in `runwisp.d/imported.toml`,
//! which `[daemon] include` names. And the writing of two files that belong together.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::fetch::files_in;
use super::sections::{jobs, sections};
use crate::base::sentence::error_text;
use crate::base::time::Clock;
use crate::cli::{Failure, cannot, failed, init};
use crate::config;
use crate::daemon::whole_file;

/// The folder beside the configuration, and what of it is included.
const FOLDER: &str = "runwisp.d";
const INCLUDE: &str = "runwisp.d/*.toml";
const FILE: &str = "imported.toml";

/// The configuration's own file, and those of the folder beside it, as far as they are there.
pub(super) struct Files {
    /// Where the daemon finds it: what it includes is beside this.
    pub(super) config: PathBuf,
    /// The file itself, where that is a link.
    pub(super) root: PathBuf,
    pub(super) root_text: Option<String>,
    pub(super) included: Vec<(PathBuf, String)>,
}

impl Files {
    pub(super) fn read(config: &Path) -> Result<Files, Failure> {
        // The file itself is replaced, not a link to it.
        let root = fs::canonicalize(config).unwrap_or_else(|_| config.to_owned());
        let config = std::path::absolute(config).map_err(failed)?;
        let root_text = read(&root)?;
        let folder = folder(&config);
        let mut included = Vec::new();
        if folder.is_dir() {
            for path in files_in(&folder)? {
                if path.extension().is_some_and(|ending| ending == "toml") {
                    let text = read(&path)?.unwrap_or_default();
                    included.push((path, text));
                }
            }
        }
        Ok(Files { config, root, root_text, included })
    }

    fn all(&self) -> impl Iterator<Item = (&Path, &str)> {
        let root = self.root_text.iter().map(|text| (self.root.as_path(), text.as_str()));
        root.chain(self.included.iter().map(|(path, text)| (path.as_path(), text.as_str())))
    }
}

/// The jobs that are there already, with their commands.
pub(super) fn jobs_of(config: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut all = Vec::new();
    for (path, text) in Files::read(config)?.all() {
        all.extend(jobs(text).map_err(|error| bad(path, &error))?);
    }
    Ok(all)
}

/// Adds tables to the imported file and has the configuration include it; says what was done.
pub(super) fn write(config: &Path, head: &str, page: &str) -> Result<String, Failure> {
    let files = Files::read(config)?;
    let imported = folder(&files.config).join(FILE);
    let shown = (imported.display(), files.root.display());
    if page.is_empty() {
        return Ok("nothing is new\n".to_owned());
    }
    let mut changes = Vec::new();
    let old = files.included.iter().find(|(path, _)| *path == imported).map(|(_, text)| text);
    let text = match old {
        Some(old) => format!("{}\n\n{head}{page}", old.trim_end()),
        None => format!("{head}{page}"),
    };
    changes.push((imported.clone(), text));
    let said = match including(&files)? {
        None => format!("wrote {}\n", shown.0),
        Some(root) => {
            changes.push((files.root.clone(), root));
            format!("wrote {}, which {} includes\n", shown.0, shown.1)
        }
    };
    let folder = folder(&files.config);
    if !folder.exists() {
        fs::create_dir(&folder).map_err(|error| cannot("create", folder.display(), &error))?;
        let mode = fs::Permissions::from_mode(0o750);
        fs::set_permissions(&folder, mode)
            .map_err(|error| cannot("create", folder.display(), &error))?;
    }
    replace_in(&files.config, &changes)?;
    Ok(said)
}

/// The text of the configuration with the folder included; `None` when it is already.
fn including(files: &Files) -> Result<Option<String>, Failure> {
    let note = "# What was imported lies in runwisp.d; tasks and services of your own go here.";
    listing(&files.root, files.root_text.as_deref(), "include", &[INCLUDE], note)
}

/// The text of a configuration, below `note` where there is none yet, whose `[daemon]` has a list
/// with these patterns; `None` when it has it already.
pub(crate) fn listing(
    root: &Path,
    text: Option<&str>,
    key: &str,
    wanted: &[&str],
    note: &str,
) -> Result<Option<String>, Failure> {
    let line = format!("{key} = {wanted:?}\n");
    let Some(text) = text else {
        return Ok(Some(format!("{note}\n\n[daemon]\n{line}")));
    };
    let shown = root.display();
    let tree = DeTable::parse(text).map_err(|error| bad(root, &error))?;
    let daemon = tree.get_ref().get("daemon").and_then(|daemon| daemon.get_ref().as_table());
    if let Some(list) = daemon.and_then(|daemon| daemon.get(key)) {
        let there: Vec<_> = list.get_ref().as_array().into_iter().flatten().collect();
        let is_there = |one: &&&str| there.iter().any(|it| it.get_ref().as_str() == Some(**one));
        let missing: Vec<_> = wanted.iter().filter(|one| !is_there(one)).collect();
        if missing.is_empty() {
            return Ok(None);
        }
        let missing = format!("{missing:?}");
        let missing = missing.trim_matches(['[', ']']);
        let message = format!(
            "{shown} has an {key} list of its own: add {missing} to [daemon] {key}, then try again"
        );
        return Err(Failure::Error(message));
    }
    if daemon.is_none() {
        return Ok(Some(format!("{}\n\n[daemon]\n{line}", text.trim_end())));
    }
    let all = sections(text).map_err(|error| bad(root, &error))?;
    let Some(header) = all.iter().find(|section| section.path == ["daemon"]) else {
        let message = format!("{shown} has no [daemon] header: write {} into it", line.trim_end());
        return Err(Failure::Error(message));
    };
    let end = text[header.at..].find('\n').map_or(text.len(), |length| header.at + length + 1);
    let (above, below) = text.split_at(end);
    let gap = if above.ends_with('\n') { "" } else { "\n" };
    Ok(Some(format!("{above}{gap}{line}{below}")))
}

/// Writes all files or none: each with a rename, and where one fails the others get their old
/// text back. Owner and mode of a file that is replaced stay.
pub(crate) fn replace(files: &[(PathBuf, String)]) -> Result<(), Failure> {
    replace_and(files, || Ok(()))
}

/// The same with files of a configuration, which does not load worse than before.
pub(super) fn replace_in(root: &Path, files: &[(PathBuf, String)]) -> Result<(), Failure> {
    let now = Clock::start().now().wall;
    let was_good = !root.exists() || config::load(root, now).is_ok();
    replace_and(files, || match config::load(root, now) {
        Err(error) if was_good => Err(format!("nothing is written, it would not load:\n{error}")),
        Ok(_) | Err(_) => Ok(()),
    })
}

fn replace_and(
    files: &[(PathBuf, String)],
    check: impl FnOnce() -> Result<(), String>,
) -> Result<(), Failure> {
    let mut done: Vec<(&Path, Option<String>)> = Vec::new();
    for (path, _) in files {
        // A device or a pipe would be replaced like any other name.
        if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            let message = format!("cannot write {}: it is no plain file", path.display());
            return Err(Failure::Error(message));
        }
    }
    for (path, text) in files {
        let old = read(path)?;
        match put(path, text) {
            Ok(()) => done.push((path, old)),
            Err(error) => {
                let message = format!("cannot write {}: {}", path.display(), error_text(&error));
                return Err(undo(done, message));
            }
        }
    }
    check().map_err(|message| undo(done, message))
}

/// Gives files their old text back.
fn undo(done: Vec<(&Path, Option<String>)>, mut message: String) -> Failure {
    for (path, old) in done {
        let undone = match &old {
            Some(old) => put(path, old),
            None => fs::remove_file(path),
        };
        if let Err(error) = undone {
            message += &format!("; and {} could not be restored: {error}", path.display());
        }
    }
    Failure::Error(message)
}

fn put(path: &Path, text: &str) -> io::Result<()> {
    let old = fs::metadata(path).ok();
    let mode = old.as_ref().map_or(init::MODE, |old| old.mode() & 0o7777);
    whole_file::write(path, text, mode)?;
    if let Some(old) = old {
        // Only root can, and only where it is not the owner already does it matter.
        let _ = chown(path, Some(old.uid()), Some(old.gid()));
    }
    Ok(())
}

pub(super) fn folder(root: &Path) -> PathBuf {
    root.with_file_name(FOLDER)
}

/// The text of a file; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", path.display(), &error)),
    }
}

pub(super) fn bad(path: &Path, error: &toml::de::Error) -> Failure {
    Failure::Error(format!("{} is no TOML: {}", path.display(), error.message()))
}
