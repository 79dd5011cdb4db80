//! `GET /api/daemon/log-stream`: the daemon's own log, its last lines and then each new one. This
//! thread logs nothing itself, or it would hear itself for ever (docs/api.md, Streams).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::logging::{self, Lines, Tail};
use crate::web::context::Context;
use crate::web::http::{Problem, Reply, Sink};
use crate::web::router::Call;
use crate::web::stream::pace::{Pace, Turn};
use crate::web::stream::{flow, sse};

#[derive(Serialize)]
struct DaemonLogLine<'a> {
    line: &'a str,
}

pub(crate) fn stream(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let (tail, pace) = (logging::tail(), Pace::of(context, call));
    flow(context, move |sink| follow(tail, pace, sink))
}

fn follow(mut tail: Tail, mut pace: Pace, sink: &mut dyn Sink) -> io::Result<()> {
    let mut out = sse::RETRY.to_vec();
    // What is there already comes with the first bytes.
    let mut patience = Duration::ZERO;
    loop {
        match tail.next(patience) {
            Lines::New(lines) => {
                for line in lines {
                    sse::event(&mut out, None, "line", &DaemonLogLine { line: &line });
                }
            }
            // Lines are lost: whoever comes back gets the last ones again.
            Lines::Missed | Lines::Closed => return Ok(()),
        }
        loop {
            if !out.is_empty() {
                sink.write_all(&out)?;
                sink.flush()?;
                out.clear();
            }
            match pace.turn() {
                Turn::End => return Ok(()),
                Turn::Ping => sse::comment(&mut out, "ping"),
                Turn::Wait(wait) => {
                    patience = wait;
                    break;
                }
            }
        }
    }
}
