//! Alerts on their way: what was raised and is still to be told, messages that wait for their
//! channel, what is held back, and how the channels fare. What is written as JSON here nobody asks
//! for by its parts.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Result, Row, named_params};

use crate::base::time::rfc3339;
use crate::base::ulid::Ulid;
use crate::model::alert::Alert;
use crate::model::change::Tell;
use crate::model::job::JobName;
use crate::model::notice::{Entry, Mute, Record, Trouble, Waiting, Window};
use crate::store::apply::Applied;
use crate::store::row::{Count, Json, Time};
use crate::store::{Error, Reader, Store};

/// Written in the transaction of what it is about.
pub(super) fn raise(connection: &Connection, alert: &Alert) -> Result<Applied> {
    let sql = "INSERT INTO alerts (alert) VALUES (?1)";
    connection.prepare_cached(sql)?.execute([Json(alert)])?;
    Ok(Applied::Done)
}

pub(super) fn tell(connection: &Connection, tell: &Tell) -> Result<Applied> {
    match tell {
        Tell::Heard(number) => {
            let sql = "DELETE FROM alerts WHERE number <= ?1";
            connection.prepare_cached(sql)?.execute([number])?;
        }
        Tell::Feed(entry) => feed(connection, entry)?,
        Tell::Queue { delivery, at } => {
            let sql = "INSERT INTO deliveries (id, channel, delivery, created_at) \
                 VALUES (:id, :channel, :delivery, :at)";
            connection.prepare_cached(sql)?.execute(named_params! {
                ":id": delivery.id, ":channel": delivery.channel, ":delivery": Json(delivery),
                ":at": Time(*at),
            })?;
        }
        Tell::Hold { channel, key, window: Some(window) } => {
            hold(connection, channel, key, window)?;
        }
        Tell::Hold { channel, key, window: None } => {
            let sql = "DELETE FROM held_alerts WHERE channel = ?1 AND key = ?2";
            connection.prepare_cached(sql)?.execute([channel, key])?;
        }
        Tell::Trouble { job, trouble: Some(trouble) } => {
            let sql = "INSERT INTO task_trouble (task_name, trouble) VALUES (?1, ?2) \
                 ON CONFLICT DO UPDATE SET trouble = excluded.trouble";
            connection.prepare_cached(sql)?.execute((job, Json(trouble)))?;
        }
        Tell::Trouble { job, trouble: None } => {
            let sql = "DELETE FROM task_trouble WHERE task_name = ?1";
            connection.prepare_cached(sql)?.execute([job])?;
        }
        Tell::Tried { delivery, at, error } => {
            let sql = "UPDATE deliveries SET attempts = attempts + 1, tried_at = ?2, error = ?3 \
                 WHERE id = ?1";
            connection.prepare_cached(sql)?.execute((delivery, Time(*at), error))?;
        }
        Tell::Done { delivery, channel, at, result } => {
            done(connection, *delivery, channel, *at, result)?;
        }
        Tell::Leave { channel } => {
            connection.execute("DELETE FROM channels WHERE channel = ?1", [channel])?;
            connection.execute("DELETE FROM held_alerts WHERE channel = ?1", [channel])?;
        }
        Tell::Mute { job, since, until: Some(until) } => {
            let sql = "INSERT INTO mutes (task_name, since, until) VALUES (?1, ?2, ?3) \
                 ON CONFLICT DO UPDATE SET since = excluded.since, until = excluded.until";
            connection.execute(sql, (job, Time(*since), Time(*until)))?;
        }
        Tell::Mute { job, until: None, .. } => {
            connection.execute("DELETE FROM mutes WHERE task_name = ?1", [job])?;
        }
        Tell::TrimFeed { keep, before } => trim(connection, *keep, *before)?,
    }
    Ok(Applied::Done)
}

/// Names it in the log without its text.
pub(super) fn subject(tell: &Tell) -> String {
    match tell {
        Tell::Heard(number) => format!("heard:{number}"),
        Tell::Feed(entry) => format!("feed:{}", entry.id),
        Tell::Queue { delivery, .. } => format!("queue:{}", delivery.id),
        Tell::Hold { channel, .. } => format!("hold:{channel}"),
        Tell::Trouble { job, .. } => format!("trouble:{job}"),
        Tell::Tried { delivery, .. } => format!("tried:{delivery}"),
        Tell::Done { delivery, .. } => format!("done:{delivery}"),
        Tell::Leave { channel } => format!("leave:{channel}"),
        Tell::Mute { job, .. } => format!("mute:{job}"),
        Tell::TrimFeed { .. } => "trim_feed".to_owned(),
    }
}

/// A row that is young enough gets one more, else there is a new one (docs/notifications.md, The
/// feed).
fn feed(connection: &Connection, entry: &Entry) -> Result<()> {
    let last = entry.times.first().copied().unwrap_or_default();
    let first = entry.times.last().copied().unwrap_or_default();
    let window = SignedDuration::try_from(entry.window).unwrap_or(SignedDuration::MAX);
    // The window slides: from the occurrence before to the first of these.
    let oldest = first.checked_sub(window).unwrap_or(Timestamp::UNIX_EPOCH);
    let sql = "SELECT id, occurrences FROM notifications WHERE fingerprint = ?1 \
         AND last_occurred_at >= ?2 ORDER BY last_occurred_at DESC LIMIT 1";
    let known = (!entry.window.is_zero())
        .then(|| {
            connection
                .prepare_cached(sql)?
                .query_row((&entry.fingerprint, Time(oldest)), |row| {
                    Ok((
                        row.get::<_, Ulid>("id")?,
                        row.get::<_, Json<Vec<String>>>("occurrences").ok(),
                    ))
                })
                .optional()
        })
        .transpose()?
        .flatten();
    let mut times: Vec<String> = entry.times.iter().map(|at| rfc3339(*at)).collect();
    if let Some((id, occurrences)) = known {
        times.extend(occurrences.into_iter().flat_map(|known| known.0));
        times.truncate(entry.ring);
        let sql = "UPDATE notifications SET count = count + :count, occurrences = :times, \
             last_occurred_at = max(last_occurred_at, :last), severity = :severity, title = :title, \
             body = :body, task_name = :task, run_id = :run, read_at = :read_at WHERE id = :id";
        connection.prepare_cached(sql)?.execute(named_params! {
            ":id": id, ":count": Count(entry.count), ":times": Json(&times), ":last": Time(last),
            ":severity": entry.kind.severity().as_str(), ":title": entry.title,
            ":body": entry.body, ":task": Some(&entry.job).filter(|job| !job.is_empty()),
            ":run": entry.run, ":read_at": entry.read_at.map(Time),
        })?;
        return Ok(());
    }
    times.truncate(entry.ring);
    let sql = "INSERT INTO notifications (id, fingerprint, kind, severity, task_name, run_id, title, \
         body, count, occurrences, created_at, last_occurred_at, read_at) VALUES (:id, :fingerprint, \
         :kind, :severity, :task, :run, :title, :body, :count, :times, :first, :last, :read_at)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":id": entry.id, ":fingerprint": entry.fingerprint, ":kind": entry.kind.as_str(),
        ":severity": entry.kind.severity().as_str(),
        ":task": Some(&entry.job).filter(|job| !job.is_empty()), ":run": entry.run,
        ":title": entry.title, ":body": entry.body, ":count": Count(entry.count),
        ":times": Json(&times), ":first": Time(first), ":last": Time(last),
        ":read_at": entry.read_at.map(Time),
    })?;
    Ok(())
}

fn hold(connection: &Connection, channel: &str, key: &str, window: &Window) -> Result<()> {
    let sql = "INSERT INTO held_alerts (channel, key, task_name, opened_at, count, alert) \
         VALUES (:channel, :key, :task, :opened_at, :count, :alert) \
         ON CONFLICT DO UPDATE SET opened_at = excluded.opened_at, count = excluded.count, \
         alert = excluded.alert";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":channel": channel, ":key": key, ":task": window.job,
        ":opened_at": Time(window.opened_at), ":count": Count(window.count),
        ":alert": window.newest.as_ref().map(Json),
    })?;
    Ok(())
}

fn done(
    connection: &Connection,
    delivery: Ulid,
    channel: &str,
    at: Timestamp,
    result: &std::result::Result<String, String>,
) -> Result<()> {
    connection.prepare_cached("DELETE FROM deliveries WHERE id = ?1")?.execute([delivery])?;
    let sql = match result {
        Ok(_) => {
            "INSERT INTO channels (channel, delivered, delivered_at, answer) VALUES (?1, 1, ?2, ?3) \
             ON CONFLICT DO UPDATE SET delivered = delivered + 1, delivered_at = excluded.delivered_at, \
             answer = excluded.answer"
        }
        Err(_) => {
            "INSERT INTO channels (channel, failed, failed_at, error) VALUES (?1, 1, ?2, ?3) \
             ON CONFLICT DO UPDATE SET failed = failed + 1, failed_at = excluded.failed_at, \
             error = excluded.error"
        }
    };
    let (Ok(text) | Err(text)) = result;
    connection.prepare_cached(sql)?.execute((channel, Time(at), text))?;
    Ok(())
}

/// How many rows go in one statement at most (docs/notifications.md, The feed).
const BATCH: u64 = 200;

fn trim(connection: &Connection, keep: u64, before: Timestamp) -> Result<()> {
    let sql = "DELETE FROM notifications WHERE id IN (SELECT id FROM notifications \
         WHERE last_occurred_at < ?1 ORDER BY last_occurred_at LIMIT ?2)";
    while connection.execute(sql, (Time(before), Count(BATCH)))? > 0 {}
    let sql = "DELETE FROM notifications WHERE id IN (SELECT id FROM notifications \
         ORDER BY last_occurred_at DESC, id DESC LIMIT ?2 OFFSET ?1)";
    while connection.execute(sql, (Count(keep), Count(BATCH)))? > 0 {}
    Ok(())
}

impl Store {
    pub(crate) fn mutes(&self) -> std::result::Result<Vec<Mute>, Error> {
        self.read(mutes)
    }

    /// Jobs whose failure was told, or is still to be told, and no success since.
    pub(crate) fn in_trouble(&self) -> std::result::Result<Vec<JobName>, Error> {
        self.read(|db| {
            let mut known = db.prepare("SELECT task_name FROM task_trouble")?;
            let known = known.query_map([], |row| row.get("task_name"))?;
            let mut raised = db.prepare("SELECT alert FROM alerts")?;
            let raised = raised
                .query_map([], |row| Ok(row.get::<_, Json<Alert>>("alert").ok().map(|it| it.0)))?;
            let failed = raised.filter_map(|alert| match alert {
                Ok(alert) => {
                    let failed = alert.filter(|alert| alert.kind.is_failure())?;
                    Some(Ok(JobName::new(&failed.job)))
                }
                Err(error) => Some(Err(error)),
            });
            known.chain(failed).collect()
        })
    }
}

impl Reader {
    /// Alerts that are still to be told, oldest first, with their numbers; `None` for one that
    /// cannot be read, which keeps the others from nothing.
    pub(crate) fn alerts(
        &self,
        limit: u32,
    ) -> std::result::Result<Vec<(i64, Option<Alert>)>, Error> {
        self.read(|db| {
            db.prepare_cached("SELECT number, alert FROM alerts ORDER BY number LIMIT ?1")?
                .query_map([limit], |row| {
                    Ok((row.get("number")?, row.get("alert").ok().map(|Json(alert)| alert)))
                })?
                .collect()
        })
    }

    /// The message that a channel sends next.
    pub(crate) fn next_delivery(
        &self,
        channel: &str,
    ) -> std::result::Result<Option<Waiting>, Error> {
        let sql = "SELECT delivery, created_at, attempts, tried_at, error FROM deliveries \
             WHERE channel = ?1 ORDER BY id LIMIT 1";
        self.read(|db| db.prepare_cached(sql)?.query_row([channel], waiting).optional())
    }

    /// Channels that have messages, and how many.
    pub(crate) fn pending(&self) -> std::result::Result<Vec<(String, u64)>, Error> {
        self.read(|db| {
            db.prepare("SELECT channel, count(*) AS pending FROM deliveries GROUP BY channel")?
                .query_map([], |row| Ok((row.get("channel")?, row.get::<_, Count>("pending")?.0)))?
                .collect()
        })
    }

    /// How all channels have fared that ever did something.
    pub(crate) fn records(&self) -> std::result::Result<Vec<Record>, Error> {
        let sql = "SELECT channel, delivered, failed, delivered_at, failed_at, answer, error \
             FROM channels ORDER BY channel";
        let pending = self.pending()?;
        let mut records: Vec<Record> =
            self.read(|db| db.prepare(sql)?.query_map([], record)?.collect())?;
        for (channel, count) in pending {
            match records.iter_mut().find(|record| record.channel == channel) {
                Some(record) => record.pending = count,
                None => records.push(Record { channel, pending: count, ..Record::default() }),
            }
        }
        Ok(records)
    }

    /// What is held back: channel, key, window.
    pub(crate) fn held(&self) -> std::result::Result<Vec<(String, String, Window)>, Error> {
        let sql = "SELECT channel, key, task_name, opened_at, count, alert FROM held_alerts";
        self.read(|db| {
            db.prepare(sql)?
                .query_map([], |row| {
                    let window = Window {
                        job: row.get("task_name")?,
                        opened_at: row.get::<_, Time>("opened_at")?.0,
                        count: row.get::<_, Count>("count")?.0,
                        newest: row.get::<_, Option<Json<Alert>>>("alert")?.map(|alert| alert.0),
                    };
                    Ok((row.get("channel")?, row.get("key")?, window))
                })?
                .collect()
        })
    }

    pub(crate) fn troubles(&self) -> std::result::Result<Vec<(String, Trouble)>, Error> {
        self.read(|db| {
            db.prepare("SELECT task_name, trouble FROM task_trouble")?
                .query_map([], |row| {
                    Ok((row.get("task_name")?, row.get::<_, Json<Trouble>>("trouble")?.0))
                })?
                .collect()
        })
    }

    pub(crate) fn mutes(&self) -> std::result::Result<Vec<Mute>, Error> {
        self.read(mutes)
    }

    /// When the oldest row of the feed happened last.
    pub(crate) fn oldest_notification(&self) -> std::result::Result<Option<Timestamp>, Error> {
        let sql = "SELECT min(last_occurred_at) AS oldest FROM notifications";
        self.read(|db| {
            db.query_row(sql, [], |row| Ok(row.get::<_, Option<Time>>("oldest")?.map(|it| it.0)))
        })
    }
}

fn mutes(db: &Connection) -> Result<Vec<Mute>> {
    db.prepare("SELECT task_name, since, until FROM mutes ORDER BY task_name")?
        .query_map([], |row| {
            Ok(Mute {
                job: row.get("task_name")?,
                since: row.get::<_, Time>("since")?.0,
                until: row.get::<_, Time>("until")?.0,
            })
        })?
        .collect()
}

fn waiting(row: &Row<'_>) -> Result<Waiting> {
    let tried = row.get::<_, Option<Time>>("tried_at")?.map(|at| at.0);
    let error = row.get::<_, Option<String>>("error")?;
    Ok(Waiting {
        delivery: row.get::<_, Json<_>>("delivery")?.0,
        created_at: row.get::<_, Time>("created_at")?.0,
        attempts: row.get::<_, Count>("attempts")?.0,
        tried: tried.zip(error),
    })
}

fn record(row: &Row<'_>) -> Result<Record> {
    let at = |column| row.get::<_, Option<Time>>(column).map(|at| at.map(|at| at.0));
    let text = |column| row.get::<_, Option<String>>(column);
    Ok(Record {
        channel: row.get("channel")?,
        delivered: row.get::<_, Count>("delivered")?.0,
        failed: row.get::<_, Count>("failed")?.0,
        last_delivered: at("delivered_at")?.zip(text("answer")?),
        last_failed: at("failed_at")?.zip(text("error")?),
        pending: 0,
    })
}

#[cfg(test)]
mod tests;
