//! The one stage that touches the host: reads the file, and answers what the other stages
//! ask about zones, dotenv files and the home directory.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::{self, TimeZone, TimeZoneDatabase};

use super::problem::Report;
use super::surroundings::{NoZone, Surroundings, Zones};
use super::{Config, Problem, Problems};
use crate::base::sentence::error_text;

/// No file of the user's is larger (docs/configuration.md, The file).
const SIZE_LIMIT: u64 = 4 << 20;
/// The name of the host (proc(5)).
const HOSTNAME: &str = "/proc/sys/kernel/hostname";
/// Where some systems keep zones that jiff does not look at.
const FURTHER_ZONES: &str = "/usr/lib/zoneinfo";

/// Why there is no configuration.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// One line about the file itself.
    Unreadable(String),
    /// One line for each problem and a last one with their number.
    Invalid(Problems),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Unreadable(reason) => f.write_str(reason),
            LoadError::Invalid(problems) => problems.fmt(f),
        }
    }
}

/// Reads a file and all that it names. `now` is where schedules start to be looked at.
pub(crate) fn load(path: &Path, now: Timestamp) -> Result<Config, LoadError> {
    let shown = path.to_string_lossy();
    let (bytes, facts) = read_bytes(path)?;
    let text = decode(&bytes, &shown).map_err(LoadError::Invalid)?;
    let mut config = load_as(path, text, now)?;
    if let Some(remedy) = remedy(&facts).filter(|_| is_root()) {
        config.warnings.insert(0, writable_warning(&shown, remedy));
    }
    Ok(config)
}

/// What [`load`] would make of a file with this text.
pub(crate) fn load_as(path: &Path, text: &str, now: Timestamp) -> Result<Config, LoadError> {
    let shown = path.to_string_lossy();
    let place = std::path::absolute(path).map_err(|error| {
        LoadError::Unreadable(format!("cannot find {shown}: {}", error_text(&error)))
    })?;
    let home = std::env::home_dir();
    let further = TimeZoneDatabase::from_dir(FURTHER_ZONES).ok();
    let databases: Vec<_> = [Some(tz::db()), further.as_ref()].into_iter().flatten().collect();
    let watched = RefCell::new(BTreeSet::new());
    let surroundings = Surroundings {
        file: &shown,
        directory: place.parent().unwrap_or(&place),
        home: home.as_deref(),
        now,
        zone: &|name| zone(&databases, name),
        local_zone: &local_zone,
        env: &variable,
        read: &|path| {
            watched.borrow_mut().insert(path.to_owned());
            read_text(path)
        },
        crontab: &|path, user| {
            watched.borrow_mut().insert(path.to_owned());
            crontab(path, user)
        },
        entries: &|path| {
            watched.borrow_mut().insert(path.to_owned());
            entries(path)
        },
    };
    let mut config = super::read(text, &surroundings).map_err(LoadError::Invalid)?;
    config.path = path.to_owned();
    let is_other = |path: &PathBuf| config.files.iter().all(|file| file.path != *path);
    config.watched = watched.take().into_iter().filter(is_other).collect();
    Ok(config)
}

/// The zone of a name that stands outside the file, by the same rules.
pub(crate) fn zone_named(name: &str) -> Result<TimeZone, String> {
    let further = TimeZoneDatabase::from_dir(FURTHER_ZONES).ok();
    let databases: Vec<_> = [Some(tz::db()), further.as_ref()].into_iter().flatten().collect();
    let surroundings = Surroundings {
        file: "",
        directory: Path::new(""),
        home: None,
        now: Timestamp::UNIX_EPOCH,
        zone: &|name| zone(&databases, name),
        local_zone: &local_zone,
        env: &|_| None,
        read: &|_| Err(String::new()),
        crontab: &|_, _| Err(String::new()),
        entries: &|_| Err(String::new()),
    };
    Zones::new(&surroundings).find(name).map(|zone| zone.zone)
}

/// A variable of this process. Few shells export the name of the host, but people expect it.
fn variable(name: &str) -> Option<String> {
    let host = || Some(fs::read_to_string(HOSTNAME).ok()?.trim().to_owned());
    std::env::var(name).ok().or_else(|| host().filter(|_| name == "HOSTNAME"))
}

/// The text of a file that the configuration names.
fn read_text(path: &Path) -> Result<String, String> {
    let reason = |error: io::Error| error_text(&error);
    let file = File::open(path).map_err(reason)?;
    let mut text = String::new();
    file.take(SIZE_LIMIT + 1).read_to_string(&mut text).map_err(reason)?;
    if text.len() as u64 > SIZE_LIMIT {
        return Err("it is larger than 4 MiB".to_owned());
    }
    Ok(text)
}

/// Whoever can edit a crontab can run commands as whoever runs it, so only root, the user whose it
/// is and we ourselves may. What is no UTF-8 is for the reader of lines to refuse.
fn crontab(path: &Path, user: Option<&str>) -> Result<String, String> {
    let reason = |error: io::Error| error_text(&error);
    let file = File::open(path).map_err(reason)?;
    let facts = file.metadata().map_err(reason)?;
    let whose = user.map(|name| number_of(name).ok_or(name)).transpose();
    let whose = whose.map_err(|name| format!("there is no user {name:?}"))?;
    if ![Some(0), Some(own_user()), whose].contains(&Some(facts.uid())) {
        return Err(format!("it belongs to somebody else (user {})", facts.uid()));
    }
    if facts.mode() & 0o022 != 0 {
        return Err("others can write it; chmod go-w".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).map_err(reason)?;
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err("it is larger than 4 MiB".to_owned());
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The number of a user (passwd(5)).
fn number_of(name: &str) -> Option<u32> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let mut entries = users.lines().map(|line| line.split(':'));
    entries
        .find_map(|mut entry| (entry.next() == Some(name)).then(|| entry.nth(1)?.parse().ok()))?
}

/// What a directory holds.
fn entries(path: &Path) -> Result<Vec<(String, bool)>, String> {
    let entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        // Through links: one to a directory is one.
        let is_directory = fs::metadata(entry.path()).is_ok_and(|facts| facts.is_dir());
        Ok((entry.file_name().to_string_lossy().into_owned(), is_directory))
    };
    match fs::read_dir(path).and_then(|entries| entries.map(entry).collect()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(|error| error_text(&error)),
    }
}

/// How the files of a configuration looked when it was read.
#[derive(Debug, Default)]
pub(crate) struct Stamp(Vec<(PathBuf, Option<Look>)>);

/// A file, or a directory with the names in it.
#[derive(Clone, Copy, Debug)]
struct Look {
    /// Of a file when it was changed and how long it is: as long as these are the same, nobody has
    /// to read it.
    facts: Option<(i64, i64, u64)>,
    /// A hash.
    content: u64,
}

/// To be taken right after the configuration was read.
pub(crate) fn stamp(config: &Config) -> Stamp {
    Stamp::of(config.files.iter().map(|file| &file.path).chain(&config.watched))
}

impl Stamp {
    pub(crate) fn of<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Stamp {
        Stamp(paths.map(|path| (path.clone(), look(path, None))).collect())
    }

    /// Whether reading the configuration again could give another one.
    pub(crate) fn is_stale(&self) -> bool {
        let content = |look: Option<Look>| look.map(|look| look.content);
        self.0.iter().any(|(path, before)| content(look(path, *before)) != content(*before))
    }

    /// Takes it again.
    pub(crate) fn renew(&mut self) {
        self.0.iter_mut().for_each(|(path, before)| *before = look(path, *before));
    }
}

fn look(path: &Path, before: Option<Look>) -> Option<Look> {
    let found = fs::metadata(path).ok()?;
    let mut hasher = DefaultHasher::new();
    if found.is_dir() {
        // Editors leave files beside the one that they write, which begin with a dot.
        let mut names = entries(path).ok()?;
        names.retain(|(name, _)| !name.starts_with('.'));
        names.sort_unstable();
        names.hash(&mut hasher);
        return Some(Look { facts: None, content: hasher.finish() });
    }
    let facts = Some((found.mtime(), found.mtime_nsec(), found.len()));
    if let Some(before) = before.filter(|before| before.facts == facts) {
        return Some(before);
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).ok()?;
    hasher.write(&bytes);
    Some(Look { facts, content: hasher.finish() })
}

/// The content, and whose it is.
fn read_bytes(path: &Path) -> Result<(Vec<u8>, Metadata), LoadError> {
    let shown = path.display();
    let unreadable = |error: io::Error| {
        LoadError::Unreadable(if error.kind() == io::ErrorKind::NotFound {
            format!("config file not found: {shown}; create one with \"runwisp init\"")
        } else {
            format!("cannot read the config file {shown}: {}", error_text(&error))
        })
    };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        let reason = format!("cannot read the config file {shown}: is a directory");
        return Err(LoadError::Unreadable(reason));
    }
    let mut bytes = Vec::new();
    file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > SIZE_LIMIT {
        let reason = format!("cannot read the config file {shown}: it is larger than 4 MiB");
        return Err(LoadError::Unreadable(reason));
    }
    Ok((bytes, metadata))
}

/// UTF-8, with or without a byte order mark.
pub(crate) fn decode<'a>(bytes: &'a [u8], shown: &str) -> Result<&'a str, Problems> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let good = &bytes[..error.valid_up_to()];
    let good = std::str::from_utf8(good).expect("valid up to here");
    let report = Report::new(shown, good);
    let byte = bytes[good.len()];
    report.error(
        good.len(),
        None,
        format!("byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"),
    );
    Err(report.finish().expect_err("an error has just been reported"))
}

/// jiff takes names in any case; here they are exact.
fn zone(databases: &[&TimeZoneDatabase], name: &str) -> Result<TimeZone, NoZone> {
    let mut found = databases.iter().filter_map(|database| database.get(name).ok());
    let is_empty = || databases.iter().all(|database| database.is_definitively_empty());
    match found.find(|zone| zone.iana_name() == Some(name)) {
        Some(zone) => Ok(zone),
        None if is_empty() => Err(NoZone::NoDatabase),
        None => Err(NoZone::Unknown),
    }
}

fn local_zone() -> TimeZone {
    TimeZone::try_system().ok().filter(|zone| !zone.is_unknown()).unwrap_or(TimeZone::UTC)
}

fn is_root() -> bool {
    own_user() == 0
}

/// Files below /proc/self belong to the effective user (proc(5)).
fn own_user() -> u32 {
    fs::metadata("/proc/self").map_or(u32::MAX, |process| process.uid())
}

/// What makes a file root's alone to write, if it is not.
fn remedy(facts: &Metadata) -> Option<&'static str> {
    match (facts.uid(), facts.mode() & 0o022) {
        (0, 0) => None,
        (0, _) => Some("chmod go-w"),
        (_, 0) => Some("chown root"),
        (_, _) => Some("chown root and chmod go-w"),
    }
}

fn writable_warning(shown: &str, remedy: &str) -> Problem {
    let message = format!(
        "others than root can write this file, and so run commands as root; {remedy} {shown}"
    );
    Problem { file: shown.into(), line: 1, column: 1, key: None, message }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A directory of its own for one test, gone at its end.
    struct Dir(PathBuf);

    impl Dir {
        fn new(name: &str) -> Dir {
            let path =
                std::env::temp_dir().join(format!("runwisp-config-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Dir(path)
        }

        fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, content).unwrap();
            path
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn try_load(path: &Path) -> Result<Config, String> {
        load(path, Timestamp::UNIX_EPOCH).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let dir = Dir::new("unreadable");
        let missing = dir.0.join("none.toml");
        let large = dir.file("large.toml", vec![b'\n'; (4 << 20) + 1]);
        for (path, start, end) in [
            (&missing, "config file not found: ", "create one with \"runwisp init\""),
            (&dir.0, "cannot read the config file ", ": is a directory"),
            (&large, "cannot read the config file ", ": it is larger than 4 MiB"),
        ] {
            let error = try_load(path).unwrap_err();
            let shown = path.display().to_string();
            assert!(
                error.starts_with(&(start.to_owned() + &shown)) && error.ends_with(end),
                "{error}"
            );
        }
        assert!(try_load(&dir.file("most.toml", vec![b'\n'; 4 << 20])).is_ok());
    }

    #[test]
    fn text_is_utf8_with_any_line_ends_and_perhaps_a_mark() {
        let dir = Dir::new("encoding");
        let marked = dir.file("marked.toml", "\u{feff}[tasks.t]\r\nrun = \"1\"\r\nx = 1\r\n");
        let shown = marked.display();
        let error = try_load(&marked).unwrap_err();
        assert!(error.starts_with(&format!("{shown}:3:1: tasks.t.x: unknown key")), "{error}");
        let broken = dir.file("broken.toml", b"# fine\n# \xc3\xa4 \xff\n");
        let error = try_load(&broken).unwrap_err();
        let place = format!("{}:2:5: byte 0xff is not UTF-8", broken.display());
        assert!(error.starts_with(&place), "{error}");
        assert!(error.ends_with("\nconfiguration invalid: 1 error(s)"), "{error}");
    }

    #[test]
    fn paths_and_variables_come_from_beside_the_file() {
        let dir = Dir::new("paths");
        dir.file("vars.env", "A=1\n");
        let text = "[tasks.t]\nrun = \"1\"\nenv_file = \"vars.env\"\nworking_dir = \"work\"\n";
        let path = dir.file("c.toml", text);
        let config = try_load(&path).unwrap();
        assert_eq!(config.path, path);
        let process = &config.jobs[0].process;
        assert_eq!(*process.env, [("A".to_owned(), "1".to_owned())]);
        assert_eq!(process.working_dir, Some(dir.0.join("work")));
    }

    #[test]
    fn a_change_of_any_file_makes_a_stamp_stale() {
        let dir = Dir::new("stamp");
        fs::create_dir(dir.0.join("d")).unwrap();
        let job = |name: &str| format!("[tasks.{name}]\nrun = \"1\"\n");
        let root = "[daemon]\ninclude = [\"d/*.toml\"]\n[tasks.t]\nrun = \"1\"\n\
                    env_file = \"vars\"\ndescription = \"${file:text}\"\n";
        dir.file("d/a.toml", job("a"));
        dir.file("vars", "A=1\n");
        dir.file("text", "x");
        let path = dir.file("c.toml", root);
        let changes: [(&str, String); 5] = [
            ("c.toml", format!("{root}# longer\n")),
            ("d/a.toml", job("abc")),
            ("d/b.toml", job("b")),
            ("vars", "A=10\n".to_owned()),
            ("text", "xy".to_owned()),
        ];
        for (name, content) in changes {
            let config = try_load(&path).unwrap();
            let before = stamp(&config);
            dir.file("d/.b.toml.swp", "");
            assert!(!before.is_stale(), "{name}");
            // Written again as it was.
            dir.0.join(name).exists().then(|| dir.file(name, fs::read(dir.0.join(name)).unwrap()));
            assert!(!before.is_stale(), "{name}");
            dir.file(name, content);
            assert!(before.is_stale(), "{name}");
        }
        let config = try_load(&path).unwrap();
        assert_eq!(config.watched, ["d", "text", "vars"].map(|name| dir.0.join(name)));
        let mut before = stamp(&config);
        fs::remove_file(dir.0.join("d/b.toml")).unwrap();
        assert!(before.is_stale());
        before.renew();
        assert!(!before.is_stale());
        assert_eq!(config.jobs.len(), 3);
    }

    #[test]
    fn a_crontab_that_others_can_edit_is_refused() {
        use std::os::unix::fs::{PermissionsExt, chown};
        let dir = Dir::new("crontab");
        fs::create_dir_all(dir.0.join("cron/crontabs")).unwrap();
        let path = dir.file("cron/crontabs/nobody", b"* * * * * echo \xff\n0 3 * * * true\n");
        dir.file("cron/crontabs/gone-for-good", b"* * * * * true\n");
        let named = "[daemon]\ninclude_cron = [\"cron/crontabs/nobody\"]\n";
        let (root, named) =
            (dir.file("c.toml", named.replace("nobody", "*")), dir.file("n.toml", named));
        for (mode, flaw) in [(0o600, None), (0o622, Some("others can write it; chmod go-w"))] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let found = try_load(&named);
            assert_eq!(
                found.as_ref().err().is_some_and(|it| it.contains("cannot use")),
                flaw.is_some()
            );
            assert!(flaw.is_none_or(|flaw| found.as_ref().unwrap_err().contains(flaw)));
            let told = try_load(&root).unwrap().warnings;
            let told: Vec<_> = told.iter().map(|it| it.message.as_str()).collect();
            let is_told =
                |text: &str| told.iter().any(|it| it.starts_with("refused: ") && it.contains(text));
            assert!(is_told("there is no user \"gone-for-good\""), "{told:?}");
            assert!(flaw.is_none_or(is_told), "{told:?}");
            if let Ok(config) = found {
                assert_eq!(config.jobs.len(), 1);
                let warning = config.warnings[0].to_string();
                assert!(warning.contains("nobody:1:1: skipped: it is not UTF-8"), "{warning}");
                assert_eq!(config.jobs[0].process.user.as_ref().unwrap().user, "nobody");
                assert!(config.watched.contains(&path));
            }
        }
        if is_root() {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            for (owner, is_good) in [(number_of("nobody").unwrap(), true), (4_000_000, false)] {
                chown(&path, Some(owner), None).unwrap();
                let found = try_load(&named);
                assert_eq!(found.is_ok(), is_good, "{found:?}");
                let text = "it belongs to somebody else (user 4000000)";
                assert!(is_good || found.unwrap_err().contains(text));
            }
        }
    }

    #[test]
    fn names_of_zones_are_exact() {
        let databases = [tz::db()];
        assert_eq!(zone(&databases, "No/Where"), Err(NoZone::Unknown));
        assert_eq!(zone(&databases, "europe/prague"), Err(NoZone::Unknown));
        assert_eq!(zone(&databases, "Europe/Prague").unwrap().iana_name(), Some("Europe/Prague"));
        assert_eq!(zone(&[], "Europe/Prague"), Err(NoZone::NoDatabase));
    }

    #[test]
    fn a_file_that_others_can_write_is_worth_a_warning_to_root() {
        use std::os::unix::fs::PermissionsExt;
        let dir = Dir::new("writable");
        let path = dir.file("c.toml", "[tasks.t]\nrun = \"1\"\n");
        for (mode, count) in [(0o664, usize::from(is_root())), (0o640, 0)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(try_load(&path).unwrap().warnings.len(), count, "{mode:o}");
        }
        if is_root() {
            // His own, whatever its mode.
            std::os::unix::fs::chown(&path, Some(4_000_000), None).unwrap();
            let warnings = try_load(&path).unwrap().warnings;
            assert!(warnings[0].message.contains("; chown root "), "{warnings:?}");
        }
    }

    #[test]
    fn ten_thousand_tasks_load() {
        let dir = Dir::new("many");
        let job = |n| {
            format!(
                "[tasks.job-{n}]\nrun = \"echo {n}\"\ncron = \"{} {} * * *\"\ntimezone = \"Europe/Prague\"\nretry_attempts = 2\n",
                n % 60,
                n % 24
            )
        };
        let path = dir.file("c.toml", (0..10_000).map(job).collect::<String>());
        assert_eq!(try_load(&path).unwrap().jobs.len(), 10_000);
    }
}
