//! The daemon's API as its own commands call it: over the control socket where that can be
//! opened, else over TCP with one login, whose token is kept for this process only
//! (docs/security.md, Control socket).

pub(crate) mod documents;
mod events;
mod health;
mod refusal;
mod socket;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use sha2::{Digest, Sha256};
use ureq::http::Response;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::{Agent, Body, RequestBuilder};

use crate::base::time::Clock;
use crate::web::client::documents::Info;
use crate::web::client::socket::SocketConnector;

pub(crate) use events::{Event, Events};
pub(crate) use health::{Answer, CONNECT, GLANCE, WHOLE, Who, address, health};
pub(crate) use refusal::Refusal;

/// The most that one answer may take; only streams take longer.
const ANSWER: Duration = Duration::from_secs(30);
/// A stream says something every 15 s (docs/api.md, Streams): after three times that it is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// The longest answer that is read.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Where the daemon may be found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way<'a> {
    pub(crate) socket: &'a Path,
    pub(crate) trust: SocketTrust,
    pub(crate) host: &'a str,
    pub(crate) port: u16,
}

/// Which daemon behind the control socket is the one that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketTrust {
    /// Whichever listens there.
    Any,
    /// The one that also listens on the port that was named.
    SamePort,
    /// None: another host was named.
    None,
}

/// The password that a login would use.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Password {
    Known(String),
    /// With the reason why a file that is there could not be read.
    Unknown(Option<String>),
}

/// The last moment of everything that is asked.
#[derive(Clone, Debug)]
pub(crate) struct Deadline {
    pub(crate) clock: Clock,
    /// Steady time of `clock`.
    pub(crate) at: Duration,
}

/// A daemon that may be asked.
pub(crate) struct Client {
    agent: Agent,
    /// Without a slash at the end.
    url: String,
    token: Option<String>,
    port: u16,
    password: Password,
    deadline: Option<Deadline>,
}

impl Client {
    /// Finds the daemon and logs in where that is needed and a password is known.
    pub(crate) fn open(
        way: Way<'_>,
        password: Password,
        deadline: Option<Deadline>,
    ) -> Result<Client, Refusal> {
        if let Some(client) = Client::local(way, deadline.clone()) {
            return Ok(client);
        }
        let mut client = Client {
            agent: Agent::new_with_config(settings()),
            url: format!("http://{}", address(way.host, way.port)),
            token: None,
            port: way.port,
            password: password.clone(),
            deadline,
        };
        if let Password::Known(password) = password {
            client.token = Some(client.login(&password)?);
        }
        Ok(client)
    }

    /// Over the control socket; `None` where it cannot be opened or another daemon answers.
    pub(crate) fn local(way: Way<'_>, deadline: Option<Deadline>) -> Option<Client> {
        if way.trust == SocketTrust::None {
            return None;
        }
        let connector = SocketConnector { path: way.socket.to_owned() };
        let client = Client {
            agent: Agent::with_parts(settings(), connector, DefaultResolver::default()),
            // The name is never looked up: the connector knows the way.
            url: "http://127.0.0.1".to_owned(),
            token: None,
            port: way.port,
            password: Password::Unknown(None),
            deadline,
        };
        match (client.get::<Info>("/api/info"), way.trust) {
            (Ok(info), SocketTrust::SamePort) => (info.port == way.port).then_some(client),
            // Whoever says no is there too.
            (Ok(_) | Err(Refusal::Said { .. }), SocketTrust::Any) => Some(client),
            (_, SocketTrust::Any | SocketTrust::SamePort | SocketTrust::None) => None,
        }
    }

    /// Reads a document.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        let answer = self.asked(self.agent.get(self.url_of(path)))?.call();
        self.document(answer.map_err(|error| self.lost(error))?)
    }

    /// Has something done.
    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        let answer = self.asked(self.agent.post(self.url_of(path)))?.send_empty();
        self.document(answer.map_err(|error| self.lost(error))?)
    }

    /// Has something done, and says how.
    pub(crate) fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, Refusal> {
        let request = self.asked(self.agent.post(self.url_of(path)))?;
        let request = request.header("Content-Type", "application/json");
        self.document(request.send(body.to_string()).map_err(|error| self.lost(error))?)
    }

    /// Opens a stream behind the event of this id.
    pub(crate) fn events(&self, path: &str, last: Option<&str>) -> Result<Events, Refusal> {
        let mut request = self.agent.get(self.url_of(path)).header("Accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let answer = self
            .with_token(request)
            .config()
            .timeout_recv_response(Some(ANSWER))
            .timeout_per_read(Some(SILENCE))
            .build()
            .call()
            .map_err(|error| self.lost(error))?;
        let answer = self.checked(answer)?;
        Ok(Events::new(answer.into_body().into_reader()))
    }

    /// Challenge and response (docs/security.md, Login): the password itself is never sent.
    fn login(&self, password: &str) -> Result<String, Refusal> {
        #[derive(Deserialize)]
        struct Challenge {
            nonce: String,
        }
        #[derive(Deserialize)]
        struct Token {
            token: String,
        }
        let challenge: Challenge = self.get("/api/auth/challenge")?;
        let body = json!({
            "nonce": challenge.nonce,
            "response": response(password, &challenge.nonce),
        });
        let request = self.agent.post(self.url_of("/api/auth"));
        let request = self.asked(request)?.header("Content-Type", "application/json");
        let answer = request.send(body.to_string()).map_err(|error| self.lost(error))?;
        match self.document::<Token>(answer) {
            Ok(Token { token }) => Ok(token),
            Err(Refusal::Unauthorized) => Err(Refusal::WrongPassword),
            Err(refusal) => Err(refusal),
        }
    }

    fn url_of(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn with_token<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    fn asked<B>(&self, request: RequestBuilder<B>) -> Result<RequestBuilder<B>, Refusal> {
        let left = match &self.deadline {
            None => ANSWER,
            Some(deadline) => deadline.at.saturating_sub(deadline.clock.now().steady),
        };
        if left.is_zero() {
            return Err(self.unreachable("no answer in time".to_owned()));
        }
        Ok(self.with_token(request).config().timeout_global(Some(left)).build())
    }

    fn document<T: DeserializeOwned>(&self, answer: Response<Body>) -> Result<T, Refusal> {
        let mut answer = self.checked(answer)?;
        let body = answer.body_mut().with_config().limit(LONGEST).read_to_vec();
        let body = body.map_err(|error| self.lost(error))?;
        serde_json::from_slice(&body)
            .map_err(|error| Refusal::Strange { url: self.url.clone(), reason: error.to_string() })
    }

    fn checked(&self, answer: Response<Body>) -> Result<Response<Body>, Refusal> {
        if answer.status().is_success() {
            return Ok(answer);
        }
        match (refusal::read(answer, self.port), &self.password) {
            (Refusal::Unauthorized, Password::Unknown(reason)) => {
                Err(Refusal::NoPassword(reason.clone()))
            }
            (refusal, Password::Known(_) | Password::Unknown(_)) => Err(refusal),
        }
    }

    fn lost(&self, error: ureq::Error) -> Refusal {
        self.unreachable(health::reason(error))
    }

    fn unreachable(&self, reason: String) -> Refusal {
        Refusal::Unreachable { url: self.url.clone(), reason }
    }
}

/// Without a proxy: the daemon is asked itself, whatever the surroundings name.
fn settings() -> ureq::config::Config {
    Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT))
        .build()
}

/// What proves that the caller knows the password.
fn response(password: &str, nonce: &str) -> String {
    let hash = Sha256::new().chain_update(password).chain_update(":").chain_update(nonce);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name as one segment of a path (RFC 3986, 2.3).
pub(crate) fn segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte));
            }
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
