//! systemd, as process 1 of a container: units in /run, timers with the best accuracy that it has,
//! output to journald. Its own processes are 1 and journald; they are started anew each time,
//! because neither gives back the memory of units that are gone.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use super::alive::{Alive, said, within};
use super::rival::{Jobs, Output, Rival, When, bytes_below};
use super::size;
use crate::harness::Home;
use crate::job::now;

const UNITS: &str = "/run/systemd/system";

pub(crate) struct Systemd;

impl Rival for Systemd {
    fn name(&self) -> &'static str {
        "systemd"
    }

    fn version(&self) -> Result<String, String> {
        let text = said("systemctl", &["--version"])?;
        Ok(text.lines().next().unwrap().to_owned())
    }

    fn size(&self) -> Result<String, String> {
        size::debian("systemd")
    }

    fn lacks(&self, jobs: &Jobs<'_>) -> Option<&'static str> {
        if matches!(jobs.when, When::AtStart) {
            return Some("it starts with the machine");
        }
        (jobs.output == Output::KeptWhole).then_some("journald always has a limit")
    }

    fn start(&self, _: &Home, jobs: &Jobs<'_>) -> Result<Alive, String> {
        let units = Path::new(UNITS);
        let wants = units.join("figures.target.wants");
        fs::create_dir_all(&wants).unwrap();
        fs::write(units.join("figures.target"), "[Unit]\nDescription=figures\n").unwrap();
        let conf = Path::new("/run/systemd/journald.conf.d");
        fs::create_dir_all(conf).unwrap();
        fs::write(conf.join("figures.conf"), "[Journal]\nRateLimitIntervalSec=0\n").unwrap();

        let output = if jobs.output == Output::Ignored { "null" } else { "journal" };
        let restart = match jobs.when {
            When::AtStart | When::Kept => "Restart=always\nRestartSec=0\n",
            When::Never | When::Every(_) => "",
        };
        let argument = jobs.argument.replace('%', "%%").replace('$', "$$");
        let service = format!(
            "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart={} -c \"{argument}\"\n\
             StandardOutput={output}\n{restart}",
            jobs.program.display()
        );
        for number in jobs.numbers() {
            fs::write(units.join(format!("job-{number}.service")), &service).unwrap();
            let calendar = match jobs.when {
                When::AtStart | When::Kept => None,
                When::Never => Some(format!("*-01-01 03:{:02}:00", number % 60)),
                When::Every(seconds) => Some(format!("*:*:0/{seconds}")),
            };
            let wanted = match calendar {
                None => format!("job-{number}.service"),
                Some(calendar) => {
                    let timer = format!("[Timer]\nOnCalendar={calendar}\nAccuracySec=1us\n");
                    fs::write(units.join(format!("job-{number}.timer")), timer).unwrap();
                    format!("job-{number}.timer")
                }
            };
            symlink(units.join(&wanted), wants.join(&wanted)).unwrap();
        }
        said("systemctl", &["restart", "systemd-journald"])?;
        said("systemctl", &["daemon-reexec"])?;
        let begun = now();
        said("systemctl", &["start", "figures.target"])?;
        let journald = said("systemctl", &["show", "-P", "MainPID", "systemd-journald"])?;
        Ok(Alive::system(begun, vec![1, journald.parse().unwrap()], undo))
    }

    fn kept(&self, _: &Home) -> u64 {
        bytes_below(Path::new("/var/log/journal"))
    }

    fn kept_x(&self, _: &Home) -> u64 {
        let lines = said("sh", &["-c", "journalctl -q -o cat -t sh -n all | grep -cx x"]);
        lines.map_or(0, |count| count.parse().unwrap())
    }
}

fn undo() {
    let stop = ["stop", "figures.target", "job-*.timer", "job-*.service"];
    // What cannot be stopped dies with the container.
    let _ = within(Duration::from_secs(60), "its jobs stop", || said("systemctl", &stop).ok());
    let _ = fs::remove_dir_all(UNITS);
    let _ = said("systemctl", &["daemon-reload"]);
    let _ = said("systemctl", &["reset-failed"]);
}
