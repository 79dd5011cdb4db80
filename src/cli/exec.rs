//! `runwisp exec`: one task in this process, with a row and a log like any other run. Engine,
//! run thread and store are the daemon's own; only the schedule is left out.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use crate::base::time::Clock;
use crate::cli::args::Output;
use crate::cli::argv::hint;
use crate::cli::ending::{self, Ending, pass_on};
use crate::cli::globals::Globals;
use crate::cli::{Exit, Failure, failed, logged};
use crate::config::Config;
use crate::config::load;
use crate::daemon::lock::{InstanceLock, LockError};
use crate::daemon::world::{Audience, World};
use crate::daemon::{boot, data_dir, main_loop};
use crate::engine::{Answer, Engine, Input, Lifetime, Reconciled, ReplyId};
use crate::inbox::Inbox;
use crate::model::event::Event;
use crate::model::job::{Job, RunOnStart, Work};
use crate::model::param::{self, Given};
use crate::model::run::{Phase, Trigger};
use crate::process::spec::Surroundings;
use crate::process::survivor;
use crate::store::calendar::Calendar;
use crate::store::{self, Store};
use crate::sys;

/// A stop may take as long as the task's grace time, and then a little for its rows.
const AFTER_GRACE: Duration = Duration::from_secs(3);

pub(crate) fn run(
    globals: &Globals,
    task: &str,
    output: Output,
    params: &[(String, String)],
) -> Result<Exit, Failure> {
    ending::report(task, output, run_here(globals, task, output, params))
}

fn run_here(
    globals: &Globals,
    task: &str,
    output: Output,
    params: &[(String, String)],
) -> Result<(Option<Ending>, Exit), Failure> {
    let clock = Clock::start();
    let config = load(&globals.config.path, clock.now().wall)?;
    let job = find(&config, task)?;
    let given: Vec<_> =
        params.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    let takes = job.task().map_or(&[][..], |task| &task.params);
    let params = param::settle(takes, &given)
        .map_err(|(key, flaw)| Failure::Error(format!("--param {key}: {flaw}")))?;
    let data = &globals.data.path;
    data_dir::prepare(data).map_err(failed)?;
    let _lock = match InstanceLock::take(data) {
        Ok(lock) => lock,
        Err(LockError::Held { pid, .. }) => {
            let pid = pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
            let data = data.display();
            return Err(Failure::Error(format!(
                "a daemon{pid} is using {data}; use \"runwisp run-task {task}\""
            )));
        }
        Err(error) => return Err(failed(error)),
    };
    logged(globals, || run_locked(globals, &config, job, clock, output, params))
}

/// The task as it is run by hand: without whatever would start it by itself.
fn find(config: &Config, task: &str) -> Result<Job, Failure> {
    let Some(job) = config.jobs.iter().find(|job| job.name.as_str() == task) else {
        let names = config.jobs.iter().map(|job| job.name.as_str());
        return Err(Failure::Error(format!("task not found: {task}{}", hint(task, names))));
    };
    let mut job = Job::clone(job);
    match &mut job.work {
        Work::Service(_) => {
            return Err(Failure::Error(format!("{task} is a service; exec runs tasks")));
        }
        Work::Task(task) => {
            task.schedule = None;
            task.run_on_start = RunOnStart::Never;
        }
    }
    match job.api_trigger {
        true => Ok(job),
        false => Err(Failure::Error("API triggering disabled for this task".to_owned())),
    }
}

fn run_locked(
    globals: &Globals,
    config: &Config,
    job: Job,
    clock: Clock,
    output: Output,
    params: Given,
) -> Result<(Option<Ending>, Exit), Failure> {
    let (sender, inputs) = mpsc::channel();
    let inbox = Inbox::new(sender);
    sys::signals::listen(inbox.clone()).map_err(failed)?;
    let data = &globals.data.path;
    let machine = survivor::boot_id().map_err(failed)?;
    let store =
        Store::open(&data.join(store::FILE_NAME), machine, Calendar::of(config)).map_err(failed)?;
    let (writer, writing) =
        store::writer::start(store, clock.clone(), inbox.clone()).map_err(failed)?;
    let home = env::var_os("HOME").map(PathBuf::from);
    let surroundings =
        Surroundings::new(env::vars_os(), home, data.join("logs"), config.storage.min_free_space);

    let (name, budget) = (job.name.clone(), job.stop.grace + AFTER_GRACE);
    let jobs = [Arc::new(job)];
    let audience = Foreground { last: None, interrupted: false, refused: None };
    let mut world = World::new(clock.clone(), inbox, writer.clone(), surroundings, audience);
    // Whoever reads us may be gone; the run is here and goes on.
    world.observe(match output {
        Output::Human => || Some(Box::new(|from, bytes| drop(pass_on(Output::Human, from, bytes)))),
        Output::Json => || Some(Box::new(|from, bytes| drop(pass_on(Output::Json, from, bytes)))),
    });
    let mut engine = Engine::new(
        jobs,
        budget,
        Lifetime::UntilIdle,
        boot::seed().map_err(|error| failed(error.0))?,
        clock.now(),
    );
    let mut first = engine.serve(clock.now(), Reconciled::default());
    first.extend(engine.handle(
        clock.now(),
        Input::RunWith { job: name, params, by: Trigger::Api, reply: ReplyId(0) },
    ));
    main_loop::run(&clock, &inputs, &mut engine, &mut world, first);
    world.await_killed(&inputs);
    writer.close();
    if writing.join().is_err() {
        return Err(Failure::Error("the database writer panicked".to_owned()));
    }
    world.audience.exit()
}

struct Foreground {
    last: Option<Ending>,
    interrupted: bool,
    refused: Option<String>,
}

impl Audience for Foreground {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::RunEnded(run) => {
                if let Phase::Ended { since, at, end } = &run.phase {
                    let took = since.and_then(|since| at.duration_since(since).try_into().ok());
                    let took = took.map(|took: Duration| took.as_millis() as u64);
                    let (id, reason) = (run.id.to_string(), end.reason.as_str());
                    let failed = end.is_failure;
                    self.last =
                        Some(Ending { failed, ..Ending::new(id, reason, end.exit_code, took) });
                }
            }
            Event::Stopping { .. } => self.interrupted = true,
            Event::Fatal(text) => self.refused = Some(text.clone()),
            Event::RunCreated(_)
            | Event::RunStarted(_)
            | Event::Standing(_)
            | Event::Raised
            | Event::ReloadAsked
            | Event::JobRemoved(_)
            | Event::StartedAnyway { .. }
            | Event::TicksMissed { .. }
            | Event::ClockJumped { .. }
            | Event::CutShort(_) => {}
        }
    }

    fn answer(&mut self, _: ReplyId, answer: Answer) {
        if let Answer::Refused(refusal) = answer {
            self.refused = Some(refusal.to_string());
        }
    }
}

impl Foreground {
    /// How the last attempt ended.
    fn exit(self) -> Result<(Option<Ending>, Exit), Failure> {
        if let Some(text) = self.refused {
            return Err(Failure::Error(text));
        }
        let exit = match &self.last {
            _ if self.interrupted => ending::INTERRUPTED,
            Some(ending) => ending.exit(),
            None => Exit::Failure,
        };
        Ok((self.last, exit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_has_an_exit_code_of_its_own_and_a_refusal_is_an_error() {
        let ended = || Ending::new("id".to_owned(), "stopped", 143, None);
        for (last, interrupted, expected) in [
            (Some(ended()), false, Exit::Task(143)),
            (Some(ended()), true, Exit::Task(130)),
            (None, true, Exit::Task(130)),
            (None, false, Exit::Failure),
        ] {
            let end = Foreground { last: last.clone(), interrupted, refused: None };
            assert_eq!(end.exit(), Ok((last, expected)));
        }
        let refused = Some("cannot write".to_owned());
        let end = Foreground { last: None, interrupted: true, refused };
        assert_eq!(end.exit(), Err(Failure::Error("cannot write".to_owned())));
    }
}
