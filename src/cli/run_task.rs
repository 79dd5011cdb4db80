//! `runwisp run-task`: has the daemon start a task, and says the id of the run.

use crate::base::escape::escape;
use crate::cli::globals::Globals;
use crate::cli::{Exit, Failure, Outcome, door};
use crate::web::client::documents::Run;
use crate::web::client::segment;

pub(crate) fn run(
    globals: &Globals,
    task: &str,
    password: Option<&str>,
) -> Result<Outcome, Failure> {
    let client = door::open(globals, password)?;
    let run: Run = client.post(&format!("/api/tasks/{}/run", segment(task)))?;
    let mut outcome = Outcome::success(format!("{}\n", escape(&run.id)));
    if let Some(why) = not_started(&run) {
        outcome.stderr = format!("{why}\n");
        outcome.exit = Exit::Failure;
    }
    Ok(outcome)
}

/// Why a run was over before it began, such as `skipped: task already running`.
fn not_started(run: &Run) -> Option<String> {
    let reason = run.end_reason.as_deref().filter(|_| run.start_at.is_none())?;
    let message = match reason {
        "skipped" => "task already running",
        "queue_full" => "too many runs wait already",
        _ => run.message.as_deref().unwrap_or("the run was not started"),
    };
    Some(format!("{}: {}", escape(reason), escape(message)))
}
