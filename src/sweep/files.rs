//! The files of runs, as the sweeper meets them: removed with their directory, and walked
//! through one at a time, so that a million of them need no memory.

use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::logs::{LogFile, LogPlace};
use crate::model::run::RunId;
use crate::sweep::select::run_of;

/// One file that belongs to a run, by its name.
#[derive(Debug)]
pub(super) struct RunFile {
    pub(super) path: PathBuf,
    pub(super) run: RunId,
    pub(super) bytes: u64,
    pub(super) modified: Timestamp,
}

/// Removes every file of a run and says how many bytes that freed.
pub(super) fn remove_log(place: &LogPlace) -> io::Result<u64> {
    let mut freed = 0;
    for file in LogFile::ALL {
        let path = place.file(file);
        let Some(found) = unless_missing(fs::symlink_metadata(&path))? else { continue };
        unless_missing(fs::remove_file(&path))?;
        freed += found.len();
    }
    Ok(freed)
}

/// Removes a directory if nothing is left in it.
pub(super) fn remove_if_empty(directory: &Path) {
    // The kernel refuses while there is a file; anything else is tried again in an hour.
    let _ = fs::remove_dir(directory);
}

/// Shows `see` every run file in `logs` and its directories, and removes empty directories.
/// What vanishes meanwhile is passed over.
pub(super) fn walk<E: From<io::Error>>(
    logs: &Path,
    mut see: impl FnMut(RunFile) -> Result<(), E>,
) -> Result<(), E> {
    for job in entries(logs)? {
        let job = job?;
        if !job.file_type()?.is_dir() {
            continue;
        }
        for file in entries(&job.path())? {
            if let Some(found) = run_file(&file?)? {
                see(found)?;
            }
        }
        remove_if_empty(&job.path());
    }
    Ok(())
}

fn run_file(entry: &DirEntry) -> io::Result<Option<RunFile>> {
    let Some(run) = entry.file_name().to_str().and_then(run_of) else { return Ok(None) };
    let Some(found) = unless_missing(entry.metadata())? else { return Ok(None) };
    if !found.is_file() {
        return Ok(None);
    }
    // A time outside of the calendar is as good as now: the file is left alone.
    let modified = Timestamp::try_from(found.modified()?).unwrap_or(Timestamp::MAX);
    Ok(Some(RunFile { path: entry.path(), run, bytes: found.len(), modified }))
}

fn entries(directory: &Path) -> io::Result<impl Iterator<Item = io::Result<DirEntry>>> {
    Ok(unless_missing(fs::read_dir(directory))?.into_iter().flatten())
}

fn unless_missing<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
