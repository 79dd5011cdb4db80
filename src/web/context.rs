//! What the handlers share: the way to the engine, to the history, to the logs, to the news.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::base::time::Clock;
use crate::board::Board;
use crate::config::Metrics;
use crate::current::{Configured, Current};
use crate::engine::Refusal;
use crate::hub::Hub;
use crate::inbox::{Asker, Unanswered};
use crate::logs::Feeds;
use crate::model::difference::Difference;
use crate::notify::channel::Channels;
use crate::sampler::Sampler;
use crate::store::calendar::Calendar;
use crate::store::writer::Writer;
use crate::store::{self, Reader};
use crate::sweep::Sweeper;
use crate::tally::Tally;
use crate::web::guard::Guard;
use crate::web::health::Health;
use crate::web::http::Problem;

/// Everything that outlives a request.
pub(crate) struct Context {
    pub(crate) clock: Clock,
    pub(crate) facts: Facts,
    pub(crate) configured: Configured,
    pub(crate) reload: Box<Reload>,
    pub(crate) health: Health,
    pub(crate) guard: Guard,
    pub(crate) engine: Asker,
    pub(crate) board: Board,
    pub(crate) readers: Readers,
    pub(crate) writer: Writer,
    pub(crate) sweeper: Sweeper,
    pub(crate) hub: Hub,
    pub(crate) feeds: Feeds,
    pub(crate) sampler: Sampler,
    /// Empty where nobody can read it.
    pub(crate) tally: Tally,
    pub(crate) channels: Channels,
}

/// Reads the configuration again and applies it; with `true` only says what it would come to.
pub(crate) type Reload = dyn Fn(bool) -> Result<Difference, Rejection> + Send + Sync;

/// Why a configuration was not applied; everything is as it was.
#[derive(Debug)]
pub(crate) enum Rejection {
    /// Each line is one thing that is wrong.
    Invalid(Vec<String>),
    /// The engine did not take it.
    Refused(Refusal),
    Unanswered(Unanswered),
}

impl Rejection {
    /// What is wrong, one thing a line.
    pub(crate) fn lines(&self) -> Vec<String> {
        match self {
            Rejection::Invalid(lines) => lines.clone(),
            Rejection::Refused(refusal) => vec![refusal.to_string()],
            Rejection::Unanswered(_) => vec!["the engine does not answer".to_owned()],
        }
    }
}

impl Context {
    /// The configuration of now.
    pub(crate) fn current(&self) -> Arc<Current> {
        self.configured.get()
    }
}

/// What never changes while the daemon runs.
pub(crate) struct Facts {
    pub(crate) calendar: Calendar,
    /// Absolute, as all paths here.
    pub(crate) data: PathBuf,
    pub(crate) logs: PathBuf,
    pub(crate) port: u16,
    pub(crate) metrics: Metrics,
    pub(crate) fingerprint: String,
    pub(crate) started_at: Timestamp,
    /// The name of the machine.
    pub(crate) host: String,
    pub(crate) work_dir: PathBuf,
    /// Whether systemd started the daemon.
    pub(crate) service_managed: bool,
}

/// Connections that only read: as many as are in use at once, kept for the next one.
#[derive(Debug)]
pub(crate) struct Readers {
    database: PathBuf,
    /// Locked to take one out or to put it back.
    idle: Mutex<Vec<Reader>>,
}

/// Connections that are kept; each holds up to 256 KiB of pages.
const IDLE: usize = 4;

impl Readers {
    pub(crate) fn new(database: PathBuf) -> Readers {
        Readers { database, idle: Mutex::default() }
    }

    /// Asks the history. A failure is an internal one: the cause goes to the log.
    pub(crate) fn read<T>(
        &self,
        query: impl FnOnce(&Reader) -> Result<T, store::Error>,
    ) -> Result<T, Problem> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match kept {
            Some(reader) => reader,
            None => Reader::open(&self.database).map_err(Problem::internal)?,
        };
        let answer = query(&reader).map_err(Problem::internal)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(reader);
        }
        Ok(answer)
    }

    /// Lets go of the database, so that the last one to close it leaves one file behind.
    pub(crate) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
