//! Starting a process and learning its end.
//!
//! `std::process` leaves the daemon's signal mask on the child, and turns into a slow `fork` as
//! soon as anything is to be done before the program begins. Here the child shares our memory
//! (`CLONE_VM`) while we stand still (`CLONE_VFORK`), so a spawn costs the same however big the
//! daemon is; it makes system calls only and leaves its failure where we read it.
//! Needs Linux 5.4: `waitid(P_PIDFD)`; `CLONE_PIDFD` and polling one are older.

use std::ffi::{CStr, c_int, c_void};
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::OnceLock;

use crate::model::run::{ExitHow, Leader, Usage};
use crate::sys::birth::{Plan, Stack, begin, oom_score, set_mask};
use crate::sys::group::{Group, start_of};
use crate::sys::{check, error_text, limits};

/// What to execute. Standard input is `/dev/null`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program<'a> {
    /// Absolute path; `PATH` is not searched.
    pub(crate) path: &'a CStr,
    /// Starts with the name of the program.
    pub(crate) args: &'a [&'a CStr],
    pub(crate) env: &'a [&'a CStr],
    /// `None`: the daemon's own directory.
    pub(crate) dir: Option<&'a CStr>,
    /// `None`: what the daemon is.
    pub(crate) user: Option<&'a User>,
    /// `None`: the daemon's own.
    pub(crate) umask: Option<u16>,
    pub(crate) stdout: BorrowedFd<'a>,
    pub(crate) stderr: BorrowedFd<'a>,
    /// The file `cgroup.procs` of the cgroup to be in; `None`: the daemon's own.
    pub(crate) cgroup: Option<BorrowedFd<'a>>,
}

/// Who the program is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// All of them, the first one included.
    pub(crate) groups: Vec<u32>,
}

/// Why there is no process.
#[derive(Debug)]
pub(crate) struct SpawnError {
    pub(crate) step: Step,
    pub(crate) cause: io::Error,
}

/// How far the start came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// No new process could be made.
    Create,
    /// The new process could not arrange its surroundings.
    Prepare,
    /// It could not become the user.
    Become,
    /// `dir` could not be entered.
    Enter,
    /// `path` could not be executed.
    Execute,
}

/// A process that was started and not reaped. Dropped before [`Child::reap`], for a panic, it
/// takes its group with it.
#[derive(Debug)]
pub(crate) struct Child {
    leader: Leader,
    pidfd: OwnedFd,
    reaped: bool,
}

/// Starts the program as the leader of a new process group.
pub(crate) fn spawn(program: Program<'_>) -> Result<Child, SpawnError> {
    let create = |cause| SpawnError { step: Step::Create, cause };
    check_kernel().map_err(create)?;
    let null = null().map_err(create)?;
    let mut stack = Box::new_uninit();
    let args: Vec<_> =
        program.args.iter().map(|arg| arg.as_ptr()).chain([std::ptr::null()]).collect();
    let env: Vec<_> =
        program.env.iter().map(|entry| entry.as_ptr()).chain([std::ptr::null()]).collect();
    let mut plan = Plan {
        path: program.path.as_ptr(),
        args: args.as_ptr(),
        env: env.as_ptr(),
        dir: program.dir.map_or(std::ptr::null(), CStr::as_ptr),
        user: program.user,
        umask: program.umask,
        stdio: [null.as_raw_fd(), program.stdout.as_raw_fd(), program.stderr.as_raw_fd()],
        cgroup: program.cgroup.map(|door| door.as_raw_fd()),
        open_files: limits::open_files_before(),
        oom_score: oom_score(),
        failed: None,
    };
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    let mut pidfd: c_int = -1;
    // Until the child has dropped our handlers, a signal to it would run them in our memory.
    let mask = set_mask(u64::MAX);
    // SAFETY: `begin` runs on a stack of its own and makes system calls only. This thread stands
    // still until the child has executed or is gone (CLONE_VFORK), so everything that `plan`
    // points to outlives its use, and nobody touches `plan` or `pidfd` at the same time.
    let pid = check(unsafe {
        libc::clone(
            begin,
            Stack::top(&mut stack),
            flags,
            (&raw mut plan).cast::<c_void>(),
            &raw mut pidfd,
        )
    });
    let cause = io::Error::last_os_error();
    set_mask(mask);
    let Ok(pid) = pid else { return Err(create(cause)) };
    // SAFETY: CLONE_PIDFD has just put a new descriptor there.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    let leader = Leader { pid, start: start_of(pid).unwrap_or(0) };
    let mut child = Child { leader, pidfd, reaped: false };
    match plan.failed {
        None => Ok(child),
        Some((step, errno)) => {
            child.reap();
            Err(SpawnError { step, cause: io::Error::from_raw_os_error(errno) })
        }
    }
}

/// `/dev/null` to read from, opened once.
fn null() -> io::Result<BorrowedFd<'static>> {
    static NULL: OnceLock<OwnedFd> = OnceLock::new();
    if NULL.get().is_none() {
        let file = fs::File::open("/dev/null")?;
        // Another thread may have been first; then this one is closed again.
        let _ = NULL.set(file.into());
    }
    Ok(NULL.get().expect("set above").as_fd())
}

/// Whether this kernel can do what is needed here. To be asked at start, for a message that is
/// about the kernel and not about a run.
pub(crate) fn check_kernel() -> io::Result<()> {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    let known = *KNOWN.get_or_init(|| {
        // Whoever started us may have SIGCHLD ignored, and then no child leaves an exit status.
        // SAFETY: sets a disposition that the standard library leaves alone.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
        // An old kernel does not know P_PIDFD and says EINVAL, a good one misses the descriptor.
        wait_for(c_int::MAX, 0).is_err_and(|error| error.raw_os_error() == Some(libc::EBADF))
    });
    if known {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::Unsupported, "needs Linux 5.4 or newer"))
    }
}

impl Child {
    pub(crate) fn leader(&self) -> Leader {
        self.leader
    }

    /// The group that it leads. The number stays its own until [`Child::reap`].
    pub(crate) fn group(&self) -> Group {
        Group::of(self.leader)
    }

    /// How it ended, if it has; it stays a zombie. Its descriptor is readable from then on.
    pub(crate) fn ended(&self) -> Option<ExitHow> {
        wait_for(self.pidfd.as_raw_fd(), libc::WNOHANG | libc::WNOWAIT).unwrap_or_else(|error| {
            // Not seen, but to ask again and again would be worse.
            Some(ExitHow::NotStarted(format!(
                "cannot learn how the process ended: {}",
                error_text(&error)
            )))
        })
    }

    /// Waits for its end and gives its number back to the kernel, which tells what it took.
    pub(crate) fn reap(&mut self) -> Option<Usage> {
        self.reaped = true;
        // SAFETY: a struct of integers, for which zero is a value.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        loop {
            // SAFETY: fills the local struct. The call itself, because the C library's has no place
            // for it.
            let waited = check(unsafe {
                libc::syscall(
                    libc::SYS_waitid,
                    libc::P_PIDFD,
                    self.pidfd.as_raw_fd(),
                    std::ptr::null_mut::<libc::siginfo_t>(),
                    libc::WEXITED,
                    &raw mut usage,
                ) as c_int
            });
            match waited {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        let millis = |time: libc::timeval| time.tv_sec * 1000 + time.tv_usec / 1000;
        let cpu_ms = millis(usage.ru_utime) + millis(usage.ru_stime);
        // In KiB (getrusage(2)).
        let peak_memory = usage.ru_maxrss * 1024;
        Some(Usage { cpu_ms: cpu_ms.cast_unsigned(), peak_memory: peak_memory.cast_unsigned() })
    }
}

impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            // Without the right to signal it there is nothing left to try.
            let _ = self.group().signal(libc::SIGKILL);
            self.reap();
        }
    }
}

/// `waitid(P_PIDFD)` for an end. `None`: it still runs.
fn wait_for(pidfd: c_int, flags: c_int) -> io::Result<Option<ExitHow>> {
    // SAFETY: a struct of integers and pointers, for which zero is a value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: fills the local struct. A number that is no pidfd is refused.
    check(unsafe {
        libc::waitid(libc::P_PIDFD, pidfd as libc::id_t, &raw mut info, libc::WEXITED | flags)
    })?;
    // SAFETY: `waitid` has filled the part for SIGCHLD, or left the zeros.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    Ok((pid != 0).then_some(match info.si_code {
        libc::CLD_EXITED => ExitHow::Code(status),
        _ => ExitHow::Signal(status),
    }))
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;
    use std::io::Read;

    use super::*;

    /// What a script writes, how it ends and what it took.
    fn run(script: &str, dir: Option<&CStr>) -> Result<(String, ExitHow, Usage), SpawnError> {
        let (mut reader, writer) = io::pipe().unwrap();
        let script = CString::new(script).unwrap();
        let program = Program {
            path: c"/bin/sh",
            args: &[c"/bin/sh", c"-c", &script],
            env: &[c"PATH=/usr/bin:/bin"],
            dir,
            user: None,
            umask: None,
            stdout: writer.as_fd(),
            stderr: writer.as_fd(),
            cgroup: None,
        };
        let mut child = spawn(program)?;
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        let how = wait_for(child.pidfd.as_raw_fd(), libc::WNOWAIT).unwrap().unwrap();
        assert_eq!(child.ended(), Some(how.clone()));
        let usage = child.reap().unwrap();
        assert!(matches!(child.ended(), Some(ExitHow::NotStarted(_))), "reaped");
        assert_eq!(child.reap(), None);
        Ok((text, how, usage))
    }

    #[test]
    fn nothing_of_the_daemon_is_left_on_a_child() {
        limits::raise_open_files().unwrap();
        let limit = limits::open_files_before().unwrap().rlim_cur;
        // SAFETY: makes a descriptor without close-on-exec, and closes it below.
        let leaked = check(unsafe { libc::fcntl(0, libc::F_DUPFD, 60) }).unwrap();
        let mask = set_mask(1 << (libc::SIGTERM - 1) | 1 << (libc::SIGHUP - 1) | 1 << 33);
        let script = format!(
            "grep -E '^Sig(Blk|Ign)' /proc/self/status; ulimit -n; cat /proc/$$/oom_score_adj
             test -e /proc/$$/fd/{leaked} && echo leaked; readlink /proc/$$/fd/0; echo $0; env; pwd
             read -r stat </proc/$$/stat; set -- $stat; test $1 = $5 && echo leads; exit 3"
        );
        let (text, how, _) = run(&script, Some(c"/proc")).unwrap();
        set_mask(mask);
        // SAFETY: our own, see above.
        unsafe { libc::close(leaked) };
        let zeros = "0000000000000000";
        let score = String::from_utf8_lossy(oom_score());
        let expected = format!(
            "SigBlk:\t{zeros}\nSigIgn:\t{zeros}\n{limit}\n{score}\n/dev/null\n/bin/sh\nPATH=/usr/bin:/bin\nPWD=/proc\n/proc\nleads\n"
        );
        assert_eq!((text, how), (expected, ExitHow::Code(3)));
        assert!(score.parse::<i32>().unwrap() >= 200);
    }

    #[test]
    fn the_kernel_tells_what_a_child_and_its_own_took() {
        let (_, _, idle) = run("sleep 0.1", None).unwrap();
        assert!(idle.cpu_ms < 100 && idle.peak_memory >= 4096, "{idle:?}");
        // 64 MiB of zeros as one line, in a child of the shell.
        let script = "head -c 67108864 /dev/zero | tr '\\0' x | tail -n 1 >/dev/null";
        let (_, _, busy) = run(script, None).unwrap();
        assert!(busy.peak_memory > 64 << 20, "{busy:?}");
        assert!((1..60_000).contains(&busy.cpu_ms), "{busy:?}");
    }

    #[test]
    fn the_step_that_failed_is_known() {
        let error = run("true", Some(c"/no/such/place")).unwrap_err();
        assert_eq!((error.step, error.cause.raw_os_error()), (Step::Enter, Some(libc::ENOENT)));
        let error = run(&"x".repeat(200_000), None).unwrap_err();
        assert_eq!((error.step, error.cause.raw_os_error()), (Step::Execute, Some(libc::E2BIG)));
    }

    #[test]
    fn a_child_that_is_dropped_takes_its_group_with_it() {
        let (mut reader, writer) = io::pipe().unwrap();
        let program = Program {
            path: c"/bin/sh",
            args: &[c"sh", c"-c", c"sleep 60 & sleep 60"],
            env: &[],
            dir: None,
            user: None,
            umask: None,
            stdout: writer.as_fd(),
            stderr: writer.as_fd(),
            cgroup: None,
        };
        let child = spawn(program).unwrap();
        drop(writer);
        drop(child);
        // Every member held the pipe: its end is theirs.
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    }
}
