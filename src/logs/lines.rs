//! Cuts the bytes of one stream into lines, across reads. What comes out depends on the
//! bytes alone, never on how they were split into reads (docs/logs.md, Lines).

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memrchr};

/// After so many bytes without a newline they become a line of their own.
pub(crate) const LONGEST: usize = 65_536;

/// The unfinished line of one stream, always shorter than [`LONGEST`].
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    partial: Vec<u8>,
}

/// Whole lines, each with its `\n`: `head` and `body` in a row. `head` begins the first line
/// and holds no `\n`; an empty `body` means no line.
#[derive(Debug, Default)]
pub(crate) struct Cut<'a> {
    pub(crate) head: Vec<u8>,
    pub(crate) body: Cow<'a, [u8]>,
}

impl Splitter {
    /// Takes at most [`LONGEST`] bytes and gives the lines that they complete; a `\r` before
    /// a `\n` is dropped. Whole lines are passed on without a copy.
    pub(crate) fn cut<'a>(&mut self, bytes: &'a [u8]) -> Cut<'a> {
        debug_assert!(bytes.len() <= LONGEST);
        let Some(last) = memrchr(b'\n', bytes) else {
            self.partial.extend_from_slice(bytes);
            let mut body = Vec::new();
            cut_pieces(&mut self.partial, &mut body);
            return Cut { head: Vec::new(), body: Cow::Owned(body) };
        };
        let (whole, rest) = bytes.split_at(last + 1);
        let head = std::mem::replace(&mut self.partial, rest.to_vec());
        // Only the first line can be too long: all others lie within these bytes.
        let first = memchr(b'\n', whole).expect("the last byte is a newline");
        let plain = memchr(b'\r', whole).is_none() && head.last() != Some(&b'\r');
        if plain && head.len() + first < LONGEST {
            return Cut { head, body: Cow::Borrowed(whole) };
        }
        Cut { head: Vec::new(), body: Cow::Owned(tidy(head, whole)) }
    }

    /// The stream is over: what is left becomes a line.
    pub(crate) fn finish(&mut self) -> Cut<'static> {
        let mut line = std::mem::take(&mut self.partial);
        if !line.is_empty() {
            line.push(b'\n');
        }
        Cut { head: Vec::new(), body: Cow::Owned(line) }
    }
}

/// The lines of `head` and `whole` with long ones cut and `\r\n` turned into `\n`.
fn tidy(head: Vec<u8>, whole: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(head.len() + whole.len() + 1);
    let mut line = head;
    let mut start = 0;
    for end in memchr_iter(b'\n', whole) {
        line.extend_from_slice(&whole[start..end]);
        cut_pieces(&mut line, &mut lines);
        lines.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(&line));
        lines.push(b'\n');
        line.clear();
        start = end + 1;
    }
    lines
}

/// Moves full pieces from the front of `line` to `lines`.
fn cut_pieces(line: &mut Vec<u8>, lines: &mut Vec<u8>) {
    while line.len() >= LONGEST {
        let end = boundary(&line[..LONGEST]);
        lines.extend(line.drain(..end));
        lines.push(b'\n');
    }
}

/// Where to cut so that no UTF-8 character is torn: at most three bytes early.
fn boundary(piece: &[u8]) -> usize {
    let is_torn = |back: &usize| match str::from_utf8(&piece[piece.len() - back..]) {
        Ok(_) => false,
        Err(error) => error.valid_up_to() == 0 && error.error_len().is_none(),
    };
    piece.len() - (1..=3).find(is_torn).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::tests::Random;

    /// The lines that come out when `bytes` arrive in reads of these sizes.
    fn split(bytes: &[u8], mut size: impl FnMut() -> usize) -> Vec<u8> {
        let (mut splitter, mut out, mut rest) = (Splitter::default(), Vec::new(), bytes);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(size().min(rest.len()));
            let cut = splitter.cut(now);
            assert!(splitter.partial.len() < LONGEST && !cut.head.contains(&b'\n'));
            assert!(cut.body.is_empty() && cut.head.is_empty() || cut.body.ends_with(b"\n"));
            out.extend([&cut.head[..], &cut.body[..]].concat());
            rest = later;
        }
        out.extend(splitter.finish().body.iter());
        out
    }

    #[test]
    fn lines_end_at_a_newline_and_lose_one_carriage_return() {
        for (bytes, lines) in [
            (&b""[..], &b""[..]),
            (b"\n", b"\n"),
            (b"a\nb\n", b"a\nb\n"),
            (b"a\nlast", b"a\nlast\n"),
            (b"a\r\nb\r\n", b"a\nb\n"),
            (b"\r\n", b"\n"),
            (b"10%\r20%\r\r\nx", b"10%\r20%\r\nx\n"),
            (b"end\r", b"end\r\n"),
            (b"\0\xff\x1b[31m\n", b"\0\xff\x1b[31m\n"),
        ] {
            assert_eq!(split(bytes, || LONGEST), lines, "{bytes:?}");
            assert_eq!(split(bytes, || 1), lines, "{bytes:?}");
        }
    }

    #[test]
    fn a_long_line_is_cut_where_no_character_is_torn() {
        let a = |count| vec![b'a'; count];
        for (bytes, lengths) in [
            (a(LONGEST - 1), vec![LONGEST - 1]),
            (a(LONGEST), vec![LONGEST]),
            (a(LONGEST + 1), vec![LONGEST, 1]),
            ([a(LONGEST), b"\nb".to_vec()].concat(), vec![LONGEST, 0, 1]),
            (a(1 << 20), vec![LONGEST; 16]),
            ([a(LONGEST - 1), "é".into()].concat(), vec![LONGEST - 1, 2]),
            ([a(LONGEST - 2), "é".into()].concat(), vec![LONGEST]),
            ([a(LONGEST - 3), "🦀".into()].concat(), vec![LONGEST - 3, 4]),
            ([a(LONGEST - 2), "€".into()].concat(), vec![LONGEST - 2, 3]),
            (vec![0x80; LONGEST + 1], vec![LONGEST, 1]),
            (vec![0xFF; LONGEST + 1], vec![LONGEST, 1]),
        ] {
            for size in [1000, 4096, LONGEST] {
                let lines = split(&bytes, || size);
                let cut: Vec<_> = lines.split(|&byte| byte == b'\n').map(<[u8]>::len).collect();
                assert_eq!(cut[..cut.len() - 1], lengths, "{} bytes by {size}", bytes.len());
            }
        }
    }

    #[test]
    fn how_reads_are_split_changes_nothing() {
        let mut random = Random(1);
        for _ in 0..30 {
            let bytes = random.output(300_000);
            let whole = split(&bytes, || 1 + LONGEST / 2);
            let sizes = [1, 40, 5_000, LONGEST as u64][random.below(4) as usize];
            assert!(split(&bytes, || 1 + random.below(sizes) as usize) == whole);
            let bare = |bytes: &[u8]| bytes.iter().filter(|b| !b"\r\n".contains(b)).count();
            assert_eq!(bare(&whole), bare(&bytes));
        }
    }
}
