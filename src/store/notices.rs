//! The in-app feed: what the bell shows, and marking it as read. What comes into it is written in
//! `alerts`.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Result, Row};

use crate::base::ulid::Ulid;
use crate::store::apply::Applied;
use crate::store::row::{Count, Time};
use crate::store::{Error, Reader};

/// One row of the feed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notification {
    pub(crate) id: Ulid,
    /// What makes it one with others of its kind, lower-case hex.
    pub(crate) fingerprint: String,
    pub(crate) kind: String,
    pub(crate) severity: String,
    /// Empty when it is not about a job.
    pub(crate) job: String,
    /// Empty when it is not about a run.
    pub(crate) run: String,
    pub(crate) title: String,
    pub(crate) body: String,
    /// How often it happened.
    pub(crate) count: u64,
    /// When it happened, newest first, as a JSON array.
    pub(crate) occurrences: String,
    pub(crate) created_at: Timestamp,
    pub(crate) last_occurred_at: Timestamp,
    pub(crate) read_at: Option<Timestamp>,
}

/// Reading twice keeps the first time.
pub(super) fn mark(
    connection: &Connection,
    id: Ulid,
    read_at: Option<Timestamp>,
) -> Result<Applied> {
    let rows = match read_at {
        Some(at) => connection.execute(
            "UPDATE notifications SET read_at = ifnull(read_at, ?2) WHERE id = ?1",
            (id, Time(at)),
        )?,
        None => {
            connection.execute("UPDATE notifications SET read_at = NULL WHERE id = ?1", [id])?
        }
    };
    Ok(if rows == 0 { Applied::NoRow } else { Applied::Done })
}

/// What comes while somebody asks to mark all is not what he saw; what is later than that is of a
/// clock that was set back.
const AHEAD: SignedDuration = SignedDuration::from_mins(1);

pub(super) fn mark_all(connection: &Connection, read_at: Timestamp) -> Result<Applied> {
    let ahead = read_at.checked_add(AHEAD).unwrap_or(read_at);
    let sql = "UPDATE notifications SET read_at = ?1 WHERE read_at IS NULL \
         AND (last_occurred_at <= ?1 OR last_occurred_at > ?2)";
    connection.execute(sql, [Time(read_at), Time(ahead)])?;
    Ok(Applied::Done)
}

impl Reader {
    /// The newest notifications whose id is below `before`.
    pub(crate) fn notifications(
        &self,
        before: Option<Ulid>,
        limit: u32,
    ) -> std::result::Result<Vec<Notification>, Error> {
        // Every id begins with a digit.
        let before = before.map_or("~".to_owned(), |id| id.to_string());
        self.read(|db| {
            db.prepare("SELECT * FROM notifications WHERE id < ?1 ORDER BY id DESC LIMIT ?2")?
                .query_map((before, limit), notification)?
                .collect()
        })
    }

    /// The newest row of this fingerprint.
    pub(crate) fn notification_like(
        &self,
        fingerprint: &str,
    ) -> std::result::Result<Option<Notification>, Error> {
        let sql = "SELECT * FROM notifications WHERE fingerprint = ?1 \
             ORDER BY last_occurred_at DESC, id DESC LIMIT 1";
        self.read(|db| db.prepare_cached(sql)?.query_row([fingerprint], notification).optional())
    }

    /// One row.
    pub(crate) fn notification(
        &self,
        id: Ulid,
    ) -> std::result::Result<Option<Notification>, Error> {
        let sql = "SELECT * FROM notifications WHERE id = ?1";
        self.read(|db| db.prepare_cached(sql)?.query_row([id], notification).optional())
    }

    pub(crate) fn has_notification(&self, id: Ulid) -> std::result::Result<bool, Error> {
        self.read(|db| db.prepare("SELECT 1 FROM notifications WHERE id = ?1")?.exists([id]))
    }

    /// The same for those who follow: -1 when it cannot be told, and they ask again.
    pub(crate) fn unread_now(&self) -> i64 {
        self.unread_notifications().map_or(-1, |count| i64::try_from(count).unwrap_or(i64::MAX))
    }

    pub(crate) fn unread_notifications(&self) -> std::result::Result<u64, Error> {
        let sql = "SELECT count(*) AS unread FROM notifications WHERE read_at IS NULL";
        self.read(|db| db.query_row(sql, [], |row| Ok(row.get::<_, Count>("unread")?.0)))
    }
}

fn notification(row: &Row<'_>) -> Result<Notification> {
    Ok(Notification {
        id: row.get("id")?,
        fingerprint: row.get("fingerprint")?,
        kind: row.get("kind")?,
        severity: row.get("severity")?,
        job: row.get::<_, Option<String>>("task_name")?.unwrap_or_default(),
        run: row.get::<_, Option<String>>("run_id")?.unwrap_or_default(),
        title: row.get("title")?,
        body: row.get("body")?,
        count: row.get::<_, Count>("count")?.0,
        occurrences: row.get("occurrences")?,
        created_at: row.get::<_, Time>("created_at")?.0,
        last_occurred_at: row.get::<_, Time>("last_occurred_at")?.0,
        read_at: row.get::<_, Option<Time>>("read_at")?.map(|time| time.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::{Change, Tidy};
    use crate::store::scratch::{Scratch, at, pending};

    #[test]
    fn the_feed_is_paged_and_marked() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let ids = [1, 2, 3].map(|seconds| pending("a", seconds).id);
        for id in ids {
            store
                .connection
                .execute(
                    "INSERT INTO notifications VALUES (?1, 'ab', 'run.failed', 'error', 'a', NULL, 't', 'b', 1, \
                     '[\"2026-05-07T12:00:00.000Z\"]', ?2, ?2, NULL)",
                    (id, Time(at(0))),
                )
                .unwrap();
        }
        let reader = Reader::open(&scratch.db()).unwrap();
        let listed = |before, limit| {
            let found = reader.notifications(before, limit).unwrap();
            found.into_iter().map(|one| (one.id, one.read_at)).collect::<Vec<_>>()
        };
        let unread = |index: usize| (ids[index], None);
        assert_eq!(listed(None, 2), [unread(2), unread(1)]);
        assert_eq!(listed(Some(ids[1]), 2), [unread(0)]);
        assert_eq!(reader.unread_notifications().unwrap(), 3);
        let mark = |id, read_at| Change::from(Tidy::Mark { notification: id, read_at });
        store.write(&[mark(ids[0], Some(at(5))), mark(ids[0], Some(at(6)))]).unwrap();
        assert_eq!(listed(Some(ids[1]), 2), [(ids[0], Some(at(5)))]);
        store.write(&[Tidy::MarkAll { read_at: at(7) }.into(), mark(ids[2], None)]).unwrap();
        let expected = [unread(2), (ids[1], Some(at(7))), (ids[0], Some(at(5)))];
        assert_eq!(listed(None, 9), expected);
        assert!(reader.has_notification(ids[0]).unwrap());
        assert!(!reader.has_notification(pending("a", 4).id).unwrap());
    }
}
