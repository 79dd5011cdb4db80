//! `failures`: which outcomes of a job count as failures. It decides what is shown red, what is
//! told, and narrows what is tried again (docs/running.md, What counts as a failure).

use std::ops::RangeInclusive;
use std::sync::Arc;

use regex_lite::Regex;

use crate::model::run::EndReason;

/// The outcomes of one job that count. Only `config` makes others than the default.
#[derive(Clone, Debug)]
pub(crate) struct Failures {
    /// Each reason of [`EndReason::ALL`] that counts.
    pub(crate) reasons: Vec<EndReason>,
    /// Exit codes of runs that ended as `failed`, for jobs whose list has no `failed`: 1 to 255.
    pub(crate) codes: Vec<RangeInclusive<u8>>,
    /// A line of output that fits one of these makes a run with exit code 0 `failed`.
    pub(crate) output: Arc<[Regex]>,
}

impl PartialEq for Failures {
    fn eq(&self, other: &Failures) -> bool {
        let texts = |of: &Failures| of.output.iter().map(|one| one.to_string()).collect::<Vec<_>>();
        self.reasons == other.reasons && self.codes == other.codes && texts(self) == texts(other)
    }
}

impl Default for Failures {
    fn default() -> Failures {
        let reasons = EndReason::ALL.into_iter().filter(|reason| reason.is_failure()).collect();
        Failures { reasons, codes: Vec::new(), output: Arc::new([]) }
    }
}

impl Failures {
    /// Whether a run that ended so is a failure of its job. A run that `output` made one has the
    /// exit code 0.
    pub(crate) fn counts(&self, reason: EndReason, exit_code: i32) -> bool {
        if self.reasons.contains(&reason) {
            return true;
        }
        let is_listed = |code| self.codes.iter().any(|range| range.contains(&code));
        reason == EndReason::Failed
            && (exit_code == 0 || u8::try_from(exit_code).is_ok_and(is_listed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_codes_narrows_what_counts_and_leaves_the_rest_as_it_is() {
        let by_default = Failures::default();
        let listed = Failures {
            reasons: vec![EndReason::Timeout, EndReason::Stopped],
            codes: vec![3..=5, 42..=42],
            ..Failures::default()
        };
        for (reason, code, default, narrow) in [
            (EndReason::Failed, 1, true, false),
            (EndReason::Failed, 4, true, true),
            (EndReason::Failed, 42, true, true),
            (EndReason::Failed, -1, true, false),
            (EndReason::Failed, 0, true, true),
            (EndReason::Timeout, 143, true, true),
            (EndReason::Crashed, -2, true, false),
            (EndReason::Missed, -1, true, false),
            (EndReason::Stopped, 4, false, true),
            (EndReason::Success, 0, false, false),
            (EndReason::Skipped, -1, false, false),
        ] {
            let found = [&by_default, &listed].map(|failures| failures.counts(reason, code));
            assert_eq!(found, [default, narrow], "{reason} {code}");
        }
    }
}
