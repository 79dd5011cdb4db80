//! `service status`: what systemd and the files say of the service, one fact a line, and an exit
//! code that says whether all of them are good.

use std::fs;
use std::path::Path;

use crate::base::escape::escape;
use crate::cli::service::{Service, unit};
use crate::cli::{Exit, Failure, print, user_id};
use crate::daemon::data_dir::user_name;
use crate::sys::cron;
use crate::web::client::{self, Answer};

/// What a person reads, and whether anything in it is bad.
struct Report {
    text: String,
    is_well: bool,
}

impl Report {
    fn line(&mut self, name: &str, value: &str, is_well: bool) {
        let mark = if is_well { "" } else { "  <-" };
        self.text.push_str(&format!("  {name:<9} {}{mark}\n", escape(value)));
        self.is_well &= is_well;
    }
}

/// Exit 0 when all is well, 1 when something is not, 2 when there is no service.
pub(super) fn run(service: &Service) -> Result<Exit, Failure> {
    let Some((path, text)) = service.found()? else {
        print(&format!("{} is not installed\n", service.name))?;
        return Ok(Exit::Absent);
    };
    let mut report = Report { text: String::new(), is_well: true };
    let state = match (unit::is_managed(&text), unit::is_intact(&text)) {
        (true, true) => ("as installed", true),
        (true, false) => ("edited since; \"service install\" restores it", false),
        // A package's, or somebody's own.
        (false, _) => ("not written by \"service install\"", true),
    };
    report.line("Unit:", &format!("{} ({})", path.display(), state.0), state.1);
    let enabled = service.property("UnitFileState");
    report.line("Enabled:", or_unknown(&enabled), enabled == "enabled");
    let (active, sub) = (service.property("ActiveState"), service.property("SubState"));
    report.line(
        "Running:",
        &format!("{} ({})", or_unknown(&active), or_unknown(&sub)),
        active == "active",
    );
    let since = service.property("ExecMainStartTimestamp");
    if !since.is_empty() {
        report.line("Started:", &since, true);
    }
    if let Some((binary, settings)) = unit::command(&text) {
        let program = fs::read(&binary).map(|bytes| unit::hex(&bytes));
        let (state, is_well) = match program {
            Err(_) => (" (missing)", false),
            Ok(hash) if unit::is_managed(&text) && !unit::is_of(&text, &hash) => {
                (" (changed since; \"service install\" takes it over)", false)
            }
            Ok(_) => ("", true),
        };
        report.line("Binary:", &format!("{}{state}", binary.display()), is_well);
        let (data, there) = (&settings.data.path, settings.data.path.exists());
        let state = if there { "" } else { " (missing)" };
        report.line("Data:", &format!("{}{state}", data.display()), there);
        let health = match client::health(&settings.host, settings.port, client::GLANCE) {
            Answer::Healthy => ("ok".to_owned(), true),
            Answer::Said { status, .. } => (format!("answered {status}"), false),
            Answer::Unreachable(reason) => (reason, false),
        };
        report.line("Health:", &health.0, health.1);
    }
    if let Some(units) = unit::took_over(&text) {
        let alive = cron::find().is_some();
        let state = if alive { "alive again, which holds its jobs here" } else { "stopped" };
        report.line("Cron:", &format!("{units} {state}"), !alive);
    }
    if service.local {
        let linger = Path::new("/var/lib/systemd/linger").join(user_name(user_id())).exists();
        report.line("Linger:", if linger { "yes" } else { "no: it ends when you log out" }, linger);
    }
    report.line("Log:", &service.journal(), true);
    let verdict = if report.is_well { "healthy" } else { "degraded" };
    print(&format!("{} is {verdict}\n{}", service.name, report.text))?;
    Ok(if report.is_well { Exit::Success } else { Exit::Failure })
}

fn or_unknown(value: &str) -> &str {
    if value.is_empty() { "unknown" } else { value }
}
