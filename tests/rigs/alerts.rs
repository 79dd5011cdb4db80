//! Alerts through a daemon that dies all the time: whatever moment it is killed in, each failure
//! that is in the history was told, and what was told twice has the same id.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::harness::http;
use crate::harness::sink::{Got, Reply, Sink};
use crate::harness::{Daemon, Home, wait_until};
use crate::rigs::fault::busy::{Dice, pass};

/// Failing tasks, each with alerts of its own.
const TASKS: usize = 6;

/// How often the daemon is killed.
fn kills() -> usize {
    let wanted = std::env::var("RUNWISP_RIG_KILLS").ok();
    wanted.map_or(6, |wanted| wanted.parse().unwrap())
}

#[test]
fn nothing_is_lost_whenever_the_daemon_dies_while_it_delivers() {
    let kills = kills();
    let told: Arc<Mutex<BTreeMap<String, BTreeSet<String>>>> = Arc::default();
    let (book, requests) = (Arc::clone(&told), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&requests);
    let sink = Sink::new(move |got: &Got, number| {
        count.fetch_add(1, Ordering::Relaxed);
        // Some are refused for now, or lost on the way: those come again.
        match number % 64 {
            0 => return Reply::Status(503),
            32 => return Reply::Cut,
            _ => {}
        }
        let json = got.json();
        let run = json["run"]["id"].as_str().unwrap_or_default().to_owned();
        let id = got.id().to_owned();
        book.lock().unwrap().entry(run).or_default().insert(id);
        Reply::Status(200)
    });
    let mut toml = format!(
        "[notify]\ncoalesce_window = '0s'\nqueue_size = 1000000\ndefault_notifiers = ['hook', 'inapp']\n
         [[notifier]]\nid = 'hook'\ntype = 'webhook'\nurl = '{}'\n",
        sink.url("/")
    );
    for task in 0..TASKS {
        toml += &format!("[tasks.t{task}]\nparallelism = 4\nrun = 'exit 1'\n");
    }
    let home = Home::new(&toml);
    let mut dice = Dice::new("kills while it delivers");
    let token = {
        let daemon = home.start();
        daemon.wait_for_keys();
        daemon.login().token.clone()
    };
    for kill in 0..kills {
        let daemon = home.start();
        let (port, token) = (daemon.port, token.clone());
        let trigger = thread::spawn(move || {
            for n in 0.. {
                let path = format!("/api/tasks/t{}/run", n % TASKS);
                let token = format!("Bearer {token}");
                let headers = [("Authorization", token.as_str())];
                // The daemon is gone at some point.
                match http::request(port, "POST", &path, &headers, "") {
                    Some(answer) if answer.status < 500 => {}
                    Some(_) | None => return,
                }
                if n > 40 {
                    return;
                }
            }
        });
        pass(dice.millis(400));
        daemon.kill9();
        trigger.join().unwrap();
        if kill % 20 == 19 {
            eprintln!("{} kills, {} requests", kill + 1, requests.load(Ordering::Relaxed));
        }
    }
    let daemon = home.start();
    wait_until("everything is over and told", Duration::from_secs(400), || is_idle(&daemon, &home));
    let failed: Vec<String> = (0..TASKS)
        .flat_map(|task| home.rows(&format!("t{task}")))
        .filter(|row| matches!(row.end_reason.as_deref(), Some("failed" | "crashed")))
        .map(|row| row.id)
        .collect();
    let told = told.lock().unwrap();
    let lost: Vec<_> = failed.iter().filter(|run| !told.contains_key(*run)).collect();
    assert!(lost.is_empty(), "{} of {} were never told: {lost:?}", lost.len(), failed.len());
    let many = told.iter().filter(|(_, ids)| ids.len() > 1).count();
    assert_eq!(many, 0, "a repeat has the id of the first");
    eprintln!(
        "{kills} kills, {} failures, {} requests: nothing lost",
        failed.len(),
        requests.load(Ordering::Relaxed)
    );
}

/// Nothing runs, waits, or is still to be told.
fn is_idle(daemon: &Daemon<'_>, home: &Home) -> bool {
    let open = (0..TASKS).flat_map(|task| home.rows(&format!("t{task}")));
    if open.into_iter().any(|row| row.end_reason.is_none()) {
        return false;
    }
    let settings = daemon.login().get("/api/notify").json();
    let channels = settings["channels"].as_array().unwrap();
    channels.iter().all(|channel| channel["pending"] == 0)
}
