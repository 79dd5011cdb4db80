use std::time::Duration;

use jiff::SignedDuration;

use super::*;
use crate::model::notifier::{AlertAfter, Settings, Token};
use crate::notify::samples;

struct Plain;

impl Words for Plain {
    fn tail(&self, alert: &Alert) -> String {
        format!("tail of {}", alert.job)
    }

    fn feed(&self, alert: &Alert, tail: &str) -> (String, String) {
        (format!("{} {}", alert.job, alert.kind.as_str()), tail.to_owned())
    }

    fn title(&self, alert: &Alert) -> String {
        alert.job.clone()
    }
}

fn at(minute: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
}

/// A ledger where the job `a` tells its failures to `ops` and the feed.
fn ledger(settings: Settings, alerts: JobAlerts) -> Ledger {
    let to = vec![Token::new("ops", None), Token::in_app()];
    let alerts = JobAlerts { on_failure: Some(to), ..alerts };
    let notify = Notify { settings, ..Notify::default() };
    let mut ledger = Ledger::new(Arc::new(notify), &[], Vec::new(), Vec::new(), 1);
    ledger.jobs.insert("a".to_owned(), Arc::new(alerts));
    ledger
}

/// What the plan sends and what it enters into the feed, in a few words each.
fn told(plan: &Plan) -> Vec<String> {
    let mut told = Vec::new();
    for tell in &plan.tells {
        if let Tell::Queue { delivery, .. } = tell {
            let Delivery { channel, alert, more, .. } = &**delivery;
            let more = match more {
                More::None => String::new(),
                More::CheckIn(count) => format!(" x{count}"),
                More::Summary { count, .. } => format!(" sum {count}"),
            };
            told.push(format!("{channel}: {}{more}", alert.kind.as_str()));
        }
        if let Tell::Feed(entry) = tell {
            let read = if entry.read_at.is_some() { " read" } else { "" };
            told.push(format!("feed: {} {}{read}", entry.kind.as_str(), entry.count));
        }
    }
    told
}

/// The numbers of alerts, counted from `first`.
fn numbered(alerts: impl IntoIterator<Item = Alert>) -> Vec<(i64, Option<Alert>)> {
    (1..).zip(alerts.into_iter().map(Some)).collect()
}

#[test]
fn an_alert_is_heard_in_the_transaction_of_what_it_comes_to() {
    let mut ledger = ledger(Settings::default(), JobAlerts::default());
    let mut alerts = numbered([samples::failed("a", at(0), 1)]);
    alerts.push((2, None));
    let plan = ledger.take(at(0), alerts, &Plain);
    assert_eq!(told(&plan), ["ops: run.failed", "feed: run.failed 1"]);
    let heard = |tell: &&Tell| matches!(tell, Tell::Heard(_));
    let heard: Vec<_> = plan.tells.iter().filter(heard).collect();
    assert_eq!(heard, [&Tell::Heard(1), &Tell::Heard(2)]);
    let trouble = |tell: &Tell| matches!(tell, Tell::Trouble { trouble: Some(_), .. });
    assert!(plan.tells.iter().any(trouble));
    assert_eq!(plan.wake.into_iter().collect::<Vec<_>>(), ["ops"]);
}

#[test]
fn a_flood_is_one_first_message_and_coalesced_ones_and_one_row() {
    let settings = Settings { occurrence_ring: 1000, ..Settings::default() };
    let mut ledger = ledger(settings, JobAlerts::default());
    let (mut sent, mut rows) = (Vec::new(), 0);
    for batch in 0..40 {
        let alerts = (0..256).map(|_| samples::failed("a", at(0), 1));
        let plan = ledger.take(at(0) + SignedDuration::from_secs(batch), numbered(alerts), &Plain);
        sent.extend(told(&plan).into_iter().filter(|it| it.starts_with("ops")));
        rows += plan.tells.iter().filter(|tell| matches!(tell, Tell::Feed(_))).count();
        assert!(plan.tells.len() < 256 + 20);
    }
    assert_eq!(rows, 40, "one for each batch");
    let (first, others) = sent.split_first().unwrap();
    assert_eq!(first, "ops: run.failed");
    assert_eq!(others, vec!["ops: run.failed x1000"; 10]);
    assert_eq!(ledger.windows.len(), 1);
    let plan = ledger.end_windows(at(61), &Plain);
    assert_eq!(told(&plan), ["ops: run.failed sum 239"]);
    assert_eq!(told(&ledger.end_windows(at(200), &Plain)), [""; 0]);
}

#[test]
fn a_job_that_is_well_again_says_so_once_and_its_next_failure_is_a_first_one() {
    let mut ledger = ledger(Settings::default(), JobAlerts::default());
    let mut take = |minute, alert| told(&ledger.take(at(minute), numbered([alert]), &Plain));
    let (fails, works) = (|m| samples::failed("a", at(m), 1), |m| samples::succeeded("a", at(m)));
    assert_eq!(take(0, fails(0)), ["ops: run.failed", "feed: run.failed 1"]);
    assert_eq!(take(1, fails(1)), ["feed: run.failed 1"]);
    assert_eq!(take(2, works(2)), ["ops: run.recovered", "feed: run.recovered 1"]);
    assert_eq!(take(3, works(3)), [""; 0]);
    assert_eq!(take(4, fails(4)), ["ops: run.failed", "feed: run.failed 1"]);
    // A job that is well and ill by turns is held back like any other.
    assert_eq!(take(5, works(5)), ["feed: run.recovered 1"]);
    assert_eq!(take(6, fails(6)), ["feed: run.failed 1"]);
    assert_eq!(take(7, works(7)), ["feed: run.recovered 1"]);
}

#[test]
fn another_exit_code_is_told_at_once() {
    let mut ledger = ledger(Settings::default(), JobAlerts::default());
    let alerts = [1, 1, 2, 2].map(|code| samples::failed("a", at(0), code));
    let plan = ledger.take(at(0), numbered(alerts), &Plain);
    assert_eq!(told(&plan), ["ops: run.failed", "ops: run.failed x2", "feed: run.failed 4"]);
}

#[test]
fn nobody_hears_of_failures_that_are_too_few() {
    let after = AlertAfter { failures: 3, within: None };
    let mut ledger = ledger(Settings::default(), JobAlerts { after, ..JobAlerts::default() });
    let alerts = [1, 1].map(|code| samples::failed("a", at(0), code));
    assert_eq!(told(&ledger.take(at(0), numbered(alerts), &Plain)), [""; 0]);
    let plan = ledger.take(at(0), numbered([samples::failed("a", at(0), 1)]), &Plain);
    assert_eq!(told(&plan), ["ops: run.failed", "feed: run.failed 1"]);
}

#[test]
fn a_muted_job_is_written_down_as_read_and_sent_nowhere() {
    let mut ledger = ledger(Settings::default(), JobAlerts::default());
    ledger.mutes.insert("a".to_owned(), at(10));
    let mut take = |minute| {
        told(&ledger.take(at(minute), numbered([samples::failed("a", at(minute), 1)]), &Plain))
    };
    assert_eq!(take(9), ["feed: run.failed 1 read"]);
    assert_eq!(take(10), ["ops: run.failed", "feed: run.failed 1"]);
}

#[test]
fn a_full_queue_drops_what_is_new_and_the_feed_says_so() {
    let settings =
        Settings { queue_size: 2, coalesce_window: Duration::ZERO, ..Settings::default() };
    let mut ledger = ledger(settings, JobAlerts::default());
    let alerts = (0..4).map(|_| samples::failed("a", at(0), 1));
    let plan = ledger.take(at(0), numbered(alerts), &Plain);
    assert_eq!(plan.dropped, 2);
    let told = told(&plan);
    let count = |text: &str| told.iter().filter(|it| *it == text).count();
    assert_eq!(count("ops: run.failed"), 2);
    assert_eq!(count("feed: run.failed 1"), 4);
    assert_eq!(count("feed: notify.delivery_failed 1"), 2);
}

#[test]
fn what_is_held_goes_out_when_the_daemon_stops() {
    let mut ledger = ledger(Settings::default(), JobAlerts::default());
    let alerts = (0..3).map(|_| samples::failed("a", at(0), 1));
    ledger.take(at(0), numbered(alerts), &Plain);
    let plan = ledger.let_go(at(1), &Plain);
    assert_eq!(told(&plan), ["ops: run.failed sum 2"]);
    let closed = |tell: &Tell| matches!(tell, Tell::Hold { window: None, .. });
    assert!(plan.tells.iter().any(closed));
}

#[test]
fn windows_of_the_last_daemon_go_on_unless_their_channel_is_gone() {
    let mut first = ledger(Settings::default(), JobAlerts::default());
    let alerts = (0..3).map(|_| samples::failed("a", at(0), 1));
    let plan = first.take(at(0), numbered(alerts), &Plain);
    let mut windows = Vec::new();
    for tell in plan.tells {
        if let Tell::Hold { channel, key, window: Some(window) } = tell {
            windows.push((channel, key, *window));
        }
    }
    let notify = Arc::new(Notify::default());
    let ledger = || Ledger::new(Arc::clone(&notify), &[], windows.clone(), Vec::new(), 2);
    let mut next = ledger();
    assert_eq!(next.patience(at(1)), Some(Duration::from_secs(59 * 60)));
    assert_eq!(told(&next.end_windows(at(60), &Plain)), ["ops: run.failed sum 2"]);
    let mut gone = ledger();
    assert_eq!(gone.forget(|channel| channel != "ops").len(), 1);
    assert_eq!(gone.patience(at(1)), None);
}

#[test]
fn what_is_kept_of_a_job_that_is_gone_is_forgotten() {
    let trouble = Trouble { since: at(0), failures: 1, recent: Vec::new(), told: Vec::new() };
    let troubles = ["a", "b"].map(|job| (job.to_owned(), trouble.clone())).to_vec();
    let mut ledger = Ledger::new(Arc::new(Notify::default()), &[], Vec::new(), troubles, 1);
    ledger.jobs.insert("a".to_owned(), Arc::default());
    let told = ledger.forget(|_| true);
    assert_eq!(told, [Tell::Trouble { job: "b".to_owned(), trouble: None }]);
}
