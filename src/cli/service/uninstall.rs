//! `service uninstall`: the service ends and its unit goes. The data stays unless somebody types
//! that it shall not.

use std::fs;
use std::io;
use std::path::Path;

use crate::cli::service::steps::Steps;
use crate::cli::service::unit::{self, DROP_INS};
use crate::cli::service::{Order, Service, confirm, cron};
use crate::cli::{Exit, Failure, ask, cannot, print, to_stderr};
use crate::daemon::lock::{self, Holder};
use crate::store;

pub(super) fn run(order: &Order, service: &Service, purge: bool) -> Result<Exit, Failure> {
    let unit = &service.path;
    let shown = unit.display();
    let text = match service.found()? {
        Some((path, text)) if path == *unit => text,
        Some((path, _)) => {
            let path = path.display();
            return Err(Failure::Error(format!("{path} belongs to a package: remove the package")));
        }
        None => {
            print("Not installed.\n")?;
            return Ok(Exit::Success);
        }
    };
    if !unit::is_managed(&text) && !order.force {
        return Err(Failure::Error(format!(
            "{shown} was not written by \"runwisp service install\": --force removes it"
        )));
    }
    let data = unit::command(&text).map(|(_, settings)| settings.data.path);
    let doomed = match (&data, purge) {
        (_, false) => None,
        (Some(data), true) => Some(data),
        (None, true) => {
            return Err(Failure::Error(format!(
                "{shown} does not say which data is to be deleted"
            )));
        }
    };
    if !order.dry_run {
        let question = format!("Stop {} and remove its unit?", service.name);
        if !order.yes && !confirm(&question)? {
            return Err(Failure::Error("nothing was changed".to_owned()));
        }
        if let Some(data) = doomed {
            check_data(data)?;
        }
    }
    let steps = if order.dry_run { Steps::Printed } else { Steps::Done };
    if let Some(units) = unit::took_over(&text) {
        // Before the service goes: if cron does not come back, that stays as it is.
        cron::await_window(steps)?;
        cron::bring_back(units.split(' '), false, steps)?;
    }
    remove_unit(service, steps)?;
    match (doomed, &data) {
        (Some(data), _) => delete(data, steps)?,
        (None, Some(data)) => print(&format!("the data stays in {}\n", data.display()))?,
        (None, None) => {}
    }
    Ok(Exit::Success)
}

/// The service ends, and nothing of it is left but its data.
pub(super) fn remove_unit(service: &Service, steps: Steps) -> Result<(), Failure> {
    steps.run(&service.systemctl(&["disable", "--now", &service.name]))?;
    steps.run(&["rm", "--", &service.path.to_string_lossy()])?;
    let directory = service.directory();
    for (name, ours) in DROP_INS {
        remove(&directory.join(name), ours, steps)?;
    }
    // Drop-ins of somebody else keep it.
    let is_left = fs::read_dir(&directory).is_ok_and(|mut entries| entries.next().is_some());
    if is_left && steps == Steps::Done {
        print(&format!("keep {}, which holds other drop-ins\n", directory.display()))?;
    } else if directory.exists() {
        steps.run(&["rmdir", "--", &directory.to_string_lossy()])?;
    }
    steps.run(&service.systemctl(&["daemon-reload"]))
}

fn remove(path: &Path, ours: &str, steps: Steps) -> Result<(), Failure> {
    match fs::read_to_string(path) {
        Ok(text) if text == ours => steps.run(&["rm", "--", &path.to_string_lossy()]),
        Ok(_) => print(&format!("keep {}, which was changed\n", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot("read", path.display(), &error)),
    }
}

/// Only what is surely a data directory is deleted, and only when somebody typed it. `--yes` does
/// not answer this question.
fn check_data(data: &Path) -> Result<(), Failure> {
    let shown = data.display();
    if !data.join(store::FILE_NAME).is_file() {
        return Err(Failure::Error(format!("{shown} holds no history: delete it by hand")));
    }
    to_stderr(&format!("This deletes {shown} with its history and logs. Type \"delete\": "));
    match ask::answer()?.as_str() {
        "delete" => Ok(()),
        _ => Err(Failure::Error("nothing was changed".to_owned())),
    }
}

fn delete(data: &Path, steps: Steps) -> Result<(), Failure> {
    if steps == Steps::Done && !matches!(lock::holder(data), Ok(Holder::Nobody)) {
        let shown = data.display();
        return Err(Failure::Error(format!("{shown} is still in use and stays as it is")));
    }
    steps.run(&["rm", "-r", "--", &data.to_string_lossy()])
}
