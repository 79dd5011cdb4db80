//! `runwisp password`: shows the password that the daemon made, and no other.

use std::ffi::OsString;

use serde::Deserialize;

use crate::base::escape::escape;
use crate::cli::globals::Globals;
use crate::cli::{Failure, Outcome, door, failed};
use crate::daemon::secrets;
use crate::web::client::{Client, Refusal, SocketTrust};

pub(crate) fn run(globals: &Globals, variable: Option<OsString>) -> Result<Outcome, Failure> {
    #[derive(Deserialize)]
    struct Credentials {
        password: String,
    }
    let chosen = || {
        let message =
            "somebody chose the password of this daemon; runwisp shows only one that it made";
        Failure::Error(message.to_owned())
    };
    let way = door::way(globals, SocketTrust::Any);
    if let Some(client) = Client::local(way, None) {
        return match client.get("/api/local/credentials") {
            Ok(Credentials { password }) => {
                Ok(Outcome::success(format!("{}\n", escape(&password))))
            }
            Err(Refusal::Said { status: 404, .. }) => Err(chosen()),
            Err(refusal) => Err(refusal.into()),
        };
    }
    if variable.is_some_and(|value| !value.is_empty()) {
        return Err(chosen());
    }
    let data = &globals.data.path;
    match secrets::read(None, data).map_err(failed)?.password {
        Some(password) => Ok(Outcome::success(format!("{}\n", escape(&password.text)))),
        None => Err(Failure::Error(format!(
            "there is no {}; the daemon makes a password at its first start",
            secrets::path(data).display()
        ))),
    }
}
