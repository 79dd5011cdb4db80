//! When the daemon was up: one row for each of its lives. The writer notes along with other
//! changes that it is still there, so a life that was cut short has an end too.

use jiff::Timestamp;
use rusqlite::{Connection, Result, Row, named_params};

use crate::store::row::Time;
use crate::store::{Error, Reader, Store, three_tries};

/// Lives that are remembered; the newest ones.
const KEPT: i64 = 1000;

/// One life of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) version: String,
    pub(crate) started_at: Timestamp,
    pub(crate) end: Ending,
}

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It has not.
    Running,
    Clean(Timestamp),
    /// It was last seen then.
    Killed(Timestamp),
}

impl Session {
    /// When it was over, as far as that is known.
    pub(crate) fn ended(&self) -> Option<Timestamp> {
        match self.end {
            Ending::Running => None,
            Ending::Clean(at) | Ending::Killed(at) => Some(at),
        }
    }
}

impl Store {
    /// This process is the daemon from now on.
    pub(crate) fn begin_session(
        &mut self,
        version: &str,
        now: Timestamp,
    ) -> std::result::Result<(), Error> {
        let boot_id = &self.circumstances.boot_id;
        three_tries(|| Ok(begin(&self.connection, boot_id, version, now)?))
            .map_err(|failure| failure.into_error("write", &self.path))?;
        self.session = Some(now);
        Ok(())
    }
}

fn begin(connection: &Connection, boot_id: &str, version: &str, now: Timestamp) -> Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute(
        "INSERT INTO daemon_sessions (boot_id, version, started_at, last_seen_at) \
         VALUES (:boot_id, :version, :now, :now)",
        named_params! { ":boot_id": boot_id, ":version": version, ":now": Time(now) },
    )?;
    transaction.execute(
        "DELETE FROM daemon_sessions WHERE id <= ?1",
        [transaction.last_insert_rowid() - KEPT],
    )?;
    transaction.commit()
}

/// The daemon is still there.
pub(super) fn see(connection: &Connection, now: Timestamp) -> Result<()> {
    connection.prepare_cached(SEE)?.execute([Time(now)]).map(drop)
}

/// The daemon ends well.
pub(super) fn stop(connection: &Connection, now: Timestamp) -> Result<()> {
    connection.execute(STOP, [Time(now)]).map(drop)
}

/// One daemon at a time uses a database: the newest row is its own.
const SEE: &str = "UPDATE daemon_sessions SET last_seen_at = ?1 \
     WHERE id = (SELECT max(id) FROM daemon_sessions)";
const STOP: &str = "UPDATE daemon_sessions SET last_seen_at = ?1, stopped_at = ?1 \
     WHERE id = (SELECT max(id) FROM daemon_sessions)";

impl Reader {
    /// The lives of the daemon, newest first; the first one is still going on.
    pub(crate) fn sessions(&self, limit: u32) -> std::result::Result<Vec<Session>, Error> {
        self.read(|db| {
            db.prepare(
                "SELECT version, started_at, last_seen_at, stopped_at, \
                 id = (SELECT max(id) FROM daemon_sessions) AS is_last \
                 FROM daemon_sessions ORDER BY id DESC LIMIT ?1",
            )?
            .query_map([limit], session)?
            .collect()
        })
    }
}

fn session(row: &Row<'_>) -> Result<Session> {
    let stopped_at: Option<Time> = row.get("stopped_at")?;
    let end = match (stopped_at, row.get("is_last")?) {
        (Some(at), _) => Ending::Clean(at.0),
        (None, true) => Ending::Running,
        (None, false) => Ending::Killed(row.get::<_, Time>("last_seen_at")?.0),
    };
    Ok(Session {
        version: row.get("version")?,
        started_at: row.get::<_, Time>("started_at")?.0,
        end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Clock;
    use crate::inbox::Inbox;
    use crate::model::change::Change;
    use crate::store::scratch::{Scratch, at, pending};
    use crate::store::writer;

    #[test]
    fn a_life_is_clean_killed_or_going_on() {
        let scratch = Scratch::new();
        let live = |version: &str, started: i64| {
            let mut store = scratch.store();
            store.begin_session(version, at(started)).unwrap();
            let inbox = Inbox::new(std::sync::mpsc::channel().0);
            writer::start(store, Clock::start(), inbox).unwrap()
        };
        let (writer, thread) = live("1", 0);
        writer.close();
        thread.join().unwrap();
        // Began long ago, so the first change says that it is there.
        let (writer, thread) = live("2", 10);
        writer.settle(vec![Change::Insert(pending("a", 0))]).unwrap();
        let reader = Reader::open(&scratch.db()).unwrap();
        let sessions = reader.sessions(10).unwrap();
        assert_eq!(
            sessions[0],
            Session { version: "2".into(), started_at: at(10), end: Ending::Running }
        );
        let Ending::Clean(stopped) = sessions[1].end else { panic!("{sessions:?}") };
        assert!(stopped > at(0) && sessions.len() == 2);
        // As if it had been killed: the next one finds it open.
        scratch.store().begin_session("3", at(20)).unwrap();
        let Ending::Killed(seen) = reader.sessions(10).unwrap()[1].end else {
            panic!("not killed")
        };
        assert!(seen > at(10), "{seen}");
        assert_eq!(reader.sessions(1).unwrap().len(), 1);
        writer.close();
        thread.join().unwrap();
    }

    #[test]
    fn a_daemon_that_starts_again_and_again_fills_no_disk() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        for number in 0..KEPT + 5 {
            store.connection.pragma_update(None, "synchronous", "OFF").unwrap();
            store.begin_session("1", at(number)).unwrap();
        }
        let sessions = Reader::open(&scratch.db()).unwrap().sessions(5000).unwrap();
        assert_eq!(sessions.len() as i64, KEPT);
        assert_eq!(sessions.last().unwrap().started_at, at(5));
    }
}
