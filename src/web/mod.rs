//! HTTP in, answers out.

pub(crate) mod api;
pub(crate) mod assets;
pub(crate) mod client;
pub(crate) mod context;
pub(crate) mod gate;
pub(crate) mod guard;
pub(crate) mod health;
pub(crate) mod http;
pub(crate) mod json;
pub(crate) mod metrics;
pub(crate) mod params;
pub(crate) mod refusal;
pub(crate) mod router;
pub(crate) mod routes;
pub(crate) mod server;
pub(crate) mod stream;
pub(crate) mod wait;
