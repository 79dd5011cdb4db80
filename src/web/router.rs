//! From a request to the answer: who may come in, which route it is, whether what it brings is
//! valid, and then the handler. Whatever is wrong is told before anything is done.

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category};

use crate::base::ulid::Ulid;
use crate::config::name_flaw;
use crate::model::job::{JobName, Kind};
use crate::sys::memory;
use crate::web::api::hooks;
use crate::web::assets;
use crate::web::context::Context;
use crate::web::guard::Session;
use crate::web::health;
use crate::web::http::{Detail, Method, Peer, Problem, Reply, Request, Whole};
use crate::web::metrics;
use crate::web::params::{Plus, Values, decode};
use crate::web::routes::{Access, Route, routes};

/// A body beyond so many bytes may take sixty times as many while it is read, which are not kept.
const LARGE: usize = 64 * 1024;

/// Does what a route is for. The context is shared so that a flow may outlive the call.
pub(crate) type Handler = fn(&Arc<Context>, &Call<'_>) -> Result<Reply, Problem>;

/// A request that may be answered: everything about it has been checked.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) values: Values,
    /// `None` on public routes and hooks.
    pub(crate) session: Option<Session>,
    /// The segments that vary, by name, decoded and valid.
    path: Vec<(&'static str, String)>,
}

impl<'a> Call<'a> {
    /// Reads what a request brings, or tells everything that is wrong with it.
    pub(crate) fn checked(
        request: &'a Request,
        route: &Route,
        path: &[(&'static str, &str)],
        session: Option<Session>,
    ) -> Result<Call<'a>, Problem> {
        let mut errors = Vec::new();
        let path = segments(path, &mut errors);
        let values = Values::read(&request.query, route.params)
            .map_err(|wrong| errors.extend(wrong))
            .unwrap_or_default();
        match errors.is_empty() {
            true => Ok(Call { request, values, session, path }),
            false => Err(Problem::invalid(errors)),
        }
    }

    /// The segment of this name.
    pub(crate) fn segment(&self, name: &str) -> &str {
        let found = self.path.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value)
    }

    /// Whether the path has this segment; an alias may have none.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.path.iter().any(|(known, _)| *known == name)
    }

    pub(crate) fn job(&self) -> JobName {
        JobName::new(self.segment("taskName"))
    }

    /// The ULID of the segment `runId` or `id`.
    pub(crate) fn id(&self, name: &str) -> Ulid {
        self.segment(name).parse().expect("the router has read it before")
    }

    /// The body as JSON; none is `{}`. Unknown fields are the type's matter, `$schema` is dropped.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let read = body(&self.request.body);
        if self.request.body.len() > LARGE {
            memory::give_back();
        }
        read
    }
}

/// Answers a request.
pub(crate) fn answer(context: &Arc<Context>, request: &Request) -> Reply {
    let reply = route(context, request).unwrap_or_else(|problem| Whole::from(problem).into());
    if !request.path.starts_with("/api/") {
        return reply;
    }
    let unstored = |whole: Whole| whole.header("Cache-Control", "no-store");
    match reply {
        Reply::Whole(whole) => unstored(whole).into(),
        Reply::Later(compute) => Reply::Later(Box::new(move || unstored(compute()))),
        // Says so itself.
        Reply::Flow(flow) => Reply::Flow(flow),
    }
}

fn route(context: &Arc<Context>, request: &Request) -> Result<Reply, Problem> {
    if request.path == "/health" {
        return health::answer(&context.health, request);
    }
    if request.path == metrics::PATH {
        return metrics::answer(context, request);
    }
    context.guard.notice(request);
    let found = Matched::find(request);
    let access = found.access;
    let is_api = request.path.starts_with("/api/");
    if !is_api && found.allowed.is_empty() {
        return assets::answer(request);
    }
    let session = match access {
        Access::Socket if request.peer != Peer::Socket => {
            return Err(Problem::new(403, "this is for the control socket only"));
        }
        Access::Session | Access::Socket => Some(context.guard.session(request)?),
        Access::Public | Access::Hook => None,
    };
    if request.method == Method::Options && !found.allowed.is_empty() {
        return Ok(Whole::new(204).header("Allow", found.allow()).into());
    }
    let Some((route, path)) = &found.route else {
        if found.allowed.is_empty() {
            return Err(Problem::new(404, "no such path"));
        }
        let problem = Problem::new(405, format!("allowed here: {}", found.allow()));
        return Err(problem.header("Allow", found.allow()));
    };
    if !request.method.is_safe() && access != Access::Hook {
        context.guard.same_origin(request, session.as_ref())?;
    }
    content_type(route, request)?;
    (route.handler)(context, &Call::checked(request, route, path, session)?)
}

/// Whether a request may bring a large body, before it comes: with a session, or to a hook with a
/// token of the job. Waits for nothing.
pub(crate) fn may_be_large(context: &Context, request: &Request) -> Result<(), Problem> {
    let found = Matched::find(request);
    match found.route {
        Some((route, path)) if found.access == Access::Hook => {
            hooks::verb(context, &Call::checked(request, route, &path, None)?).map(drop)
        }
        Some(_) | None => context.guard.session_at_once(request).map(drop),
    }
}

/// The route of a request, and what its path allows.
pub(crate) struct Matched<'a> {
    pub(crate) route: Option<(&'static Route, Vec<(&'static str, &'a str)>)>,
    pub(crate) allowed: Vec<Method>,
    /// That of the path, whatever the method; what nobody knows needs a session.
    access: Access,
}

impl<'a> Matched<'a> {
    pub(crate) fn find(request: &'a Request) -> Matched<'a> {
        let mut matched = Matched { route: None, allowed: Vec::new(), access: Access::Session };
        // Words before names: `/api/runs/summary` is no run.
        let mut best = usize::MAX;
        for (_, route) in routes() {
            let patterns = [Some(route.path), route.alias].into_iter().flatten();
            for path in patterns.filter_map(|pattern| fits(pattern, &request.path)) {
                if path.len() < best {
                    best = path.len();
                    let access = route.access;
                    matched = Matched { route: None, allowed: Vec::new(), access };
                }
                if path.len() == best {
                    let methods = [route.method, Method::Head];
                    matched.allowed.extend(methods.into_iter().filter(|one| route.answers(*one)));
                    if route.answers(request.method) {
                        matched.route = Some((route, path));
                    }
                }
            }
        }
        matched
    }

    fn allow(&self) -> String {
        let mut methods: Vec<&str> = self.allowed.iter().map(|method| method.as_str()).collect();
        methods.push("OPTIONS");
        methods.join(", ")
    }
}

/// The varying segments, if the path has the form of the pattern.
fn fits<'a>(pattern: &'static str, path: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
    let (mut known, mut given) = (pattern.split('/'), path.split('/'));
    let mut found = Vec::new();
    loop {
        match (known.next(), given.next()) {
            (None, None) => return Some(found),
            (Some(known), Some(given)) => {
                let name = known.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                match name {
                    Some(name) if !given.is_empty() => found.push((name, given)),
                    None if known == given => {}
                    Some(_) | None => return None,
                }
            }
            (Some(_), None) | (None, Some(_)) => return None,
        }
    }
}

fn segments(
    path: &[(&'static str, &str)],
    errors: &mut Vec<Detail>,
) -> Vec<(&'static str, String)> {
    let mut values = Vec::with_capacity(path.len());
    for &(name, raw) in path {
        let text = decode(raw, Plus::Itself);
        let flaw = match (name, text.as_deref()) {
            (_, None) => Some("expected percent-encoded UTF-8".to_owned()),
            ("taskName", Some(text)) => name_flaw(text, Kind::Task),
            ("runId" | "id", Some(text)) => {
                text.parse::<Ulid>().is_err().then(|| "expected a ULID of 26 characters".to_owned())
            }
            (_, Some(_)) => None,
        };
        match flaw {
            None => values.push((name, text.map_or_else(String::new, Cow::into_owned))),
            Some(message) => errors.push(Detail {
                location: Some(format!("path.{name}")),
                message,
                value: text.map(Value::from),
            }),
        }
    }
    values
}

/// A body is JSON and says so (docs/api.md, Requests).
fn content_type(route: &Route, request: &Request) -> Result<(), Problem> {
    if request.body.is_empty() || route.access == Access::Hook {
        return Ok(());
    }
    let kind = request.header("Content-Type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(Problem::new(415, "a body must be application/json")),
    }
}

pub(crate) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let invalid = |message: String| {
        let location = Some(place(&message));
        Problem::invalid(vec![Detail { location, message, value: None }])
    };
    let value: Value = match bytes.is_empty() {
        true => Value::Object(serde_json::Map::new()),
        false => serde_json::from_slice(bytes).map_err(|error| match error.classify() {
            Category::Data => invalid(error.to_string()),
            Category::Io | Category::Syntax | Category::Eof => {
                Problem::new(400, format!("the body is not JSON: {error}"))
            }
        })?,
    };
    // Else a list of the values of all fields would do.
    let Value::Object(mut fields) = value else {
        return Err(invalid("expected an object".to_owned()));
    };
    fields.remove("$schema");
    serde_json::from_value(Value::Object(fields)).map_err(|error| invalid(error.to_string()))
}

/// Where in the body it is wrong: serde says the name of a field in its message only.
fn place(message: &str) -> String {
    let named = ["missing field `", "unknown field `", "duplicate field `"];
    let rest = named.into_iter().find_map(|start| message.strip_prefix(start));
    let field = rest.and_then(|rest| rest.split_once('`')).map(|(field, _)| field);
    field.map_or_else(|| "body".to_owned(), |field| format!("body.{field}"))
}

/// The operation that a request would be for.
#[cfg(test)]
pub(crate) fn operation(method: Method, path: &str) -> Option<&'static str> {
    let request = Request {
        method,
        path: path.to_owned(),
        query: String::new(),
        headers: Vec::new(),
        body: Vec::new(),
        peer: crate::web::http::Peer::Socket,
    };
    Matched::find(&request).route.map(|(route, _)| route.operation)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        name: Option<String>,
    }

    #[test]
    fn a_field_that_is_wrong_is_named() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Strict {
            #[expect(dead_code, reason = "only read")]
            name: String,
        }
        for (text, location) in [
            ("{}", "body.name"),
            (r#"{"name":"a","nam":1}"#, "body.nam"),
            (r#"{"name":5}"#, "body"),
            ("[]", "body"),
        ] {
            let problem = body::<Strict>(text.as_bytes()).unwrap_err();
            assert_eq!(problem.errors[0].location.as_deref(), Some(location), "{text}");
        }
    }

    #[test]
    fn a_body_is_an_object_with_known_fields() {
        for (text, status) in [
            ("", None),
            ("{}", None),
            (r#"{"$schema":"x","name":"a"}"#, None),
            ("{", Some(400)),
            ("name", Some(400)),
            (r#"["a"]"#, Some(422)),
            ("null", Some(422)),
            (r#"{"name":5}"#, Some(422)),
            (r#"{"nam":"a"}"#, Some(422)),
        ] {
            let read = body::<Sample>(text.as_bytes());
            assert_eq!(read.as_ref().err().map(|problem| problem.status), status, "{text}");
            let is_named = read.is_ok_and(|sample| sample.name.is_some());
            assert_eq!(is_named, text.contains("$schema"));
        }
    }
}
