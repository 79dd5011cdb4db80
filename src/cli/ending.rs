//! How a run has ended, for whoever waited for it: the exit code, and the document of `--json`.

use std::io::{self, Write};

use serde::Serialize;

use crate::base::escape::escape;
use crate::cli::args::Output;
use crate::cli::{Exit, Failure, document, print, to_stderr};
use crate::logs::Stream;
use crate::model::run::EndReason;

/// What a shell says of a program that SIGINT ended.
pub(crate) const INTERRUPTED: Exit = Exit::Task(130);

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Ending {
    pub(crate) run_id: String,
    pub(crate) status: &'static str,
    pub(crate) end_reason: String,
    pub(crate) exit_code: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) duration_ms: Option<u64>,
    pub(crate) failed: bool,
    /// The cause, where the daemon knows one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

impl Ending {
    pub(crate) fn new(
        run_id: String,
        end_reason: &str,
        exit_code: i32,
        duration_ms: Option<u64>,
    ) -> Ending {
        let failed = is_failure(end_reason);
        let end_reason = end_reason.to_owned();
        Ending {
            run_id,
            status: "ended",
            end_reason,
            exit_code,
            duration_ms,
            failed,
            message: None,
        }
    }

    /// The exit code of the run, as docs/running.md, Commands, says.
    pub(crate) fn exit(&self) -> Exit {
        if self.end_reason == EndReason::Success.as_str() {
            return Exit::Success;
        }
        Exit::Task(u8::try_from(self.exit_code).ok().filter(|code| *code > 0).unwrap_or(1))
    }
}

/// A reason that this program does not know is no success.
pub(crate) fn is_failure(end_reason: &str) -> bool {
    let known = EndReason::ALL.into_iter().find(|known| known.as_str() == end_reason);
    known.is_none_or(EndReason::is_failure)
}

/// Says how it ended, and exits as it did. No ending: the run was not heard of any more.
pub(crate) fn report(
    task: &str,
    output: Output,
    ended: Result<(Option<Ending>, Exit), Failure>,
) -> Result<Exit, Failure> {
    #[derive(Serialize)]
    struct Report<'a> {
        schema_version: u32,
        task: &'a str,
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        ending: Option<Ending>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    }
    let say = |ending, error| print(&document(&Report { schema_version: 1, task, ending, error }));
    match (output, ended) {
        (Output::Human, Ok((ending, exit))) => {
            // Why a run failed its process has said, or a line of ours in its log.
            if let Some(ending) = ending.filter(|_| ![Exit::Success, INTERRUPTED].contains(&exit))
                && ending.end_reason != EndReason::Failed.as_str()
            {
                let reason = escape(&ending.end_reason);
                let message = ending.message.map(|message| format!(": {}", escape(&message)));
                let message = message.unwrap_or_default();
                to_stderr(&format!("error: the run ended as {reason}{message}\n"));
            }
            Ok(exit)
        }
        (Output::Human, Err(failure)) | (Output::Json, Err(failure @ Failure::BrokenPipe)) => {
            Err(failure)
        }
        (Output::Json, Ok((ending, exit))) => {
            let error = ending.is_none().then(|| "the end of the run was not seen".to_owned());
            say(ending, error)?;
            Ok(exit)
        }
        (Output::Json, Err(Failure::Error(error) | Failure::Problems(error))) => {
            say(None, Some(error))?;
            Ok(Exit::Failure)
        }
    }
}

/// What a process writes, as it comes: stdout to stdout, the rest to stderr; with a document on
/// stdout all of it to stderr. An error is one of stdout: where nobody hears stderr, there is
/// nobody to tell.
pub(crate) fn pass_on(output: Output, stream: Stream, bytes: &[u8]) -> io::Result<()> {
    match (output, stream) {
        (Output::Human, Stream::Stdout) => {
            io::stdout().write_all(bytes).and_then(|()| io::stdout().flush())
        }
        (Output::Human, Stream::Stderr | Stream::System) | (Output::Json, _) => {
            let _ = io::stderr().write_all(bytes);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_that_of_the_run() {
        for (reason, code, exit, failed) in [
            ("success", 0, Exit::Success, false),
            ("failed", 7, Exit::Task(7), true),
            ("failed", 139, Exit::Task(139), true),
            ("failed", -1, Exit::Task(1), true),
            ("timeout", 0, Exit::Task(1), true),
            ("timeout", 143, Exit::Task(143), true),
            ("stopped", 143, Exit::Task(143), false),
            ("skipped", -1, Exit::Task(1), false),
            ("from_the_future", 0, Exit::Task(1), true),
        ] {
            let ending = Ending::new(String::new(), reason, code, None);
            assert_eq!((ending.exit(), ending.failed), (exit, failed), "{reason} {code}");
        }
    }
}
