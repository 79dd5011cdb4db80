//! The thread `db-writer`: owns the writing connection and makes changes durable in the order
//! in which they came. Whatever waits becomes one transaction with one fsync, so many short
//! runs share its cost. What a full disk or another process refuses is kept and tried again
//! until it lands, and so is everything while the file is not in its place.

use std::io;
use std::mem;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, TransactionBehavior};

use crate::base::time::Clock;
use crate::engine::Input;
use crate::inbox::{Inbox, Unanswered};
use crate::model::change::{Change, CommitId, Tidy};
use crate::store::apply::{Applied, Circumstances, apply, subject};
use crate::store::place::Place;
use crate::store::trouble::{Trouble, judge};
use crate::store::{Store, schema, sessions};
use crate::threads;

/// Pauses between the tries of a refused write, the last one again and again (docs/running.md, Full disk).
const PAUSES: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1600),
    Duration::from_secs(5),
];

/// How long it may wait that the process of a run is known: most runs that are so short need no
/// such row, and a daemon that dies meanwhile finds the process by the run id in its environment.
const UNHURRIED: Duration = Duration::from_millis(50);

/// How far back an end looks for such a row of the same run.
const NEAR: usize = 64;

/// More waiting changes than this end the daemon: it only falls further behind.
const MOST_WAITING: usize = 100_000;

/// Somebody who moves the database away and back takes less; after that the next start makes the
/// best of what there is (docs/running.md, Lost files).
const RETURN: Duration = Duration::from_secs(60);

/// A daemon that was killed was alive at most this much longer than its row says, unless it had
/// nothing to write: it never writes for this alone.
const SEEN_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Free pages that stay in the file for the next runs, and how many are returned at a time.
const SPARE_PAGES: i64 = 256;
const PAGES_A_TIME: i64 = 1024;

/// The way to the writer. Its thread ends when every clone is dropped, or at [`Writer::close`].
#[derive(Clone, Debug)]
pub(crate) struct Writer(Sender<Message>);

/// The writer is gone; the change was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

#[derive(Debug)]
enum Message {
    Changes { changes: Vec<Change>, then: Then },
    Close,
}

/// What follows when changes are durable.
#[derive(Debug)]
enum Then {
    Announce(CommitId),
    /// Somebody waits; dropped unused when the writer gives up.
    Release(SyncSender<()>),
}

/// Starts the thread. It says [`Input::Committed`] to the inbox, or [`Input::Fatal`] when the
/// database cannot be used any more.
pub(crate) fn start(
    store: Store,
    clock: Clock,
    inbox: Inbox,
) -> io::Result<(Writer, JoinHandle<()>)> {
    let (sender, receiver) = mpsc::channel();
    let desk = Desk {
        connection: store.connection,
        place: Place::of(&store.path),
        circumstances: store.circumstances,
        session: store.session,
        clock,
        inbox: inbox.clone(),
        receiver,
        waiting: Waiting::default(),
        closing: false,
    };
    let thread = threads::spawn_vital("db-writer", inbox, || desk.run())?;
    Ok((Writer(sender), thread))
}

impl Writer {
    /// Hands changes over; never blocks. They land together, after everything handed over before.
    pub(crate) fn commit(&self, id: CommitId, changes: Vec<Change>) {
        // A writer that is gone has said so itself: `Input::Fatal`.
        let _ = self.0.send(Message::Changes { changes, then: Then::Announce(id) });
    }

    /// Waits until the changes are durable; for as long as the disk is full, if need be.
    pub(crate) fn settle(&self, changes: Vec<Change>) -> Result<(), Closed> {
        let (done, wait) = mpsc::sync_channel(1);
        self.0.send(Message::Changes { changes, then: Then::Release(done) }).map_err(|_| Closed)?;
        wait.recv().map_err(|_| Closed)
    }

    /// Waits as [`Writer::settle`] does, but so long at most.
    pub(crate) fn settle_within(
        &self,
        changes: Vec<Change>,
        patience: Duration,
    ) -> Result<(), Unanswered> {
        let (done, wait) = mpsc::sync_channel(1);
        let message = Message::Changes { changes, then: Then::Release(done) };
        self.0.send(message).map_err(|_| Unanswered::Stopped)?;
        wait.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => Unanswered::Late,
            RecvTimeoutError::Disconnected => Unanswered::Stopped,
        })
    }

    /// Everything handed over so far is written, then the thread ends, whoever still holds a clone.
    pub(crate) fn close(&self) {
        // It may have ended by itself; then there is nothing to close.
        let _ = self.0.send(Message::Close);
    }
}

/// Changes in the order of their arrival, and who waits for them.
#[derive(Default)]
struct Waiting {
    changes: Vec<Change>,
    announce: Option<CommitId>,
    release: Vec<SyncSender<()>>,
    /// Something or somebody waits for the disk.
    is_urgent: bool,
}

impl Waiting {
    /// An end takes the place of what was to be known of the process.
    fn add(&mut self, change: Change) {
        if let Change::End { run: ended, .. } = &change {
            let near = self.changes.len().saturating_sub(NEAR);
            let is_its =
                |change: &Change| matches!(change, Change::Identify { run, .. } if run == ended);
            if let Some(place) = self.changes[near..].iter().rposition(is_its) {
                self.changes.remove(near + place);
            }
        }
        self.changes.push(change);
    }
}

/// Everything the thread owns.
struct Desk {
    connection: Connection,
    place: Place,
    circumstances: Circumstances,
    /// When the daemon was last said to be alive; `None` when this is no daemon.
    session: Option<Timestamp>,
    clock: Clock,
    inbox: Inbox,
    receiver: Receiver<Message>,
    waiting: Waiting,
    closing: bool,
}

/// A transaction that did not land, and why.
struct Unwritten {
    trouble: Trouble,
    cause: String,
}

impl Desk {
    /// Works until it is closed. The error is the end of the daemon.
    fn run(mut self) -> Result<(), String> {
        while !self.closing {
            match self.receiver.recv() {
                Ok(message) => self.take(message),
                Err(_) => self.closing = true,
            }
            self.gather();
            self.land()?;
        }
        if self.session.is_some() {
            sessions::stop(&self.connection, self.clock.now().wall).unwrap_or_else(|error| {
                log::warn!("cannot write database {}: {error}", self.place.path().display());
            });
        }
        self.checkpoint();
        Ok(())
    }

    /// Leaves one complete file behind; a reader that hinders it costs nothing but that.
    fn checkpoint(&self) {
        if let Err(error) =
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        {
            log::warn!("cannot checkpoint database {}: {error}", self.place.path().display());
        }
    }

    /// Takes everything that has come, and waits a little for more when nothing is urgent.
    fn gather(&mut self) {
        let mut until = None;
        while !self.closing {
            if let Ok(message) = self.receiver.try_recv() {
                self.take(message);
                continue;
            }
            if self.waiting.is_urgent {
                return;
            }
            let now = self.clock.now().steady;
            let until = *until.get_or_insert(now + UNHURRIED);
            match self.receiver.recv_timeout(until.saturating_sub(now)) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => self.closing = true,
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Changes { changes, then } => {
                // Nothing hangs on what is known of a process alone.
                self.waiting.is_urgent |= !matches!(changes[..], [Change::Identify { .. }]);
                changes.into_iter().for_each(|change| self.waiting.add(change));
                match then {
                    Then::Announce(id) => self.waiting.announce = Some(id),
                    Then::Release(done) => {
                        self.waiting.is_urgent = true;
                        self.waiting.release.push(done);
                    }
                }
            }
            Message::Close => self.closing = true,
        }
    }

    /// Makes everything that waits durable, however long that takes.
    fn land(&mut self) -> Result<(), String> {
        let mut tries = 0;
        let mut missing_since = None;
        while let Err(Unwritten { trouble, cause }) = self.write() {
            let failed = format!("cannot write database {}: {cause}", self.place.path().display());
            if trouble != Trouble::Refused {
                return Err(failed);
            }
            if self.closing {
                log::error!("{failed}; {} changes are lost", self.waiting.changes.len());
                self.waiting = Waiting::default();
                return Ok(());
            }
            if tries == 0 {
                log::error!("{failed}; runs wait until it works again");
            }
            let now = self.clock.now().steady;
            let is_missing = self.place.fault().is_some();
            if is_missing && missing_since.is_none() {
                // The file is complete then, wherever it is now, and whatever comes into its place
                // finds no log that is not its own.
                self.checkpoint();
            }
            missing_since = is_missing.then_some(missing_since.unwrap_or(now));
            if missing_since.is_some_and(|since| now - since >= RETURN) {
                return Err(failed);
            }
            self.pause(PAUSES[tries.min(PAUSES.len() - 1)]);
            if self.waiting.changes.len() > MOST_WAITING {
                return Err(format!("{failed}; more than {MOST_WAITING} changes wait"));
            }
            tries += 1;
        }
        if tries > 0 {
            log::info!("database {} can be written again", self.place.path().display());
        }
        let landed = mem::take(&mut self.waiting);
        if let Some(id) = landed.announce {
            self.inbox.send(Input::Committed(id));
        }
        for done in landed.release {
            // Whoever stopped waiting does not need to know.
            let _ = done.send(());
        }
        Ok(())
    }

    /// Collects what comes in while the disk gets its time. A close ends the pause.
    fn pause(&mut self, pause: Duration) {
        let end = self.clock.now().steady + pause;
        while !self.closing && self.waiting.changes.len() <= MOST_WAITING {
            let left = end.saturating_sub(self.clock.now().steady);
            match self.receiver.recv_timeout(left) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => self.closing = true,
            }
        }
    }

    /// One try: everything in one transaction, or nothing.
    fn write(&mut self) -> Result<(), Unwritten> {
        if self.waiting.changes.is_empty() {
            return Ok(());
        }
        if let Some(fault) = self.place.fault() {
            return Err(Unwritten { trouble: Trouble::Refused, cause: fault.to_owned() });
        }
        let mut complaints = Vec::new();
        let now = self.clock.now().wall;
        let is_stale = |seen: &Timestamp| now.duration_since(*seen).abs() >= SEEN_EVERY;
        let seen = self.session.filter(is_stale).map(|_| now);
        let written = transact(
            &mut self.connection,
            &self.circumstances,
            seen,
            &self.waiting.changes,
            &mut complaints,
        );
        written.map_err(|error| Unwritten {
            trouble: judge(&self.connection, &error),
            cause: error.to_string(),
        })?;
        self.session = seen.or(self.session);
        for complaint in complaints {
            log::warn!("{complaint}");
        }
        Ok(())
    }
}

fn transact(
    connection: &mut Connection,
    circumstances: &Circumstances,
    seen: Option<Timestamp>,
    changes: &[Change],
    complaints: &mut Vec<String>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let Some(now) = seen {
        sessions::see(&transaction, now)?;
    }
    let mut deleted = false;
    for change in changes {
        deleted |= matches!(change, Change::Delete(_) | Change::Tidy(Tidy::Purge(_)));
        match apply(&transaction, circumstances, change) {
            Ok(Applied::Done) => {}
            Ok(Applied::NoRow) => {
                complaints.push(format!(
                    "a change of the history found no run change={}",
                    subject(change)
                ));
            }
            Err(error) if judge(&transaction, &error) == Trouble::Invalid => {
                complaints
                    .push(format!("a change cannot be stored: {error} change={}", subject(change)));
            }
            Err(error) => return Err(error),
        }
    }
    if deleted {
        return_pages(&transaction)?;
    }
    transaction.commit()
}

/// Gives pages that retention emptied back to the file system, a bounded number at a time.
fn return_pages(connection: &Connection) -> rusqlite::Result<()> {
    let spare = schema::number(connection, "freelist_count")? - SPARE_PAGES;
    if spare <= 0 {
        return Ok(());
    }
    let mut statement =
        connection.prepare(&format!("PRAGMA incremental_vacuum({})", spare.min(PAGES_A_TIME)))?;
    let mut rows = statement.query([])?;
    // Each step frees one page.
    while rows.next()?.is_some() {}
    Ok(())
}

#[cfg(test)]
mod tests;
