//! The writer's thread on real databases: group commit, refusals, full disks, the end.

use std::fs::{self, File};
use std::io::Write;
use std::process::Command;

use super::*;
use crate::model::job::JobName;
use crate::model::run::{EndReason, Leader, Phase, Run};
use crate::store::Reader;
use crate::store::scratch::{Scratch, at, ended, pending};
use crate::sys;

const DEADLINE: Duration = Duration::from_secs(20);

struct Running {
    writer: Writer,
    thread: JoinHandle<()>,
    inputs: Receiver<Input>,
}

impl Running {
    fn of(store: Store) -> Running {
        let (sender, inputs) = mpsc::channel();
        let (writer, thread) = start(store, Clock::start(), Inbox::new(sender)).unwrap();
        Running { writer, thread, inputs }
    }

    fn wait_for(&self, id: CommitId) {
        while self.inputs.recv_timeout(DEADLINE).unwrap() != Input::Committed(id) {}
    }

    fn fatal(&self) -> String {
        let input = self.inputs.recv_timeout(DEADLINE).unwrap();
        let Input::Fatal(text) = input else { panic!("{input:?}") };
        text
    }

    fn end(self) {
        drop(self.writer);
        self.thread.join().unwrap();
    }
}

fn inserts(count: i64) -> Vec<Run> {
    (0..count).map(|seconds| pending("a", seconds)).collect()
}

/// Whether exactly these runs are stored.
fn holds(scratch: &Scratch, runs: &[Run]) -> bool {
    let reader = Reader::open(&scratch.db()).unwrap();
    let count: usize = reader
        .connection
        .query_row("SELECT count(*) FROM runs", [], |row| row.get(0))
        .map(|n: i64| n as usize)
        .unwrap();
    count == runs.len() && runs.iter().all(|run| reader.run(run.id).unwrap().as_ref() == Some(run))
}

/// Another program that holds the write lock until it is dropped.
fn lock(scratch: &Scratch) -> Connection {
    let other = Connection::open(scratch.db()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

fn hasty(scratch: &Scratch) -> Store {
    let store = scratch.store();
    store.connection.busy_timeout(Duration::ZERO).unwrap();
    store
}

#[test]
fn changes_land_in_order_and_the_last_commit_is_announced() {
    let scratch = Scratch::new();
    let running = Running::of(scratch.store());
    let runs = inserts(300);
    for (number, run) in (1..).zip(&runs) {
        running.writer.commit(CommitId(number), vec![Change::Insert(run.clone())]);
    }
    let mut last = CommitId(0);
    while last < CommitId(300) {
        let input = running.inputs.recv_timeout(DEADLINE).unwrap();
        let Input::Committed(id) = input else { panic!("{input:?}") };
        assert!(id > last, "{id:?} after {last:?}");
        last = id;
    }
    assert!(holds(&scratch, &runs));
    running.end();
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1, "one file is left");
}

#[test]
fn what_is_known_of_a_process_waits_for_its_end_or_a_moment() {
    let scratch = Scratch::new();
    let running = Running::of(scratch.store());
    let (short, long) = (pending("a", 0), pending("a", 1));
    let since = at(2);
    let begin = |run: &Run| {
        vec![Change::Insert(run.clone()), Change::Start { run: run.id, at: since, config: 0 }]
    };
    let identify =
        |run: &Run| Change::Identify { run: run.id, leader: Leader { pid: 7, start: 8 } };
    running.writer.commit(CommitId(1), begin(&short));
    running.writer.commit(CommitId(2), begin(&long));
    running.wait_for(CommitId(2));
    running.writer.commit(CommitId(3), vec![identify(&short)]);
    running.writer.commit(CommitId(4), vec![identify(&long)]);
    let Phase::Ended { end, .. } = ended("a", 0, EndReason::Success).phase else { unreachable!() };
    running.writer.commit(CommitId(5), vec![Change::end(&short, Some(since), at(3), end)]);
    running.wait_for(CommitId(5));
    running.writer.commit(CommitId(6), vec![identify(&short)]);
    running.wait_for(CommitId(6));
    running.end();
    let store = scratch.store();
    let unfinished = store.unfinished().unwrap();
    let known: Vec<_> = unfinished.iter().map(|row| (row.run.id, row.process.is_some())).collect();
    assert_eq!(known, [(long.id, true)]);
}

#[test]
fn an_end_takes_the_place_of_its_own_process_alone() {
    let (one, other) = (pending("a", 0), pending("a", 1));
    let identify =
        |run: &Run| Change::Identify { run: run.id, leader: Leader { pid: 7, start: 8 } };
    let Phase::Ended { end, .. } = ended("a", 0, EndReason::Success).phase else { unreachable!() };
    let end = Change::end(&one, None, at(3), end);
    let mut waiting = Waiting::default();
    for change in [identify(&one), identify(&other), end.clone()] {
        waiting.add(change);
    }
    assert_eq!(waiting.changes, [identify(&other), end]);
}

#[test]
fn who_settles_finds_the_change_durable() {
    let scratch = Scratch::new();
    let running = Running::of(scratch.store());
    let runs = inserts(1);
    running.writer.settle(vec![Change::Insert(runs[0].clone())]).unwrap();
    assert!(holds(&scratch, &runs));
    let other = running.writer.clone();
    running.writer.close();
    running.thread.join().unwrap();
    assert_eq!(other.settle(Vec::new()), Err(Closed));
}

#[test]
fn what_is_handed_over_before_the_end_is_written() {
    let scratch = Scratch::new();
    let running = Running::of(scratch.store());
    let runs = inserts(2000);
    for run in &runs {
        running.writer.commit(CommitId(1), vec![Change::Insert(run.clone())]);
    }
    running.end();
    assert!(holds(&scratch, &runs));
}

#[test]
fn a_refused_write_is_kept_until_it_lands() {
    let scratch = Scratch::new();
    let running = Running::of(hasty(&scratch));
    let runs = inserts(3);
    let other = lock(&scratch);
    running.writer.commit(CommitId(1), vec![Change::Insert(runs[0].clone())]);
    running.writer.commit(CommitId(2), vec![Change::Insert(runs[1].clone())]);
    assert_eq!(
        running.inputs.recv_timeout(Duration::from_millis(150)),
        Err(RecvTimeoutError::Timeout)
    );
    running.writer.commit(CommitId(3), vec![Change::Insert(runs[2].clone())]);
    drop(other);
    running.wait_for(CommitId(3));
    assert!(holds(&scratch, &runs));
    running.end();
}

#[test]
fn a_file_that_is_taken_away_is_waited_for() {
    let scratch = Scratch::new();
    let running = Running::of(scratch.store());
    let runs = inserts(2);
    running.writer.settle(vec![Change::Insert(runs[0].clone())]).unwrap();
    let away = scratch.path().join("away");
    fs::rename(scratch.db(), &away).unwrap();
    running.writer.commit(CommitId(1), vec![Change::Insert(runs[1].clone())]);
    assert_eq!(
        running.inputs.recv_timeout(Duration::from_millis(150)),
        Err(RecvTimeoutError::Timeout)
    );
    fs::rename(&away, scratch.db()).unwrap();
    running.wait_for(CommitId(1));
    assert!(holds(&scratch, &runs));
    running.end();
}

#[test]
fn a_lock_that_stays_does_not_hinder_the_end() {
    let scratch = Scratch::new();
    let running = Running::of(hasty(&scratch));
    let _other = lock(&scratch);
    running.writer.commit(CommitId(1), vec![Change::Insert(pending("a", 0))]);
    running.end();
    assert!(holds(&scratch, &[]));
}

#[test]
fn too_many_waiting_changes_are_fatal() {
    let scratch = Scratch::new();
    let running = Running::of(hasty(&scratch));
    let _other = lock(&scratch);
    running.writer.commit(CommitId(1), vec![Change::Forget(JobName::new("a")); MOST_WAITING + 1]);
    assert!(running.fatal().contains("database is locked; more than 100000 changes wait"));
    running.end();
}

#[test]
fn a_database_that_broke_is_fatal() {
    let scratch = Scratch::new();
    let running = Running::of(scratch.store());
    Connection::open(scratch.db()).unwrap().execute_batch("DROP TABLE runs").unwrap();
    running.writer.commit(CommitId(1), vec![Change::Insert(pending("a", 0))]);
    assert!(
        running.fatal().starts_with(&format!("cannot write database {}: ", scratch.db().display()))
    );
    running.end();
}

#[test]
fn a_change_that_breaks_a_rule_does_not_hold_up_the_others() {
    let scratch = Scratch::new();
    let running = Running::of(scratch.store());
    let runs = inserts(2);
    let changes = [&runs[0], &runs[0], &runs[1]].map(|run| Change::Insert(run.clone())).to_vec();
    running.writer.commit(CommitId(1), changes);
    running.wait_for(CommitId(1));
    assert!(holds(&scratch, &runs));
    running.end();
}

#[test]
fn deleted_rows_give_their_pages_back_and_live_runs_stay() {
    let scratch = Scratch::new();
    let running = Running::of(scratch.store());
    let over: Vec<Run> =
        (0..10_000).map(|seconds| ended("a", seconds, EndReason::Failed)).collect();
    let alive = pending("a", 0);
    let mut changes: Vec<Change> = over.iter().cloned().map(Change::Insert).collect();
    changes.push(Change::Insert(alive.clone()));
    running.writer.settle(changes).unwrap();
    let ids: Vec<_> = over.iter().map(|run| run.id).chain([alive.id]).collect();
    for batch in ids.chunks(100) {
        running.writer.settle(vec![Change::Delete(batch.to_vec())]).unwrap();
    }
    running.end();
    assert!(holds(&scratch, &[alive]));
    let pages = fs::metadata(scratch.db()).unwrap().len() / 4096;
    assert!(pages < SPARE_PAGES as u64 + 50, "{pages} pages are left");
}

/// A file system of one megabyte, unmounted at the end.
struct SmallDisk<'a>(&'a Scratch);

impl SmallDisk<'_> {
    /// `None` where mounting is not allowed.
    fn mount(scratch: &Scratch) -> Option<SmallDisk<'_>> {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=1m", "runwisp-test"]).arg(scratch.path());
        command.output().is_ok_and(|output| output.status.success()).then_some(SmallDisk(scratch))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg("-l").arg(self.0.path()).status().unwrap().success());
    }
}

fn fill(scratch: &Scratch) -> std::path::PathBuf {
    let path = scratch.path().join("filler");
    let mut file = File::create(&path).unwrap();
    while file.write_all(&[0; 512]).is_ok() {}
    path
}

#[test]
fn a_full_disk_is_survived() {
    let scratch = Scratch::new();
    let Some(_disk) = SmallDisk::mount(&scratch) else {
        return sys::skip("mounting needs root");
    };
    let running = Running::of(scratch.store());
    let mut runs = inserts(20);
    let insert = |runs: &[Run]| runs.iter().cloned().map(Change::Insert).collect::<Vec<_>>();
    running.writer.settle(insert(&runs)).unwrap();
    for round in 1..=3 {
        let filler = fill(&scratch);
        // More than the write-ahead log has room for.
        let more: Vec<Run> = (0..200).map(|seconds| pending("b", round * 1000 + seconds)).collect();
        running.writer.commit(CommitId(round as u64), insert(&more));
        assert_eq!(
            running.inputs.recv_timeout(Duration::from_millis(200)),
            Err(RecvTimeoutError::Timeout)
        );
        assert!(holds(&scratch, &runs), "what was there is readable");
        fs::remove_file(filler).unwrap();
        running.wait_for(CommitId(round as u64));
        runs.extend(more);
        assert!(holds(&scratch, &runs));
    }
    running.end();
}
