//! Debian's cron in a mount namespace of its own, with its own /etc/cron.d: the host's tables are
//! neither read nor touched.

use std::fmt::Write;
use std::process::Command;

use super::alive::{Alive, said};
use super::rival::{Jobs, Rival, When};
use super::size;
use crate::harness::Home;

/// cron takes at most 10,000 lines from one table.
const LINES: usize = 1000;

pub(crate) struct Cron;

impl Rival for Cron {
    fn name(&self) -> &'static str {
        "cron"
    }

    fn version(&self) -> Result<String, String> {
        said("dpkg-query", &["-W", "-f", "cron ${Version}", "cron"])?;
        if !crate::harness::is_root() {
            return Err("it needs root".to_owned());
        }
        said("dpkg-query", &["-W", "-f", "cron ${Version}", "cron"])
    }

    fn size(&self) -> Result<String, String> {
        size::debian("cron")
    }

    fn lacks(&self, jobs: &Jobs<'_>) -> Option<&'static str> {
        match jobs.when {
            When::Kept => Some("it keeps no process alive and no output"),
            When::Every(seconds) if seconds != 60 => Some("it starts jobs at full minutes only"),
            When::Never | When::AtStart | When::Every(_) => None,
        }
    }

    fn start(&self, home: &Home, jobs: &Jobs<'_>) -> Result<Alive, String> {
        let header = format!("SHELL={}\n", jobs.program.display());
        let mut tables = vec![header.clone(); jobs.count.div_ceil(LINES)];
        for number in jobs.numbers() {
            let when = match jobs.when {
                When::Never => format!("{} 3 1 1 *", number % 60),
                When::AtStart | When::Kept => "@reboot".to_owned(),
                When::Every(_) => "* * * * *".to_owned(),
            };
            writeln!(tables[number / LINES], "{when} root {}", jobs.argument).unwrap();
        }
        for (number, table) in tables.iter().enumerate() {
            home.write(&format!("cron.d/table-{number}"), table);
        }
        home.write("crontabs/none", "");
        home.write("begin", include_str!("cron.sh"));
        let mut command = Command::new("unshare");
        command.args(["-m", "--propagation", "private", "sh", "-e", "begin"]);
        Ok(Alive::launch(command, home, &["cron"]))
    }
}
