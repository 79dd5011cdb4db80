//! Operating jobs over the API: what each verb answers and what then really happens
//! (docs/api.md, Operating tasks).

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use crate::harness::daemon::PATIENCE;
use crate::harness::http::Answer;
use crate::harness::login::Session;
use crate::harness::{Daemon, Home, process, wait_for, wait_until};

fn operate(session: &Session, job: &str, verb: &str) -> Answer {
    session.post(&format!("/api/tasks/{job}/{verb}"), "")
}

/// The message of a verb that must work.
#[track_caller]
fn told(session: &Session, job: &str, verb: &str) -> String {
    let answer = operate(session, job, verb);
    assert_eq!(answer.status, 200, "{verb} of {job}: {answer:?}");
    answer.json()["message"].as_str().unwrap().to_owned()
}

fn task(session: &Session, name: &str) -> Value {
    let answer = session.get(&format!("/api/tasks/{name}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn count(home: &Home, job: &str, status: &str) -> usize {
    home.rows(job).iter().filter(|row| row.status == status).count()
}

/// Waits until so many processes of the job have printed something.
#[track_caller]
fn wait_begun(home: &Home, job: &str, runs: usize) {
    let begun = || home.rows(job).iter().filter(|row| home.log(row).contains("begun")).count();
    wait_until(&format!("{runs} of {job} have begun"), PATIENCE, || begun() == runs);
}

const LONG: &str = "echo begun; exec sleep 611";

#[test]
fn a_run_is_made_queued_refused_or_told_to_have_been_skipped() {
    let home = Home::new(&format!(
        "[tasks.queue]\nmax_queued = 1\nrun = '{LONG}'\n
         [tasks.skip]\non_overlap = 'skip'\nrun = '{LONG}'\n
         [tasks.closed]\napi_trigger = false\nrun = '{LONG}'\n
         [services.web]\ninstances = 2\nrun = '{LONG}'\n"
    ));
    let daemon = home.start();
    let session = daemon.login();
    wait_begun(&home, "web", 2);
    for (job, expected) in [
        ("queue", "running"),
        ("queue", "pending"),
        ("queue", "queue_full"),
        ("skip", "running"),
        ("skip", "skipped"),
    ] {
        let answer = operate(&session, job, "run");
        assert_eq!(answer.status, 201, "{answer:?}");
        let run = answer.json();
        let became = run.get("end_reason").unwrap_or(&run["status"]);
        assert_eq!(became, expected, "{run}");
        assert_eq!(run["exit_code"], if run["status"] == "ended" { -1 } else { 0 }, "{run}");
        assert_eq!((&run["triggered_by"], &run["task_name"]), (&"api".into(), &job.into()));
        let rows = home.rows(job);
        let row = rows.iter().find(|row| row.id == run["id"].as_str().unwrap());
        assert!(row.is_some(), "the row was there before the answer");
    }
    for (job, verb, status, detail) in [
        ("unknown", "run", 404, "task not found: unknown"),
        ("unknown", "pause", 404, "task not found: unknown"),
        ("closed", "run", 403, "API triggering disabled for this task"),
        ("closed", "stop", 403, "API triggering disabled for this task"),
        ("web", "run", 409, "no free replica slots"),
        ("queue", "pause", 400, "queue has no schedule to pause"),
        ("web", "resume", 400, "web has no schedule to pause"),
    ] {
        let answer = operate(&session, job, verb);
        assert_eq!((answer.status, answer.detail()), (status, detail.to_owned()), "{verb} {job}");
    }
    assert_eq!((home.rows("closed").len(), home.rows("web").len()), (0, 2), "no row");
    for (path, body, status) in [
        ("/api/tasks/queue/trigger", "{}", 201),
        ("/api/tasks/queue/run", r#"{"$schema":"x"}"#, 201),
        ("/api/tasks/queue/run", r#"{"params":{"x":"1"}}"#, 422),
        ("/api/tasks/queue/run", r#"{"param":{}}"#, 422),
        ("/api/tasks/queue/run", "[", 400),
        ("/api/tasks/queue/run?wait=yes", "", 422),
        ("/api/tasks/queue/run?wait=true&wait_timeout=241", "", 422),
        ("/api/tasks/a%20b/run", "", 422),
    ] {
        let answer = session.post(path, body);
        assert_eq!(answer.status, status, "{path} {body}: {answer:?}");
    }
    assert_eq!(session.get("/api/tasks/queue/run").status, 405);
    daemon.stop_well();
}

#[test]
fn whoever_waits_gets_the_run_that_is_over_or_the_run_as_it_is() {
    let home = Home::new(&format!(
        "[tasks.quick]\nrun = 'exit 3'\n
         [tasks.gate]\nparallelism = 4\nrun = 'echo begun; until [ -e open ]; do sleep 0.02; done'\n
         [tasks.long]\nrun = '{LONG}'\n"
    ));
    let daemon = home.start();
    let session = daemon.login();
    let run = session.post("/api/tasks/quick/run?wait=true", "");
    assert_eq!(run.status, 201);
    let run = run.json();
    assert_eq!((&run["end_reason"], &run["exit_code"]), (&"failed".into(), &3.into()), "{run}");
    assert!(run["start_at"].is_string() && run["end_at"].is_string(), "{run}");

    let asked = Instant::now();
    let run = session.post("/api/tasks/long/run?wait=true&wait_timeout=1", "");
    assert_eq!((run.status, &run.json()["status"]), (201, &"running".into()));
    assert!(asked.elapsed() >= Duration::from_secs(1));

    // More of them than there are workers: nobody else waits for them.
    std::thread::scope(|scope| {
        let wait = || session.post("/api/tasks/gate/run?wait=true&wait_timeout=60", "").json();
        let waiting: Vec<_> = (0..12).map(|_| scope.spawn(wait)).collect();
        wait_until("all are there", PATIENCE, || home.rows("gate").len() == 12);
        let asked = Instant::now();
        assert_eq!(session.get("/api/tasks").status, 200);
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        home.write("open", "");
        for one in waiting {
            assert_eq!(one.join().unwrap()["end_reason"], "success");
        }
    });

    // Whoever waits while the daemon stops is not kept.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| session.post("/api/tasks/long/run?wait=true", ""));
        wait_until("it waits", PATIENCE, || count(&home, "long", "pending") == 1);
        let (status, took) = daemon.stop();
        assert_eq!(status.code(), Some(0));
        assert!(took < Duration::from_secs(4), "{took:?}");
        drop(waiting.join());
    });
}

#[test]
fn a_task_starts_once_stops_whole_and_restarts_one_after_the_other() {
    let home = Home::new(&format!(
        "[tasks.a]\non_overlap = 'skip'\nrun = '{LONG}'\n
         [tasks.queue]\nrun = '{LONG}'\n
         [tasks.flaky]\nretry_attempts = 5\nretry_delay = '60s'\nrun = 'exit 1'\n"
    ));
    let daemon = home.start();
    let session = daemon.login();
    assert_eq!(told(&session, "a", "stop"), "nothing to stop");
    assert_eq!(told(&session, "a", "start"), "starting");
    assert_eq!(told(&session, "a", "start"), "already active");
    wait_begun(&home, "a", 1);
    assert_eq!(told(&session, "a", "restart"), "restarting");
    wait_begun(&home, "a", 2);
    let rows = home.rows("a");
    assert_eq!((rows.len(), rows[0].end(), &*rows[1].status), (2, "stopped 143".into(), "running"));
    assert!(rows[1].start_at >= rows[0].end_at, "one after the other: {rows:?}");
    assert_eq!(told(&session, "a", "stop?wait=true"), "stopped 1 run");
    assert_eq!(home.rows("a")[1].end(), "stopped 143");

    (0..3).for_each(|_| assert_eq!(operate(&session, "queue", "run").status, 201));
    wait_begun(&home, "queue", 1);
    assert_eq!(told(&session, "queue", "stop"), "stopping 1 run, cancelled 2 waiting runs");
    wait_until("all are over", PATIENCE, || count(&home, "queue", "ended") == 3);
    assert!(home.rows("queue").iter().all(|row| row.reason() == "stopped"));

    assert_eq!(operate(&session, "flaky", "run?wait=true").json()["end_reason"], "failed");
    // The retry gets its timer when the end is durable, just after that was told.
    wait_for("the retry is called off", PATIENCE, || {
        (told(&session, "flaky", "stop") == "cancelled 1 waiting run").then_some(())
    });
    let rows = home.rows("flaky");
    assert_eq!(
        (rows.len(), rows[1].end(), &rows[1].retry_of),
        (2, "stopped -1".into(), &Some(rows[0].id.clone()))
    );
    daemon.kill9();
    let daemon = home.start();
    assert_eq!(told(&daemon.login(), "flaky", "stop"), "nothing to stop", "not even after a crash");
    daemon.stop_well();
}

#[test]
fn a_stopped_service_stays_so_until_it_is_started_and_a_restart_heals() {
    let home = Home::new(&format!(
        "[services.web]\ninstances = 3\nrestart_delay = '60s'\nrun = '{LONG}'\n"
    ));
    let daemon = home.start();
    let session = daemon.login();
    wait_begun(&home, "web", 3);
    let first = process::children(daemon.pid());
    assert_eq!(told(&session, "web", "stop?wait=true"), "stopped 3 instances");
    assert_eq!(count(&home, "web", "running"), 0);
    assert!(first.iter().all(|pid| !process::is_alive(*pid)));
    assert_eq!(task(&session, "web")["stopped"], true);
    assert_eq!(told(&session, "web", "stop"), "nothing to stop");
    assert_eq!(told(&session, "web", "start?wait=true"), "started 3 instances");
    assert_eq!(task(&session, "web").get("stopped"), None);
    assert_eq!(told(&session, "web", "start"), "already active");
    wait_begun(&home, "web", 6);

    // A replica that died waits for a minute; a restart does not.
    let pids = process::children(daemon.pid());
    assert_eq!(pids.len(), 3);
    process::signal(pids[0], "KILL");
    wait_until("it is gone", PATIENCE, || count(&home, "web", "running") == 2);
    assert_eq!(told(&session, "web", "restart?wait=true"), "restarted 3 instances");
    assert_eq!(count(&home, "web", "running"), 3);
    wait_begun(&home, "web", 9);
    let replaced = process::children(daemon.pid());
    assert!(replaced.iter().all(|pid| !pids.contains(pid)));

    // The stop lasts as long as the daemon.
    assert_eq!(told(&session, "web", "stop"), "stopping 3 instances");
    daemon.stop_well();
    let daemon = home.start();
    wait_begun(&home, "web", 12);
    daemon.stop_well();
}

fn ticks(home: &Home) -> usize {
    home.rows("tick").iter().filter(|row| row.triggered_by == "cron").count()
}

/// Waits until another schedule of the same second has ticked so many times more.
#[track_caller]
fn pass(home: &Home, seconds: usize) {
    let before = home.rows("clock").len();
    wait_until("time passes", PATIENCE, || home.rows("clock").len() >= before + seconds);
}

#[test]
fn a_pause_lasts_over_restarts_and_crashes_and_misses_nothing() {
    let home = Home::new(
        "[tasks.clock]\ncron = '* * * * * *'\nrun = 'true'\n
         [tasks.tick]\ncron = '* * * * * *'\ncatch_up = 'all'\nrun = 'true'\n",
    );
    let daemon = home.start();
    let session = daemon.login();
    wait_until("it ticks", PATIENCE, || ticks(&home) >= 1);
    let next = task(&session, "tick")["next_run_at"].as_str().unwrap().to_owned();
    assert!(next.parse::<Timestamp>().is_ok(), "{next}");
    assert_eq!(told(&session, "tick", "pause"), "paused");
    assert_eq!(told(&session, "tick", "pause"), "paused");
    let before = ticks(&home);
    // A second may have passed while the daemon started.
    let missed =
        |home: &Home| home.rows("tick").iter().filter(|row| row.reason() == "missed").count();
    let missed_before = missed(&home);
    let is_paused = |daemon: &Daemon<'_>| {
        let session = daemon.login();
        let shown = task(&session, "tick");
        assert_eq!((&shown["paused"], shown.get("next_run_at")), (&true.into(), None), "{shown}");
        let upcoming = session.get("/api/upcoming?limit=20").json();
        let items = upcoming["items"].as_array().unwrap();
        assert!(items.len() == 20 && upcoming["truncated"] == true, "{upcoming}");
        assert!(items.iter().all(|item| item["task_name"] == "clock"), "{upcoming}");
        let soon = Timestamp::now() + Duration::from_secs(90);
        let counted = session.get(&format!("/api/upcoming?until={soon:.0}&bucket=60")).json();
        let buckets = counted["buckets"].as_array().unwrap();
        let sum: u64 = buckets.iter().map(|bucket| bucket["count"].as_u64().unwrap()).sum();
        assert_eq!(sum, counted["items"].as_array().unwrap().len() as u64, "{counted}");
        assert!(buckets.len() >= 2 && counted["truncated"] == false, "{counted}");
        assert!(buckets.iter().all(|bucket| bucket["at"].as_str().unwrap().ends_with(":00.000Z")));
        assert_eq!(session.get("/api/upcoming?bucket=10").status, 422, "too many buckets");
    };
    is_paused(&daemon);
    pass(&home, 2);
    assert_eq!(operate(&session, "tick", "run?wait=true").json()["end_reason"], "success");
    daemon.kill9();
    let daemon = home.start();
    is_paused(&daemon);
    pass(&home, 2);
    daemon.stop_well();
    let daemon = home.start();
    is_paused(&daemon);
    pass(&home, 2);
    assert_eq!(ticks(&home), before, "nothing ran and nothing was caught up");
    let session = daemon.login();
    assert_eq!(told(&session, "tick", "resume"), "resumed");
    assert_eq!(told(&session, "tick", "resume"), "resumed");
    wait_until("it ticks again", PATIENCE, || ticks(&home) > before);
    assert_eq!(missed(&home), missed_before, "{:?}", home.rows("tick"));
    assert_eq!(task(&session, "tick").get("paused"), None);
    daemon.stop_well();
}

#[test]
fn the_list_has_every_job_in_the_order_of_the_file() {
    let home = Home::new(
        "[tasks.z]\ncron = '0 3 1 1 *'\nrun = 'echo secret'\n[tasks.a]\nrun = 'echo secret'\n
         [services.m]\nrun = 'sleep 612'\nsecrets = { TOKEN = 'secret' }\nhealth_check = { run = 'echo', secrets = { A = 'secret' } }\n",
    );
    let daemon = home.start();
    let session = daemon.login();
    let answer = session.get("/api/tasks");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let list = answer.json();
    let names: Vec<&str> =
        list.as_array().unwrap().iter().map(|task| task["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["z", "a", "m"]);
    for (place, name) in names.iter().enumerate() {
        assert_eq!(list[place], task(&session, name));
    }
    assert!(list[0]["next_run_at"].as_str().unwrap().ends_with("-01-01T03:00:00.000Z"), "{list}");
    assert!(!answer.body.contains("secret"));
    assert_eq!(session.get("/api/tasks/unknown").status, 404);
    daemon.stop_well();
}

/// A task that notices when another run of it is there.
fn exclusive(policy: &str) -> String {
    format!(
        "[tasks.{policy}]\non_overlap = '{policy}'\n\
         run = 'mkdir {policy} || {{ touch overlap; exit 9; }}; sleep 0.02; rmdir {policy}'\n"
    )
}

#[test]
fn a_hundred_triggers_at_once_never_overlap() {
    let policies = ["queue", "skip"];
    let home = Home::new(&policies.map(exclusive).concat());
    let daemon = home.start();
    let session = daemon.login();
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                for job in [0, 1].repeat(10).iter().map(|place| policies[*place]) {
                    assert_eq!(operate(&session, job, "run").status, 201);
                }
            });
        }
    });
    for job in policies {
        wait_until("all are over", PATIENCE, || count(&home, job, "ended") == 100);
        assert!(home.rows(job).iter().all(|row| ["success", "skipped"].contains(&row.reason())));
    }
    assert_eq!(home.rows("queue").iter().filter(|row| row.reason() == "success").count(), 100);
    let mut rows = home.rows("queue");
    rows.sort_by_key(|row| row.start_at);
    assert!(rows.is_sorted_by_key(|row| row.id.clone()), "nobody overtook another one");
    assert!(!home.path("overlap").exists());
    daemon.stop_well();
}

#[test]
fn nothing_is_operated_once_the_stop_has_begun() {
    let home = Home::new(&format!(
        "[tasks.stubborn]\nrun = \"trap '' TERM; echo begun; while :; do sleep 0.05; done\"\n
         [tasks.a]\nrun = '{LONG}'\n"
    ));
    let mut daemon = home.start();
    let session = daemon.login();
    (0..2).for_each(|_| assert_eq!(operate(&session, "stubborn", "run").status, 201));
    wait_begun(&home, "stubborn", 1);
    daemon.signal("TERM");
    wait_until("it is stopping", PATIENCE, || !daemon.is_healthy());
    for verb in ["run", "start", "restart", "stop"] {
        for job in ["a", "stubborn"] {
            let answer = operate(&session, job, verb);
            assert_eq!((answer.status, &*answer.detail()), (503, "the daemon is shutting down"));
        }
    }
    assert_eq!(daemon.wait().code(), Some(0));
    assert_eq!(home.rows("a").len(), 0);
    assert_eq!(count(&home, "stubborn", "pending"), 1, "it waits for the next daemon");
}
