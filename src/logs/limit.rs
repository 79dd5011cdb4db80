//! What `log_max_size` and `log_on_full` make of lines that are to be stored
//! (docs/logs.md, Size limits).

use memchr::{memchr, memrchr};

use crate::model::job::{LogLimit, OnFull};

/// What is to be done next with lines that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Store so many bytes of them: one line or more, not always all.
    Store(usize),
    /// Begin a new segment and ask again.
    Rotate,
    /// Drop them and all that follow.
    Drop,
    /// Drop them and stop the run.
    Kill,
}

/// What the newest segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// Nothing, or nothing but the system line about its rotation.
    Fresh,
    Used,
}

/// Decides about `lines`, one or more whole lines, where the segment holds `bytes`. A line
/// fits while the segment stays within the limit; under [`OnFull::DropOld`] one that no
/// segment could hold goes into a fresh one all the same.
pub(super) fn step(limit: LogLimit, segment: Segment, bytes: u64, lines: &[u8]) -> Step {
    let Some(max) = limit.max else { return Step::Store(lines.len()) };
    let room = usize::try_from(max.saturating_sub(bytes)).unwrap_or(usize::MAX);
    if lines.len() <= room {
        return Step::Store(lines.len());
    }
    if let Some(last) = memrchr(b'\n', &lines[..room]) {
        return Step::Store(last + 1);
    }
    match limit.on_full {
        OnFull::DropOld => match segment {
            Segment::Fresh => Step::Store(first_line(lines)),
            Segment::Used => Step::Rotate,
        },
        OnFull::DropNew => Step::Drop,
        OnFull::KillTask => Step::Kill,
    }
}

fn first_line(lines: &[u8]) -> usize {
    memchr(b'\n', lines).map_or(lines.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_stored_while_they_fit_and_then_the_policy_acts() {
        use OnFull::{DropNew, DropOld, KillTask};
        use Segment::{Fresh, Used};
        let lines = b"abc\nd\n\nlonger\n";
        for (max, on_full, segment, bytes, expected) in [
            (None, KillTask, Used, u64::MAX, Step::Store(14)),
            (Some(14), KillTask, Fresh, 0, Step::Store(14)),
            (Some(13), KillTask, Fresh, 0, Step::Store(7)),
            (Some(20), DropNew, Used, 14, Step::Store(6)),
            (Some(20), DropNew, Used, 15, Step::Store(4)),
            (Some(20), DropNew, Used, 17, Step::Drop),
            (Some(20), DropNew, Used, 999, Step::Drop),
            (Some(3), DropNew, Fresh, 0, Step::Drop),
            (Some(3), KillTask, Fresh, 0, Step::Kill),
            (Some(20), KillTask, Used, 20, Step::Kill),
            (Some(20), DropOld, Used, 17, Step::Rotate),
            (Some(20), DropOld, Fresh, 17, Step::Store(4)),
            (Some(3), DropOld, Fresh, 0, Step::Store(4)),
        ] {
            let step = step(LogLimit { max, on_full }, segment, bytes, lines);
            assert_eq!(step, expected, "{max:?} {on_full:?} {segment:?} {bytes}");
        }
    }
}
