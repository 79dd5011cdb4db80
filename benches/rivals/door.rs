//! What is answered over HTTP, which of all rivals only supervisord has at all.

use std::time::Duration;

use super::{BARE, Bench, guarded, pick, two};
use crate::caller::Caller;
use crate::door::{Pair, pairs};
use crate::harness::{Home, wait_until};
use crate::{history, pages};

pub(crate) const HOW: &str = "HTTP: requests a second over TCP, connections kept, 50 tasks; bare: a \
    `tiny_http` with as many workers that sends the same bytes. Pages: one client, one request after \
    the other, median / worst.";

pub(crate) fn measure(bench: &mut Bench) {
    if bench.is_inside {
        return;
    }
    match guarded(|| Ok(pairs(pick(&[1, 16], &[1]), pick(3, 1)))) {
        Err(reason) => bench.table.put("HTTP", "runwisp", Err(reason)),
        Ok(pairs) => {
            for Pair { path, clients, rate, bare, .. } in pairs {
                let row = format!("`{path}`, {clients} clients, a second");
                bench.table.put(&row, "runwisp", Ok(format!("{rate:.0}")));
                bench.table.put(&row, BARE, Ok(format!("{bare:.0}")));
            }
        }
    }
    let runs = pick(1_000_000, 10_000);
    let cell = guarded(|| Ok(list(runs)));
    bench.table.put(&format!("Newest of {runs} runs, ms"), "runwisp", cell);
    let lines = pick(1_000_000, 100_000);
    let cell = guarded(|| Ok(page(lines)));
    bench.table.put(&format!("1,000 of {lines} lines of a log, ms"), "runwisp", cell);
}

fn list(runs: u64) -> String {
    let home = history::filled(runs, 8);
    let daemon = home.start();
    let mut caller = Caller::new(daemon.port, &daemon.login().token);
    let times: Vec<f64> = (0..pick(200, 20)).map(|_| caller.time("/api/runs")).collect();
    daemon.stop_well();
    two(&times)
}

fn page(lines: u64) -> String {
    let home = Home::new(&pages::printing("pages", lines / 10_000));
    let daemon = home.start();
    wait_until("the run is over", Duration::from_secs(60), || home.ended("pages").is_some());
    let row = home.ended("pages").unwrap();
    let mut caller = Caller::new(daemon.port, &daemon.login().token);
    let times = pages::anywhere(&mut caller, &row, lines);
    daemon.stop_well();
    two(&times)
}
