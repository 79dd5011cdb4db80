//! `runwisp promote`: takes imported tables into the configuration's own file, as text, with their
//! comments, and tasks of crontabs as tables. All files are written or none.

use toml::de::{DeTable, DeValue};

use super::layout::{Files, bad, replace_in};
use super::live;
use super::sections::{jobs, sections};
use crate::cli::globals::Globals;
use crate::cli::{Failure, Outcome, counted, print, reload};

/// What `promote` is asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PromoteArgs {
    /// None are all of them.
    pub(crate) names: Vec<String>,
    pub(crate) rehearsal: Rehearsal,
    /// Has the daemon read the configuration again.
    pub(crate) reload: bool,
}

/// Whether files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rehearsal {
    Off,
    On,
}

pub(crate) const HELP: &str = "\
Takes imported tasks and services from runwisp.d into the configuration's own file, with their
comments. A task that is read live from a crontab becomes a table there, and its line in the crontab
a comment. What is neither, or is there already, is an error, and then nothing is written.

Usage: runwisp promote <task...> [--dry-run | --reload] [flags]
       runwisp promote --all [--dry-run | --reload] [flags]

      --all              everything in runwisp.d, and nothing of crontabs
      --dry-run          only print what would be moved
      --reload           and have the daemon read its configuration again
";

/// Keys whose relative paths would mean another place in another file.
const PATHS: [&str; 4] = ["working_dir", "env_file", "secrets_file", "shell"];

pub(crate) fn run(globals: &Globals, args: &PromoteArgs) -> Result<Outcome, Failure> {
    let files = Files::read(&globals.config.path)?;
    let root = files.root.display();
    let Some(own) = &files.root_text else {
        let message = format!("config file not found: {root}; create one with \"runwisp init\"");
        return Err(Failure::Error(message));
    };
    let mut imported = Vec::new();
    for (path, text) in &files.included {
        let found = jobs(text).map_err(|error| bad(path, &error))?;
        imported.extend(found.into_iter().map(|(name, _)| name));
    }
    let known = jobs(own).map_err(|error| bad(&files.root, &error))?;
    let names = if args.names.is_empty() { &imported } else { &args.names };
    let others: Vec<&String> = names.iter().filter(|name| !imported.contains(name)).collect();
    let live = live::find(&files.config, &others)?;
    let missing = others.iter().filter(|name| !live.names.contains(name));
    let missing = missing.map(|name| match known.iter().any(|(known, _)| known == name.as_str()) {
        true => format!("{name:?} is in {root} already"),
        false => format!("{name:?} is neither imported nor read from a crontab"),
    });
    let missing: Vec<String> = missing.collect();
    if !missing.is_empty() {
        return Err(Failure::Error(format!("{}; nothing is written", missing.join("; "))));
    }
    if names.is_empty() {
        return Ok(Outcome::success("nothing was imported\n".to_owned()));
    }
    let mut moved = live.page;
    let mut changes = live.changes;
    for (path, text) in &files.included {
        let (rest, taken) = split(text, names).map_err(|flaw| match flaw {
            Flaw::Toml(error) => bad(path, &error),
            Flaw::Said(message) => Failure::Error(format!("{}: {message}", path.display())),
        })?;
        if !taken.is_empty() {
            moved.push_str(&taken);
            changes.push((path.clone(), rest));
        }
    }
    let whole = format!("{}\n{moved}", own.trim_end());
    // Tables written inline cannot be added to by a header.
    DeTable::parse(&whole).map_err(|error| {
        let message = error.message().to_owned();
        Failure::Error(format!("{root} would be no TOML any more: {message}; nothing is written"))
    })?;
    if args.rehearsal == Rehearsal::On {
        return Ok(Outcome::success(moved));
    }
    changes.push((files.root.clone(), whole));
    replace_in(&files.config, &changes)?;
    let count = counted(names.len(), "table");
    let said = format!("moved {count} to {root}: {}\n", names.join(", "));
    if !args.reload {
        return Ok(Outcome::success(said));
    }
    // The files are written, whatever the daemon says now.
    print(&said)?;
    reload::run(globals, false)
}

#[derive(Debug)]
enum Flaw {
    Toml(toml::de::Error),
    Said(String),
}

/// The file without the tables of these jobs, and those tables.
fn split(text: &str, names: &[String]) -> Result<(String, String), Flaw> {
    let tree = DeTable::parse(text).map_err(Flaw::Toml)?;
    let all = sections(text).map_err(Flaw::Toml)?;
    for kind in ["tasks", "services"] {
        let tables = tree.get_ref().get(kind).and_then(|tables| tables.get_ref().as_table());
        for (name, job) in tables.into_iter().flatten() {
            let name = name.get_ref();
            if !names.iter().any(|wanted| wanted == name) {
                continue;
            }
            if !all.iter().any(|section| section.path == [kind, name]) {
                let message = format!("{name} has no header [{kind}.{name}]: move it by hand");
                return Err(Flaw::Said(message));
            }
            if let Some(key) = job.get_ref().as_table().and_then(relative_path) {
                let message =
                    format!("{key} of {name} is relative to this file; make it absolute first");
                return Err(Flaw::Said(message));
            }
        }
    }
    let is_wanted = |path: &[String]| {
        let (kind, name) = (path.first().map(String::as_str), path.get(1));
        matches!(kind, Some("tasks" | "services")) && name.is_some_and(|name| names.contains(name))
    };
    let first = all.first().map_or(text.len(), |section| section.range.start);
    let mut rest = text[..first].to_owned();
    let mut taken = String::new();
    for section in all {
        let part = &text[section.range];
        match is_wanted(&section.path) {
            true => taken.push_str(&format!("\n{}\n", part.trim_end())),
            false => rest.push_str(part),
        }
    }
    Ok((format!("{}\n", rest.trim_end()), taken))
}

fn relative_path(job: &DeTable<'_>) -> Option<&'static str> {
    let is_relative =
        |value: &DeValue<'_>| value.as_str().is_some_and(|path| !path.starts_with(['/', '~', '$']));
    PATHS.into_iter().find(|key| job.get(*key).is_some_and(|value| is_relative(value.get_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Made\n\n# line 1\n[tasks.a]\nrun = '''\n[tasks.b]\n'''\n\n[tasks.a.env]\nX = \"1\"\n\n\
                        # line 2\n# TODO: look\n[services.b]\nrun = \"y\"\n";

    #[test]
    fn a_table_moves_with_its_comments_and_its_own_tables() {
        let of = |names: &[&str]| {
            split(TEXT, &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
        };
        let (rest, taken) = of(&["a"]);
        assert_eq!(rest, "# Made\n\n# line 2\n# TODO: look\n[services.b]\nrun = \"y\"\n");
        assert_eq!(
            taken,
            "\n# line 1\n[tasks.a]\nrun = '''\n[tasks.b]\n'''\n\n[tasks.a.env]\nX = \"1\"\n"
        );
        let (rest, taken) = of(&["b"]);
        assert_eq!(taken, "\n# line 2\n# TODO: look\n[services.b]\nrun = \"y\"\n");
        assert!(rest.ends_with("[tasks.a.env]\nX = \"1\"\n"), "{rest}");
        assert_eq!(of(&["a", "b"]).0, "# Made\n");
        assert_eq!(of(&["c"]).1, "");
    }

    #[test]
    fn what_cannot_be_moved_as_text_is_refused() {
        let names = ["a".to_owned()];
        for text in [
            "[tasks]\na.run = \"x\"\n",
            "tasks.a = { run = \"x\" }\n",
            "[tasks.a]\nworking_dir = \"x\"\n",
        ] {
            assert!(matches!(split(text, &names), Err(Flaw::Said(_))), "{text}");
        }
        assert!(split("[tasks.a]\nworking_dir = \"~/x\"\n", &names).is_ok());
    }
}
