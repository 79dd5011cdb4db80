//! What the handlers share: the way to the engine, to the history, to the logs, to the news.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use jiff::Timestamp;

use crate::base::time::Clock;
use crate::board::Board;
use crate::hub::Hub;
use crate::inbox::Asker;
use crate::logs::Feeds;
use crate::model::job::{Job, JobName};
use crate::model::notifier::Notify;
use crate::notify::channel::Channels;
use crate::sampler::Sampler;
use crate::store::calendar::Calendar;
use crate::store::writer::Writer;
use crate::store::{self, Reader};
use crate::sweep::Sweeper;
use crate::web::guard::Guard;
use crate::web::health::Health;
use crate::web::http::Problem;

/// Everything that outlives a request.
pub(crate) struct Context {
    pub(crate) clock: Clock,
    pub(crate) facts: Facts,
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
    pub(crate) notify: Arc<Notify>,
    pub(crate) channels: Channels,
}

/// What never changes while the daemon runs.
pub(crate) struct Facts {
    /// In the order of the configuration.
    pub(crate) jobs: Vec<Arc<Job>>,
    pub(crate) calendar: Calendar,
    pub(crate) timezone: String,
    pub(crate) timezone_source: &'static str,
    /// Absolute, as all paths here.
    pub(crate) config: PathBuf,
    /// Of the configuration when it was read; `None` where that cannot be told.
    pub(crate) config_modified: Option<SystemTime>,
    pub(crate) data: PathBuf,
    pub(crate) logs: PathBuf,
    pub(crate) port: u16,
    pub(crate) external_url: Option<String>,
    pub(crate) fingerprint: String,
    pub(crate) started_at: Timestamp,
    /// The name of the machine.
    pub(crate) host: String,
    pub(crate) work_dir: PathBuf,
    /// Whether systemd started the daemon.
    pub(crate) service_managed: bool,
}

impl Facts {
    pub(crate) fn job(&self, name: &JobName) -> Option<&Arc<Job>> {
        self.jobs.iter().find(|job| job.name == *name)
    }

    /// Whether the file of the configuration is another one than the daemon has read, or gone.
    pub(crate) fn is_config_stale(&self) -> bool {
        modified(&self.config) != self.config_modified
    }
}

/// When a file was written to the last time, if it is there and that can be told.
pub(crate) fn modified(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).and_then(|facts| facts.modified()).ok()
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
