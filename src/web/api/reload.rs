//! The configuration: reading it again, and what a run ran with (docs/api.md, Configuration).

use std::sync::Arc;

use serde::Serialize;

use crate::base::time::rfc3339;
use crate::config::text::definition_of;
use crate::model::difference::Difference;
use crate::web::api::runs;
use crate::web::api::tasks::Empty;
use crate::web::context::{Context, Rejection};
use crate::web::http::{Detail, Problem, Reply, Whole};
use crate::web::params::{Kind, Param};
use crate::web::router::Call;

pub(crate) static DRY_RUN: Param =
    Param { name: "dry_run", about: "Only say what it would come to", kind: Kind::Flag };

/// `ReloadBody` of the schema.
#[derive(Serialize)]
struct Reloaded {
    added: Vec<String>,
    changed: Vec<Changed>,
    removed: Vec<String>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Changed {
    name: String,
    reasons: Vec<&'static str>,
}

impl From<Difference> for Reloaded {
    fn from(difference: Difference) -> Reloaded {
        let texts = |names: Vec<crate::model::job::JobName>| {
            names.iter().map(ToString::to_string).collect()
        };
        let changed = difference.changed.into_iter();
        Reloaded {
            added: texts(difference.added),
            changed: changed
                .map(|(name, reasons)| Changed { name: name.to_string(), reasons })
                .collect(),
            removed: texts(difference.removed),
            notes: difference.notes,
        }
    }
}

pub(crate) fn reload(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let Empty {} = call.body()?;
    let dry = call.values.flag(&DRY_RUN);
    let context = Arc::clone(context);
    // Reading a thousand tasks takes a while, and the disk may be slow.
    Ok(Reply::later(move || {
        let difference = (context.reload)(dry)?;
        Ok(Whole::json(200, &Reloaded::from(difference)))
    }))
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Problem {
        match rejection {
            Rejection::Invalid(lines) => {
                let first = lines.first().cloned().unwrap_or_default();
                let detail = |message| Detail { location: None, message, value: None };
                let errors = lines.into_iter().map(detail).collect();
                Problem { errors, ..Problem::new(422, first) }
            }
            Rejection::Refused(refusal) => refusal.into(),
            Rejection::Unanswered(unanswered) => unanswered.into(),
        }
    }
}

/// What a run ran with, as the file had it.
pub(crate) fn definition(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    #[derive(Serialize)]
    struct Definition<'a> {
        config: u32,
        applied_at: String,
        file: &'a str,
        text: String,
    }
    let run = runs::find(context, call)?;
    let gone = || Problem::new(404, "the configuration that this run is of is no longer kept");
    let kept = context.readers.read(|reader| reader.configuration(run.config))?.ok_or_else(gone)?;
    let found = kept.files.iter().find_map(|(file, text)| {
        definition_of(text, run.job.as_str()).map(|text| (file.as_str(), text))
    });
    let (file, text) = found.ok_or_else(gone)?;
    let applied_at = rfc3339(kept.at);
    Ok(Whole::json(200, &Definition { config: kept.number, applied_at, file, text }).into())
}
