//! `failures` of jobs (docs/configuration.md, Failures).

use std::sync::Arc;

use super::{good, job, problems, with_service, with_task};
use crate::model::failures::Failures;
use crate::model::run::EndReason;

fn shown(failures: &Failures) -> String {
    let mut reasons: Vec<_> = failures.reasons.iter().map(|reason| reason.as_str()).collect();
    reasons.sort_unstable();
    let codes = failures.codes.iter().map(|range| format!("{}-{}", range.start(), range.end()));
    let output = failures.output.iter().map(|regex| regex.as_str().to_owned());
    let parts = reasons.into_iter().map(str::to_owned).chain(codes).chain(output);
    parts.collect::<Vec<_>>().join(" ")
}

const BUILT_IN: &str = "crashed failed log_overflow missed start_failed timeout unhealthy";

#[test]
fn a_plain_list_replaces_and_one_with_signs_edits() {
    for (defaults, own, expected) in [
        (None, None, BUILT_IN),
        (None, Some("[]"), ""),
        (Some("[\"failed\"]"), None, "failed"),
        (Some("[\"failed\"]"), Some("[\"timeout\", \"stopped\"]"), "stopped timeout"),
        (
            None,
            Some("[\"+stopped\", \"-missed\"]"),
            "crashed failed log_overflow start_failed stopped timeout unhealthy",
        ),
        (
            None,
            Some("[\"-failed\", \"-unhealthy\", \"+3-5\", \"+42\"]"),
            "crashed log_overflow missed start_failed timeout 3-5 42-42",
        ),
        (
            None,
            Some("[\"-42\", \"-failed\", \"-start_failed\"]"),
            "crashed log_overflow missed timeout unhealthy",
        ),
        (Some("[\"1-10\"]"), Some("[\"-4\", \"+11\"]"), "1-3 5-11"),
        (None, Some("[\"255\", \"1\", \"2\", \"1-2\"]"), "1-2 255-255"),
        (Some("[\"failed\", \"output:a b\"]"), Some("[\"+output:^c$\"]"), "failed a b ^c$"),
        (Some("[\"failed\", \"output:a b\"]"), Some("[\"-output:a b\"]"), "failed"),
        (
            None,
            Some(
                "[\"start_failed\", \"unhealthy\", \"daemon_stopped\", \"skipped\", \"queue_full\", \"dst_skipped\"]",
            ),
            "dst_skipped queue_full skipped start_failed unhealthy",
        ),
        (None, Some("[\"-daemon_stopped\"]"), BUILT_IN),
    ] {
        let line = |list: Option<&str>| list.map_or(String::new(), |it| format!("failures = {it}"));
        for job_lines in [with_task(&line(own)), with_service(&line(own))] {
            let text = format!("[defaults]\n{}\n{job_lines}", line(defaults));
            let config = good(&text);
            assert_eq!(shown(&config.jobs[0].failures), expected, "{text}");
        }
    }
}

#[test]
fn jobs_that_say_nothing_share_one_list() {
    let config = good(&format!(
        "[defaults]\nfailures = [\"failed\"]\n{}{}",
        with_task(""),
        with_service("")
    ));
    assert!(Arc::ptr_eq(&job(&config, "t").failures, &job(&config, "s").failures));
    assert!(job(&config, "t").failures.counts(EndReason::Failed, 1));
}

#[test]
fn what_is_no_outcome_is_refused() {
    for (list, fact) in [
        ("\"failed\"", "expected array"),
        ("[1]", "expected string"),
        ("[\"\"]", "blank"),
        ("[\"failed\", \"+timeout\"]", "either all entries begin with + or -"),
        ("[\"+failed\", \"-failed\", \"42\"]", "either all entries begin with + or -"),
        ("[\"success\"]", "\"success\": must be one of failed, timeout, log_overflow, crashed"),
        ("[\"timeuot\"]", "did you mean \"timeout\"?"),
        ("[\"-\"]", "must be one of"),
        ("[\"0\"]", "between 1 and 255"),
        ("[\"256\"]", "between 1 and 255"),
        ("[\"1-256\"]", "between 1 and 255"),
        ("[\"1-\"]", "between 1 and 255"),
        ("[\"5-3\"]", "the range is reversed; write \"3-5\""),
        ("[\"output:(\"]", "not a pattern"),
        ("[\"output:\"]", "the pattern is empty"),
        ("[\"-output:x\"]", "no such pattern is inherited"),
        ("[\"-3\"]", "\"failed\" is in the list"),
    ] {
        let found = problems(&with_task(&format!("failures = {list}")));
        assert_eq!(found.len(), 1, "{list} {found:?}");
        assert!(found[0].starts_with("3:1"), "{}", found[0]);
        assert!(
            found[0].contains(": tasks.t.failures: ") && found[0].contains(fact),
            "{list}\n{}",
            found[0]
        );
        assert!(!found[0].contains('\n'), "{}", found[0]);
    }
}
