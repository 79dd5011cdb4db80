//! PM2 from npm, below target/: `pm2 start` of one file with all applications, which starts the
//! daemon.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::alive::{Alive, said};
use super::rival::{Jobs, Rival, When, bytes_below};
use super::size;
use crate::harness::Home;

pub(crate) struct Pm2;

impl Rival for Pm2 {
    fn name(&self) -> &'static str {
        "PM2"
    }

    fn version(&self) -> Result<String, String> {
        let package = std::fs::read_to_string(modules().join("pm2/package.json"))
            .map_err(|_| "npm has not installed it".to_owned())?;
        let package: serde_json::Value = serde_json::from_str(&package).unwrap();
        let version = package["version"].as_str().unwrap();
        Ok(format!("PM2 {version} with Node.js {}", said("node", &["--version"])?))
    }

    fn size(&self) -> Result<String, String> {
        let node = PathBuf::from(said("which", &["node"])?).canonicalize().unwrap();
        let own = bytes_below(&modules());
        let all = own + size::installed_by(&node);
        Ok(format!("{}; {}", size::megabytes(own), size::megabytes(all)))
    }

    fn lacks(&self, jobs: &Jobs<'_>) -> Option<&'static str> {
        match jobs.when {
            When::Every(_) => Some(
                "its cron_restart stops a running process and starts it again; no schedule for jobs that end",
            ),
            When::Never | When::AtStart | When::Kept if jobs.count > 1000 => {
                Some("not tried: its command tells the daemon of one application after the other")
            }
            When::Never | When::AtStart | When::Kept => None,
        }
    }

    fn start(&self, home: &Home, jobs: &Jobs<'_>) -> Result<Alive, String> {
        let log = |number| home.path(&format!("logs/job-{number}.log"));
        let apps = jobs.numbers().map(|number| {
            json!({
                "name": format!("job-{number}"),
                "script": jobs.program,
                "args": ["-c", jobs.argument],
                "interpreter": "none",
                "autostart": !matches!(jobs.when, When::Never),
                "max_restarts": 1_000_000_000,
                "out_file": log(number),
                "error_file": home.path("errors"),
                // Looks for a version control system, once for each application.
                "vizion": false,
            })
        });
        let apps: Vec<_> = apps.collect();
        home.write("apps.json", json!({ "apps": apps }).to_string());
        std::fs::create_dir_all(home.path("logs")).unwrap();
        let mut command = Command::new("node");
        command.arg(modules().join("pm2/bin/pm2")).arg("start").arg(home.path("apps.json"));
        command.env("PM2_HOME", home.path("pm2")).env("HOME", home.dir());
        Ok(Alive::launch(command, home, &["PM2 v"]))
    }
}

fn modules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/rivals/node_modules")
}
