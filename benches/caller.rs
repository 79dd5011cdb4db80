//! A client that keeps its connection and takes each answer whole.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use crate::report::ms;

/// A client of the TCP port, with or without a session.
pub(crate) struct Caller {
    port: u16,
    /// A line of the head, or nothing.
    authorization: String,
    stream: Option<TcpStream>,
    answer: Vec<u8>,
}

impl Caller {
    /// `token` may be empty.
    pub(crate) fn new(port: u16, token: &str) -> Caller {
        let authorization = match token {
            "" => String::new(),
            token => format!("Authorization: Bearer {token}\r\n"),
        };
        Caller { port, authorization, stream: None, answer: vec![0; 64 * 1024] }
    }

    /// The request as it goes over the wire.
    pub(crate) fn request(&self, path: &str) -> Vec<u8> {
        let Caller { authorization, .. } = self;
        format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/8.14.1\r\n\
             Accept: */*\r\n{authorization}\r\n"
        )
        .into_bytes()
    }

    /// Head and body of the answer, which has to be a good one.
    #[track_caller]
    pub(crate) fn get(&mut self, path: &str) -> (&str, &[u8]) {
        let request = self.request(path);
        let mut stream = self.stream.take().unwrap_or_else(|| connect(self.port));
        stream.write_all(&request).unwrap();
        let (mut count, mut whole) = (0, None);
        while whole.is_none_or(|(_, length)| count < length) {
            if count == self.answer.len() {
                self.answer.resize(2 * count, 0);
            }
            let read = stream.read(&mut self.answer[count..]).unwrap();
            assert!(read > 0, "{path}: the answer ends early");
            count += read;
            whole = whole.or_else(|| lengths(&self.answer[..count]));
        }
        let (head, length) = whole.unwrap();
        assert_eq!(count, length, "{path}");
        let text = std::str::from_utf8(&self.answer[..head]).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 "), "{path}: {text}");
        if !text.contains("\r\nConnection: close\r\n") {
            self.stream = Some(stream);
        }
        (text, &self.answer[head..length])
    }

    /// Milliseconds of one request.
    #[track_caller]
    pub(crate) fn time(&mut self, path: &str) -> f64 {
        let begun = Instant::now();
        self.get(path);
        ms(begun.elapsed())
    }

    /// Milliseconds of one request over a connection of its own.
    #[track_caller]
    pub(crate) fn time_afresh(&mut self, path: &str) -> f64 {
        self.stream = None;
        self.time(path)
    }

    /// The answer from its first byte on, still to be read.
    pub(crate) fn open(&self, path: &str) -> TcpStream {
        let mut stream = connect(self.port);
        stream.write_all(&self.request(path)).unwrap();
        stream
    }
}

pub(crate) fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Bytes of the head and of the whole answer, as soon as the head is whole.
fn lengths(answer: &[u8]) -> Option<(usize, usize)> {
    let head = 4 + memchr::memmem::find(answer, b"\r\n\r\n")?;
    let text = std::str::from_utf8(&answer[..head]).unwrap();
    let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    Some((head, head + length.unwrap().parse::<usize>().unwrap()))
}
