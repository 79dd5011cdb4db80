//! The published schema of the API, OpenAPI 3.1. What a route says of itself comes from the table
//! that the router reads too; what bodies look like, and whatever else no route says, stands in
//! `document.json`. Made when somebody asks for it the first time.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value, json};

use crate::base::order;
use crate::web::api::runs::FILTER;
use crate::web::context::Context;
use crate::web::http::{Body, Problem, Reply, Whole};
use crate::web::params::{Kind, Param};
use crate::web::router::Call;
use crate::web::routes::{Access, Event, Payload, Required, Route, Tag, routes};

/// `document.json`, as build.rs packs it: a fifth of its bytes.
static DEFLATED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/document"));

/// Made once: anybody may ask for it, and may take his time to read it.
static TEXT: OnceLock<String> = OnceLock::new();

/// `GET /openapi.json`.
pub(crate) fn openapi(_: &Arc<Context>, _: &Call<'_>) -> Result<Reply, Problem> {
    let whole = Whole::new(200).header("Content-Type", "application/json");
    Ok(Whole { body: Body::Static(TEXT.get_or_init(text).as_bytes()), ..whole }.into())
}

/// The whole document, indented by two spaces, with a newline at its end.
pub(crate) fn text() -> String {
    let text = serde_json::to_string_pretty(&document());
    text.expect("a document of text keys can be written") + "\n"
}

fn document() -> Value {
    let text = miniz_oxide::inflate::decompress_to_vec(DEFLATED).expect("build.rs has packed it");
    let mut document: Value = serde_json::from_slice(&text).expect("a test reads it");
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    let responses = document["components"]["responses"].as_object_mut();
    for response in responses.into_iter().flat_map(Map::values_mut) {
        response["content"] =
            json!({ "application/problem+json": { "schema": schema("ErrorModel") } });
    }
    for param in FILTER {
        document["components"]["schemas"]["RunFilter"]["properties"][param.name] = field(param);
    }
    for (tag, route) in routes() {
        document["paths"][route.path][method(route)] = operation(tag, route);
    }
    document
}

/// The key of an operation.
fn method(route: &Route) -> String {
    route.method.as_str().to_ascii_lowercase()
}

fn operation(tag: Tag, route: &Route) -> Value {
    let mut responses = Map::new();
    responses.insert(route.success.status.to_string(), success(route));
    for status in failures(route) {
        responses.insert(status.to_string(), reference("responses", &status.to_string()));
    }
    responses.insert("default".to_owned(), reference("responses", "default"));
    let mut operation = json!({
        "operationId": route.operation,
        "tags": [format!("{tag:?}")],
        "summary": route.summary,
        "parameters": parameters(route),
        "responses": responses,
    });
    match route.access {
        Access::Session => {}
        Access::Public | Access::Socket => operation["security"] = json!([]),
        Access::Hook => {
            operation["security"] = json!([{ "hookBearer": [] }, { "hookQuery": [] }]);
            // The action `run` is answered as the route of that name.
            operation["responses"]["201"] = content("application/json", schema("Run"));
        }
    }
    if let Some(body) = route.body {
        operation["requestBody"] = json!({
            "required": body.required == Required::Yes,
            "content": { "application/json": { "schema": schema(body.schema) } },
        });
    }
    operation
}

fn success(route: &Route) -> Value {
    let content = |kind: &str, schema: Value| json!({ "description": "All is well", "content": { kind: { "schema": schema } } });
    match route.success.payload {
        Payload::Nothing if route.success.status == 302 => json!({
            "description": "Go there",
            "headers": { "Location": { "schema": { "type": "string" } } },
        }),
        Payload::Nothing => json!({ "description": "Done" }),
        Payload::Json(name) => content("application/json", schema(name)),
        // No array of ours is ever null; the clients of other daemons allow for it.
        Payload::Array(name) => {
            content("application/json", json!({ "type": ["array", "null"], "items": schema(name) }))
        }
        Payload::Text => content("text/plain", json!({ "type": "string" })),
        Payload::Events(events) | Payload::Resumable(events) => content(
            "text/event-stream",
            json!({
                "type": "array",
                "description": "Each item stands for one event; `data` is sent as one line of JSON",
                "items": { "oneOf": events.iter().map(message).collect::<Vec<_>>() },
            }),
        ),
    }
}

fn content(kind: &str, schema: Value) -> Value {
    json!({ "description": "All is well", "content": { kind: { "schema": schema } } })
}

fn message(event: &Event) -> Value {
    json!({
        "type": "object",
        "title": event.names.join(", "),
        "required": ["event", "data"],
        "properties": {
            "id": { "type": "integer", "format": "int64" },
            "event": { "type": "string", "enum": event.names },
            "data": schema(event.data),
        },
    })
}

/// What else a route may answer: its own failures, and those that come with its form.
fn failures(route: &Route) -> Vec<u16> {
    let mut statuses = route.failures.to_vec();
    match route.access {
        Access::Session => statuses.push(401),
        Access::Public | Access::Socket | Access::Hook => {}
    }
    if !route.method.is_safe() {
        statuses.extend([403, 413, 415]);
    }
    if route.body.is_some() {
        statuses.extend([400, 422]);
    }
    if !route.params.is_empty() || route.path.contains('{') {
        statuses.push(422);
    }
    statuses.push(500);
    order::sort(&mut statuses);
    statuses.dedup();
    statuses
}

fn parameters(route: &Route) -> Vec<Value> {
    let segments = route.path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some(
            json!({ "name": name, "in": "path", "required": true, "schema": segment_schema(name) }),
        )
    });
    let queries = route.params.iter().map(|param| query(param));
    let resume = match route.success.payload {
        Payload::Resumable(_) => Some(json!({
            "name": "Last-Event-ID", "in": "header", "schema": { "type": "string" },
            "description": "The last id that was seen: what came after it is sent",
        })),
        Payload::Nothing
        | Payload::Json(_)
        | Payload::Array(_)
        | Payload::Text
        | Payload::Events(_) => None,
    };
    segments.chain(queries).chain(resume).collect()
}

fn segment_schema(name: &str) -> Value {
    match name {
        "taskName" => schema("TaskName"),
        "action" => json!({ "type": "string", "enum": ["run", "start", "stop", "restart"] }),
        _ => schema("Ulid"),
    }
}

fn query(param: &Param) -> Value {
    let mut described = json!({
        "name": param.name, "in": "query", "description": param.about, "schema": kind(&param.kind),
    });
    if let Kind::Words(_) = param.kind {
        described["explode"] = false.into();
    }
    if let Kind::Needed { .. } = param.kind {
        described["required"] = true.into();
    }
    described
}

/// A parameter as a field of a body, where several words are one text.
fn field(param: &Param) -> Value {
    let mut schema = match param.kind {
        Kind::Words(words) => {
            let word = words.join("|");
            json!({ "type": "string", "pattern": format!("^({word})(,({word}))*$") })
        }
        Kind::Integer { .. }
        | Kind::Flag
        | Kind::Text { .. }
        | Kind::Needed { .. }
        | Kind::Cut { .. }
        | Kind::Word(_)
        | Kind::Instant
        | Kind::Run => kind(&param.kind),
    };
    schema["description"] = param.about.into();
    schema
}

fn kind(kind: &Kind) -> Value {
    match kind {
        Kind::Integer { min, max, default } => {
            let mut schema = json!({ "type": "integer", "format": "int64", "minimum": min });
            if *max < i64::MAX {
                schema["maximum"] = (*max).into();
            }
            if let Some(default) = default {
                schema["default"] = (*default).into();
            }
            schema
        }
        Kind::Flag => json!({ "type": "boolean", "default": false }),
        Kind::Text { longest } => json!({ "type": "string", "maxLength": longest }),
        Kind::Needed { longest } => {
            json!({ "type": "string", "minLength": 1, "maxLength": longest })
        }
        Kind::Cut { .. } => json!({ "type": "string" }),
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
        Kind::Words(words) => {
            json!({ "type": "array", "items": { "type": "string", "enum": words } })
        }
        Kind::Instant => json!({ "type": "string", "format": "date-time" }),
        Kind::Run => schema("Ulid"),
    }
}

fn schema(name: &str) -> Value {
    reference("schemas", name)
}

fn reference(part: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{part}/{name}") })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::run::{EndReason, Trigger};
    use crate::web::http::Method;
    use crate::web::router;

    /// Every method and path of the document.
    fn operations(document: &Value) -> BTreeSet<(String, String)> {
        let paths = document["paths"].as_object().unwrap();
        let of_path = |(path, item): (&String, &Value)| {
            let methods: Vec<_> = item.as_object().unwrap().keys().cloned().collect();
            methods.into_iter().map({
                let path = path.clone();
                move |method| (path.clone(), method)
            })
        };
        paths.iter().flat_map(of_path).collect()
    }

    /// All `$ref`s below a value.
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(target)) = fields.get("$ref") {
                    found.insert(target.clone());
                }
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_route_is_in_the_document_and_nothing_else() {
        let routed: BTreeSet<_> =
            routes().map(|(_, route)| (route.path.to_owned(), method(route))).collect();
        assert_eq!(routed.len(), routes().count(), "two routes share a method and a path");
        assert_eq!(operations(&document()), routed);
    }

    #[test]
    fn every_path_of_the_document_leads_to_its_own_route() {
        let document = document();
        for (path, method) in operations(&document) {
            let sample = path
                .replace("{taskName}", "backup")
                .replace("{runId}", "01KA3RZ3NVKJ6TWKQ3YQ2K9V1B")
                .replace("{id}", "01KA3RZ3NVKJ6TWKQ3YQ2K9V1B")
                .replace("{action}", "run");
            let found = router::operation(Method::parse(&method.to_ascii_uppercase()), &sample);
            let stated = document["paths"][&path][&method]["operationId"].as_str();
            assert_eq!(found, stated, "{method} {path}");
        }
    }

    #[test]
    fn every_parameter_says_what_it_is() {
        for (_, route) in routes() {
            for param in route.params {
                let is_sentence = param.about.starts_with(|letter: char| !letter.is_lowercase());
                let name = param.name;
                assert!(is_sentence && !param.about.ends_with('.'), "{}: {name}", route.operation);
            }
        }
    }

    #[test]
    fn operation_ids_are_unique() {
        let ids: BTreeSet<_> = routes().map(|(_, route)| route.operation).collect();
        assert_eq!(ids.len(), routes().count());
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_part_is_used() {
        let document = document();
        let mut named = BTreeSet::new();
        references(&document, &mut named);
        let mut there = BTreeSet::new();
        for part in ["schemas", "responses"] {
            let names = document["components"][part].as_object().unwrap().keys();
            there.extend(names.map(|name| format!("#/components/{part}/{name}")));
        }
        assert_eq!(named, there);
    }

    #[test]
    fn open_lists_of_values_are_those_of_the_program() {
        let schemas = &document()["components"]["schemas"];
        let known = |value: &Value| -> BTreeSet<String> {
            serde_json::from_value(value["x-extensible-enum"].clone()).unwrap()
        };
        let reasons = EndReason::ALL.map(|reason| reason.as_str().to_owned());
        assert_eq!(known(&schemas["EndReason"]), BTreeSet::from(reasons));
        let triggers = Trigger::ALL.map(|trigger| trigger.as_str().to_owned());
        assert_eq!(known(&schemas["Run"]["properties"]["triggered_by"]), BTreeSet::from(triggers));
    }

    #[test]
    fn a_required_field_is_described() {
        let document = document();
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            let Some(fields) = schema["properties"].as_object() else { continue };
            for field in schema["required"].as_array().into_iter().flatten() {
                let field = field.as_str().unwrap();
                assert!(fields.contains_key(field), "{name}.{field}");
            }
        }
    }

    #[test]
    fn parameters_are_described_as_they_are_checked() {
        let table = [
            (
                Kind::Integer { min: 1, max: 9, default: Some(5) },
                json!({ "type": "integer", "format": "int64", "minimum": 1, "maximum": 9, "default": 5 }),
            ),
            (
                Kind::Integer { min: 0, max: i64::MAX, default: None },
                json!({ "type": "integer", "format": "int64", "minimum": 0 }),
            ),
            (Kind::Flag, json!({ "type": "boolean", "default": false })),
            (Kind::Text { longest: 7 }, json!({ "type": "string", "maxLength": 7 })),
            (Kind::Cut { longest: 7 }, json!({ "type": "string" })),
            (Kind::Word(&["a"]), json!({ "type": "string", "enum": ["a"] })),
            (Kind::Instant, json!({ "type": "string", "format": "date-time" })),
            (Kind::Run, json!({ "$ref": "#/components/schemas/Ulid" })),
        ];
        for (declared, described) in table {
            assert_eq!(kind(&declared), described, "{declared:?}");
        }
    }
}
