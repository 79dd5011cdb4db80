//! Mail through the program of the host: `sendmail -t -i`, as every mail system brings one.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::{Letter, mail};
use crate::base::sentence::error_text;
use crate::base::time::Clock;
use crate::model::notifier::Mail;
use crate::model::run::Leader;
use crate::notify::{Facts, Outcome};
use crate::sys::group::Group;
use crate::sys::process::Process;
use crate::sys::{poll, signals};
use crate::threads;

/// Where it is, in the order of looking; last, `sendmail` in `PATH`.
const PLACES: [&str; 3] = ["/usr/sbin/sendmail", "/usr/lib/sendmail", "/usr/bin/sendmail"];
/// It may go better later (sysexits.h).
const EX_TEMPFAIL: i32 = 75;
/// What is kept of its errors.
const ERRORS: usize = 4096;

/// One attempt.
pub(super) fn send(
    path: Option<&Path>,
    mail: &Mail,
    target: Option<&str>,
    letter: &Letter,
    facts: &Facts,
    limit: Duration,
) -> Result<Outcome, String> {
    let text = mail::plain(mail, target, letter, facts)?.formatted();
    let found = || PLACES.into_iter().find(|place| Path::new(place).exists());
    let program = path.map_or_else(|| found().unwrap_or("sendmail").as_ref(), Path::as_os_str);
    Ok(run(program, unix_lines(&text), limit).unwrap_or_else(|error| {
        let text = format!("cannot run {}: {}", program.display(), error_text(&error));
        if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) {
            return Outcome::Refused { error: text };
        }
        Outcome::Retry { error: text, after: None }
    }))
}

/// A program on this side of a pipe expects lines as the host writes them.
fn unix_lines(text: &[u8]) -> Vec<u8> {
    let pairs = text.iter().zip(text.iter().skip(1).map(Some).chain([None]));
    pairs.filter(|pair| *pair != (&b'\r', Some(&b'\n'))).map(|(byte, _)| *byte).collect()
}

fn run(program: &OsStr, text: Vec<u8>, limit: Duration) -> io::Result<Outcome> {
    let mut child = Command::new(program)
        .args(["-t", "-i"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let ended = watch(&mut child, text, limit);
    if !matches!(ended, Ok(Some(_))) {
        // Not reaped yet, so the number is still its own.
        let leader = Leader { pid: child.id().cast_signed(), start: 0 };
        let _ = Group::of(leader).signal(signals::number(crate::model::job::StopSignal::Kill));
    }
    let status = child.wait()?;
    Ok(match ended? {
        Some(errors) => judged(status, &errors),
        None => Outcome::Retry { error: "no end in time".to_owned(), after: None },
    })
}

/// Hands it the mail and waits for its end: what it wrote to its standard error, or `None` when
/// it takes too long.
fn watch(child: &mut Child, text: Vec<u8>, limit: Duration) -> io::Result<Option<String>> {
    let clock = Clock::start();
    let process = Process::open(child.id())?;
    let mut stdin = child.stdin.take().expect("piped");
    let mut stderr = child.stderr.take().expect("piped");
    // A mail may be longer than a pipe holds, and its reader may read nothing. Then the end of
    // the group ends the pipe and this thread; a program that did not want all of it says so itself.
    threads::spawn("sendmail", move || drop(stdin.write_all(&text)))?;
    let (mut errors, mut is_open) = (Vec::new(), true);
    loop {
        let left = limit.saturating_sub(clock.now().steady);
        if left.is_zero() {
            return Ok(None);
        }
        let fds = [Some(process.as_fd()), is_open.then_some(stderr.as_fd())];
        let [is_over, has_errors] = poll::readable(fds, Some(left))?;
        // What it left behind may go on to write.
        if has_errors && !(is_over && errors.len() == ERRORS) {
            let mut chunk = [0; 1024];
            let length = stderr.read(&mut chunk)?;
            is_open = length > 0;
            let kept = length.min(ERRORS - errors.len());
            errors.extend_from_slice(&chunk[..kept]);
        } else if is_over {
            return Ok(Some(String::from_utf8_lossy(&errors).into_owned()));
        }
    }
}

fn judged(status: ExitStatus, errors: &str) -> Outcome {
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("sendmail exit {code}"),
        (None, Some(signal)) => format!("sendmail killed by {}", signals::name(signal)),
        (None, None) => "sendmail ended strangely".to_owned(),
    };
    let error = match errors.trim() {
        "" => how.clone(),
        errors => format!("{how}: {errors}"),
    };
    match status.code() {
        Some(0) => Outcome::Delivered { answer: how },
        Some(EX_TEMPFAIL) => Outcome::Retry { error, after: None },
        Some(_) | None => Outcome::Refused { error },
    }
}
