//! Runs as processes: what to execute, the thread that watches it, and what a killed daemon left.

mod account;
mod begin;
pub(crate) mod cgroup;
mod command;
mod crew;
mod facts;
pub(crate) mod health;
mod mask;
pub(crate) mod run;
mod snapshot;
pub(crate) mod spec;
mod stopper;
pub(crate) mod survivor;
pub(crate) mod vigil;
mod watch;

pub(crate) use crew::Crew;
pub(crate) use stopper::Stopper;

#[cfg(test)]
mod tests;
