//! The history: lists, single runs, bulk actions, pictures.

use crate::web::api::{bulk, pictures, reload, runs};
use crate::web::routes::{
    NOTHING, PING, RUN_CHANGED, Route, TEXT, content, delete, events, get, json, optional, post,
};
use crate::web::stream::events;

pub(super) static ROUTES: &[Route] = &[
    get("/api/tasks/{taskName}/runs", "getTaskRuns", runs::of_task)
        .about("Runs of one task")
        .gives(json("RunsResponseBody"))
        .params(runs::LIST)
        .fails(&[404]),
    get("/api/tasks/{taskName}/runs/{runId}", "getRun", runs::one)
        .about("One run")
        .gives(json("Run"))
        .fails(&[404]),
    delete("/api/tasks/{taskName}/runs/{runId}", "deleteRun", runs::delete)
        .about("Delete a run and its log")
        .gives(NOTHING)
        .fails(&[404, 409, 503]),
    get("/api/tasks/{taskName}/runs/{runId}/snapshot", "getRunSnapshot", runs::snapshot)
        .alias("/api/runs/{runId}/snapshot")
        .about("What the machine looked like when a run went wrong")
        .gives(TEXT)
        .fails(&[404]),
    get("/api/tasks/{taskName}/runs/{runId}/definition", "getRunDefinition", reload::definition)
        .alias("/api/runs/{runId}/definition")
        .about("What a run ran with, as the file had it")
        .gives(json("Definition"))
        .fails(&[404]),
    post("/api/tasks/{taskName}/runs/{runId}/stop", "stopRun", runs::stop)
        .alias("/api/runs/{runId}/stop")
        .about("Stop a run")
        .gives(json("StopRunOutputBody"))
        .takes(optional("Empty"))
        .fails(&[404, 409, 503]),
    get("/api/runs", "getAllRuns", runs::all)
        .about("Runs of all tasks")
        .gives(json("RunsResponseBody"))
        .params(runs::LIST),
    get("/api/runs/summary", "getRunSummary", runs::summary)
        .about("How many runs, and how many failed")
        .gives(json("RunSummary")),
    get("/api/runs/stream", "streamRuns", events::runs)
        .about("Runs as they change")
        .gives(events(&[RUN_CHANGED, PING]))
        .fails(&[503]),
    get("/api/runs/{runId}", "getRunById", runs::one)
        .about("One run by its id alone")
        .gives(json("Run"))
        .fails(&[404]),
    delete("/api/runs/{runId}", "deleteRunById", runs::delete)
        .about("Delete a run and its log by its id alone")
        .gives(NOTHING)
        .fails(&[404, 409, 503]),
    post("/api/runs/bulk/delete", "bulkDeleteRuns", bulk::delete)
        .about("Put runs into the trash")
        .gives(json("BulkAffected"))
        .takes(content("RunSelector"))
        .fails(&[503]),
    post("/api/runs/bulk/restore", "bulkRestoreRuns", bulk::restore)
        .about("Take runs out of the trash")
        .gives(json("BulkAffected"))
        .takes(content("RunSelector"))
        .fails(&[503]),
    post("/api/runs/bulk/cancel", "bulkCancelRuns", bulk::cancel)
        .about("Stop runs")
        .gives(json("BulkAffected"))
        .takes(content("RunSelector"))
        .fails(&[503]),
    post("/api/runs/bulk/rerun", "bulkRerunRuns", bulk::rerun)
        .about("Start the tasks of runs again")
        .gives(json("BulkTriggered"))
        .takes(content("RunSelector"))
        .fails(&[503]),
    get("/api/timeline", "getTimeline", pictures::timeline)
        .about("All runs that touch a window")
        .gives(json("Timeline"))
        .params(&[&pictures::FROM, &pictures::TO, &pictures::BUCKET, &pictures::MERGE])
        .fails(&[503]),
    get("/api/outcomes", "getOutcomes", pictures::outcomes)
        .about("The last outcomes of every task")
        .gives(json("Outcomes"))
        .params(&[&pictures::LAST]),
];
