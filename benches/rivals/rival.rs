//! What each rival is asked for: so many equal jobs, and when they run.

use std::fs;
use std::path::Path;

use super::alive::Alive;
use crate::harness::Home;

/// Jobs that differ in their number only.
pub(crate) struct Jobs<'a> {
    pub(crate) count: usize,
    /// Called as `PROGRAM -c ARGUMENT`, as a shell is.
    pub(crate) program: &'a Path,
    pub(crate) argument: String,
    pub(crate) when: When,
    pub(crate) output: Output,
}

#[derive(Clone, Copy)]
pub(crate) enum When {
    /// Known and not started: a service that is down, a task that is due next year.
    Never,
    /// As soon as the rival is there.
    AtStart,
    /// At the start, and again whenever it ends.
    Kept,
    /// At every so many seconds of the clock.
    Every(u32),
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Output {
    /// Nobody reads it; a rival that needs a process to keep it saves that process.
    Ignored,
    /// Kept, with the rotation that is the default.
    Kept,
    /// Kept from beginning to end.
    KeptWhole,
}

impl Jobs<'_> {
    pub(crate) fn numbers(&self) -> std::ops::Range<usize> {
        0..self.count
    }

    pub(crate) fn is_shell(&self) -> bool {
        self.program == Path::new("/bin/sh")
    }
}

pub(crate) trait Rival {
    /// The head of its column.
    fn name(&self) -> &'static str;
    /// Its version, or why it cannot be measured here.
    fn version(&self) -> Result<String, String>;
    /// Bytes of the program and of all that comes with it.
    fn size(&self) -> Result<String, String>;
    /// Writes its configuration, and starts it; waits for nothing.
    fn start(&self, home: &Home, jobs: &Jobs<'_>) -> Result<Alive, String>;
    /// Why it does not do this, if so.
    fn lacks(&self, jobs: &Jobs<'_>) -> Option<&'static str>;
    /// Bytes of output that it has kept so far.
    fn kept(&self, home: &Home) -> u64 {
        bytes_below(&home.path("logs"))
    }
    /// Lines `x` that it has kept so far.
    fn kept_x(&self, home: &Home) -> u64 {
        self.kept(home) / 2
    }
}

pub(crate) fn bytes_below(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => bytes_below(&entry.path()),
        Ok(data) => data.len(),
        // Rotated away meanwhile.
        Err(_) => 0,
    });
    bytes.sum()
}
