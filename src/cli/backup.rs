//! `runwisp backup`: history and logs in a directory of their own, beside a running daemon or
//! without one. The database comes first and is of one moment; logs follow for the runs that it
//! knows, of those that are under way as far as they have come.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::base::bytes;
use crate::cli::globals::Globals;
use crate::cli::{Failure, Outcome, cannot, counted, failed};
use crate::store::{self, Reader};
use crate::sweep;
use crate::sys;

/// The page of `runwisp backup --help`.
pub(crate) const HELP: &str = "\
Copies the history and the logs into a new directory, also while the daemon runs.

Usage: runwisp backup <directory> [flags]

The directory is made with mode 0700, or must be empty. What is in it is a data directory that a
daemon can be started on: the database as it was at one moment, and the logs of the runs in it.
Left out, and to be kept elsewhere: the password, the configuration and the environment file.
";

const LOGS: &str = "logs";

pub(crate) fn run(globals: &Globals, to: &Path) -> Result<Outcome, Failure> {
    let data = &globals.data.path;
    let reader = Reader::open(&data.join(store::FILE_NAME)).map_err(failed)?;
    prepare(to).map_err(|error| cannot("make", to.display(), &error))?;
    let copied = || -> Result<(usize, u64), Failure> {
        let copy = reader.copy_to(&to.join(store::FILE_NAME)).map_err(failed)?;
        copy_logs(&data.join(LOGS), &to.join(LOGS), &copy)
    };
    match copied() {
        Ok((files, size)) => {
            let (files, size) = (counted(files, "file"), bytes::display(size));
            let to = to.display();
            Ok(Outcome::success(format!(
                "copied the history and {files} of logs, {size}, to {to}\n"
            )))
        }
        Err(Failure::Error(why)) => {
            Err(Failure::Error(format!("{why}; the copy in {} is not complete", to.display())))
        }
        Err(failure) => Err(failure),
    }
}

/// Makes the directory, or takes an empty one.
fn prepare(to: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(to)?;
    if fs::read_dir(to)?.next().is_some() {
        return Err(io::Error::other("it is there and not empty"));
    }
    fs::set_permissions(to, Permissions::from_mode(0o700))
}

/// Copies the files of known runs; how many, and their bytes.
fn copy_logs(from: &Path, to: &Path, known: &Reader) -> Result<(usize, u64), Failure> {
    let (mut files, mut size) = (0, 0);
    for directory in entries(from)? {
        let target = to.join(directory.file_name().unwrap_or_default());
        let mut names = entries(&directory)?;
        // What describes a log is copied before the log, which may grow meanwhile: it never
        // tells of lines that the copy lacks.
        names.sort_by(|one, other| other.cmp(one));
        for path in names {
            let name = path.file_name().unwrap_or_default();
            let Some(run) = name.to_str().and_then(sweep::run_of) else { continue };
            if known.run(run).map_err(failed)?.is_none() {
                continue;
            }
            if let Some(bytes) = copy(&path, &target.join(name))? {
                (files, size) = (files + 1, size + bytes);
            }
        }
    }
    Ok((files, size))
}

/// What a directory holds; one that is not there holds nothing. Symlinks are not followed.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let listed = || match fs::symlink_metadata(directory) {
        Ok(found) if found.is_dir() => {
            fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect()
        }
        Ok(_) => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    match listed() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed.map_err(|error| cannot("read", directory.display(), &error)),
    }
}

/// `None` when retention has just taken the file away.
fn copy(from: &Path, to: &Path) -> Result<Option<u64>, Failure> {
    let mut source = match sys::fs::open_to_read(from) {
        Ok(source) => source,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot("read", from.display(), &error)),
    };
    let directory = to.parent().unwrap_or(to);
    let copied = sys::fs::create_directories(directory, 0o700)
        .and_then(|()| sys::fs::create_or_truncate(to, 0o600))
        .and_then(|mut file| io::copy(&mut source, &mut file));
    copied.map(Some).map_err(|error| cannot("write", to.display(), &error))
}
