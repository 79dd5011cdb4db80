//! The newest lines of the daemon's own log in memory, for those who follow it from afar. Who
//! logs never waits for them; who falls behind loses the connection and starts again.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How far back a new follower sees (docs/api.md, Streams).
const SHOWN: usize = 100;
/// The most lines that are kept: so far may a follower be behind.
const KEPT: usize = 512;

/// Any thread pushes, others follow. The lock is held to move lines, never to write them.
#[derive(Debug)]
pub(super) struct Recent {
    state: Mutex<State>,
    /// There is a line, or the end.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    lines: VecDeque<Arc<str>>,
    /// The number of the line after the last one.
    next: u64,
    closed: bool,
}

/// One who follows, at its own pace.
#[derive(Debug)]
pub(crate) struct Tail {
    recent: &'static Recent,
    next: u64,
}

/// What a follower gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// Without newline, none twice; empty when nothing came in the time given.
    New(Vec<Arc<str>>),
    /// It was too slow: lines were lost.
    Missed,
    /// The daemon stops; nothing comes any more.
    Closed,
}

impl Recent {
    pub(super) const fn new() -> Recent {
        let state = State { lines: VecDeque::new(), next: 0, closed: false };
        Recent { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Never waits for a follower.
    pub(super) fn push(&self, line: &str) {
        let line = Arc::from(line);
        let mut state = self.lock();
        if state.lines.len() == KEPT {
            state.lines.pop_front();
        }
        state.lines.push_back(line);
        state.next += 1;
        drop(state);
        self.changed.notify_all();
    }

    /// Ends all followers once they have got what is there.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Follows from some lines before the end on.
    pub(super) fn tail(&'static self) -> Tail {
        let state = self.lock();
        Tail { recent: self, next: state.next - state.lines.len().min(SHOWN) as u64 }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock, so a state that was left is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tail {
    /// Waits for lines, `patience` at most, and takes all that are there.
    pub(crate) fn next(&mut self, patience: Duration) -> Lines {
        let is_waiting = |state: &mut State| !state.closed && state.next == self.next;
        let (state, _) = self
            .recent
            .changed
            .wait_timeout_while(self.recent.lock(), patience, is_waiting)
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed && state.next == self.next {
            return Lines::Closed;
        }
        let oldest = state.next - state.lines.len() as u64;
        let Some(seen) = self.next.checked_sub(oldest) else {
            self.next = state.next;
            return Lines::Missed;
        };
        self.next = state.next;
        let seen = usize::try_from(seen).expect("no more than are kept");
        Lines::New(state.lines.range(seen..).map(Arc::clone).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads;

    fn recent() -> &'static Recent {
        Box::leak(Box::new(Recent::new()))
    }

    fn texts(lines: Lines) -> Vec<String> {
        let Lines::New(lines) = lines else { panic!("{lines:?}") };
        lines.iter().map(|line| line.to_string()).collect()
    }

    #[test]
    fn a_follower_gets_the_last_hundred_lines_and_then_each_new_one_once() {
        let recent = recent();
        (0..150).for_each(|number| recent.push(&number.to_string()));
        let mut tail = recent.tail();
        let expected: Vec<String> = (50..150).map(|number: i32| number.to_string()).collect();
        assert_eq!(texts(tail.next(Duration::ZERO)), expected);
        assert_eq!(texts(tail.next(Duration::ZERO)), [""; 0]);
        recent.push("a");
        recent.push("b");
        assert_eq!(texts(tail.next(Duration::ZERO)), ["a", "b"]);
        recent.push("last");
        recent.close();
        assert_eq!(texts(tail.next(Duration::from_secs(60))), ["last"]);
        assert_eq!(tail.next(Duration::from_secs(60)), Lines::Closed);
    }

    #[test]
    fn who_falls_behind_is_told() {
        let recent = recent();
        recent.push("first");
        let mut tail = recent.tail();
        (1..KEPT).for_each(|_| recent.push("more"));
        let mut slower = recent.tail();
        slower.next = 0;
        assert_eq!(texts(tail.next(Duration::ZERO)).len(), KEPT);
        recent.push("one too many");
        assert_eq!(slower.next(Duration::ZERO), Lines::Missed);
        assert_eq!(texts(slower.next(Duration::ZERO)), [""; 0]);
    }

    #[test]
    fn under_threads_a_follower_gets_every_line_in_order() {
        let recent = recent();
        let mut tail = recent.tail();
        let count = 20_000;
        let writer = threads::spawn("writer", move || {
            (0..count).for_each(|number: u32| recent.push(&number.to_string()));
            recent.close();
        });
        let (mut next, mut was_overtaken) = (0, false);
        loop {
            match tail.next(Duration::from_secs(60)) {
                Lines::New(lines) => {
                    for line in lines {
                        let number: u32 = line.parse().unwrap();
                        assert!(number == next || number > next && was_overtaken, "{number}");
                        (next, was_overtaken) = (number + 1, false);
                    }
                }
                Lines::Missed => was_overtaken = true,
                Lines::Closed => break,
            }
        }
        writer.unwrap().join().unwrap();
        assert!(next == count || was_overtaken, "{next}");
    }
}
