//! The end of a run's output, for those who are told of it.

use std::path::Path;

use crate::logs::{LogError, LogPlace, LogReader, Stream, Writing};
use crate::model::alert::RunFacts;
use crate::model::job::JobName;
use crate::model::run::Run;
use crate::notify::tail;

/// So many lines are looked through for some that are not blank.
const LOOKED_AT: u64 = 30;

/// The last lines as a message shows them. `logs` is `<data>/logs`.
pub(crate) fn tail(logs: &Path, job: &str, run: &RunFacts) -> String {
    let place = LogPlace::new(logs, &JobName::new(job), run.id, run.created_at);
    let started = run.started_at.unwrap_or(run.created_at);
    let writing = if run.end.is_some() { Writing::Over } else { Writing::Ongoing };
    let lines = last(LogReader::open(place, started, writing), LOOKED_AT);
    tail::tail(lines.iter().map(Vec::as_slice))
}

/// The last lines that the process wrote, oldest first.
pub(crate) fn lines(logs: &Path, run: &Run, count: u64) -> Vec<Vec<u8>> {
    last(LogReader::of(logs, run), count)
}

/// None where the log cannot be read, which is no reason not to tell of its run.
fn last(log: Result<LogReader, LogError>, count: u64) -> Vec<Vec<u8>> {
    let log = match log {
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
