//! What people ask: recent runs, one run, the latest run of a job. Filters are enums, so no
//! text of a user ever becomes SQL.

use rusqlite::{OptionalExtension, named_params};

use crate::model::job::JobName;
use crate::model::run::{EndReason, Run, RunId};
use crate::store::row::{self, COLUMNS};
use crate::store::{Error, Reader};

/// Which runs are listed, newest first.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) job: Option<JobName>,
    pub(crate) state: Option<State>,
    pub(crate) limit: u32,
}

/// How far a run has come, in the words of `--status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Running,
    Ended(EndReason),
}

impl State {
    pub(crate) fn parse(text: &str) -> Option<State> {
        match text {
            "pending" => Some(State::Pending),
            "running" => Some(State::Running),
            reason => {
                EndReason::ALL.into_iter().find(|known| known.as_str() == reason).map(State::Ended)
            }
        }
    }

    /// Each names the partial index that serves it in its own words.
    fn condition(self) -> String {
        match self {
            State::Pending => "status <> 'ended' AND status = 'pending'".to_owned(),
            State::Running => "status <> 'ended' AND status = 'running'".to_owned(),
            State::Ended(EndReason::Success) => "end_reason = 'success'".to_owned(),
            State::Ended(reason) => format!("end_reason <> 'success' AND end_reason = '{reason}'"),
        }
    }
}

impl Reader {
    pub(crate) fn recent(&self, filter: &Filter) -> Result<Vec<Run>, Error> {
        self.read(|db| {
            let mut statement = db.prepare(&sql(filter))?;
            statement.raw_bind_parameter(":limit", filter.limit)?;
            if let Some(job) = &filter.job {
                statement.raw_bind_parameter(":job", job)?;
            }
            let mut rows = statement.raw_query();
            let mut runs = Vec::new();
            while let Some(row) = rows.next()? {
                runs.push(row::run(row)?);
            }
            Ok(runs)
        })
    }

    pub(crate) fn run(&self, id: RunId) -> Result<Option<Run>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM runs WHERE id = :id");
        self.read(|db| db.query_row(&sql, named_params! { ":id": id }, row::run).optional())
    }

    /// The newest run of a job, whatever became of it.
    pub(crate) fn latest(&self, job: &JobName) -> Result<Option<Run>, Error> {
        let newest = self.recent(&Filter { job: Some(job.clone()), state: None, limit: 1 })?;
        Ok(newest.into_iter().next())
    }
}

fn sql(filter: &Filter) -> String {
    let mut conditions = vec!["TRUE".to_owned()];
    conditions.extend(filter.job.as_ref().map(|_| "task_name = :job".to_owned()));
    conditions.extend(filter.state.map(State::condition));
    let conditions = conditions.join(" AND ");
    format!(
        "SELECT {COLUMNS} FROM runs WHERE {conditions} ORDER BY created_at DESC, id DESC LIMIT :limit"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::Change;
    use crate::model::run::Phase;
    use crate::store::scratch::{Scratch, at, ended, pending};

    #[test]
    fn lists_are_filtered_limited_and_newest_first() {
        let scratch = Scratch::new();
        let mut store = scratch.store();
        let runs = [
            ended("a", 10, EndReason::Success),
            ended("b", 20, EndReason::Failed),
            ended("a", 40, EndReason::Failed),
            ended("a", 30, EndReason::Success),
            pending("a", 50),
            Run { phase: Phase::Running { since: at(60) }, ..pending("b", 60) },
        ];
        // Stored out of order: a missed tick is created later than it is dated.
        store.write(&runs.iter().rev().cloned().map(Change::Insert).collect::<Vec<_>>()).unwrap();
        let reader = Reader::open(&scratch.db()).unwrap();
        let table: [(Option<&str>, &str, u32, &[usize]); 11] = [
            (None, "", 100, &[5, 4, 2, 3, 1, 0]),
            (None, "", 2, &[5, 4]),
            (None, "", 0, &[]),
            (Some("a"), "", 100, &[4, 2, 3, 0]),
            (Some("a"), "", 3, &[4, 2, 3]),
            (Some("%"), "", 100, &[]),
            (None, "failed", 100, &[2, 1]),
            (Some("a"), "failed", 100, &[2]),
            (Some("a"), "success", 1, &[3]),
            (None, "pending", 100, &[4]),
            (None, "running", 100, &[5]),
        ];
        for (job, state, limit, expected) in table {
            let filter = Filter { job: job.map(JobName::new), state: State::parse(state), limit };
            let found = reader.recent(&filter).unwrap();
            let expected: Vec<_> = expected.iter().map(|&index| runs[index].clone()).collect();
            assert_eq!(found, expected, "{filter:?}");
        }
        assert_eq!(reader.latest(&JobName::new("a")).unwrap(), Some(runs[4].clone()));
        assert_eq!(reader.latest(&JobName::new("c")).unwrap(), None);
        assert_eq!(reader.run(pending("a", 0).id).unwrap(), None);
    }

    #[test]
    fn no_list_reads_the_whole_history_or_sorts_it() {
        let scratch = Scratch::new();
        let store = scratch.store();
        let states =
            [State::Pending, State::Running].into_iter().chain(EndReason::ALL.map(State::Ended));
        for (job, state) in [None, Some(JobName::new("a"))].into_iter().flat_map(|job| {
            states.clone().map(Some).chain([None]).map(move |state| (job.clone(), state))
        }) {
            let filter = Filter { job, state, limit: 50 };
            let explain = format!("EXPLAIN QUERY PLAN {}", sql(&filter));
            let mut statement = store.connection.prepare(&explain).unwrap();
            let plan = statement.raw_query().mapped(|row| row.get("detail"));
            let plan: Vec<String> = plan.collect::<Result<_, _>>().unwrap();
            let plan = plan.join("; ");
            assert!(plan.contains("USING INDEX runs_"), "{filter:?}: {plan}");
            let few = matches!(state, Some(State::Pending | State::Running));
            assert!(few || !plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
        }
    }

    #[test]
    fn states_are_the_words_of_the_history() {
        assert_eq!(State::parse("running"), Some(State::Running));
        assert_eq!(State::parse("log_overflow"), Some(State::Ended(EndReason::LogOverflow)));
        for other in ["", "ended", "Success", "success "] {
            assert_eq!(State::parse(other), None, "{other:?}");
        }
    }
}
