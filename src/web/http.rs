//! A request and its answer as the handlers see them, whoever carries the bytes.

use std::borrow::Cow;
use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The methods that some route knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Post,
    Delete,
    Options,
    /// Any other token.
    Other,
}

impl Method {
    pub(crate) fn parse(token: &str) -> Method {
        match token {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "DELETE" => Method::Delete,
            "OPTIONS" => Method::Options,
            _ => Method::Other,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
            Method::Other => "OTHER",
        }
    }

    /// Whether it may change something (RFC 9110, 9.2.1).
    pub(crate) fn is_safe(self) -> bool {
        match self {
            Method::Get | Method::Head | Method::Options => true,
            Method::Post | Method::Delete | Method::Other => false,
        }
    }
}

/// Who is at the other end of the connection itself, whatever any header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// IPv4-mapped addresses are IPv4 here.
    Tcp(IpAddr),
    /// The control socket: the kernel has vouched for the daemon's own user or root.
    Socket,
}

/// One request with its whole body.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// As sent: percent-encoded, without the query.
    pub(crate) path: String,
    /// Without the `?`; empty when there is none.
    pub(crate) query: String,
    /// In the order sent; the server keeps only those that the program reads.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) peer: Peer,
}

impl Request {
    /// All values of a header, in order. Names are compared in any case.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let of_name =
            self.headers.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name));
        of_name.map(|(_, value)| value.as_str())
    }

    /// The first value of a header.
    pub(crate) fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }
}

/// What is sent back.
pub(crate) enum Reply {
    Whole(Whole),
    /// Computed by a thread of its own, because it may take long; no worker waits for it.
    Later(Box<dyn FnOnce() -> Whole + Send>),
    /// Written piece by piece by a thread of its own. The connection closes after it.
    Flow(Flow),
}

/// An answer whose bytes are all there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Whole {
    pub(crate) status: u16,
    /// Without `Content-Length` and what every answer carries.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    Owned(Vec<u8>),
    Shared(Arc<[u8]>),
    Static(&'static [u8]),
}

impl Body {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Body::Owned(bytes) => bytes,
            Body::Shared(bytes) => bytes,
            Body::Static(bytes) => bytes,
        }
    }
}

/// A body that is written as it comes to be; status 200.
pub(crate) struct Flow {
    pub(crate) kind: FlowKind,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) write: Writing,
}

/// Writes a body, until it is done or the client has gone.
pub(crate) type Writing = Box<dyn FnOnce(&mut dyn Sink) -> std::io::Result<()> + Send>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlowKind {
    /// Server-sent events; counts towards the caps of streams (docs/security.md, Connections).
    Events,
    /// A download of so many bytes; `HEAD` gets its headers.
    Download { length: u64 },
}

/// The way to a client that may be slow. A client that takes nothing for 30 s is an error, and
/// so is one that has gone.
pub(crate) trait Sink: Write {
    /// Sends a part of a file without copying it through the program.
    fn send_file(&mut self, file: &std::fs::File, from: u64, length: u64) -> std::io::Result<()>;

    /// Whether the client has closed its side, or has said more. Only the next write tells which:
    /// who is gone for good answers it with a reset.
    fn may_be_gone(&self) -> bool;
}

impl Whole {
    pub(crate) fn new(status: u16) -> Whole {
        Whole { status, headers: Vec::new(), body: Body::Static(b"") }
    }

    pub(crate) fn json(status: u16, value: &impl Serialize) -> Whole {
        let body = serde_json::to_vec(value).expect("our documents have text keys only");
        Whole {
            status,
            headers: vec![("Content-Type", "application/json".to_owned())],
            body: Body::Owned(body),
        }
    }

    pub(crate) fn text(status: u16, text: impl Into<Cow<'static, str>>) -> Whole {
        let body = match text.into() {
            Cow::Borrowed(text) => Body::Static(text.as_bytes()),
            Cow::Owned(text) => Body::Owned(text.into_bytes()),
        };
        Whole {
            status,
            headers: vec![("Content-Type", "text/plain; charset=utf-8".to_owned())],
            body,
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Whole {
        self.headers.push((name, value.into()));
        self
    }
}

impl Reply {
    /// Computed by a thread of its own.
    pub(crate) fn later(
        compute: impl FnOnce() -> Result<Whole, Problem> + Send + 'static,
    ) -> Reply {
        Reply::Later(Box::new(move || compute().unwrap_or_else(Whole::from)))
    }
}

impl From<Whole> for Reply {
    fn from(whole: Whole) -> Reply {
        Reply::Whole(whole)
    }
}

/// An error as the client sees it (RFC 9457; docs/api.md, Errors).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    /// One sentence for a human; never a secret.
    pub(crate) detail: Cow<'static, str>,
    pub(crate) errors: Vec<Detail>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// One thing that is wrong with the input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Detail {
    /// Such as `query.limit`, `path.taskName`, `body.nonce`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    /// What is allowed.
    pub(crate) message: String,
    /// What was sent, unless it may be a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Value>,
}

impl Problem {
    pub(crate) fn new(status: u16, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem { status, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    /// 422 with everything that is wrong.
    pub(crate) fn invalid(errors: Vec<Detail>) -> Problem {
        Problem { errors, ..Problem::new(422, "validation failed") }
    }

    /// 500: the cause goes to the log, the client learns nothing of it.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Problem {
        log::error!("a request failed: {cause}");
        Problem::new(500, "internal error; the daemon's log has the cause")
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Problem {
        self.headers.push((name, value.into()));
        self
    }
}

impl From<Problem> for Whole {
    fn from(problem: Problem) -> Whole {
        #[derive(Serialize)]
        struct Document<'a> {
            title: &'a str,
            status: u16,
            detail: &'a str,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            errors: &'a [Detail],
        }
        let Problem { status, detail, errors, headers } = problem;
        let document = Document { title: reason(status), status, detail: &detail, errors: &errors };
        let mut whole = Whole::json(status, &document);
        whole.headers = vec![("Content-Type", "application/problem+json".to_owned())];
        whole.headers.extend(headers);
        whole
    }
}

/// The standard phrase of a status that we send (RFC 9110, 15); 422 has its name of RFC 4918,
/// which the clients of this API know.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        302 => "Found",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::routes::routes;

    #[test]
    fn every_status_that_is_sent_has_its_phrase() {
        // Those of the gate, and those that the form of a request brings.
        let general = [304, 400, 404, 405, 408, 411, 413, 415, 422, 431, 503];
        let of_routes = routes()
            .flat_map(|(_, route)| route.failures.iter().copied().chain([route.success.status]));
        for status in of_routes.chain(general) {
            assert_ne!(reason(status), reason(500), "{status}");
        }
    }
}
