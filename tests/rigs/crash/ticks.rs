//! The balance of the ticks. A tick is settled in the transaction that moves the anchor of its task:
//! by a run, or as one of those that a `missed` row counts. So between any two moments, whoever was
//! killed in between, as many were settled as the schedule has from one anchor to the other.

use std::collections::HashMap;

use jiff::Timestamp;

use super::jobs::{Beat, JOBS, Job};
use super::ledger::Clock;
use crate::harness::rows::Row;

/// What a task had settled at some moment.
#[derive(Clone, Copy, Debug)]
struct Settled {
    anchor: Timestamp,
    /// How far the anchor lies in the future, in seconds.
    ahead: i64,
    ticks: i64,
    /// A `missed` row counted "at least" so many.
    cuts: usize,
    /// Rows whose trigger was `cron`.
    rows: usize,
}

/// What the wall clock did between two looks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Passed {
    /// Real time, in seconds.
    pub(super) real: f64,
    pub(super) boots: u64,
    /// How often it was set, and the sums forward and back, in seconds. None in most lives.
    pub(super) steps: u64,
    pub(super) forward: i64,
    pub(super) back: i64,
}

#[derive(Debug, Default)]
pub(super) struct Balance {
    before: HashMap<&'static str, Settled>,
}

impl Balance {
    /// Compares with the last look. `now` is what the daemon's wall clock says.
    pub(super) fn check(
        &mut self,
        rows: &[Row],
        anchors: &HashMap<String, Timestamp>,
        now: Timestamp,
        clock: Clock,
        passed: Passed,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        for job in &JOBS {
            let Some(&anchor) = anchors.get(job.name) else { continue };
            let settled = count(job, rows, anchor, now);
            if let Some(before) = self.before.insert(job.name, settled) {
                faults.extend(compare(job, before, settled, passed));
            }
            if clock == Clock::Steady && anchor > now {
                faults.push(format!("{}: the anchor {anchor} lies in the future", job.name));
            }
        }
        faults
    }
}

fn compare(job: &Job, before: Settled, now: Settled, passed: Passed) -> Option<String> {
    let name = job.name;
    let new_rows = now.rows.saturating_sub(before.rows);
    // What is due, and for each boot and each step what catch-up may start, with its row.
    let most = passed.real + 3.0 + passed.forward.min(91) as f64 * passed.steps as f64;
    let most = most as usize + (job.cap as usize + 1) * (passed.boots + passed.steps) as usize;
    if new_rows > most {
        return Some(format!("{name}: {new_rows} new rows in {passed:?}"));
    }
    let beat = job.beat?;
    if now.anchor < before.anchor {
        return (passed.back == 0 && before.ahead <= 0).then(|| {
            format!("{name}: the anchor went back from {} to {}", before.anchor, now.anchor)
        });
    }
    // Set back by more than three hours, also fixed hours come twice; a cut count is no count.
    let back = passed.back + before.ahead.max(0);
    let repeats = back > 0 && (beat != Beat::NotAtEleven || back > 3 * 3600);
    if repeats || now.cuts > before.cuts {
        return None;
    }
    let due = ticks_until(beat, now.anchor) - ticks_until(beat, before.anchor);
    let settled = now.ticks - before.ticks;
    (settled != due).then(|| {
        format!(
            "{name}: {settled} ticks settled, {due} due after {} until {} ({passed:?})",
            before.anchor, now.anchor
        )
    })
}

/// How many ticks of a task the rows settle: each first attempt is one, but for those that catch-up
/// started, for which the `missed` row stands.
fn count(job: &Job, rows: &[Row], anchor: Timestamp, now: Timestamp) -> Settled {
    // Rounded up: half a second is enough to come twice.
    let ahead = (anchor.duration_since(now).as_millis() + 999).div_euclid(1000) as i64;
    let mut settled = Settled { anchor, ahead, ticks: 0, cuts: 0, rows: 0 };
    for row in rows.iter().filter(|row| row.task == job.name && row.triggered_by == "cron") {
        if row.retry_of.is_some() {
            continue;
        }
        settled.rows += 1;
        if row.reason() != "missed" {
            settled.ticks += 1;
            continue;
        }
        let message = row.message.as_deref().unwrap_or_default();
        let digits: String = message
            .trim_start_matches("at least ")
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        let missed: u64 = digits.parse().unwrap();
        settled.cuts += usize::from(message.starts_with("at least"));
        settled.ticks += missed as i64 - missed.min(job.cap) as i64;
    }
    settled
}

/// Ticks from 1970 up to and including `at`.
fn ticks_until(beat: Beat, at: Timestamp) -> i64 {
    let second = at.as_second();
    match beat {
        Beat::Seconds(step) => second.div_euclid(step),
        Beat::NotAtEleven => {
            let (day, of_day) = (second.div_euclid(86_400), second.rem_euclid(86_400));
            day * 82_800 + (of_day + 1).min(82_800)
        }
    }
}

#[test]
fn the_last_hour_of_a_day_has_no_ticks() {
    let until = |text: &str| ticks_until(Beat::NotAtEleven, text.parse().unwrap());
    let begin = until("2026-05-06T23:30:00Z");
    assert_eq!(until("2026-05-06T22:59:59Z"), begin);
    assert_eq!(until("2026-05-06T22:59:58Z"), begin - 1);
    assert_eq!(until("2026-05-07T00:00:00Z"), begin + 1);
}
