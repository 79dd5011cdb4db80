//! What files of the kernel say, as lines of a snapshot (proc(5), cgroups(7)). Pure: a file that
//! looks other than expected is left out, never a panic.

use std::collections::{HashMap, HashSet};

use crate::base::bytes;
use crate::base::order;

/// Processes that are shown of one run.
pub(super) const MOST_SHOWN: usize = 40;

/// `/proc/loadavg`.
pub(super) fn load(loadavg: &str) -> Option<String> {
    let mut fields = loadavg.split_ascii_whitespace();
    let (one, five, fifteen) = (fields.next()?, fields.next()?, fields.next()?);
    let (running, all) = fields.next()?.split_once('/')?;
    Some(format!("Load: {one} {five} {fifteen}; {running} of {all} threads want to run\n"))
}

/// `/proc/meminfo`.
pub(super) fn memory(meminfo: &str) -> Option<String> {
    let field = |name: &str| {
        let value = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let kib: u64 = value.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
        kib.checked_mul(1024)
    };
    let shown = |name: &str| field(name).map(bytes::display);
    let (total, available) = (shown("MemTotal")?, shown("MemAvailable")?);
    let mut text = format!("Memory: {available} available of {total}");
    let has_swap = field("SwapTotal").is_some_and(|total| total > 0);
    if let (true, Some(total), Some(free)) = (has_swap, shown("SwapTotal"), shown("SwapFree")) {
        text += &format!("; swap {free} free of {total}");
    }
    Some(text + "\n")
}

/// The path below `/sys/fs/cgroup` in `/proc/PID/cgroup`, of version 2.
pub(super) fn cgroup(cgroup: &str) -> Option<&str> {
    cgroup.lines().find_map(|line| line.strip_prefix("0::")).map(|path| path.trim_matches('/'))
}

/// The time on processors in the `cpu.stat` of a cgroup, in milliseconds.
pub(super) fn cgroup_cpu_ms(stat: &str) -> Option<u64> {
    let usage = stat.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
    usage.trim().parse::<u64>().ok().map(|micros| micros / 1000)
}

/// `memory.current`, `memory.max` and `memory.events` of a cgroup.
pub(super) fn cgroup_memory(current: &str, max: &str, events: &str) -> Option<String> {
    let current: u64 = current.trim().parse().ok()?;
    let max = match max.trim() {
        "max" => "no limit".to_owned(),
        max => bytes::display(max.parse().ok()?),
    };
    let kills = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
    let kills = kills.map(|kills| format!(", {} killed for lack of memory", kills.trim()));
    let kills = kills.unwrap_or_default();
    Some(format!("Memory of the cgroup: {} of {max}{kills}\n", bytes::display(current)))
}

/// `/proc/sys/fs/file-nr`.
pub(super) fn open_files(file_nr: &str) -> Option<String> {
    let mut fields = file_nr.split_ascii_whitespace();
    let (open, most) = (fields.next()?, fields.nth(1)?);
    Some(format!("{open} of {most} on the whole system"))
}

/// The soft limit in `/proc/PID/limits`.
pub(super) fn most_open_files(limits: &str) -> Option<&str> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()
}

/// A record of `/dev/kmsg` (the kernel's Documentation/ABI/testing/dev-kmsg) as a line, when it
/// tells of a process that was killed for lack of memory. `up` is for how long the system is up.
pub(super) fn kill_line(record: &str, up: f64) -> Option<String> {
    let (head, text) = record.lines().next()?.split_once(';')?;
    let lower = text.to_ascii_lowercase();
    let words = ["out of memory", "killed process", "oom-kill", "oom_reaper"];
    if !words.iter().any(|word| lower.contains(word)) {
        return None;
    }
    let micros: f64 = head.split(',').nth(2)?.parse().ok()?;
    Some(format!("{:.1} s ago: {text}", (up - micros / 1e6).max(0.0)))
}

/// `/proc/PID/stat`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Proc {
    pub(super) pid: i32,
    parent: i32,
    group: i32,
    state: char,
    threads: u64,
    ticks: u64,
    pages: u64,
    pub(super) name: String,
}

/// What the texts of its other files say.
pub(super) struct Rest {
    pub(super) open_files: Option<usize>,
    /// Fit to be shown.
    pub(super) command: String,
}

/// What the kernel counts in.
#[derive(Clone, Copy)]
pub(super) struct Units {
    pub(super) page_bytes: u64,
    pub(super) ticks_per_second: u64,
}

impl Proc {
    /// The name stands in brackets and may hold anything, brackets too (proc_pid_stat(5)).
    pub(super) fn parse(stat: &[u8]) -> Option<Proc> {
        let open = stat.iter().position(|&byte| byte == b'(')?;
        let close = stat.iter().rposition(|&byte| byte == b')')?;
        let pid = std::str::from_utf8(&stat[..open]).ok()?.trim().parse().ok()?;
        let name = String::from_utf8_lossy(stat.get(open + 1..close)?).into_owned();
        let fields = std::str::from_utf8(&stat[close + 1..]).ok()?;
        // The first one is field 3.
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Proc {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            state: fields.first()?.chars().next()?,
            threads: number(20)?,
            ticks: number(14)?.saturating_add(number(15)?),
            pages: number(24)?,
            name,
        })
    }

    /// One line of the table; those below it stand further to the right.
    pub(super) fn line(&self, depth: usize, rest: &Rest, units: Units) -> String {
        let memory = bytes::display(self.pages.saturating_mul(units.page_bytes));
        let files = rest.open_files.map_or("?".to_owned(), |count| count.to_string());
        let seconds = self.ticks as f64 / units.ticks_per_second.max(1) as f64;
        let indent = "  ".repeat(depth.min(10));
        let (pid, state, threads) = (self.pid, self.state, self.threads);
        let command = &rest.command;
        format!(
            "{pid:>8} {state} {memory:>10} {threads:>4} {files:>6} {seconds:>8.2} {indent}{command}\n"
        )
    }
}

/// Above the lines of [`Proc::line`].
pub(super) const HEADING: &str = "     PID S     MEMORY THRD  FILES CPU SECS COMMAND\n";

/// Who is in the group of a leader, and who descends from one of them: each below its parent,
/// with its depth.
pub(super) fn family(all: Vec<Proc>, leader: i32) -> Vec<(usize, Proc)> {
    let mut children: HashMap<i32, Vec<usize>> = HashMap::new();
    for (place, process) in all.iter().enumerate() {
        children.entry(process.parent).or_default().push(place);
    }
    let below = |pid: i32| children.get(&pid).into_iter().flatten().copied();
    let mut members: HashSet<i32> = HashSet::new();
    let mut open: Vec<i32> = all
        .iter()
        .filter(|process| process.group == leader || process.pid == leader)
        .map(|process| process.pid)
        .collect();
    while let Some(pid) = open.pop() {
        if members.insert(pid) {
            open.extend(below(pid).map(|place| all[place].pid));
        }
    }
    let is_root =
        |process: &&Proc| members.contains(&process.pid) && !members.contains(&process.parent);
    let mut roots: Vec<&Proc> = all.iter().filter(is_root).collect();
    order::sort_by_key(&mut roots, |process| (process.pid != leader, process.pid));
    let mut stack: Vec<(usize, &Proc)> = roots.into_iter().rev().map(|root| (0, root)).collect();
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    while let Some((depth, process)) = stack.pop() {
        // While they were read, a number may have become another process's.
        if !seen.insert(process.pid) {
            continue;
        }
        found.push((depth, process.clone()));
        let mut next: Vec<&Proc> = below(process.pid).map(|place| &all[place]).collect();
        order::sort_by(&mut next, |a, b| b.pid.cmp(&a.pid));
        stack.extend(next.into_iter().map(|child| (depth + 1, child)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_host_become_lines() {
        let load_line = load("0.50 0.25 0.10 2/345 6789\n").unwrap();
        assert_eq!(load_line, "Load: 0.50 0.25 0.10; 2 of 345 threads want to run\n");
        let meminfo = "MemTotal: 2048 kB\nMemFree: 1 kB\nMemAvailable: 1024 kB\n";
        assert_eq!(memory(meminfo).unwrap(), "Memory: 1 MB available of 2 MB\n");
        let with_swap = format!("{meminfo}SwapTotal: 1024 kB\nSwapFree: 0 kB\n");
        assert!(memory(&with_swap).unwrap().ends_with("; swap 0 B free of 1 MB\n"));
        assert_eq!(open_files("2144\t0\t5000\n").unwrap(), "2144 of 5000 on the whole system");
        let limits = "Limit Soft Hard\nMax open files            1024      4096      files\n";
        assert_eq!(most_open_files(limits), Some("1024"));
        assert_eq!(
            cgroup("12:pids:/x\n0::/system.slice/a.service\n"),
            Some("system.slice/a.service")
        );
        assert_eq!(cgroup_cpu_ms("usage_usec 12999\nuser_usec 1\n"), Some(12));
        assert_eq!(cgroup_cpu_ms("user_usec 1\n"), None);
        let events = "low 0\noom 2\noom_kill 3\noom_group_kill 0\n";
        assert_eq!(
            cgroup_memory("1048576\n", "2097152\n", events).unwrap(),
            "Memory of the cgroup: 1 MB of 2 MB, 3 killed for lack of memory\n"
        );
        assert!(cgroup_memory("1024\n", "max\n", "").unwrap().contains("of no limit"));
        for text in ["", "x", "0::"] {
            assert_eq!((load(text), memory(text), open_files(text)), (None, None, None));
            assert_eq!((most_open_files(text), cgroup_memory(text, text, text)), (None, None));
        }
    }

    #[test]
    fn only_kills_for_lack_of_memory_are_told_by_the_kernel() {
        let killed =
            "3,1,5000000,-;Out of memory: Killed process 7 (x) total-vm:1kB\n SUBSYSTEM=a\n";
        assert_eq!(
            kill_line(killed, 7.5).unwrap(),
            "2.5 s ago: Out of memory: Killed process 7 (x) total-vm:1kB"
        );
        for other in ["6,2,5,-;Bluetooth: the room is full", "", "6,2", "6,x,y,-;oom-kill:z"] {
            assert_eq!(kill_line(other, 7.5), None, "{other}");
        }
    }

    fn process(pid: i32, parent: i32, group: i32) -> Proc {
        let text = format!(
            "{pid} (a) b) S {parent} {group} 1 0 -1 0 0 0 0 0 150 50 0 0 20 0 3 0 77 4096 25 0"
        );
        Proc::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_process_is_a_line() {
        let one = process(42, 1, 42);
        let rest = Rest { open_files: Some(4), command: "/bin/sh -c x".to_owned() };
        let units = Units { page_bytes: 4096, ticks_per_second: 100 };
        assert_eq!(one.name, "a) b");
        let line = one.line(1, &rest, units);
        assert_eq!(line, "      42 S     100 KB    3      4     2.00   /bin/sh -c x\n");
        for torn in [&b""[..], b"42", b"42 (a", b"42 (a) S 1", b"x (a) S 1 1", b")(", b"1 )("] {
            assert_eq!(Proc::parse(torn), None);
        }
    }

    #[test]
    fn a_family_is_the_group_and_all_descendants() {
        let all = vec![
            process(1, 0, 1),
            process(9, 1, 9),
            process(10, 9, 10),
            process(12, 10, 10),
            process(11, 10, 10),
            // It has left the group.
            process(13, 12, 13),
            // Its parent is gone.
            process(14, 1, 10),
            process(15, 1, 15),
            // A number that was used twice meanwhile.
            process(14, 14, 10),
        ];
        let found: Vec<_> =
            family(all, 10).into_iter().map(|(depth, process)| (depth, process.pid)).collect();
        assert_eq!(found, [(0, 10), (1, 11), (1, 12), (2, 13), (0, 14)]);
        assert_eq!(family(Vec::new(), 10), []);
    }
}
