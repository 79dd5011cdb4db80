//! The command line of `import`, and its help page.

use std::path::PathBuf;

use super::promote::{PromoteArgs, Rehearsal};
use super::{Extent, ImportArgs, Script, Source, Target};
use crate::cli::args::Existing;
use crate::cli::argv::{Argv, Usage, hint};
use crate::config::crontab::Form;

pub(crate) const HELP: &str = "\
Reads the jobs of another scheduler and prints them as tasks and services. Nothing is changed there.

Usage: runwisp import cron [FILE] [flags]
       runwisp import supervisord [FILE...] [flags]
       runwisp import systemd [UNIT...] [flags]
       runwisp import pm2 [FILE] [flags]

Prints TOML on stdout and one line for each job on stderr: \"✓\" as it was, \"~\" changed,
\"!\" needs your help, \"-\" already defined. FILE may be a folder of crontabs; without one, or with
-, stdin is read. UNIT is a service, a timer with its service, or a path; without one, those in
/etc/systemd/system are meant.

      crontab -l | runwisp import cron
      runwisp import cron /etc/cron.d --write
      runwisp import systemd backup.timer
      runwisp import pm2 ~/.pm2/dump.pm2 -o apps.toml

  -o, --output <file>    write to this file; asks before it replaces one
      --write            add to runwisp.d/imported.toml beside --config, and include that folder
      --force            replace the file of --output without asking
      --dry-run          only print what would be written
      --quiet            say nothing about the jobs
      --system[=false]   cron: there is a column for users, or none; otherwise the path tells
      --eval             pm2: have node run an ecosystem file that is JavaScript
";

const SOURCES: [&str; 4] = ["cron", "supervisord", "systemd", "pm2"];

pub(crate) fn read(argv: &mut Argv) -> Result<ImportArgs, Usage> {
    let source = argv.subcommand()?;
    let known = SOURCES.join(", ");
    let source = match source.as_deref() {
        Some("cron") => Source::Cron(None),
        Some("supervisord") => Source::Supervisord,
        Some("systemd") => Source::Systemd,
        Some("pm2") => match argv.switch(&["--eval"]) {
            true => Source::Pm2(Script::Evaluate),
            false => Source::Pm2(Script::Refuse),
        },
        Some(other) => {
            let near = hint(other, SOURCES);
            return Err(
                argv.refuse(format!("unknown source {other:?}: it is one of {known}{near}"))
            );
        }
        None => return Err(argv.refuse(format!("{known}: the source is missing"))),
    };
    let target = match (argv.os_value(&["-o", "--output"])?, argv.switch(&["--write"])) {
        (None, false) => Target::Stdout,
        (Some(path), false) => Target::File(PathBuf::from(path)),
        (None, true) => Target::Config,
        (Some(_), true) => {
            return Err(argv.refuse("--output and --write exclude each other".to_owned()));
        }
    };
    let existing = match argv.switch(&["--force"]) {
        true => Existing::Replace,
        false => Existing::Refuse,
    };
    let extent = match (argv.switch(&["--dry-run"]), argv.switch(&["--quiet"])) {
        (true, true) => {
            return Err(argv.refuse("--dry-run with --quiet would do nothing".to_owned()));
        }
        (true, false) => Extent::DryRun,
        (false, true) => Extent::Quiet,
        (false, false) => Extent::Full,
    };
    let has_system = matches!(source, Source::Cron(_)) && argv.switch(&["--system"]);
    let mut names = argv.any_words()?;
    let source = match has_system {
        false => source,
        true => {
            // `--system=false` has become two words.
            let value = names.iter().position(|name| matches!(name.as_str(), "true" | "false"));
            let is_system = value.is_none_or(|place| names.remove(place) == "true");
            Source::Cron(Some(if is_system { Form::System } else { Form::User }))
        }
    };
    if let (Source::Cron(_) | Source::Pm2(_), [_, surplus, ..]) = (source, &names[..]) {
        return Err(argv.refuse(format!("unexpected argument {surplus:?}")));
    }
    Ok(ImportArgs { source, names, target, existing, extent })
}

/// The command line of `promote`.
pub(crate) fn promote(argv: &mut Argv) -> Result<PromoteArgs, Usage> {
    let rehearsal = match argv.switch(&["--dry-run"]) {
        true => Rehearsal::On,
        false => Rehearsal::Off,
    };
    let reload = argv.switch(&["--reload"]);
    let names = match argv.switch(&["--all"]) {
        true => {
            argv.no_words()?;
            Vec::new()
        }
        false => argv.some_words("a task, or --all")?,
    };
    Ok(PromoteArgs { names, rehearsal, reload })
}
