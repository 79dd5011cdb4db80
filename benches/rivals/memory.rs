//! Memory of a rival that has nothing to do.

use std::collections::HashMap;
use std::time::Duration;

use super::rival::{Jobs, Output, When};
use super::{Bench, pick, shell};

pub(crate) const HOW: &str = "Memory: sums over the rival's own processes (smaps_rollup), once \
    they are at rest. The jobs are due next year (runwisp, cron, systemd timers) or down \
    (supervisord `autostart=false`, PM2 `autostart: false`, runit `down`). systemd is process 1 and \
    journald, which a host has anyway. Growth is that of anonymous memory \
    between the two largest numbers.";

pub(crate) fn measure(bench: &mut Bench) {
    let counts: &[usize] = pick(&[10, 100, 1000, 10_000], &[2, 20]);
    let mut known: HashMap<&str, Vec<(usize, u64)>> = HashMap::new();
    for count in counts {
        let rows = [
            format!("Idle, {count} jobs: RSS / PSS, MB"),
            format!("Idle, {count} jobs: anonymous, MB"),
        ];
        let jobs = |_: &_| Jobs {
            count: *count,
            program: shell(),
            argument: "true".to_owned(),
            when: When::Never,
            output: Output::Ignored,
        };
        bench.each(&rows.each_ref().map(String::as_str), jobs, |trial| {
            trial.alive.settle(Duration::from_secs(pick(180, 30)))?;
            let memory = trial.alive.memory()?;
            known.entry(trial.rival.name()).or_default().push((*count, memory.anonymous));
            let text = |kilobytes: u64| format!("{:.1}", kilobytes as f64 * 1.024e-3);
            Ok(vec![format!("{} / {}", text(memory.rss), text(memory.pss)), text(memory.anonymous)])
        });
    }
    for rival in &bench.rivals {
        if let Some([.., (few, small), (many, large)]) = known.get(rival.name()).map(Vec::as_slice)
        {
            let bytes = 1024.0 * (*large as f64 - *small as f64) / (many - few) as f64;
            let cell = Ok(format!("{bytes:.0}"));
            bench.table.put("Idle: growth per job, bytes", rival.name(), cell);
        }
    }
}
