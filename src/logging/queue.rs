//! Log lines on their way to a stderr that may be stuck. Writers never wait: when the queue is
//! full a line is dropped and counted, and the count is told once the reader is back.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The most lines that wait; beyond it they are lost (docs/deployment.md, Logging).
const CAPACITY: usize = 1024;

/// Any thread pushes, one thread drains. The lock is held to move one line, never to write.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// There is a line, or the end.
    filled: Condvar,
    /// Everything that was pushed has been written.
    drained: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<String>,
    /// Dropped since the last time somebody was told.
    lost: u64,
    /// The drain has taken a line that it has not finished.
    is_writing: bool,
    is_closed: bool,
}

impl State {
    fn is_drained(&self) -> bool {
        self.lines.is_empty() && self.lost == 0 && !self.is_writing
    }
}

impl Queue {
    /// Never blocks.
    pub(crate) fn push(&self, line: String) {
        let mut state = self.lock();
        match state.lines.len() < CAPACITY && !state.is_closed {
            true => state.lines.push_back(line),
            false => state.lost += 1,
        }
        self.filled.notify_one();
    }

    /// Writes each line with one call until the queue is closed and empty; `notice` words the
    /// lines that tell how many were lost.
    pub(crate) fn drain(&self, writer: &mut impl Write, notice: impl Fn(u64) -> String) {
        while let Some(line) = self.next(&notice) {
            // A stderr that refuses is nobody's to report: there is no other place to say it.
            let _ = writer.write_all(line.as_bytes());
        }
    }

    fn next(&self, notice: &impl Fn(u64) -> String) -> Option<String> {
        let mut state = self.lock();
        state.is_writing = false;
        if state.is_drained() {
            self.drained.notify_all();
        }
        let is_idle = |state: &mut State| state.is_drained() && !state.is_closed;
        let mut state =
            self.filled.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner);
        let line = match state.lines.pop_front() {
            Some(line) => line,
            None if state.lost > 0 => notice(std::mem::take(&mut state.lost)),
            None => return None,
        };
        state.is_writing = true;
        Some(line)
    }

    /// Waits until everything is written, `patience` at most.
    pub(crate) fn flush(&self, patience: Duration) {
        let is_busy = |state: &mut State| !state.is_drained();
        // Whether time ran out or not: what follows is the same.
        drop(self.drained.wait_timeout_while(self.lock(), patience, is_busy));
    }

    /// Takes no more lines and lets [`Queue::drain`] return after the last one.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.filled.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock, so a state that was left is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, pipe};
    use std::sync::Arc;

    use super::*;
    use crate::threads;

    fn notice(count: u64) -> String {
        format!("lost {count}\n")
    }

    #[test]
    fn a_stuck_reader_blocks_nobody_and_learns_what_it_missed() {
        let (reader, mut writer) = pipe().unwrap();
        let queue = Arc::new(Queue::default());
        let drained = Arc::clone(&queue);
        let thread = threads::spawn("log", move || drained.drain(&mut writer, notice)).unwrap();
        // More than a pipe (64 KiB) and the queue hold together; nobody reads yet.
        let total = 5000;
        for number in 0..total {
            queue.push(format!("{number:0>99}\n"));
        }
        queue.flush(Duration::from_millis(50));
        assert!(!queue.lock().lines.is_empty(), "the pipe is not stuck");
        queue.close();

        let lines: Vec<String> = BufReader::new(reader).lines().map(Result::unwrap).collect();
        thread.join().unwrap();
        let (last, written) = lines.split_last().unwrap();
        let lost: usize = last.strip_prefix("lost ").unwrap().parse().unwrap();
        assert_eq!(written.len() + lost, total);
        assert!(lost > 0);
        let numbers: Vec<usize> = written.iter().map(|line| line.parse().unwrap()).collect();
        assert!(numbers.is_sorted());
    }

    #[test]
    fn a_flush_returns_when_the_last_line_is_written() {
        let (reader, mut writer) = pipe().unwrap();
        let queue = Arc::new(Queue::default());
        let drained = Arc::clone(&queue);
        let thread = threads::spawn("log", move || drained.drain(&mut writer, notice)).unwrap();
        queue.push("one\n".to_owned());
        queue.push("two\n".to_owned());
        queue.flush(Duration::from_secs(60));
        assert!(queue.lock().is_drained());
        queue.close();
        thread.join().unwrap();
        let lines: Vec<String> = BufReader::new(reader).lines().map(Result::unwrap).collect();
        assert_eq!(lines, ["one", "two"]);
    }
}
