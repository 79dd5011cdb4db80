//! Crontabs as tasks (docs/configuration.md, Crontabs).

use std::path::Path;

use super::includes::read;
use crate::cron::Schedule;
use crate::model::job::{CatchUp, RunOnStart, Source};
use crate::model::process::EnvBase;

const ROOT: &str = "[defaults]\ntimeout = \"1h\"\njitter = \"1m\"\nenv = { A = \"d\", D = \"d\" }\n\
    [tasks.backup]\nrun = \"1\"\n[daemon]\ninclude_cron = [\"cron.d/*\", \"mine\", \"/x/cron/crontabs/*\"]\n";

#[test]
fn lines_become_tasks() {
    let system = "SHELL=/bin/bash\nA=1\n# Dump it\n*/5 * * * * app /usr/local/bin/backup.sh --all\n\
                  @reboot root backup # again\n61 * * * * root no\n0 0 30 2 * root never\n\
                  0 3 * * * ../x no-user\n";
    let files = [
        ("/etc/rw/cron.d/app", system),
        ("/etc/rw/cron.d/app.dpkg-old", system),
        ("/etc/rw/mine", "0 4 * * mon tidy ${HOME}\n"),
        ("/x/cron/crontabs/kim", "HOME=/srv\n0 5 * * * tidy\n"),
    ];
    let config = read(ROOT, &files).unwrap_or_else(|problems| panic!("{problems}"));
    let jobs: Vec<_> = config.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(jobs, ["backup", "backup-2", "backup-3", "tidy", "tidy-2"]);
    let [_, app, again, mine, kim] = config.jobs.as_slice() else { panic!() };

    assert_eq!(app.source, Source::Crontab(Path::new("/etc/rw/cron.d/app").into(), 4));
    assert_eq!((&*app.description, app.timeout.unwrap().as_secs()), ("Dump it", 3600));
    assert_eq!(app.process.user.as_ref().unwrap().user, "app");
    assert_eq!(*app.process.shell, *Path::new("/bin/bash"));
    assert_eq!(app.process.env_base, EnvBase::Clean);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(*app.process.env, [pair("A", "1"), pair("D", "d")]);
    assert_eq!(app.process.working_dir.as_deref(), Some(Path::new("~/")));
    let task = app.task().unwrap();
    assert_eq!((task.catch_up, task.jitter.unwrap().as_secs()), (CatchUp::Skip, 60));
    let Some(Schedule::Cron(_)) = task.schedule.as_deref() else { panic!() };

    let task = again.task().unwrap();
    assert_eq!((task.run_on_start, task.jitter), (RunOnStart::Boot, None));
    assert!(mine.run.contains("tidy ${HOME}") && mine.process.user.is_none());
    assert_eq!(kim.process.user.as_ref().unwrap().user, "kim");
    assert_eq!(kim.process.working_dir.as_deref(), Some(Path::new("/srv")));

    let warnings: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 4, "{warnings:#?}");
    assert!(warnings[0].contains("skipped: \"/etc/rw/cron.d/app.dpkg-old\""), "{warnings:#?}");
    let warnings = &warnings[1..];
    for (warning, line) in warnings.iter().zip([6, 7, 8]) {
        let start = format!("conf/cron.d/app:{line}:1: skipped: ");
        assert!(warning.starts_with(&start), "{warning}");
    }
    assert!(warnings[1].contains("no such date"), "{warnings:?}");
}

#[test]
fn a_file_is_one_thing_or_the_other() {
    let text = "[daemon]\ninclude = [\"x/*\"]\ninclude_cron = [\"x/a\", \"none\"]\n";
    let problems = read(text, &[("/etc/rw/x/a", "")]).unwrap_err().0;
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 2, "{problems:?}");
    let [both, none] = [&problems[0], &problems[1]];
    let place = |column| format!("conf/c.toml:3:{column}: daemon.include_cron: ");
    assert!(both.starts_with(&place(17)) && both.contains("is matched by include too"), "{both}");
    assert!(none.starts_with(&place(24)) && none.contains("cannot use \"/etc/rw/none\""), "{none}");
}
