//! A real daemon under test: started in a home, watched over HTTP, ended by a signal.

use std::fs::OpenOptions;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use super::home::Home;
use super::process::{is_alive, signal};
use super::wait::{wait_for, wait_until};
use super::{http, rows};

/// Longer than any healthy daemon needs for anything, even beside a busy neighbour.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// A running daemon; killed when dropped.
pub(crate) struct Daemon<'home> {
    pub(crate) port: u16,
    home: &'home Home,
    child: Child,
}

impl<'home> Daemon<'home> {
    /// Starts the daemon; `adjust` may add arguments and environment.
    pub(crate) fn launch(
        home: &'home Home,
        port: u16,
        adjust: impl FnOnce(&mut Command),
    ) -> Daemon<'home> {
        let port_text = port.to_string();
        let mut command = home.command(["daemon", "--port", &port_text]);
        let stderr = OpenOptions::new().create(true).append(true).open(home.path("stderr"));
        command.stderr(stderr.unwrap());
        adjust(&mut command);
        let child = command.spawn().unwrap();
        Daemon { port, home, child }
    }

    /// Waits until `/health` answers 200.
    pub(crate) fn wait_ready(&self) {
        wait_until("the daemon is ready", PATIENCE, || {
            assert!(is_alive(self.pid()), "the daemon ended:\n{}", self.home.read("stderr"));
            self.is_healthy()
        });
    }

    pub(crate) fn is_healthy(&self) -> bool {
        http::get(self.port, "/health").is_some_and(|(status, _)| status == 200)
    }

    pub(crate) fn home(&self) -> &'home Home {
        self.home
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Forgets the most memory that it ever used, once the password has been checked, which takes
    /// 19 MiB for a moment (clear_refs, proc_pid_clear_refs(5)).
    pub(crate) fn forget_peak(&self) {
        self.wait_for_keys();
        std::fs::write(format!("/proc/{}/clear_refs", self.pid()), "5").unwrap();
    }

    /// Waits until the password is checked: before that a login may be put off on a busy machine.
    pub(crate) fn wait_for_keys(&self) {
        wait_until("the password is checked", PATIENCE, || !self.has_thread("keys"));
    }

    fn has_thread(&self, name: &str) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        threads.flatten().any(|thread| {
            let known = std::fs::read_to_string(thread.path().join("comm"));
            known.is_ok_and(|known| known.trim_end() == name)
        })
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// SIGTERM; the exit status and how long it took.
    pub(crate) fn stop(mut self) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        self.signal("TERM");
        let status = self.wait();
        (status, asked.elapsed())
    }

    /// SIGTERM to a daemon that is expected to end well.
    pub(crate) fn stop_well(self) {
        let (status, _) = self.stop();
        assert_eq!(status.code(), Some(0));
    }

    /// kill -9; the status tells whether it had ended before.
    pub(crate) fn kill9(mut self) -> ExitStatus {
        self.child.kill().unwrap();
        self.child.wait().unwrap()
    }

    /// Waits for an end that somebody else brings about.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait_for("the daemon ends", PATIENCE, || self.child.try_wait().unwrap())
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- stderr of the daemon\n{}", tail(&self.home.read("stderr"), 60));
            for row in rows::all(&self.home.data()).iter().rev().take(20) {
                eprintln!("{row:?}");
            }
        }
        // Already gone is as good; `stop` and `kill9` come by here too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
