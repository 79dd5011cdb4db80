//! A small file that is there whole or not at all.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Writes beside `path` and renames, so that a crash leaves the old state. The mode does not
/// depend on the umask. A file that is there is replaced; symlinks are the caller's to refuse.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    let temporary = PathBuf::from(name);
    let written = fill(&temporary, text, mode).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // It may never have been made; the first error is the one that counts.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        Some(_) | None => File::open(".")?.sync_all(),
    }
}

/// Whether something stands at the path itself, and what: symlinks are not followed.
pub(crate) fn at(path: &Path) -> io::Result<Option<fs::FileType>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found.file_type())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn fill(temporary: &Path, text: &str, mode: u32) -> io::Result<()> {
    // Left by a process that died here; of a symlink only the link goes.
    if at(temporary)?.is_some() {
        fs::remove_file(temporary)?;
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(mode)
        .custom_flags(libc::O_NOFOLLOW)
        .open(temporary)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
