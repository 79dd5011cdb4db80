//! Finds lines in the logs of a task: all its runs, the newest first, read as they are, without an
//! index. A request looks for two seconds at most and then says where the next one goes on.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::logs::{Case, Needle};
use crate::model::job::JobName;
use crate::model::run::{Run, RunId};
use crate::store::older::Place;
use crate::web::api::{logs, runs};
use crate::web::context::Context;
use crate::web::http::{Detail, Problem, Reply, Whole};
use crate::web::params::{Kind, Param};
use crate::web::router::Call;

/// How long a request looks.
const BUDGET: Duration = Duration::from_secs(2);
/// Lines may be long: a request ends early after so many bytes of them.
const HIT_BYTES: usize = 1 << 20;
/// Rows that are asked for at once.
const RUNS: u32 = 50;

static Q: Param =
    Param { name: "q", about: "What to look for", kind: Kind::Needed { longest: 1024 } };
static REGEX: Param = Param {
    name: "regex",
    about: "Whether `q` is a regular expression; no look-around, no back-references",
    kind: Kind::Flag,
};
static CASE: Param = Param {
    name: "case",
    about: "Whether upper and lower case of ASCII letters are told apart",
    kind: Kind::Flag,
};
static RUN: Param = Param { name: "run_id", about: "Only this run", kind: Kind::Run };
static LIMIT: Param = Param {
    name: "limit",
    about: "The most hits",
    kind: Kind::Integer { min: 1, max: 1000, default: Some(200) },
};
static CURSOR: Param = Param {
    name: "cursor",
    about: "`next_cursor` of the answer before; `q` and the others stay the same",
    kind: Kind::Text { longest: 100 },
};

pub(crate) static PARAMS: &[&Param] = &[&Q, &REGEX, &CASE, &RUN, &LIMIT, &CURSOR];

pub(crate) fn search(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let job = call.job();
    let only = call.values.run(&RUN);
    match only {
        Some(id) => drop(runs::one_of(context, &job, id)?),
        None => runs::known(context, &job)?,
    }
    let cursor = match call.values.text(&CURSOR).map(Cursor::from_str) {
        None => None,
        Some(Ok(cursor)) => Some(cursor),
        Some(Err(_)) => return Err(invalid(&CURSOR, "expected a cursor of an answer".to_owned())),
    };
    let limit = call.values.integer(&LIMIT).unwrap_or_default().unsigned_abs();
    let hunt = Hunt {
        needle: needle(call)?,
        job,
        only,
        limit: usize::try_from(limit).unwrap_or_default(),
        until: context.clock.now().steady + BUDGET,
        context: Arc::clone(context),
        found: Found::default(),
        bytes: 0,
    };
    Ok(Reply::later(move || Ok(Whole::json(200, &hunt.go(cursor)?))))
}

fn needle(call: &Call<'_>) -> Result<Needle, Problem> {
    let text = call.values.text(&Q).unwrap_or_default();
    let case = if call.values.flag(&CASE) { Case::Matters } else { Case::Ignored };
    match call.values.flag(&REGEX) {
        true => Needle::pattern(text, case)
            .map_err(|flaw| invalid(&Q, format!("expected a regular expression: {flaw}"))),
        false => Ok(Needle::text(text, case)),
    }
}

fn invalid(param: &Param, message: String) -> Problem {
    let location = Some(format!("query.{}", param.name));
    Problem::invalid(vec![Detail { location, message, value: None }])
}

/// Where a search goes on: the run by its place in the history, and the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    created_at: Timestamp,
    run: RunId,
    line: u64,
}

#[derive(Debug)]
struct NotACursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.created_at.as_millisecond(), self.run, self.line)
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Cursor, NotACursor> {
        let mut parts = text.split('.');
        let mut part = || parts.next().ok_or(NotACursor);
        let (created_at, run, line) = (part()?, part()?, part()?);
        let created_at = created_at.parse().map_err(|_| NotACursor)?;
        let cursor = Cursor {
            created_at: Timestamp::from_millisecond(created_at).map_err(|_| NotACursor)?,
            run: run.parse().map_err(|_| NotACursor)?,
            line: line.parse().map_err(|_| NotACursor)?,
        };
        parts.next().is_none().then_some(cursor).ok_or(NotACursor)
    }
}

#[derive(Debug, Default, Serialize)]
struct Found {
    hits: Vec<Hit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// Nothing is left to look at.
    exhausted: bool,
    scanned_runs: u64,
}

#[derive(Debug, Serialize)]
struct Hit {
    run_id: String,
    n: u64,
    stream: &'static str,
    text: String,
    /// When the run was created, in Unix milliseconds.
    ts: i64,
}

/// One request under way.
struct Hunt {
    context: Arc<Context>,
    needle: Needle,
    job: JobName,
    only: Option<RunId>,
    limit: usize,
    /// On the steady clock.
    until: Duration,
    found: Found,
    bytes: usize,
}

impl Hunt {
    fn go(mut self, cursor: Option<Cursor>) -> Result<Found, Problem> {
        let mut place = cursor.map(|cursor| (cursor.created_at, cursor.run));
        // The run that was left half-read, or the only one.
        if let Some(id) = cursor.map(|cursor| cursor.run).or(self.only) {
            let run = self.context.readers.read(|reader| reader.run(id))?;
            let from = cursor.map_or(0, |cursor| cursor.line);
            if let Some(run) = run.filter(|run| self.is_wanted(run))
                && self.look_into(&run, from)?
            {
                return Ok(self.found);
            }
        }
        while self.only.is_none() {
            let runs = self.older(place)?;
            for run in &runs {
                if self.look_into(run, 0)? {
                    return Ok(self.found);
                }
            }
            let Some(last) = runs.last() else { break };
            place = Some((last.created_at, last.id));
        }
        self.found.exhausted = true;
        Ok(self.found)
    }

    fn older(&self, place: Option<Place>) -> Result<Vec<Run>, Problem> {
        self.context.readers.read(|reader| reader.older(&self.job, place, RUNS))
    }

    fn is_wanted(&self, run: &Run) -> bool {
        run.job == self.job && self.only.is_none_or(|only| only == run.id)
    }

    /// True when the request is over before the log is.
    fn look_into(&mut self, run: &Run, from: u64) -> Result<bool, Problem> {
        let stop = |found: &mut Found, line| {
            let cursor = Cursor { created_at: run.created_at, run: run.id, line };
            found.next_cursor = Some(cursor.to_string());
            Ok(true)
        };
        // At least one block is read, so that every request comes further.
        if self.found.scanned_runs > 0 && self.is_late() {
            return stop(&mut self.found, from);
        }
        self.found.scanned_runs += 1;
        let log = logs::open(&self.context, run)?;
        let mut search = log.search(&self.needle, from);
        while let Some(lines) = search.block().map_err(Problem::internal)? {
            for line in lines {
                if self.found.hits.len() == self.limit || self.bytes >= HIT_BYTES {
                    return stop(&mut self.found, line.n);
                }
                self.bytes += line.text.len();
                self.found.hits.push(Hit {
                    run_id: run.id.to_string(),
                    n: line.n,
                    stream: line.stream.as_str(),
                    text: String::from_utf8_lossy(&line.text).into_owned(),
                    ts: run.created_at.as_millisecond(),
                });
            }
            if self.is_late() {
                return stop(&mut self.found, search.next());
            }
        }
        Ok(false)
    }

    fn is_late(&self) -> bool {
        self.context.clock.now().steady >= self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is_one() {
        let text = "1778164222118.01JTQ6V6Z9M3XK2B8N4C7D5E1F.17";
        assert_eq!(text.parse::<Cursor>().unwrap().to_string(), text);
        for other in [
            "",
            ".",
            "..",
            "1.01JTQ6V6Z9M3XK2B8N4C7D5E1F",
            "1.01JTQ6V6Z9M3XK2B8N4C7D5E1F.-1",
            "1.01JTQ6V6Z9M3XK2B8N4C7D5E1F.1.1",
            "9223372036854775807.01JTQ6V6Z9M3XK2B8N4C7D5E1F.1",
            "1.01jtq6v6z9m3xk2b8n4c7d5e1f.1",
        ] {
            assert!(other.parse::<Cursor>().is_err(), "{other}");
        }
    }
}
