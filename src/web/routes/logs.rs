//! The output of runs.

use crate::web::api::{logs, search};
use crate::web::routes::{Route, TEXT, event, get, json, resumable};
use crate::web::stream::log;

pub(super) static ROUTES: &[Route] = &[
    get("/api/tasks/{taskName}/runs/{runId}/log", "getLogPage", logs::page)
        .alias("/api/runs/{runId}/log")
        .about("Lines of a log")
        .gives(json("LogPageBody"))
        .params(&[&logs::FROM, &logs::LIMIT])
        .fails(&[404]),
    get("/api/tasks/{taskName}/runs/{runId}/log/raw", "getLogRaw", logs::raw)
        .alias("/api/runs/{runId}/log/raw")
        .about("A log byte for byte")
        .gives(TEXT)
        .params(&[&logs::DOWNLOAD])
        .fails(&[404, 503]),
    get("/api/tasks/{taskName}/runs/{runId}/log/stream", "streamLog", log::stream)
        .alias("/api/runs/{runId}/log/stream")
        .about("A log as it is written")
        .gives(resumable(&[
            event(&["line"], "LogLineEntry"),
            event(&["rotated"], "LogRotatedEvent"),
            event(&["dropped"], "LogDroppedEvent"),
            event(&["done"], "LogDoneEvent"),
        ]))
        .params(&[&logs::FROM, &log::REPLAY_LIMIT])
        .fails(&[404, 503]),
    get("/api/tasks/{taskName}/log/search", "searchLogs", search::search)
        .about("Find lines in the logs of a task")
        .gives(json("LogSearchBody"))
        .params(search::PARAMS)
        .fails(&[404, 503]),
];
