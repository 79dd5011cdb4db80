//! `runwisp service`: the daemon as a service of systemd, of the system or of one user. The unit is
//! the shipped one with the paths of this machine; what is done is printed before it is done.

mod cron;
mod install;
mod status;
mod steps;
pub(crate) mod takeover;
mod uninstall;
mod unit;

pub(crate) use steps::property;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::argv::{Argv, Usage, hint};
use crate::cli::globals::Globals;
use crate::cli::{Exit, Failure, ask, cannot, failed, is_root};
use crate::daemon::{boot, fingerprint, whole_file};
use crate::store::{self, Reader};

/// The page of `runwisp service --help`.
pub(crate) const HELP: &str = "\
Runs the daemon as a service of systemd.

Usage: runwisp service install [--local] [--yes] [--force] [--binary <path>] [flags]
       runwisp service install --print | --dry-run [flags]
       runwisp service status [--local] [flags]
       runwisp service uninstall [--local] [--yes] [--force] [--dry-run] [--purge] [flags]

install writes the unit with --config, --data, --host and --port as absolute paths, makes the user
\"runwisp\", the directories and a configuration where they are missing, starts the service and
waits until it is healthy. Again, it says what has changed and asks before it updates the unit.
status exits with 0 when all is well, 1 when something is not, 2 when there is no service.
uninstall stops the service and removes the unit; data, configuration and user stay. Where the
service took over from cron, cron is started again.

      --local            a service of your own user, several for each user, without root
  -y, --yes              do not ask
      --force            replace or remove a unit that this command did not write
      --binary <path>    install: the program of the service [this one]
      --print            install: print the unit and do nothing
      --dry-run          print what would be done and do nothing
      --purge            uninstall: delete the data directory too, once \"delete\" is typed
";

/// Units that this command wrote begin with this line.
const MARKER: &str = "# Managed by runwisp service install";

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    action: Action,
    local: bool,
    yes: bool,
    force: bool,
    dry_run: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Action {
    Install { binary: Option<PathBuf>, print: bool },
    Status,
    Uninstall { purge: bool },
}

impl Order {
    /// Reads the arguments of `service`.
    pub(crate) fn take(argv: &mut Argv) -> Result<Order, Usage> {
        const ACTIONS: [&str; 3] = ["install", "status", "uninstall"];
        let Some(name) = argv.subcommand()? else {
            return Err(argv.refuse("install, status or uninstall is missing".to_owned()));
        };
        let local = argv.switch(&["--local"]);
        let mut asks = || (argv.switch(&["-y", "--yes"]), argv.switch(&["--force"]));
        let (action, (yes, force)) = match name.as_str() {
            "install" => {
                let asks = asks();
                let binary = argv.os_value(&["--binary"])?.map(PathBuf::from);
                (Action::Install { binary, print: argv.switch(&["--print"]) }, asks)
            }
            "status" => (Action::Status, (false, false)),
            "uninstall" => {
                let asks = asks();
                (Action::Uninstall { purge: argv.switch(&["--purge"]) }, asks)
            }
            other => {
                let near = hint(other, ACTIONS);
                let known = "it is one of install, status, uninstall";
                return Err(argv.refuse(format!("unknown action {other:?}: {known}{near}")));
            }
        };
        let dry_run = action != Action::Status && argv.switch(&["--dry-run"]);
        argv.no_words()?;
        Ok(Order { action, local, yes, force, dry_run })
    }
}

pub(crate) fn run(globals: &Globals, order: &Order) -> Result<Exit, Failure> {
    if order.local && is_root() {
        let message = "--local is for a service of an ordinary user; root installs without it";
        return Err(Failure::Error(message.to_owned()));
    }
    let only_says = order.dry_run
        || matches!(order.action, Action::Status | Action::Install { print: true, .. });
    if !order.local && !only_says && !is_root() {
        let message =
            "a service of the system needs root: use sudo, or --local for one of your own";
        return Err(Failure::Error(message.to_owned()));
    }
    let service = Service::find(globals, order)?;
    match &order.action {
        Action::Install { binary, print } => {
            install::run(globals, order, &service, binary.as_deref(), *print)
        }
        Action::Status => status::run(&service),
        Action::Uninstall { purge } => uninstall::run(order, &service, *purge),
    }
}

/// A unit of systemd, there or not.
struct Service {
    local: bool,
    /// `runwisp.service`.
    name: String,
    /// Where this command writes it.
    path: PathBuf,
}

impl Service {
    fn find(globals: &Globals, order: &Order) -> Result<Service, Failure> {
        if !order.local {
            return Ok(Service::of_system());
        }
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
        let home = home.ok_or_else(|| Failure::Error("HOME is not set".to_owned()))?;
        let name = format!("runwisp-{}.service", instance(globals)?);
        let path = Path::new(&home).join(".config/systemd/user").join(&name);
        Ok(Service { local: true, name, path })
    }

    fn of_system() -> Service {
        let path = PathBuf::from("/etc/systemd/system/runwisp.service");
        Service { local: false, name: "runwisp.service".to_owned(), path }
    }

    /// For drop-ins.
    fn directory(&self) -> PathBuf {
        self.path.with_extension("service.d")
    }

    /// The unit as it stands there, by us or by somebody else; a package has its own place.
    fn found(&self) -> Result<Option<(PathBuf, String)>, Failure> {
        let packaged = Path::new("/usr/lib/systemd/system").join(&self.name);
        for path in [&self.path, &packaged] {
            match fs::read_to_string(path) {
                Ok(text) => return Ok(Some((path.clone(), text))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(cannot("read", path.display(), &error)),
            }
        }
        Ok(None)
    }

    /// The words of a call of systemctl.
    fn systemctl<'a>(&self, words: &[&'a str]) -> Vec<&'a str> {
        let mut call = vec!["systemctl"];
        if self.local {
            call.push("--user");
        }
        call.extend(words);
        call
    }

    /// How its log is read.
    fn journal(&self) -> String {
        let user = if self.local { "--user " } else { "" };
        format!("journalctl {user}-u {}", self.name.trim_end_matches(".service"))
    }
}

/// The name by which a daemon of these settings knows itself.
fn instance(globals: &Globals) -> Result<String, Failure> {
    let database = globals.data.path.join(store::FILE_NAME);
    let stored = match whole_file::at(&database) {
        Ok(Some(_)) => Reader::open(&database).and_then(|reader| reader.setting(boot::FINGERPRINT)),
        Ok(None) | Err(_) => Ok(None),
    };
    let variable = std::env::var("RUNWISP_FINGERPRINT").ok().filter(|name| !name.is_empty());
    let directory = std::path::absolute(&globals.config.path).map_err(failed)?;
    let directory = directory.parent().unwrap_or(Path::new("/"));
    let name = fingerprint::fingerprint(
        variable.as_deref(),
        stored.map_err(failed)?.as_deref(),
        &fingerprint::machine_id(),
        directory,
    );
    Ok(name.map_err(failed)?.as_str().to_owned())
}

/// Asks; without a terminal the flag says it.
fn confirm(question: &str) -> Result<bool, Failure> {
    let nobody = || Failure::Error(format!("{question} There is no terminal to ask: use --yes"));
    ask::confirm(question)?.ok_or_else(nobody)
}
