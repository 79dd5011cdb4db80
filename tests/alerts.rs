//! Alerts as those who get them see them: a real daemon, real receivers (docs/notifications.md).

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::daemon::PATIENCE;
use crate::harness::http::free_port;
use crate::harness::login::Session;
use crate::harness::sink::{Reply, Sink};
use crate::harness::{Daemon, Home, wait_for, wait_until};

/// A configuration whose alerts go to a webhook at this address, and to the feed.
fn config(url: &str, notify: &str, tasks: &str) -> String {
    format!(
        "[notify]\ndefault_notifiers = ['inapp', 'hook']\n{notify}\n
         [[notifier]]\nid = 'hook'\ntype = 'webhook'\nurl = '{url}'\n\n{tasks}"
    )
}

const BAD: &str = "[tasks.bad]\nrun = 'echo first; echo second >&2; exit 3'\n";

/// Runs a task and waits for its end.
#[track_caller]
fn run(session: &Session, task: &str) -> Value {
    let answer = session.post(&format!("/api/tasks/{task}/run?wait=true"), "");
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn feed(session: &Session) -> Vec<Value> {
    session.get("/api/notifications").json()["items"].as_array().unwrap().clone()
}

/// Waits for a row of the feed of this kind.
#[track_caller]
fn row(session: &Session, kind: &str) -> Value {
    wait_for(&format!("{kind} is in the feed"), PATIENCE, || {
        feed(session).into_iter().find(|row| row["kind"] == kind)
    })
}

fn channel(session: &Session, name: &str) -> Value {
    let settings = session.get("/api/notify").json();
    let channels = settings["channels"].as_array().unwrap().clone();
    channels.into_iter().find(|channel| channel["channel"] == name).unwrap()
}

#[test]
fn a_failure_says_what_where_and_how_it_ended_and_is_in_the_feed() {
    let sink = Sink::good();
    let toml = config(&sink.url("/hook"), "", BAD);
    let home = Home::new(&format!("[daemon]\nexternal_url = 'https://cron.example/'\n{toml}"));
    let daemon = home.start();
    let session = daemon.login();
    let ended = run(&session, "bad");
    let id = ended["id"].as_str().unwrap();
    let got = sink.next();
    let json = got.json();
    assert_eq!(got.told(), "run.failed of bad");
    assert_eq!(json["run"]["exit_code"], 3);
    assert_eq!(json["output_tail"], "first\nsecond");
    assert_eq!(json["run"]["url"], format!("https://cron.example/tasks/bad/{id}"));
    assert_eq!(json["id"].as_str().unwrap(), got.id());
    let row = row(&session, "run.failed");
    assert_eq!(row["run_id"], id);
    assert_eq!(row["title"], "bad failed");
    assert!(row["body"].as_str().unwrap().ends_with("\nfirst\nsecond"), "{row}");
    assert_eq!(session.get("/api/notifications/unread-count").json()["count"], 1);
    wait_until("it is delivered", PATIENCE, || channel(&session, "hook")["delivered"] == 1);
    assert_eq!(channel(&session, "hook")["last_answer"], "200 OK");
    daemon.stop_well();
}

#[test]
fn what_a_receiver_does_not_take_comes_again_with_the_same_id_and_in_its_turn() {
    let sink = Sink::new(|_, number| match number {
        1 => Reply::Status(500),
        2 => Reply::Cut,
        3 => Reply::With(429, "Retry-After: 1\r\n"),
        _ => Reply::Status(204),
    });
    let other = "[tasks.other]\nrun = 'exit 1'\n";
    let toml = config(&sink.url("/hook"), "", &format!("{BAD}{other}"));
    let home = Home::new(&toml);
    let daemon = home.start();
    let session = daemon.login();
    run(&session, "bad");
    run(&session, "other");
    let tries: Vec<_> = (0..5).map(|_| sink.next()).collect();
    let told: Vec<String> = tries.iter().map(|got| got.told()).collect();
    assert_eq!(told[..4], vec!["run.failed of bad"; 4]);
    assert_eq!(told[4], "run.failed of other");
    assert!(tries[..4].iter().all(|got| got.id() == tries[0].id()));
    assert_ne!(tries[4].id(), tries[0].id());
    assert!(tries[3].at - tries[2].at >= Duration::from_secs(1), "as the receiver asked");
}

#[test]
fn a_receiver_that_hangs_holds_up_no_other_channel_and_no_run() {
    let (slow, fast) = (Sink::new(|_, _| Reply::Hang), Sink::good());
    let toml = config(&slow.url("/hook"), "", BAD);
    let second = format!(
        "[[notifier]]\nid = 'fast'\ntype = 'webhook'\nurl = '{}'\n
         [[notification_route]]\nmatch = {{ kind = ['run.failed'] }}\nnotify = ['fast']\n",
        fast.url("/")
    );
    let home = Home::new(&format!("{toml}{second}"));
    let daemon = home.start();
    let session = daemon.login();
    let begun = Instant::now();
    run(&session, "bad");
    fast.next();
    slow.next();
    run(&session, "bad");
    assert!(begun.elapsed() < Duration::from_secs(10));
    // Neither does it hold up the end of the daemon.
    let (status, took) = daemon.stop();
    assert!(status.success() && took < Duration::from_secs(4), "{took:?}");
    let daemon = home.start();
    assert_eq!(channel(&daemon.login(), "hook")["pending"], 2, "with what was held");
}

#[test]
fn a_delivery_that_is_given_up_is_told_in_the_feed_without_the_secret() {
    let sink = Sink::new(|_, _| Reply::Status(404));
    let secret = "/hook/T0PS3CR3T/XYZZY-plugh";
    let home = Home::new(&config(&sink.url(secret), "", BAD));
    let daemon = Daemon::launch(&home, free_port(), |command| {
        command.args(["--log-level", "debug"]);
    });
    daemon.wait_ready();
    let session = daemon.login();
    run(&session, "bad");
    let row = row(&session, "notify.delivery_failed");
    assert_eq!(row["title"], "Delivery to hook failed");
    assert_eq!(row["severity"], "warn");
    assert!(row["body"].as_str().unwrap().starts_with("bad failed: webhook:hook: 404"), "{row}");
    let channel = channel(&session, "hook");
    assert_eq!((&channel["failed"], &channel["pending"]), (&1.into(), &0.into()));
    let test = session.post("/api/notify/test?channel=hook", "").json();
    assert_eq!(test["delivered"], false);
    let everything = [
        session.get("/api/notifications").body,
        session.get("/api/notify").body,
        test.to_string(),
        home.read("stderr"),
        String::from_utf8_lossy(&std::fs::read(home.data().join("runwisp.db")).unwrap()).into(),
    ];
    for text in everything {
        assert!(!text.contains("T0PS3CR3T") && !text.contains("XYZZY"), "{text}");
    }
}

#[test]
fn who_answers_with_a_certificate_of_his_own_gets_nothing() {
    // Speaks no TLS at all, which is no better.
    let sink = Sink::good();
    let url = sink.url("/hook").replace("http:", "https:");
    let home = Home::new(&config(&url, "default_timeout = '1s'", BAD));
    let daemon = home.start();
    let session = daemon.login();
    run(&session, "bad");
    let row = row(&session, "notify.delivery_failed");
    assert!(row["body"].as_str().unwrap().contains("webhook:hook: "), "{row}");
    assert!(sink.all().is_empty());
}

#[test]
fn what_waits_outlives_the_daemon() {
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/hook");
    let home = Home::new(&config(&url, "", BAD));
    let daemon = home.start();
    let session = daemon.login();
    run(&session, "bad");
    wait_until("it was tried", PATIENCE, || {
        channel(&session, "hook")["attempts"].as_u64() >= Some(1)
    });
    let waiting = channel(&session, "hook");
    assert!(waiting["retry_error"].as_str().unwrap().starts_with("webhook:hook: "), "{waiting}");
    assert!(waiting["next_try_at"].is_string(), "{waiting}");
    daemon.kill9();
    let sink = Sink::on(port, |_, _| Reply::Status(200));
    let daemon = home.start();
    assert_eq!(sink.next().told(), "run.failed of bad");
    let session = daemon.login();
    wait_until("it is gone", PATIENCE, || channel(&session, "hook")["pending"] == 0);
    assert!(sink.all().is_empty(), "it came once");
}

#[test]
fn a_notifier_that_left_the_file_loses_what_waited_for_it_and_the_feed_says_so() {
    let url = format!("http://127.0.0.1:{}/hook", free_port());
    let home = Home::new(&config(&url, "", BAD));
    let daemon = home.start();
    run(&daemon.login(), "bad");
    let session = daemon.login();
    wait_until("it waits", PATIENCE, || channel(&session, "hook")["pending"] == 1);
    daemon.stop_well();
    home.write("runwisp.toml", BAD);
    let daemon = home.start();
    let row = row(&daemon.login(), "notify.delivery_failed");
    assert!(row["body"].as_str().unwrap().contains("no longer configured"), "{row}");
}

#[test]
fn a_job_that_keeps_failing_is_told_once_and_with_what_was_held_when_the_daemon_stops() {
    let sink = Sink::good();
    let home = Home::new(&config(&sink.url("/"), "", BAD));
    let daemon = home.start();
    let session = daemon.login();
    (0..5).for_each(|_| drop(run(&session, "bad")));
    sink.next();
    wait_until("all are in the feed", PATIENCE, || row(&session, "run.failed")["count"] == 5);
    assert!(sink.all().is_empty(), "the others are held back");
    daemon.stop_well();
    let summary = sink.next().json();
    assert_eq!(summary["coalesced_count"], 4);
    assert_eq!(summary["coalesced_summary"], true);
}

#[test]
fn a_window_goes_on_over_a_kill_and_ends_in_its_time() {
    let sink = Sink::good();
    let home = Home::new(&config(&sink.url("/"), "coalesce_window = '3s'", BAD));
    let daemon = home.start();
    let session = daemon.login();
    (0..3).for_each(|_| drop(run(&session, "bad")));
    let first = sink.next();
    wait_until("all are in the feed", PATIENCE, || row(&session, "run.failed")["count"] == 3);
    daemon.kill9();
    let _daemon = home.start();
    let summary = sink.next();
    assert_eq!(summary.json()["coalesced_count"], 2);
    assert!(summary.at - first.at >= Duration::from_millis(2900));
}

#[test]
fn enough_failures_alert_another_one_does_at_once_and_a_success_ends_it() {
    let sink = Sink::good();
    let task = "[tasks.t]\nalert_after = 2\nrun = 'exit $(cat code)'\n";
    let home = Home::new(&config(&sink.url("/"), "", task));
    let daemon = home.start();
    let session = daemon.login();
    for (code, told) in [
        (1, None),
        (0, None),
        (1, None),
        (1, Some("run.failed of t")),
        (1, None),
        (2, Some("run.failed of t")),
        (0, Some("run.recovered of t")),
        (0, None),
    ] {
        home.write("code", code.to_string());
        run(&session, "t");
        match told {
            Some(told) => assert_eq!(sink.next().told(), told, "{code}"),
            None => {
                // What is not told cannot be waited for: what comes next shows it.
            }
        }
    }
    let recovered = row(&session, "run.recovered");
    assert_eq!(recovered["severity"], "info");
    assert!(recovered["body"].as_str().unwrap().contains("after 4 failures"), "{recovered}");
    assert!(sink.all().is_empty());
}

#[test]
fn runs_that_are_not_as_expected_are_told_and_left_alone() {
    let sink = Sink::good();
    let tasks = "
        [tasks.long]\nexpect = { duration = '..300ms' }\nrun = 'sleep 1; echo done'\n
        [tasks.short]\nexpect = { duration = '1h..' }\nrun = 'true'\n
        [tasks.quiet]\nexpect = { output_min = '1kb' }\nrun = 'echo little'\n
        [tasks.late]\nexpect = { start_within = '300ms' }\nrun = 'sleep 1'\n";
    let home = Home::new(&config(&sink.url("/"), "", tasks));
    let daemon = home.start();
    let session = daemon.login();
    let mut told = Vec::new();
    for task in ["short", "quiet", "long"] {
        let ended = run(&session, task);
        assert_eq!(ended["end_reason"], "success");
        told.push(sink.next().told());
    }
    session.post("/api/tasks/late/run", "");
    run(&session, "late");
    told.push(sink.next().told());
    let expected = [
        "run.too_short of short",
        "run.too_quiet of quiet",
        "run.too_long of long",
        "run.late of late",
    ];
    assert_eq!(told, expected);
    assert!(sink.all().is_empty());
}

#[test]
fn heartbeats_tell_the_start_and_the_end_of_each_run_and_that_the_daemon_lives() {
    let sink = Sink::new(|got, number| match got.path.contains("/flaky") && number < 3 {
        true => Reply::Status(503),
        false => Reply::Status(200),
    });
    let (job, own) = (sink.url("/hb/job"), sink.url("/hb/daemon"));
    let toml = format!(
        "[daemon]\nheartbeat = '{own}'\nheartbeat_every = '10s'\n
         [tasks.good]\nheartbeat = '{job}'\nrun = 'echo fine'\n
         [tasks.bad]\nheartbeat = '{job}'\nrun = 'echo why; exit 7'\n"
    );
    let home = Home::new(&toml);
    let daemon = home.start();
    let session = daemon.login();
    assert!(sink.next().path.starts_with("/hb/daemon?rid="));
    let mut got = Vec::new();
    for task in ["good", "bad"] {
        run(&session, task);
        got.extend([sink.next(), sink.next()]);
    }
    let paths: Vec<&str> = got.iter().map(|got| got.path.split('?').next().unwrap()).collect();
    assert_eq!(paths, ["/hb/job/start", "/hb/job", "/hb/job/start", "/hb/job/7"]);
    let rid = |index: usize| got[index].path.split("rid=").nth(1).unwrap().to_owned();
    assert_eq!((rid(0), rid(2)), (rid(1), rid(3)));
    assert_eq!((&*got[1].body, &*got[3].body), ("fine", "why"));
}

#[test]
fn a_receiver_of_heartbeats_that_hangs_delays_no_run() {
    let sink = Sink::new(|_, _| Reply::Hang);
    let toml = format!("[tasks.t]\nheartbeat = '{}'\nrun = 'true'\n", sink.url("/hb"));
    let home = Home::new(&toml);
    let daemon = home.start();
    let session = daemon.login();
    let begun = Instant::now();
    (0..20).for_each(|_| drop(run(&session, "t")));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    sink.next();
    let (status, took) = daemon.stop();
    assert!(status.success() && took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_muted_task_is_told_nowhere_until_it_is_heard_again() {
    let sink = Sink::good();
    let home = Home::new(&config(&sink.url("/"), "coalesce_window = '0s'", BAD));
    let daemon = home.start();
    let session = daemon.login();
    let until = session.post("/api/tasks/bad/mute", "").json();
    assert!(until["muted_until"].as_str().unwrap().ends_with("T08:00:00.000Z"), "{until}");
    run(&session, "bad");
    let told = row(&session, "run.failed");
    assert!(told["read_at"].is_string(), "{told}");
    assert_eq!(session.get("/api/notifications/unread-count").json()["count"], 0);
    // It is kept over a restart.
    daemon.stop_well();
    let daemon = home.start();
    let session = daemon.login();
    assert_eq!(session.get("/api/tasks/bad").json()["muted_until"], until["muted_until"]);
    run(&session, "bad");
    // Whether it is muted is asked when it is told.
    wait_until("it is in the feed", PATIENCE, || feed(&session).len() == 2);
    session.post("/api/tasks/bad/unmute", "");
    run(&session, "bad");
    sink.next();
    wait_until("all are in the feed", PATIENCE, || feed(&session).len() == 3);
    assert!(sink.all().is_empty());
    for (body, detail) in [
        ("{\"until\":\"2020-01-01T00:00:00Z\"}", "until must be in the future, and within a year"),
        ("{\"until\":\"2999-01-01T00:00:00Z\"}", "until must be in the future, and within a year"),
    ] {
        let refused = session.post("/api/tasks/bad/mute", body);
        assert_eq!((refused.status, refused.detail()), (409, detail.to_owned()));
    }
    assert_eq!(session.post("/api/tasks/nobody/mute", "").status, 404);
}

#[test]
fn ticks_that_were_missed_are_told_once_unless_the_task_says_no() {
    let sink = Sink::good();
    let tasks = "
        [tasks.told]\ncron = '@every 1s'\ncatch_up = 'skip'\nrun = 'true'\n
        [tasks.silent]\ncron = '@every 1s'\ncatch_up = 'skip'\nnotify_on_missed = false\nrun = 'true'\n";
    let home = Home::new(&config(&sink.url("/"), "", tasks));
    let daemon = home.start();
    wait_until("it ran", PATIENCE, || !home.rows("told").is_empty());
    daemon.kill9();
    let since = Instant::now();
    wait_until("ticks have passed", PATIENCE, || since.elapsed() >= Duration::from_millis(2500));
    let daemon = home.start();
    let told = wait_for("it is told", PATIENCE, || {
        sink.next_within(PATIENCE).map(|got| got.told()).filter(|told| told.contains("missed"))
    });
    assert_eq!(told, "run.missed of told");
    let session = daemon.login();
    let row = row(&session, "run.missed");
    assert!(row["body"].as_str().unwrap().contains("missed since"), "{row}");
    let missed = feed(&session).into_iter().filter(|row| row["kind"] == "run.missed").count();
    assert_eq!(missed, 1);
}

#[test]
fn a_secret_that_cannot_be_read_is_known_before_it_is_needed() {
    let home = Home::new(
        "[notify]\ndefault_notifiers = ['inapp', 'chat']\n
         [[notifier]]\nid = 'chat'\ntype = 'slack'\nwebhook_url_env = 'NOT_SET_ANYWHERE'\n
         [tasks.bad]\nrun = 'exit 1'\n",
    );
    let daemon = home.start();
    let session = daemon.login();
    let told = row(&session, "notify.misconfigured");
    let body = told["body"].as_str().unwrap();
    assert!(body.contains("webhook_url_env") && body.contains("NOT_SET_ANYWHERE"), "{told}");
    run(&session, "bad");
    let failed = row(&session, "notify.delivery_failed");
    assert!(failed["body"].as_str().unwrap().contains("NOT_SET_ANYWHERE"), "{failed}");
}

#[test]
fn mail_goes_through_the_programs_that_the_host_has() {
    let home = Home::new("");
    home.write("sendmail", "#!/bin/sh\necho \"$@\" > args\ncat > mail\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(home.path("sendmail"), mode).unwrap();
    home.write(
        "runwisp.toml",
        format!(
            "[notify]\ndefault_notifiers = ['post']\n
             [[notifier]]\nid = 'post'\ntype = 'sendmail'\nsendmail_path = '{}'\n
             from = 'runwisp@example.org'\nto = ['ops@example.org']\n{BAD}",
            home.path("sendmail").display()
        ),
    );
    let daemon = home.start();
    run(&daemon.login(), "bad");
    let session = daemon.login();
    wait_until("it is delivered", PATIENCE, || channel(&session, "post")["delivered"] == 1);
    assert_eq!(home.read("args").trim(), "-t -i");
    let mail = home.read("mail");
    for line in
        ["From: runwisp@example.org", "To: ops@example.org", "Auto-Submitted: auto-generated"]
    {
        assert!(mail.contains(line), "{mail}");
    }
    assert!(mail.contains("Exit code 3"), "{mail}");
}

#[test]
fn a_stream_tells_of_the_feed_with_the_count_of_the_database() {
    let sink = Sink::good();
    let home = Home::new(&config(&sink.url("/"), "", BAD));
    let daemon = home.start();
    let session = daemon.login();
    let mut events = session.stream("/api/notifications/stream", &[]);
    let mut next = |name: &str| events.until(name).pop().unwrap().data;
    run(&session, "bad");
    let created = next("notification.created");
    assert_eq!(created["unread_count"], 1);
    let id = created["notification"]["id"].as_str().unwrap().to_owned();
    run(&session, "bad");
    let updated = next("notification.updated");
    assert_eq!(updated["notification"]["count"], 2);
    session.post(&format!("/api/notifications/{id}/read"), "");
    assert_eq!(next("notification.updated")["unread_count"], 0);
    run(&session, "bad");
    assert_eq!(next("notification.updated")["unread_count"], 1, "unread again");
    session.post("/api/notifications/read", "");
    let counted = next("notifications.unread_count_changed");
    assert_eq!(counted["unread_count"], 0);
}
