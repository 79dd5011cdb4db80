//! `runwisp` alone: finds the daemon of this port, or starts one in the background and waits
//! until it is healthy.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use crate::base::sentence::error_text;
use crate::base::time::Clock;
use crate::cli::args::Existing;
use crate::cli::globals::Globals;
use crate::cli::{Exit, Failure, door, failed, init, print, status, to_stderr};
use crate::daemon::lock::InstanceLock;
use crate::daemon::{data_dir, listen};
use crate::web::client::{self, Answer, Client, Deadline, Refusal, Who};
use crate::{config, sys};

const LOG: &str = "daemon.log";
/// How long a daemon may take to become healthy, and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(10);
const STEP: Duration = Duration::from_millis(50);
const SHOWN_LINES: usize = 20;

pub(crate) fn run(globals: &Globals, password: Option<OsString>) -> Result<Exit, Failure> {
    match health(globals) {
        Answer::Healthy => {
            return match enter(globals) {
                Err(Refusal::WrongPassword) => Err(Failure::Error(format!(
                    "another RunWisp daemon is already running on port {} with a different \
                     password; stop it, use its data directory, or choose another --port",
                    globals.port
                ))),
                client => greet(globals, client.ok()),
            };
        }
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
    start(globals, |_| ())
}

/// Starts a daemon where none is, and waits until it is healthy. `adjust` sees the command last.
pub(crate) fn start(globals: &Globals, adjust: impl FnOnce(&mut Command)) -> Result<Exit, Failure> {
    let log = globals.data.path.join(LOG);
    let out = open_log(&log)?;
    let mut daemon = spawn(globals, out, adjust).map_err(|error| {
        Failure::Error(format!("cannot start a daemon: {}", error_text(&error)))
    })?;
    let clock = Clock::start();
    while clock.now().steady < PATIENCE {
        let healthy = matches!(health(globals), Answer::Healthy);
        if healthy {
            return greet(globals, enter(globals).ok());
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

/// As whoever holds the data directory, where that opens the door of this daemon.
fn enter(globals: &Globals) -> Result<Client, Refusal> {
    let deadline = Deadline { clock: Clock::start(), at: client::WHOLE };
    door::open_same_port(globals, Some(deadline))
}

fn greet(globals: &Globals, client: Option<Client>) -> Result<Exit, Failure> {
    let address = client::address(&globals.host, globals.port);
    let mut text = status::block(globals.port, client.as_ref());
    text.push_str(&format!("  Web:      http://{address}\n"));
    if io::stdout().is_terminal()
        && let Some(ticket) = client.filter(|_| door::is_here(globals)).and_then(ticket)
    {
        text.push_str(&format!(
            "  Log in:   http://{address}/api/auth/launch?ticket={ticket} (once, within a minute)\n"
        ));
    }
    print(&text)?;
    Ok(Exit::Success)
}

/// For one login by link (docs/security.md, Launch tickets).
fn ticket(client: Client) -> Option<String> {
    #[derive(Deserialize)]
    struct Ticket {
        ticket: String,
    }
    let Ticket { ticket } = client.post("/api/auth/launch-ticket").ok()?;
    ticket.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(ticket)
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
fn spawn(globals: &Globals, out: File, adjust: impl FnOnce(&mut Command)) -> io::Result<Child> {
    let mut daemon = Command::new(std::env::current_exe()?);
    daemon
        .arg("daemon")
        .arg("--config")
        .arg(&globals.config.path)
        .arg("--data")
        .arg(&globals.data.path)
        .arg("--socket")
        .arg(&globals.socket.path);
    daemon.args(["--host", &globals.host, "--port", &globals.port.to_string()]);
    daemon.args(["--log-level", globals.log_level.as_str()]);
    daemon.args(["--log-format", globals.log_format.as_str()]);
    daemon.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
    adjust(&mut daemon);
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
