//! The busy instance that is killed: every way to start, overlap, fail, flood and leave processes
//! behind, and what may be expected of each.

/// Each run makes a directory of its own name, which `mkdir` does only once: a run that is executed
/// twice shows. `LD_PRELOAD` is for the daemon alone. `RIG_STRAY` marks what a task may leave behind.
const CONFIG: &str = r#"
[defaults]
graceful_stop = "300ms"
keep_runs = -1
env = { LD_PRELOAD = "" }

[tasks.each]
cron = "* * * * * *"
run = "MARK; echo line"

[tasks.queued]
cron = "* * * * * *"
on_overlap = "queue"
max_queued = 5
catch_up = "skip"
run = "MARK; echo line; sleep 1.2"

[tasks.wide]
cron = "* * * * * *"
timezone = "Europe/Vienna"
parallelism = 3
max_queued = 4
catch_up = "all"
max_catch_up_runs = 3
run = "MARK; echo line; sleep 2.2"

[tasks.replaced]
cron = "* * * * * *"
on_overlap = "terminate"
parallelism = 2
run = "MARK; echo line; exec sleep 5"

[tasks.fixed]
cron = "* * 0-22 * * *"
run = "MARK; echo line"

[tasks.slow]
cron = "*/5 * * * *"
catch_up = "all"
max_catch_up_runs = 3
run = "MARK; echo line"

[tasks.beat]
cron = "@every 1s"
catch_up = "all"
max_catch_up_runs = 3
run = "MARK; echo line"

[tasks.quick]
cron = "* * * * * *"
parallelism = 2
retry_attempts = 2
retry_delay = "0s"
keep_runs = 20
run = "MARK; echo line; exit 3"

[tasks.backoff]
cron = "*/3 * * * * *"
on_overlap = "skip"
retry_attempts = 3
retry_delay = "150ms"
retry_backoff = "exponential"
run = "MARK; echo line; exit 4"

[tasks.late]
cron = "*/2 * * * * *"
on_overlap = "skip"
timeout = "400ms"
run = "MARK; echo line; exec sleep 9"

[tasks.counting]
cron = "*/2 * * * * *"
on_overlap = "skip"
run = "MARK; i=0; while [ $i -lt 15 ]; do i=$((i+1)); echo $i; sleep 0.08; done"

[tasks.burst]
cron = "*/2 * * * * *"
on_overlap = "skip"
run = "MARK; seq 1 30000"

[tasks.rotating]
cron = "*/2 * * * * *"
on_overlap = "skip"
log_max_size = "64kb"
run = "MARK; seq 1 60000; sleep 0.1; seq 60001 80000"

[tasks.capped]
cron = "*/3 * * * * *"
on_overlap = "skip"
log_max_size = "16kb"
log_on_full = "drop_new"
run = "MARK; seq 1 20000"

[tasks.overflowing]
cron = "*/3 * * * * *"
on_overlap = "skip"
log_max_size = "16kb"
log_on_full = "kill_task"
retry_attempts = 1
retry_delay = "100ms"
run = "MARK; seq 1 20000; sleep 3"

[tasks.family]
cron = "*/3 * * * * *"
on_overlap = "skip"
parallelism = 2
timeout = "2s"
run = "MARK; sleep 30 & sleep 31 & RIG_STRAY=1 setsid sleep 4 >/dev/null 2>&1 & echo line; wait"

[tasks.holding]
cron = "*/4 * * * * *"
on_overlap = "skip"
run = "MARK; RIG_STRAY=1 setsid sleep 6 & echo line; exit 7"

[tasks.by-hand]
run = "MARK; echo line; sleep 0.2"

[tasks.at-start]
run_on_start = true
run = "MARK; echo line"

[services.flapping]
restart_attempts = 100
instances = 2
restart_delay = "0s"
keep_runs = 20
run = "MARK; echo line; sleep 0.2"

[services.doomed]
restart_attempts = 100
restart_delay = "100ms"
restart_backoff = "exponential"
keep_runs = 20
run = "MARK; echo line; exit 5"

[services.leaving]
restart_delay = "200ms"
keep_runs = 20
run = "MARK; (trap 'sleep 0.2; exit' TERM; sleep 7 & wait) & echo line; sleep 0.3"

[services.steady]
instances = 2
run = "MARK; i=0; while :; do n=$((i+50)); while [ $i -lt $n ]; do i=$((i+1)); echo $i; done; sleep 0.1; done"
"#;

const MARK: &str =
    "mkdir executed/$RUNWISP_RUN_ID.$RUNWISP_TASK || mkdir twice/$RUNWISP_RUN_ID.$RUNWISP_TASK";

pub(super) fn config() -> String {
    CONFIG.replace("MARK", MARK)
}

/// When a schedule ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Beat {
    /// Every so many seconds, at all hours.
    Seconds(i64),
    /// Every second of the hours from 0 to 22.
    NotAtEleven,
}

/// What a run prints.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Output {
    Line,
    /// The numbers from 1 on, to the last one if it ends by itself.
    Numbers(Option<u64>),
}

/// What is known of one job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) name: &'static str,
    pub(super) beat: Option<Beat>,
    /// The most runs that catch-up starts.
    pub(super) cap: u64,
    /// Live runs, at most; of a service its instances.
    pub(super) live: usize,
    pub(super) output: Output,
    /// The number of ended runs that retention leaves.
    pub(super) keep: Option<usize>,
}

const fn job(name: &'static str) -> Job {
    Job { name, beat: None, cap: 1, live: 1, output: Output::Line, keep: None }
}

const fn every(name: &'static str, seconds: i64) -> Job {
    Job { beat: Some(Beat::Seconds(seconds)), ..job(name) }
}

const fn numbers(name: &'static str, seconds: i64, last: u64) -> Job {
    Job { output: Output::Numbers(Some(last)), ..every(name, seconds) }
}

pub(super) const JOBS: [Job; 23] = [
    every("each", 1),
    Job { cap: 0, ..every("queued", 1) },
    Job { cap: 3, live: 3, ..every("wide", 1) },
    Job { live: 2, ..every("replaced", 1) },
    Job { beat: Some(Beat::NotAtEleven), ..job("fixed") },
    Job { cap: 3, ..every("slow", 300) },
    Job { cap: 3, ..job("beat") },
    Job { live: 2, keep: Some(20), ..job("quick") },
    every("backoff", 3),
    every("late", 2),
    numbers("counting", 2, 15),
    numbers("burst", 2, 30_000),
    numbers("rotating", 2, 80_000),
    numbers("capped", 3, 20_000),
    numbers("overflowing", 3, 20_000),
    Job { live: 2, ..every("family", 3) },
    every("holding", 4),
    job("by-hand"),
    job("at-start"),
    Job { live: 2, keep: Some(20), ..job("flapping") },
    Job { keep: Some(20), ..job("doomed") },
    Job { keep: Some(20), ..job("leaving") },
    Job { live: 2, output: Output::Numbers(None), ..job("steady") },
];

pub(super) fn named(name: &str) -> &'static Job {
    JOBS.iter().find(|job| job.name == name).unwrap()
}
