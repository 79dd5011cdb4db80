//! Values that a good file gives.

use std::path::Path;
use std::time::Duration;

use super::super::{Storage, TimezoneSource};
use super::{good, job, service, task, with_service, with_task};
use crate::cron::Schedule;
use crate::model::job::{
    AfterFailure, Backoff, CatchUp, Keep, Kind, LogLimit, OnFull, Overlap, RunOnStart, Stop,
    StopSignal,
};

const EXAMPLE: &str = r#"
[scheduler]
timezone = "Europe/Vienna"

[storage]
max_size       = "2gb"
min_free_space = "300mb"

[defaults]
timeout   = "45m"
keep_runs = 60
keep_for  = "3w"

[tasks.photo-sync]
group          = "Media"
cron           = "20 4 * * mon-fri"
on_overlap     = "skip"
retry_attempts = 2
retry_delay    = "15s"
retry_backoff  = "linear"
run = """
set -u
rsync -a /srv/photos/ /mnt/nas/photos/
"""

[tasks."cert:renew"]
cron     = "@weekly"
timeout  = "0s"          # no limit, overrides the 45m default
keep_for = "unlimited"
run      = "certbot renew --quiet"

[tasks.rebuild-index]    # no cron: manual only
on_overlap = "terminate"
run        = "/opt/search/rebuild"

[services.mailer]
instances     = 2
restart_delay = "500ms"
run           = "exec /opt/mailer/worker"
"#;

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn the_example_of_the_manual_loads() {
    let config = good(EXAMPLE);
    let names: Vec<_> = config.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["photo-sync", "cert:renew", "rebuild-index", "mailer"]);
    assert_eq!(config.timezone, "Europe/Vienna");
    assert_eq!(config.timezone_source, TimezoneSource::Config);
    assert_eq!(
        config.storage,
        Storage { max_size: Some(2 << 30), min_free_space: Some(300 << 20) }
    );
    assert_eq!(config.shutdown_timeout, Duration::from_secs(3));
    assert_eq!(config.default_keep, Keep { runs: Some(60), age: Some(21 * DAY) });
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);

    let photo = job(&config, "photo-sync");
    assert_eq!((photo.kind(), &*photo.group), (Kind::Task, "Media"));
    assert_eq!(&*photo.run, "set -u\nrsync -a /srv/photos/ /mnt/nas/photos/\n");
    assert_eq!(photo.timeout, Some(Duration::from_secs(45 * 60)));
    assert_eq!(photo.keep, config.default_keep);
    let Some(Schedule::Cron(cron)) = task(&config, "photo-sync").schedule.as_deref() else {
        panic!()
    };
    let tick = cron.next_after("2026-01-01T00:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(tick.at, "2026-01-01T03:20:00Z".parse().unwrap());
    assert_eq!(task(&config, "photo-sync").on_overlap, Overlap::Skip);
    assert_eq!(
        task(&config, "photo-sync").after_failure,
        AfterFailure::Retry {
            attempts: 2,
            delay: Duration::from_secs(15),
            backoff: Backoff::Linear
        }
    );

    let renew = job(&config, "cert:renew");
    assert_eq!((renew.timeout, &*renew.group), (None, "Tasks"));
    assert_eq!(renew.keep, Keep { runs: Some(60), age: None });
    assert!(task(&config, "rebuild-index").schedule.is_none());

    let mailer = job(&config, "mailer");
    assert_eq!((mailer.timeout, &*mailer.group), (None, "Services"));
    assert_eq!(service(&config, "mailer").instances, 2);
    assert_eq!(service(&config, "mailer").restart_delay, Duration::from_millis(500));
}

#[test]
fn what_is_not_set_has_the_value_of_the_manual() {
    let config = good("[tasks.t]\nrun = \"true\"\n[services.s]\nrun = \"true\"\n");
    assert_eq!((config.timezone.as_str(), config.timezone_source.as_str()), ("UTC", "default"));
    assert_eq!(config.storage, Storage { max_size: None, min_free_space: None });
    for name in ["t", "s"] {
        let job = job(&config, name);
        assert!(job.api_trigger && job.description.is_empty() && job.timeout.is_none());
        assert_eq!(job.log, LogLimit { max: Some(100 << 20), on_full: OnFull::DropOld });
        assert_eq!(job.keep, Keep { runs: Some(10_000), age: None });
        let grace = Duration::from_secs(5);
        assert_eq!(job.stop, Stop { signal: StopSignal::Term, grace });
        assert_eq!(*job.process.shell, *Path::new("/bin/sh"));
        assert!(job.process.env.is_empty() && job.process.working_dir.is_none());
    }
    let task = task(&config, "t");
    assert_eq!((task.catch_up, task.on_overlap), (CatchUp::Latest, Overlap::Queue));
    assert_eq!((task.parallelism, task.max_queued), (1, 100));
    assert_eq!(task.run_on_start, RunOnStart::Never);
    let delay = Duration::from_secs(5);
    let never = AfterFailure::Retry { attempts: 0, delay, backoff: Backoff::Constant };
    assert_eq!(task.after_failure, never);
    let service = service(&config, "s");
    assert_eq!((service.instances, service.restart_backoff), (1, Backoff::Exponential));
    assert_eq!(service.restart_delay, Duration::from_secs(1));
}

#[test]
fn retention_is_inherited_set_or_switched_off() {
    let defaults = "[defaults]\nkeep_runs = 7\nkeep_for = \"2d\"\n";
    for (lines, runs, age) in [
        ("", Some(7), Some(2 * DAY)),
        ("keep_runs = 0\nkeep_for = \"\"", Some(7), Some(2 * DAY)),
        ("keep_runs = -1\nkeep_for = \"UnLimited\"", None, None),
        ("keep_runs = 1_000_000\nkeep_for = \"36500d\"", Some(1_000_000), Some(36_500 * DAY)),
    ] {
        let config = good(&format!("{defaults}{}", with_task(lines)));
        assert_eq!(job(&config, "t").keep, Keep { runs, age }, "{lines}");
    }
    for (lines, runs, age) in
        [("keep_runs = 0", Some(10_000), None), ("keep_runs = -1\nkeep_for = \"\"", None, None)]
    {
        let config = good(&format!("[defaults]\n{lines}\n{}", with_task("")));
        assert_eq!(config.default_keep, Keep { runs, age }, "{lines}");
        assert_eq!(job(&config, "t").keep, Keep { runs, age }, "{lines}");
    }
}

#[test]
fn zero_means_zero_or_no_limit_and_never_the_default() {
    let config = good(&format!(
        "[defaults]\ntimeout = \"1h\"\nlog_max_size = \"1mb\"\n{}{}",
        with_task(
            "timeout = \"0s\"\nretry_attempts = 3\nretry_delay = \"0s\"\nlog_max_size = \"0\"\n\
             max_queued = 0\ngraceful_stop = \"0s\""
        ),
        with_service("restart_delay = \"0s\"\ntimeout = \"\"\n"),
    ));
    let job = job(&config, "t");
    assert_eq!((job.timeout, job.log.max, job.stop.grace), (None, None, Duration::ZERO));
    assert_eq!(task(&config, "t").max_queued, 0);
    let delay = Duration::ZERO;
    let after = AfterFailure::Retry { attempts: 3, delay, backoff: Backoff::Constant };
    assert_eq!(task(&config, "t").after_failure, after);
    assert_eq!(service(&config, "s").restart_delay, Duration::ZERO);
    let service = super::job(&config, "s");
    assert_eq!((service.timeout, service.log.max), (None, Some(1 << 20)));
}

#[test]
fn defaults_reach_every_job_and_jobs_override_them() {
    let config = good(&format!(
        "[defaults]\ntimeout = \"\"\nlog_on_full = \"drop_new\"\ngraceful_stop = \"2s\"\n\
         stop_signal = \"sigint\"\nshell = \"/bin/bash\"\n{}{}",
        with_task("log_on_full = \"kill_task\"\nstop_signal = \"SIGUSR2\"\nshell = \"~/sh\""),
        with_service("timeout = \"1m\"\ngraceful_stop = \"1s\""),
    ));
    let (task, service) = (job(&config, "t"), job(&config, "s"));
    assert_eq!((task.log.on_full, service.log.on_full), (OnFull::KillTask, OnFull::DropNew));
    let stop = |signal, secs| Stop { signal, grace: Duration::from_secs(secs) };
    assert_eq!(task.stop, stop(StopSignal::Usr2, 2));
    assert_eq!(service.stop, stop(StopSignal::Int, 1));
    assert_eq!(*task.process.shell, *Path::new("/home/me/sh"));
    assert_eq!(*service.process.shell, *Path::new("/bin/bash"));
    assert_eq!((task.timeout, service.timeout), (None, Some(Duration::from_secs(60))));
}

#[test]
fn other_spellings_mean_the_same() {
    let config = good(
        "[daemon]\ntimezone = \"Asia/Tokyo\"\n[tasks.t]\nrun = \"true\"\nmax_concurrent = 4\n\
         manual_trigger = false\non_overlap = \"kill\"\nlog_on_full = \"kill\"\nqueue_max = 9\n\
         cron = \"@daily\"\ncatch_up = 0\n",
    );
    assert_eq!(config.timezone, "Asia/Tokyo");
    assert!(!job(&config, "t").api_trigger);
    assert_eq!(job(&config, "t").log.on_full, OnFull::KillTask);
    let task = task(&config, "t");
    assert_eq!((task.parallelism, task.max_queued), (4, 9));
    assert_eq!((task.on_overlap, task.catch_up), (Overlap::Terminate, CatchUp::Skip));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn catch_up_is_a_word_or_a_number() {
    for (lines, catch_up) in [
        ("catch_up = \"skip\"", CatchUp::Skip),
        ("catch_up = \"latest\"", CatchUp::Latest),
        ("catch_up = \"\"", CatchUp::Latest),
        ("catch_up = \"all\"", CatchUp::All { cap: 100 }),
        ("catch_up = \"all\"\nmax_catch_up_runs = 10000", CatchUp::All { cap: 10_000 }),
        ("catch_up = 0", CatchUp::Skip),
        ("catch_up = 1", CatchUp::Latest),
        ("catch_up = 2", CatchUp::All { cap: 2 }),
        ("catch_up = 10000", CatchUp::All { cap: 10_000 }),
    ] {
        let config = good(&with_task(&format!("cron = \"@daily\"\n{lines}")));
        assert_eq!(task(&config, "t").catch_up, catch_up, "{lines}");
    }
}

#[test]
fn a_schedule_takes_its_zone_from_the_nearest_place() {
    for (lines, identity_end) in [
        ("cron = \"0 3 * * *\"", "Europe/Vienna"),
        ("cron = \"0 3 * * *\"\ntimezone = \"Asia/Tokyo\"", "Asia/Tokyo"),
        ("cron = \"CRON_TZ=Asia/Tokyo 0 3 * * *\"", "Asia/Tokyo"),
        ("cron = \"0 3 * * *\"\ntimezone = \"UTC\"", "UTC"),
        ("cron = \"0 3 * * *\"\ntimezone = \"Local\"", "Local"),
    ] {
        let file = format!("[scheduler]\ntimezone = \"Europe/Vienna\"\n{}", with_task(lines));
        let config = good(&file);
        let identity = task(&config, "t").schedule.as_ref().unwrap().identity();
        assert!(identity.ends_with(identity_end), "{lines}: {identity}");
    }
    let config =
        good("[scheduler]\ntimezone = \"Local\"\n[tasks.t]\nrun = \"true\"\ncron = \"\"\n");
    assert_eq!((config.timezone.as_str(), config.timezone_source.as_str()), ("Local", "system"));
    assert!(task(&config, "t").schedule.is_none());
}

#[test]
fn a_task_may_run_on_start_and_restart_for_ever() {
    for (value, run_on_start) in [
        ("true", RunOnStart::Daemon),
        ("false", RunOnStart::Never),
        ("\"daemon\"", RunOnStart::Daemon),
        ("\"boot\"", RunOnStart::Boot),
    ] {
        let config = good(&with_task(&format!("run_on_start = {value}\nrestart = \"on_failure\"")));
        assert_eq!(task(&config, "t").run_on_start, run_on_start, "{value}");
        assert_eq!(task(&config, "t").after_failure, AfterFailure::Restart);
    }
}

#[test]
fn variables_are_merged_from_the_general_to_the_special() {
    let config = good(&format!(
        "[defaults]\nenv_file = \"common.env\"\n[defaults.env]\nB = \"defaults\"\nD = \"defaults\"\n{}\
         [tasks.t.env]\nD = \"task\"\nE = \"\"\n[tasks.plain]\nrun = \"true\"\n{}",
        with_task("env_file = \"~/own.env\"\nworking_dir = \"~\""),
        with_service("env = { A = \"service\" }\nworking_dir = \"~/w\""),
    ));
    let env = |name| {
        let pairs =
            job(&config, name).process.env.iter().map(|(key, value)| format!("{key}={value}"));
        pairs.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(env("t"), "A=file B=own D=task C=own E=");
    assert_eq!(env("s"), "A=service B=defaults D=defaults");
    assert_eq!(env("plain"), "A=file B=defaults D=defaults");
}

#[test]
fn paths_start_beside_the_file_and_home_stays_for_later() {
    for (written, path) in [
        ("work", "/etc/rw/work"),
        ("../x", "/etc/rw/../x"),
        ("/srv", "/srv"),
        ("~", "~/"),
        ("~/w", "~/w"),
    ] {
        let config = good(&with_task(&format!("working_dir = {written:?}")));
        let working_dir = job(&config, "t").process.working_dir.clone();
        assert_eq!(working_dir.as_deref(), Some(Path::new(path)), "{written}");
    }
}

#[test]
fn a_name_may_have_a_hundred_characters_of_a_few_kinds() {
    let long = "x".repeat(100);
    for name in ["a", "0", "_", "db.backup", "db:backup", "A-b_c.9", long.as_str()] {
        let config = good(&format!("[tasks.{name:?}]\nrun = \"true\"\n"));
        assert_eq!(config.jobs[0].name.as_str(), name);
    }
}

#[test]
fn jobs_keep_the_order_of_the_file() {
    let config = good(
        "[tasks.b]\nrun = \"1\"\n[services.z]\nrun = \"1\"\n[tasks.a.env]\nA = \"1\"\n[tasks.c]\nrun = \"1\"\n\
         [tasks.a]\nrun = \"1\"\n[services.y]\nrun = \"1\"\n",
    );
    let names: Vec<_> = config.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["b", "z", "c", "a", "y"]);
}
