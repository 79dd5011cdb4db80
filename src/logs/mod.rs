//! The output of runs: cut into lines, kept in files, read back by line number. Each run's
//! own thread is the only writer of its files; readers need nothing but the files.

mod append;
mod error;
mod feed;
mod files;
mod index;
mod limit;
pub(crate) mod lines;
mod meta;
mod path;
mod prefix;
mod reader;
pub(crate) mod redact;
mod search;
mod segment;
mod tail;
mod wanted;
mod writer;

pub(crate) use append::append_system;
pub(crate) use error::LogError;
pub(crate) use feed::{Extent, Feed, Feeds, Outlook};
pub(crate) use path::{LogFile, LogPlace};
pub(crate) use prefix::Stream;
pub(crate) use reader::LogReader;
pub(crate) use search::{Case, Needle};
pub(crate) use segment::{Line, Writing};
pub(crate) use tail::{Step, Tail};
pub(crate) use writer::{LogWriter, Observer, Verdict};

#[cfg(test)]
mod tests;
