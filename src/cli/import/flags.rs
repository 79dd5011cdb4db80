//! The command line of `import`, and its help page.

use std::path::PathBuf;

use super::{Extent, ImportArgs, Source, Target};
use crate::cli::args::Existing;
use crate::cli::argv::{Argv, Usage, hint};
use crate::config::crontab::Form;

pub(crate) const HELP: &str = "\
Reads the jobs of another scheduler and prints them as tasks and services. Nothing is changed there.

Usage: runwisp import cron [FILE] [flags]

Prints TOML on stdout and one line for each job on stderr: \"✓\" as it was, \"~\" changed,
\"!\" needs your help, \"-\" already defined. Without FILE, or with -, reads stdin.

      crontab -l | runwisp import cron
      runwisp import cron /etc/crontab
      runwisp import cron /etc/cron.d --write

  -o, --output <file>    write to this file; asks before it replaces one
      --write            add to runwisp.d/imported.toml beside --config, and include that folder
      --force            replace the file of --output without asking
      --dry-run          only print what would be written
      --quiet            say nothing about the jobs
      --system[=false]   cron: there is a column for users, or none; otherwise the path tells
";

const SOURCES: [&str; 1] = ["cron"];

pub(crate) fn read(argv: &mut Argv) -> Result<ImportArgs, Usage> {
    let source = argv.subcommand()?;
    let known = SOURCES.join(", ");
    let source = match source.as_deref() {
        Some("cron") => Source::Cron(None),
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
    let source = match source {
        // `--system=false` has become two words.
        Source::Cron(_) if has_system => {
            let value = names.iter().position(|name| matches!(name.as_str(), "true" | "false"));
            let is_system = value.is_none_or(|place| names.remove(place) == "true");
            Source::Cron(Some(if is_system { Form::System } else { Form::User }))
        }
        source => source,
    };
    if let (Source::Cron(_), [_, surplus, ..]) = (source, &names[..]) {
        return Err(argv.refuse(format!("unexpected argument {surplus:?}")));
    }
    Ok(ImportArgs { source, names, target, existing, extent })
}
