//! Writer and reader together, against an oracle that knows lines one by one.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs, process};

use jiff::Timestamp;

use crate::base::bytes;
use crate::base::ulid::Ulids;
use crate::logs::lines::LONGEST;
use crate::logs::meta::Meta;
use crate::logs::{
    Line, LogFile, LogPlace, LogReader, LogWriter, Stream, Verdict, Writing, prefix,
};
use crate::model::job::{JobName, LogLimit, OnFull};
use crate::model::run::{Cause, LogTotals};

mod disk;
mod following;
mod reading;
mod searching;

/// SplitMix64: the same numbers in every run of the tests.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ z >> 31) % bound
    }

    /// What a program may write: short lines, long ones, anything but order.
    pub(super) fn output(&mut self, most: u64) -> Vec<u8> {
        let length = self.below(most);
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < length {
            match self.below(40) {
                0 => bytes.extend("é🦀€\r".repeat(self.below(9_000) as usize).bytes()),
                1 => {
                    bytes.extend([b'x'; LONGEST - 3].iter().take(LONGEST - self.below(6) as usize))
                }
                2 => bytes.extend((0..self.below(300)).map(|n| (n * 7) as u8)),
                3 => bytes.extend(b"[ERR] "),
                4..=6 => bytes.extend(b"\r\n"),
                7..=9 => bytes.extend(b"\n"),
                _ => bytes.extend(format!("line {} \x1b[0m\n", self.below(1 << 40)).bytes()),
            }
        }
        bytes
    }
}

/// A directory of its own, gone at the end.
struct Place {
    root: PathBuf,
    place: LogPlace,
}

impl Place {
    fn new() -> Place {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name =
            format!("runwisp-logs-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root = env::temp_dir().join(name);
        fs::create_dir_all(&root).unwrap();
        Place::below(root)
    }

    fn below(root: PathBuf) -> Place {
        let place = LogPlace::new(
            &root.join("logs"),
            &JobName::new("a.b"),
            Ulids::new(1).next(at(0)),
            at(0),
        );
        Place { root, place }
    }

    fn writer(&self, max: Option<u64>, on_full: OnFull) -> LogWriter {
        LogWriter::new(self.place.clone(), LogLimit { max, on_full }, None, at(0))
    }

    fn reader(&self) -> LogReader {
        LogReader::open(self.place.clone(), at(0), Writing::Over).unwrap()
    }

    fn lines(&self) -> Vec<Line> {
        self.reader().lines(0, u64::MAX).map(Result::unwrap).collect()
    }

    fn texts(&self) -> Vec<String> {
        self.lines().into_iter().map(|line| String::from_utf8(line.text).unwrap()).collect()
    }

    fn raw(&self) -> Vec<u8> {
        let read = |(mut file, size): (Arc<File>, u64)| {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes.len() as u64, size);
            bytes
        };
        self.reader().raw().into_iter().flat_map(read).collect()
    }

    fn path(&self, file: LogFile) -> PathBuf {
        self.place.file(file)
    }

    fn files(&self) -> Vec<LogFile> {
        LogFile::ALL.into_iter().filter(|&file| self.path(file).exists()).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A test that wrote nothing has no directory.
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// So many milliseconds after the start of the run.
fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
}

const POLICIES: [OnFull; 3] = [OnFull::DropOld, OnFull::DropNew, OnFull::KillTask];

/// What is to be found on disk, made line by line.
struct Oracle {
    max: u64,
    on_full: OnFull,
    partial: [Vec<u8>; 3],
    previous: Vec<Vec<u8>>,
    current: Vec<Vec<u8>>,
    /// Lines before `previous`.
    gone: usize,
    is_full: bool,
    has_rotated: bool,
    received: usize,
}

impl Oracle {
    fn new(max: u64, on_full: OnFull) -> Oracle {
        let (partial, previous, current) = Default::default();
        Oracle {
            max,
            on_full,
            partial,
            previous,
            current,
            gone: 0,
            is_full: false,
            has_rotated: false,
            received: 0,
        }
    }

    fn take(&mut self, stream: Stream, bytes: &[u8]) {
        self.received += bytes.len();
        for &byte in bytes {
            let mut line = std::mem::take(&mut self.partial[stream as usize]);
            if byte == b'\n' {
                line.pop_if(|last| *last == b'\r');
                self.line(stream, &line);
                continue;
            }
            line.push(byte);
            if line.len() == LONGEST {
                let torn = (1..4).find(|back| {
                    let text = str::from_utf8(&line[LONGEST - back..]);
                    text.is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
                });
                let rest = line.split_off(LONGEST - torn.unwrap_or(0));
                self.line(stream, &line);
                line = rest;
            }
            self.partial[stream as usize] = line;
        }
    }

    fn end_of(&mut self, stream: Stream) {
        let line = std::mem::take(&mut self.partial[stream as usize]);
        if !line.is_empty() {
            self.line(stream, &line);
        }
    }

    fn line(&mut self, stream: Stream, text: &[u8]) {
        if self.is_full {
            return;
        }
        let line = [stream.prefix(), text, b"\n"].concat();
        let used: usize = self.current.iter().map(Vec::len).sum();
        if (used + line.len()) as u64 <= self.max {
            self.current.push(line);
            return;
        }
        let size = bytes::display(self.max);
        match self.on_full {
            OnFull::DropOld => {
                let notice = format!(
                    "[SYSTEM] Log rotated: earlier output dropped at log_max_size {size}\n"
                );
                let is_fresh =
                    self.current.is_empty() || self.has_rotated && self.current.len() == 1;
                if !is_fresh {
                    self.has_rotated = true;
                    self.gone += self.previous.len();
                    self.previous = std::mem::replace(&mut self.current, vec![notice.into_bytes()]);
                }
                self.current.push(line);
            }
            OnFull::DropNew => self.stop(&format!(
                "Log truncated: log_max_size {size} reached; further output is not recorded"
            )),
            OnFull::KillTask => {
                self.stop(&format!(
                    r#"Process killed: log_max_size {size} reached; log_on_full="kill_task""#
                ));
            }
        }
    }

    fn stop(&mut self, text: &str) {
        self.is_full = true;
        self.current.push(format!("[SYSTEM] {text}\n").into_bytes());
    }

    fn close(&mut self) {
        self.end_of(Stream::Stdout);
        self.end_of(Stream::Stderr);
        if self.is_full || self.has_rotated {
            let text = format!("[SYSTEM] Total process output: {} bytes\n", self.received);
            self.current.push(text.into_bytes());
        }
    }
}

#[test]
fn what_is_read_back_is_what_came_but_for_the_policy() {
    let mut random = Random(2);
    for round in 0..60 {
        let max = [1, 90, 400, 70_000, 300_000, u64::MAX >> 1][random.below(6) as usize];
        let on_full = POLICIES[round % 3];
        let place = Place::new();
        let (mut writer, mut oracle) =
            (place.writer(Some(max), on_full), Oracle::new(max, on_full));
        let mut stops = 0;
        for now in 0..random.below(12) as i64 {
            let stream = [Stream::Stdout, Stream::Stderr][random.below(2) as usize];
            let most = if max < 1000 { 500 } else { 150_000 };
            let output = random.output(most);
            let size = 1 + random.below(100_000) as usize;
            for bytes in output.chunks(size) {
                stops += usize::from(
                    writer.take(at(now), stream, bytes) == Verdict::Stop(Cause::LogOverflow),
                );
                oracle.take(stream, bytes);
            }
        }
        let totals = writer.close(at(99));
        let stopped_by_last_line = !oracle.is_full;
        oracle.close();
        if !(stopped_by_last_line && oracle.is_full) {
            assert_eq!(stops, usize::from(oracle.is_full && on_full == OnFull::KillTask));
        }

        let told = format!("round {round}: {max} {on_full:?}");
        assert!(
            place.raw() == [oracle.previous.concat(), oracle.current.concat()].concat(),
            "{told}"
        );
        let expected: Vec<_> = oracle.previous.iter().chain(&oracle.current).collect();
        let (lines, reader) = (place.lines(), place.reader());
        assert_eq!(lines.len(), expected.len(), "{told}");
        for (place, (line, stored)) in lines.iter().zip(expected).enumerate() {
            let (stream, text) = prefix::split(&stored[..stored.len() - 1]);
            assert_eq!(line.n as usize, oracle.gone + place, "{told}");
            assert!((line.stream, &line.text[..]) == (stream, text), "{told}: line {}", line.n);
        }
        let total = (oracle.gone + lines.len()) as u64;
        assert_eq!(
            (reader.first_available(), reader.total()),
            (oracle.gone as u64, total),
            "{told}"
        );
        let truncated = oracle.is_full || oracle.has_rotated;
        assert_eq!(
            totals,
            LogTotals { lines: total, bytes: oracle.received as u64, truncated },
            "{told}"
        );
        let meta = Meta::read(&place.path(LogFile::Meta)).unwrap();
        assert_eq!(meta.is_some_and(|meta| meta.finalized), truncated, "{told}");
        check_pages(&reader, &lines, &mut random);
    }
}

/// Every page shows the same lines as the whole.
fn check_pages(reader: &LogReader, all: &[Line], random: &mut Random) {
    for _ in 0..20 {
        let total = reader.total() as i64;
        let from = random.below(2 * total as u64 + 3) as i64 - total - 1;
        let limit = 1 + random.below(3000);
        let first = if from < 0 { total + from } else { from }.max(reader.first_available() as i64);
        let page: Vec<_> = reader.lines(from, limit).map(Result::unwrap).collect();
        let expected: Vec<_> =
            all.iter().filter(|line| line.n as i64 >= first).take(limit as usize).collect();
        assert!(page.iter().zip(&expected).all(|(line, expected)| (line.n, &line.text, line.at)
            == (expected.n, &expected.text, expected.at)));
        assert_eq!(page.len(), expected.len(), "from {from} limit {limit} of {total}");
    }
}

#[test]
fn a_silent_run_leaves_nothing_on_disk() {
    let place = Place::new();
    let mut writer = place.writer(None, OnFull::DropOld);
    assert_eq!(writer.take(at(1), Stream::Stdout, b""), Verdict::Go);
    assert_eq!(writer.end_of(at(2), Stream::Stdout), Verdict::Go);
    assert_eq!(writer.close(at(3)), LogTotals::default());
    assert_eq!(fs::read_dir(&place.root).unwrap().count(), 0);
    assert_eq!((place.reader().total(), place.lines().len(), place.raw().len()), (0, 0, 0));
}
