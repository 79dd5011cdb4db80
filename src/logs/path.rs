//! Where the log of a run lies: a pure function of job, run and time of creation, so that a
//! reader needs nothing but the row (docs/logs.md, Files).

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::model::job::{JobName, log_directory};
use crate::model::run::RunId;

/// The place of one run's log below `<data>/logs`.
#[derive(Clone, Debug)]
pub(crate) struct LogPlace {
    directory: PathBuf,
    stem: String,
}

/// The files that a log may consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFile {
    /// The output itself, the newest segment.
    Log,
    /// Byte offset of every 1024th line.
    Index,
    /// When lines came.
    Times,
    /// What was rotated away, and the totals.
    Meta,
    /// The next [`LogFile::Meta`] while a rotation is under way.
    NextMeta,
    /// The segment before the newest one, and its companions.
    Previous,
    PreviousIndex,
    PreviousTimes,
}

impl LogFile {
    pub(crate) const ALL: [LogFile; 8] = [
        LogFile::Log,
        LogFile::Index,
        LogFile::Times,
        LogFile::Meta,
        LogFile::NextMeta,
        LogFile::Previous,
        LogFile::PreviousIndex,
        LogFile::PreviousTimes,
    ];

    fn suffix(self) -> &'static str {
        match self {
            LogFile::Log => ".log",
            LogFile::Index => ".log.idx",
            LogFile::Times => ".log.tidx",
            LogFile::Meta => ".log.meta",
            LogFile::NextMeta => ".log.meta.tmp",
            LogFile::Previous => ".log.prev",
            LogFile::PreviousIndex => ".log.idx.prev",
            LogFile::PreviousTimes => ".log.tidx.prev",
        }
    }
}

impl LogPlace {
    /// `logs` is `<data>/logs`.
    pub(crate) fn new(logs: &Path, job: &JobName, run: RunId, created_at: Timestamp) -> LogPlace {
        LogPlace {
            directory: logs.join(log_directory(job.as_str())),
            stem: format!("{}_{run}", created_at.strftime("%Y%m%d_%H%M%S")),
        }
    }

    /// The directory of all runs of the job.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn file(&self, file: LogFile) -> PathBuf {
        self.directory.join(format!("{}{}", self.stem, file.suffix()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ulid::Ulids;

    #[test]
    fn names_are_utc_and_unique_inside_one_second() {
        let at: Timestamp = "2026-05-07T14:30:22.118+02:00".parse().unwrap();
        let mut ids = Ulids::new(1);
        let (one, two) = (ids.next(at), ids.next(at));
        let place = |run| LogPlace::new(Path::new("/d/logs"), &JobName::new("a.b"), run, at);
        assert_eq!(
            place(one).file(LogFile::Log),
            PathBuf::from(format!("/d/logs/a_b/20260507_123022_{one}.log"))
        );
        for file in LogFile::ALL {
            assert_ne!(place(one).file(file), place(two).file(file));
            assert_eq!(place(one).file(file).parent(), Some(place(one).directory()));
        }
    }
}
