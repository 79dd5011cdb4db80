//! The ways in: the challenge and its answer, launch tickets, hook tokens. All of them are counted
//! by address (docs/security.md, Login limit), and each nonce and ticket is used up under one lock.

use std::net::IpAddr;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use crate::auth::challenge::{Consumed, NONCE_BYTES, Nonces, is_answered};
use crate::auth::hook::{self, Permit};
use crate::auth::letters::letters;
use crate::auth::throttle::{Throttle, TooMany};
use crate::auth::ticket::{TICKET_LETTERS, Tickets};
use crate::model::job::{Hook, Verb};
use crate::web::guard::keys::Origin;
use crate::web::guard::{Guard, unauthorized};
use crate::web::http::{Problem, Request};

/// What the door remembers; a restart forgets it.
#[derive(Debug, Default)]
pub(super) struct Books {
    nonces: Nonces,
    tickets: Tickets,
    logins: Throttle,
    hooks: Throttle,
}

/// Why somebody did not get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    TooMany(TooMany),
    Said(&'static str),
}

impl Guard {
    /// A nonce to answer.
    pub(crate) fn challenge(&self, request: &Request) -> Result<String, Problem> {
        let mut random = [0; NONCE_BYTES];
        getrandom::fill(&mut random).map_err(Problem::internal)?;
        let (client, now) = (self.client(request), self.clock.now().steady);
        let mut books = self.books();
        let paid = client.map(|client| books.logins.take(client, now)).transpose();
        let nonce = paid.map(|paid| books.nonces.issue(random, paid, now));
        drop(books);
        nonce.map_err(|too_many| self.refuse(request, too_many.into()))
    }

    /// A token for whoever has answered a nonce with the password.
    pub(crate) fn log_in(
        &self,
        request: &Request,
        nonce: &str,
        response: &str,
    ) -> Result<String, Problem> {
        let (keys, client, now) = (self.keys()?, self.client(request), self.clock.now());
        let is_right = || is_answered(&keys.password, nonce, response);
        let judged = self.books().log_in(client, nonce, is_right, now.steady);
        judged.map_err(|refusal| self.refuse(request, refusal))?;
        Ok(keys.key.sign(now.wall))
    }

    /// A ticket for one login by link.
    pub(crate) fn ticket(&self) -> Result<String, Problem> {
        let ticket = letters(TICKET_LETTERS, getrandom::fill);
        let ticket = ticket.map_err(Problem::internal)?;
        self.books().tickets.add(ticket.clone(), self.clock.now().steady);
        Ok(ticket)
    }

    /// A token for whoever has a ticket on this machine.
    pub(crate) fn redeem(&self, request: &Request, ticket: &str) -> Result<String, Problem> {
        if !self.is_local(request) {
            let detail = "a launch ticket is good on the daemon's own machine only";
            return Err(Problem::new(403, detail));
        }
        let (keys, client, now) = (self.keys()?, self.client(request), self.clock.now());
        let judged = self.books().redeem(client, ticket, now.steady);
        judged.map_err(|refusal| self.refuse(request, refusal))?;
        Ok(keys.key.sign(now.wall))
    }

    /// What a token may do with the job that these hooks belong to: the verb, if there is one.
    pub(crate) fn hook(
        &self,
        request: &Request,
        hooks: &[Hook],
        token: &str,
        verb: Option<Verb>,
    ) -> Result<Verb, Problem> {
        let (client, now) = (self.client(request), self.clock.now().steady);
        let judged = self.books().hook(client, || hook::judge(hooks, token, verb), now);
        match (judged.map_err(|refusal| self.refuse(request, refusal))?, verb) {
            (Permit::Granted, Some(verb)) => Ok(verb),
            (Permit::Granted | Permit::NotForThis | Permit::WrongToken, _) => {
                Err(Problem::new(403, "the token does not allow this action"))
            }
        }
    }

    /// The password where it is ours to tell.
    pub(crate) fn password(&self) -> Result<String, Problem> {
        let keys = self.keys()?;
        match keys.origin {
            Origin::File => Ok(keys.password.clone()),
            Origin::Operator => Err(Problem::new(404, "the operator has set the password")),
        }
    }

    /// Says so in the log, with the address and nothing that was tried.
    fn refuse(&self, request: &Request, refusal: Refusal) -> Problem {
        let client = self.shown_client(request);
        let problem = match refusal {
            Refusal::TooMany(TooMany { retry_after }) => {
                Problem::new(429, "too many authentication attempts")
                    .header("Retry-After", retry_after.to_string())
            }
            Refusal::Said(detail) => unauthorized(detail),
        };
        log::warn!("login refused status={} client={client}: {}", problem.status, problem.detail);
        problem
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // Nothing panics under the lock, so books that were left are whole.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    /// An answer to a live nonce was paid for with the nonce; any other costs an attempt.
    fn log_in(
        &mut self,
        client: Option<IpAddr>,
        nonce: &str,
        is_right: impl FnOnce() -> bool,
        now: Duration,
    ) -> Result<(), Refusal> {
        let Some(Consumed { paid }) = self.nonces.consume(nonce, now) else {
            pay(&mut self.logins, client, now)?;
            return Err(Refusal::Said("Invalid or expired challenge"));
        };
        client.map(|client| self.logins.check(client, paid, now)).transpose()?;
        if !is_right() {
            return Err(Refusal::Said("Invalid password"));
        }
        paid.into_iter().for_each(|paid| self.logins.give_back(paid));
        Ok(())
    }

    fn redeem(
        &mut self,
        client: Option<IpAddr>,
        ticket: &str,
        now: Duration,
    ) -> Result<(), Refusal> {
        client.map(|client| self.logins.check(client, None, now)).transpose()?;
        if self.tickets.redeem(ticket, now) {
            return Ok(());
        }
        pay(&mut self.logins, client, now)?;
        Err(Refusal::Said("invalid or expired ticket"))
    }

    fn hook(
        &mut self,
        client: Option<IpAddr>,
        judge: impl FnOnce() -> Permit,
        now: Duration,
    ) -> Result<Permit, Refusal> {
        client.map(|client| self.hooks.check(client, None, now)).transpose()?;
        let permit = judge();
        if permit != Permit::WrongToken {
            return Ok(permit);
        }
        pay(&mut self.hooks, client, now)?;
        Err(Refusal::Said("invalid token"))
    }
}

/// Takes an attempt from whoever has an address.
fn pay(throttle: &mut Throttle, client: Option<IpAddr>, now: Duration) -> Result<(), TooMany> {
    client.map(|client| throttle.take(client, now)).transpose().map(|_| ())
}

impl From<TooMany> for Refusal {
    fn from(too_many: TooMany) -> Refusal {
        Refusal::TooMany(too_many)
    }
}
