//! Tells systemd how far the daemon is (sd_notify(3)); says nothing where nobody asked.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::{env, io};

/// Schedules run and `/health` answers 200.
pub(crate) const READY: &str = "READY=1";
/// The shutdown has begun.
pub(crate) const STOPPING: &str = "STOPPING=1";

/// The configuration is read again; [`READY`] follows. The time is for units of the type
/// `notify-reload` (sd_notify(3)).
pub(crate) fn reloading() -> String {
    format!("RELOADING=1\nMONOTONIC_USEC={}", crate::sys::clock::monotonic().as_micros())
}

/// Sends one state to `$NOTIFY_SOCKET`, a path or, after `@`, an abstract name.
pub(crate) fn notify(state: &str) {
    let Some(address) = env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(error) = send(&address, state) {
        log::warn!("cannot notify the service manager at {}: {error}", address.display());
    }
}

fn send(address: &OsStr, state: &str) -> io::Result<()> {
    let address = match address.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_arrives_at_an_abstract_socket() {
        let name = format!("runwisp-test-{}", std::process::id());
        let manager =
            UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        send(OsStr::new(&format!("@{name}")), READY).unwrap();
        let mut buffer = [0; 32];
        let length = manager.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], READY.as_bytes());
    }
}
