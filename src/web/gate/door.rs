//! Where clients come in: the port and the control socket. A moment without descriptors or memory
//! is waited out; accepting never ends.

use std::io;
use std::net::{IpAddr, TcpListener};
use std::time::Duration;

use crate::base::sentence::error_text;
use crate::sys::epoll::{Epoll, Interest};
use crate::web::gate::client::Client;
use crate::web::gate::control::Control;
use crate::web::http::Peer;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrance {
    Port,
    Control,
}

/// How long nobody is let in when there is nothing to let anybody in with.
const PAUSE: Duration = Duration::from_millis(100);
/// Between two lines of the log about that.
const SILENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Door {
    port: TcpListener,
    control: Option<Control>,
    paused_until: Option<Duration>,
    complained_at: Option<Duration>,
}

impl Door {
    /// `keys` are those of the port and of the control socket.
    pub(crate) fn open(
        port: TcpListener,
        control: Option<Control>,
        epoll: &Epoll,
        keys: [u64; 2],
    ) -> io::Result<Door> {
        port.set_nonblocking(true)?;
        epoll.add(&port, keys[0], Interest::Read)?;
        if let Some(control) = &control {
            epoll.add(control, keys[1], Interest::Read)?;
        }
        Ok(Door { port, control, paused_until: None, complained_at: None })
    }

    /// When clients are let in again.
    pub(crate) fn paused_until(&self) -> Option<Duration> {
        self.paused_until
    }

    /// Lets nobody in for a moment.
    pub(crate) fn pause(&mut self, epoll: &Epoll, keys: [u64; 2], now: Duration) -> io::Result<()> {
        self.paused_until = Some(now + PAUSE);
        self.wait_for(epoll, keys, Interest::Nothing)
    }

    /// Ends a pause that is over.
    pub(crate) fn resume(
        &mut self,
        epoll: &Epoll,
        keys: [u64; 2],
        now: Duration,
    ) -> io::Result<()> {
        if self.paused_until.is_none_or(|until| until > now) {
            return Ok(());
        }
        self.paused_until = None;
        self.wait_for(epoll, keys, Interest::Read)
    }

    /// Says why nobody is let in, but not again and again.
    pub(crate) fn complain(&mut self, error: &io::Error, now: Duration) {
        if self.complained_at.is_none_or(|at| now >= at + SILENCE) {
            self.complained_at = Some(now);
            log::warn!("cannot accept connections: {}; trying again", error_text(error));
        }
    }

    /// The next client: `Ok(None)` when nobody waits. An error is a lack of something.
    pub(crate) fn accept(&self, entrance: Entrance) -> io::Result<Option<(Client, Peer)>> {
        loop {
            let accepted = match (entrance, &self.control) {
                (Entrance::Port, _) => self.port.accept().map(|(stream, address)| {
                    // Answers are written in one piece; waiting for more would only delay them.
                    let _ = stream.set_nodelay(true);
                    Some((Client::Tcp(stream), Peer::Tcp(plain(address.ip()))))
                }),
                (Entrance::Control, Some(control)) => control
                    .accept()
                    .map(|stream| stream.map(|stream| (Client::Unix(stream), Peer::Socket))),
                (Entrance::Control, None) => return Ok(None),
            };
            match accepted {
                Ok(Some((client, peer))) => {
                    client.make_impatient()?;
                    return Ok(Some((client, peer)));
                }
                // Refused, and has been told about. The next one is heard of again, after others.
                Ok(None) => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn wait_for(&self, epoll: &Epoll, keys: [u64; 2], interest: Interest) -> io::Result<()> {
        epoll.change(&self.port, keys[0], interest)?;
        match &self.control {
            Some(control) => epoll.change(control, keys[1], interest),
            None => Ok(()),
        }
    }
}

/// Errors of the one connection that was to be accepted (accept(2), Error handling).
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
    )
}

/// An IPv4 address that came by an IPv6 socket is IPv4.
fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}
