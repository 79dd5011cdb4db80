//! What people ask: a page of runs, one run, the runs that an action is meant for. A page and
//! its total are read in one transaction, so they agree.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Statement, named_params};

use crate::model::job::JobName;
use crate::model::run::{Run, RunId};
use crate::store::query::{Direction, Field, Filter, Order, Part, Search, Table, Value, Where};
use crate::store::row::{self, COLUMNS, Count, Time};
use crate::store::{Error, Reader};

/// Newest first.
const NEWEST: Order = Order { field: Field::CreatedAt, direction: Direction::Descending };

/// Which part of which list.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) filter: Filter,
    pub(crate) order: Order,
    pub(crate) limit: u32,
    pub(crate) offset: u64,
    /// Until when runs that have not ended have been running.
    pub(crate) now: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Page {
    pub(crate) runs: Vec<Run>,
    /// All that match, on this page or not.
    pub(crate) total: u64,
}

/// A run that an action is meant for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picked {
    pub(crate) id: RunId,
    pub(crate) job: JobName,
    pub(crate) is_ended: bool,
}

impl Reader {
    pub(crate) fn page(&self, query: &Query) -> Result<Page, Error> {
        self.read(|db| {
            let _snapshot = db.unchecked_transaction()?;
            let filter = resolve(db, &query.filter)?;
            let runs = runs(db, &filter, query)?;
            let total = number(db, &filter.count_sql(), &filter, query.now)?;
            Ok(Page { runs, total })
        })
    }

    /// The newest runs that match.
    pub(crate) fn recent(&self, filter: &Filter, limit: u32) -> Result<Vec<Run>, Error> {
        let filter = filter.clone();
        let now = Timestamp::UNIX_EPOCH;
        let query = Query { filter, order: NEWEST, limit, offset: 0, now };
        self.read(|db| runs(db, &resolve(db, &query.filter)?, &query))
    }

    pub(crate) fn run(&self, id: RunId) -> Result<Option<Run>, Error> {
        self.read(|db| run(db, id))
    }

    /// The newest run of a job, whatever became of it.
    pub(crate) fn latest(&self, job: &JobName) -> Result<Option<Run>, Error> {
        let filter = Filter { job: Some(job.clone()), ..Filter::default() };
        Ok(self.recent(&filter, 1)?.into_iter().next())
    }

    /// Runs of a job that were made in this time, oldest first.
    pub(crate) fn runs_between(
        &self,
        job: &JobName,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<Run>, Error> {
        self.read(|db| {
            let sql = format!(
                "SELECT {COLUMNS} FROM runs INDEXED BY runs_by_task WHERE task_name = :job \
                 AND created_at BETWEEN :from AND :to ORDER BY created_at, id LIMIT :limit"
            );
            db.prepare_cached(&sql)?
                .query_map(
                    named_params! { ":job": job, ":from": Time(from), ":to": Time(to), ":limit": limit },
                    row::run,
                )?
                .collect()
        })
    }

    pub(crate) fn has_runs(&self, job: &JobName) -> Result<bool, Error> {
        let sql = "SELECT 1 FROM run_tally WHERE task_name = ?1 AND count > 0";
        self.read(|db| db.prepare_cached(sql)?.exists([job]))
    }

    /// The run with the highest id.
    pub(crate) fn last_id(&self, table: Table) -> Result<Option<RunId>, Error> {
        let sql = format!("SELECT max(id) AS id FROM {}", table.name());
        self.read(|db| db.query_row(&sql, [], |row| row.get("id")))
    }

    /// Runs that match, in the order of their ids: after one, up to and including another.
    pub(crate) fn pick(
        &self,
        table: Table,
        filter: &Filter,
        after: Option<RunId>,
        until: RunId,
        limit: u32,
    ) -> Result<Vec<Picked>, Error> {
        self.read(|db| {
            let filter = resolve(db, filter)?;
            let mut statement = db.prepare(&format!(
                "SELECT id, task_name, status FROM {} WHERE {} AND id > :from AND id <= :until \
                 ORDER BY id LIMIT :limit",
                table.name(),
                filter.sql()
            ))?;
            bind(&mut statement, &filter, None)?;
            let from = after.map_or(String::new(), |id| id.to_string());
            statement.raw_bind_parameter(":from", from)?;
            statement.raw_bind_parameter(":until", until)?;
            statement.raw_bind_parameter(":limit", limit)?;
            statement.raw_query().mapped(picked).collect()
        })
    }

    /// Those of these runs that are there.
    pub(crate) fn pick_each(&self, table: Table, ids: &[RunId]) -> Result<Vec<Picked>, Error> {
        let sql = format!("SELECT id, task_name, status FROM {} WHERE id = ?1", table.name());
        self.read(|db| {
            let mut statement = db.prepare(&sql)?;
            let found = ids.iter().map(|id| statement.query_row([id], picked).optional());
            found.filter_map(Result::transpose).collect()
        })
    }
}

fn picked(row: &rusqlite::Row<'_>) -> rusqlite::Result<Picked> {
    Ok(Picked {
        id: row.get("id")?,
        job: row.get("task_name")?,
        is_ended: row.get::<_, String>("status")? == "ended",
    })
}

/// Turns a filter into SQL; a search needs the names of all tasks for that.
fn resolve(db: &Connection, filter: &Filter) -> rusqlite::Result<Where> {
    let Some(text) = &filter.search else { return Ok(Where::new(filter, None)) };
    let names: Vec<JobName> = db
        .prepare_cached("SELECT DISTINCT task_name FROM run_tally")?
        .query_map([], |row| row.get("task_name"))?
        .collect::<Result<_, _>>()?;
    Ok(Where::new(filter, Some(Search::new(text, names.into_iter()))))
}

fn runs(db: &Connection, filter: &Where, query: &Query) -> rusqlite::Result<Vec<Run>> {
    let mut runs = db.prepare_cached(&by_id())?;
    let found = ids(db, filter, query)?;
    found.into_iter().filter_map(|id| one(&mut runs, id).transpose()).collect()
}

/// The ids of a page. Its parts are read one after the other, only as far as needed.
fn ids(db: &Connection, filter: &Where, query: &Query) -> rusqlite::Result<Vec<RunId>> {
    let (mut found, mut left, mut offset) = (Vec::new(), query.limit, query.offset);
    for Part { ids, count } in filter.parts(query.order) {
        let mut statement = db.prepare_cached(&format!("{ids} LIMIT :limit OFFSET :offset"))?;
        bind(&mut statement, filter, Some(query.now))?;
        statement.raw_bind_parameter(":limit", left)?;
        statement.raw_bind_parameter(":offset", Count(offset))?;
        let before = left;
        for id in statement.raw_query().mapped(|row| row.get("id")) {
            found.push(id?);
            left -= 1;
        }
        if left == 0 {
            break;
        }
        offset = match left < before || offset == 0 {
            true => 0,
            // The page begins behind this part.
            false => offset.saturating_sub(number(db, &count, filter, query.now)?),
        };
    }
    Ok(found)
}

fn number(db: &Connection, sql: &str, filter: &Where, now: Timestamp) -> rusqlite::Result<u64> {
    let mut statement = db.prepare_cached(sql)?;
    bind(&mut statement, filter, Some(now))?;
    let number = statement.raw_query().mapped(|row| row.get(0)).next();
    number.unwrap_or(Ok(Count(0))).map(|Count(number)| number)
}

/// Gives a statement the values that it names.
fn bind(
    statement: &mut Statement<'_>,
    filter: &Where,
    now: Option<Timestamp>,
) -> rusqlite::Result<()> {
    let now = now.map(|now| (":now", Value::Time(now)));
    for (name, value) in filter.values().iter().chain(&now) {
        if let Some(index) = statement.parameter_index(name)? {
            statement.raw_bind_parameter(index, value)?;
        }
    }
    Ok(())
}

pub(super) fn run(db: &Connection, id: RunId) -> rusqlite::Result<Option<Run>> {
    one(&mut *db.prepare_cached(&by_id())?, id)
}

fn by_id() -> String {
    format!("SELECT {COLUMNS} FROM runs WHERE id = :id")
}

fn one(statement: &mut Statement<'_>, id: RunId) -> rusqlite::Result<Option<Run>> {
    statement.query_row(named_params! { ":id": id }, row::run).optional()
}

#[cfg(test)]
mod tests;
