//! The shipped unit and its companions say what docs/deployment.md promises. How they behave
//! under a real systemd is proved by tests/systemd.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::{Home, skip};

/// Section, directive, value; in this order, and nothing else.
const UNIT: [(&str, &str, &str); 27] = [
    ("Unit", "Description", "RunWisp daemon"),
    (
        "Unit",
        "Documentation",
        "https://docs.runwisp.com file:/usr/local/share/doc/runwisp/README.md",
    ),
    ("Unit", "After", "network-online.target"),
    ("Unit", "Wants", "network-online.target"),
    ("Service", "Type", "simple"),
    ("Service", "User", "runwisp"),
    ("Service", "Group", "runwisp"),
    ("Service", "EnvironmentFile", "-/etc/runwisp/runwisp.env"),
    (
        "Service",
        "ExecStart",
        "/usr/local/bin/runwisp daemon --config /etc/runwisp/runwisp.toml \
         --data /var/lib/runwisp --host 127.0.0.1 --port 9477",
    ),
    ("Service", "Restart", "on-failure"),
    ("Service", "RestartSec", "2s"),
    ("Service", "KillSignal", "SIGTERM"),
    ("Service", "TimeoutStopSec", "10s"),
    ("Service", "NoNewPrivileges", "true"),
    ("Service", "ProtectSystem", "strict"),
    ("Service", "ProtectHome", "true"),
    ("Service", "PrivateTmp", "true"),
    ("Service", "PrivateDevices", "true"),
    ("Service", "ProtectKernelTunables", "true"),
    ("Service", "ProtectKernelModules", "true"),
    ("Service", "ProtectControlGroups", "true"),
    ("Service", "RestrictSUIDSGID", "true"),
    ("Service", "LockPersonality", "true"),
    ("Service", "RestrictRealtime", "true"),
    ("Service", "ReadWritePaths", "/var/lib/runwisp"),
    ("Service", "ReadOnlyPaths", "/etc/runwisp"),
    ("Install", "WantedBy", "multi-user.target"),
];

#[test]
fn the_unit_has_exactly_the_directives_of_the_manual() {
    let found = directives(&shipped("runwisp.service"));
    let expected: Vec<(String, String, String)> = UNIT
        .iter()
        .map(|(section, name, value)| (section.to_string(), name.to_string(), value.to_string()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn the_manual_shows_the_unit_as_it_is_shipped() {
    let manual = fs::read_to_string(root().join("docs/deployment.md")).unwrap();
    assert!(manual.contains(shipped("runwisp.service").trim()), "docs/deployment.md differs");
}

#[test]
fn the_example_of_the_environment_sets_nothing() {
    let example = shipped("runwisp.env.example");
    assert!(example.contains("# RUNWISP_PASSWORD="));
    for line in example.lines() {
        assert!(line.starts_with('#'), "{line}");
    }
}

/// Every line of `hardening.conf` is tried by tests/systemd/inside/hardening.sh; a new one needs
/// its try there.
#[test]
fn the_hardening_has_exactly_the_directives_that_were_tried() {
    let found = directives(&shipped("runwisp.service.d/hardening.conf"));
    let expected = [
        ("CapabilityBoundingSet", ""),
        ("SystemCallFilter", "@system-service"),
        (
            "SystemCallFilter",
            "@pkey seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self",
        ),
        ("SystemCallErrorNumber", "EPERM"),
        ("SystemCallArchitectures", "native"),
        ("RestrictNamespaces", "true"),
        ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK"),
        ("ProtectClock", "true"),
        ("ProtectHostname", "true"),
        ("ProtectKernelLogs", "true"),
        ("ProtectProc", "invisible"),
        ("PrivateMounts", "true"),
        ("PrivateIPC", "true"),
    ];
    let expected = expected.map(|(name, value)| {
        let [section, name, value] = ["Service", name, value].map(str::to_owned);
        (section, name, value)
    });
    assert_eq!(found, expected);
}

#[test]
fn the_drop_ins_add_what_they_say() {
    let service =
        |name: &str, value: &str| vec![("Service".to_owned(), name.to_owned(), value.to_owned())];
    let found = directives(&shipped("runwisp.service.d/oom.conf"));
    assert_eq!(found, service("OOMPolicy", "continue"));
    let found = directives(&shipped("runwisp.service.d/write-paths.conf"));
    assert_eq!(found, service("ReadWritePaths", "-/srv/backups"));
    let found = directives(&shipped("runwisp.service.d/reload.conf"));
    assert_eq!(found, service("ExecReload", "/bin/kill -HUP $MAINPID"));
    // Without the second one the first has no effect: the unit keeps cgroups read-only.
    let found = directives(&shipped("runwisp.service.d/cgroup.conf"));
    assert_eq!(
        found,
        [service("Delegate", "memory"), service("ProtectControlGroups", "no")].concat()
    );
}

/// What `service install` says, but for what it waits for.
#[test]
fn the_manual_shows_the_steps_of_an_installation() {
    let home = Home::new("");
    let flags = ["--config", "/etc/runwisp/runwisp.toml", "--data", "/var/lib/runwisp"];
    let words = ["service", "install", "--dry-run", "--binary", "/bin/sh"];
    let output = home.run(words.into_iter().chain(flags));
    let steps = String::from_utf8(output.stdout).unwrap();
    // Where there is one already, less is to be done.
    if steps.starts_with("useradd ") && steps.contains("\nchown ") {
        let manual = fs::read_to_string(root().join("docs/deployment.md")).unwrap();
        assert!(manual.contains(&steps), "docs/deployment.md differs from\n{steps}");
    }
}

/// The pages are made from the help and from docs/configuration.md; nothing of them is left out.
#[test]
fn the_manual_pages_hold_what_help_and_manual_say() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("man");
    let mut make = Command::new("python3");
    make.arg(root().join(".ci/man")).arg(env!("CARGO_BIN_EXE_runwisp")).arg(&directory);
    let made = match make.output() {
        Ok(made) => made,
        Err(error) => return skip(&format!("python3 cannot be run: {error}")),
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let page = |name: &str| fs::read_to_string(directory.join(name)).unwrap().replace('\\', "");
    let (commands, configuration) = (page("runwisp.1"), page("runwisp.toml.5"));
    for part in [
        ".SS \"run-task\"",
        ".SS \"service\"",
        "fB--when-idlefP",
        "fB-c, --config <path>fP",
        "fBRUNWISP_PASSWORDfP",
        "uninstall: delete the data directory too",
    ] {
        assert!(commands.contains(part), "{part}");
    }
    let manual = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    let outside: String = manual.split("```").step_by(2).collect();
    let headings: Vec<&str> = outside.lines().filter(|line| line.starts_with("##")).collect();
    assert!(headings.len() > 20);
    for heading in headings {
        let name = heading.trim_start_matches('#').trim().replace('`', "");
        let known = configuration.replace("fB", "").replace("fP", "");
        assert!(known.contains(&format!("\"{name}\"\n")), "{name}");
    }
    // Links and code are set as type, not shown as Markdown.
    assert!(!configuration.contains("](") && !configuration.contains('`'));
    // Where a checker is installed.
    for name in ["runwisp.1", "runwisp.toml.5"] {
        let mut lint = Command::new("mandoc");
        if let Ok(output) =
            lint.args(["-T", "lint", "-W", "warning"]).arg(directory.join(name)).output()
        {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn shipped(name: &str) -> String {
    fs::read_to_string(root().join("systemd").join(name)).unwrap()
}

/// systemd.syntax(7): sections, `name=value`, comments, lines continued by a backslash.
fn directives(unit: &str) -> Vec<(String, String, String)> {
    let joined = unit.replace("\\\n", "");
    let mut section = String::new();
    let mut directives = Vec::new();
    for line in joined.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
            continue;
        }
        let (name, value) = line.split_once('=').unwrap();
        let value: Vec<&str> = value.split_whitespace().collect();
        directives.push((section.clone(), name.to_owned(), value.join(" ")));
    }
    directives
}
