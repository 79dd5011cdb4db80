//! Who may reach the daemon from outside (docs/configuration.md, Daemon and Tasks).

use super::*;
use crate::config::Metrics;
use crate::model::job::{Hook, Verb};

const TOKEN: &str = "k3v9Qw7ZrT1xLb8Nf5Ym2Hc6Jd4Gs0Pa";

#[test]
fn metrics_are_off_on_the_port_or_on_a_listener_of_their_own() {
    let read = |lines: &str| read(&format!("[daemon]\n{lines}\n"));
    let own = |host: &str, port| Metrics::Own { host: host.to_owned(), port };
    for (lines, expected) in [
        ("", Metrics::Off),
        ("metrics_enabled = false", Metrics::Off),
        ("metrics_enabled = true", Metrics::Port),
        ("metrics_listen = \"127.0.0.1:9464\"", own("127.0.0.1", 9464)),
        ("metrics_enabled = true\nmetrics_listen = \"[::1]:80\"", own("::1", 80)),
        ("metrics_listen = \"metrics.lan:9464\"", own("metrics.lan", 9464)),
    ] {
        assert_eq!(read(lines).unwrap().metrics, expected, "{lines}");
    }
    for listen in
        ["", "9464", ":9464", "::1:9464", "[::1]", "localhost:0", "localhost:65536", "a b:1"]
    {
        let problem = problems(&format!("[daemon]\nmetrics_listen = \"{listen}\"\n")).remove(0);
        assert!(problem.starts_with("2:18: daemon.metrics_listen: "), "{problem}");
    }
    let problem =
        problems("[daemon]\nmetrics_enabled = false\nmetrics_listen = \"a:1\"\n").remove(0);
    assert!(problem.contains("metrics_enabled is false"), "{problem}");
}

#[test]
fn tokens_may_do_everything_or_what_they_allow() {
    let lines = format!(
        "hook_tokens = [\"{TOKEN}\", {{ token = \"{TOKEN}x\", allow = [\"stop\", \"start\"] }}]"
    );
    let all = vec![Verb::Run, Verb::Start, Verb::Stop, Verb::Restart];
    let hook = |token: String, allow| Hook { token, allow };
    let narrow = hook(format!("{TOKEN}x"), vec![Verb::Stop, Verb::Start]);
    let config = good(&with_task(&lines));
    assert_eq!(job(&config, "t").hooks, [hook(TOKEN.to_owned(), all), narrow.clone()]);
    let config = good(&with_service(&lines));
    let without_run = vec![Verb::Start, Verb::Stop, Verb::Restart];
    assert_eq!(job(&config, "s").hooks, [hook(TOKEN.to_owned(), without_run), narrow]);
    assert_eq!(job(&good(&with_task("")), "t").hooks, []);
}

#[test]
fn wrong_tokens_are_refused_and_never_repeated() {
    let short = &TOKEN[1..];
    for (value, place, fact) in [
        (format!("\"{TOKEN}\""), "3:15: tasks.t.hook_tokens: ", "expected array"),
        ("[5]".to_owned(), "3:16: tasks.t.hook_tokens: ", "expected string or table"),
        (format!("[\"{short}\"]"), "3:16: tasks.t.hook_tokens: ", "<hidden>; a token has at least"),
        (
            format!("[\"{TOKEN} \"]"),
            "3:16: tasks.t.hook_tokens: ",
            "<hidden>; a token has at least",
        ),
        (
            format!("[{{ token = \"{short}\" }}]"),
            "3:26: tasks.t.hook_tokens[0].token: ",
            "<hidden>",
        ),
        ("[{ token = 5 }]".to_owned(), "3:26: tasks.t.hook_tokens[0].token: ", "expected string"),
        ("[{ }]".to_owned(), "3:16: tasks.t.hook_tokens[0]: ", "token is required"),
        (
            format!("[{{ token = \"{TOKEN}\", alow = [] }}]"),
            "3:62: tasks.t.hook_tokens[0].alow: ",
            "did you mean \"allow\"",
        ),
        (
            format!("[{{ token = \"{TOKEN}\", allow = [] }}]"),
            "3:70: tasks.t.hook_tokens[0].allow: ",
            "allow is empty",
        ),
        (
            format!("[{{ token = \"{TOKEN}\", allow = [\"pause\"] }}]"),
            "3:71: tasks.t.hook_tokens[0].allow: ",
            "must be one of run, start, stop, restart",
        ),
    ] {
        let found = problems(&with_task(&format!("hook_tokens = {value}")));
        assert_eq!(found.len(), 1, "{value} {found:?}");
        assert!(found[0].starts_with(place) && found[0].contains(fact), "{value}\n{}", found[0]);
        assert!(!found[0].contains(short), "{}", found[0]);
    }
    let lines = format!("hook_tokens = [{{ token = \"{TOKEN}\", allow = [\"run\"] }}]");
    let found = problems(&with_service(&lines));
    assert!(found[0].contains("must be one of start, stop, restart"), "{found:?}");
}

#[test]
fn proxies_are_networks() {
    let read = |list: &str| read(&format!("[daemon]\ntrusted_proxies = {list}\n"));
    let config = read("[\"127.0.0.1\", \"10.1.2.3/8\"]").unwrap();
    for (address, trusted) in [("127.0.0.1", true), ("10.9.9.9", true), ("127.0.0.2", false)] {
        assert_eq!(config.trusted_proxies.trusts(address.parse().unwrap()), trusted, "{address}");
    }
    assert!(!read("[]").unwrap().trusted_proxies.trusts("127.0.0.1".parse().unwrap()));
    for (list, place, fact) in [
        ("\"127.0.0.1\"", "2:19: daemon.trusted_proxies: ", "expected array"),
        ("[\"::1\", \"0.0.0.0/0\"]", "2:27: daemon.trusted_proxies: ", "trust every address"),
        ("[\"proxy\"]", "2:20: daemon.trusted_proxies: ", "is not an address"),
    ] {
        let problem = short(read(list).unwrap_err().0[0].to_string());
        assert!(problem.starts_with(place) && problem.contains(fact), "{list}\n{problem}");
    }
}

#[test]
fn the_address_outside_is_a_url_without_its_last_slash() {
    let read = |url: &str| read(&format!("[daemon]\nexternal_url = \"{url}\"\n"));
    for (url, expected) in [
        ("https://jobs.example.org/", "https://jobs.example.org"),
        ("http://box:9477/runwisp", "http://box:9477/runwisp"),
    ] {
        assert_eq!(read(url).unwrap().external_url.as_deref(), Some(expected));
    }
    assert_eq!(good("").external_url, None);
    for url in [
        "jobs.example.org",
        "ftp://jobs.example.org",
        "https://",
        "https://box/?a=b",
        "https://box/#top",
        "https://me@box/",
        "https://b ox/",
        " ",
    ] {
        let problem = short(read(url).unwrap_err().0[0].to_string());
        assert!(problem.starts_with("2:16: daemon.external_url: "), "{url}\n{problem}");
    }
}
