//! From a failure to the request that tells it, and what ten thousand failures in a minute do.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::harness::sink::{Got, Sink};
use crate::harness::{Daemon, Home, wait_until};
use crate::idle::rss;
use crate::report::{line, setting, spread};

pub(crate) fn measure() {
    latency();
    flood();
}

fn config(sink: &Sink, notify: &str, tasks: &str) -> String {
    format!(
        "[notify]\ndefault_notifiers = ['inapp', 'hook']\n{notify}\n
         [[notifier]]\nid = 'hook'\ntype = 'webhook'\nurl = '{}'\n{tasks}",
        sink.url("/")
    )
}

/// The job says when it failed, and the message has its last line.
fn latency() {
    let sink = Sink::good();
    let task = "[tasks.bad]\nrun = 'date +%s.%N; exit 1'\n";
    let home = Home::new(&config(&sink, "coalesce_window = '0s'", task));
    let daemon = home.start();
    let session = daemon.login();
    let (instant, wall) = (Instant::now(), SystemTime::now());
    let came = |got: &Got| (wall + (got.at - instant)).duration_since(UNIX_EPOCH).unwrap();
    let mut times = Vec::new();
    for _ in 0..setting("ALERTS", 300) {
        session.post("/api/tasks/bad/run", "");
        let got = sink.next();
        let failed: f64 = got.json()["output_tail"].as_str().unwrap().trim().parse().unwrap();
        times.push((came(&got).as_secs_f64() - failed) * 1000.0);
    }
    line("failure to request", &spread(&times), "50 ms");
    daemon.stop_well();
}

/// What one daemon made of the flood.
struct Flood {
    /// How long each run waited for its slot, in ms.
    waits: Vec<f64>,
    before: u64,
    peak: u64,
    messages: usize,
    rows: usize,
    feed: usize,
}

fn flood() {
    let sink = Sink::good();
    let tasks =
        "[tasks.bad]\nparallelism = 16\nmax_queued = 10000\nkeep_runs = -1\nrun = 'exit 1'\n";
    let silent = under(&sink, &format!("[notify]\ndefault_notifiers = []\n{tasks}"));
    let told = under(&sink, &config(&sink, "", tasks));
    let rss = |flood: &Flood| format!("{} → {} kB", flood.before / 1000, flood.peak / 1000);
    let count =
        format!("{} runs, {} messages, {} rows of the feed", told.rows, told.messages, told.feed);
    line("flood: what it came to", &count, "one first, the rest coalesced");
    line("flood: RSS, nobody told", &rss(&silent), "");
    line("flood: RSS, all told", &rss(&told), "bounded");
    line("flood: wait for a slot, nobody told", &spread(&silent.waits), "");
    line("flood: wait for a slot, all told", &spread(&told.waits), "no run delayed");
}

fn under(sink: &Sink, config: &str) -> Flood {
    let count = setting("FAILURES", 10_000);
    let home = Home::new(config);
    let daemon = home.start();
    daemon.wait_for_keys();
    let session = daemon.login();
    let (before, begun) = (rss(daemon.pid()), Instant::now());
    let pace = Duration::from_secs(60) / u32::try_from(count).unwrap();
    let mut peak = before;
    for n in 0..count {
        session.post("/api/tasks/bad/run", "");
        if n % 200 == 0 {
            peak = peak.max(rss(daemon.pid()));
        }
        let due = begun + pace * u32::try_from(n).unwrap();
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    wait_until("all runs are over", Duration::from_secs(120), || {
        home.rows("bad").iter().filter(|row| row.is_ended()).count() as u64 == count
    });
    peak = peak.max(rss(daemon.pid()));
    let rows = home.rows("bad");
    let waits = rows.iter().filter_map(|row| {
        let wait = row.start_at?.duration_since(row.created_at);
        Some(wait.as_secs_f64() * 1000.0)
    });
    let waits = waits.collect();
    let feed = feed(&daemon);
    daemon.stop_well();
    let messages = sink.all().len();
    Flood { waits, before, peak, messages, rows: rows.len(), feed }
}

fn feed(daemon: &Daemon<'_>) -> usize {
    let items = daemon.login().get("/api/notifications").json();
    items["items"].as_array().unwrap().len()
}
