//! A place in a log that grows: gives each line once, in order, over rotations. The open segment
//! and the place in it are kept from one wake-up to the next. Only what a rotation has removed
//! before it was read is passed over, and counted.

use std::io;

use jiff::Timestamp;

use crate::logs::error::LogError;
use crate::logs::feed::Extent;
use crate::logs::path::{LogFile, LogPlace};
use crate::logs::reader::LogReader;
use crate::logs::segment::{Cursor, Line, Writing};

/// One who reads a log as it is written.
#[derive(Debug)]
pub(crate) struct Tail {
    place: LogPlace,
    /// The time of lines that came before any record.
    started: Timestamp,
    next: u64,
    cursor: Option<Cursor>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Line(Line),
    /// A new segment begins. `first` is the first line that is still there; `lost` lines before
    /// the next one were removed unread.
    Rotated {
        first: u64,
        lost: u64,
    },
    /// Everything that was known of has been read.
    CaughtUp,
}

impl Tail {
    /// Begins with line `next`, which may be yet to come.
    pub(crate) fn new(place: LogPlace, started: Timestamp, next: u64) -> Tail {
        Tail { place, started, next, cursor: None }
    }

    /// The whole log as it is now.
    pub(crate) fn reader(&self, writing: Writing) -> Result<LogReader, LogError> {
        LogReader::open(self.place.clone(), self.started, writing)
    }

    /// Number of the line that is read next.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The start of a run that was pending before; no line may have been read yet.
    pub(crate) fn begin(&mut self, started: Timestamp) {
        self.started = started;
    }

    /// Reads on in a log that has come as far as `extent`.
    pub(crate) fn step(&mut self, extent: &Extent, writing: Writing) -> Result<Step, LogError> {
        if self.next >= extent.lines {
            return Ok(Step::CaughtUp);
        }
        let (from, was_inside) = (self.next, self.cursor.is_some());
        if let Some(line) = self.read(extent).map_err(|cause| self.failed(cause))? {
            return Ok(Step::Line(line));
        }
        let log = self.reader(writing)?;
        self.next = self.next.max(log.first_available());
        let segment = log.segments.iter().find(|segment| self.next < segment.first + segment.lines);
        match segment {
            Some(segment) => {
                let cursor = Cursor::new(segment, self.next, self.started.as_millisecond());
                self.cursor = Some(cursor.map_err(|cause| self.failed(cause))?);
            }
            // Somebody else has removed the files.
            None => self.next = self.next.max(extent.lines),
        }
        if was_inside || self.next > from {
            return Ok(Step::Rotated { first: log.first_available(), lost: self.next - from });
        }
        self.step(extent, writing)
    }

    /// The next line of the open segment. At its end there is no open segment any more, and the
    /// next line lies behind it.
    fn read(&mut self, extent: &Extent) -> io::Result<Option<Line>> {
        // One that was removed is let go, so that its space is free.
        let held = self.cursor.take().filter(|cursor| cursor.first >= extent.first);
        let Some(mut cursor) = held else { return Ok(None) };
        match cursor.first == extent.newest {
            true => cursor.grow(&self.place, extent.lines, extent.bytes)?,
            false => cursor.complete(extent.newest)?,
        }
        let line = cursor.line()?;
        self.next = match line {
            Some(_) => cursor.next,
            // A file that is shorter than it was is passed over.
            None => self.next.max(cursor.end),
        };
        self.cursor = line.is_some().then_some(cursor);
        Ok(line)
    }

    fn failed(&self, cause: io::Error) -> LogError {
        LogError::new("read", &self.place.file(LogFile::Log), cause)
    }
}
