//! `daemon.pid`: says who uses a data directory, and holds an advisory lock for as long as
//! that process lives. A file left by a dead daemon is simply taken over.

use std::fmt;
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::base::sentence::error_text;
use crate::daemon::data_dir::hint;

const NAME: &str = "daemon.pid";

/// Holds the data directory until it is dropped.
#[derive(Debug)]
pub(crate) struct InstanceLock {
    // Closing the file gives the lock back.
    file: File,
    path: PathBuf,
}

#[derive(Debug)]
pub(crate) enum LockError {
    /// Another process holds it; its pid, where it could be read.
    Held {
        data: PathBuf,
        pid: Option<u32>,
    },
    Symlink(PathBuf),
    NotAFile(PathBuf),
    Io(PathBuf, io::Error),
}

impl InstanceLock {
    /// Takes the lock and writes our pid.
    pub(crate) fn take(data: &Path) -> Result<InstanceLock, LockError> {
        let path = data.join(NAME);
        loop {
            let mut file = open(&path)?;
            if let Err(error) = file.try_lock() {
                return Err(match error {
                    TryLockError::WouldBlock => {
                        LockError::Held { data: data.to_owned(), pid: read_pid(&mut file) }
                    }
                    TryLockError::Error(error) => LockError::Io(path, error),
                });
            }
            // A daemon that just stopped may have removed the file between our open and our
            // lock; the next one would then lock another file of the same name.
            if !is_at(&file, &path) {
                continue;
            }
            // It is something else by its other names, and stays as it is.
            let ours = file.metadata().map_err(|error| LockError::Io(path.clone(), error))?;
            if ours.nlink() > 1 {
                match std::fs::remove_file(&path) {
                    Ok(()) => continue,
                    Err(error) => return Err(LockError::Io(path, error)),
                }
            }
            // One that a dead daemon left may have any mode.
            let closed = file.set_permissions(Permissions::from_mode(0o600));
            let written = closed
                .and_then(|()| file.set_len(0))
                .and_then(|()| writeln!(file, "{}", std::process::id()));
            return match written {
                Ok(()) => Ok(InstanceLock { file, path }),
                Err(error) => Err(LockError::Io(path, error)),
            };
        }
    }
}

/// Who uses a data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Nobody,
    /// A process; its pid, where it could be read.
    Process(Option<u32>),
}

/// Looks without touching anything.
pub(crate) fn holder(data: &Path) -> io::Result<Holder> {
    let mut options = OpenOptions::new();
    // A FIFO would wait for somebody to write into it.
    options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let mut file = match options.open(data.join(NAME)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Holder::Nobody),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(format!("{NAME} is not a regular file")));
    }
    // Given back at once with the file. Shared, so that two who look do not see each other.
    match file.try_lock_shared() {
        Ok(()) => Ok(Holder::Nobody),
        Err(TryLockError::WouldBlock) => Ok(Holder::Process(read_pid(&mut file))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether this process has the file of the data directory open, as its holder does.
pub(crate) fn is_held_by(data: &Path, pid: u32) -> io::Result<bool> {
    let place = |facts: std::fs::Metadata| (facts.dev(), facts.ino());
    let wanted = place(std::fs::metadata(data.join(NAME))?);
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd"))? {
        // A descriptor may be closed between the two looks.
        let is_it = std::fs::metadata(entry?.path()).is_ok_and(|facts| place(facts) == wanted);
        if is_it {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes the file while the lock still holds; the lock ends with the file after that. When the
/// directory was moved or deleted meanwhile, a file of that name is somebody else's.
impl Drop for InstanceLock {
    fn drop(&mut self) {
        if !is_at(&self.file, &self.path) {
            return log::warn!("{} is no longer the file of this daemon", self.path.display());
        }
        if let Err(error) = std::fs::remove_file(&self.path) {
            log::warn!("cannot remove {}: {}", self.path.display(), error_text(&error));
        }
    }
}

/// Whether the file is the one that the path leads to.
fn is_at(file: &File, path: &Path) -> bool {
    let place = |facts: std::fs::Metadata| (facts.dev(), facts.ino());
    let found = std::fs::metadata(path).map(place);
    file.metadata().map(place).is_ok_and(|ours| found.is_ok_and(|found| found == ours))
}

fn open(path: &Path) -> Result<File, LockError> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let io = |error| LockError::Io(path.to_owned(), error);
    let file = options.open(path).map_err(|error| match error.raw_os_error() {
        // open(2): O_NOFOLLOW on a symbolic link.
        Some(libc::ELOOP) => LockError::Symlink(path.to_owned()),
        _ => io(error),
    })?;
    match file.metadata().map_err(io)?.is_file() {
        true => Ok(file),
        false => Err(LockError::NotAFile(path.to_owned())),
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Held { data, pid: Some(pid) } => {
                write!(
                    f,
                    "a daemon (pid {pid}) is already using {}; stop it or use another --data",
                    data.display()
                )
            }
            LockError::Held { data, pid: None } => {
                write!(
                    f,
                    "a daemon is already using {}; stop it or use another --data",
                    data.display()
                )
            }
            LockError::Symlink(path) => {
                write!(
                    f,
                    "refusing to write {}: path is a symlink; replace it by a regular file",
                    path.display()
                )
            }
            LockError::NotAFile(path) => {
                write!(f, "refusing to write {}: it is not a regular file", path.display())
            }
            LockError::Io(path, error) if !hint(error).is_empty() => {
                let data = path.parent().unwrap_or(path).display();
                let cause = error_text(error);
                write!(f, "data directory {data} is not writable: {cause}{}", hint(error))
            }
            LockError::Io(path, error) => {
                write!(f, "cannot lock {}: {}", path.display(), error_text(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A directory of the test's own, gone with it.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Place {
            let path =
                std::env::temp_dir().join(format!("runwisp-lock-{name}-{}", std::process::id()));
            std::fs::create_dir(&path).unwrap();
            Place(path)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_file_of_a_dead_daemon_is_taken_over_and_closed_to_others() {
        let place = Place::new("stale");
        let path = place.0.join(NAME);
        std::fs::write(&path, "999999\nmore\n").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        let lock = InstanceLock::take(&place.0).unwrap();
        let pid = std::process::id();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{pid}\n"));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(lock);
        assert!(!path.exists());
    }

    #[test]
    fn one_of_two_gets_the_directory_and_the_other_learns_who_has_it() {
        let place = Place::new("two");
        let pid = std::process::id();
        let lock = InstanceLock::take(&place.0).unwrap();
        assert_eq!(std::fs::read_to_string(place.0.join(NAME)).unwrap(), format!("{pid}\n"));
        assert_eq!(holder(&place.0).unwrap(), Holder::Process(Some(pid)));
        assert!(is_held_by(&place.0, pid).unwrap());
        let message = InstanceLock::take(&place.0).unwrap_err().to_string();
        let wanted = format!("a daemon (pid {pid}) is already using {}", place.0.display());
        assert!(message.starts_with(&wanted), "{message}");
        drop(lock);
        assert!(!place.0.join(NAME).exists());
        assert_eq!(holder(&place.0).unwrap(), Holder::Nobody);
        std::fs::write(place.0.join(NAME), "1\n").unwrap();
        assert_eq!(holder(&place.0).unwrap(), Holder::Nobody, "a file that is left is no daemon");
        InstanceLock::take(&place.0).unwrap();
    }

    #[test]
    fn the_file_of_another_daemon_is_left_alone() {
        let place = Place::new("moved");
        let lock = InstanceLock::take(&place.0).unwrap();
        let away = place.0.join("away");
        std::fs::rename(place.0.join(NAME), &away).unwrap();
        let other = InstanceLock::take(&place.0).unwrap();
        drop(lock);
        assert!(place.0.join(NAME).exists());
        drop(other);
        assert!(!place.0.join(NAME).exists());
    }

    #[test]
    fn what_a_dead_daemon_left_is_taken_over_and_a_symlink_is_not() {
        let place = Place::new("left");
        let path = place.0.join(NAME);
        std::fs::write(&path, "4194304 and more\n").unwrap();
        drop(InstanceLock::take(&place.0).unwrap());
        std::os::unix::fs::symlink(place.0.join("elsewhere"), &path).unwrap();
        let message = InstanceLock::take(&place.0).unwrap_err().to_string();
        let wanted = format!("refusing to write {}: path is a symlink", path.display());
        assert!(message.starts_with(&wanted), "{message}");
        assert!(!place.0.join("elsewhere").exists());
    }

    #[test]
    fn a_file_with_another_name_keeps_what_it_holds() {
        let place = Place::new("names");
        let (path, other) = (place.0.join(NAME), place.0.join("precious"));
        std::fs::write(&other, "precious").unwrap();
        std::fs::set_permissions(&other, Permissions::from_mode(0o644)).unwrap();
        std::fs::hard_link(&other, &path).unwrap();
        let lock = InstanceLock::take(&place.0).unwrap();
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "precious");
        assert_eq!(std::fs::metadata(&other).unwrap().permissions().mode() & 0o777, 0o644);
        let pid = format!("{}\n", std::process::id());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), pid);
        assert!(InstanceLock::take(&place.0).is_err(), "it is held all the same");
        drop(lock);
    }

    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let place = Place::new("fifo");
        let path = place.0.join(NAME);
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let message = InstanceLock::take(&place.0).unwrap_err().to_string();
        assert!(message.ends_with("/daemon.pid: it is not a regular file"), "{message}");
        let message = holder(&place.0).unwrap_err().to_string();
        assert_eq!(message, "daemon.pid is not a regular file");
    }
}
