//! One job operated with a token of its own (docs/api.md, Hooks). Whoever has no token learns
//! nothing, not even whether the job exists.

use std::sync::Arc;

use crate::model::job::Verb;
use crate::model::run::Trigger;
use crate::web::api::tasks;
use crate::web::context::Context;
use crate::web::guard;
use crate::web::http::{Problem, Reply};
use crate::web::params::{Kind, Param};
use crate::web::router::Call;

pub(crate) static TOKEN: Param = Param {
    name: "token",
    about: "The hook token, for senders that cannot set the header Authorization",
    // An answer repeats what it refuses, and this is a secret: a longer one is just wrong.
    kind: Kind::Cut { longest: 4096 },
};

pub(crate) fn call(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let verb = verb(context, call)?;
    tasks::operate(context, &call.job(), verb, Trigger::Hook, tasks::patience(call))
}

/// What the token of the call allows it to do.
pub(crate) fn verb(context: &Context, call: &Call<'_>) -> Result<Verb, Problem> {
    let current = context.current();
    let hooks = current.job(&call.job()).map_or(&[][..], |job| &job.hooks);
    let token = guard::bearer(call.request).next().or(call.values.text(&TOKEN));
    let action = call.segment("action");
    let verb = Verb::ALL.into_iter().find(|verb| verb.as_str() == action);
    context.guard.hook(call.request, hooks, token.unwrap_or_default(), verb)
}
