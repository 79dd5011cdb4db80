//! The thread `sweep`: deletes runs that retention selects, first the files, then the rows, so
//! that a crash in between leaves a row that the next sweep finishes and never a file that
//! nobody knows. Sweeps at boot, every hour, and for one job when it is told that the job has
//! collected too many runs. Empties the trash when its time is over, and sleeps without a timer
//! of its own while there is nothing in it. Rows go through the writer, in small batches.

mod files;
mod select;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::base::bytes;
use crate::base::time::Clock;
use crate::config::Config;
use crate::hub::{Hub, News};
use crate::inbox::Inbox;
use crate::logs::LogPlace;
use crate::model::change::{Change, Tidy};
use crate::model::job::{JobName, Keep};
use crate::model::run::RunId;
use crate::store::query::Table;
use crate::store::retention::{Old, Position};
use crate::store::writer::{Closed, Writer};
use crate::store::{self, Reader, trash};
use crate::sys::error_text;
use crate::threads;

pub(crate) use select::run_of;

/// docs/logs.md, Retention.
const PERIOD: Duration = Duration::from_secs(3600);

/// Rows of one deletion (docs/logs.md, Retention): the database is never locked for long.
const BATCH: u32 = 100;

/// How long it is known why a task ran, or did not (docs/running.md, Why did it run).
const DECISIONS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What is kept. Jobs that are no longer configured follow `default_keep`.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// Of jobs that differ from `default_keep`.
    pub(crate) keep: HashMap<JobName, Keep>,
    pub(crate) default_keep: Keep,
    /// Bytes of all run files together.
    pub(crate) max_size: Option<u64>,
}

impl Rules {
    pub(crate) fn of(config: &Config) -> Rules {
        let special = config.jobs.iter().filter(|job| job.keep != config.default_keep);
        Rules {
            keep: special.map(|job| (job.name.clone(), job.keep)).collect(),
            default_keep: config.default_keep,
            max_size: config.storage.max_size,
        }
    }
}

/// The way to the sweeper. Its thread ends when every clone is dropped, or at
/// [`Sweeper::close`], after the batch at hand.
#[derive(Clone, Debug)]
pub(crate) struct Sweeper(Sender<Told>);

#[derive(Debug)]
enum Told {
    /// A run of this job ended, durably.
    Ended(JobName),
    /// There is something in the trash.
    Trashed,
    /// These rules hold from now on.
    Follow(Rules),
    Close,
}

impl Sweeper {
    /// A run of this job ended, durably. Never blocks.
    pub(crate) fn tell(&self, job: &JobName) {
        self.send(Told::Ended(job.clone()));
    }

    /// Runs were put into the trash, durably.
    pub(crate) fn tell_trashed(&self) {
        self.send(Told::Trashed);
    }

    /// These rules hold from now on.
    pub(crate) fn follow(&self, rules: Rules) {
        self.send(Told::Follow(rules));
    }

    /// The daemon stops.
    pub(crate) fn close(&self) {
        self.send(Told::Close);
    }

    fn send(&self, told: Told) {
        // A sweeper that is gone has logged why; nothing depends on it.
        let _ = self.0.send(told);
    }
}

/// Removes the files of a run, and its directory when nothing is left in it.
pub(crate) fn remove_files(place: &LogPlace) -> io::Result<()> {
    files::remove_log(place)?;
    files::remove_if_empty(place.directory());
    Ok(())
}

/// Starts the thread; the first sweep begins at once. `logs` is `<data>/logs`.
pub(crate) fn start(
    database: PathBuf,
    logs: PathBuf,
    rules: Rules,
    clock: Clock,
    writer: Writer,
    hub: Hub,
    inbox: Inbox,
) -> io::Result<(Sweeper, JoinHandle<()>)> {
    let (sender, receiver) = mpsc::channel();
    let sweep = Sweep {
        database,
        logs,
        rules,
        clock,
        writer,
        hub,
        receiver,
        ended: HashMap::new(),
        purge_at: None,
        told: None,
    };
    let thread = threads::spawn_vital("sweep", inbox, || {
        sweep.run();
        Ok(())
    })?;
    Ok((Sweeper(sender), thread))
}

struct Sweep {
    database: PathBuf,
    logs: PathBuf,
    rules: Rules,
    clock: Clock,
    writer: Writer,
    hub: Hub,
    receiver: Receiver<Told>,
    /// Ended runs of jobs with `keep_runs`, counted once an hour and then along.
    ended: HashMap<JobName, u64>,
    /// On the steady clock: when everything that is in the trash has been there long enough.
    purge_at: Option<Duration>,
    /// The failure of this hour that was told last.
    told: Option<String>,
}

/// Why a sweep ends early.
#[derive(Debug)]
enum Halt {
    /// The daemon stops.
    Stopped,
    Failed(String),
}

impl From<store::Error> for Halt {
    fn from(error: store::Error) -> Halt {
        Halt::Failed(error.to_string())
    }
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Halt {
        Halt::Failed(format!("cannot read the log directory: {}", error_text(&error)))
    }
}

impl From<Closed> for Halt {
    fn from(Closed: Closed) -> Halt {
        Halt::Stopped
    }
}

/// The daemon stops.
struct Stopped;

impl Sweep {
    fn run(mut self) {
        while self.hour().is_ok() {}
    }

    /// One sweep of everything, then an hour of listening.
    fn hour(&mut self) -> Result<(), Stopped> {
        let end = self.clock.now().steady + PERIOD;
        self.told = None;
        let swept = self.sweep_all();
        self.report(swept)?;
        loop {
            let now = self.clock.now().steady;
            let next = self.purge_at.map_or(end, |purge_at| purge_at.min(end));
            match self.receiver.recv_timeout(next.saturating_sub(now)) {
                Ok(Told::Ended(job)) => {
                    let swept = self.count_end(&job);
                    self.report(swept)?;
                }
                Ok(Told::Trashed) => self.purge_later(),
                Ok(Told::Follow(rules)) => self.rules = rules,
                Err(RecvTimeoutError::Timeout) if next == end => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {
                    let swept = Reader::open(&self.database)
                        .map_err(Halt::from)
                        .and_then(|reader| self.purge(&reader));
                    self.report(swept)?;
                }
                Ok(Told::Close) | Err(RecvTimeoutError::Disconnected) => return Err(Stopped),
            }
        }
    }

    /// A sweep that failed is an operator's matter, not the end of the thread. What hinders it may
    /// hinder it at the end of every run: that is said once an hour.
    fn report(&mut self, swept: Result<(), Halt>) -> Result<(), Stopped> {
        match swept {
            Ok(()) => {}
            Err(Halt::Stopped) => return Err(Stopped),
            Err(Halt::Failed(cause)) if self.told.as_ref() == Some(&cause) => {}
            Err(Halt::Failed(cause)) => {
                log::error!("retention failed and is tried again within an hour: {cause}");
                self.told = Some(cause);
            }
        }
        Ok(())
    }

    fn purge_later(&mut self) {
        let wait = (trash::UNDO + trash::MARGIN).unsigned_abs();
        self.purge_at = Some(self.clock.now().steady + wait);
    }

    /// Removes what has been in the trash for long enough. Should the clock have been set back,
    /// the hourly sweep finds it later.
    fn purge(&mut self, reader: &Reader) -> Result<(), Halt> {
        self.purge_at = None;
        let until = self.clock.now().wall - (trash::UNDO + trash::MARGIN);
        let mut after = Position::start();
        loop {
            let (batch, positions): (Vec<Old>, Vec<Position>) =
                reader.trashed(&after, until, BATCH)?.into_iter().unzip();
            let Some(last) = positions.into_iter().next_back() else { break };
            after = last;
            // They left the lists when they were deleted, so nobody is told now.
            let (gone, _) = self.remove_logs(&batch, u64::MAX);
            self.writer.settle(vec![Tidy::Purge(gone).into()])?;
            self.hear()?;
        }
        // What could not be removed waits for the hourly sweep.
        if !reader.trashed(&after, Timestamp::MAX, 1)?.is_empty() {
            self.purge_later();
        }
        Ok(())
    }

    fn sweep_all(&mut self) -> Result<(), Halt> {
        self.ended.clear();
        let reader = Reader::open(&self.database)?;
        self.purge(&reader)?;
        self.forget_decisions(&reader)?;
        let mut next = reader.next_job(None)?;
        while let Some(job) = next {
            self.retain(&reader, &job)?;
            next = reader.next_job(Some(&job))?;
        }
        let size = self.sweep_files(&reader)?;
        match self.rules.max_size {
            Some(max_size) if size > max_size => self.shrink(&reader, size, max_size),
            Some(_) | None => Ok(()),
        }
    }

    /// One more run of this job is over.
    fn count_end(&mut self, job: &JobName) -> Result<(), Halt> {
        let Some(keep_runs) = self.keep(job).runs else { return Ok(()) };
        let count = match self.ended.entry(job.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            // One less: this run is counted below.
            Entry::Vacant(unknown) => {
                let ended = Reader::open(&self.database)?.count_ended(job)?;
                unknown.insert(ended.saturating_sub(1))
            }
        };
        *count += 1;
        if !select::is_overdue(*count, keep_runs) {
            return Ok(());
        }
        // Even when it fails: a disk that refuses is not asked again for every run.
        *count = keep_runs;
        self.retain(&Reader::open(&self.database)?, job)
    }

    /// Applies `keep_runs` and `keep_for` to one job.
    fn retain(&mut self, reader: &Reader, job: &JobName) -> Result<(), Halt> {
        let keep = self.keep(job);
        let surplus = keep.runs.map(|runs| reader.newest_beyond(job, runs)).transpose()?.flatten();
        let Some(until) = select::cutoff(keep, self.clock.now().wall, surplus) else {
            return Ok(());
        };
        let deleted = self.delete(reader, Some(job), &until, u64::MAX)?;
        if deleted > 0 {
            log::debug!("old runs deleted task={job} runs={deleted}");
        }
        Ok(())
    }

    fn keep(&self, job: &JobName) -> Keep {
        *self.rules.keep.get(job).unwrap_or(&self.rules.default_keep)
    }

    /// Deletes the oldest ended runs of all jobs until the files fit again.
    fn shrink(&mut self, reader: &Reader, size: u64, max_size: u64) -> Result<(), Halt> {
        let (shown, allowed) = (bytes::display(size), bytes::display(max_size));
        log::warn!("storage exceeds max_size size={shown:?} max_size={allowed:?}");
        let deleted = self.delete(reader, None, &Position::end(), size - max_size)?;
        log::info!("runs deleted to free storage runs={deleted}");
        Ok(())
    }

    /// Deletes ended runs up to a position, oldest first, until so many bytes are free, and
    /// says how many runs that took.
    fn delete(
        &mut self,
        reader: &Reader,
        job: Option<&JobName>,
        until: &Position,
        mut to_free: u64,
    ) -> Result<u64, Halt> {
        let mut deleted = 0;
        let mut after = Position::start();
        while to_free > 0 {
            let batch = reader.ended(job, &after, until, BATCH)?;
            let Some(last) = batch.last() else { break };
            after = last.position();
            let (gone, freed) = self.remove_logs(&batch, to_free);
            to_free -= freed.min(to_free);
            deleted += gone.len() as u64;
            self.writer.settle(vec![Change::Delete(gone.clone())])?;
            for old in batch.iter().filter(|old| gone.contains(&old.id)) {
                self.hub.publish(News::Deleted { run: old.id, job: old.job.clone() });
            }
            self.hear()?;
        }
        Ok(deleted)
    }

    /// Removes the files of these runs until so many bytes are free. Runs whose files stay
    /// keep their rows, for the next sweep.
    fn remove_logs(&self, batch: &[Old], to_free: u64) -> (Vec<RunId>, u64) {
        let (mut gone, mut freed) = (Vec::new(), 0);
        let mut directories = BTreeSet::new();
        let mut failures = Vec::new();
        for old in batch {
            if freed >= to_free {
                break;
            }
            let place = LogPlace::new(&self.logs, &old.job, old.id, old.created_at);
            match files::remove_log(&place) {
                Ok(bytes) => {
                    gone.push(old.id);
                    freed += bytes;
                    directories.insert(place.directory().to_owned());
                }
                Err(error) => failures.push(format!(
                    "{}: {}",
                    place.directory().display(),
                    error_text(&error)
                )),
            }
        }
        if let Some(first) = failures.first() {
            log::error!("cannot delete the logs of {} runs, first in {first}", failures.len());
        }
        for directory in directories {
            files::remove_if_empty(&directory);
        }
        (gone, freed)
    }

    /// Removes files that belong to no run, and sums up the others.
    /// Nobody asks any more why something ran so long ago.
    fn forget_decisions(&mut self, reader: &Reader) -> Result<(), Halt> {
        let before = self.clock.now().wall.checked_sub(DECISIONS).unwrap_or(Timestamp::UNIX_EPOCH);
        if reader.has_decisions_before(before)? {
            self.writer.settle(vec![Change::ForgetDecisions { before }])?;
        }
        Ok(())
    }

    fn sweep_files(&mut self, reader: &Reader) -> Result<u64, Halt> {
        let now = self.clock.now().wall;
        let logs = self.logs.clone();
        let (mut size, mut orphans) = (0, 0);
        files::walk(&logs, |file| {
            self.hear()?;
            match reader.table_of(file.run)? {
                // It is on its way out: no other run has to go for it.
                Some(Table::Trash) => return Ok(()),
                None if select::is_abandoned(file.modified, now) => {}
                Some(Table::Runs) | None => {
                    size += file.bytes;
                    return Ok(());
                }
            }
            match fs::remove_file(&file.path) {
                Ok(()) => orphans += 1,
                Err(error) => {
                    log::error!("cannot delete {}: {}", file.path.display(), error_text(&error))
                }
            }
            Ok::<(), Halt>(())
        })?;
        if orphans > 0 {
            log::info!("log files without a run deleted files={orphans}");
        }
        Ok(size)
    }

    /// Takes note of what was told meanwhile; a sweep that is under way does not hold up the end.
    fn hear(&mut self) -> Result<(), Halt> {
        loop {
            match self.receiver.try_recv() {
                // Unknown counts are taken from the database when they matter.
                Ok(Told::Ended(job)) => {
                    self.ended.entry(job).and_modify(|count| *count += 1);
                }
                Ok(Told::Trashed) => self.purge_later(),
                Ok(Told::Follow(rules)) => self.rules = rules,
                Err(TryRecvError::Empty) => return Ok(()),
                Ok(Told::Close) | Err(TryRecvError::Disconnected) => return Err(Halt::Stopped),
            }
        }
    }
}

#[cfg(test)]
mod tests;
