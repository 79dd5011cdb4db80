//! Which dead-man switches there are, and who tells them; nothing at all where the configuration
//! names none.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::time::Clock;
use crate::config::Config;
use crate::inbox::{Asker, Inbox};
use crate::model::job::{Job, JobName};
use crate::model::notifier::Heartbeat;
use crate::model::run::Run;
use crate::notify::Facts;
use crate::notify::pulse::{Own, Pulse};

/// Clones share everything.
#[derive(Clone)]
pub(crate) struct Heartbeats {
    pulse: Pulse,
    asker: Asker,
    clock: Clock,
    /// Locked to look a job up, or to put something else in the place of what is there.
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Jobs that have a switch.
    jobs: HashMap<JobName, Arc<Job>>,
    /// The daemon's own, and how often it is told.
    wanted: Option<(Heartbeat, Duration)>,
    own: Option<Own>,
}

impl Heartbeats {
    pub(crate) fn new(
        config: &Config,
        facts: &Facts,
        logs: &Path,
        asker: &Asker,
        clock: &Clock,
        inbox: &Inbox,
    ) -> Heartbeats {
        let pulse = Pulse::new(facts.clone(), logs.to_owned(), inbox.clone());
        let (asker, clock) = (asker.clone(), clock.clone());
        let heartbeats = Heartbeats { pulse, asker, clock, state: Arc::default() };
        heartbeats.follow(config);
        heartbeats
    }

    /// The switches are those of this configuration from now on.
    pub(crate) fn follow(&self, config: &Config) {
        let jobs = config.jobs.iter().filter(|job| job.alerts.heartbeat.is_some());
        let jobs = jobs.map(|job| (job.name.clone(), Arc::clone(job))).collect();
        let mut state = self.lock();
        state.jobs = jobs;
        if state.wanted == config.heartbeat {
            return;
        }
        state.wanted = config.heartbeat.clone();
        let (wanted, old) = (state.wanted.clone(), state.own.take());
        drop(state);
        // It may be waiting for the other side, and others want the lock.
        old.into_iter().for_each(Own::stop);
        let Some((heartbeat, every)) = wanted else { return };
        let (asker, clock, pulse) = (self.asker.clone(), self.clock.clone(), self.pulse.clone());
        match Own::start(heartbeat, every, asker, clock, pulse) {
            Ok(own) => self.lock().own = Some(own),
            Err(error) => log::error!("cannot start the heartbeat of the daemon: {error}"),
        }
    }

    pub(crate) fn started(&self, run: &Run) {
        if let Some(job) = self.lock().jobs.get(&run.job) {
            self.pulse.started(job, run);
        }
    }

    pub(crate) fn ended(&self, run: &Run) {
        if let Some(job) = self.lock().jobs.get(&run.job) {
            self.pulse.ended(job, run);
        }
    }

    /// The daemon stops.
    pub(crate) fn stop(&self) {
        self.pulse.stop();
        let own = self.lock().own.take();
        own.into_iter().for_each(Own::stop);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
