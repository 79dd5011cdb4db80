//! `runwisp` alone: finds the daemon of this port, or starts one in the background and waits
//! until it is healthy.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::base::sentence::error_text;
use crate::base::time::Clock;
use crate::cli::args::Existing;
use crate::cli::globals::Globals;
use crate::cli::{Exit, Failure, failed, init, print, to_stderr};
use crate::daemon::lock::InstanceLock;
use crate::daemon::{data_dir, listen};
use crate::web::client::{self, Answer, Who};
use crate::{config, sys};

const LOG: &str = "daemon.log";
/// How long a daemon may take to become healthy, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(50);
const SHOWN_LINES: usize = 20;

pub(crate) fn run(globals: &Globals, password: Option<OsString>) -> Result<Exit, Failure> {
    match health(globals) {
        Answer::Healthy => return greet(globals),
        Answer::Said { status, by: Who::Daemon } => {
            return Err(Failure::Error(format!(
                "the daemon on port {} answered {status}",
                globals.port
            )));
        }
        Answer::Said { by: Who::Stranger, .. } => {
            let (host, port) = (globals.host.clone(), globals.port);
            return Err(failed(listen::ListenError::InUse { host, port }));
        }
        Answer::Unreachable(_) => {}
    }
    if matches!(globals.config.path.try_exists(), Ok(false)) {
        offer_config(globals, password)?;
    }
    // Before the data directory is touched: the daemon would say the same, but in its log.
    config::load(&globals.config.path, Clock::start().now().wall)?;
    let data = &globals.data.path;
    data_dir::prepare(data).map_err(failed)?;
    // A daemon on another port may be writing the log that is about to be truncated.
    drop(InstanceLock::take(data).map_err(failed)?);
    let log = data.join(LOG);
    let out = open_log(&log)?;
    let mut daemon = spawn(globals, out).map_err(|error| {
        Failure::Error(format!("cannot start a daemon: {}", error_text(&error)))
    })?;
    let clock = Clock::start();
    while clock.now().steady < PATIENCE {
        let healthy = matches!(health(globals), Answer::Healthy);
        if healthy {
            return greet(globals);
        }
        if daemon.try_wait().is_ok_and(|exit| exit.is_some()) {
            return Err(report(&log, "daemon failed to start"));
        }
        std::thread::sleep(STEP);
    }
    Err(report(&log, "daemon failed to start: health check timed out"))
}

fn health(globals: &Globals) -> Answer {
    client::health(&globals.host, globals.port, client::GLANCE)
}

fn greet(globals: &Globals) -> Result<Exit, Failure> {
    let address = client::address(&globals.host, globals.port);
    print(&format!("RunWisp is healthy at :{}\n  Web:      http://{address}\n", globals.port))?;
    Ok(Exit::Success)
}

fn open_log(path: &Path) -> Result<File, Failure> {
    let shown = path.display();
    sys::fs::create_or_truncate(path, 0o600).map_err(|error| {
        Failure::Error(match error.raw_os_error() {
            // open(2): O_NOFOLLOW on a symbolic link.
            Some(libc::ELOOP) => format!("refusing to write {shown}: path is a symlink"),
            _ => format!("cannot write {shown}: {}", error_text(&error)),
        })
    })
}

/// A session of its own, so that closing the terminal leaves it alone.
fn spawn(globals: &Globals, out: File) -> io::Result<Child> {
    let mut daemon = Command::new(std::env::current_exe()?);
    daemon
        .arg("daemon")
        .arg("--config")
        .arg(&globals.config.path)
        .arg("--data")
        .arg(&globals.data.path);
    daemon.args(["--host", &globals.host, "--port", &globals.port.to_string()]);
    daemon.args(["--log-level", globals.log_level.as_str()]);
    daemon.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
    sys::session::own_session(&mut daemon);
    daemon.spawn()
}

/// The last lines of the log, then what went wrong.
fn report(log: &Path, what: &str) -> Failure {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(SHOWN_LINES)) {
        to_stderr(&format!("{line}\n"));
    }
    Failure::Error(format!("{what}; its log is {}", log.display()))
}

/// Asks on a terminal. Without a file in the end, whoever loads it says that it is missing.
fn offer_config(globals: &Globals, password: Option<OsString>) -> Result<(), Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(());
    }
    let path = globals.config.path.display();
    to_stderr(&format!("There is no {path}. Create one to start from? [Y/n] "));
    let mut answer = String::new();
    // The end of the input is no answer.
    let answered = io::stdin().read_line(&mut answer).map_err(failed)? > 0;
    if answered && ["", "y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
        init::run(globals, Existing::Refuse, password)?.print()?;
    }
    Ok(())
}
