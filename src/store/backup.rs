//! A copy of the database as it is at one moment, also while a daemon writes to it.

use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::store::{Error, Failure, Reader, connect};
use crate::sys;

impl Reader {
    /// Copies everything into a new file, and reads that; nothing is left beside it. One step is one snapshot: in several, each commit of the
    /// daemon in between would begin the copy anew.
    pub(crate) fn copy_to(&self, path: &Path) -> Result<Reader, Error> {
        let copied = || -> Result<Connection, Failure> {
            sys::fs::create_new(path, 0o600)
                .map_err(|error| Failure::Text(sys::error_text(&error)))?;
            let mut copy = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            if Backup::new(&self.connection, &mut copy)?.step(-1)? != StepResult::Done {
                return Err(Failure::Text("the database is locked".to_owned()));
            }
            Ok(copy)
        };
        let connection = copied().map_err(|failure| failure.into_error("write", path))?;
        Ok(Reader { connection, path: path.to_owned() })
    }
}
