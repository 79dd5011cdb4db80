//! The shapes of the API that more than one handler answers with (docs/api.md).

mod details;
pub(crate) mod run;
pub(crate) mod task;
