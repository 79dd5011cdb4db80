//! What the files of a run hold, read from the files alone: whole lines in order, with companions
//! that say nothing wrong about them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::jobs::{Output, named};
use crate::harness::rows::Row;

/// Lines between two entries of an index (docs/logs.md, Files: from line 1024 on).
const STRIDE: usize = 1024;

/// The files of all runs, by the id of the run and what comes behind it: `.log`, `.log.prev`.
#[derive(Debug)]
pub(super) struct Folder(HashMap<String, HashMap<String, PathBuf>>);

impl Folder {
    pub(super) fn read(data: &Path) -> Folder {
        let mut found: HashMap<String, HashMap<String, PathBuf>> = HashMap::new();
        let tasks = fs::read_dir(data.join("logs")).into_iter().flatten();
        for task in tasks {
            for file in fs::read_dir(task.unwrap().path()).into_iter().flatten() {
                let path = file.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let (stem, ending) = name.split_once('.').unwrap();
                let id = stem.rsplit('_').next().unwrap();
                found.entry(id.to_owned()).or_default().insert(format!(".{ending}"), path);
            }
        }
        Folder(found)
    }

    /// Who has files.
    pub(super) fn runs(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A file of a run; "" where there is none or it has just gone.
    pub(super) fn bytes(&self, id: &str, ending: &str) -> Vec<u8> {
        self.0
            .get(id)
            .and_then(|files| files.get(ending))
            .and_then(|path| fs::read(path).ok())
            .unwrap_or_default()
    }

    fn has(&self, id: &str, ending: &str) -> bool {
        self.0.get(id).is_some_and(|files| files.contains_key(ending))
    }

    /// Both segments in a row, as a download gives them.
    pub(super) fn whole(&self, id: &str) -> Vec<u8> {
        [self.bytes(id, ".log.prev"), self.bytes(id, ".log")].concat()
    }

    /// What is wrong with the log of a run that nobody writes to.
    pub(super) fn fault(&self, row: &Row) -> Option<String> {
        let id = row.id.as_str();
        let meta = match self.has(id, ".log") {
            // A rotation that was cut short.
            false if self.has(id, ".log.meta.tmp") => self.bytes(id, ".log.meta.tmp"),
            _ => self.bytes(id, ".log.meta"),
        };
        let meta: Value = match meta.is_empty() {
            true => Value::Null,
            false => match serde_json::from_slice(&meta) {
                Ok(meta) => meta,
                Err(error) => return Some(format!("its meta file is broken: {error}")),
            },
        };
        let number = |key: &str| meta[key].as_u64().unwrap_or(0);
        let (before, now) = (self.bytes(id, ".log.prev"), self.bytes(id, ".log"));
        let total = number("rotated_lines") + lines(&now).len() as u64;
        let is_closed = row.is_ended() && row.reason() != "crashed";
        if is_closed && row.log_lines as u64 != total {
            return Some(format!("its row says {} lines, its files {total}", row.log_lines));
        }
        let text = [&before[..], &now[..]].concat();
        let fault = match named(&row.task).output {
            Output::Line => fault_of_line(row, &text),
            Output::Numbers(last) => {
                let segments = [(number("prev_start"), &before), (number("rotated_lines"), &now)];
                fault_of_numbers(row, &text, last).or_else(|| misnumbered(segments))
            }
        };
        fault
            .or_else(|| wrong_index(&now, &self.bytes(id, ".log.idx")))
            .or_else(|| wrong_index(&before, &self.bytes(id, ".log.idx.prev")))
            .or_else(|| wrong_times(&self.bytes(id, ".log.tidx")))
            .or_else(|| wrong_times(&self.bytes(id, ".log.tidx.prev")))
    }
}

/// All lines, the last one perhaps without its end.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Lines of the daemon's own, and what a shell says of its children that were killed.
fn is_note(line: &[u8]) -> bool {
    line.starts_with(b"[SYSTEM] ") || line == b"[ERR] Terminated\n" || line == b"[ERR] Killed\n"
}

fn ended_by_itself(row: &Row) -> bool {
    row.reason() == "success"
        || row.reason() == "failed" && row.exit_code.is_some_and(|code| code > 0)
}

fn show(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

fn fault_of_line(row: &Row, text: &[u8]) -> Option<String> {
    let output: Vec<&[u8]> = lines(text).into_iter().filter(|line| !is_note(line)).collect();
    let is_whole = output == [b"line\n"];
    // Killed by a signal from elsewhere: the next daemon's for one.
    let may_lack = !ended_by_itself(row) || row.exit_code.is_some_and(|code| code > 128);
    let is_right = is_whole || may_lack && output.is_empty();
    (!is_right).then(|| format!("it printed one line, and there is {:?}", show(text)))
}

/// The numbers go on from one to the next; what was cut short at the end is the beginning of one.
fn fault_of_numbers(row: &Row, text: &[u8], last: Option<u64>) -> Option<String> {
    let mut next: Option<u64> = None;
    let mut torn = false;
    let is_rotated = row.task == "rotating";
    for line in lines(text).into_iter().filter(|line| !is_note(line)) {
        let whole = line.strip_suffix(b"\n");
        let shown = show(whole.unwrap_or(line));
        let expected = match next {
            Some(next) => next.to_string(),
            None if is_rotated => shown.clone(),
            None => "1".to_owned(),
        };
        if torn {
            return Some(format!("{shown:?} behind a torn line"));
        }
        if whole.is_some() && shown == expected {
            next = Some(shown.parse::<u64>().ok()? + 1);
        } else if expected.starts_with(&shown) && row.reason() != "success" {
            torn = true;
        } else {
            return Some(format!("{shown:?} where {expected} was expected"));
        }
    }
    let reached = next.map_or(0, |next| next - 1);
    let is_due = ended_by_itself(row) && row.task != "capped";
    (is_due && last.is_some_and(|last| last != reached))
        .then(|| format!("it printed {last:?} numbers, and the last one there is {reached}"))
}

/// In a log that rotated, each segment begins with the line about it: so the number of a line and
/// what it says differ by how often the log had rotated before. A torn number says nothing.
fn misnumbered(segments: [(u64, &Vec<u8>); 2]) -> Option<String> {
    let mut rotations = Vec::new();
    for (start, text) in segments {
        let numbered = lines(text).into_iter().zip(start..).filter_map(|(line, n)| {
            Some((n, show(line.strip_suffix(b"\n")?).parse::<u64>().ok()?))
        });
        let of_segment: Vec<u64> =
            numbered.map(|(n, number)| (n + 1).wrapping_sub(number)).collect();
        let Some((&first, later)) = of_segment.split_first() else { continue };
        let whole = &later[..later.len().saturating_sub(1)];
        if let Some(other) = whole.iter().find(|other| **other != first) {
            return Some(format!("its lines come after {first} and after {other} rotations"));
        }
        rotations.push(first);
    }
    match rotations[..] {
        [before, now] if before + 1 != now => {
            Some(format!("the segments come after {before} and {now} rotations"))
        }
        _ => None,
    }
}

fn wrong_index(text: &[u8], index: &[u8]) -> Option<String> {
    let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let mut offsets = vec![0];
    offsets.extend(ends.map(|(at, _)| at as u64 + 1).skip(STRIDE - 1).step_by(STRIDE));
    for (n, entry) in index.chunks_exact(8).enumerate() {
        let entry = u64::from_le_bytes(entry.try_into().unwrap());
        if offsets.get(n) != Some(&entry) {
            return Some(format!("its index says {entry} for line {}", n * STRIDE));
        }
    }
    None
}

fn wrong_times(times: &[u8]) -> Option<String> {
    let records = times.chunks_exact(12).map(|record| {
        let line = u32::from_le_bytes(record[..4].try_into().unwrap());
        (line, i64::from_le_bytes(record[4..].try_into().unwrap()))
    });
    let records: Vec<(u32, i64)> = records.collect();
    let is_bad = |pair: &[(u32, i64)]| pair[0].0 > pair[1].0 || pair[0].1 > pair[1].1;
    records.windows(2).find(|pair| is_bad(pair)).map(|pair| format!("its times go back: {pair:?}"))
}
