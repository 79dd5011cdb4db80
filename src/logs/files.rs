//! The files of one log as its writer sees them: the newest segment with its companions, and
//! the rotation that puts it aside. Counts lines and bytes, decides nothing.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, IoSlice, Write};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use memchr::{memchr_iter, memrchr};

use crate::logs::error::LogError;
use crate::logs::feed::{Extent, Feed};
use crate::logs::index::{Batch, Times};
use crate::logs::limit::Segment;
use crate::logs::meta::Meta;
use crate::logs::path::{LogFile, LogPlace};
use crate::sys;

pub(super) const FILE_MODE: u32 = 0o644;
pub(super) const DIRECTORY_MODE: u32 = 0o700;
/// Enough for `[SYSTEM] Log output stopped: ` and any text of strerror(3).
const NOTICE_ROOM: usize = 128;

/// The files of a log that is being written. Nothing is on disk before the first line.
#[derive(Debug)]
pub(super) struct Files {
    place: LogPlace,
    log: Option<File>,
    index: Companion,
    times_file: Companion,
    times: Times,
    /// Of the newest segment.
    lines: u64,
    bytes: u64,
    /// What lies before the newest segment.
    before: Meta,
    filled: Segment,
    feed: Option<Arc<Feed>>,
}

impl Files {
    pub(super) fn new(place: LogPlace, started: Timestamp) -> Files {
        Files {
            place,
            log: None,
            index: Companion::new(LogFile::Index),
            times_file: Companion::new(LogFile::Times),
            times: Times::new(started.as_millisecond()),
            lines: 0,
            bytes: 0,
            before: Meta::default(),
            filled: Segment::Fresh,
            feed: None,
        }
    }

    /// Tells those who follow about every write from now on.
    pub(super) fn tell(&mut self, feed: Arc<Feed>) {
        self.feed = Some(feed);
    }

    pub(super) fn create_directory(&self) -> Result<(), LogError> {
        let path = self.place.directory();
        sys::fs::create_directories(path, DIRECTORY_MODE)
            .map_err(|cause| LogError::new("create", path, cause))
    }

    pub(super) fn directory(&self) -> &Path {
        self.place.directory()
    }

    /// Bytes in the newest segment.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn filled(&self) -> Segment {
        self.filled
    }

    pub(super) fn has_rotated(&self) -> bool {
        self.before.truncated
    }

    /// Lines of all segments.
    pub(super) fn total_lines(&self) -> u64 {
        self.before.rotated_lines + self.lines
    }

    /// Stores whole lines: `head`, which holds no newline, and `body` in a row. After a
    /// failure the lines that got through stay, but for half a line and the room that a
    /// system line about it needs on a full disk.
    pub(super) fn append(
        &mut self,
        now: Timestamp,
        head: &[u8],
        body: &[u8],
    ) -> Result<(), LogError> {
        let path = self.place.file(LogFile::Log);
        let log = match &mut self.log {
            Some(log) => log,
            none => none.insert(
                create(&self.place, LogFile::Log)
                    .map_err(|cause| LogError::new("create", &path, cause))?,
            ),
        };
        let batch = Batch {
            first: self.lines,
            count: memchr_iter(b'\n', body).count() as u64,
            start: self.bytes,
            head: head.len() as u64,
            body,
        };
        self.times_file.append(&self.place, &self.times.records(now.as_millisecond(), &batch));
        let (written, result) = write_both(log, head, body);
        self.filled = Segment::Used;
        if result.is_ok() {
            self.lines += batch.count;
            self.bytes += written as u64;
            self.index.append(&self.place, &batch.offsets());
            self.announce();
            return Ok(());
        }
        let kept = written.saturating_sub(head.len() + NOTICE_ROOM);
        let whole = memrchr(b'\n', &body[..kept]).map_or(0, |end| end + 1);
        self.lines += memchr_iter(b'\n', &body[..whole]).count() as u64;
        self.bytes += if whole > 0 { (head.len() + whole) as u64 } else { 0 };
        // Where this fails too, the log ends in half a line, which readers put up with.
        let _ = log.set_len(self.bytes);
        self.announce();
        result.map_err(|cause| LogError::new("write", &path, cause))
    }

    /// Puts the newest segment aside. The order of the steps lets readers, also those after a
    /// crash, always know which lines they see: without a `.log`, the next meta file is the
    /// one that counts as long as it exists.
    pub(super) fn rotate(&mut self, now: Timestamp) -> Result<(), LogError> {
        self.end_times(now);
        let next = Meta {
            rotated_lines: self.total_lines(),
            rotated_bytes: self.before.rotated_bytes + self.bytes,
            prev_start: self.before.rotated_lines,
            truncated: true,
            ..Meta::default()
        };
        self.put_aside(&next)
            .map_err(|cause| LogError::new("rotate", &self.place.file(LogFile::Log), cause))?;
        self.before = next;
        self.log = None;
        self.index = Companion::new(LogFile::Index);
        self.times_file = Companion::new(LogFile::Times);
        self.lines = 0;
        self.bytes = 0;
        Ok(())
    }

    /// The line just stored was the one about the rotation.
    pub(super) fn mark_fresh(&mut self) {
        self.filled = Segment::Fresh;
    }

    fn put_aside(&self, next: &Meta) -> io::Result<()> {
        next.prepare(&self.place)?;
        may_be_missing(fs::remove_file(self.place.file(LogFile::PreviousIndex)))?;
        may_be_missing(fs::remove_file(self.place.file(LogFile::PreviousTimes)))?;
        // Renamed over, ext4 would first write the whole new file out (auto_da_alloc, ext4(5)).
        may_be_missing(fs::remove_file(self.place.file(LogFile::Previous)))?;
        fs::rename(self.place.file(LogFile::Log), self.place.file(LogFile::Previous))?;
        self.index.put_aside(&self.place, LogFile::PreviousIndex)?;
        self.times_file.put_aside(&self.place, LogFile::PreviousTimes)?;
        Meta::publish(&self.place)
    }

    /// Makes the log durable and complete.
    pub(super) fn finish(&mut self, now: Timestamp) -> Result<(), LogError> {
        self.end_times(now);
        let Some(log) = &self.log else { return Ok(()) };
        log.sync_data()
            .map_err(|cause| LogError::new("sync", &self.place.file(LogFile::Log), cause))
    }

    /// Writes the totals of a log that does not hold everything the process wrote.
    pub(super) fn write_totals(&self, received: u64) -> Result<(), LogError> {
        let meta = Meta {
            final_lines: self.lines,
            total_bytes: received,
            truncated: true,
            finalized: true,
            ..self.before.clone()
        };
        meta.prepare(&self.place)
            .and_then(|()| Meta::publish(&self.place))
            .map_err(|cause| LogError::new("write", &self.place.file(LogFile::Meta), cause))
    }

    fn announce(&self) {
        if let Some(feed) = &self.feed {
            feed.advance(Extent {
                first: self.before.prev_start,
                newest: self.before.rotated_lines,
                lines: self.total_lines(),
                bytes: self.bytes,
            });
        }
    }

    fn end_times(&mut self, now: Timestamp) {
        let record = self.times.last_record(now.as_millisecond(), self.lines);
        self.times_file.append(&self.place, &record);
    }
}

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.file(LogFile::Log).display().fmt(f)
    }
}

/// A file beside the log that readers can do without: a failure ends it, not the capture.
#[derive(Debug)]
struct Companion {
    which: LogFile,
    state: State,
}

#[derive(Debug)]
enum State {
    Absent,
    Open(File),
    /// Cut off: further entries would stand in the wrong place.
    CutOff,
}

impl Companion {
    fn new(which: LogFile) -> Companion {
        Companion { which, state: State::Absent }
    }

    fn append(&mut self, place: &LogPlace, entries: &[u8]) {
        if entries.is_empty() {
            return;
        }
        let written = match &mut self.state {
            State::Absent => create(place, self.which).and_then(|mut file| {
                file.write_all(entries)?;
                self.state = State::Open(file);
                Ok(())
            }),
            State::Open(file) => file.write_all(entries),
            State::CutOff => return,
        };
        if let Err(cause) = written {
            log::warn!("{}", LogError::new("write", &place.file(self.which), cause));
            self.state = State::CutOff;
        }
    }

    fn put_aside(&self, place: &LogPlace, to: LogFile) -> io::Result<()> {
        match self.state {
            State::Absent => Ok(()),
            State::Open(_) | State::CutOff => {
                may_be_missing(fs::rename(place.file(self.which), place.file(to)))
            }
        }
    }
}

/// Makes the file, and its directory where a sweep removed it as empty.
fn create(place: &LogPlace, file: LogFile) -> io::Result<File> {
    let path = place.file(file);
    match sys::fs::create_new(&path, FILE_MODE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            sys::fs::create_directories(place.directory(), DIRECTORY_MODE)?;
            sys::fs::create_new(&path, FILE_MODE)
        }
        made => made,
    }
}

fn may_be_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Writes both with as few calls as the system allows; says how much got through.
fn write_both(file: &mut File, head: &[u8], body: &[u8]) -> (usize, io::Result<()>) {
    let mut parts = [IoSlice::new(head), IoSlice::new(body)];
    let mut parts = &mut parts[usize::from(head.is_empty())..];
    let mut written = 0;
    while written < head.len() + body.len() {
        match file.write_vectored(parts) {
            Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
            Ok(more) => {
                written += more;
                IoSlice::advance_slices(&mut parts, more);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}
