//! When a failure is an alert: after so many, at once when it is another one, and one message when
//! it is over (docs/notifications.md, Alerts that matter).

use jiff::{SignedDuration, Timestamp};

use crate::model::alert::{Alert, Kind};
use crate::model::job;
use crate::model::notice::Trouble;
use crate::model::notifier::AlertAfter;
use crate::model::run::EndReason;

/// Failures that differ are told at once so often in one trouble: a job that ends each time with
/// another exit code is no news any more.
const DIFFERENT: usize = 8;

/// A replica that ran for so long was well (docs/running.md, Services).
const LASTING: SignedDuration = SignedDuration::from_secs(60);

/// What an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes its way.
    Tell,
    /// It is told at once, whatever else is held back.
    TellAtOnce,
    /// There were not enough of its kind yet.
    Wait,
    /// It goes its way, and what went before is over.
    Recovered { failures: u64, since: Timestamp },
}

/// Takes an alert into account.
pub(crate) fn judge(trouble: &mut Option<Trouble>, after: AlertAfter, alert: &Alert) -> Verdict {
    if alert.kind == Kind::RunSucceeded {
        return succeed(trouble, after, alert.at);
    }
    if alert.kind == Kind::RunRecovered {
        // Of a replica that runs: there is nothing to tell unless something was told.
        let verdict = succeed(trouble, after, alert.at);
        return if verdict == Verdict::Tell { Verdict::Wait } else { verdict };
    }
    if !alert.kind.is_failure() {
        return Verdict::Tell;
    }
    if lasted(alert) {
        // What it had before is over, whether somebody noticed or not.
        succeed(trouble, after, alert.at);
    }
    let known = trouble.get_or_insert_with(|| Trouble {
        since: alert.at,
        failures: 0,
        recent: Vec::new(),
        told: Vec::new(),
    });
    if known.failures == 0 {
        known.since = alert.at;
    }
    known.failures += 1;
    remember(known, after, alert.at);
    let enough = match after.within {
        None => known.failures >= u64::from(after.failures),
        Some(_) => known.recent.len() >= after.failures as usize,
    };
    let signature = signature(alert);
    match known.told.is_empty() {
        true if !enough => Verdict::Wait,
        true => {
            known.told.push(signature);
            Verdict::Tell
        }
        false if known.told.contains(&signature) || known.told.len() >= DIFFERENT => Verdict::Tell,
        false => {
            known.told.push(signature);
            Verdict::TellAtOnce
        }
    }
}

fn succeed(trouble: &mut Option<Trouble>, after: AlertAfter, at: Timestamp) -> Verdict {
    let Some(known) = trouble else { return Verdict::Tell };
    let (failures, since, told) = (known.failures, known.since, !known.told.is_empty());
    known.failures = 0;
    known.told.clear();
    prune(known, after, at);
    // A window goes on over successes.
    if known.recent.is_empty() || after.within.is_none() {
        *trouble = None;
    }
    if told { Verdict::Recovered { failures, since } } else { Verdict::Tell }
}

fn remember(trouble: &mut Trouble, after: AlertAfter, at: Timestamp) {
    if after.within.is_none() {
        return;
    }
    prune(trouble, after, at);
    trouble.recent.push(at);
    let surplus = trouble.recent.len().saturating_sub(after.failures as usize);
    trouble.recent.drain(..surplus);
}

fn prune(trouble: &mut Trouble, after: AlertAfter, at: Timestamp) {
    let Some(within) = after.within else { return trouble.recent.clear() };
    let within = SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX);
    trouble.recent.retain(|past| at.duration_since(*past) <= within);
}

/// Whether it is about a replica that had run for long.
fn lasted(alert: &Alert) -> bool {
    let Some(run) = alert.run.as_ref().filter(|run| run.kind == job::Kind::Service) else {
        return false;
    };
    let ran = run.started_at.zip(run.end.as_ref()).map(|(since, end)| end.at.duration_since(since));
    ran.is_some_and(|ran| ran >= LASTING)
}

/// What makes it another failure.
fn signature(alert: &Alert) -> (EndReason, i32) {
    let end = alert.run.as_ref().and_then(|run| run.end.as_ref());
    end.map_or((EndReason::Failed, 0), |end| (end.reason, end.exit_code))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::notify::samples;

    /// Each step: `F1` failed with exit code 1, `S` succeeded, `+30` so many minutes later; what
    /// is said of it: `-` waits, `t` told, `T` told at once, `R3` recovered after three.
    fn play(after: AlertAfter, steps: &str) -> String {
        let (mut trouble, mut at, mut said) = (None, Timestamp::UNIX_EPOCH, Vec::new());
        for step in steps.split(' ') {
            let number = step[1..].parse().unwrap_or(0);
            let alert = match &step[..1] {
                "+" => {
                    at += SignedDuration::from_mins(number);
                    continue;
                }
                "F" => samples::failed("a", at, number as i32),
                "S" => samples::succeeded("a", at),
                // A replica that failed after it had run for long, and one that runs.
                "L" => samples::replica("a", at, number as i32),
                "R" => samples::running("a", at),
                other => panic!("{other}"),
            };
            at += SignedDuration::from_secs(1);
            said.push(match judge(&mut trouble, after, &alert) {
                Verdict::Wait => "-".to_owned(),
                Verdict::Tell => "t".to_owned(),
                Verdict::TellAtOnce => "T".to_owned(),
                Verdict::Recovered { failures, .. } => format!("R{failures}"),
            });
        }
        said.join(" ")
    }

    fn after(failures: u32, minutes: Option<u64>) -> AlertAfter {
        AlertAfter { failures, within: minutes.map(|it| Duration::from_secs(it * 60)) }
    }

    #[test]
    fn a_failure_is_told_after_so_many_and_its_end_once() {
        for (count, steps, said) in [
            (1, "F1 F1 S S F1", "t t R2 t t"),
            (1, "S S", "t t"),
            (3, "F1 F1 S F1 F1 F1 F1 S", "- - t - - t t R4"),
            (2, "F1 S F1 S F1 S", "- t - t - t"),
        ] {
            assert_eq!(play(after(count, None), steps), said, "{count} {steps}");
        }
    }

    #[test]
    fn another_failure_is_told_at_once_and_each_only_once() {
        for (count, steps, said) in [
            (1, "F1 F2 F1 F2 F3 S F1", "t T t t T R5 t"),
            (2, "F1 F2 F3 F2", "- t T t"),
            (1, "F1 F2 F3 F4 F5 F6 F7 F8 F9 F10", "t T T T T T T T t t"),
        ] {
            assert_eq!(play(after(count, None), steps), said, "{count} {steps}");
        }
    }

    #[test]
    fn a_window_counts_over_successes_and_forgets_what_is_older() {
        for (count, minutes, steps, said) in [
            (3, 60, "F1 S F1 S F1", "- t - t t"),
            (3, 60, "F1 +50 F1 +20 F1 F1", "- - - t"),
            (2, 10, "F1 +11 F1 +11 F1 S", "- - - t"),
            (2, 10, "F1 F1 S F1 S", "- t R2 t R1"),
        ] {
            assert_eq!(play(after(count, Some(minutes)), steps), said, "{count} {steps}");
        }
    }

    #[test]
    fn a_replica_that_ran_for_long_begins_anew_and_one_that_runs_ends_the_trouble() {
        for (count, steps, said) in [
            (2, "L1 L1 L1 F1", "- - - t"),
            (1, "L1 L1 F1 F1", "t t t t"),
            (1, "F1 F1 R R", "t t R2 -"),
            (3, "F1 R", "- -"),
        ] {
            assert_eq!(play(after(count, None), steps), said, "{count} {steps}");
        }
    }

    #[test]
    fn nothing_is_kept_of_a_job_that_is_well() {
        let (mut trouble, at) = (None, Timestamp::UNIX_EPOCH);
        judge(&mut trouble, after(1, None), &samples::failed("a", at, 1));
        judge(&mut trouble, after(1, None), &samples::succeeded("a", at));
        assert_eq!(trouble, None);
    }
}
