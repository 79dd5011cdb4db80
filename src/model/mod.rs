//! What a job, a run and an event are. No decision is made here, nothing is read or written.

pub(crate) mod alert;
pub(crate) mod change;
pub(crate) mod decision;
pub(crate) mod difference;
pub(crate) mod event;
pub(crate) mod failures;
pub(crate) mod job;
pub(crate) mod notice;
pub(crate) mod notifier;
pub(crate) mod param;
pub(crate) mod process;
pub(crate) mod run;
pub(crate) mod service;
