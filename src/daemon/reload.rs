//! Puts another configuration in the place of the one at hand (docs/configuration.md, Reload): reads
//! and checks all of it first, asks the engine, and then tells everybody else.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::base::time::Clock;
use crate::board::Board;
use crate::config::{self, Config, LoadError, Metrics};
use crate::current::{Configured, Current};
use crate::daemon::cron_watch::CronWatch;
use crate::daemon::heartbeats::Heartbeats;
use crate::daemon::sd_notify;
use crate::engine::{Answer, Input, Plan};
use crate::hub::{Hub, News};
use crate::inbox::Asker;
use crate::model::change::Configuration;
use crate::model::difference::Difference;
use crate::notify::dispatch::Dispatcher;
use crate::process::spec::Limits;
use crate::store::calendar::Calendar;
use crate::sweep::{Rules, Sweeper};
use crate::web::context::Rejection;
use crate::{sys, threads};

/// As good as for ever.
const DISK: Duration = Duration::from_secs(24 * 3600);

/// Everybody who has to know.
pub(crate) struct Reloader {
    pub(crate) path: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) configured: Configured,
    pub(crate) calendar: Calendar,
    pub(crate) board: Board,
    pub(crate) hub: Hub,
    pub(crate) engine: Asker,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) sweeper: Sweeper,
    pub(crate) heartbeats: Heartbeats,
    pub(crate) cron: CronWatch,
    pub(crate) limits: Limits,
    /// As at the start: where they are served is settled there.
    pub(crate) metrics: Metrics,
    /// Locked for a whole reload: one at a time.
    pub(crate) last: Mutex<Last>,
}

/// The configuration at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Last {
    pub(crate) number: u32,
    /// Of its files as they are kept.
    pub(crate) fingerprint: u64,
}

impl Last {
    pub(crate) fn of(configuration: &Configuration) -> Last {
        let mut hasher = DefaultHasher::new();
        configuration.files.hash(&mut hasher);
        Last { number: configuration.number, fingerprint: hasher.finish() }
    }
}

impl Reloader {
    /// Reads the files again and applies them, or with `dry` only says what that would come to.
    pub(crate) fn reload(&self, dry: bool) -> Result<Difference, Rejection> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now().wall;
        let config = config::load(&self.path, now).map_err(|error| match error {
            LoadError::Unreadable(reason) => Rejection::Invalid(vec![reason]),
            LoadError::Invalid(problems) => {
                Rejection::Invalid(problems.0.iter().map(ToString::to_string).collect())
            }
        })?;
        let old = self.configured.get();
        if dry {
            return Ok(Difference::between(&old.jobs, &config.jobs));
        }
        sd_notify::notify(&sd_notify::reloading());
        let mut configuration = kept(&config, now, last.number + 1);
        let new = Last::of(&configuration);
        if new.fingerprint == last.fingerprint {
            // Files that are the same are kept once; what they refer to may be another all the same.
            configuration.number = last.number;
        }
        let number = configuration.number;
        let applied = self.apply(&config, now, configuration);
        sd_notify::notify(sd_notify::READY);
        // Reading a large configuration took much more than what it came to.
        sys::memory::give_back();
        if applied.is_ok() {
            *last = Last { number, ..new };
            config.warnings.iter().for_each(|warning| log::warn!("{warning}"));
        }
        applied
    }

    fn apply(
        &self,
        config: &Config,
        now: Timestamp,
        configuration: Configuration,
    ) -> Result<Difference, Rejection> {
        let plan = Box::new(Plan {
            jobs: config.jobs.clone(),
            budget: config.shutdown_timeout,
            configuration,
            cron_lives: self.cron.follow(config).map_err(|why| Rejection::Invalid(vec![why]))?,
        });
        // What the engine has taken holds, however long the disk takes: nobody may think otherwise.
        let question = self.engine.put(|reply| Input::Reload { plan, reply });
        let answer = question.and_then(|question| question.wait(DISK));
        let mut difference = match answer.map_err(Rejection::Unanswered)? {
            Answer::Reloaded(difference) => difference,
            Answer::Refused(refusal) => return Err(Rejection::Refused(refusal)),
            Answer::Created(_) | Answer::Operated(_) | Answer::Done => {
                return Err(Rejection::Invalid(vec!["the engine did not answer that".to_owned()]));
            }
        };
        if config.metrics != self.metrics {
            let note = "metrics_enabled and metrics_listen hold from the next start on: \
                        runwisp restart --when-idle";
            difference.notes.push(note.to_owned());
        }
        self.calendar.follow(&Calendar::of(config));
        self.configured.set(Current::of(config, now));
        self.board.forget_document();
        self.sweeper.follow(Rules::of(config));
        self.limits.set_min_free(config.storage.min_free_space);
        self.heartbeats.follow(config);
        self.dispatcher.reconfigured();
        self.hub.publish(News::TasksChanged);
        log::info!(
            "configuration reloaded added={} changed={} removed={}",
            difference.added.len(),
            difference.changed.len(),
            difference.removed.len()
        );
        Ok(difference)
    }

    /// Reloads on a thread of its own, for a signal; what is wrong goes to the log.
    pub(crate) fn reload_apart(self: &Arc<Reloader>) {
        let own = Arc::clone(self);
        let started = threads::spawn("reload", move || {
            if let Err(rejection) = own.reload(false) {
                for line in rejection.lines() {
                    log::error!("reload rejected: {line}");
                }
            }
        });
        if let Err(error) = started {
            log::error!("cannot start a thread to reload: {error}");
        }
    }
}

/// What is kept of a configuration.
pub(crate) fn kept(config: &Config, at: Timestamp, number: u32) -> Configuration {
    let files = config.files.iter();
    let files = files.map(|file| (file.path.display().to_string(), file.text_hidden.clone()));
    Configuration { number, at, files: files.collect() }
}
