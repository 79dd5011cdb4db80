//! Stores what one run writes, within its limits. The run's own thread owns it. A failure
//! never reaches the process: its output is still taken, and dropped.

use std::io::ErrorKind;
use std::sync::Arc;

use jiff::Timestamp;
use memchr::memchr_iter;
use regex_lite::Regex;

use crate::base::bytes;
use crate::logs::error::LogError;
use crate::logs::feed::Feed;
use crate::logs::files::Files;
use crate::logs::limit::{Step, step};
use crate::logs::lines::{Cut, LONGEST, Splitter};
use crate::logs::path::LogPlace;
use crate::logs::prefix::Stream;
use crate::logs::redact::{Held, Secrets};
use crate::logs::wanted::Wanted;
use crate::model::job::{LogLimit, OnFull};
use crate::model::run::{Cause, LogTotals, Pressure};
use crate::sys::{self, error_text};

/// Free space is looked at each time so many bytes were stored (docs/logs.md, Disk space).
const CHECK_EVERY: u64 = 10 << 20;

/// Gets the whole lines of a stream, unprefixed, before any limit; a line may take two calls.
pub(crate) type Observer = Box<dyn FnMut(Stream, &[u8]) + Send>;

/// What the output means for the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Go,
    /// It is to be stopped; said once.
    Stop(Cause),
}

/// Writes the log of one run.
pub(crate) struct LogWriter {
    files: Files,
    limit: LogLimit,
    min_free: Option<u64>,
    /// Bytes stored since free space was looked at.
    unchecked: u64,
    /// What must not be seen, and what is held of each stream because of it; `None` costs nothing.
    secrets: Option<Box<(Secrets, [Held; 3])>>,
    splitters: [Splitter; 3],
    /// Bytes of process output, dropped ones included.
    received: u64,
    state: State,
    /// The disk got full, and nobody took note of it yet.
    pressure: Option<Pressure>,
    observer: Option<Observer>,
    /// `None` where nothing is looked for.
    wanted: Option<Wanted>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Everything is stored, perhaps with rotations.
    Capturing,
    /// Output is dropped, system lines are stored.
    Full,
    /// A write failed: nothing more is stored.
    Broken,
}

impl LogWriter {
    /// Touches no disk: a silent run needs no file.
    pub(crate) fn new(
        place: LogPlace,
        limit: LogLimit,
        min_free: Option<u64>,
        started: Timestamp,
    ) -> LogWriter {
        LogWriter {
            files: Files::new(place, started),
            limit,
            min_free,
            unchecked: 0,
            secrets: None,
            splitters: Default::default(),
            received: 0,
            state: State::Capturing,
            pressure: None,
            observer: None,
            wanted: None,
        }
    }

    /// Has these values taken out of all output before anybody sees it.
    pub(crate) fn hide<'a>(&mut self, values: impl Iterator<Item = &'a str>) {
        self.secrets = Secrets::new(values).map(|secrets| Box::new((secrets, Default::default())));
    }

    pub(crate) fn observe(&mut self, observer: Observer) {
        self.observer = Some(observer);
    }

    /// Has every line of output tested, dropped ones too, until one fits a pattern.
    pub(crate) fn look_for(&mut self, patterns: &Arc<[Regex]>) {
        self.wanted = (!patterns.is_empty()).then(|| Wanted::new(Arc::clone(patterns)));
    }

    /// The pattern that was found.
    pub(crate) fn matched(&self) -> Option<&str> {
        self.wanted.as_ref()?.found()
    }

    /// Has the feed told about every write from now on.
    pub(crate) fn tell(&mut self, feed: Arc<Feed>) {
        self.files.tell(feed);
    }

    /// Makes the directory, so that a run whose output could not be kept is not started. Later
    /// failures end the capture and are told in the daemon's log, and in the run's if possible.
    pub(crate) fn prepare(&self) -> Result<(), LogError> {
        self.files.create_directory()
    }

    /// Stores what the process wrote to stdout or stderr.
    pub(crate) fn take(&mut self, now: Timestamp, stream: Stream, bytes: &[u8]) -> Verdict {
        self.received += bytes.len() as u64;
        let is_heard = self.observer.is_some() || self.wanted.is_some();
        if self.state != State::Capturing && !is_heard {
            return Verdict::Go;
        }
        let Some((secrets, held)) = self.secrets.as_deref_mut() else {
            return self.split(now, stream, bytes);
        };
        let [first, second] = held[stream as usize].take(secrets, bytes);
        let verdict = self.split(now, stream, &first);
        verdict.or(self.split(now, stream, &second))
    }

    fn split(&mut self, now: Timestamp, stream: Stream, bytes: &[u8]) -> Verdict {
        let mut verdict = Verdict::Go;
        for chunk in bytes.chunks(LONGEST) {
            let cut = self.splitters[stream as usize].cut(chunk);
            verdict = verdict.or(self.store(now, stream, cut));
        }
        verdict
    }

    /// One pipe is at its end: what is left of its last line is stored.
    pub(crate) fn end_of(&mut self, now: Timestamp, stream: Stream) -> Verdict {
        let held = self.secrets.as_deref_mut();
        let held = held.map(|(secrets, held)| held[stream as usize].finish(secrets));
        let verdict = self.split(now, stream, &held.unwrap_or_default());
        let cut = self.splitters[stream as usize].finish();
        verdict.or(self.store(now, stream, cut))
    }

    /// Stores a line of runwisp's own, also beyond the limit.
    pub(crate) fn system(&mut self, now: Timestamp, text: &str) {
        if let Err(error) = self.note(now, text) {
            self.give_up(now, &error);
        }
    }

    /// Whether the disk got full; said once.
    pub(crate) fn take_pressure(&mut self) -> Option<Pressure> {
        self.pressure.take()
    }

    /// Completes the log.
    pub(crate) fn close(mut self, now: Timestamp) -> LogTotals {
        self.end_of(now, Stream::Stdout);
        self.end_of(now, Stream::Stderr);
        let truncated = self.is_truncated();
        if truncated {
            self.system(now, &format!("Total process output: {} bytes", self.received));
        }
        let mut done = self.files.finish(now);
        if truncated {
            done = done.and(self.files.write_totals(self.received));
        }
        if let Err(error) = done
            && self.state != State::Broken
        {
            log::error!("{error}");
        }
        LogTotals { lines: self.files.total_lines(), bytes: self.received, truncated }
    }

    fn is_truncated(&self) -> bool {
        self.state != State::Capturing || self.files.has_rotated()
    }

    fn show(&mut self, stream: Stream, lines: &[u8]) {
        if let Some(observer) = &mut self.observer
            && !lines.is_empty()
        {
            observer(stream, lines);
        }
    }

    fn store(&mut self, now: Timestamp, stream: Stream, lines: Cut) -> Verdict {
        if lines.body.is_empty() {
            return Verdict::Go;
        }
        self.show(stream, &lines.head);
        self.show(stream, &lines.body);
        let found = self.wanted.as_mut().and_then(|wanted| wanted.look_at(&lines));
        let verdict = match self.state {
            State::Capturing => {
                self.keep(now, stream, &lines).unwrap_or_else(|error| self.give_up(now, &error))
            }
            State::Full | State::Broken => Verdict::Go,
        };
        if let Some(pattern) = found {
            self.system(now, &format!("Output matched /{pattern}/: the run counts as failed"));
        }
        verdict
    }

    fn keep(&mut self, now: Timestamp, stream: Stream, lines: &Cut) -> Result<Verdict, LogError> {
        let size = (lines.head.len() + lines.body.len()) as u64;
        // Nearly all output goes this way: one write, no copy.
        if stream.prefix().is_empty()
            && self.limit.max.is_none_or(|max| self.files.bytes() + size <= max)
        {
            self.files.append(now, &lines.head, &lines.body)?;
            return Ok(self.watch_space(now, size));
        }
        let lines = prefixed(stream, &lines.head, &lines.body);
        let mut rest = &lines[..];
        while !rest.is_empty() {
            match step(self.limit, self.files.filled(), self.files.bytes(), rest) {
                Step::Store(size) => {
                    let (fitting, later) = rest.split_at(size);
                    self.files.append(now, &[], fitting)?;
                    rest = later;
                }
                Step::Rotate => {
                    self.files.rotate(now)?;
                    let text = "Log rotated: earlier output dropped at log_max_size";
                    self.note(now, &format!("{text} {}", self.max()))?;
                    self.files.mark_fresh();
                }
                Step::Drop => {
                    let text = "reached; further output is not recorded";
                    let text = format!("Log truncated: log_max_size {} {text}", self.max());
                    return Ok(self.stop_output(now, &text, Verdict::Go));
                }
                Step::Kill => {
                    let text = r#"reached; log_on_full="kill_task""#;
                    let text = format!("Process killed: log_max_size {} {text}", self.max());
                    return Ok(self.stop_output(now, &text, Verdict::Stop(Cause::LogOverflow)));
                }
            }
        }
        Ok(self.watch_space(now, lines.len() as u64))
    }

    fn max(&self) -> String {
        bytes::display(self.limit.max.unwrap_or_default())
    }

    /// Looks at the free space when enough was stored since the last time.
    fn watch_space(&mut self, now: Timestamp, stored: u64) -> Verdict {
        self.unchecked += stored;
        let Some(minimum) = self.min_free.filter(|_| self.unchecked >= CHECK_EVERY) else {
            return Verdict::Go;
        };
        self.unchecked = 0;
        let directory = self.files.directory();
        let free = match sys::fs::free_space(directory) {
            Ok(free) => free,
            Err(cause) => {
                log::warn!("{}", LogError::new("tell the free space of", directory, cause));
                self.min_free = None;
                return Verdict::Go;
            }
        };
        if free >= minimum {
            return Verdict::Go;
        }
        self.warn_of_pressure(free);
        let (free, minimum) = (bytes::display(free), bytes::display(minimum));
        match self.limit.on_full {
            OnFull::DropOld | OnFull::DropNew => {
                let text = "Log output stopped: disk space critically low";
                self.stop_output(now, text, Verdict::Go)
            }
            OnFull::KillTask => {
                let why = format!(r#"{free} free, minimum {minimum}; log_on_full="kill_task""#);
                let text = format!("Process killed: disk space critically low: {why}");
                self.stop_output(now, &text, Verdict::Stop(Cause::DiskPressure))
            }
        }
    }

    /// At most once a run: nothing is stored after it.
    fn warn_of_pressure(&mut self, free: u64) {
        let minimum = self.min_free.unwrap_or_default();
        let killed_task = self.limit.on_full == OnFull::KillTask;
        self.pressure = Some(Pressure { free, min: minimum, stopped: killed_task });
        log::warn!(
            "log output stopped: disk space critically low log={} free={:?} min_free_space={:?} \
             killed_task={killed_task}",
            self.files,
            bytes::display(free),
            bytes::display(minimum),
        );
    }

    /// From here on output is dropped; the text says so in the log.
    fn stop_output(&mut self, now: Timestamp, text: &str, verdict: Verdict) -> Verdict {
        self.state = State::Full;
        self.system(now, text);
        verdict
    }

    fn note(&mut self, now: Timestamp, text: &str) -> Result<(), LogError> {
        let line = one_line(text);
        self.show(Stream::System, line.as_bytes());
        if self.state == State::Broken {
            return Ok(());
        }
        self.files.append(now, &[], &prefixed(Stream::System, &[], line.as_bytes()))
    }

    /// The files cannot be written any more.
    fn give_up(&mut self, now: Timestamp, error: &LogError) -> Verdict {
        log::error!("{error}");
        let is_full =
            matches!(error.cause().kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        if is_full && self.state == State::Capturing {
            // A quota may be used up with the disk half empty: then this tells.
            self.warn_of_pressure(sys::fs::free_space(self.files.directory()).unwrap_or_default());
        }
        self.state = State::Broken;
        let text = format!("Log output stopped: {}\n", error_text(error.cause()));
        self.show(Stream::System, text.as_bytes());
        // Where even this does not fit, the daemon's log alone has told it.
        let _ = self.files.append(now, &[], &prefixed(Stream::System, &[], text.as_bytes()));
        match self.limit.on_full {
            OnFull::KillTask if is_full => Verdict::Stop(Cause::DiskPressure),
            OnFull::DropOld | OnFull::DropNew | OnFull::KillTask => Verdict::Go,
        }
    }
}

impl Verdict {
    fn or(self, other: Verdict) -> Verdict {
        match self {
            Verdict::Go => other,
            Verdict::Stop(_) => self,
        }
    }
}

/// `head` and `body` in a row with the prefix of the stream before each line.
fn prefixed(stream: Stream, head: &[u8], body: &[u8]) -> Vec<u8> {
    let prefix = stream.prefix();
    let count = memchr_iter(b'\n', body).count();
    let mut lines = Vec::with_capacity(head.len() + body.len() + count * prefix.len());
    let mut start = 0;
    for end in memchr_iter(b'\n', body) {
        lines.extend_from_slice(prefix);
        if start == 0 {
            lines.extend_from_slice(head);
        }
        lines.extend_from_slice(&body[start..=end]);
        start = end + 1;
    }
    lines
}

/// The text as one line with a newline: it may carry names and causes from outside.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len() + 1);
    for letter in text.chars() {
        match letter.is_control() {
            true => line.extend(letter.escape_default()),
            false => line.push(letter),
        }
    }
    line.push('\n');
    line
}
