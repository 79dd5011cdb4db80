//! What a configuration needs to know of the host: time zones, the text of dotenv files and
//! where paths start. `load` answers from the real host, tests from tables.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::sentence::quoted;

/// The host as far as the stages see it.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// The path of the file as the user gave it.
    pub(crate) file: &'a str,
    /// Absolute; relative paths start here.
    pub(crate) directory: &'a Path,
    /// Where `~/` leads.
    pub(crate) home: Option<&'a Path>,
    /// Schedules must fire within 40 years of it.
    pub(crate) now: Timestamp,
    /// Finds a zone by its exact name.
    pub(crate) zone: &'a dyn Fn(&str) -> Result<TimeZone, NoZone>,
    /// The zone of the host.
    pub(crate) local_zone: &'a dyn Fn() -> TimeZone,
    /// A variable of the daemon.
    pub(crate) env: &'a dyn Fn(&str) -> Option<String>,
    /// The text of a file, or why there is none.
    pub(crate) read: &'a dyn Fn(&Path) -> Result<String, String>,
    /// The text of a crontab, of the user of this name if any, unless somebody else can edit it.
    pub(crate) crontab: &'a ReadCrontab<'a>,
    /// What a directory holds, in any order; nothing when there is none. `true` is a directory.
    pub(crate) entries: &'a ListDirectory<'a>,
}

/// Takes the path and whose crontab it is.
pub(crate) type ReadCrontab<'a> = dyn Fn(&Path, Option<&str>) -> Result<String, String> + 'a;
/// Gives names, and whether they are directories.
pub(crate) type ListDirectory<'a> = dyn Fn(&Path) -> Result<Vec<(String, bool)>, String> + 'a;

/// A zone and the name it goes by.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    pub(crate) zone: TimeZone,
    /// For `Local` the name of the host's zone, where that is known.
    pub(crate) name: Arc<str>,
}

/// Why a name leads to no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoZone {
    Unknown,
    /// The host has no zones at all.
    NoDatabase,
}

impl Zone {
    pub(crate) fn utc() -> Zone {
        Zone { zone: TimeZone::UTC, name: "UTC".into() }
    }
}

impl Surroundings<'_> {
    /// Where the file itself is.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join(Path::new(self.file).file_name().unwrap_or_default())
    }

    /// The path that the file means: `~/` is the home, anything relative starts beside the file.
    pub(crate) fn resolve(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            (Some(_), None) | (None, _) => self.directory.join(path),
        }
    }
}

/// Zones by name, each looked up once.
pub(crate) struct Zones<'a> {
    surroundings: &'a Surroundings<'a>,
    found: RefCell<HashMap<String, Result<Zone, NoZone>>>,
}

impl<'a> Zones<'a> {
    pub(crate) fn new(surroundings: &'a Surroundings<'a>) -> Zones<'a> {
        Zones { surroundings, found: RefCell::default() }
    }

    /// `UTC` works everywhere, `Local` is the zone of the host. The error is for a message.
    pub(crate) fn find(&self, name: &str) -> Result<Zone, String> {
        let mut found = self.found.borrow_mut();
        let zone = match found.get(name) {
            Some(zone) => zone.clone(),
            None => found.entry(name.to_owned()).or_insert(self.look_up(name)).clone(),
        };
        zone.map_err(|reason| {
            let advice = match reason {
                NoZone::Unknown => "",
                NoZone::NoDatabase => "; is tzdata installed?",
            };
            let name = quoted(name);
            format!(r#"{name} is not a valid IANA timezone (e.g. "UTC", "Europe/Prague"){advice}"#)
        })
    }

    fn look_up(&self, name: &str) -> Result<Zone, NoZone> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-/".contains(&byte);
        match name {
            "UTC" => Ok(Zone::utc()),
            "Local" => {
                let zone = (self.surroundings.local_zone)();
                let name = zone.iana_name().unwrap_or(name).into();
                Ok(Zone { zone, name })
            }
            // Names become paths: without dots nothing leads out of the database.
            _ if name.is_empty() || name.starts_with('/') || !name.bytes().all(is_allowed) => {
                Err(NoZone::Unknown)
            }
            _ => Ok(Zone { zone: (self.surroundings.zone)(name)?, name: name.into() }),
        }
    }
}
