//! Where systemd keeps its units, and their drop-ins (systemd.unit(5)).

use std::fs;
use std::path::{Path, PathBuf};

use super::unit::Unit;

/// The administrator's come first.
const FOLDERS: [&str; 4] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// The unit of a name, a name without its ending, or a path.
pub(in super::super) fn open(name: &str) -> Option<Unit> {
    if name.contains('/') {
        let path = Path::new(name);
        return read(path.file_name()?.to_str()?, path, path.parent()?);
    }
    if name.contains('.') {
        return find(name, None);
    }
    find(&format!("{name}.timer"), None).or_else(|| find(&format!("{name}.service"), None))
}

/// The unit of a whole name; those beside `near` come first.
pub(in super::super) fn find(name: &str, near: Option<&Path>) -> Option<Unit> {
    let folders = near.into_iter().chain(FOLDERS.iter().map(Path::new));
    let template = name.split_once('@').and_then(|(prefix, rest)| {
        let (_, ending) = rest.rsplit_once('.')?;
        Some(format!("{prefix}@.{ending}"))
    });
    for folder in folders {
        for file in [Some(name), template.as_deref()].into_iter().flatten() {
            if let Some(unit) = read(name, &folder.join(file), folder) {
                return Some(unit);
            }
        }
    }
    None
}

/// The administrator's own services and timers. A service that a timer starts comes with it.
pub(in super::super) fn own() -> Vec<String> {
    let entries = fs::read_dir(FOLDERS[0]).into_iter().flatten().flatten();
    let is_file = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
    let names = entries.filter(is_file).filter_map(|entry| entry.file_name().into_string().ok());
    let names: Vec<String> = names.collect();
    let timed = |name: &str| {
        name.strip_suffix(".service").is_some_and(|stem| names.contains(&format!("{stem}.timer")))
    };
    let is_wanted =
        |name: &&String| (name.ends_with(".timer") || name.ends_with(".service")) && !timed(name);
    let mut own: Vec<String> = names.iter().filter(is_wanted).cloned().collect();
    own.sort();
    own
}

fn read(name: &str, path: &Path, folder: &Path) -> Option<Unit> {
    let text = fs::read(path).ok()?;
    let mut texts = vec![String::from_utf8_lossy(&text).into_owned()];
    texts.extend(drop_ins(name, folder));
    Some(Unit::read(name, texts.iter().map(String::as_str)))
}

/// What `UNIT.d/*.conf` says in all folders, by name; of one name the administrator's counts.
fn drop_ins(name: &str, folder: &Path) -> Vec<String> {
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for folder in [folder].into_iter().chain(FOLDERS.iter().map(Path::new)) {
        let entries = fs::read_dir(folder.join(format!("{name}.d")));
        for entry in entries.into_iter().flatten().flatten() {
            let Ok(file) = entry.file_name().into_string() else { continue };
            if file.ends_with(".conf") && !files.iter().any(|(known, _)| *known == file) {
                files.push((file, entry.path()));
            }
        }
    }
    files.sort();
    let texts = files.iter().filter_map(|(_, path)| fs::read(path).ok());
    texts.map(|text| String::from_utf8_lossy(&text).into_owned()).collect()
}
