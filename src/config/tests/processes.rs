//! Who a process is and what it finds (docs/configuration.md, Shell, Environment and Secrets).

use std::time::Duration;

use super::{good, job, problems, task, with_service, with_task};
use crate::model::job::CatchUp;
use crate::model::process::{EnvBase, RunAs, Variables};

fn shown(variables: &Variables) -> String {
    let pairs = variables.iter().map(|(key, value)| format!("{key}={value}"));
    pairs.collect::<Vec<_>>().join(" ")
}

#[test]
fn secrets_are_merged_like_variables_and_beside_them() {
    let config = good(&format!(
        "[defaults]\nsecrets_file = \"common.env\"\nsecrets = {{ B = \"defaults\", D = \"d\" }}\n{}{}",
        with_task(
            "secrets_file = \"~/own.env\"\nsecrets = { D = \"task\" }\nenv = { A = \"env\" }"
        ),
        with_service("env_file = \"common.env\""),
    ));
    let process = |name| &job(&config, name).process;
    assert_eq!(shown(&process("t").secrets), "A=file B=own D=task C=own");
    assert_eq!(shown(&process("t").env), "A=env");
    assert_eq!(process("t").secrets_file.as_deref(), Some("~/own.env"));
    assert_eq!(process("t").env_file, None);
    assert_eq!(shown(&process("s").secrets), "A=file B=defaults D=d");
    assert_eq!(process("s").secrets_file.as_deref(), Some("common.env"));
    assert_eq!(process("s").env_file.as_deref(), Some("common.env"));
}

#[test]
fn values_of_secrets_are_never_repeated() {
    let many: String = (0..200).map(|n| format!("V{n} = \"hunter2\"\n")).collect();
    for (lines, start, fact) in [
        ("secrets = { A = 1234567 }".to_owned(), "3:17: tasks.t.secrets.A: ", "found integer"),
        ("secrets = { A-B = \"hunter2\" }".to_owned(), "3:13: ", "not a variable name"),
        ("secrets = { A = \"hunter2\\u0000\" }".to_owned(), "3:17: ", "NUL byte"),
        (
            "secrets_file = \"bad.env\"".to_owned(),
            "3:16: tasks.t.secrets_file: ",
            "line 2: no \"=\"",
        ),
        (
            "secrets_file = \"none\"".to_owned(),
            "3:16: ",
            "cannot read \"/etc/rw/none\": no such file",
        ),
        (
            format!("[tasks.t.env]\n{many}[tasks.t.secrets]\n{many}"),
            "204:1: tasks.t.secrets: ",
            "400 variables; must be at most 256",
        ),
    ] {
        let found = problems(&with_task(&lines));
        assert_eq!(found.len(), 1, "{lines} {found:?}");
        assert!(found[0].starts_with(start) && found[0].contains(fact), "{}", found[0]);
        assert!(!found[0].contains("hunter2") && !found[0].contains("1234567"), "{}", found[0]);
    }
}

#[test]
fn a_process_may_be_somebody_elses() {
    let config = good(&with_task("user = \"www-data\"\numask = \"0027\"\nenv_base = \"clean\""));
    let process = &job(&config, "t").process;
    assert_eq!(**process.user.as_ref().unwrap(), RunAs { user: "www-data".into(), group: None });
    assert_eq!((process.umask, process.env_base), (Some(0o027), EnvBase::Clean));
    let config = good(&with_service("user = \"1000:adm\"\numask = \"\""));
    let process = &job(&config, "s").process;
    let group = Some("adm".to_owned());
    assert_eq!(**process.user.as_ref().unwrap(), RunAs { user: "1000".into(), group });
    assert_eq!((process.umask, process.env_base), (None, EnvBase::Inherit));
    for (line, rule) in [
        ("user = \"a b\"", "must be a user or USER:GROUP"),
        ("user = \"-x\"", "must be a user or USER:GROUP"),
        ("user = \"a:\"", "must be a user or USER:GROUP"),
        ("user = \"a:b:c\"", "must be a user or USER:GROUP"),
        ("user = \"../root\"", "must be a user or USER:GROUP"),
        ("user = \"\"", "blank"),
        ("umask = \"1000\"", "must be octal from \"0\" to \"0777\""),
        ("umask = \"+7\"", "must be octal"),
        ("umask = \"8\"", "must be octal"),
        ("umask = 27", "expected string, found integer"),
        ("env_base = \"none\"", "must be one of inherit, clean"),
    ] {
        let found = problems(&with_task(line));
        assert_eq!(found.len(), 1, "{line} {found:?}");
        assert!(found[0].starts_with("3:") && found[0].contains(rule), "{line}\n{}", found[0]);
    }
}

#[test]
fn jitter_and_catch_up_may_be_inherited() {
    let defaults = "[defaults]\njitter = \"5m\"\ncatch_up = \"all\"\nmax_catch_up_runs = 9\n";
    for (lines, jitter, catch_up) in [
        ("cron = \"@daily\"", Some(300), CatchUp::All { cap: 9 }),
        ("cron = \"@daily\"\njitter = \"0s\"\ncatch_up = \"skip\"", None, CatchUp::Skip),
        ("cron = \"@daily\"\njitter = \"24h\"", Some(86_400), CatchUp::All { cap: 9 }),
        ("cron = \"@daily\"\nmax_catch_up_runs = 3", Some(300), CatchUp::All { cap: 3 }),
        ("", None, CatchUp::All { cap: 9 }),
        ("jitter = \"0s\"", None, CatchUp::All { cap: 9 }),
    ] {
        let config = good(&format!("{defaults}{}", with_task(lines)));
        let task = task(&config, "t");
        let found = (task.jitter, task.catch_up);
        assert_eq!(found, (jitter.map(Duration::from_secs), catch_up), "{lines}");
    }
    for (lines, start, fact) in [
        ("jitter = \"1s\"", "3:1: tasks.t.jitter: ", "jitter needs cron"),
        ("cron = \"@daily\"\njitter = \"25h\"", "4:10: tasks.t.jitter: ", "between 0s and 24h"),
    ] {
        let found = problems(&with_task(lines));
        assert_eq!(found.len(), 1, "{lines} {found:?}");
        assert!(found[0].starts_with(start) && found[0].contains(fact), "{}", found[0]);
    }
    let text = format!("{defaults}{}", with_task("cron = \"@daily\"\non_overlap = \"skip\""));
    let found = problems(&text);
    assert!(found[0].starts_with("8:14: tasks.t.on_overlap: catch_up = \"all\""), "{found:?}");
}
