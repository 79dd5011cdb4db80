//! The output of processes: cut into lines, kept in files, and read back from files that may hold
//! anything.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan};

use crate::base::ulid::Ulid;
use crate::logs::lines::{LONGEST, Splitter};
use crate::logs::redact::{Held, Secrets};
use crate::logs::{Case, Line, LogFile, LogPlace, LogReader, LogWriter, Needle, Stream, Writing};
use crate::model::job::{JobName, LogLimit, OnFull};

/// The lines that come out when bytes arrive in reads of these sizes.
fn split(bytes: &[u8], mut size: impl FnMut() -> usize) -> Vec<u8> {
    let (mut splitter, mut out, mut rest) = (Splitter::default(), Vec::new(), bytes);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(size().clamp(1, LONGEST).min(rest.len()));
        let cut = splitter.cut(now);
        assert!(!cut.head.contains(&b'\n'));
        assert!(cut.body.is_empty() && cut.head.is_empty() || cut.body.ends_with(b"\n"));
        out.extend([&cut.head[..], &cut.body[..]].concat());
        rest = later;
    }
    out.extend(splitter.finish().body.iter());
    out
}

/// Lines depend on the bytes alone. The first byte chooses how they are split into reads. Where it
/// is large, one byte of the rest stands for as many letters as make a line too long.
pub(crate) fn lines(data: &[u8]) {
    let Some((&seed, rest)) = data.split_first() else { return };
    let long = rest.iter().position(|byte| *byte >= 0xf8).filter(|_| seed >= 0xf0);
    let mut bytes = rest.to_vec();
    if let Some(at) = long {
        let count = LONGEST - usize::from(rest[at] & 7);
        bytes.splice(at..=at, std::iter::repeat_n(b'a', count));
    }
    let whole = split(&bytes, || LONGEST);
    let mut state = usize::from(seed);
    let size = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        if long.is_some() { 1 + (state >> 8) % 40_000 } else { 1 + (state >> 8) % 5 }
    };
    assert_eq!(split(&bytes, size), whole);
    let bare = |bytes: &[u8]| bytes.iter().filter(|byte| !b"\r\n".contains(byte)).count();
    assert_eq!(bare(&whole), bare(&bytes), "no byte of a line is lost");
    if long.is_none() {
        let mut simple = Vec::new();
        let mut parts: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let last = parts.pop().unwrap_or_default();
        for line in parts {
            simple.extend(line.strip_suffix(b"\r").unwrap_or(line));
            simple.push(b'\n');
        }
        simple.extend(last);
        simple.extend((!last.is_empty()).then_some(b'\n'));
        assert_eq!(whole, simple);
    }
}

/// No secret is seen, however the output is cut, and nothing else is missing. The first byte chooses
/// the cuts; after it come lines, up to an empty one secrets and then the output.
pub(crate) fn redact(data: &[u8]) {
    let Some((&seed, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let (values, output) = text.split_once("\n\n").unwrap_or((text, text));
    let values: Vec<&str> = values.lines().take(20).collect();
    let Some(secrets) = Secrets::new(values.iter().copied()) else { return };
    let (mut held, mut found, mut rest) = (Held::default(), Vec::new(), output.as_bytes());
    let mut state = usize::from(seed);
    while !rest.is_empty() {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let (now, later) = rest.split_at((1 + (state >> 8) % 9).min(rest.len()));
        found.extend(held.take(&secrets, now).concat());
        rest = later;
    }
    found.extend(held.finish(&secrets));
    let texts: Vec<&[u8]> = values
        .iter()
        .map(|value| value.trim())
        .filter(|value| value.chars().count() >= 4)
        .map(str::as_bytes)
        .collect();
    assert_eq!(found, slowly(&texts, output.as_bytes()), "{}", found.escape_ascii());
    for part in found.split(|byte| *byte == b'\n') {
        let mut kept = part.to_vec();
        while let Some(at) = kept.windows(10).position(|ten| ten == b"[redacted]") {
            // Where it stood nothing can be put together.
            kept.splice(at..at + 10, *b"\n");
        }
        let seen = texts.iter().find(|text| kept.windows(text.len()).any(|part| part == **text));
        assert_eq!(seen, None, "{}", found.escape_ascii());
    }
}

/// The same, one place after the other.
fn slowly(texts: &[&[u8]], output: &[u8]) -> Vec<u8> {
    let (mut hidden, mut until) = (Vec::new(), 0);
    for at in 0..output.len() {
        let here = texts.iter().filter(|text| output[at..].starts_with(text));
        if let Some(end) = here.map(|text| at + text.len()).max() {
            if at >= until {
                hidden.extend(b"[redacted]");
            }
            until = until.max(end);
        }
        if at >= until {
            hidden.push(output[at]);
        }
    }
    hidden
}

/// Files in memory, where there is such a place. They go with it.
struct Scratch {
    root: PathBuf,
    place: LogPlace,
}

impl Scratch {
    fn new(name: &str) -> Scratch {
        let memory = Path::new("/dev/shm");
        let root = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let root = root.join(format!("runwisp-{name}-{}", std::process::id()));
        let run: Ulid = "01JTQ6V6Z9M3XK2B8N4C7D5E1F".parse().expect("an id");
        let place = LogPlace::new(&root, &JobName::new("a"), run, Timestamp::UNIX_EPOCH);
        fs::create_dir_all(place.directory()).expect("there is room");
        Scratch { root, place }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is a few bytes.
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Each file begins with a byte that says how long it is; 255 says that it is missing. Files that
/// hold anything are read to their end, and no further.
pub(crate) fn log(data: &[u8]) {
    let scratch = Scratch::new("log");
    let place = &scratch.place;
    let mut rest = data;
    let mut size = 0;
    for file in LogFile::ALL {
        let length = rest.split_off_first().map_or(255, |byte| usize::from(*byte));
        if length == 255 {
            continue;
        }
        let bytes = rest.split_off(..length.min(rest.len())).unwrap_or_default();
        fs::write(place.file(file), bytes).expect("there is room");
        size += bytes.len() as u64;
    }
    let writing = if rest.is_empty() { Writing::Over } else { Writing::Ongoing };
    let Ok(reader) = LogReader::open(place.clone(), Timestamp::UNIX_EPOCH, writing) else { return };
    let (first, total) = (reader.first_available(), reader.total());
    assert!(first <= total, "{first} {total}");
    let mut next = first;
    let mut count = 0;
    for line in reader.lines(0, u64::MAX) {
        let line = line.expect("a file in memory can be read");
        assert!((next..total).contains(&line.n), "{} after {next}, of {total}", line.n);
        next = line.n + 1;
        count += 1;
        assert!(count <= size + 2, "there are more lines than bytes");
    }
    for from in [-3, i64::try_from(total / 2).unwrap_or(i64::MAX)] {
        let some: Vec<Line> =
            reader.lines(from, 3).map(|line| line.expect("it can be read")).collect();
        assert!(some.len() <= 3 && some.iter().all(|line| (first..total).contains(&line.n)));
    }
    let extent = reader.extent();
    assert!(extent.first <= extent.newest && extent.newest <= extent.lines);
    let raw: u64 = reader.raw().iter().map(|(_, bytes)| bytes).sum();
    assert!(raw <= size);
    for needle in [Needle::text("a", Case::Ignored), Needle::text("\n", Case::Matters)] {
        let mut search = reader.search(&needle, first);
        let mut found = 0;
        while let Some(hits) = search.block().expect("a file in memory can be read") {
            found += hits.len() as u64;
            assert!(hits.windows(2).all(|pair| pair[0].n < pair[1].n));
            assert!(found <= size, "there are more hits than bytes");
        }
    }
}

/// What is written is read back: all of it without a limit, its end where old lines are dropped,
/// its beginning where new ones are. The first byte is the limit and what comes of it.
pub(crate) fn capture(data: &[u8]) {
    let Some((&limit, ops)) = data.split_first() else { return };
    let scratch = Scratch::new("capture");
    let place = scratch.place.clone();
    let on_full = if limit & 1 == 0 { OnFull::DropOld } else { OnFull::DropNew };
    let max = (limit >= 64).then(|| u64::from(limit - 63) * 64);
    let mut now = Timestamp::UNIX_EPOCH;
    let mut writer = LogWriter::new(place.clone(), LogLimit { max, on_full }, None, now);
    let mut given = [Vec::new(), Vec::new()];
    for op in ops.iter().take(16) {
        let stream = if op & 1 == 0 { Stream::Stdout } else { Stream::Stderr };
        let bytes: Vec<u8> = match op >> 1 & 7 {
            0 => b"a\n".to_vec(),
            1 => b"half".to_vec(),
            2 => b"\n".to_vec(),
            3 => b"\r\n[x] y\n\n".to_vec(),
            // Enough lines for an entry of the index.
            4 => b"x\n".repeat(1 + usize::from(op >> 4) * 90),
            5 => vec![*op; usize::from(op >> 4)],
            6 => b"line of some length, as programs write them\n".repeat(usize::from(op >> 4)),
            _ => {
                now += (i64::from(op >> 4) * 300).milliseconds();
                Vec::new()
            }
        };
        given[stream as usize].extend_from_slice(&bytes);
        writer.take(now, stream, &bytes);
    }
    let totals = writer.close(now);
    let reader = LogReader::open(place, Timestamp::UNIX_EPOCH, Writing::Over).expect("it is whole");
    assert_eq!(reader.total(), totals.lines);
    assert_eq!(totals.bytes, (given[0].len() + given[1].len()) as u64);
    let lines: Vec<Line> =
        reader.lines(0, u64::MAX).map(|line| line.expect("it can be read")).collect();
    assert_eq!(lines.len() as u64, reader.total() - reader.first_available());
    assert!(lines.windows(2).all(|pair| pair[0].n + 1 == pair[1].n && pair[0].at <= pair[1].at));
    for (number, stream) in [Stream::Stdout, Stream::Stderr].into_iter().enumerate() {
        let written = split(&given[number], || LONGEST);
        let mut written: Vec<&[u8]> = written.split(|byte| *byte == b'\n').collect();
        written.pop();
        let of_stream = lines.iter().filter(|line| line.stream == stream);
        let found: Vec<&[u8]> = of_stream.map(|line| &*line.text).collect();
        match (max, on_full) {
            (None, _) => assert_eq!(found, written),
            (Some(_), OnFull::DropOld) => assert!(written.ends_with(&found)),
            (Some(_), _) => assert!(written.starts_with(&found)),
        }
    }
    let middle = reader.first_available() + lines.len() as u64 / 2;
    let from: Vec<Line> = reader
        .lines(i64::try_from(middle).expect("few lines"), u64::MAX)
        .map(|line| line.expect("it can be read"))
        .collect();
    assert_eq!(from, lines[lines.len() / 2..], "from line {middle}");
}
