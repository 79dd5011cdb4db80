//! The gate's thread: hears what the descriptors are ready for, lets clients in and out, sends
//! their requests over the lines and what comes back to them.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use crate::auth::throttle;
use crate::base::sentence::error_text;
use crate::inbox::Inbox;
use crate::sys::epoll::{Epoll, Event, Interest, Readiness};
use crate::web::context::Context;
use crate::web::gate::bell::{Bell, Sleep};
use crate::web::gate::caps::Caps;
use crate::web::gate::census::{Admission, Group, admit, longest};
use crate::web::gate::client::Client;
use crate::web::gate::connection::{Connection, Step};
use crate::web::gate::control::Control;
use crate::web::gate::door::{Door, Entrance};
use crate::web::gate::head::{Head, LARGEST};
use crate::web::gate::intake::SMALL;
use crate::web::gate::line::Line;
use crate::web::http::{Method, Peer, Problem, Request};
use crate::web::router;
use crate::web::server::Outcome;

/// What the descriptors are known by. Clients are numbered and no number comes twice.
const PORT: u64 = 0;
const CONTROL: u64 = 1;
const BELL: u64 = 2;
const LINE: u64 = 3;
const CLIENTS: u64 = 1024;

/// Clients that are let in before the others are looked after again.
const AT_ONCE: usize = 16;
const SCRATCH_BYTES: usize = 16 * 1024;
/// All large bodies that are under way together, in bytes.
const LARGE_BODIES: usize = 16 * LARGEST;
/// What requests that are under way may still take when the daemon stops.
const LEAVING: Duration = Duration::from_millis(250);
/// After how long at most an answer that was sent is taken note of: the idle time of its connection
/// begins then.
const NOTICE: Duration = Duration::from_secs(1);
/// A server that is lost is started again, once a second at most and ten times in a row.
const BETWEEN_TRIES: Duration = Duration::from_secs(1);
const TRIES: u32 = 10;

/// What the thread owns.
pub(super) struct Keeper {
    bell: Arc<Bell>,
    epoll: Epoll,
    /// Closed when the daemon stops.
    door: Option<Door>,
    /// `None` while the server is lost.
    line: Option<Line>,
    context: Arc<Context>,
    inbox: Inbox,
    caps: Caps,
    clients: HashMap<u64, Connection>,
    /// The number of the newest client.
    last: u64,
    /// Whose requests are in line.
    waiting: VecDeque<u64>,
    scratch: Box<[u8]>,
    /// When the gate ends, whatever is under way.
    leave_at: Option<Duration>,
    tries: u32,
    try_at: Duration,
}

impl Keeper {
    /// Opens the door and starts the server behind it.
    pub(super) fn new(
        port: TcpListener,
        control: Option<Control>,
        bell: Arc<Bell>,
        context: Arc<Context>,
        inbox: Inbox,
    ) -> io::Result<Keeper> {
        let (epoll, caps) = (Epoll::new()?, Caps::default());
        epoll.add(&*bell, BELL, Interest::Read)?;
        Ok(Keeper {
            line: Some(Line::start(&context, &inbox, &caps, &bell, (&epoll, LINE))?),
            bell,
            door: Some(Door::open(port, control, &epoll, [PORT, CONTROL])?),
            epoll,
            context,
            inbox,
            caps,
            clients: HashMap::new(),
            last: CLIENTS,
            waiting: VecDeque::new(),
            scratch: vec![0; SCRATCH_BYTES].into_boxed_slice(),
            leave_at: None,
            tries: 0,
            try_at: Duration::ZERO,
        })
    }

    /// Runs until the bell says stop and what is under way is answered.
    pub(super) fn keep(mut self) -> Result<(), String> {
        let cannot_wait = |error| format!("cannot wait for clients: {}", error_text(&error));
        let mut events = Vec::new();
        loop {
            let now = self.now();
            if self.leave_at.is_some_and(|at| now >= at || !self.is_owing()) {
                return Ok(());
            }
            let patience = match self.bell.fall_asleep(self.sleep()) {
                true => self.next_deadline(now).map(|at| at.saturating_sub(now)),
                false => Some(Duration::ZERO),
            };
            self.epoll.wait(&mut events, patience).map_err(cannot_wait)?;
            let now = self.now();
            // Before the client that has got its answer and asks for the next thing.
            for place in self.bell.wake_up() {
                self.hear_answer(place, now);
            }
            for event in &events {
                self.hear(*event, now).map_err(cannot_wait)?;
            }
            self.close_late_ones(now);
            if let Some(door) = &mut self.door {
                door.resume(&self.epoll, [PORT, CONTROL], now).map_err(cannot_wait)?;
            }
            self.start_line(now)?;
            self.ask(now);
        }
    }

    fn now(&self) -> Duration {
        self.context.clock.now().steady
    }

    /// Answers matter at once when somebody waits for one to be out of the way.
    fn sleep(&self) -> Sleep {
        let is_pressed = self.clients.values().any(Connection::is_pressing);
        match is_pressed || !self.waiting.is_empty() || self.leave_at.is_some() {
            true => Sleep::Light,
            false => Sleep::Sound,
        }
    }

    fn is_owing(&self) -> bool {
        self.clients.values().any(Connection::is_owed)
    }

    fn next_deadline(&self, now: Duration) -> Option<Duration> {
        let of_clients = self.clients.values().filter_map(Connection::deadline);
        let of_door = self.door.as_ref().and_then(Door::paused_until);
        let of_line = match &self.line {
            None => Some(self.try_at),
            // Nobody rings for what is done with.
            Some(line) => line.clients().next().map(|_| now + NOTICE),
        };
        of_clients.chain(of_door).chain(of_line).chain(self.leave_at).min()
    }

    fn hear(&mut self, event: Event, now: Duration) -> io::Result<()> {
        match event.key {
            PORT => self.let_in(Entrance::Port, now),
            CONTROL => self.let_in(Entrance::Control, now),
            BELL => {
                self.bell.hush()?;
                if self.bell.is_stopping() {
                    self.leave(now);
                }
                Ok(())
            }
            LINE => {
                self.hear_line(now);
                Ok(())
            }
            key => {
                self.hear_client(key, event.what, now);
                Ok(())
            }
        }
    }

    /// Lets in who waits outside.
    fn let_in(&mut self, entrance: Entrance, now: Duration) -> io::Result<()> {
        for _ in 0..AT_ONCE {
            let Some(door) = &mut self.door else { return Ok(()) };
            match door.accept(entrance) {
                Ok(None) => return Ok(()),
                Ok(Some((client, peer))) => self.welcome(client, peer, now),
                Err(error) => {
                    door.complain(&error, now);
                    match longest(self.clients.iter().map(|(key, client)| client.guest(*key))) {
                        Some(key) => self.close(key),
                        None => return door.pause(&self.epoll, [PORT, CONTROL], now),
                    }
                }
            }
        }
        Ok(())
    }

    fn welcome(&mut self, client: Client, peer: Peer, now: Duration) {
        let group = match peer {
            Peer::Tcp(address) if !address.is_loopback() => {
                match self.context.guard.is_trusted(address) {
                    true => Group::Everybody,
                    false => Group::Address(throttle::group(address)),
                }
            }
            Peer::Tcp(_) | Peer::Socket => Group::Everybody,
        };
        let guests = self.clients.iter().map(|(key, client)| client.guest(*key));
        match admit(group, guests, self.caps.held()) {
            Admission::Welcome => {}
            Admission::After(key) => self.close(key),
            Admission::Refused => return,
        }
        self.last += 1;
        if let Err(error) = self.epoll.add(&client, self.last, Interest::Read) {
            return log::debug!("cannot wait for a client: {}", error_text(&error));
        }
        self.clients.insert(self.last, Connection::new(client, peer, group, now));
    }

    fn hear_client(&mut self, key: u64, what: Readiness, now: Duration) {
        // One that was closed a moment ago.
        let Some(client) = self.clients.get_mut(&key) else { return };
        let step = client.proceed(&mut self.scratch, now);
        match (step, what) {
            // Nobody is there any more to get the answer.
            (Step::Mute, Readiness::Over) => self.close(key),
            (step, _) => self.follow(key, step, now),
        }
    }

    /// Does what a connection needs next.
    fn follow(&mut self, key: u64, mut step: Step, now: Duration) {
        while step == Step::Decide {
            let verdict = self.decide(key);
            let Some(client) = self.clients.get_mut(&key) else { return };
            step = match verdict {
                Ok(()) => {
                    client.invite();
                    client.look(now)
                }
                Err(problem) => client.refuse(problem, now),
            };
        }
        let Some(client) = self.clients.get_mut(&key) else { return };
        let change = match step {
            Step::Close => return self.close(key),
            Step::Mute => Some(Interest::Nothing),
            Step::Ask => {
                self.waiting.push_back(key);
                client.new_interest()
            }
            Step::Wait | Step::Decide => client.new_interest(),
        };
        let changed = change.map(|interest| self.epoll.change(&client.client, key, interest));
        if let Some(Err(error)) = changed {
            log::debug!("cannot wait for a client: {}", error_text(&error));
            self.close(key);
        }
    }

    /// Whether a body may come: a large one only from those who are known.
    fn decide(&self, key: u64) -> Result<(), Problem> {
        let Some((client, head)) =
            self.clients.get(&key).and_then(|client| Some((client, client.head()?)))
        else {
            return Ok(());
        };
        if head.length <= SMALL {
            return Ok(());
        }
        router::may_be_large(&self.context, &without_body(head, client.peer))?;
        let heads = self.clients.values().filter_map(Connection::head);
        let under_way: usize = heads.map(|head| head.length).sum();
        match under_way <= LARGE_BODIES {
            true => Ok(()),
            false => Err(Problem::new(503, "too many large bodies are under way")),
        }
    }

    /// The line can be written to, or is broken.
    fn hear_line(&mut self, now: Duration) {
        let heard = self.line.as_mut().map(|line| line.proceed(&self.epoll, LINE));
        if let Some(Err(error)) = heard {
            self.lose_line(&error, now);
        }
    }

    fn hear_answer(&mut self, number: usize, now: Duration) {
        let answered = self.line.as_mut().and_then(|line| line.take(number));
        if let Some((key, outcome)) = answered {
            self.answer(key, outcome, now);
        }
    }

    fn answer(&mut self, key: u64, outcome: Outcome, now: Duration) {
        // One that has gone gets nothing.
        let Some(client) = self.clients.get_mut(&key) else { return };
        match outcome {
            Outcome::Ready(ready) => {
                if self.leave_at.is_some() {
                    client.close_after();
                }
                let step = client.answer(ready, now);
                self.follow(key, step, now);
            }
            Outcome::Apart(talk) => {
                let Some(connection) = self.clients.remove(&key) else { return };
                let removed = self.epoll.remove(&connection.client);
                // The worker has let go of it.
                match (removed, Arc::into_inner(connection.client)) {
                    (Ok(()), Some(client)) => talk.start(client, key),
                    (removed, _) => log::warn!("cannot let a client go: {removed:?}"),
                }
            }
        }
    }

    /// Sends requests that are in line, as many as there are places.
    fn ask(&mut self, now: Duration) {
        let Some(line) = &mut self.line else { return };
        while let Some(number) = line.free()
            && let Some(key) = self.waiting.pop_front()
        {
            let Some(client) = self.clients.get_mut(&key) else { continue };
            let Some((head, body)) = client.take() else { continue };
            line.ask(number, (key, client), (&head, &body));
        }
        if let Err(error) = line.send(&self.epoll, LINE) {
            self.lose_line(&error, now);
        }
    }

    /// The server is lost, and with it the answers to what is under way.
    fn lose_line(&mut self, error: &io::Error, now: Duration) {
        let Some(line) = self.line.take() else { return };
        log::error!("the HTTP server is lost: {}; starting it again", error_text(error));
        self.try_at = now;
        for key in line.clients() {
            // A worker may still send to it: one answer and another would be none.
            self.close(key);
        }
    }

    /// Starts a server again where there is none.
    fn start_line(&mut self, now: Duration) -> Result<(), String> {
        if self.line.is_some() || now < self.try_at {
            return Ok(());
        }
        match Line::start(&self.context, &self.inbox, &self.caps, &self.bell, (&self.epoll, LINE)) {
            Ok(line) => {
                self.line = Some(line);
                self.tries = 0;
                Ok(())
            }
            Err(error) if self.tries < TRIES => {
                log::warn!("cannot start the HTTP server: {}", error_text(&error));
                self.tries += 1;
                self.try_at = now + BETWEEN_TRIES;
                Ok(())
            }
            Err(error) => Err(format!("cannot start the HTTP server: {}", error_text(&error))),
        }
    }

    fn close_late_ones(&mut self, now: Duration) {
        let is_late = |client: &Connection| client.deadline().is_some_and(|at| at <= now);
        self.clients.retain(|_, client| !is_late(client));
    }

    /// Lets nobody in any more, and lets go who is owed nothing.
    fn leave(&mut self, now: Duration) {
        self.door = None;
        self.leave_at = Some(now + LEAVING);
        self.clients.retain(|_, client| client.is_owed());
        self.clients.values_mut().for_each(Connection::close_after);
    }

    /// A worker may hold the socket a moment longer, and must not keep it among those that are
    /// waited for.
    fn close(&mut self, key: u64) {
        let closed = self.clients.remove(&key).map(|client| self.epoll.remove(&client.client));
        if let Some(Err(error)) = closed {
            log::debug!("cannot let a client go: {}", error_text(&error));
        }
        self.waiting.retain(|waiting| *waiting != key);
    }
}

/// A request of which only the head is there, for the guard.
fn without_body(head: &Head, peer: Peer) -> Request {
    let (path, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
    let fields = head.fields.iter();
    Request {
        method: Method::parse(&head.method),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: fields.map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        body: Vec::new(),
        peer,
    }
}
