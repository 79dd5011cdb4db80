//! Sweeps of a real database and real files.

use std::fs::File;
use std::path::Path;
use std::time::SystemTime;

use super::*;
use crate::hub::Next;
use crate::inbox::Inbox;
use crate::logs::LogFile;
use crate::model::run::{EndReason, Phase, Run};
use crate::store::query::Filter;
use crate::store::scratch::{Scratch, at, ended, pending};
use crate::store::writer;

const ALL: Keep = Keep { runs: None, age: None };

struct Bench {
    scratch: Scratch,
    writer: Writer,
    hub: Hub,
    thread: JoinHandle<()>,
}

impl Bench {
    fn new(runs: &[Run]) -> Bench {
        let scratch = Scratch::new();
        let inbox = Inbox::new(mpsc::channel().0);
        let (writer, thread) = writer::start(scratch.store(), Clock::start(), inbox).unwrap();
        let bench = Bench { scratch, writer, hub: Hub::new(0), thread };
        bench.writer.settle(runs.iter().cloned().map(Change::Insert).collect()).unwrap();
        bench
    }

    fn logs(&self) -> PathBuf {
        self.scratch.path().join("logs")
    }

    fn place(&self, run: &Run) -> LogPlace {
        LogPlace::new(&self.logs(), &run.job, run.id, run.created_at)
    }

    /// Gives a run a log of two files, `size` bytes in all.
    fn write_log(&self, run: &Run, size: u64) {
        let place = self.place(run);
        fs::create_dir_all(place.directory()).unwrap();
        File::create(place.file(LogFile::Log)).unwrap().set_len(size / 2).unwrap();
        File::create(place.file(LogFile::Previous)).unwrap().set_len(size - size / 2).unwrap();
    }

    fn has_log(&self, run: &Run) -> bool {
        let files = LogFile::ALL.map(|file| self.place(run).file(file).exists());
        files.contains(&true)
    }

    fn sweep(&self, rules: Rules) -> Sweep {
        // A sender that stays: the daemon does not stop.
        let (sender, receiver) = mpsc::channel();
        std::mem::forget(sender);
        Sweep {
            database: self.scratch.db(),
            logs: self.logs(),
            rules,
            clock: Clock::start(),
            writer: self.writer.clone(),
            hub: self.hub.clone(),
            receiver,
            ended: HashMap::new(),
            purge_at: None,
            told: None,
        }
    }

    /// The stored runs, oldest first.
    fn left(&self) -> Vec<Run> {
        let reader = Reader::open(&self.scratch.db()).unwrap();
        let mut runs = reader.recent(&Filter::default(), 100_000).unwrap();
        runs.reverse();
        runs
    }

    fn end(self) {
        self.writer.close();
        self.thread.join().unwrap();
    }
}

fn rules(keep: &[(&str, Keep)], default_keep: Keep, max_size: Option<u64>) -> Rules {
    let keep = keep.iter().map(|&(job, keep)| (JobName::new(job), keep)).collect();
    Rules { keep, default_keep, max_size }
}

fn newest(runs: u64) -> Keep {
    Keep { runs: Some(runs), age: None }
}

fn running(job: &str, seconds: i64) -> Run {
    Run { phase: Phase::Running { since: at(seconds) }, ..pending(job, seconds) }
}

#[test]
fn each_job_keeps_its_newest_runs_and_all_that_are_not_over() {
    let reasons = EndReason::ALL;
    let mut runs = vec![running("a", -20), pending("a", -10)];
    runs.extend(
        (0..250).map(|seconds| ended("a", seconds, reasons[seconds as usize % reasons.len()])),
    );
    runs.extend((300..310).map(|seconds| ended("former", seconds, EndReason::Success)));
    runs.extend((400..410).map(|seconds| ended("kept", seconds, EndReason::Success)));
    let bench = Bench::new(&runs);
    for run in &runs {
        bench.write_log(run, 10);
    }
    let rules = rules(&[("a", newest(7)), ("kept", ALL)], newest(1), None);
    bench.sweep(rules).sweep_all().unwrap();
    let expected: Vec<Run> = [&runs[..2], &runs[245..252], &runs[261..262], &runs[262..]]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    assert_eq!(bench.left(), expected);
    for run in &runs {
        assert_eq!(bench.has_log(run), expected.contains(run), "{run:?}");
    }
    bench.end();
}

#[test]
fn an_age_is_measured_from_the_creation_of_a_run() {
    let now = Clock::start().now().wall;
    let old = |job: &str, age: i64| {
        let created_at = crate::base::time::to_millis(now - jiff::SignedDuration::from_secs(age));
        Run { created_at, ..ended(job, 0, EndReason::Success) }
    };
    let runs = [old("b", 8000), old("a", 7000), old("a", 3000), old("b", 0)];
    let bench = Bench::new(&runs);
    let age = Keep { runs: None, age: Some(Duration::from_secs(3600)) };
    bench.sweep(rules(&[], age, None)).sweep_all().unwrap();
    let left: Vec<_> = bench.left().iter().map(|run| run.id).collect();
    assert_eq!(left, [runs[2].id, runs[3].id]);
    bench.end();
}

#[test]
fn zero_runs_keep_nothing_and_leave_no_directory() {
    let runs: Vec<Run> = (0..3).map(|seconds| ended("a", seconds, EndReason::Success)).collect();
    let bench = Bench::new(&runs);
    runs.iter().for_each(|run| bench.write_log(run, 10));
    bench.sweep(rules(&[], newest(0), None)).sweep_all().unwrap();
    assert_eq!(bench.left(), []);
    assert_eq!(fs::read_dir(bench.logs()).unwrap().count(), 0);
    bench.end();
}

#[test]
fn over_max_size_the_oldest_runs_of_all_jobs_go() {
    let runs = [
        running("a", 0),
        ended("b", 1, EndReason::Success),
        ended("a", 2, EndReason::Success),
        ended("b", 3, EndReason::Success),
        ended("a", 4, EndReason::Success),
    ];
    let bench = Bench::new(&runs);
    runs.iter().for_each(|run| bench.write_log(run, 1001));
    bench.sweep(rules(&[], ALL, Some(5005))).sweep_all().unwrap();
    assert_eq!(bench.left(), runs, "the cap itself is allowed");
    bench.sweep(rules(&[], ALL, Some(3003))).sweep_all().unwrap();
    assert_eq!(bench.left(), [&runs[0], &runs[3], &runs[4]].map(Run::clone));
    bench.sweep(rules(&[], ALL, Some(0))).sweep_all().unwrap();
    assert_eq!(bench.left(), runs[..1], "a live run stays, whatever it takes");
    assert!(bench.has_log(&runs[0]));
    bench.end();
}

#[test]
fn files_without_a_row_go_and_files_of_others_stay() {
    let known = ended("a", 0, EndReason::Success);
    let (stray, young, alone) = (pending("a", 1), pending("a", 2), pending("gone", 3));
    let bench = Bench::new(std::slice::from_ref(&known));
    [&known, &stray, &young, &alone].into_iter().for_each(|run| bench.write_log(run, 10));
    let foreign = bench.place(&known).directory().join("notes.txt");
    fs::write(&foreign, "mine").unwrap();
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let age = |path: &Path| {
        File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap()
    };
    for run in [&known, &stray, &alone] {
        [LogFile::Log, LogFile::Previous]
            .iter()
            .for_each(|&file| age(&bench.place(run).file(file)));
    }
    age(&foreign);
    bench.sweep(rules(&[], ALL, None)).sweep_all().unwrap();
    assert!(bench.has_log(&known) && bench.has_log(&young) && foreign.exists());
    assert!(!bench.has_log(&stray) && !bench.has_log(&alone));
    assert!(!bench.place(&alone).directory().exists());
    bench.end();
}

#[test]
fn rows_outlive_their_files_until_the_next_sweep_finishes() {
    let run = ended("a", 0, EndReason::Success);
    let bench = Bench::new(std::slice::from_ref(&run));
    bench.write_log(&run, 10);
    bench.writer.close();
    let halted = bench.sweep(rules(&[], newest(0), None)).sweep_all();
    assert!(matches!(halted, Err(Halt::Stopped)));
    assert!(!bench.has_log(&run), "files go first");
    assert_eq!(bench.left(), [run]);
    let Bench { scratch, thread, hub, .. } = bench;
    thread.join().unwrap();
    let inbox = Inbox::new(mpsc::channel().0);
    let (writer, thread) = writer::start(scratch.store(), Clock::start(), inbox).unwrap();
    let bench = Bench { scratch, writer, hub, thread };
    bench.sweep(rules(&[], newest(0), None)).sweep_all().unwrap();
    assert_eq!(bench.left(), []);
    bench.end();
}

#[test]
fn a_log_that_cannot_be_removed_keeps_its_row_and_hinders_no_other() {
    let runs: Vec<Run> = (0..150).map(|seconds| ended("a", seconds, EndReason::Success)).collect();
    let bench = Bench::new(&runs);
    // A directory in the place of a file, which even root cannot unlink.
    fs::create_dir_all(bench.place(&runs[3]).file(LogFile::Log)).unwrap();
    bench.sweep(rules(&[], newest(0), None)).sweep_all().unwrap();
    assert_eq!(bench.left(), runs[3..4]);
    bench.end();
}

#[test]
fn a_job_that_is_told_of_is_swept_before_the_hour_is_over() {
    let runs: Vec<Run> = (0..105).map(|seconds| ended("a", seconds, EndReason::Success)).collect();
    let bench = Bench::new(&runs);
    let mut sweep = bench.sweep(rules(&[("a", newest(5))], ALL, None));
    sweep.count_end(&JobName::new("a")).unwrap();
    assert_eq!(bench.left().len(), 105, "a hundred more are allowed");
    bench.writer.settle(vec![Change::Insert(ended("a", 105, EndReason::Failed))]).unwrap();
    sweep.count_end(&JobName::new("a")).unwrap();
    assert_eq!(bench.left().len(), 5);
    assert_eq!(sweep.ended[&JobName::new("a")], 5);
    bench.end();
}

#[test]
fn the_thread_sweeps_at_boot_and_ends_with_its_handle() {
    let bench = Bench::new(&[ended("a", 0, EndReason::Success)]);
    let clock = Clock::start();
    let rules = rules(&[], newest(0), None);
    let (sweeper, thread) = start(
        bench.scratch.db(),
        bench.logs(),
        rules,
        clock.clone(),
        bench.writer.clone(),
        bench.hub.clone(),
        Inbox::new(mpsc::channel().0),
    )
    .unwrap();
    while !bench.left().is_empty() {
        assert!(clock.now().steady < Duration::from_secs(20), "nothing was swept");
        std::thread::sleep(Duration::from_millis(5));
    }
    sweeper.tell(&JobName::new("a"));
    drop(sweeper);
    thread.join().unwrap();
    bench.end();
}

#[test]
fn the_trash_keeps_files_until_its_time_is_over() {
    let runs = [0, 1, 2].map(|seconds| ended("a", seconds, EndReason::Success));
    let bench = Bench::new(&runs);
    runs.iter().for_each(|run| bench.write_log(run, 1000));
    let long_ago = Clock::start().now().wall - (trash::UNDO + trash::MARGIN);
    let just_now = Clock::start().now().wall;
    let put = |run: &Run, at| Tidy::Trash { runs: vec![run.id], at }.into();
    bench.writer.settle(vec![put(&runs[0], long_ago), put(&runs[1], just_now)]).unwrap();
    // A file of the trash is no orphan, and no other run has to go for its size.
    let mut sweep = bench.sweep(rules(&[], ALL, Some(1000)));
    sweep.sweep_all().unwrap();
    assert_eq!(bench.left(), runs[2..]);
    assert_eq!([0, 1, 2].map(|index: usize| bench.has_log(&runs[index])), [false, true, true]);
    assert!(sweep.purge_at.is_some(), "there is something left to purge");
    let reader = Reader::open(&bench.scratch.db()).unwrap();
    let table = |run: &Run| reader.table_of(run.id).unwrap();
    assert_eq!([table(&runs[0]), table(&runs[1])], [None, Some(Table::Trash)]);
    bench.writer.settle(vec![Tidy::Purge(vec![runs[1].id]).into()]).unwrap();
    sweep.purge(&reader).unwrap();
    assert_eq!(sweep.purge_at, None, "an empty trash wakes nobody up");
    bench.end();
}

#[test]
fn a_run_in_the_trash_that_cannot_be_removed_waits_for_the_next_hour() {
    let run = ended("a", 0, EndReason::Success);
    let bench = Bench::new(std::slice::from_ref(&run));
    // A directory in the place of a file, which even root cannot unlink.
    fs::create_dir_all(bench.place(&run).file(LogFile::Log)).unwrap();
    let at = Clock::start().now().wall - (trash::UNDO + trash::MARGIN);
    bench.writer.settle(vec![Tidy::Trash { runs: vec![run.id], at }.into()]).unwrap();
    let mut sweep = bench.sweep(rules(&[], ALL, None));
    sweep.sweep_all().unwrap();
    assert_eq!(sweep.purge_at, None);
    let reader = Reader::open(&bench.scratch.db()).unwrap();
    assert_eq!(reader.table_of(run.id).unwrap(), Some(Table::Trash));
    bench.end();
}

#[test]
fn whoever_follows_learns_what_retention_deleted() {
    let runs = [0, 1].map(|seconds| ended("a", seconds, EndReason::Success));
    let bench = Bench::new(&runs);
    let mut follower = bench.hub.follow();
    bench.sweep(rules(&[], newest(1), None)).sweep_all().unwrap();
    let deleted = News::Deleted { run: runs[0].id, job: runs[0].job.clone() };
    assert_eq!(follower.next(Duration::ZERO), Next::News(0, deleted.into()));
    assert_eq!(follower.next(Duration::ZERO), Next::Quiet);
    bench.end();
}
