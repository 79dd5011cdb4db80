//! The command line: reads the arguments, runs one command, prints its error once.

pub(crate) mod args;
pub(crate) mod argv;
mod ask;
mod background;
mod backup;
mod command;
mod completion;
mod demo;
mod door;
mod ending;
mod exec;
mod follow;
pub(crate) mod globals;
mod help;
mod history;
mod idle;
pub(crate) mod import;
mod init;
mod instance;
mod list;
mod logs;
mod next;
mod notify;
mod operate;
mod password;
mod reload;
mod run;
mod run_task;
mod service;
mod status;
mod table;
mod tail;
#[cfg(test)]
mod tests;
mod unit;
mod validate;
mod why;

use std::fmt::Display;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use serde::Serialize;

use crate::auth::proxy::{self, Proxies};
use crate::base::escape::escape;
use crate::base::sentence::error_text;
use crate::base::time::Clock;
use crate::cli::args::{Command, Invocation, Until};
use crate::cli::globals::{Globals, Surroundings};
use crate::config::{Config, LoadError};
use crate::daemon::{Options, secrets};
use crate::logging::Logging;
use crate::web::api;
use crate::web::client::Refusal;
use crate::{config, daemon, logging};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Success,
    /// Anything that went wrong.
    Failure,
    /// There is no service that `service status` could tell of.
    Absent,
    /// The exit code of the task that `exec` ran.
    Task(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        match exit {
            Exit::Success => ExitCode::SUCCESS,
            Exit::Failure => ExitCode::FAILURE,
            Exit::Absent => ExitCode::from(2),
            Exit::Task(code) => ExitCode::from(code),
        }
    }
}

/// What a command that only asks and answers has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) exit: Exit,
}

impl Outcome {
    pub(crate) fn success(stdout: String) -> Outcome {
        Outcome { stdout, stderr: String::new(), exit: Exit::Success }
    }

    fn print(self) -> Result<Exit, Failure> {
        to_stderr(&tame(&self.stderr));
        print(&self.stdout)?;
        Ok(self.exit)
    }
}

/// Why a command gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Printed as `error: …`.
    Error(String),
    /// Lines that speak for themselves: the problems of a configuration.
    Problems(String),
    /// Whoever read our output has gone; that is no error of ours.
    BrokenPipe,
}

impl Failure {
    fn report(self) -> Exit {
        let text = match self {
            Failure::BrokenPipe => return Exit::Success,
            // The journal has the level in the prefix instead of the word.
            Failure::Error(text) | Failure::Problems(text) if logging::stderr_is_journal() => {
                logging::journal_error(&text)
            }
            Failure::Error(message) => format!("error: {message}\n"),
            Failure::Problems(lines) => format!("{lines}\n"),
        };
        to_stderr(&tame(&text));
        Exit::Failure
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Failure {
        match error {
            LoadError::Unreadable(reason) => Failure::Error(reason),
            LoadError::Invalid(problems) => Failure::Problems(problems.to_string()),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Error(refusal.to_string())
    }
}

impl From<io::Error> for Failure {
    /// What went wrong while we wrote to stdout.
    fn from(error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::BrokenPipe;
        }
        Failure::Error(format!("cannot write to stdout: {}", error_text(&error)))
    }
}

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    let exit = invoke().unwrap_or_else(Failure::report);
    exit.into()
}

/// Writes results. A reader that has gone ends the command quietly.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())?;
    Ok(())
}

/// Messages name what was typed and what a file or another host said: none of it may act on the
/// terminal.
fn tame(lines: &str) -> String {
    lines.lines().map(|line| format!("{}\n", escape(line))).collect()
}

/// Writes a message. Where nobody hears it, there is nobody to tell.
pub(crate) fn to_stderr(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

fn invoke() -> Result<Exit, Failure> {
    let around = Surroundings {
        env: &|name| env::var_os(name),
        is_root: is_root(),
        has_local_config: Path::new("runwisp.toml").exists(),
    };
    let invocation = args::parse(env::args_os().skip(1).collect(), &around);
    match invocation.map_err(|usage| Failure::Error(usage.to_string()))? {
        Invocation::Help(topic) => Outcome::success(topic.page()).print(),
        Invocation::Version => {
            Outcome::success(format!("runwisp {}\n", env!("CARGO_PKG_VERSION"))).print()
        }
        Invocation::Run(globals, command) => run(&globals, command),
    }
}

fn run(globals: &Globals, command: Command) -> Result<Exit, Failure> {
    let now = Clock::start().now().wall;
    match command {
        Command::Status { output } => status::run(globals, output).print(),
        Command::List { output } => {
            list::run(config::load(&globals.config.path, now), output)?.print()
        }
        Command::Validate { path, output } => validate::run(globals, path, output, now)?.print(),
        Command::Reload { dry } => reload::run(globals, dry)?.print(),
        Command::Why { task, at } => why::run(globals, &task, at.as_ref(), now)?.print(),
        Command::Import(args) => import::run(globals, &args),
        Command::Promote(args) => import::promote::run(globals, &args)?.print(),
        Command::Next(args) => next::run(globals, &args, now)?.print(),
        Command::Init { existing } => {
            init::run(globals, existing, env::var_os(secrets::VARIABLE))?.print()
        }
        Command::Start => background::run(globals, env::var_os(secrets::VARIABLE)),
        Command::Daemon => {
            let data = std::path::absolute(&globals.data.path).map_err(failed)?;
            let socket = std::path::absolute(&globals.socket.path).map_err(failed)?;
            let (host, port) = (globals.host.clone(), globals.port);
            let trusted_proxies = trusted_proxies()?;
            let options = Options { data, socket, host, port, trusted_proxies };
            daemon(globals, &options, config::load(&globals.config.path, now)?)
        }
        Command::Exec { task, output } => exec::run(globals, &task, output, &[]),
        Command::Run { task, place, output, params } => {
            run::run(globals, &task, place, output, &params)
        }
        Command::RunTask { task, password } => {
            run_task::run(globals, &task, password.as_deref())?.print()
        }
        Command::Operate { verb, targets } => operate::run(globals, verb, &targets)?.print(),
        Command::Notify(order) => notify::run(globals, &order)?.print(),
        Command::StopDaemon => instance::stop(globals)?.print(),
        Command::RestartDaemon { when } => instance::restart(globals, when),
        Command::Password => password::run(globals, env::var_os(secrets::VARIABLE))?.print(),
        Command::Completion(shell) => Outcome::success(completion::script(shell)).print(),
        Command::Takeover(order) => service::takeover::run(globals, &order),
        Command::Service(order) => service::run(globals, &order),
        Command::Backup { to } => backup::run(globals, &to)?.print(),
        Command::OpenApi => Outcome::success(api::document::text()).print(),
        Command::Schema => Outcome::success(config::schema()).print(),
        Command::Logs { targets, span, output, until: Until::Written } => {
            logs::run(globals, &targets, span, output)
        }
        Command::Logs { targets, span, output, until: Until::Ended } => {
            tail::run(globals, &targets, span, output)
        }
        Command::History { task, limit, status, output } => {
            history::run(globals, task.as_deref(), limit, status, output)?.print()
        }
        Command::Demo => demo::run(globals),
    }
}

/// The effective user. Files below /proc/self belong to it (proc(5)); where they cannot be looked
/// at, it is taken for nobody.
fn user_id() -> u32 {
    fs::metadata("/proc/self").map_or(u32::MAX, |process| process.uid())
}

fn is_root() -> bool {
    user_id() == 0
}

/// What the environment says about proxies; the daemon alone cares.
fn trusted_proxies() -> Result<Option<Proxies>, Failure> {
    let values = proxy::VARIABLES.map(|name| {
        let not_text = |_| Failure::Error(format!("{name}: the value is not UTF-8"));
        env::var_os(name).map(|value| value.into_string().map_err(not_text)).transpose()
    });
    let [first, second] = values;
    let (first, second) = (first?, second?);
    Proxies::of_variables([first.as_deref(), second.as_deref()]).map_err(Failure::Error)
}

/// The daemon in the foreground.
fn daemon(globals: &Globals, options: &Options, config: Config) -> Result<Exit, Failure> {
    logged(globals, || {
        unit::check_stop(config.shutdown_timeout);
        match daemon::run(options, config) {
            Ok(0) => Ok(Exit::Success),
            Ok(_) => Ok(Exit::Failure),
            Err(error) => Err(Failure::Error(error.0)),
        }
    })
}

/// What runs tasks has a log, on stderr.
fn logged<T>(globals: &Globals, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let logging = Logging::start(globals.log_level, globals.log_format).map_err(failed)?;
    let result = work();
    logging.shutdown();
    result
}

/// An error that says everything by itself.
fn failed(error: impl Display) -> Failure {
    Failure::Error(error.to_string())
}

/// What could not be done with what, and the system's reason.
fn cannot(verb: &str, object: impl Display, error: &io::Error) -> Failure {
    Failure::Error(format!("cannot {verb} {object}: {}", error_text(error)))
}

/// A JSON document as every command prints it.
fn document(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value);
    text.expect("our documents have text keys only") + "\n"
}

/// `1 task`, `2 tasks`.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
