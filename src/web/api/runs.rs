//! Runs: lists of them, one of them, and what is done with one (docs/api.md, Runs).

use std::sync::Arc;

use serde::Serialize;

use crate::base::time::rfc3339;
use crate::engine::{Answer, Input, Refusal};
use crate::hub::News;
use crate::inbox::PATIENCE;
use crate::logs::LogPlace;
use crate::model::change::Change;
use crate::model::job::JobName;
use crate::model::run::{Phase, Run, RunId, Trigger};
use crate::store::list::Query;
use crate::store::query::{Attempts, Direction, Fates, Field, Filter, Order, State};
use crate::sweep;
use crate::sys::error_text;
use crate::web::api::tasks::{Empty, Message, answered};
use crate::web::context::Context;
use crate::web::http::{Problem, Reply, Whole};
use crate::web::json::run::RunJson;
use crate::web::params::{Kind, Param, Values};
use crate::web::router::Call;

/// A page that begins further back may take long, so no worker waits for it.
const FAR: u64 = 10_000;

const STATES: &[&str] = &[
    "pending",
    "running",
    "ended",
    "success",
    "failed",
    "timeout",
    "log_overflow",
    "crashed",
    "stopped",
    "skipped",
    "queue_full",
    "dst_skipped",
    "missed",
    "start_failed",
    "unhealthy",
];

static LIMIT: Param = Param {
    name: "limit",
    about: "Runs of one page",
    kind: Kind::Integer { min: 1, max: 1000, default: Some(50) },
};
static OFFSET: Param = Param {
    name: "offset",
    about: "Runs to pass over",
    kind: Kind::Integer { min: 0, max: i64::MAX, default: Some(0) },
};
static SORT_FIELD: Param = Param {
    name: "sort_field",
    about: "The order; runs that never started are last by start_at and duration",
    kind: Kind::Word(&["created_at", "start_at", "task_name", "status", "exit_code", "duration"]),
};
static SORT_DIRECTION: Param = Param {
    name: "sort_direction",
    about: "Desc unless it is said",
    kind: Kind::Word(&["asc", "desc"]),
};
static STATUS: Param = Param {
    name: "status",
    about: "Phases and end reasons, any of them",
    kind: Kind::Words(STATES),
};
static TASK_NAME: Param =
    Param { name: "task_name", about: "Of this task only", kind: Kind::Text { longest: 1000 } };
static SEARCH: Param = Param {
    name: "search",
    about: "A part of the name of the task or of the id, in any case",
    kind: Kind::Cut { longest: 200 },
};
static TRIGGERED_BY: Param = Param {
    name: "triggered_by",
    about: "Who started the run",
    kind: Kind::Word(&["cron", "api", "service", "startup", "hook"]),
};
static CREATED_AFTER: Param =
    Param { name: "created_after", about: "Then or later", kind: Kind::Instant };
static CREATED_BEFORE: Param =
    Param { name: "created_before", about: "Then or earlier", kind: Kind::Instant };
static EXIT_CODE_MIN: Param =
    Param { name: "exit_code_min", about: "Runs that ended with it or more", kind: EXIT_CODE };
static EXIT_CODE_MAX: Param =
    Param { name: "exit_code_max", about: "Runs that ended with it or less", kind: EXIT_CODE };
static RETRIES_ONLY: Param =
    Param { name: "retries_only", about: "No first attempts", kind: Kind::Flag };
static IS_FAILURE: Param =
    Param { name: "is_failure", about: "Only runs that count as failures", kind: Kind::Flag };

const EXIT_CODE: Kind = Kind::Integer { min: i32::MIN as i64, max: i32::MAX as i64, default: None };

/// What a list is asked: how it is paged and sorted, then what narrows it.
pub(crate) static LIST: &[&Param] = &[
    &LIMIT,
    &OFFSET,
    &SORT_FIELD,
    &SORT_DIRECTION,
    &STATUS,
    &TASK_NAME,
    &SEARCH,
    &TRIGGERED_BY,
    &CREATED_AFTER,
    &CREATED_BEFORE,
    &EXIT_CODE_MIN,
    &EXIT_CODE_MAX,
    &RETRIES_ONLY,
    &IS_FAILURE,
];

/// The parameters of [`LIST`] that page and sort.
const ABOUT_THE_PAGE: usize = 4;

/// What narrows a list.
pub(crate) static FILTER: &[&Param] = LIST.split_at(ABOUT_THE_PAGE).1;

pub(crate) fn all(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    list(context, call, filter(&call.values))
}

pub(crate) fn of_task(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let job = call.job();
    known(context, &job)?;
    list(context, call, Filter { job: Some(job), ..filter(&call.values) })
}

/// What the values say about which runs are meant.
pub(crate) fn filter(values: &Values) -> Filter {
    let words = values.words(&STATUS);
    let states = (!words.is_empty()).then(|| words.into_iter().flat_map(states).collect());
    let trigger = values.text(&TRIGGERED_BY);
    Filter {
        job: values.text(&TASK_NAME).map(JobName::new),
        states,
        search: values.text(&SEARCH).map(str::to_owned),
        trigger: Trigger::ALL.into_iter().find(|known| Some(known.as_str()) == trigger),
        created_after: values.instant(&CREATED_AFTER),
        created_before: values.instant(&CREATED_BEFORE),
        exit_code_min: values.integer(&EXIT_CODE_MIN),
        exit_code_max: values.integer(&EXIT_CODE_MAX),
        attempts: match values.flag(&RETRIES_ONLY) {
            true => Attempts::RetriesOnly,
            false => Attempts::All,
        },
        fates: match values.flag(&IS_FAILURE) {
            true => Fates::FailuresOnly,
            false => Fates::All,
        },
    }
}

fn states(word: &str) -> Vec<State> {
    match word {
        "ended" => State::ended().collect(),
        word => State::parse(word).into_iter().collect(),
    }
}

fn order(values: &Values) -> Order {
    let field = match values.text(&SORT_FIELD) {
        Some("start_at") => Field::StartAt,
        Some("task_name") => Field::TaskName,
        Some("status") => Field::Status,
        Some("exit_code") => Field::ExitCode,
        Some("duration") => Field::Duration,
        _ => Field::CreatedAt,
    };
    let direction = match values.text(&SORT_DIRECTION) {
        Some("asc") => Direction::Ascending,
        _ => Direction::Descending,
    };
    Order { field, direction }
}

fn list(context: &Arc<Context>, call: &Call<'_>, filter: Filter) -> Result<Reply, Problem> {
    let integer = |param| call.values.integer(param).unwrap_or_default();
    let query = Query {
        filter,
        order: order(&call.values),
        limit: u32::try_from(integer(&LIMIT)).unwrap_or(u32::MAX),
        offset: integer(&OFFSET).unsigned_abs(),
        now: context.clock.now().wall,
    };
    if query.filter.is_plain() && query.offset < FAR {
        return page(context, &query).map(Reply::from);
    }
    let context = Arc::clone(context);
    Ok(Reply::later(move || page(&context, &query)))
}

fn page(context: &Context, query: &Query) -> Result<Whole, Problem> {
    #[derive(Serialize)]
    struct List {
        runs: Vec<RunJson>,
        total: u64,
    }
    let page = context.readers.read(|reader| reader.page(query))?;
    let runs = page.runs.iter().map(RunJson::from).collect();
    Ok(Whole::json(200, &List { runs, total: page.total }))
}

pub(crate) fn one(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let run = find(context, call)?;
    let has_snapshot = context.readers.read(|reader| reader.has_snapshot(run.id))?;
    Ok(Whole::json(200, &RunJson::alone(&run, has_snapshot)).into())
}

pub(crate) fn snapshot(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let run = find(context, call)?;
    let found = context.readers.read(|reader| reader.snapshot(run.id))?;
    let none = || Problem::new(404, format!("the run has no snapshot: {}", run.id));
    found.map(|text| Whole::text(200, text).into()).ok_or_else(none)
}

/// The run that the path names, with its task or without; a run of another task is not there.
pub(crate) fn find(context: &Context, call: &Call<'_>) -> Result<Run, Problem> {
    let id = call.id("runId");
    match call.has("taskName") {
        true => one_of(context, &call.job(), id),
        false => stored(context, id),
    }
}

/// A run of a task.
pub(crate) fn one_of(context: &Context, job: &JobName, id: RunId) -> Result<Run, Problem> {
    let run = stored(context, id)?;
    if run.job == *job { Ok(run) } else { Err(not_found(id)) }
}

/// Refuses a task that is not configured and has no runs.
pub(crate) fn known(context: &Context, job: &JobName) -> Result<(), Problem> {
    if context.current().job(job).is_none()
        && !context.readers.read(|reader| reader.has_runs(job))?
    {
        return Err(Refusal::UnknownJob(job.clone()).into());
    }
    Ok(())
}

fn stored(context: &Context, id: RunId) -> Result<Run, Problem> {
    context.readers.read(|reader| reader.run(id))?.ok_or_else(|| not_found(id))
}

fn not_found(id: RunId) -> Problem {
    Problem::new(404, format!("run not found: {id}"))
}

/// Files go first: a crash in between leaves a row that can be deleted again.
pub(crate) fn delete(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let run = find(context, call)?;
    if !matches!(run.phase, Phase::Ended { .. }) {
        return Err(Problem::new(409, "the run has not ended; stop it first"));
    }
    let context = Arc::clone(context);
    Ok(Reply::later(move || {
        let place = LogPlace::new(&context.facts.logs, &run.job, run.id, run.created_at);
        sweep::remove_files(&place).map_err(|error| {
            let directory = place.directory().display();
            Problem::internal(format!("cannot delete a log in {directory}: {}", error_text(&error)))
        })?;
        settle(&context, Change::Delete(vec![run.id]))?;
        context.hub.publish(News::Deleted { run: run.id, job: run.job });
        Ok(Whole::new(204))
    }))
}

pub(crate) fn stop(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let Empty {} = call.body()?;
    let run = find(context, call)?;
    let has_ended = || Problem::new(409, "the run has already ended");
    if matches!(run.phase, Phase::Ended { .. }) {
        return Err(has_ended());
    }
    let question = context.engine.put(|reply| Input::StopRun { run: run.id, reply })?;
    answered(question, move |answer| match answer {
        Answer::Refused(Refusal::UnknownRun) => Err(has_ended()),
        Answer::Refused(refusal) => Err(refusal.into()),
        Answer::Done | Answer::Created(_) | Answer::Operated(_) | Answer::Reloaded(_) => {
            let message = "the stop is under way".to_owned();
            Ok(Whole::json(200, &Message { message }).into())
        }
    })
}

pub(crate) fn summary(context: &Arc<Context>, _: &Call<'_>) -> Result<Reply, Problem> {
    #[derive(Serialize)]
    struct Summary {
        total: u64,
        success: u64,
        failed: u64,
        missed: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        last_failure: Option<String>,
    }
    let found = context.readers.read(|reader| reader.summary())?;
    let summary = Summary {
        total: found.total,
        success: found.success,
        failed: found.failed,
        missed: found.missed,
        last_failure: found.last_failure.map(rfc3339),
    };
    Ok(Whole::json(200, &summary).into())
}

/// Makes a change durable. Nobody waits for long for a disk that is full, and no worker at all:
/// this is for answers that come later.
pub(crate) fn settle(context: &Context, change: impl Into<Change>) -> Result<(), Problem> {
    Ok(context.writer.settle_within(vec![change.into()], PATIENCE)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_can_be_narrowed_to_every_state_and_trigger() {
        let every = [State::Pending, State::Running].into_iter().chain(State::ended());
        let known: Vec<State> = STATES.iter().flat_map(|word| states(word)).collect();
        assert!(every.into_iter().all(|state| known.contains(&state)));
        assert!(STATES.iter().all(|word| !states(word).is_empty()));
        let Kind::Word(words) = TRIGGERED_BY.kind else { panic!("words") };
        assert_eq!(words, Trigger::ALL.map(Trigger::as_str));
    }
}
