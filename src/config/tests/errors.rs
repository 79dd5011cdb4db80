//! Everything that a file may have wrong: where it is, and what the message must say.

use super::{problems, read, with_service, with_task};

/// Each text has one problem, which starts with `start` and contains the facts.
fn check(cases: &[(String, &str, &[&str])]) {
    for (text, start, facts) in cases {
        let found = problems(text);
        assert_eq!(found.len(), 1, "{text}\n{found:#?}");
        assert!(found[0].starts_with(start), "{text}\nwanted {start}\nfound  {}", found[0]);
        for fact in *facts {
            assert!(found[0].contains(fact), "{text}\nwanted {fact}\nfound  {}", found[0]);
        }
    }
}

#[test]
fn every_row_of_the_table_of_messages() {
    let bad_zone = r#""Mars/Base" is not a valid IANA timezone (e.g. "UTC", "Europe/Prague")"#;
    check(&[
        (
            with_task("timeuot = \"1s\""),
            "3:1: tasks.t.timeuot: ",
            &[r#"unknown key "timeuot""#, r#"did you mean "timeout"?"#],
        ),
        (
            with_task("timeout = 30"),
            "3:11: tasks.t.timeout: ",
            &["expected string", "found integer", r#""30s""#],
        ),
        (
            with_task("on_overlap = \"wait\""),
            "3:14: tasks.t.on_overlap: ",
            &[r#""wait""#, "must be one of queue, skip, terminate"],
        ),
        (
            with_service("instances = 65"),
            "3:13: services.s.instances: ",
            &["65", "must be between 1 and 64"],
        ),
        (
            with_task("timeout = \"5 minutes\""),
            "3:11: tasks.t.timeout: ",
            &[r#""5 minutes""#, "ns, us, ms, s, m, h, d or w", r#""90s""#, r#""1h30m""#, r#""5m""#],
        ),
        (
            with_task("log_max_size = \"5 gbs\""),
            "3:16: tasks.t.log_max_size: ",
            &[r#""5 gbs""#, "b, kb, mb, gb or tb", r#""500mb""#],
        ),
        (
            with_task("cron = \"0 25 * * *\""),
            "3:8: tasks.t.cron: ",
            &[r#""0 25 * * *""#, "hour", "25", "five fields"],
        ),
        (
            with_task("cron = \"0 0 30 2 *\""),
            "3:8: tasks.t.cron: ",
            &[r#""0 0 30 2 *""#, "can never fire"],
        ),
        (
            with_task("cron = \"@daily\"\ntimezone = \"Mars/Base\""),
            "4:12: tasks.t.timezone: ",
            &[bad_zone],
        ),
        (with_task("cron = \"TZ=Mars/Base 0 0 * * *\""), "3:8: tasks.t.cron: ", &[bad_zone]),
        (
            "[tasks.x]\nrun = \"1\"\n\n[services.x]\nrun = \"1\"\n".to_owned(),
            "4:11: services.x: ",
            &[
                "used by both [tasks.*] and [services.*]",
                "[tasks.x] first defined at line 1",
                "[services.x] at line 4",
            ],
        ),
        (
            "\n[tasks.t]\ncron = \"@daily\"\n".to_owned(),
            "2:1: tasks.t: ",
            &["run command is required"],
        ),
        ("\n[services.s]\n".to_owned(), "2:1: services.s: ", &["run command is required"]),
        (
            with_task("restart = \"always\""),
            "3:11: tasks.t.restart: ",
            &[r#"task "t""#, "use [services.t] instead"],
        ),
        (
            with_task("instances = 2"),
            "3:1: tasks.t.instances: ",
            &["instances is only valid on [services.*]"],
        ),
    ]);
}

#[test]
fn misplaced_keys_get_a_pointer() {
    let defaults = |line: &str| format!("[defaults]\n{line}\n{}", with_task(""));
    let daemon = |line: &str| format!("[daemon]\n{line}\n{}", with_task(""));
    let per_task = ["is per-task; set it on [tasks.<name>]"];
    let tasks_only = ["only valid on [tasks.*]"];
    let services_only = ["only valid on [services.*]"];
    let retries = ["only valid on [tasks.*]", "restart_delay", "restart_backoff"];
    check(&[
        (defaults("on_overlap = \"skip\""), "2:1: defaults.on_overlap: ", &per_task),
        (defaults("parallelism = 1"), "2:1: defaults.parallelism: ", &per_task),
        (defaults("cron = \"@daily\""), "2:1: defaults.cron: ", &per_task),
        (defaults("retry_attempts = 1"), "2:1: defaults.retry_attempts: ", &per_task),
        (defaults("retry_delay = \"1s\""), "2:1: defaults.retry_delay: ", &per_task),
        (defaults("retry_backoff = \"linear\""), "2:1: defaults.retry_backoff: ", &per_task),
        (defaults("api_trigger = true"), "2:1: defaults.api_trigger: ", &per_task),
        (defaults("timezone = \"UTC\""), "2:1: defaults.timezone: ", &["use [scheduler] timezone"]),
        (daemon("host = \"::\""), "2:1: daemon.host: ", &["use the --host flag"]),
        (daemon("port = 80"), "2:1: daemon.port: ", &["use the --port flag"]),
        (daemon("tls = \"auto\""), "2:1: daemon.tls: ", &["a reverse proxy"]),
        (daemon("check_updates = false"), "2:1: daemon.check_updates: ", &["never calls out"]),
        (daemon("remote_dispatch = true"), "2:1: daemon.remote_dispatch: ", &["takes no jobs"]),
        (daemon("data = \"/x\""), "2:1: daemon.data: ", &["use the --data flag"]),
        (
            daemon("password = \"secret\""),
            "2:1: daemon.password: ",
            &["use RUNWISP_PASSWORD in the environment"],
        ),
        (with_task("restart_delay = \"1s\""), "3:1: tasks.t.restart_delay: ", &services_only),
        (
            with_task("restart_backoff = \"linear\""),
            "3:1: tasks.t.restart_backoff: ",
            &services_only,
        ),
        (with_service("cron = \"@daily\""), "3:1: services.s.cron: ", &tasks_only),
        (with_service("timezone = \"UTC\""), "3:1: services.s.timezone: ", &tasks_only),
        (with_service("catch_up = \"all\""), "3:1: services.s.catch_up: ", &tasks_only),
        (with_service("run_on_start = true"), "3:1: services.s.run_on_start: ", &tasks_only),
        (with_service("retry_attempts = 1"), "3:1: services.s.retry_attempts: ", &retries),
        (with_service("retry_delay = \"1s\""), "3:1: services.s.retry_delay: ", &retries),
        (with_service("retry_backoff = \"linear\""), "3:1: services.s.retry_backoff: ", &retries),
        (
            "[tasks.db.backup]\nrun = \"1\"\n".to_owned(),
            "1:11: tasks.db.backup: ",
            &[r#"a name with a dot must be quoted: [tasks."db.backup"]"#],
        ),
        (with_service("[services.s.x]"), "3:13: services.s.x: ", &[r#"[services."s.x"]"#]),
    ]);
}

#[test]
fn unknown_keys_are_errors_in_every_table() {
    for (text, start) in [
        ("color = 1\n", "1:1: color: "),
        ("[color]\n", "1:2: color: "),
        ("[taks.x]\nrun = \"1\"\n", "1:2: taks: "),
        ("[storage]\ncolor = 1\n", "2:1: storage.color: "),
        ("[scheduler]\ncolor = 1\n", "2:1: scheduler.color: "),
        ("[daemon]\ncolor = 1\n", "2:1: daemon.color: "),
        ("[defaults]\ncolor = 1\n", "2:1: defaults.color: "),
        ("[notify]\ncolor = 1\n", "2:1: notify.color: "),
        (
            "[services.\"a:b\"]\nrun = \"1\"\n\"my color\" = 1\n",
            "3:1: services.\"a:b\".\"my color\": ",
        ),
    ] {
        check(&[(text.to_owned(), start, &["unknown key"])]);
    }
    check(&[("[taks.x]\nrun = \"1\"\n".to_owned(), "1:2: ", &[r#"did you mean "tasks"?"#])]);
    let unrelated = problems(&with_task("color = 1"));
    assert!(!unrelated[0].contains("did you mean"), "{unrelated:?}");
}

#[test]
fn a_value_of_another_type_is_refused() {
    for (line, start, expected, found) in [
        ("description = 1", "3:15", "string", "integer"),
        ("api_trigger = \"true\"", "3:15", "boolean", "string"),
        ("api_trigger = 1", "3:15", "boolean", "integer"),
        ("parallelism = 2.0", "3:15", "integer", "float"),
        ("parallelism = \"2\"", "3:15", "integer", "string"),
        ("parallelism = true", "3:15", "integer", "boolean"),
        ("keep_for = 1979-05-27", "3:12", "string", "datetime"),
        ("log_max_size = 100", "3:16", "string", "integer"),
        ("on_overlap = [\"skip\"]", "3:14", "string", "array"),
        ("catch_up = true", "3:12", "string", "boolean"),
        ("cron = 5", "3:8", "string", "integer"),
        ("env = \"A=1\"", "3:7", "table", "string"),
        ("env = { A = 1 }", "3:13", "string", "integer"),
        ("run_on_start = 1", "3:16", "boolean or string", "integer"),
        ("notify_on_failure = \"inapp\"", "3:21", "array of strings", "string"),
        ("notify_on_failure = [\"inapp\", 1]", "3:31", "string", "integer"),
        ("restart = 1", "3:11", "string", "integer"),
    ] {
        let facts = [format!("expected {expected}"), format!("found {found}")];
        check(&[(with_task(line), start, &[&facts[0], &facts[1]])]);
    }
    check(&[
        ("tasks = 1\n".to_owned(), "1:9: tasks: ", &["expected table", "found integer"]),
        ("[tasks]\nx = 1\n".to_owned(), "2:5: tasks.x: ", &["expected table", "[tasks.x]"]),
        ("[[tasks]]\nrun = \"1\"\n".to_owned(), "1:1: tasks: ", &["expected table", "found array"]),
        ("[tasks.t]\nrun = 1\n".to_owned(), "2:7: tasks.t.run: ", &["expected string"]),
    ]);
}

#[test]
fn numbers_durations_and_sizes_have_ranges() {
    let unlimited = "must be -1 (unlimited), 0 (inherit) or a positive count";
    let forever = "must be \"unlimited\", omitted or a positive duration";
    let between = |low, high| format!("must be between {low} and {high}");
    for (line, value, rule) in [
        ("parallelism = 0", "0", between(1, 1024)),
        ("parallelism = 0x401", "0x401", between(1, 1024)),
        ("retry_attempts = -1", "-1", between(0, 100)),
        ("retry_attempts = 99999999999999999999", "99999999999999999999", between(0, 100)),
        ("max_queued = 10001", "10001", between(0, 10_000)),
        ("max_catch_up_runs = 0", "0", between(1, 10_000)),
        ("catch_up = 10001", "10001", between(0, 10_000)),
        ("keep_runs = -2", "-2", unlimited.to_owned()),
        ("keep_runs = 1000001", "1000001", unlimited.to_owned()),
        ("keep_for = \"-30d\"", "\"-30d\"", forever.to_owned()),
        ("keep_for = \"0s\"", "\"0s\"", forever.to_owned()),
        ("keep_for = \"0\"", "\"0\"", forever.to_owned()),
        ("keep_for = \"36501d\"", "\"36501d\"", forever.to_owned()),
        ("keep_for = \"5 weeks\"", "\"5 weeks\"", forever.to_owned()),
        ("timeout = \"-1s\"", "\"-1s\"", "must be 0 or more".to_owned()),
        ("timeout = \"30\"", "\"30\"", "\"30s\"".to_owned()),
        ("timeout = \"300000d\"", "\"300000d\"", "out of range".to_owned()),
        ("retry_delay = \"-1s\"", "\"-1s\"", "must be 0 or more".to_owned()),
        ("graceful_stop = \"1y\"", "\"1y\"", "unknown unit".to_owned()),
        ("log_max_size = \"-1\"", "\"-1\"", "must not be negative".to_owned()),
        ("log_max_size = \"mb\"", "\"mb\"", "missing number".to_owned()),
    ] {
        let text = with_task(&format!("cron = \"@daily\"\nretry_attempts = 1\n{line}"));
        let text = if line.starts_with("retry_attempts") { with_task(line) } else { text };
        let found = problems(&text);
        assert_eq!(found.len(), 1, "{line} {found:?}");
        assert!(found[0].contains(value) && found[0].contains(&rule), "{line}\n{}", found[0]);
    }
    check(&[
        ("[storage]\nmax_size = \"-5gb\"\n".to_owned(), "2:12: storage.max_size: ", &["negative"]),
        (
            "[storage]\nmin_free_space = \"x\"\n".to_owned(),
            "2:18: storage.min_free_space: ",
            &["\"x\""],
        ),
        (
            "[daemon]\nshutdown_timeout = \"0s\"\n".to_owned(),
            "2:20: daemon.shutdown_timeout: ",
            &["positive duration"],
        ),
        (
            with_service("restart_delay = \"-1s\""),
            "3:17: services.s.restart_delay: ",
            &["0 or more"],
        ),
        (
            with_service("instances = 0"),
            "3:13: services.s.instances: ",
            &["must be between 1 and 64"],
        ),
    ]);
}

#[test]
fn words_are_exact() {
    for (line, rule) in [
        ("on_overlap = \"Skip\"", "must be one of queue, skip, terminate"),
        ("on_overlap = \" skip\"", "must be one of queue, skip, terminate"),
        ("catch_up = \"none\"", "must be one of latest, all, skip"),
        ("log_on_full = \"drop\"", "must be one of drop_new, drop_old, kill_task"),
        ("retry_backoff = \"fast\"", "must be one of constant, linear, exponential"),
        ("restart = \"yes\"", "must be one of never, on_failure"),
        ("run_on_start = \"yes\"", "must be one of daemon, boot"),
        (
            "stop_signal = \"TERM\"",
            "must be one of SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGKILL, SIGUSR1, SIGUSR2",
        ),
    ] {
        check(&[(
            with_task(&format!("cron = \"@daily\"\nretry_attempts = 1\n{line}")),
            "5:",
            &[rule],
        )]);
    }
    check(&[
        (
            with_service("restart = \"no\""),
            "3:11: services.s.restart: ",
            &["must be one of always, on_failure, never"],
        ),
        (
            with_service("restart_backoff = \"no\""),
            "3:19: services.s.restart_backoff: ",
            &["must be one of constant"],
        ),
        (
            with_service("on_overlap = \"no\""),
            "3:14: services.s.on_overlap: ",
            &["must be one of queue"],
        ),
    ]);
}

#[test]
fn zones_are_exact_and_lead_nowhere_else() {
    for zone in
        ["", "utc", "europe/vienna", "/etc/passwd", "../x", "Europe/../x", "Mars Base", "local"]
    {
        let text = format!("[scheduler]\ntimezone = {zone:?}\n");
        let quoted = format!("{zone:?} is not a valid IANA timezone");
        check(&[(text, "2:12: scheduler.timezone: ", &[&quoted])]);
    }
}

#[test]
fn names_are_plain_and_alone() {
    let long = "x".repeat(101);
    for name in ["", " ", ".a", "-a", ":a", "a b", "a/b", "ä", "a\n", long.as_str()] {
        for (table, word) in
            [("tasks", "not a valid task name"), ("services", "not a valid service name")]
        {
            let text = format!("[{table}.{name:?}]\nrun = \"1\"\n");
            check(&[(text, "1:", &[word])]);
        }
    }
    let shared =
        "[tasks.\"a.b\"]\nrun = \"1\"\n[services.a_b]\nrun = \"1\"\n[tasks.\"a:b\"]\nrun = \"1\"\n";
    let found = problems(shared);
    assert_eq!(found.len(), 2, "{found:?}");
    for (line, start) in found.iter().zip(["3:11: services.a_b: ", "5:8: tasks.\"a:b\": "]) {
        assert!(line.starts_with(start) && line.contains("log directory \"a_b\""), "{line}");
    }
    assert!(found[0].contains("tasks.\"a.b\", first defined at line 1"), "{found:?}");
    check(&[(
        "[tasks.a]\nrun = \"1\"\n[tasks.a]\nrun = \"2\"\n".to_owned(),
        "3:8: ",
        &["duplicate key \"a\"", "first defined at line 1"],
    )]);
    check(&[(
        "[tasks.a]\nrun = \"1\"\ncron = \"\"\nrun = \"2\"\n".to_owned(),
        "4:1: ",
        &["duplicate key \"run\"", "first defined at line 2"],
    )]);
}

#[test]
fn commands_paths_and_variables_have_limits() {
    let long = "x".repeat(131_072);
    let value = "x".repeat((32 << 10) + 1);
    let many: String = (0..257).map(|n| format!("V{n} = \"\"\n")).collect();
    check(&[
        (
            "[tasks.t]\nrun = \" \\n\"\n".to_owned(),
            "2:7: tasks.t.run: ",
            &["run command is required"],
        ),
        ("[tasks.t]\nrun = \"a\\u0000\"\n".to_owned(), "2:7: tasks.t.run: ", &["NUL"]),
        (format!("[tasks.t]\nrun = \"{long}\"\n"), "2:7: tasks.t.run: ", &["too long", "131071"]),
        (with_task("shell = \"bash\""), "3:9: tasks.t.shell: ", &["\"bash\"", "absolute"]),
        (with_task("shell = \"/bin/\\u0000\""), "3:9: tasks.t.shell: ", &["NUL"]),
        (with_task("working_dir = \"\""), "3:15: tasks.t.working_dir: ", &["blank"]),
        (
            with_task("env_file = \"none.env\""),
            "3:12: tasks.t.env_file: ",
            &["/etc/rw/none.env", "no such file"],
        ),
        (
            with_task("env_file = \"bad.env\""),
            "3:12: tasks.t.env_file: ",
            &["/etc/rw/bad.env", "line 2", "no \"=\""],
        ),
        (with_task("env = { 1A = \"x\" }"), "3:9: tasks.t.env.1A: ", &["not a variable name"]),
        (with_task("env.A = \"\\u0000\""), "3:9: tasks.t.env.A: ", &["NUL"]),
        (with_task(&format!("env.A = \"{value}\"")), "3:9: tasks.t.env.A: ", &["32 KiB"]),
        (
            with_task(&format!("[tasks.t.env]\n{many}")),
            "3:1: tasks.t.env: ",
            &["257", "at most 256"],
        ),
        ("[defaults]\nenv_file = \"x\"\n".to_owned(), "2:12: defaults.env_file: ", &["/etc/rw/x"]),
    ]);
    let longest = &long[1..];
    assert!(read(&format!("[tasks.t]\nrun = \"{longest}\"\n")).is_ok());
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    check(&[
        (
            with_task("parallelism = 2\nmax_concurrent = 2"),
            "4:1: tasks.t.max_concurrent: ",
            &["parallelism and max_concurrent"],
        ),
        (
            with_task("manual_trigger = true\napi_trigger = true"),
            "4:1: tasks.t.api_trigger: ",
            &["api_trigger and manual_trigger"],
        ),
        (
            with_task("max_queued = 2\nqueue_max = 2"),
            "4:1: tasks.t.queue_max: ",
            &["max_queued and queue_max"],
        ),
        (
            with_task("notify = []\nnotify_on_failure = []"),
            "4:1: tasks.t.notify_on_failure: ",
            &["notify_on_failure and notify"],
        ),
        (
            "[scheduler]\ntimezone = \"UTC\"\n[daemon]\ntimezone = \"UTC\"\n".to_owned(),
            "4:1: ",
            &["[scheduler] timezone and [daemon] timezone"],
        ),
        (
            with_task("timezone = \"UTC\"\ncron = \"TZ=UTC @daily\""),
            "4:8: tasks.t.cron: ",
            &["timezone"],
        ),
        (
            with_task("cron = \"@daily\"\ncatch_up = 5\nmax_catch_up_runs = 5"),
            "4:12: tasks.t.catch_up: ",
            &["max_catch_up_runs"],
        ),
        (
            with_task("cron = \"@daily\"\ncatch_up = \"all\"\non_overlap = \"skip\""),
            "5:14: tasks.t.on_overlap: ",
            &["catch_up", "queue", "latest"],
        ),
        (
            with_task("cron = \"@daily\"\non_overlap = \"terminate\"\ncatch_up = 7"),
            "5:12: tasks.t.catch_up: ",
            &["on_overlap", "queue", "latest"],
        ),
    ]);
}

#[test]
fn every_problem_of_a_file_is_listed_in_the_order_of_its_lines() {
    let found = problems(
        "[storage]\nmax_size = 5\n[tasks.a]\ntimeuot = \"1s\"\n[services.b]\nrun = \"1\"\ninstances = 0\n\
         cron = \"@daily\"\n[tasks.c]\nrun = \"\"\nparallelism = \"x\"\n[defaults]\nkeep_for = \"0\"\n",
    );
    let places: Vec<_> = found.iter().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(
        places,
        ["2:12", "3:1", "4:1", "7:13", "8:1", "10:7", "11:15", "13:12"],
        "{found:#?}"
    );
    let many: String = (0..60).map(|n| format!("[tasks.t{n}]\n")).collect();
    let shown = read(&many).unwrap_err().to_string();
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 52);
    assert_eq!(lines[0], "c.toml:1:1: tasks.t0: run command is required");
    assert_eq!(lines[50..], ["… and 10 more", "configuration invalid: 60 error(s)"]);
}

#[test]
fn a_syntax_error_is_reported_alone() {
    for (text, place) in [
        ("[tasks.t]\nrun = \"x\nbad = 1\n", "2:"),
        ("[tasks.t\n", "1:"),
        ("color = 1\nrun =\n", "2:"),
        ("a = 1\na = 2\n", "2:1"),
        ("a = \"\\q\"\n", "1:"),
    ] {
        check(&[(text.to_owned(), place, &["not valid TOML"])]);
    }
}

#[test]
fn long_and_foreign_values_are_cut_and_escaped() {
    let found = problems(&with_task(&format!("on_overlap = \"{}\"", "y".repeat(200))));
    assert!(found[0].contains(&format!("\"{}\"…", "y".repeat(80))), "{found:?}");
    assert!(!found[0].contains(&"y".repeat(81)), "{found:?}");
    let long = "y".repeat(200);
    for line in [
        format!("cron = \"{long} * * * *\""),
        format!("cron = \"*/{long} * * * *\""),
        format!("cron = \"@{long}\""),
        format!("cron = \"@every 5{long}\""),
        format!("timeout = \"{long}\""),
        format!("timeout = \"5{long}\""),
        format!("timeout = \"{}\"", "1".repeat(200)),
        format!("log_max_size = \"5{long}\""),
    ] {
        let found = problems(&with_task(&line));
        assert!(found.len() == 1 && found[0].contains("…"), "{found:?}");
        assert!(!found[0].contains(&"y".repeat(81)), "{found:?}");
        assert!(!found[0].contains(&"1".repeat(81)), "{found:?}");
    }
    let found = problems(&with_task("on_overlap = \"\\u001b[31m\\n\""));
    assert!(found[0].contains(r#""\u{1b}[31m\n""#), "{found:?}");
}

#[test]
fn columns_count_characters() {
    check(&[(with_task("description = \"\"\n\"ü\" = 1"), "4:1: tasks.t.\"ü\"", &[])]);
    check(&[("[tasks]\n\"ä\" = { run = 1 }\n".replace("ä", "a"), "2:15: tasks.a.run", &[])]);
    check(&[(
        "[tasks.t]\nrun = \"1\"\nenv = { A = \"äöü\", B = 1 }\n".to_owned(),
        "3:24: tasks.t.env.B",
        &[],
    )]);
}
