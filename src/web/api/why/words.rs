//! The sentences of an answer, and its evidence.

use jiff::{SignedDuration, Timestamp};

use super::{Evidence, Facts};
use crate::base::order;
use crate::base::time::rfc3339;
use crate::model::decision::{Decision, What};
use crate::model::run::{Phase, Run};

impl Facts<'_> {
    pub(super) fn sentence(&self, decision: &Decision, run: Option<&Run>, when: &str) -> String {
        let name = &self.job.name;
        let behind = decision.other.map(|other| format!(" run {other}")).unwrap_or_default();
        let result = run.map(|run| format!(": {}", outcome(run))).unwrap_or_default();
        let until = decision.until.map(|until| self.say(until)).unwrap_or_default();
        match decision.what {
            What::Queued => format!("{name} waited at {when} behind{behind}{result}"),
            What::Replaced => {
                format!(
                    "{name} took the place of{behind}, which was stopped for it at {when}{result}"
                )
            }
            What::Skipped => {
                format!(
                    "{name} did not run at {when}: on_overlap is \"skip\" and{behind} was running"
                )
            }
            What::QueueFull => {
                format!(
                    "{name} did not run at {when}: as many runs as may wait did, behind{behind}"
                )
            }
            What::Missed => {
                let (from, to) = self.around(decision);
                format!("{name} did not run at {when}: {from}{to}; {}", decision.detail)
            }
            What::Moved => format!(
                "{name} ran at {when} because the time that its schedule names did not exist when \
                 the clocks went forward{result}"
            ),
            What::Repeated => format!(
                "{name} did not run at {when}: the clocks went back, and it had run the first time"
            ),
            What::Jitter => format!("{name} was held by its jitter until {until}{result}"),
            What::Paused
            | What::Resumed
            | What::Stepped
            | What::Added
            | What::Changed
            | What::Removed
            | What::Held
            | What::Released => {
                format!("{name} at {when}: {}", self.describe(decision))
            }
        }
    }

    /// Whether the clock jumped over the ticks, or nobody was there.
    fn around(&self, missed: &Decision) -> (String, String) {
        let stepped =
            self.decisions.iter().find(|it| it.what == What::Stepped && it.at == missed.at);
        if let Some(Decision { tick: Some(from), until: Some(to), .. }) = stepped {
            let text = format!("the wall clock went from {} to {}", self.say(*from), self.say(*to));
            return (text, String::new());
        }
        match missed.tick.and_then(|tick| self.down(tick)) {
            Some((from, to)) => (
                format!("the daemon was down from {}", self.say(from)),
                format!(" to {}", self.say(to.unwrap_or(missed.at))),
            ),
            None => (format!("nobody was there until {}", self.say(missed.at)), String::new()),
        }
    }

    pub(super) fn describe(&self, decision: &Decision) -> String {
        let until = decision.until.map(|until| self.say(until)).unwrap_or_default();
        let tick = decision.tick.map(|tick| self.say(tick)).unwrap_or_default();
        match decision.what {
            What::Queued => "a run had to wait".to_owned(),
            What::Replaced => "an older run was stopped for a new one".to_owned(),
            What::Skipped => "a run was skipped".to_owned(),
            What::QueueFull => "a run found the queue full".to_owned(),
            What::Missed | What::Changed | What::Removed | What::Added
                if !decision.detail.is_empty() =>
            {
                format!("{}: {}", decision.what.as_str(), decision.detail)
            }
            What::Missed => "ticks were missed".to_owned(),
            What::Moved => format!("the tick was moved to {until}"),
            What::Repeated => "the tick came for the second time".to_owned(),
            What::Jitter => format!("the run waits for its place until {until}"),
            What::Paused => "the schedule was paused".to_owned(),
            What::Resumed => "the schedule was resumed".to_owned(),
            What::Stepped => format!("the wall clock went from {tick} to {until}"),
            What::Added => "the job was added".to_owned(),
            What::Changed => "the definition changed".to_owned(),
            What::Removed => "the job was removed".to_owned(),
            What::Held => "held, because cron is alive".to_owned(),
            What::Released => "no longer held by cron".to_owned(),
        }
    }

    /// What the answer stands on: the decision and the run, and what else was decided near by.
    pub(super) fn all_evidence(&self, main: Option<&Decision>, run: Option<&Run>) -> Vec<Evidence> {
        let near = self.decisions.iter().filter(|it| {
            let is_main = main.is_some_and(|main| main == *it);
            is_main || it.at.duration_since(self.at).abs() <= SignedDuration::from_hours(1)
        });
        let mut evidence: Vec<Evidence> = near
            .map(|it| Evidence {
                at: rfc3339(it.at),
                what: it.what.as_str(),
                text: self.describe(it),
                run_id: it.run.map(|id| id.to_string()),
                other_run_id: it.other.map(|id| id.to_string()),
            })
            .collect();
        evidence.extend(run.map(|run| Evidence {
            at: rfc3339(run.created_at),
            what: "run",
            text: outcome(run),
            run_id: Some(run.id.to_string()),
            other_run_id: None,
        }));
        order::sort_by(&mut evidence, |a, b| a.at.cmp(&b.at));
        evidence
    }

    pub(super) fn say(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }
}

pub(super) fn outcome(run: &Run) -> String {
    match &run.phase {
        Phase::Pending => "it still waits".to_owned(),
        Phase::Running { .. } => "it still runs".to_owned(),
        Phase::Ended { end, .. } => match &end.message {
            Some(message) => format!("{} ({message})", end.reason.as_str().replace('_', " ")),
            None => {
                format!("{}, exit code {}", end.reason.as_str().replace('_', " "), end.exit_code)
            }
        },
    }
}
