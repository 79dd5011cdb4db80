//! The thread `notify`: takes alerts from the database, has the ledger decide, makes that durable
//! in their place, and tells those who follow the feed and the channels that have something to
//! do. It sleeps while nothing was raised, nothing is held and nothing gets old.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::hub::News;
use crate::model::change::{Change, Tell};
use crate::model::job::JobName;
use crate::model::notifier::Settings;
use crate::notify::channel::{self, Channels};
use crate::notify::ledger::{Ledger, Plan, Words};
use crate::notify::surroundings::Surroundings;
use crate::store::{self, Reader};
use crate::sys::memory;
use crate::threads;

/// So many alerts are decided about at a time: a flood takes no more memory than these.
const BATCH: u32 = 256;
/// After so many at once, what they took is given back.
const FLOOD: usize = 64;
/// How often rows of the feed that are too many or too old are looked for, while there are new
/// ones (docs/notifications.md, The feed).
const TRIM: Duration = Duration::from_secs(300);
/// A warning that messages are dropped comes no more often.
const WARN: Duration = Duration::from_secs(60);
/// What is held goes out within this time when the daemon stops (docs/notifications.md, Delivery).
const FAREWELL: Duration = Duration::from_secs(1);
/// And what it takes to write down what came of it.
const MARGIN: Duration = Duration::from_millis(200);
/// After a database that could not be read.
const PAUSE: Duration = Duration::from_secs(5);

/// The way to the thread. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Dispatcher {
    sender: Sender<Told>,
    /// Somebody said [`Told::Look`], and nobody has looked yet.
    told: Arc<AtomicBool>,
    /// Hears of the end of the thread. Locked by the one who waits for it.
    done: Arc<Mutex<Receiver<()>>>,
}

#[derive(Debug)]
enum Told {
    /// Something was raised, durably.
    Look,
    /// Other jobs are configured, or other ways to tell of them.
    Reconfigured,
    /// The daemon stops.
    Close,
}

impl Dispatcher {
    /// Something was raised, durably. Never blocks, and a thousand calls cost no more than one.
    pub(crate) fn look(&self) {
        if !self.told.swap(true, Ordering::AcqRel) {
            // A thread that is gone has ended the daemon.
            let _ = self.sender.send(Told::Look);
        }
    }

    /// Other jobs are configured, or other ways to tell of them. Never blocks.
    pub(crate) fn reconfigured(&self) {
        // A thread that is gone has ended the daemon.
        let _ = self.sender.send(Told::Reconfigured);
    }

    /// What was raised so far is taken care of, what is held goes out, then the thread ends. Waits
    /// for that, but not for a database that takes no writes: those end with the writer.
    pub(crate) fn close(&self) {
        // A thread that is gone has ended the daemon.
        let _ = self.sender.send(Told::Close);
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        // Disconnected when the thread has ended.
        let _ = done.recv_timeout(FAREWELL + MARGIN);
    }
}

/// Starts the thread.
pub(crate) fn start(parts: Surroundings) -> io::Result<(Dispatcher, Channels, JoinHandle<()>)> {
    let (sender, receiver) = mpsc::channel();
    let (done, ended) = mpsc::channel();
    let told = Arc::new(AtomicBool::new(true));
    let dispatcher = Dispatcher { sender, told, done: Arc::new(Mutex::new(ended)) };
    let parts = Arc::new(parts);
    let (own, looking, inbox) = (Arc::clone(&parts), dispatcher.clone(), parts.inbox.clone());
    let (titles, budget) = (Arc::clone(&parts), parts.configured.clone());
    let channels = Channels::new(channel::Parts {
        clock: parts.clock.clone(),
        inbox: parts.inbox.clone(),
        database: parts.database.clone(),
        writer: parts.writer.clone(),
        budget: Box::new(move || budget.get().notify.settings.budget),
        send: Box::new(move |delivery, limit| own.send(delivery, limit)),
        title: Box::new(move |alert| titles.title(alert)),
        look: Box::new(move || looking.look()),
    });
    let desk = Desk {
        parts,
        channels: channels.clone(),
        receiver,
        told: Arc::clone(&dispatcher.told),
        trim_at: None,
        again_at: None,
        is_outdated: false,
        warned_at: None,
        dropped: 0,
    };
    let thread = threads::spawn_vital("notify", inbox, move || {
        let _done: Sender<()> = done;
        desk.run()
    })?;
    Ok((dispatcher, channels, thread))
}

/// What the thread owns.
struct Desk {
    parts: Arc<Surroundings>,
    channels: Channels,
    receiver: Receiver<Told>,
    told: Arc<AtomicBool>,
    /// When old rows of the feed are looked for, on the steady clock.
    trim_at: Option<Duration>,
    /// When a database that could not be read is tried again, on the steady clock.
    again_at: Option<Duration>,
    /// Another configuration has come since the rules were read.
    is_outdated: bool,
    warned_at: Option<Duration>,
    /// Messages that found a full queue.
    dropped: u64,
}

/// Why not everything was taken care of.
enum Halt {
    /// The writer is gone, and with it the daemon.
    Leaving,
    /// The database cannot be read now.
    Unreadable(store::Error),
}

impl From<store::Error> for Halt {
    fn from(error: store::Error) -> Halt {
        Halt::Unreadable(error)
    }
}

impl Desk {
    fn run(mut self) -> Result<(), String> {
        let text = |error: store::Error| error.to_string();
        let reader = self.open().map_err(text)?;
        let mut ledger = self.begin(&reader).map_err(text)?;
        let mut first = Some(reader);
        loop {
            self.told.store(false, Ordering::Release);
            let drained = match first.take().map_or_else(|| self.open(), Ok) {
                Ok(reader) => self
                    .start_over(&mut ledger, &reader)
                    .and_then(|()| self.drain(&mut ledger, &reader)),
                Err(error) => Err(Halt::Unreadable(error)),
            };
            match drained {
                Ok(()) => {}
                Err(Halt::Leaving) => return Ok(()),
                Err(Halt::Unreadable(error)) => {
                    // It comes back, or the daemon stops.
                    log::error!("{error}");
                    self.again_at = Some(self.parts.clock.now().steady + PAUSE);
                }
            }
            match self.wait(&ledger) {
                Some(Told::Look) | None => {}
                Some(Told::Reconfigured) => self.is_outdated = true,
                Some(Told::Close) => {
                    self.part(&mut ledger);
                    return Ok(());
                }
            }
        }
    }

    /// For each look: a connection that idles costs more memory than its opening time.
    fn open(&self) -> Result<Reader, store::Error> {
        Reader::open(&self.parts.database)
    }

    /// Sleeps until something is raised, a window ends, or the feed has old rows.
    fn wait(&mut self, ledger: &Ledger) -> Option<Told> {
        let now = self.parts.clock.now();
        let trim = self.trim_at.map(|at| at.saturating_sub(now.steady));
        let due = [ledger.patience(now.wall), trim].into_iter().flatten().min();
        // What is due cannot be done before the database can be read.
        let again = self.again_at.take().map(|at| at.saturating_sub(now.steady));
        let told = match again.or(due) {
            None => self.receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(patience) => self.receiver.recv_timeout(patience),
        };
        match told {
            Ok(told) => Some(told),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Told::Close),
        }
    }

    /// Takes up what the last daemon left.
    fn begin(&mut self, reader: &Reader) -> Result<Ledger, store::Error> {
        let current = self.parts.configured.get();
        let (windows, troubles) = (reader.held()?, reader.troubles()?);
        let mut ledger = Ledger::new(
            Arc::clone(&current.notify),
            &current.jobs,
            windows,
            troubles,
            self.parts.seed,
        );
        let mut changes: Vec<Change> = ledger
            .forget(|channel| self.parts.knows(channel))
            .into_iter()
            .map(Change::Tell)
            .collect();
        for record in reader.records()? {
            if self.parts.knows(&record.channel) {
                continue;
            }
            while let Some(waiting) = reader.next_delivery(&record.channel)? {
                let given_up = self.parts.give_up_orphan(&waiting.delivery);
                if self.parts.writer.settle(given_up).is_err() {
                    return Ok(ledger);
                }
            }
            changes.push(Tell::Leave { channel: record.channel }.into());
        }
        let now = self.parts.clock.now().wall;
        for mute in reader.mutes()?.into_iter().filter(|mute| mute.until <= now) {
            let job = JobName::new(&mute.job);
            changes.push(Tell::Mute { job, since: mute.since, until: None }.into());
        }
        changes.extend(self.parts.probe().into_iter().map(|alert| Change::Raise(Box::new(alert))));
        if !changes.is_empty() {
            // One that is gone says so itself.
            let _ = self.parts.writer.settle(changes);
        }
        reader.pending()?.iter().for_each(|(channel, _)| self.channels.wake(channel));
        self.trim_at = Some(self.parts.clock.now().steady);
        Ok(ledger)
    }

    /// Takes care of everything that was raised.
    fn drain(&mut self, ledger: &mut Ledger, reader: &Reader) -> Result<(), Halt> {
        let mut taken = 0;
        let clock = self.parts.clock.clone();
        let now = || clock.now().wall;
        loop {
            let alerts = reader.alerts(BATCH)?;
            if alerts.is_empty() {
                break;
            }
            taken += alerts.len();
            ledger.waiting = reader.pending()?.into_iter().collect();
            ledger.mutes = reader.mutes()?.into_iter().map(|mute| (mute.job, mute.until)).collect();
            let plan = ledger.take(now(), alerts, &*self.parts);
            self.carry_out(reader, plan)?;
        }
        let plan = ledger.end_windows(now(), &*self.parts);
        self.carry_out(reader, plan)?;
        if taken >= FLOOD {
            memory::give_back();
        }
        self.trim(reader)
    }

    fn carry_out(&mut self, reader: &Reader, plan: Plan) -> Result<(), Halt> {
        let Plan { tells, feed, wake, dropped } = plan;
        if tells.is_empty() {
            return Ok(());
        }
        let changes = tells.into_iter().map(Change::Tell).collect();
        self.parts.writer.settle(changes).map_err(|_| Halt::Leaving)?;
        wake.iter().for_each(|channel| self.channels.wake(channel));
        for (fingerprint, count) in &feed {
            let unread = reader.unread_now();
            if let Some(notice) = reader.notification_like(fingerprint)? {
                let (is_new, notice) = (notice.count == *count, Box::new(notice));
                self.parts.hub.publish(News::Notice { is_new, notice, unread });
            }
        }
        let steady = self.parts.clock.now().steady;
        if !feed.is_empty() {
            let soon = steady + TRIM;
            self.trim_at = Some(self.trim_at.map_or(soon, |at| at.min(soon)));
        }
        if dropped > 0 {
            self.dropped += dropped;
            if self.warned_at.is_none_or(|at| steady - at >= WARN) {
                self.warned_at = Some(steady);
                log::warn!(
                    "messages dropped: the queue of a notifier is full total={}",
                    self.dropped
                );
            }
        }
        Ok(())
    }

    /// What is held goes out by the old rules, and then the new ones hold. Nothing is held where
    /// only jobs have changed, and alerts that nobody has told yet are told by the new rules.
    fn start_over(&mut self, ledger: &mut Ledger, reader: &Reader) -> Result<(), Halt> {
        if !self.is_outdated {
            return Ok(());
        }
        let current = self.parts.configured.get();
        if ledger.is_by(&current.notify) {
            ledger.follow(&current.jobs);
        } else {
            let plan = ledger.let_go(self.parts.clock.now().wall, &*self.parts);
            self.carry_out(reader, plan)?;
            *ledger = self.begin(reader)?;
        }
        self.is_outdated = false;
        Ok(())
    }

    /// Removes old rows of the feed when it is time, and finds out when it is time again.
    fn trim(&mut self, reader: &Reader) -> Result<(), Halt> {
        let now = self.parts.clock.now();
        if self.trim_at.is_none_or(|at| at > now.steady) {
            return Ok(());
        }
        let current = self.parts.configured.get();
        let Settings { history_keep, history_keep_for, .. } = current.notify.settings;
        let age = SignedDuration::try_from(history_keep_for).unwrap_or(SignedDuration::MAX);
        let before = now.wall.checked_sub(age).unwrap_or(Timestamp::UNIX_EPOCH);
        let unread_before = reader.unread_now();
        let tell = Tell::TrimFeed { keep: history_keep, before };
        self.parts.writer.settle(vec![tell.into()]).map_err(|_| Halt::Leaving)?;
        let unread_now = reader.unread_now();
        if unread_now != unread_before {
            self.parts.hub.publish(News::Unread(unread_now));
        }
        let oldest = reader.oldest_notification()?;
        let left =
            oldest.map(|at| Duration::try_from(at.duration_since(before)).unwrap_or_default());
        self.trim_at = left.map(|left| now.steady + left.max(TRIM));
        Ok(())
    }

    /// The daemon stops: what is held goes out, each with one attempt.
    fn part(&mut self, ledger: &mut Ledger) {
        let until = self.parts.clock.now().steady + FAREWELL;
        self.channels.stop(until);
        if let Ok(reader) = self.open()
            && self.drain(ledger, &reader).is_ok()
        {
            let plan = ledger.let_go(self.parts.clock.now().wall, &*self.parts);
            // One that is gone says so itself.
            let _ = self.carry_out(&reader, plan);
        }
        self.channels.join(until);
        if self.dropped > 0 {
            log::warn!("messages dropped since the start total={}", self.dropped);
        }
    }
}
