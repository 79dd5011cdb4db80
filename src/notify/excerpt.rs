//! The end of a run's output, for those who are told of it.

use std::path::Path;

use jiff::Timestamp;

use crate::logs::{LogPlace, LogReader, Stream, Writing};
use crate::model::alert::RunFacts;
use crate::model::job::JobName;
use crate::model::run::{Phase, Run};
use crate::notify::tail;

/// So many lines are looked through for some that are not blank.
const LOOKED_AT: u64 = 30;

/// The last lines as a message shows them. `logs` is `<data>/logs`.
pub(crate) fn tail(logs: &Path, job: &str, run: &RunFacts) -> String {
    let place = LogPlace::new(logs, &JobName::new(job), run.id, run.created_at);
    let started = run.started_at.unwrap_or(run.created_at);
    let writing = if run.end.is_some() { Writing::Over } else { Writing::Ongoing };
    tail::tail(lines_of(place, started, writing, LOOKED_AT).iter().map(Vec::as_slice))
}

/// The last lines that the process wrote, oldest first; none where the log cannot be read, which
/// is no reason not to tell of its run.
pub(crate) fn lines(logs: &Path, run: &Run, count: u64) -> Vec<Vec<u8>> {
    let place = LogPlace::new(logs, &run.job, run.id, run.created_at);
    let (started, writing) = match run.phase {
        Phase::Pending => (None, Writing::Ongoing),
        Phase::Running { since } => (Some(since), Writing::Ongoing),
        Phase::Ended { since, .. } => (since, Writing::Over),
    };
    lines_of(place, started.unwrap_or(run.created_at), writing, count)
}

fn lines_of(place: LogPlace, started: Timestamp, writing: Writing, count: u64) -> Vec<Vec<u8>> {
    let log = match LogReader::open(place, started, writing) {
        Ok(log) => log,
        Err(error) => {
            log::warn!("{error}");
            return Vec::new();
        }
    };
    let from = i64::try_from(count).unwrap_or(i64::MAX);
    let lines = log.lines(-from, count).filter_map(Result::ok);
    lines.filter(|line| line.stream != Stream::System).map(|line| line.text).collect()
}
