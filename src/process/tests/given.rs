//! What a process finds: its environment, its arguments, and who it is.

use std::fs;
use std::sync::Arc;
use std::sync::mpsc;

use super::{Place, Started, start, task, text_of};
use crate::base::time::Clock;
use crate::inbox::Inbox;
use crate::logs::LogFile;
use crate::model::job::{Job, Work};
use crate::model::param::{Param, ParamKind};
use crate::model::process::{EnvBase, RunAs, Variables};
use crate::model::run::ExitHow;
use crate::process::{Crew, run};
use crate::sys::{self, peer};

fn variables(pairs: &[(&str, &str)]) -> Variables {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn with_params(script: &str, params: &[(ParamKind, &str)]) -> Job {
    let mut job = task(script);
    let param = |(kind, key): &(ParamKind, &str)| Param {
        kind: *kind,
        key: (*key).to_owned(),
        is_number: false,
        required: false,
        default: None,
        choices: Vec::new(),
        allow_custom: false,
        description: String::new(),
    };
    let Work::Task(work) = &mut job.work else { panic!() };
    work.params = params.iter().map(param).collect();
    job
}

/// A run that was given this.
fn start_given(job: &Job, given: &[(&str, Option<&str>)]) -> Started {
    let place = Place::new();
    let mut spec = place.spec(job, None);
    let owned = |(key, value): &(&str, Option<&str>)| ((*key).to_owned(), value.map(str::to_owned));
    spec.run.params = given.iter().map(owned).collect();
    let (sender, inputs) = mpsc::channel();
    let (clock, log) = (Clock::start(), spec.place().file(LogFile::Log));
    let stopper = run::start(spec, clock.clone(), Inbox::new(sender), &Crew::default()).unwrap();
    Started { inputs, stopper, log, since: clock.now(), clock, _place: place }
}

#[test]
fn a_clean_environment_is_what_cron_gives() {
    let mut job = task("env | sort");
    job.process.env_base = EnvBase::Clean;
    job.process.env = variables(&[("A", "1"), ("HOME", "/h")]);
    let (_, log, _) = start(&job).exit();
    let names: Vec<_> = log.lines().filter_map(|line| line.split('=').next()).collect();
    // The shell adds PWD.
    let own = ["REPLICA_INDEX", "RETRY_ATTEMPT", "RUN_ID", "TASK", "TRIGGERED_BY"];
    let own = own.map(|name| format!("RUNWISP_{name}"));
    let mut expected = vec!["A", "HOME", "LOGNAME", "PATH", "PWD"];
    expected.extend(own.iter().map(String::as_str));
    expected.extend(["SHELL", "USER"]);
    assert_eq!(names, expected);
    for line in ["PATH=/usr/bin:/bin", "SHELL=/bin/sh", "HOME=/h"] {
        assert!(log.lines().any(|found| found == line), "{line} is missing in {log}");
    }
}

#[test]
fn secrets_win_over_what_is_given_and_that_over_variables() {
    let mut job = with_params(
        "echo $A $B $C $KEPT",
        &[(ParamKind::Env, "A"), (ParamKind::Env, "B"), (ParamKind::Env, "KEPT")],
    );
    job.process.env = variables(&[("A", "env"), ("B", "env"), ("C", "env")]);
    job.process.secrets = variables(&[("A", "secret")]);
    let given = [("A", Some("given")), ("B", Some("given")), ("KEPT", None)];
    let (_, log, _) = start_given(&job, &given).exit();
    assert_eq!(log, "[redacted] given env 1\n");
}

#[test]
fn arguments_reach_the_last_command_of_a_script() {
    let kinds = [
        (ParamKind::Arg, "file"),
        (ParamKind::Env, "E"),
        (ParamKind::Option, "--level"),
        (ParamKind::Option, "--mode="),
        (ParamKind::Flag, "-v"),
        (ParamKind::Flag, "-q"),
        (ParamKind::Arg, "last"),
    ];
    let job = with_params("echo first\nprintf '<%s>'  \n\n", &kinds);
    let given = [
        ("file", Some("a b; $(echo x)")),
        ("E", Some("1")),
        ("--level", Some("")),
        ("--mode=", Some("*")),
        ("-v", Some("true")),
        ("-q", Some("false")),
        ("last", None),
        ("gone", Some("x")),
    ];
    let (_, log, _) = start_given(&job, &given).exit();
    assert_eq!(log, "first\n<a b; $(echo x)><--level><><--mode=*><-v>\n");
    let (_, log, _) = start_given(&job, &[]).exit();
    assert_eq!(log, "first\n<>\n");
    let (exit, _, _) = start_given(&job, &[("file", Some("a\0b"))]).exit();
    assert_eq!(text_of(&exit.how), "failed to start: a value contains a NUL byte");
}

#[test]
fn a_mask_is_the_childs_alone() {
    let before = fs::read_to_string("/proc/self/status").unwrap();
    let mut job = task("umask");
    job.process.umask = Some(0o137);
    assert_eq!(start(&job).exit().1, "0137\n");
    let mask =
        |status: &str| status.lines().find(|line| line.starts_with("Umask")).unwrap().to_owned();
    assert_eq!(mask(&before), mask(&fs::read_to_string("/proc/self/status").unwrap()));
}

fn run_as(user: &str, group: Option<&str>, script: &str) -> Job {
    let mut job = task(script);
    let group = group.map(str::to_owned);
    job.process.user = Some(Arc::new(RunAs { user: user.to_owned(), group }));
    job
}

#[test]
fn a_process_becomes_another_user_and_the_daemon_does_not() {
    if peer::own_user() != 0 {
        return sys::skip("only root becomes somebody else");
    }
    let script = "id -u; id -g; id -G; echo $USER $LOGNAME $HOME $KEPT; pwd
                  grep -E '^(Uid|Gid|CapEff)' /proc/self/status";
    let mut job = run_as("nobody", Some("4000000"), script);
    job.process.working_dir = Some("/".into());
    let (_, log, _) = start(&job).exit();
    let caps = "0".repeat(16);
    let four = |id: &str| [id; 4].join("\t");
    let home = fs::read_to_string("/etc/passwd").unwrap();
    let home = home.lines().find(|line| line.starts_with("nobody:")).unwrap();
    let home = home.split(':').nth(5).unwrap();
    let (uid, gid) = (four("65534"), four("4000000"));
    assert_eq!(
        log,
        format!(
            "65534\n4000000\n4000000\nnobody nobody {home} 1\n/\n\
             Uid:\t{uid}\nGid:\t{gid}\nCapEff:\t{caps}\n"
        )
    );
    assert_eq!(peer::own_user(), 0);
    let (_, log, _) = start(&run_as("12345", Some("54321"), "id -u; id -g")).exit();
    assert_eq!(log, "12345\n54321\n");
}

#[test]
fn a_user_that_cannot_be_is_named() {
    if peer::own_user() != 0 {
        let (exit, _, _) = start(&run_as("root", None, "true")).exit();
        let text = "failed to start: cannot run as user \"root\": only a daemon that is root can";
        assert_eq!(text_of(&exit.how), text);
        return sys::skip("only root becomes somebody else");
    }
    let cannot = "failed to start: cannot run as user";
    for (user, group, text) in [
        (
            "no-such",
            None,
            format!("{cannot} \"no-such\": there is no user \"no-such\" in /etc/passwd"),
        ),
        ("12345", None, format!("{cannot} \"12345\": there is no user \"12345\" in /etc/passwd")),
        (
            "nobody",
            Some("no-such"),
            format!("{cannot} \"nobody\": there is no group \"no-such\" in /etc/group"),
        ),
    ] {
        let (exit, log, _) = start(&run_as(user, group, "echo never")).exit();
        assert_eq!((text_of(&exit.how), log), (text.as_str(), format!("[SYSTEM] {text}\n")));
    }
    // The home of somebody else, entered as nobody.
    let mut job = run_as("nobody", None, "echo never");
    job.process.working_dir = Some("/root".into());
    let (exit, ..) = start(&job).exit();
    let text = text_of(&exit.how);
    assert!(text.starts_with("failed to start: cannot enter the working_dir /root"), "{text}");
}

#[test]
fn secrets_are_in_no_log_and_make_no_match() {
    let script = "head -c 65530 /dev/zero | tr '\\0' x; echo $KEY; echo \"$LINES_\" >&2
                  printf half; printf %s $KEY";
    let mut job = task(script);
    job.process.secrets = variables(&[("KEY", "hunter2-hunter2"), ("LINES_", "first\nsecond\nx")]);
    let output = [regex_lite::Regex::new("hunter2").unwrap()].into();
    job.failures = Arc::new(crate::model::failures::Failures { output, ..Default::default() });
    let (exit, log, _) = start(&job).exit();
    assert_eq!((exit.how, exit.matched), (ExitHow::Code(0), None));
    let long = format!("{}[redac\nted]\n", "x".repeat(65_530));
    let (mut lines, mut expected): (Vec<_>, Vec<_>) =
        (log.lines().collect(), long.lines().collect());
    expected.extend(["[ERR] [redacted]", "[ERR] [redacted]", "[ERR] x", "half[redacted]"]);
    // The two pipes are two streams.
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines, expected);
}
