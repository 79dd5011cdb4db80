//! What a failed statement means for those who wait. A full disk or a lock of another process
//! passes; a broken database does not; a change that breaks a rule of the schema would break
//! it for ever and must not hold up the others.

use rusqlite::{Connection, Error, ffi};

use crate::sys::sqlite::system_errno;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// To be tried again, unchanged.
    Refused,
    /// This one change can never be written.
    Invalid,
    /// The database, or the disk under it, is not to be trusted any more.
    Broken,
}

/// Judges an error that `connection` just returned.
pub(super) fn judge(connection: &Connection, error: &Error) -> Trouble {
    match error.sqlite_error() {
        Some(failure) => judge_code(failure.extended_code, system_errno(connection)),
        // What remains is about values and statements of ours, never about the disk.
        None => Trouble::Invalid,
    }
}

fn judge_code(code: i32, errno: i32) -> Trouble {
    match code & 0xff {
        ffi::SQLITE_FULL | ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_NOMEM => {
            Trouble::Refused
        }
        ffi::SQLITE_CONSTRAINT | ffi::SQLITE_MISMATCH | ffi::SQLITE_TOOBIG => Trouble::Invalid,
        // SQLite says FULL for a failed write with ENOSPC only: a quota, or the shared memory
        // file of the WAL that cannot grow, comes as an I/O error.
        ffi::SQLITE_IOERR if code == ffi::SQLITE_IOERR_NOMEM => Trouble::Refused,
        ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN if passes(errno) => Trouble::Refused,
        _ => Trouble::Broken,
    }
}

fn passes(errno: i32) -> bool {
    matches!(errno, libc::ENOSPC | libc::EDQUOT | libc::ENOMEM | libc::EMFILE | libc::ENFILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lack_of_space_passes_and_a_broken_disk_does_not() {
        let table = [
            (ffi::SQLITE_FULL, 0, Trouble::Refused),
            (ffi::SQLITE_BUSY, 0, Trouble::Refused),
            (ffi::SQLITE_BUSY_RECOVERY, 0, Trouble::Refused),
            (ffi::SQLITE_IOERR_WRITE, libc::EDQUOT, Trouble::Refused),
            (ffi::SQLITE_IOERR_SHMSIZE, libc::ENOSPC, Trouble::Refused),
            (ffi::SQLITE_IOERR_NOMEM, libc::EIO, Trouble::Refused),
            (ffi::SQLITE_CANTOPEN, libc::EMFILE, Trouble::Refused),
            (ffi::SQLITE_CONSTRAINT_PRIMARYKEY, 0, Trouble::Invalid),
            (ffi::SQLITE_TOOBIG, 0, Trouble::Invalid),
            (ffi::SQLITE_IOERR_WRITE, libc::EIO, Trouble::Broken),
            (ffi::SQLITE_IOERR_FSYNC, libc::EIO, Trouble::Broken),
            (ffi::SQLITE_IOERR_WRITE, libc::EROFS, Trouble::Broken),
            (ffi::SQLITE_CANTOPEN, libc::ENOENT, Trouble::Broken),
            (ffi::SQLITE_CORRUPT, 0, Trouble::Broken),
            (ffi::SQLITE_NOTADB, 0, Trouble::Broken),
            (ffi::SQLITE_READONLY_DBMOVED, 0, Trouble::Broken),
        ];
        for (code, errno, expected) in table {
            assert_eq!(judge_code(code, errno), expected, "code {code}, errno {errno}");
        }
    }
}
