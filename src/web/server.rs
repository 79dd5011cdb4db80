//! The HTTP server: a few threads that take requests from `tiny_http`, which no other file
//! names. Its accept loop ends for good at the first failed accept(2), so the server is made
//! again on a clone of the listener.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tiny_http::{Header, Method, Request, Response};

use crate::engine::Input;
use crate::inbox::Inbox;
use crate::threads;
use crate::web::health::Health;

const WORKERS: usize = 4;
/// A listener that fails again and again is lost: tries in a row, one a second.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// The running server.
pub(crate) struct Server {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    listener: TcpListener,
    /// Locked to copy the handle out or to put a new one in; recv(2) happens outside.
    current: Mutex<Arc<tiny_http::Server>>,
    stopping: AtomicBool,
    health: Health,
    inbox: Inbox,
}

/// Binds the address; nothing answers before [`start`].
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
}

/// Serves on `listener` until [`Server::stop`]. A listener that is lost is a fatal input.
pub(crate) fn start(listener: TcpListener, health: Health, inbox: Inbox) -> io::Result<Server> {
    let current = Mutex::new(Arc::new(accept_on(&listener)?));
    let shared =
        Arc::new(Shared { listener, current, stopping: AtomicBool::new(false), health, inbox });
    let mut workers = Vec::with_capacity(WORKERS);
    for number in 0..WORKERS {
        let shared = Arc::clone(&shared);
        let (name, inbox) = (format!("http-{number}"), shared.inbox.clone());
        workers.push(threads::spawn_vital(&name, inbox, move || {
            shared.work();
            Ok(())
        })?);
    }
    Ok(Server { shared, workers })
}

impl Server {
    /// Stops accepting and waits for the workers, each of which answers what it holds.
    pub(crate) fn stop(self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        let current = Arc::clone(&self.shared.current());
        for _ in &self.workers {
            current.unblock();
        }
        for worker in self.workers {
            if worker.join().is_err() {
                log::error!("a thread of the HTTP server panicked");
            }
        }
    }
}

impl Shared {
    fn current(&self) -> MutexGuard<'_, Arc<tiny_http::Server>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let server = Arc::clone(&self.current());
            match server.recv() {
                Ok(request) => self.answer(request),
                Err(_) if self.stopping.load(Ordering::Relaxed) => return,
                Err(error) => self.rebuild(&server, &error),
            }
        }
    }

    /// Replaces a server whose accept loop has ended. Exactly one worker is told of that; the
    /// others are woken when the new server stands, and come here only to go back to it.
    fn rebuild(&self, broken: &Arc<tiny_http::Server>, error: &io::Error) {
        if !Arc::ptr_eq(&self.current(), broken) {
            return;
        }
        log::warn!("cannot accept connections: {error}; listening again");
        for _ in 0..TRIES {
            match accept_on(&self.listener) {
                Ok(server) => {
                    let mut current = self.current();
                    // Whoever stops wakes the workers of one server only: the one under the lock.
                    if self.stopping.load(Ordering::Relaxed) {
                        return;
                    }
                    *current = Arc::new(server);
                    drop(current);
                    for _ in 1..WORKERS {
                        broken.unblock();
                    }
                    return;
                }
                Err(error) => log::warn!("cannot listen again: {error}"),
            }
            std::thread::sleep(BETWEEN_TRIES);
            if self.stopping.load(Ordering::Relaxed) {
                return;
            }
        }
        self.stopping.store(true, Ordering::Relaxed);
        self.inbox.send(Input::Fatal("the listener of the HTTP server is lost".to_owned()));
    }

    fn answer(&self, request: Request) {
        log::debug!("http method={} path={}", request.method(), path(&request));
        let (status, body, json) = match (path(&request), request.method()) {
            ("/health", Method::Get | Method::Head) => {
                let (status, text, word) = self.health.state().answer();
                match wants_json(&request) {
                    true => (status, format!("{{\"status\":\"{word}\"}}"), true),
                    false => (status, text.to_owned(), false),
                }
            }
            ("/health", _) => (405, "method not allowed".to_owned(), false),
            _ => (404, "not found".to_owned(), false),
        };
        let kind = if json { "application/json" } else { "text/plain; charset=utf-8" };
        let mut response = Response::from_string(body).with_status_code(status);
        response.add_header(header("Content-Type", kind));
        response.add_header(header("Cache-Control", "no-store"));
        if status == 405 {
            response.add_header(header("Allow", "GET, HEAD"));
        }
        if let Err(error) = request.respond(response) {
            log::debug!("a client went away: {error}");
        }
    }
}

fn accept_on(listener: &TcpListener) -> io::Result<tiny_http::Server> {
    tiny_http::Server::from_listener(listener.try_clone()?, None).map_err(io::Error::other)
}

fn path(request: &Request) -> &str {
    request.url().split('?').next().unwrap_or_default()
}

fn wants_json(request: &Request) -> bool {
    let mut headers = request.headers().iter();
    headers.any(|header| {
        header.field.equiv("Accept") && header.value.as_str().contains("application/json")
    })
}

fn header(name: &str, value: &str) -> Header {
    Header::from_bytes(name, value).expect("the header is ASCII")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::mpsc;

    use super::*;
    use crate::base::time::Clock;
    use crate::web::health::State;

    struct Running {
        server: Server,
        address: SocketAddr,
        health: Health,
    }

    fn running() -> Running {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let health = Health::starting();
        let inbox = Inbox::new(mpsc::channel().0);
        let server = start(listener, health.clone(), inbox).unwrap();
        Running { server, address, health }
    }

    fn ask(address: SocketAddr, head: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        write!(stream, "{head}\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    // docs/deployment.md, Health.
    #[test]
    fn health_is_told_as_text_and_as_json() {
        let Running { server, address, health } = running();
        for (state, status, text, json) in [
            (State::Starting, "503", "starting", r#"{"status":"starting"}"#),
            (State::Serving, "200", "OK", r#"{"status":"ok"}"#),
            (State::ShuttingDown, "503", "shutting down", r#"{"status":"shutting_down"}"#),
        ] {
            health.set(state);
            for (accept, body) in [("text/html", text), ("text/x, application/json", json)] {
                let answer = ask(address, &format!("GET /health?x HTTP/1.1\r\nAccept: {accept}"));
                assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
                assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{answer}");
            }
        }
        for (request, status) in [
            ("HEAD /health", "503"),
            ("POST /health", "405"),
            ("GET /", "404"),
            ("GET /healthz", "404"),
        ] {
            let answer = ask(address, &format!("{request} HTTP/1.1"));
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        }
        server.stop();
    }

    #[test]
    fn connections_that_say_nothing_do_not_hold_up_a_stop() {
        let Running { server, address, .. } = running();
        let silent: Vec<TcpStream> =
            (0..64).map(|_| TcpStream::connect(address).unwrap()).collect();
        for mut half in &silent[..32] {
            half.write_all(b"GET /health HT").unwrap();
        }
        server.stop();
    }

    #[test]
    fn a_server_whose_accepting_ended_is_made_again_and_still_stops() {
        let Running { server, .. } = running();
        let broken = Arc::clone(&server.shared.current());
        // What tiny_http does when accept(2) fails: one worker is told.
        broken.unblock();
        let clock = Clock::start();
        while Arc::ptr_eq(&server.shared.current(), &broken) {
            assert!(clock.now().steady < Duration::from_secs(10), "nobody made it again");
            std::thread::yield_now();
        }
        server.stop();
    }
}
