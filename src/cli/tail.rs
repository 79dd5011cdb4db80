//! `runwisp logs -f`: what runs write, as they write it, through the daemon and to their ends.
//! Each of several targets is followed by a thread of its own.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc;

use crate::base::escape::escape;
use crate::base::ulid::Ulid;
use crate::cli::args::{Output, Span};
use crate::cli::door::Caller;
use crate::cli::globals::Globals;
use crate::cli::logs::{Origin, Page};
use crate::cli::{Exit, Failure, door, failed, follow};
use crate::logs::Line;
use crate::threads;
use crate::web::client::documents::{LogPage, Run, Runs};
use crate::web::client::{Client, Refusal, segment};

pub(crate) fn run(
    globals: &Globals,
    targets: &[String],
    span: Span,
    output: Output,
) -> Result<Exit, Failure> {
    let (sender, lines) = mpsc::sync_channel(64);
    for target in targets {
        let client = door::open(globals, None)?;
        let run = find(&client, target)?;
        let query = query(&client, &run, span)?;
        let (globals, sender) = (globals.clone(), sender.clone());
        threads::spawn("follow", move || {
            let gone = |_| Failure::BrokenPipe;
            let mut pass = |line| sender.send(Ok((run.clone(), line))).map_err(gone);
            let mut caller = Caller::new(&globals, client);
            if let Err(failure) = follow::follow(&mut caller, &run, &query, &mut pass) {
                // Whoever prints has given up already.
                let _ = sender.send(Err(failure));
            }
        })
        .map_err(failed)?;
    }
    drop(sender);
    print_all(&lines, targets.len(), output)
}

fn print_all(
    lines: &mpsc::Receiver<Result<(Run, Line), Failure>>,
    targets: usize,
    output: Output,
) -> Result<Exit, Failure> {
    let terminal = io::stdout().is_terminal();
    let mut page = Page { out: io::stdout().lock(), terminal, output };
    for line in lines {
        let (run, line) = line?;
        if targets > 1 && output == Output::Human {
            write!(page.out, "{} | ", escape(&run.task_name))?;
        }
        page.write(Origin { run_id: &run.id, task_name: &run.task_name }, &line)?;
        page.out.flush()?;
    }
    Ok(Exit::Success)
}

/// Where the stream begins: it replays 50000 lines at most (docs/api.md, Streams).
fn query(client: &Client, run: &Run, span: Span) -> Result<String, Failure> {
    let from = match span {
        Span::All | Span::First(_) => "0".to_owned(),
        Span::Last(0) => {
            let (task, id) = (segment(&run.task_name), segment(&run.id));
            let page: LogPage = client.get(&format!("/api/tasks/{task}/runs/{id}/log?limit=1"))?;
            page.total_lines.to_string()
        }
        Span::Last(count) => format!("-{}", count.min(50_000)),
    };
    Ok(format!("from={from}&replay_limit=50000"))
}

/// The run of this id, or the latest run of the job of this name.
fn find(client: &Client, target: &str) -> Result<Run, Failure> {
    let none = || {
        let target = escape(target);
        Failure::Error(format!(
            "no run found: \"{target}\" is neither the id of a run nor a job that ever ran"
        ))
    };
    if target.parse::<Ulid>().is_ok() {
        match client.get(&format!("/api/runs/{target}")) {
            Ok(run) => return Ok(run),
            Err(Refusal::Said { status: 404, .. }) => {}
            Err(refusal) => return Err(refusal.into()),
        }
    }
    match client.get::<Runs>(&format!("/api/tasks/{}/runs?limit=1", segment(target))) {
        Ok(found) => found.runs.into_iter().next().ok_or_else(none),
        Err(Refusal::Said { status: 404 | 422, .. }) => Err(none()),
        Err(refusal) => Err(refusal.into()),
    }
}
