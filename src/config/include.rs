//! `[daemon] include`: further files, which hold jobs, notifiers and routes and nothing else
//! (docs/configuration.md, Several files).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::surroundings::Surroundings;
use super::table::Table;
use crate::base::glob;
use crate::base::order;
use crate::base::sentence::quoted;
use crate::model::job::Source;

/// Tables about the daemon as a whole.
const OF_THE_ROOT: [&str; 5] = ["daemon", "scheduler", "defaults", "storage", "notify"];

/// A file whose text has been found.
pub(crate) struct Found {
    /// Absolute.
    pub(crate) path: PathBuf,
    /// As messages call it.
    pub(crate) shown: String,
    pub(crate) text: String,
}

impl Found {
    /// The host as this file sees it.
    pub(crate) fn around<'a>(&'a self, root: &Surroundings<'a>) -> Surroundings<'a> {
        let directory = self.path.parent().unwrap_or(&self.path);
        Surroundings { directory, file: &self.shown, ..*root }
    }
}

/// A file as the stages read it.
pub(crate) struct File<'a> {
    pub(crate) table: Table<'a>,
    /// Paths in it start beside it.
    pub(crate) around: Surroundings<'a>,
    pub(crate) source: Source,
}

/// All files that the patterns match, by path and each once. The file that includes is none.
pub(crate) fn find(daemon: Option<&Table<'_>>, around: &Surroundings<'_>) -> Vec<Found> {
    let Some(daemon) = daemon else { return Vec::new() };
    let read = |Match { path, at, .. }: Match| match (around.read)(&path) {
        Ok(text) => {
            let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
            Some(Found { shown: shown(&path, around), path, text })
        }
        Err(reason) => {
            let shown = quoted(&path.to_string_lossy());
            daemon.error_at(at, "include", format!("cannot read {shown}: {reason}"));
            None
        }
    };
    matches(daemon, "include", around).into_iter().filter_map(read).collect()
}

/// A file that a list of patterns has, named by one or only matched.
pub(super) struct Match {
    pub(super) path: PathBuf,
    /// Where that stands in the list.
    pub(super) at: usize,
    pub(super) is_named: bool,
}

/// All files that the patterns of a list match, by path and each once.
pub(super) fn matches(
    daemon: &Table<'_>,
    key: &'static str,
    around: &Surroundings<'_>,
) -> Vec<Match> {
    let mut paths: Vec<_> = Vec::new();
    for item in daemon.list(key).unwrap_or_default() {
        let named = around.resolve(item.text);
        let matched = match glob::flaw(item.text) {
            Some(flaw) => Err(format!("{} is not a pattern: {flaw}", quoted(item.text))),
            None => expand(item.text, around),
        };
        match matched {
            Ok(matched) => paths.extend(matched.into_iter().map(|path| Match {
                is_named: path == named,
                path,
                at: item.at,
            })),
            Err(flaw) => daemon.error_at(item.at, key, flaw),
        }
    }
    // Where it is named counts for more than where a pattern fits.
    order::sort_by_key(&mut paths, |found| (found.path.clone(), !found.is_named, found.at));
    paths.dedup_by(|later, first| later.path == first.path);
    paths.retain(|found| found.path != around.path());
    paths
}

/// The files that a pattern matches, or the one that it names. `*` does not match what begins
/// with a dot, and what matches only as a directory is none of them.
fn expand(pattern: &str, around: &Surroundings<'_>) -> Result<Vec<PathBuf>, String> {
    let full = around.resolve(pattern);
    let parts: Vec<_> = full.iter().map(|part| part.to_string_lossy()).collect();
    // What was not written is not a pattern either, even if it looks like one.
    let plain = full.iter().count().saturating_sub(Path::new(pattern).iter().count());
    let first = (plain..parts.len()).find(|index| glob::is_pattern(&parts[*index]));
    let Some(first) = first else { return Ok(vec![full]) };
    let mut places = vec![parts[..first].iter().map(|part| &**part).collect::<PathBuf>()];
    for (index, part) in parts.iter().enumerate().skip(first) {
        let is_last = index + 1 == parts.len();
        let mut next = Vec::new();
        for place in places {
            let names = (around.entries)(&place).map_err(|reason| {
                format!("cannot list {}: {reason}", quoted(&place.to_string_lossy()))
            })?;
            let fits = |name: &str, is_directory: bool| {
                is_directory != is_last
                    && glob::fits(part, name)
                    && (part.starts_with('.') || !name.starts_with('.'))
            };
            let fitting = names.iter().filter(|(name, is_directory)| fits(name, *is_directory));
            next.extend(fitting.map(|(name, _)| place.join(name)));
        }
        places = next;
    }
    Ok(places)
}

/// The path as the user would write it from where the first file was named.
pub(super) fn shown(path: &Path, around: &Surroundings<'_>) -> String {
    let beside = path.strip_prefix(around.directory).ok();
    let parent = Path::new(around.file).parent();
    let shown = beside.and_then(|rest| Some(parent?.join(rest)));
    shown.as_deref().unwrap_or(path).to_string_lossy().into_owned()
}

/// Reports what else stands in a file that is included.
pub(crate) fn finish(table: &Table<'_>) {
    let nests = |daemon: &str| daemon == "daemon" && table.has_in("daemon", "include");
    let pointer = |key: &str| {
        let advice = if nests(key) { "; an included file cannot include others" } else { "" };
        OF_THE_ROOT.contains(&key).then(|| {
            format!(
                "it belongs into the file that includes this one, which holds tasks, services, \
                 notifiers and routes alone{advice}"
            )
        })
    };
    table.report_unknown(|key, _| pointer(key).or_else(|| super::root_pointer(key)));
}

/// The source of jobs in an included file.
pub(crate) fn source(path: &Path) -> Source {
    Source::Included(Arc::from(path))
}
