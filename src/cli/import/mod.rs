//! `runwisp import`: jobs of cron, supervisord, systemd and PM2 as tables of ours
//! (docs/migration.md). Each source has a pure reader from text to drafts; this file fetches the
//! text, and brings the result to where it was asked for. Nothing of the source is changed.

pub(crate) mod anacron;
pub(crate) mod cron;
pub(crate) mod draft;
mod fetch;
pub(crate) mod flags;
mod ini;
pub(crate) mod layout;
mod live;
pub(crate) mod page;
pub(crate) mod pm2;
pub(crate) mod promote;
pub(crate) mod sections;
pub(crate) mod supervisord;
pub(crate) mod systemd;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::args::Existing;
use crate::cli::globals::Globals;
use crate::cli::{Exit, Failure, ask, init, print, tame, to_stderr};
use crate::config::crontab::Form;

/// What `import` is asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ImportArgs {
    pub(crate) source: Source,
    /// Files, or names of units; none is stdin, or what the host has.
    pub(crate) names: Vec<String>,
    pub(crate) target: Target,
    pub(crate) existing: Existing,
    pub(crate) extent: Extent,
}

/// Whose jobs they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// With a column for users or without, where that was said.
    Cron(Option<Form>),
    Supervisord,
    Systemd,
    Pm2(Script),
}

/// What may happen to an ecosystem file that is a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    Refuse,
    /// `node` may run it, with all that it does.
    Evaluate,
}

/// Where the tables go.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    Stdout,
    File(PathBuf),
    /// Into a file that the configuration includes.
    Config,
}

/// How much happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The tables are written and summed up.
    Full,
    /// They are written, and nothing is said about it.
    Quiet,
    /// They are only shown.
    DryRun,
}

impl Source {
    fn name(self) -> &'static str {
        match self {
            Source::Cron(_) => "cron",
            Source::Supervisord => "supervisord",
            Source::Systemd => "systemd",
            Source::Pm2(_) => "pm2",
        }
    }

    /// How the old scheduler is kept from running the jobs too.
    fn reminder(self) -> &'static str {
        match self {
            Source::Cron(_) => {
                "cron still runs these jobs: take the lines out there (crontab -e) when RunWisp runs them"
            }
            Source::Supervisord => {
                "supervisord still runs these programs: stop it (supervisorctl stop all) before RunWisp starts them"
            }
            Source::Systemd => {
                "systemd still runs these units: systemctl disable --now UNIT before RunWisp runs them"
            }
            Source::Pm2(_) => {
                "PM2 still runs these apps: pm2 delete NAME, then pm2 save, before RunWisp starts them"
            }
        }
    }
}

pub(crate) fn run(globals: &Globals, args: &ImportArgs) -> Result<Exit, Failure> {
    let mut import = match args.source {
        Source::Cron(form) => fetch::cron(args, form)?,
        Source::Supervisord => fetch::supervisord(args)?,
        Source::Systemd => fetch::systemd(args)?,
        Source::Pm2(script) => fetch::pm2(args, script)?,
    };
    let existing = match args.target {
        Target::Config => layout::jobs_of(&globals.config.path)?,
        Target::Stdout | Target::File(_) => Vec::new(),
    };
    import.settle_names(&existing);
    let page = page::tables(&import);
    let from = match &args.names[..] {
        [] => String::new(),
        names => format!(" from {}", names.join(", ")),
    };
    let from: String = from.chars().filter(|letter| !letter.is_control()).collect();
    let source = args.source.name();
    let head = format!("{}\n# Made by \"runwisp import {source}\"{from}.\n", init::SCHEMA);
    let is_blocked = args.target == Target::Config && import.has_broken();
    let mut said = String::new();
    match &args.target {
        _ if args.extent == Extent::DryRun => print(&(head + &page))?,
        Target::Stdout => print(&(head + &page))?,
        Target::File(path) => {
            write_file(path, &(head + &page), args.existing)?;
            said = format!("wrote {}\n", path.display());
        }
        Target::Config if is_blocked => {}
        Target::Config => said = layout::write(&globals.config.path, &head, &page)?,
    }
    if args.extent != Extent::Quiet {
        let reminder = args.source.reminder();
        to_stderr(&tame(&format!("{}{said}{reminder}\n", import.summary())));
    }
    if is_blocked {
        let message = "nothing is written: the lines with ! need a table by hand; take them out of the source, \
                       or import to stdout and edit";
        return Err(Failure::Error(message.to_owned()));
    }
    Ok(Exit::Success)
}

fn write_file(path: &Path, text: &str, existing: Existing) -> Result<(), Failure> {
    if path.exists() && existing == Existing::Refuse {
        let shown = path.display();
        match ask::confirm(&format!("{shown} already exists. Replace it?"))? {
            Some(true) => {}
            Some(false) => return Err(Failure::Error(format!("{shown} is left as it was"))),
            None => {
                let message = format!("{shown} already exists; --force replaces it");
                return Err(Failure::Error(message));
            }
        }
    }
    // The file itself is replaced, not a link to it.
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    layout::replace(&[(place, text.to_owned())])
}
