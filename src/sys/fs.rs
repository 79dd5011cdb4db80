//! Files and directories with an explicit mode, symlinks never followed at the last step,
//! and how much room is left on a partition.

use std::ffi::{CStr, CString};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Makes a file that must not exist yet, for appending.
pub(crate) fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true).mode(mode).custom_flags(libc::O_NOFOLLOW).open(path)
}

/// Opens a file for reading and appending; makes it where there is none.
pub(crate) fn open_to_append(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(mode);
    options.custom_flags(libc::O_NOFOLLOW).open(path)
}

/// Opens a file that must be a regular one. A FIFO, which whoever may write to the directory can
/// put in its place, would wait for a writer for ever.
pub(crate) fn open_to_read(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a regular file")),
    }
}

/// All of such a file.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_to_read(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a file or directory has this extended attribute with this value.
pub(crate) fn has_attribute(path: &Path, name: &CStr, value: &[u8]) -> bool {
    let Ok(path) = CString::new(path.as_os_str().as_bytes()) else { return false };
    let mut found = [0u8; 16];
    // SAFETY: reads two strings and fills at most the local array.
    let length = unsafe {
        libc::getxattr(path.as_ptr(), name.as_ptr(), found.as_mut_ptr().cast(), found.len())
    };
    usize::try_from(length).is_ok_and(|length| found[..length] == *value)
}

/// Makes a file or empties the one that is there, for writing. A FIFO without a reader is an error.
pub(crate) fn create_or_truncate(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)
}

/// Makes a directory and the one above it; those that are there keep their mode. Nothing above
/// those two is made: a place that was taken away comes back only by whoever took it.
pub(crate) fn create_directories(path: &Path, mode: u32) -> io::Result<()> {
    let make = |path: &Path| match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    };
    match (make(path), path.parent()) {
        (Err(error), Some(above)) if error.kind() == io::ErrorKind::NotFound => {
            make(above)?;
            make(path)
        }
        (made, _) => made,
    }
}

/// Bytes of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Space {
    /// What an unprivileged user may still write.
    pub(crate) free: u64,
    pub(crate) total: u64,
}

/// [`Space::free`] of the partition of `path`.
pub(crate) fn free_space(path: &Path) -> io::Result<u64> {
    space(path).map(|space| space.free)
}

/// What statvfs(3) says of the partition of `path`.
pub(crate) fn space(path: &Path) -> io::Result<Space> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut facts = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `path` is NUL-terminated and both pointers are valid for the whole call.
    if unsafe { libc::statvfs(path.as_ptr(), facts.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: statvfs(3) returned 0, so it filled the structure.
    let facts = unsafe { facts.assume_init() };
    let bytes = |blocks: u64| blocks.saturating_mul(facts.f_frsize);
    Ok(Space { free: bytes(facts.f_bavail), total: bytes(facts.f_blocks) })
}
