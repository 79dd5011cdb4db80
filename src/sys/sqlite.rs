//! The one fact that SQLite knows and rusqlite does not tell: why the system refused.

use rusqlite::{Connection, ffi};

/// The `errno` behind the last I/O error of this connection (sqlite3_system_errno).
pub(crate) fn system_errno(connection: &Connection) -> i32 {
    // SAFETY: the handle is used only during this call, while the borrow keeps it open, and
    // the function reads one integer of it.
    unsafe { ffi::sqlite3_system_errno(connection.handle()) }
}
