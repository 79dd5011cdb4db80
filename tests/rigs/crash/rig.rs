//! Starts a daemon, lets it live for a while, and looks at everything once it is gone.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::jobs::{self, JOBS, named};
use super::ledger::{Clock, Ledger};
use super::ticks::{Balance, Passed};
use super::written::Folder;
use crate::harness::daemon::PATIENCE;
use crate::harness::rows::Row;
use crate::harness::{Daemon, Home, http, process, rows, wait_for, wait_until};

const SHORT: u64 = 10;
const SEED: u64 = 0x5eed_0001;

pub(super) struct Rig<'home> {
    pub(super) home: &'home Home,
    pub(super) random: Random,
    /// Since the last look.
    pub(super) passed: Passed,
    /// Of the daemon's clock from the true one, in seconds.
    pub(super) offset: i64,
    looked: Instant,
    begun: Instant,
    name: &'static str,
    clock: Clock,
    seed: u64,
    ends: u64,
    end: u64,
    ledger: Ledger,
    balance: Balance,
    /// Runs without an end when the last daemon was gone.
    open: HashSet<String>,
    /// Runs whose end and whose log agreed.
    settled: HashSet<String>,
    /// Length of the daemons' stderr before this one.
    said_before: usize,
    /// Runs of which somebody was told, or may have been.
    asked: Vec<(Child, PathBuf)>,
    told: Vec<String>,
    /// What logs held while their daemon lived.
    glimpsed: HashMap<String, Vec<u8>>,
}

impl<'home> Rig<'home> {
    pub(super) fn home() -> Home {
        let home = Home::new(&jobs::config());
        fs::create_dir(home.path("executed")).unwrap();
        fs::create_dir(home.path("twice")).unwrap();
        home
    }

    pub(super) fn new(name: &'static str, home: &'home Home, clock: Clock) -> Rig<'home> {
        let number = |variable, default| {
            std::env::var(variable).map_or(default, |text| text.parse::<u64>().unwrap())
        };
        let seed = number("RUNWISP_RIG_SEED", SEED);
        Rig {
            home,
            random: Random::new(seed),
            passed: Passed::default(),
            offset: 0,
            looked: Instant::now(),
            begun: Instant::now(),
            name,
            clock,
            seed,
            ends: number("RUNWISP_RIG_KILLS", SHORT),
            end: 0,
            ledger: Ledger::default(),
            balance: Balance::default(),
            open: HashSet::new(),
            settled: HashSet::new(),
            said_before: 0,
            asked: Vec::new(),
            told: Vec::new(),
            glimpsed: HashMap::new(),
        }
    }

    /// Whether there is one more to come; says how far it has come.
    pub(super) fn next_end(&mut self) -> bool {
        if self.ends > SHORT && self.end > 0 && self.end.is_multiple_of(10) {
            let (name, end, ends, took) = (self.name, self.end, self.ends, self.begun.elapsed());
            eprintln!("{name}: {end} of {ends} after {} s", took.as_secs());
        }
        self.end += 1;
        self.end <= self.ends
    }

    /// Fails with what is needed to do it again.
    #[track_caller]
    pub(super) fn expect(&self, holds: bool, why: impl FnOnce() -> String) {
        assert!(holds, "{}: {}", self.place(), why());
    }

    #[track_caller]
    fn expect_none(&self, faults: &[String]) {
        self.expect(faults.is_empty(), || faults.join("\n"));
    }

    fn place(&self) -> String {
        let Rig { name, seed, end, .. } = self;
        format!("{name}, end {end} with RUNWISP_RIG_SEED={seed} RUNWISP_RIG_KILLS={}", self.ends)
    }

    pub(super) fn launch(&mut self, adjust: impl FnOnce(&mut Command)) -> Daemon<'home> {
        self.passed.boots += 1;
        self.said_before = self.home.read("stderr").len();
        Daemon::launch(self.home, http::free_port(), adjust)
    }

    /// What the daemon of this life has said.
    pub(super) fn said(&self) -> String {
        let all = fs::read(self.home.path("stderr")).unwrap_or_default();
        String::from_utf8_lossy(&all[self.said_before.min(all.len())..]).into_owned()
    }

    /// From before the first system calls that matter to well into the work. True when the daemon
    /// was ready.
    pub(super) fn live(&mut self, daemon: &Daemon) -> bool {
        if self.random.below(2) == 0 {
            self.random.wait(Duration::from_millis(200));
            return false;
        }
        self.wait_ready(daemon);
        self.compare_after_boot(daemon);
        self.trigger();
        let most = match self.random.below(10) {
            0..6 => 300,
            6..9 => 1500,
            _ if self.ends > SHORT => 6000,
            _ => 2500,
        };
        self.random.wait(Duration::from_millis(most));
        self.glimpse();
        true
    }

    fn wait_ready(&self, daemon: &Daemon) {
        let end = Instant::now() + 2 * PATIENCE;
        wait_until("the daemon is ready", 3 * PATIENCE, || {
            let is_alive = process::is_alive(daemon.pid());
            self.expect(is_alive, || format!("the daemon ended: {}", self.said()));
            self.expect(Instant::now() < end, || format!("it is not ready: {}", self.said()));
            daemon.is_healthy()
        });
    }

    /// How many rows of the busiest task there are.
    pub(super) fn ticks(&self) -> i64 {
        rows::value(&self.home.data(), "SELECT count(*) FROM runs WHERE task_name = 'each'")
    }

    /// Somebody starts a task by hand while the daemon may be ended.
    fn trigger(&mut self) {
        for _ in 0..self.random.below(3) {
            let path = self.home.path(&format!("told-{}", self.told.len() + self.asked.len()));
            let mut command = self.home.command(["run-task", "by-hand"]);
            command.stdout(File::create(&path).unwrap()).stderr(Stdio::null());
            self.asked.push((command.spawn().unwrap(), path));
        }
    }

    /// What was written stays written.
    fn glimpse(&mut self) {
        let live = ["steady", "counting", "burst"].map(|task| self.home.rows(task));
        let live: Vec<Row> =
            live.into_iter().flatten().filter(|row| row.status == "running").collect();
        let folder = Folder::read(&self.home.data());
        self.glimpsed =
            live.into_iter().map(|row| (row.id.clone(), folder.bytes(&row.id, ".log"))).collect();
    }

    /// SIGKILL, and a look at what it left.
    pub(super) fn kill(&mut self, daemon: Daemon) {
        let status = daemon.kill9();
        self.expect(status.signal() == Some(9), || format!("{status}; it said {}", self.said()));
        self.look();
    }

    /// Looks at everything while no daemon is there.
    pub(super) fn look(&mut self) {
        self.hear_answers();
        self.passed.real = self.looked.elapsed().as_secs_f64();
        if !self.home.data().join("runwisp.db").exists() {
            return;
        }
        let verdict: String = rows::value(&self.home.data(), "PRAGMA quick_check");
        self.expect(verdict == "ok", || verdict);
        let rows = rows::all(&self.home.data());
        let mut faults = self.ledger.check(&rows, self.clock);
        let anchors = rows::anchors(&self.home.data());
        let now = Timestamp::now() + SignedDuration::from_secs(self.offset);
        faults.extend(self.balance.check(&rows, &anchors, now, self.clock, self.passed));
        let folder = Folder::read(&self.home.data());
        let strange = folder.runs().filter(|id| !self.ledger.knows(id));
        faults.extend(strange.map(|id| format!("files without a row: {id}")));
        faults.extend(self.logs(&rows, &folder));
        for (id, seen) in std::mem::take(&mut self.glimpsed) {
            if !folder.bytes(&id, ".log").starts_with(&seen) {
                faults.push(format!("the log of {id} has lost what was in it"));
            }
        }
        let told = self.told.iter().filter(|id| !self.ledger.knows(id));
        faults.extend(told.map(|id| format!("somebody was told of {id}, which has no row")));
        let twice = fs::read_dir(self.home.path("twice")).unwrap();
        faults
            .extend(twice.map(|entry| format!("executed twice: {:?}", entry.unwrap().file_name())));
        self.expect_none(&faults);
        let open = rows.iter().filter(|row| row.status == "running");
        self.open = open.map(|row| row.id.clone()).collect();
        self.looked = Instant::now();
        self.passed = Passed::default();
    }

    fn logs(&mut self, rows: &[Row], folder: &Folder) -> Vec<String> {
        let mut faults = Vec::new();
        let mut newer: HashMap<&str, usize> = HashMap::new();
        for row in rows.iter().rev() {
            let rank = newer.entry(row.task.as_str()).or_default();
            *rank += usize::from(row.is_ended());
            // Retention removes files first and rows after them.
            let may_go = named(&row.task).keep.is_some_and(|keep| *rank > keep);
            if may_go || self.settled.contains(&row.id) {
                continue;
            }
            match folder.fault(row) {
                Some(fault) => faults.push(format!("{fault}: {row:?}")),
                None if row.is_ended() => drop(self.settled.insert(row.id.clone())),
                None => {}
            }
        }
        faults
    }

    /// The ids that commands have printed, now that nobody answers any more.
    fn hear_answers(&mut self) {
        for (mut child, path) in std::mem::take(&mut self.asked) {
            let status = wait_for("a command ends", PATIENCE, || child.try_wait().unwrap());
            let id = fs::read_to_string(&path).unwrap().trim().to_owned();
            self.expect(!status.success() || id.len() == 26, || format!("it printed {id:?}"));
            if !id.is_empty() {
                self.told.push(id);
            }
        }
    }

    /// What the last daemon left open is closed, and nobody of its children is there.
    fn compare_after_boot(&mut self, daemon: &Daemon) {
        let rows = rows::all(&self.home.data());
        let mut faults = self.ledger.check(&rows, self.clock);
        for row in rows.iter().filter(|row| self.open.contains(&row.id)) {
            if row.end() != "crashed -2" {
                faults.push(format!("it outlived its daemon: {row:?}"));
            }
        }
        for (pid, run, line) in self.processes() {
            if self.open.contains(&run) {
                faults.push(format!("process {pid} of {run} is left: {line}"));
            }
        }
        self.expect_none(&faults);
        self.open.clear();
        if self.random.below(3) == 0 {
            self.read_through_the_doors(daemon, &rows);
        }
    }

    /// Logs as the API and the command show them, compared with the files.
    fn read_through_the_doors(&mut self, daemon: &Daemon, rows: &[Row]) {
        daemon.wait_for_keys();
        let session = daemon.login();
        let folder = Folder::read(&self.home.data());
        for task in ["burst", "rotating", "steady"] {
            let Some(row) = rows.iter().rfind(|row| row.task == task && row.is_ended()) else {
                continue;
            };
            let path = format!("/api/tasks/{task}/runs/{}/log", row.id);
            let raw = session.get(&format!("{path}/raw"));
            let files = folder.whole(&row.id);
            self.expect(raw.status == 200 && raw.body.as_bytes() == files, || {
                format!("{path}/raw is not what the files hold: {row:?}")
            });
            let text = String::from_utf8(files).unwrap();
            let page = session.get(&format!("{path}?from=-5&limit=5")).json();
            let shown = page["lines"].as_array().unwrap();
            let held: Vec<&str> = text.lines().collect();
            for (shown, held) in shown.iter().rev().zip(held.iter().rev()) {
                let same = held.ends_with(shown["text"].as_str().unwrap());
                self.expect(same, || format!("{path}: {shown} is {held:?} in the file"));
            }
            let printed = self.home.run(["logs", &row.id]);
            let printed = String::from_utf8(printed.stdout).unwrap();
            let plain = |line: &str| line.trim_start_matches("[ERR] ").to_owned();
            let same = printed.lines().map(plain).eq(held.iter().map(|line| plain(line)));
            self.expect(same, || format!("`logs` does not print what the files hold: {row:?}"));
        }
    }

    /// Processes of jobs with their run, but for those that a task leaves behind on purpose.
    pub(super) fn processes(&self) -> Vec<(u32, String, String)> {
        let here = process::in_directory(self.home.dir()).into_iter();
        here.filter_map(|pid| {
            let text = |file| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let environment = text("environ");
            let mut variables = environment.split(|byte| *byte == 0);
            if variables.clone().any(|variable| variable == b"RIG_STRAY=1") {
                return None;
            }
            let run = variables.find_map(|variable| variable.strip_prefix(b"RUNWISP_RUN_ID="))?;
            let line = String::from_utf8_lossy(&text("cmdline")).replace('\0', " ");
            let line = format!("{line}: {}", String::from_utf8_lossy(&text("stat")));
            Some((pid, String::from_utf8_lossy(run).into_owned(), line))
        })
        .collect()
    }

    /// One more daemon ends well, and everything is looked at once more.
    pub(super) fn finish(mut self, adjust: impl FnOnce(&mut Command)) {
        let daemon = self.launch(adjust);
        self.wait_ready(&daemon);
        self.compare_after_boot(&daemon);
        let before = self.ticks();
        wait_until("it still works", PATIENCE, || self.ticks() > before);
        let (status, _) = daemon.stop();
        self.expect(status.code() == Some(0), || format!("{status}; it said {}", self.said()));
        wait_until("the processes are gone", PATIENCE, || self.processes().is_empty());
        // What a task leaves on purpose is ours to end.
        for pid in process::in_directory(self.home.dir()) {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        }
        self.settled.clear();
        self.look();

        let verdict: String = rows::value(&self.home.data(), "PRAGMA integrity_check");
        self.expect(verdict == "ok", || verdict);
        let rows = rows::all(&self.home.data());
        let mut executed = HashSet::new();
        for entry in fs::read_dir(self.home.path("executed")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let (id, task) = name.split_once('.').unwrap();
            // A busy life may be long enough for a run to come and be one too many.
            let may_go = named(task).keep.is_some();
            self.expect(may_go || self.ledger.ever_knew(id), || {
                format!("{name} ran without a row")
            });
            executed.insert(id.to_owned());
        }
        for row in &rows {
            let by_itself = row.reason() == "success"
                || row.reason() == "failed" && row.exit_code.is_some_and(|code| code > 0);
            self.expect(!by_itself || executed.contains(&row.id), || {
                format!("it never ran: {row:?}")
            });
            self.expect(row.status != "running", || format!("it still runs: {row:?}"));
        }
        for job in &JOBS {
            // The hour before midnight is not that of `fixed`.
            let is_rare = matches!(job.name, "slow" | "by-hand" | "fixed");
            let is_there = rows.iter().any(|row| row.task == job.name);
            self.expect(is_rare || is_there, || format!("{} never ran", job.name));
        }
        if self.ends > SHORT {
            let (name, took) = (self.name, self.begun.elapsed().as_secs());
            eprintln!("{name}: {} of {} in {took} s, {} rows", self.ends, self.ends, rows.len());
        }
    }
}

impl Drop for Rig<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.place());
        }
        for (child, _) in &mut self.asked {
            // Gone already is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A little generator (Marsaglia's xorshift64), so that a failure can be repeated.
pub(super) struct Random(Cell<u64>);

impl Random {
    fn new(seed: u64) -> Random {
        // Zero would stay zero.
        Random(Cell::new(seed.max(1)))
    }

    pub(super) fn below(&self, limit: u64) -> u64 {
        let mut next = self.0.get();
        next ^= next << 13;
        next ^= next >> 7;
        next ^= next << 17;
        self.0.set(next);
        next % limit
    }

    /// Lets a random part of this time pass.
    pub(super) fn wait(&self, most: Duration) {
        // Any moment will do; nothing is waited for.
        thread::sleep(Duration::from_micros(self.below(most.as_micros() as u64)));
    }
}
