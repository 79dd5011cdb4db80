//! What `/metrics` needs at a start (docs/deployment.md, Metrics).

use std::net::TcpListener;
use std::path::Path;

use crate::base::sentence::error_text;
use crate::config::{Config, Metrics};
use crate::daemon::StartError;
use crate::store::{Reader, Store};
use crate::tally::Tally;
use crate::web::client::address;

/// Opens the listener that serves nothing else, if there is to be one.
pub(super) fn listen(config: &Config) -> Result<Option<TcpListener>, StartError> {
    let Metrics::Own { host, port } = &config.metrics else { return Ok(None) };
    TcpListener::bind((host.as_str(), *port)).map(Some).map_err(|error| {
        let (at, cause) = (address(host, *port), error_text(&error));
        StartError(format!("cannot listen on {at}, the metrics_listen of [daemon]: {cause}"))
    })
}

/// What is counted from now on, with how the jobs stood before; `None` where nobody can read it.
pub(super) fn tally(
    config: &Config,
    store: &Store,
    database: &Path,
) -> Result<Option<Tally>, StartError> {
    if config.metrics == Metrics::Off {
        return Ok(None);
    }
    let tally = Tally::default();
    for job in &config.jobs {
        let newest = [store.newest_executed(&job.name)?, store.newest_success(&job.name)?];
        newest.iter().flatten().for_each(|run| tally.remember(run));
    }
    store.unfinished()?.iter().for_each(|row| tally.remember(&row.run));
    tally.remember_failure(Reader::open(database)?.summary()?.last_failure);
    Ok(Some(tally))
}
