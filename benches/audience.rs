//! Event streams that somebody reads and throws away: over the control socket, where one client
//! may have as many as there are.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};

use crate::harness::Home;

/// Open streams; closed when dropped.
pub(crate) struct Audience(Vec<(UnixStream, JoinHandle<()>)>);

impl Audience {
    /// So many streams of what the path names, each of which has begun.
    pub(crate) fn of(home: &Home, path: &str, count: usize) -> Audience {
        let listener = |_| {
            let mut stream = UnixStream::connect(home.data().join("runwisp.sock")).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).unwrap();
            let head = String::from_utf8_lossy(&bytes[..read]);
            assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
            let mut reader = stream.try_clone().unwrap();
            let thread =
                thread::spawn(move || while reader.read(&mut bytes).is_ok_and(|read| read > 0) {});
            (stream, thread)
        };
        Audience((0..count).map(listener).collect())
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        for (stream, thread) in self.0.drain(..) {
            // One that the daemon has closed is as good.
            let _ = stream.shutdown(Shutdown::Both);
            thread.join().unwrap();
        }
    }
}
