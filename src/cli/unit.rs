//! The unit that systemd runs a process as, and what it says of that.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::process::{self, Command};
use std::time::Duration;

use crate::base::duration;
use crate::cli::import::systemd::unit::seconds;
use crate::cli::service::property;
use crate::cli::{Failure, cannot};
use crate::config::SHUTDOWN_TIMEOUT;
use crate::process::cgroup;
use crate::threads;

/// A process that a unit itself executes finds its own number here (systemd.exec(5)).
pub(crate) const MANAGED: &str = "SYSTEMD_EXEC_PID";

/// A service of systemd.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) name: String,
    of_user: bool,
}

impl Unit {
    /// From /proc/PID/cgroup (cgroups(7)): `0::/system.slice/runwisp.service`.
    fn of(groups: &str) -> Option<Unit> {
        // With both versions of control groups, only one of the two lines may tell.
        let (path, name) = groups.lines().find_map(|line| {
            let path = line
                .strip_prefix("0::")
                .or_else(|| line.split_once(":name=systemd:").map(|(_, path)| path))?;
            // A daemon that divides its cgroup is in one below that of the unit.
            let mut names = path.rsplit('/').skip_while(|name| *name == cgroup::DAEMON);
            Some((path, names.next().filter(|name| name.ends_with(".service"))?))
        })?;
        Some(Unit { name: name.to_owned(), of_user: path.contains("/user@") })
    }

    /// The one that a process belongs to.
    pub(crate) fn of_process(pid: u32) -> Option<Unit> {
        Unit::of(&fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default())
    }

    /// systemctl says itself what goes wrong.
    pub(crate) fn tell(&self, what: &str) -> Result<(), Failure> {
        let mut systemctl = Command::new("systemctl");
        if self.of_user {
            systemctl.arg("--user");
        }
        let told = systemctl.args([what, "--", &self.name]).status();
        let name = &self.name;
        match told {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(Failure::Error(format!("systemctl could not {what} {name}"))),
            Err(error) => Err(cannot("run", format!("systemctl {what} {name}"), &error)),
        }
    }

    /// How long it may take to stop; `None`: as long as it likes, or nobody knows.
    fn stop_timeout(&self) -> Option<Duration> {
        let text = property(self.of_user, &self.name, "TimeoutStopUSec");
        Duration::try_from_secs_f64(seconds(&text).filter(|seconds| *seconds > 0.0)?).ok()
    }
}

/// Whether a unit executes a process that has this value of [`MANAGED`].
pub(crate) fn is_managed(pid: u32, value: Option<OsString>) -> bool {
    value.is_some_and(|value| value.to_str() == Some(&pid.to_string()))
}

/// Warns where systemd kills this daemon before its time to stop is over. Nobody waits for the
/// answer of systemd, nor is it asked where it is known.
pub(crate) fn check_stop(budget: Duration) {
    let pid = process::id();
    if budget <= SHUTDOWN_TIMEOUT || !is_managed(pid, env::var_os(MANAGED)) {
        return;
    }
    let check = move || {
        let Some(unit) = Unit::of_process(pid) else { return };
        if let Some(limit) = unit.stop_timeout().filter(|limit| budget >= *limit) {
            log::warn!(
                "systemd kills {} after TimeoutStopSec={}, before [daemon] shutdown_timeout ({}) \
                 is over; raise the former",
                unit.name,
                duration::brief(limit),
                duration::brief(budget)
            );
        }
    };
    if let Err(error) = threads::spawn("unit", check) {
        log::debug!("the unit's TimeoutStopSec= is not looked at: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_the_last_service_of_the_control_group() {
        let unit = |name: &str, of_user| Some(Unit { name: name.to_owned(), of_user });
        for (groups, expected) in [
            ("0::/system.slice/runwisp.service\n", unit("runwisp.service", false)),
            (
                "0::/user.slice/user-1000.slice/user@1000.service/app.slice/runwisp.service\n",
                unit("runwisp.service", true),
            ),
            (
                "12:cpu:/x\n1:name=systemd:/system.slice/runwisp@a.service\n",
                unit("runwisp@a.service", false),
            ),
            ("9:name=systemd:/\n0::/system.slice/a.service\n", unit("a.service", false)),
            ("0::/system.slice/runwisp.service/daemon\n", unit("runwisp.service", false)),
            ("0::/system.slice/runwisp.service/run-01\n", None),
            ("0::/user.slice/user-1000.slice/session-3.scope\n", None),
            ("0::/\n", None),
            ("", None),
        ] {
            assert_eq!(Unit::of(groups), expected, "{groups}");
        }
    }
}
