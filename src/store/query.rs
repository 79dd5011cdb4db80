//! What can be asked of the history, and how each question is spelled in SQL. Filters are enums
//! and bound values, so no text of a user ever becomes SQL. Each order that people page through
//! is read from an index: where one index does not hold it whole, it is read in parts.

use jiff::Timestamp;
use rusqlite::ToSql;
use rusqlite::types::ToSqlOutput;

use crate::base::order;
use crate::base::time::{rfc3339, to_millis};
use crate::model::job::JobName;
use crate::model::run::{EndReason, Fate, Trigger};

/// Which runs are meant; the default is all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) job: Option<JobName>,
    /// Any of these.
    pub(crate) states: Option<Vec<State>>,
    /// A part of the name of the task or of the id, in any case.
    pub(crate) search: Option<String>,
    pub(crate) trigger: Option<Trigger>,
    /// Both included.
    pub(crate) created_after: Option<Timestamp>,
    pub(crate) created_before: Option<Timestamp>,
    /// Both included; a run that has not ended has no exit code.
    pub(crate) exit_code_min: Option<i64>,
    pub(crate) exit_code_max: Option<i64>,
    pub(crate) attempts: Attempts,
    pub(crate) fates: Fates,
}

impl Filter {
    /// Whether indexes and counters alone answer it, at any length of the history.
    pub(crate) fn is_plain(&self) -> bool {
        self.search.is_none() && Where::new(self, None).is_counted
    }

    /// Leaves out what has ended.
    pub(crate) fn keep_open(&mut self) {
        let states = self.states.take();
        let meant = |state: &State| states.as_ref().is_none_or(|states| states.contains(state));
        self.states = Some([State::Pending, State::Running].into_iter().filter(meant).collect());
    }
}

/// Whether first runs count too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Attempts {
    #[default]
    All,
    RetriesOnly,
}

/// Whether runs that do not count as failures are meant too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fates {
    #[default]
    All,
    FailuresOnly,
}

/// How far a run has come, in the words of `--status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Pending,
    Running,
    Ended(EndReason),
}

/// The order of a list; runs that are equal in it follow by id, in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) field: Field,
    pub(crate) direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    CreatedAt,
    /// Runs that never started come last, whatever the direction.
    StartAt,
    TaskName,
    /// `ended`, `pending`, `running`.
    Status,
    /// 0 until a run has ended.
    ExitCode,
    /// From the start to the end, or until now; runs that never started come last.
    Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

/// The tables that hold runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Runs,
    Trash,
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

    /// Every way to be over.
    pub(crate) fn ended() -> impl Iterator<Item = State> {
        EndReason::ALL.into_iter().map(State::Ended)
    }

    /// The words of the tables that this is.
    fn words(self, fates: Fates) -> impl Iterator<Item = &'static str> {
        let open = match self {
            State::Pending => Some(PENDING),
            State::Running => Some(RUNNING),
            State::Ended(_) => None,
        };
        let open = open.filter(|_| fates == Fates::All);
        let meant = move |fate: &Fate| {
            self == State::Ended(fate.reason) && (fates == Fates::All || fate.is_failure)
        };
        open.into_iter().chain(Fate::all().filter(meant).map(Fate::word))
    }
}

/// Each names the partial index that serves it in its own words.
fn condition(word: &str) -> String {
    match word {
        PENDING => IS_PENDING.to_owned(),
        RUNNING => IS_RUNNING.to_owned(),
        SUCCESS => "end_reason = 'success'".to_owned(),
        word => format!("end_reason <> 'success' AND end_reason = '{word}'"),
    }
}

impl Table {
    pub(super) fn name(self) -> &'static str {
        match self {
            Table::Runs => "runs",
            Table::Trash => "deleted_runs",
        }
    }
}

/// What a search comes down to, once the names of all tasks are known.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Search {
    /// A JSON array.
    names: String,
    /// In capitals, when an id may contain it.
    part_of_id: Option<String>,
}

impl Search {
    pub(super) fn new(text: &str, names: impl Iterator<Item = JobName>) -> Search {
        let lower = text.to_lowercase();
        let names: Vec<String> = names
            .map(|name| name.to_string())
            .filter(|name| name.to_lowercase().contains(&lower))
            .collect();
        // docs/api.md, Runs: ids know no I, L, O and U.
        let is_digit = |c: char| c.is_ascii_alphanumeric() && !"ILOU".contains(c);
        let upper = text.to_ascii_uppercase();
        let part_of_id = (upper.len() <= 26 && upper.chars().all(is_digit)).then_some(upper);
        let names = serde_json::to_string(&names).expect("names are text");
        Search { names, part_of_id }
    }
}

/// A filter as SQL: conditions that are joined by AND, and the values that they name.
#[derive(Debug)]
pub(super) struct Where {
    /// Words of `run_tally`, any of them.
    states: Option<Vec<&'static str>>,
    conditions: Vec<&'static str>,
    values: Vec<(&'static str, Value)>,
    is_search: bool,
    /// Whether it needs a column that the index of searches does not have, of runs of any task:
    /// in the order of time their rows lie side by side, by task they are all over the table.
    is_broad: bool,
    /// Whether `run_tally` can tell how many runs there are.
    pub(super) is_counted: bool,
}

/// A value of a filter.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Time(Timestamp),
    Number(i64),
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Value::Text(text) => text.to_sql(),
            Value::Time(time) => Ok(rfc3339(*time).into()),
            Value::Number(number) => number.to_sql(),
        }
    }
}

impl Where {
    pub(super) fn new(filter: &Filter, search: Option<Search>) -> Where {
        let mut states = filter.states.clone();
        if filter.fates == Fates::FailuresOnly {
            states.get_or_insert_with(|| State::ended().collect());
        }
        if let Some(states) = &mut states {
            order::sort(states);
            states.dedup();
        }
        let words = |states: Vec<State>| {
            states.into_iter().flat_map(|state| state.words(filter.fates)).collect()
        };
        let mut all = Where {
            states: states.map(words),
            conditions: vec!["TRUE"],
            values: Vec::new(),
            is_search: search.is_some(),
            is_broad: filter.job.is_none()
                && (filter.trigger.is_some()
                    || filter.exit_code_min.is_some()
                    || filter.exit_code_max.is_some()
                    || filter.attempts == Attempts::RetriesOnly),
            is_counted: true,
        };
        if let Some(job) = &filter.job {
            all.add("task_name = :job", ":job", Value::Text(job.to_string()));
        }
        if let Some(Search { names, part_of_id }) = search {
            let named = "task_name IN (SELECT value FROM json_each(:names))";
            all.add(named, ":names", Value::Text(names));
            if let Some(part) = part_of_id {
                all.conditions.pop();
                let either =
                    "(task_name IN (SELECT value FROM json_each(:names)) OR instr(id, :part))";
                all.add(either, ":part", Value::Text(part));
                all.is_counted = false;
            }
        }
        let counted = all.conditions.len();
        if let Some(trigger) = filter.trigger {
            let word = Value::Text(trigger.as_str().to_owned());
            all.add("triggered_by = :trigger", ":trigger", word);
        }
        if let Some(after) = filter.created_after {
            all.add("created_at >= :after", ":after", Value::Time(up_to_millis(after)));
        }
        if let Some(before) = filter.created_before {
            all.add("created_at <= :before", ":before", Value::Time(to_millis(before)));
        }
        if let Some(least) = filter.exit_code_min {
            all.add("exit_code >= :least", ":least", Value::Number(least));
        }
        if let Some(most) = filter.exit_code_max {
            all.add("exit_code <= :most", ":most", Value::Number(most));
        }
        if filter.attempts == Attempts::RetriesOnly {
            all.conditions.push("retry_attempt > 0");
        }
        all.is_counted &= all.conditions.len() == counted;
        all
    }

    fn add(&mut self, condition: &'static str, name: &'static str, value: Value) {
        self.conditions.push(condition);
        self.values.push((name, value));
    }

    /// Values for the parameters of a statement; it may use some of them.
    pub(super) fn values(&self) -> &[(&'static str, Value)] {
        &self.values
    }

    /// The whole filter as one condition.
    pub(super) fn sql(&self) -> String {
        let mut sql = self.conditions.join(" AND ");
        if let Some(states) = &self.states {
            let each: Vec<String> =
                states.iter().map(|word| format!("({})", condition(word))).collect();
            let any = if each.is_empty() { "FALSE".to_owned() } else { each.join(" OR ") };
            sql += &format!(" AND ({any})");
        }
        sql
    }

    /// How many runs there are, when it is counted; from the counters, or from the rows.
    pub(super) fn count_sql(&self) -> String {
        if !self.is_counted {
            return format!("SELECT count(*) FROM runs WHERE {}", self.sql());
        }
        let mut sql = self.conditions.join(" AND ");
        if let Some(states) = &self.states {
            let words: Vec<String> = states.iter().map(|word| format!("'{word}'")).collect();
            sql += &format!(" AND outcome IN ({})", words.join(", "));
        }
        format!("SELECT ifnull(sum(count), 0) FROM run_tally WHERE {sql}")
    }

    /// The list in parts that follow one another.
    pub(super) fn parts(&self, order: Order) -> Vec<Part> {
        let filter = self.sql();
        let part = |condition, key| Part::of(&[(condition, key)], &filter, order.direction);
        let mut parts = match order.field {
            Field::CreatedAt => return vec![self.by_creation(order.direction)],
            Field::TaskName => return vec![part("TRUE", "task_name")],
            Field::StartAt => {
                return vec![
                    part("start_at IS NOT NULL", "start_at"),
                    part("start_at IS NULL", NONE),
                ];
            }
            Field::Duration => {
                let started =
                    [("duration_ms IS NOT NULL", "duration_ms"), (IS_RUNNING, RUNNING_MS)];
                let started = Part::of(&started, &filter, order.direction);
                return vec![started, part("start_at IS NULL", NONE)];
            }
            Field::Status => {
                vec![part("status = 'ended'", NONE), part(IS_PENDING, NONE), part(IS_RUNNING, NONE)]
            }
            Field::ExitCode => vec![
                part("exit_code <> 0 AND exit_code < 0", "exit_code"),
                part("ifnull(exit_code, 0) = 0", NONE),
                part("exit_code <> 0 AND exit_code > 0", "exit_code"),
            ],
        };
        if order.direction == Direction::Descending {
            parts.reverse();
        }
        parts
    }

    /// Each state has its own index; together they are merged.
    fn by_creation(&self, direction: Direction) -> Part {
        let filter = self.conditions.join(" AND ");
        let conditions: Vec<String> = match &self.states {
            None if self.is_search => {
                let arm = [("TRUE", "created_at")];
                let source = match self.is_broad {
                    true => "runs",
                    // All that a search looks at is in this index.
                    false => "runs INDEXED BY runs_by_task",
                };
                return Part::from(&arm, &filter, direction, source);
            }
            None => vec!["TRUE".to_owned()],
            Some(states) if states.is_empty() => vec!["FALSE".to_owned()],
            Some(states) => states.iter().map(|word| condition(word)).collect(),
        };
        let arms: Vec<_> =
            conditions.iter().map(|condition| (condition.as_str(), "created_at")).collect();
        Part::of(&arms, &filter, direction)
    }
}

/// Words of `run_tally` that are handled in their own way.
const PENDING: &str = "pending";
const RUNNING: &str = "running";
const SUCCESS: &str = "success";

/// The partial index of open runs serves only who asks in its own words.
const IS_PENDING: &str = "status <> 'ended' AND status = 'pending'";
const IS_RUNNING: &str = "status <> 'ended' AND status = 'running'";

/// How long a run has been running, at `:now`.
const RUNNING_MS: &str = "(strftime('%s', :now) - strftime('%s', start_at)) * 1000 \
     + substr(:now, 21, 3) - substr(start_at, 21, 3)";

/// The key of runs that only their ids put in order.
const NONE: &str = "NULL";

/// A part of a list: in itself in order, and after the parts before it.
#[derive(Debug)]
pub(super) struct Part {
    /// Ids in their order, without a limit.
    pub(super) ids: String,
    pub(super) count: String,
}

impl Part {
    /// Merges the runs that meet one of these conditions, each with the key of the order.
    fn of(arms: &[(&str, &str)], filter: &str, direction: Direction) -> Part {
        Part::from(arms, filter, direction, "runs")
    }

    fn from(arms: &[(&str, &str)], filter: &str, direction: Direction, source: &str) -> Part {
        let has_key = arms.iter().any(|(_, key)| *key != NONE);
        let arms: Vec<String> = arms
            .iter()
            .map(|(condition, key)| {
                format!("SELECT id, {key} AS key FROM {source} WHERE {filter} AND {condition}")
            })
            .collect();
        let rows = arms.join(" UNION ALL ");
        let by = match direction {
            Direction::Ascending => "ASC",
            Direction::Descending => "DESC",
        };
        let order = if has_key { format!("key {by}, id {by}") } else { format!("id {by}") };
        Part {
            ids: format!("{rows} ORDER BY {order}"),
            count: format!("SELECT count(*) FROM ({rows})"),
        }
    }
}

/// Stored times are whole milliseconds: the first that is not before this one.
fn up_to_millis(instant: Timestamp) -> Timestamp {
    let cut = to_millis(instant);
    match cut < instant {
        true => Timestamp::from_millisecond(cut.as_millisecond() + 1).unwrap_or(cut),
        false => cut,
    }
}
