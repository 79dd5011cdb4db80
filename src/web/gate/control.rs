//! The control socket: the same API for the daemon's own user and root, whom the kernel names, so
//! that they need no password (docs/security.md, Control socket).

use std::fmt;
use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::base::sentence::error_text;
use crate::sys::peer;

/// What fits into an address (unix(7)).
const LONGEST: usize = 107;

/// Listens; the file goes with it.
#[derive(Debug)]
pub(crate) struct Control {
    listener: UnixListener,
    path: PathBuf,
}

#[derive(Debug)]
pub(crate) enum ControlError {
    /// Somebody is there.
    InUse(PathBuf),
    /// Something else has the name.
    NoSocket(PathBuf),
}

impl Control {
    /// Binds `path`, where a dead daemon may have left its socket. A place where no socket can be
    /// is a warning: everything else works without it.
    pub(crate) fn bind(path: &Path) -> Result<Option<Control>, ControlError> {
        if path.as_os_str().as_bytes().len() > LONGEST {
            log::warn!("no control socket: {} is longer than {LONGEST} bytes", path.display());
            return Ok(None);
        }
        let bound = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_stale(path)?;
                UnixListener::bind(path)
            }
            bound => bound,
        };
        let listener = match bound.and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        }) {
            Ok(listener) => listener,
            Err(error) => {
                let (path, cause) = (path.display(), error_text(&error));
                log::warn!("no control socket: cannot listen on {path}: {cause}");
                return Ok(None);
            }
        };
        // Whoever connects before is asked who it is all the same.
        if let Err(error) = fs::set_permissions(path, Permissions::from_mode(0o600)) {
            log::warn!("cannot keep others from {}: {}", path.display(), error_text(&error));
        }
        Ok(Some(Control { listener, path: path.to_owned() }))
    }

    /// The next client; `None` for one that may not come in.
    pub(crate) fn accept(&self) -> io::Result<Option<UnixStream>> {
        let (stream, _) = self.listener.accept()?;
        match peer::user(&stream) {
            Ok(user) if user == 0 || user == peer::own_user() => Ok(Some(stream)),
            Ok(user) => {
                log::warn!("refused user {user} on the control socket");
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            log::warn!("cannot remove {}: {}", self.path.display(), error_text(&error));
        }
    }
}

/// Removes a socket that nobody answers on, and nothing else.
fn remove_stale(path: &Path) -> Result<(), ControlError> {
    if !fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        return Err(ControlError::NoSocket(path.to_owned()));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            // What cannot be removed is told when it cannot be bound.
            let _ = fs::remove_file(path);
            Ok(())
        }
        // Such as a socket for datagrams, or one that we may not connect to.
        Ok(_) | Err(_) => Err(ControlError::InUse(path.to_owned())),
    }
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ControlError::InUse(path) => {
                write!(f, "cannot listen on {}: a daemon may already be running", path.display())
            }
            ControlError::NoSocket(path) => write!(
                f,
                "cannot listen on {}: there is something that is no socket",
                path.display()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;
    use crate::store::scratch::Scratch;

    #[test]
    fn a_socket_is_for_its_owner_and_goes_with_the_daemon() {
        let scratch = Scratch::new();
        let path = scratch.path().join("s");
        let control = Control::bind(&path).unwrap().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let _client = UnixStream::connect(&path).unwrap();
        assert!(control.accept().unwrap().is_some());
        drop(control);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_dead_daemon_left_is_replaced_and_nothing_else() {
        let scratch = Scratch::new();
        let path = scratch.path().join("s");
        drop(UnixListener::bind(&path).unwrap());
        let control = Control::bind(&path).unwrap().unwrap();
        let error = Control::bind(&path).unwrap_err().to_string();
        assert!(error.ends_with("/s: a daemon may already be running"), "{error}");
        drop(control);
        // Like that of a system log.
        let datagrams = UnixDatagram::bind(&path).unwrap();
        let error = Control::bind(&path).unwrap_err().to_string();
        assert!(error.ends_with("/s: a daemon may already be running"), "{error}");
        datagrams.send_to(b"x", &path).unwrap();
        fs::remove_file(&path).unwrap();

        fs::write(&path, "precious").unwrap();
        let error = Control::bind(&path).unwrap_err().to_string();
        assert!(error.ends_with("/s: there is something that is no socket"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        for nowhere in [scratch.path().join("missing/s"), scratch.path().join("s".repeat(200))] {
            assert!(Control::bind(&nowhere).unwrap().is_none(), "{nowhere:?}");
        }
    }
}
