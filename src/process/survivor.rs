//! A process that a killed daemon left behind. It is known by its pid and start time, within one
//! boot of the machine, or, where the daemon died before it could write them down, by the id of
//! its run in its environment; whatever does not match is left alone.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::thread;
use std::time::Duration;

use crate::base::time::Clock;
use crate::model::job::StopSignal;
use crate::model::run::{Leader, RunId};
use crate::sys::group::{Group, is_alive, leads_its_group, start_of};
use crate::sys::{error_text, signals};

/// Between SIGTERM and SIGKILL (docs/running.md, After a crash).
const GRACE: Duration = Duration::from_secs(2);
/// For the kernel to carry out a SIGKILL; who is stuck in a system call takes longer.
const KILL_TIME: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(10);

/// What became of a survivor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survivor {
    /// There was none: its leader is gone, or the number is another process's.
    None,
    /// It and its group were ended.
    Ended,
    /// Somebody in its group still lives, killed or not.
    Stuck,
}

/// Names this boot of the machine; a [`Leader`] of another one means nothing (random(4)).
pub(crate) fn boot_id() -> io::Result<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned())
}

/// The leaders of runs of which only the id is known: those that carry it in their environment.
pub(crate) fn find(runs: &[RunId]) -> HashMap<RunId, Leader> {
    if runs.is_empty() {
        return HashMap::new();
    }
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| {
        // Whoever is not ours to read is not ours to end.
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let id = run_of(&environment).filter(|id| runs.contains(id))?;
        leads_its_group(pid).then_some((id, Leader { pid, start: start_of(pid)? }))
    })
    .collect()
}

/// The id of a run among the variables of a process (proc_pid_environ(5)).
fn run_of(environment: &[u8]) -> Option<RunId> {
    let mut variables = environment.split(|&byte| byte == 0);
    let id = variables.find_map(|variable| variable.strip_prefix(b"RUNWISP_RUN_ID="))?;
    std::str::from_utf8(id).ok()?.parse().ok()
}

/// Ends the groups of these leaders of this boot and waits for them: SIGTERM to all at once, after
/// two seconds SIGKILL to those that are left.
pub(crate) fn end_all(leaders: &[Leader], clock: &Clock) -> Vec<Survivor> {
    let survivors: Vec<Leader> =
        leaders.iter().copied().filter(|leader| is_alive(*leader)).collect();
    let mut left = survivors.clone();
    for (signal, patience) in [(StopSignal::Term, GRACE), (StopSignal::Kill, KILL_TIME)] {
        left.iter().for_each(|leader| send(*leader, signal));
        let until = clock.now().steady + patience;
        while !left.is_empty() && clock.now().steady < until {
            // Nobody's parent is told of their end; this is a boot after a crash, and rare.
            thread::sleep(STEP);
            left.retain(|leader| is_group_left(*leader));
        }
    }
    let fate = |leader| match (survivors.contains(leader), left.contains(leader)) {
        (false, _) => Survivor::None,
        (true, false) => Survivor::Ended,
        (true, true) => Survivor::Stuck,
    };
    leaders.iter().map(fate).collect()
}

fn send(leader: Leader, signal: StopSignal) {
    if let Err(error) = Group::of(leader).signal(signals::number(signal)) {
        let (name, pid) = (signal.as_str(), leader.pid);
        let cause = error_text(&error);
        log::warn!("cannot send {name} to a process of an earlier daemon: {cause} pid={pid}");
    }
}

/// Whether somebody in the group still lives, its leader or not.
fn is_group_left(leader: Leader) -> bool {
    // A stranger gets the number as pid only when the group is gone too.
    let is_stranger = start_of(leader.pid).is_some_and(|start| start != leader.start);
    !is_stranger && !Group::of(leader).is_empty()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command, Stdio};

    use super::*;
    use crate::base::ulid::Ulids;

    /// A shell in a group of its own with one member that runs `script`.
    fn family(script: &str) -> (Child, Leader, Leader) {
        let script = format!("sh -c '{script}' & echo $!; wait");
        let mut shell = Command::new("/bin/sh")
            .args(["-c", &script])
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
        let mut pids = || lines.next().unwrap().unwrap().parse().unwrap();
        let known = |pid| Leader { pid, start: start_of(pid).unwrap() };
        // Both say who they are; the member once it is ready.
        let (one, other): (i32, i32) = (pids(), pids());
        assert_eq!(one, other);
        let leader = known(shell.id() as i32);
        (shell, leader, known(one))
    }

    #[test]
    fn a_survivor_and_its_group_are_ended_and_a_stranger_is_left_alone() {
        let (mut shell, leader, member) = family("echo $$; exec sleep 60");
        let clock = Clock::start();
        let stranger = Leader { start: leader.start + 1, ..leader };
        assert_eq!(end_all(&[stranger], &clock), [Survivor::None]);
        assert!(is_alive(leader));
        assert_eq!(end_all(&[leader], &clock), [Survivor::Ended]);
        assert!(!is_alive(leader) && !is_alive(member));
        shell.wait().unwrap();
        assert_eq!(end_all(&[leader], &clock), [Survivor::None]);
        assert_eq!(boot_id().unwrap().len(), 36);
    }

    #[test]
    fn a_process_that_nobody_wrote_down_is_known_by_the_id_of_its_run() {
        let mut ids = Ulids::new(1);
        let now = Clock::start().now().wall;
        let (run, other) = (ids.next(now), ids.next(now));
        let mut shell = Command::new("/bin/sh")
            .args(["-c", "sleep 60 & echo begun; wait"])
            .env("RUNWISP_RUN_ID", run.to_string())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        BufReader::new(shell.stdout.take().unwrap()).lines().next().unwrap().unwrap();
        let pid = shell.id() as i32;
        let leader = Leader { pid, start: start_of(pid).unwrap() };
        assert_eq!(find(&[other]), HashMap::new());
        assert_eq!(find(&[other, run]), HashMap::from([(run, leader)]), "its child is no leader");
        assert_eq!(end_all(&[leader], &Clock::start()), [Survivor::Ended]);
        shell.wait().unwrap();
    }

    #[test]
    fn all_share_one_grace_time_and_members_do_not_outlive_their_leader() {
        let mut families: Vec<_> =
            (0..3).map(|_| family("trap \"\" TERM; echo $$; sleep 60; sleep 60")).collect();
        families.push(family("echo $$; exec sleep 60"));
        let leaders: Vec<Leader> = families.iter().map(|(_, leader, _)| *leader).collect();
        let clock = Clock::start();
        let before = clock.now().steady;
        assert_eq!(end_all(&leaders, &clock), [Survivor::Ended; 4]);
        let took = clock.now().steady - before;
        assert!(took >= GRACE && took < GRACE + KILL_TIME, "{took:?}");
        for (mut shell, leader, member) in families {
            assert!(!is_alive(leader) && !is_alive(member));
            shell.wait().unwrap();
        }
    }
}
