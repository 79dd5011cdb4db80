//! The data directory: made where it is missing, refused where it belongs to somebody else,
//! and kept from others (docs/deployment.md, Files and modes).

use std::fmt;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::base::sentence::error_text;

/// Others get nothing, the group may at most read.
const WIDEST: u32 = 0o750;

/// What tells a data directory; `lost+found` is the sign of a disk of its own.
const OURS: [&str; 5] = ["runwisp.db", "daemon.pid", "password", "logs", "lost+found"];

/// What the daemon would believe or write to.
const TRUSTED: [&str; 7] = [
    "runwisp.db",
    "runwisp.db-wal",
    "runwisp.db-shm",
    "daemon.pid",
    "password",
    "logs",
    "daemon.log",
];

#[derive(Debug)]
pub(crate) enum DataDirError {
    Create(PathBuf, io::Error),
    NotADirectory(PathBuf),
    InUse(PathBuf),
    /// The user it belongs to, by name where there is one.
    Foreign(PathBuf, String),
    /// Something in it, and whose that is.
    Planted(PathBuf, String),
}

/// Makes or checks `path`. Nothing is written into it.
pub(crate) fn prepare(path: &Path) -> Result<(), DataDirError> {
    let create = |error| DataDirError::Create(path.to_owned(), error);
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        match path.is_file() {
            true => DataDirError::NotADirectory(path.to_owned()),
            false => create(error),
        }
    })?;
    let found = fs::metadata(path).map_err(create)?;
    // proc(5): the directory of a process belongs to its effective user.
    let ours = fs::metadata("/proc/self").map_err(create)?.uid();
    if found.uid() != ours {
        return Err(DataDirError::Foreign(path.to_owned(), user_name(found.uid())));
    }
    refuse_planted(path, ours)?;
    let mode = found.permissions().mode() & 0o7777;
    if mode & !WIDEST & 0o777 == 0 {
        return Ok(());
    }
    if is_of_others(path).map_err(create)? {
        return Err(DataDirError::InUse(path.to_owned()));
    }
    if let Err(error) = fs::set_permissions(path, Permissions::from_mode(mode & WIDEST)) {
        log::warn!("cannot keep others out of {}: {}", path.display(), error_text(&error));
    }
    Ok(())
}

/// Somebody who could once write here may have left a password that he knows, or a database with
/// a key that he knows. Root may put anything anywhere.
fn refuse_planted(path: &Path, ours: u32) -> Result<(), DataDirError> {
    for name in TRUSTED {
        let place = path.join(name);
        match fs::symlink_metadata(&place) {
            Ok(found) if ![ours, 0].contains(&found.uid()) => {
                return Err(DataDirError::Planted(place, user_name(found.uid())));
            }
            // Whoever needs it says what is wrong with it.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Whether it holds files and none of them is ours: nobody wants `/var` to be closed to others
/// because of a slip of the hand.
fn is_of_others(path: &Path) -> io::Result<bool> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.push(entry?.file_name());
    }
    Ok(!names.is_empty() && !OURS.iter().any(|ours| names.iter().any(|name| name == ours)))
}

/// From `/etc/passwd`; users that live elsewhere are shown by number.
pub(crate) fn user_name(uid: u32) -> String {
    let known = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut users = known.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = users.find(|user| user.get(2).is_some_and(|number| *number == uid.to_string()));
    found.map_or_else(|| format!("#{uid}"), |user| user[0].to_owned())
}

/// What a refused write in the data directory means under the shipped unit.
pub(crate) fn hint(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::ReadOnlyFilesystem {
        return "; under systemd, add the path to ReadWritePaths= of the unit";
    }
    if error.kind() == io::ErrorKind::PermissionDenied {
        return "; chown it to the user of the daemon, or add it to ReadWritePaths= of the unit";
    }
    ""
}

impl fmt::Display for DataDirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataDirError::Create(path, error) => {
                let (path, cause) = (path.display(), error_text(error));
                write!(f, "cannot create data directory {path}: {cause}{}", hint(error))
            }
            DataDirError::InUse(path) => write!(
                f,
                "{} is open to others and holds other files; --data needs a directory of its own",
                path.display()
            ),
            DataDirError::NotADirectory(path) => {
                write!(f, "cannot create data directory {}: a file is in its place", path.display())
            }
            DataDirError::Planted(path, user) => write!(
                f,
                "{} belongs to {user}, who may have put it there; chown it to the user of the \
                 daemon, or remove it",
                path.display()
            ),
            DataDirError::Foreign(path, user) => {
                write!(f, "{} belongs to {user}; use sudo -u {user}", path.display())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_made_narrowed_or_left_as_it_is() {
        let place = std::env::temp_dir().join(format!("runwisp-data-{}", std::process::id()));
        let data = place.join("a/b");
        let mode = || fs::metadata(&data).unwrap().permissions().mode() & 0o777;
        prepare(&data).unwrap();
        assert_eq!(mode(), 0o700);
        for (before, after) in [(0o777, 0o750), (0o755, 0o750), (0o750, 0o750), (0o700, 0o700)] {
            fs::set_permissions(&data, Permissions::from_mode(before)).unwrap();
            prepare(&data).unwrap();
            assert_eq!(mode(), after, "{before:o}");
        }
        fs::set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
        fs::write(data.join("hosts"), "").unwrap();
        let message = prepare(&data).unwrap_err().to_string();
        assert!(message.ends_with("--data needs a directory of its own"), "{message}");
        assert_eq!(mode(), 0o755, "what belongs to others stays open");
        fs::write(data.join("runwisp.db"), "").unwrap();
        prepare(&data).unwrap();
        assert_eq!(mode(), 0o750);
        let file = place.join("file");
        fs::write(&file, "").unwrap();
        let message = prepare(&file).unwrap_err().to_string();
        assert!(message.ends_with("/file: a file is in its place"), "{message}");
        let message = prepare(&file.join("x")).unwrap_err().to_string();
        assert!(message.ends_with("/file/x: not a directory"), "{message}");
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn what_somebody_else_has_put_there_is_refused() {
        let place = std::env::temp_dir().join(format!("runwisp-planted-{}", std::process::id()));
        fs::create_dir(&place).unwrap();
        fs::write(place.join("password"), "hunter2\n").unwrap();
        let owner = fs::metadata(&place).unwrap().uid();
        refuse_planted(&place, owner).unwrap();
        let refused = refuse_planted(&place, owner + 1).err().map(|error| error.to_string());
        // What is root's is trusted by everybody.
        assert_eq!(refused.is_none(), owner == 0, "{refused:?}");
        if owner == 0 {
            std::os::unix::fs::lchown(place.join("password"), Some(4_000_000), None).unwrap();
            let message = refuse_planted(&place, owner).unwrap_err().to_string();
            assert!(message.contains("/password belongs to #4000000, who may"), "{message}");
        }
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn the_owner_is_told_by_name_where_there_is_one() {
        for (uid, user) in [(0, "root"), (4_000_000, "#4000000")] {
            let foreign = DataDirError::Foreign("/d".into(), user_name(uid));
            assert_eq!(foreign.to_string(), format!("/d belongs to {user}; use sudo -u {user}"));
        }
    }
}
