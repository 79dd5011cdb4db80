//! A failure on a log's files, told once with path and cause.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::sys::error_text;

/// `cannot create /var/lib/runwisp/logs/backup: permission denied …`
#[derive(Debug)]
pub(crate) struct LogError {
    verb: &'static str,
    path: PathBuf,
    cause: io::Error,
}

impl LogError {
    pub(super) fn new(verb: &'static str, path: &Path, cause: io::Error) -> LogError {
        LogError { verb, path: path.to_owned(), cause }
    }

    pub(super) fn cause(&self) -> &io::Error {
        &self.cause
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: {}", self.verb, self.path.display(), error_text(&self.cause))?;
        // docs/deployment.md, Hardening: the unit may write to the listed paths only.
        if matches!(self.cause.kind(), ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied)
        {
            f.write_str(" (under systemd the data directory must be in ReadWritePaths=)")?;
        }
        Ok(())
    }
}

impl std::error::Error for LogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_path_and_cause() {
        let text = |errno| {
            let cause = io::Error::from_raw_os_error(errno);
            LogError::new("create", Path::new("/d/logs/a"), cause).to_string()
        };
        assert_eq!(text(28), "cannot create /d/logs/a: no space left on device");
        for errno in [13, 30] {
            assert!(text(errno).ends_with("must be in ReadWritePaths=)"), "{}", text(errno));
        }
    }
}
