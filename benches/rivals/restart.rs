//! A process that is to be kept alive is killed.

use std::process::Command;
use std::thread;
use std::time::Duration;

use super::alive::within;
use super::rival::{Jobs, Output, When};
use super::{Bench, pick, two};
use crate::harness::Home;
use crate::job::stamps;
use crate::restart::{Killer, bare};

pub(crate) const HOW: &str = "Restart: `kill -9` of a process that has been up for 1.3 to 2 s to the \
    first instruction of its successor, median / worst of 10 deaths. No delay where there is a \
    setting (runwisp `restart_delay = \"0s\"`, systemd `RestartSec=0`); so long, because runit never \
    starts a process twice in a second and supervisord calls it failed before. bare: wait, spawn.";

const ROW: &str = "Killed to restarted, ms";
const UP_FOR: Duration = Duration::from_millis(1200);
/// Longer each time, so that no rival is met again and again at the same moment of its own round.
const LONGER: Duration = Duration::from_millis(83);

pub(crate) fn measure(bench: &mut Bench) {
    let deaths: u32 = pick(10, 2);
    let stay = bench.tools.stay.clone();
    let jobs = |home: &Home| Jobs {
        count: 1,
        program: &stay,
        argument: home.path("stamps").display().to_string(),
        when: When::Kept,
        output: Output::Ignored,
    };
    bench.each(&[ROW], jobs, |trial| {
        let file = trial.home.path("stamps");
        let lives = |count: usize| {
            let newest = || stamps(&file).get(count - 1).copied();
            within(Duration::from_secs(20), "the process is up", newest)
        };
        let mut killer = Killer::new();
        let mut times = Vec::new();
        for death in 1..=deaths {
            let (_, pid) = lives(death as usize)?;
            thread::sleep(UP_FOR + death * LONGER);
            let killed = killer.kill(pid);
            times.push((lives(death as usize + 1)?.0 - killed) * 1000.0);
        }
        Ok(vec![two(&times)])
    });
    bench.bare(ROW, || {
        two(&bare(deaths as usize, |file| {
            let mut command = Command::new(&stay);
            command.arg("-c").arg(file);
            command
        }))
    });
}
