use jiff::SignedDuration;

use super::*;
use crate::base::ulid::Ulids;
use crate::model::alert::{Delivery, Detail, Kind, More};
use crate::model::change::Change;
use crate::store::scratch::{Scratch, at};

fn alert(kind: Kind, job: &str) -> Alert {
    Alert { kind, at: at(0), job: job.to_owned(), run: None, detail: Detail::None }
}

fn entry(seconds: i64, job: &str) -> Entry {
    Entry {
        id: Ulids::new(seconds as u64).next(at(seconds)),
        fingerprint: "ab".to_owned(),
        kind: Kind::RunFailed,
        job: job.to_owned(),
        run: None,
        title: format!("{job} failed"),
        body: String::new(),
        count: 1,
        times: vec![at(seconds)],
        read_at: None,
        window: std::time::Duration::from_secs(60),
        ring: 3,
    }
}

fn reader(scratch: &Scratch) -> Reader {
    Reader::open(&scratch.db()).unwrap()
}

#[test]
fn alerts_are_there_in_their_order_until_they_were_heard() {
    let scratch = Scratch::new();
    let mut store = scratch.store();
    let alerts = [Kind::RunFailed, Kind::RunSucceeded, Kind::RunTimeout];
    let raise = |kind: &Kind| Change::Raise(Box::new(alert(*kind, "a")));
    store.write(&alerts.iter().map(raise).collect::<Vec<_>>()).unwrap();
    let kinds = |limit| {
        let found = reader(&scratch).alerts(limit).unwrap();
        found.into_iter().map(|(_, alert)| alert.unwrap().kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(9), alerts);
    let (second, _) = reader(&scratch).alerts(2).unwrap()[1];
    store.write(&[Tell::Heard(second).into()]).unwrap();
    assert_eq!(kinds(9), [Kind::RunTimeout]);
    // Numbers are never given out twice: what is heard later is not what was heard.
    store.write(&[Tell::Heard(second + 1).into(), raise(&Kind::RunCrashed)]).unwrap();
    assert_eq!(reader(&scratch).alerts(9).unwrap()[0].0, second + 2);
}

#[test]
fn one_that_cannot_be_read_is_passed_over() {
    let scratch = Scratch::new();
    let mut store = scratch.store();
    store
        .connection
        .execute("INSERT INTO alerts (alert) VALUES ('{\"kind\":\"new\"}')", [])
        .unwrap();
    store.write(&[Change::Raise(Box::new(alert(Kind::RunFailed, "a")))]).unwrap();
    let found = reader(&scratch).alerts(9).unwrap();
    assert!(found[0].1.is_none() && found[1].1.is_some());
    assert_eq!(store.in_trouble().unwrap(), [JobName::new("a")]);
}

#[test]
fn a_failure_that_nobody_heard_of_yet_is_trouble_too() {
    let scratch = Scratch::new();
    let mut store = scratch.store();
    let trouble = Trouble { since: at(0), failures: 1, recent: Vec::new(), told: Vec::new() };
    let tell = |trouble| Tell::Trouble { job: "known".to_owned(), trouble };
    let raise = |kind, job| Change::Raise(Box::new(alert(kind, job)));
    store
        .write(&[
            tell(Some(Box::new(trouble))).into(),
            raise(Kind::RunFailed, "raised"),
            raise(Kind::RunStarted, "well"),
        ])
        .unwrap();
    assert_eq!(store.in_trouble().unwrap(), ["known", "raised"].map(JobName::new));
    store.write(&[tell(None).into(), Tell::Heard(9).into()]).unwrap();
    assert!(store.in_trouble().unwrap().is_empty());
}

#[test]
fn rows_of_the_feed_are_one_while_the_next_comes_in_time() {
    let scratch = Scratch::new();
    let mut store = scratch.store();
    let mut write = |entry: Entry| store.write(&[Tell::Feed(Box::new(entry)).into()]).unwrap();
    // The window slides with each of them.
    for (seconds, job) in [(0, "a"), (50, "b"), (110, "c"), (170, "d")] {
        write(entry(seconds, job));
    }
    write(Entry { window: std::time::Duration::ZERO, ..entry(171, "e") });
    write(entry(300, "f"));
    let rows = reader(&scratch).notifications(None, 9).unwrap();
    let shown: Vec<_> = rows.iter().map(|row| (row.job.as_str(), row.count)).collect();
    assert_eq!(shown, [("f", 1), ("e", 1), ("d", 4)]);
    let times: Vec<String> = serde_json::from_str(&rows[2].occurrences).unwrap();
    assert_eq!(times, [170, 110, 50].map(|seconds| rfc3339(at(seconds))));
    assert_eq!((rows[2].created_at, rows[2].last_occurred_at), (at(0), at(170)));
    assert_eq!(rows[2].title, "d failed");
}

#[test]
fn a_row_that_was_read_is_unread_when_it_happens_again() {
    let scratch = Scratch::new();
    let mut store = scratch.store();
    store.write(&[Tell::Feed(Box::new(entry(0, "a"))).into()]).unwrap();
    store.write(&[crate::model::change::Tidy::MarkAll { read_at: at(1) }.into()]).unwrap();
    assert_eq!(reader(&scratch).unread_notifications().unwrap(), 0);
    store.write(&[Tell::Feed(Box::new(entry(2, "a"))).into()]).unwrap();
    assert_eq!(reader(&scratch).unread_notifications().unwrap(), 1);
}

#[test]
fn the_feed_keeps_the_newest_rows_and_none_that_is_too_old() {
    let scratch = Scratch::new();
    let mut store = scratch.store();
    let window = std::time::Duration::ZERO;
    let rows = (0..500).map(|n| Tell::Feed(Box::new(Entry { window, ..entry(n, "a") })).into());
    store.write(&rows.collect::<Vec<Change>>()).unwrap();
    store.write(&[Tell::TrimFeed { keep: 10, before: at(495) }.into()]).unwrap();
    assert_eq!(reader(&scratch).notifications(None, 500).unwrap().len(), 5);
    assert_eq!(reader(&scratch).oldest_notification().unwrap(), Some(at(495)));
    store.write(&[Tell::TrimFeed { keep: 2, before: at(0) }.into()]).unwrap();
    assert_eq!(reader(&scratch).oldest_notification().unwrap(), Some(at(498)));
}

#[test]
fn a_message_waits_with_what_came_of_it_and_leaves_a_record() {
    let scratch = Scratch::new();
    let mut store = scratch.store();
    let mut ids = Ulids::new(1);
    let ids = [ids.next(at(0)), ids.next(at(0))];
    let queue = ids.map(|id| {
        let (channel, tail, more) = ("ops:#x".to_owned(), "t".to_owned(), More::CheckIn(3));
        let alert = alert(Kind::RunFailed, "a");
        let delivery = Box::new(Delivery { id, channel, alert, tail, more });
        Change::from(Tell::Queue { delivery, at: at(0) })
    });
    store.write(&queue).unwrap();
    let tried = |seconds| Tell::Tried { delivery: ids[0], at: at(seconds), error: "no".to_owned() };
    store.write(&[tried(1).into(), tried(2).into()]).unwrap();
    let waiting = reader(&scratch).next_delivery("ops:#x").unwrap().unwrap();
    assert_eq!((waiting.delivery.id, waiting.attempts), (ids[0], 2));
    assert_eq!(waiting.tried, Some((at(2), "no".to_owned())));
    assert_eq!(waiting.delivery.more, More::CheckIn(3));
    let done = |id, seconds, result| Tell::Done {
        delivery: id,
        channel: "ops:#x".to_owned(),
        at: at(seconds),
        result,
    };
    store.write(&[done(ids[0], 3, Err("gone".to_owned())).into()]).unwrap();
    let record = &reader(&scratch).records().unwrap()[0];
    assert_eq!((record.delivered, record.failed, record.pending), (0, 1, 1));
    store.write(&[done(ids[1], 4, Ok("200 OK".to_owned())).into()]).unwrap();
    let record = &reader(&scratch).records().unwrap()[0];
    assert_eq!((record.delivered, record.failed, record.pending), (1, 1, 0));
    assert_eq!(record.last_failed, Some((at(3), "gone".to_owned())));
    assert_eq!(record.last_delivered, Some((at(4), "200 OK".to_owned())));
    store.write(&[Tell::Leave { channel: "ops:#x".to_owned() }.into()]).unwrap();
    assert_eq!(reader(&scratch).records().unwrap(), []);
}

#[test]
fn what_is_held_and_who_is_muted_is_there_for_the_next_daemon() {
    let scratch = Scratch::new();
    let mut store = scratch.store();
    let newest = Some(alert(Kind::RunFailed, "a"));
    let window = Window { job: "a".to_owned(), opened_at: at(0), count: 2, newest };
    let hold = |window| Tell::Hold { channel: "ops".to_owned(), key: "k".to_owned(), window };
    store.write(&[hold(Some(Box::new(window.clone()))).into()]).unwrap();
    let held = reader(&scratch).held().unwrap();
    assert_eq!(held, [("ops".to_owned(), "k".to_owned(), window)]);
    store.write(&[hold(None).into()]).unwrap();
    assert!(reader(&scratch).held().unwrap().is_empty());
    let until = at(0) + SignedDuration::from_hours(8);
    let mute = |until| Tell::Mute { job: JobName::new("a"), since: at(0), until };
    store.write(&[mute(Some(at(1))).into(), mute(Some(until)).into()]).unwrap();
    let muted = Mute { job: "a".to_owned(), since: at(0), until };
    assert_eq!(reader(&scratch).mutes().unwrap(), [muted]);
    store.write(&[mute(None).into()]).unwrap();
    assert!(reader(&scratch).mutes().unwrap().is_empty());
}
