//! What a daemon costs that has nothing to do.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::harness::{Home, wait_until};
use crate::ready;
use crate::report::line;

const WATCHED: Duration = Duration::from_secs(150);

pub(crate) fn measure() {
    let home = Home::new(&ready::config(100));
    let daemon = home.start();
    // The boot's own sweep, and threads that served the probes and leave after five seconds.
    let mut before = switches(daemon.pid());
    wait_until("the daemon comes to rest", Duration::from_secs(60), || {
        thread::sleep(Duration::from_secs(7));
        let now = switches(daemon.pid());
        std::mem::replace(&mut before, now) == now
    });
    let few = rss(daemon.pid());
    let text = format!("{} kB, anonymous {} kB", few / 1000, anonymous(daemon.pid()) / 1000);
    line("idle, 100 tasks: RSS", &text, "6000 kB, 2000 kB");
    thread::sleep(WATCHED);
    let woken = switches(daemon.pid()).abs_diff(before);
    let figure = format!("idle, 100 tasks: wake-ups in {} s", WATCHED.as_secs());
    // One sample of the host a minute.
    line(&figure, &woken.to_string(), "3");
    daemon.stop_well();

    let home = Home::new(&ready::config(10_000));
    let daemon = home.start();
    thread::sleep(Duration::from_secs(3));
    let many = rss(daemon.pid());
    daemon.stop_well();
    // The first start has written the anchors of all of them.
    let daemon = home.start();
    thread::sleep(Duration::from_secs(3));
    let again = rss(daemon.pid());
    daemon.stop_well();
    let each = |all: u64| all.saturating_sub(few) / 9_900;
    let text = format!("{} kB, {} bytes a task", many / 1000, each(many));
    line("idle, 10,000 tasks: RSS after the first start", &text, "1024 bytes");
    let text = format!("{} kB, {} bytes a task", again / 1000, each(again));
    line("    and after the second", &text, "1024 bytes");
}

/// Bytes of memory in use.
pub(crate) fn rss(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    1024 * number(&rollup, "Rss:")
}

/// Bytes of it that belong to no file.
fn anonymous(pid: u32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    1024 * number(&rollup, "Anonymous:")
}

/// How often threads of the process left the processor, by their own will or not.
pub(crate) fn switches(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let status = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("status"));
    let texts = threads.filter_map(|thread| status(thread.unwrap()).ok());
    texts
        .map(|text| {
            number(&text, "voluntary_ctxt_switches:") + number(&text, "nonvoluntary_ctxt_switches:")
        })
        .sum()
}

pub(crate) fn number(text: &str, field: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    value.trim().trim_end_matches(" kB").parse().unwrap()
}
