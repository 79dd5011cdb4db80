//! `runwisp stop` and `restart` without a target: the daemon of this data directory itself. It is
//! found by the lock that it holds and known by a pidfd, so that no other process is ever hit.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::args::{self, Command as Invoked, Invocation};
use crate::cli::globals::{Globals, Surroundings};
use crate::cli::idle::{self, When};
use crate::cli::unit::{self, Unit};
use crate::cli::{Exit, Failure, Outcome, background, cannot, print, to_stderr};
use crate::daemon::lock::{self, Holder};
use crate::sys::process::Process;

pub(crate) fn stop(globals: &Globals) -> Result<Outcome, Failure> {
    let data = &globals.data.path;
    let Some(daemon) = Daemon::find(data)? else {
        return Err(Failure::Error(format!("no daemon uses {}", data.display())));
    };
    match daemon.manager()? {
        Some(unit) => unit.tell("stop")?,
        None => daemon.stop()?,
    }
    Ok(Outcome::success(format!("stopped the daemon (pid {})\n", daemon.pid)))
}

/// Where none runs, this is a start. A configuration that would not load again leaves the daemon
/// as it is.
pub(crate) fn restart(globals: &Globals, when: When) -> Result<Exit, Failure> {
    let Some(daemon) = Daemon::find(&globals.data.path)? else {
        return background::run(globals, std::env::var_os(crate::daemon::secrets::VARIABLE));
    };
    let again = daemon.again()?;
    let manager = daemon.manager()?;
    again.check(&daemon.owner)?;
    if manager.is_none() && daemon.pid == 1 {
        let message = "the daemon is process 1 of its container: restart the container";
        return Err(Failure::Error(message.to_owned()));
    }
    if manager.is_none() && !daemon.owner.is_us()? {
        let message = "the daemon belongs to another user; restart it as that user, with sudo -u";
        return Err(Failure::Error(message.to_owned()));
    }
    if let When::Idle { timeout } = when {
        idle::wait(&again.globals, timeout)?;
    }
    if let Some(unit) = manager {
        unit.tell("restart")?;
        print(&format!("restarted {}\n", unit.name))?;
        return Ok(Exit::Success);
    }
    daemon.stop()?;
    background::start(&again.globals, |command| again.dress(command))
}

/// A process that holds a data directory.
struct Daemon {
    pid: u32,
    process: Process,
    owner: Owner,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
}

impl Daemon {
    /// Its number is looked at only once it is known to stand for the process that holds the lock.
    fn find(data: &Path) -> Result<Option<Daemon>, Failure> {
        let shown = data.display();
        let pid = match lock::holder(data) {
            Ok(Holder::Nobody) => return Ok(None),
            Ok(Holder::Process(Some(pid))) => pid,
            Ok(Holder::Process(None)) => {
                return Err(Failure::Error(format!(
                    "a daemon is using {shown}, but hides its pid"
                )));
            }
            Err(error) => return Err(cannot("look for a daemon in", &shown, &error)),
        };
        let name = format!("process {pid}");
        let process = Process::open(pid).map_err(|error| cannot("look at", &name, &error))?;
        let held = lock::is_held_by(data, pid).map_err(|error| cannot("look at", &name, &error))?;
        if !held {
            return Err(Failure::Error(format!(
                "process {pid} is not the one that holds {shown}: does the daemon run in a container?"
            )));
        }
        let args = words(pid, "cmdline")?;
        let env = words(pid, "environ")?.into_iter().filter_map(pair).collect();
        Ok(Some(Daemon { pid, process, owner: Owner::of(&pid.to_string())?, args, env }))
    }

    /// SIGTERM, and the end of it.
    fn stop(&self) -> Result<(), Failure> {
        self.again()?;
        let name = format!("the daemon (pid {})", self.pid);
        self.process.terminate().map_err(|error| cannot("stop", &name, &error))?;
        self.process.wait().map_err(|error| cannot("wait for", &name, &error))
    }

    fn variable(&self, name: &str) -> Option<OsString> {
        let found = self.env.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    }

    /// The unit that systemd runs it as.
    fn manager(&self) -> Result<Option<Unit>, Failure> {
        if !unit::is_managed(self.pid, self.variable(unit::MANAGED)) {
            return Ok(None);
        }
        Unit::of_process(self.pid).map(Some).ok_or_else(|| {
            let message =
                "systemd runs this daemon under a unit that cannot be found out: use systemctl";
            Failure::Error(message.to_owned())
        })
    }

    /// How it was started, read with its own eyes. Another command may hold a data directory too.
    fn again(&self) -> Result<Again, Failure> {
        let no_daemon = |args: &[OsString]| {
            let line: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
            let line = line.join(" ");
            Failure::Error(format!(
                "process {} is no daemon that can be stopped: it is {line:?}",
                self.pid
            ))
        };
        let cwd = fs::read_link(format!("/proc/{}/cwd", self.pid))
            .map_err(|error| cannot("look at", format!("process {}", self.pid), &error))?;
        let around = Surroundings {
            env: &|name| self.variable(name),
            is_root: self.owner.users.contains(&0),
            has_local_config: cwd.join("runwisp.toml").exists(),
        };
        let args = self.args.get(1..).unwrap_or_default();
        let Ok(Invocation::Run(mut globals, Invoked::Daemon)) = args::parse(args.to_vec(), &around)
        else {
            return Err(no_daemon(&self.args));
        };
        globals.config.path = cwd.join(&globals.config.path);
        globals.data.path = cwd.join(&globals.data.path);
        globals.socket.path = cwd.join(&globals.socket.path);
        Ok(Again { globals: *globals, cwd, env: self.env.clone() })
    }
}

/// Whose a process is. The effective user alone, whom the owner of its directory in /proc tells, may
/// be root in a set-user-id program that anybody has started, with variables of his own.
struct Owner {
    /// The real and the effective one.
    users: [u32; 2],
    /// The real one.
    group: u32,
}

impl Owner {
    fn of(process: &str) -> Result<Owner, Failure> {
        let name = format!("process {process}");
        let status = fs::read_to_string(format!("/proc/{process}/status"))
            .map_err(|error| cannot("look at", &name, &error))?;
        let numbers = |field: &str| -> Option<[u32; 2]> {
            let line = status.lines().find_map(|line| line.strip_prefix(field))?;
            let mut numbers = line.split_whitespace().map(str::parse);
            Some([numbers.next()?.ok()?, numbers.next()?.ok()?])
        };
        match (numbers("Uid:"), numbers("Gid:")) {
            (Some(users), Some([group, _])) => Ok(Owner { users, group }),
            _ => Err(cannot("look at", &name, &io::ErrorKind::InvalidData.into())),
        }
    }

    fn is_us(&self) -> Result<bool, Failure> {
        Ok(self.users == Owner::of("self")?.users)
    }
}

/// Everything that another start of the same daemon takes.
struct Again {
    globals: Globals,
    cwd: PathBuf,
    env: Vec<(OsString, OsString)>,
}

impl Again {
    fn dress(&self, command: &mut Command) {
        command.current_dir(&self.cwd).env_clear().envs(self.env.iter().cloned());
    }

    /// Whether the configuration would load again, in the environment of the daemon and with no
    /// more rights than it has: its variables may make any program do anything.
    fn check(&self, owner: &Owner) -> Result<(), Failure> {
        let is_us = owner.is_us()?;
        let validated = std::env::current_exe().and_then(|program| {
            let mut validate = Command::new(program);
            validate.arg("validate").arg("--config").arg(&self.globals.config.path);
            self.dress(&mut validate);
            if !is_us {
                validate.uid(owner.users[0]).gid(owner.group);
            }
            validate.output()
        });
        let validated = validated.map_err(|error| cannot("check", "the configuration", &error))?;
        match validated.status.success() {
            true => Ok(()),
            false => {
                to_stderr(&String::from_utf8_lossy(&validated.stderr));
                let message =
                    "the daemon goes on as it is: it would not start with this configuration";
                Err(Failure::Error(message.to_owned()))
            }
        }
    }
}

/// What a file of /proc/PID holds, each word ended by a NUL.
fn words(pid: u32, file: &str) -> Result<Vec<OsString>, Failure> {
    let text = fs::read(format!("/proc/{pid}/{file}"))
        .map_err(|error| cannot("look at", format!("process {pid}"), &error))?;
    let words = text.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec()));
    let mut words: Vec<OsString> = words.collect();
    // What stands behind the last NUL.
    words.pop();
    Ok(words)
}

fn pair(variable: OsString) -> Option<(OsString, OsString)> {
    let bytes = variable.as_bytes();
    let equals = bytes.iter().position(|byte| *byte == b'=')?;
    let word = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    Some((word(&bytes[..equals]), word(&bytes[equals + 1..])))
}
