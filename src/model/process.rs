//! The surroundings of a job's process (docs/configuration.md, Environment).

use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Variables, each name once.
pub(crate) type Variables = Arc<[(String, String)]>;

/// Shells by their file name that end a script at its first failing command when they get `-e`, and
/// take what follows the script as its arguments.
const POSIX_SHELLS: [&str; 8] = ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox"];

/// Whether it is one of these (docs/configuration.md, Shell). Other interpreters get `-c` alone.
pub(crate) fn is_posix_shell(shell: &Path) -> bool {
    let name = shell.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| POSIX_SHELLS.contains(&name))
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) env_base: EnvBase,
    /// Added to the base. Jobs that add nothing of their own share one list.
    pub(crate) env: Variables,
    /// Added after `env`; neither names nor values are ever shown.
    pub(crate) secrets: Variables,
    /// Where some of them come from, as the file names it; for people.
    pub(crate) env_file: Option<Arc<str>>,
    pub(crate) secrets_file: Option<Arc<str>>,
    /// Absolute, or starting with `~/`; `None` is the daemon's own directory.
    pub(crate) working_dir: Option<PathBuf>,
    /// Absolute path of the shell; jobs that name none of their own share one.
    pub(crate) shell: Arc<Path>,
    /// `None` is the daemon's own.
    pub(crate) user: Option<Arc<RunAs>>,
    /// `None` is the daemon's own; up to 0o777.
    pub(crate) umask: Option<u16>,
}

/// What a process has before its job adds anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnvBase {
    /// What the daemon has.
    Inherit,
    /// Only `PATH=/usr/bin:/bin` and who the user is, as cron gives it.
    Clean,
}

/// Names or numbers, as the file has them; who that is shows when a run starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunAs {
    pub(crate) user: String,
    /// `None` is the user's own group.
    pub(crate) group: Option<String>,
}

/// Without secrets, and without variables that may be some.
impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Process({} in {:?})", self.shell.display(), self.working_dir)
    }
}

impl Process {
    /// What a job has that says nothing, under defaults that say nothing.
    pub(crate) fn plain() -> Process {
        Process {
            env_base: EnvBase::Inherit,
            env: Arc::new([]),
            secrets: Arc::new([]),
            env_file: None,
            secrets_file: None,
            working_dir: None,
            shell: Path::new("/bin/sh").into(),
            user: None,
            umask: None,
        }
    }
}
