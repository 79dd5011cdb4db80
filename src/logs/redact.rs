//! Takes secrets out of output: every byte of every occurrence, however the output is cut into
//! reads (docs/configuration.md, Secrets). It works before lines are cut, so that a line too long
//! cannot tear a secret in two; no secret holds a newline, so no line that is complete waits.

use std::borrow::Cow;

/// What stands in the place of a secret.
const REDACTED: &[u8] = b"[redacted]";
/// The fewest characters. A shorter one stands everywhere, and hides nothing.
const SHORTEST: usize = 4;
/// Bytes that are looked at together.
const WINDOW: usize = 3;
/// Bytes from one look to the next: lengths for which the compiler makes a loop without checks.
const STRIDES: [usize; 3] = [16, 8, 4];
/// Looks that are made at once.
const LOOKS: usize = 8;
/// Windows that may belong to a secret, as a set of bits: a few blocks of the nearest cache.
const BITS: usize = 1 << 16;

/// What is to be found.
///
/// Every occurrence of a text of at least `n` bytes has a window in each `n - WINDOW + 1` bytes, so
/// it is enough to look at windows at most so far apart, and at the first ones of each text. Nearly
/// all looks end with one bit.
pub(crate) struct Secrets {
    texts: Vec<Box<[u8]>>,
    longest: usize,
    stride: usize,
    bits: Box<[u64; BITS / 64]>,
    /// The number of a window, a text, and where in the text the window is; in order.
    windows: Vec<(u16, u32, u16)>,
    /// Which bytes begin a text.
    firsts: [bool; 256],
}

/// One stream from which they are taken.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// The end of what was taken, as far as a secret may begin there: never a whole one.
    held: Vec<u8>,
    /// So much of it belongs to a secret that has been replaced.
    covered: usize,
}

impl Secrets {
    /// `None` where nothing can be hidden. Each line of a value counts for itself.
    pub(crate) fn new<'a>(values: impl Iterator<Item = &'a str>) -> Option<Secrets> {
        let lines = values.flat_map(|value| value.lines().map(str::trim));
        let long = lines.filter(|line| line.chars().count() >= SHORTEST);
        let mut texts: Vec<Box<[u8]>> = long.map(|line| line.as_bytes().into()).collect();
        texts.sort_unstable();
        texts.dedup();
        let shortest = texts.iter().map(|text| text.len()).min()?;
        let most = shortest - WINDOW + 1;
        let stride = STRIDES.into_iter().find(|stride| *stride <= most).unwrap_or(most);
        let mut secrets = Secrets {
            longest: texts.iter().map(|text| text.len()).max()?,
            stride,
            bits: Box::new([0; BITS / 64]),
            windows: Vec::new(),
            firsts: [false; 256],
            texts: Vec::new(),
        };
        for (index, text) in (0..).zip(&texts) {
            secrets.firsts[usize::from(text[0])] = true;
            for (place, window) in (0..).zip(text.windows(WINDOW).take(stride)) {
                let number = number(window);
                secrets.bits[usize::from(number) / 64] |= 1 << (number % 64);
                secrets.windows.push((number, index, place));
            }
        }
        secrets.windows.sort_unstable();
        Some(Secrets { texts, ..secrets })
    }

    /// A text that is complete.
    pub(crate) fn hide(&self, text: &[u8]) -> Vec<u8> {
        let mut stream = Held::default();
        let mut hidden = stream.take(self, text).concat();
        hidden.extend(stream.finish(self));
        hidden
    }

    /// Every occurrence that begins before `limit`, in order; of several at one place the longest
    /// comes last.
    fn find(&self, bytes: &[u8], limit: usize, mut found: impl FnMut(usize, usize)) {
        let mut here: Vec<(usize, usize)> = Vec::new();
        let mut from = 0;
        while let Some(at) = self.likely(bytes, from) {
            from = at + self.stride;
            let number = number(&bytes[at..at + WINDOW]);
            let first = self.windows.partition_point(|(other, ..)| *other < number);
            let alike = self.windows[first..].iter().take_while(|(other, ..)| *other == number);
            for (_, text, place) in alike {
                let Some(start) = at.checked_sub(usize::from(*place)) else { continue };
                let text = &self.texts[*text as usize];
                if start < limit && bytes[start..].starts_with(text) {
                    here.push((start, start + text.len()));
                }
            }
            here.sort_unstable();
            here.drain(..).for_each(|(start, end)| found(start, end));
        }
    }

    /// Where the next window is that may belong to a text.
    fn likely(&self, bytes: &[u8], from: usize) -> Option<usize> {
        match self.stride {
            16 => self.likely_block::<16>(bytes, from),
            8 => self.likely_block::<8>(bytes, from),
            4 => self.likely_block::<4>(bytes, from),
            _ => self.likely_window(bytes, from, bytes.len()),
        }
    }

    /// The same with several looks that do not wait for one another. They are written out, and what
    /// they call is inlined, because the rest is compiled for size (Cargo.toml): twice as fast.
    fn likely_block<const STRIDE: usize>(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let (steps, _) = bytes.get(from..)?.as_chunks::<STRIDE>();
        let (blocks, _) = steps.as_chunks::<LOOKS>();
        let mut at = from;
        for block in blocks {
            let look = |step: usize| self.bit(four(&block[step]));
            let any = look(0) | look(1) | look(2) | look(3) | look(4) | look(5) | look(6) | look(7);
            let end = at + LOOKS * STRIDE;
            if any & 1 == 1 {
                return self.likely_window(bytes, at, end);
            }
            at = end;
        }
        self.likely_window(bytes, at, bytes.len())
    }

    /// The same one by one, for windows that begin before `end`.
    fn likely_window(&self, bytes: &[u8], from: usize, end: usize) -> Option<usize> {
        let last = end.min(bytes.len().saturating_sub(WINDOW - 1));
        let mut places = (from..last).step_by(self.stride);
        places.find(|at| self.bit(number(&bytes[*at..at + WINDOW])) & 1 == 1)
    }

    /// The last bit says whether the window of this number is one of a text.
    #[inline(always)]
    fn bit(&self, number: u16) -> u64 {
        self.bits[usize::from(number) / 64] >> (number % 64)
    }

    /// Where the first secret may begin that does not end in there.
    fn open(&self, bytes: &[u8]) -> usize {
        let from = bytes.len().saturating_sub(self.longest - 1);
        let begins = |at: &usize| {
            let end = &bytes[*at..];
            let is_likely = match end.get(..WINDOW) {
                Some(window) => self.bit(number(window)) & 1 == 1,
                None => self.firsts[usize::from(end[0])],
            };
            is_likely
                && self.texts.iter().any(|text| text.len() > end.len() && text.starts_with(end))
        };
        (from..bytes.len()).find(begins).unwrap_or(bytes.len())
    }
}

impl Held {
    /// What can be passed on, in two parts: of what was held, and of these bytes, which are not
    /// copied for nothing.
    pub(crate) fn take<'a>(&mut self, secrets: &Secrets, bytes: &'a [u8]) -> [Cow<'a, [u8]>; 2] {
        let mut seam = std::mem::take(&mut self.held);
        let before = seam.len();
        if before == 0 {
            return [Cow::default(), self.pass(secrets, bytes, secrets.open(bytes))];
        }
        // Whatever began before these bytes ends within so many of them.
        seam.extend_from_slice(&bytes[..bytes.len().min(secrets.longest - 1)]);
        if seam.len() < before + secrets.longest - 1 {
            let open = secrets.open(&seam);
            return [Cow::Owned(self.pass(secrets, &seam, open).into_owned()), Cow::default()];
        }
        let first = self.pass(secrets, &seam, before).into_owned();
        self.held.clear();
        [Cow::Owned(first), self.pass(secrets, bytes, secrets.open(bytes))]
    }

    /// The stream is over, and what was held is no secret.
    pub(crate) fn finish(&mut self, secrets: &Secrets) -> Vec<u8> {
        let all = std::mem::take(&mut self.held);
        self.pass(secrets, &all, all.len()).into_owned()
    }

    /// Replaces what begins before `open`, and holds what follows.
    fn pass<'a>(&mut self, secrets: &Secrets, bytes: &'a [u8], open: usize) -> Cow<'a, [u8]> {
        let mut passed = Vec::new();
        // Where the newest secret ends.
        let mut done = std::mem::take(&mut self.covered);
        let is_plain = done == 0;
        secrets.find(bytes, open, |start, end| {
            if start >= done {
                passed.extend_from_slice(&bytes[done..start]);
                passed.extend_from_slice(REDACTED);
            }
            done = done.max(end);
        });
        self.covered = done.saturating_sub(open);
        self.held.extend_from_slice(&bytes[open..]);
        if is_plain && done == 0 {
            return Cow::Borrowed(&bytes[..open]);
        }
        passed.extend_from_slice(&bytes[done.min(open)..open]);
        Cow::Owned(passed)
    }
}

/// A window as a number below [`BITS`].
fn number(window: &[u8]) -> u16 {
    mixed(window.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

/// The same of the window that a step begins with: one load instead of three.
#[inline(always)]
fn four<const STRIDE: usize>(step: &[u8; STRIDE]) -> u16 {
    let four = step.first_chunk().expect("no stride is shorter");
    mixed(u32::from_le_bytes(*four) & 0x00ff_ffff)
}

#[inline(always)]
fn mixed(three: u32) -> u16 {
    (three.wrapping_mul(0x9e37_79b1) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::tests::Random;

    fn secrets(values: &[&str]) -> Secrets {
        Secrets::new(values.iter().copied()).unwrap()
    }

    /// What comes out when the bytes arrive in reads of these sizes.
    fn hidden(secrets: &Secrets, bytes: &[u8], mut size: impl FnMut() -> usize) -> Vec<u8> {
        let (mut held, mut out, mut rest) = (Held::default(), Vec::new(), bytes);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(size().clamp(1, rest.len()));
            out.extend(held.take(secrets, now).concat());
            assert!(held.held.len() < secrets.longest);
            assert!(!held.held.contains(&b'\n'), "a line that is complete waits");
            rest = later;
        }
        out.extend(held.finish(secrets));
        out
    }

    #[test]
    fn every_occurrence_is_hidden_however_it_is_cut() {
        let values = [
            "hunter2",
            "abcd",
            "cdef",
            "abcdefgh-long",
            "xyz",
            "",
            "é€ßx",
            "one line\r\n  two line\n}",
        ];
        let secrets = secrets(&values);
        for (text, expected) in [
            ("nothing", "nothing"),
            ("hunter2", "[redacted]"),
            ("hunter", "hunter"),
            ("a hunter2, hunter2hunter2", "a [redacted], [redacted][redacted]"),
            ("abcdef", "[redacted]"),
            ("abcdabcdef", "[redacted][redacted]"),
            ("abcdefgh-lo", "[redacted]gh-lo"),
            ("abcdefgh-long!", "[redacted]!"),
            ("xyz xyz", "xyz xyz"),
            ("<é€ßx>", "<[redacted]>"),
            ("one line\ntwo line\n}\n", "[redacted]\n[redacted]\n}\n"),
            ("hun\nter2\n", "hun\nter2\n"),
            ("abc", "abc"),
            ("hhunter2", "h[redacted]"),
        ] {
            for size in 1..20 {
                let found = hidden(&secrets, text.as_bytes(), || size);
                assert_eq!(String::from_utf8_lossy(&found), expected, "{text} by {size}");
            }
            assert_eq!(secrets.hide(text.as_bytes()), expected.as_bytes(), "{text}");
        }
    }

    #[test]
    fn what_is_short_or_blank_is_no_secret() {
        assert!(Secrets::new(["", "abc", "   \n\t\n", "é€ß"].into_iter()).is_none());
        assert!(Secrets::new(std::iter::empty()).is_none());
    }

    #[test]
    fn secrets_that_overlap_without_an_end_are_one_and_hold_little() {
        let secrets = secrets(&["aaaa"]);
        let found = hidden(&secrets, &[b'a'; 100_000], || 7);
        assert_eq!(found, b"[redacted]");
    }

    #[test]
    fn nothing_is_copied_where_nothing_is_found() {
        let secrets = secrets(&["hunter2", "swordfish"]);
        let mut held = Held::default();
        let mut take = |bytes| held.take(&secrets, bytes);
        assert!(matches!(take(b"some line\n"), [_, Cow::Borrowed(b"some line\n")]));
        assert!(matches!(take(b"a s"), [_, Cow::Borrowed(b"a ")]));
        assert_eq!(take(b"word").concat(), b"");
        assert_eq!(take(b"s\n").concat(), b"swords\n");
        assert!(matches!(take(b"x"), [_, Cow::Borrowed(b"x")]));
        assert!(matches!(take(b"hunter"), [_, Cow::Borrowed(b"")]));
        let [first, second] = take(b"2 or more\n");
        assert_eq!((&*first, &second), (&b"[redacted]"[..], &Cow::Borrowed(&b" or more\n"[..])));
        assert!(matches!(second, Cow::Owned(_)), "{second:?}");
        assert!(matches!(take(b"s"), [_, Cow::Borrowed(b"")]));
        let [first, second] = take(b"ome more\n");
        assert_eq!(&*first, b"s");
        assert!(matches!(second, Cow::Borrowed(b"ome more\n")));
    }

    #[test]
    fn cuts_change_nothing_in_large_outputs() {
        let mut random = Random(3);
        let secrets = secrets(&["line 1", "\u{1b}[0m", "🦀€", "xxxxx"]);
        for _ in 0..10 {
            let bytes = random.output(200_000);
            let whole = hidden(&secrets, &bytes, || usize::MAX);
            let most = [3, 100, 65_536][random.below(3) as usize];
            assert!(hidden(&secrets, &bytes, || 1 + random.below(most) as usize) == whole);
        }
    }
}
