//! Holds back what a channel has heard just now: the first alert of a kind goes out, then one of so
//! many, and what is left when the window ends (docs/notifications.md, Coalescing).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::alert::{Alert, More};
use crate::model::notice::Window;
use crate::model::notifier::Settings;

/// What becomes of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It goes out, and stands for so many.
    Send(More),
    Hold,
}

/// An alert comes to a channel. A window that is over has been ended before.
pub(crate) fn arrive(
    window: &mut Option<Window>,
    settings: &Settings,
    now: Timestamp,
    alert: &Alert,
    at_once: bool,
) -> Step {
    if settings.coalesce_window.is_zero() || !settings.coalesce_outbound {
        *window = None;
        return Step::Send(More::None);
    }
    let Some(open) = window else {
        let (job, newest) = (alert.job.clone(), None);
        *window = Some(Window { job, opened_at: now, count: 0, newest });
        return Step::Send(More::None);
    };
    open.count += 1;
    if !at_once && open.count < settings.occurrence_ring as u64 {
        open.newest = Some(alert.clone());
        return Step::Hold;
    }
    let more = if open.count > 1 { More::CheckIn(open.count) } else { More::None };
    (open.count, open.newest, open.opened_at) = (0, None, now);
    Step::Send(more)
}

/// How long a window is still open; `None` when it is over. A clock that was set back does not
/// make it longer.
pub(crate) fn left(window: &Window, settings: &Settings, now: Timestamp) -> Option<Duration> {
    let length = SignedDuration::try_from(settings.coalesce_window).unwrap_or(SignedDuration::MAX);
    let passed = now.duration_since(window.opened_at).max(SignedDuration::ZERO);
    Duration::try_from(length - passed).ok().filter(|left| !left.is_zero())
}

/// The window is over, or the daemon stops: what was held goes out as one.
pub(crate) fn end(window: Window, settings: &Settings) -> Option<(Alert, More)> {
    let more = More::Summary { count: window.count, window: settings.coalesce_window };
    window.newest.map(|alert| (alert, more))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::samples;

    fn settings(minutes: u64, ring: usize) -> Settings {
        Settings {
            coalesce_window: Duration::from_secs(60 * minutes),
            occurrence_ring: ring,
            ..Settings::default()
        }
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    /// Which of the failures at these minutes go out, and as what.
    fn play(settings: &Settings, minutes: impl IntoIterator<Item = i64>) -> Vec<String> {
        let (mut window, mut sent) = (None, Vec::new());
        for minute in minutes {
            if window.as_ref().is_some_and(|open| left(open, settings, at(minute)).is_none()) {
                let ended = end(window.take().unwrap(), settings);
                sent.extend(ended.map(|(_, more)| format!("{minute}: {more:?}")));
            }
            let alert = samples::failed("a", at(minute), 1);
            if let Step::Send(more) = arrive(&mut window, settings, at(minute), &alert, false) {
                sent.push(format!("{minute}: {more:?}"));
            }
        }
        sent
    }

    #[test]
    fn one_failure_a_minute_is_told_with_the_first_and_each_tenth_after_it() {
        let sent = play(&settings(60, 10), 1..=25);
        assert_eq!(sent, ["1: None", "11: CheckIn(10)", "21: CheckIn(10)"]);
    }

    #[test]
    fn what_is_held_when_the_window_ends_goes_out_as_one() {
        let sent = play(&settings(60, 10), [0, 1, 2, 70]);
        assert_eq!(sent, ["0: None", "70: Summary { count: 2, window: 3600s }", "70: None"]);
        assert_eq!(play(&settings(60, 10), [0, 70, 140]), ["0: None", "70: None", "140: None"]);
    }

    #[test]
    fn without_a_window_everything_goes_out() {
        assert_eq!(play(&settings(0, 10), 0..4).len(), 4);
        let apart = Settings { coalesce_outbound: false, ..settings(60, 10) };
        assert_eq!(play(&apart, 0..4).len(), 4);
    }

    #[test]
    fn what_is_told_at_once_stands_for_what_was_held() {
        let settings = settings(60, 10);
        let mut window = None;
        let mut arrive = |minute, at_once| {
            let alert = samples::failed("a", at(minute), 1);
            arrive(&mut window, &settings, at(minute), &alert, at_once)
        };
        assert_eq!(arrive(0, false), Step::Send(More::None));
        assert_eq!(arrive(1, true), Step::Send(More::None));
        assert_eq!(arrive(2, false), Step::Hold);
        assert_eq!(arrive(3, true), Step::Send(More::CheckIn(2)));
        assert_eq!(window.unwrap().opened_at, at(3));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_keep_a_window_open() {
        let window = Window { job: String::new(), opened_at: at(100), count: 0, newest: None };
        assert_eq!(left(&window, &settings(60, 10), at(0)), Some(Duration::from_secs(3600)));
        assert_eq!(left(&window, &settings(60, 10), at(130)), Some(Duration::from_secs(1800)));
        assert_eq!(left(&window, &settings(60, 10), at(160)), None);
    }
}
