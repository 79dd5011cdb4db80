//! Server-sent events. Each stream is written by a thread of its own, which waits in one place:
//! for what it tells of, with the next sign of life as the time-out.

pub(crate) mod daemon_log;
pub(crate) mod events;
pub(crate) mod log;
mod pace;
pub(crate) mod sse;

use std::io;

use crate::web::context::Context;
use crate::web::health::State;
use crate::web::http::{Flow, FlowKind, Problem, Reply, Sink};

/// An answer of events that `write` writes. A daemon that stops begins none.
fn flow(
    context: &Context,
    write: impl FnOnce(&mut dyn Sink) -> io::Result<()> + Send + 'static,
) -> Result<Reply, Problem> {
    if context.health.state() == State::ShuttingDown {
        return Err(Problem::new(503, "the daemon is stopping").header("Retry-After", "5"));
    }
    let (kind, headers) = (FlowKind::Events, sse::headers());
    Ok(Reply::Flow(Flow { kind, headers, write: Box::new(write) }))
}
