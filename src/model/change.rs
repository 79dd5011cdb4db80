//! What is to be made durable. The engine and the sweeper say it, the store's one writer
//! carries it out in order; no row type leaves the store.

use jiff::Timestamp;

use crate::base::ulid::Ulid;
use crate::model::alert::{Alert, Delivery};
use crate::model::decision::Decision;
use crate::model::job::JobName;
use crate::model::notice::{Entry, Trouble, Window};
use crate::model::run::{End, Leader, Run, RunId};

/// One change of the database. Changes that travel together are one transaction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// A new run, in whatever phase it is.
    Insert(Run),
    /// A pending run gets its slot.
    Start { run: RunId, at: Timestamp, config: u32 },
    /// The process of a running run is known, so that a later daemon can find it.
    Identify { run: RunId, leader: Leader },
    /// A run is over; see [`Change::end`].
    End {
        run: RunId,
        job: JobName,
        created_at: Timestamp,
        since: Option<Timestamp>,
        at: Timestamp,
        end: End,
    },
    /// Something to be told.
    Raise(Box<Alert>),
    /// What the machine looked like when a run went wrong.
    Snapshot { run: RunId, text: Box<str> },
    /// Where the schedule of a task stands.
    Anchor(Anchor),
    /// The schedule of a task is switched off since then, or on again.
    Pause { job: JobName, since: Option<Timestamp> },
    /// A task is no longer configured: what it missed since is nobody's business.
    Forget(JobName),
    /// Ended runs whose files are gone.
    Delete(Vec<RunId>),
    /// What was decided about a tick, or explains it.
    Decide(Box<Decision>),
    /// Decisions before then are of no interest any more.
    ForgetDecisions { before: Timestamp },
    /// This is the configuration from now on.
    Configure(Box<Configuration>),
    /// What alerts have come to.
    Tell(Tell),
    /// What people do with what is stored.
    Tidy(Tidy),
    /// A value of the table `config_entries`.
    Set { key: &'static str, value: String },
}

impl Change {
    /// The end of this run. `since` is written too: it is taken back where no process came to be.
    pub(crate) fn end(run: &Run, since: Option<Timestamp>, at: Timestamp, end: End) -> Change {
        let (job, created_at) = (run.job.clone(), run.created_at);
        Change::End { run: run.id, job, created_at, since, at, end }
    }
}

/// A change that no run is waiting for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tidy {
    /// Ended runs go to the trash; their files stay.
    Trash { runs: Vec<RunId>, at: Timestamp },
    /// Runs come back from the trash, unless they went there before `since`.
    Restore { runs: Vec<RunId>, since: Timestamp },
    /// Runs of the trash whose files are gone.
    Purge(Vec<RunId>),
    /// One notification was read, or is unread again.
    Mark { notification: Ulid, read_at: Option<Timestamp> },
    /// All notifications were read.
    MarkAll { read_at: Timestamp },
}

impl From<Tidy> for Change {
    fn from(tidy: Tidy) -> Change {
        Change::Tidy(tidy)
    }
}

/// What alerts have come to. Those of one commit take the place of the alerts that are
/// [`Tell::Heard`] in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tell {
    /// Alerts up to this number need nothing any more.
    Heard(i64),
    Feed(Box<Entry>),
    /// A message is to be sent.
    Queue {
        delivery: Box<Delivery>,
        at: Timestamp,
    },
    /// Alerts are held back for a channel; `None`: none any more.
    Hold {
        channel: String,
        key: String,
        window: Option<Box<Window>>,
    },
    /// How a job that fails has fared; `None`: it is well.
    Trouble {
        job: String,
        trouble: Option<Box<Trouble>>,
    },
    /// An attempt failed, and there will be another.
    Tried {
        delivery: Ulid,
        at: Timestamp,
        error: String,
    },
    /// A message got through, or was given up: what the other side said.
    Done {
        delivery: Ulid,
        channel: String,
        at: Timestamp,
        result: Result<String, String>,
    },
    /// Channels that are no longer configured.
    Leave {
        channel: String,
    },
    /// Nobody wants to hear of this job until then; `None`: they do again.
    Mute {
        job: JobName,
        since: Timestamp,
        until: Option<Timestamp>,
    },
    /// The feed keeps so many rows, and none that is older.
    TrimFeed {
        keep: u64,
        before: Timestamp,
    },
}

impl From<Tell> for Change {
    fn from(tell: Tell) -> Change {
        Change::Tell(tell)
    }
}

/// The last tick of a task that was handled, and the schedule that it belonged to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Anchor {
    pub(crate) job: JobName,
    /// Ticks up to here, this one included, are settled.
    pub(crate) at: Timestamp,
    /// Expression and zone; another text is another schedule, which missed nothing.
    pub(crate) schedule: String,
}

/// A configuration that was applied, as it is kept: the files as they are written, without what is
/// secret in them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Configuration {
    /// Counts up; what runs of it carry.
    pub(crate) number: u32,
    pub(crate) at: Timestamp,
    /// Each file with its path, the root first.
    pub(crate) files: Vec<(String, String)>,
}

/// Numbers the batches of changes; everything up to a number becomes durable together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CommitId(pub(crate) u64);
