//! What to execute: the arguments, the environment and the directory of a run's process, as the
//! configuration and the daemon's own surroundings make them. Pure; the run's thread carries it
//! out.

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::logs::{Feed, LogPlace, Observer};
use crate::model::job::Job;
use crate::model::run::Run;
use crate::process::mask::is_secret;

/// Shells that know `-e`: stop at the first command that fails (docs/configuration.md, Shell).
const POSIX_SHELLS: [&[u8]; 8] =
    [b"sh", b"bash", b"dash", b"ash", b"ksh", b"mksh", b"zsh", b"busybox"];

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

/// What is executed, as the kernel wants it.
pub(super) struct Command<'a> {
    pub(super) shell: CString,
    /// The first one is the shell again.
    pub(super) args: Vec<CString>,
    /// Complete, `KEY=value`.
    pub(super) env: Vec<Cow<'a, CStr>>,
    pub(super) dir: Option<CString>,
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
        Surroundings { env, hidden, home, logs, limits }
    }

    /// What may be changed later.
    pub(crate) fn limits(&self) -> Limits {
        self.limits.clone()
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

    pub(super) fn command(&self) -> Command<'_> {
        let (shell, dir) = (&self.job.process.shell, self.dir());
        Command {
            shell: c_path(shell),
            args: arguments(shell, &self.job.run),
            env: self.env(),
            dir: dir.as_deref().map(c_path),
        }
    }

    /// Where the process begins; `None` is the daemon's own directory.
    pub(super) fn dir(&self) -> Option<PathBuf> {
        let dir = self.job.process.working_dir.as_deref()?;
        Some(expand(dir, self.surroundings.home.as_deref()))
    }

    /// `<data>/logs`: its partition must have [`Spec::min_free`] bytes for the run to start.
    pub(super) fn logs(&self) -> &Path {
        &self.surroundings.logs
    }

    pub(super) fn min_free(&self) -> Option<u64> {
        Some(self.surroundings.limits.0.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
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
        let hooks = self.job.hooks.iter().map(|hook| hook.token.clone());
        named.chain(hooks).chain(self.surroundings.hidden.iter().cloned()).collect()
    }

    /// The job's own variables come first, then ours, then the daemon's; the first one that has a
    /// name counts.
    fn env(&self) -> Vec<Cow<'_, CStr>> {
        let own = self.job.process.env.iter();
        let mut own: Vec<CString> =
            own.map(|(key, value)| entry(key.as_bytes(), value.as_bytes())).collect();
        for (key, value) in own_variables(&self.run) {
            if !own.iter().any(|known| name(known) == key.as_bytes()) {
                own.push(entry(key.as_bytes(), value.as_bytes()));
            }
        }
        let inherited = self.surroundings.env.iter();
        let inherited =
            inherited.filter(|entry| !own.iter().any(|known| name(known) == name(entry)));
        let inherited: Vec<_> = inherited.map(|entry| Cow::Borrowed(entry.as_c_str())).collect();
        own.into_iter().map(Cow::Owned).chain(inherited).collect()
    }
}

/// Whether scripts of this shell stop at the first failing command; other interpreters get
/// `-c` alone, which the daemon warns about at its start.
pub(crate) fn is_posix_shell(shell: &Path) -> bool {
    shell.file_name().is_some_and(|name| POSIX_SHELLS.contains(&name.as_bytes()))
}

fn arguments(shell: &Path, script: &str) -> Vec<CString> {
    let mut args = vec![shell.as_os_str().as_bytes()];
    if shell.file_name() == Some(OsStr::new("busybox")) {
        // It takes the name of what it is to be first.
        args.push(b"sh");
    }
    if is_posix_shell(shell) {
        args.push(b"-e");
    }
    args.extend([b"-c".as_slice(), script.as_bytes()]);
    args.into_iter()
        .map(|arg| CString::new(arg).expect("the configuration refuses NUL bytes"))
        .collect()
}

/// What runwisp tells every process about its run (docs/configuration.md, Environment).
fn own_variables(run: &Run) -> impl Iterator<Item = (&'static str, String)> {
    [
        ("RUNWISP_TASK", run.job.to_string()),
        ("RUNWISP_RUN_ID", run.id.to_string()),
        ("RUNWISP_TRIGGERED_BY", run.trigger.as_str().to_owned()),
        ("RUNWISP_RETRY_ATTEMPT", run.retry_attempt.to_string()),
        ("RUNWISP_REPLICA_INDEX", run.replica.to_string()),
    ]
    .into_iter()
}

fn is_removed(key: &[u8]) -> bool {
    REMOVED.contains(&key) || REMOVED_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

fn entry(key: &[u8], value: &[u8]) -> CString {
    let entry = [key, b"=", value].concat();
    CString::new(entry).expect("the configuration refuses NUL bytes, the kernel knows none")
}

/// The part of an entry before the `=`.
fn name(entry: &CStr) -> &[u8] {
    let entry = entry.to_bytes();
    &entry[..memchr::memchr(b'=', entry).unwrap_or(entry.len())]
}

fn c_path(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes())
        .expect("the configuration refuses NUL bytes, the kernel knows none")
}

/// Without a home, `~` stays: entering it fails and names it.
fn expand(dir: &Path, home: Option<&Path>) -> PathBuf {
    match (dir.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        (Ok(_) | Err(_), _) => dir.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(strings: &[CString]) -> Vec<&str> {
        strings.iter().map(|string| string.to_str().unwrap()).collect()
    }

    #[test]
    fn a_shell_is_known_by_its_file_name() {
        for (shell, args) in [
            ("/bin/sh", &["/bin/sh", "-e", "-c", "a\nb"][..]),
            ("/usr/local/bin/bash", &["/usr/local/bin/bash", "-e", "-c", "a\nb"]),
            ("/bin/busybox", &["/bin/busybox", "sh", "-e", "-c", "a\nb"]),
            ("/usr/bin/python3", &["/usr/bin/python3", "-c", "a\nb"]),
            ("/bin/bashful", &["/bin/bashful", "-c", "a\nb"]),
        ] {
            assert_eq!(text(&arguments(Path::new(shell), "a\nb")), args);
        }
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

    #[test]
    fn a_tilde_is_the_home() {
        let home = Some(Path::new("/home/u"));
        for (dir, home, expanded) in [
            ("~/x", home, "/home/u/x"),
            ("~", home, "/home/u"),
            ("/srv/~", home, "/srv/~"),
            ("~other/x", home, "~other/x"),
            ("~/x", None, "~/x"),
        ] {
            assert_eq!(expand(Path::new(dir), home), Path::new(expanded));
        }
    }
}
