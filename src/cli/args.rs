//! The command line becomes an [`Invocation`]: what to do, with every value already a type.
//! This is the only place where a command line can be wrong. Reads nothing but what it is given.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::argv::{Argv, Flag, Usage, hint};
pub(crate) use crate::cli::command::{
    Command, Existing, NextArgs, Notify, Output, Place, Span, Until,
};
use crate::cli::completion::Shell;
use crate::cli::globals::{GlobalFlags, Globals, Surroundings};
use crate::cli::help::Topic;
use crate::cli::idle::When;
use crate::cli::import::flags as import_flags;
use crate::cli::service;
use crate::cli::service::takeover::Takeover;
use crate::cli::why::At;
use crate::model::job::Verb;
use crate::model::run::EndReason;
use crate::store::query::State;

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Invocation {
    Help(Topic),
    Version,
    Run(Box<Globals>, Command),
}

const A_TASK: &str = "the name of a task";

/// Reads the arguments after the program's name.
pub(crate) fn parse(argv: Vec<OsString>, around: &Surroundings<'_>) -> Result<Invocation, Usage> {
    // A global flag may be wrong before the subcommand is known: guess it for the hint.
    let guess = argv.iter().find_map(|arg| Topic::named(arg.to_str()?)).unwrap_or(Topic::Root);
    let mut argv = Argv::new(argv, guess);
    let wants_help = argv.switch(&["-h", "--help"]);
    let wants_version = argv.switch(&["-V", "--version"]);
    let globals = GlobalFlags::take(&mut argv);
    argv.topic = Topic::Root;
    argv.topic = subcommand(&mut argv)?;
    if wants_help {
        return Ok(Invocation::Help(argv.topic));
    }
    if wants_version {
        return Ok(Invocation::Version);
    }
    let globals = globals?;
    if argv.topic == Topic::Demo && globals.name_a_path() {
        let message = "demo takes neither --config nor --data: it makes its own and deletes them";
        return Err(argv.refuse(message.to_owned()));
    }
    let Some(command) = command(&mut argv)? else { return Ok(Invocation::Version) };
    let globals = globals.settle(around).map_err(|message| argv.refuse(message))?;
    Ok(Invocation::Run(Box::new(globals), command))
}

fn subcommand(argv: &mut Argv) -> Result<Topic, Usage> {
    let Some(name) = argv.subcommand()? else { return Ok(Topic::Root) };
    if let Some(topic) = Topic::named(&name) {
        return Ok(topic);
    }
    let plain = |message: &str| Usage { message: message.to_owned(), topic: None };
    Err(match name.as_str() {
        "tui" => plain("\"tui\" is not available in this build"),
        name => {
            let near = hint(name, Topic::subcommands().map(Topic::name));
            argv.refuse(format!("unknown subcommand {name:?}{near}"))
        }
    })
}

/// `None` is `version`.
fn command(argv: &mut Argv) -> Result<Option<Command>, Usage> {
    let command = match argv.topic {
        Topic::Root => without_words(argv, Command::Start)?,
        Topic::Daemon => without_words(argv, Command::Daemon)?,
        Topic::Status => {
            let output = output(argv);
            without_words(argv, Command::Status { output })?
        }
        Topic::Password => without_words(argv, Command::Password)?,
        Topic::Backup => match argv.optional_word()? {
            Some(to) => Command::Backup { to: to.into() },
            None => return Err(argv.refuse("the directory for the copy is missing".to_owned())),
        },
        Topic::Service => Command::Service(service::Order::take(argv)?),
        Topic::Completion => Command::Completion(Shell::take(argv)?),
        Topic::OpenApi => without_words(argv, Command::OpenApi)?,
        Topic::Schema => without_words(argv, Command::Schema)?,
        Topic::Demo => without_words(argv, Command::Demo)?,
        Topic::Version => {
            argv.no_words()?;
            return Ok(None);
        }
        Topic::List => {
            let output = output(argv);
            without_words(argv, Command::List { output })?
        }
        Topic::Validate => {
            let output = output(argv);
            Command::Validate { path: argv.optional_word()?.map(PathBuf::from), output }
        }
        Topic::Exec => {
            let output = output(argv);
            Command::Exec { task: argv.one_word(A_TASK)?, output }
        }
        Topic::Run => run(argv)?,
        Topic::RunTask => {
            let password = argv.value(&["--password"])?;
            Command::RunTask { task: argv.one_word(A_TASK)?, password }
        }
        Topic::Start => operate(argv, Verb::Start)?,
        Topic::Pause => operate(argv, Verb::Pause)?,
        Topic::Resume => operate(argv, Verb::Resume)?,
        Topic::Stop => match argv.any_words()? {
            targets if targets.is_empty() => Command::StopDaemon,
            targets => Command::Operate { verb: Verb::Stop, targets },
        },
        Topic::Restart => {
            let when = When::take(argv)?;
            match argv.any_words()? {
                targets if targets.is_empty() => Command::RestartDaemon { when },
                targets if when == When::Now => Command::Operate { verb: Verb::Restart, targets },
                _ => return Err(argv.refuse("--when-idle takes no target".to_owned())),
            }
        }
        Topic::Init => {
            let existing = match argv.switch(&["-f", "--force"]) {
                true => Existing::Replace,
                false => Existing::Refuse,
            };
            without_words(argv, Command::Init { existing })?
        }
        Topic::Logs => logs(argv)?,
        Topic::History => history(argv)?,
        Topic::Next => Command::Next(next(argv)?),
        Topic::Reload => {
            let dry = argv.switch(&["--dry-run"]);
            without_words(argv, Command::Reload { dry })?
        }
        Topic::Why => {
            let at = argv.value(&["--at"])?;
            let read = |text: String| {
                let form = "a time such as 03:00, \"2026-05-07 03:00\" or 2026-05-07T01:00:00Z";
                At::read(&text).ok_or_else(|| argv.refuse(format!("--at: {text:?} is not {form}")))
            };
            let at = at.map(read).transpose()?;
            Command::Why { task: argv.one_word(A_TASK)?, at }
        }
        Topic::Import => Command::Import(import_flags::read(argv)?),
        Topic::Takeover => Command::Takeover(Takeover::take(argv)?),
        Topic::Promote => Command::Promote(import_flags::promote(argv)?),
        Topic::Notify => Command::Notify(notify(argv)?),
    };
    Ok(Some(command))
}

fn without_words(argv: &mut Argv, command: Command) -> Result<Command, Usage> {
    argv.no_words()?;
    Ok(command)
}

fn run(argv: &mut Argv) -> Result<Command, Usage> {
    let output = output(argv);
    let places: [(Flag, Place); 3] = [
        (&["--daemon"], Place::Daemon),
        (&["--standalone"], Place::Here),
        (&["--detach"], Place::Detached),
    ];
    let given = places.map(|(flag, place)| argv.switch(flag).then_some((flag[0], place)));
    let mut given = given.into_iter().flatten();
    let place = match (given.next(), given.next(), given.next()) {
        (None, ..) => Place::Either,
        (Some((_, place)), None, _) => place,
        // Nobody waits in front of this process for a run in it.
        (Some(("--daemon", _)), Some(("--detach", place)), None) => place,
        (Some((one, _)), Some(_), Some((other, _))) | (Some((one, _)), Some((other, _)), None) => {
            return Err(argv.refuse(format!("{one} and {other} exclude each other")));
        }
    };
    let mut params = Vec::new();
    for text in argv.values("--param")? {
        let Some((key, value)) = text.split_once('=') else {
            return Err(argv.refuse(format!("--param: {text:?} is not KEY=VALUE")));
        };
        params.push((key.to_owned(), value.to_owned()));
    }
    Ok(Command::Run { task: argv.one_word(A_TASK)?, place, output, params })
}

fn operate(argv: &mut Argv, verb: Verb) -> Result<Command, Usage> {
    Ok(Command::Operate { verb, targets: argv.some_words("a task or a service")? })
}

fn logs(argv: &mut Argv) -> Result<Command, Usage> {
    let until = match argv.switch(&["-f", "--follow"]) {
        true => Until::Ended,
        false => Until::Written,
    };
    let output = output(argv);
    let span = match argv.value(&["-n", "--lines"])? {
        None => Span::All,
        Some(text) => {
            let (make, digits): (fn(u64) -> Span, &str) = match text.strip_prefix('+') {
                Some(digits) => (Span::First, digits),
                None => (Span::Last, &text),
            };
            let lines = digits.parse().map_err(|_| {
                argv.refuse(format!(
                    "-n: {text:?} is not a number of lines such as 50 (the last) or +50 (the first)"
                ))
            });
            make(lines?)
        }
    };
    if until == Until::Ended && matches!(span, Span::First(_)) {
        let message = "-n +N shows the first lines and -f follows the last ones: take one of them";
        return Err(argv.refuse(message.to_owned()));
    }
    let targets = argv.some_words("a task, a service or the id of a run")?;
    Ok(Command::Logs { targets, span, output, until })
}

fn history(argv: &mut Argv) -> Result<Command, Usage> {
    let output = output(argv);
    let limit = number(argv, &["-n", "--limit"], 20, 1..=100_000)?;
    let status = match argv.value(&["--status"])? {
        None => None,
        Some(text) => Some(state(&text).map_err(|message| argv.refuse(message))?),
    };
    let task = argv.optional_text()?;
    Ok(Command::History { task, limit, status, output })
}

fn state(text: &str) -> Result<State, String> {
    State::parse(text).ok_or_else(|| {
        let known = ["pending", "running"].into_iter().chain(EndReason::ALL.map(EndReason::as_str));
        let names: Vec<&str> = known.collect();
        let near = hint(text, names.iter().copied());
        format!("--status: {text:?} must be one of {}{near}", names.join(", "))
    })
}

fn next(argv: &mut Argv) -> Result<NextArgs, Usage> {
    let output = output(argv);
    let timezone = argv.value(&["-z", "--timezone"])?;
    let from = instant(argv, &["--from"])?;
    let count = number(argv, &["-n", "--count"], 10, 1..=10_000)?;
    let what = argv.one_word("a task or a cron expression in quotes")?;
    Ok(NextArgs { what, timezone, from, count, output })
}

fn notify(argv: &mut Argv) -> Result<Notify, Usage> {
    let action = argv.subcommand()?;
    let Some(action) = action else {
        return Err(argv.refuse("list, test, mute or unmute is missing".to_owned()));
    };
    match action.as_str() {
        "list" => {
            let output = output(argv);
            argv.no_words()?;
            Ok(Notify::List { output })
        }
        "test" => Ok(Notify::Test { channel: argv.one_word("the id of a notifier")? }),
        "mute" => {
            let until = instant(argv, &["--until"])?;
            Ok(Notify::Mute { task: argv.one_word(A_TASK)?, until })
        }
        "unmute" => Ok(Notify::Unmute { task: argv.one_word(A_TASK)? }),
        other => {
            let near = hint(other, ["list", "test", "mute", "unmute"]);
            let known = "it is one of list, test, mute, unmute";
            Err(argv.refuse(format!("unknown action {other:?}: {known}{near}")))
        }
    }
}

fn instant(argv: &mut Argv, flag: Flag) -> Result<Option<Timestamp>, Usage> {
    let Some(text) = argv.value(flag)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let example = "2026-03-29T00:00:00+01:00";
        let flag = flag.join("/");
        argv.refuse(format!("{flag}: {text:?} is not an RFC 3339 instant such as {example:?}"))
    })
}

fn output(argv: &mut Argv) -> Output {
    if argv.switch(&["--json"]) { Output::Json } else { Output::Human }
}

fn number(
    argv: &mut Argv,
    flag: Flag,
    default: u32,
    range: RangeInclusive<u32>,
) -> Result<u32, Usage> {
    let Some(text) = argv.value(flag)? else { return Ok(default) };
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        let (low, high) = (range.start(), range.end());
        argv.refuse(format!(
            "{}: {text:?} must be a number between {low} and {high}",
            flag.join("/")
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cli::completion;
    use crate::cli::globals::{Origin, Setting};
    use crate::logging::{Level, Look};

    /// Words apart by spaces; `env` as `NAME=value`.
    fn read(
        line: &str,
        env: &[&str],
        is_root: bool,
        has_local_config: bool,
    ) -> Result<Invocation, String> {
        let lookup = |name: &str| {
            env.iter()
                .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
                .map(|(_, v)| v.into())
        };
        let around = Surroundings { env: &lookup, is_root, has_local_config };
        parse(line.split_whitespace().map(OsString::from).collect(), &around)
            .map_err(|usage| usage.to_string())
    }

    fn plain(line: &str) -> Result<Invocation, String> {
        read(line, &[], false, false)
    }

    fn globals(line: &str, env: &[&str]) -> Globals {
        match read(line, env, false, false).unwrap() {
            Invocation::Run(globals, _) => *globals,
            Invocation::Help(_) | Invocation::Version => panic!("{line}"),
        }
    }

    fn command_of(line: &str) -> Command {
        match plain(line) {
            Ok(Invocation::Run(_, command)) => command,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn global_flags_stand_anywhere_and_in_every_form() {
        let expected = Globals {
            config: Setting { path: "c.toml".into(), origin: Origin::Flag },
            data: Setting { path: "d".into(), origin: Origin::Flag },
            socket: Setting { path: "s".into(), origin: Origin::Flag },
            host: "::1".to_owned(),
            port: 80,
            address: Origin::Flag,
            log_level: Level::Debug,
            log_format: Look::Json,
        };
        for line in [
            "-c c.toml --data d --socket s --host ::1 -p 80 --log-level debug daemon --log-format json",
            "daemon --config=c.toml --data=d --socket=s --host=[::1] --port=80 --log-level=debug --log-format=json",
            "--config c.toml daemon --data d --socket s --host ::1 --port 80 --log-level debug --log-format json",
            "-c=c.toml --data d --socket s daemon -p=80 --host ::1 --log-level debug --log-format json --",
        ] {
            assert_eq!(globals(line, &[]), expected, "{line}");
        }
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_default() {
        let env = [
            "RUNWISP_CONFIG=/e.toml",
            "RUNWISP_DATA=/e",
            "RUNWISP_SOCKET=/e.sock",
            "RUNWISP_HOST=0.0.0.0",
            "RUNWISP_PORT=81",
            "RUNWISP_LOG_LEVEL=warn",
        ];
        let defaults = globals("daemon", &[]);
        assert_eq!(
            defaults.config,
            Setting { path: "runwisp.toml".into(), origin: Origin::Default }
        );
        assert_eq!(defaults.data, Setting { path: "data".into(), origin: Origin::Default });
        assert_eq!(
            defaults.socket,
            Setting { path: "data/runwisp.sock".into(), origin: Origin::Default }
        );
        assert_eq!(
            (defaults.host.as_str(), defaults.port, defaults.log_level),
            ("127.0.0.1", 9477, Level::Info)
        );
        assert_eq!(globals("daemon", &["RUNWISP_CONFIG=", "RUNWISP_PORT="]), defaults);

        let from_env = globals("daemon", &env);
        assert_eq!(
            from_env.config,
            Setting { path: "/e.toml".into(), origin: Origin::Environment }
        );
        assert_eq!(from_env.data, Setting { path: "/e".into(), origin: Origin::Environment });
        assert_eq!(from_env.socket.path, PathBuf::from("/e.sock"));
        assert_eq!(
            (from_env.host.as_str(), from_env.port, from_env.log_level),
            ("0.0.0.0", 81, Level::Warn)
        );

        let from_flags = globals("daemon -c f.toml -p 82", &env);
        assert_eq!(from_flags.config, Setting { path: "f.toml".into(), origin: Origin::Flag });
        assert_eq!((from_flags.port, from_flags.host.as_str()), (82, "0.0.0.0"));
    }

    #[test]
    fn root_has_the_places_of_the_system_by_default() {
        for (line, env, has_local_config, config, data) in [
            ("daemon", &[][..], false, "/etc/runwisp/runwisp.toml", "/var/lib/runwisp"),
            ("daemon", &[], true, "runwisp.toml", "/var/lib/runwisp"),
            ("daemon -c x.toml", &[], false, "x.toml", "data"),
            ("daemon -c /x.toml", &[], false, "/x.toml", "/var/lib/runwisp"),
            ("daemon --data d", &[], false, "/etc/runwisp/runwisp.toml", "d"),
            ("daemon", &["RUNWISP_CONFIG=x.toml", "RUNWISP_DATA=e"], false, "x.toml", "e"),
        ] {
            let Ok(Invocation::Run(globals, _)) = read(line, env, true, has_local_config) else {
                panic!("{line}")
            };
            assert_eq!(
                (globals.config.path, globals.data.path),
                (config.into(), data.into()),
                "{line}"
            );
        }
    }

    #[test]
    fn every_command_reads_its_own_arguments() {
        let json = Output::Json;
        let human = Output::Human;
        let operate =
            |verb| Command::Operate { verb, targets: vec!["a".to_owned(), "b".to_owned()] };
        for (line, expected) in [
            ("", Command::Start),
            ("daemon", Command::Daemon),
            ("status", Command::Status { output: human }),
            ("status --json", Command::Status { output: json }),
            ("demo", Command::Demo),
            ("list", Command::List { output: human }),
            ("list --json", Command::List { output: json }),
            ("validate", Command::Validate { path: None, output: human }),
            (
                "validate --json x.toml",
                Command::Validate { path: Some("x.toml".into()), output: json },
            ),
            ("exec backup", Command::Exec { task: "backup".to_owned(), output: human }),
            ("exec --json -- -c", Command::Exec { task: "-c".to_owned(), output: json }),
            ("run-task a", Command::RunTask { task: "a".to_owned(), password: None }),
            (
                "run-task a --password x",
                Command::RunTask { task: "a".to_owned(), password: Some("x".to_owned()) },
            ),
            ("start a b", operate(Verb::Start)),
            ("stop a b", operate(Verb::Stop)),
            ("restart a b", operate(Verb::Restart)),
            ("pause a b", operate(Verb::Pause)),
            ("resume a b", operate(Verb::Resume)),
            ("notify list", Command::Notify(Notify::List { output: human })),
            ("notify list --json", Command::Notify(Notify::List { output: json })),
            (
                "notify test ops:#night",
                Command::Notify(Notify::Test { channel: "ops:#night".to_owned() }),
            ),
            ("notify mute a", Command::Notify(Notify::Mute { task: "a".to_owned(), until: None })),
            (
                "notify mute --until 2026-05-08T18:00:00+02:00 a",
                Command::Notify(Notify::Mute {
                    task: "a".to_owned(),
                    until: Some("2026-05-08T16:00:00Z".parse().unwrap()),
                }),
            ),
            ("notify unmute a", Command::Notify(Notify::Unmute { task: "a".to_owned() })),
            ("stop", Command::StopDaemon),
            ("restart", Command::RestartDaemon { when: When::Now }),
            ("restart --when-idle", Command::RestartDaemon { when: When::Idle { timeout: None } }),
            (
                "restart --when-idle --timeout 30m",
                Command::RestartDaemon {
                    when: When::Idle { timeout: Some(Duration::from_secs(1800)) },
                },
            ),
            ("password", Command::Password),
            ("backup /srv/b", Command::Backup { to: "/srv/b".into() }),
            ("completion zsh", Command::Completion(Shell::Zsh)),
            ("openapi", Command::OpenApi),
            ("schema", Command::Schema),
            ("init", Command::Init { existing: Existing::Refuse }),
            ("init -f", Command::Init { existing: Existing::Replace }),
            ("init --force", Command::Init { existing: Existing::Replace }),
            ("history", Command::History { task: None, limit: 20, status: None, output: human }),
            (
                "history db -n 5 --status failed --json",
                Command::History {
                    task: Some("db".to_owned()),
                    limit: 5,
                    status: Some(State::Ended(EndReason::Failed)),
                    output: json,
                },
            ),
        ] {
            assert_eq!(command_of(line), expected, "{line}");
        }
        for (line, span) in [
            ("a b", Span::All),
            ("a -n 5 b", Span::Last(5)),
            ("-n +5 a b", Span::First(5)),
            ("a b -n=+0", Span::First(0)),
        ] {
            let targets = vec!["a".to_owned(), "b".to_owned()];
            assert_eq!(
                command_of(&format!("logs {line}")),
                Command::Logs { targets, span, output: human, until: Until::Written }
            );
        }
        for (line, place) in [
            ("a", Place::Either),
            ("--daemon a", Place::Daemon),
            ("a --standalone", Place::Here),
            ("a --detach", Place::Detached),
            ("a --detach --daemon", Place::Detached),
        ] {
            let params = Vec::new();
            let expected = Command::Run { task: "a".to_owned(), place, output: human, params };
            assert_eq!(command_of(&format!("run {line}")), expected);
        }
        let next = NextArgs {
            what: "@daily".to_owned(),
            timezone: None,
            from: None,
            count: 10,
            output: human,
        };
        assert_eq!(command_of("next @daily"), Command::Next(next.clone()));
        assert_eq!(
            command_of("next @daily -z UTC --from 2026-03-29T00:00:00+01:00 --count 3 --json"),
            Command::Next(NextArgs {
                timezone: Some("UTC".to_owned()),
                from: Some("2026-03-28T23:00:00Z".parse().unwrap()),
                count: 3,
                output: json,
                ..next
            })
        );
    }

    #[test]
    fn help_and_version_are_answered_whatever_else_is_there() {
        for (line, expected) in [
            ("-h", Invocation::Help(Topic::Root)),
            ("--help list", Invocation::Help(Topic::List)),
            ("exec --help", Invocation::Help(Topic::Exec)),
            ("-p 0 --nonsense -h", Invocation::Help(Topic::Root)),
            ("-V", Invocation::Version),
            ("list --version", Invocation::Version),
            ("version", Invocation::Version),
        ] {
            assert_eq!(plain(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_hint() {
        for (line, expected) in [
            ("lst", "unknown subcommand \"lst\"; did you mean \"list\"?\nsee \"runwisp --help\""),
            ("cloud", "unknown subcommand \"cloud\"\nsee \"runwisp --help\""),
            (
                "run a --standalone --detach",
                "--standalone and --detach exclude each other\nsee \"runwisp run --help\"",
            ),
            ("start", "a task or a service is missing\nsee \"runwisp start --help\""),
            (
                "list --jsn",
                "unknown flag \"--jsn\"; did you mean \"--json\"?\nsee \"runwisp list --help\"",
            ),
            (
                "daemon --prot=1",
                "unknown flag \"--prot\"; did you mean \"--port\"?\nsee \"runwisp daemon --help\"",
            ),
            ("--json list", "unknown flag \"--json\"\nsee \"runwisp --help\""),
            ("list -x", "unknown flag \"-x\"\nsee \"runwisp list --help\""),
            ("daemon --json", "unknown flag \"--json\"\nsee \"runwisp daemon --help\""),
            ("list --config", "--config needs a value\nsee \"runwisp list --help\""),
            ("--port", "--port needs a value\nsee \"runwisp --help\""),
            ("status --port=", "--port needs a value\nsee \"runwisp status --help\""),
            ("list -c --json", "-c needs a value\nsee \"runwisp list --help\""),
            (
                "status -p 1 --port 2",
                "--port is given more than once\nsee \"runwisp status --help\"",
            ),
            ("daemon x", "unexpected argument \"x\"\nsee \"runwisp daemon --help\""),
            ("validate a b", "unexpected argument \"b\"\nsee \"runwisp validate --help\""),
            ("list -- --json", "unexpected argument \"--json\"\nsee \"runwisp list --help\""),
            ("version x", "unexpected argument \"x\"\nsee \"runwisp version --help\""),
            ("exec", "the name of a task is missing\nsee \"runwisp exec --help\""),
            (
                "logs",
                "a task, a service or the id of a run is missing\nsee \"runwisp logs --help\"",
            ),
            (
                "status -p 0",
                "--port: \"0\" is not a port; it must be between 1 and 65535\nsee \"runwisp status --help\"",
            ),
            (
                "status -p 65536",
                "--port: \"65536\" is not a port; it must be between 1 and 65535\nsee \"runwisp status --help\"",
            ),
            (
                "status --host a:80",
                "--host: \"a:80\" is not a host name or an IP address; the port goes into --port\nsee \"runwisp status --help\"",
            ),
            (
                "daemon --log-level loud",
                "--log-level: \"loud\" must be one of debug, info, warn, error\nsee \"runwisp daemon --help\"",
            ),
            (
                "history -n 0",
                "-n/--limit: \"0\" must be a number between 1 and 100000\nsee \"runwisp history --help\"",
            ),
            ("restart --timeout 5s", "--timeout needs --when-idle\nsee \"runwisp restart --help\""),
            (
                "restart --when-idle a",
                "--when-idle takes no target\nsee \"runwisp restart --help\"",
            ),
            ("logs a -n -5", "-n needs a value\nsee \"runwisp logs --help\""),
            (
                "next x --from monday",
                "--from: \"monday\" is not an RFC 3339 instant such as \"2026-03-29T00:00:00+01:00\"\nsee \"runwisp next --help\"",
            ),
            ("service", "install, status or uninstall is missing\nsee \"runwisp service --help\""),
            (
                "service instal",
                "unknown action \"instal\": it is one of install, status, uninstall; did you mean \"install\"?\nsee \"runwisp service --help\"",
            ),
            ("service status --yes", "unknown flag \"--yes\"\nsee \"runwisp service --help\""),
            ("service install x", "unexpected argument \"x\"\nsee \"runwisp service --help\""),
            (
                "completion fishy",
                "unknown shell \"fishy\": it is one of bash, zsh, fish; did you mean \"fish\"?\nsee \"runwisp completion --help\"",
            ),
            ("notify", "list, test, mute or unmute is missing\nsee \"runwisp notify --help\""),
            (
                "notify lst",
                "unknown action \"lst\": it is one of list, test, mute, unmute; did you mean \"list\"?\nsee \"runwisp notify --help\"",
            ),
            ("notify test", "the id of a notifier is missing\nsee \"runwisp notify --help\""),
            ("notify mute", "the name of a task is missing\nsee \"runwisp notify --help\""),
            ("notify unmute a b", "unexpected argument \"b\"\nsee \"runwisp notify --help\""),
            ("notify test ops --json", "unknown flag \"--json\"\nsee \"runwisp notify --help\""),
            (
                "notify mute a --until tomorrow",
                "--until: \"tomorrow\" is not an RFC 3339 instant such as \"2026-03-29T00:00:00+01:00\"\nsee \"runwisp notify --help\"",
            ),
            ("reload x", "unexpected argument \"x\"\nsee \"runwisp reload --help\""),
            (
                "why a --at noon",
                "--at: \"noon\" is not a time such as 03:00, \"2026-05-07 03:00\" or 2026-05-07T01:00:00Z\nsee \"runwisp why --help\"",
            ),
            ("run a --param x", "--param: \"x\" is not KEY=VALUE\nsee \"runwisp run --help\""),
            ("tui", "\"tui\" is not available in this build"),
        ] {
            assert_eq!(plain(line), Err(expected.to_owned()), "{line}");
        }
        assert!(
            plain("logs a -n x").unwrap_err().starts_with("-n: \"x\" is not a number of lines")
        );
        assert!(plain("logs a -f -n +5").unwrap_err().starts_with("-n +N shows the first lines"));
        assert!(plain("demo --data d").unwrap_err().starts_with("demo takes neither"));
        let status = plain("history --status faild").unwrap_err();
        assert!(
            status.contains("must be one of pending, running, success")
                && status.contains("did you mean \"failed\"?")
        );
    }

    /// Completion and manual pages are made from the pages.
    #[test]
    fn the_pages_name_exactly_the_flags_that_are_read() {
        for topic in Topic::subcommands() {
            let page = topic.page();
            let mut told: Vec<&str> =
                completion::flags(&page).into_iter().flat_map(|line| line.names).collect();
            let root = Topic::Root.page();
            let globals: Vec<&str> =
                completion::flags(&root).into_iter().flat_map(|line| line.names).collect();
            told.retain(|name| !globals.contains(name));
            let words = match topic.name() {
                "notify" => &["list", "mute x"][..],
                "service" => &["install", "status", "uninstall"],
                "import" => &["cron x", "pm2 x"],
                _ => &["x"],
            };
            let mut read = Vec::new();
            for words in words {
                let words = words.split(' ').map(OsString::from).collect();
                let mut argv = Argv::new(words, topic);
                // What the words mean is another matter: flags are taken before them.
                let _ = command(&mut argv);
                read.extend(argv.known);
            }
            told.sort_unstable();
            read.sort_unstable();
            read.dedup();
            assert_eq!(told, read, "{topic:?}");
        }
    }

    #[test]
    fn a_bad_variable_is_named() {
        for (pair, expected) in [
            ("RUNWISP_PORT=http", "RUNWISP_PORT: \"http\" is not a port"),
            ("RUNWISP_LOG_LEVEL=all", "RUNWISP_LOG_LEVEL: \"all\" must be one of"),
            ("RUNWISP_LOG_FORMAT=xml", "RUNWISP_LOG_FORMAT: \"xml\" must be one of auto, text"),
            ("RUNWISP_HOST=http://x", "RUNWISP_HOST: \"http://x\" is not a host name"),
        ] {
            let message = read("status", &[pair], false, false).unwrap_err();
            assert!(message.starts_with(expected), "{message}");
        }
    }
}
