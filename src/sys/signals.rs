//! Signals to the daemon. The handlers only add to a counter in the kernel; a thread turns what
//! it reads there into inputs. SIGTERM and SIGHUP are taken here, because the `ctrlc` crate
//! would not tell them apart; it takes SIGINT. SIGPIPE is ignored since before `main`, by the
//! standard library.

use std::borrow::Cow;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::OnceLock;

use crate::engine::Input;
use crate::inbox::Inbox;
use crate::model::job::StopSignal;
use crate::sys::eventfd::{self, EventFd};
use crate::sys::{check, error_text};
use crate::threads;

/// One counter holds three: none of them sees a million signals before it is read.
const TERM: u64 = 1;
const INT: u64 = 1 << 20;
const HUP: u64 = 1 << 40;
const PART: u64 = INT - 1;

static RECEIVED: OnceLock<EventFd> = OnceLock::new();

/// Takes over SIGTERM, SIGINT and SIGHUP. To be called once, before anything is started.
pub(crate) fn listen(inbox: Inbox) -> io::Result<()> {
    let made = EventFd::new()?;
    let received = RECEIVED.get_or_init(|| made);
    ctrlc::set_handler(|| received.add(INT)).map_err(io::Error::other)?;
    handle(libc::SIGTERM)?;
    handle(libc::SIGHUP)?;
    threads::spawn_vital("signals", inbox.clone(), move || {
        loop {
            match received.take() {
                Ok(count) => announce(count, &inbox),
                Err(error) => return Err(format!("cannot hear signals: {}", error_text(&error))),
            }
        }
    })?;
    Ok(())
}

fn announce(count: u64, inbox: &Inbox) {
    for (signal, unit) in [("SIGTERM", TERM), ("SIGINT", INT)] {
        for _ in 0..(count / unit) & PART {
            inbox.send(Input::Shutdown { signal });
        }
    }
    if count / HUP > 0 {
        inbox.send(Input::ReloadAsked);
    }
}

fn handle(signal: libc::c_int) -> io::Result<()> {
    // SAFETY: a struct of integers and pointers, for which zero is a value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = on_signal as extern "C" fn(libc::c_int) as libc::sighandler_t;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: the handler does what a handler may do, see there.
    check(unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) }).map(drop)
}

/// Runs between any two instructions of any thread: one atomic load and one `write(2)`.
extern "C" fn on_signal(signal: libc::c_int) {
    // SAFETY: the address of this thread's own errno.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above; what is interrupted must find the value that it left.
    let before = unsafe { *errno };
    if let Some(received) = RECEIVED.get() {
        let unit = if signal == libc::SIGHUP { HUP } else { TERM };
        // It fails only when the counter is full of signals.
        let _ = eventfd::add(received.as_fd().as_raw_fd(), unit);
    }
    // SAFETY: as above.
    unsafe { *errno = before };
}

/// `SIGSEGV`; numbers without a name of their own are `SIGRTMIN+2` or `signal 99`.
pub(crate) fn name(signal: i32) -> Cow<'static, str> {
    const NAMES: [(i32, &str); 31] = [
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGQUIT, "SIGQUIT"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGTRAP, "SIGTRAP"),
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGUSR1, "SIGUSR1"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGUSR2, "SIGUSR2"),
        (libc::SIGPIPE, "SIGPIPE"),
        (libc::SIGALRM, "SIGALRM"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGSTKFLT, "SIGSTKFLT"),
        (libc::SIGCHLD, "SIGCHLD"),
        (libc::SIGCONT, "SIGCONT"),
        (libc::SIGSTOP, "SIGSTOP"),
        (libc::SIGTSTP, "SIGTSTP"),
        (libc::SIGTTIN, "SIGTTIN"),
        (libc::SIGTTOU, "SIGTTOU"),
        (libc::SIGURG, "SIGURG"),
        (libc::SIGXCPU, "SIGXCPU"),
        (libc::SIGXFSZ, "SIGXFSZ"),
        (libc::SIGVTALRM, "SIGVTALRM"),
        (libc::SIGPROF, "SIGPROF"),
        (libc::SIGWINCH, "SIGWINCH"),
        (libc::SIGIO, "SIGIO"),
        (libc::SIGPWR, "SIGPWR"),
        (libc::SIGSYS, "SIGSYS"),
    ];
    if let Some((_, name)) = NAMES.iter().find(|(number, _)| *number == signal) {
        return Cow::Borrowed(name);
    }
    let first = libc::SIGRTMIN();
    if (first..=libc::SIGRTMAX()).contains(&signal) {
        return Cow::Owned(format!("SIGRTMIN+{}", signal - first));
    }
    Cow::Owned(format!("signal {signal}"))
}

/// The number that the kernel knows a stop signal by.
pub(crate) fn number(signal: StopSignal) -> i32 {
    match signal {
        StopSignal::Term => libc::SIGTERM,
        StopSignal::Int => libc::SIGINT,
        StopSignal::Quit => libc::SIGQUIT,
        StopSignal::Hup => libc::SIGHUP,
        StopSignal::Kill => libc::SIGKILL,
        StopSignal::Usr1 => libc::SIGUSR1,
        StopSignal::Usr2 => libc::SIGUSR2,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_signals_of_a_stop_arrive_each_under_its_name() {
        let (sender, inputs) = mpsc::channel();
        listen(Inbox::new(sender)).unwrap();
        for (signal, name) in [
            (libc::SIGTERM, "SIGTERM"),
            (libc::SIGHUP, ""),
            (libc::SIGINT, "SIGINT"),
            (libc::SIGTERM, "SIGTERM"),
        ] {
            // SAFETY: to ourselves, and handled.
            unsafe { libc::raise(signal) };
            let heard = inputs.recv_timeout(Duration::from_secs(5));
            let expected = match name {
                "" => Input::ReloadAsked,
                signal => Input::Shutdown { signal },
            };
            assert_eq!(heard, Ok(expected));
        }
    }

    #[test]
    fn two_signals_that_are_read_together_stay_two() {
        let (sender, inputs) = mpsc::channel();
        announce(2 * TERM + INT + 3 * HUP, &Inbox::new(sender));
        let names =
            inputs.try_iter().map(|input| format!("{input:?}")).collect::<Vec<_>>().join(" ");
        assert_eq!(
            (names.matches("SIGTERM").count(), names.matches("SIGINT").count()),
            (2, 1),
            "{names}"
        );
    }

    #[test]
    fn names_and_numbers_agree() {
        for signal in StopSignal::ALL {
            assert_eq!(name(number(signal)), signal.as_str());
        }
        assert_eq!(name(libc::SIGRTMIN() + 2), "SIGRTMIN+2");
        assert_eq!(name(99), "signal 99");
    }
}
