//! Actions on many runs at once: those that are named, or all that match a filter. Long ones
//! work in batches, on what was there when they began (docs/api.md, Bulk actions).

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::base::order;
use crate::engine::{Answer, Input, Refusal};
use crate::hub::News;
use crate::model::change::Tidy;
use crate::model::job::Verb;
use crate::model::run::{RunId, Trigger};
use crate::store::list::Picked;
use crate::store::query::{Filter, Table};
use crate::store::trash;
use crate::web::api::runs::{self, settle};
use crate::web::context::Context;
use crate::web::http::{Detail, Problem, Reply, Whole};
use crate::web::params::{Kind, Param, Values};
use crate::web::router::Call;

/// The most ids of one request, and the most runs that one request starts.
const MOST: usize = 1000;

/// Runs that change in one transaction.
const BATCH: u32 = 500;

/// `RunSelector` of the schema.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Selector {
    #[serde(default, deserialize_with = "given")]
    ids: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    match_all: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    filter: Option<Map<String, Value>>,
    #[serde(default, deserialize_with = "given")]
    except_ids: Option<Vec<String>>,
}

/// A field that is there has a value: null is none.
fn given<'a, D: Deserializer<'a>, T: Deserialize<'a>>(field: D) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}

/// Which runs are meant.
pub(crate) enum Selection {
    Each(Vec<RunId>),
    All { filter: Box<Filter>, except: HashSet<RunId> },
}

/// `BulkAffected` of the schema.
#[derive(Serialize)]
struct Affected {
    affected: u64,
    /// Runs that have not ended and therefore stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<u64>,
}

pub(crate) fn delete(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    later(context, call, |context, selection| {
        let (mut affected, mut skipped) = (0, 0);
        selection.each(context, Table::Runs, |batch| {
            let (ended, open): (Vec<Picked>, Vec<Picked>) =
                batch.into_iter().partition(|run| run.is_ended);
            let runs = ids(&ended);
            settle(context, Tidy::Trash { runs, at: context.clock.now().wall })?;
            context.sweeper.tell_trashed();
            affected += ended.len() as u64;
            skipped += open.len() as u64;
            for Picked { id, job, .. } in ended {
                context.hub.publish(News::Deleted { run: id, job });
            }
            Ok(())
        })?;
        Ok(Whole::json(200, &Affected { affected, skipped: Some(skipped) }))
    })
}

pub(crate) fn restore(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    later(context, call, |context, selection| {
        let mut affected = 0;
        selection.each(context, Table::Trash, |batch| {
            let runs = ids(&batch);
            let since = context.clock.now().wall - trash::UNDO;
            settle(context, Tidy::Restore { runs: runs.clone(), since })?;
            for run in runs {
                // Those that came too late are not there.
                if let Some(run) = context.readers.read(|reader| reader.run(run))? {
                    affected += 1;
                    context.hub.publish(News::Created(run));
                }
            }
            Ok(())
        })?;
        Ok(Whole::json(200, &Affected { affected, skipped: None }))
    })
}

pub(crate) fn cancel(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    later(context, call, |context, selection| {
        let mut affected = 0;
        selection.open().each(context, Table::Runs, |batch| {
            for run in batch.into_iter().filter(|run| !run.is_ended) {
                let answer = context.engine.ask(|reply| Input::StopRun { run: run.id, reply });
                match answer? {
                    Answer::Done
                    | Answer::Created(_)
                    | Answer::Operated(_)
                    | Answer::Reloaded(_) => affected += 1,
                    // It has just ended by itself.
                    Answer::Refused(_) => {}
                }
            }
            Ok(())
        })?;
        Ok(Whole::json(200, &Affected { affected, skipped: None }))
    })
}

/// Starts the task of each run once; tasks that are gone or cannot be started are passed over.
pub(crate) fn rerun(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    #[derive(Serialize)]
    struct Started {
        task_name: String,
        run_id: String,
    }
    #[derive(Serialize)]
    struct Triggered {
        triggered: Vec<Started>,
    }
    later(context, call, |context, selection| {
        let mut chosen = Vec::new();
        selection.each(context, Table::Runs, |batch| {
            chosen.extend(batch);
            match chosen.len() > MOST {
                true => Err(wrong("body", format!("selects more than {MOST} runs"), None)),
                false => Ok(()),
            }
        })?;
        let mut triggered = Vec::new();
        for Picked { job, id, .. } in chosen {
            // With what it was given then.
            let params = context.readers.read(|reader| reader.run(id))?.map(|run| run.params);
            let params = params.filter(|params| !params.is_empty());
            let ask = |reply| match params {
                Some(params) => Input::RunWith { job, params, by: Trigger::Api, reply },
                None => Input::Operate { job, verb: Verb::Run, by: Trigger::Api, reply },
            };
            match context.engine.ask(ask)? {
                Answer::Created(run) => triggered
                    .push(Started { task_name: run.job.to_string(), run_id: run.id.to_string() }),
                Answer::Refused(refusal @ Refusal::ShuttingDown) => return Err(refusal.into()),
                Answer::Done | Answer::Operated(_) | Answer::Reloaded(_) | Answer::Refused(_) => {}
            }
        }
        Ok(Whole::json(200, &Triggered { triggered }))
    })
}

fn ids(runs: &[Picked]) -> Vec<RunId> {
    runs.iter().map(|run| run.id).collect()
}

/// Reads the selection now and has a thread of its own do the work.
fn later(
    context: &Arc<Context>,
    call: &Call<'_>,
    work: fn(&Context, Selection) -> Result<Whole, Problem>,
) -> Result<Reply, Problem> {
    let selection = Selection::read(call.body()?)?;
    let context = Arc::clone(context);
    Ok(Reply::later(move || work(&context, selection)))
}

impl Selection {
    pub(crate) fn read(selector: Selector) -> Result<Selection, Problem> {
        match selector {
            Selector { ids: Some(ids), match_all: None, filter: None, except_ids: None } => {
                match ids.is_empty() {
                    true => Err(wrong("body.ids", "expected at least one id".to_owned(), None)),
                    false => Ok(Selection::Each(read_ids("ids", ids)?)),
                }
            }
            Selector { ids: None, match_all: Some(true), filter, except_ids } => {
                let filter = Box::new(read_filter(filter.unwrap_or_default())?);
                let except = read_ids("except_ids", except_ids.unwrap_or_default())?;
                Ok(Selection::All { filter, except: except.into_iter().collect() })
            }
            Selector { .. } => {
                let forms = r#"expected {"ids": [...]} or {"match_all": true, "filter": {...}, "except_ids": [...]}"#;
                Err(wrong("body", forms.to_owned(), None))
            }
        }
    }

    /// Those of them that have not ended.
    fn open(self) -> Selection {
        match self {
            Selection::Each(_) => self,
            Selection::All { mut filter, except } => {
                filter.keep_open();
                Selection::All { filter, except }
            }
        }
    }

    /// Shows `act` the runs in batches. Runs that come to be meanwhile are not meant.
    fn each(
        self,
        context: &Context,
        table: Table,
        mut act: impl FnMut(Vec<Picked>) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let (filter, except) = match self {
            Selection::Each(ids) => {
                let runs = context.readers.read(|reader| reader.pick_each(table, &ids))?;
                return act(runs);
            }
            Selection::All { filter, except } => (filter, except),
        };
        let Some(until) = context.readers.read(|reader| reader.last_id(table))? else {
            return Ok(());
        };
        let mut after = None;
        loop {
            let pick =
                |reader: &crate::store::Reader| reader.pick(table, &filter, after, until, BATCH);
            let mut batch = context.readers.read(pick)?;
            let Some(last) = batch.last() else { return Ok(()) };
            after = Some(last.id);
            batch.retain(|run| !except.contains(&run.id));
            act(batch)?;
        }
    }
}

/// Each id counts once.
fn read_ids(field: &str, texts: Vec<String>) -> Result<Vec<RunId>, Problem> {
    if texts.len() > MOST {
        return Err(wrong(&format!("body.{field}"), format!("expected at most {MOST} ids"), None));
    }
    let mut ids = Vec::with_capacity(texts.len());
    for (number, text) in texts.into_iter().enumerate() {
        let Ok(id) = text.parse() else {
            let message = "expected a ULID of 26 characters".to_owned();
            return Err(wrong(&format!("body.{field}[{number}]"), message, Some(text.into())));
        };
        ids.push(id);
    }
    order::sort(&mut ids);
    ids.dedup();
    Ok(ids)
}

/// The same names and values as in the query of a list; numbers and booleans are JSON's.
fn read_filter(fields: Map<String, Value>) -> Result<Filter, Problem> {
    let mut values = Vec::new();
    for (name, value) in fields {
        let place = format!("body.filter.{name}");
        let Some(param) = runs::FILTER.iter().find(|param| param.name == name) else {
            let names: Vec<&str> = runs::FILTER.iter().map(|param| param.name).collect();
            return Err(wrong(&place, format!("expected one of {}", names.join(", ")), None));
        };
        match text(param, &value) {
            Some(text) => values.push((*param, Some(Cow::Owned(text)))),
            None => {
                return Err(wrong(
                    &place,
                    "expected another type, and not an empty text".to_owned(),
                    Some(value),
                ));
            }
        }
    }
    let values = Values::check(values.into_iter(), runs::FILTER).map_err(|mut errors| {
        for location in errors.iter_mut().filter_map(|error| error.location.as_mut()) {
            *location = location.replacen("query.", "body.filter.", 1);
        }
        Problem::invalid(errors)
    })?;
    Ok(runs::filter(&values))
}

fn text(param: &Param, value: &Value) -> Option<String> {
    match param.kind {
        // In JSON 5 and 5.0 are one number; what is beyond its range is refused later.
        Kind::Integer { .. } => match value.as_i64() {
            Some(number) => Some(number.to_string()),
            None => {
                value.as_f64().filter(|it| it.fract() == 0.0).map(|number| format!("{number:.0}"))
            }
        },
        Kind::Flag => value.as_bool().map(|flag| flag.to_string()),
        Kind::Text { .. } | Kind::Cut { .. } => value.as_str().map(str::to_owned),
        Kind::Word(_) | Kind::Words(_) | Kind::Needed { .. } | Kind::Instant | Kind::Run => {
            value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
        }
    }
}

fn wrong(location: &str, message: String, value: Option<Value>) -> Problem {
    Problem::invalid(vec![Detail { location: Some(location.to_owned()), message, value }])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::run::EndReason;
    use crate::store::query::{Attempts, Fates, State};

    fn read(body: Value) -> Result<Selection, Problem> {
        Selection::read(serde_json::from_value(body).unwrap())
    }

    #[test]
    fn a_selection_names_runs_or_describes_them() {
        let (one, other) = ("01JTQ6V6Z9M3XK2B8N4C7D5E1F", "01JTQ6V6Z9M3XK2B8N4C7D5E1G");
        let Ok(Selection::Each(ids)) = read(json!({ "ids": [other, one, other] })) else {
            panic!("ids")
        };
        assert_eq!(ids.iter().map(RunId::to_string).collect::<Vec<_>>(), [one, other]);
        let filter = json!({
            "status": "failed,running", "is_failure": true, "exit_code_min": 1.0, "retries_only": true,
            "task_name": "a",
        });
        let body = json!({ "match_all": true, "filter": filter, "except_ids": [one] });
        let Ok(Selection::All { filter, except }) = read(body) else { panic!("filter") };
        let failed = State::Ended(EndReason::Failed);
        assert_eq!(filter.states, Some(vec![failed, State::Running]));
        assert_eq!(filter.fates, Fates::FailuresOnly);
        assert_eq!((filter.exit_code_min, filter.attempts), (Some(1), Attempts::RetriesOnly));
        assert_eq!(except.len(), 1);
        assert!(matches!(read(json!({ "match_all": true })), Ok(Selection::All { .. })));
    }

    #[test]
    fn null_is_no_value() {
        for field in ["ids", "match_all", "filter", "except_ids"] {
            assert!(serde_json::from_value::<Selector>(json!({ field: null })).is_err(), "{field}");
        }
    }

    #[test]
    fn a_selection_that_is_not_clear_is_refused() {
        let many: Vec<&str> = vec!["01JTQ6V6Z9M3XK2B8N4C7D5E1F"; MOST + 1];
        let table = [
            (json!({}), "body"),
            (json!({ "match_all": false }), "body"),
            (json!({ "ids": [], "match_all": true }), "body"),
            (json!({ "ids": ["01JTQ6V6Z9M3XK2B8N4C7D5E1F"], "except_ids": [] }), "body"),
            (json!({ "ids": [] }), "body.ids"),
            (json!({ "match_all": true, "filter": { "status": "" } }), "body.filter.status"),
            (json!({ "ids": many }), "body.ids"),
            (json!({ "ids": ["01JTQ6V6Z9M3XK2B8N4C7D5E1F", "x"] }), "body.ids[1]"),
            (json!({ "match_all": true, "except_ids": ["x"] }), "body.except_ids[0]"),
            (json!({ "match_all": true, "filter": { "stat": "x" } }), "body.filter.stat"),
            (json!({ "match_all": true, "filter": { "status": "x" } }), "body.filter.status"),
            (json!({ "match_all": true, "filter": { "limit": 5 } }), "body.filter.limit"),
            (
                json!({ "match_all": true, "filter": { "exit_code_min": "1" } }),
                "body.filter.exit_code_min",
            ),
        ];
        for (body, location) in table {
            let Err(problem) = read(body.clone()) else { panic!("{body} is accepted") };
            assert_eq!(problem.status, 422);
            assert_eq!(problem.errors[0].location.as_deref(), Some(location), "{body}");
        }
    }
}
