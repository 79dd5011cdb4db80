//! Process groups: signalling all of one, and seeing whether anybody is left in it.
//!
//! A group id stays taken as long as its leader was not reaped or a member lives, so whoever
//! holds one of the two may signal it and never hits a stranger.

use std::fs::{self, File};
use std::io::{self, Read};

use crate::model::run::Leader;
use crate::sys::check;

/// A process group, named by the pid of its leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group(pub(super) libc::pid_t);

impl Group {
    /// The group that this leader made.
    pub(crate) fn of(leader: Leader) -> Group {
        Group(leader.pid)
    }

    /// The pid of its leader.
    pub(crate) fn leader(self) -> i32 {
        self.0
    }

    /// Sends to every member. A group that is gone is no error.
    pub(crate) fn signal(self, signal: i32) -> io::Result<()> {
        // 0 and 1 would mean our own group and everybody (kill(2)).
        assert!(self.0 > 1, "a group of a process that we started");
        // SAFETY: takes two numbers.
        match check(unsafe { libc::kill(-self.0, signal) }) {
            Err(error) if error.raw_os_error() != Some(libc::ESRCH) => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether no process is left in it; zombies do not count. `kill(-pgid, 0)` cannot tell,
    /// because it finds the unreaped leader. Without `/proc` nobody is seen.
    pub(crate) fn is_empty(self) -> bool {
        let Ok(entries) = fs::read_dir("/proc") else { return true };
        let mut pids =
            entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        // Asking the kernel for the group is 50 times as fast as reading a file per process.
        // SAFETY: takes a number and gives one.
        !pids.any(|pid: i32| unsafe { libc::getpgid(pid) } == self.0 && Stat::of(pid).is_some_and(|stat| stat.is_alive()))
    }
}

/// The group of a process in the session of whoever started it; none when it has left for a session
/// of its own, where the first group has the number of the session (setsid(2)), or is gone.
pub(crate) fn group_in_session(pid: i32) -> Option<libc::pid_t> {
    // SAFETY: both take a number and give one.
    let (group, session) = unsafe { (libc::getpgid(pid), libc::getsid(pid)) };
    (group > 1 && session != -1 && group != session).then_some(group)
}

/// When this process began, in clock ticks since boot. With its pid it names one process.
pub(crate) fn start_of(pid: i32) -> Option<u64> {
    Stat::of(pid).map(|stat| stat.start)
}

/// Whether this very process still runs, and not a later one with its number.
pub(crate) fn is_alive(leader: Leader) -> bool {
    Stat::of(leader.pid).is_some_and(|stat| stat.is_alive() && stat.start == leader.start)
}

/// What we need of `/proc/PID/stat`.
#[derive(Debug, PartialEq)]
struct Stat {
    state: u8,
    start: u64,
}

impl Stat {
    fn of(pid: i32) -> Option<Stat> {
        // One read gives all that the kernel has to say, and 52 numbers are shorter than this.
        let mut text = [0; 2048];
        let length = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut text).ok()?;
        Stat::parse(&text[..length])
    }

    /// The second field is the name in brackets and may hold anything, brackets too; the state
    /// is field 3, the start field 22 (proc_pid_stat(5)).
    fn parse(text: &[u8]) -> Option<Stat> {
        let name_end = text.iter().rposition(|&byte| byte == b')')?;
        let mut fields =
            text[name_end + 1..].split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
        let state = *fields.next()?.first()?;
        let start = std::str::from_utf8(fields.nth(22 - 4)?).ok()?.parse().ok()?;
        Some(Stat { state, start })
    }

    fn is_alive(&self) -> bool {
        !matches!(self.state, b'Z' | b'X')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_a_strange_name_is_read_right() {
        let text = b"42 (a) Z 1 (b)) S 1 42 42 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 7777 1 2 3\n";
        assert_eq!(Stat::parse(text), Some(Stat { state: b'S', start: 7777 }));
        for torn in [
            &b""[..],
            b"42 (a",
            b"42 (a)",
            b"42 (a) S 1 2",
            b"42 (a) S 1 42 42 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 x",
        ] {
            assert_eq!(Stat::parse(torn), None, "{}", String::from_utf8_lossy(torn));
        }
    }

    #[test]
    fn a_process_is_known_by_pid_and_start() {
        let me = std::process::id() as i32;
        let start = start_of(me).unwrap();
        assert!(is_alive(Leader { pid: me, start }));
        assert!(!is_alive(Leader { pid: me, start: start + 1 }));
        assert!(!is_alive(Leader { pid: i32::MAX, start }));
    }
}
