//! The socket of a client, of either family; while its answer is written by a thread of its own,
//! also the [`Sink`] of that answer.

use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::sys::{poll, sendfile};
use crate::web::http::Sink;

/// A client that takes nothing for so long is given up (docs/security.md, Connections).
pub(crate) const READER: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) enum Client {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Client {
    pub(crate) fn try_clone(&self) -> io::Result<Client> {
        match self {
            Client::Tcp(stream) => stream.try_clone().map(Client::Tcp),
            Client::Unix(stream) => stream.try_clone().map(Client::Unix),
        }
    }

    /// Sends the end; the client may still send.
    pub(crate) fn end(&self) -> io::Result<()> {
        match self {
            Client::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Client::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    /// Neither reading nor writing waits for the client.
    pub(crate) fn make_impatient(&self) -> io::Result<()> {
        match self {
            Client::Tcp(stream) => stream.set_nonblocking(true),
            Client::Unix(stream) => stream.set_nonblocking(true),
        }
    }

    /// From now on writing waits for the client, for [`READER`] at most.
    pub(crate) fn make_patient(&self) -> io::Result<()> {
        match self {
            Client::Tcp(stream) => {
                stream.set_nonblocking(false)?;
                stream.set_write_timeout(Some(READER))
            }
            Client::Unix(stream) => {
                stream.set_nonblocking(false)?;
                stream.set_write_timeout(Some(READER))
            }
        }
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Client::Tcp(stream) => stream.as_fd(),
            Client::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Read for &Client {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Client::Tcp(stream) => (&*stream).read(bytes),
            Client::Unix(stream) => (&*stream).read(bytes),
        }
    }
}

impl Write for &Client {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Client::Tcp(stream) => (&*stream).write(bytes),
            Client::Unix(stream) => (&*stream).write(bytes),
        }
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Client::Tcp(stream) => (&*stream).write_vectored(parts),
            Client::Unix(stream) => (&*stream).write_vectored(parts),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Client {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(parts)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Client {
    fn send_file(&mut self, file: &File, from: u64, length: u64) -> io::Result<()> {
        sendfile::send(self, file, from, length)
    }

    fn may_be_gone(&self) -> bool {
        let stirs = poll::readable([Some(self.as_fd())], Some(Duration::ZERO));
        stirs.map_or(true, |[stirs]| stirs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::scratch::Scratch;

    #[test]
    fn a_client_that_has_closed_is_noticed_without_a_write() {
        let (near, far) = UnixStream::pair().unwrap();
        let client = Client::Unix(near);
        client.make_patient().unwrap();
        assert!(!client.may_be_gone());
        drop(far);
        assert!(client.may_be_gone());
    }

    #[test]
    fn a_part_of_a_file_is_sent_and_a_short_one_is_an_error() {
        let scratch = Scratch::new();
        let path = scratch.path().join("log");
        std::fs::write(&path, "0123456789").unwrap();
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut client = Client::Unix(near);
        client.make_patient().unwrap();
        let file = File::open(&path).unwrap();
        client.send_file(&file, 3, 4).unwrap();
        client.send_file(&file, 0, 1).unwrap();
        let error = client.send_file(&file, 8, 3).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        drop(client);
        let mut got = String::new();
        far.read_to_string(&mut got).unwrap();
        assert_eq!(got, "3456089");
    }
}
