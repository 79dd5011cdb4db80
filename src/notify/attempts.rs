//! When a message that did not get through is tried again (docs/notifications.md, Delivery).

use std::time::Duration;

use crate::base::ulid::Ulid;

/// The first wait and the longest one.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// How long to wait after `attempt` (1, 2, …) failed, `spent` of the budget being used up; `None`
/// gives up. `after` is what the other side asked for. Each message waits a little more or less
/// than another, so that they do not come together again.
pub(crate) fn wait(
    id: Ulid,
    attempt: u32,
    after: Option<Duration>,
    budget: Duration,
    spent: Duration,
) -> Option<Duration> {
    let wait = match after {
        Some(after) => after.min(LONGEST),
        None => {
            let doubled = 1u32.checked_shl(attempt - 1).unwrap_or(u32::MAX);
            FIRST.saturating_mul(doubled).min(LONGEST) * spread(id, attempt) / 1000
        }
    };
    (spent + wait < budget).then_some(wait)
}

/// 800 to 1200, for ± 20 %.
fn spread(id: Ulid, attempt: u32) -> u32 {
    let mixed = id.low().wrapping_add(u64::from(attempt)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    800 + ((mixed >> 32) % 401) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ulid::Ulids;

    const BUDGET: Duration = Duration::from_secs(300);

    fn id(seed: u64) -> Ulid {
        Ulids::new(seed).next("2026-05-07T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn waits_double_up_to_a_minute_and_differ_by_a_fifth_at_most() {
        for seed in 0..200 {
            let id = id(seed);
            for (attempt, seconds) in
                [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (40, 60), (u32::MAX, 60)]
            {
                let wait = wait(id, attempt, None, BUDGET, Duration::ZERO).unwrap();
                let exact = Duration::from_secs(seconds);
                assert!(wait >= exact * 4 / 5 && wait <= exact * 6 / 5, "{attempt}: {wait:?}");
            }
        }
        let waits: std::collections::BTreeSet<_> =
            (0..50).map(|seed| wait(id(seed), 3, None, BUDGET, Duration::ZERO)).collect();
        assert!(waits.len() > 20, "{}", waits.len());
    }

    #[test]
    fn what_the_other_side_asks_for_counts_and_no_wait_passes_the_budget() {
        let id = id(1);
        let seconds = Duration::from_secs;
        for (after, spent, expected) in [
            (Some(0), 0, Some(0)),
            (Some(7), 0, Some(7)),
            (Some(3600), 0, Some(60)),
            (Some(60), 239, Some(60)),
            (Some(60), 240, None),
            (None, 300, None),
        ] {
            let wait = wait(id, 1, after.map(seconds), BUDGET, seconds(spent));
            assert_eq!(wait, expected.map(seconds), "{after:?} {spent}");
        }
    }
}
