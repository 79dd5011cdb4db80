//! Tasks of crontabs beside a process that passes for cron (docs/running.md, Held by cron). With a
//! real cron, in a machine of its own, they are tried in `tests/systemd`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command};

use serde_json::Value;

use crate::harness::daemon::PATIENCE;
use crate::harness::{Home, is_root, process, skip, wait_until};

/// Ends with the test.
struct Cron(Child);

impl Drop for Cron {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn tasks_of_crontabs_are_held_as_long_as_cron_is_alive() {
    if !is_root() {
        return skip("a cron is root's");
    }
    let name = |pid: u32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    if process::all().any(|pid| ["cron\n", "crond\n"].contains(&name(pid).as_str())) {
        return skip("cron is alive here");
    }
    let home =
        Home::new("[daemon]\ninclude_cron = ['tab']\n[tasks.own]\ncron = '@daily'\nrun = 'true'\n");
    home.write("tab", "0 0 1 1 * /bin/echo\n");
    fs::set_permissions(home.path("tab"), fs::Permissions::from_mode(0o600)).unwrap();
    let program = home.path("cron");
    fs::copy("/bin/sleep", &program).unwrap();
    let mut cron = Cron(Command::new(&program).arg("600").spawn().unwrap());
    let daemon = home.start();
    let session = daemon.login();
    let held_by = |task: &str| session.get(&format!("/api/tasks/{task}")).json()["held_by"].clone();
    assert_eq!(held_by("echo"), "cron");
    assert_eq!(held_by("own"), Value::Null);
    cron.0.kill().unwrap();
    cron.0.wait().unwrap();
    wait_until("the task is taken up", PATIENCE, || held_by("echo").is_null());
    let _back = Cron(Command::new(&program).arg("600").spawn().unwrap());
    let reload = home.run(["reload"]);
    assert!(reload.status.success(), "{reload:?}");
    assert_eq!(held_by("echo"), "cron", "a reload looks, too");
    daemon.stop_well();
}
