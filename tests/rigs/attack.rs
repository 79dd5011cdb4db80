//! Somebody who wants in: what strangers on the network, other users of the machine, other sites
//! and hostile names may try (docs/security.md). What `login`, `doors` and `boot` prove already is
//! not repeated here.

mod files;
mod guessing;
mod hostile_input;
mod neighbour;
mod paths;
mod smuggling;
mod tokens;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::os::unix::net::UnixStream;

use crate::harness::daemon::PATIENCE;
use crate::harness::http::Answer;
use crate::harness::{Daemon, Home};

/// A task that must never run, and what only a session may do.
const CANARY: &str = "[tasks.canary]\nrun = \"true\"\n";

/// The number of runs that the canary has made.
fn canaries(home: &Home) -> usize {
    home.rows("canary").len()
}

fn password(home: &Home) -> String {
    home.read("data/password").trim_end().to_owned()
}

/// A client that says whatever it likes and reads one answer after the other.
struct Wire(BufReader<TcpStream>);

impl Wire {
    fn open(port: u16) -> Wire {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Wire(BufReader::new(stream))
    }

    /// Whether it could be said: the daemon may have hung up.
    fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.get_mut().write_all(bytes.as_ref()).is_ok()
    }

    /// The next answer; nothing at the end of the connection.
    fn answer(&mut self) -> Option<Answer> {
        let mut text = String::new();
        while !text.ends_with("\r\n\r\n") {
            match self.0.read_line(&mut text) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) if is_gone(error.kind()) => return None,
                Err(error) => panic!("{error} after {text:?}"),
            }
        }
        let mut answer = Answer::parse(&text).unwrap();
        let length = answer.header("content-length").map_or(0, |text| text.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        answer.body = String::from_utf8_lossy(&body).into_owned();
        Some(answer)
    }
}

fn is_gone(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

/// All that comes back to somebody who says this and then nothing more.
fn reply(port: u16, bytes: impl AsRef<[u8]>) -> String {
    let mut wire = Wire::open(port);
    wire.say(bytes);
    // It may be closed already.
    let _ = wire.0.get_ref().shutdown(Shutdown::Write);
    let mut text = Vec::new();
    match wire.0.read_to_end(&mut text) {
        Ok(_) => {}
        Err(error) if is_gone(error.kind()) => {}
        Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&text)),
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The statuses of all answers in a text; none of our bodies begins like one.
fn statuses(text: &str) -> Vec<u16> {
    text.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].parse().unwrap()).collect()
}

/// A request over the control socket, as it is.
fn over_socket(home: &Home, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = UnixStream::connect(home.data().join("runwisp.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes.as_ref()).unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

/// The daemon is well, and both doors answer the right people.
#[track_caller]
fn assert_well(daemon: &Daemon<'_>) {
    for _ in 0..5 {
        assert!(daemon.is_healthy());
        assert_eq!(daemon.call("GET", "/api/info", &[], "").status, 401);
        let ask = "GET /api/info HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        assert_eq!(statuses(&over_socket(daemon.home(), ask)), [200]);
    }
}
