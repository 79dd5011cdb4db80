//! The properties as tests of the program: every seed, and mutations of seeds that are the same in
//! each run. Fuzzers go further, where they are at hand.

use std::fs;
use std::path::{Path, PathBuf};

/// How many mutations each target gets. All targets together take some seconds.
const MUTATIONS: u64 = 1_000;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % sides as u64) as usize
    }

    fn pick<'a>(&mut self, from: &'a [Vec<u8>]) -> &'a [u8] {
        &from[self.roll(from.len())]
    }

    /// Changes one place: a byte, a part that comes twice or goes, a word, the end of another seed.
    fn mutate(&mut self, bytes: &mut Vec<u8>, words: &[Vec<u8>], seeds: &[Vec<u8>]) {
        let at = self.roll(bytes.len() + 1);
        let end = (at + 1 + self.roll(8)).min(bytes.len());
        match self.roll(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.roll(8),
            1 if at < bytes.len() => bytes[at] = self.roll(256) as u8,
            2 => bytes.insert(at, self.roll(256) as u8),
            3 => drop(bytes.drain(at..end.max(at))),
            4 => {
                let part = bytes[at..end.max(at)].to_vec();
                bytes.splice(at..at, part);
            }
            5 => {
                let other = self.pick(seeds);
                let from = self.roll(other.len() + 1);
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
            _ if words.is_empty() => bytes.truncate(at),
            _ => drop(bytes.splice(at..at, self.pick(words).iter().copied())),
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = folder().join("seeds").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// The words of a dictionary of libFuzzer: one in quotes on each line, with `\"`, `\\` and `\xAB`.
fn words(target: &str) -> Vec<Vec<u8>> {
    let Ok(text) = fs::read_to_string(folder().join(format!("dict/{target}.dict"))) else {
        return Vec::new();
    };
    let lines = text.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    lines.map(unescaped).collect()
}

fn unescaped(word: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = word.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next().unwrap() {
                b'x' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                plain => plain,
            },
            plain => plain,
        });
    }
    bytes
}

fn replay(target: &str, property: fn(&[u8])) {
    let (seeds, words) = (seeds(target), words(target));
    for seed in &seeds {
        property(seed);
    }
    for number in 0..MUTATIONS {
        let mut dice = Dice(number);
        let mut bytes = dice.pick(&seeds).to_vec();
        for _ in 0..=dice.roll(5) {
            dice.mutate(&mut bytes, &words, &seeds);
        }
        let held = std::panic::catch_unwind(|| property(&bytes));
        assert!(held.is_ok(), "{target}: mutation {number}: {}", bytes.escape_ascii());
    }
}

macro_rules! replays {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            replay(stringify!($name), super::$name);
        })*
    };
}

replays! { argv body capture config cookie cron crontab dotenv duration escape glob head import lines log origin proxy query redact redirect request size tail template token ulid }
