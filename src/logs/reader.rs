//! Reads a log back by line number while its run may still be writing: over a rotation,
//! without companions, with a torn end (docs/logs.md, Reading). Looks at the files once, at
//! opening; what is written later takes a new reader.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::logs::error::LogError;
use crate::logs::feed::Extent;
use crate::logs::meta::Meta;
use crate::logs::path::{LogFile, LogPlace};
use crate::logs::segment::{Cursor, Line, Segment, Writing, found};
use crate::model::run::Run;
use crate::sys;

/// Looks at files that a rotation changed under us. Each takes about as long as a rotation.
const ATTEMPTS: usize = 100;

/// The log of one run as it was at the time of opening.
#[derive(Debug)]
pub(crate) struct LogReader {
    place: LogPlace,
    /// Unix milliseconds: the time of lines that came before any record.
    started: i64,
    /// At most two, the older one first.
    pub(super) segments: Vec<Segment>,
    first: u64,
    total: u64,
}

impl LogReader {
    /// The log of a run as it is now; `logs` is `<data>/logs`.
    pub(crate) fn of(logs: &Path, run: &Run) -> Result<LogReader, LogError> {
        let place = LogPlace::new(logs, &run.job, run.id, run.created_at);
        LogReader::open(place, run.began(), Writing::of(run))
    }

    /// A log without files reads as empty. `started` is the start of the run.
    pub(crate) fn open(
        place: LogPlace,
        started: Timestamp,
        writing: Writing,
    ) -> Result<LogReader, LogError> {
        let failed = |cause| LogError::new("read", &place.file(LogFile::Log), cause);
        for _ in 0..ATTEMPTS {
            if let Some((meta, segments)) = look(&place, writing).map_err(failed)? {
                let first = segments.first().map_or(meta.rotated_lines, |segment| segment.first);
                let total = segments
                    .last()
                    .map_or(meta.rotated_lines, |segment| segment.first + segment.lines);
                return Ok(LogReader {
                    started: started.as_millisecond(),
                    segments,
                    first,
                    total,
                    place,
                });
            }
        }
        Err(failed(io::Error::other("it is rotated all the time")))
    }

    pub(super) fn file(&self, file: LogFile) -> PathBuf {
        self.place.file(file)
    }

    /// Number of the first line that is still there.
    pub(crate) fn first_available(&self) -> u64 {
        self.first
    }

    /// Number that the next line would get.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// At most `limit` lines beginning with `from`, counted from the end where it is negative.
    pub(crate) fn lines(&self, from: i64, limit: u64) -> Lines<'_> {
        let from = match u64::try_from(from) {
            Ok(from) => from,
            Err(_) => self.total.saturating_sub(from.unsigned_abs()),
        };
        let next = from.max(self.first);
        Lines { log: self, next, end: next.saturating_add(limit).min(self.total), cursor: None }
    }

    /// The log as its followers see it.
    pub(crate) fn extent(&self) -> Extent {
        let Some(newest) = self.segments.last() else {
            return Extent { first: self.first, newest: self.first, lines: self.total, bytes: 0 };
        };
        Extent { first: self.first, newest: newest.first, lines: self.total, bytes: newest.size }
    }

    /// The files with the bytes that count, in order: together they are the log byte for byte,
    /// prefixes and all.
    pub(crate) fn raw(&self) -> Vec<(Arc<File>, u64)> {
        self.segments.iter().map(|segment| (Arc::clone(&segment.log), segment.size)).collect()
    }
}

/// Lines in order, read as they are asked for.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    log: &'a LogReader,
    next: u64,
    end: u64,
    cursor: Option<Cursor>,
}

impl Lines<'_> {
    fn read(&mut self) -> io::Result<Option<Line>> {
        while self.next < self.end {
            if self.cursor.as_ref().is_none_or(|cursor| cursor.end <= self.next) {
                let segment = self
                    .log
                    .segments
                    .iter()
                    .find(|segment| self.next < segment.first + segment.lines);
                let segment = segment.expect("`end` is not past the last segment");
                self.cursor = Some(Cursor::new(segment, self.next, self.log.started)?);
            }
            let Some(cursor) = &mut self.cursor else { break };
            match cursor.line()? {
                Some(line) => {
                    self.next += 1;
                    return Ok(Some(line));
                }
                // The file is shorter than it was, or than its meta file says.
                None => self.next = cursor.end,
            }
        }
        Ok(None)
    }
}

impl Iterator for Lines<'_> {
    type Item = Result<Line, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read()
            .map_err(|cause| {
                self.end = self.next;
                LogError::new("read", &self.log.place.file(LogFile::Log), cause)
            })
            .transpose()
    }
}

/// Opens what is there. `None`: a rotation came in between.
fn look(place: &LogPlace, writing: Writing) -> io::Result<Option<(Meta, Vec<Segment>)>> {
    let log = open(place, LogFile::Log)?;
    let meta = match log {
        Some(_) => Meta::read(&place.file(LogFile::Meta))?.unwrap_or_default(),
        None => meta_without_log(place)?,
    };
    let opened = log.as_ref().map(File::metadata).transpose()?;
    let mut segments = Vec::new();
    if meta.rotated_lines > meta.prev_start
        && let Some(previous) = open(place, LogFile::Previous)?
    {
        let files = (previous, LogFile::PreviousIndex, LogFile::PreviousTimes);
        let mut segment = Segment::open(place, files, meta.prev_start)?;
        segment.lines = meta.rotated_lines - meta.prev_start;
        segments.push(segment);
    }
    if let Some(log) = log {
        let files = (log, LogFile::Index, LogFile::Times);
        let mut segment = Segment::open(place, files, meta.rotated_lines)?;
        segment.count(writing)?;
        segments.push(segment);
    }
    let here = found(fs::metadata(place.file(LogFile::Log)))?;
    let is_unmoved = match (opened, here) {
        (Some(opened), Some(here)) => (opened.dev(), opened.ino()) == (here.dev(), here.ino()),
        // It may have come and gone: every rotation leaves other numbers.
        (None, None) => meta_without_log(place)? == meta,
        (Some(_), None) | (None, Some(_)) => false,
    };
    Ok(is_unmoved.then_some((meta, segments)))
}

/// The numbers that hold between two segments: of the rotation under way, or of the last one.
fn meta_without_log(place: &LogPlace) -> io::Result<Meta> {
    match Meta::read(&place.file(LogFile::NextMeta))? {
        Some(meta) => Ok(meta),
        None => Ok(Meta::read(&place.file(LogFile::Meta))?.unwrap_or_default()),
    }
}

fn open(place: &LogPlace, file: LogFile) -> io::Result<Option<File>> {
    found(sys::fs::open_to_read(&place.file(file)))
}
