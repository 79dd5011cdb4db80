//! HTTP in, answers out.

pub(crate) mod client;
pub(crate) mod health;
pub(crate) mod server;
