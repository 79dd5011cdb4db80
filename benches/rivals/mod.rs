//! The program beside cron, supervisord, PM2, runit and systemd, and beside what the system calls
//! alone would cost: one Markdown table, measured in one go. What all of them are asked for stands
//! in `rival`, how each is configured for it in a file of its own, and each group of rows in
//! another. systemd is measured by this same program inside a container, which hands its cells out
//! as lines.

mod alive;
mod boxed;
mod capture;
mod children;
mod cron;
mod door;
mod head;
mod memory;
mod pm2;
mod ready;
mod restart;
mod rival;
mod runit;
mod runwisp;
mod short;
mod size;
mod supervisord;
mod systemd;
mod table;
mod ticks;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use alive::Alive;
use rival::{Jobs, Rival};
use table::{Cell, Table};

use crate::harness::Home;
use crate::tick;

const COLUMNS: [&str; 7] = ["runwisp", "cron", "supervisord", "PM2", "runit", "systemd", BARE];
const BARE: &str = "bare";

struct Group {
    name: &'static str,
    measure: fn(&mut Bench),
    /// How each cell of its rows is measured.
    how: &'static str,
}

const GROUPS: [Group; 9] = [
    Group { name: "size", measure: measure_size, how: size::HOW },
    Group { name: "memory", measure: memory::measure, how: memory::HOW },
    Group { name: "ready", measure: ready::measure, how: ready::HOW },
    Group { name: "ticks", measure: ticks::measure, how: ticks::HOW },
    Group { name: "short", measure: short::measure, how: short::HOW },
    Group { name: "restart", measure: restart::measure, how: restart::HOW },
    Group { name: "capture", measure: capture::measure, how: capture::HOW },
    Group { name: "children", measure: children::measure, how: children::HOW },
    Group { name: "door", measure: door::measure, how: door::HOW },
];

/// Prints the table of these groups, of all when there are none. `--inside` comes first in the
/// container: then only systemd is measured, and the cells are printed as lines.
pub(crate) fn measure(words: &[String]) {
    let is_inside = words.first().is_some_and(|word| word == "--inside");
    let words = &words[usize::from(is_inside)..];
    let is_wanted =
        |group: &&Group| words.is_empty() || words.iter().any(|word| word == group.name);
    let groups: Vec<&Group> = GROUPS.iter().filter(is_wanted).collect();
    let mut bench = Bench::new(is_inside);
    bench.find_rivals();
    for group in &groups {
        (group.measure)(&mut bench);
    }
    if is_inside {
        println!("{}", bench.table.lines());
        return;
    }
    let names: Vec<&str> = groups.iter().map(|group| group.name).collect();
    boxed::measure(&mut bench, &names);
    let versions = bench.table.remove(VERSION);
    println!("{}\n", head::line(&versions, words));
    println!("{}\nHow:\n", bench.table.markdown());
    for group in groups {
        println!("- {}", group.how);
    }
}

/// Everything small, to see whether it works.
fn is_short() -> bool {
    std::env::var_os("SHORT").is_some_and(|value| value != "0")
}

fn pick<T>(full: T, short: T) -> T {
    if is_short() { short } else { full }
}

const VERSION: &str = "version";

struct Bench {
    is_inside: bool,
    rivals: Vec<Box<dyn Rival>>,
    table: Table,
    tools: Tools,
}

/// Programs that say when they came to their first instruction; see stamp.c.
struct Tools {
    stamp: PathBuf,
    /// Does not end.
    stay: PathBuf,
    /// Where they were built.
    _home: Option<Home>,
}

/// A rival at work.
struct Trial<'a> {
    rival: &'a dyn Rival,
    home: &'a Home,
    alive: &'a Alive,
}

impl Bench {
    fn new(is_inside: bool) -> Bench {
        let tools = if is_inside { Tools::beside() } else { Tools::build() };
        Bench { is_inside, rivals: Vec::new(), table: Table::new(&COLUMNS), tools }
    }

    fn find_rivals(&mut self) {
        let candidates: Vec<Box<dyn Rival>> = match self.is_inside {
            true => vec![Box::new(systemd::Systemd)],
            false => vec![
                Box::new(runwisp::Runwisp),
                Box::new(cron::Cron),
                Box::new(supervisord::Supervisord),
                Box::new(pm2::Pm2),
                Box::new(runit::Runit),
            ],
        };
        for rival in candidates {
            let version = rival.version();
            let is_there = version.is_ok();
            self.table.put(VERSION, rival.name(), version);
            if is_there {
                self.rivals.push(rival);
            }
        }
    }

    /// Starts each rival with the jobs and puts what was measured into as many rows.
    fn each<'a>(
        &mut self,
        rows: &[&str],
        jobs: impl Fn(&Home) -> Jobs<'a>,
        mut measure: impl FnMut(&Trial<'_>) -> Result<Vec<String>, String>,
    ) {
        for rival in &self.rivals {
            let cells = trial(&**rival, &jobs, &mut measure);
            for (number, row) in rows.iter().enumerate() {
                let cell = cells.as_ref().map(|cells| cells[number].clone());
                self.table.put(row, rival.name(), cell.map_err(Clone::clone));
            }
        }
    }

    /// A cell of the column for what the system calls alone cost.
    fn bare(&mut self, row: &str, measure: impl FnOnce() -> String) {
        if !self.is_inside {
            let cell = guarded(|| Ok(measure()));
            self.table.put(row, BARE, cell);
        }
    }
}

impl Tools {
    fn build() -> Tools {
        let home = Home::new("");
        let stamp = tick::build(&home.path("stamp"), &[]);
        let stay = tick::build(&home.path("stay"), &["-DSTAY"]);
        Tools { stamp, stay, _home: Some(home) }
    }

    /// In the container they lie beside this program.
    fn beside() -> Tools {
        let dir = crate::job::program().parent().unwrap().to_owned();
        Tools { stamp: dir.join("stamp"), stay: dir.join("stay"), _home: None }
    }
}

/// Starts a rival in a home of its own, measures, and ends it.
fn trial<'a, T>(
    rival: &dyn Rival,
    jobs: &impl Fn(&Home) -> Jobs<'a>,
    measure: &mut impl FnMut(&Trial<'_>) -> Result<T, String>,
) -> Result<T, String> {
    guarded(|| {
        let home = Home::new("");
        let jobs = jobs(&home);
        if let Some(reason) = rival.lacks(&jobs) {
            return Err(reason.to_owned());
        }
        let alive = rival.start(&home, &jobs)?;
        measure(&Trial { rival, home: &home, alive: &alive })
    })
}

/// A panic is a reason, too: the other cells are measured all the same.
fn guarded<T>(measure: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(measure)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        Err(said.unwrap_or_else(|| "the measurement failed".to_owned()))
    })
}

fn measure_size(bench: &mut Bench) {
    for rival in &bench.rivals {
        let cell: Cell = guarded(|| rival.size());
        bench.table.put("On disk, MB: itself; with what it needs", rival.name(), cell);
    }
}

fn shell() -> &'static Path {
    Path::new("/bin/sh")
}

/// `median / worst`
fn two(samples: &[f64]) -> String {
    let [median, worst] = [0.5, 1.0].map(|part| crate::report::quantile(samples, part));
    let digits = usize::from(worst < 1000.0);
    format!("{median:.digits$} / {worst:.digits$}")
}
