//! The connection over which requests go to the HTTP server behind the gate, one after the other
//! without waiting. Answers do not come back over it.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use crate::inbox::Inbox;
use crate::sys::epoll::{Epoll, Interest};
use crate::web::context::Context;
use crate::web::gate::bell::Bell;
use crate::web::gate::caps::Caps;
use crate::web::gate::connection::Connection;
use crate::web::gate::head::Head;
use crate::web::http::Peer;
use crate::web::server::{CLIENT, Outcome, PLACES, Place, Server};

/// The server and the line to it.
pub(crate) struct Line {
    server: Server,
    stream: UnixStream,
    /// The keys of the clients whose requests are under way, by the numbers of their places.
    clients: [Option<u64>; PLACES],
    outgoing: Vec<u8>,
    sent: usize,
    interest: Interest,
}

impl Line {
    /// Starts a server. The line is known by `key`.
    pub(crate) fn start(
        context: &Arc<Context>,
        inbox: &Inbox,
        caps: &Caps,
        bell: &Arc<Bell>,
        (epoll, key): (&Epoll, u64),
    ) -> io::Result<Line> {
        let (server, stream) = Server::start(context, inbox, caps, bell)?;
        stream.set_nonblocking(true)?;
        epoll.add(&stream, key, Interest::Read)?;
        Ok(Line {
            server,
            stream,
            clients: [None; PLACES],
            outgoing: Vec::new(),
            sent: 0,
            interest: Interest::Read,
        })
    }

    /// A place that is not in use.
    pub(crate) fn free(&self) -> Option<usize> {
        self.clients.iter().position(Option::is_none)
    }

    /// Puts a request on a free place; [`Line::send`] sends it.
    pub(crate) fn ask(
        &mut self,
        number: usize,
        (key, client): (u64, &Connection),
        (head, body): (&Head, &[u8]),
    ) {
        let place = Place { client: Arc::clone(&client.client), after: head.after };
        self.server.seat(number, place);
        self.clients[number] = Some(key);
        let mut text = String::with_capacity(256);
        head.write(&mut text);
        let peer = match client.peer {
            Peer::Tcp(address) => address.to_string(),
            Peer::Socket => "socket".to_owned(),
        };
        text += &format!("{CLIENT}: {number} {peer}\r\n");
        if !body.is_empty() {
            text += &format!("Content-Length: {}\r\n", body.len());
        }
        text += "\r\n";
        self.outgoing.extend_from_slice(text.as_bytes());
        self.outgoing.extend_from_slice(body);
    }

    /// Sends as much as goes, and waits to send the rest. An error is a line that is broken.
    pub(crate) fn send(&mut self, epoll: &Epoll, key: u64) -> io::Result<()> {
        let mut wanted = Interest::Read;
        while self.sent < self.outgoing.len() {
            match self.stream.write(&self.outgoing[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wanted = Interest::Write;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        if wanted == Interest::Read {
            self.outgoing.clear();
            // What a large body took is given back.
            self.outgoing.shrink_to(4096);
            self.sent = 0;
        }
        if wanted != self.interest {
            self.interest = wanted;
            epoll.change(&self.stream, key, wanted)?;
        }
        Ok(())
    }

    /// It can be written to again, or is broken, which is an error.
    pub(crate) fn proceed(&mut self, epoll: &Epoll, key: u64) -> io::Result<()> {
        self.send(epoll, key)?;
        // Nothing ever comes back over a line in use.
        match self.stream.read(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Ok(_) => Err(io::ErrorKind::InvalidData.into()),
            Err(error) => Err(error),
        }
    }

    /// The key of the client whose answer lies ready on a place, and what is left to be done.
    pub(crate) fn take(&mut self, number: usize) -> Option<(u64, Outcome)> {
        // Nothing is there when a worker of a server that was lost has answered late.
        let outcome = self.server.outcome(number)?;
        Some((self.clients[number].take()?, outcome))
    }

    /// The clients whose requests are under way.
    pub(crate) fn clients(&self) -> impl Iterator<Item = u64> + '_ {
        self.clients.iter().copied().flatten()
    }
}
