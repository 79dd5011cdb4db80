//! The help pages, as they are printed.

use crate::cli::{backup, completion, import, notify, reload, service, why};

/// A page: the overview, or one subcommand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Root,
    Daemon,
    Status,
    List,
    Validate,
    Run,
    RunTask,
    Exec,
    Start,
    Stop,
    Restart,
    Pause,
    Resume,
    Notify,
    Init,
    Logs,
    History,
    Next,
    Reload,
    Why,
    Import,
    Promote,
    Takeover,
    Password,
    Backup,
    Service,
    OpenApi,
    Completion,
    Schema,
    Demo,
    Version,
}

impl Topic {
    /// Every subcommand, in the order of the overview: what is typed, and the page about it. What
    /// else knows subcommands and their flags, such as completion, reads them here.
    const TABLE: [(Topic, &'static str, &'static str); 30] = [
        (Topic::Daemon, "daemon", DAEMON),
        (Topic::Status, "status", STATUS),
        (Topic::Password, "password", PASSWORD),
        (Topic::Backup, "backup", backup::HELP),
        (Topic::Service, "service", service::HELP),
        (Topic::Init, "init", INIT),
        (Topic::Validate, "validate", VALIDATE),
        (Topic::List, "list", LIST),
        (Topic::Next, "next", NEXT),
        (Topic::Import, "import", import::flags::HELP),
        (Topic::Promote, "promote", import::promote::HELP),
        (Topic::Takeover, "takeover", service::takeover::HELP),
        (Topic::Reload, "reload", reload::HELP),
        (Topic::Why, "why", why::HELP),
        (Topic::Run, "run", RUN),
        (Topic::RunTask, "run-task", RUN_TASK),
        (Topic::Exec, "exec", EXEC),
        (Topic::History, "history", HISTORY),
        (Topic::Logs, "logs", LOGS),
        (Topic::Start, "start", START),
        (Topic::Stop, "stop", STOP),
        (Topic::Restart, "restart", RESTART),
        (Topic::Pause, "pause", PAUSE),
        (Topic::Resume, "resume", RESUME),
        (Topic::Notify, "notify", notify::HELP),
        (Topic::OpenApi, "openapi", OPENAPI),
        (Topic::Schema, "schema", SCHEMA),
        (Topic::Completion, "completion", completion::HELP),
        (Topic::Demo, "demo", DEMO),
        (Topic::Version, "version", VERSION),
    ];

    /// The subcommands.
    pub(crate) fn subcommands() -> impl Iterator<Item = Topic> {
        Topic::TABLE.iter().map(|(topic, ..)| *topic)
    }

    /// The subcommand of this name.
    pub(crate) fn named(name: &str) -> Option<Topic> {
        Topic::subcommands().find(|topic| topic.name() == name)
    }

    /// The name that is typed; the overview has none.
    pub(crate) fn name(self) -> &'static str {
        self.row().0
    }

    /// The whole page. The global flags stand below what takes them.
    pub(crate) fn page(self) -> String {
        match self.row() {
            ("", page) => format!("{page}\n{GLOBAL_FLAGS}\n{ENVIRONMENT}"),
            (_, page) if page.contains("[flags]\n") => format!("{page}\n{GLOBAL_FLAGS}"),
            (_, page) => page.to_owned(),
        }
    }

    fn row(self) -> (&'static str, &'static str) {
        let row = Topic::TABLE.iter().find(|(topic, ..)| *topic == self);
        row.map_or(("", ROOT), |(_, name, page)| (name, page))
    }
}

const ROOT: &str = "\
RunWisp runs scheduled tasks and keeps services alive: one daemon, one file, a history of every run.

Usage: runwisp [flags] [subcommand]

Without a subcommand: starts a daemon in the background if none runs, and says where it listens.

The daemon:
  daemon              run in the foreground, as a service manager wants it
  status              is the daemon healthy? exit 0 or 1
  stop, restart       stop the daemon, or start it anew (with names: tasks and services)
  password            print the password that the daemon made
  backup <directory>  copy the history and the logs, also while the daemon runs
  service install     run the daemon as a service of systemd; also status, uninstall

The configuration:
  init                write a commented runwisp.toml to start from
  validate [path]     check the configuration, every problem with its line
  list                the tasks and services it defines
  schema              print a JSON Schema of it, for editors
  next <task|\"expr\">  when a schedule ticks, and what daylight saving does to it
  import <source>     tables from cron, supervisord, systemd or pm2
  promote <task...>   take imported tables into your own file
  takeover            run the jobs of cron here, and stop cron
  reload              have the daemon read it again; --dry-run says what it would change
  why <task>          why it ran at a moment, or did not

Runs:
  run <task>          run a task, in the daemon or without one, and wait for it
  run-task <task>     have the daemon start a task, and do not wait
  exec <task>         run one task here and now, without a daemon
  history [task]      recent runs and how they ended
  logs <target...>    what tasks, services and runs printed; -f follows

Tasks and services of the daemon, by name or pattern:
  start <target...>   start what does not run
  stop <target...>    stop what runs and drop what waits
  restart <target...> stop and start again
  pause <task...>     switch schedules off
  resume <task...>    switch them on again

Alerts:
  notify list         the notifiers and how they fare
  notify test <id>    send a sample; exit 0 when it was delivered
  notify mute <task>  send the alerts of a task nowhere until tomorrow; unmute ends it

Other:
  openapi             print the schema of the HTTP API
  completion <shell>  print what makes bash, zsh or fish complete the words of runwisp
  demo                a daemon with sample tasks in a temporary directory
  version             print the version

\"runwisp <subcommand> --help\" says more.
";

const GLOBAL_FLAGS: &str = "\
Global flags, before or after the subcommand:
  -c, --config <path>    config file [runwisp.toml; for root where there is none:
                         /etc/runwisp/runwisp.toml]
      --data <path>      data directory: database, logs, password [data; for root: /var/lib/runwisp,
                         unless --config is a relative path]
      --socket <path>    control socket [runwisp.sock in the data directory]
      --host <host>      address to listen on, or to ask [127.0.0.1]
  -p, --port <port>      HTTP port, 1 to 65535 [9477]
      --log-level <lvl>  debug, info, warn or error [info]
      --log-format <fmt> auto, text (no colour) or json [auto]
  -h, --help             this page
  -V, --version          print the version
";

const ENVIRONMENT: &str = "\
Environment:
  RUNWISP_CONFIG, RUNWISP_DATA, RUNWISP_SOCKET, RUNWISP_HOST, RUNWISP_PORT,
  RUNWISP_LOG_LEVEL, RUNWISP_LOG_FORMAT
                         in place of the flag; the flag wins
  RUNWISP_PASSWORD       the password; wins over the file \"password\" in the data directory
  RUNWISP_TRUST_PROXY    addresses of reverse proxies that are believed, separated by commas
  RUNWISP_FINGERPRINT    the name of this instance, such as bright-falcon
  NO_COLOR               no colour
";

const DAEMON: &str = "\
Runs the daemon in the foreground: schedules, services, history, HTTP.

Usage: runwisp daemon [flags]

Logs to stderr; under systemd in the journal's own format. SIGTERM or SIGINT stops it within
seconds and gives running tasks the time to end; a second one stops at once. Exit 0 after a clean
stop, 1 when it cannot start or cannot go on.
";

const STATUS: &str = "\
Asks the daemon on --host and --port whether it is healthy.

Usage: runwisp status [--json] [flags]

Exit 0 when it is, 1 otherwise, after 4 seconds at most. Needs neither the config nor the data
directory; where it may use the control socket or knows the password, it also says what runs there.

      --json             one JSON document on stdout, with the tasks and their last runs
";

const LIST: &str = "\
Shows the tasks and services that the configuration defines, in its order.

Usage: runwisp list [--json] [flags]

      --json             one JSON document on stdout
";

const VALIDATE: &str = "\
Checks the configuration exactly as the daemon would, and lists every problem with its line.

Usage: runwisp validate [path] [--json] [flags]

A path stands for --config. Touches no database, data directory or port. Exit 0 when the daemon
would accept the file (warnings are allowed), 1 otherwise.

      --json             one JSON document on stdout
";

const RUN: &str = "\
Runs one task and waits for it: prints what it prints and exits with its exit code.

Usage: runwisp run <task> [--param <key=value>]... [--daemon | --standalone | --detach] [--json]
                   [flags]

Where a daemon uses the data directory, that daemon runs the task and this command follows its
log; otherwise the task runs in this process, as with exec. Ctrl-C ends the run in this process;
of a run in the daemon it ends only the following (exit 130): \"runwisp stop <run id>\" ends the
run. Retries are waited for, restarts on failure are not; the exit code is that of the last attempt.

      --daemon           in the daemon, or not at all
      --standalone       in this process, or not at all
      --param <key=value> a value for one of its parameters; may be repeated
      --detach           in the daemon; print the id of the run and do not wait
      --json             one JSON document on stdout; the output of the task goes to stderr
";

const RUN_TASK: &str = "\
Has the daemon start a task and prints the id of the run.

Usage: runwisp run-task <task> [--password <password>] [flags]

Does not wait for the end of the run. Exit 1 when the task could not be started, was skipped because
it runs already, or found the queue full.

      --password <p>     log in with this password, not with RUNWISP_PASSWORD or the file
                         \"password\" in the data directory; others may see it in the process list
";

const EXEC: &str = "\
Runs one task in this process, prints what it prints and exits with its exit code.

Usage: runwisp exec <task> [--json] [flags]

The run is recorded like any other. Refused while a daemon uses the data directory.
Exit 1 when the task could not run; 128+N when signal N ended it.

      --json             one JSON document on stdout; the output of the task goes to stderr
";

const START: &str = "\
Starts tasks and services of the daemon that do not run; others are left alone.

Usage: runwisp start <target...> [flags]

A target is a name, or a pattern such as 'db-*' in quotes.
";

const STOP: &str = "\
Stops tasks and services of the daemon, single runs, or the daemon itself.

Usage: runwisp stop [target...] [flags]

A target is a name, a pattern such as 'db-*' in quotes, or the id of a run. What runs is ended,
what waits is dropped; a service stays stopped until it is started again or the daemon is.

Without a target: stops the daemon that uses the data directory and waits for its end. One that
systemd runs is stopped with systemctl.
";

const RESTART: &str = "\
Restarts tasks and services of the daemon, or the daemon itself.

Usage: runwisp restart [target...] [flags]
       runwisp restart --when-idle [--timeout <time>] [flags]

A target is a name, or a pattern such as 'db-*' in quotes.

Without a target: stops the daemon that uses the data directory, waits for its end and starts it
again in the background, with the arguments, directory and environment that it had. One that
systemd runs is restarted with systemctl.

      --when-idle        first wait until no task runs or waits for its turn; services do not count
      --timeout <time>   give up the waiting after this time, such as 30m [no limit]
";

const PAUSE: &str = "\
Switches the schedules of tasks off, until they are resumed; also over restarts of the daemon.

Usage: runwisp pause <task...> [flags]

A task is meant by its name, or by a pattern such as 'db-*' in quotes, which means the tasks that
have a schedule. Ticks in the meantime are not caught up; starting by hand still works.
";

const RESUME: &str = "\
Switches the schedules of tasks on again.

Usage: runwisp resume <task...> [flags]

A task is meant by its name, or by a pattern such as 'db-*' in quotes, which means the tasks that
have a schedule.
";

const PASSWORD: &str = "\
Prints the password that the daemon made at its first start.

Usage: runwisp password [flags]

A password that somebody chose is not shown: whoever chose it has it.
";

const OPENAPI: &str = "\
Prints the schema of the HTTP API as OpenAPI 3.1 in JSON.

Usage: runwisp openapi
";

const SCHEMA: &str = "\
Prints a JSON Schema (draft 2020-12) of runwisp.toml, for editors.

Usage: runwisp schema

It knows every key and the form of its value. What it cannot know is left to \"runwisp validate\".
";

const INIT: &str = "\
Writes a commented configuration to --config, to start from.

Usage: runwisp init [--force] [flags]

  -f, --force            replace a file that is already there
";

const LOGS: &str = "\
Prints what tasks, services or single runs wrote; of a task or service, its latest run.

Usage: runwisp logs <target...> [-n N | -n +N] [-f] [--json] [flags]

  -n, --lines <N>        only the last N lines; +N: only the first N, not with -f
  -f, --follow           ask the daemon and go on until these runs are over
      --json             one JSON record per line
";

const HISTORY: &str = "\
Shows recent runs, the newest first: when, how they ended, how long they took.

Usage: runwisp history [task] [-n N] [--status S] [--json] [flags]

  -n, --limit <N>        at most N runs [20]
      --status <S>       pending, running, success, failed, timeout, log_overflow, crashed,
                         stopped, skipped, queue_full, dst_skipped or missed
      --json             one JSON document on stdout
";

const NEXT: &str = "\
Prints the coming ticks of a schedule, one instant a line in the schedule's own time zone, and
after a tick what daylight saving time does to it.

Usage: runwisp next <task | \"expression\"> [flags]

      runwisp next nightly-dump
      runwisp next \"30 2 * * *\" --timezone Europe/Prague --from 2026-03-28T00:00:00+01:00

  -z, --timezone <zone>  zone of an expression, such as Europe/Prague [UTC]
      --from <instant>   ticks after this RFC 3339 instant [now]
  -n, --count <N>        this many ticks, 1 to 10000 [10]
      --json             one JSON document on stdout
";

const DEMO: &str = "\
Starts a daemon on a temporary directory with sample tasks and services, and prints its address
and password. Everything is deleted when it stops.

Usage: runwisp demo [--host <host>] [--port <port>] [--log-level <lvl>]
";

const VERSION: &str = "\
Prints the version.

Usage: runwisp version
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_says_how_to_use_it_and_fits_a_terminal() {
        for topic in Topic::subcommands().chain([Topic::Root]) {
            let page = topic.page();
            assert!(
                page.contains(format!("Usage: runwisp {}", topic.name()).trim_end()),
                "{topic:?}"
            );
            assert!(page.ends_with('\n') && !page.ends_with("\n\n"), "{topic:?}");
            assert!(page.lines().all(|line| line.chars().count() <= 100), "{topic:?}");
        }
    }

    #[test]
    fn the_overview_names_every_subcommand() {
        let page = Topic::Root.page();
        for topic in Topic::subcommands() {
            assert!(
                page.lines().any(|line| line.trim_start().starts_with(topic.name())),
                "{topic:?}"
            );
        }
    }
}
