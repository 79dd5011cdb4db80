//! Finds lines in a log without an index: block by block, and line by line only where a block has
//! something. A block is small, so that whoever asks can stop after each one.

use std::borrow::Cow;
use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memmem, memrchr};
use regex_lite::{Regex, RegexBuilder};

use crate::logs::error::LogError;
use crate::logs::path::LogFile;
use crate::logs::prefix::{self, Stream};
use crate::logs::reader::LogReader;
use crate::logs::segment::{LONGEST_STORED, Section};

/// More than the longest line.
const BLOCK_BYTES: usize = 128 * 1024;
/// The compiled size of a pattern. With it, the slowest pattern needs about a second for a block.
const PATTERN_BYTES: usize = 64 * 1024;

/// Whether `a` finds `A`; other letters than those of ASCII are always told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Matters,
    Ignored,
}

/// What is looked for.
#[derive(Debug)]
pub(crate) enum Needle {
    /// In lower case where case is ignored.
    Text(Box<memmem::Finder<'static>>, Case),
    Pattern(Regex),
}

/// A line that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) n: u64,
    pub(crate) stream: Stream,
    pub(crate) text: Vec<u8>,
}

impl Needle {
    pub(crate) fn text(text: &str, case: Case) -> Needle {
        let text = match case {
            Case::Matters => Cow::Borrowed(text),
            Case::Ignored => Cow::Owned(text.to_ascii_lowercase()),
        };
        let finder = memmem::Finder::new(text.as_bytes()).into_owned();
        Needle::Text(Box::new(finder), case)
    }

    /// An error says what is wrong with the pattern.
    pub(crate) fn pattern(pattern: &str, case: Case) -> Result<Needle, String> {
        let mut builder = RegexBuilder::new(pattern);
        builder.case_insensitive(case == Case::Ignored).size_limit(PATTERN_BYTES);
        builder.build().map(Needle::Pattern).map_err(|error| error.to_string())
    }

    /// Bytes as this needle is compared with them.
    fn fold<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        match self {
            Needle::Text(_, Case::Ignored) => Cow::Owned(bytes.to_ascii_lowercase()),
            Needle::Text(_, Case::Matters) | Needle::Pattern(_) => Cow::Borrowed(bytes),
        }
    }

    /// Where in folded lines the next one may be that has it.
    fn candidate(&self, folded: &[u8]) -> Option<usize> {
        match self {
            Needle::Text(finder, _) => finder.find(folded),
            Needle::Pattern(_) => (!folded.is_empty()).then_some(0),
        }
    }

    fn is_in(&self, text: &[u8]) -> bool {
        match self {
            Needle::Text(finder, _) => finder.find(&self.fold(text)).is_some(),
            Needle::Pattern(regex) => regex.is_match(&String::from_utf8_lossy(text)),
        }
    }
}

/// A search through one log.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    log: &'a LogReader,
    needle: &'a Needle,
    /// The first line that may be found.
    from: u64,
    /// Number of the first line that was not looked at.
    next: u64,
    /// What is left of the segment, and its place among the segments.
    section: Option<(Section, usize)>,
    /// Bytes of the section that are no whole line yet.
    rest: Vec<u8>,
}

impl LogReader {
    /// Looks for lines from number `from` on.
    pub(crate) fn search<'a>(&'a self, needle: &'a Needle, from: u64) -> Search<'a> {
        let next = from.max(self.first_available());
        let place = self.segments.iter().position(|each| next < each.first + each.lines);
        let mut search =
            Search { log: self, needle, from: next, next, section: None, rest: Vec::new() };
        if let Some(place) = place {
            search.enter(place, next);
        }
        search
    }
}

impl Search<'_> {
    /// Number of the first line that was not looked at.
    pub(crate) fn next(&self) -> u64 {
        // It begins at a known place, which may lie before.
        self.next.max(self.from)
    }

    /// The lines of the next block that have it; none at the end of the log. Each block comes
    /// further than line `from`, so that a search that is begun again where it was comes to an end.
    pub(crate) fn block(&mut self) -> Result<Option<Vec<Hit>>, LogError> {
        loop {
            let hits = self.read();
            let hits =
                hits.map_err(|cause| LogError::new("read", &self.log.file(LogFile::Log), cause))?;
            if hits.is_none() || self.next > self.from {
                return Ok(hits);
            }
        }
    }

    fn read(&mut self) -> io::Result<Option<Vec<Hit>>> {
        let Some((section, place)) = &mut self.section else { return Ok(None) };
        let known = self.rest.len();
        self.rest.resize(BLOCK_BYTES, 0);
        let count = section.read(&mut self.rest[known..])?;
        self.rest.truncate(known + count);
        if count == 0 {
            // What is left is a line that nobody has ended.
            let place = *place + 1;
            let last = std::mem::take(&mut self.rest);
            let hits = self.look(&last);
            self.section = None;
            if let Some(segment) = self.log.segments.get(place) {
                self.enter(place, segment.first);
            }
            return Ok(Some(hits));
        }
        match memrchr(b'\n', &self.rest) {
            Some(end) => {
                let block = std::mem::take(&mut self.rest);
                self.rest = block[end + 1..].to_vec();
                Ok(Some(self.look(&block[..=end])))
            }
            None => {
                // Only a damaged file has longer lines: the middle of it is passed over.
                self.rest.truncate(LONGEST_STORED);
                Ok(Some(Vec::new()))
            }
        }
    }

    /// Begins a segment at the known place before a line.
    fn enter(&mut self, place: usize, n: u64) {
        let segment = &self.log.segments[place];
        let (line, offset) = segment.jump(n - segment.first);
        self.next = segment.first + line;
        self.section = Some((segment.section(offset), place));
    }

    fn look(&mut self, lines: &[u8]) -> Vec<Hit> {
        let folded = self.needle.fold(lines);
        let mut hits = Vec::new();
        // Lines before `counted` are in `next`.
        let (mut at, mut counted) = (0, 0);
        while at < lines.len()
            && let Some(found) = self.needle.candidate(&folded[at..])
        {
            let found = at + found;
            let start = memrchr(b'\n', &lines[..found]).map_or(0, |end| end + 1);
            let end = memchr(b'\n', &lines[found..]).map_or(lines.len(), |end| found + end);
            self.next += memchr_iter(b'\n', &lines[counted..start]).count() as u64;
            (counted, at) = (start, end + 1);
            let (stream, text) = prefix::split(&lines[start..end]);
            if self.next >= self.from && self.needle.is_in(text) {
                hits.push(Hit { n: self.next, stream, text: text.to_owned() });
            }
        }
        self.next += memchr_iter(b'\n', &lines[counted..]).count() as u64;
        self.next += u64::from(lines.last().is_some_and(|&last| last != b'\n'));
        hits
    }
}
