//! From the tick of a schedule to the first instruction of the job.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use crate::harness::{Home, wait_until};
use crate::job::{now, stamps};
use crate::report::{line, spread};

/// Seconds from one tick to the next.
pub(crate) const PERIOD: u32 = 2;

pub(crate) fn measure() {
    let tools = Home::new("");
    let stamp = build(&tools.path("stamp"), &[]);
    for (jobs, ticks, target) in
        [(1, 10, ""), (20, 20, "p99 5 ms"), (200, 5, "p99 1.5 of 16 threads")]
    {
        let home = Home::new("");
        let file = home.path("stamps");
        home.write("runwisp.toml", config(jobs, &stamp, &file));
        let daemon = home.start();
        let wanted = jobs * ticks;
        wait_until("all ticks fired", Duration::from_secs(300), || stamps(&file).len() >= wanted);
        daemon.stop_well();
        line(&format!("tick to job, {jobs} jobs"), &spread(&late(&stamps(&file), PERIOD)), target);

        for threads in [1, 16] {
            let bare = home.path(&format!("bare-{threads}"));
            spawn_on_ticks(threads, jobs, ticks, PERIOD, &stamp, &bare);
            let text = spread(&late(&stamps(&bare), PERIOD));
            line(&format!("    bare spawns, threads: {threads}"), &text, "");
        }
    }
}

/// The job: as little as says when it came to its first instruction.
pub(crate) fn build(stamp: &Path, options: &[&str]) -> PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/stamp.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-O1", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector"]);
    compiler.args(options).arg("-o");
    assert!(compiler.args([stamp, Path::new(source)]).status().unwrap().success());
    stamp.to_owned()
}

pub(crate) fn config(jobs: usize, shell: &Path, file: &Path) -> String {
    let script = file.display();
    let mut text = format!("[defaults]\nkeep_runs = 100000\nshell = '{}'\n", shell.display());
    for number in 0..jobs {
        writeln!(text, "[tasks.task-{number}]\ncron = \"*/{PERIOD} * * * * *\"\nrun = '{script}'")
            .unwrap();
    }
    text
}

/// What a scheduler without rows, logs and limits would need, with so many threads that spawn.
pub(crate) fn spawn_on_ticks(
    threads: usize,
    jobs: usize,
    ticks: usize,
    period: u32,
    stamp: &Path,
    file: &Path,
) {
    let spawn = |_| Command::new(stamp).arg("-c").arg(file).spawn().unwrap();
    let spawn_part = |jobs: usize| {
        let children: Vec<Child> = (0..jobs).map(spawn).collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
    };
    for _ in 0..ticks {
        let period = f64::from(period);
        thread::sleep(Duration::from_secs_f64(period - now() % period));
        thread::scope(|scope| {
            for thread in 0..threads {
                let part = jobs * (thread + 1) / threads - jobs * thread / threads;
                scope.spawn(move || spawn_part(part));
            }
        });
    }
}

/// Milliseconds since the tick before each stamp.
pub(crate) fn late(stamps: &[(f64, u32)], period: u32) -> Vec<f64> {
    stamps.iter().map(|(at, _)| at % f64::from(period) * 1000.0).collect()
}
