//! A replica dies: how soon its successor is there.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::harness::daemon::PATIENCE;
use crate::harness::{Home, wait_for, wait_until};
use crate::job::{now, script, stamps};
use crate::many::{sleepers, wait_for_sleepers};
use crate::report::{line, spread};

const DEATHS: usize = 30;
/// Longer than the least time between two starts of a replica.
const UP_FOR: Duration = Duration::from_millis(300);

pub(crate) fn measure() {
    let bare = bare(DEATHS, |file| {
        let script = script(&format!("stay {}", file.display()));
        let mut command = Command::new("/bin/sh");
        command.args(["-e", "-c", &script]);
        command
    });
    line("    bare: wait and spawn again", &spread(&bare), "");
    line("killed to restarted, alone", &spread(&restarts("")), "worst 10 ms");
    line("    beside 1,000 idle runs", &spread(&restarts(&sleepers())), "worst 10 ms");
}

/// What a supervisor without rows, logs and limits would need.
pub(crate) fn bare(deaths: usize, stay: impl Fn(&Path) -> Command) -> Vec<f64> {
    let home = Home::new("");
    let file = home.path("stamps");
    let spawn = || stay(&file).spawn().unwrap();
    let mut replica = spawn();
    let mut times = Vec::new();
    for death in 1..=deaths {
        wait_until("the replica is up", PATIENCE, || stamps(&file).len() == death);
        let killed = now();
        replica.kill().unwrap();
        replica.wait().unwrap();
        replica = spawn();
        wait_until("its successor is up", PATIENCE, || stamps(&file).len() == death + 1);
        times.push((stamps(&file)[death].0 - killed) * 1000.0);
    }
    replica.kill().unwrap();
    replica.wait().unwrap();
    times
}

fn restarts(others: &str) -> Vec<f64> {
    let home = Home::new("");
    let file = home.path("stamps");
    let script = script(&format!("stay {}", file.display()));
    home.write(
        "runwisp.toml",
        format!("[services.worker]\nrestart_delay = \"0s\"\nrun = '{script}'\n{others}"),
    );
    let daemon = home.start();
    if !others.is_empty() {
        wait_for_sleepers(&home);
    }
    let lives = |count: usize| {
        wait_for("the replica is up", PATIENCE, || {
            let stamps = stamps(&file);
            (stamps.len() == count).then(|| stamps[count - 1])
        })
    };
    let mut killer = Killer::new();
    let mut times = Vec::new();
    for death in 1..=DEATHS {
        let (_, pid) = lives(death);
        thread::sleep(UP_FOR);
        let killed = killer.kill(pid);
        times.push((lives(death + 1).0 - killed) * 1000.0);
    }
    daemon.stop_well();
    times
}

/// Ready to send a signal at once, which a new process would need milliseconds for.
pub(crate) struct Killer(Child);

impl Killer {
    pub(crate) fn new() -> Killer {
        Killer(Command::new("/bin/sh").stdin(Stdio::piped()).spawn().unwrap())
    }

    /// When it was told to.
    pub(crate) fn kill(&mut self, pid: u32) -> f64 {
        let killed = now();
        writeln!(self.0.stdin.as_mut().unwrap(), "kill -KILL {pid}").unwrap();
        killed
    }
}

impl Drop for Killer {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
