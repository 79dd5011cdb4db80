//! Logging in and out, and what a caller's session is worth (docs/security.md, Login).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::auth::{cookie, redirect};
use crate::web::context::Context;
use crate::web::http::{Problem, Reply, Whole};
use crate::web::params::{Kind, Param};
use crate::web::router::Call;

pub(crate) static TICKET: Param = Param {
    name: "ticket",
    about: "From createLaunchTicket; good once and for a minute",
    // An answer repeats what it refuses, and this is a secret: a longer one is just wrong.
    kind: Kind::Cut { longest: 64 },
};
pub(crate) static REDIRECT: Param = Param {
    name: "redirect",
    about: "The path to go to, such as /runs; anything but a path of this site is /",
    kind: Kind::Text { longest: 2048 },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    nonce: String,
    response: String,
}

#[derive(Serialize)]
struct Challenge {
    nonce: String,
}

#[derive(Serialize)]
struct Token {
    token: String,
}

#[derive(Serialize)]
struct AuthStatus {
    authenticated: bool,
}

#[derive(Serialize)]
struct LaunchTicket {
    ticket: String,
}

#[derive(Serialize)]
struct LocalCredentials {
    password: String,
    /// Whether a restart changes it; the file outlives restarts.
    ephemeral: bool,
}

pub(crate) fn challenge(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let nonce = context.guard.challenge(call.request)?;
    Ok(Whole::json(200, &Challenge { nonce }).into())
}

pub(crate) fn login(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let Login { nonce, response } = call.body()?;
    let token = context.guard.log_in(call.request, &nonce, &response)?;
    let cookie = cookie::set(&token, context.guard.channel(call.request));
    Ok(Whole::json(200, &Token { token }).header("Set-Cookie", cookie).into())
}

pub(crate) fn status(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let authenticated = context.guard.is_authenticated(call.request)?;
    Ok(Whole::json(200, &AuthStatus { authenticated }).into())
}

pub(crate) fn logout(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let cookie = cookie::cleared(context.guard.channel(call.request));
    Ok(Whole::new(204).header("Set-Cookie", cookie).into())
}

pub(crate) fn launch_ticket(context: &Arc<Context>, _: &Call<'_>) -> Result<Reply, Problem> {
    let ticket = context.guard.ticket()?;
    Ok(Whole::json(200, &LaunchTicket { ticket }).into())
}

pub(crate) fn launch(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let ticket = call.values.text(&TICKET).unwrap_or_default();
    let token = context.guard.redeem(call.request, ticket)?;
    let cookie = cookie::set(&token, context.guard.channel(call.request));
    let place = redirect::local(call.values.text(&REDIRECT));
    Ok(Whole::new(302).header("Location", place).header("Set-Cookie", cookie).into())
}

pub(crate) fn credentials(context: &Arc<Context>, _: &Call<'_>) -> Result<Reply, Problem> {
    let password = context.guard.password()?;
    Ok(Whole::json(200, &LocalCredentials { password, ephemeral: false }).into())
}
