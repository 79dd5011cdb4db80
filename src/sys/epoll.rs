//! `epoll(7)`: one thread waits for many descriptors. Level-triggered: what is not dealt with is
//! told again.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use crate::sys::{check, own};

/// The most events that one wait brings.
const BATCH: usize = 64;

#[derive(Debug)]
pub(crate) struct Epoll(OwnedFd);

/// What is waited for. The end of the other side's descriptor is always told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    Nothing,
    Read,
    Write,
}

/// Something that a descriptor is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// What the descriptor was added with.
    pub(crate) key: u64,
    pub(crate) what: Readiness,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// For what was waited for.
    Able,
    /// Both directions are shut, or it failed; there may still be something to read.
    Over,
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Epoll> {
        // SAFETY: takes a number and makes a descriptor.
        own(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) }).map(Epoll)
    }

    /// Waits for `fd` too, until it is closed or [`Epoll::remove`]d.
    pub(crate) fn add(&self, fd: &impl AsFd, key: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, key, interest)
    }

    /// Waits for something else from now on.
    pub(crate) fn change(&self, fd: &impl AsFd, key: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, key, interest)
    }

    pub(crate) fn remove(&self, fd: &impl AsFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, Interest::Nothing)
    }

    /// Waits until something is ready or `patience` is over, in whole milliseconds rounded up;
    /// `None` waits for ever. `events` has what is ready then. A signal may end the wait early.
    pub(crate) fn wait(
        &self,
        events: &mut Vec<Event>,
        patience: Option<Duration>,
    ) -> io::Result<()> {
        events.clear();
        let mut ready = [libc::epoll_event { events: 0, u64: 0 }; BATCH];
        let patience = patience.map_or(-1, |patience| {
            patience.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(libc::c_int::MAX)
        });
        let (fd, room) = (self.0.as_raw_fd(), BATCH as libc::c_int);
        // SAFETY: `ready` has `room` entries and outlives the call.
        match check(unsafe { libc::epoll_wait(fd, ready.as_mut_ptr(), room, patience) }) {
            Ok(count) => {
                let over = (libc::EPOLLHUP | libc::EPOLLERR) as u32;
                events.extend(ready[..count as usize].iter().map(|event| Event {
                    key: event.u64,
                    what: match event.events & over {
                        0 => Readiness::Able,
                        _ => Readiness::Over,
                    },
                }));
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn control(
        &self,
        operation: libc::c_int,
        fd: &impl AsFd,
        key: u64,
        interest: Interest,
    ) -> io::Result<()> {
        let events = match interest {
            Interest::Nothing => 0,
            Interest::Read => libc::EPOLLIN,
            Interest::Write => libc::EPOLLOUT,
        };
        let mut event = libc::epoll_event { events: events as u32, u64: key };
        let (set, fd) = (self.0.as_raw_fd(), fd.as_fd().as_raw_fd());
        // SAFETY: reads the local struct; both descriptors are open.
        check(unsafe { libc::epoll_ctl(set, operation, fd, &raw mut event) }).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn what_is_waited_for_is_told_until_it_is_dealt_with() {
        let epoll = Epoll::new().unwrap();
        let (mut near, mut far) = UnixStream::pair().unwrap();
        let mut events = Vec::new();
        let able = [Event { key: 7, what: Readiness::Able }];
        epoll.add(&near, 7, Interest::Read).unwrap();
        epoll.wait(&mut events, Some(Duration::ZERO)).unwrap();
        assert_eq!(events, []);
        far.write_all(b"x").unwrap();
        for _ in 0..2 {
            epoll.wait(&mut events, None).unwrap();
            assert_eq!(events, able);
        }
        epoll.change(&near, 7, Interest::Nothing).unwrap();
        epoll.wait(&mut events, Some(Duration::from_micros(1))).unwrap();
        assert_eq!(events, []);
        epoll.change(&near, 7, Interest::Write).unwrap();
        epoll.wait(&mut events, None).unwrap();
        assert_eq!(events, able);

        epoll.change(&near, 7, Interest::Nothing).unwrap();
        near.read_exact(&mut [0]).unwrap();
        drop(far);
        epoll.wait(&mut events, None).unwrap();
        assert_eq!(events, [Event { key: 7, what: Readiness::Over }]);
        epoll.remove(&near).unwrap();
        epoll.wait(&mut events, Some(Duration::ZERO)).unwrap();
        assert_eq!(events, []);
    }
}
