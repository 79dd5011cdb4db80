//! A receiver of alerts on loopback: takes HTTP requests, keeps them, and answers as it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::daemon::PATIENCE;

/// One request that came.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) path: String,
    /// The lines of the head, names in lower case.
    pub(crate) head: Vec<String>,
    pub(crate) body: String,
    /// When all of it was there.
    pub(crate) at: Instant,
}

/// What is done with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Status(u16),
    /// A status with a further header line.
    With(u16, &'static str),
    /// No answer, for as long as the client waits.
    Hang,
    /// The connection is closed without an answer.
    Cut,
}

pub(crate) struct Sink {
    pub(crate) port: u16,
    got: Receiver<Got>,
}

impl Sink {
    /// `answer` is asked with each request and its number, counted from 1.
    pub(crate) fn new(answer: impl Fn(&Got, usize) -> Reply + Send + Sync + 'static) -> Sink {
        Sink::on(0, answer)
    }

    /// The same on a port that was chosen before.
    pub(crate) fn on(
        port: u16,
        answer: impl Fn(&Got, usize) -> Reply + Send + Sync + 'static,
    ) -> Sink {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, got) = mpsc::channel();
        let (answer, count) = (Arc::new(answer), Arc::new(Mutex::new(0)));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tell, answer, count) = (tell.clone(), Arc::clone(&answer), Arc::clone(&count));
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    while let Some(got) = read(&mut reader) {
                        let number = {
                            let mut count = count.lock().unwrap();
                            *count += 1;
                            *count
                        };
                        let reply = answer(&got, number);
                        // The test may be over.
                        let _ = tell.send(got);
                        if !write(reader.get_mut(), &reply) {
                            return;
                        }
                    }
                });
            }
        });
        Sink { port, got }
    }

    /// All is well, always.
    pub(crate) fn good() -> Sink {
        Sink::new(|_, _| Reply::Status(200))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The next request.
    #[track_caller]
    pub(crate) fn next(&self) -> Got {
        self.got.recv_timeout(PATIENCE).expect("a request comes")
    }

    /// The next request, if one comes in that time.
    pub(crate) fn next_within(&self, patience: Duration) -> Option<Got> {
        self.got.recv_timeout(patience).ok()
    }

    /// Everything that has come.
    pub(crate) fn all(&self) -> Vec<Got> {
        self.got.try_iter().collect()
    }
}

impl Got {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The first header of this name, which is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// `run.failed of a`.
    #[track_caller]
    pub(crate) fn told(&self) -> String {
        let json = self.json();
        format!("{} of {}", json["kind"].as_str().unwrap(), json["task"].as_str().unwrap())
    }

    /// The same at each attempt.
    pub(crate) fn id(&self) -> &str {
        self.header("idempotency-key").unwrap_or_else(|| panic!("{self:?}"))
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Got> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|&length| length > 0)?;
    let path = first.split(' ').nth(1)?.to_owned();
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        head.push(format!("{}: {value}", name.to_lowercase()));
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    Some(Got { path, head, body, at: Instant::now() })
}

/// Whether the connection goes on.
fn write(stream: &mut TcpStream, reply: &Reply) -> bool {
    let (status, line) = match reply {
        Reply::Status(status) => (status, ""),
        Reply::With(status, line) => (status, *line),
        Reply::Cut => return false,
        Reply::Hang => {
            // Until the client gives up.
            let _ = stream.read(&mut [0]);
            return false;
        }
    };
    let text = format!("HTTP/1.1 {status} Said\r\nContent-Length: 4\r\n{line}\r\nsaid");
    stream.write_all(text.as_bytes()).is_ok()
}
