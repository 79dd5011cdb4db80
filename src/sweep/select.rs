//! What retention means, without a clock and without a disk.

use jiff::{SignedDuration, Timestamp};

use crate::model::job::Keep;
use crate::model::run::RunId;
use crate::store::retention::Position;

/// Runs over `keep_runs` that a job may collect between two hourly sweeps (docs/logs.md, Retention).
const SLACK: u64 = 100;

/// A file without a row is left alone for this long (docs/logs.md, Retention).
const ORPHAN_AGE: SignedDuration = SignedDuration::from_hours(1);

/// The newest position that is to go. `surplus` is the newest ended run beyond `keep.runs`.
pub(super) fn cutoff(keep: Keep, now: Timestamp, surplus: Option<Position>) -> Option<Position> {
    // An age that reaches back before the calendar keeps everything.
    let aged = keep.age.and_then(|age| now.checked_sub(age).ok()).map(Position::before);
    aged.max(surplus)
}

/// Whether a job has collected so many ended runs that it is not left to the next hour.
pub(super) fn is_overdue(ended: u64, keep_runs: u64) -> bool {
    ended > keep_runs.saturating_add(SLACK)
}

/// Whether a file that belongs to no row may go.
pub(super) fn is_abandoned(modified: Timestamp, now: Timestamp) -> bool {
    now.duration_since(modified) > ORPHAN_AGE
}

/// The run that a file under `logs/` belongs to, by its name: `{date}_{time}_{run}.log` and
/// its companions. Other names are not ours.
pub(crate) fn run_of(file_name: &str) -> Option<RunId> {
    let (stem, rest) = file_name.split_once('.')?;
    let (date, stem) = stem.split_once('_')?;
    let (time, run) = stem.split_once('_')?;
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let ours = digits(date, 8) && digits(time, 6) && (rest == "log" || rest.starts_with("log."));
    if ours { run.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::logs::{LogFile, LogPlace};
    use crate::store::scratch::{at, pending};

    #[test]
    fn either_rule_selects_a_run() {
        let keep = |age: Option<u64>| Keep { runs: None, age: age.map(Duration::from_secs) };
        let (early, late) = (Position::before(at(-90)), Position::before(at(-10)));
        let table = [
            (None, None, None),
            (Some(60), None, Some(Position::before(at(-60)))),
            (None, Some(late.clone()), Some(late.clone())),
            (Some(60), Some(late.clone()), Some(late)),
            (Some(60), Some(early.clone()), Some(Position::before(at(-60)))),
            (Some(u64::MAX), Some(early.clone()), Some(early)),
        ];
        for (age, surplus, expected) in table {
            assert_eq!(cutoff(keep(age), at(0), surplus.clone()), expected, "{age:?} {surplus:?}");
        }
    }

    #[test]
    fn a_hundred_runs_more_are_left_to_the_next_hour() {
        assert!(!is_overdue(105, 5));
        assert!(is_overdue(106, 5));
        assert!(!is_overdue(u64::MAX, u64::MAX));
    }

    #[test]
    fn a_young_file_may_still_get_its_row() {
        assert!(!is_abandoned(at(0), at(3600)));
        assert!(is_abandoned(at(0), at(3601)));
        assert!(!is_abandoned(at(10), at(0)), "the clock was set back");
    }

    #[test]
    fn only_names_of_run_files_are_ours() {
        let run = pending("a.b", 0);
        let place = LogPlace::new(Path::new("/logs"), &run.job, run.id, run.created_at);
        for file in LogFile::ALL {
            let path = place.file(file);
            assert_eq!(
                run_of(path.file_name().unwrap().to_str().unwrap()),
                Some(run.id),
                "{path:?}"
            );
        }
        let id = run.id;
        for other in [
            "".to_owned(),
            "notes.log".to_owned(),
            "20260507_123022_ABCD.log".to_owned(),
            format!("20260507_123022_{id}"),
            format!("20260507_123022_{id}.txt"),
            format!("20260507_123022_{id}.log2"),
            format!("20260507_12302_{id}.log"),
            format!("2026O507_123022_{id}.log"),
            format!("x20260507_123022_{id}.log"),
        ] {
            assert_eq!(run_of(&other), None, "{other}");
        }
    }
}
