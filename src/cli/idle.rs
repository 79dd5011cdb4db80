//! `restart --when-idle`: waits until the daemon does nothing but keep its services alive. It is
//! asked again whenever a run of it is over.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::base::duration::{self, brief};
use crate::base::escape::escape;
use crate::base::sentence::quoted;
use crate::cli::argv::{Argv, Usage};
use crate::cli::door::{Caller, STEP};
use crate::cli::globals::Globals;
use crate::cli::{Failure, door, failed, to_stderr};
use crate::threads;
use crate::web::client::Refusal;
use crate::web::client::documents::{Run, Runs, Task};

/// When the daemon is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Now,
    /// When no task runs; the waiting may have an end.
    Idle {
        timeout: Option<Duration>,
    },
}

impl When {
    /// Takes its flags off the command line.
    pub(crate) fn take(argv: &mut Argv) -> Result<When, Usage> {
        let is_idle = argv.switch(&["--when-idle"]);
        match (is_idle, argv.value(&["--timeout"])?) {
            (true, None) => Ok(When::Idle { timeout: None }),
            (true, Some(text)) => match duration::parse(&text) {
                Ok(timeout) => Ok(When::Idle { timeout: Some(timeout) }),
                Err(error) => Err(argv.refuse(format!("--timeout: {}: {error}", quoted(&text)))),
            },
            (false, None) => Ok(When::Now),
            (false, Some(_)) => Err(argv.refuse("--timeout needs --when-idle".to_owned())),
        }
    }
}

/// How many runs a line names.
const NAMED: usize = 5;

/// Returns when no task runs or waits for its turn.
pub(crate) fn wait(globals: &Globals, timeout: Option<Duration>) -> Result<(), Failure> {
    // The stream has no deadline of its own: the thread is left where it is.
    let (sender, ended) = mpsc::channel();
    let globals = globals.clone();
    threads::spawn("idle", move || {
        // Nobody listens any more when the time is over.
        let _ = sender.send(watch(&globals));
    })
    .map_err(failed)?;
    let ended = match timeout {
        None => ended.recv().map_err(RecvTimeoutError::from),
        Some(timeout) => ended.recv_timeout(timeout),
    };
    ended.unwrap_or_else(|error| {
        Err(Failure::Error(match (error, timeout) {
            (RecvTimeoutError::Timeout, Some(timeout)) => {
                format!("the daemon is still busy after {} and goes on as it is", brief(timeout))
            }
            (RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected, _) => {
                "the thread that waits for the runs panicked".to_owned()
            }
        }))
    })
}

fn watch(globals: &Globals) -> Result<(), Failure> {
    let mut caller = Caller::new(globals, door::open(globals, None)?);
    let mut shown = Vec::new();
    loop {
        // Opened before the runs are asked for: what ends in between is heard.
        let events = caller.ask(|client| client.events("/api/runs/stream", None))?;
        if is_idle(&mut caller, &mut shown)? {
            return Ok(());
        }
        for event in events {
            // A stream that breaks is opened again.
            let Ok(event) = event else { break };
            let is_over = matches!(event.name.as_str(), "run.completed" | "run.failed");
            if is_over && is_idle(&mut caller, &mut shown)? {
                return Ok(());
            }
        }
        thread::sleep(STEP);
    }
}

/// Says what is waited for when that has changed.
fn is_idle(caller: &mut Caller<'_>, shown: &mut Vec<String>) -> Result<bool, Refusal> {
    let tasks: Vec<Task> = caller.ask(|client| client.get("/api/tasks"))?;
    let Runs { runs } =
        caller.ask(|client| client.get("/api/runs?status=pending,running&limit=1000"))?;
    let is_service =
        |run: &Run| tasks.iter().any(|task| task.name == run.task_name && task.kind == "service");
    let name = |run: Run| format!("{} ({}, {})", run.task_name, run.status, run.id);
    let names: Vec<String> = runs.into_iter().filter(|run| !is_service(run)).map(name).collect();
    if !names.is_empty() && names != *shown {
        let more = names.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let named = names[..names.len().min(NAMED)].join(", ");
        to_stderr(&format!("waiting for {}{more}\n", escape(&named)));
    }
    *shown = names;
    Ok(shown.is_empty())
}
