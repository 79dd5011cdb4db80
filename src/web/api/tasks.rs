//! Tasks and services: how they stand, and what can be done with them (docs/api.md, Tasks,
//! Operating tasks).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::{Answer, Input, Outcome, Refusal, ReplyId};
use crate::hub::Follower;
use crate::inbox::{PATIENCE, Question, Unanswered};
use crate::model::job::{JobName, Kind, Verb};
use crate::model::param;
use crate::model::run::{Phase, Run, RunId, Trigger};
use crate::web::context::Context;
use crate::web::http::{Body, Detail, Problem, Reply, Whole};
use crate::web::json::run::RunJson;
use crate::web::json::task::TaskJson;
use crate::web::params::{self, Param};
use crate::web::router::Call;
use crate::web::wait::{Awaited, Waited};

pub(crate) static WAIT: Param = Param {
    name: "wait",
    about: "Answer when it is done: runs of tasks and what is stopped are over, replicas have begun",
    kind: params::Kind::Flag,
};
/// docs/api.md, Operating tasks: 1 to 240 s, below the time-outs of usual proxies.
pub(crate) static WAIT_TIMEOUT: Param = Param {
    name: "wait_timeout",
    about: "Seconds after which the answer comes in any case",
    kind: params::Kind::Integer { min: 1, max: 240, default: Some(120) },
};

/// What a disk that is well never takes.
const AT_ONCE: Duration = Duration::from_millis(250);

/// `StopRunOutputBody` of the schema.
#[derive(Debug, Serialize)]
pub(crate) struct Message {
    pub(crate) message: String,
}

/// A body says nothing, but it may be there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Empty {}

pub(crate) fn list(context: &Arc<Context>, _: &Call<'_>) -> Result<Reply, Problem> {
    let document = context.board.document(|standings| {
        let current = context.current();
        let tasks = current.jobs.iter();
        let tasks: Vec<_> = tasks
            .map(|job| {
                let task = TaskJson::new(job, standings.get(&job.name), &current.timezone);
                task.muted(standings.muted_until(&job.name))
            })
            .collect();
        serde_json::to_vec(&tasks).expect("our documents have text keys only")
    });
    let whole = Whole { body: Body::Shared(document), ..Whole::new(200) };
    Ok(whole.header("Content-Type", "application/json").into())
}

pub(crate) fn one(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let name = call.job();
    let current = context.current();
    let job = current.job(&name).ok_or(Refusal::UnknownJob(name))?;
    let standing = context.board.get(&job.name);
    let task = TaskJson::new(job, standing.as_ref(), &current.timezone);
    let task = task.muted(context.board.muted_until(&job.name));
    Ok(Whole::json(200, &task).into())
}

pub(crate) fn run(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let RunBody { params } = call.body()?;
    let (job, wait) = (call.job(), patience(call));
    if params.is_empty() {
        check_required(context, &job)?;
        return operate(context, &job, Verb::Run, Trigger::Api, wait);
    }
    let current = context.current();
    let known = current.job(&job).ok_or_else(|| Refusal::UnknownJob(job.clone()))?;
    let given: Vec<(String, Option<String>)> = params.into_iter().collect();
    let takes = known.task().map_or(&[][..], |task| &task.params);
    let params = param::settle(takes, &given).map_err(wrong_param)?;
    put(context, &job, Verb::Run, wait, |reply| Input::RunWith {
        job: job.clone(),
        params,
        by: Trigger::Api,
        reply,
    })
}

/// Values by key; `null` leaves a parameter out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunBody {
    #[serde(default)]
    params: BTreeMap<String, Option<String>>,
}

/// A run with defaults alone may lack a value that is required.
fn check_required(context: &Context, job: &JobName) -> Result<(), Problem> {
    let current = context.current();
    let task = current.job(job).and_then(|job| job.task());
    task.map_or(Ok(()), |task| param::settle(&task.params, &[]).map(drop).map_err(wrong_param))
}

fn wrong_param((key, message): (String, String)) -> Problem {
    let location = Some(format!("body.params.{key}"));
    Problem::invalid(vec![Detail { location, message, value: None }])
}

pub(crate) fn start(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    answer(context, call, Verb::Start)
}

pub(crate) fn stop(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    answer(context, call, Verb::Stop)
}

pub(crate) fn restart(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    answer(context, call, Verb::Restart)
}

pub(crate) fn pause(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    answer(context, call, Verb::Pause)
}

pub(crate) fn resume(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    answer(context, call, Verb::Resume)
}

fn answer(context: &Arc<Context>, call: &Call<'_>, verb: Verb) -> Result<Reply, Problem> {
    let Empty {} = call.body()?;
    operate(context, &call.job(), verb, Trigger::Api, patience(call))
}

/// How long the caller of a route with [`WAIT`] and [`WAIT_TIMEOUT`] is ready to wait.
pub(crate) fn patience(call: &Call<'_>) -> Option<Duration> {
    let seconds =
        call.values.integer(&WAIT_TIMEOUT).and_then(|seconds| u64::try_from(seconds).ok());
    seconds.filter(|_| call.values.flag(&WAIT)).map(Duration::from_secs)
}

/// Has the engine do something with a job. With `wait` the answer comes when the runs that it
/// caused are over, or after so long; no worker is held meanwhile.
pub(crate) fn operate(
    context: &Arc<Context>,
    job: &JobName,
    verb: Verb,
    by: Trigger,
    wait: Option<Duration>,
) -> Result<Reply, Problem> {
    put(context, job, verb, wait, |reply| Input::Operate { job: job.clone(), verb, by, reply })
}

fn put(
    context: &Arc<Context>,
    job: &JobName,
    verb: Verb,
    wait: Option<Duration>,
    asked: impl FnOnce(ReplyId) -> Input,
) -> Result<Reply, Problem> {
    // From before the question: nothing that follows from it is missed.
    let follower = context.hub.follow();
    let question = context.engine.put(asked)?;
    let kind = context.current().job(job).map_or(Kind::Task, |job| job.kind());
    let context = Arc::clone(context);
    answered(question, move |answer| match answer {
        Answer::Created(run) => Ok(created(&context, run, wait, follower)),
        Answer::Operated(outcome) => {
            Ok(operated(&context, Operated { verb, kind, outcome }, wait, follower))
        }
        Answer::Done | Answer::Reloaded(_) => {
            Err(Problem::internal("the engine answered another question"))
        }
        Answer::Refused(refusal) => Err(refusal.into()),
    })
}

/// What is made of the answer of the engine. It comes when it is durable, so a disk that is slow
/// makes it come late: no worker waits for that.
pub(crate) fn answered(
    question: Question,
    reply: impl FnOnce(Answer) -> Result<Reply, Problem> + Send + 'static,
) -> Result<Reply, Problem> {
    match question.wait(AT_ONCE) {
        Ok(answer) => reply(answer),
        Err(Unanswered::Stopped) => Err(Unanswered::Stopped.into()),
        Err(Unanswered::Late) => Ok(Reply::later(move || match reply(question.wait(PATIENCE)?)? {
            Reply::Whole(whole) => Ok(whole),
            Reply::Later(compute) => Ok(compute()),
            Reply::Flow(_) => Err(Problem::internal("an answer of the engine is no stream")),
        })),
    }
}

fn created(context: &Arc<Context>, run: Run, wait: Option<Duration>, follower: Follower) -> Reply {
    let whole = |run: &Run| Whole::json(201, &RunJson::from(run));
    let is_over = matches!(run.phase, Phase::Ended { .. });
    let Some(patience) = wait.filter(|_| !is_over) else { return whole(&run).into() };
    let context = Arc::clone(context);
    Reply::later(move || {
        let awaited = Awaited { ends: HashSet::from([run.id]), ..Awaited::default() };
        awaited.wait(&context, follower, patience)?;
        let row = context.readers.read(|reader| reader.run(run.id))?;
        Ok(whole(&row.unwrap_or(run)))
    })
}

fn operated(
    context: &Arc<Context>,
    operated: Operated,
    wait: Option<Duration>,
    follower: Follower,
) -> Reply {
    let whole = |message| Whole::json(200, &Message { message });
    let Some(patience) = wait else { return whole(operated.message(Waited::CutShort)).into() };
    let awaited = operated.awaited();
    if awaited.is_complete() {
        return whole(operated.message(Waited::Complete)).into();
    }
    let context = Arc::clone(context);
    Reply::later(move || {
        let waited = awaited.wait(&context, follower, patience)?;
        Ok(whole(operated.message(waited)))
    })
}

/// What became of a verb.
struct Operated {
    verb: Verb,
    kind: Kind,
    outcome: Outcome,
}

impl Operated {
    /// What is to come until it is done.
    fn awaited(&self) -> Awaited {
        let set = |runs: &[RunId]| runs.iter().copied().collect();
        let (created, leaving) = (set(&self.outcome.created), set(&self.outcome.leaving));
        match (self.kind, self.verb) {
            (Kind::Service, Verb::Start | Verb::Restart) => {
                Awaited { begins: created, heirs: leaving, ..Awaited::default() }
            }
            (Kind::Task | Kind::Service, _) => {
                Awaited { ends: &created | &leaving, ..Awaited::default() }
            }
        }
    }

    /// In one line; [`Waited::CutShort`] where it is still to come.
    fn message(&self, waited: Waited) -> String {
        let Outcome { created, leaving, dropped } = &self.outcome;
        let word = |coming: &'static str, done: &'static str| match waited {
            Waited::CutShort => coming,
            Waited::Complete => done,
        };
        let replicas = created.len() + leaving.len();
        match (self.kind, self.verb) {
            (_, Verb::Pause) => "paused".to_owned(),
            (_, Verb::Resume) => "resumed".to_owned(),
            (_, Verb::Run | Verb::Start) if replicas == 0 => "already active".to_owned(),
            (_, Verb::Stop) if replicas + dropped == 0 => "nothing to stop".to_owned(),
            (Kind::Task, Verb::Run | Verb::Start) => word("starting", "started").to_owned(),
            (Kind::Task, Verb::Restart) => word("restarting", "restarted").to_owned(),
            (Kind::Task, Verb::Stop) => {
                let stopped = counted(word("stopping", "stopped"), leaving.len(), "run");
                let waited = counted("cancelled", *dropped, "waiting run");
                [stopped, waited].into_iter().flatten().collect::<Vec<_>>().join(", ")
            }
            (Kind::Service, verb) => {
                let word = match verb {
                    Verb::Restart => word("restarting", "restarted"),
                    Verb::Stop => word("stopping", "stopped"),
                    Verb::Run | Verb::Start | Verb::Pause | Verb::Resume => {
                        word("starting", "started")
                    }
                };
                counted(word, replicas, "instance").unwrap_or_default()
            }
        }
    }
}

/// `stopping 3 runs`, nothing for none.
fn counted(word: &str, count: usize, what: &str) -> Option<String> {
    let plural = if count == 1 { "" } else { "s" };
    (count > 0).then(|| format!("{word} {count} {what}{plural}"))
}
