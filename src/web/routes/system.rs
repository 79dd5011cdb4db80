//! The daemon and its host.

use crate::web::api::{document, pictures, reload, system};
use crate::web::routes::{
    Access, NOTIFICATION_CHANGED, RUN_CHANGED, Route, UNREAD_CHANGED, array, event, events, get,
    json, optional, post, resumable,
};
use crate::web::stream::{daemon_log, events};

pub(super) static ROUTES: &[Route] = &[
    get("/openapi.json", "getOpenApi", document::openapi)
        .about("This document")
        .gives(json("OpenApi"))
        .access(Access::Public),
    get("/api/info", "getInfo", system::info)
        .about("The daemon and its tasks")
        .gives(json("DaemonInfo")),
    get("/api/system", "getSystemStats", system::stats)
        .about("The host now")
        .gives(json("SystemStats")),
    get("/api/system/history", "getMetricsHistory", system::history)
        .about("The host over time")
        .gives(array("MetricsSample"))
        .params(&[&system::WINDOW]),
    get("/api/daemon/history", "getDaemonHistory", pictures::daemon_history)
        .about("When the daemon was up")
        .gives(json("DaemonHistory"))
        .params(&[&pictures::HISTORY_LIMIT]),
    post("/api/reload", "reloadConfig", reload::reload)
        .about("Read the configuration again and apply it, all or nothing")
        .gives(json("ReloadBody"))
        .params(&[&reload::DRY_RUN])
        .takes(optional("Empty"))
        .alias("/api/daemon/reload")
        .fails(&[503]),
    get("/api/daemon/log-stream", "streamDaemonLog", daemon_log::stream)
        .about("The daemon's own log")
        .gives(events(&[event(&["line"], "DaemonLogLine")]))
        .fails(&[503]),
    get("/api/stream", "streamEvents", events::all)
        .about("Everything that happens")
        .gives(resumable(&[
            RUN_CHANGED,
            event(&["run.deleted"], "RunDeletedEvent"),
            NOTIFICATION_CHANGED,
            UNREAD_CHANGED,
            event(&["system.sample"], "SystemStats"),
            event(&["ping", "tasks.changed", "resync"], "Empty"),
        ]))
        .fails(&[503]),
];
