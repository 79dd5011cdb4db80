//! The head of a request, from bytes to the few lines that the program reads. Strict where two
//! readers could understand two things (RFC 9112, 11.2): what is not plainly a request is refused,
//! and what stands behind it is never read as another one.

use std::fmt::Write;

use memchr::memchr_iter;

/// The longest head, with the blank line that ends it (docs/security.md, Connections).
pub(crate) const LONGEST: usize = 64 * 1024;
/// The longest body.
pub(crate) const LARGEST: usize = 1024 * 1024;

/// The header fields that somebody reads. A client can set no other.
const KEPT: [&str; 16] = [
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Content-Type",
    "Cookie",
    "Forwarded",
    "Host",
    "If-None-Match",
    "Last-Event-ID",
    "Origin",
    "Sec-Fetch-Site",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
];

/// What a request says before its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) method: String,
    /// Path and query, or `*`.
    pub(crate) target: String,
    /// Printable ASCII, in the order sent.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// Of the body, in bytes; [`LARGEST`] at most.
    pub(crate) length: usize,
    pub(crate) after: After,
    /// The client sends its body when it has heard that it may (RFC 9110, 10.1.1).
    pub(crate) expects_continue: bool,
}

/// What becomes of the connection after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    KeepAlive,
    Close,
}

/// Why a request is refused; the connection ends with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) status: u16,
    pub(crate) why: &'static str,
}

const fn bad(why: &'static str) -> Wrong {
    Wrong { status: 400, why }
}

/// The length of the head that `bytes` begin with, when it is all there. The first `seen` bytes
/// were looked at before.
pub(crate) fn length(bytes: &[u8], seen: usize) -> Result<Option<usize>, Wrong> {
    // Such as TLS, which would wait for an answer for ever.
    if bytes.first().is_some_and(|first| !is_token(*first)) {
        return Err(bad("this is not HTTP"));
    }
    let window = &bytes[..bytes.len().min(LONGEST)];
    for place in memchr_iter(b'\n', &window[seen.min(window.len())..]) {
        let end = seen + place + 1;
        if !window[..end].ends_with(b"\r\n") {
            return Err(bad("a line of the head does not end in CR LF"));
        }
        if window[..end].ends_with(b"\r\n\r\n") {
            return Ok(Some(end));
        }
    }
    match bytes.len() < LONGEST {
        true => Ok(None),
        false => Err(Wrong { status: 431, why: "the head is longer than 64 KiB" }),
    }
}

impl Head {
    /// Reads a whole head, with its blank line.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Head, Wrong> {
        let mut lines = Lines(bytes);
        let first = std::str::from_utf8(lines.next().unwrap_or_default());
        let mut words = first.map_err(|_| bad("the request line is not ASCII"))?.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(bad("the request line is not METHOD TARGET VERSION"));
        };
        if method.is_empty() || !method.bytes().all(is_token) {
            return Err(bad("the method is not a token"));
        }
        let (target, authority) = split_target(method, target)?;
        let mut reading = Reading { authority: authority.map(str::to_owned), ..Reading::default() };
        for line in lines {
            reading.field(line)?;
        }
        let head = Head { method: method.to_owned(), target, ..reading.settle(version)? };
        Ok(head)
    }

    /// The request line and the fields for the next reader, each line with its end.
    pub(crate) fn write(&self, to: &mut String) {
        let _ = write!(to, "{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.fields {
            let _ = write!(to, "{name}: {value}\r\n");
        }
    }
}

/// The lines up to the blank one.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memmem::find(self.0, b"\r\n")?;
        let line = &self.0[..end];
        self.0 = &self.0[end + 2..];
        (!line.is_empty()).then_some(line)
    }
}

/// Path and query, and the host that an absolute target names (RFC 9112, 3.2).
fn split_target<'a>(method: &str, target: &'a str) -> Result<(String, Option<&'a str>), Wrong> {
    if target.is_empty() || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad("the target is not percent-encoded ASCII"));
    }
    if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
        return Ok((target.to_owned(), None));
    }
    let scheme = target.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://"));
    if scheme.is_none() {
        return Err(bad("the target is not a path"));
    }
    let rest = &target[7..];
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let slash = if path.starts_with('/') { "" } else { "/" };
    Ok((format!("{slash}{path}"), Some(authority)))
}

/// What the fields have said so far.
#[derive(Default)]
struct Reading {
    fields: Vec<(&'static str, String)>,
    /// Of an absolute target; it wins over `Host`.
    authority: Option<String>,
    hosts: usize,
    length: Option<usize>,
    is_chunked: bool,
    closes: bool,
    expects_continue: bool,
}

impl Reading {
    fn field(&mut self, line: &[u8]) -> Result<(), Wrong> {
        let colon = memchr::memchr(b':', line).ok_or(bad("a header line has no colon"))?;
        // A folded line begins with a blank, which is no token either.
        if colon == 0 || !line[..colon].iter().copied().all(is_token) {
            return Err(bad("a header name is not a token"));
        }
        let value = trimmed(&line[colon + 1..]);
        if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(bad("a header value has control characters"));
        }
        // Nobody reads more than ASCII; cookies of other programs may have it.
        let plain = |byte: &u8| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '?' };
        let value: String = value.iter().map(plain).collect();
        let is = |name: &str| line[..colon].eq_ignore_ascii_case(name.as_bytes());
        if is("Content-Length") {
            return self.content_length(&value);
        }
        if is("Transfer-Encoding") {
            self.is_chunked = true;
        }
        if is("Connection") {
            self.closes |= value.split(',').any(|word| word.trim().eq_ignore_ascii_case("close"));
        }
        if is("Expect") {
            self.expects_continue |= value.eq_ignore_ascii_case("100-continue");
        }
        let Some(name) = KEPT.into_iter().find(|name| is(name)) else { return Ok(()) };
        if name == "Host" {
            self.hosts += 1;
            if self.authority.is_some() {
                return Ok(());
            }
        }
        self.fields.push((name, value));
        Ok(())
    }

    fn content_length(&mut self, value: &str) -> Result<(), Wrong> {
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad("Content-Length is not a number"));
        }
        // What does not fit is too large anyway.
        let length = value.parse().unwrap_or(usize::MAX);
        match self.length.replace(length) {
            None => Ok(()),
            Some(_) => Err(bad("Content-Length is there twice")),
        }
    }

    fn settle(mut self, version: &str) -> Result<Head, Wrong> {
        let after = match version {
            "HTTP/1.1" if !self.closes => After::KeepAlive,
            // Whoever speaks 1.0 gets no more than 1.0 promises.
            "HTTP/1.1" | "HTTP/1.0" => After::Close,
            _ => return Err(bad("the version is not HTTP/1.1")),
        };
        if self.hosts > 1 || (self.hosts == 0 && version == "HTTP/1.1") {
            return Err(bad("there is not one Host"));
        }
        if self.is_chunked && self.length.is_some() {
            return Err(bad("both Content-Length and Transfer-Encoding are there"));
        }
        if self.is_chunked {
            return Err(Wrong { status: 411, why: "a body needs a Content-Length" });
        }
        let length = self.length.unwrap_or_default();
        if length > LARGEST {
            return Err(Wrong { status: 413, why: "the body is larger than 1 MiB" });
        }
        if let Some(authority) = self.authority {
            self.fields.push(("Host", authority));
        }
        Ok(Head {
            method: String::new(),
            target: String::new(),
            fields: self.fields,
            length,
            after,
            expects_continue: self.expects_continue && version == "HTTP/1.1",
        })
    }
}

/// Without the blanks and tabs around it (RFC 9110, 5.6.3). A carriage return at the edge is none of
/// them: some readers end a line there.
fn trimmed(value: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let begin = value.iter().position(|byte| !is_blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_blank(byte)).map_or(begin, |last| last + 1);
    &value[begin..end]
}

/// RFC 9110, 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "GET / HTTP/1.1\r\nHost: a\r\n";

    fn parse(text: &str) -> Result<Head, u16> {
        Head::parse(text.as_bytes()).map_err(|wrong| wrong.status)
    }

    #[test]
    fn a_head_keeps_what_is_read_and_nothing_else() {
        let head = parse(
            "POST /a?b=%20 HTTP/1.1\r\nhOST: x:1\r\nX-Other: 1\r\nRunwisp-Client: 0 127.0.0.1\r\n\
             COOKIE: \t a=b\t\r\nX-Forwarded-For: 1\r\nX-Forwarded-For: 2\r\nContent-Length: 7\r\n\
             Expect: 100-Continue\r\nConnection: x, Close\r\nAccept:\r\n\r\n",
        );
        let fields = [
            ("Host", "x:1"),
            ("Cookie", "a=b"),
            ("X-Forwarded-For", "1"),
            ("X-Forwarded-For", "2"),
            ("Accept", ""),
        ];
        let expected = Head {
            method: "POST".to_owned(),
            target: "/a?b=%20".to_owned(),
            fields: fields.map(|(name, value)| (name, value.to_owned())).to_vec(),
            length: 7,
            after: After::Close,
            expects_continue: true,
        };
        let mut text = String::new();
        expected.write(&mut text);
        assert_eq!(head, Ok(expected));
        assert_eq!(
            text,
            "POST /a?b=%20 HTTP/1.1\r\nHost: x:1\r\nCookie: a=b\r\nX-Forwarded-For: 1\r\n\
             X-Forwarded-For: 2\r\nAccept: \r\n"
        );
        let cookie = Head::parse(b"GET / HTTP/1.0\r\nCookie: \xc3\xa4=\tb\r\n\r\n").unwrap();
        assert_eq!(cookie.fields, [("Cookie", "??=?b".to_owned())]);
    }

    #[test]
    fn versions_and_targets_mean_what_they_say() {
        for (line, target, host, after) in [
            ("GET / HTTP/1.1", "/", "a", After::KeepAlive),
            ("GET / HTTP/1.0", "/", "a", After::Close),
            ("GET http://b:2/x?y HTTP/1.1", "/x?y", "b:2", After::KeepAlive),
            ("GET HTTP://b HTTP/1.1", "/", "b", After::KeepAlive),
            ("GET http://b?y HTTP/1.1", "/?y", "b", After::KeepAlive),
            ("OPTIONS * HTTP/1.1", "*", "a", After::KeepAlive),
            ("p~t // HTTP/1.1", "//", "a", After::KeepAlive),
        ] {
            let head = parse(&format!("{line}\r\nHost: a\r\n\r\n")).unwrap();
            assert_eq!((&*head.target, head.after), (target, after), "{line}");
            assert_eq!(head.fields, [("Host", host.to_owned())], "{line}");
        }
        assert_eq!(parse("GET / HTTP/1.0\r\n\r\n").unwrap().fields, []);
    }

    #[test]
    fn what_is_not_plainly_a_request_is_refused() {
        for line in [
            "GET /",
            "GET  / HTTP/1.1",
            "GET / HTTP/1.1 ",
            "GET / HTTP/1.1 x",
            " GET / HTTP/1.1",
            "G(T / HTTP/1.1",
            "GET x HTTP/1.1",
            "GET * HTTP/1.1",
            "GET https://a/ HTTP/1.1",
            "CONNECT a:1 HTTP/1.1",
            "GET /ä HTTP/1.1",
            "GET /\u{1}b HTTP/1.1",
            "GET /\tb HTTP/1.1",
            "GET / HTTP/2.0",
            "GET / HTTP/1.2",
            "GET / http/1.1",
            "GET / HTTP/1.1\r",
        ] {
            assert_eq!(parse(&format!("{line}\r\nHost: a\r\n\r\n")), Err(400), "{line:?}");
        }
        for (field, status) in [
            ("Host: b", 400),
            ("x", 400),
            (": x", 400),
            ("x : y", 400),
            (" folded", 400),
            ("\tfolded: y", 400),
            ("x: a\rb", 400),
            ("x: a\r", 400),
            ("x:\ra", 400),
            ("x: a\u{c}", 400),
            ("Content-Length: \r1", 400),
            ("Transfer-Encoding: chunked\u{c}", 400),
            ("x: a\0b", 400),
            ("x: \u{7f}", 400),
            ("x\0: y", 400),
            ("Content-Length: ", 400),
            ("Content-Length: -1", 400),
            ("Content-Length: +1", 400),
            ("Content-Length: 0x1", 400),
            ("Content-Length: 1, 1", 400),
            ("Content-Length: 1\r\nContent-Length: 1", 400),
            ("Content-Length: 1\r\nTransfer-Encoding: chunked", 400),
            ("Transfer-Encoding: chunked", 411),
            ("Transfer-Encoding: identity", 411),
            ("Content-Length: 1048577", 413),
            ("Content-Length: 99999999999999999999999999", 413),
        ] {
            assert_eq!(parse(&format!("{PLAIN}{field}\r\n\r\n")), Err(status), "{field:?}");
        }
        assert_eq!(parse("GET / HTTP/1.1\r\n\r\n"), Err(400), "no host");
        assert_eq!(
            parse(&format!("{PLAIN}Content-Length: 1048576\r\n\r\n")).unwrap().length,
            LARGEST
        );
    }

    #[test]
    fn a_head_ends_with_a_blank_line_and_in_time() {
        let status = |bytes: &[u8]| length(bytes, 0).map_err(|wrong| wrong.status);
        assert_eq!(status(b""), Ok(None));
        assert_eq!(status(b"GET / HTTP/1.1\r\nHost: a\r\n\r"), Ok(None));
        assert_eq!(status(b"GET / HTTP/1.0\r\n\r\nGET"), Ok(Some(18)));
        assert_eq!(status(b"GET / HTTP/1.0\n"), Err(400));
        assert_eq!(status(b"GET / HTTP/1.0\r\n\n"), Err(400));
        assert_eq!(status(b"\x16\x03\x01"), Err(400));
        let long = [b'a'; LONGEST];
        assert_eq!(status(&long[1..]), Ok(None));
        assert_eq!(status(&long), Err(431));
    }
}
