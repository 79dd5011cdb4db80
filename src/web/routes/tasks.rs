//! Tasks and services: what they are, and what can be done with them.

use crate::web::api::{hooks, notify, pictures, tasks, upcoming, why};
use crate::web::routes::{Access, Route, array, created, get, json, optional, post};

pub(super) static ROUTES: &[Route] = &[
    get("/api/tasks", "getTasks", tasks::list)
        .about("All tasks and services")
        .gives(array("TaskResponse")),
    get("/api/tasks/{taskName}", "getTask", tasks::one)
        .about("One task or service")
        .gives(json("TaskResponse"))
        .fails(&[404]),
    get("/api/tasks/{taskName}/why", "getWhy", why::why)
        .about("Why it ran at a moment, or did not")
        .gives(json("Why"))
        .params(&[&why::AT])
        .fails(&[404, 503]),
    post("/api/tasks/{taskName}/run", "triggerRun", tasks::run)
        .about("Start a run")
        .gives(created("Run"))
        .alias("/api/tasks/{taskName}/trigger")
        .params(&[&tasks::WAIT, &tasks::WAIT_TIMEOUT])
        .takes(optional("RunBody"))
        .fails(&[403, 404, 409, 503]),
    post("/api/tasks/{taskName}/start", "startTask", tasks::start)
        .about("Start unless it is active")
        .gives(json("StopRunOutputBody"))
        .params(&[&tasks::WAIT, &tasks::WAIT_TIMEOUT])
        .takes(optional("Empty"))
        .fails(&[403, 404, 409, 503]),
    post("/api/tasks/{taskName}/stop", "stopTask", tasks::stop)
        .about("Stop what runs and drop what waits")
        .gives(json("StopRunOutputBody"))
        .params(&[&tasks::WAIT, &tasks::WAIT_TIMEOUT])
        .takes(optional("Empty"))
        .fails(&[403, 404, 503]),
    post("/api/tasks/{taskName}/restart", "restartService", tasks::restart)
        .about("Stop and start again")
        .gives(json("StopRunOutputBody"))
        .params(&[&tasks::WAIT, &tasks::WAIT_TIMEOUT])
        .takes(optional("Empty"))
        .fails(&[403, 404, 409, 503]),
    post("/api/tasks/{taskName}/pause", "pauseTask", tasks::pause)
        .about("Switch the schedule off")
        .gives(json("StopRunOutputBody"))
        .takes(optional("Empty"))
        .fails(&[400, 403, 404, 503]),
    post("/api/tasks/{taskName}/resume", "resumeTask", tasks::resume)
        .about("Switch the schedule on again")
        .gives(json("StopRunOutputBody"))
        .takes(optional("Empty"))
        .fails(&[400, 403, 404, 503]),
    post("/api/tasks/{taskName}/mute", "muteTask", notify::mute)
        .about("Send its alerts nowhere for a while")
        .gives(json("TaskMute"))
        .takes(optional("TaskMuteBody"))
        .fails(&[404, 409, 503]),
    post("/api/tasks/{taskName}/unmute", "unmuteTask", notify::unmute)
        .about("Send its alerts again")
        .gives(json("TaskMute"))
        .takes(optional("Empty"))
        .fails(&[404, 503]),
    get("/api/tasks/{taskName}/days", "getTaskDays", pictures::days)
        .about("Outcomes by day")
        .gives(json("TaskDays"))
        .params(&[&pictures::DAYS])
        .fails(&[404]),
    get("/api/upcoming", "getUpcoming", upcoming::list)
        .about("The coming ticks of all schedules")
        .gives(json("Upcoming"))
        .params(&[&upcoming::UNTIL, &upcoming::LIMIT, &upcoming::BUCKET])
        .fails(&[503]),
    post("/api/hooks/tasks/{taskName}/{action}", "callHook", hooks::call)
        .about("Operate one task with its own token")
        .gives(json("StopRunOutputBody"))
        .access(Access::Hook)
        .params(&[&hooks::TOKEN, &tasks::WAIT, &tasks::WAIT_TIMEOUT])
        .takes(optional("Anything"))
        .fails(&[401, 403, 404, 409, 429, 503]),
];
