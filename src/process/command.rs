//! What is executed, for a run or for a health check: the arguments, the environment, the
//! directory and the user that a [`Process`] of the model comes to.

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr};
use std::io::PipeWriter;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::model::param::{Param, ParamKind};
use crate::model::process::{EnvBase, Process, is_posix_shell};
use crate::model::run::Run;
use crate::process::account::{self, Account};
use crate::process::spec::Surroundings;
use crate::sys::child::{self, Child, Program, SpawnError, Step, User};
use crate::sys::error_text;

/// What cron gives (docs/configuration.md, Environment).
const CLEAN_PATH: &[u8] = b"/usr/bin:/bin";

/// A script and what it is executed with.
#[derive(Clone, Copy)]
pub(super) struct Launch<'a> {
    pub(super) script: &'a str,
    pub(super) process: &'a Process,
    pub(super) run: &'a Run,
    /// Of the task; what the run was given names them.
    pub(super) params: &'a [Param],
    pub(super) surroundings: &'a Surroundings,
}

/// The same as the kernel wants it.
pub(super) struct Command<'a> {
    shell: CString,
    /// The first one is the shell again.
    args: Vec<CString>,
    /// Complete, `KEY=value`.
    env: Vec<Cow<'a, CStr>>,
    dir: Option<PathBuf>,
    user: Option<User>,
    umask: Option<u16>,
}

impl<'a> Launch<'a> {
    /// An error is the sentence that says why this cannot be executed.
    pub(super) fn command(&self) -> Result<Command<'a>, String> {
        let account = self.account()?;
        Ok(Command {
            shell: c_path(&self.process.shell),
            args: arguments(&self.process.shell, self.script, &self.given())?,
            env: self.env(account.as_ref())?,
            dir: self.dir_of(account.as_ref()),
            user: account.and_then(|account| account.user),
            umask: self.process.umask,
        })
    }

    /// Where it begins; `None` is the daemon's own directory.
    pub(super) fn dir(&self) -> Option<PathBuf> {
        self.dir_of(self.account().ok().flatten().as_ref())
    }

    fn account(&self) -> Result<Option<Account>, String> {
        match (&self.process.user, self.process.env_base) {
            (Some(run_as), _) => account::of(run_as).map(Some),
            (None, EnvBase::Clean) => Ok(account::own()),
            (None, EnvBase::Inherit) => Ok(None),
        }
    }

    fn home<'h>(&'h self, account: Option<&'h Account>) -> Option<&'h Path> {
        let of_account = || account?.home.as_deref();
        match self.process.user {
            Some(_) => of_account(),
            None => self.surroundings.home().or_else(of_account),
        }
    }

    fn dir_of(&self, account: Option<&Account>) -> Option<PathBuf> {
        let dir = self.process.working_dir.as_deref()?;
        Some(expand(dir, self.home(account)))
    }

    /// What the run was given as arguments, in the order of the file.
    fn given(&self) -> Vec<Cow<'a, str>> {
        let mut args = Vec::new();
        for (param, value) in self.values() {
            let key = param.key.as_str();
            match param.kind {
                ParamKind::Env => {}
                ParamKind::Arg => args.push(value.into()),
                ParamKind::Option if key.ends_with('=') => {
                    args.push(format!("{key}{value}").into())
                }
                ParamKind::Option => args.extend([key.into(), value.into()]),
                ParamKind::Flag => args.extend((value == "true").then(|| key.into())),
            }
        }
        args
    }

    fn values(&self) -> impl Iterator<Item = (&'a Param, &'a str)> {
        let given = &self.run.params;
        self.params.iter().filter_map(move |param| {
            let (_, value) = given.iter().find(|(key, _)| *key == param.key)?;
            Some((param, value.as_deref()?))
        })
    }

    /// Secrets come first, then what the run was given, the job's own variables, ours, and the
    /// base; the first one that has a name counts.
    fn env(&self, account: Option<&Account>) -> Result<Vec<Cow<'a, CStr>>, String> {
        let Process { env, secrets, env_base, shell, .. } = self.process;
        let mut own: Vec<CString> = Vec::new();
        let mut add = |key: &str, value: &[u8]| {
            if !own.iter().any(|known| name(known) == key.as_bytes()) {
                own.push(c_string(&[key.as_bytes(), b"=", value].concat())?);
            }
            Ok::<_, String>(())
        };
        for (key, value) in secrets.iter() {
            add(key, value.as_bytes())?;
        }
        for (param, value) in self.values().filter(|(param, _)| param.kind == ParamKind::Env) {
            add(&param.key, value.as_bytes())?;
        }
        for (key, value) in env.iter() {
            add(key, value.as_bytes())?;
        }
        for (key, value) in self.own_variables() {
            add(key, value.as_bytes())?;
        }
        if let Some(socket) = self.surroundings.socket() {
            add("RUNWISP_SOCKET", socket.as_os_str().as_bytes())?;
        }
        if let Some(Account { name, .. }) = account {
            if let Some(home) = self.home(account) {
                add("HOME", home.as_os_str().as_bytes())?;
            }
            add("USER", name.as_bytes())?;
            add("LOGNAME", name.as_bytes())?;
        }
        let inherited: &[CString] = match env_base {
            EnvBase::Inherit => self.surroundings.env(),
            EnvBase::Clean => {
                if account.is_none()
                    && let Some(home) = self.surroundings.home()
                {
                    add("HOME", home.as_os_str().as_bytes())?;
                }
                add("PATH", CLEAN_PATH)?;
                add("SHELL", shell.as_os_str().as_bytes())?;
                &[]
            }
        };
        let inherited: Vec<_> = inherited
            .iter()
            .filter(|entry| !own.iter().any(|known| name(known) == name(entry)))
            .map(|entry| Cow::Borrowed(entry.as_c_str()))
            .collect();
        Ok(own.into_iter().map(Cow::Owned).chain(inherited).collect())
    }

    /// What runwisp tells every process about its run (docs/configuration.md, Environment).
    fn own_variables(&self) -> [(&'static str, String); 5] {
        let run = self.run;
        [
            ("RUNWISP_TASK", run.job.to_string()),
            ("RUNWISP_RUN_ID", run.id.to_string()),
            ("RUNWISP_TRIGGERED_BY", run.trigger.as_str().to_owned()),
            ("RUNWISP_RETRY_ATTEMPT", run.retry_attempt.to_string()),
            ("RUNWISP_REPLICA_INDEX", run.replica.to_string()),
        ]
    }
}

impl Command<'_> {
    /// Starts it as the leader of a process group, or says why there is no process.
    /// `cgroup` is the way into the one of its run.
    pub(super) fn spawn(
        &self,
        stdout: &PipeWriter,
        stderr: &PipeWriter,
        cgroup: Option<BorrowedFd<'_>>,
    ) -> Result<Child, String> {
        let args: Vec<&CStr> = self.args.iter().map(CString::as_c_str).collect();
        let env: Vec<&CStr> = self.env.iter().map(AsRef::as_ref).collect();
        let dir = self.dir.as_deref().map(c_path);
        let program = Program {
            path: &self.shell,
            args: &args,
            env: &env,
            dir: dir.as_deref(),
            user: self.user.as_ref(),
            umask: self.umask,
            stdout: stdout.as_fd(),
            stderr: stderr.as_fd(),
            cgroup,
        };
        child::spawn(program).map_err(|error| self.failure(&error))
    }

    fn failure(&self, error: &SpawnError) -> String {
        let cause = error_text(&error.cause);
        match (error.step, &self.dir) {
            (Step::Create, _) => format!("cannot create a process: {cause}"),
            (Step::Become, _) => format!("cannot become the user of the job: {cause}"),
            (Step::Enter, Some(dir)) => {
                format!("cannot enter the working_dir {}: {cause}", dir.display())
            }
            (Step::Prepare | Step::Enter, _) => format!("cannot prepare the process: {cause}"),
            (Step::Execute, _) => {
                format!("cannot execute the shell {}: {cause}", self.shell.to_string_lossy())
            }
        }
    }
}

/// Arguments reach the last command of a script; other interpreters have their own ways to ask for
/// them, so nothing is added for these (docs/configuration.md, Parameters).
fn arguments(shell: &Path, script: &str, given: &[Cow<'_, str>]) -> Result<Vec<CString>, String> {
    let name = shell.as_os_str().as_bytes();
    let passes_on = is_posix_shell(shell) && !given.is_empty();
    let mut script = Cow::Borrowed(script);
    if passes_on {
        script = format!("{} \"$@\"", script.trim_end()).into();
    }
    let mut args = vec![name];
    if shell.file_name() == Some(OsStr::new("busybox")) {
        // It takes the name of what it is to be first.
        args.push(b"sh");
    }
    if is_posix_shell(shell) {
        args.push(b"-e");
    }
    args.extend([b"-c".as_slice(), script.as_bytes()]);
    // What follows the script is `$0`.
    args.extend(passes_on.then_some(name));
    args.extend(given.iter().map(|argument| argument.as_bytes()));
    args.into_iter().map(c_string).collect()
}

/// The part of an entry before the `=`.
pub(super) fn name(entry: &CStr) -> &[u8] {
    let entry = entry.to_bytes();
    &entry[..memchr::memchr(b'=', entry).unwrap_or(entry.len())]
}

/// The configuration refuses NUL bytes, but what a run is given comes from elsewhere.
fn c_string(bytes: &[u8]) -> Result<CString, String> {
    CString::new(bytes).map_err(|_| "a value contains a NUL byte".to_owned())
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

    #[test]
    fn a_shell_is_known_by_its_file_name() {
        for (shell, given, args) in [
            ("/bin/sh", &[][..], &["/bin/sh", "-e", "-c", "a\nb\n"][..]),
            ("/usr/local/bin/bash", &[], &["/usr/local/bin/bash", "-e", "-c", "a\nb\n"]),
            ("/bin/busybox", &[], &["/bin/busybox", "sh", "-e", "-c", "a\nb\n"]),
            ("/usr/bin/python3", &[], &["/usr/bin/python3", "-c", "a\nb\n"]),
            ("/bin/bashful", &[], &["/bin/bashful", "-c", "a\nb\n"]),
            ("/bin/sh", &["x"], &["/bin/sh", "-e", "-c", "a\nb \"$@\"", "/bin/sh", "x"]),
            ("/usr/bin/python3", &["x", ""], &["/usr/bin/python3", "-c", "a\nb\n", "x", ""]),
        ] {
            let given: Vec<_> = given.iter().map(|text| Cow::Borrowed(*text)).collect();
            let found = arguments(Path::new(shell), "a\nb\n", &given).unwrap();
            let found: Vec<_> = found.iter().map(|arg| arg.to_str().unwrap()).collect();
            assert_eq!(found, args);
        }
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
