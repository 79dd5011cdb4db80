//! Logging in as a script does, and calling the API with what that gave.

use std::fmt::Write;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::Daemon;
use super::http::{self, Answer};
use super::sse::Events;

/// A caller with a valid token.
pub(crate) struct Session {
    pub(crate) token: String,
    port: u16,
}

impl Daemon<'_> {
    /// Logs in with the password of the data directory's file.
    #[track_caller]
    pub(crate) fn login(&self) -> Session {
        self.login_with(self.home().read("data/password").trim_end_matches('\n'))
    }

    #[track_caller]
    pub(crate) fn login_with(&self, password: &str) -> Session {
        let answer = self.try_login(password, &[]);
        assert_eq!(answer.status, 200, "{answer:?}");
        let token = answer.json()["token"].as_str().unwrap().to_owned();
        Session { token, port: self.port }
    }

    /// Both steps, whatever comes of the second one; `headers` go with both.
    #[track_caller]
    pub(crate) fn try_login(&self, password: &str, headers: &[(&str, &str)]) -> Answer {
        let nonce = self.call("GET", "/api/auth/challenge", headers, "");
        if nonce.status != 200 {
            return nonce;
        }
        self.answer_challenge(nonce.json()["nonce"].as_str().unwrap(), password, headers)
    }

    /// The second step alone.
    #[track_caller]
    pub(crate) fn answer_challenge(
        &self,
        nonce: &str,
        password: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let body = json!({ "nonce": nonce, "response": response(password, nonce) });
        self.call("POST", "/api/auth", headers, &body.to_string())
    }

    /// A request without a session.
    #[track_caller]
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        http::request(self.port, method, path, headers, body).expect("the daemon answers")
    }
}

impl Session {
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "")
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.call("POST", path, body)
    }

    #[track_caller]
    pub(crate) fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("Authorization", bearer.as_str())];
        http::request(self.port, method, path, &headers, body).expect("the daemon answers")
    }

    /// Opens a stream; `headers` are whole lines.
    #[track_caller]
    pub(crate) fn stream(&self, path: &str, headers: &[&str]) -> Events {
        let bearer = format!("Authorization: Bearer {}", self.token);
        Events::open(self.port, path, &[&[bearer.as_str()], headers].concat())
    }
}

/// What proves that the password is known.
pub(crate) fn response(password: &str, nonce: &str) -> String {
    let digest = Sha256::digest(format!("{password}:{nonce}"));
    digest.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}
