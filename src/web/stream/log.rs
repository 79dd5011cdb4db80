//! The log of a run as it is written: what is there, then each line as it comes, then how the run
//! ended. A follower reads the files at its own pace and keeps nothing but its place in them, so
//! it loses a line only when a rotation removes it unread, and then says so.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::base::time::Moment;
use crate::logs::{Extent, Feed, Outlook, Step, Tail, Writing};
use crate::model::run::{Phase, Run, RunId};
use crate::web::api::logs::{self, FROM, LogLine};
use crate::web::api::runs;
use crate::web::context::Context;
use crate::web::http::{Flow, FlowKind, Problem, Reply, Sink};
use crate::web::params::{Kind, Param};
use crate::web::router::Call;
use crate::web::stream::sse;

/// A stream without a line for so long is closed; clients come back (docs/api.md, Streams).
const QUIET: Duration = Duration::from_secs(600);
/// Events are collected up to here before they are sent.
const BATCH_BYTES: usize = 32 * 1024;

pub(crate) static REPLAY_LIMIT: Param = Param {
    name: "replay_limit",
    about: "The most stored lines that are sent first: the newest ones",
    kind: Kind::Integer { min: 1, max: 50_000, default: Some(5000) },
};

pub(crate) fn stream(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let run = runs::find(context, call)?;
    // First the feed, then the row again: a run that is open now will end this feed.
    let (run, feed) = match run.phase {
        Phase::Ended { .. } => (run, Feed::ended()),
        Phase::Pending | Phase::Running { .. } => {
            let feed = context.feeds.of(run.id);
            let run = runs::find(context, call)?;
            let is_over = Writing::of(&run) == Writing::Over;
            (run, if is_over { Feed::ended() } else { feed })
        }
    };
    let log = logs::open(context, &run)?;
    let last_id = call.request.header("Last-Event-ID").and_then(|id| id.parse::<u64>().ok());
    let wanted = match (last_id, call.values.integer(&FROM).unwrap_or_default()) {
        (Some(last), _) => last.saturating_add(1),
        (None, from @ 0..) => from.unsigned_abs(),
        (None, from) => log.total().saturating_sub(from.unsigned_abs()),
    };
    let limit = call.values.integer(&REPLAY_LIMIT).unwrap_or_default().unsigned_abs();
    let (first, total) = (log.first_available(), log.total());
    let next = match wanted < total {
        true => wanted.max(first).max(total.saturating_sub(limit)),
        false => wanted,
    };
    let mut start = Vec::from(sse::RETRY);
    if wanted < first {
        rotated(&mut start, wanted, first);
    }
    dropped(&mut start, next, next - wanted);
    let stream = Stream {
        tail: Tail::new(logs::place(context, &run), run.began(), next),
        has_begun: run.phase != Phase::Pending,
        run: run.id,
        feed,
        whole: None,
        until: call.session.and_then(|session| session.until),
        context: Arc::clone(context),
    };
    let write = Box::new(move |sink: &mut dyn Sink| stream.write(start, sink));
    Ok(Reply::Flow(Flow { kind: FlowKind::Events, headers: sse::headers(), write }))
}

/// One who follows.
struct Stream {
    context: Arc<Context>,
    run: RunId,
    tail: Tail,
    feed: Arc<Feed>,
    /// The start of the run is known to `tail`.
    has_begun: bool,
    /// The log after the end of the run.
    whole: Option<Extent>,
    /// When the session that opened the stream is over.
    until: Option<Timestamp>,
}

impl Stream {
    fn write(mut self, mut out: Vec<u8>, sink: &mut dyn Sink) -> io::Result<()> {
        let mut last_line = self.context.clock.now().steady;
        let mut last_word = last_line;
        loop {
            let now = self.context.clock.now();
            if !out.is_empty() {
                sink.write_all(&out)?;
                sink.flush()?;
                out.clear();
                last_word = now.steady;
            }
            let Some(patience) = self.patience(&now, last_line) else { return Ok(()) };
            let next = self.tail.next();
            let (extent, outlook) = self.feed.wait(next, patience);
            if outlook == Outlook::Stopped {
                return Ok(());
            }
            if self.read(&mut out, extent, outlook).is_err() {
                // The log has the cause; the client comes back and hears of it.
                return Ok(());
            }
            if self.tail.next() > next {
                last_line = self.context.clock.now().steady;
            }
            if out.is_empty() {
                match outlook {
                    Outlook::Open => {
                        let silence = self.context.clock.now().steady - last_word;
                        if silence >= sse::KEEPALIVE || sink.may_be_gone() {
                            sse::comment(&mut out, "ping");
                        }
                    }
                    Outlook::Ended | Outlook::Stopped => return self.finish(sink),
                }
            }
        }
    }

    /// How long the stream may be silent; none when it is to be closed.
    fn patience(&self, now: &Moment, last_line: Duration) -> Option<Duration> {
        let quiet = QUIET.checked_sub(now.steady - last_line)?;
        let valid = match self.until {
            Some(until) => Duration::try_from(until.duration_since(now.wall)).ok()?,
            None => Duration::MAX,
        };
        Some(quiet.min(valid).min(sse::LOOK)).filter(|patience| !patience.is_zero())
    }

    /// Adds what can be read now, one batch at most.
    fn read(&mut self, out: &mut Vec<u8>, extent: Extent, outlook: Outlook) -> Result<(), Problem> {
        if !self.has_begun && (extent.lines > 0 || outlook == Outlook::Ended) {
            if let Some(run) = self.row()? {
                self.tail.begin(run.began());
            }
            self.has_begun = true;
        }
        let (extent, writing) = match outlook {
            Outlook::Open | Outlook::Stopped => (extent, Writing::Ongoing),
            Outlook::Ended => (self.whole()?, Writing::Over),
        };
        while out.len() < BATCH_BYTES {
            let next = self.tail.next();
            match self.tail.step(&extent, writing).map_err(Problem::internal)? {
                Step::Line(line) => {
                    sse::event(out, Some(line.n), "line", &LogLine::from(&line));
                }
                Step::Rotated { first, lost } => {
                    rotated(out, next, first);
                    dropped(out, self.tail.next(), lost);
                }
                Step::CaughtUp => break,
            }
        }
        Ok(())
    }

    /// The log of a run that has ended, looked at once.
    fn whole(&mut self) -> Result<Extent, Problem> {
        if let Some(extent) = self.whole {
            return Ok(extent);
        }
        let log = self.tail.reader(Writing::Over).map_err(Problem::internal)?;
        Ok(*self.whole.insert(log.extent()))
    }

    /// The last event; a row that is gone has no outcome.
    fn finish(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        let (Ok(extent), Ok(Some(row))) = (self.whole(), self.row()) else { return Ok(()) };
        let Phase::Ended { end, .. } = &row.phase else { return Ok(()) };
        let last = extent.lines.checked_sub(1);
        let data = Done {
            final_line: last.map_or(-1, u64::cast_signed),
            status: row.phase.as_str(),
            end_reason: end.reason.as_str(),
            exit_code: end.exit_code,
        };
        let mut out = Vec::new();
        sse::event(&mut out, last, "done", &data);
        sink.write_all(&out)?;
        sink.flush()
    }

    fn row(&self) -> Result<Option<Run>, Problem> {
        self.context.readers.read(|reader| reader.run(self.run))
    }
}

#[derive(Serialize)]
struct Done {
    /// -1 when there was no output.
    final_line: i64,
    status: &'static str,
    end_reason: &'static str,
    exit_code: i32,
}

/// The ids of these are the last line before: a client that comes back misses nothing.
fn rotated(out: &mut Vec<u8>, next: u64, first: u64) {
    #[derive(Serialize)]
    struct Rotated {
        first_available: u64,
    }
    sse::event(out, next.checked_sub(1), "rotated", &Rotated { first_available: first });
}

/// `count` lines before `next` are not sent.
fn dropped(out: &mut Vec<u8>, next: u64, count: u64) {
    #[derive(Serialize)]
    struct Dropped {
        after: u64,
        count: u64,
    }
    if count > 0 {
        sse::event(out, Some(next - 1), "dropped", &Dropped { after: next - 1, count });
    }
}
