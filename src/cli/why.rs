//! `runwisp why`: why a task ran at a moment, or did not.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::Deserialize;

use crate::base::escape::escape;
use crate::cli::globals::Globals;
use crate::cli::{Failure, Outcome, door};
use crate::web::client::segment;

pub(crate) const HELP: &str = "\
Says in one sentence why a task ran at a moment, or did not, and what that stands on.

Usage: runwisp why <task> [--at <time>] [flags]

Without --at it is about the last tick of its schedule. A tick within a minute and a half of <time>
is the one that is meant. What was decided is kept for 30 days.

      --at <time>        03:00 or \"2026-05-07 03:00\" by the clock of this machine, or an instant
                         such as 2026-05-07T01:00:00Z
";

/// A moment as people write it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum At {
    Instant(Timestamp),
    Local(DateTime),
    /// Today.
    Clock(Time),
}

impl At {
    pub(crate) fn read(text: &str) -> Option<At> {
        let instant = text.parse().map(At::Instant);
        let local = || text.parse().map(At::Local);
        let clock = || text.parse().map(At::Clock);
        // A date alone is a date and time to the parser, and nobody means midnight.
        let has_time = text.contains(':');
        instant.or_else(|_| local()).or_else(|_| clock()).ok().filter(|_| has_time)
    }

    fn resolve(&self, now: Timestamp) -> Result<Timestamp, Failure> {
        let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
        let civil = match self {
            At::Instant(instant) => return Ok(*instant),
            At::Local(civil) => *civil,
            At::Clock(time) => Zoned::new(now, zone.clone()).date().to_datetime(*time),
        };
        let resolved = zone.to_ambiguous_zoned(civil).compatible();
        let resolved = resolved.map_err(|error| Failure::Error(format!("--at: {error}")))?;
        Ok(resolved.timestamp())
    }
}

#[derive(Deserialize)]
struct Answer {
    answer: String,
    evidence: Vec<Evidence>,
}

#[derive(Deserialize)]
struct Evidence {
    at: String,
    text: String,
    run_id: Option<String>,
}

pub(crate) fn run(
    globals: &Globals,
    task: &str,
    at: Option<&At>,
    now: Timestamp,
) -> Result<Outcome, Failure> {
    let at = at.map(|at| at.resolve(now)).transpose()?;
    let client = door::open(globals, None)?;
    let query = at.map(|at| format!("?at={at}")).unwrap_or_default();
    let answer: Answer = client.get(&format!("/api/tasks/{}/why{query}", segment(task)))?;
    let mut text = format!("{}\n", escape(&answer.answer));
    for Evidence { at, text: what, run_id } in &answer.evidence {
        let run = run_id.as_ref().map(|id| format!("  run {}", escape(id))).unwrap_or_default();
        text.push_str(&format!("  {}  {}{run}\n", escape(at), escape(what)));
    }
    Ok(Outcome::success(text))
}
