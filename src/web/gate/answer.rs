//! Answers as bytes. What every answer carries stands here and nowhere else.

use std::io::{self, IoSlice, Write};
use std::time::Duration;

use crate::web::gate::head::After;
use crate::web::http::{Body, Method, Problem, Whole, reason};

/// On everything that we send (docs/security.md, Headers).
const ALWAYS: &str = "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n\
                      Referrer-Policy: no-referrer\r\n";

/// When to come again after a 503, in seconds.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// An answer that waits to be sent.
#[derive(Debug)]
pub(crate) struct Ready {
    /// Status line and fields, without the blank line.
    head: Vec<u8>,
    body: Body,
    written: usize,
}

/// How far the sending has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    All,
    /// The client takes no more for now; whether it took something.
    Some,
    Nothing,
}

impl Ready {
    pub(crate) fn new(whole: Whole, method: Method) -> Ready {
        // These never have a body, and say nothing about its length (RFC 9110, 8.6).
        let length = match whole.status {
            204 | 304 => None,
            _ => Some(whole.body.bytes().len() as u64),
        };
        let head = head(whole.status, &whole.headers, length);
        let body = if method == Method::Head { Body::Static(b"") } else { whole.body };
        Ready { head, body, written: 0 }
    }

    /// An answer without a body.
    pub(crate) fn bare(head: Vec<u8>) -> Ready {
        Ready { head, body: Body::Static(b""), written: 0 }
    }

    /// Says what becomes of the connection, which ends the head. Once, before it is sent.
    pub(crate) fn end_head(mut self, after: After) -> Ready {
        self.head.extend_from_slice(ending(after));
        self
    }

    /// Whether everything has been sent.
    pub(crate) fn is_sent(&self) -> bool {
        self.written == self.head.len() + self.body.bytes().len()
    }

    /// Sends as much as goes.
    pub(crate) fn send(&mut self, to: &mut impl Write) -> io::Result<Sent> {
        let before = self.written;
        loop {
            let (head, body) = (&self.head[..], self.body.bytes());
            let head_left = &head[self.written.min(head.len())..];
            let body_left = &body[self.written.saturating_sub(head.len())..];
            if head_left.is_empty() && body_left.is_empty() {
                return Ok(Sent::All);
            }
            let sent = match head_left.is_empty() {
                true => to.write(body_left),
                false => to.write_vectored(&[IoSlice::new(head_left), IoSlice::new(body_left)]),
            };
            match sent {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(if self.written > before { Sent::Some } else { Sent::Nothing });
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Status line and fields, without the blank line.
pub(crate) fn head(
    status: u16,
    headers: &[(&'static str, String)],
    length: Option<u64>,
) -> Vec<u8> {
    let mut head = Vec::with_capacity(256);
    // A vector takes everything.
    let _ = write!(head, "HTTP/1.1 {status} {}\r\n{ALWAYS}", reason(status));
    for (name, value) in headers {
        // What a value brings can never become a field of its own.
        let value = value.replace(|c: char| c.is_ascii_control(), " ");
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if let Some(length) = length {
        let _ = write!(head, "Content-Length: {length}\r\n");
    }
    head
}

/// What stands behind the fields.
pub(crate) fn ending(after: After) -> &'static [u8] {
    match after {
        After::KeepAlive => b"\r\n",
        After::Close => b"Connection: close\r\n\r\n",
    }
}

/// 503: so many at once, and no more.
pub(crate) fn busy(detail: &'static str) -> Whole {
    let problem = Problem::new(503, detail);
    let problem = problem.header("Retry-After", RETRY_AFTER.as_secs().to_string());
    problem.header("Cache-Control", "no-store").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a few bytes at a time.
    struct Slow(Vec<u8>, usize);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.1 == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let count = bytes.len().min(self.1);
            self.1 -= count;
            self.0.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn sent(whole: Whole, method: Method, after: After, room: usize) -> String {
        let (mut ready, mut to) = (Ready::new(whole, method).end_head(after), Slow(Vec::new(), 0));
        assert_eq!(ready.send(&mut to).unwrap(), Sent::Nothing);
        loop {
            to.1 = room;
            if ready.send(&mut to).unwrap() == Sent::All {
                return String::from_utf8(to.0).unwrap();
            }
        }
    }

    #[test]
    fn an_answer_arrives_whole_however_slow_the_client_is() {
        let expected = "HTTP/1.1 200 OK\r\nX-Content-Type-Options: nosniff\r\n\
            X-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n\
            Content-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello";
        for room in [1, 7, 1000] {
            let whole = Whole::text(200, "hello");
            assert_eq!(sent(whole, Method::Get, After::KeepAlive, room), expected);
        }
    }

    #[test]
    fn heads_say_what_is_true() {
        let head = |whole, method| sent(whole, method, After::Close, 1000);
        let asked = head(Whole::text(200, "hello"), Method::Head);
        assert!(asked.ends_with("\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"), "{asked}");
        for status in [204, 304] {
            let empty = head(Whole::new(status), Method::Get);
            assert!(!empty.contains("Content-Length"), "{empty}");
        }
        let forged = head(Whole::new(302).header("Location", "/a\r\nSet-Cookie: b"), Method::Get);
        assert!(forged.contains("\r\nLocation: /a  Set-Cookie: b\r\n"), "{forged}");
        let refused = head(busy("too many"), Method::Get);
        assert!(refused.contains("\r\nRetry-After: 5\r\n"), "{refused}");
        assert!(refused.contains("\r\nCache-Control: no-store\r\n"), "{refused}");
    }
}
