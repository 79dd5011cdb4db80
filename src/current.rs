//! What the configuration says now. A reload puts another one in its place as a whole; whoever
//! asks for it in the middle goes on with the one it has.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::auth::proxy::Proxies;
use crate::config::Config;
use crate::config::load::{Stamp, stamp};
use crate::model::job::{Job, JobName};
use crate::model::notifier::Notify;

/// One configuration, as it was loaded.
#[derive(Debug)]
pub(crate) struct Current {
    /// In the order of the configuration.
    pub(crate) jobs: Vec<Arc<Job>>,
    pub(crate) timezone: String,
    pub(crate) timezone_source: &'static str,
    pub(crate) external_url: Option<String>,
    /// The reverse proxies whose headers count, unless the environment names others.
    pub(crate) trusted_proxies: Proxies,
    pub(crate) notify: Arc<Notify>,
    /// Absolute.
    pub(crate) path: PathBuf,
    pub(crate) loaded_at: Timestamp,
    /// How the files looked.
    stamp: Stamp,
}

impl Current {
    pub(crate) fn of(config: &Config, loaded_at: Timestamp) -> Current {
        Current {
            jobs: config.jobs.clone(),
            timezone: config.timezone.clone(),
            timezone_source: config.timezone_source.as_str(),
            external_url: config.external_url.clone(),
            trusted_proxies: config.trusted_proxies.clone(),
            notify: Arc::new(config.notify.clone()),
            path: std::path::absolute(&config.path).unwrap_or_else(|_| config.path.clone()),
            loaded_at,
            stamp: stamp(config),
        }
    }

    pub(crate) fn job(&self, name: &JobName) -> Option<&Arc<Job>> {
        self.jobs.iter().find(|job| job.name == *name)
    }

    /// Whether the files say something else than was read from them, or are gone.
    pub(crate) fn is_stale(&self) -> bool {
        self.stamp.is_stale()
    }
}

/// Where the configuration of now is kept. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Configured(Arc<Mutex<Arc<Current>>>);

impl Configured {
    pub(crate) fn new(current: Current) -> Configured {
        Configured(Arc::new(Mutex::new(Arc::new(current))))
    }

    pub(crate) fn get(&self) -> Arc<Current> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, current: Current) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(current);
    }
}

#[cfg(test)]
impl Configured {
    /// A file that says nothing.
    pub(crate) fn empty() -> Configured {
        Configured::new(Current {
            jobs: Vec::new(),
            timezone: "UTC".to_owned(),
            timezone_source: "default",
            external_url: None,
            trusted_proxies: Proxies::default(),
            notify: Arc::default(),
            path: PathBuf::new(),
            loaded_at: Timestamp::UNIX_EPOCH,
            stamp: Stamp::default(),
        })
    }
}
