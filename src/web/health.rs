//! How the daemon is, for `/health`: one atomic value, so that asking costs nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

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
    pub(crate) fn answer(self) -> (u16, &'static str, &'static str) {
        match self {
            State::Starting => (503, "starting", "starting"),
            State::Serving => (200, "OK", "ok"),
            State::ShuttingDown => (503, "shutting down", "shutting_down"),
        }
    }
}
