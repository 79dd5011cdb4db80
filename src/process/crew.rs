//! The threads of runs. Each run has one to itself; one that has ended a run waits a moment for
//! the next, because the birth and the end of a thread are some fifteen system calls, one of them
//! on the main thread while others are due.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::sys::process::name_thread;
use crate::threads;

/// How long a thread without a run stays, and how many do.
const LINGER: Duration = Duration::from_secs(5);
const MOST_IDLE: usize = 16;

type Work = Box<dyn FnOnce() + Send>;

/// Hands work to threads. Clones share them.
#[derive(Clone)]
pub(crate) struct Crew(Arc<Shared>);

struct Shared {
    linger: Duration,
    state: Mutex<State>,
    /// There is work, or an idle thread less.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    idle: usize,
    /// Never more than `idle`: each is taken by a thread that waits.
    work: Vec<(String, Work)>,
}

impl Default for Crew {
    fn default() -> Crew {
        Crew::new(LINGER)
    }
}

impl Crew {
    fn new(linger: Duration) -> Crew {
        let (state, changed) = (Mutex::default(), Condvar::new());
        Crew(Arc::new(Shared { linger, state, changed }))
    }

    /// Has a thread of this name do it, at once. The work must not panic. An error is the
    /// operating system's refusal of a thread; then nothing is done.
    pub(super) fn start(
        &self,
        name: String,
        work: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let mut state = self.lock();
        if state.work.len() < state.idle {
            state.work.push((name, Box::new(work)));
            drop(state);
            self.0.changed.notify_one();
            return Ok(());
        }
        drop(state);
        let crew = self.clone();
        threads::spawn_small(&name, move || {
            work();
            while let Some((name, work)) = crew.next() {
                name_thread(&name);
                work();
            }
        })?;
        Ok(())
    }

    /// The next thing to do for a thread that has nothing; `None` ends it.
    fn next(&self) -> Option<(String, Work)> {
        let mut state = self.lock();
        if state.idle == MOST_IDLE {
            return None;
        }
        state.idle += 1;
        let (mut state, _) = self
            .0
            .changed
            .wait_timeout_while(state, self.0.linger, |state| state.work.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
        state.work.pop()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock, so a state that was left is whole.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn a_thread_is_used_again_under_another_name_and_two_works_have_two() {
        let crew = Crew::new(Duration::MAX);
        let (done, finished) = mpsc::channel();
        let run = |name: &str, gate: Option<mpsc::Receiver<()>>| {
            let done = done.clone();
            let work = move || {
                let named = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
                gate.map(|gate| gate.recv());
                done.send((thread::current().id(), named.trim_end().to_owned())).unwrap();
            };
            crew.start(name.to_owned(), work).unwrap();
        };
        let idle = |wanted| {
            while crew.lock().idle != wanted {
                thread::yield_now()
            }
        };
        run("run-0001", None);
        let (first, name) = finished.recv().unwrap();
        assert_eq!(name, "run-0001");
        idle(1);
        let (open, gate) = mpsc::channel();
        run("run-0002", Some(gate));
        // Else whoever has ended the next one may be there before it.
        idle(0);
        run("run-0003", None);
        let (other, name) = finished.recv().unwrap();
        assert_eq!(name, "run-0003");
        open.send(()).unwrap();
        assert_eq!(finished.recv().unwrap(), (first, "run-0002".to_owned()));
        assert_ne!(first, other);
        idle(2);
    }
}
