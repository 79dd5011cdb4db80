//! Follows the log of one run through the daemon, over broken streams and restarts of the
//! daemon, to the end of the run.

use std::thread;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cli::door::{Caller, STEP};
use crate::cli::{Failure, failed, to_stderr};
use crate::logs::{Line, Stream};
use crate::web::client::documents::{LogLine, Run};
use crate::web::client::{Event, segment};

/// How a run that was followed has ended.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Done {
    pub(crate) end_reason: String,
    pub(crate) exit_code: i32,
}

/// Passes on each line from `query` on, once and in order, until the run is over.
pub(crate) fn follow(
    caller: &mut Caller<'_>,
    run: &Run,
    query: &str,
    write: &mut dyn FnMut(Line) -> Result<(), Failure>,
) -> Result<Done, Failure> {
    let (task, id) = (segment(&run.task_name), segment(&run.id));
    let path = format!("/api/tasks/{task}/runs/{id}/log/stream?{query}");
    let mut last: Option<String> = None;
    loop {
        for event in caller.ask(|client| client.events(&path, last.as_deref()))? {
            // A stream that breaks is opened again behind what has been read.
            let Ok(event) = event else { break };
            if event.id.is_some() {
                last.clone_from(&event.id);
            }
            if let Some(done) = hear(&event, write)? {
                return Ok(done);
            }
        }
        thread::sleep(STEP);
    }
}

fn hear(
    event: &Event,
    write: &mut dyn FnMut(Line) -> Result<(), Failure>,
) -> Result<Option<Done>, Failure> {
    #[derive(Deserialize)]
    struct Dropped {
        count: u64,
    }
    match event.name.as_str() {
        "line" => write(line(data(event)?))?,
        "dropped" => {
            let Dropped { count } = data(event)?;
            to_stderr(&format!("{count} lines are missing here: the log had dropped them\n"));
        }
        "done" => return data(event).map(Some),
        _ => {}
    }
    Ok(None)
}

fn data<T: DeserializeOwned>(event: &Event) -> Result<T, Failure> {
    serde_json::from_str(&event.data)
        .map_err(|error| failed(format!("the log stream is not understood: {error}")))
}

fn line(line: LogLine) -> Line {
    let stream = match line.stream.as_str() {
        "stderr" => Stream::Stderr,
        "system" => Stream::System,
        _ => Stream::Stdout,
    };
    let text = line.text.into_bytes();
    Line { n: line.n, at: line.ts, stream, text, continued: line.continued }
}
