//! From what is to be executed to a process, or to the sentence that says why there is none.

use std::ffi::{CStr, CString};
use std::io::{self, PipeReader};
use std::os::fd::AsFd;
use std::path::Path;

use crate::base::bytes;
use crate::logs::LogWriter;
use crate::process::Stopper;
use crate::process::spec::Spec;
use crate::sys::child::{self, Child, Program, SpawnError, Step};
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
    let command = spec.command();
    let args: Vec<&CStr> = command.args.iter().map(CString::as_c_str).collect();
    let env: Vec<&CStr> = command.env.iter().map(AsRef::as_ref).collect();
    let program = Program {
        path: &command.shell,
        args: &args,
        env: &env,
        dir: command.dir.as_deref(),
        stdout: stdout_writer.as_fd(),
        stderr: stderr_writer.as_fd(),
    };
    let child = child::spawn(program).map_err(|error| failed(&spawn_failure(spec, &error)))?;
    stopper.begin(child.group());
    Ok((Process { child, stopper }, [stdout, stderr]))
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

fn spawn_failure(spec: &Spec, error: &SpawnError) -> String {
    let cause = error_text(&error.cause);
    match (error.step, spec.dir()) {
        (Step::Create, _) => format!("cannot create a process: {cause}"),
        (Step::Enter, Some(dir)) => {
            format!("cannot enter the working_dir {}: {cause}", dir.display())
        }
        (Step::Prepare | Step::Enter, _) => format!("cannot prepare the process: {cause}"),
        (Step::Execute, _) => {
            format!("cannot execute the shell {}: {cause}", spec.job.process.shell.display())
        }
    }
}

/// A process that others may signal through the [`Stopper`] until it is reaped.
pub(super) struct Process<'a> {
    pub(super) child: Child,
    pub(super) stopper: &'a Stopper,
}

impl Process<'_> {
    pub(super) fn reap(&mut self) {
        self.stopper.end();
        self.child.reap();
    }
}

impl Drop for Process<'_> {
    fn drop(&mut self) {
        self.stopper.end();
    }
}
