//! The worst that clients without a password can do: a thousand that come again and again and say
//! nothing, one whose head never ends and one whose body drips, beside as many streams as may be.
//! Requests, jobs and memory must not notice, and nothing may stay behind.

use std::fmt::{self, Display, Formatter};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::audience::Audience;
use crate::caller::Caller;
use crate::harness::{Daemon, Home, http, process};
use crate::job::{now, stamps};
use crate::report::{line, setting, spread};
use crate::tick;

const SILENT: usize = 1000;
const STREAMS: usize = 64;
const JOBS: usize = 20;
/// One look at every silent client takes so many steps and so long altogether; whoever was thrown
/// out comes again.
const STEPS: usize = 20;
const ROUND: Duration = Duration::from_secs(1);
const DRIP: Duration = Duration::from_millis(20);

pub(crate) fn measure() {
    let siege = Duration::from_secs(setting("SECONDS", 60));
    let tools = Home::new("");
    let stamp = tick::build(&tools.path("stamp"), &[]);
    let home = Home::new("");
    let file = home.path("stamps");
    home.write("runwisp.toml", tick::config(JOBS, &stamp, &file));
    // From outside, where the addresses are counted, and from the host itself.
    let port = http::free_port();
    let daemon = Daemon::launch(&home, port, |command| _ = command.args(["--host", "0.0.0.0"]));
    daemon.wait_ready();
    let mut caller = Caller::new(port, &daemon.login().token);
    daemon.forget_peak();
    // What served the start leaves after five seconds.
    thread::sleep(Duration::from_secs(7));

    let calm = watch(&mut caller, siege / 2);
    let before = State::of(&daemon);
    calm.report("calm");
    let jobs = |since: f64| -> Vec<f64> {
        let begun = stamps(&file).into_iter().filter(|(at, _)| *at >= since).collect::<Vec<_>>();
        tick::late(&begun, tick::PERIOD)
    };
    line("    tick to job", &spread(&jobs(calm.since)), "");

    let over = AtomicBool::new(false);
    let visits = AtomicU64::new(0);
    let audience = Audience::of(&home, "/api/stream", STREAMS);
    let streams = watch(&mut caller, siege / 4);
    streams.report("64 streams");
    let (besieged, full) = thread::scope(|scope| {
        scope.spawn(|| be_silent(port, &over, &visits));
        scope.spawn(|| drip(port, &over, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", &visits));
        let head = "POST /api/auth HTTP/1.1\r\nHost: localhost\r\n\
                    Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n";
        scope.spawn(|| drip(port, &over, head, &visits));
        let seen = (watch(&mut caller, siege), State::of(&daemon));
        over.store(true, Ordering::Relaxed);
        seen
    });
    let peak = process::kib(daemon.pid(), "VmHWM");
    drop(audience);
    besieged.report("siege");
    line("    tick to job", &spread(&jobs(besieged.since)), "as before");
    let rate = visits.load(Ordering::Relaxed) as f64 / siege.as_secs_f64();
    line("    connections of the besiegers", &format!("{rate:.0} a second"), "");
    line("    peak RSS", &format!("{peak} KiB"), "25000 kB");
    // Streams that have nothing to say notice after 15 s that nobody is there.
    let (left, mut after) = (Instant::now(), State::of(&daemon));
    while !after.is_within(&before) && left.elapsed() < Duration::from_secs(45) {
        thread::sleep(Duration::from_millis(200));
        after = State::of(&daemon);
    }
    let text = format!("before {before}; besieged {full}");
    line("    descriptors, threads, RSS", &text, "");
    let took = left.elapsed().as_secs_f64();
    line(&format!("    {took:.1} s later"), &after.to_string(), "as before");
    daemon.stop_well();
}

/// What the daemon has in its hands.
struct State {
    files: usize,
    threads: usize,
    rss_kib: u64,
}

impl State {
    fn of(daemon: &Daemon<'_>) -> State {
        let pid = daemon.pid();
        let (files, threads) = (process::count(pid, "fd"), process::count(pid, "task"));
        State { files, threads, rss_kib: process::kib(pid, "VmRSS") }
    }

    fn is_within(&self, other: &State) -> bool {
        self.files <= other.files && self.threads <= other.threads
    }
}

impl Display for State {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {} KiB", self.files, self.threads, self.rss_kib)
    }
}

/// Milliseconds of requests over connections of their own.
struct Watch {
    since: f64,
    health: Vec<f64>,
    list: Vec<f64>,
}

impl Watch {
    fn report(&self, name: &str) {
        line(&format!("{name}: /health"), &spread(&self.health), "p99 50 ms");
        line("    /api/runs", &spread(&self.list), "20 ms");
    }
}

fn watch(caller: &mut Caller, time: Duration) -> Watch {
    let begun = Instant::now();
    let mut seen = Watch { since: now(), health: Vec::new(), list: Vec::new() };
    while begun.elapsed() < time {
        seen.health.push(caller.time_afresh("/health"));
        seen.list.push(caller.time_afresh("/api/runs"));
        thread::sleep(Duration::from_millis(20));
    }
    seen
}

/// Clients of both kinds of address that connect, say nothing, and come again.
fn be_silent(port: u16, over: &AtomicBool, visits: &AtomicU64) {
    let addresses =
        [Ipv4Addr::LOCALHOST, outside()].map(|address| SocketAddr::from((address, port)));
    let mut clients: Vec<Option<TcpStream>> = (0..SILENT).map(|_| None).collect();
    while !over.load(Ordering::Relaxed) {
        for step in 0..STEPS {
            for (number, client) in clients.iter_mut().enumerate().skip(step).step_by(STEPS) {
                if client.as_mut().is_none_or(has_gone) {
                    *client = silent(addresses[number / STEPS % 2]);
                    visits.fetch_add(1, Ordering::Relaxed);
                }
            }
            thread::sleep(ROUND / STEPS as u32);
        }
    }
}

fn silent(address: SocketAddr) -> Option<TcpStream> {
    let client = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    client.set_nonblocking(true).unwrap();
    Some(client)
}

fn has_gone(client: &mut TcpStream) -> bool {
    !client.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// The address of this host for others; the loopback where there is no other.
fn outside() -> Ipv4Addr {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    // Nothing is sent: connecting only chooses the way (RFC 5737, an address that nobody has).
    let chosen = socket.connect("198.51.100.1:9").and_then(|()| socket.local_addr());
    match chosen.map(|address| address.ip()) {
        Ok(std::net::IpAddr::V4(address)) => address,
        _ => Ipv4Addr::LOCALHOST,
    }
}

/// A client that sends this and then single bytes without end.
fn drip(port: u16, over: &AtomicBool, begin: &str, visits: &AtomicU64) {
    while !over.load(Ordering::Relaxed) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        visits.fetch_add(1, Ordering::Relaxed);
        let mut sent = stream.write_all(begin.as_bytes());
        while sent.is_ok() && !over.load(Ordering::Relaxed) {
            thread::sleep(DRIP);
            sent = stream.write_all(b"x");
        }
    }
}
