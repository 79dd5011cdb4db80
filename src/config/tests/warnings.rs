//! Things that load and are worth a word.

use super::{good, short, with_service, with_task};

#[test]
fn what_has_no_effect_or_a_surprising_one_is_said() {
    let cron = |lines: &str| with_task(&format!("cron = \"@hourly\"\n{lines}"));
    for (text, start, fact) in [
        ("".to_owned(), "1:1: ", "nothing to run"),
        (with_task("api_trigger = false"), "1:1: tasks.t: ", "the task can never start"),
        (with_task("catch_up = \"all\""), "3:1: tasks.t.catch_up: ", "no effect"),
        (with_task("timezone = \"UTC\"\ncron = \"\""), "3:1: tasks.t.timezone: ", "no effect"),
        (with_task("retry_delay = \"1s\""), "3:1: tasks.t.retry_delay: ", "no effect"),
        (
            with_task("retry_attempts = 0\nretry_backoff = \"linear\""),
            "4:1: tasks.t.retry_backoff: ",
            "no effect",
        ),
        (
            with_task("retry_attempts = 1\nretry_delay = \"301s\""),
            "4:1: tasks.t.retry_delay: ",
            "capped at 5 min",
        ),
        (
            with_task("restart = \"on_failure\"\nretry_attempts = 1"),
            "3:1: tasks.t.restart: ",
            "retries are ignored",
        ),
        (
            with_task("cron = \"@every 59s\"\ncatch_up = \"all\""),
            "4:1: tasks.t.catch_up: ",
            "may start many runs",
        ),
        (with_service("parallelism = 2"), "3:1: services.s.parallelism: ", "use instances"),
        (with_task("shell = \"/opt/fish\""), "3:1: tasks.t.shell: ", "goes on after a command"),
        (
            cron("[notify]\ndefault_timeout = \"14s\""),
            "5:1: notify.default_timeout: ",
            "one delivery attempt at most",
        ),
        (cron("graceful_stop = \"4s\""), "4:1: tasks.t.graceful_stop: ", "shutdown_timeout (3s)"),
    ] {
        let warnings: Vec<_> =
            good(&text).warnings.iter().map(|warning| short(warning.to_string())).collect();
        assert_eq!(warnings.len(), 1, "{text}: {warnings:?}");
        assert!(warnings[0].starts_with(start), "{start}: {}", warnings[0]);
        assert!(warnings[0].contains(fact), "{fact}: {}", warnings[0]);
    }
}

#[test]
fn nothing_is_said_about_what_is_usual() {
    for text in [
        with_task("api_trigger = false\ncron = \"@daily\""),
        with_task("api_trigger = false\nrun_on_start = \"boot\""),
        with_task("api_trigger = false\nhook_tokens = [\"k3v9Qw7ZrT1xLb8Nf5Ym2Hc6Jd4Gs0Pa\"]"),
        with_task("cron = \"@every 1m\"\ncatch_up = \"all\""),
        with_task("cron = \"* * * * *\"\ncatch_up = \"all\"\ntimezone = \"UTC\""),
        with_task("retry_attempts = 1\nretry_delay = \"5m\"\nretry_backoff = \"linear\""),
        with_service("parallelism = 1\non_overlap = \"queue\"\nrestart = \"always\""),
        "[daemon]\nshutdown_timeout = \"10s\"\n".to_owned() + &with_task("graceful_stop = \"10s\""),
    ] {
        assert_eq!(good(&text).warnings, [], "{text}");
    }
}
