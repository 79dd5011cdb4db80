//! When a stream has to say that it is still there, and when it has to end.

use std::time::Duration;

use jiff::Timestamp;

use crate::base::time::Clock;
use crate::web::context::Context;
use crate::web::router::Call;
use crate::web::stream::sse::KEEPALIVE;

/// The times of one stream.
#[derive(Debug)]
pub(super) struct Pace {
    clock: Clock,
    /// The session that opened the stream ends then; the control socket's never does.
    until: Option<Timestamp>,
    /// On the steady clock.
    ping_at: Duration,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing for so long.
    Wait(Duration),
    Ping,
    End,
}

impl Pace {
    /// Begins now.
    pub(super) fn of(context: &Context, call: &Call<'_>) -> Pace {
        let until = call.session.and_then(|session| session.until);
        Pace::new(context.clock.clone(), until)
    }

    pub(super) fn new(clock: Clock, until: Option<Timestamp>) -> Pace {
        let ping_at = clock.now().steady + KEEPALIVE;
        Pace { clock, until, ping_at }
    }

    pub(super) fn turn(&mut self) -> Turn {
        let now = self.clock.now();
        // The wall clock may be set, which is seen at the next ping.
        let left = self.until.map_or(KEEPALIVE, |until| {
            Duration::try_from(until.duration_since(now.wall)).unwrap_or_default()
        });
        if left.is_zero() {
            return Turn::End;
        }
        if self.ping_at <= now.steady {
            self.ping_at = now.steady + KEEPALIVE;
            return Turn::Ping;
        }
        Turn::Wait(left.min(self.ping_at - now.steady))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_pings_in_time_and_ends_with_its_session() {
        let clock = Clock::start();
        let now = clock.now().wall;
        let wait = |until: Option<Timestamp>| match Pace::new(clock.clone(), until).turn() {
            Turn::Wait(wait) => Some(wait),
            Turn::Ping | Turn::End => None,
        };
        let second = Duration::from_secs(1);
        for until in [None, Some(now + 100 * second)] {
            let wait = wait(until).unwrap();
            assert!(wait > 12 * second && wait <= KEEPALIVE, "{wait:?}");
        }
        assert!(wait(Some(now + 5 * second)).unwrap() <= 5 * second);
        for over in [now - second, now, Timestamp::MIN] {
            assert_eq!(Pace::new(clock.clone(), Some(over)).turn(), Turn::End, "{over}");
        }
        let mut late = Pace { ping_at: Duration::ZERO, ..Pace::new(clock.clone(), None) };
        assert_eq!(late.turn(), Turn::Ping);
        assert!(matches!(late.turn(), Turn::Wait(_)));
    }
}
