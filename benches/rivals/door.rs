//! What is answered over HTTP. None of the others has a history to ask for.

use std::time::Duration;

use super::table::Cell;
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
                let row = format!("`{path}`, {clients} at once: requests a second");
                bench.table.put(&row, BARE, Ok(format!("{bare:.0}")));
                put(bench, &row, Ok(format!("{rate:.0}")), "no HTTP");
            }
        }
    }
    let runs = pick(300_000, 10_000);
    let cell = guarded(|| Ok(list(runs)));
    put(bench, &format!("Newest 50 of {runs} runs over HTTP, ms"), cell, "no history");
    let lines = pick(1_000_000, 100_000);
    let cell = guarded(|| Ok(page(lines)));
    put(bench, &format!("1,000 of {lines} lines of a log over HTTP, ms"), cell, "no HTTP");
}

/// Ours, and why there is nothing of the others.
fn put(bench: &mut Bench, row: &str, ours: Cell, lack: &str) {
    bench.table.put(row, "runwisp", ours);
    for rival in bench.rivals.iter().filter(|rival| rival.name() != "runwisp") {
        let lack = match rival.name() {
            "supervisord" => "its status page and XML-RPC answer other questions",
            _ => lack,
        };
        bench.table.put(row, rival.name(), Err(lack.to_owned()));
    }
    bench.table.put(
        row,
        "systemd",
        Err("its journal has a gateway of its own, not measured".into()),
    );
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
