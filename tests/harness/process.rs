//! What /proc says about processes, and signals for them.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Sends the signal, by its name without SIG.
pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status();
    assert!(status.unwrap().success(), "cannot signal {pid}");
}

/// One field of /proc/PID/status, such as `VmRSS`.
pub(crate) fn status_field(pid: &str, field: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    Some(line.trim().to_owned())
}

/// A memory figure of /proc/PID/status, in KiB.
pub(crate) fn kib(pid: u32, field: &str) -> u64 {
    let value = status_field(&pid.to_string(), field).unwrap();
    value.trim_end_matches(" kB").parse().unwrap()
}

/// Whether the process is there and more than a zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    status_field(&pid.to_string(), "State").is_some_and(|state| !state.starts_with('Z'))
}

/// All processes whose command line has `mark` in it, zombies excluded.
pub(crate) fn with_mark(mark: &str) -> Vec<u32> {
    all()
        .filter(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(mark)
        })
        .collect()
}

/// All processes that work in this directory, zombies excluded.
pub(crate) fn in_directory(dir: &Path) -> Vec<u32> {
    let works_here =
        |pid: &u32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == dir);
    all().filter(works_here).collect()
}

/// The children of a process, zombies included.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    all()
        .filter(|pid| {
            status_field(&pid.to_string(), "PPid").is_some_and(|of| of == parent.to_string())
        })
        .collect()
}

/// How many entries /proc/PID has in `fd` or in `task`.
pub(crate) fn count(pid: u32, folder: &str) -> usize {
    fs::read_dir(format!("/proc/{pid}/{folder}")).unwrap().count()
}

/// Processor time used so far, user and system, in clock ticks of 10 ms.
pub(crate) fn cpu_ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // proc_pid_stat(5): fields 14 and 15, counted behind the name, which may hold blanks.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

pub(crate) fn all() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// How often the thread of this name has gone to sleep by its own will.
pub(crate) fn switches(pid: u32, thread: &str) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let mut texts = threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("status")));
    let named = format!("Name:\t{thread}\n");
    let found = texts.find_map(|text| text.ok().filter(|text| text.starts_with(&named)));
    let text = found.unwrap_or_else(|| panic!("no thread {thread}"));
    let count = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.unwrap().trim().parse().unwrap()
}
