//! The first steps of a new process, between its creation and its program. It runs in the daemon's
//! own memory, on a stack of its own, and so makes system calls only.

use std::ffi::{c_char, c_int, c_ulong, c_void};
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::sync::OnceLock;

use crate::sys::child::{Step, User};

/// For the child until it executes. It needs a few hundred bytes; debug builds more.
const STACK_BYTES: usize = 32 * 1024;
/// Above the daemon's own score, so that the kernel takes a job first (docs/deployment.md, Memory).
const OOM_SCORE_STEP: i32 = 200;
/// The signals of the kernel are 1 to 64 (signal(7)); a set of them has eight bytes.
const SIGNALS: std::ops::RangeInclusive<c_int> = 1..=64;
const SIGNAL_SET_BYTES: usize = 8;
/// As prctl(2) reads them: of an `int` it would take the upper half from whatever is there, and a
/// child that kept its parent-death signal would die with the thread of its run.
const SIGKILL: c_ulong = libc::SIGKILL as c_ulong;
const NO_SIGNAL: c_ulong = 0;
/// Descriptors that an old kernel closes one by one; ours are all close-on-exec anyway, these
/// are what the daemon itself was started with.
const INHERITED: std::ops::Range<c_int> = 3..1024;

/// What the child reads, and the one thing that it writes.
pub(super) struct Plan<'a> {
    pub(super) path: *const c_char,
    pub(super) args: *const *const c_char,
    pub(super) env: *const *const c_char,
    pub(super) dir: *const c_char,
    pub(super) user: Option<&'a User>,
    pub(super) umask: Option<u16>,
    pub(super) stdio: [c_int; 3],
    pub(super) cgroup: Option<c_int>,
    pub(super) open_files: Option<libc::rlimit>,
    pub(super) oom_score: &'static [u8],
    pub(super) failed: Option<(Step, c_int)>,
}

/// The first function of the child.
pub(super) extern "C" fn begin(plan: *mut c_void) -> c_int {
    // SAFETY: `spawn` passes its own `Plan` and stands still while we are here.
    let plan = unsafe { &mut *plan.cast::<Plan<'_>>() };
    let step = plan.carry_out();
    plan.failed = Some((step, io::Error::last_os_error().raw_os_error().unwrap_or(0)));
    // SAFETY: ends the child without running anything of the daemon's.
    unsafe { libc::_exit(127) }
}

impl Plan<'_> {
    /// Becomes the program, or says which step failed; `errno` has the cause. Only system calls:
    /// the memory is the daemon's, whose other threads go on.
    fn carry_out(&self) -> Step {
        // SAFETY: plain system calls on numbers and on what `spawn` keeps alive.
        unsafe {
            // A daemon that dies now, perhaps while `chdir` hangs, does not know this process yet.
            libc::prctl(libc::PR_SET_PDEATHSIG, SIGKILL);
            if libc::setpgid(0, 0) == -1 {
                return Step::Prepare;
            }
            // Before the limit comes down: the daemon may hold more than it allows.
            let score =
                libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
            if score != -1 {
                // A kernel or container that refuses it is no reason not to run.
                libc::write(score, self.oom_score.as_ptr().cast(), self.oom_score.len());
            }
            // With the daemon's rights, and before the program can have children. A cgroup that does
            // not take it counts nothing, which is no reason not to run.
            if let Some(door) = self.cgroup {
                libc::write(door, c"0".as_ptr().cast(), 1);
            }
            for (fd, target) in self.stdio.into_iter().zip(0..) {
                if libc::dup2(fd, target) == -1 {
                    return Step::Prepare;
                }
            }
            if libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, 0u32) == -1 {
                for fd in INHERITED {
                    libc::close(fd);
                }
            }
            if let Some(limit) = &self.open_files
                && libc::setrlimit(libc::RLIMIT_NOFILE, limit) == -1
            {
                return Step::Prepare;
            }
            // All zeros is SIG_DFL. The C library would refuse the two signals that it keeps for
            // itself; the kernel refuses SIGKILL and SIGSTOP, which cannot be changed anyway.
            let default = [0u64; 8];
            for signal in SIGNALS {
                libc::syscall(
                    libc::SYS_rt_sigaction,
                    signal,
                    default.as_ptr(),
                    std::ptr::null::<u64>(),
                    SIGNAL_SET_BYTES,
                );
            }
            if let Some(user) = self.user
                && become_user(user) == -1
            {
                return Step::Become;
            }
            if let Some(umask) = self.umask {
                libc::umask(umask.into());
            }
            if !self.dir.is_null() && libc::chdir(self.dir) == -1 {
                return Step::Enter;
            }
            libc::prctl(libc::PR_SET_PDEATHSIG, NO_SIGNAL);
            set_mask(0);
            libc::execve(self.path, self.args, self.env);
        }
        Step::Execute
    }
}

/// Groups first: afterwards there is no right left to change them. Not by the C library, which would
/// make all threads of the daemon somebody else (credentials(7)). The kernel has taken the
/// parent-death signal away when it returns, so that is asked for again.
fn become_user(user: &User) -> c_int {
    #[cfg(not(target_arch = "arm"))]
    use libc::{SYS_setgroups as SETGROUPS, SYS_setresgid as SETGID, SYS_setresuid as SETUID};
    #[cfg(target_arch = "arm")]
    use libc::{
        SYS_setgroups32 as SETGROUPS, SYS_setresgid32 as SETGID, SYS_setresuid32 as SETUID,
    };
    let User { uid, gid, groups } = user;
    // SAFETY: takes numbers, and a list with its length.
    unsafe {
        let failed = libc::syscall(SETGROUPS, groups.len(), groups.as_ptr()) == -1
            || libc::syscall(SETGID, *gid, *gid, *gid) == -1
            || libc::syscall(SETUID, *uid, *uid, *uid) == -1;
        libc::prctl(libc::PR_SET_PDEATHSIG, SIGKILL);
        if failed { -1 } else { 0 }
    }
}

/// Sets the signal mask of this thread and returns the one before. The C library's own function
/// would leave out the two signals that it keeps for itself.
pub(super) fn set_mask(mask: u64) -> u64 {
    let mut before = 0u64;
    // SAFETY: reads and fills local integers of the size given.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const mask,
            &raw mut before,
            SIGNAL_SET_BYTES,
        );
    }
    before
}

/// The score of children as text, read once: nobody changes the daemon's while it runs.
pub(super) fn oom_score() -> &'static [u8] {
    static SCORE: OnceLock<String> = OnceLock::new();
    let score = SCORE.get_or_init(|| {
        let own = fs::read_to_string("/proc/self/oom_score_adj").ok();
        let own: i32 = own.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        own.saturating_add(OOM_SCORE_STEP).min(1000).to_string()
    });
    score.as_bytes()
}

/// Memory for the child's first steps, from the heap. A mapping of its own would cost every spawn two
/// system calls, and a message to every processor that runs a thread of ours; a part of the caller's
/// stack would be touched page by page when its function begins, and stay with the thread.
#[repr(align(16))]
pub(super) struct Stack(#[expect(dead_code, reason = "the room is what counts")] [u8; STACK_BYTES]);

impl Stack {
    /// Stacks grow down on every machine that Linux calls one of its main ones.
    pub(super) fn top(stack: &mut MaybeUninit<Stack>) -> *mut c_void {
        // SAFETY: one past the end, and the size is a multiple of the alignment.
        unsafe { stack.as_mut_ptr().add(1).cast() }
    }
}
