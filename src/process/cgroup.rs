//! A cgroup for each run, where systemd lets the daemon divide its own (docs/deployment.md,
//! Cgroups). Then what a run took is what all of its processes took, also those that nobody waited
//! for; elsewhere nothing here does anything.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::model::run::{RunId, Usage};
use crate::process::facts;
use crate::sys::{error_text, fs as sys_fs};

/// Where the daemon itself goes: a cgroup with controllers for others has no processes
/// (cgroups(7)).
pub(crate) const DAEMON: &str = "daemon";
const RUN: &str = "run-";
/// How systemd marks what it has delegated (systemd.resource-control(5), Delegate=).
const MARK: (&std::ffi::CStr, &[u8]) = (c"user.delegate", b"1");

/// The cgroup of the service, once the daemon has divided it.
static DIVIDED: OnceLock<PathBuf> = OnceLock::new();
/// Those whose runs are over, but not all of their processes.
static LEFT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Divides the daemon's cgroup, where it may. To be called before the first run.
pub(crate) fn divide() {
    let Some(own) = own() else { return };
    if !sys_fs::has_attribute(&own, MARK.0, MARK.1) {
        return;
    }
    match make_room(&own) {
        Ok(()) => {
            log::debug!("each run gets a cgroup below {}", own.display());
            // Only the start of the daemon comes here.
            let _ = DIVIDED.set(own);
        }
        Err(error) => log::warn!(
            "runs get no cgroups of their own: cannot divide {}: {}",
            own.display(),
            error_text(&error)
        ),
    }
}

fn make_room(own: &Path) -> io::Result<()> {
    // Of a daemon that was killed; those with processes stay.
    for entry in fs::read_dir(own)?.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(RUN.as_bytes()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
    let leaf = own.join(DAEMON);
    match fs::create_dir(&leaf) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    fs::write(leaf.join("cgroup.procs"), "0")?;
    // Time on processors is counted in any case, memory where there is a controller for it.
    match fs::write(own.join("cgroup.subtree_control"), "+memory") {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The cgroup that the daemon and its runs are in.
pub(super) fn own() -> Option<PathBuf> {
    if let Some(divided) = DIVIDED.get() {
        return Some(divided.clone());
    }
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    Some(Path::new("/sys/fs/cgroup").join(facts::cgroup(&own)?))
}

/// The cgroup of one run; it goes with the value.
#[derive(Debug)]
pub(super) struct RunGroup {
    place: PathBuf,
    /// Whoever writes `0` to it is in.
    door: File,
}

impl RunGroup {
    /// `None`: runs have none here, or this one cannot get one, which is no reason not to run.
    pub(super) fn new(run: RunId) -> Option<RunGroup> {
        let place = DIVIDED.get()?.join(format!("{RUN}{run}"));
        let made = fs::create_dir(&place)
            .and_then(|()| File::options().write(true).open(place.join("cgroup.procs")));
        match made {
            Ok(door) => Some(RunGroup { place, door }),
            Err(error) => {
                log::warn!("cannot make {}: {}", place.display(), error_text(&error));
                None
            }
        }
    }

    pub(super) fn door(&self) -> BorrowedFd<'_> {
        self.door.as_fd()
    }

    /// What all of its processes took; what the kernel does not count here is as `leader` has it.
    pub(super) fn usage(&self, leader: Option<Usage>) -> Option<Usage> {
        let file = |name: &str| fs::read_to_string(self.place.join(name)).unwrap_or_default();
        let cpu_ms = facts::cgroup_cpu_ms(&file("cpu.stat"));
        let peak_memory = file("memory.peak").trim().parse().ok();
        Some(Usage {
            cpu_ms: cpu_ms.or(leader.map(|usage| usage.cpu_ms))?,
            peak_memory: peak_memory.or(leader.map(|usage| usage.peak_memory))?,
        })
    }
}

impl Drop for RunGroup {
    fn drop(&mut self) {
        let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
        left.push(std::mem::take(&mut self.place));
        left.retain(|place| {
            fs::remove_dir(place).is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy)
        });
    }
}
