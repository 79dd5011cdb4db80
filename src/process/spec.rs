//! What to execute: the arguments, the environment and the directory of a run's process, as the
//! configuration and the daemon's own surroundings make them. Pure; the run's thread carries it
//! out.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::logs::{Feed, LogPlace, Observer};
use crate::model::job::{Job, JobName, Kind, LogLimit, Stop};
use crate::model::run::{Run, RunId};

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
    env: BTreeMap<OsString, OsString>,
    home: Option<PathBuf>,
    logs: PathBuf,
    min_free: Option<u64>,
}

/// Everything that the thread of one run needs to know.
pub(crate) struct Spec {
    pub(crate) run: RunId,
    pub(crate) job: JobName,
    pub(crate) kind: Kind,
    pub(crate) shell: PathBuf,
    /// The first one is the shell again.
    pub(crate) args: Vec<CString>,
    /// Complete, `KEY=value`.
    pub(crate) env: Vec<CString>,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) stop: Stop,
    /// `<data>/logs`: its partition must have `min_free` bytes for the run to start.
    pub(crate) logs: PathBuf,
    pub(crate) min_free: Option<u64>,
    pub(crate) place: LogPlace,
    pub(crate) limit: LogLimit,
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
        let env = env.filter(|(key, _)| !is_removed(key.as_bytes())).collect();
        Surroundings { env, home, logs, min_free }
    }
}

impl Spec {
    /// The process of this run of this job.
    pub(crate) fn new(job: &Job, run: &Run, surroundings: &Surroundings) -> Spec {
        let Surroundings { env, home, logs, min_free } = surroundings;
        let mut env = env.clone();
        env.extend(own_variables(run).map(|(key, value)| (key.into(), value.into())));
        env.extend(job.process.env.iter().map(|(key, value)| (key.into(), value.into())));
        Spec {
            run: run.id,
            job: job.name.clone(),
            kind: job.kind(),
            shell: job.process.shell.clone(),
            args: arguments(&job.process.shell, &job.run),
            env: env.into_iter().map(|(key, value)| entry(key, &value)).collect(),
            dir: job.process.working_dir.as_deref().map(|dir| expand(dir, home.as_deref())),
            timeout: job.timeout,
            stop: job.stop,
            logs: logs.clone(),
            min_free: *min_free,
            place: LogPlace::new(logs, &job.name, run.id, run.created_at),
            limit: job.log,
            observer: None,
            feed: None,
        }
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

fn entry(key: OsString, value: &OsStr) -> CString {
    let mut entry = key.into_vec();
    entry.push(b'=');
    entry.extend(value.as_bytes());
    CString::new(entry).expect("the configuration refuses NUL bytes, the kernel knows none")
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
        assert!(surroundings.env.keys().eq([
            "",
            "LISTEN",
            "MY_RUNWISP_X",
            "NOTIFY_SOCKETS",
            "PATH"
        ]));
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
