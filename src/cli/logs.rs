//! `runwisp logs`: what runs have written, read from their files beside a running daemon or
//! without one. A target is a run id, or the name of a job and means its newest run.

use std::io::{self, BufWriter, IsTerminal, Write};

use serde::Serialize;

use crate::base::escape::escape;
use crate::base::time::rfc3339;
use crate::cli::args::{Output, Span};
use crate::cli::globals::Globals;
use crate::cli::{Exit, Failure, failed, to_stderr};
use crate::logs::{Line, LogReader, Stream};
use crate::model::job::JobName;
use crate::model::run::Run;
use crate::store::{self, Reader};

pub(crate) fn run(
    globals: &Globals,
    targets: &[String],
    span: Span,
    output: Output,
) -> Result<Exit, Failure> {
    let data = &globals.data.path;
    let reader = Reader::open(&data.join(store::FILE_NAME)).map_err(failed)?;
    let runs: Vec<Run> =
        targets.iter().map(|target| find(&reader, target)).collect::<Result<_, _>>()?;
    let mut page = Page {
        out: BufWriter::new(io::stdout().lock()),
        terminal: io::stdout().is_terminal(),
        output,
    };
    for run in &runs {
        let origin = Origin { run_id: &run.id.to_string(), task_name: run.job.as_str() };
        let log = LogReader::of(&data.join("logs"), run).map_err(failed)?;
        if runs.len() > 1 && output == Output::Human {
            page.out.flush()?;
            to_stderr(&format!("==> {} {} <==\n", run.job, run.id));
        }
        let (from, limit) = match span {
            Span::All => (0, u64::MAX),
            Span::First(count) => (0, count),
            Span::Last(0) => continue,
            Span::Last(count) => (i64::try_from(count).map_or(i64::MIN, |count| -count), count),
        };
        if log.first_available() > 0 && !matches!(span, Span::First(0) | Span::Last(_)) {
            to_stderr(&format!(
                "the first {} lines of this log were dropped\n",
                log.first_available()
            ));
        }
        for line in log.lines(from, limit) {
            page.write(origin, &line.map_err(failed)?)?;
        }
    }
    page.out.flush()?;
    Ok(Exit::Success)
}

fn find(reader: &Reader, target: &str) -> Result<Run, Failure> {
    let by_id = match target.parse() {
        Ok(id) => reader.run(id).map_err(failed)?,
        Err(_) => None,
    };
    match by_id {
        Some(run) => Ok(run),
        None => reader.latest(&JobName::new(target)).map_err(failed)?.ok_or_else(|| {
            Failure::Error(format!(
                "no run found: {target:?} is neither the id of a run nor a job that ever ran"
            ))
        }),
    }
}

/// Lines on their way to a reader.
pub(crate) struct Page<W> {
    pub(crate) out: W,
    /// A terminal gets no control bytes of a task; a file or a pipe gets the very bytes.
    pub(crate) terminal: bool,
    pub(crate) output: Output,
}

/// Whose line it is.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Origin<'a> {
    pub(crate) run_id: &'a str,
    pub(crate) task_name: &'a str,
}

/// The text of a line as a terminal may show it, or as it is.
pub(crate) fn shown(text: &[u8], is_terminal: bool) -> Vec<u8> {
    if !is_terminal {
        return text.to_vec();
    }
    let text = String::from_utf8_lossy(text);
    let cells: Vec<_> = text.split('\t').map(escape).collect();
    cells.join("\t").into_bytes()
}

#[derive(Serialize)]
struct Record<'a> {
    #[serde(flatten)]
    origin: Origin<'a>,
    n: u64,
    ts: Option<String>,
    stream: &'static str,
    text: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    continued: bool,
}

impl<W: Write> Page<W> {
    pub(crate) fn write(&mut self, origin: Origin<'_>, line: &Line) -> Result<(), Failure> {
        match self.output {
            Output::Json => {
                let record = Record {
                    origin,
                    n: line.n,
                    ts: jiff::Timestamp::from_millisecond(line.at).ok().map(rfc3339),
                    stream: line.stream.as_str(),
                    text: &String::from_utf8_lossy(&line.text),
                    continued: line.continued,
                };
                serde_json::to_writer(&mut self.out, &record).map_err(io::Error::from)?;
            }
            Output::Human => {
                if line.stream == Stream::System {
                    self.out.write_all(b"[SYSTEM] ")?;
                }
                self.out.write_all(&shown(&line.text, self.terminal))?;
            }
        }
        self.out.write_all(b"\n")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line as it is printed.
    fn printed(terminal: bool, output: Output, stream: Stream, text: &[u8]) -> String {
        let origin = Origin { run_id: "01JTQ6V6Z9M3XK2B8N4C7D5E1F", task_name: "a" };
        let line = Line { n: 3, at: 1500, stream, text: text.to_vec(), continued: false };
        let mut page = Page { out: Vec::new(), terminal, output };
        page.write(origin, &line).unwrap();
        String::from_utf8_lossy(&page.out).into_owned()
    }

    #[test]
    fn a_terminal_gets_no_control_bytes_and_a_pipe_gets_them_all() {
        let text = b"a\tb\x1b[2J";
        assert_eq!(printed(true, Output::Human, Stream::Stdout, text), "a\tb\\x1b[2J\n");
        assert_eq!(printed(false, Output::Human, Stream::Stderr, text), "a\tb\x1b[2J\n");
        assert_eq!(printed(false, Output::Human, Stream::System, b"x"), "[SYSTEM] x\n");
    }

    #[test]
    fn json_is_one_record_a_line() {
        let record = printed(true, Output::Json, Stream::Stderr, b"a\xff\n");
        assert_eq!(
            record,
            "{\"run_id\":\"01JTQ6V6Z9M3XK2B8N4C7D5E1F\",\"task_name\":\"a\",\"n\":3,\
             \"ts\":\"1970-01-01T00:00:01.500Z\",\"stream\":\"stderr\",\"text\":\"a\u{fffd}\\n\"}\n"
        );
    }
}
