//! What the gate, the guard and the router cost a request: beside a server of nothing but
//! `tiny_http` that sends the same bytes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tiny_http::{Header, Response, Server};

use crate::caller::{Caller, connect};
use crate::harness::Home;
use crate::ready;
use crate::report::{line, quantile};

const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;
const WORKERS: usize = 4;

/// Requests a second, beside those of the bare server.
pub(crate) struct Pair {
    pub(crate) path: &'static str,
    pub(crate) length: usize,
    pub(crate) clients: usize,
    pub(crate) rate: f64,
    pub(crate) bare: f64,
}

pub(crate) fn measure() {
    for Pair { path, length, clients, rate, bare } in pairs(&[1, 4, 16], ROUNDS) {
        let ratio = rate / bare;
        let text = format!("{rate:.0} a second, {ratio:.2} of {bare:.0} bare");
        line(&format!("{path}, {length} bytes, {clients} clients"), &text, "0.70");
    }
}

/// `/health` and a list of 50 tasks, for each number of clients.
pub(crate) fn pairs(crowds: &[usize], rounds: usize) -> Vec<Pair> {
    let home = Home::new(&ready::config(50));
    let daemon = home.start();
    let token = daemon.login().token;
    let mut pairs = Vec::new();
    for (path, token) in [("/health", ""), ("/api/tasks", &token)] {
        let mut caller = Caller::new(daemon.port, token);
        let request = caller.request(path);
        let (head, body) = caller.get(path);
        let length = head.len() + body.len();
        let bare_port = bare(head, body);
        let mut bare_caller = Caller::new(bare_port, token);
        let (head, body) = bare_caller.get(path);
        let bare_length = head.len() + body.len();
        // `tiny_http` adds its name and the date.
        assert!(length.abs_diff(bare_length) < 100, "{head}");
        for &clients in crowds {
            let (mut rates, mut bare_rates) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                bare_rates.push(rate(bare_port, clients, &request, bare_length));
                rates.push(rate(daemon.port, clients, &request, length));
            }
            let (rate, bare) = (quantile(&rates, 0.5), quantile(&bare_rates, 0.5));
            pairs.push(Pair { path, length, clients, rate, bare });
        }
    }
    daemon.stop_well();
    pairs
}

/// A server of nothing but `tiny_http` that gives this answer.
fn bare(head: &str, body: &[u8]) -> u16 {
    let fields = head.lines().skip(1).filter(|field| !field.is_empty());
    let fields = fields.filter(|field| !field.starts_with("Content-Length"));
    let fields: Vec<Header> = fields.map(|field| field.parse().unwrap()).collect();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    // Its connections inherit this. `tiny_http` cannot say it, and then sends a body of more than
    // a packet 40 ms late, when the head is acknowledged.
    let listener = TcpStream::from(OwnedFd::from(listener));
    listener.set_nodelay(true).unwrap();
    let listener = TcpListener::from(OwnedFd::from(listener));
    let server = Arc::new(Server::from_listener(listener, None).unwrap());
    for _ in 0..WORKERS {
        let (server, fields, body) = (server.clone(), fields.clone(), body.to_vec());
        thread::spawn(move || {
            for request in server.incoming_requests() {
                let mut response =
                    Response::from_data(body.clone()).with_chunked_threshold(usize::MAX);
                fields.iter().for_each(|field| response.add_header(field.clone()));
                // The last answer of a round finds nobody any more.
                let _ = request.respond(response);
            }
        });
    }
    server.server_addr().to_ip().unwrap().port()
}

/// Requests a second over so many connections that are kept.
fn rate(port: u16, clients: usize, request: &[u8], length: usize) -> f64 {
    let (done, count) = (AtomicBool::new(false), AtomicU64::new(0));
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                let mut stream = connect(port);
                let mut answer = vec![0; length];
                while !done.load(Ordering::Relaxed) {
                    stream.write_all(request).unwrap();
                    stream.read_exact(&mut answer).unwrap();
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        thread::sleep(ROUND);
        done.store(true, Ordering::Relaxed);
    });
    count.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}
