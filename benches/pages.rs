//! Reading large logs over HTTP.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use crate::caller::{Caller, connect};
use crate::harness::rows::Row;
use crate::harness::{Daemon, Home, process, wait_until};
use crate::job::script;
use crate::report::{line, quantile, setting, spread};

const ROUNDS: usize = 3;
const PAGES: u64 = 300;

pub(crate) fn measure() {
    let (lines, megabytes) = (setting("LINES", 1_000_000), setting("MEGABYTES", 1000));
    let home = Home::new("");
    let text = printing("pages", lines / 10_000) + &printing("raw", megabytes);
    home.write("runwisp.toml", text);
    let daemon = home.start();
    for task in ["pages", "raw"] {
        wait_until("the run is over", Duration::from_secs(120), || home.ended(task).is_some());
    }
    let caller = Caller::new(daemon.port, &daemon.login().token);
    pages(caller, &home.ended("pages").unwrap(), lines);

    let caller = Caller::new(daemon.port, &daemon.login().token);
    download(&daemon, &caller, &home.ended("raw").unwrap());
    daemon.stop_well();
}

/// A task that prints so much at the start.
pub(crate) fn printing(name: &str, megabytes: u64) -> String {
    let script = script(&format!("lines {megabytes}"));
    format!("[tasks.{name}]\nrun_on_start = true\nlog_max_size = \"0\"\nrun = '{script}'\n")
}

/// Milliseconds of pages of 1,000 lines, spread over the whole log without order, and the same
/// every time (Knuth's multiplier).
pub(crate) fn anywhere(caller: &mut Caller, row: &Row, lines: u64) -> Vec<f64> {
    times(caller, row, &|number| (number * 2_654_435_761 % (lines - 1000)).cast_signed())
}

fn pages(mut caller: Caller, row: &Row, lines: u64) {
    let report = |name: &str, times: &[f64]| {
        let figure = format!("1,000 of {lines} lines, {name}");
        line(&figure, &spread(times), "p99 20 ms");
    };
    report("front", &times(&mut caller, row, &|_| 0));
    report("middle", &times(&mut caller, row, &|_| (lines / 2).cast_signed()));
    report("end", &times(&mut caller, row, &|_| -1000));
    report("anywhere", &anywhere(&mut caller, row, lines));
}

fn times(caller: &mut Caller, row: &Row, from: &dyn Fn(u64) -> i64) -> Vec<f64> {
    let path = |number| {
        let (id, from) = (&row.id, from(number));
        format!("/api/tasks/pages/runs/{id}/log?from={from}&limit=1000")
    };
    let first = caller.get(&path(0)).1;
    assert_eq!(first.windows(5).filter(|text| text == b"\"ts\":").count(), 1000);
    (0..PAGES).map(|number| caller.time(&path(number))).collect()
}

fn download(daemon: &Daemon<'_>, caller: &Caller, row: &Row) {
    let path = format!("/api/tasks/raw/runs/{}/log/raw?download=1", row.id);
    let before = process::kib(daemon.pid(), "VmRSS");
    daemon.forget_peak();
    let bytes = row.log_bytes.unsigned_abs();
    let (mut ours, mut bare_rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare_rates.push(rate(&mut bare(&file(daemon.home(), row)), bytes));
        ours.push(rate(&mut caller.open(&path), bytes));
    }
    let peak = process::kib(daemon.pid(), "VmHWM");
    let (rate, bare) = (quantile(&ours, 0.5), quantile(&bare_rates, 0.5));
    let text = format!("{rate:.0} MB/s, {:.2} of {bare:.0} by sendfile", rate / bare);
    line(&format!("raw log of {} MB", bytes / 1_000_000), &text, "300 MB/s");
    line("RSS before, and peak meanwhile", &format!("{before} KiB, {peak} KiB"), "flat");
}

fn file(home: &Home, row: &Row) -> PathBuf {
    let logs = home.logs(&row.task).read_dir().unwrap().map(|entry| entry.unwrap().path());
    let name = format!("_{}.log", row.id);
    logs.into_iter().find(|path| path.to_string_lossy().ends_with(&name)).unwrap()
}

/// MB/s until the end, where at least so many bytes must have come.
fn rate(answer: &mut impl Read, bytes: u64) -> f64 {
    let begun = Instant::now();
    let (mut buffer, mut count) = (vec![0; 256 * 1024], 0);
    loop {
        let read = answer.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        count += read as u64;
    }
    assert!(count >= bytes && count < bytes + 4096, "{count} of {bytes}");
    count as f64 / 1e6 / begun.elapsed().as_secs_f64()
}

/// The file from a server that does nothing else.
fn bare(path: &PathBuf) -> impl Read + use<> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut file = File::open(path).unwrap();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        io::copy(&mut file, &mut client).unwrap();
        client.flush().unwrap();
    });
    connect(port)
}
