//! One health check of a replica, from its start to its answer, on the thread that calls
//! (docs/configuration.md, Health checks). When it is due and what follows is decided elsewhere.

use std::io::{self, PipeReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use crate::base::time::Clock;
use crate::logs::redact::{Held, Secrets};
use crate::model::failures::Failures;
use crate::model::job::StopSignal;
use crate::model::process::Process;
use crate::model::run::{EndReason, ExitHow, NO_EXIT_STATUS, Run};
use crate::model::service::{HealthCheck, HttpTarget, Probe, Target};
use crate::process::command::Launch;
use crate::process::spec::Surroundings;
use crate::sys::{error_text, poll, signals};

/// The most output that is kept of a command.
const OUTPUT_LIMIT: usize = 4096;
/// The most that is read of an answer: its first line.
const ANSWER_LIMIT: usize = 1024;

/// Asks once. `Err` says in a few words what is wrong, without secrets.
pub(crate) fn check(
    check: &HealthCheck,
    run: &Run,
    surroundings: &Arc<Surroundings>,
    clock: &Clock,
) -> Result<(), String> {
    let (at, timeout) = (clock.now().steady + check.timeout, check.timeout);
    let due = Due { clock, at, timeout };
    match &check.probe {
        Probe::Command { run: script, process, failures } => {
            let launch = Launch { script, process, run, params: &[], surroundings };
            command(&launch, failures, &due)
        }
        Probe::Http(target) => http(target, &due),
        Probe::Tcp(target) => connect(target, &due).map(drop),
    }
}

/// Until when a check may take.
struct Due<'a> {
    clock: &'a Clock,
    /// On the steady clock.
    at: Duration,
    timeout: Duration,
}

impl Due<'_> {
    /// What is left, if anything.
    fn left(&self) -> Result<Duration, String> {
        let left = self.at.saturating_sub(self.clock.now().steady);
        if left.is_zero() { Err(self.over()) } else { Ok(left) }
    }

    fn over(&self) -> String {
        format!("no answer within {:?}", self.timeout)
    }

    fn failed(&self, what: &str, error: &io::Error) -> String {
        let is_over = [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock].contains(&error.kind());
        if is_over { self.over() } else { format!("{what}: {}", error_text(error)) }
    }
}

fn command(launch: &Launch<'_>, failures: &Failures, due: &Due<'_>) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot create a pipe: {}", error_text(&error));
    let (mut pipe, writer) = io::pipe().map_err(failed)?;
    let mut child = launch.command()?.spawn(&writer, &writer, None)?;
    drop(writer);
    let mut output = Vec::new();
    let how = wait(&mut pipe, || child.ended(), child.as_fd(), &mut output, due);
    // What it left behind would pile up, a check after the other.
    let _ = child.group().signal(signals::number(StopSignal::Kill));
    // It is dead or will be; only its number is wanted back.
    child.reap();
    let text = shown(&output, launch.process);
    let (code, why) = match how {
        Ok(ExitHow::Code(code)) => (code, format!("exit code {code}")),
        Ok(ExitHow::Signal(signal)) => {
            (128 + signal, format!("killed by {}", signals::name(signal)))
        }
        Ok(ExitHow::NotStarted(text)) => return Err(text),
        Err(over) if failures.counts(EndReason::Timeout, NO_EXIT_STATUS) => {
            return Err(over + &text);
        }
        Err(_) => return Ok(()),
    };
    if code == 0 {
        let matches = |line: &str| failures.output.iter().find(|pattern| pattern.is_match(line));
        let all = String::from_utf8_lossy(&output);
        return match all.lines().find_map(matches) {
            Some(pattern) => Err(format!("output matched /{pattern}/{text}")),
            None => Ok(()),
        };
    }
    if failures.counts(EndReason::Failed, code) { Err(why + &text) } else { Ok(()) }
}

/// Reads until the leader has ended, or time is over.
fn wait(
    pipe: &mut PipeReader,
    ended: impl Fn() -> Option<ExitHow>,
    leader: BorrowedFd<'_>,
    output: &mut Vec<u8>,
    due: &Due<'_>,
) -> Result<ExitHow, String> {
    let mut buffer = [0; OUTPUT_LIMIT];
    let mut is_open = true;
    loop {
        let fds = [is_open.then(|| pipe.as_fd()), Some(leader)];
        let ready = poll::readable(fds, Some(due.left()?));
        let [readable, over] = ready.map_err(|error| due.failed("cannot wait", &error))?;
        if readable {
            match pipe.read(&mut buffer) {
                Ok(0) | Err(_) => is_open = false,
                Ok(length) => {
                    let room = OUTPUT_LIMIT - output.len();
                    output.extend_from_slice(&buffer[..length.min(room)]);
                }
            }
        }
        let has_enough = !readable || output.len() == OUTPUT_LIMIT;
        if over
            && has_enough
            && let Some(how) = ended()
        {
            return Ok(how);
        }
    }
}

/// The output behind a message: its words on one line, as far as they were kept, without secrets.
fn shown(output: &[u8], process: &Process) -> String {
    let values = process.secrets.iter().map(|(_, value)| value.as_str());
    let hidden = Secrets::new(values).map(|secrets| match output.len() {
        // Cut off there; what may be the beginning of a secret is not told.
        OUTPUT_LIMIT => Held::default().take(&secrets, output).concat(),
        _ => secrets.hide(output),
    });
    let text = String::from_utf8_lossy(hidden.as_deref().unwrap_or(output)).into_owned();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() { words } else { format!(": {words}") }
}

/// The first address that takes a connection in time. Only asking for a name may take longer: the
/// resolver has a patience of its own.
fn connect(Target { host, port }: &Target, due: &Due<'_>) -> Result<TcpStream, String> {
    let failed = |error: &io::Error| due.failed(&format!("cannot connect to {host}:{port}"), error);
    let addresses = (host.as_str(), *port).to_socket_addrs().map_err(|error| failed(&error))?;
    let mut last = format!("{host} has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, due.left()?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = failed(&error),
        }
    }
    Err(last)
}

fn http(target: &HttpTarget, due: &Due<'_>) -> Result<(), String> {
    let mut stream = connect(&target.at, due)?;
    let failed = |error: io::Error| due.failed("cannot ask", &error);
    let HttpTarget { path, authority, .. } = target;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: runwisp\r\nConnection: close\r\n\r\n"
    );
    stream.set_write_timeout(Some(due.left()?)).map_err(failed)?;
    stream.write_all(request.as_bytes()).map_err(failed)?;
    let mut answer = Vec::new();
    let mut buffer = [0; ANSWER_LIMIT];
    while !answer.contains(&b'\n') && answer.len() < ANSWER_LIMIT {
        stream.set_read_timeout(Some(due.left()?)).map_err(failed)?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    match status(&answer) {
        Some(200..=399) => Ok(()),
        Some(status) => Err(format!("status {status}")),
        None => Err("the answer is not HTTP".to_owned()),
    }
}

/// The status of `HTTP/1.1 200 OK` (RFC 9112, 4).
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\n').next()?;
    let rest = str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    let status = rest.get(1..5)?.strip_prefix(' ')?;
    status.parse().ok().filter(|status| *status >= 100)
}
