//! What the measured jobs execute: this very program, told by its first argument what to play.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Plays the part that the arguments name; false when they name none.
pub(crate) fn play(words: &[String]) -> bool {
    // `-c` as a shell gets it: without another shell the first instruction is ours.
    let words: Vec<&str> = match words {
        [option, script] if option == "-c" => script.split(' ').collect(),
        _ => words.iter().map(String::as_str).collect(),
    };
    match words[..] {
        ["stamp", file] => stamp(file),
        ["stay", file] => {
            stamp(file);
            loop {
                thread::park();
            }
        }
        ["tell", lines] => tell(lines.parse().unwrap()),
        ["lines", megabytes] => lines(megabytes.parse().unwrap()),
        ["pour", file, megabytes] => {
            stamp(file);
            // Time to look at what the supervisor has used so far.
            thread::sleep(Duration::from_secs(1));
            stamp(file);
            lines(megabytes.parse().unwrap());
            stamp(file);
            loop {
                thread::park();
            }
        }
        _ => return false,
    }
    true
}

/// The script that plays a part, in the place of its shell.
pub(crate) fn script(words: &str) -> String {
    format!("exec {} {words}", program().display())
}

/// This program, which may also stand in for a shell.
pub(crate) fn program() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// The instants and process ids that [`stamp`] has left in a file.
pub(crate) fn stamps(file: &Path) -> Vec<(f64, u32)> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    complete
        .lines()
        .map(|line| {
            let (at, pid) = line.split_once(' ').unwrap();
            (at.parse().unwrap(), pid.parse().unwrap())
        })
        .collect()
}

/// Says when this process came to its first instruction.
fn stamp(file: &str) {
    let line = format!("{:.6} {}\n", now(), std::process::id());
    let mut file = OpenOptions::new().create(true).append(true).open(file).unwrap();
    file.write_all(line.as_bytes()).unwrap();
}

/// Lines that say when they were printed, one every 10 ms.
fn tell(lines: u64) {
    let mut stdout = std::io::stdout().lock();
    for _ in 0..lines {
        thread::sleep(Duration::from_millis(10));
        writeln!(stdout, "{:.6}", now()).unwrap();
    }
}

/// Numbered lines of 100 bytes on stdout, as fast as a pipe takes them.
fn lines(megabytes: usize) {
    let mut block = Vec::new();
    for number in 0..640 {
        writeln!(block, "{number:0>99}").unwrap();
    }
    let mut left = megabytes * 1_000_000;
    let mut stdout = std::io::stdout().lock();
    while left > 0 {
        let size = left.min(block.len());
        stdout.write_all(&block[..size]).unwrap();
        left -= size;
    }
    stdout.flush().unwrap();
}
