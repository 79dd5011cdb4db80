//! Runs with real processes, from the spec to what the main thread hears.

use std::ffi::OsString;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use jiff::Timestamp;

use crate::base::time::{Clock, Moment};
use crate::base::ulid::Ulids;
use crate::engine::Input;
use crate::inbox::Inbox;
use crate::logs::LogFile;
use crate::model::job::{
    AfterFailure, Backoff, CatchUp, Job, JobName, Keep, LogLimit, OnFull, Overlap, RunOnStart,
    Source, Stop, StopSignal, Task, Work,
};
use crate::model::process::Process;
use crate::model::run::{Cause, Exit, ExitHow, Leader, Phase, Run, Trigger};
use crate::model::service::Service;
use crate::process::run;
use crate::process::spec::{Spec, Surroundings};
use crate::process::{Crew, Stopper};
use crate::sys::group;

mod given;
mod health;
mod stops;
mod wrong;

const PATIENCE: Duration = Duration::from_secs(10);

/// A directory of its own for each test.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "runwisp-process-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Place(path)
    }

    fn spec(&self, job: &Job, min_free: Option<u64>) -> Spec {
        let env = [
            ("PATH", std::env::var("PATH").unwrap()),
            ("RUNWISP_PASSWORD", "secret".into()),
            ("KEPT", "1".into()),
        ];
        let env = env.into_iter().map(|(key, value)| (OsString::from(key), OsString::from(value)));
        let logs = self.0.join("logs");
        let surroundings = Surroundings::new(env, Some(self.0.clone()), logs, min_free);
        Spec::new(&Arc::new(job.clone()), &run_of(job), &Arc::new(surroundings))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A run that was started, and what is heard of it.
struct Started {
    inputs: Receiver<Input>,
    stopper: Stopper,
    log: PathBuf,
    clock: Clock,
    since: Moment,
    _place: Place,
}

impl Started {
    fn leader(&self) -> Leader {
        let heard = self.inputs.recv_timeout(PATIENCE).unwrap();
        let Input::Started { leader, .. } = heard else { panic!("{heard:?}") };
        leader
    }

    /// The next thing heard, which must be the end and the last thing.
    fn exit(self) -> (Exit, String, Duration) {
        let mut heard = self.inputs.recv_timeout(PATIENCE).unwrap();
        if let Input::Started { .. } = heard {
            heard = self.inputs.recv_timeout(PATIENCE).unwrap();
        }
        let Input::Exited { exit, .. } = heard else { panic!("{heard:?}") };
        let took = self.clock.now().steady - self.since.steady;
        assert!(self.inputs.recv_timeout(PATIENCE).is_err(), "one end, then the thread is gone");
        (exit, fs::read_to_string(&self.log).unwrap_or_default(), took)
    }

    /// Waits for a line that the process writes.
    fn line(&self, start: &str) -> String {
        wait_for(|| {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            log.split_inclusive('\n')
                .find(|line| line.starts_with(start) && line.ends_with('\n'))
                .map(|line| line[start.len()..].trim().to_owned())
        })
    }
}

fn wait_for<T>(mut condition: impl FnMut() -> Option<T>) -> T {
    let clock = Clock::start();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(clock.now().steady < PATIENCE, "it did not come true in time");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn task(script: &str) -> Job {
    let stop = Stop { signal: StopSignal::Term, grace: Duration::from_millis(300) };
    let work = Task {
        schedule: None,
        catch_up: CatchUp::Skip,
        parallelism: 1,
        on_overlap: Overlap::Skip,
        max_queued: 0,
        after_failure: AfterFailure::Retry {
            attempts: 0,
            delay: Duration::ZERO,
            backoff: Backoff::Constant,
        },
        run_on_start: RunOnStart::Never,
        jitter: None,
        params: [].into(),
    };
    Job {
        name: JobName::new("demo"),
        source: Source::Root,
        description: String::new(),
        group: "".into(),
        run: script.into(),
        api_trigger: true,
        hooks: Vec::new(),
        timeout: None,
        log: LogLimit { max: None, on_full: OnFull::DropOld },
        keep: Keep { runs: None, age: None },
        stop,
        process: Process::plain(),
        failures: Arc::default(),
        alerts: Arc::default(),
        raises: crate::model::alert::TROUBLE,
        work: Work::Task(work),
    }
}

fn service(script: &str) -> Job {
    let work = Service { restart_delay: Duration::ZERO, ..Service::plain() };
    Job { work: Work::Service(work), ..task(script) }
}

fn run_of(job: &Job) -> Run {
    static SEED: AtomicU64 = AtomicU64::new(0);
    let created_at: Timestamp = "2026-05-07T14:30:22.118Z".parse().unwrap();
    Run {
        id: Ulids::new(SEED.fetch_add(1, Ordering::Relaxed)).next(created_at),
        job: job.name.clone(),
        kind: job.kind(),
        trigger: Trigger::Api,
        created_at,
        phase: Phase::Running { since: created_at },
        retry_attempt: 2,
        retry_of: None,
        replica: 0,
        params: [].into(),
        config: 0,
    }
}

fn start_with(job: &Job, min_free: Option<u64>) -> Started {
    let place = Place::new();
    let spec = place.spec(job, min_free);
    let (sender, inputs) = mpsc::channel();
    let (clock, log) = (Clock::start(), spec.place().file(LogFile::Log));
    let stopper = run::start(spec, clock.clone(), Inbox::new(sender), &Crew::default()).unwrap();
    Started { inputs, stopper, log, since: clock.now(), clock, _place: place }
}

fn start(job: &Job) -> Started {
    start_with(job, None)
}

/// Whether we are in a process of our own, begun like this; if not, runs the test in one.
fn is_alone(test: &str, prelude: &str) -> bool {
    const INSIDE: &str = "RUNWISP_TEST_ALONE";
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let script = format!("{prelude} \"$0\" process::tests::{test} --exact");
    let program = std::env::current_exe().unwrap();
    let output = Command::new("/bin/sh")
        .arg("-c")
        .arg(script)
        .arg(program)
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    false
}

fn is_running(pid: &str) -> bool {
    let pid: i32 = pid.parse().unwrap();
    group::start_of(pid).is_some_and(|start| group::is_alive(Leader { pid, start }))
}

fn text_of(how: &ExitHow) -> &str {
    match how {
        ExitHow::NotStarted(text) => text,
        ExitHow::Code(_) | ExitHow::Signal(_) => panic!("{how:?}"),
    }
}

#[test]
fn the_end_of_the_leader_and_all_output_are_reported() {
    for (script, how, log) in [
        ("true", ExitHow::Code(0), ""),
        ("echo a; printf b; exit 3", ExitHow::Code(3), "a\nb\n"),
        ("echo a; false; echo b", ExitHow::Code(1), "a\n"),
        ("echo oops >&2; no-such-command 2>/dev/null", ExitHow::Code(127), "[ERR] oops\n"),
        ("exec >&- 2>&-; exit 4", ExitHow::Code(4), ""),
        ("kill -USR1 $$", ExitHow::Signal(10), "[SYSTEM] killed by SIGUSR1\n"),
        ("exec cat", ExitHow::Code(0), ""),
    ] {
        let (exit, text, _) = start(&task(script)).exit();
        assert_eq!((exit.how, exit.cause, text.as_str()), (how, None, log), "{script}");
    }
}

#[test]
fn the_process_gets_its_own_environment_and_directory() {
    let mut job = task("pwd; env");
    job.process.working_dir = Some("~/".into());
    job.process.env = [("KEPT", "2"), ("RUNWISP_TASK", "mine")]
        .map(|(key, value)| (key.into(), value.into()))
        .into();
    let started = start(&job);
    let home = started._place.0.display().to_string();
    let (_, log, _) = started.exit();
    assert_eq!(log.lines().next(), Some(home.as_str()));
    for line in [
        "KEPT=2",
        "RUNWISP_TASK=mine",
        "RUNWISP_TRIGGERED_BY=api",
        "RUNWISP_RETRY_ATTEMPT=2",
        "RUNWISP_REPLICA_INDEX=0",
    ] {
        assert!(log.lines().any(|found| found == line), "{line} is missing in {log}");
    }
    assert!(!log.contains("RUNWISP_PASSWORD"), "{log}");
}

#[test]
fn what_keeps_a_process_from_starting_is_named() {
    let with = |change: fn(&mut Job)| {
        let mut job = task("true");
        change(&mut job);
        job
    };
    for (job, text) in [
        (
            with(|job| job.process.shell = Path::new("/no/sh").into()),
            "failed to start: cannot execute the shell /no/sh: no such file or directory",
        ),
        (
            with(|job| job.process.shell = Path::new("/etc/passwd").into()),
            "failed to start: cannot execute the shell /etc/passwd: permission denied",
        ),
        (
            with(|job| job.process.working_dir = Some("/no/dir".into())),
            "failed to start: cannot enter the working_dir /no/dir: no such file or directory",
        ),
        (
            with(|job| job.process.working_dir = Some("/etc/passwd".into())),
            "failed to start: cannot enter the working_dir /etc/passwd: not a directory",
        ),
        (
            with(|job| job.run = "x".repeat(200_000).into()),
            "failed to start: cannot execute the shell /bin/sh: argument list too long",
        ),
    ] {
        let (exit, log, _) = start(&job).exit();
        assert_eq!(text_of(&exit.how), text);
        assert_eq!(log, format!("[SYSTEM] {text}\n"));
    }
    let (exit, log, _) = start_with(&task("echo never"), Some(u64::MAX)).exit();
    let text = text_of(&exit.how);
    assert!(text.starts_with("insufficient disk space: ") && text.ends_with(" required"), "{text}");
    assert_eq!(log, format!("[SYSTEM] {text}\n"));
}

#[test]
fn nothing_is_lost_or_left_behind_in_a_thousand_short_runs() {
    let open = || fs::read_dir("/proc/self/fd").unwrap().count();
    let threads = || fs::read_dir("/proc/self/task").unwrap().count();
    let before = (open(), threads());
    for round in 0..20 {
        let runs: Vec<_> = (0..50)
            .map(|code| {
                (code, start(&task(&format!("echo first; printf 'last {round}'; exit {code}"))))
            })
            .collect();
        for (code, started) in runs {
            let leader = started.leader();
            let (exit, log, _) = started.exit();
            assert_eq!((exit.how, log), (ExitHow::Code(code), format!("first\nlast {round}\n")));
            assert_ne!(group::start_of(leader.pid), Some(leader.start), "it is a zombie");
        }
    }
    // Other tests run beside this one; a leak of one per run would be far above.
    wait_for(|| (open() < before.0 + 300 && threads() < before.1 + 300).then_some(()));
}

#[test]
fn a_run_without_descriptors_ends_with_the_reason_and_the_next_one_is_well() {
    if !is_alone(
        "a_run_without_descriptors_ends_with_the_reason_and_the_next_one_is_well",
        "ulimit -n 64; exec",
    ) {
        return;
    }
    let place = Place::new();
    let job = task("true");
    for free in (1..12).rev() {
        let spec = place.spec(&job, None);
        let (sender, inputs) = mpsc::channel();
        let mut taken: Vec<OwnedFd> =
            std::iter::from_fn(|| fs::File::open("/dev/null").ok().map(OwnedFd::from)).collect();
        taken.truncate(taken.len() - free);
        let started = run::start(spec, Clock::start(), Inbox::new(sender), &Crew::default());
        let heard: Vec<_> = inputs.iter().collect();
        drop(taken);
        let text = match (started, heard.last()) {
            (Err(error), None) => error.to_string().to_lowercase(),
            (
                Ok(_),
                Some(Input::Exited { exit: Exit { how: ExitHow::NotStarted(text), .. }, .. }),
            ) => text.clone(),
            (Ok(_), Some(Input::Exited { exit, .. })) => {
                assert_eq!(exit.how, ExitHow::Code(0));
                continue;
            }
            other => panic!("{other:?}"),
        };
        assert!(text.contains("too many open files"), "{free} free: {text}");
        assert!(free < 8, "{text}");
    }
    let (exit, _, _) = start(&job).exit();
    assert_eq!(exit.how, ExitHow::Code(0));
}

#[test]
fn the_observer_of_a_run_hears_every_line() {
    let place = Place::new();
    let job = task("echo a; echo b >&2");
    let mut spec = place.spec(&job, None);
    let (lines, heard) = mpsc::channel();
    spec.observer =
        Some(Box::new(move |stream, text| lines.send((stream, text.to_vec())).unwrap()));
    let (sender, inputs) = mpsc::channel();
    run::start(spec, Clock::start(), Inbox::new(sender), &Crew::default()).unwrap();
    assert_eq!(inputs.iter().count(), 2);
    let mut heard: Vec<_> = heard
        .iter()
        .map(|(stream, text)| format!("{stream:?} {}", String::from_utf8(text).unwrap()))
        .collect();
    heard.sort();
    assert_eq!(heard, ["Stderr b\n", "Stdout a\n"]);
}

#[test]
fn a_daemon_that_was_started_with_sigchld_ignored_still_learns_exit_codes() {
    if is_alone(
        "a_daemon_that_was_started_with_sigchld_ignored_still_learns_exit_codes",
        "exec env --ignore-signal=CHLD",
    ) {
        let ignored = fs::read_to_string("/proc/self/status").unwrap();
        let ignored = ignored.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).unwrap();
        assert_ne!(
            u64::from_str_radix(ignored, 16).unwrap() & 1 << 16,
            0,
            "the shell has passed it on"
        );
        assert_eq!(start(&task("exit 3")).exit().0.how, ExitHow::Code(3));
    }
}
