//! Who comes in: login, sessions, launch tickets, the password for the daemon's own user.

use crate::web::api::session;
use crate::web::routes::{Access, NOTHING, REDIRECT, Route, content, get, json, post};

pub(super) static ROUTES: &[Route] = &[
    get("/api/auth/challenge", "getChallenge", session::challenge)
        .about("A nonce to log in with")
        .gives(json("Challenge"))
        .access(Access::Public)
        .fails(&[429]),
    post("/api/auth", "login", session::login)
        .about("Answer a challenge and get a session")
        .gives(json("Token"))
        .access(Access::Public)
        .takes(content("Login"))
        .fails(&[401, 429]),
    get("/api/auth/status", "getAuthStatus", session::status)
        .about("Whether the caller has a session")
        .gives(json("AuthStatus"))
        .access(Access::Public),
    post("/api/auth/logout", "logout", session::logout)
        .about("Clear the session cookie")
        .gives(NOTHING)
        .access(Access::Public),
    post("/api/auth/launch-ticket", "createLaunchTicket", session::launch_ticket)
        .about("A ticket for one login by link")
        .gives(json("LaunchTicket")),
    get("/api/auth/launch", "launch", session::launch)
        .about("Redeem a launch ticket on the same host")
        .gives(REDIRECT)
        .access(Access::Public)
        .params(&[&session::TICKET, &session::REDIRECT])
        .fails(&[401, 403, 429]),
    get("/api/local/credentials", "getLocalCredentials", session::credentials)
        .about("The generated password, over the control socket only")
        .gives(json("LocalCredentials"))
        .access(Access::Socket)
        .fails(&[403, 404]),
];
