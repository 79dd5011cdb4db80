//! Which dead-man switches there are, and who tells them; nothing at all where the configuration
//! names none.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::time::Clock;
use crate::config::Config;
use crate::daemon::StartError;
use crate::inbox::{Asker, Inbox};
use crate::model::job::{Job, JobName};
use crate::model::run::Run;
use crate::notify::Facts;
use crate::notify::pulse::{Own, Pulse};

/// Clones share everything.
#[derive(Clone)]
pub(crate) struct Heartbeats {
    /// Jobs that have a switch.
    jobs: Arc<HashMap<JobName, Arc<Job>>>,
    pulse: Pulse,
    /// The daemon's own. Locked to take it out at the end.
    own: Arc<Mutex<Option<Own>>>,
}

impl Heartbeats {
    pub(crate) fn start(
        config: &Config,
        facts: &Facts,
        logs: &Path,
        asker: &Asker,
        clock: &Clock,
        inbox: &Inbox,
    ) -> Result<Heartbeats, StartError> {
        let jobs = config.jobs.iter().filter(|job| job.alerts.heartbeat.is_some());
        let jobs = Arc::new(jobs.map(|job| (job.name.clone(), Arc::clone(job))).collect());
        let pulse = Pulse::new(facts.clone(), logs.to_owned(), inbox.clone());
        let own = config.heartbeat.clone().map(|(heartbeat, every)| {
            Own::start(heartbeat, every, asker.clone(), clock.clone(), pulse.clone())
        });
        let own = Arc::new(Mutex::new(own.transpose()?));
        Ok(Heartbeats { jobs, pulse, own })
    }

    pub(crate) fn started(&self, run: &Run) {
        if let Some(job) = self.jobs.get(&run.job) {
            self.pulse.started(job, run);
        }
    }

    pub(crate) fn ended(&self, run: &Run) {
        if let Some(job) = self.jobs.get(&run.job) {
            self.pulse.ended(job, run);
        }
    }

    /// The daemon stops.
    pub(crate) fn stop(&self) {
        self.pulse.stop();
        if let Some(own) = self.own.lock().unwrap_or_else(PoisonError::into_inner).take() {
            own.stop();
        }
    }
}
