//! Why the daemon did not do what a command asked it.

use std::fmt;

use serde::Deserialize;
use ureq::Body;
use ureq::http::Response;

use crate::base::escape::escape;
use crate::web::http::Detail;

/// What a refusal may say at most.
const LONGEST: u64 = 64 * 1024;

/// Its text is the whole message of a command.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    Unreachable {
        url: String,
        reason: String,
    },
    /// Nothing that a login could use; why a password file that is there was not read.
    NoPassword(Option<String>),
    WrongPassword,
    /// A session is needed, and ours is none.
    Unauthorized,
    TooMany {
        port: u16,
        /// As the daemon said it, in seconds.
        retry_after: String,
    },
    /// The daemon's own words.
    Said {
        status: u16,
        detail: String,
    },
    /// This is not how a runwisp daemon answers.
    Strange {
        url: String,
        reason: String,
    },
}

/// What an answer that is no success says.
pub(crate) fn read(mut answer: Response<Body>, port: u16) -> Refusal {
    #[derive(Deserialize)]
    struct Problem {
        detail: String,
        #[serde(default)]
        errors: Vec<Detail>,
    }
    let status = answer.status().as_u16();
    if status == 401 {
        return Refusal::Unauthorized;
    }
    if status == 429 {
        let retry_after = answer.headers().get("Retry-After").and_then(|value| value.to_str().ok());
        return Refusal::TooMany { port, retry_after: retry_after.unwrap_or("60").to_owned() };
    }
    let body = answer.body_mut().with_config().limit(LONGEST).read_to_vec().unwrap_or_default();
    let detail = match serde_json::from_slice(&body) {
        Ok(Problem { detail, errors }) => match errors.first() {
            Some(Detail { location: Some(location), message, .. }) => {
                format!("{detail}: {location}: {message}")
            }
            // Each is a whole line.
            Some(_) => errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join("\n"),
            None => detail,
        },
        Err(_) => format!("the daemon answered {status}"),
    };
    Refusal::Said { status, detail }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Unreachable { url, reason } => {
                write!(f, "cannot reach daemon at {url} - is it running? ({})", escape(reason))
            }
            Refusal::NoPassword(reason) => {
                f.write_str("no password: set RUNWISP_PASSWORD or pass --data")?;
                reason.iter().try_for_each(|reason| write!(f, " ({})", escape(reason)))
            }
            Refusal::WrongPassword => f.write_str("the daemon rejected the password"),
            Refusal::Unauthorized => f.write_str("the daemon rejected the session"),
            Refusal::TooMany { port, retry_after } => write!(
                f,
                "too many authentication attempts against the daemon on port {port}; \
                 retry in {}s",
                escape(retry_after)
            ),
            Refusal::Said { detail, .. } => {
                let lines: Vec<_> = detail.lines().map(escape).collect();
                f.write_str(&lines.join("\n"))
            }
            Refusal::Strange { url, reason } => {
                write!(f, "{url} does not answer like a runwisp daemon: {}", escape(reason))
            }
        }
    }
}
