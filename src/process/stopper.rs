//! How others reach a running process: they leave the cause of a stop and wake the run's thread,
//! which does the rest. Only the last resort of a daemon that leaves goes straight to the group.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::job::StopSignal;
use crate::model::run::Cause;
use crate::sys::eventfd::EventFd;
use crate::sys::group::Group;
use crate::sys::signals;

/// A handle on one run; clones reach the same one. After its end, all of it does nothing.
#[derive(Clone, Debug)]
pub(crate) struct Stopper(Arc<Shared>);

/// The mutex is locked by whoever asks and by the run's thread, for a few assignments or one
/// `kill(2)`: nobody waits with it.
#[derive(Debug)]
struct Shared {
    wake: EventFd,
    asked: Mutex<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    cause: Option<Cause>,
    /// Lines for the log of the run.
    notes: Vec<String>,
    killed: bool,
    /// As long as the leader is not reaped: later the number may be a stranger's.
    group: Option<Group>,
}

impl Stopper {
    pub(super) fn new() -> io::Result<Stopper> {
        Ok(Stopper(Arc::new(Shared { wake: EventFd::new()?, asked: Mutex::default() })))
    }

    /// Asks for the stop sequence and returns at once; the first cause is kept.
    pub(crate) fn stop(&self, cause: Cause) {
        self.lock().cause.get_or_insert(cause);
        self.0.wake.add(1);
    }

    /// Has the run's thread write a line of ours into its log.
    pub(super) fn note(&self, text: String) {
        self.lock().notes.push(text);
        self.0.wake.add(1);
    }

    /// Lines that nobody has written yet.
    pub(super) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().notes)
    }

    /// Sends SIGKILL to the group before it returns, for a daemon that leaves now.
    pub(crate) fn kill(&self) {
        let mut asked = self.lock();
        asked.killed = true;
        if let Some(group) = asked.group {
            kill(group);
        }
    }

    /// Who asked for a stop, if somebody did.
    pub(super) fn cause(&self) -> Option<Cause> {
        self.lock().cause
    }

    /// Waits until somebody has asked; to be called when the descriptor is readable.
    pub(super) fn take(&self) -> Option<Cause> {
        // What was added tells nothing; a failure leaves the descriptor as it is.
        let _ = self.0.wake.take();
        self.cause()
    }

    /// The process exists.
    pub(super) fn begin(&self, group: Group) {
        let mut asked = self.lock();
        asked.group = Some(group);
        if asked.killed {
            kill(group);
        }
    }

    /// The leader is about to be reaped.
    pub(super) fn end(&self) {
        self.lock().group = None;
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsFd for Stopper {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.wake.as_fd()
    }
}

fn kill(group: Group) {
    // A group of processes that we may not signal outlives us; there is nobody to tell.
    let _ = group.signal(signals::number(StopSignal::Kill));
}
