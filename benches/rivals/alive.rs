//! A rival at work: which processes are its own, what they cost, and that nothing is left of it.
//! What it starts inherits a mark in its environment, by which it is found again.

use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Home, process};
use crate::idle::{number, switches};
use crate::job::now;

const MARK: &str = "FIGURES_RIVAL";

/// Asks `probe` until it has an answer; the error says what was waited for in vain.
pub(crate) fn within<T>(
    patience: Duration,
    what: &str,
    mut probe: impl FnMut() -> Option<T>,
) -> Result<T, String> {
    let end = Instant::now() + patience;
    loop {
        if let Some(answer) = probe() {
            return Ok(answer);
        }
        if Instant::now() > end {
            return Err(format!("after {} s still not: {what}", patience.as_secs()));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// What a command prints; an error when it fails or takes more than so many seconds.
pub(crate) fn said_within(seconds: u32, program: &str, args: &[&str]) -> Result<String, String> {
    let mut command = Command::new("timeout");
    command.args(["-k", "5", &seconds.to_string(), program]).args(args);
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot start {program}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let said = text(&output.stderr) + "\n" + &text(&output.stdout);
    let last: String = said.trim().lines().last().unwrap_or("").chars().take(200).collect();
    let args: String = args.join(" ").chars().take(60).collect();
    Err(format!("{program} {args}: {}: {last}", output.status))
}

/// The same, for commands of the moment.
pub(crate) fn said(program: &str, args: &[&str]) -> Result<String, String> {
    said_within(120, program, args)
}

/// A running rival; killed with all that it started when dropped.
pub(crate) struct Alive {
    /// When it was told to start.
    pub(crate) begun: f64,
    kind: Kind,
}

enum Kind {
    /// Processes with the mark; its own are those whose names begin so.
    Marked { root: Child, mark: String, names: Vec<String> },
    /// The system's own, and how to undo what was asked of them.
    System { own: Vec<u32>, undo: fn() },
}

impl Alive {
    pub(crate) fn launch(mut command: Command, home: &Home, names: &[&str]) -> Alive {
        let mark = format!("{MARK}={}", home.dir().display());
        command.env(MARK, home.dir()).current_dir(home.dir()).process_group(0);
        let output = File::create(home.path("output")).unwrap();
        command.stdin(Stdio::null()).stderr(output.try_clone().unwrap()).stdout(output);
        let begun = now();
        let root = command.spawn().unwrap();
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Alive { begun, kind: Kind::Marked { root, mark, names } }
    }

    pub(crate) fn system(begun: f64, own: Vec<u32>, undo: fn()) -> Alive {
        Alive { begun, kind: Kind::System { own, undo } }
    }

    /// The processes of the rival itself, without the jobs.
    pub(crate) fn own(&self) -> Vec<u32> {
        match &self.kind {
            Kind::System { own, .. } => own.clone(),
            Kind::Marked { mark, names, .. } => {
                marked(mark).into_iter().filter(|&pid| is_named(pid, names)).collect()
            }
        }
    }

    pub(crate) fn memory(&self) -> Result<Memory, String> {
        let own = self.own();
        if own.is_empty() {
            return Err("it is not there any more".to_owned());
        }
        let mut sum = Memory::default();
        for rollup in
            own.iter().flat_map(|pid| fs::read_to_string(format!("/proc/{pid}/smaps_rollup")))
        {
            sum.rss += number(&rollup, "Rss:");
            sum.pss += number(&rollup, "Pss:");
            sum.anonymous += number(&rollup, "Anonymous:");
        }
        sum.processes = own.len();
        Ok(sum)
    }

    /// How often its threads have left the processor so far.
    pub(crate) fn switches(&self) -> u64 {
        self.own().into_iter().map(switches).sum()
    }

    /// Seconds of processor time that its processes have used so far.
    pub(crate) fn processor(&self) -> f64 {
        self.own().into_iter().map(process::cpu_ticks).sum::<u64>() as f64 / 100.0
    }

    /// Until it has done what it was told, and its processes and their memory stay as they are.
    pub(crate) fn settle(&self, patience: Duration) -> Result<(), String> {
        let (mut before, mut equal) = (Memory::default(), 0);
        within(patience, "it comes to rest", || {
            thread::sleep(Duration::from_millis(super::pick(1000, 300)));
            let now = self.memory().ok().filter(|_| self.is_told())?;
            let is_equal = now.processes == before.processes
                && now.anonymous.abs_diff(before.anonymous) <= 100 + before.anonymous / 50;
            equal = if is_equal { equal + 1 } else { 0 };
            before = now;
            (equal == 2).then_some(())
        })
    }

    /// Whether the command that has told the rival what to do is over, where there is one.
    fn is_told(&self) -> bool {
        match &self.kind {
            Kind::System { .. } => true,
            Kind::Marked { root, .. } => {
                self.own().contains(&root.id()) || !process::is_alive(root.id())
            }
        }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let own = self.own();
        match &mut self.kind {
            Kind::System { undo, .. } => undo(),
            Kind::Marked { root, mark, .. } => {
                kill("TERM", &own);
                let mut gone = || {
                    // Who is a child of this process stays a zombie until somebody waits.
                    let _ = root.try_wait();
                    marked(mark).is_empty().then_some(())
                };
                if within(Duration::from_secs(3), "it ends", &mut gone).is_err() {
                    // The supervisor first: it would start the others again.
                    kill("KILL", &own);
                    let end = within(Duration::from_secs(20), "all of it ends", || {
                        kill("KILL", &marked(mark));
                        gone()
                    });
                    end.unwrap_or_else(|error| eprintln!("{mark}: {error}"));
                }
                let _ = root.kill();
                let _ = root.wait();
            }
        }
    }
}

/// Kilobytes, all processes together.
#[derive(Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) rss: u64,
    pub(crate) pss: u64,
    pub(crate) anonymous: u64,
    pub(crate) processes: usize,
}

fn kill(signal: &str, pids: &[u32]) {
    for some in pids.chunks(500) {
        let pids = some.iter().map(u32::to_string);
        // Some may have ended meanwhile.
        let mut kill = Command::new("kill");
        let _ = kill.arg(format!("-{signal}")).args(pids).stderr(Stdio::null()).status();
    }
}

fn marked(mark: &str) -> Vec<u32> {
    let mark = mark.as_bytes();
    let has_mark = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == mark)
    };
    let pids: HashSet<u32> = process::all().filter(has_mark).collect();
    pids.into_iter().collect()
}

fn is_named(pid: u32, names: &[String]) -> bool {
    let known = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    names.iter().any(|name| known.starts_with(name.as_str()))
}
