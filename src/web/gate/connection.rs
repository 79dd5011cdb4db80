//! One client's connection, until its answer is written elsewhere: what it is doing, since when,
//! and for how long it may. Reads and writes its socket, which never blocks; what is to be done
//! with a request is the gate's matter.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use crate::sys::epoll::Interest;
use crate::web::gate::answer::{Ready, Sent};
use crate::web::gate::census::{Group, Guest, Reason};
use crate::web::gate::client::{Client, READER};
use crate::web::gate::head::{After, Head, Wrong};
use crate::web::gate::intake::{Intake, Progress};
use crate::web::http::{Method, Peer, Problem, Whole};

/// For a head, from its first byte or from the start of the connection (docs/security.md,
/// Connections).
const HEAD: Duration = Duration::from_secs(10);
const BODY: Duration = Duration::from_secs(10);
/// Between two requests.
const IDLE: Duration = Duration::from_secs(30);
/// After the last answer, for what the client has still sent: closing a socket with something
/// unread would take the answer away from it (RFC 9112, 9.6).
const LINGER: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Connection {
    /// Shared with the worker that answers.
    pub(crate) client: Arc<Client>,
    pub(crate) peer: Peer,
    group: Group,
    intake: Intake,
    phase: Phase,
    /// When the phase began, or the client last took something; steady clock.
    since: Duration,
    after: After,
    /// What the socket is waited for with.
    interest: Interest,
}

#[derive(Debug)]
enum Phase {
    Idle,
    Head,
    Body,
    /// Its request is in line or under way.
    Asking,
    Answering(Ready),
    /// Everything is sent and what comes is dropped.
    Lingering,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Wait for the client.
    Wait,
    /// Decide whether the body may come.
    Decide,
    /// Put the request in line.
    Ask,
    /// Wait for nothing: what comes now is for later.
    Mute,
    Close,
}

impl Connection {
    pub(crate) fn new(client: Client, peer: Peer, group: Group, now: Duration) -> Connection {
        Connection {
            client: Arc::new(client),
            peer,
            group,
            intake: Intake::default(),
            phase: Phase::Head,
            since: now,
            after: After::Close,
            interest: Interest::Read,
        }
    }

    /// When it is to be closed.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let patience = match self.phase {
            Phase::Idle => IDLE,
            Phase::Head => HEAD,
            Phase::Body => BODY,
            Phase::Asking => return None,
            Phase::Answering(_) => READER,
            Phase::Lingering => LINGER,
        };
        Some(self.since + patience)
    }

    pub(crate) fn guest(&self, key: u64) -> Guest {
        let reason = match self.phase {
            Phase::Idle | Phase::Head | Phase::Lingering => Some(Reason::Nothing),
            Phase::Body | Phase::Answering(_) => Some(Reason::Rest),
            Phase::Asking => None,
        };
        let waited_for = reason.map(|reason| (reason, self.since));
        Guest { key, group: self.group, waited_for }
    }

    /// Whether we owe it an answer.
    pub(crate) fn is_owed(&self) -> bool {
        matches!(self.phase, Phase::Asking | Phase::Answering(_))
    }

    /// Whether it has sent something that waits for the answer to be out of the way.
    pub(crate) fn is_pressing(&self) -> bool {
        let is_asking = matches!(self.phase, Phase::Asking);
        is_asking && (self.interest == Interest::Nothing || !self.intake.is_empty())
    }

    /// What to change the waiting to, if it must change. While a request is under way reading
    /// stays on until something comes, see [`Step::Mute`]: most clients then send nothing, and
    /// cost no system call.
    pub(crate) fn new_interest(&mut self) -> Option<Interest> {
        let wanted = match self.phase {
            Phase::Idle | Phase::Head | Phase::Body | Phase::Lingering => Interest::Read,
            Phase::Answering(_) => Interest::Write,
            Phase::Asking if self.interest == Interest::Read => return None,
            Phase::Asking => Interest::Nothing,
        };
        (self.interest != wanted).then(|| {
            self.interest = wanted;
            wanted
        })
    }

    /// It is ready for what was waited for. `scratch` is for reading.
    pub(crate) fn proceed(&mut self, scratch: &mut [u8], now: Duration) -> Step {
        match self.phase {
            Phase::Answering(_) => self.send(now),
            Phase::Asking => {
                self.interest = Interest::Nothing;
                Step::Mute
            }
            Phase::Lingering => match self.read(scratch) {
                Ok(0) => Step::Close,
                Ok(_) => Step::Wait,
                Err(error) => wait_or_close(&error),
            },
            Phase::Idle | Phase::Head | Phase::Body => match self.read(scratch) {
                Ok(0) => Step::Close,
                Ok(count) => {
                    self.intake.add(&scratch[..count]);
                    self.look(now)
                }
                Err(error) => wait_or_close(&error),
            },
        }
    }

    /// Looks at what has come.
    pub(crate) fn look(&mut self, now: Duration) -> Step {
        match self.intake.advance() {
            Err(Wrong { status, why }) => self.refuse(Problem::new(status, why), now),
            Ok(Progress::Wanting) => {
                match (&self.phase, self.intake.head()) {
                    (Phase::Idle, None) if self.intake.is_empty() => {}
                    (Phase::Head, None) | (Phase::Body, Some(_)) => {}
                    (_, None) => self.enter(Phase::Head, now),
                    (_, Some(_)) => self.enter(Phase::Body, now),
                }
                Step::Wait
            }
            Ok(Progress::Begun) => {
                self.enter(Phase::Body, now);
                Step::Decide
            }
            Ok(Progress::Whole) => {
                self.enter(Phase::Asking, now);
                Step::Ask
            }
        }
    }

    /// The head of the request whose body comes.
    pub(crate) fn head(&self) -> Option<&Head> {
        self.intake.head()
    }

    /// Tells a client that waits for it that its body may come.
    pub(crate) fn invite(&mut self) {
        if self.head().is_some_and(|head| head.expects_continue) {
            // It fits: nothing has been sent since the last answer was taken. A client that
            // misses it sends its body all the same after a while.
            let _ = (&*self.client).write(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
    }

    /// Takes the request that is to be asked. Its head says what becomes of the connection.
    pub(crate) fn take(&mut self) -> Option<(Head, Vec<u8>)> {
        let (head, body) = self.intake.take()?;
        self.after = head.after;
        Some((head, body))
    }

    /// Refuses the request; nothing that comes is read any more.
    pub(crate) fn refuse(&mut self, problem: Problem, now: Duration) -> Step {
        self.after = After::Close;
        let whole = Whole::from(problem.header("Cache-Control", "no-store"));
        self.answer(Ready::new(whole, Method::Get).end_head(After::Close), now)
    }

    /// Closes the connection after the answer.
    pub(crate) fn close_after(&mut self) {
        self.after = After::Close;
    }

    /// Sends what is left of the answer.
    pub(crate) fn answer(&mut self, ready: Ready, now: Duration) -> Step {
        self.enter(Phase::Answering(ready), now);
        self.send(now)
    }

    fn send(&mut self, now: Duration) -> Step {
        let Phase::Answering(ready) = &mut self.phase else { return Step::Wait };
        match ready.send(&mut &*self.client) {
            Err(_) => Step::Close,
            Ok(Sent::Nothing) => Step::Wait,
            Ok(Sent::Some) => {
                self.since = now;
                Step::Wait
            }
            Ok(Sent::All) if self.after == After::Close => {
                self.enter(Phase::Lingering, now);
                if self.client.end().is_ok() { Step::Wait } else { Step::Close }
            }
            Ok(Sent::All) => {
                self.enter(Phase::Idle, now);
                self.look(now)
            }
        }
    }

    fn enter(&mut self, phase: Phase, now: Duration) {
        self.phase = phase;
        self.since = now;
    }

    fn read(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        (&*self.client).read(scratch)
    }
}

fn wait_or_close(error: &io::Error) -> Step {
    let passing = [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted];
    if passing.contains(&error.kind()) { Step::Wait } else { Step::Close }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    struct Pair {
        near: Connection,
        far: UnixStream,
        scratch: [u8; 4096],
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// A connection that begins at second 100.
    fn pair() -> Pair {
        let (near, far) = UnixStream::pair().unwrap();
        let client = Client::Unix(near);
        client.make_impatient().unwrap();
        far.set_nonblocking(true).unwrap();
        let near = Connection::new(client, Peer::Socket, Group::Everybody, seconds(100));
        Pair { near, far, scratch: [0; 4096] }
    }

    impl Pair {
        fn hear(&mut self, bytes: &[u8], now: u64) -> Step {
            self.far.write_all(bytes).unwrap();
            self.near.proceed(&mut self.scratch, seconds(now))
        }

        fn answer(&mut self, now: u64) -> Step {
            self.near.take().unwrap();
            let ready = Ready::new(Whole::text(200, "OK"), Method::Get);
            self.near.answer(ready.end_head(self.near.after), seconds(now))
        }

        fn since(&self) -> Option<u64> {
            self.near.guest(1).waited_for.map(|(_, since)| since.as_secs())
        }

        fn deadline(&self) -> Option<u64> {
            self.near.deadline().map(|at| at.as_secs())
        }

        fn got(&mut self) -> String {
            let mut text = Vec::new();
            let end = self.far.read_to_end(&mut text);
            let mark = if end.is_ok() { "<end>" } else { "" };
            String::from_utf8(text).unwrap() + mark
        }
    }

    #[test]
    fn each_phase_has_its_time_and_bytes_that_trickle_do_not_prolong_it() {
        let mut pair = pair();
        assert_eq!(pair.deadline(), Some(110));
        assert_eq!(pair.hear(b"POST / HTTP/1.1\r\n", 109), Step::Wait);
        assert_eq!((pair.deadline(), pair.since()), (Some(110), Some(100)));
        assert_eq!(pair.hear(b"Host: a\r\nContent-Length: 2\r\n\r\n", 109), Step::Wait);
        assert_eq!(pair.deadline(), Some(119));
        assert_eq!(pair.hear(b"a", 118), Step::Wait);
        assert_eq!(pair.deadline(), Some(119));
        assert_eq!(pair.hear(b"b", 118), Step::Ask);
        assert_eq!((pair.deadline(), pair.since()), (None, None));
        assert_eq!(pair.answer(200), Step::Wait);
        assert_eq!((pair.deadline(), pair.since()), (Some(230), Some(200)));
        assert_eq!(pair.hear(b"\r\n", 210), Step::Wait);
        assert_eq!(pair.deadline(), Some(230));
        assert_eq!(pair.hear(b"G", 229), Step::Wait);
        assert_eq!(pair.deadline(), Some(239));
    }

    #[test]
    fn a_client_that_takes_nothing_is_given_up_and_one_that_takes_something_is_not() {
        let mut pair = pair();
        pair.hear(ASK, 100);
        pair.near.take().unwrap();
        let body = crate::web::http::Body::Owned(vec![b'x'; 1 << 20]);
        let whole = Whole { body, ..Whole::new(200) };
        let ready = Ready::new(whole, Method::Get).end_head(After::KeepAlive);
        assert_eq!(pair.near.answer(ready, seconds(101)), Step::Wait);
        assert_eq!(pair.near.new_interest(), Some(Interest::Write));
        assert_eq!(pair.deadline(), Some(131));
        assert_eq!(pair.near.proceed(&mut pair.scratch, seconds(120)), Step::Wait);
        assert_eq!(pair.deadline(), Some(131));
        let mut length = pair.got().len();
        while length < 1 << 20 {
            assert_eq!(pair.near.proceed(&mut pair.scratch, seconds(125)), Step::Wait);
            assert!(pair.deadline() >= Some(155));
            length += pair.got().len();
        }
        assert_eq!(pair.near.new_interest(), Some(Interest::Read));
    }

    #[test]
    fn what_comes_meanwhile_waits_for_the_answer() {
        let mut pair = pair();
        assert_eq!(pair.hear(&[ASK, ASK].concat(), 100), Step::Ask);
        assert_eq!(pair.near.new_interest(), None);
        assert_eq!(pair.hear(ASK, 100), Step::Mute);
        assert_eq!(pair.near.new_interest(), None);
        assert_eq!(pair.answer(100), Step::Ask);
        assert_eq!(pair.answer(100), Step::Wait);
        assert_eq!(pair.near.new_interest(), Some(Interest::Read));
        assert_eq!(pair.near.proceed(&mut pair.scratch, seconds(100)), Step::Ask);
        assert_eq!(pair.got().matches("HTTP/1.1 200 OK").count(), 2);
    }

    #[test]
    fn the_last_answer_is_followed_by_the_end_and_what_still_comes_is_dropped() {
        let mut pair = pair();
        assert_eq!(pair.hear(b"GET / HTTP/1.0\r\n\r\n", 100), Step::Ask);
        assert_eq!(pair.answer(101), Step::Wait);
        assert!(pair.got().ends_with("Connection: close\r\n\r\nOK<end>"));
        assert_eq!(pair.deadline(), Some(103));
        assert_eq!(pair.hear(ASK, 102), Step::Wait);
        assert_eq!(pair.deadline(), Some(103));
        drop(pair.far);
        assert_eq!(pair.near.proceed(&mut pair.scratch, seconds(102)), Step::Close);
    }

    #[test]
    fn what_is_wrong_is_refused_and_ends_the_connection() {
        let mut pair = pair();
        assert_eq!(pair.hear(b"nonsense\r\n\r\n", 100), Step::Wait);
        let got = pair.got();
        assert!(got.starts_with("HTTP/1.1 400 Bad Request\r\n") && got.ends_with("<end>"), "{got}");
        assert_eq!(pair.hear(ASK, 100), Step::Wait);
        assert_eq!(pair.got(), "<end>");
    }
}
