//! Sends what waits for a channel: one thread for each that has something to do, first in, first
//! out. Each attempt and what came of it is written down, so that a daemon that dies goes on where
//! it was; a message that got through in its last moment comes twice, with the same id
//! (docs/notifications.md, Delivery).

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::base::time::Clock;
use crate::base::ulid::Ulids;
use crate::inbox::Inbox;
use crate::model::alert::{Alert, Delivery};
use crate::model::change::{Change, Tell};
use crate::model::notice::Waiting;
use crate::notify::{ATTEMPT, Outcome, attempts, sample};
use crate::store::Reader;
use crate::store::writer::Writer;
use crate::sys::memory;
use crate::threads;

/// After a database that could not be read.
const PAUSE: Duration = Duration::from_secs(5);

/// Makes one attempt, which takes no longer than that.
pub(crate) type Attempt = Box<dyn Fn(&Delivery, Duration) -> Outcome + Send + Sync>;

/// What all channels share.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) inbox: Inbox,
    pub(crate) database: PathBuf,
    pub(crate) writer: Writer,
    /// All attempts and waits of one message together.
    pub(crate) budget: Box<dyn Fn() -> Duration + Send + Sync>,
    pub(crate) send: Attempt,
    /// A message begins with it.
    pub(crate) title: Box<dyn Fn(&Alert) -> String + Send + Sync>,
    /// Something was raised.
    pub(crate) look: Box<dyn Fn() + Send + Sync>,
}

/// All channels. Clones share them.
#[derive(Clone)]
pub(crate) struct Channels(Arc<Shared>);

struct Shared {
    parts: Parts,
    state: Mutex<State>,
    /// A channel has nothing to do any more, or all are to stop.
    changed: Condvar,
}

/// Locked for a look or a note, never while something is sent or stored.
#[derive(Default)]
struct State {
    busy: HashMap<String, Busy>,
    /// Until when on the steady clock what waits gets its last attempt.
    stopping: Option<Duration>,
}

/// A channel whose thread is at work.
#[derive(Default)]
struct Busy {
    /// Something came after its last look.
    again: bool,
    next_try: Option<Timestamp>,
}

/// Whether a channel goes on with its next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Onward {
    Yes,
    No,
}

impl Channels {
    pub(crate) fn new(parts: Parts) -> Channels {
        let state = Mutex::new(State::default());
        Channels(Arc::new(Shared { parts, state, changed: Condvar::new() }))
    }

    /// The channel has something to send.
    pub(crate) fn wake(&self, channel: &str) {
        let mut state = self.lock();
        if let Some(busy) = state.busy.get_mut(channel) {
            busy.again = true;
            return;
        }
        state.busy.insert(channel.to_owned(), Busy::default());
        drop(state);
        let (own, name) = (self.clone(), channel.to_owned());
        let thread = format!("notify-{:.8}", ascii(channel));
        let started = threads::spawn_vital(&thread, self.0.parts.inbox.clone(), move || {
            if own.work(&name) == Onward::No {
                own.lock().busy.remove(&name);
            }
            own.0.changed.notify_all();
            // TLS and a message took more than a daemon that idles should keep.
            memory::give_back();
            Ok(())
        });
        if let Err(error) = started {
            // What waits is on the disk; the next alert for it tries again.
            log::error!("cannot start a thread for the channel {channel}: {error}");
            self.lock().busy.remove(channel);
        }
    }

    /// When the channel makes its next attempt, where it waits for that.
    pub(crate) fn next_try(&self, channel: &str) -> Option<Timestamp> {
        self.lock().busy.get(channel)?.next_try
    }

    /// Makes one attempt with a sample, beside everything that waits.
    pub(crate) fn test(&self, channel: &str) -> Outcome {
        let now = self.0.parts.clock.now();
        let seed = now.steady.as_nanos() as u64;
        let delivery = sample::delivery(channel, now.wall, Ulids::new(seed).next(now.wall));
        let own = self.clone();
        // In a thread of that name no panic tells what it was about.
        let attempt = threads::spawn("notify-test", move || own.attempt(&delivery, ATTEMPT));
        let failed = |error: String| Outcome::Refused { error };
        match attempt {
            Ok(attempt) => attempt.join().unwrap_or_else(|_| failed("a panic".to_owned())),
            Err(error) => failed(format!("cannot start a thread: {error}")),
        }
    }

    /// Ends all waits; what waits gets one more attempt each, until then on the steady clock.
    pub(crate) fn stop(&self, until: Duration) {
        self.lock().stopping = Some(until);
        self.0.changed.notify_all();
    }

    /// Waits until all have stopped. Who has not by then is left behind: its message goes out
    /// again with the next daemon.
    pub(crate) fn join(&self, until: Duration) {
        let left = until.saturating_sub(self.0.parts.clock.now().steady);
        let waited =
            self.0.changed.wait_timeout_while(self.lock(), left, |state| !state.busy.is_empty());
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        for channel in state.busy.keys() {
            log::info!("delivery aborted, it goes on after the next start channel={channel}");
        }
    }

    /// [`Onward::Yes`] when nothing is left to do, and somebody else may have begun anew.
    fn work(&self, channel: &str) -> Onward {
        let mut reader = None;
        loop {
            match self.next(&mut reader, channel) {
                Ok(Some(waiting)) => {
                    if self.deliver(channel, &waiting) == Onward::No {
                        return Onward::No;
                    }
                }
                Ok(None) => {
                    let mut state = self.lock();
                    let busy = state.busy.entry(channel.to_owned()).or_default();
                    if !std::mem::take(&mut busy.again) {
                        // Under the lock: whoever comes now starts a new thread.
                        state.busy.remove(channel);
                        return Onward::Yes;
                    }
                }
                Err(error) => {
                    log::error!("{error}");
                    if self.pause(channel, PAUSE) == Onward::No {
                        return Onward::No;
                    }
                }
            }
        }
    }

    fn next(
        &self,
        reader: &mut Option<Reader>,
        channel: &str,
    ) -> Result<Option<Waiting>, crate::store::Error> {
        if reader.is_none() {
            *reader = Some(Reader::open(&self.0.parts.database)?);
        }
        reader.as_ref().expect("set above").next_delivery(channel)
    }

    /// Tries until it got through, or is given up.
    fn deliver(&self, channel: &str, waiting: &Waiting) -> Onward {
        let (clock, budget) = (&self.0.parts.clock, (self.0.parts.budget)());
        let delivery = &waiting.delivery;
        let began = clock.now().steady;
        let mut attempt = 1;
        loop {
            let stopping = self.lock().stopping;
            let left = began.saturating_add(budget).saturating_sub(clock.now().steady);
            let left = match stopping {
                Some(until) => left.min(until.saturating_sub(clock.now().steady)),
                None => left,
            };
            if stopping.is_some() && left.is_zero() {
                return Onward::No;
            }
            let outcome = self.attempt(delivery, left.min(ATTEMPT));
            let at = clock.now().wall;
            let (error, after) = match outcome {
                Outcome::Delivered { answer } => {
                    log::info!("delivered channel={channel} kind={}", delivery.alert.kind.as_str());
                    return self.settle(delivery, channel, at, Ok(answer));
                }
                Outcome::Refused { error } => {
                    return self.settle(delivery, channel, at, Err(error));
                }
                Outcome::Retry { error, after } => (error, after),
            };
            if stopping.is_some() {
                return Onward::No;
            }
            let spent = clock.now().steady - began;
            let Some(wait) = attempts::wait(delivery.id, attempt, after, budget, spent) else {
                return self.settle(delivery, channel, at, Err(error));
            };
            log::warn!(
                "delivery failed, trying again channel={channel} in={wait:?} error={error:?}"
            );
            let tried = Tell::Tried { delivery: delivery.id, at, error };
            if self.0.parts.writer.settle(vec![tried.into()]).is_err() {
                return Onward::No;
            }
            if self.pause(channel, wait) == Onward::No {
                log::info!("delivery aborted, it goes on after the next start channel={channel}");
                return Onward::No;
            }
            attempt += 1;
        }
    }

    /// A driver that panics has failed, and would do so again.
    fn attempt(&self, delivery: &Delivery, limit: Duration) -> Outcome {
        catch_unwind(AssertUnwindSafe(|| (self.0.parts.send)(delivery, limit))).unwrap_or_else(
            |_| {
                let error = "the message could not be made: an error in runwisp".to_owned();
                Outcome::Refused { error }
            },
        )
    }

    /// Takes the message off the list. One that was given up is an alert of its own, unless it was
    /// about such a one.
    fn settle(
        &self,
        delivery: &Delivery,
        channel: &str,
        at: Timestamp,
        result: Result<String, String>,
    ) -> Onward {
        let Parts { writer, title, look, .. } = &self.0.parts;
        let mut raised = None;
        if let Err(error) = &result {
            log::warn!("delivery given up channel={channel} error={error:?}");
            let alert = &delivery.alert;
            raised = alert.undelivered(at, channel, title(alert), error.clone());
        }
        let is_told = raised.is_some();
        let (delivery, channel) = (delivery.id, channel.to_owned());
        let done = Tell::Done { delivery, channel, at, result };
        let raised = raised.map(|alert| Change::Raise(Box::new(alert)));
        let changes = raised.into_iter().chain([done.into()]).collect();
        if writer.settle(changes).is_err() {
            return Onward::No;
        }
        if is_told {
            look();
        }
        Onward::Yes
    }

    /// Waits, unless the daemon stops meanwhile.
    fn pause(&self, channel: &str, wait: Duration) -> Onward {
        let mut state = self.lock();
        if let Some(busy) = state.busy.get_mut(channel) {
            let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
            busy.next_try = self.0.parts.clock.now().wall.checked_add(wait).ok();
        }
        let waited =
            self.0.changed.wait_timeout_while(state, wait, |state| state.stopping.is_none());
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(busy) = state.busy.get_mut(channel) {
            busy.next_try = None;
        }
        if state.stopping.is_some() { Onward::No } else { Onward::Yes }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock, so a state that was left is whole.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of the name of a thread.
fn ascii(channel: &str) -> String {
    channel
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect()
}

#[cfg(test)]
mod tests;
