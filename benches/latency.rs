//! From a line that a job prints to the event that a client of its log's stream gets.

use crate::audience::Audience;
use crate::harness::Home;
use crate::job::{now, script};
use crate::report::{line, setting, spread};

/// All that there may be, but for the one that is measured.
const OTHERS: usize = 63;

pub(crate) fn measure() {
    let lines = setting("EVENTS", 1500);
    let home = Home::new("");
    let script = script(&format!("tell {}", lines + 100));
    home.write("runwisp.toml", format!("[tasks.tell]\nrun = '{script}'\n"));
    let daemon = home.start();
    let session = daemon.login();
    for (name, others, count) in [
        ("alone", None, 0),
        ("beside 63 that follow it too", Some("log"), OTHERS),
        ("beside 63 event streams", Some("/api/stream"), OTHERS),
    ] {
        let answer = session.post("/api/tasks/tell/run", "");
        assert_eq!(answer.status, 201, "{answer:?}");
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let log = format!("/api/tasks/tell/runs/{id}/log/stream");
        let audience = others.map(|path| if path == "log" { &log } else { path });
        let audience = audience.map(|path| Audience::of(&home, path, count));
        let mut events = session.stream(&log, &[]);
        // What was printed before is no news.
        let opened = now();
        let mut times = Vec::new();
        while let Some(event) = events.next() {
            if event.name == "done" {
                break;
            }
            assert_eq!(event.name, "line");
            let printed: f64 = event.data["text"].as_str().unwrap().parse().unwrap();
            if printed > opened {
                times.push((now() - printed) * 1000.0);
            }
        }
        assert!(times.len() as u64 >= lines / 2, "{}", times.len());
        drop(audience);
        line(&format!("line to event, {name}"), &spread(&times), "p99 15 ms");
    }
    daemon.stop_well();
}
