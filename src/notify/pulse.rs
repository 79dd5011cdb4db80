//! Tells dead-man switches elsewhere that jobs and the daemon live. A ping that comes hours late
//! says something wrong, so pings are no messages: nothing of them is stored, each is tried a few
//! times within a minute, and one that is lost is what the switch is for
//! (docs/notifications.md, Heartbeats).

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::base::time::Clock;
use crate::base::ulid::Ulids;
use crate::engine::Input;
use crate::inbox::{Asker, Inbox, Unanswered};
use crate::model::job::Job;
use crate::model::notifier::Heartbeat;
use crate::model::run::{EndReason, Phase, Run};
use crate::notify::heartbeat::{Ping, What, ping};
use crate::notify::{Facts, Outcome, excerpt};
use crate::threads;

/// Pings that wait for one switch; the oldest goes first when there are more.
const QUEUE: usize = 8;
/// Threads that send at once: a switch that hangs holds up no more than its own pings, until so
/// many hang.
const THREADS: usize = 4;
/// Between the tries of one ping.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
/// Lines of output that go along.
const LINES: u64 = 50;

/// The pings of all jobs. Clones share them.
#[derive(Clone)]
pub(crate) struct Pulse(Arc<Shared>);

struct Shared {
    facts: Facts,
    logs: PathBuf,
    inbox: Inbox,
    state: Mutex<State>,
    /// The daemon stops.
    stopping: Condvar,
}

/// Locked for a look or a note, never while something is sent.
#[derive(Default)]
struct State {
    waiting: HashMap<Heartbeat, VecDeque<Beat>>,
    /// Switches that a thread speaks to.
    busy: BTreeSet<Arc<str>>,
    threads: usize,
    stopped: bool,
}

/// One thing to tell, and the run whose output goes along.
struct Beat {
    job: String,
    what: What,
    run: Run,
}

impl Pulse {
    /// `logs` is `<data>/logs`.
    pub(crate) fn new(facts: Facts, logs: PathBuf, inbox: Inbox) -> Pulse {
        let state = Mutex::default();
        Pulse(Arc::new(Shared { facts, logs, inbox, state, stopping: Condvar::new() }))
    }

    /// A run has begun. Never waits.
    pub(crate) fn started(&self, job: &Job, run: &Run) {
        self.tell(job, run, What::Start);
    }

    /// A run is over. Never waits.
    pub(crate) fn ended(&self, job: &Job, run: &Run) {
        if let Some(what) = what(run) {
            self.tell(job, run, what);
        }
    }

    /// Nothing is tried again any more.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        state.waiting.clear();
        drop(state);
        self.0.stopping.notify_all();
    }

    fn tell(&self, job: &Job, run: &Run, what: What) {
        let Some(heartbeat) = &job.alerts.heartbeat else { return };
        let mut state = self.lock();
        if state.stopped {
            return;
        }
        let waiting = state.waiting.entry(heartbeat.clone()).or_default();
        if waiting.len() == QUEUE {
            waiting.pop_front();
            log::warn!("a heartbeat was dropped, its receiver is too slow task={}", job.name);
        }
        waiting.push_back(Beat { job: job.name.to_string(), what, run: run.clone() });
        if state.threads < THREADS {
            state.threads += 1;
            let name = format!("heartbeat-{}", state.threads);
            drop(state);
            let own = self.clone();
            let begun = threads::spawn_vital(&name, self.0.inbox.clone(), move || {
                own.work();
                Ok(())
            });
            if let Err(error) = begun {
                log::warn!("cannot start a thread for a heartbeat: {error} task={}", job.name);
                self.lock().threads -= 1;
            }
        }
    }

    fn work(&self) {
        while let Some((heartbeat, beat)) = self.next() {
            self.send(&heartbeat, &beat);
            let mut state = self.lock();
            state.busy.remove(&heartbeat.0);
        }
    }

    /// The next ping of a switch that nobody speaks to; without one the thread is over.
    fn next(&self) -> Option<(Heartbeat, Beat)> {
        let mut state = self.lock();
        let State { waiting, busy, threads, .. } = &mut *state;
        let free = waiting.iter().find(|(heartbeat, _)| !busy.contains(&heartbeat.0));
        let Some(heartbeat) = free.map(|(heartbeat, _)| heartbeat.clone()) else {
            *threads -= 1;
            return None;
        };
        let beats = waiting.get_mut(&heartbeat).expect("found above");
        let beat = beats.pop_front().expect("empty ones are removed");
        if beats.is_empty() {
            waiting.remove(&heartbeat);
        }
        busy.insert(Arc::clone(&heartbeat.0));
        Some((heartbeat, beat))
    }

    fn send(&self, heartbeat: &Heartbeat, beat: &Beat) {
        let ping = Ping { what: beat.what, run: beat.run.id, body: self.output(beat) };
        if let Err(error) = self.attempts(heartbeat, &ping) {
            log::warn!("a heartbeat did not arrive: {error} task={}", beat.job);
        }
    }

    fn attempts(&self, heartbeat: &Heartbeat, told: &Ping) -> Result<(), String> {
        for pause in PAUSES {
            match ping(heartbeat, told, &self.0.facts) {
                Outcome::Delivered { .. } => return Ok(()),
                Outcome::Refused { error } => return Err(error),
                Outcome::Retry { .. } => {}
            }
            let stopping = &self.0.stopping;
            let waited = stopping.wait_timeout_while(self.lock(), pause, |state| !state.stopped);
            if waited.unwrap_or_else(PoisonError::into_inner).0.stopped {
                return Err("the daemon stops".to_owned());
            }
        }
        match ping(heartbeat, told, &self.0.facts) {
            Outcome::Delivered { .. } => Ok(()),
            Outcome::Refused { error } | Outcome::Retry { error, .. } => Err(error),
        }
    }

    fn output(&self, beat: &Beat) -> String {
        if beat.what == What::Start {
            return String::new();
        }
        let lines = excerpt::lines(&self.0.logs, &beat.run, LINES);
        let lines = lines.iter().map(|line| crate::notify::tail::plain(line));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock, so a state that was left is whole.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the end of a run means to a switch; nothing when it was not the run that ended it.
fn what(run: &Run) -> Option<What> {
    let Phase::Ended { end, .. } = &run.phase else { return None };
    match (end.reason, end.is_failure, u8::try_from(end.exit_code)) {
        (EndReason::Success, false, _) | (EndReason::Failed, false, _) => Some(What::Success),
        (EndReason::Failed, true, Ok(code @ 1..)) => Some(What::Exit(code)),
        (EndReason::Missed, ..) => None,
        (_, true, _) => Some(What::Fail),
        (_, false, _) => None,
    }
}

/// The daemon's own switch: told for as long as the engine answers and what it says is durable.
pub(crate) struct Own {
    sender: Sender<()>,
    thread: JoinHandle<()>,
}

impl Own {
    pub(crate) fn start(
        heartbeat: Heartbeat,
        every: Duration,
        asker: Asker,
        clock: Clock,
        pulse: Pulse,
    ) -> io::Result<Own> {
        let (sender, receiver) = mpsc::channel::<()>();
        let inbox = pulse.0.inbox.clone();
        let thread = threads::spawn_vital("heartbeat", inbox, move || {
            let mut ids = Ulids::new(clock.now().steady.as_nanos() as u64);
            let mut was_lost = false;
            loop {
                let (what, body) = match asker.ask(|reply| Input::Hail { reply }) {
                    Ok(_) => (What::Success, String::new()),
                    Err(Unanswered::Late) => {
                        (What::Fail, "the engine does not answer, or its disk".to_owned())
                    }
                    // Somebody stops it: that is nobody's failure.
                    Err(Unanswered::Stopped) => return Ok(()),
                };
                let told = Ping { what, run: ids.next(clock.now().wall), body };
                let lost = pulse.attempts(&heartbeat, &told).err();
                let is_lost = lost.is_some();
                if let Some(error) = lost.filter(|_| !was_lost) {
                    log::warn!("the daemon's heartbeat did not arrive: {error}");
                }
                was_lost = is_lost;
                match receiver.recv_timeout(every) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                }
            }
        })?;
        Ok(Own { sender, thread })
    }

    /// The daemon stops. A ping that hangs is left behind.
    pub(crate) fn stop(self) {
        drop(self.sender);
        if self.thread.is_finished() && self.thread.join().is_err() {
            log::error!("a thread panicked while the daemon stopped");
        }
    }
}
