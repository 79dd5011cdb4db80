//! Another user of the same machine, with an account and nothing else (docs/security.md, The
//! model). The daemon runs as a user without rights too, so that it is not root's name that keeps
//! the neighbour out.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use super::{CANARY, assert_well};
use crate::harness::daemon::PATIENCE;
use crate::harness::http::free_port;
use crate::harness::{Daemon, Home, is_root, process, skip, wait_until};

const OWNER: u32 = 65_533;
const NEIGHBOUR: u32 = 65_532;
const PASSWORD: &str = "a password out of the environment";

/// A home whose data belong to the owner.
fn home() -> Home {
    let home = Home::new(CANARY);
    fs::create_dir(home.data()).unwrap();
    fs::set_permissions(home.data(), Permissions::from_mode(0o700)).unwrap();
    chown(home.data(), Some(OWNER), Some(OWNER)).unwrap();
    home
}

/// The daemon as the owner.
fn start(home: &Home) -> Daemon<'_> {
    let daemon = Daemon::launch(home, free_port(), |command| {
        command.env("RUNWISP_PASSWORD", PASSWORD).uid(OWNER).gid(OWNER);
    });
    daemon.wait_ready();
    wait_until("the password is checked", PATIENCE, || {
        daemon.try_login(PASSWORD, &[]).status == 200
    });
    daemon
}

/// What a script prints that this user runs in the home.
fn as_user(user: u32, home: &Home, script: &str) -> String {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).current_dir(home.dir()).uid(user).gid(user).env_clear();
    command.env("PATH", "/usr/bin:/bin");
    let Output { stdout, stderr, .. } = command.output().unwrap();
    String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr)
}

/// The names of what somebody manages to do: `try NAME command…`.
fn managed(user: u32, home: &Home, tries: &str) -> Vec<String> {
    let script = format!(
        "try() {{ name=$1; shift; if \"$@\" >/dev/null 2>&1 </dev/null; then echo \"$name\"; fi; }}\n{tries}"
    );
    as_user(user, home, &script).lines().map(str::to_owned).collect()
}

/// Everything that a neighbour may try on files and on the process, by name.
fn tries(daemon: &Daemon<'_>) -> String {
    let pid = daemon.pid();
    let connect = "perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Peer => q(data/runwisp.sock)) or exit 1; \
                   print $s qq(GET /api/tasks HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n); \
                   exit(<$s> =~ / 200 / ? 0 : 1)'";
    let trace = format!("perl -e 'exit(syscall(101, 16, {pid}, 0, 0) == 0 ? 0 : 1)'");
    format!(
        "try list ls data\n\
         try enter sh -c 'cd data'\n\
         try database head -c1 data/runwisp.db\n\
         try log-of-changes head -c1 data/runwisp.db-wal\n\
         try lock sh -c 'exec 9<data/daemon.pid && flock -n -s 9'\n\
         try pid cat data/daemon.pid\n\
         try logs ls data/logs\n\
         try plant touch data/planted\n\
         try replace mv data/daemon.pid data/other\n\
         try hard-link ln data/runwisp.db mine\n\
         try connect {connect}\n\
         try environment head -c1 /proc/{pid}/environ\n\
         try memory head -c1 /proc/{pid}/mem\n\
         try map head -c1 /proc/{pid}/maps\n\
         try descriptors sh -c 'ls -l /proc/{pid}/fd/ | grep -q .'\n\
         try program readlink /proc/{pid}/exe\n\
         try directory readlink /proc/{pid}/cwd\n\
         try root ls /proc/{pid}/root/\n\
         try hang-up kill -HUP {pid}\n\
         try probe kill -0 {pid}\n\
         try trace {trace}\n\
         try score sh -c 'echo 1000 > /proc/{pid}/oom_score_adj'\n\
         try limit prlimit --pid {pid} --nofile=1:1\n\
         try renice renice 19 {pid}\n"
    )
}

#[test]
fn a_neighbour_reads_nothing_changes_nothing_and_signals_nobody() {
    if !is_root() {
        return skip("only root is other users");
    }
    let home = home();
    let daemon = start(&home);
    let tries = tries(&daemon);
    assert_eq!(managed(NEIGHBOUR, &home, &tries), [""; 0]);
    // Even where somebody has opened the directory while the daemon runs.
    fs::set_permissions(home.data(), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(managed(NEIGHBOUR, &home, &tries), ["list", "enter"]);
    // The control: what does no harm works for the owner, so that each denial means something.
    let harmless = [
        "list",
        "enter",
        "database",
        "log-of-changes",
        "pid",
        "plant",
        "hard-link",
        "connect",
        "environment",
        "memory",
        "map",
        "descriptors",
        "program",
        "directory",
        "root",
        "probe",
    ];
    let is_harmless =
        |line: &&str| line.split(' ').nth(1).is_some_and(|name| harmless.contains(&name));
    let own: Vec<&str> = tries.lines().filter(is_harmless).collect();
    let own = managed(OWNER, &home, &own.join("\n"));
    for name in
        ["database", "pid", "plant", "connect", "environment", "map", "descriptors", "probe"]
    {
        assert!(own.iter().any(|found| found == name), "{name}: {own:?}");
    }
    let said = home.read("stderr");
    assert!(!said.contains("SIGHUP"), "{said}");
    // What everybody sees of a process has no secret.
    for file in ["cmdline", "comm", "status", "stat"] {
        let text = as_user(NEIGHBOUR, &home, &format!("cat /proc/{}/{file}", daemon.pid()));
        assert!(!text.is_empty() && !text.contains(PASSWORD), "{file}: {text}");
    }
    assert_well(&daemon);
    daemon.stop_well();
}

#[test]
fn a_neighbour_who_connects_anyway_is_turned_away_and_named() {
    if !is_root() {
        return skip("only root is other users");
    }
    let home = home();
    let daemon = start(&home);
    fs::set_permissions(home.data(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(home.data().join("runwisp.sock"), Permissions::from_mode(0o666)).unwrap();
    let ask = "perl -MIO::Socket::UNIX -e '$SIG{PIPE} = q(IGNORE); for (1..50) { \
               my $s = IO::Socket::UNIX->new(Peer => q(data/runwisp.sock)) or exit 1; \
               print $s qq(GET /api/local/credentials HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n); \
               my $said = join q(), <$s>; print $said }'";
    assert_eq!(as_user(NEIGHBOUR, &home, ask), "", "not a word");
    wait_until("the refusal is logged", PATIENCE, || {
        home.read("stderr").contains(&format!("refused user {NEIGHBOUR} on the control socket"))
    });
    assert_well(&daemon);
    daemon.stop_well();
}

/// The port while the daemon has it, what the daemon may want in /tmp, and what users share.
#[test]
fn a_neighbour_takes_neither_the_port_nor_a_name_nor_what_is_counted() {
    if !is_root() {
        return skip("only root is other users");
    }
    let home = home();
    let daemon = start(&home);
    let port = daemon.port;
    for (address, reuse) in [("127.0.0.1", 0), ("127.0.0.1", 1), ("0.0.0.0", 0), ("0.0.0.0", 1)] {
        let steal = format!(
            "perl -MSocket -e 'socket(my $s, AF_INET, SOCK_STREAM, 0); \
             setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1); \
             setsockopt($s, SOL_SOCKET, SO_REUSEPORT, 1) if {reuse}; \
             exit 1 unless bind($s, pack_sockaddr_in({port}, inet_aton(q({address})))); \
             exit(listen($s, 5) ? 0 : 1)'"
        );
        assert_eq!(managed(NEIGHBOUR, &home, &format!("try steal {steal}")), [""; 0], "{address}");
    }
    // All that a user may have of inotify is his own; connections have their limits in `doors`.
    let fill = "perl -e 'while (1) { last if syscall(294, 0) < 0 } exit 0'";
    as_user(NEIGHBOUR, &home, fill);
    assert_well(&daemon);
    // Another start while the names of all processes to come are taken in /tmp.
    daemon.stop_well();
    let temporary = home.path("tmp");
    fs::create_dir(&temporary).unwrap();
    fs::set_permissions(&temporary, Permissions::from_mode(0o1777)).unwrap();
    as_user(
        NEIGHBOUR,
        &home,
        "for pid in $(seq $$ $(($$ + 300))); do mkdir tmp/.runwisp-http-$pid-0; done",
    );
    let daemon = Daemon::launch(&home, free_port(), |command| {
        command.env("RUNWISP_PASSWORD", PASSWORD).env("TMPDIR", &temporary).uid(OWNER).gid(OWNER);
    });
    daemon.wait_ready();
    assert_well(&daemon);
    daemon.stop_well();
}

/// Whoever has taken over the daemon's user must not become root when root restarts the daemon.
#[test]
fn a_restart_by_root_runs_nothing_of_the_daemon_s_user_as_root() {
    if !is_root() {
        return skip("only root is other users");
    }
    let home = home();
    let daemon = start(&home);
    // Whoever checks this configuration as root finds it good; the user may no longer read it.
    fs::set_permissions(home.path("runwisp.toml"), Permissions::from_mode(0o600)).unwrap();
    let output = home.run(["restart"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("permission denied"), "{said}");
    fs::set_permissions(home.path("runwisp.toml"), Permissions::from_mode(0o644)).unwrap();
    let output = home.run(["restart"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the daemon belongs to another user"), "{said}");
    assert!(process::is_alive(daemon.pid()));
    daemon.stop_well();
}

/// The same by one who only looks like a daemon, and hides what can be hidden (PR_SET_DUMPABLE).
#[test]
fn a_process_that_poses_as_root_s_daemon_is_not_restarted() {
    if !is_root() {
        return skip("only root is other users");
    }
    let home = home();
    // Perl reads its program from the file `daemon`, so its command line is that of a daemon.
    home.write(
        "daemon",
        "use Fcntl qw(:flock); open(my $f, '+>', 'data/daemon.pid') or die; flock($f, LOCK_EX) or die;\n\
         print $f \"$$\\n\"; $f->flush; syscall(157, 4, 0, 0, 0, 0);\n\
         open(my $ready, '>', 'data/ready') or die; close $ready; sleep 600;\n",
    );
    home.write("evil.toml", "[tasks.x]\nrun_on_start = true\nrun = \"id -u > owned\"\n");
    let port = free_port().to_string();
    let evil = home.path("elsewhere");
    let mut command = Command::new("/bin/bash");
    let script = format!(
        "exec -a runwisp /usr/bin/perl daemon --config evil.toml --data {} --port {port}",
        evil.display()
    );
    command.args(["-c", &script]).current_dir(home.dir()).uid(OWNER).gid(OWNER).env_clear();
    let mut poser = command.spawn().unwrap();
    wait_until("he is ready", PATIENCE, || home.data().join("ready").exists());
    let output = home.run(["restart"]);
    let said = String::from_utf8(output.stderr).unwrap();
    let survived = process::is_alive(poser.id());
    poser.kill().unwrap();
    poser.wait().unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the daemon belongs to another user"), "{said}");
    assert!(survived, "not even stopped");
    assert!(!evil.exists() && !home.path("owned").exists());
}
