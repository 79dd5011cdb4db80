//! A copy of the database as it is at one moment, also while a daemon writes to it.

use std::path::Path;

use rusqlite::OpenFlags;
use rusqlite::backup::{Backup, StepResult};

use crate::store::{Error, Failure, Reader, connect};
use crate::sys;

impl Reader {
    /// Copies everything into a new file. One step is one snapshot: in several, each commit of the
    /// daemon in between would begin the copy anew.
    pub(crate) fn copy_to(&self, path: &Path) -> Result<(), Error> {
        let copied = || -> Result<(), Failure> {
            sys::fs::create_new(path, 0o600)
                .map_err(|error| Failure::Text(sys::error_text(&error)))?;
            let mut copy = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            match Backup::new(&self.connection, &mut copy)?.step(-1)? == StepResult::Done {
                true => Ok(()),
                false => Err(Failure::Text("the database is locked".to_owned())),
            }
        };
        copied().map_err(|failure| failure.into_error("write", path))
    }
}
