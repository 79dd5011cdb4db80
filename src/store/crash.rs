//! SIGKILL at many moments of a daemon that writes, from before its first file is complete:
//! the next one finds every run that was announced as durable, whole, and exactly once.

use std::collections::HashSet;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::base::time::Clock;
use crate::engine::Input;
use crate::inbox::Inbox;
use crate::model::change::{Change, CommitId};
use crate::model::run::{EndReason, Phase, RunId};
use crate::store::query::Filter;
use crate::store::scratch::{Scratch, at, ended, pending, utc};
use crate::store::{Reader, Store, writer};

const DATABASE: &str = "RUNWISP_TEST_DATABASE";
/// Where the numbers of a life begin, so that no two lives make the same run.
const FIRST: &str = "RUNWISP_TEST_FIRST";

/// When a life is cut short.
enum Life {
    Millis(u64),
    /// As soon as a run is durable.
    OneRun,
}

/// The life that is cut short; only for a process that the test below starts.
#[test]
fn life() {
    let Some(path) = env::var_os(DATABASE) else { return };
    let store = Store::open(Path::new(&path), String::new(), utc()).unwrap();
    let (sender, inputs) = mpsc::channel();
    let (writer, _thread) = writer::start(store, Clock::start(), Inbox::new(sender)).unwrap();
    let mut out = std::io::stderr();
    let first: i64 = env::var(FIRST).unwrap().parse().unwrap();
    for number in first.. {
        let run = pending("a", number);
        let Phase::Ended { end, .. } = ended("a", number, EndReason::Success).phase else { return };
        writer.commit(
            CommitId(number as u64),
            vec![
                Change::Insert(run.clone()),
                Change::Start { run: run.id, at: at(number), config: 0 },
                Change::end(&run, Some(at(number)), at(number), end),
            ],
        );
        assert_eq!(inputs.recv(), Ok(Input::Committed(CommitId(number as u64))));
        writeln!(out, "durable {}", run.id).unwrap();
    }
}

#[test]
fn what_was_announced_outlives_sigkill() {
    let scratch = Scratch::new();
    let mut announced = HashSet::new();
    // The first ones end before the database is complete.
    let lives = [1, 3, 5, 7, 9, 12, 15, 20, 30, 40, 60, 80].map(Life::Millis);
    for (number, life) in (1..).zip(lives.into_iter().chain([Life::OneRun])) {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["store::crash::life", "--exact", "--nocapture"])
            .env(DATABASE, scratch.db())
            .env(FIRST, (number * 1_000_000).to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, ids) = mpsc::channel::<RunId>();
        let reader = crate::threads::spawn("test-reader", move || {
            for line in lines.map_while(Result::ok) {
                let id = line.strip_prefix("durable ").and_then(|id| id.parse().ok());
                if let Some(id) = id {
                    sender.send(id).unwrap();
                }
            }
        });
        match life {
            // Any moment will do; nothing is waited for.
            Life::Millis(millis) => std::thread::sleep(Duration::from_millis(millis)),
            Life::OneRun => announced.extend(ids.recv_timeout(Duration::from_secs(20))),
        }
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().code(), None, "it ended by itself");
        reader.unwrap().join().unwrap();
        announced.extend(ids);
    }
    drop(scratch.store());
    let found = Reader::open(&scratch.db()).unwrap().recent(&Filter::default(), u32::MAX).unwrap();
    assert!(!announced.is_empty(), "no run was stored");
    assert!(found.iter().all(|run| matches!(run.phase, Phase::Ended { .. })), "half a transaction");
    let found: HashSet<_> = found.into_iter().map(|run| run.id).collect();
    assert!(announced.is_subset(&found));
}
