//! Memory of a rival that keeps many processes.

use std::thread;
use std::time::Duration;

use super::alive::within;
use super::rival::{Jobs, Output, When};
use super::{Bench, pick, shell};
use crate::harness::process::with_mark;

pub(crate) const HOW: &str = "Children: services that sleep, output kept (runit: a svlogd for each; \
    it may do without, next row); the rival's own processes only, without the children.";

pub(crate) fn measure(bench: &mut Bench) {
    let counts: &[usize] = pick(&[200, 1000], &[20]);
    for &count in counts {
        rows(bench, count, Output::Kept, "");
    }
    let most = counts[counts.len() - 1];
    rows(bench, pick(most, 5), Output::Ignored, ", output ignored");
}

fn rows(bench: &mut Bench, count: usize, output: Output, suffix: &str) {
    // The children are found by it: nobody else sleeps so long.
    let seconds = format!("98765.{}", std::process::id());
    let rows = ["RSS / PSS, MB", "PSS per child, kB"]
        .map(|unit| format!("{count} children{suffix}: {unit}"));
    let jobs = |_: &_| Jobs {
        count,
        program: shell(),
        argument: format!("exec sleep {seconds}"),
        when: When::Kept,
        output,
    };
    bench.each(&rows.each_ref().map(String::as_str), jobs, |trial| {
        let all = || {
            // A look at all processes takes some time away from whoever starts them.
            thread::sleep(Duration::from_millis(200));
            (with_mark(&seconds).len() >= count).then_some(())
        };
        within(Duration::from_secs(pick(180, 30)), "all children are there", all)?;
        trial.alive.settle(Duration::from_secs(60))?;
        let memory = trial.alive.memory()?;
        let text = |kilobytes: u64| format!("{:.1}", kilobytes as f64 * 1.024e-3);
        Ok(vec![
            format!("{} / {}", text(memory.rss), text(memory.pss)),
            format!("{:.1}", memory.pss as f64 / count as f64),
        ])
    });
}
