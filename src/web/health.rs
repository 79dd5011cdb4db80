//! How the daemon is, for `/health`: one atomic value, so that asking costs nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::web::http::{Body, Method, Problem, Reply, Request, Whole};

/// The state that `/health` shows. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Health(Arc<AtomicU8>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Starting,
    Serving,
    ShuttingDown,
}

impl Health {
    pub(crate) fn starting() -> Health {
        Health(Arc::new(AtomicU8::new(State::Starting as u8)))
    }

    pub(crate) fn set(&self, state: State) {
        self.0.store(state as u8, Ordering::Relaxed);
    }

    pub(crate) fn state(&self) -> State {
        match self.0.load(Ordering::Relaxed) {
            value if value == State::Serving as u8 => State::Serving,
            value if value == State::ShuttingDown as u8 => State::ShuttingDown,
            _ => State::Starting,
        }
    }
}

impl State {
    /// Status code, text and JSON word.
    fn answer(self) -> (u16, &'static str, &'static str) {
        match self {
            State::Starting => (503, "starting", "starting"),
            State::Serving => (200, "OK", "ok"),
            State::ShuttingDown => (503, "shutting down", "shutting_down"),
        }
    }
}

const ALLOW: &str = "GET, HEAD, OPTIONS";

/// `GET /health`, as text or as JSON for whoever asks for it.
pub(crate) fn answer(health: &Health, request: &Request) -> Result<Reply, Problem> {
    match request.method {
        Method::Get | Method::Head => {}
        Method::Options => return Ok(Whole::new(204).header("Allow", ALLOW).into()),
        Method::Post | Method::Delete | Method::Other => {
            let problem = Problem::new(405, format!("allowed here: {ALLOW}"));
            return Err(problem.header("Allow", ALLOW));
        }
    }
    let (status, text, word) = health.state().answer();
    let wants_json = request.all("Accept").any(|accept| accept.contains("application/json"));
    let whole = match wants_json {
        true => Whole {
            status,
            headers: vec![("Content-Type", "application/json".to_owned())],
            body: Body::Owned(format!("{{\"status\":\"{word}\"}}").into_bytes()),
        },
        false => Whole::text(status, text),
    };
    Ok(whole.header("Cache-Control", "no-store").into())
}
