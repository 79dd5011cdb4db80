//! What the engine tells, as lines of the daemon's log (docs/deployment.md, Logging).

use std::time::Duration;

use crate::base::duration::brief;
use crate::model::event::{Direction, Event, Missed, Standing, Switch};
use crate::model::job::JobName;
use crate::model::run::{EndReason, Phase, Run};

/// Writes one event to the log.
pub(crate) fn announce(event: &Event) {
    match event {
        Event::RunCreated(run) => log::debug!("run created task={} run={}", run.job, run.id),
        Event::RunStarted(run) => log::info!("run started task={} run={}", run.job, run.id),
        Event::RunEnded(run) => ended(run),
        // A tick is no news; see `switched`.
        // Whoever is told of it tells it in the log too.
        Event::Standing(_) | Event::Raised | Event::ReloadAsked => {}
        Event::JobRemoved(job) => log::info!("no longer configured task={job}"),
        Event::StartedAnyway { job, missing } => {
            let missing: Vec<&str> = missing.iter().map(JobName::as_str).collect();
            log::warn!(
                "started although it depends on what is not healthy task={job} missing={}",
                missing.join(",")
            );
        }
        Event::TicksMissed { job, missed, started } => missed_ticks(job, *missed, *started),
        Event::ClockJumped { direction, by } => {
            let direction = match direction {
                Direction::Forward => "forward",
                Direction::Back => "back",
            };
            log::warn!("the wall clock jumped {direction} by={}", brief(*by));
        }
        Event::Fatal(text) => log::error!("{text}"),
        Event::Stopping { why, in_flight } => {
            log::info!("stopping because={why} in_flight={in_flight}")
        }
        Event::CutShort(runs) if runs.is_empty() => {}
        Event::CutShort(runs) => {
            let named: Vec<String> = runs.iter().map(|(job, run)| format!("{job}/{run}")).collect();
            log::warn!("killed before they had ended: {}", named.join(" "));
        }
    }
}

/// Writes to the log that a job was switched off or on.
pub(crate) fn switched(standing: &Standing, before: Switch) {
    let job = &standing.job;
    match (before, standing.switch) {
        (_, Switch::Paused) => log::info!("schedule paused task={job}"),
        (_, Switch::Stopped) => log::info!("service stopped until it is started again task={job}"),
        (_, Switch::Held) => log::info!("held: cron is alive and runs it task={job}"),
        // The row that gives it up has told it.
        (_, Switch::Fatal) => {}
        (Switch::Held, Switch::On) => log::info!("no longer held: cron is gone task={job}"),
        (Switch::Paused, Switch::On) => log::info!("schedule resumed task={job}"),
        (Switch::Stopped | Switch::Fatal | Switch::On, Switch::On) => {
            log::info!("service started again task={job}")
        }
    }
}

fn ended(run: &Run) {
    let Phase::Ended { since, at, end } = &run.phase else { return };
    let took = since.map_or(Duration::ZERO, |since| {
        Duration::try_from(at.duration_since(since)).unwrap_or_default()
    });
    let facts = format!("task={} run={} exit={}", run.job, run.id, end.exit_code);
    let dur = brief(took);
    let message = end.message.as_ref().map(|text| format!(" message={text:?}")).unwrap_or_default();
    let reason = end.reason;
    match reason {
        EndReason::Success => log::info!("run succeeded {facts} dur={dur}"),
        EndReason::Failed
        | EndReason::Timeout
        | EndReason::LogOverflow
        | EndReason::Crashed
        | EndReason::Unhealthy => {
            log::warn!("run failed {facts} reason={reason} dur={dur}{message}");
        }
        EndReason::Stopped => log::info!("run stopped {facts} dur={dur}{message}"),
        EndReason::Skipped | EndReason::QueueFull | EndReason::DstSkipped => {
            log::info!("run refused {facts} reason={reason}{message}");
        }
        EndReason::Missed => log::warn!("runs missed {facts}{message}"),
        EndReason::StartFailed => log::error!("service given up {facts}{message}"),
    }
}

/// The `missed` row has its own line; this one is for the ticks that nothing makes up for.
fn missed_ticks(job: &JobName, missed: Missed, started: usize) {
    if started > 1 && started < missed.count {
        let dropped = missed.count - started;
        let more = if missed.cut { "+" } else { "" };
        let count = missed.count;
        log::warn!(
            "catch-up is capped task={job} missed={count}{more} cap={started} dropped={dropped}{more}"
        );
    }
}
