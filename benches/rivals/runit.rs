//! runit: a runsvdir over a directory of services, a runsv for each, and where output is kept a
//! svlogd for each.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::SystemTime;

use super::alive::{Alive, said};
use super::rival::{Jobs, Output, Rival, When};
use super::size;
use crate::harness::Home;

pub(crate) struct Runit;

impl Rival for Runit {
    fn name(&self) -> &'static str {
        "runit"
    }

    fn version(&self) -> Result<String, String> {
        said("dpkg-query", &["-W", "-f", "runit ${Version}", "runit"])
    }

    fn size(&self) -> Result<String, String> {
        size::debian("runit")
    }

    fn lacks(&self, jobs: &Jobs<'_>) -> Option<&'static str> {
        match jobs.when {
            When::Every(_) => Some("it has no schedules"),
            When::Never | When::AtStart | When::Kept if jobs.count > 1000 => {
                Some("runsvdir takes at most 1,000 services")
            }
            When::Never | When::AtStart | When::Kept => None,
        }
    }

    fn start(&self, home: &Home, jobs: &Jobs<'_>) -> Result<Alive, String> {
        let script = |name: String, text: String| {
            home.write(&name, text);
            fs::set_permissions(home.path(&name), fs::Permissions::from_mode(0o755)).unwrap();
        };
        let (program, argument) = (jobs.program.display(), &jobs.argument);
        fs::create_dir_all(home.path("logs")).unwrap();
        for number in jobs.numbers() {
            // No shell where the program takes its argument from the first line of a script.
            let text = match jobs.is_shell() {
                true => format!("#!{program}\n{argument}\n"),
                false => format!("#!{program} {argument}\n"),
            };
            script(format!("sv/job-{number}/run"), text);
            if matches!(jobs.when, When::Never) {
                home.write(&format!("sv/job-{number}/down"), "");
            }
            if jobs.output == Output::Ignored {
                continue;
            }
            let log = home.path(&format!("logs/job-{number}"));
            fs::create_dir_all(&log).unwrap();
            if jobs.output == Output::KeptWhole {
                fs::write(log.join("config"), "s0\n").unwrap();
            }
            let text = format!("#!/bin/sh\nexec svlogd {}\n", log.display());
            script(format!("sv/job-{number}/log/run"), text);
        }
        // It sleeps a second before it looks at a directory that was changed in this one.
        let past = fs::FileTimes::new().set_modified(SystemTime::UNIX_EPOCH);
        fs::File::open(home.path("sv")).and_then(|dir| dir.set_times(past)).unwrap();
        let mut command = Command::new("runsvdir");
        command.arg("-P").arg(home.path("sv"));
        Ok(Alive::launch(command, home, &["runsv", "svlogd"]))
    }

    fn kept_x(&self, home: &Home) -> u64 {
        let numbers = 0..crate::short::AT_ONCE;
        let logs =
            numbers.map(|number| fs::metadata(home.path(&format!("logs/job-{number}/current"))));
        logs.flatten().map(|data| data.len() / 2).sum()
    }
}
