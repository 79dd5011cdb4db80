//! A wall clock that tests may set: a small library in the daemon, with the offset in a file.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Command;

use jiff::{SignedDuration, Timestamp};

use crate::harness::Home;

pub(super) struct SetClock {
    library: PathBuf,
    offset: PathBuf,
}

impl SetClock {
    /// Nothing where there is no C compiler.
    pub(super) fn new(home: &Home) -> Option<SetClock> {
        let (source, library) = (home.path("set_clock.c"), home.path("set_clock.so"));
        fs::write(&source, include_str!("set_clock.c")).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]);
        let status = compiler.arg(&library).arg(&source).status().ok()?;
        assert!(status.success());
        let clock = SetClock { library, offset: home.path("offset") };
        fs::write(&clock.offset, 0_i64.to_ne_bytes()).unwrap();
        Some(clock)
    }

    pub(super) fn preload(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library).env("RIG_CLOCK", &self.offset);
    }

    pub(super) fn step(&self, by: i64) {
        let file = File::options().write(true).open(&self.offset).unwrap();
        file.write_all_at(&(self.offset() + by).to_ne_bytes(), 0).unwrap();
    }

    /// How far the clock is from the truth, in seconds.
    pub(super) fn offset(&self) -> i64 {
        i64::from_ne_bytes(fs::read(&self.offset).unwrap().try_into().unwrap())
    }

    /// What the daemon reads.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_secs(self.offset())
    }
}
