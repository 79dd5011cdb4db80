//! What just happened, for those who follow: the newest events in a ring, and a cursor for each
//! follower. Whoever publishes never waits; a follower that is overtaken learns that it missed
//! something and reads everything again (docs/api.md, Streams).

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::job::JobName;
use crate::model::run::{Run, RunId};
use crate::store::notices::Notification;

/// The most events that are kept.
const KEPT: usize = 1024;

/// One thing that happened, durable when it is heard.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum News {
    Created(Run),
    Started(Run),
    Ended(Run),
    /// Its row and its log are gone, or in the trash.
    Deleted {
        run: RunId,
        job: JobName,
    },
    /// A row of the feed is new, or has changed; and how many are unread now, -1 when that
    /// cannot be told.
    Notice {
        is_new: bool,
        notice: Box<Notification>,
        unread: i64,
    },
    /// Only that number is another one.
    Unread(i64),
    /// A schedule or a service was switched on or off. That a tick moves on is no news of its own:
    /// the run that it starts is.
    TasksChanged,
}

/// The newest events. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Hub(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Something was published, or the hub was closed.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// The number of the event after the last one in `ring`.
    next: u64,
    ring: VecDeque<Arc<News>>,
    closed: bool,
}

/// What a follower gets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Next {
    /// An event and its number.
    News(u64, Arc<News>),
    /// Events were lost; the next ones follow from here.
    Missed,
    /// Nothing came in the time given.
    Quiet,
    /// The daemon stops; nothing comes any more.
    Closed,
}

impl Hub {
    /// `first` numbers the first event; numbers grow over restarts when it is taken from the clock.
    pub(crate) fn new(first: u64) -> Hub {
        let state = State { next: first, ring: VecDeque::new(), closed: false };
        Hub(Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }))
    }

    /// Never waits for a follower.
    pub(crate) fn publish(&self, news: News) {
        let mut state = self.lock();
        if state.ring.len() == KEPT {
            state.ring.pop_front();
        }
        state.ring.push_back(Arc::new(news));
        state.next += 1;
        drop(state);
        self.0.changed.notify_all();
    }

    /// Ends all followers.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.0.changed.notify_all();
    }

    /// Follows from now on.
    pub(crate) fn follow(&self) -> Follower {
        let next = self.lock().next;
        Follower { hub: self.clone(), next }
    }

    /// Follows from the event after `last` on; what has been dropped since is [`Next::Missed`], and
    /// so is a number that never was.
    pub(crate) fn follow_after(&self, last: u64) -> Follower {
        Follower { hub: self.clone(), next: last.saturating_add(1) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock, so a state that was left is whole.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who follows, at its own pace.
#[derive(Debug)]
pub(crate) struct Follower {
    hub: Hub,
    next: u64,
}

impl Follower {
    /// The number of the last event that this follower got, or would have got before it came.
    pub(crate) fn position(&self) -> u64 {
        self.next.saturating_sub(1)
    }

    /// Waits for the next event, `patience` at most.
    pub(crate) fn next(&mut self, patience: Duration) -> Next {
        let is_waiting = |state: &mut State| !state.closed && state.next == self.next;
        let (state, _) = self
            .hub
            .0
            .changed
            .wait_timeout_while(self.hub.lock(), patience, is_waiting)
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Next::Closed;
        }
        let oldest = state.next - state.ring.len() as u64;
        if self.next < oldest || self.next > state.next {
            self.next = state.next;
            return Next::Missed;
        }
        let place = usize::try_from(self.next - oldest).expect("the ring fits into memory");
        match state.ring.get(place) {
            Some(news) => {
                self.next += 1;
                Next::News(self.next - 1, Arc::clone(news))
            }
            None => Next::Quiet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deleted(name: &str) -> News {
        News::Deleted {
            run: "01JTQ6V6Z9M3XK2B8N4C7D5E1F".parse().unwrap(),
            job: JobName::new(name),
        }
    }

    #[test]
    fn followers_get_what_came_since_and_learn_what_they_missed() {
        let hub = Hub::new(100);
        let mut early = hub.follow();
        assert_eq!(early.next(Duration::ZERO), Next::Quiet);
        hub.publish(deleted("a"));
        hub.publish(deleted("b"));
        assert_eq!(early.next(Duration::ZERO), Next::News(100, Arc::new(deleted("a"))));
        assert_eq!(
            hub.follow_after(100).next(Duration::ZERO),
            Next::News(101, Arc::new(deleted("b")))
        );
        for unknown in [98, 102, u64::MAX] {
            let mut stranger = hub.follow_after(unknown);
            assert_eq!(stranger.next(Duration::ZERO), Next::Missed, "{unknown}");
            assert_eq!(stranger.next(Duration::ZERO), Next::Quiet, "{unknown}");
        }
        for _ in 0..KEPT {
            hub.publish(News::TasksChanged);
        }
        assert_eq!(early.next(Duration::ZERO), Next::Missed);
        hub.close();
        assert_eq!(early.next(Duration::from_secs(60)), Next::Closed);
    }

    #[test]
    fn a_follower_wakes_up_for_an_event() {
        let hub = Hub::new(0);
        let mut follower = hub.follow();
        let thread =
            crate::threads::spawn("follower", move || follower.next(Duration::from_secs(60)));
        hub.publish(News::TasksChanged);
        assert_eq!(thread.unwrap().join().unwrap(), Next::News(0, Arc::new(News::TasksChanged)));
    }
}
