//! The ground everything stands on: time, ids, units and text. Knows nothing of runwisp.

pub(crate) mod bytes;
pub(crate) mod decimal;
pub(crate) mod duration;
pub(crate) mod escape;
pub(crate) mod glob;
pub(crate) mod order;
pub(crate) mod sentence;
pub(crate) mod suggest;
pub(crate) mod template;
pub(crate) mod time;
pub(crate) mod ulid;
pub(crate) mod words;
