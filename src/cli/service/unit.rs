//! The text of the unit: that of the shipped file, line by line, with the values of this machine.
//! Reads and writes nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::cli::args::{self, Invocation};
use crate::cli::globals::{Globals, Origin, Surroundings};
use crate::cli::service::MARKER;
use crate::logging::{Level, Look};

const SHIPPED: &str = include_str!("../../../systemd/runwisp.service");

/// Written beside the unit.
pub(super) const DROP_INS: [(&str, &str); 2] = [
    ("oom.conf", include_str!("../../../systemd/runwisp.service.d/oom.conf")),
    ("reload.conf", include_str!("../../../systemd/runwisp.service.d/reload.conf")),
];

/// Which units a unit stands for.
const TOOK_OVER: &str = "# runwisp-took-over: ";
const CONFIG_HASH: &str = "# runwisp-config-hash: ";
const BINARY_HASH: &str = "# runwisp-binary-sha256: ";

/// What the manager of a user does not have, or may not do.
const SYSTEM_ONLY: [&str; 12] = [
    "After=",
    "Wants=",
    "Group=",
    "ProtectSystem=",
    "ProtectHome=",
    "PrivateTmp=",
    "PrivateDevices=",
    "ProtectKernelTunables=",
    "ProtectKernelModules=",
    "ProtectControlGroups=",
    "ReadWritePaths=",
    "ReadOnlyPaths=",
];

/// What keeps a service from other users and the rest of the system, which jobs of cron need.
const CONFINING: [&str; 9] = [
    "User=",
    "Group=",
    "NoNewPrivileges=",
    "Protect",
    "Private",
    "RestrictSUIDSGID=",
    "LockPersonality=",
    "RestrictRealtime=",
    "Read",
];

/// The unit for a program and settings, whose paths are absolute and plain. One that took over
/// from units of cron says so, and is as free as they were.
pub(super) fn text(
    binary: &Path,
    globals: &Globals,
    binary_hash: &str,
    local: bool,
    took_over: Option<&str>,
) -> String {
    let mut body = took_over.map(|units| format!("{TOOK_OVER}{units}\n")).unwrap_or_default();
    for line in SHIPPED.lines() {
        let has = |names: &[&str]| names.iter().any(|name| line.starts_with(name));
        if local && has(&SYSTEM_ONLY) || took_over.is_some() && has(&CONFINING) {
            continue;
        }
        body.push_str(&replaced(line, binary, globals, local).unwrap_or_else(|| line.to_owned()));
        body.push('\n');
    }
    let hash = hex(body.as_bytes());
    format!("{MARKER}\n{CONFIG_HASH}{hash}\n{BINARY_HASH}{binary_hash}\n{body}")
}

/// What stands in place of a line of the shipped unit.
fn replaced(line: &str, binary: &Path, globals: &Globals, local: bool) -> Option<String> {
    let (config, data) = (globals.config.path.display(), globals.data.path.display());
    let directory = globals.config.path.parent().unwrap_or(Path::new("/")).display();
    Some(match line {
        "After=network-online.target" => {
            format!("{line} remote-fs.target nss-user-lookup.target time-sync.target")
        }
        "User=runwisp" if local => format!("WorkingDirectory={directory}"),
        "EnvironmentFile=-/etc/runwisp/runwisp.env" => {
            format!("EnvironmentFile=-{directory}/runwisp.env")
        }
        "ExecStart=/usr/local/bin/runwisp daemon \\" => {
            format!("ExecStart={} daemon \\", binary.display())
        }
        "  --config /etc/runwisp/runwisp.toml \\" => format!("  --config {config} \\"),
        "  --data /var/lib/runwisp \\" => format!("  --data {data} \\"),
        "  --host 127.0.0.1 \\" => format!("  --host {} \\", globals.host),
        "  --port 9477" => {
            let mut line = format!("  --port {}", globals.port);
            if globals.socket.origin != Origin::Default {
                line.push_str(&format!(" \\\n  --socket {}", globals.socket.path.display()));
            }
            if globals.log_level != Level::Info {
                line.push_str(&format!(" \\\n  --log-level {}", globals.log_level.as_str()));
            }
            if globals.log_format != Look::Auto {
                line.push_str(&format!(" \\\n  --log-format {}", globals.log_format.as_str()));
            }
            line
        }
        "ReadWritePaths=/var/lib/runwisp" => format!("ReadWritePaths={data}"),
        "ReadOnlyPaths=/etc/runwisp" => format!("ReadOnlyPaths={directory}"),
        "WantedBy=multi-user.target" if local => "WantedBy=default.target".to_owned(),
        _ => return None,
    })
}

/// Whether systemd takes a path for itself: nothing in it is quoted, expanded or cut.
pub(super) fn is_plain(path: &Path) -> bool {
    let odd = |letter: char| letter.is_whitespace() || letter.is_control();
    path.to_str()
        .is_some_and(|path| !path.contains(odd) && !path.contains(['%', '$', '"', '\'', '\\', ';']))
}

/// The units of cron that a unit took over from; `None` where it did not.
pub(super) fn took_over(unit: &str) -> Option<&str> {
    unit.lines().nth(3).and_then(|line| line.strip_prefix(TOOK_OVER))
}

/// Whether this command wrote a unit.
pub(super) fn is_managed(unit: &str) -> bool {
    unit.lines().next() == Some(MARKER)
}

/// Whether a unit of ours is as it was written.
pub(super) fn is_intact(unit: &str) -> bool {
    let body = unit.splitn(4, '\n').nth(3).unwrap_or_default();
    unit.lines().nth(1) == Some(&*format!("{CONFIG_HASH}{}", hex(body.as_bytes())))
}

/// Whether a unit of ours was written for this program.
pub(super) fn is_of(unit: &str, binary_hash: &str) -> bool {
    unit.lines().nth(2) == Some(&*format!("{BINARY_HASH}{binary_hash}"))
}

/// SHA-256.
pub(super) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The program of a unit and the settings that it starts it with.
pub(super) fn command(unit: &str) -> Option<(PathBuf, Globals)> {
    let joined = unit.replace("\\\n", " ");
    let line = joined.lines().find_map(|line| line.strip_prefix("ExecStart="))?;
    let mut words = line.split_whitespace();
    let binary = words.next()?.into();
    let around = Surroundings { env: &|_| None, is_root: true, has_local_config: false };
    match args::parse(words.map(OsString::from).collect(), &around) {
        Ok(Invocation::Run(globals, args::Command::Daemon)) => Some((binary, *globals)),
        Ok(_) | Err(_) => None,
    }
}

/// The lines that only one of two texts has.
pub(super) fn difference(old: &str, new: &str) -> String {
    let only = |sign: &str, text: &str, other: &str| -> String {
        let lines = text.lines().filter(|line| !other.lines().any(|known| known == *line));
        lines.map(|line| format!("{sign}{line}\n")).collect()
    };
    only("-", old, new) + &only("+", new, old)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(words: &str) -> Globals {
        let around = Surroundings { env: &|_| None, is_root: true, has_local_config: false };
        match args::parse(words.split_whitespace().map(OsString::from).collect(), &around) {
            Ok(Invocation::Run(globals, _)) => *globals,
            other => panic!("{other:?}"),
        }
    }

    fn made(words: &str, local: bool) -> String {
        text(Path::new("/opt/runwisp"), &settings(words), "cafe", local, None)
    }

    #[test]
    fn the_unit_of_the_system_is_the_shipped_one_but_for_its_order_and_program() {
        let unit =
            text(Path::new("/usr/local/bin/runwisp"), &settings("daemon"), "cafe", false, None);
        let (header, body) = unit.split_at(unit.find("[Unit]").unwrap());
        assert_eq!(
            difference(SHIPPED, body),
            "-After=network-online.target\n+After=network-online.target remote-fs.target \
             nss-user-lookup.target time-sync.target\n"
        );
        let hash = hex(body.as_bytes());
        let expected =
            format!("{MARKER}\n# runwisp-config-hash: {hash}\n# runwisp-binary-sha256: cafe\n");
        assert_eq!(header, expected);
    }

    #[test]
    fn every_setting_has_its_place() {
        let flags = "daemon -c /srv/a/r.toml --data /srv/b --host ::1 -p 81 --socket /run/s \
                     --log-level debug --log-format json";
        let unit = made(flags, false);
        for line in [
            "EnvironmentFile=-/srv/a/runwisp.env\n",
            "ExecStart=/opt/runwisp daemon \\\n  --config /srv/a/r.toml \\\n  --data /srv/b \\\n  \
             --host ::1 \\\n  --port 81 \\\n  --socket /run/s \\\n  --log-level debug \\\n  --log-format json\n",
            "ReadWritePaths=/srv/b\nReadOnlyPaths=/srv/a\n",
        ] {
            assert!(unit.contains(line), "{line}\n{unit}");
        }
        assert!(!unit.contains("9477") && !unit.contains("/etc/") && !unit.contains("/var/"));
        let (binary, baked) = command(&unit).unwrap();
        assert_eq!((binary, baked), (PathBuf::from("/opt/runwisp"), settings(flags)));
    }

    #[test]
    fn the_unit_of_a_user_has_nothing_that_only_the_system_has() {
        let unit = made("daemon -c /home/u/r.toml --data /home/u/data", true);
        for name in SYSTEM_ONLY.into_iter().chain(["User=", "multi-user"]) {
            assert!(!unit.contains(&format!("\n{name}")), "{name}\n{unit}");
            assert!(name == "multi-user" || SHIPPED.contains(&format!("\n{name}")), "{name}");
        }
        assert!(unit.contains("\nWorkingDirectory=/home/u\n"));
        assert!(
            unit.contains("\nNoNewPrivileges=true\n")
                && unit.ends_with("WantedBy=default.target\n")
        );
    }

    #[test]
    fn a_unit_of_ours_is_known_and_so_is_what_became_of_it() {
        let unit = made("daemon", false);
        assert!(is_managed(&unit) && is_intact(&unit) && is_of(&unit, "cafe"));
        assert!(!is_of(&unit, "beef") && !is_managed(SHIPPED));
        let edited = unit.replace("RestartSec=2s", "RestartSec=5s");
        assert!(is_managed(&edited) && !is_intact(&edited));
        assert_eq!(difference(&edited, &unit), "-RestartSec=5s\n+RestartSec=2s\n");
    }

    #[test]
    fn a_unit_that_took_over_from_cron_remembers_it_and_is_not_confined() {
        let binary = Path::new("/opt/runwisp");
        let unit = text(binary, &settings("daemon"), "cafe", false, Some("cron.service"));
        assert!(is_managed(&unit) && is_intact(&unit) && is_of(&unit, "cafe"));
        assert_eq!(took_over(&unit), Some("cron.service"));
        assert_eq!(took_over(&made("daemon", false)), None);
        let lost = difference(&made("daemon", false), &unit);
        let lost: Vec<_> = lost.lines().filter_map(|line| line.strip_prefix('-')).collect();
        assert!(CONFINING.iter().all(|name| lost.iter().any(|line| line.starts_with(name))));
        assert_eq!(lost.iter().filter(|line| !line.starts_with('#')).count(), 15, "{lost:?}");
        let user = unit.lines().find(|line| line.starts_with("ExecStart"));
        assert_eq!(user, Some("ExecStart=/opt/runwisp daemon \\"));
    }

    #[test]
    fn a_path_that_systemd_would_read_otherwise_is_not_plain() {
        assert!(is_plain(Path::new("/srv/a-b_c.d/ü@1")));
        for path in ["/a b", "/a%h", "/$HOME", "/a\"", "/a'", "/a\\x20", "/a;b", "/a\nb"] {
            assert!(!is_plain(Path::new(path)), "{path}");
        }
    }
}
