//! What the daemon is busy with while something goes wrong, and how each run bears witness of
//! itself in a place that no fault reaches: so rows can be held against what really happened.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::harness::daemon::PATIENCE;
use crate::harness::login::Session;
use crate::harness::rows::Row;
use crate::harness::{Daemon, Home, http, process, rows, wait_until};

/// Ticks with a code of their own each, a chain of retries, a service, a flood through rotations,
/// and runs that are longer than their interval.
const CONFIG: &str = r#"
[tasks.tick]
cron = "* * * * * *"
on_overlap = "queue"
run = '''
. ./witness.sh
echo ticked
leave $(( $$ % 7 + 1 ))
'''

[tasks.retried]
cron = "* * * * * *"
retry_attempts = 2
retry_delay = "0s"
run = '''
. ./witness.sh
leave 3
'''

[tasks.flood]
cron = "* * * * * *"
on_overlap = "skip"
log_max_size = "64kb"
run = '''
. ./witness.sh
seq 1 16000
leave 0
'''

[tasks.slow]
cron = "*/2 * * * * *"
on_overlap = "queue"
max_queued = 2
run = '''
. ./witness.sh
echo begun
sleep 1.2
leave 9
'''

[tasks.crowd]
parallelism = 40
on_overlap = "skip"
run = '''
. ./witness.sh
sleep 1
leave 0
'''

[services.server]
restart_attempts = 100
restart_delay = "300ms"
restart_backoff = "constant"
run = '''
. ./witness.sh
echo serving
sleep 0.5
leave 0
'''
"#;

/// What `seq 1 16000` prints.
pub(super) const FLOOD_BYTES: i64 = 84_894;

/// Making a file that may not be there yet shows whether a run is executed twice.
const WITNESS: &str = "\
set -C
true > witness/$RUNWISP_RUN_ID.begun || { set +C; echo $RUNWISP_RUN_ID >> witness/twice; exit 99; }
set +C
leave() { echo $1 > witness/$RUNWISP_RUN_ID.code; exit $1; }
";

/// File times come from a clock that ticks each 4 to 10 ms.
const COARSE: Duration = Duration::from_millis(20);
/// How long on a loaded machine the start of a process may follow the time of its row, and the
/// time of its end what it did last.
const LOADED: Duration = Duration::from_secs(5);

/// A home with the busy configuration and more of it.
pub(super) fn home(more: &str) -> Home {
    let home = Home::new(&format!("{CONFIG}{more}"));
    home.write("witness.sh", WITNESS);
    fs::create_dir(home.path("witness")).unwrap();
    home
}

/// Starts more runs than there are idle threads: some of them need a new one.
#[track_caller]
pub(super) fn crowd(session: &Session) {
    for _ in 0..40 {
        let answer = session.post("/api/tasks/crowd/run", "");
        // With no memory left even an answer may find no thread.
        assert!([200, 201, 503].contains(&answer.status), "{answer:?}");
    }
}

/// Waits until new runs of all kinds have ended as they do when nothing is wrong.
#[track_caller]
pub(super) fn goes_on(home: &Home) {
    let last = rows::all(&home.data()).last().map(|row| row.id.clone()).unwrap_or_default();
    let tasks =
        [("tick", ""), ("retried", "failed 3"), ("flood", "success 0"), ("server", "success 0")];
    wait_until("all kinds of runs go on", 2 * PATIENCE, || {
        let rows = rows::all(&home.data());
        tasks.iter().all(|(task, end)| {
            let mut new = rows.iter().filter(|row| row.id > last && row.task == *task);
            new.any(|row| match *end {
                "" => row.reason() == "failed" && row.exit_code > Some(0),
                end => row.end() == end,
            })
        })
    });
}

/// What a test allows to be otherwise than on a quiet day.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowed {
    /// The daemon died: what it did not record is `crashed`.
    pub(super) crashed: bool,
    /// The database was lost, and with it rows.
    pub(super) rows_lost: bool,
    /// The kernel lost what it had said was on the disk: even a start may be forgotten.
    pub(super) sync_lost: bool,
}

/// Stops the daemon, starts it once more, and holds the history against the witnesses.
#[track_caller]
pub(super) fn settle(daemon: Daemon<'_>, allowed: Allowed) {
    let home = daemon.home();
    wait_until("nothing has leaked", PATIENCE, || {
        // The service, its pipes and its thread come and go.
        process::count(daemon.pid(), "fd") < 50 && process::count(daemon.pid(), "task") < 30
    });
    daemon.stop_well();
    assert_eq!(process::in_directory(home.dir()), [0; 0], "no process is left");
    check_after_restart(home, allowed);
}

/// The same for a daemon that has ended.
#[track_caller]
pub(super) fn check_after_restart(home: &Home, allowed: Allowed) {
    // Whoever owns the data directory: a daemon refuses that of somebody else.
    let owner = fs::metadata(home.data()).unwrap();
    let daemon = Daemon::launch(home, http::free_port(), |command| {
        command.uid(owner.uid()).gid(owner.gid());
    });
    daemon.wait_ready();
    daemon.stop_well();
    check(home, allowed);
}

#[track_caller]
fn check(home: &Home, allowed: Allowed) {
    let verdict: String = rows::value(&home.data(), "PRAGMA integrity_check");
    assert_eq!(verdict, "ok");
    let twice = home.read("witness/twice");
    assert!(allowed.sync_lost || twice.is_empty(), "executed twice: {twice}");
    let all = rows::all(&home.data());
    let by_id: HashMap<&str, &Row> = all.iter().map(|row| (row.id.as_str(), row)).collect();
    assert_eq!(by_id.len(), all.len());
    for row in &all {
        assert_ne!(row.status, "running", "{row:?}");
        assert_eq!(row.is_ended(), row.end_at.is_some(), "{row:?}");
        assert!(allowed.crashed || row.reason() != "crashed", "{row:?}");
        if twice.contains(&row.id) {
            continue;
        }
        let begun = at(home, row, "begun");
        if let Some(begun) = begun {
            check_begun(row, begun);
        }
        match at(home, row, "code") {
            Some(left) => check_left(row, left, home.read(&format!("witness/{}.code", row.id))),
            None => assert!(!ended_by_itself(row), "it never left: {row:?}"),
        }
    }
    if allowed.rows_lost || allowed.sync_lost {
        return;
    }
    for entry in fs::read_dir(home.path("witness")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let id = name.split('.').next().unwrap();
        assert!(by_id.contains_key(id), "{name}: a process without a row");
    }
}

fn check_begun(row: &Row, begun: SystemTime) {
    assert_ne!(row.exit_code, Some(-1), "it ran: {row:?}");
    // Its end was lost with the daemon, and the row may be older than the process.
    if row.reason() == "crashed" {
        return;
    }
    let start = SystemTime::from(row.start_at.unwrap_or_else(|| panic!("it ran: {row:?}")));
    assert!(start <= begun + COARSE, "begun before its start: {begun:?} {row:?}");
    assert!(begun <= start + LOADED, "begun long after its start: {} {row:?}", stamp(begun));
}

fn check_left(row: &Row, left: SystemTime, code: String) {
    if row.reason() == "crashed" {
        return;
    }
    let end = SystemTime::from(row.end_at.unwrap());
    assert!(left <= end + COARSE, "over before it ended: {} {row:?}", stamp(left));
    assert!(end <= left + LOADED, "over long after it ended: {} {row:?}", stamp(left));
    // The file may be there before the code is in it, when a stop comes in between.
    if row.reason() != "stopped" {
        let reason = if code == "0\n" { "success" } else { "failed" };
        assert_eq!(row.end(), format!("{reason} {}", code.trim_end()), "{row:?}");
    }
}

/// Whether the row says that the process ran to its own end.
fn ended_by_itself(row: &Row) -> bool {
    row.reason() == "success"
        || row.reason() == "failed" && row.exit_code.is_some_and(|code| code >= 0)
}

/// When the witness of a run was written.
fn at(home: &Home, row: &Row, which: &str) -> Option<SystemTime> {
    let path = home.path(&format!("witness/{}.{which}", row.id));
    fs::metadata(path).and_then(|facts| facts.modified()).ok()
}

fn stamp(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap()
}

/// The daemon's log from some point on.
pub(super) struct Said<'home> {
    home: &'home Home,
    from: usize,
}

impl<'home> Said<'home> {
    /// From now on.
    pub(super) fn listen(home: &'home Home) -> Said<'home> {
        Said { home, from: home.read("stderr").len() }
    }

    /// The lines with all of these words.
    pub(super) fn lines(&self, words: &[&str]) -> Vec<String> {
        let text = self.home.read("stderr");
        let lines = text[self.from.min(text.len())..].lines();
        let found = lines.filter(|line| words.iter().all(|word| line.contains(word)));
        found.map(str::to_owned).collect()
    }

    #[track_caller]
    pub(super) fn wait_for(&self, words: &[&str]) {
        wait_until(&format!("the daemon says {words:?}"), 2 * PATIENCE, || {
            !self.lines(words).is_empty()
        });
    }

    /// Said, and not again and again.
    #[track_caller]
    pub(super) fn assert_once(&self, words: &[&str]) {
        self.assert_at_most(1, words);
    }

    #[track_caller]
    pub(super) fn assert_at_most(&self, most: usize, words: &[&str]) {
        let lines = self.lines(words);
        assert!((1..=most).contains(&lines.len()), "{}: {lines:#?}", lines.len());
    }
}

/// Starts the busy daemon with whatever `adjust` does to it, and waits until it is busy.
pub(super) fn start<'home>(home: &'home Home, adjust: impl FnOnce(&mut Command)) -> Daemon<'home> {
    let daemon = Daemon::launch(home, http::free_port(), adjust);
    daemon.wait_ready();
    wait_until("it is busy", 2 * PATIENCE, || {
        ["tick", "retried", "server"].iter().all(|task| home.ended(task).is_some())
    });
    daemon
}

/// Scenarios that mostly wait, each with a home of its own: together they take as long as the
/// longest of them.
pub(super) fn side_by_side(scenarios: &[fn()]) {
    std::thread::scope(|scope| {
        for scenario in scenarios {
            scope.spawn(scenario);
        }
    });
}

/// Lets something last for so long.
pub(in crate::rigs) fn pass(time: Duration) {
    let begun = std::time::Instant::now();
    wait_until("time passes", time + PATIENCE, || begun.elapsed() >= time);
}

/// A little generator (Steele's splitmix64). `RUNWISP_RIG_SEED` repeats what it gave before.
pub(in crate::rigs) struct Dice(u64);

impl Dice {
    pub(in crate::rigs) fn new(what: &str) -> Dice {
        let given = std::env::var("RUNWISP_RIG_SEED").ok();
        let seed = given.map_or_else(
            || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64,
            |text| text.parse().unwrap(),
        );
        eprintln!("{what}: RUNWISP_RIG_SEED={seed}");
        Dice(seed)
    }

    pub(in crate::rigs) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    pub(in crate::rigs) fn millis(&mut self, limit: u64) -> Duration {
        Duration::from_millis(self.below(limit))
    }
}

/// Makes a user the owner, so that a daemon of that user works there.
pub(super) fn give_to(path: &Path, owner: u32) {
    std::os::unix::fs::chown(path, Some(owner), Some(owner)).unwrap();
}
