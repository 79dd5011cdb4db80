//! What jobs say about their alerts (docs/configuration.md, Notifications).

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::model::alert::{Kind, Kinds, TROUBLE};
use crate::model::notifier::{AlertAfter, Expect, Token};

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

#[test]
fn jobs_that_say_nothing_share_one_value() {
    let config = good(&format!("{}{}", with_task(""), with_service("notify_on_success = []")));
    let (task, service) = (job(&config, "t"), job(&config, "s"));
    assert!(Arc::ptr_eq(&task.alerts, &service.alerts));
    assert_eq!(task.alerts.on_failure, None);
    let text = format!(
        "[defaults]\nalert_after = 3\n{}{}",
        with_task(""),
        with_service("alert_after = 3")
    );
    let config = good(&text);
    assert!(Arc::ptr_eq(&job(&config, "t").alerts, &job(&config, "s").alerts));
    assert_eq!(job(&config, "t").alerts.after, AlertAfter { failures: 3, within: None });
}

#[test]
fn the_default_notifiers_are_added_to_lists_that_are_not_empty() {
    let inapp = Token::in_app();
    for (line, on_failure, on_success) in [
        ("", None, 0),
        ("notify_on_failure = []", Some(0), 0),
        ("notify = []", Some(0), 0),
        ("notify_on_failure = [\"inapp\", \" inapp \"]", Some(1), 0),
        ("notify_on_success = []", None, 0),
        ("notify_on_success = [\"inapp\"]", None, 1),
    ] {
        for text in [with_task(line), with_service(line)] {
            let config = good(&text);
            let alerts = &config.jobs[0].alerts;
            assert_eq!(alerts.on_failure.as_ref().map(Vec::len), on_failure, "{line}");
            assert_eq!(alerts.on_success, vec![inapp.clone(); on_success], "{line}");
        }
    }
}

#[test]
fn a_number_of_failures_makes_an_alert() {
    for (value, failures, within) in [
        ("1", 1, None),
        ("1000", 1000, None),
        ("\"3/1h\"", 3, seconds(3600)),
        ("\" 1 / 90s \"", 1, seconds(90)),
    ] {
        let text = format!(
            "[defaults]\nalert_after = 7\n{}",
            with_task(&format!("alert_after = {value}"))
        );
        let config = good(&text);
        assert_eq!(job(&config, "t").alerts.after, AlertAfter { failures, within }, "{value}");
        let text = format!("[defaults]\nalert_after = {value}\n{}", with_service(""));
        let config = good(&text);
        assert_eq!(job(&config, "s").alerts.after, AlertAfter { failures, within }, "{value}");
    }
    for (value, fact) in [
        ("0", "must be between 1 and 1000"),
        ("1001", "must be between 1 and 1000"),
        ("\"3\"", "NUMBER/DURATION"),
        ("\"\"", "NUMBER/DURATION"),
        ("\"0/1h\"", "between 1 and 1000"),
        ("\"1001/1h\"", "between 1 and 1000"),
        ("\"+3/1h\"", "between 1 and 1000"),
        ("\"3/\"", "e.g. 3 or \"3/1h\""),
        ("\"3/0s\"", "the duration is zero"),
        ("\"3/5\"", "missing unit"),
        ("\"3/-1h\"", "\"3/-1h\": "),
        ("1.5", "expected integer or string, found float"),
    ] {
        for (text, start) in [
            (with_task(&format!("alert_after = {value}")), "3:15: tasks.t.alert_after: "),
            (format!("[defaults]\nalert_after = {value}\n"), "2:15: defaults.alert_after: "),
        ] {
            let found = problems(&text);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].starts_with(start) && found[0].contains(fact),
                "{value}\n{}",
                found[0]
            );
        }
    }
}

#[test]
fn a_job_says_what_a_good_run_looks_like() {
    let nothing = Expect::default();
    for (value, expected) in [
        ("{}", nothing),
        ("{ start_within = \"10m\" }", Expect { start_within: seconds(600), ..nothing }),
        (
            "{ duration = \"5m..40m\" }",
            Expect { at_least: seconds(300), at_most: seconds(2400), ..nothing },
        ),
        ("{ duration = \"5m..\" }", Expect { at_least: seconds(300), ..nothing }),
        ("{ duration = \" .. 40m\" }", Expect { at_most: seconds(2400), ..nothing }),
        ("{ output_min = \"1kb\" }", Expect { output_min: Some(1024), ..nothing }),
    ] {
        let config = good(&with_task(&format!("expect = {value}")));
        assert_eq!(job(&config, "t").alerts.expect, expected, "{value}");
    }
    let config = good(&with_service("expect.start_within = \"1m\""));
    assert_eq!(job(&config, "s").alerts.expect.start_within, seconds(60));
    for (value, place, fact) in [
        ("\"5m\"", "", "expected table"),
        ("{ start_within = \"0s\" }", ".start_within", "positive duration"),
        ("{ duration = \"5m\" }", ".duration", "\"5m\"; must be \"LEAST..MOST\""),
        ("{ duration = \"..\" }", ".duration", "both sides are empty"),
        ("{ duration = \"\" }", ".duration", "LEAST..MOST"),
        ("{ duration = \"5m..5m\" }", ".duration", "the first must be shorter"),
        ("{ duration = \"1h..5m\" }", ".duration", "the first must be shorter"),
        ("{ duration = \"0s..5m\" }", ".duration", "zero"),
        ("{ duration = \"5..6m\" }", ".duration", "missing unit"),
        ("{ duration = 5 }", ".duration", "expected string"),
        ("{ output_min = \"0\" }", ".output_min", "zero expects nothing"),
        ("{ output_min = \"1 x\" }", ".output_min", "is not a size"),
        ("{ start_withn = \"1m\" }", ".start_withn", "did you mean \"start_within\"?"),
    ] {
        let found = problems(&with_task(&format!("expect = {value}")));
        assert_eq!(found.len(), 1, "{found:?}");
        let place = format!("tasks.t.expect{place}: ");
        assert!(found[0].contains(&place) && found[0].contains(fact), "{value}\n{}", found[0]);
    }
    for key in ["duration = \"5m..\"", "output_min = \"1kb\""] {
        let found = problems(&with_service(&format!("expect = {{ {key} }}")));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("3:12: services.s.expect."), "{}", found[0]);
        assert!(found[0].contains("a service does not end"), "{}", found[0]);
    }
}

#[test]
#[cfg(feature = "notify")]
fn a_heartbeat_is_an_address_that_is_never_repeated() {
    let config = good(&format!(
        "[daemon]\nheartbeat = \"http://hush:1/a/\"\n{}{}",
        with_task("heartbeat = \"https://hush/b\""),
        with_service("heartbeat = \"https://hush/c//\"")
    ));
    let (daemon, every) = config.heartbeat.clone().unwrap();
    assert_eq!((&*daemon.0, every), ("http://hush:1/a", Duration::from_secs(60)));
    assert_eq!(&*job(&config, "t").alerts.heartbeat.as_ref().unwrap().0, "https://hush/b");
    assert_eq!(&*job(&config, "s").alerts.heartbeat.as_ref().unwrap().0, "https://hush/c");
    for (value, every) in [("10s", 10), ("24h", 86_400)] {
        let text = format!("[daemon]\nheartbeat = \"http://h\"\nheartbeat_every = {value:?}\n");
        assert_eq!(good(&text).heartbeat.unwrap().1, Duration::from_secs(every));
    }
    for url in
        ["hush", "ftp://hush", "https://", "https://hush?a", "https://hush#a", "https://hu sh", " "]
    {
        for (text, start) in [
            (with_task(&format!("heartbeat = {url:?}")), "3:13: tasks.t.heartbeat: "),
            (with_service(&format!("heartbeat = {url:?}")), "3:13: services.s.heartbeat: "),
            (format!("[daemon]\nheartbeat = {url:?}\n"), "2:13: daemon.heartbeat: "),
        ] {
            let found = problems(&text);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with(start) && found[0].contains("<hidden>"), "{}", found[0]);
            assert!(!found[0].contains("hu"), "{}", found[0]);
        }
    }
    for (lines, start, fact) in [
        ("heartbeat_every = \"1m\"", "2:1: daemon.heartbeat_every: ", "needs heartbeat"),
        (
            "heartbeat_every = \"9s\"\nheartbeat = \"http://h\"",
            "2:19: daemon.heartbeat_every: ",
            "between 10s and 24h",
        ),
        (
            "heartbeat_every = \"25h\"\nheartbeat = \"http://h\"",
            "2:19: daemon.heartbeat_every: ",
            "between 10s and 24h",
        ),
    ] {
        let found = problems(&format!("[daemon]\n{lines}\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(start) && found[0].contains(fact), "{}", found[0]);
    }
}

/// docs/configuration.md, Notifications: a job is watched for what somebody wants to know.
#[test]
fn a_job_raises_what_reaches_somebody() {
    const SUCCEEDED: Kinds = Kinds::of(&[Kind::RunSucceeded]);
    const DISK: Kinds = Kinds::of(&[Kind::DiskPressure]);
    const MISSED: Kinds = Kinds::of(&[Kind::RunMissed]);
    const NOBODY: &str = "[notify]\ndefault_notifiers = []\n";
    let none = Kinds::default();
    let route = |kinds: &str, more: &str| {
        format!("{NOBODY}[[route]]\nmatch = {{ kind = {kinds}{more} }}\nnotify = [\"inapp\"]\n")
    };
    let mix = r#"["run.started", "run.late", "run.missed", "run.recovered"]"#;
    let kinds = Kinds::of;
    for (text, line, expected) in [
        (String::new(), "", TROUBLE.with(DISK)),
        (String::new(), "notify_on_failure = []", DISK),
        (String::new(), "notify_on_success = [\"inapp\"]", TROUBLE.with(DISK).with(SUCCEEDED)),
        (String::new(), "notify_on_missed = false", TROUBLE.with(DISK).without(MISSED)),
        (
            "[defaults]\nnotify_on_missed = false\n".to_owned(),
            "",
            TROUBLE.with(DISK).without(MISSED),
        ),
        (
            "[defaults]\nnotify_on_missed = false\n".to_owned(),
            "notify_on_missed = true",
            TROUBLE.with(DISK),
        ),
        (NOBODY.to_owned(), "", none),
        (NOBODY.to_owned(), "notify_on_failure = [\"inapp\"]", TROUBLE),
        (NOBODY.to_owned(), "notify_on_success = [\"inapp\"]", SUCCEEDED),
        (
            route(mix, ""),
            "",
            kinds(&[Kind::RunStarted, Kind::RunLate, Kind::RunMissed, Kind::RunRecovered]),
        ),
        (route(mix, ""), "notify_on_missed = false", kinds(&[Kind::RunStarted, Kind::RunLate])),
        (route(mix, ", severity = \"warn\""), "", kinds(&[Kind::RunLate, Kind::RunMissed])),
        (route(mix, ", severity = \"error\""), "", MISSED),
        (
            route(mix, ", task = \"t*\""),
            "notify_on_missed = false",
            kinds(&[Kind::RunStarted, Kind::RunLate]),
        ),
        (route(mix, ", task = \"x*\""), "", none),
        (route("[\"run.recovered\"]", ""), "", none),
        (route("[\"run.recovered\"]", ""), "notify_on_failure = [\"inapp\"]", TROUBLE),
    ] {
        let text = format!("{text}{}", with_task(line));
        let found = job(&good(&text), "t").raises;
        let list = |kinds: Kinds| kinds.iter().collect::<Vec<_>>();
        assert_eq!(list(found), list(expected), "{text}");
    }
}

#[test]
fn keys_that_stand_elsewhere_are_pointed_to_their_place() {
    for (key, fact) in [
        ("notify_on_failure = []", "use [notify] default_notifiers"),
        ("expect = {}", "expect is per job"),
        ("heartbeat = \"https://h\"", "heartbeat is per job"),
    ] {
        let found = problems(&format!("[defaults]\n{key}\n"));
        assert!(found[0].contains("unknown key") && found[0].contains(fact), "{found:?}");
    }
    let found = problems(&with_service("notify_on_missed = true"));
    assert!(found[0].contains("notify_on_missed is only valid on [tasks.*]"), "{found:?}");
}

/// docs/configuration.md, Notifications: a build without the feature says so at once.
#[test]
#[cfg(not(feature = "notify"))]
fn a_build_that_cannot_send_says_so() {
    for (text, start) in [
        ("[notifiers.a]\ntype = \"ntfy\"\ntopic = \"t\"\n".to_owned(), "2:8: notifiers.a.type: "),
        (with_task("heartbeat = \"https://h\""), "3:13: tasks.t.heartbeat: "),
        ("[daemon]\nheartbeat = \"https://h\"\n".to_owned(), "2:13: daemon.heartbeat: "),
    ] {
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(start), "{}", found[0]);
        assert!(found[0].contains("build with the cargo feature \"notify\""), "{}", found[0]);
    }
}
