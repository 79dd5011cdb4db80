//! Health checks with real commands and real sockets.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Place, run_of, service};
use crate::base::time::Clock;
use crate::cron::Schedule;
use crate::model::failures::Failures;
use crate::model::job::Backoff;
use crate::model::process::Process;
use crate::model::run::EndReason;
use crate::model::service::{HealthCheck, HttpTarget, Probe, Target};
use crate::process::health::check;
use crate::process::spec::Surroundings;
use crate::threads;

fn ask(probe: Probe, timeout: Duration) -> Result<(), String> {
    let place = Place::new();
    let zone = jiff::tz::TimeZone::UTC;
    let schedule = Schedule::parse("@every 10s", zone, "UTC").unwrap();
    let (delay, backoff) = (Duration::ZERO, Backoff::Constant);
    let health = HealthCheck { probe, schedule, timeout, attempts: 0, delay, backoff };
    let path = std::env::var_os("PATH").unwrap();
    let env = [("PATH".into(), path)].into_iter();
    let surroundings = Surroundings::new(env, None, place.0.join("logs"), None);
    check(&health, &run_of(&service("true")), &Arc::new(surroundings), &Clock::start())
}

const LONG: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(200);

fn command(script: &str, failures: Failures) -> Probe {
    let secrets = [("KEY".to_owned(), "hunter2".to_owned())].into();
    let process = Process { secrets, ..Process::plain() };
    Probe::Command { run: script.into(), process, failures: Arc::new(failures) }
}

#[test]
fn a_command_is_well_unless_it_fails() {
    for (script, answer) in [
        ("test $RUNWISP_TASK = demo", Ok(())),
        ("echo '  no  db'; echo $KEY >&2; exit 3", Err("exit code 3: no db [redacted]")),
        ("exit 1", Err("exit code 1")),
        ("kill -KILL $$", Err("killed by SIGKILL")),
        // Nobody waits for what it leaves behind.
        ("sleep 60 & exit 0", Ok(())),
        ("(yes & yes) | head -c 1000000; true", Ok(())),
    ] {
        let begun = Clock::start();
        let found = ask(command(script, Failures::default()), LONG);
        assert_eq!(found, answer.map_err(str::to_owned), "{script}");
        assert!(begun.now().steady < LONG, "{script}");
    }
    let (code, output) = (vec![3..=5], [regex_lite::Regex::new("^bad").unwrap()].into());
    let failures = || Failures {
        reasons: vec![EndReason::Timeout],
        codes: code.clone(),
        output: Arc::clone(&output),
    };
    for (script, answer) in [
        ("exit 2", Ok(())),
        ("exit 4", Err("exit code 4")),
        ("echo badly", Err("output matched /^bad/: badly")),
    ] {
        let answer = answer.map_err(str::to_owned);
        assert_eq!(ask(command(script, failures()), LONG), answer, "{script}");
    }
    let mut probe = command("true", Failures::default());
    if let Probe::Command { process, .. } = &mut probe {
        process.working_dir = Some("/no/dir".into());
    }
    let text = "cannot enter the working_dir /no/dir: no such file or directory";
    assert_eq!(ask(probe, LONG), Err(text.to_owned()));
}

#[test]
fn a_command_that_takes_too_long_is_killed_with_its_group() {
    let place = Place::new();
    let file = place.0.join("pids");
    let script = format!("sleep 60 & echo $! $$ >{}; echo started; wait", file.display());
    let begun = Clock::start();
    let found = ask(command(&script, Failures::default()), SHORT);
    assert_eq!(found, Err("no answer within 200ms: started".to_owned()));
    assert!(begun.now().steady < LONG);
    let pids = std::fs::read_to_string(&file).unwrap();
    for pid in pids.split_whitespace() {
        super::wait_for(|| {
            let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // Its parent is gone too: whoever inherits it may take a moment to reap it.
            (state.is_empty() || state.contains(") Z ")).then_some(())
        });
    }
    let without = Failures { reasons: Vec::new(), ..Failures::default() };
    assert_eq!(ask(command("sleep 60", without), SHORT), Ok(()));
}

/// A server that gives one answer, and what it was asked.
fn server(answer: &'static str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 512];
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read(&mut buffer) {
                Ok(length @ 1..) => request.extend_from_slice(&buffer[..length]),
                Ok(0) | Err(_) => break,
            }
        }
        stream.write_all(answer.as_bytes()).unwrap();
        if answer.is_empty() {
            // Silent until the other side gives up.
            let _ = stream.read(&mut buffer);
        }
        String::from_utf8(request).unwrap()
    };
    (port, threads::spawn("server", serve).unwrap())
}

fn http(port: u16) -> Probe {
    let at = Target { host: "127.0.0.1".to_owned(), port };
    let (path, authority) = ("/health?a=1".to_owned(), "box:1".to_owned());
    Probe::Http(HttpTarget { at, path, authority })
}

#[test]
fn a_page_is_well_with_a_status_from_200_to_399() {
    for (answer, expected) in [
        ("HTTP/1.1 200 OK\r\n\r\n", Ok(())),
        ("HTTP/1.0 399 x\nrest", Ok(())),
        ("HTTP/1.1 204\r\n\r\n", Ok(())),
        ("HTTP/1.1 503 busy\r\n\r\n", Err("status 503")),
        ("HTTP/1.1 199 x\r\n\r\n", Err("status 199")),
        ("SSH-2.0-x\r\n", Err("the answer is not HTTP")),
    ] {
        let (port, served) = server(answer);
        assert_eq!(ask(http(port), LONG), expected.map_err(str::to_owned), "{answer}");
        let request = served.join().unwrap();
        assert!(request.starts_with("GET /health?a=1 HTTP/1.1\r\nHost: box:1\r\n"), "{request}");
        assert!(request.contains("\r\nConnection: close\r\n"), "{request}");
    }
    let (port, served) = server("");
    assert_eq!(ask(http(port), SHORT), Err("no answer within 200ms".to_owned()));
    served.join().unwrap();
}

#[test]
fn a_port_is_well_that_takes_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let tcp = || Probe::Tcp(Target { host: "localhost".to_owned(), port });
    assert_eq!(ask(tcp(), LONG), Ok(()));
    drop(listener);
    let text = format!("cannot connect to localhost:{port}: connection refused");
    assert_eq!(ask(tcp(), LONG), Err(text.clone()));
    assert_eq!(ask(http(port), LONG), Err(text.replace("localhost", "127.0.0.1")));
}
