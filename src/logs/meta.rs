//! The JSON companion of a log that was rotated or cut short: where its lines are, and how
//! much there was (docs/logs.md, Files). Replaced as a whole, never changed in place.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::logs::path::{LogFile, LogPlace};
use crate::sys;

/// All zero for a log without one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Meta {
    /// Number of the first line of the newest segment.
    pub(super) rotated_lines: u64,
    /// Bytes of all segments before it.
    pub(super) rotated_bytes: u64,
    /// Number of the first line of the previous segment.
    pub(super) prev_start: u64,
    /// Lines in the newest segment at the close.
    pub(super) final_lines: u64,
    /// Output of the process, dropped bytes included.
    pub(super) total_bytes: u64,
    /// A limit dropped some of it.
    pub(super) truncated: bool,
    /// The log was closed and is complete.
    pub(super) finalized: bool,
}

impl Meta {
    /// Writes the file that [`Meta::publish`] puts in place.
    pub(super) fn prepare(&self, place: &LogPlace) -> io::Result<()> {
        let text = serde_json::to_vec(self)?;
        sys::fs::create_or_truncate(&place.file(LogFile::NextMeta), 0o644)?.write_all(&text)
    }

    pub(super) fn publish(place: &LogPlace) -> io::Result<()> {
        fs::rename(place.file(LogFile::NextMeta), place.file(LogFile::Meta))
    }

    /// A missing file is `None`, an unreadable one is all zero.
    pub(super) fn read(path: &Path) -> io::Result<Option<Meta>> {
        match sys::fs::read(path) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text).unwrap_or_default())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
