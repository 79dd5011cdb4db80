//! The help pages, as they are printed.

/// A page: the overview, or one subcommand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Root,
    Daemon,
    Status,
    List,
    Validate,
    Exec,
    Init,
    Logs,
    History,
    Next,
    Demo,
    Version,
}

impl Topic {
    /// Every subcommand, in the order of the overview.
    pub(crate) const SUBCOMMANDS: [Topic; 11] = [
        Topic::Daemon,
        Topic::Status,
        Topic::List,
        Topic::Validate,
        Topic::Next,
        Topic::Exec,
        Topic::Logs,
        Topic::History,
        Topic::Init,
        Topic::Demo,
        Topic::Version,
    ];

    /// The subcommand of this name.
    pub(crate) fn named(name: &str) -> Option<Topic> {
        Topic::SUBCOMMANDS.into_iter().find(|topic| topic.name() == name)
    }

    /// The name that is typed; the overview has none.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Topic::Root => "",
            Topic::Daemon => "daemon",
            Topic::Status => "status",
            Topic::List => "list",
            Topic::Validate => "validate",
            Topic::Exec => "exec",
            Topic::Init => "init",
            Topic::Logs => "logs",
            Topic::History => "history",
            Topic::Next => "next",
            Topic::Demo => "demo",
            Topic::Version => "version",
        }
    }

    /// The whole page.
    pub(crate) fn page(self) -> String {
        match self {
            Topic::Root => format!("{ROOT}\n{GLOBAL_FLAGS}\n{ENVIRONMENT}"),
            Topic::Daemon => with_globals(DAEMON),
            Topic::Status => with_globals(STATUS),
            Topic::List => with_globals(LIST),
            Topic::Validate => with_globals(VALIDATE),
            Topic::Exec => with_globals(EXEC),
            Topic::Init => with_globals(INIT),
            Topic::Logs => with_globals(LOGS),
            Topic::History => with_globals(HISTORY),
            Topic::Next => with_globals(NEXT),
            Topic::Demo => DEMO.to_owned(),
            Topic::Version => VERSION.to_owned(),
        }
    }
}

fn with_globals(page: &str) -> String {
    format!("{page}\n{GLOBAL_FLAGS}")
}

const ROOT: &str = "\
RunWisp runs scheduled tasks and keeps services alive: one daemon, one file, a history of every run.

Usage: runwisp [flags] [subcommand]

Without a subcommand: starts a daemon in the background if none runs, and says where it listens.

The daemon:
  daemon              run in the foreground, as a service manager wants it
  status              is the daemon healthy? exit 0 or 1

The configuration:
  init                write a commented runwisp.toml to start from
  validate [path]     check the configuration, every problem with its line
  list                the tasks and services it defines
  next <task|\"expr\">  when a schedule ticks, and what daylight saving does to it

Runs:
  exec <task>         run one task here and now, without a daemon
  history [task]      recent runs and how they ended
  logs <target...>    what tasks, services and runs printed

Other:
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
      --host <host>      address to listen on, or to ask [127.0.0.1]
  -p, --port <port>      HTTP port, 1 to 65535 [9477]
      --log-level <lvl>  debug, info, warn or error [info]
  -h, --help             this page
  -V, --version          print the version
";

const ENVIRONMENT: &str = "\
Environment:
  RUNWISP_CONFIG, RUNWISP_DATA, RUNWISP_HOST, RUNWISP_PORT, RUNWISP_LOG_LEVEL
                         in place of the flag; the flag wins
  RUNWISP_PASSWORD       the password; wins over the file \"password\" in the data directory
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

Usage: runwisp status [flags]

Exit 0 when it is, 1 otherwise, after 4 seconds at most. Needs neither the config nor the data
directory.
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

const EXEC: &str = "\
Runs one task in this process, prints what it prints and exits with its exit code.

Usage: runwisp exec <task> [flags]

The run is recorded like any other. Refused while a daemon uses the data directory.
Exit 1 when the task could not run; 128+N when signal N ended it.
";

const INIT: &str = "\
Writes a commented configuration to --config, to start from.

Usage: runwisp init [--force] [flags]

  -f, --force            replace a file that is already there
";

const LOGS: &str = "\
Prints what tasks, services or single runs wrote; of a task or service, its latest run.

Usage: runwisp logs <target...> [-n N | -n +N] [--json] [flags]

  -n, --lines <N>        only the last N lines; +N: only the first N
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
        for topic in Topic::SUBCOMMANDS.into_iter().chain([Topic::Root]) {
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
        for topic in Topic::SUBCOMMANDS {
            assert!(
                page.lines().any(|line| line.trim_start().starts_with(topic.name())),
                "{topic:?}"
            );
        }
    }
}
