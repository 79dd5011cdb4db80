//! Wakes those who follow the log of a run. A feed holds numbers, never a line: followers read the
//! files, so a slow one costs nothing and never slows the run. The run's own thread advances its
//! feed after each write; the main thread ends it once the end of the run is durable.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::model::run::RunId;

/// How far a log has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Number of the first line that is still there.
    pub(crate) first: u64,
    /// Number of the first line of the newest segment.
    pub(crate) newest: u64,
    /// Number that the next line gets.
    pub(crate) lines: u64,
    /// Bytes in the newest segment, all of them in whole lines.
    pub(crate) bytes: u64,
}

/// What is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// There may be further lines.
    Open,
    /// The run has ended, and its row says so; everything is in the files.
    Ended,
    /// The daemon stops.
    Stopped,
}

/// The news about one log.
#[derive(Debug)]
pub(crate) struct Feed {
    /// Locked to copy it out or in, by the run's thread after each write.
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    extent: Extent,
    outlook: Outlook,
    /// Followers that sleep: without one, a write needs no system call more.
    waiting: usize,
}

impl Feed {
    /// The feed of a log that is complete.
    pub(crate) fn ended() -> Arc<Feed> {
        Feed::new(Outlook::Ended)
    }

    fn new(outlook: Outlook) -> Arc<Feed> {
        let state = State { extent: Extent::default(), outlook, waiting: 0 };
        Arc::new(Feed { state: Mutex::new(state), changed: Condvar::new() })
    }

    /// Lines were written.
    pub(super) fn advance(&self, extent: Extent) {
        self.change(|state| state.extent = extent);
    }

    /// The first reason stays.
    fn close(&self, outlook: Outlook) {
        self.change(|state| {
            if state.outlook == Outlook::Open {
                state.outlook = outlook;
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let is_awaited = state.waiting > 0;
        drop(state);
        if is_awaited {
            self.changed.notify_all();
        }
    }

    /// Waits until there is a line `next` or nothing more will come, `patience` at most.
    pub(crate) fn wait(&self, next: u64, patience: Duration) -> (Extent, Outlook) {
        let mut state = self.lock();
        let is_quiet =
            |state: &mut State| state.outlook == Outlook::Open && state.extent.lines <= next;
        if is_quiet(&mut state) && !patience.is_zero() {
            state.waiting += 1;
            let waited = self.changed.wait_timeout_while(state, patience, is_quiet);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
        (state.extent, state.outlook)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock, so a state that was left is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The feeds of all runs that have not ended. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feeds(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    /// Kept by the run's thread and by followers.
    feeds: HashMap<RunId, Weak<Feed>>,
    stopped: bool,
}

impl Feeds {
    /// The feed of a run. Whoever asks for a run that may have ended looks at its row afterwards:
    /// only a run whose row is open will end its feed.
    pub(crate) fn of(&self, run: RunId) -> Arc<Feed> {
        let mut book = self.lock();
        if let Some(feed) = book.feeds.get(&run).and_then(Weak::upgrade) {
            return feed;
        }
        let feed = Feed::new(if book.stopped { Outlook::Stopped } else { Outlook::Open });
        book.feeds.retain(|_, feed| feed.strong_count() > 0);
        book.feeds.insert(run, Arc::downgrade(&feed));
        feed
    }

    /// The end of a run is durable.
    pub(crate) fn end(&self, run: RunId) {
        let feed = self.lock().feeds.remove(&run);
        if let Some(feed) = feed.and_then(|feed| feed.upgrade()) {
            feed.close(Outlook::Ended);
        }
    }

    /// The daemon stops: all followers leave.
    pub(crate) fn stop(&self) {
        let mut book = self.lock();
        book.stopped = true;
        let feeds: Vec<Arc<Feed>> = book.feeds.values().filter_map(Weak::upgrade).collect();
        drop(book);
        for feed in feeds {
            feed.close(Outlook::Stopped);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        // As above.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ulid::Ulids;
    use crate::threads;

    const LONG: Duration = Duration::from_secs(60);

    fn extent(lines: u64) -> Extent {
        Extent { lines, ..Extent::default() }
    }

    fn run() -> RunId {
        Ulids::new(1).next(jiff::Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn every_follower_sees_the_last_line_however_it_is_woken() {
        let feed = Feed::new(Outlook::Open);
        let followers: Vec<_> = (0..4)
            .map(|_| {
                let feed = Arc::clone(&feed);
                let follow = move || {
                    let mut seen = 0;
                    loop {
                        let (extent, outlook) = feed.wait(seen, LONG);
                        assert!(extent.lines > seen || outlook == Outlook::Ended);
                        seen = extent.lines;
                        if outlook == Outlook::Ended {
                            return seen;
                        }
                    }
                };
                threads::spawn("follower", follow).unwrap()
            })
            .collect();
        for lines in 1..=10_000 {
            feed.advance(extent(lines));
        }
        feed.close(Outlook::Ended);
        for follower in followers {
            assert_eq!(follower.join().unwrap(), 10_000);
        }
    }

    #[test]
    fn a_follower_waits_only_for_what_it_has_not_seen() {
        let feed = Feed::new(Outlook::Open);
        feed.advance(extent(3));
        assert_eq!(feed.wait(2, LONG), (extent(3), Outlook::Open));
        assert_eq!(feed.wait(3, Duration::from_millis(1)), (extent(3), Outlook::Open));
        assert_eq!(Feed::ended().wait(0, LONG).1, Outlook::Ended);
    }

    #[test]
    fn all_who_ask_for_a_run_share_its_feed_until_it_ends() {
        let feeds = Feeds::default();
        let feed = feeds.of(run());
        assert!(Arc::ptr_eq(&feed, &feeds.of(run())));
        feeds.end(run());
        assert_eq!(feed.wait(0, LONG).1, Outlook::Ended);
        drop(feeds.of(run()));
        feeds.end(run());
        assert_eq!(feeds.lock().feeds.len(), 0);
    }

    #[test]
    fn nobody_follows_a_daemon_that_stops() {
        let feeds = Feeds::default();
        let early = feeds.of(run());
        feeds.stop();
        feeds.end(run());
        assert_eq!(early.wait(0, LONG).1, Outlook::Stopped);
        let other = Ulids::new(2).next(jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(feeds.of(other).wait(0, LONG).1, Outlook::Stopped);
    }
}
