//! Tasks that are read live from crontabs, on their way into the configuration's own file: their
//! lines become tables, and are commented out where they stand (docs/migration.md, Promote).

use std::fs;
use std::path::{Path, PathBuf};

use super::draft::{Draft, Fate, Import};
use super::{cron, fetch, layout, page};
use crate::base::time::Clock;
use crate::cli::{Failure, cannot};
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
    let mut tabs: Vec<Tab> = Vec::new();
    for job in &config.jobs {
        let Source::Crontab(path, line) = &job.source else { continue };
        let name = job.name.as_str();
        if !names.iter().any(|wanted| *wanted == name) {
            continue;
        }
        // The file itself is replaced, not a link to it.
        let file =
            fs::canonicalize(path).map_err(|error| cannot("read", path.display(), &error))?;
        let at = match tabs.iter().position(|tab| tab.file == file) {
            Some(at) => at,
            None => {
                tabs.push(Tab::read(file, path)?);
                tabs.len() - 1
            }
        };
        let mut draft = tabs[at].take(&format!("{}:{line}", path.display()), *line, name)?;
        draft.name = name.to_owned();
        live.page.push_str(&page::tables(&Import { drafts: vec![draft], notes: Vec::new() }));
        live.names.push(name.to_owned());
    }
    live.changes = tabs.into_iter().map(|tab| (tab.file, tab.text)).collect();
    Ok(live)
}

/// A crontab on its way.
struct Tab {
    file: PathBuf,
    text: String,
    /// All that it has, as it runs now: Debian's cron is what is followed live.
    drafts: Vec<Draft>,
}

impl Tab {
    fn read(file: PathBuf, path: &Path) -> Result<Tab, Failure> {
        let text = layout::read(&file)?.unwrap_or_default();
        let mut import = Import::default();
        let host =
            cron::Host { is_debian: true, has_user: &fetch::has_user, has_zone: &fetch::has_zone };
        let (form, owner, shown) = (form(path, &text), owner(path), path.to_string_lossy());
        cron::import(&mut import, &text, form, owner.as_deref(), &shown, &host);
        Ok(Tab { file, text, drafts: import.drafts })
    }

    /// The draft of one line, which becomes a comment.
    fn take(&mut self, place: &str, line: u32, name: &str) -> Result<Draft, Failure> {
        let found = self.drafts.iter().position(|draft| draft.place == place);
        let why = match found.map(|at| self.drafts.swap_remove(at)) {
            Some(draft) if draft.fate == Fate::Made => {
                self.text = without(&self.text, line as usize);
                return Ok(draft);
            }
            Some(draft) => draft.notes.join("; "),
            None => "the line has changed; try again".to_owned(),
        };
        Err(Failure::Error(format!("{name:?} ({place}): {why}; nothing is written")))
    }
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
