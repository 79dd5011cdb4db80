//! Processes that a killed daemon left behind. The leader of a run is known by its pid and start time,
//! within one boot of the machine; where the daemon died before it could write them down, or the
//! leader is gone and left others of its group, they are known by the id of the run in their
//! environment. Whatever does not match is left alone, and so is who has left for a session of its own.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::thread;
use std::time::Duration;

use crate::base::time::Clock;
use crate::model::job::StopSignal;
use crate::model::run::{Leader, RunId};
use crate::sys::group::{Group, group_in_session, is_alive, start_of};
use crate::sys::{error_text, signals};

/// Between SIGTERM and SIGKILL (docs/running.md, After a crash).
const GRACE: Duration = Duration::from_secs(2);
/// For the kernel to carry out a SIGKILL; who is stuck in a system call takes longer.
const KILL_TIME: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(10);

/// What became of a survivor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Survivor {
    /// There was none: its group is gone, or the number is another process's.
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

/// The groups of these runs in which somebody lives, each named by its leader, which itself may be
/// gone: it dies of a pipe that nobody reads any more before those who write nothing. With each run
/// comes its leader, as far as somebody wrote it down in this boot.
pub(crate) fn find(open: &[(RunId, Option<Leader>)]) -> HashMap<RunId, Leader> {
    let (mut found, mut sought) = (HashMap::new(), HashMap::new());
    for &(run, leader) in open {
        match leader.filter(|leader| is_alive(*leader)) {
            Some(leader) => drop(found.insert(run, leader)),
            None => drop(sought.insert(run, leader)),
        }
    }
    if sought.is_empty() {
        return found;
    }
    let mut first: HashMap<RunId, u64> = HashMap::new();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) {
        let Some((run, group, start)) = member_of(pid, &sought) else { continue };
        // Whatever groups it made since, the first process of a run is in the run's own.
        if first.get(&run).is_none_or(|first| start < *first) {
            first.insert(run, start);
            let start = start_of(group).unwrap_or_default();
            found.insert(run, sought[&run].unwrap_or(Leader { pid: group, start }));
        }
    }
    found
}

/// The run that this process belongs to, its group, and when it began.
fn member_of(
    pid: i32,
    sought: &HashMap<RunId, Option<Leader>>,
) -> Option<(RunId, libc::pid_t, u64)> {
    // Whoever is not ours to read is not ours to end.
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let run = run_of(&environment)?;
    let leader = sought.get(&run)?;
    let group = group_in_session(pid)?;
    let is_its_group = leader.is_none_or(|leader| leader.pid == group);
    is_its_group.then_some((run, group, start_of(pid)?))
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
        leaders.iter().copied().filter(|leader| is_group_left(*leader)).collect();
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
    use std::sync::atomic::{AtomicU64, Ordering};

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
        assert_eq!(find(&[(other, None)]), HashMap::new());
        let found = find(&[(other, None), (run, None)]);
        assert_eq!(found, HashMap::from([(run, leader)]), "its child is no leader");
        assert_eq!(end_all(&[leader], &Clock::start()), [Survivor::Ended]);
        shell.wait().unwrap();
    }

    #[test]
    fn who_has_left_for_a_session_of_its_own_is_not_taken_for_the_run() {
        let (run, mut shell, leader) = run_with("setsid sleep 60 & echo $!; wait");
        let stray = read_pid(&mut shell);
        let stray = || start_of(stray).map(|start| Leader { pid: stray, start });
        while stray().is_some_and(|stray| group_in_session(stray.pid).is_some()) {
            thread::yield_now();
        }
        assert_eq!(find(&[(run, None)]), HashMap::from([(run, leader)]));
        assert_eq!(end_all(&[leader], &Clock::start()), [Survivor::Ended]);
        shell.wait().unwrap();
        let stray = stray().unwrap();
        assert!(is_alive(stray));
        assert_eq!(find(&[(run, None), (run, Some(leader))]), HashMap::new());
        Group::of(stray).signal(signals::number(StopSignal::Kill)).unwrap();
    }

    #[test]
    fn a_group_whose_leader_is_gone_is_ended_too() {
        let (run, mut shell, leader) = run_with("sleep 60 & echo $!");
        let member = read_pid(&mut shell);
        let member = Leader { pid: member, start: start_of(member).unwrap() };
        shell.wait().unwrap();
        let stranger = Leader { pid: i32::MAX, ..leader };
        assert_eq!(find(&[(run, Some(stranger))]), HashMap::new());
        assert_eq!(find(&[(run, Some(leader))]), HashMap::from([(run, leader)]));
        let unnamed = find(&[(run, None)])[&run];
        assert_eq!(unnamed.pid, leader.pid);
        assert_eq!(end_all(&[unnamed], &Clock::start()), [Survivor::Ended]);
        assert!(!is_alive(member));
        assert_eq!(find(&[(run, Some(leader)), (run, None)]), HashMap::new());
    }

    /// A shell with the environment of a run.
    fn run_with(script: &str) -> (RunId, Child, Leader) {
        static SEED: AtomicU64 = AtomicU64::new(7);
        let seed = SEED.fetch_add(1, Ordering::Relaxed);
        let run = Ulids::new(seed).next(Clock::start().now().wall);
        let shell = Command::new("/bin/sh")
            .args(["-c", script])
            .env("RUNWISP_RUN_ID", run.to_string())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let pid = shell.id() as i32;
        (run, shell, Leader { pid, start: start_of(pid).unwrap() })
    }

    fn read_pid(shell: &mut Child) -> i32 {
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
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
