//! What to execute: the arguments, the environment and the directory of a run's process, as the
//! configuration and the daemon's own surroundings make them. Pure; the run's thread carries it
//! out.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::logs::{Feed, LogPlace, Observer};
use crate::model::job::Job;
use crate::model::run::Run;
use crate::process::command::{Command, Launch, name};
use crate::process::mask::is_secret;

/// Variables that speak to the daemon and to nobody else: its password and settings, and what
/// systemd tells a service about itself (systemd.exec(5), sd_notify(3), sd_listen_fds(3)).
const REMOVED: [&[u8]; 3] = [b"NOTIFY_SOCKET", b"CREDENTIALS_DIRECTORY", b"JOURNAL_STREAM"];
const REMOVED_PREFIXES: [&[u8]; 3] = [b"RUNWISP_", b"LISTEN_", b"WATCHDOG_"];

/// What all runs of one daemon share.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// Of the daemon itself, without what speaks to the daemon alone; `KEY=value`.
    env: Vec<CString>,
    /// Values of what was left out because it is about the daemon, its password among them.
    hidden: Vec<String>,
    home: Option<PathBuf>,
    /// Where jobs reach the daemon, if they do.
    socket: Option<PathBuf>,
    logs: PathBuf,
    limits: Limits,
}

/// What a reload may change for runs that start later. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits(Arc<AtomicU64>);

impl Limits {
    /// The free bytes that a run needs where the logs are; `None` is no limit.
    pub(crate) fn set_min_free(&self, bytes: Option<u64>) {
        self.0.store(bytes.unwrap_or(0), Ordering::Relaxed);
    }
}

/// Everything that the thread of one run needs to know. Made on the main thread, where a hundred
/// of them may be due at once, so it copies nothing but handles.
pub(crate) struct Spec {
    pub(crate) run: Run,
    pub(crate) job: Arc<Job>,
    surroundings: Arc<Surroundings>,
    /// Gets the output too, for a run in the foreground.
    pub(crate) observer: Option<Observer>,
    /// Is told what was written.
    pub(crate) feed: Option<Arc<Feed>>,
}

impl Surroundings {
    /// `env` is the daemon's environment, `home` what `~` stands for, `logs` the directory
    /// `<data>/logs`, `min_free` the free bytes that a run needs there.
    pub(crate) fn new(
        env: impl Iterator<Item = (OsString, OsString)>,
        home: Option<PathBuf>,
        logs: PathBuf,
        min_free: Option<u64>,
    ) -> Surroundings {
        let (removed, env): (Vec<_>, Vec<_>) = env.partition(|(key, _)| is_removed(key.as_bytes()));
        let env = env.iter().map(|(key, value)| entry(key.as_bytes(), value.as_bytes())).collect();
        let hidden = removed.iter().filter(|(key, _)| key.as_bytes().starts_with(b"RUNWISP_"));
        let hidden = hidden.map(|(_, value)| value.to_string_lossy().into_owned()).collect();
        let limits = Limits::default();
        limits.set_min_free(min_free);
        Surroundings { env, hidden, home, socket: None, logs, limits }
    }

    /// What may be changed later.
    pub(crate) fn limits(&self) -> Limits {
        self.limits.clone()
    }

    /// With a daemon behind it, which runs can ask for others.
    pub(crate) fn with_socket(self, socket: PathBuf) -> Surroundings {
        Surroundings { socket: Some(socket), ..self }
    }

    pub(super) fn env(&self) -> &[CString] {
        &self.env
    }

    pub(super) fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    pub(super) fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }
}

impl Spec {
    /// The process of this run of this job.
    pub(crate) fn new(job: &Arc<Job>, run: &Run, surroundings: &Arc<Surroundings>) -> Spec {
        Spec {
            run: run.clone(),
            job: Arc::clone(job),
            surroundings: Arc::clone(surroundings),
            observer: None,
            feed: None,
        }
    }

    /// What is executed, or why it cannot be.
    pub(super) fn command(&self) -> Result<Command<'_>, String> {
        self.launch().command()
    }

    /// Where the process begins; `None` is the daemon's own directory.
    pub(super) fn dir(&self) -> Option<PathBuf> {
        self.launch().dir()
    }

    fn launch(&self) -> Launch<'_> {
        Launch {
            script: &self.job.run,
            process: &self.job.process,
            run: &self.run,
            params: self.job.task().map_or(&[], |task| &task.params),
            surroundings: &self.surroundings,
        }
    }

    /// `<data>/logs`: its partition must have [`Spec::min_free`] bytes for the run to start.
    pub(super) fn logs(&self) -> &Path {
        &self.surroundings.logs
    }

    pub(super) fn min_free(&self) -> Option<u64> {
        Some(self.surroundings.limits.0.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
    }

    pub(super) fn surroundings(&self) -> Arc<Surroundings> {
        Arc::clone(&self.surroundings)
    }

    /// Where its log goes.
    pub(crate) fn place(&self) -> LogPlace {
        LogPlace::new(self.logs(), &self.run.job, self.run.id, self.run.created_at)
    }

    /// Values that must not be shown: of its variables that are secrets by their names, and those
    /// that are the daemon's own.
    pub(super) fn secrets(&self) -> Vec<String> {
        let own = self.job.process.env.iter().map(|(key, value)| (key.as_str(), value.clone()));
        let inherited = self.surroundings.env.iter().filter_map(|entry| {
            let key = name(entry);
            let value = entry.to_bytes().get(key.len() + 1..)?;
            Some((std::str::from_utf8(key).ok()?, String::from_utf8_lossy(value).into_owned()))
        });
        let named = own.chain(inherited).filter(|(key, _)| is_secret(key)).map(|(_, value)| value);
        let named = named.chain(self.job.process.secrets.iter().map(|(_, value)| value.clone()));
        let hooks = self.job.hooks.iter().map(|hook| hook.token.clone());
        named.chain(hooks).chain(self.surroundings.hidden.iter().cloned()).collect()
    }
}

fn is_removed(key: &[u8]) -> bool {
    REMOVED.contains(&key) || REMOVED_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

fn entry(key: &[u8], value: &[u8]) -> CString {
    let entry = [key, b"=", value].concat();
    CString::new(entry).expect("the configuration refuses NUL bytes, the kernel knows none")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(strings: &[CString]) -> Vec<&str> {
        strings.iter().map(|string| string.to_str().unwrap()).collect()
    }

    #[test]
    fn what_is_the_daemons_own_is_removed() {
        let removed =
            ["RUNWISP_PASSWORD", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_USEC", "NOTIFY_SOCKET"];
        let removed = removed.into_iter().chain(["CREDENTIALS_DIRECTORY", "JOURNAL_STREAM"]);
        let kept = ["PATH", "LISTEN", "MY_RUNWISP_X", "NOTIFY_SOCKETS", ""];
        let env = removed.chain(kept).map(|key| (key.into(), "x".into()));
        let surroundings = Surroundings::new(env, None, "/d/logs".into(), None);
        assert_eq!(
            text(&surroundings.env),
            ["PATH=x", "LISTEN=x", "MY_RUNWISP_X=x", "NOTIFY_SOCKETS=x", "=x"]
        );
        assert_eq!(surroundings.hidden, ["x"], "what is the service manager's is no secret");
    }
}
