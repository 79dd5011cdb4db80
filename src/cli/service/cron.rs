//! Cron as this machine has it: what it reads, which units it is, and the moments at which somebody
//! else can take its place (docs/migration.md, Takeover).

use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::base::time::Clock;
use crate::cli::service::steps::{self, Steps};
use crate::cli::unit::Unit;
use crate::cli::{Failure, print};

/// Where cron looks (cron(8)).
const CRONTAB: &str = "/etc/crontab";
const FOLDERS: [&str; 4] =
    ["/etc/cron.d", "/var/spool/cron/crontabs", "/var/spool/cron/tabs", "/var/spool/cron"];
/// The units of Debian's cron and of cronie.
const UNITS: [&str; 3] = ["cron.service", "crond.service", "cronie.service"];
/// Whoever is there has run the `@reboot` of this boot; Debian's cron and cronie.
const REBOOT_MARKS: [&str; 2] = ["/run/crond.reboot", "/run/cron.reboot"];
/// The seconds of a minute in which a switch may begin: cron has started what was due, and the
/// switch is over before the next minute.
pub(super) const WINDOW: (i64, i64) = (3, 45);

/// What cron reads on this machine.
pub(super) fn patterns() -> Vec<String> {
    let crontab = Path::new(CRONTAB).exists().then(|| CRONTAB.to_owned());
    let folders = FOLDERS.iter().filter(|folder| Path::new(folder).is_dir());
    crontab.into_iter().chain(folders.map(|folder| format!("{folder}/*"))).collect()
}

/// The units of cron that are to be masked, and why something else is in the way.
pub(super) fn find_units(alive: Option<u32>, units: &mut Vec<String>, blocks: &mut Vec<String>) {
    let own = alive.map(|pid| Unit::of_process(pid).map(|unit| unit.name));
    let names = UNITS.into_iter().chain(own.as_ref().and_then(|own| own.as_deref()));
    for name in names {
        // Under its own name, not under an alias.
        let id = property(name, "Id");
        if property(name, "LoadState") != "loaded" || units.contains(&id) {
            continue;
        }
        let file = Path::new("/etc/systemd/system").join(&id);
        if file.exists() {
            blocks.push(format!("{} cannot be masked: move it away", file.display()));
        }
        units.push(id);
    }
    if own == Some(None) {
        let pid = alive.unwrap_or_default();
        blocks.push(format!("cron (pid {pid}) is no service of systemd: stop it first"));
    }
    if property("cron.target", "ActiveState") == "active" {
        let why = "systemd-cron runs the crontabs with timers (cron.target): stop it first";
        blocks.push(why.to_owned());
    }
}

pub(super) fn property(unit: &str, name: &str) -> String {
    steps::property(false, unit, name)
}

/// Waits for a moment at which no job of a crontab is due.
pub(super) fn await_window(steps: Steps) -> Result<(), Failure> {
    let wait = to_window(Clock::start().now().wall.as_second());
    if steps == Steps::Done && !wait.is_zero() {
        let seconds = wait.as_secs();
        print(&format!("wait {seconds} s, as jobs may be due at the turn of the minute\n"))?;
        thread::sleep(wait);
    }
    Ok(())
}

fn to_window(second: i64) -> Duration {
    let into = second.rem_euclid(60);
    let wait = match into {
        _ if (WINDOW.0..=WINDOW.1).contains(&into) => 0,
        _ => (WINDOW.0 - into).rem_euclid(60),
    };
    Duration::from_secs(wait.unsigned_abs())
}

/// Cron is as it was before it was masked: starts with the machine or, if that is known, is alive.
/// It ran what is due once per boot, or we did.
pub(super) fn bring_back<'a>(
    units: impl Iterator<Item = &'a str>,
    lived: bool,
    steps: Steps,
) -> Result<(), Failure> {
    for unit in units.filter(|unit| !unit.is_empty()) {
        steps.run(&["systemctl", "unmask", unit])?;
        if lived || steps == Steps::Printed || property(unit, "UnitFileState") == "enabled" {
            steps.run(&[&["touch"], &REBOOT_MARKS[..]].concat())?;
            steps.run(&["systemctl", "start", unit])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_keeps_away_from_the_turn_of_the_minute() {
        let wait = |second: i64| to_window(1_778_164_200 + second).as_secs();
        let found: Vec<u64> = [0, 2, 3, 45, 46, 59].into_iter().map(wait).collect();
        assert_eq!(found, [3, 1, 0, 0, 17, 4]);
    }
}
