//! `runwisp run`: one verb for a run that somebody waits for, in the daemon or in this process.

use std::io::{self, IsTerminal};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::base::escape::escape;
use crate::base::time::Clock;
use crate::cli::args::{Output, Place};
use crate::cli::argv::hint;
use crate::cli::door::{Caller, STEP};
use crate::cli::ending::{self, Ending};
use crate::cli::globals::Globals;
use crate::cli::logs::shown;
use crate::cli::{Exit, Failure, document, door, exec, failed, follow, print, to_stderr};
use crate::daemon::lock::{self, Holder};
use crate::logs::{Line, Stream};
use crate::model::run::EndReason;
use crate::threads;
use crate::web::client::documents::{Run, Runs, Task};
use crate::web::client::{Client, Refusal, segment};

/// For the row of a retry, once its wait is over.
const RETRY_GRACE: Duration = Duration::from_secs(5);

pub(crate) fn run(
    globals: &Globals,
    task: &str,
    place: Place,
    output: Output,
    params: &[(String, String)],
) -> Result<Exit, Failure> {
    match place {
        Place::Here => exec::run(globals, task, output, params),
        Place::Either if is_nobody_there(globals) => exec::run(globals, task, output, params),
        Place::Either | Place::Daemon => {
            ending::report(task, output, in_daemon(globals, task, output, params))
        }
        Place::Detached => match detached(globals, task, output, params) {
            Ok(None) => Ok(Exit::Success),
            Ok(Some(ending)) => {
                let exit = ending.exit();
                ending::report(task, output, Ok((Some(ending), exit)))
            }
            Err(failure) => ending::report(task, output, Err(failure)),
        },
    }
}

/// Whether the task runs here where it may run anywhere. A data directory that we may not look
/// into is somebody's.
fn is_nobody_there(globals: &Globals) -> bool {
    door::is_here(globals) && matches!(lock::holder(&globals.data.path), Ok(Holder::Nobody))
}

/// A run that is on its way; or how it ended before it began.
fn detached(
    globals: &Globals,
    task: &str,
    output: Output,
    params: &[(String, String)],
) -> Result<Option<Ending>, Failure> {
    #[derive(Serialize)]
    struct Begun<'a> {
        schema_version: u32,
        task: &'a str,
        run_id: &'a str,
        status: &'a str,
    }
    let run = start(&door::open(globals, None)?, task, params)?;
    if let Some(ending) = over(&run) {
        return Ok(Some(ending));
    }
    let (run_id, status) = (&*run.id, &*run.status);
    print(&match output {
        Output::Human => format!("{}\n", escape(run_id)),
        Output::Json => document(&Begun { schema_version: 1, task, run_id, status }),
    })?;
    Ok(None)
}

fn in_daemon(
    globals: &Globals,
    task: &str,
    output: Output,
    params: &[(String, String)],
) -> Result<(Option<Ending>, Exit), Failure> {
    let client = door::open(globals, None)?;
    let run = start(&client, task, params)?;
    if let Some(ending) = over(&run) {
        let exit = ending.exit();
        return Ok((Some(ending), exit));
    }
    // Ctrl-C ends the waiting and not the run: the thread that follows is left where it is.
    let (sender, first) = mpsc::channel();
    let interrupt = sender.clone();
    ctrlc::set_handler(move || {
        // Too late is as good.
        let _ = interrupt.send(None);
    })
    .map_err(failed)?;
    let id = run.id.clone();
    let away = globals.clone();
    threads::spawn("follow", move || {
        let followed = followed(&away, client, run, output);
        // Nobody listens any more after an interrupt.
        let _ = sender.send(Some(followed));
    })
    .map_err(failed)?;
    match first.recv() {
        Ok(Some(followed)) => {
            let ending = followed?;
            let exit = ending.exit();
            Ok((Some(ending), exit))
        }
        Ok(None) => {
            let id = escape(&id);
            to_stderr(&format!("\nthe run goes on; \"runwisp stop {id}\" ends it\n"));
            Ok((None, ending::INTERRUPTED))
        }
        Err(_) => Err(Failure::Error("the thread that follows the log panicked".to_owned())),
    }
}

/// Follows a run and its retries.
fn followed(
    globals: &Globals,
    client: Client,
    mut run: Run,
    output: Output,
) -> Result<Ending, Failure> {
    let mut write = |line: Line| {
        let is_terminal = match (line.stream, output) {
            (Stream::Stdout, Output::Human) => io::stdout().is_terminal(),
            (Stream::Stdout, Output::Json) | (Stream::Stderr | Stream::System, _) => {
                io::stderr().is_terminal()
            }
        };
        let mut text = shown(&line.text, is_terminal);
        text.push(b'\n');
        Ok(ending::pass_on(output, line.stream, &text)?)
    };
    let mut caller = Caller::new(globals, client);
    loop {
        let query = "from=0&replay_limit=50000";
        let done = follow::follow(&mut caller, &run, query, &mut write)?;
        let path = format!("/api/runs/{}", segment(&run.id));
        let row: Result<Run, Refusal> = caller.ask(|client| client.get(&path));
        let ending = row.as_ref().ok().and_then(over);
        let (Ok(row), Some(ending)) = (row, ending) else {
            // Its row is gone already, but its end was seen.
            return Ok(Ending::new(run.id, &done.end_reason, done.exit_code, None));
        };
        let Some(next) = retry_of(&mut caller, &row)? else { return Ok(ending) };
        let (reason, code) = (escape(&ending.end_reason), ending.exit_code);
        to_stderr(&format!("attempt ended as {reason} with exit code {code}; here is its retry\n"));
        run = next;
    }
}

/// The next attempt after a run that is over, as soon as it is there.
fn retry_of(caller: &mut Caller<'_>, run: &Run) -> Result<Option<Run>, Failure> {
    let reason =
        EndReason::ALL.into_iter().find(|known| run.end_reason.as_deref() == Some(known.as_str()));
    if run.failure == Some(false) || !reason.is_some_and(EndReason::is_retryable) {
        return Ok(None);
    }
    let path = format!("/api/tasks/{}", segment(&run.task_name));
    let task: Task = caller.ask(|client| client.get(&path))?;
    let Some(wait) = task.wait_before(run.retry_attempt + 1) else { return Ok(None) };
    let path = format!("{path}/runs?limit=50");
    let clock = Clock::start();
    // A retry that was cancelled leaves no row.
    while clock.now().steady < wait + RETRY_GRACE {
        let Runs { runs } = caller.ask(|client| client.get(&path))?;
        let next = runs.into_iter().find(|next| next.retry_of_run_id.as_ref() == Some(&run.id));
        if next.is_some() {
            return Ok(next);
        }
        thread::sleep(STEP);
    }
    Ok(None)
}

fn start(client: &Client, task: &str, params: &[(String, String)]) -> Result<Run, Failure> {
    let known: Vec<Task> = client.get("/api/tasks")?;
    match known.iter().find(|known| known.name == task) {
        None => {
            let near = hint(task, known.iter().map(|known| known.name.as_str()));
            Err(Failure::Error(format!("task not found: {}{near}", escape(task))))
        }
        Some(known) if known.kind == "service" => {
            Err(Failure::Error(format!("{task} is a service; run runs tasks")))
        }
        Some(_) => {
            let given: Map<String, Value> =
                params.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
            let path = format!("/api/tasks/{}/run", segment(task));
            Ok(client.post_json(&path, &json!({ "params": given }))?)
        }
    }
}

/// How a run ended that is over.
fn over(run: &Run) -> Option<Ending> {
    let reason = run.end_reason.as_deref()?;
    let mut ending = Ending::new(run.id.clone(), reason, run.exit_code, took_ms(run));
    ending.failed = run.failure.unwrap_or(ending.failed);
    ending.message.clone_from(&run.message);
    Some(ending)
}

/// From start to end, in milliseconds.
pub(crate) fn took_ms(run: &Run) -> Option<u64> {
    let at = |text: &Option<String>| text.as_deref()?.parse::<Timestamp>().ok();
    let took = at(&run.end_at)?.duration_since(at(&run.start_at)?);
    u64::try_from(took.as_millis()).ok()
}
