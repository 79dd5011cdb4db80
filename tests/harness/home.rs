//! One instance's place in the world: a directory with its configuration and its data, gone with
//! the test.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::daemon::{Daemon, PATIENCE};
use super::rows::{self, Row};

/// The directory of one instance.
pub(crate) struct Home {
    dir: PathBuf,
}

impl Home {
    /// A directory with this configuration and no data yet.
    pub(crate) fn new(config: &str) -> Home {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("runwisp-test-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        fs::create_dir_all(&dir).unwrap();
        let home = Home { dir };
        home.write("runwisp.toml", config);
        home
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A file of the directory as text, "" when it is not there.
    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(name)).unwrap_or_default()).into_owned()
    }

    /// The program, in this directory, with nothing of the caller's environment that it would heed.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(program());
        command.current_dir(&self.dir).args(args).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("RUNWISP_") || name.starts_with("RUST_") {
                command.env_remove(name);
            }
        }
        command.env_remove("NOTIFY_SOCKET").env_remove("JOURNAL_STREAM").env_remove("CI");
        // The default of root is a directory of the whole machine.
        command.env("RUNWISP_DATA", "data");
        command
    }

    /// Runs a command of the program that is expected to end by itself.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        self.output(&mut self.command(args))
    }

    /// The same for a command that was prepared further.
    pub(crate) fn output(&self, command: &mut Command) -> Output {
        let (out, err) = (self.path("command.out"), self.path("command.err"));
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        let mut child = command.spawn().unwrap();
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > end {
                child.kill().unwrap();
                let said = fs::read_to_string(err).unwrap();
                panic!("{command:?} does not end; it said\n{said}");
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        Output { status, stdout: fs::read(out).unwrap(), stderr: fs::read(err).unwrap() }
    }

    /// Starts the daemon and waits until it is ready.
    pub(crate) fn start(&self) -> Daemon<'_> {
        let daemon = self.launch();
        daemon.wait_ready();
        daemon
    }

    /// Starts the daemon and waits for nothing.
    pub(crate) fn launch(&self) -> Daemon<'_> {
        Daemon::launch(self, super::http::free_port(), |_| ())
    }

    /// The rows of one task in the order of their ids.
    pub(crate) fn rows(&self, task: &str) -> Vec<Row> {
        rows::all(&self.data()).into_iter().filter(|row| row.task == task).collect()
    }

    /// The only ended row of a task, as soon as it is there.
    pub(crate) fn ended(&self, task: &str) -> Option<Row> {
        self.rows(task).into_iter().find(Row::is_ended)
    }

    /// The folder of a task's logs.
    pub(crate) fn logs(&self, task: &str) -> PathBuf {
        self.data().join("logs").join(task)
    }

    /// The bytes of the one file of a run with this ending, such as `.log`.
    pub(crate) fn run_file(&self, row: &Row, ending: &str) -> Option<Vec<u8>> {
        let folder = fs::read_dir(self.logs(&row.task)).ok()?;
        let name = format!("_{}{ending}", row.id);
        let found: Vec<PathBuf> = folder
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().ends_with(&name))
            .collect();
        assert!(found.len() <= 1, "{found:?}");
        found.first().map(|path| fs::read(path).unwrap())
    }

    /// What a run printed, as text.
    pub(crate) fn log(&self, row: &Row) -> String {
        String::from_utf8_lossy(&self.run_file(row, ".log").unwrap_or_default()).into_owned()
    }
}

/// The program that is tested: the one built with the tests, unless `RUNWISP_PROGRAM` names another.
pub(crate) fn program() -> PathBuf {
    let given = std::env::var_os("RUNWISP_PROGRAM").map(PathBuf::from);
    given.unwrap_or_else(|| env!("CARGO_BIN_EXE_runwisp").into())
}

impl Drop for Home {
    fn drop(&mut self) {
        // A failed test leaves its evidence behind.
        if std::thread::panicking() {
            eprintln!("kept: {}", self.dir.display());
            return;
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}
