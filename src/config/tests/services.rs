//! What only services have (docs/configuration.md, Services and Health checks).

use std::path::Path;
use std::time::Duration;

use super::{good, job, problems, service, with_service, with_task};
use crate::cron::Schedule;
use crate::model::job::Backoff;
use crate::model::process::EnvBase;
use crate::model::service::{HealthCheck, Probe, Restart};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn what_is_not_set_has_the_value_of_the_manual() {
    let config = good(&with_service(""));
    let plain = service(&config, "s");
    assert_eq!((plain.restart, plain.restart_attempts), (Restart::Always, 3));
    assert_eq!((plain.healthy_after, plain.autostart, plain.priority), (60 * SECOND, true, 0));
    assert!(plain.depends_on.is_empty() && plain.health_check.is_none());
}

#[test]
fn defaults_reach_services_and_services_override_them() {
    let defaults = "[defaults]\nrestart_delay = \"3s\"\nrestart_backoff = \"linear\"\n\
                    healthy_after = \"9s\"\nrestart_attempts = 0\n";
    let config = good(&format!(
        "{defaults}{}[services.own]\nrun = \"1\"\nrestart = \"on_failure\"\nautostart = false\n\
         priority = -5\nrestart_attempts = 7\nbackoff_reset_after = \"0s\"\nrestart_delay = \"1s\"\n",
        with_service("restart = \"never\""),
    ));
    let inherits = service(&config, "s");
    assert_eq!((inherits.restart, inherits.restart_attempts), (Restart::Never, 0));
    assert_eq!((inherits.restart_delay, inherits.restart_backoff), (3 * SECOND, Backoff::Linear));
    assert_eq!(inherits.healthy_after, 9 * SECOND);
    let own = service(&config, "own");
    assert_eq!((own.restart, own.restart_attempts), (Restart::OnFailure, 7));
    assert_eq!((own.autostart, own.priority, own.healthy_after), (false, -5, Duration::ZERO));
    assert_eq!((own.restart_delay, own.restart_backoff), (SECOND, Backoff::Linear));
}

/// Services with these lists.
fn depending(lists: &[(&str, &str)]) -> String {
    let service = |(name, list): &(&str, &str)| {
        format!("[services.{name}]\nrun = \"1\"\ndepends_on = {list}\n")
    };
    lists.iter().map(service).collect::<String>() + &with_task("")
}

#[test]
fn services_depend_on_others_that_exist() {
    let config = good(&depending(&[("a", "[\"b\", \"c\"]"), ("b", "[\"c\"]"), ("c", "[]")]));
    let names = |name| {
        let depends_on = service(&config, name).depends_on.iter();
        depends_on.map(|name| name.as_str()).collect::<Vec<_>>()
    };
    assert_eq!((names("a"), names("c")), (vec!["b", "c"], vec![]));
    for (list, start, fact) in [
        ("[\"b\", \"t\"]", "3:20: services.a.depends_on: ", "\"t\": is a task"),
        ("[\"a\"]", "3:15: services.a.depends_on: ", "\"a\": a service cannot depend on itself"),
        ("[\"workr\"]", "3:15: ", "\"workr\": there is no such service; did you mean \"worker\"?"),
        ("\"b\"", "3:14: ", "expected array of strings"),
        ("[\"\"]", "3:15: ", "blank"),
    ] {
        let found = problems(&depending(&[("a", list), ("b", "[]"), ("worker", "[]")]));
        assert_eq!(found.len(), 1, "{list} {found:?}");
        assert!(found[0].starts_with(start) && found[0].contains(fact), "{}", found[0]);
    }
}

#[test]
fn every_cycle_is_printed_once() {
    let found = problems(&depending(&[
        ("x", "[\"a\"]"),
        ("a", "[\"b\"]"),
        ("b", "[\"d\", \"c\"]"),
        ("c", "[\"a\"]"),
        ("d", "[]"),
        ("e", "[\"f\"]"),
        ("f", "[\"e\"]"),
    ]));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("12:15: services.c.depends_on: a -> b -> c -> a is a cycle"));
    assert!(found[1].starts_with("21:15: services.f.depends_on: e -> f -> e is a cycle"));
}

#[test]
fn a_long_chain_is_no_cycle() {
    let services = (0..5_000).map(|n| {
        let next = if n < 4_999 { format!("\"s{}\"", n + 1) } else { String::new() };
        format!("[services.s{n}]\nrun = \"1\"\ndepends_on = [{next}]\n")
    });
    assert_eq!(good(&services.collect::<String>()).jobs.len(), 5_000);
}

fn check_of(lines: &str) -> HealthCheck {
    let text = with_service(&format!(
        "env = {{ A = \"1\", B = \"1\" }}\nsecrets = {{ S = \"1\" }}\nworking_dir = \"w\"\n\
         user = \"app\"\numask = \"077\"\nenv_file = \"common.env\"\nfailures = [\"timeout\"]\n\
         [services.s.health_check]\n{lines}"
    ));
    HealthCheck::clone(service(&good(&text), "s").health_check.as_ref().unwrap())
}

#[test]
fn a_check_takes_over_the_surroundings_of_its_service() {
    let check = check_of("run = \"ok\"");
    assert_eq!((check.timeout, check.attempts, check.delay), (5 * SECOND, 2, 5 * SECOND));
    assert_eq!(check.backoff, Backoff::Constant);
    let Schedule::Every(every) = &check.schedule else { panic!() };
    assert_eq!(every.interval, 10 * SECOND);
    let Probe::Command { run, process, failures } = check.probe else { panic!() };
    assert_eq!((&*run, process.umask), ("ok", Some(0o077)));
    assert_eq!(process.working_dir.as_deref(), Some(Path::new("/etc/rw/w")));
    assert_eq!(process.user.unwrap().user, "app");
    let owned = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(*process.env, owned(&[("A", "1"), ("B", "1")]));
    assert_eq!(*process.secrets, owned(&[("S", "1")]));
    assert!(failures.counts(crate::model::run::EndReason::Failed, 1), "from [defaults]");

    let check = check_of(
        "run = \"ok\"\ncron = \"*/5 * * * *\"\ntimezone = \"Asia/Tokyo\"\ntimeout = \"2s\"\n\
         retry_attempts = 0\nretry_delay = \"1s\"\nretry_backoff = \"linear\"\n\
         env = { B = \"2\" }\nsecrets = { T = \"2\" }\numask = \"0\"\nenv_base = \"clean\"\n\
         shell = \"/bin/bash\"\nuser = \"0:0\"\nworking_dir = \"/\"\nfailures = [\"+skipped\"]",
    );
    assert_eq!((check.timeout, check.attempts, check.delay), (2 * SECOND, 0, SECOND));
    assert!(check.schedule.identity().ends_with("Asia/Tokyo"));
    let Probe::Command { process, .. } = check.probe else { panic!() };
    assert_eq!(*process.env, owned(&[("A", "1"), ("B", "2")]));
    assert_eq!(*process.secrets, owned(&[("S", "1"), ("T", "2")]));
    assert_eq!((process.umask, process.env_base), (Some(0), EnvBase::Clean));
    assert_eq!(process.user.as_ref().unwrap().group.as_deref(), Some("0"));
}

#[test]
fn a_check_has_as_long_as_defaults_give_runs() {
    let config = good(&format!(
        "[defaults]\ntimeout = \"7s\"\n{}",
        with_service("health_check.tcp = \"db:1\"")
    ));
    assert_eq!(service(&config, "s").health_check.as_ref().unwrap().timeout, 7 * SECOND);
    assert_eq!(job(&config, "s").timeout, None);
}

#[test]
fn addresses_of_checks_are_taken_apart() {
    for (url, host, port, path, authority) in [
        ("http://localhost", "localhost", 80, "/", "localhost"),
        (
            "http://127.0.0.1:8080/health?x=1#top",
            "127.0.0.1",
            8080,
            "/health?x=1",
            "127.0.0.1:8080",
        ),
        ("http://[::1]:9/a", "::1", 9, "/a", "[::1]:9"),
        ("http://[::1]?a", "::1", 80, "/?a", "[::1]"),
    ] {
        let Probe::Http(http) = check_of(&format!("http = {url:?}")).probe else { panic!() };
        assert_eq!((&*http.at.host, http.at.port), (host, port), "{url}");
        assert_eq!((&*http.path, &*http.authority), (path, authority), "{url}");
    }
    for (text, host) in [("db.internal:65535", "db.internal"), ("[::1]:65535", "::1")] {
        let Probe::Tcp(at) = check_of(&format!("tcp = {text:?}")).probe else { panic!() };
        assert_eq!((&*at.host, at.port), (host, 65535), "{text}");
    }
}

#[test]
fn checks_that_cannot_be_made_are_refused() {
    for (lines, start, fact) in [
        ("", "3:1: services.s.health_check: ", "one is required of run, http, tcp"),
        (
            "tcp = \"a:1\"\nrun = \"1\"",
            "5:1: services.s.health_check.run: ",
            "only one of run, http",
        ),
        ("run = \" \"", "4:7: services.s.health_check.run: ", "run command is required"),
        ("http = \"https://x\"", "4:8: ", "e.g. \"http://"),
        ("http = \"http://me@x\"", "4:8: ", "is not an address"),
        ("http = \"http://x/a b\"", "4:8: ", "is not an address"),
        ("http = \"http://x:0\"", "4:8: ", "is not an address"),
        ("tcp = \"localhost\"", "4:7: ", "must be HOST:PORT"),
        ("tcp = \"::1:80\"", "4:7: ", "must be HOST:PORT"),
        ("tcp = \"x:99999\"", "4:7: ", "must be HOST:PORT"),
        ("tcp = \"a:1\"\nenv = {}", "5:1: ", "env is only valid together with run"),
        ("tcp = \"a:1\"\ntimeout = \"0s\"", "5:11: ", "positive duration"),
        ("tcp = \"a:1\"\ncron = \"0 25 * * *\"", "5:8: ", "hour"),
        ("tcp = \"a:1\"\nretry_attempts = 101", "5:18: ", "between 0 and 100"),
        ("tcp = \"a:1\"\ncolor = 1", "5:1: ", "unknown key"),
    ] {
        let found = problems(&with_service(&format!("[services.s.health_check]\n{lines}")));
        assert_eq!(found.len(), 1, "{lines} {found:?}");
        assert!(found[0].starts_with(start) && found[0].contains(fact), "{lines}\n{}", found[0]);
    }
    let found = problems(&with_service("healthy_after = \"0s\"\nhealth_check.tcp = \"a:1\""));
    assert!(found[0].starts_with("3:17: services.s.healthy_after: healthy_after is zero"));
    let found = problems(&with_task("health_check = {}"));
    assert!(found[0].contains("health_check is only valid on [services.*]"), "{found:?}");
}
