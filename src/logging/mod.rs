//! The daemon's own log, on stderr: the journal's format under systemd, times and colours on a
//! terminal. simplelog is the front that `log` speaks to; the lines themselves are ours, because
//! simplelog knows neither the journal nor a clock that changes its offset, and would wait for
//! a stuck stderr. Task output never comes here.

mod line;
mod queue;
mod recent;

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::panic::PanicHookInfo;
use std::sync::Arc;
use std::time::Duration;
use std::{env, panic, thread};

use jiff::tz::TimeZone;
use log::{LevelFilter, Log, Metadata, Record};
use simplelog::{CombinedLogger, SharedLogger};

use self::line::{Format, Priority};
use self::queue::Queue;
use self::recent::Recent;
pub(crate) use self::recent::{Lines, Tail};
use crate::base::time::{Clock, rfc3339};
use crate::threads;

/// How long the last lines may take: a stop has 3 s in all (docs/running.md, Stopping).
const PATIENCE: Duration = Duration::from_millis(200);

/// The newest lines, for those who follow the log over HTTP. There is one log a process.
static RECENT: Recent = Recent::new();

/// The least important lines that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

impl Level {
    const ALL: [Level; 4] = [Level::Error, Level::Warn, Level::Info, Level::Debug];

    /// The level of this name in lower case.
    pub(crate) fn named(name: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.as_str() == name)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }

    fn filter(self) -> LevelFilter {
        match self {
            Level::Error => LevelFilter::Error,
            Level::Warn => LevelFilter::Warn,
            Level::Info => LevelFilter::Info,
            Level::Debug => LevelFilter::Debug,
        }
    }
}

/// What lines look like, as far as somebody chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// As whoever reads stderr likes it best.
    Auto,
    /// The same without colour.
    Text,
    Json,
}

impl Look {
    /// The look of this name in lower case.
    pub(crate) fn named(name: &str) -> Option<Look> {
        [Look::Auto, Look::Text, Look::Json].into_iter().find(|look| look.as_str() == name)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Look::Auto => "auto",
            Look::Text => "text",
            Look::Json => "json",
        }
    }
}

/// The running log; one a process.
#[derive(Debug)]
pub(crate) struct Logging {
    queue: Arc<Queue>,
}

impl Logging {
    /// Directs `log` and panics to stderr, through a thread of their own.
    pub(crate) fn start(level: Level, look: Look) -> io::Result<Logging> {
        let mut stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        let ink = Arc::new(Ink {
            format: format_of(&stderr, look)?,
            clock: Clock::start(),
            zone: TimeZone::try_system().unwrap_or(TimeZone::UTC),
            queue: Arc::default(),
            recent: &RECENT,
        });
        let queue = Arc::clone(&ink.queue);
        let teller = Arc::clone(&ink);
        threads::spawn("log", move || {
            let notice = |count| {
                teller.lines(Priority::Warn, &format!("log lines lost count={count}")).concat()
            };
            teller.queue.drain(&mut stderr, notice);
        })?;
        let front = Front { level: level.filter(), ink: Arc::clone(&ink) };
        CombinedLogger::init(vec![Box::new(front)]).map_err(io::Error::other)?;
        panic::set_hook(Box::new(move |info| ink.record_panic(info)));
        Ok(Logging { queue })
    }

    /// Writes what is left, for 200 ms at most. Later lines are lost.
    pub(crate) fn shutdown(self) {
        self.queue.close();
        self.queue.flush(PATIENCE);
    }
}

/// Follows the log: its last lines and every new one.
pub(crate) fn tail() -> Tail {
    RECENT.tail()
}

/// Ends all who follow the log.
pub(crate) fn end_tails() {
    RECENT.close();
}

/// Whether stderr goes to the journal. Errors then carry its prefix (docs/deployment.md, Logging).
pub(crate) fn stderr_is_journal() -> bool {
    let Ok(stderr) = io::stderr().as_fd().try_clone_to_owned() else { return false };
    is_journal(&File::from(stderr)).unwrap_or(false)
}

/// The line of an error that ends the program, as the journal wants it.
pub(crate) fn journal_error(message: &str) -> String {
    Format::Journal.lines(Priority::Error, "", message).concat()
}

/// Whether colours are welcome on a stream (no-color.org).
pub(crate) fn is_coloured(stream: &impl IsTerminal) -> bool {
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    stream.is_terminal() && !no_color && !is_dumb
}

fn is_journal(stderr: &File) -> io::Result<bool> {
    let Ok(named) = env::var("JOURNAL_STREAM") else { return Ok(false) };
    let stat = stderr.metadata()?;
    Ok(line::names_file(&named, stat.dev(), stat.ino()))
}

fn format_of(stderr: &File, look: Look) -> io::Result<Format> {
    let for_journal = is_journal(stderr)?;
    Ok(match look {
        Look::Json => Format::Json { for_journal },
        Look::Auto | Look::Text if for_journal => Format::Journal,
        Look::Auto if is_coloured(stderr) => Format::Coloured,
        Look::Auto | Look::Text => Format::Plain,
    })
}

/// Makes lines and hands them to the thread that writes them.
#[derive(Debug)]
struct Ink {
    format: Format,
    clock: Clock,
    zone: TimeZone,
    queue: Arc<Queue>,
    recent: &'static Recent,
}

impl Ink {
    fn lines(&self, priority: Priority, message: &str) -> Vec<String> {
        match self.format {
            Format::Json { .. } => {
                self.format.lines(priority, &rfc3339(self.clock.now().wall), message)
            }
            Format::Journal | Format::Plain | Format::Coloured => {
                self.format.lines(priority, &self.time(), message)
            }
        }
    }

    fn time(&self) -> String {
        let now = self.clock.now().wall.to_zoned(self.zone.clone());
        now.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn record(&self, priority: Priority, message: &str) {
        let time = self.time();
        for line in Format::Plain.lines(priority, &time, message) {
            self.recent.push(line.trim_end_matches('\n'));
        }
        let lines = self.lines(priority, message);
        lines.into_iter().for_each(|line| self.queue.push(line));
    }

    fn record_panic(&self, info: &PanicHookInfo<'_>) {
        let thread = thread::current();
        let name = thread.name().unwrap_or("unnamed");
        let place = info.location().map_or_else(String::new, |place| format!(" at={place}"));
        // Who sends alerts has secrets at hand, and a panic may be about any of them.
        let has_secrets = ["notify-", "heartbeat", "smtp"].iter().any(|it| name.starts_with(it));
        let text = match has_secrets {
            true => "(the text is withheld)",
            false => threads::panic_text(info.payload()),
        };
        self.record(Priority::Panic, &format!("panic: {text} thread={name}{place}"));
        if name == "main" {
            // Nobody may be left to flush.
            self.queue.flush(PATIENCE);
        }
    }
}

/// What simplelog calls.
struct Front {
    level: LevelFilter,
    ink: Arc<Ink>,
}

impl Log for Front {
    /// Of libraries only what an operator must know. The HTTP server would call it an error that
    /// nobody can come in by its own door any more, which is how it is meant.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        match metadata.target().split("::").next() {
            Some(env!("CARGO_CRATE_NAME")) => metadata.level() <= self.level,
            Some("tiny_http") => false,
            Some(_) | None => metadata.level() <= self.level.min(LevelFilter::Warn),
        }
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let priority = match record.level() {
            log::Level::Error => Priority::Error,
            log::Level::Warn => Priority::Warn,
            log::Level::Info => Priority::Info,
            log::Level::Debug | log::Level::Trace => Priority::Debug,
        };
        self.ink.record(priority, &record.args().to_string());
    }

    fn flush(&self) {
        self.ink.queue.flush(PATIENCE);
    }
}

impl SharedLogger for Front {
    fn level(&self) -> LevelFilter {
        self.level
    }

    fn config(&self) -> Option<&simplelog::Config> {
        None
    }

    fn as_log(self: Box<Self>) -> Box<dyn Log> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_lines_pass_by_level_and_those_of_libraries_only_as_warnings() {
        let ink = Arc::new(Ink {
            format: Format::Journal,
            clock: Clock::start(),
            zone: TimeZone::UTC,
            queue: Arc::default(),
            recent: Box::leak(Box::new(Recent::new())),
        });
        let front = Front { level: LevelFilter::Info, ink: Arc::clone(&ink) };
        for (target, level) in [
            ("runwisp::daemon", log::Level::Info),
            ("runwisp", log::Level::Debug),
            ("runwisper", log::Level::Info),
            ("ureq", log::Level::Warn),
            ("tiny_http", log::Level::Error),
        ] {
            let message = format_args!("{target}");
            front.log(&Record::builder().target(target).level(level).args(message).build());
        }
        ink.queue.close();
        let mut written = Vec::new();
        ink.queue.drain(&mut written, |lost| panic!("{lost}"));
        assert_eq!(String::from_utf8(written).unwrap(), "<6>runwisp::daemon\n<4>ureq\n");
        let Lines::New(recent) = ink.recent.tail().next(Duration::ZERO) else { panic!("no lines") };
        let plain: Vec<&str> = recent.iter().map(|line| &line[20..]).collect();
        assert_eq!(plain, ["[INFO] runwisp::daemon", "[WARN] ureq"]);
    }

    #[test]
    fn a_time_is_local_and_the_journal_has_its_own() {
        let zone = TimeZone::fixed(jiff::tz::offset(14));
        let clock = Clock::start();
        let plain = Ink {
            format: Format::Plain,
            clock,
            zone: zone.clone(),
            queue: Arc::default(),
            recent: &RECENT,
        };
        let before = plain.clock.now().wall.to_zoned(zone.clone());
        let line = plain.lines(Priority::Info, "x").concat();
        let shown = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", &line[..19]).unwrap();
        let late = shown.to_zoned(zone).unwrap().duration_since(&before).as_secs();
        assert!((-1..60).contains(&late), "{line}");
        assert_eq!(&line[19..], " [INFO] x\n");
    }
}
