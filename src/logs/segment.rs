//! One file of a log with its companions, as readers see it: where its lines begin, how many
//! there are, when they came.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;

use memchr::{memchr, memchr_iter, memrchr};

use crate::logs::index::{STRIDE, TIME_RECORD, read_offsets, read_time};
use crate::logs::lines::LONGEST;
use crate::logs::path::{LogFile, LogPlace};
use crate::logs::prefix::{self, Stream};
use crate::model::run::{Phase, Run};
use crate::sys;

/// The most bytes of a line that are read: a full piece and the longest prefix. Only a damaged
/// file has longer ones; the rest of them is passed over.
pub(super) const LONGEST_STORED: usize = LONGEST + "[SYSTEM] ".len();
/// A line whose text has so many bytes was cut: the next one of its stream goes on with it.
const SHORTEST_CUT: usize = LONGEST - 3;

/// Whether the run may still be writing: half a line at the end is then no line yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    Ongoing,
    Over,
}

impl Writing {
    pub(crate) fn of(run: &Run) -> Writing {
        match run.phase {
            Phase::Pending | Phase::Running { .. } => Writing::Ongoing,
            Phase::Ended { .. } => Writing::Over,
        }
    }
}

/// One line as it was captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Absolute, from 0; never changes.
    pub(crate) n: u64,
    /// Unix milliseconds, exact to about a second.
    pub(crate) at: i64,
    pub(crate) stream: Stream,
    /// Bytes of the process, without prefix and newline.
    pub(crate) text: Vec<u8>,
    /// A further piece of a line of over 64 KiB.
    pub(crate) continued: bool,
}

/// A segment as it was when it was opened.
#[derive(Debug)]
pub(super) struct Segment {
    /// Absolute number of its first line.
    pub(super) first: u64,
    pub(super) lines: u64,
    pub(super) log: Arc<File>,
    /// Bytes that are looked at.
    pub(super) size: u64,
    /// Of every 1024th line, as far as they are known.
    offsets: Vec<u64>,
    times: Option<Arc<File>>,
}

impl Segment {
    /// Opens the companions of `log`; its lines are yet to be counted.
    pub(super) fn open(
        place: &LogPlace,
        (log, index, times): (File, LogFile, LogFile),
        first: u64,
    ) -> io::Result<Segment> {
        let size = log.metadata()?.len();
        let index = found(sys::fs::read(&place.file(index)))?.unwrap_or_default();
        let times = found(sys::fs::open_to_read(&place.file(times)))?.map(Arc::new);
        let offsets = read_offsets(&index, size);
        Ok(Segment { first, lines: 0, log: Arc::new(log), size, offsets, times })
    }

    /// Counts the lines, from the last index entry on.
    pub(super) fn count(&mut self, writing: Writing) -> io::Result<()> {
        let (mut lines, mut at) = self.jump(u64::MAX);
        let mut end = at;
        let mut input = BufReader::with_capacity(LONGEST, self.section(at));
        loop {
            let bytes = input.fill_buf()?;
            if bytes.is_empty() {
                break;
            }
            lines += memchr_iter(b'\n', bytes).count() as u64;
            end = memrchr(b'\n', bytes).map_or(end, |last| at + last as u64 + 1);
            at += bytes.len() as u64;
            let length = bytes.len();
            input.consume(length);
        }
        match writing {
            Writing::Ongoing => self.size = end,
            Writing::Over => lines += u64::from(at > end),
        }
        self.lines = lines;
        Ok(())
    }

    /// Everything from an offset on.
    pub(super) fn section(&self, at: u64) -> Section {
        Section { file: Arc::clone(&self.log), at, end: self.size }
    }

    /// The last known start of a line at or before `line`: its number and its offset.
    pub(super) fn jump(&self, line: u64) -> (u64, u64) {
        match self.offsets.len() as u64 {
            0 => (0, 0),
            known => {
                let entry = (line / STRIDE).min(known - 1);
                (entry * STRIDE, self.offsets[entry as usize])
            }
        }
    }
}

/// Part of a file, read without moving the file's own position.
#[derive(Debug)]
pub(super) struct Section {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = left.min(buffer.len());
        let count = self.file.read_at(&mut buffer[..room], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// A place between two lines of a segment.
#[derive(Debug)]
pub(super) struct Cursor {
    /// Absolute number of the line after the segment.
    pub(super) end: u64,
    pub(super) first: u64,
    /// Absolute number of the line that is read next.
    pub(super) next: u64,
    input: BufReader<Section>,
    times: Times,
    /// The line read last.
    stored: Vec<u8>,
    /// By stream: the last line was cut, the next one goes on with it.
    is_cut: [bool; 3],
}

impl Cursor {
    /// Goes to line `n` of the log, which lies in the segment.
    pub(super) fn new(segment: &Segment, n: u64, started: i64) -> io::Result<Cursor> {
        let line = n - segment.first;
        // One line before: it may have been cut.
        let (mut at, offset) = segment.jump(line.saturating_sub(1));
        let mut cursor = Cursor {
            end: segment.first + segment.lines,
            first: segment.first,
            next: n,
            input: BufReader::with_capacity(LONGEST, segment.section(offset)),
            times: Times::new(segment.times.as_ref(), line, started)?,
            stored: Vec::new(),
            is_cut: [false; 3],
        };
        while at < line && cursor.read()? {
            let (stream, text) = prefix::split(&cursor.stored);
            cursor.is_cut[stream as usize] = is_cut(text);
            at += 1;
        }
        Ok(cursor)
    }

    /// Sees what was written since to the newest segment of `place`: now it has so many bytes, and
    /// `end` is the line after them.
    pub(super) fn grow(&mut self, place: &LogPlace, end: u64, bytes: u64) -> io::Result<()> {
        let section = self.input.get_mut();
        if (self.end, section.end) == (end, bytes) {
            return Ok(());
        }
        (self.end, section.end) = (end, bytes);
        if self.times.records.is_none()
            && let Some(times) = found(sys::fs::open_to_read(&place.file(LogFile::Times)))?
            && let Some(log) = found(std::fs::metadata(place.file(LogFile::Log)))?
            // Else a rotation came in between: those times are another segment's.
            && section.file.metadata()?.ino() == log.ino()
        {
            let line = self.next - self.first;
            self.times = Times::new(Some(&Arc::new(times)), line, self.times.current)?;
        }
        self.times.grow()
    }

    /// Sees all of a segment that was put aside; `end` is the line after it.
    pub(super) fn complete(&mut self, end: u64) -> io::Result<()> {
        if self.end != end {
            let section = self.input.get_mut();
            (self.end, section.end) = (end, section.file.metadata()?.len());
            self.times.grow()?;
        }
        Ok(())
    }

    /// The next line; none at the end of the segment.
    pub(super) fn line(&mut self) -> io::Result<Option<Line>> {
        if !self.read()? {
            return Ok(None);
        }
        let (stream, text) = prefix::split(&self.stored);
        let continued = std::mem::replace(&mut self.is_cut[stream as usize], is_cut(text));
        let at = self.times.of(self.next - self.first)?;
        let text = text.to_owned();
        self.next += 1;
        Ok(Some(Line { n: self.next - 1, at, stream, text, continued }))
    }

    /// Reads one line without its newline into `stored`; false at the end.
    fn read(&mut self) -> io::Result<bool> {
        self.stored.clear();
        let mut is_line = false;
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Ok(is_line);
            }
            is_line = true;
            let newline = memchr(b'\n', bytes);
            let text = &bytes[..newline.unwrap_or(bytes.len())];
            let room = LONGEST_STORED - self.stored.len();
            self.stored.extend_from_slice(&text[..text.len().min(room)]);
            let used = text.len() + usize::from(newline.is_some());
            self.input.consume(used);
            if newline.is_some() {
                return Ok(true);
            }
        }
    }
}

fn is_cut(text: &[u8]) -> bool {
    text.len() >= SHORTEST_CUT
}

/// The times of lines in ascending order.
#[derive(Debug)]
struct Times {
    /// Of the lines before `next`.
    current: i64,
    next: Option<(u64, i64)>,
    records: Option<BufReader<Section>>,
}

impl Times {
    /// Begins at a line of the segment.
    fn new(file: Option<&Arc<File>>, line: u64, started: i64) -> io::Result<Times> {
        let Some(file) = file else {
            return Ok(Times { current: started, next: None, records: None });
        };
        let end = whole_records(file)?;
        let (mut low, mut high) = (0, end / TIME_RECORD as u64);
        // The last record at or before the line: none may lie between `low` and `high`.
        while low < high {
            let middle = low + (high - low) / 2;
            let mut record = [0; TIME_RECORD];
            file.read_exact_at(&mut record, middle * TIME_RECORD as u64)?;
            match read_time(record).0 <= line {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        let at = low.saturating_sub(1) * TIME_RECORD as u64;
        let section = Section { file: Arc::clone(file), at, end };
        let records = BufReader::with_capacity(TIME_RECORD * 64, section);
        let mut times = Times { current: started, next: None, records: Some(records) };
        times.advance()?;
        Ok(times)
    }

    /// Sees the records that were written since.
    fn grow(&mut self) -> io::Result<()> {
        if let (None, Some(records)) = (self.next, &mut self.records) {
            let section = records.get_mut();
            section.end = whole_records(&section.file)?;
            self.advance()?;
        }
        Ok(())
    }

    fn of(&mut self, line: u64) -> io::Result<i64> {
        while let Some((_, time)) = self.next.filter(|&(from, _)| from <= line) {
            self.current = time;
            self.advance()?;
        }
        Ok(self.current)
    }

    fn advance(&mut self) -> io::Result<()> {
        self.next = None;
        let mut record = [0; TIME_RECORD];
        if let Some(records) = &mut self.records {
            match records.read_exact(&mut record) {
                Ok(()) => self.next = Some(read_time(record)),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Bytes of the records that are complete; the writer may be at the next one.
fn whole_records(file: &File) -> io::Result<u64> {
    let size = file.metadata()?.len();
    Ok(size - size % TIME_RECORD as u64)
}

/// A file that may be missing.
pub(super) fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
