//! Notices when the wall clock is set or the machine wakes from sleep, so that the main loop can
//! look at its schedules again. Otherwise this thread never wakes up.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use crate::engine::Input;
use crate::inbox::Inbox;
use crate::sys::{check, error_text, eventfd, own};
use crate::threads;

/// What the kernel's monotonic clock says (clock_gettime(2)).
pub(crate) fn monotonic() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes the local struct; this clock is always there.
    let _ = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Starts the thread `clock`, which sends [`Input::Woke`] at every such jump.
pub(crate) fn watch(inbox: Inbox) -> io::Result<()> {
    // SAFETY: takes two numbers and makes a descriptor.
    let timer = own(unsafe { libc::timerfd_create(libc::CLOCK_REALTIME, libc::TFD_CLOEXEC) })?;
    let never = libc::timespec { tv_sec: libc::time_t::MAX, tv_nsec: 0 };
    let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let setting = libc::itimerspec { it_interval: zero, it_value: never };
    let flags = libc::TFD_TIMER_ABSTIME | libc::TFD_TIMER_CANCEL_ON_SET;
    // SAFETY: reads the local struct; the old setting is not asked for.
    check(unsafe {
        libc::timerfd_settime(timer.as_raw_fd(), flags, &raw const setting, std::ptr::null_mut())
    })?;
    threads::spawn_vital("clock", inbox.clone(), move || {
        loop {
            // The timer stays armed: each jump makes one read fail with ECANCELED
            // (timerfd_create(2)).
            match eventfd::read_count(timer.as_fd()) {
                Err(error) if error.raw_os_error() == Some(libc::ECANCELED) => {
                    inbox.send(Input::Woke);
                }
                Err(error) => {
                    return Err(format!("cannot watch the wall clock: {}", error_text(&error)));
                }
                Ok(_) => {}
            }
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// Sets the wall clock to what it says anyway: for the kernel that is a jump like any other.
    fn set_to_now() -> io::Result<()> {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: fills the local struct.
        check(unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut now) })?;
        // SAFETY: reads the local struct.
        check(unsafe { libc::clock_settime(libc::CLOCK_REALTIME, &raw const now) }).map(drop)
    }

    #[test]
    fn a_clock_that_is_set_wakes_the_main_loop_each_time() {
        let (sender, inputs) = mpsc::channel();
        watch(Inbox::new(sender)).unwrap();
        for _ in 0..2 {
            match set_to_now() {
                Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
                    return crate::sys::skip("no right to set the clock");
                }
                set => set.unwrap(),
            }
            let heard = inputs.recv_timeout(Duration::from_secs(10));
            assert_eq!(heard, Ok(Input::Woke));
        }
    }
}
