//! What an owner writes: the configuration, dotenv files, the command line.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};

use crate::cli::args::{self, Invocation};
use crate::cli::globals::Surroundings as CommandSurroundings;
use crate::config::load::decode;
use crate::config::surroundings::{NoZone, Surroundings};
use crate::config::text::definition_of;
use crate::config::{self as loader, Config, Problem, dotenv as dotenvs, name_flaw};
use crate::model::job::log_directory;
use crate::model::notifier::{IN_APP, Token};
use crate::properties::assert_plain;

/// A file is a configuration whose jobs are good, or it is a list of problems that lie in it.
pub(crate) fn config(data: &[u8]) {
    let surroundings = Surroundings {
        file: "c.toml",
        directory: Path::new("/etc/rw"),
        home: Some(Path::new("/home/me")),
        now: Timestamp::from_second(1_767_225_600).expect("a good instant"),
        zone: &|name| match name {
            "Europe/Vienna" => Ok(TimeZone::fixed(offset(1))),
            _ => Err(NoZone::Unknown),
        },
        local_zone: &|| TimeZone::fixed(offset(5)),
        env: &|name| (name == "A").then(|| "@daily".to_owned()),
        read: &|path| match path.to_str() {
            Some("/etc/rw/a.env") => Ok("A=1\nB=2\n".to_owned()),
            Some("/etc/rw/bad.env") => Ok("A=1\nnonsense\n".to_owned()),
            Some("/etc/rw/t.json") => Ok("{\"a\": {{task|json}}}".to_owned()),
            _ => Err("no such file".to_owned()),
        },
        crontab: &|_, _| Err("no such file".to_owned()),
        entries: &|_| Ok(Vec::new()),
    };
    let read = decode(data, "c.toml").and_then(|text| loader::read(text, &surroundings));
    let shown = String::from_utf8_lossy(data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data));
    match read {
        Ok(config) => {
            assert_good(&config);
            assert_shown(&config);
            assert_placed(&config.warnings, &shown);
        }
        Err(problems) => {
            assert!(!problems.0.is_empty());
            assert_placed(&problems.0, &shown);
            assert!(problems.to_string().lines().count() <= 52, "50 problems and two more lines");
        }
    }
}

fn assert_good(config: &Config) {
    let mut directories: Vec<_> =
        config.jobs.iter().map(|job| log_directory(job.name.as_str())).collect();
    directories.sort_unstable();
    assert!(directories.windows(2).all(|pair| pair[0] != pair[1]), "{directories:?}");
    for job in &config.jobs {
        assert_eq!(name_flaw(job.name.as_str(), job.kind()), None);
        assert!(job.failures.codes.iter().all(|range| !range.is_empty() && *range.start() > 0));
        assert!((1..=1000).contains(&job.alerts.after.failures));
        assert!(job.alerts.heartbeat.as_ref().is_none_or(|url| !url.0.ends_with('/')));
    }
    for channel in channels(config) {
        let id = channel.split(':').next();
        let mut ids = config.notify.notifiers.iter().map(|notifier| notifier.id.as_str());
        assert!(id == Some(IN_APP) || ids.any(|known| Some(known) == id), "{channel}");
    }
    assert!(!config.shutdown_timeout.is_zero());
    assert!(config.external_url.as_ref().is_none_or(|url| !url.ends_with('/')));
}

/// What people see of the file is still a file, and has a part for each job.
fn assert_shown(config: &Config) {
    let text = &config.files[0].text_hidden;
    for job in &config.jobs {
        let part = definition_of(text, job.name.as_str()).expect("a job stands in its file");
        assert!(part.ends_with('\n') && part.len() > 1, "{part}");
    }
}

/// Whoever may be told something.
fn channels(config: &Config) -> impl Iterator<Item = &str> {
    let alerts = config.jobs.iter().map(|job| &job.alerts);
    let of_jobs = alerts.flat_map(|it| it.on_failure.iter().flatten().chain(&it.on_success));
    let of_routes = config.notify.routes.iter().flat_map(|route| &route.to);
    let tokens = of_jobs.chain(of_routes).chain(&config.notify.settings.default_notifiers);
    tokens.map(Token::as_str)
}

/// Problems come in the order of their lines, each inside the file.
fn assert_placed(problems: &[Problem], text: &str) {
    let lines: Vec<usize> = text.split('\n').map(|line| line.chars().count()).collect();
    for Problem { line, column, message, .. } in problems {
        assert!((1..=lines.len()).contains(line), "line {line} of {}: {message}", lines.len());
        let width = lines[line - 1];
        assert!((1..=width + 1).contains(column), "column {column} of {width}: {message}");
    }
    assert!(problems.windows(2).all(|pair| pair[0].line <= pair[1].line));
    for problem in problems {
        assert_plain(&problem.to_string());
    }
}

/// Variables are good, and written out they are read as the same.
pub(crate) fn dotenv(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match dotenvs::parse(text) {
        Ok(variables) => {
            let mut again = String::new();
            for (name, value) in &variables {
                assert!(dotenvs::is_name(name) && !value.contains(['\n', '\0']), "{name}");
                again.push_str(&format!("{name}=\"{value}\"\n"));
            }
            assert_eq!(dotenvs::parse(&again), Ok(variables));
        }
        Err((line, flaw)) => {
            assert!((1..=text.lines().count()).contains(&line), "line {line}");
            assert_plain(&flaw.to_string());
        }
    }
}

/// Each line is an argument; lines that begin with `RUNWISP_` are the environment. A command line
/// that is refused is so in one sentence and a pointer.
pub(crate) fn argv(data: &[u8]) {
    let (variables, arguments): (Vec<&[u8]>, Vec<&[u8]>) =
        data.split(|byte| *byte == b'\n').partition(|line| line.starts_with(b"RUNWISP_"));
    let env = |wanted: &str| {
        let mut values = variables.iter().filter_map(|line| {
            let (name, value) = line.split_at(line.iter().position(|byte| *byte == b'=')?);
            (name == wanted.as_bytes()).then(|| OsString::from_vec(value[1..].to_vec()))
        });
        values.next()
    };
    let around = CommandSurroundings { env: &env, is_root: true, has_local_config: false };
    let arguments = arguments.iter().map(|line| OsString::from_vec(line.to_vec())).collect();
    match args::parse(arguments, &around) {
        Ok(Invocation::Run(globals, _)) => {
            assert!(globals.port != 0 && !globals.host.is_empty());
            assert_plain(&globals.host);
        }
        Ok(Invocation::Help(_) | Invocation::Version) => {}
        Err(usage) => {
            assert!(!usage.message.is_empty());
            assert_plain(&usage.message);
        }
    }
}
