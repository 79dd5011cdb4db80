//! What only services have (docs/configuration.md, Services).

use std::sync::Arc;
use std::time::Duration;

use crate::cron::Schedule;
use crate::model::failures::Failures;
use crate::model::job::{Backoff, JobName};
use crate::model::process::Process;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Service {
    /// Replicas kept alive, 1 to 64.
    pub(crate) instances: u16,
    pub(crate) restart: Restart,
    pub(crate) restart_delay: Duration,
    pub(crate) restart_backoff: Backoff,
    /// A replica that runs for so long, and passes its check, has started well.
    pub(crate) healthy_after: Duration,
    /// Failed starts in a row that are followed by another one, 0 to 100.
    pub(crate) restart_attempts: u32,
    /// Whether it starts with the daemon.
    pub(crate) autostart: bool,
    /// Lower ones start first.
    pub(crate) priority: i32,
    /// Each of them has a healthy replica before this starts with the daemon.
    pub(crate) depends_on: Arc<[JobName]>,
    pub(crate) health_check: Option<Arc<HealthCheck>>,
}

/// Whether a replica that ended is followed by another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    Always,
    OnFailure,
    Never,
}

impl Restart {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Restart::Always => "always",
            Restart::OnFailure => "on_failure",
            Restart::Never => "never",
        }
    }
}

/// How each replica is asked whether it is well (docs/running.md, Health checks).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HealthCheck {
    pub(crate) probe: Probe,
    pub(crate) schedule: Schedule,
    /// The whole of one check.
    pub(crate) timeout: Duration,
    /// A check that fails is repeated so often before the replica is unhealthy, 0 to 100.
    pub(crate) attempts: u32,
    pub(crate) delay: Duration,
    pub(crate) backoff: Backoff,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Probe {
    /// A command, in surroundings of its own.
    Command { run: Arc<str>, process: Process, failures: Arc<Failures> },
    /// `GET`: well is a status from 200 to 399.
    Http(HttpTarget),
    /// Well is who takes a connection.
    Tcp(Target),
}

/// A host and a port; IPv6 without brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// An `http://` address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpTarget {
    pub(crate) at: Target,
    /// Path and query, starting with `/`.
    pub(crate) path: String,
    /// The `Host` field.
    pub(crate) authority: String,
}

#[cfg(test)]
impl Service {
    /// One replica as the defaults make it, for tests to alter.
    pub(crate) fn plain() -> Service {
        Service {
            instances: 1,
            restart: Restart::Always,
            restart_delay: Duration::from_secs(1),
            restart_backoff: Backoff::Exponential,
            healthy_after: Duration::from_secs(60),
            restart_attempts: 3,
            autostart: true,
            priority: 0,
            depends_on: Arc::new([]),
            health_check: None,
        }
    }
}
