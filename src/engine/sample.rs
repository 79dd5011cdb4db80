//! Jobs for tests: plain ones, to be altered where a test cares.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::cron::Schedule;
use crate::model::job::{
    AfterFailure, Backoff, CatchUp, Job, JobName, Keep, LogLimit, OnFull, Overlap, RunOnStart,
    Source, Stop, StopSignal, Task, Work,
};
use crate::model::process::Process;
use crate::model::service::Service;

/// Triggered by hand, one at a time, others wait; nothing is repeated.
pub(super) fn task(name: &str) -> Job {
    job(
        name,
        Work::Task(Task {
            schedule: None,
            catch_up: CatchUp::Latest,
            parallelism: 1,
            on_overlap: Overlap::Queue,
            max_queued: 100,
            after_failure: AfterFailure::Retry {
                attempts: 0,
                delay: Duration::from_secs(5),
                backoff: Backoff::Constant,
            },
            run_on_start: RunOnStart::Never,
            jitter: None,
            params: [].into(),
        }),
    )
}

/// One replica, which waits 1, 2, 4, … seconds.
pub(super) fn service(name: &str) -> Job {
    job(name, Work::Service(Service::plain()))
}

pub(super) fn schedule(text: &str, zone: &str) -> Schedule {
    let rules = TimeZone::get(zone).expect("the host has its zones");
    Schedule::parse(text, rules, zone).expect("tests write schedules that are valid")
}

fn job(name: &str, work: Work) -> Job {
    Job {
        name: JobName::new(name),
        source: Source::Root,
        description: String::new(),
        group: "".into(),
        run: "true".into(),
        api_trigger: true,
        hooks: Vec::new(),
        timeout: None,
        log: LogLimit { max: None, on_full: OnFull::DropOld },
        keep: Keep { runs: None, age: None },
        stop: Stop { signal: StopSignal::Term, grace: Duration::from_secs(5) },
        process: Process::plain(),
        failures: Arc::default(),
        alerts: Arc::default(),
        raises: crate::model::alert::TROUBLE,
        work,
    }
}

impl Job {
    /// Alters what only tasks have.
    pub(super) fn with(mut self, alter: impl FnOnce(&mut Task)) -> Job {
        match &mut self.work {
            Work::Task(task) => alter(task),
            Work::Service(_) => unreachable!("the test names a task"),
        }
        self
    }

    /// Alters what only services have.
    pub(super) fn with_service(mut self, alter: impl FnOnce(&mut Service)) -> Job {
        match &mut self.work {
            Work::Task(_) => unreachable!("the test names a service"),
            Work::Service(service) => alter(service),
        }
        self
    }

    pub(super) fn scheduled(self, text: &str, zone: &str) -> Job {
        let schedule = schedule(text, zone);
        self.with(|task| task.schedule = Some(schedule.into()))
    }
}
