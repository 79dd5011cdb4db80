//! The history on disk: one SQLite file. [`Store`] is the connection that writes, first used
//! by the boot, then owned by the thread in `writer`; [`Reader`] is one that only reads, from
//! any process. A file that is not ours, newer or torn is refused and never written to.

pub(crate) mod alerts;
mod apply;
mod backup;
pub(crate) mod calendar;
pub(crate) mod configurations;
#[cfg(test)]
mod crash;
mod create;
mod daily;
pub(crate) mod decisions;
pub(crate) mod figures;
pub(crate) mod list;
pub(crate) mod notices;
pub(crate) mod older;
mod place;
pub(crate) mod query;
pub(crate) mod retention;
mod row;
pub(crate) mod runs;
mod schema;
#[cfg(test)]
pub(crate) mod scratch;
pub(crate) mod sessions;
pub(crate) mod snapshots;
mod starts;
pub(crate) mod timeline;
pub(crate) mod trash;
mod trouble;
mod word;
pub(crate) mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags, TransactionBehavior};

use crate::model::change::Change;

use crate::store::apply::{Applied, Circumstances};
use crate::store::calendar::Calendar;
use crate::store::schema::Found;
use crate::sys::error_text;

/// The name of the database in the data directory.
pub(crate) const FILE_NAME: &str = "runwisp.db";

/// Pauses between the three tries that anything gets at boot.
const BOOT_PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// How long SQLite itself waits for the lock of another process, such as a hot backup.
const BUSY: Duration = Duration::from_secs(5);

/// Databases up to here are checked page by page at boot, which takes some 20 ms; a larger
/// one is trusted until a page of it turns out to be bad.
const CHECKED_BYTES: i64 = 2 << 20;

/// The connection that writes.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    path: PathBuf,
    circumstances: Circumstances,
    /// When this daemon was last said to be alive, once it is one.
    session: Option<Timestamp>,
}

/// A connection that only reads; works beside a running daemon and without one.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens the database, brings its schema up to date, and makes it when there is none.
    /// `boot_id` is the kernel's; it is stored with the process of each run. The calendar says
    /// which day a run counts for.
    pub(crate) fn open(path: &Path, boot_id: String, calendar: Calendar) -> Result<Store, Error> {
        let connection =
            three_tries(|| open(path)).map_err(|failure| failure.into_error("open", path))?;
        let circumstances = Circumstances { boot_id, calendar };
        Ok(Store { connection, path: path.to_owned(), circumstances, session: None })
    }

    /// Writes without the writer's endless patience: for the boot and for one-shot commands.
    /// All changes land, or none.
    pub(crate) fn write(&mut self, changes: &[Change]) -> Result<(), Error> {
        three_tries(|| write(&mut self.connection, &self.circumstances, changes))
            .map_err(|failure| failure.into_error("write", &self.path))
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        query(&self.connection).map_err(|cause| Error::failed("read", &self.path, cause))
    }
}

impl Reader {
    /// Opens an existing database.
    pub(crate) fn open(path: &Path) -> Result<Reader, Error> {
        let connection = open_to_read(path).map_err(|failure| failure.into_error("open", path))?;
        Ok(Reader { connection, path: path.to_owned() })
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        query(&self.connection).map_err(|cause| Error::failed("read", &self.path, cause))
    }
}

/// Why the database cannot be used.
#[derive(Debug)]
pub(crate) enum Error {
    Newer { path: PathBuf, version: i64 },
    Failed { verb: &'static str, path: PathBuf, cause: String },
}

impl Error {
    fn failed(verb: &'static str, path: &Path, cause: impl fmt::Display) -> Error {
        Error::Failed { verb, path: path.to_owned(), cause: cause.to_string() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Newer { path, version } => write!(
                f,
                "database {} was written by a newer version (schema {version}, this build knows {}): \
                 upgrade runwisp or restore a backup",
                path.display(),
                schema::KNOWN,
            ),
            Error::Failed { verb, path, cause } => {
                write!(f, "cannot {verb} database {}: {cause}", path.display())
            }
        }
    }
}

impl std::error::Error for Error {}

/// Why a try did not succeed.
#[derive(Debug)]
enum Failure {
    Newer { version: i64 },
    Sqlite(rusqlite::Error),
    Text(String),
}

impl Failure {
    /// Locks and lack of space may pass; a foreign or torn file stays what it is.
    fn may_pass(&self) -> bool {
        use rusqlite::ErrorCode::{
            CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, OutOfMemory, SystemIoFailure,
        };
        let Failure::Sqlite(error) = self else { return false };
        matches!(
            error.sqlite_error_code(),
            Some(
                CannotOpen
                    | DatabaseBusy
                    | DatabaseLocked
                    | DiskFull
                    | OutOfMemory
                    | SystemIoFailure
            )
        )
    }

    fn into_error(self, verb: &'static str, path: &Path) -> Error {
        match self {
            Failure::Newer { version } => Error::Newer { path: path.to_owned(), version },
            Failure::Sqlite(error) => Error::failed(verb, path, error),
            Failure::Text(text) => Error::failed(verb, path, text),
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        Failure::Sqlite(error)
    }
}

fn three_tries<T>(mut attempt: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    for pause in BOOT_PAUSES {
        match attempt() {
            Err(failure) if failure.may_pass() => sleep(pause),
            done => return done,
        }
    }
    attempt()
}

fn open(path: &Path) -> Result<Connection, Failure> {
    create::ensure(path)?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if connection.is_readonly(MAIN_DB)? {
        return Err(Failure::Text("the file is read-only".to_owned()));
    }
    // A file that is refused keeps its write-ahead log as it is.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let version = accept(&connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    settings(&connection)?;
    if version < schema::KNOWN {
        // Whoever has a million runs waits for half a minute.
        log::info!("bringing database {} up to date", path.display());
    }
    schema::migrate(&mut connection, version)?;
    check(&connection)?;
    Ok(connection)
}

fn open_to_read(path: &Path) -> Result<Connection, Failure> {
    // By name only: opening and closing the file here would drop the locks that SQLite holds
    // on it in this process (fcntl_locking(2)).
    let found = path.metadata().map_err(|error| Failure::Text(error_text(&error)))?;
    // SQLite would wait for a FIFO.
    if !found.is_file() {
        return Err(Failure::Text("it is not a regular file".to_owned()));
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    accept(&connection)?;
    connection.pragma_update(None, "cache_size", -256)?;
    Ok(connection)
}

/// Never with `SQLITE_OPEN_CREATE`: `create` alone makes the file, with its mode.
fn connect(path: &Path, access: OpenFlags) -> Result<Connection, Failure> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// The schema version of a database that this build can work with.
fn accept(connection: &Connection) -> Result<i64, Failure> {
    match schema::inspect(connection)? {
        Found::Ours { version } => Ok(version),
        Found::Newer { version } => Err(Failure::Newer { version }),
        Found::Foreign => Err(Failure::Text("it is not a database of runwisp".to_owned())),
    }
}

/// What the writing connection needs. `cache_size` is in KiB: the pages of recent runs fit,
/// and an idle daemon stays small.
fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "wal_autocheckpoint", 1000)?;
    connection.pragma_update(None, "cache_size", -512)
}

fn check(connection: &Connection) -> Result<(), Failure> {
    let bytes =
        schema::number(connection, "page_count")? * schema::number(connection, "page_size")?;
    if bytes > CHECKED_BYTES {
        return Ok(());
    }
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        // The first line only names the database.
        let fault = verdict.lines().last().unwrap_or_default();
        return Err(Failure::Text(format!("the file is damaged: {fault}")));
    }
    Ok(())
}

fn write(
    connection: &mut Connection,
    circumstances: &Circumstances,
    changes: &[Change],
) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for change in changes {
        if apply::apply(&transaction, circumstances, change)? == Applied::NoRow {
            log::warn!("a change of the history found no run change={}", apply::subject(change));
        }
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use rusqlite::types::Value;

    use super::scratch::Scratch;
    use super::*;

    fn refusal(scratch: &Scratch) -> String {
        Store::open(&scratch.db(), String::new(), scratch::utc())
            .expect_err("must be refused")
            .to_string()
    }

    fn pragma(store: &Store, name: &str) -> Value {
        store.connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
    }

    #[test]
    fn the_database_is_opened_as_the_manual_says() {
        let scratch = Scratch::new();
        for _boot in 0..2 {
            let store = scratch.store();
            let expected = [
                ("journal_mode", Value::from("wal".to_owned())),
                ("synchronous", Value::from(2)),
                ("foreign_keys", Value::from(1)),
                ("temp_store", Value::from(2)),
                ("wal_autocheckpoint", Value::from(1000)),
                ("auto_vacuum", Value::from(2)),
                ("user_version", Value::from(schema::KNOWN)),
            ];
            for (name, value) in expected {
                assert_eq!(pragma(&store, name), value, "{name}");
            }
        }
        let left: Vec<_> =
            fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [FILE_NAME], "a clean close leaves one file");
    }

    #[test]
    fn nobody_else_may_read_the_files() {
        let scratch = Scratch::new();
        let modes = || {
            ["", "-wal", "-shm"].map(|suffix| {
                let path = scratch.path().join(format!("{FILE_NAME}{suffix}"));
                fs::metadata(path).unwrap().permissions().mode() & 0o777
            })
        };
        let mut store = scratch.store();
        store.write(&[Change::Set { key: "k", value: "v".to_owned() }]).unwrap();
        assert_eq!(modes(), [0o600; 3]);
        for suffix in ["", "-wal", "-shm"] {
            let path = scratch.path().join(format!("{FILE_NAME}{suffix}"));
            fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
        }
        let second = scratch.store();
        assert_eq!(modes(), [0o600; 3], "a restored copy is narrowed");
        drop((store, second));
    }

    #[test]
    fn files_that_are_not_ours_are_refused_and_left_as_they_are() {
        let plain = |sql: &str| {
            let scratch = Scratch::new();
            Connection::open(scratch.db()).unwrap().execute_batch(sql).unwrap();
            fs::read(scratch.db()).unwrap()
        };
        let ours = {
            let scratch = Scratch::new();
            drop(scratch.store());
            fs::read(scratch.db()).unwrap()
        };
        let mut newer = ours.clone();
        newer[60..64].copy_from_slice(&9u32.to_be_bytes());
        let mut scribbled = ours.clone();
        scribbled[8192..8300].fill(0xa5);
        let table = [
            (Vec::new(), "the file is empty"),
            (b"hello\n".repeat(2000), "file is not a database"),
            (b"x".to_vec(), "it is not a database of runwisp"),
            (vec![0; 8192], "file is not a database"),
            (ours[..ours.len() / 2].to_vec(), "malformed"),
            (scribbled, "the file is damaged: Tree "),
            (plain("CREATE TABLE runs (id TEXT)"), "it is not a database of runwisp"),
            (
                plain("CREATE TABLE t (x); PRAGMA user_version = 1"),
                "it is not a database of runwisp",
            ),
            (newer, "was written by a newer version (schema 9, this build knows "),
            (
                plain(&format!("PRAGMA user_version = {}", schema::KNOWN + 1)),
                "was written by a newer version (schema ",
            ),
        ];
        for (content, cause) in table {
            let scratch = Scratch::new();
            fs::write(scratch.db(), &content).unwrap();
            let text = refusal(&scratch);
            assert!(
                text.contains(cause) && text.contains(&scratch.db().display().to_string()),
                "{text}"
            );
            assert!(
                text.starts_with("cannot open database ") || cause.starts_with("was written"),
                "{text}"
            );
            assert!(fs::read(scratch.db()).unwrap() == content, "{cause}: the file was changed");
        }
    }

    #[test]
    fn a_database_is_never_made_over_the_remains_of_one() {
        let scratch = Scratch::new();
        fs::write(scratch.path().join("runwisp.db-wal"), "what the daemon wrote last").unwrap();
        assert!(refusal(&scratch).contains("write-ahead log"));
        assert!(!scratch.db().exists());
        let scratch = Scratch::new();
        symlink(scratch.path().join("elsewhere"), scratch.db()).unwrap();
        assert!(refusal(&scratch).starts_with("cannot open database "));
        assert!(
            !scratch.path().join("elsewhere").exists(),
            "a link is not followed to make a file"
        );
    }

    #[test]
    fn a_first_boot_that_was_cut_short_is_begun_again() {
        let scratch = Scratch::new();
        fs::write(scratch.path().join("runwisp.db.new"), "half").unwrap();
        fs::write(scratch.path().join("runwisp.db.new-wal"), "half").unwrap();
        drop(scratch.store());
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_reader_works_beside_the_writer_and_without_it() {
        let scratch = Scratch::new();
        let missing = Reader::open(&scratch.db()).unwrap_err().to_string();
        assert!(missing.ends_with(": no such file or directory"), "{missing}");
        let mut store = scratch.store();
        let run = scratch::pending("backup", 0);
        store.write(&[Change::Insert(run.clone())]).unwrap();
        let reader = Reader::open(&scratch.db()).unwrap();
        assert_eq!(reader.run(run.id).unwrap(), Some(run.clone()));
        drop((store, reader));
        assert_eq!(Reader::open(&scratch.db()).unwrap().run(run.id).unwrap(), Some(run));
    }
}
