//! Reads a stream of server-sent events line by line (docs/api.md, Streams).

use std::io::{self, BufRead, BufReader, Read};

/// One event with data. Comments and `retry` are for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Of this event, or the last one before it that had one.
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) data: String,
}

/// The events of one connection, until it ends.
pub(crate) struct Events {
    lines: BufReader<Box<dyn Read + Send>>,
    id: Option<String>,
}

impl Events {
    pub(crate) fn new(body: impl Read + Send + 'static) -> Events {
        Events { lines: BufReader::new(Box::new(body)), id: None }
    }
}

impl Iterator for Events {
    type Item = io::Result<Event>;

    /// An event that the end of the connection cut is none.
    fn next(&mut self) -> Option<io::Result<Event>> {
        let (mut name, mut data) = (String::new(), None::<String>);
        let mut line = String::new();
        loop {
            line.clear();
            match self.lines.read_line(&mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                match data.take() {
                    Some(data) => return Some(Ok(Event { id: self.id.clone(), name, data })),
                    None => {
                        name.clear();
                        continue;
                    }
                }
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => name = value.to_owned(),
                "id" => self.id = Some(value.to_owned()),
                "data" => match &mut data {
                    Some(data) => data.extend(["\n", value]),
                    None => data = Some(value.to_owned()),
                },
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_whole_and_what_was_cut_is_dropped() {
        let text = "retry: 2000\n\n: ping\n\nid: 4\nevent: line\ndata: {\"n\":4}\n\n\
                    event: dropped\r\ndata:a\r\ndata: b\r\n\r\nevent: empty\n\n\
                    id: 5\nevent: line\ndata: cut";
        let events: Vec<Event> = Events::new(text.as_bytes()).map(|event| event.unwrap()).collect();
        let event = |name: &str, data: &str| Event {
            id: Some("4".to_owned()),
            name: name.to_owned(),
            data: data.to_owned(),
        };
        assert_eq!(events, [event("line", "{\"n\":4}"), event("dropped", "a\nb")]);
    }
}
