//! Tasks that are read live from crontabs, on their way into the configuration's own file: their
//! lines become tables, and are commented out where they stand (docs/migration.md, Promote).

use std::fs;
use std::path::{Path, PathBuf};

use super::draft::{Draft, Fate, Import};
use super::{cron, fetch, layout, page};
use crate::base::time::Clock;
use crate::cli::Failure;
use crate::config;
use crate::config::include_cron::{form, owner};
use crate::model::job::Source;

/// What was found of some tasks.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) names: Vec<String>,
    /// Their tables.
    pub(super) page: String,
    /// Crontabs without their lines.
    pub(super) changes: Vec<(PathBuf, String)>,
}

/// Those of `names` whose lines stand in crontabs that this configuration reads.
pub(super) fn find(root: &Path, names: &[&String]) -> Result<Live, Failure> {
    let mut live = Live::default();
    if names.is_empty() {
        return Ok(live);
    }
    let config = config::load(root, Clock::start().now().wall)
        .map_err(|error| Failure::Error(format!("{error}\nnothing is written")))?;
    for job in &config.jobs {
        let Source::Crontab(path, line) = &job.source else { continue };
        let name = job.name.as_str();
        if !names.iter().any(|wanted| *wanted == name) {
            continue;
        }
        // The file itself is replaced, not a link to it.
        let file = fs::canonicalize(path).map_err(|error| super::cannot("read", path, &error))?;
        let known = live.changes.iter().position(|(known, _)| *known == file);
        let at = match known {
            Some(at) => at,
            None => {
                let text = layout::read(&file)?.unwrap_or_default();
                live.changes.push((file, text));
                live.changes.len() - 1
            }
        };
        let text = &mut live.changes[at].1;
        let line = *line as usize;
        // Lines keep their numbers until all are found: a comment takes the place of each.
        let mut draft = draft(path, text, line, name)?;
        draft.name = name.to_owned();
        *text = without(text, line);
        live.page.push_str(&page::tables(&Import { drafts: vec![draft], notes: Vec::new() }));
        live.names.push(name.to_owned());
    }
    Ok(live)
}

/// The draft of one line, as it runs now: Debian's cron is what is followed live.
fn draft(path: &Path, text: &str, line: usize, name: &str) -> Result<Draft, Failure> {
    let mut import = Import::default();
    let host =
        cron::Host { is_debian: true, has_user: &fetch::has_user, has_zone: &fetch::has_zone };
    let shown = path.to_string_lossy();
    cron::import(&mut import, text, form(path, text), owner(path).as_deref(), &shown, &host);
    let place = format!("{shown}:{line}");
    let found = import.drafts.into_iter().find(|draft| draft.place == place);
    let why = match found {
        Some(draft) if draft.fate == Fate::Made => return Ok(draft),
        Some(draft) => draft.notes.join("; "),
        None => "the line has changed; try again".to_owned(),
    };
    Err(Failure::Error(format!("{name:?} ({place}): {why}; nothing is written")))
}

/// The text with one line commented out. What looks like a job in a comment is nobody's
/// description, so the line below does not get a new one.
fn without(text: &str, line: usize) -> String {
    let lines = text.split_inclusive('\n').enumerate();
    lines
        .map(|(index, text)| if index + 1 == line { format!("#{text}") } else { text.to_owned() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_becomes_a_comment() {
        let text = "A=1\n* * * * * a\n* * * * * b";
        assert_eq!(without(text, 2), "A=1\n#* * * * * a\n* * * * * b");
        assert_eq!(without(text, 3), "A=1\n* * * * * a\n#* * * * * b");
    }
}
