//! What the boot asks: which runs the last daemon left open, how each task fared, where its
//! schedule stands, and the values of `config_entries`.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::change::Anchor;
use crate::model::job::JobName;
use crate::model::run::{End, Leader, Phase, Run};
use crate::store::row::{self, COLUMNS, Count, Time};
use crate::store::{Error, Reader, Store};

/// So many rows of a task are looked through for a retry that is older than what it repeats: those
/// of an hour, with one each second, and more.
const REPEAT_WITHIN: u32 = 10_000;

/// A run that never ended, and the process it had.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unfinished {
    pub(crate) run: Run,
    pub(crate) process: Option<Identity>,
}

/// A process of some boot of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) leader: Leader,
    /// The kernel's boot id at that time; pids of another boot mean nothing.
    pub(crate) boot_id: String,
}

impl Store {
    /// Pending and running runs, in the order of their creation.
    pub(crate) fn unfinished(&self) -> Result<Vec<Unfinished>, Error> {
        self.read(|db| {
            let sql = format!(
                "SELECT {COLUMNS}, leader_pid, leader_start, boot_id FROM runs INDEXED BY runs_unfinished \
                 WHERE status <> 'ended' ORDER BY created_at, id"
            );
            db.prepare(&sql)?
                .query_map([], |row| Ok(Unfinished { run: row::run(row)?, process: identity(row)? }))?
                .collect()
        })
    }

    /// The newest run of a job that was executed, or still is: refusals and missed ticks are
    /// passed over, but for a refused retry, which ends its chain.
    pub(crate) fn newest_executed(&self, job: &JobName) -> Result<Option<Run>, Error> {
        self.read(|db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM runs INDEXED BY runs_by_task WHERE task_name = ?1 \
                 AND (end_reason IS NULL OR retry_of_run_id IS NOT NULL \
                 OR end_reason NOT IN ('skipped', 'queue_full', 'dst_skipped', 'missed', 'missed:ok', \
                 'skipped:failure', 'queue_full:failure', 'dst_skipped:failure')) \
                 ORDER BY created_at DESC, id DESC LIMIT 1"
            );
            let mut newest = db.prepare_cached(&sql)?.query_row([job], row::run).optional()?;
            while let Some(next) =
                newest.as_ref().map(|run| repeat_of(db, run)).transpose()?.flatten()
            {
                newest = Some(next);
            }
            Ok(newest)
        })
    }

    /// The newest run of a job that was a success.
    pub(crate) fn newest_success(&self, job: &JobName) -> Result<Option<Run>, Error> {
        self.read(|db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM runs INDEXED BY runs_by_task \
                 WHERE task_name = ?1 AND end_reason = 'success' \
                 ORDER BY created_at DESC, id DESC LIMIT 1"
            );
            db.prepare_cached(&sql)?.query_row([job], row::run).optional()
        })
    }

    /// Where the schedules of all known tasks stand.
    pub(crate) fn anchors(&self) -> Result<Vec<Anchor>, Error> {
        self.read(|db| {
            db.prepare(
                "SELECT task_name, last_tick_at, schedule FROM task_state ORDER BY task_name",
            )?
            .query_map([], |row| {
                Ok(Anchor {
                    job: row.get("task_name")?,
                    at: row.get::<_, Time>("last_tick_at")?.0,
                    schedule: row.get("schedule")?,
                })
            })?
            .collect()
        })
    }

    /// Tasks whose schedule is switched off.
    pub(crate) fn paused(&self) -> Result<Vec<JobName>, Error> {
        self.read(|db| {
            db.prepare("SELECT task_name FROM task_state WHERE paused_at IS NOT NULL")?
                .query_map([], |row| row.get("task_name"))?
                .collect()
        })
    }

    /// A value of `config_entries`.
    pub(crate) fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        self.read(|db| setting(db, key))
    }
}

impl Reader {
    /// A value of `config_entries`.
    pub(crate) fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        self.read(|db| setting(db, key))
    }
}

fn setting(db: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT value FROM config_entries WHERE key = ?1";
    db.query_row(sql, [key], |row| row.get("value")).optional()
}

/// The run that repeats a failed one. Unless the clock was set back it is the newer of the two, and
/// there is none behind the newest.
fn repeat_of(db: &Connection, failed: &Run) -> rusqlite::Result<Option<Run>> {
    let is_repeated = |end: &End| end.is_failure && end.reason.is_retryable();
    if !matches!(&failed.phase, Phase::Ended { end, .. } if is_repeated(end)) {
        return Ok(None);
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM runs WHERE id = (SELECT id FROM (SELECT id, retry_of_run_id \
         FROM runs INDEXED BY runs_by_task WHERE task_name = ?1 \
         ORDER BY created_at DESC LIMIT {REPEAT_WITHIN}) WHERE retry_of_run_id = ?2 LIMIT 1)"
    );
    db.prepare_cached(&sql)?.query_row(params![failed.job, failed.id], row::run).optional()
}

fn identity(row: &Row<'_>) -> rusqlite::Result<Option<Identity>> {
    let Some(pid) = row.get("leader_pid")? else { return Ok(None) };
    Ok(Some(Identity {
        leader: Leader { pid, start: row.get::<_, Count>("leader_start")?.0 },
        boot_id: row.get("boot_id")?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::Change;
    use crate::model::run::{EndReason, Fate, NO_EXIT_STATUS, Phase, Trigger};
    use crate::store::Reader;
    use crate::store::scratch::{Scratch, at, ended, judged, pending};

    #[test]
    fn every_run_comes_back_as_it_was_stored() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let mut runs: Vec<Run> =
            EndReason::ALL.into_iter().map(|reason| ended("a:b", 5, reason)).collect();
        runs.extend(
            Trigger::ALL.into_iter().map(|trigger| Run { trigger, ..pending("ünï %'\"", 6) }),
        );
        runs.push(Run { phase: Phase::Running { since: at(7) }, ..pending("run", 7) });
        runs.extend(Fate::all().map(|fate| judged("f", 6, fate)));
        let end = End::unjudged(EndReason::Skipped, NO_EXIT_STATUS, None);
        runs.push(Run {
            kind: crate::model::job::Kind::Service,
            phase: Phase::Ended { since: None, at: at(9), end },
            retry_attempt: 100,
            retry_of: Some(runs[0].id),
            replica: 63,
            ..pending("web", 8)
        });
        store.write(&runs.iter().cloned().map(Change::Insert).collect::<Vec<_>>()).unwrap();
        let reader = Reader::open(&scratch.db()).unwrap();
        for run in runs {
            assert_eq!(reader.run(run.id).unwrap().as_ref(), Some(&run));
        }
    }

    #[test]
    fn a_run_moves_forward_and_keeps_its_process_only_while_it_runs() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let run = pending("backup", 0);
        let leader = Leader { pid: 4711, start: 1 << 40 };
        store
            .write(&[
                Change::Insert(run.clone()),
                // Too early: a run that waits has no process.
                Change::Identify { run: run.id, leader: Leader { pid: 1, start: 1 } },
                Change::Start { run: run.id, at: at(1), config: 0 },
            ])
            .unwrap();
        let running = Run { phase: Phase::Running { since: at(1) }, ..run.clone() };
        assert_eq!(
            store.unfinished().unwrap(),
            [Unfinished { run: running.clone(), process: None }]
        );
        store.write(&[Change::Identify { run: run.id, leader }]).unwrap();
        let process = Some(Identity { leader, boot_id: "boot-1".to_owned() });
        assert_eq!(store.unfinished().unwrap(), [Unfinished { run: running, process }]);

        let Phase::Ended { end, .. } = ended("backup", 0, EndReason::Failed).phase else {
            unreachable!()
        };
        store.write(&[Change::end(&run, None, at(2), end.clone())]).unwrap();
        assert_eq!(store.unfinished().unwrap(), []);
        let late = End { reason: EndReason::Success, ..end.clone() };
        store
            .write(&[
                Change::Start { run: run.id, at: at(3), config: 0 },
                Change::end(&run, Some(at(3)), at(4), late),
            ])
            .unwrap();
        let over = Run { phase: Phase::Ended { since: None, at: at(2), end }, ..run.clone() };
        assert_eq!(store.newest_executed(&run.job).unwrap(), Some(over), "the first end stands");
        let processes: i64 = store
            .connection
            .query_row("SELECT count(*) FROM runs WHERE coalesce(leader_pid, leader_start, boot_id) IS NOT NULL", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(processes, 0);
    }

    #[test]
    fn unfinished_runs_come_in_the_order_of_creation() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let runs: Vec<Run> =
            [("b", 30), ("a", 10), ("a", 20)].map(|(job, seconds)| pending(job, seconds)).to_vec();
        store.write(&runs.iter().cloned().map(Change::Insert).collect::<Vec<_>>()).unwrap();
        store.write(&[Change::Insert(ended("a", 15, EndReason::Success))]).unwrap();
        let found: Vec<_> =
            store.unfinished().unwrap().into_iter().map(|found| found.run.id).collect();
        assert_eq!(found, [runs[1].id, runs[2].id, runs[0].id]);
    }

    #[test]
    fn refusals_do_not_hide_how_the_last_real_run_ended() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let failed = ended("a", 10, EndReason::Failed);
        let runs = [
            ended("a", 5, EndReason::Success),
            failed.clone(),
            ended("a", 20, EndReason::Skipped),
            ended("a", 21, EndReason::QueueFull),
            ended("a", 22, EndReason::DstSkipped),
            ended("a", 23, EndReason::Missed),
            ended("b", 30, EndReason::Timeout),
        ];
        store.write(&runs.map(Change::Insert)).unwrap();
        assert_eq!(store.newest_executed(&JobName::new("a")).unwrap(), Some(failed.clone()));
        assert_eq!(store.newest_executed(&JobName::new("none")).unwrap(), None);
        let refused = Run { retry_of: Some(failed.id), ..ended("a", 35, EndReason::Skipped) };
        store.write(&[Change::Insert(refused.clone())]).unwrap();
        assert_eq!(
            store.newest_executed(&refused.job).unwrap(),
            Some(refused),
            "it ended its chain"
        );
        let running = Run { phase: Phase::Running { since: at(40) }, ..pending("a", 40) };
        store.write(&[Change::Insert(running.clone())]).unwrap();
        assert_eq!(store.newest_executed(&running.job).unwrap(), Some(running));
    }

    #[test]
    fn a_retry_from_before_its_failure_still_follows_it() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let failed = ended("a", 10, EndReason::Failed);
        let before_it = |seconds, of: &Run| Run {
            retry_of: Some(of.id),
            retry_attempt: of.retry_attempt + 1,
            ..ended("a", seconds, EndReason::Failed)
        };
        let second = before_it(-3600, &failed);
        let third = before_it(-3590, &second);
        let runs = [failed, second, third.clone()];
        store.write(&runs.map(Change::Insert)).unwrap();
        assert_eq!(
            store.newest_executed(&third.job).unwrap(),
            Some(third),
            "the clock was set back"
        );
    }

    #[test]
    fn anchors_and_settings_outlive_the_connection() {
        let scratch = Scratch::new();
        let anchor = |job: &str, seconds, schedule: &str| Anchor {
            job: JobName::new(job),
            at: at(seconds),
            schedule: schedule.to_owned(),
        };
        let mut store = scratch.store();
        store
            .write(&[
                Change::Anchor(anchor("a", 1, "0 3 * * *")),
                Change::Anchor(anchor("b", 2, "@every 5m")),
                Change::Anchor(anchor("c", 3, "@daily")),
                Change::Anchor(anchor("b", 9, "@every 6m")),
                Change::Forget(JobName::new("c")),
                Change::Insert(ended("a", 1, EndReason::Success)),
                Change::Set { key: "fingerprint", value: "one".to_owned() },
                Change::Set { key: "fingerprint", value: "two".to_owned() },
            ])
            .unwrap();
        let run = store.newest_executed(&JobName::new("a")).unwrap().unwrap();
        store.write(&[Change::Delete(vec![run.id])]).unwrap();
        drop(store);
        let store = scratch.store();
        let expected = [anchor("a", 1, "0 3 * * *"), anchor("b", 9, "@every 6m")];
        assert_eq!(store.anchors().unwrap(), expected, "retention leaves no gap");
        assert_eq!(store.setting("fingerprint").unwrap().as_deref(), Some("two"));
        assert_eq!(store.setting("jwt_secret").unwrap(), None);
        let first_seen: String = store
            .connection
            .query_row("SELECT first_seen_at FROM task_state WHERE task_name = 'b'", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(first_seen.len(), "2026-05-07T14:30:22.118Z".len(), "{first_seen}");
    }

    #[test]
    fn a_pause_stays_with_its_task_until_it_is_lifted_or_the_task_is_gone() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let anchor = |job: &JobName, seconds| {
            Change::Anchor(Anchor { job: job.clone(), at: at(seconds), schedule: "x".to_owned() })
        };
        let [a, b] = ["a", "b"].map(JobName::new);
        let pause = |job: &JobName, since| Change::Pause { job: job.clone(), since };
        store.write(&[anchor(&a, 0), anchor(&b, 0), pause(&a, Some(at(1)))]).unwrap();
        store.write(&[anchor(&a, 2), anchor(&b, 2)]).unwrap();
        assert_eq!(store.paused().unwrap(), std::slice::from_ref(&a));
        store.write(&[anchor(&a, 3), pause(&a, None), pause(&b, Some(at(3)))]).unwrap();
        assert_eq!(store.paused().unwrap(), std::slice::from_ref(&b));
        store.write(&[Change::Forget(b.clone()), anchor(&b, 4)]).unwrap();
        assert_eq!(store.paused().unwrap(), []);
    }
}
