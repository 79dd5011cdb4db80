//! Why a task ran, or did not (docs/running.md, Why did it run).

use std::time::Duration;

use jiff::Timestamp;

use crate::harness::daemon::PATIENCE;
use crate::harness::{Home, wait_until};

/// The answer of the command, whose first line is the sentence.
fn why(home: &Home, task: &str, at: Option<Timestamp>) -> String {
    let mut args = vec!["why".to_owned(), task.to_owned()];
    args.extend(at.into_iter().flat_map(|at| ["--at".to_owned(), at.to_string()]));
    let output = home.run(args);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A whole second that is over.
fn a_moment_ago(home: &Home, task: &str) -> Timestamp {
    let newest = || home.rows(task).into_iter().map(|row| row.created_at).max();
    let before = newest();
    wait_until("another tick", PATIENCE, || newest() > before);
    let at = newest().unwrap();
    Timestamp::from_second(at.as_second()).unwrap()
}

#[test]
fn each_kind_of_decision_has_its_sentence() {
    let tasks =
        "[tasks.steady]\ncron = '* * * * * *'\ncatch_up = 'skip'\nkeep_runs = 1000\nrun = 'true'\n
         [tasks.skips]\ncron = '* * * * * *'\non_overlap = 'skip'\nrun = 'exec sleep 621'\n
         [tasks.waits]\ncron = '* * * * * *'\nmax_queued = 1\nrun = 'exec sleep 622'\n
         [tasks.yearly]\ncron = '0 0 1 1 *'\nrun = 'true'\n
         [tasks.manual]\nrun = 'true'\n";
    let home = Home::new(tasks);
    let daemon = home.start();
    let session = daemon.login();
    let ran = a_moment_ago(&home, "steady");
    let answer = why(&home, "steady", Some(ran));
    assert!(
        answer.starts_with("steady ran at ") && answer.contains("as its schedule says"),
        "{answer}"
    );

    let (skipped, full) = (a_moment_ago(&home, "skips"), a_moment_ago(&home, "waits"));
    let answer = why(&home, "skips", Some(skipped));
    let running = home.rows("skips").into_iter().find(|row| row.status == "running").unwrap();
    assert!(
        answer.contains(&format!("on_overlap is \"skip\" and run {} was running", running.id)),
        "{answer}"
    );
    wait_until("the queue is full", PATIENCE, || {
        home.rows("waits").iter().any(|row| row.reason() == "queue_full")
    });
    let full = full.max(a_moment_ago(&home, "waits"));
    let answer = why(&home, "waits", Some(full));
    assert!(answer.contains("as many runs as may wait did"), "{answer}");
    let queued = home.rows("waits").into_iter().find(|row| row.status == "pending").unwrap();
    let answer = why(&home, "waits", Some(queued.created_at));
    assert!(answer.contains(" behind run ") && answer.contains("it still waits"), "{answer}");

    let answer = why(&home, "yearly", Some(ran));
    assert!(
        answer.contains("yearly has no tick at ") && answer.contains("; the next one is "),
        "{answer}"
    );
    let answer = why(&home, "manual", None);
    assert!(answer.contains("manual has no schedule"), "{answer}");

    assert_eq!(session.post("/api/tasks/steady/pause", "").status, 200);
    let paused: Timestamp = Timestamp::now();
    wait_until("a second is over", PATIENCE, || Timestamp::now() > paused + Duration::from_secs(3));
    let answer = why(&home, "steady", Some(paused + Duration::from_secs(2)));
    assert!(
        answer.contains("did not run at ") && answer.contains("its schedule was paused since "),
        "{answer}"
    );
    assert_eq!(session.post("/api/tasks/steady/resume", "").status, 200);
    a_moment_ago(&home, "steady");

    let killed = Timestamp::now();
    daemon.kill9();
    wait_until("ticks pass", PATIENCE, || Timestamp::now() > killed + Duration::from_secs(3));
    home.write("runwisp.toml", format!("{tasks}[tasks.late]\ncron = '* * * * *'\nrun = 'true'\n"));
    let daemon = home.start();
    let answer = why(&home, "steady", Some(killed + Duration::from_secs(2)));
    assert!(answer.contains("the daemon was down from "), "{answer}");
    assert!(answer.contains("scheduled runs missed since "), "{answer}");
    let answer = why(&home, "late", Some(killed - Duration::from_secs(300)));
    assert!(
        answer.contains("was not configured at ") && answer.contains("it was added at "),
        "{answer}"
    );
    let unknown = home.run(["why", "nobody"]);
    assert!(
        String::from_utf8_lossy(&unknown.stderr).contains("task not found: nobody"),
        "{unknown:?}"
    );
    daemon.stop_well();
}
