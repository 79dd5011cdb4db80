//! Why a task ran at a moment, or did not (docs/running.md, Why did it run): one sentence, and what
//! it stands on.

mod words;

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::base::time::rfc3339;
use crate::cron::{Schedule, TickNote};
use crate::engine::Refusal;
use crate::model::decision::{Decision, What};
use crate::model::event::{Standing, Switch};
use crate::model::job::Job;
use crate::model::run::{Run, Trigger};
use crate::store::sessions::Session;
use crate::web::context::Context;
use crate::web::http::{Problem, Reply, Whole};
use crate::web::params::{Kind, Param};
use crate::web::router::Call;
use words::outcome;

/// How long decisions are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A tick so near to the moment is the one that is meant: people say minutes.
const NEAR: SignedDuration = SignedDuration::from_secs(90);
/// A run that was made so soon after its tick came of it.
const LATE: SignedDuration = SignedDuration::from_secs(5);
/// Who names a moment as exactly as that has read it somewhere.
const MEANT: SignedDuration = SignedDuration::from_secs(1);
/// The most decisions, runs and lives of the daemon that are looked at.
const MOST: u32 = 500;

pub(crate) static AT: Param = Param {
    name: "at",
    about: "The moment in question; without it the last tick",
    kind: Kind::Instant,
};

/// Everything that an answer is made of.
struct Facts<'a> {
    job: &'a Job,
    zone: TimeZone,
    standing: Option<Standing>,
    at: Timestamp,
    /// Newest first.
    decisions: Vec<Decision>,
    /// Near the moment, oldest first.
    runs: Vec<Run>,
    sessions: Vec<Session>,
    now: Timestamp,
}

/// `Why` of the schema.
#[derive(Serialize)]
struct Answer {
    at: String,
    answer: String,
    evidence: Vec<Evidence>,
}

#[derive(Serialize)]
struct Evidence {
    at: String,
    what: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_run_id: Option<String>,
}

pub(crate) fn why(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let name = call.job();
    let asked = call.values.instant(&AT);
    let current = context.current();
    let job = current.job(&name).ok_or_else(|| Refusal::UnknownJob(name.clone()))?;
    let job = Arc::clone(job);
    let context = Arc::clone(context);
    Ok(Reply::later(move || {
        let now = context.clock.now().wall;
        let standing = context.board.get(&job.name);
        let at = asked.or_else(|| last_tick(&job, standing.as_ref(), now)).unwrap_or(now);
        let ((from, to), (after, before)) = (around(at, KEPT), around(at, NEAR));
        let (decisions, runs, sessions) = context.readers.read(|reader| {
            Ok((
                reader.decisions(&job.name, from, to, MOST)?,
                reader.runs_between(&job.name, after, before, MOST)?,
                reader.sessions(MOST)?,
            ))
        })?;
        let facts = Facts {
            zone: context.facts.calendar.zone(job.name.as_str()),
            standing,
            job: &job,
            at,
            decisions,
            runs,
            sessions,
            now,
        };
        Ok(Whole::json(200, &facts.answer()))
    }))
}

/// From so long before a moment to so long behind it, as far as there is time at all.
fn around(at: Timestamp, by: SignedDuration) -> (Timestamp, Timestamp) {
    let before = at.checked_sub(by).unwrap_or(Timestamp::MIN);
    (before, at.checked_add(by).unwrap_or(Timestamp::MAX))
}

/// The newest tick that has passed, looking back a year at most.
fn last_tick(job: &Job, standing: Option<&Standing>, now: Timestamp) -> Option<Timestamp> {
    let schedule = match job.task()?.schedule.as_deref()? {
        // Counted from its next one: it has no place in the calendar.
        Schedule::Every(every) => return standing?.next?.checked_sub(every.interval).ok(),
        schedule @ Schedule::Cron(_) => schedule,
    };
    // Wider and wider, so that a minutely task costs a few steps and a yearly one not many more.
    [1, 24, 24 * 32, 24 * 367].into_iter().find_map(|hours| {
        let mut last = None;
        let mut after = now.checked_sub(SignedDuration::from_hours(hours)).ok()?;
        while let Some(tick) = schedule.fires_after(after).filter(|tick| *tick <= now) {
            last = Some(tick);
            after = tick;
        }
        last
    })
}

impl Facts<'_> {
    fn answer(&self) -> Answer {
        let (answer, evidence) = self.explain();
        Answer { at: rfc3339(self.at), answer, evidence }
    }

    /// The reasons in the order in which they would have decided.
    fn explain(&self) -> (String, Vec<Evidence>) {
        let tick = self.tick();
        let when = self.say(tick.unwrap_or(self.at));
        if let Some(tick) = tick.filter(|tick| *tick > self.now) {
            return self.future(tick);
        }
        let run = self.run_of(tick);
        if let Some(decision) = self.about(run, tick) {
            return (self.sentence(decision, run, &when), self.all_evidence(Some(decision), run));
        }
        if let Some(run) = run {
            let started = match run.trigger {
                Trigger::Cron => format!("{} ran at {when}, as its schedule says", self.job.name),
                Trigger::Api | Trigger::Hook => {
                    format!("{} ran at {when} because somebody started it", self.job.name)
                }
                Trigger::Service | Trigger::Startup => {
                    format!("{} ran at {when} because the daemon started it", self.job.name)
                }
            };
            let retry = match run.retry_of {
                Some(_) => format!(", as attempt {} after a failure", run.retry_attempt + 1),
                None => String::new(),
            };
            return (
                format!("{started}{retry}: {}", outcome(run)),
                self.all_evidence(None, Some(run)),
            );
        }
        let (text, decision) = self.silence(tick, &when);
        (text, self.all_evidence(decision, None))
    }

    fn future(&self, tick: Timestamp) -> (String, Vec<Evidence>) {
        let (name, when) = (&self.job.name, self.say(tick));
        let text = match self.standing.as_ref().map_or(Switch::On, |standing| standing.switch) {
            Switch::Paused => format!("{name} will not run at {when}: its schedule is paused"),
            Switch::Held => {
                format!("{name} will not run here at {when}: cron is alive and runs it")
            }
            Switch::On | Switch::Stopped | Switch::Fatal => {
                format!("{name} is to run at {when}, as its schedule says")
            }
        };
        (text, self.all_evidence(None, None))
    }

    /// Nothing ran: why.
    fn silence(&self, tick: Option<Timestamp>, when: &str) -> (String, Option<&Decision>) {
        let name = &self.job.name;
        let moment = tick.unwrap_or(self.at);
        if let Some(decision) = self.missed(moment) {
            return (self.sentence(decision, None, when), Some(decision));
        }
        for (off, on, text) in [
            (What::Paused, What::Resumed, "its schedule was paused"),
            (What::Held, What::Released, "cron was alive and ran it"),
        ] {
            if let Some(decision) = self.last_of(&[off, on], moment).filter(|it| it.what == off) {
                let since = self.say(decision.at);
                return (
                    format!("{name} did not run at {when}: {text} since {since}"),
                    Some(decision),
                );
            }
        }
        if let Some((from, to)) = self.down(moment) {
            let to = to.map_or("now".to_owned(), |to| self.say(to));
            let from = self.say(from);
            let text =
                format!("{name} did not run at {when}: the daemon was down from {from} to {to}");
            return (text, None);
        }
        let known = [What::Added, What::Changed, What::Removed];
        let changed =
            self.decisions.iter().rev().find(|it| known.contains(&it.what) && it.at > moment);
        if let Some(decision) = changed {
            let since = self.say(decision.at);
            let text = if decision.what == What::Added {
                format!("{name} was not configured at {when}: it was added at {since}")
            } else {
                format!(
                    "{name} may have had another schedule at {when}: its definition changed at {since}"
                )
            };
            return (text, Some(decision));
        }
        let first = self.sessions.last().filter(|_| self.sessions.len() < MOST as usize);
        if let Some(first) = first.filter(|first| first.started_at > moment) {
            let first = self.say(first.started_at);
            let text = format!(
                "{name} did not run at {when}: the daemon was started for the first time at {first}"
            );
            return (text, None);
        }
        match tick {
            None => {
                let next = match self.schedule() {
                    Some(Schedule::Every(_)) => self.next().filter(|next| *next > self.at),
                    schedule => schedule.and_then(|it| it.fires_after(self.at)),
                };
                let text = match (next, self.schedule()) {
                    (Some(next), _) => {
                        format!("{name} has no tick at {when}; the next one is {}", self.say(next))
                    }
                    (None, Some(_)) => format!("{name} has no tick at {when}"),
                    (None, None) => {
                        format!("{name} has no schedule; it runs when somebody starts it")
                    }
                };
                (text, None)
            }
            Some(_) => {
                (format!("{name} had a tick at {when}; what came of it is no longer kept"), None)
            }
        }
    }

    fn schedule(&self) -> Option<&Schedule> {
        self.job.task()?.schedule.as_deref()
    }

    /// The tick that is meant: the one nearest to the moment.
    fn tick(&self) -> Option<Timestamp> {
        let (from, to) = around(self.at, NEAR);
        let mut near = Vec::new();
        match self.schedule()? {
            Schedule::Every(every) => {
                let next = self.next()?;
                near.extend(next.checked_sub(every.interval).ok().into_iter().chain([next]));
                near.retain(|tick| (from..=to).contains(tick));
            }
            Schedule::Cron(cron) => {
                let mut after = from;
                while let Some(tick) = cron.next_after(after).filter(|tick| tick.at <= to) {
                    after = tick.at;
                    if tick.note != TickNote::Suppressed {
                        near.push(tick.at);
                    }
                }
            }
        }
        near.into_iter().min_by_key(|tick| tick.duration_since(self.at).abs())
    }

    /// The next tick from now on.
    fn next(&self) -> Option<Timestamp> {
        self.standing.as_ref()?.next
    }

    /// The run that was made at the moment, or came of the tick.
    fn run_of(&self, tick: Option<Timestamp>) -> Option<&Run> {
        let far = |run: &Run| run.created_at.duration_since(self.at).abs();
        let Some(tick) = tick else { return self.runs.iter().min_by_key(|run| far(run)) };
        let next = self.schedule().and_then(|schedule| schedule.fires_after(tick));
        let came_of = |run: &&Run| {
            let late = run.created_at.duration_since(tick);
            let is_before_next = next.is_none_or(|next| run.created_at < next);
            run.trigger == Trigger::Cron && is_before_next && !late.is_negative() && late <= LATE
        };
        let is_meant = |run: &&Run| run.trigger != Trigger::Cron && far(run) <= MEANT;
        self.runs.iter().find(is_meant).or_else(|| self.runs.iter().find(came_of))
    }

    /// What was decided about this run or tick, beyond starting it.
    fn about(&self, run: Option<&Run>, tick: Option<Timestamp>) -> Option<&Decision> {
        let is_of = |decision: &&Decision| {
            run.is_some_and(|run| decision.run == Some(run.id))
                || (tick.is_some() && decision.tick == tick && decision.job.is_some())
        };
        self.decisions.iter().filter(|it| it.what != What::Missed).find(is_of)
    }

    fn missed(&self, moment: Timestamp) -> Option<&Decision> {
        self.decisions.iter().find(|it| {
            it.what == What::Missed
                && it.tick.is_some_and(|from| from <= moment)
                && it.until.is_some_and(|until| moment <= until)
        })
    }

    fn last_of(&self, kinds: &[What], moment: Timestamp) -> Option<&Decision> {
        self.decisions.iter().find(|it| kinds.contains(&it.what) && it.at <= moment)
    }

    /// Between which lives of the daemon the moment fell.
    fn down(&self, moment: Timestamp) -> Option<(Timestamp, Option<Timestamp>)> {
        let mut next_start = None;
        for session in &self.sessions {
            if session.started_at <= moment {
                let end = session.ended()?;
                return (end < moment).then_some((end, next_start));
            }
            next_start = Some(session.started_at);
        }
        None
    }
}
