//! The program itself, measured by the same hands as the others.

use std::fmt::Write;

use super::alive::{Alive, said};
use super::rival::{Jobs, Output, Rival, When, bytes_below};
use super::size::megabytes;
use crate::harness::home::program;
use crate::harness::{Home, http};

pub(crate) struct Runwisp;

impl Rival for Runwisp {
    fn name(&self) -> &'static str {
        "runwisp"
    }

    fn version(&self) -> Result<String, String> {
        said(&program().to_string_lossy(), &["--version"])
    }

    fn size(&self) -> Result<String, String> {
        let size = megabytes(program().metadata().unwrap().len());
        Ok(format!("{size}; {size}"))
    }

    fn lacks(&self, _: &Jobs<'_>) -> Option<&'static str> {
        None
    }

    fn start(&self, home: &Home, jobs: &Jobs<'_>) -> Result<Alive, String> {
        let mut text =
            format!("[defaults]\nkeep_runs = 1000000\nshell = '{}'\n", jobs.program.display());
        if jobs.output == Output::KeptWhole {
            text.push_str("log_max_size = \"0\"\n");
        }
        for number in jobs.numbers() {
            let (kind, how) = match jobs.when {
                When::Never => ("tasks", format!("cron = \"{} 3 1 1 *\"", number % 60)),
                When::AtStart | When::Kept => ("services", "restart_delay = \"0s\"".to_owned()),
                When::Every(seconds) => ("tasks", format!("cron = \"*/{seconds} * * * * *\"")),
            };
            writeln!(text, "[{kind}.job-{number}]\n{how}\nrun = '{}'", jobs.argument).unwrap();
        }
        home.write("runwisp.toml", text);
        let port = http::free_port().to_string();
        let command = home.command(["daemon", "--port", &port]);
        let name = program().file_name().unwrap().to_string_lossy().into_owned();
        Ok(Alive::launch(command, home, &[&name[..name.len().min(15)]]))
    }

    fn kept(&self, home: &Home) -> u64 {
        bytes_below(&home.data().join("logs"))
    }
}
