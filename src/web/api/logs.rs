//! What a run wrote: pages of lines, and the whole of it byte for byte.

use std::io::Write;
use std::sync::Arc;

use serde::Serialize;

use crate::logs::{Line, LogPlace, LogReader};
use crate::model::run::{Phase, Run};
use crate::web::api::runs;
use crate::web::context::Context;
use crate::web::http::{Body, Flow, FlowKind, Problem, Reply, Sink, Whole};
use crate::web::params::{Kind, Param};
use crate::web::router::Call;

/// A page ends after so many bytes even if it has fewer lines than asked for: ten thousand long
/// lines would be more than a small host has.
const PAGE_BYTES: usize = 4 << 20;

pub(crate) static FROM: Param = Param {
    name: "from",
    about: "The first line wanted, from 0; a negative one is counted from the end",
    kind: Kind::Integer { min: i64::MIN, max: i64::MAX, default: Some(-1000) },
};
pub(crate) static LIMIT: Param = Param {
    name: "limit",
    about: "The most lines of the page; a page of long lines ends earlier, after 4 MiB",
    kind: Kind::Integer { min: 1, max: 10_000, default: Some(1000) },
};
pub(crate) static DOWNLOAD: Param = Param {
    name: "download",
    about: "With 1, a browser saves it as a file",
    kind: Kind::Word(&["0", "1"]),
};

/// `LogLine` of the schema.
#[derive(Serialize)]
pub(crate) struct LogLine<'a> {
    n: u64,
    ts: i64,
    stream: &'static str,
    text: std::borrow::Cow<'a, str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    continued: bool,
}

impl<'a> From<&'a Line> for LogLine<'a> {
    fn from(line: &'a Line) -> LogLine<'a> {
        LogLine {
            n: line.n,
            ts: line.at,
            stream: line.stream.as_str(),
            text: String::from_utf8_lossy(&line.text),
            continued: line.continued,
        }
    }
}

pub(crate) fn place(context: &Context, run: &Run) -> LogPlace {
    LogPlace::new(&context.facts.logs, &run.job, run.id, run.created_at)
}

/// The log of a run as it is now.
pub(crate) fn open(context: &Context, run: &Run) -> Result<LogReader, Problem> {
    LogReader::of(&context.facts.logs, run).map_err(Problem::internal)
}

pub(crate) fn page(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let run = runs::find(context, call)?;
    let log = open(context, &run)?;
    let from = call.values.integer(&FROM).unwrap_or_default();
    let limit = call.values.integer(&LIMIT).unwrap_or_default().unsigned_abs();
    let mut body = b"{\"lines\":[".to_vec();
    for (place, line) in log.lines(from, limit).enumerate() {
        if body.len() > PAGE_BYTES {
            break;
        }
        if place > 0 {
            body.push(b',');
        }
        let line = line.map_err(Problem::internal)?;
        serde_json::to_writer(&mut body, &LogLine::from(&line)).map_err(Problem::internal)?;
    }
    let (first, total) = (log.first_available(), log.total());
    let (first, total, is_over) = match &run.phase {
        // The files are gone; the row still knows what there was.
        Phase::Ended { end, .. } if total == 0 => (end.log.lines, end.log.lines, true),
        Phase::Ended { .. } => (first, total, true),
        Phase::Pending | Phase::Running { .. } => (first, total, false),
    };
    let truncated = first > 0;
    write!(
        body,
        "],\"first_available\":{first},\"total_lines\":{total},\"truncated\":{truncated},\
         \"finalized\":{is_over}}}"
    )
    .map_err(Problem::internal)?;
    let headers = vec![("Content-Type", "application/json".to_owned())];
    Ok(Whole { status: 200, headers, body: Body::Owned(body) }.into())
}

pub(crate) fn raw(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let run = runs::find(context, call)?;
    let files = open(context, &run)?.raw();
    let length = files.iter().map(|(_, size)| size).sum();
    let mut headers = vec![
        ("Content-Type", "text/plain; charset=utf-8".to_owned()),
        ("Cache-Control", "no-store".to_owned()),
    ];
    if call.values.text(&DOWNLOAD) == Some("1") {
        let name = file_name(&run);
        headers.push(("Content-Disposition", format!("attachment; filename=\"{name}\"")));
    }
    let send = move |sink: &mut dyn Sink| {
        files.iter().try_for_each(|(file, size)| sink.send_file(file, 0, *size))
    };
    Ok(Reply::Flow(Flow { kind: FlowKind::Download { length }, headers, write: Box::new(send) }))
}

/// Safe in a header and as the name of a file.
fn file_name(run: &Run) -> String {
    let is_safe = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let job = run.job.as_str().trim_start_matches('.');
    let job: String = job.chars().map(|c| if is_safe(c) { c } else { '_' }).collect();
    format!("{job}_{}.log", run.id)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::job::{JobName, Kind};
    use crate::model::run::Trigger;

    #[test]
    fn the_name_of_a_download_holds_nothing_that_needs_quoting() {
        let id = "01JTQ6V6Z9M3XK2B8N4C7D5E1F";
        let mut run = Run {
            id: id.parse().unwrap(),
            job: JobName::new("a"),
            kind: Kind::Task,
            trigger: Trigger::Cron,
            created_at: Timestamp::UNIX_EPOCH,
            phase: Phase::Pending,
            retry_attempt: 0,
            retry_of: None,
            replica: 0,
            params: [].into(),
            config: 0,
        };
        for (job, name) in [
            ("db.backup-1", "db.backup-1"),
            ("mail:send", "mail_send"),
            ("..", ""),
            ("a\"b\r\nc/ü", "a_b__c__"),
        ] {
            run.job = JobName::new(job);
            assert_eq!(file_name(&run), format!("{name}_{id}.log"));
        }
    }
}
