//! The way into the main thread: every other thread holds a clone and sends what happened, or
//! asks for something and waits for the answer.

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::{Answer, Input, ReplyId};

/// How long an answer may take; a disk that hangs is the only reason for as long as that.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Sends inputs to the main loop. The loop outlives every sender but detached readers, so a
/// failed send means that the daemon is already leaving, and is ignored.
#[derive(Clone, Debug)]
pub(crate) struct Inbox(Sender<Input>);

impl Inbox {
    pub(crate) fn new(sender: Sender<Input>) -> Inbox {
        Inbox(sender)
    }

    pub(crate) fn send(&self, input: Input) {
        // The receiver is gone only when the loop has ended; nobody is left to tell.
        let _ = self.0.send(input);
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// The daemon is leaving.
    Stopped,
    /// It took too long; what was asked may still be done.
    Late,
}

/// Asks the engine for something and waits. Clones share the book of who waits.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    inbox: Inbox,
    book: Arc<Mutex<Book>>,
}

/// Something that was asked.
#[derive(Debug)]
pub(crate) struct Question {
    book: Arc<Mutex<Book>>,
    reply: ReplyId,
    answer: Receiver<Answer>,
}

#[derive(Debug, Default)]
struct Book {
    last: u64,
    waiting: HashMap<ReplyId, SyncSender<Answer>>,
    closed: bool,
}

impl Asker {
    pub(crate) fn new(inbox: Inbox) -> Asker {
        Asker { inbox, book: Arc::default() }
    }

    /// Sends the input that `input` makes and waits for its answer, 5 s at most. The answer comes
    /// when what it says is durable.
    pub(crate) fn ask(&self, input: impl FnOnce(ReplyId) -> Input) -> Result<Answer, Unanswered> {
        self.put(input)?.wait(PATIENCE)
    }

    /// Sends the input that `input` makes, for those who have something else to do meanwhile.
    pub(crate) fn put(&self, input: impl FnOnce(ReplyId) -> Input) -> Result<Question, Unanswered> {
        let (sender, answer) = mpsc::sync_channel(1);
        let mut book = self.book();
        if book.closed {
            return Err(Unanswered::Stopped);
        }
        book.last += 1;
        let reply = ReplyId(book.last);
        book.waiting.insert(reply, sender);
        drop(book);
        self.inbox.send(input(reply));
        Ok(Question { book: Arc::clone(&self.book), reply, answer })
    }

    /// The answer has come. One that nobody waits for any more is dropped.
    pub(crate) fn answer(&self, to: ReplyId, answer: Answer) {
        let waiting = self.book().waiting.remove(&to);
        if let Some(sender) = waiting {
            // Its place is free: each asker gets one answer.
            let _ = sender.send(answer);
        }
    }

    /// No answers come any more: whoever waits is told, and so is whoever asks later.
    pub(crate) fn close(&self) {
        let mut book = self.book();
        book.closed = true;
        book.waiting.clear();
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }
}

impl Question {
    /// Waits so long at most; after [`Unanswered::Late`] the answer may still come.
    pub(crate) fn wait(&self, patience: Duration) -> Result<Answer, Unanswered> {
        self.answer.recv_timeout(patience).map_err(|error| match error {
            RecvTimeoutError::Timeout => Unanswered::Late,
            RecvTimeoutError::Disconnected => Unanswered::Stopped,
        })
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        lock(&self.book).waiting.remove(&self.reply);
    }
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    // Nothing panics under the lock, so a book that was left is whole.
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads;

    #[test]
    fn each_asker_gets_its_own_answer_and_none_waits_for_a_daemon_that_left() {
        let (sender, inputs) = mpsc::channel();
        let asker = Asker::new(Inbox::new(sender));
        let ask = |asker: &Asker| {
            let asker = asker.clone();

            threads::spawn("asker", move || asker.ask(|reply| Input::StopRun { run: run(), reply }))
                .unwrap()
        };
        let first = ask(&asker);
        let Input::StopRun { reply, .. } = inputs.recv().unwrap() else { panic!("another input") };
        asker.answer(ReplyId(reply.0 + 7), Answer::Done);
        asker.answer(reply, Answer::Done);
        assert_eq!(first.join().unwrap(), Ok(Answer::Done));
        let second = ask(&asker);
        inputs.recv().unwrap();
        asker.close();
        assert_eq!(second.join().unwrap(), Err(Unanswered::Stopped));
        assert_eq!(ask(&asker).join().unwrap(), Err(Unanswered::Stopped));
    }

    #[test]
    fn a_question_can_be_waited_for_twice_and_is_forgotten_when_nobody_waits() {
        let (sender, inputs) = mpsc::channel();
        let asker = Asker::new(Inbox::new(sender));
        let put = || asker.put(|reply| Input::StopRun { run: run(), reply }).unwrap();
        let question = put();
        assert_eq!(question.wait(Duration::ZERO), Err(Unanswered::Late));
        let Input::StopRun { reply, .. } = inputs.recv().unwrap() else { panic!("another input") };
        asker.answer(reply, Answer::Done);
        assert_eq!(question.wait(PATIENCE), Ok(Answer::Done));
        drop(put());
        assert!(asker.book().waiting.is_empty());
    }

    fn run() -> crate::model::run::RunId {
        "01JTQ6V6Z9M3XK2B8N4C7D5E1F".parse().unwrap()
    }
}
