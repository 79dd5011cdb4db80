use std::sync::mpsc::{self, Receiver};

use super::*;
use crate::base::ulid::{Ulid, Ulids};
use crate::engine::Input;
use crate::model::alert::{Detail, Kind, More};
use crate::notify::samples;
use crate::store::scratch::Scratch;
use crate::store::writer;

const LONG: Duration = Duration::from_secs(20);

/// Channels over a real database, with a sender that answers from a list and tells what it was
/// given.
struct Stage {
    scratch: Scratch,
    channels: Channels,
    sent: Receiver<(Ulid, Outcome)>,
    looked: Receiver<()>,
    writer: Writer,
    ids: Ulids,
    inputs: Receiver<Input>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Stage {
    fn new(budget: Duration, answer: impl Fn(u32) -> Outcome + Send + Sync + 'static) -> Stage {
        let scratch = Scratch::new();
        let (clock, (sender, inputs)) = (Clock::start(), mpsc::channel());
        let inbox = Inbox::new(sender);
        let (writer, thread) =
            writer::start(scratch.store(), clock.clone(), inbox.clone()).unwrap();
        let ((tell, sent), (look, looked)) = (mpsc::channel(), mpsc::channel());
        let count = Mutex::new(0);
        let send = move |delivery: &Delivery, limit: Duration| {
            assert!(limit <= ATTEMPT);
            let mut count = count.lock().unwrap();
            *count += 1;
            let outcome = answer(*count);
            tell.send((delivery.id, outcome.clone())).unwrap();
            outcome
        };
        let channels = Channels::new(Parts {
            clock,
            inbox,
            database: scratch.db(),
            writer: writer.clone(),
            budget: Box::new(move || budget),
            send: Box::new(send),
            title: Box::new(|alert| alert.job.clone()),
            look: Box::new(move || look.send(()).unwrap()),
        });
        let (thread, ids) = (Some(thread), Ulids::new(7));
        Stage { scratch, channels, sent, looked, writer, ids, inputs, thread }
    }

    /// Messages for `ops`, in this order.
    fn queue(&mut self, count: usize) -> Vec<Ulid> {
        let at = Clock::start().now().wall;
        let ids: Vec<Ulid> = (0..count).map(|_| self.ids.next(at)).collect();
        let changes = ids.iter().map(|id| {
            let alert = samples::failed("a", at, 1);
            let (channel, tail, more) = ("ops".to_owned(), String::new(), More::None);
            let delivery = Delivery { id: *id, channel, alert, tail, more };
            Tell::Queue { delivery: Box::new(delivery), at }.into()
        });
        self.writer.settle(changes.collect()).unwrap();
        self.channels.wake("ops");
        ids
    }

    fn sent(&self, count: usize) -> Vec<(Ulid, Outcome)> {
        (0..count).map(|_| self.sent.recv_timeout(LONG).unwrap()).collect()
    }

    /// Waits until no channel is at work.
    fn settle(&self) {
        self.channels.join(LONG);
        assert!(self.channels.lock().busy.is_empty());
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.scratch.db()).unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.writer.close();
        self.thread.take().unwrap().join().unwrap();
        let fatal = self.inputs.try_iter().find(|input| matches!(input, Input::Fatal(_)));
        assert_eq!(fatal, None);
    }
}

fn delivered() -> Outcome {
    Outcome::Delivered { answer: "200 OK".to_owned() }
}

fn retry() -> Outcome {
    Outcome::Retry { error: "busy".to_owned(), after: Some(Duration::ZERO) }
}

#[test]
fn messages_go_out_in_their_order_and_are_gone_then() {
    let mut stage = Stage::new(LONG, |_| delivered());
    let mut ids = stage.queue(3);
    ids.extend(stage.queue(2));
    let sent: Vec<Ulid> = stage.sent(5).into_iter().map(|(id, _)| id).collect();
    assert_eq!(sent, ids);
    stage.settle();
    let record = &stage.reader().records().unwrap()[0];
    assert_eq!((record.delivered, record.failed, record.pending), (5, 0, 0));
    assert_eq!(record.last_delivered.as_ref().unwrap().1, "200 OK");
}

#[test]
fn a_message_is_tried_again_with_the_same_id_and_holds_up_the_next() {
    let mut stage = Stage::new(LONG, |count| if count < 4 { retry() } else { delivered() });
    let ids = stage.queue(2);
    let sent: Vec<Ulid> = stage.sent(5).into_iter().map(|(id, _)| id).collect();
    assert_eq!(sent, [ids[0], ids[0], ids[0], ids[0], ids[1]]);
    stage.settle();
}

#[test]
fn what_is_refused_or_takes_too_long_is_an_alert_of_its_own() {
    for (budget, outcome) in [
        (LONG, Outcome::Refused { error: "404 Not Found".to_owned() }),
        (
            Duration::from_millis(50),
            Outcome::Retry { error: "404 Not Found".to_owned(), after: None },
        ),
    ] {
        let mut stage = Stage::new(budget, move |_| outcome.clone());
        stage.queue(1);
        stage.sent(1);
        stage.looked.recv_timeout(LONG).unwrap();
        stage.settle();
        let alerts = stage.reader().alerts(9).unwrap();
        let [(_, Some(alert))] = &alerts[..] else { panic!("{alerts:?}") };
        assert_eq!(alert.kind, Kind::DeliveryFailed);
        let Detail::Delivery { channel, original, error, .. } = &alert.detail else { panic!() };
        assert_eq!((&**channel, *original, &**error), ("ops", Kind::RunFailed, "404 Not Found"));
        assert_eq!(stage.reader().records().unwrap()[0].failed, 1);
        assert_eq!(stage.reader().next_delivery("ops").unwrap(), None);
    }
}

#[test]
fn a_driver_that_panics_has_failed() {
    let mut stage = Stage::new(LONG, |_| Outcome::Refused { error: String::new() });
    stage.channels = Channels::new(Parts {
        clock: Clock::start(),
        inbox: stage.channels.0.parts.inbox.clone(),
        database: stage.scratch.db(),
        writer: stage.writer.clone(),
        budget: Box::new(|| LONG),
        send: Box::new(|_, _| panic!("a secret")),
        title: Box::new(|alert| alert.job.clone()),
        look: Box::new(|| {}),
    });
    stage.queue(1);
    stage.settle();
    let record = &stage.reader().records().unwrap()[0];
    let (_, error) = record.last_failed.as_ref().unwrap();
    assert!(!error.contains("a secret"), "{error}");
}

#[test]
fn a_stop_ends_waits_and_what_waits_stays() {
    let wait = || Outcome::Retry { error: "busy".to_owned(), after: Some(LONG) };
    let mut stage = Stage::new(LONG * 10, move |_| wait());
    let ids = stage.queue(2);
    stage.sent(1);
    let now = || stage.channels.0.parts.clock.now().steady;
    while stage.channels.next_try("ops").is_none() {
        assert!(now() < LONG);
        std::thread::yield_now();
    }
    stage.channels.stop(now() + LONG);
    stage.settle();
    let waiting = stage.reader().next_delivery("ops").unwrap().unwrap();
    assert_eq!((waiting.delivery.id, waiting.attempts), (ids[0], 1));
    assert_eq!(waiting.tried.unwrap().1, "busy");
    // What came in its last moment gets one attempt, and stays when that fails.
    stage.queue(1);
    stage.sent(1);
    stage.settle();
    assert_eq!(stage.reader().pending().unwrap(), [("ops".to_owned(), 3)]);
}
