//! Runs that go wrong: lines of output that make a failure, and what is noted of the machine.

use regex_lite::Regex;

use super::*;
use crate::model::failures::Failures;
use crate::model::run::EndReason;

fn with_patterns(script: &str, patterns: &[&str]) -> Job {
    let output = patterns.iter().map(|pattern| Regex::new(pattern).unwrap()).collect();
    Job { failures: Arc::new(Failures { output, ..Failures::default() }), ..task(script) }
}

fn snapshot(job: &Job) -> Option<String> {
    start(job).exit().0.snapshot.map(String::from)
}

#[test]
fn a_line_that_fits_a_pattern_is_found_and_noted_once() {
    let job = with_patterns("echo fine; echo 'ERROR 7' >&2; echo 'ERROR 8'", &["never", "^ERROR"]);
    let (exit, log, _) = start(&job).exit();
    assert_eq!((exit.how, exit.matched.as_deref()), (ExitHow::Code(0), Some("^ERROR")));
    assert_eq!(
        log.matches("Output matched /^ERROR/: the run counts as failed").count(),
        1,
        "{log}"
    );
    let snapshot = exit.snapshot.unwrap();
    assert!(snapshot.contains("after the end: its output matched\n"), "{snapshot}");
    // The end of the output need not be a whole line.
    let (exit, _, _) = start(&with_patterns("printf 'all ERROR'", &["ERROR$"])).exit();
    assert_eq!(exit.matched.as_deref(), Some("ERROR$"));
    let (exit, _, _) = start(&with_patterns("echo fine", &["ERROR$"])).exit();
    assert_eq!((exit.matched, exit.snapshot), (None, None));
}

#[test]
fn lines_that_are_dropped_are_tested_too() {
    let mut job = with_patterns("seq 1 5000; echo ERROR", &["^ERROR$"]);
    job.log = LogLimit { max: Some(1000), on_full: OnFull::DropNew };
    let (exit, log, _) = start(&job).exit();
    assert_eq!(exit.matched.as_deref(), Some("^ERROR$"));
    assert!(exit.log.truncated && !log.contains("\nERROR\n"), "{log}");
    assert!(log.contains("Output matched /^ERROR$/"), "{log}");
}

#[test]
fn a_timeout_shows_the_tree_of_the_run_without_its_secrets() {
    let mut job = task("sleep 71 & sh -c 'sleep 72; :' & : --password=hunter2 xyzzy-1; wait");
    job.timeout = Some(Duration::from_millis(300));
    job.process.env = [("API_TOKEN".to_owned(), "xyzzy-1".to_owned())].into();
    let text = snapshot(&job).unwrap();
    assert!(text.starts_with("Taken ") && text.contains(" before the stop: timeout\n"), "{text}");
    for word in ["Load: ", "Memory: ", "Disk of the logs: ", "Open files: ", "COMMAND\n"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let line = |end: &str| {
        let line =
            text.lines().find(|line| line.ends_with(end)).unwrap_or_else(|| panic!("{text}"));
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        // Standard input, output and errors.
        let files: usize = fields[5].parse().unwrap();
        assert!(fields[1] == "S" && files >= 3, "{text}");
        line.len() - line.trim_end_matches(end).trim_end().len()
    };
    assert!(line("sleep 71") < line("sleep 72"), "children stand further to the right: {text}");
    assert!(text.contains("--password=*** ***"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("xyzzy"), "{text}");
    assert!(text.len() <= 8192);
}

#[test]
fn a_failure_shows_the_host_and_who_is_left() {
    let text = snapshot(&task("exit 3")).unwrap();
    assert!(text.contains(" after the end: exit code 3\n") && text.contains("Memory: "), "{text}");
    assert!(!text.contains("Processes"), "{text}");
    let text = snapshot(&task("sleep 0.5 & sleep 0.1; exit 4")).unwrap();
    assert!(text.contains("Processes of the run: ") && text.contains("sleep 0.5\n"), "{text}");
    let text = snapshot(&task("kill -9 $$")).unwrap();
    assert!(text.contains(" after the end: SIGKILL\n"), "{text}");
}

#[test]
fn nothing_is_noted_of_a_run_that_does_not_fail() {
    assert_eq!(snapshot(&task("exit 0")), None);
    let narrow = Failures { reasons: vec![EndReason::Timeout], ..Failures::default() };
    let job = Job { failures: Arc::new(narrow), ..task("exit 3") };
    assert_eq!(snapshot(&job), None);
    let started = start(&task("echo ready; exec sleep 60"));
    started.line("ready");
    started.stopper.stop(Cause::Operator);
    assert_eq!(started.exit().0.snapshot, None);
}

#[test]
fn many_processes_are_cut() {
    let mut job = task("for n in $(seq 60); do sleep 60 & done; wait");
    job.timeout = Some(Duration::from_millis(500));
    let text = snapshot(&job).unwrap();
    let shown = text.lines().filter(|line| line.ends_with("sleep 60")).count();
    assert!(
        text.contains("Processes of the run: 61\n") && text.contains("and 21 more\n"),
        "{text}"
    );
    assert_eq!(shown, 39, "{text}");
}
