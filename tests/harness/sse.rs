//! A client of event streams that shows every event as it comes.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{Ipv4Addr, TcpStream};

use serde_json::Value;

use super::daemon::PATIENCE;

/// An open stream.
pub(crate) struct Events {
    /// The status line and the headers.
    pub(crate) head: String,
    reader: BufReader<TcpStream>,
    /// Comments seen so far.
    pub(crate) comments: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: Option<u64>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Events {
    /// Asks for the stream and reads the head of the answer; `headers` are whole lines.
    #[track_caller]
    pub(crate) fn open(port: u16, path: &str, headers: &[&str]) -> Events {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        // A quiet stream says something every 15 s only.
        stream.set_read_timeout(Some(2 * PATIENCE)).unwrap();
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").unwrap();
        let mut events =
            Events { head: String::new(), reader: BufReader::new(stream), comments: Vec::new() };
        while let Some(line) = events.line()
            && !line.is_empty()
        {
            events.head += &(line + "\n");
        }
        events
    }

    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The next event, comments passed over; none at the end of the stream.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<Event> {
        let (mut id, mut name, mut data) = (None, String::new(), None);
        loop {
            let line = self.line()?;
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "" if line.is_empty() => match data.take() {
                    Some(data) => return Some(Event { id, name, data }),
                    // The end of a comment or of `retry`.
                    None => continue,
                },
                "" => self.comments.push(value.to_owned()),
                "id" => id = Some(value.parse().unwrap()),
                "event" => name = value.to_owned(),
                "data" => data = Some(serde_json::from_str(value).unwrap()),
                "retry" => assert_eq!(value, "2000"),
                _ => panic!("not a field: {line:?}"),
            }
        }
    }

    /// The number that the stream begins with, before any event.
    #[track_caller]
    pub(crate) fn position(&mut self) -> u64 {
        loop {
            let line = self.line().unwrap();
            if let Some(id) = line.strip_prefix("id: ") {
                return id.parse().unwrap();
            }
        }
    }

    /// The next comment, with what comes before it passed over.
    #[track_caller]
    pub(crate) fn comment(&mut self) -> String {
        loop {
            let line = self.line().expect("the stream goes on");
            if let Some(text) = line.strip_prefix(": ") {
                return text.to_owned();
            }
        }
    }

    /// All events until one has this name, which is the last of them.
    #[track_caller]
    pub(crate) fn until(&mut self, name: &str) -> Vec<Event> {
        let mut seen = Vec::new();
        loop {
            let event = self.next();
            let event = event.unwrap_or_else(|| panic!("ended without {name}: {seen:?}"));
            let is_last = event.name == name;
            seen.push(event);
            if is_last {
                return seen;
            }
        }
    }

    #[track_caller]
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            Err(error) => panic!("the stream says nothing: {error}"),
        }
    }
}
