//! Binds the port, and says who has it when it is taken.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use crate::base::sentence::error_text;
use crate::web::client::{self, Answer, Who};

#[derive(Debug)]
pub(crate) enum ListenError {
    /// Another runwisp daemon answers there.
    Daemon {
        port: u16,
    },
    /// Something else holds the port.
    InUse {
        host: String,
        port: u16,
    },
    Other {
        host: String,
        port: u16,
        cause: io::Error,
    },
}

/// Binds the first address that `host` means.
pub(crate) fn listen(host: &str, port: u16) -> Result<TcpListener, ListenError> {
    let other = |cause| ListenError::Other { host: host.to_owned(), port, cause };
    let mut addresses = (host, port).to_socket_addrs().map_err(other)?;
    let nobody = || other(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    let address: SocketAddr = addresses.next().ok_or_else(nobody)?;
    TcpListener::bind(address).map_err(|cause| {
        if cause.kind() != io::ErrorKind::AddrInUse {
            return other(cause);
        }
        if is_daemon(host, port) {
            return ListenError::Daemon { port };
        }
        ListenError::InUse { host: host.to_owned(), port }
    })
}

fn is_daemon(host: &str, port: u16) -> bool {
    match client::health(host, port, client::GLANCE) {
        Answer::Healthy | Answer::Said { by: Who::Daemon, .. } => true,
        Answer::Said { by: Who::Stranger, .. } | Answer::Unreachable(_) => false,
    }
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenError::Daemon { port } => write!(
                f,
                "another RunWisp daemon is already running on port {port}; \
                 see `runwisp status --port {port}`, or choose another --port"
            ),
            ListenError::InUse { host, port } => write!(
                f,
                "port {port} on {host} is already in use by another process; find it with \
                 `ss -ltnp 'sport = :{port}'` or `lsof -iTCP:{port} -sTCP:LISTEN`, or choose another --port"
            ),
            ListenError::Other { host, port, cause } => {
                let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                write!(f, "cannot listen on {bracketed}:{port}: {}", error_text(cause))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::threads;

    /// What is said of a port whose holder answers one question like this.
    fn refused(answer: &'static str) -> (u16, String) {
        let holder = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = holder.local_addr().unwrap().port();
        let other = holder.try_clone().unwrap();
        let thread = threads::spawn("holder", move || {
            let (mut stream, _) = other.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let message = listen("127.0.0.1", port).unwrap_err().to_string();
        thread.unwrap().join().unwrap();
        (port, message)
    }

    #[test]
    fn who_holds_the_port_is_said() {
        let (port, message) = refused(
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 21\r\n\r\n{\"status\":\"starting\"}",
        );
        let wanted = format!("another RunWisp daemon is already running on port {port}; ");
        assert!(message.starts_with(&wanted), "{message}");
        for stranger in ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", "220 mail\r\n", ""] {
            let (port, message) = refused(stranger);
            let wanted = format!("port {port} on 127.0.0.1 is already in use by another process; ");
            assert!(message.starts_with(&wanted), "{message}");
        }
        // Reserved for documentation (RFC 5737, RFC 3849): never an address of this host.
        for (host, shown) in [("192.0.2.1", "192.0.2.1:1"), ("2001:db8::1", "[2001:db8::1]:1")] {
            let message = listen(host, 1).unwrap_err().to_string();
            assert!(message.starts_with(&format!("cannot listen on {shown}: ")), "{message}");
        }
    }
}
