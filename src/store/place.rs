//! Whether the database is still where it was opened. SQLite goes on writing to a file that was
//! deleted, moved or replaced, and nobody would ever find what it writes.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The path of the database and the file that was found there.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// Device and number; `None` where that could not be told.
    file: Option<(u64, u64)>,
}

impl Place {
    /// Looks at the file that has just been opened.
    pub(super) fn of(path: &Path) -> Place {
        Place { path: path.to_owned(), file: file_at(path).unwrap_or_default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with the place now. A place that cannot be looked at is none to give up.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match file_at(&self.path) {
            Ok(found) if found.is_some() && found == self.file => None,
            Ok(None) => Some("it is no longer in its place"),
            Ok(Some(_)) if self.file.is_some() => Some("another file is in its place"),
            Ok(Some(_)) | Err(_) => None,
        }
    }
}

fn file_at(path: &Path) -> io::Result<Option<(u64, u64)>> {
    match fs::metadata(path) {
        Ok(facts) => Ok(Some((facts.dev(), facts.ino()))),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::scratch::Scratch;

    #[test]
    fn a_file_is_missed_and_known_again() {
        let scratch = Scratch::new();
        let (path, away) = (scratch.db(), scratch.path().join("away"));
        fs::write(&path, "one").unwrap();
        let place = Place::of(&path);
        assert_eq!(place.fault(), None);
        fs::rename(&path, &away).unwrap();
        assert_eq!(place.fault(), Some("it is no longer in its place"));
        fs::write(&path, "another").unwrap();
        assert_eq!(place.fault(), Some("another file is in its place"));
        fs::rename(&away, &path).unwrap();
        assert_eq!(place.fault(), None);
        let below = Place::of(&path.join("below"));
        assert_eq!(below.fault(), Some("it is no longer in its place"));
    }
}
