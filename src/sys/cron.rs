//! Whether cron runs on this machine (docs/running.md, Held by cron).

use std::fs;

use crate::sys::process::Process;

/// The names of its program: Debian's, cronie's and busybox's.
const NAMES: [&[u8]; 2] = [b"cron", b"crond"];

/// A cron, if one is alive, and its pid. Pid files are not asked: a process that is no longer may
/// have left one, and not every cron writes one.
pub(crate) fn find() -> Option<(u32, Process)> {
    let pids = fs::read_dir("/proc").ok()?.flatten();
    let mut pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.find_map(|pid| {
        if !is_cron(pid) {
            return None;
        }
        let process = Process::open(pid).ok()?;
        // Not another one that got its number in the meantime.
        is_cron(pid).then_some((pid, process))
    })
}

fn is_cron(pid: u32) -> bool {
    let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    // Of the many that are not, this is all that is read.
    let name = read("comm");
    let name = name.trim_ascii_end();
    (NAMES.contains(&name) || name == b"busybox")
        && calls_cron(&read("cmdline"))
        && is_ours(&String::from_utf8_lossy(&read("status")))
}

/// The command line is cron's own. Its children, who wait for jobs, outlive it: they have the same
/// name, but write it in capitals there.
fn calls_cron(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == 0);
    let mut program = || words.next()?.rsplit(|byte| *byte == b'/').next();
    let name = match program() {
        Some(b"busybox") => program(),
        name => name,
    };
    name.is_some_and(|name| NAMES.contains(&name))
}

/// It is root's, as only such a cron reads the crontabs of the system, and in no container, which
/// has crontabs of its own (proc_pid_status(5)).
fn is_ours(status: &str) -> bool {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let is_root = field("Uid:").is_some_and(|ids| ids.split_whitespace().nth(1) == Some("0"));
    let depth = field("NSpid:").map_or(1, |pids| pids.split_whitespace().count());
    let is_zombie = field("State:").is_some_and(|state| state.trim_start().starts_with(['Z', 'X']));
    is_root && depth == 1 && !is_zombie
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cron_is_known_by_its_command_line() {
        for line in [
            &b"/usr/sbin/cron\0-f\0"[..],
            b"/usr/sbin/crond\0-n\0",
            b"crond\0",
            b"/bin/busybox\0crond\0-f\0",
        ] {
            assert!(calls_cron(line), "{}", String::from_utf8_lossy(line));
        }
        for line in [
            &b""[..],
            b"/usr/sbin/CRON\0-f\0",
            b"/usr/sbin/anacron\0-d\0",
            b"/bin/sh\0./cron\0",
            b"/bin/busybox\0sh\0",
            b"/bin/busybox\0",
        ] {
            assert!(!calls_cron(line), "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn a_cron_of_a_user_or_in_a_container_is_another_matter() {
        let status = |state: &str, uid: u32, pids: &str| {
            format!("Name:\tcron\nState:\t{state} (x)\nNSpid:\t{pids}\nUid:\t7\t{uid}\t0\t0\n")
        };
        assert!(is_ours(&status("S", 0, "812")));
        for status in [
            status("S", 1000, "812"),
            status("S", 0, "812\t1"),
            status("Z", 0, "812"),
            String::new(),
        ] {
            assert!(!is_ours(&status), "{status}");
        }
        assert!(!is_cron(std::process::id()));
    }
}
