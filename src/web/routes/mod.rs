//! The map of the API: every route with its method, who may call it, what it takes and answers.
//! The router and the published schema both read this one table, kept in a file for each tag.

mod auth;
mod logs;
mod notifications;
mod runs;
mod system;
mod tasks;

use crate::web::http::Method;
use crate::web::params::Param;
use crate::web::router::Handler;

/// One operation.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// With `{name}` for a segment that varies.
    pub(crate) path: &'static str,
    /// Another path to the same; not in the schema.
    pub(crate) alias: Option<&'static str>,
    pub(crate) access: Access,
    /// `operationId` of the schema; clients are generated from it, so it stays.
    pub(crate) operation: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) params: &'static [&'static Param],
    /// The schema of the request's body.
    pub(crate) body: Option<Content>,
    /// What it answers when all is well.
    pub(crate) success: Success,
    /// Further statuses that it may answer, beside those that every route has.
    pub(crate) failures: &'static [u16],
    pub(crate) handler: Handler,
}

impl Route {
    /// Whether it is for requests with this method: `HEAD` goes wherever `GET` does, unless the
    /// answer has no end.
    pub(crate) fn answers(&self, method: Method) -> bool {
        let is_endless = matches!(self.success.payload, Payload::Events(_) | Payload::Resumable(_));
        let is_head = method == Method::Head && self.method == Method::Get;
        method == self.method || (is_head && !is_endless)
    }
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Public,
    Session,
    /// Only the control socket.
    Socket,
    /// Whoever holds a hook token of the job.
    Hook,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Auth,
    System,
    Tasks,
    Runs,
    Logs,
    Notifications,
}

/// A body of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// Names a schema of the document.
    pub(crate) schema: &'static str,
    pub(crate) required: Required,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Required {
    Yes,
    No,
}

/// The answer when all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Success {
    pub(crate) status: u16,
    pub(crate) payload: Payload,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    Nothing,
    /// JSON; names a schema.
    Json(&'static str),
    /// A JSON array of it.
    Array(&'static str),
    Text,
    /// Server-sent events.
    Events(&'static [Event]),
    /// The same, where a client that names the last id it saw gets what came after it.
    Resumable(&'static [Event]),
}

/// Server-sent events whose data look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) names: &'static [&'static str],
    /// Names the schema of their data.
    pub(crate) data: &'static str,
}

const fn json(schema: &'static str) -> Success {
    Success { status: 200, payload: Payload::Json(schema) }
}

const fn array(schema: &'static str) -> Success {
    Success { status: 200, payload: Payload::Array(schema) }
}

const fn created(schema: &'static str) -> Success {
    Success { status: 201, payload: Payload::Json(schema) }
}

const fn events(events: &'static [Event]) -> Success {
    Success { status: 200, payload: Payload::Events(events) }
}

const fn resumable(events: &'static [Event]) -> Success {
    Success { status: 200, payload: Payload::Resumable(events) }
}

const fn event(names: &'static [&'static str], data: &'static str) -> Event {
    Event { names, data }
}

const RUN_CHANGED: Event = event(
    &["run.created", "run.started", "run.completed", "run.failed", "run.updated"],
    "RunEvent",
);
const NOTIFICATION_CHANGED: Event =
    event(&["notification.created", "notification.updated"], "NotificationEvent");
const UNREAD_CHANGED: Event =
    event(&["notifications.unread_count_changed"], "NotificationUnreadEvent");
const PING: Event = event(&["ping"], "Empty");

const NOTHING: Success = Success { status: 204, payload: Payload::Nothing };
const TEXT: Success = Success { status: 200, payload: Payload::Text };
const REDIRECT: Success = Success { status: 302, payload: Payload::Nothing };

const fn content(schema: &'static str) -> Content {
    Content { schema, required: Required::Yes }
}

const fn optional(schema: &'static str) -> Content {
    Content { schema, required: Required::No }
}

const fn get(path: &'static str, operation: &'static str, handler: Handler) -> Route {
    Route::new(Method::Get, path, operation, handler)
}

const fn post(path: &'static str, operation: &'static str, handler: Handler) -> Route {
    Route::new(Method::Post, path, operation, handler)
}

const fn delete(path: &'static str, operation: &'static str, handler: Handler) -> Route {
    Route::new(Method::Delete, path, operation, handler)
}

impl Route {
    const fn new(
        method: Method,
        path: &'static str,
        operation: &'static str,
        handler: Handler,
    ) -> Route {
        Route {
            method,
            path,
            alias: None,
            access: Access::Session,
            operation,
            summary: "",
            params: &[],
            body: None,
            success: NOTHING,
            failures: &[],
            handler,
        }
    }

    const fn about(self, summary: &'static str) -> Route {
        Route { summary, ..self }
    }

    const fn gives(self, success: Success) -> Route {
        Route { success, ..self }
    }

    const fn fails(self, failures: &'static [u16]) -> Route {
        Route { failures, ..self }
    }

    const fn access(self, access: Access) -> Route {
        Route { access, ..self }
    }

    const fn alias(self, path: &'static str) -> Route {
        Route { alias: Some(path), ..self }
    }

    const fn params(self, params: &'static [&'static Param]) -> Route {
        Route { params, ..self }
    }

    const fn takes(self, body: Content) -> Route {
        Route { body: Some(body), ..self }
    }
}

/// Everything below `/api/`, and the schema itself.
pub(crate) fn routes() -> impl Iterator<Item = (Tag, &'static Route)> {
    let tables = [
        (Tag::Auth, auth::ROUTES),
        (Tag::System, system::ROUTES),
        (Tag::Tasks, tasks::ROUTES),
        (Tag::Runs, runs::ROUTES),
        (Tag::Logs, logs::ROUTES),
        (Tag::Notifications, notifications::ROUTES),
    ];
    tables.into_iter().flat_map(|(tag, table)| table.iter().map(move |route| (tag, route)))
}
