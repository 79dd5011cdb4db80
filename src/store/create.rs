//! How the database file comes to be: built under another name and moved into place when it
//! is complete, readable by its owner alone from the first byte on. So a database that is
//! there is whole, and an empty or torn one is damage, never a first boot.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::OpenFlags;

use crate::store::{Failure, connect, schema, settings};
use crate::sys::error_text;

/// docs/deployment.md, Data directory: it holds the signing key.
const MODE: u32 = 0o600;

/// Makes the database unless there is one, and takes others' access to it away.
pub(super) fn ensure(path: &Path) -> Result<(), Failure> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return create(path),
        Err(error) => return Err(refused(error)),
    };
    if !found.is_file() {
        return Err(text("it is not a regular file"));
    }
    if found.len() == 0 {
        return Err(text(
            "the file is empty; restore a backup, or remove it to start without history",
        ));
    }
    narrow(path);
    narrow(&beside(path, "-wal"));
    narrow(&beside(path, "-shm"));
    Ok(())
}

fn create(path: &Path) -> Result<(), Failure> {
    if path.is_symlink() {
        return Err(text("it is a symbolic link to a file that does not exist"));
    }
    // SQLite would replay such a log into the new database.
    if fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0) {
        return Err(text(
            "the file is missing, but its write-ahead log (-wal) is there: restore both or remove it",
        ));
    }
    let draft = beside(path, ".new");
    for stale in [draft.clone(), beside(&draft, "-wal"), beside(&draft, "-shm")] {
        match fs::remove_file(stale) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(refused(error)),
            _ => {}
        }
    }
    let file =
        OpenOptions::new().write(true).create_new(true).mode(MODE).open(&draft).map_err(refused)?;
    // The umask may have taken bits of the owner. SQLite gives its side files this mode too.
    file.set_permissions(Permissions::from_mode(MODE)).map_err(refused)?;
    let mut connection = connect(&draft, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Has an effect only before the first table.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    settings(&connection)?;
    schema::migrate(&mut connection, 0)?;
    // The last connection moves everything from the write-ahead log into the file.
    connection.close().map_err(|(_, error)| error)?;
    file.sync_all().map_err(refused)?;
    fs::rename(&draft, path).map_err(refused)?;
    File::open(directory(path)).and_then(|directory| directory.sync_all()).map_err(refused)
}

/// A restored backup may be readable by others.
fn narrow(path: &Path) {
    let Ok(found) = fs::metadata(path) else { return };
    if found.permissions().mode() & 0o777 == MODE {
        return;
    }
    if let Err(error) = fs::set_permissions(path, Permissions::from_mode(MODE)) {
        log::warn!("cannot take others' access to {}: {error}", path.display());
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn text(cause: &str) -> Failure {
    Failure::Text(cause.to_owned())
}

fn refused(error: io::Error) -> Failure {
    Failure::Text(error_text(&error))
}
