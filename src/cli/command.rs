//! What a subcommand is to do, with every value already a type. [`crate::cli::args`] makes it.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::completion::Shell;
use crate::cli::idle::When;
use crate::cli::import::ImportArgs;
use crate::cli::import::promote::PromoteArgs;
use crate::cli::service;
use crate::cli::service::takeover::Takeover;
use crate::cli::why::At;
use crate::model::job::Verb;
use crate::store::query::State;

/// A subcommand with its own arguments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// `runwisp` alone.
    Start,
    Daemon,
    Status {
        output: Output,
    },
    List {
        output: Output,
    },
    Validate {
        path: Option<PathBuf>,
        output: Output,
    },
    Exec {
        task: String,
        output: Output,
    },
    /// One verb for a run in the daemon or in this process.
    Run {
        task: String,
        place: Place,
        output: Output,
        /// Keys of its parameters with their values.
        params: Vec<(String, String)>,
    },
    RunTask {
        task: String,
        password: Option<String>,
    },
    /// Something is done with jobs, or with one run.
    Operate {
        verb: Verb,
        targets: Vec<String>,
    },
    Notify(Notify),
    Reload {
        dry: bool,
    },
    Why {
        task: String,
        /// `None`: its last tick.
        at: Option<At>,
    },
    StopDaemon,
    RestartDaemon {
        when: When,
    },
    Password,
    Backup {
        to: PathBuf,
    },
    Service(service::Order),
    Completion(Shell),
    OpenApi,
    Schema,
    Init {
        existing: Existing,
    },
    Logs {
        targets: Vec<String>,
        span: Span,
        output: Output,
        until: Until,
    },
    History {
        task: Option<String>,
        limit: u32,
        status: Option<State>,
        output: Output,
    },
    Next(NextArgs),
    Import(ImportArgs),
    Promote(PromoteArgs),
    Takeover(Takeover),
    Demo,
}

/// What `notify` is to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Notify {
    List {
        output: Output,
    },
    /// A notifier, or one with another target.
    Test {
        channel: String,
    },
    /// Without an end: until tomorrow morning.
    Mute {
        task: String,
        until: Option<Timestamp>,
    },
    Unmute {
        task: String,
    },
}

/// What `next` is asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NextArgs {
    /// The name of a task, or a cron expression.
    pub(crate) what: String,
    pub(crate) timezone: Option<String>,
    /// Ticks strictly after this; `None` is now.
    pub(crate) from: Option<Timestamp>,
    pub(crate) count: u32,
    pub(crate) output: Output,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Human,
    Json,
}

/// What `init` does with a file that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    Refuse,
    Replace,
}

/// Where `run` runs a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the daemon of the data directory where there is one, else here.
    Either,
    Daemon,
    Here,
    /// In the daemon, and nobody waits for it.
    Detached,
}

/// How long `logs` goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// To the end of what is written.
    Written,
    /// To the end of the run.
    Ended,
}

/// Which lines of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    All,
    Last(u64),
    First(u64),
}
