//! Keeps the door: who has a session, which address is asking, and requests that another site
//! made a browser send. Logging in is in `login`; what is decided there and here is `auth`'s.

pub(crate) mod keys;
mod login;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use crate::auth::cookie::{self, Channel};
use crate::auth::origin::{self, Claims};
use crate::auth::proxy::{Proxies, last_value};
use crate::base::time::Clock;
use crate::current::{Configured, Current};
use crate::web::guard::keys::{KeyRing, Keys, PATIENCE};
use crate::web::guard::login::Books;
use crate::web::http::{Peer, Problem, Request};

/// What a proxy adds. Whoever sends one of them is not the one who has connected.
const FORWARDING: [&str; 6] =
    ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Via", "X-Real-IP"];

/// Keeps the door.
pub(crate) struct Guard {
    clock: Clock,
    configured: Configured,
    /// Those of the environment; `None` leaves it to the configuration.
    proxies: Option<Proxies>,
    keys: KeyRing,
    /// On the steady clock: nobody waits for the keys after it.
    keys_by: Duration,
    /// Locked for one look or one entry, microseconds.
    books: Mutex<Books>,
    warned: AtomicBool,
}

/// A caller that may do everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) proof: Proof,
    /// When the token that was shown expires; the control socket's never does.
    pub(crate) until: Option<Timestamp>,
}

/// What a session was shown with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Socket,
    Bearer,
    Cookie,
}

impl Guard {
    pub(crate) fn new(
        clock: Clock,
        configured: Configured,
        proxies: Option<Proxies>,
        keys: KeyRing,
    ) -> Guard {
        let (books, warned) = (Mutex::default(), AtomicBool::new(false));
        let keys_by = clock.now().steady + PATIENCE;
        Guard { clock, configured, proxies, keys, keys_by, books, warned }
    }

    /// The session of a request, or 401.
    pub(crate) fn session(&self, request: &Request) -> Result<Session, Problem> {
        self.session_within(request, self.patience())
    }

    /// [`Guard::session`] for whoever must not wait: 503 while the daemon is starting.
    pub(crate) fn session_at_once(&self, request: &Request) -> Result<Session, Problem> {
        self.session_within(request, Duration::ZERO)
    }

    fn session_within(&self, request: &Request, patience: Duration) -> Result<Session, Problem> {
        if request.peer == Peer::Socket {
            return Ok(Session { proof: Proof::Socket, until: None });
        }
        let shown: Vec<(Proof, &str)> = shown(request).collect();
        if shown.is_empty() {
            log::debug!("authentication required client={}", self.shown_client(request));
            return Err(unauthorized("authentication required"));
        }
        let (keys, now) = (self.keys.keys(patience)?, self.clock.now().wall);
        let mut good = shown.into_iter().filter_map(|(proof, token)| {
            Some(Session { proof, until: Some(keys.key.verify(token, now)?) })
        });
        good.next().ok_or_else(|| {
            log::warn!("invalid or expired token client={}", self.shown_client(request));
            unauthorized("invalid or expired token")
        })
    }

    /// Whether a request shows a session; nothing is logged.
    pub(crate) fn is_authenticated(&self, request: &Request) -> Result<bool, Problem> {
        if request.peer == Peer::Socket {
            return Ok(true);
        }
        let mut shown = shown(request).peekable();
        if shown.peek().is_none() {
            return Ok(false);
        }
        let (keys, now) = (self.keys()?, self.clock.now().wall);
        Ok(shown.any(|(_, token)| keys.key.verify(token, now).is_some()))
    }

    /// 403 for a request that changes something and that another site made a browser send. A
    /// bearer token is nothing that a browser adds by itself.
    pub(crate) fn same_origin(
        &self,
        request: &Request,
        session: Option<&Session>,
    ) -> Result<(), Problem> {
        if session.is_some_and(|session| session.proof == Proof::Bearer) {
            return Ok(());
        }
        let forwarded = match self.comes_through_proxy(request) {
            true => last_value(request.all("X-Forwarded-Host")),
            false => None,
        };
        let current = self.configured.get();
        let claims = Claims {
            fetch_sites: request.all("Sec-Fetch-Site").collect(),
            origins: request.all("Origin").collect(),
            hosts: request.header("Host").into_iter().chain(forwarded).collect(),
            external: current.external_url.as_deref(),
        };
        match origin::is_own(&claims) {
            true => Ok(()),
            false => Err(Problem::new(403, "cross-origin request refused")),
        }
    }

    /// Who asks (docs/security.md, Client address); nobody's address for the control socket.
    pub(crate) fn client(&self, request: &Request) -> Option<IpAddr> {
        let Peer::Tcp(peer) = request.peer else { return None };
        let forwarded: Vec<&str> = request.all("X-Forwarded-For").collect();
        let current = self.configured.get();
        Some(self.proxies(&current).client(peer, forwarded.into_iter()))
    }

    /// Whether the address is that of a trusted proxy.
    pub(crate) fn is_trusted(&self, address: IpAddr) -> bool {
        self.proxies(&self.configured.get()).trusts(address)
    }

    fn proxies<'a>(&'a self, current: &'a Current) -> &'a Proxies {
        self.proxies.as_ref().unwrap_or(&current.trusted_proxies)
    }

    /// Whether the request was made on this machine and came straight here.
    pub(crate) fn is_local(&self, request: &Request) -> bool {
        match request.peer {
            Peer::Socket => true,
            Peer::Tcp(peer) => {
                peer.to_canonical().is_loopback()
                    && FORWARDING.iter().all(|name| request.header(name).is_none())
            }
        }
    }

    /// How the browser reaches us, as far as a trusted proxy says so.
    pub(crate) fn channel(&self, request: &Request) -> Channel {
        let last = last_value(request.all("X-Forwarded-Proto"));
        let is_https = last.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        match is_https && self.comes_through_proxy(request) {
            true => Channel::Https,
            false => Channel::Plain,
        }
    }

    /// Says once that a proxy on this machine is not trusted.
    pub(crate) fn notice(&self, request: &Request) {
        let Peer::Tcp(peer) = request.peer else { return };
        let is_proxy = peer.to_canonical().is_loopback()
            && !self.is_trusted(peer)
            && request.header("X-Forwarded-For").is_some();
        if is_proxy && !self.warned.swap(true, Ordering::Relaxed) {
            log::warn!(
                "a proxy at {peer} is not trusted: all clients share one login limit and the \
                 session cookie lacks Secure; set RUNWISP_TRUST_PROXY={peer}"
            );
        }
    }

    /// The keys, for which only the requests right after the start wait. Where they do not come at
    /// all, as on a disk that hangs, nobody holds up a worker that others need.
    fn keys(&self) -> Result<Arc<Keys>, Problem> {
        self.keys.keys(self.patience())
    }

    fn patience(&self) -> Duration {
        self.keys_by.saturating_sub(self.clock.now().steady)
    }

    fn comes_through_proxy(&self, request: &Request) -> bool {
        matches!(request.peer, Peer::Tcp(peer) if self.is_trusted(peer))
    }

    /// The address of the client, for the log.
    fn shown_client(&self, request: &Request) -> String {
        self.client(request).map_or("socket".to_owned(), |address| address.to_string())
    }
}

/// The token of `Authorization: Bearer`.
pub(crate) fn bearer(request: &Request) -> impl Iterator<Item = &str> {
    let pairs = request.all("Authorization").filter_map(|value| value.trim().split_once(' '));
    let bearers = pairs.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    bearers.map(|(_, token)| token.trim())
}

/// All tokens that a request shows.
fn shown(request: &Request) -> impl Iterator<Item = (Proof, &str)> {
    let bearers = bearer(request).map(|token| (Proof::Bearer, token));
    let cookies = request.all("Cookie").flat_map(cookie::tokens);
    let cookies = cookies.map(|token| (Proof::Cookie, token));
    bearers.chain(cookies).filter(|(_, token)| !token.is_empty())
}

fn unauthorized(detail: &'static str) -> Problem {
    Problem::new(401, detail).header("WWW-Authenticate", "Bearer")
}

#[cfg(test)]
mod tests;
