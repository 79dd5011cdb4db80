//! What the machine looks like while a run goes wrong, as text that is kept with the run. A thread
//! of its own looks: a file of a process that hangs in the kernel, or a partition that does not
//! answer, must not hold up the stop that waits for this.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use crate::base::bytes;
use crate::base::escape::escape;
use crate::base::order;
use crate::base::time::{Clock, rfc3339};
use crate::process::cgroup;
use crate::process::facts::{self, HEADING, MOST_SHOWN, Proc, Rest, Units};
use crate::process::mask::{Cut, Mask, up_to};
use crate::sys::group::Group;
use crate::sys::{error_text, fs as disk, units};
use crate::threads;

/// The longest text that is kept.
const MOST_BYTES: usize = 8 * 1024;
/// Nobody waits for longer, whatever hangs.
const PATIENCE: Duration = Duration::from_millis(200);
/// Looking through all processes, and through the kernel's messages, ends after this.
const SEARCH: Duration = Duration::from_millis(12);
/// With more processes than this nobody looks through them.
const MOST_PROCESSES: usize = 5_000;
/// Threads that look, or hang, at once.
const MOST_AT_ONCE: usize = 64;
/// What is read of a command line, and what is shown of it.
const COMMAND_BYTES: usize = 4096;
const COMMAND_SHOWN: usize = 160;
/// Open files of a process are counted up to here.
const MOST_FILES: usize = 10_000;
const KILL_LINES: usize = 10;

static AT_ONCE: AtomicUsize = AtomicUsize::new(0);

/// What is to be looked at.
pub(super) struct Look {
    pub(super) clock: Clock,
    /// Goes on after `Taken`.
    pub(super) why: String,
    pub(super) group: Group,
    pub(super) logs: PathBuf,
    /// `None` is the daemon's own.
    pub(super) dir: Option<PathBuf>,
    /// Whether the kernel may have killed for lack of memory.
    pub(super) was_killed: bool,
    pub(super) mask: Mask,
}

/// Takes at most [`PATIENCE`].
pub(super) fn take(look: Look) -> Box<str> {
    let clock = look.clock.clone();
    let now = clock.now();
    let mut text = format!("Taken {} {}\n", rfc3339(now.wall), look.why);
    let until = now.steady + PATIENCE;
    match begin(look) {
        Err(why) => text += &format!("Nothing more: {why}\n"),
        Ok(parts) => loop {
            let left = until.saturating_sub(clock.now().steady);
            match parts.recv_timeout(left) {
                Ok(part) => text += &part,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    text += "Nothing more: the rest took too long\n";
                    break;
                }
            }
        },
    }
    if text.len() > MOST_BYTES {
        let end = "…\n";
        text.truncate(up_to(&text, MOST_BYTES - end.len()).len());
        text += end;
    }
    text.into()
}

/// Counts down when the thread ends, however it does.
struct Place;

impl Drop for Place {
    fn drop(&mut self) {
        AT_ONCE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The parts of the text come one by one.
fn begin(look: Look) -> Result<mpsc::Receiver<String>, String> {
    let place = Place;
    if AT_ONCE.fetch_add(1, Ordering::Relaxed) >= MOST_AT_ONCE {
        return Err("too many look at once".to_owned());
    }
    let (sender, parts) = mpsc::channel();
    let body = move || {
        let _place = place;
        look.look(&sender);
    };
    threads::spawn_small("snapshot", body).map_err(|error| error_text(&error).to_string())?;
    Ok(parts)
}

impl Look {
    /// What may hang comes last.
    fn look(&self, parts: &Sender<String>) {
        // Who does not listen any more has waited long enough.
        let tell = |part: Option<String>| {
            part.is_none_or(|part| parts.send(self.mask.hide(&part)).is_ok())
        };
        _ = tell(host())
            && tell(self.disk("Disk of the logs", &self.logs))
            && tell(self.was_killed.then(|| kernel(&self.clock)).flatten())
            && tell(self.processes())
            && tell(
                self.dir.as_deref().and_then(|dir| self.disk("Disk of the working directory", dir)),
            );
    }

    fn disk(&self, name: &str, path: &Path) -> Option<String> {
        let space = disk::space(path).ok()?;
        let (free, total) = (bytes::display(space.free), bytes::display(space.total));
        Some(format!("{name}: {free} free of {total}\n"))
    }

    fn processes(&self) -> Option<String> {
        let leader = self.group.leader();
        if self.group.is_empty() {
            return None;
        }
        let mut pids: Vec<i32> = fs::read_dir("/proc")
            .ok()?
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        if pids.len() > MOST_PROCESSES {
            return Some(format!("Processes: there are {} on this host\n", pids.len()));
        }
        // Whoever came after the leader has a higher number, as a rule.
        order::sort_by_key(&mut pids, |pid| (*pid < leader, *pid));
        let until = self.clock.now().steady + SEARCH;
        let seen = pids.iter().take_while(|_| self.clock.now().steady < until);
        let all: Vec<Proc> = seen.filter_map(|pid| Proc::parse(&stat(*pid)?)).collect();
        let family = facts::family(all, leader);
        let units =
            Units { page_bytes: units::page_bytes(), ticks_per_second: units::ticks_per_second() };
        let mut text = format!("Processes of the run: {}\n{HEADING}", family.len());
        for (depth, process) in family.iter().take(MOST_SHOWN) {
            let open_files = open_files(&format!("/proc/{}/fd", process.pid));
            let rest = Rest { open_files, command: self.command(process) };
            text += &process.line(*depth, &rest, units);
        }
        if let Some(more @ 1..) = family.len().checked_sub(MOST_SHOWN) {
            text += &format!("and {more} more\n");
        }
        Some(text)
    }

    /// Its arguments, or its name where it has none.
    fn command(&self, process: &Proc) -> String {
        let bytes = read(&format!("/proc/{}/cmdline", process.pid), COMMAND_BYTES);
        let bytes = bytes.unwrap_or_default();
        let cut = if bytes.len() < COMMAND_BYTES { Cut::No } else { Cut::AtTheEnd };
        let words = String::from_utf8_lossy(bytes.strip_suffix(b"\0").unwrap_or(&bytes));
        let line = match words.is_empty() {
            true => format!("[{}]", self.mask.hide(&process.name)),
            false => self.mask.hide_in_command(&words.replace('\0', " "), cut),
        };
        let line = escape(&line);
        match line.char_indices().nth(COMMAND_SHOWN) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line.into_owned(),
        }
    }
}

/// Load, memory and open files.
fn host() -> Option<String> {
    let text = |path: &str| fs::read_to_string(path).ok();
    let mut lines = String::new();
    lines.extend(text("/proc/loadavg").and_then(|file| facts::load(&file)));
    lines.extend(text("/proc/meminfo").and_then(|file| facts::memory(&file)));
    lines.extend(cgroup());
    let limits = text("/proc/self/limits").unwrap_or_default();
    if let Some(open) = open_files("/proc/self/fd") {
        let most = facts::most_open_files(&limits).unwrap_or("?");
        lines += &format!("Open files: {open} of {most} in the daemon");
        let system = text("/proc/sys/fs/file-nr").and_then(|file| facts::open_files(&file));
        lines.extend(system.map(|system| format!(", {system}")));
        lines.push('\n');
    }
    Some(lines)
}

/// Of the cgroup that the daemon and its runs are in.
fn cgroup() -> Option<String> {
    let place = cgroup::own()?;
    let file = |name: &str| fs::read_to_string(place.join(name)).ok();
    let events = file("memory.events").unwrap_or_default();
    facts::cgroup_memory(&file("memory.current")?, &file("memory.max")?, &events)
}

/// The last kills for lack of memory, where the kernel's messages may be read.
fn kernel(clock: &Clock) -> Option<String> {
    let up = fs::read_to_string("/proc/uptime").ok()?;
    let up: f64 = up.split_ascii_whitespace().next()?.parse().ok()?;
    let mut log =
        OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg").ok()?;
    let until = clock.now().steady + SEARCH;
    let (mut lines, mut record) = (Vec::new(), [0; 8192]);
    while clock.now().steady < until {
        match log.read(&mut record) {
            Ok(length @ 1..) => {
                lines.extend(facts::kill_line(&String::from_utf8_lossy(&record[..length]), up));
            }
            // What was overwritten meanwhile is passed over (dev-kmsg, EPIPE).
            Err(error) if error.raw_os_error() == Some(libc::EPIPE) => {}
            Ok(0) | Err(_) => break,
        }
    }
    let last = lines.len().saturating_sub(KILL_LINES);
    let lines: Vec<String> =
        lines[last..].iter().map(|line| format!("  {}\n", escape(line))).collect();
    (!lines.is_empty()).then(|| format!("Told by the kernel:\n{}", lines.concat()))
}

fn stat(pid: i32) -> Option<Vec<u8>> {
    read(&format!("/proc/{pid}/stat"), 2048)
}

/// As much of a file as one buffer takes.
fn read(path: &str, most: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(most as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The kernel tells how many there are, since 6.2; before, they are counted.
fn open_files(directory: &str) -> Option<usize> {
    match fs::metadata(directory).ok()?.len() {
        0 => Some(fs::read_dir(directory).ok()?.take(MOST_FILES).count()),
        count => usize::try_from(count).ok(),
    }
}
