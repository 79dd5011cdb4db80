//! From bytes as they come to whole requests. Nothing here depends on how they were cut.

use std::mem;

use crate::web::gate::head::{self, Head, Wrong};

/// A longer body is for those who are known (docs/security.md, Connections).
pub(crate) const SMALL: usize = 1024;
/// What a connection that waits may keep.
const KEPT: usize = 4096;

/// What a connection has sent and nobody has taken.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    bytes: Vec<u8>,
    /// So many of them are known not to end a head.
    seen: usize,
    /// The head of the request whose body comes.
    head: Option<Head>,
}

/// How far the next request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More must come.
    Wanting,
    /// Said once: the head is there, and the body is large or waits to be asked for.
    Begun,
    /// It can be taken.
    Whole,
}

impl Intake {
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether nothing of the next request has come.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.head.is_none()
    }

    /// The head of the request that has begun.
    pub(crate) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Looks at what has come.
    pub(crate) fn advance(&mut self) -> Result<Progress, Wrong> {
        let Some(head) = &self.head else { return self.advance_head() };
        Ok(match self.bytes.len() < head.length {
            true => Progress::Wanting,
            false => Progress::Whole,
        })
    }

    fn advance_head(&mut self) -> Result<Progress, Wrong> {
        // Some clients end a body with a line break that they do not count (RFC 9112, 2.2).
        // All at once: whoever sends nothing else must not have them moved pair by pair.
        let breaks = self.bytes.chunks_exact(2).take_while(|pair| pair == b"\r\n").count();
        self.bytes.drain(..2 * breaks);
        if self.bytes == b"\r" {
            return Ok(Progress::Wanting);
        }
        let Some(length) = head::length(&self.bytes, self.seen)? else {
            self.seen = self.bytes.len();
            return Ok(Progress::Wanting);
        };
        let head = Head::parse(&self.bytes[..length])?;
        self.bytes.drain(..length);
        self.seen = 0;
        let is_plain = head.length <= SMALL && !head.expects_continue;
        self.head = Some(head);
        if is_plain { self.advance() } else { Ok(Progress::Begun) }
    }

    /// Takes the whole request: its head and its body. What came after it stays.
    pub(crate) fn take(&mut self) -> Option<(Head, Vec<u8>)> {
        let head = self.head.take()?;
        let rest = self.bytes.split_off(head.length.min(self.bytes.len()));
        let body = mem::replace(&mut self.bytes, rest);
        if self.bytes.is_empty() && self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
        Some((head, body))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Requests = Vec<(Head, Vec<u8>)>;

    /// All requests that come out of `bytes`, and how it ended.
    fn requests(pieces: &[&[u8]]) -> (Requests, Result<(), Wrong>) {
        let (mut intake, mut found) = (Intake::default(), Vec::new());
        for piece in pieces {
            intake.add(piece);
            loop {
                match intake.advance() {
                    Err(wrong) => return (found, Err(wrong)),
                    Ok(Progress::Wanting) => break,
                    Ok(Progress::Begun) => {}
                    Ok(Progress::Whole) => found.extend(intake.take()),
                }
            }
        }
        (found, Ok(()))
    }

    #[test]
    fn requests_that_come_together_are_taken_one_by_one() {
        let text = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n\
            GET /b HTTP/1.1\r\nHost: a\r\n\r\nGET /c HT";
        let (found, end) = requests(&[text]);
        let found: Vec<(&str, &[u8])> =
            found.iter().map(|(head, body)| (&*head.target, &**body)).collect();
        assert_eq!(found, [("/a", &b"abc"[..]), ("/b", b"")]);
        assert_eq!(end, Ok(()));
    }

    #[test]
    fn a_large_body_and_one_that_waits_are_told_before_they_come() {
        for (field, told) in [
            ("Content-Length: 1024", Progress::Wanting),
            ("Content-Length: 1025", Progress::Begun),
            ("Content-Length: 1\r\nExpect: 100-continue", Progress::Begun),
        ] {
            let mut intake = Intake::default();
            intake.add(format!("POST / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n").as_bytes());
            assert_eq!(intake.advance(), Ok(told), "{field}");
            assert_eq!(intake.advance(), Ok(Progress::Wanting), "{field}");
        }
    }

    /// Bytes that often are parts of a request.
    fn soup() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            Just("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            Just("POST /x HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n\r\n"),
            Just("Cookie: a=b\r\n"),
            Just("Transfer-Encoding: chunked\r\n"),
            Just("\r\n"),
            Just("\r"),
            Just("\n"),
            Just(" "),
            Just("hello"),
        ];
        let part = prop_oneof![
            8 => part.prop_map(|text| text.as_bytes().to_vec()),
            1 => proptest::collection::vec(any::<u8>(), 0..8),
        ];
        proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_were_cut(
            bytes in soup(),
            cuts in proptest::collection::vec(1usize..40, 0..30),
        ) {
            let whole = requests(&[&bytes]);
            let (mut pieces, mut rest) = (Vec::new(), &bytes[..]);
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            prop_assert_eq!(&requests(&pieces), &whole);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&requests(&single), &whole);
        }
    }
}
