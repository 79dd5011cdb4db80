//! A last word of the daemon in the log of a run whose writer is gone.

use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use crate::logs::error::LogError;
use crate::logs::files::{DIRECTORY_MODE, FILE_MODE};
use crate::logs::meta::Meta;
use crate::logs::path::{LogFile, LogPlace};
use crate::logs::prefix::Stream;
use crate::sys;

/// Adds a system line. The last line may have been cut by a crash: it is ended first. The log of
/// a run that wrote nothing is made for it.
pub(crate) fn append_system(place: &LogPlace, text: &str) -> Result<(), LogError> {
    let path = place.file(LogFile::Log);
    append(place, &path, text).map_err(|error| LogError::new("write", &path, error))
}

fn append(place: &LogPlace, path: &Path, text: &str) -> io::Result<()> {
    if !path.exists() && place.file(LogFile::NextMeta).exists() {
        // A rotation was cut short: its numbers hold from the moment there is a file again.
        Meta::publish(place)?;
    }
    sys::fs::create_directories(place.directory(), DIRECTORY_MODE)?;
    let mut file = sys::fs::open_to_append(path, FILE_MODE)?;
    let mut line = Vec::new();
    let length = file.metadata()?.size();
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    if last != *b"\n" {
        line.push(b'\n');
    }
    line.extend_from_slice(Stream::System.prefix());
    line.extend_from_slice(text.as_bytes());
    line.push(b'\n');
    file.write_all(&line)
}
