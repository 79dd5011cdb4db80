//! The handlers of the API, by subject.

pub(crate) mod bulk;
pub(crate) mod document;
pub(crate) mod hooks;
pub(crate) mod logs;
pub(crate) mod notifications;
pub(crate) mod notify;
pub(crate) mod pictures;
pub(crate) mod reload;
pub(crate) mod runs;
pub(crate) mod search;
pub(crate) mod session;
pub(crate) mod system;
pub(crate) mod tasks;
pub(crate) mod upcoming;
pub(crate) mod why;
