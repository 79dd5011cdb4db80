//! From what is to be executed to a process, or to the sentence that says why there is none.

use std::io::{self, PipeReader};
use std::path::Path;

use crate::base::bytes;
use crate::logs::LogWriter;
use crate::model::run::Usage;
use crate::process::Stopper;
use crate::process::cgroup::RunGroup;
use crate::process::spec::Spec;
use crate::sys::child::Child;
use crate::sys::{error_text, fs};

/// Everything up to the existence of the process, or why there is none.
pub(super) fn begin<'a>(
    spec: &Spec,
    log: &LogWriter,
    stopper: &'a Stopper,
) -> Result<(Process<'a>, [PipeReader; 2]), String> {
    log.prepare().map_err(|error| format!("failed to create log directory: {error}"))?;
    check_free_space(spec.logs(), spec.min_free())?;
    let failed = |cause: &str| format!("failed to start: {cause}");
    let pipe = || {
        io::pipe().map_err(|error| failed(&format!("cannot create a pipe: {}", error_text(&error))))
    };
    let ((stdout, stdout_writer), (stderr, stderr_writer)) = (pipe()?, pipe()?);
    let cgroup = RunGroup::new(spec.run.id);
    let door = cgroup.as_ref().map(RunGroup::door);
    let child = spec
        .command()
        .and_then(|command| command.spawn(&stdout_writer, &stderr_writer, door))
        .map_err(|cause| failed(&cause))?;
    stopper.begin(child.group());
    Ok((Process { child, stopper, cgroup }, [stdout, stderr]))
}

fn check_free_space(logs: &Path, min_free: Option<u64>) -> Result<(), String> {
    let Some(required) = min_free else { return Ok(()) };
    match fs::free_space(logs) {
        Ok(free) if free < required => {
            let (free, required) = (bytes::display(free), bytes::display(required));
            Err(format!("insufficient disk space: {free} free, minimum {required} required"))
        }
        Ok(_) => Ok(()),
        Err(error) => {
            // A partition that cannot be asked is no reason not to run.
            let (logs, cause) = (logs.display(), error_text(&error));
            log::warn!("cannot tell the free space of {logs}: {cause}");
            Ok(())
        }
    }
}

/// A process that others may signal through the [`Stopper`] until it is reaped.
pub(super) struct Process<'a> {
    pub(super) child: Child,
    pub(super) stopper: &'a Stopper,
    cgroup: Option<RunGroup>,
}

impl Process<'_> {
    /// What it took; `None`: the kernel did not tell.
    pub(super) fn reap(&mut self) -> Option<Usage> {
        self.stopper.end();
        let leader = self.child.reap();
        match &self.cgroup {
            Some(cgroup) => cgroup.usage(leader),
            None => leader,
        }
    }
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        self.stopper.end();
    }
}
