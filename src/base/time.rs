//! Time as a value. Whoever decides takes a [`Moment`] as an argument; only [`Clock`]
//! reads the real clocks, so a month of schedules can be tested in milliseconds.

use std::time::Duration;

use jiff::Timestamp;

/// An instant on both clocks, read together. Schedules use `wall`; timeouts, grace
/// times and waits use `steady`, which no clock change can move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Calendar time, UTC.
    pub(crate) wall: Timestamp,
    /// Time since the clock was made, without time spent suspended.
    pub(crate) steady: Duration,
}

/// The one place where the real clocks are read.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    start: std::time::Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub(crate) fn start() -> Clock {
        Clock { start: std::time::Instant::now() }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub(crate) fn now(&self) -> Moment {
        Moment { wall: Timestamp::now(), steady: self.start.elapsed() }
    }
}

/// The instant cut to whole milliseconds, as rows and the API carry it.
pub(crate) fn to_millis(instant: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(instant.as_millisecond()).expect("a cut instant is in range")
}

/// `2026-05-07T14:30:22.118Z`: text order is time order.
pub(crate) fn rfc3339(instant: Timestamp) -> String {
    format!("{instant:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_with_three_digits() {
        let instant: Timestamp = "2026-05-07T14:30:22.1189Z".parse().unwrap();
        assert_eq!(rfc3339(instant), "2026-05-07T14:30:22.118Z");
        let whole: Timestamp = "2026-05-07T14:30:22Z".parse().unwrap();
        assert_eq!(rfc3339(whole), "2026-05-07T14:30:22.000Z");
        assert_eq!(rfc3339(to_millis(instant)).parse().ok(), Some(to_millis(instant)));
    }
}
