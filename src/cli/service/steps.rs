//! What is done to the machine, one step after the other: each is printed as the command that one
//! would type, and then done.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::base::sentence::error_text;
use crate::cli::service::Service;
use crate::cli::{Failure, cannot, print};
use crate::daemon::whole_file;

/// Whether steps are done or only printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Steps {
    Done,
    Printed,
}

impl Steps {
    /// Calls a program, which says itself what goes wrong.
    pub(super) fn run(self, words: &[&str]) -> Result<(), Failure> {
        let line = words.join(" ");
        print(&format!("{line}\n"))?;
        if self == Steps::Printed {
            return Ok(());
        }
        match program(words).stdin(Stdio::null()).status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::Error(format!("{line:?} failed: {status}"))),
            Err(error) => {
                Err(Failure::Error(format!("cannot run {line:?}: {}", error_text(&error))))
            }
        }
    }

    /// Writes a file, whole or not at all.
    pub(super) fn write(self, path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
        print(&format!("write {} (mode {mode:04o})\n", path.display()))?;
        match self {
            Steps::Printed => Ok(()),
            Steps::Done => whole_file::write(path, text, mode)
                .map_err(|error| cannot("write", path.display(), &error)),
        }
    }
}

/// What a program prints; nothing where it cannot be called.
pub(super) fn output(words: &[&str]) -> String {
    let output = program(words).stdin(Stdio::null()).output();
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}

/// The manager of a user is found by a variable that a login sets, and `su` does not.
fn program(words: &[&str]) -> Command {
    let mut program = Command::new(words[0]);
    program.args(&words[1..]);
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() && words.contains(&"--user") {
        program.env("XDG_RUNTIME_DIR", format!("/run/user/{}", crate::cli::user_id()));
    }
    program
}

/// What systemd, or that of a user, says of a unit, as `systemctl show` knows it; empty where it
/// says nothing.
pub(crate) fn property(of_user: bool, unit: &str, name: &str) -> String {
    let words = ["systemctl", "--user", "show", "--value", "-p", name, "--", unit];
    match of_user {
        true => output(&words),
        false => output(&[&words[..1], &words[2..]].concat()),
    }
}

impl Service {
    pub(super) fn property(&self, name: &str) -> String {
        property(self.local, &self.name, name)
    }
}
