//! The HTTP server behind the gate: `tiny_http`, which no other file names, and the workers that
//! take requests from it. Only the gate reaches it, over a connection that lives as long as it
//! does. A worker sends the answer straight to the client, as much of it as goes at once; the
//! rest it leaves on a desk and rings for the gate, so that no slow client holds it.

use std::env;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tiny_http::Request;

use crate::inbox::Inbox;
use crate::threads;
use crate::web::context::Context;
use crate::web::gate::answer::{self, Ready};
use crate::web::gate::apart::{self, Talk};
use crate::web::gate::bell::{Bell, Left};
use crate::web::gate::caps::Caps;
use crate::web::gate::client::Client;
use crate::web::gate::head::After;
use crate::web::http::{self, FlowKind, Method, Peer, Reply};
use crate::web::router;

const WORKERS: usize = 4;
/// Requests that are under way at once; those that no worker has taken wait for one.
pub(crate) const PLACES: usize = 16;
/// The field that tells the number of the place and the peer; a client can set none of that name.
pub(crate) const CLIENT: &str = "Runwisp-Client";
/// What comes back over the line when it is new.
const SAID: u8 = b'.';
/// A new server answers at once, or it is none.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the answer goes to.
pub(crate) struct Place {
    pub(crate) client: Arc<Client>,
    pub(crate) after: After,
}

/// What is left to be done for a client.
pub(crate) enum Outcome {
    /// To send what it did not take at once.
    Ready(Ready),
    /// By a thread of its own, with the client's socket.
    Apart(Talk),
}

/// A server and its workers; they end when it is dropped.
pub(crate) struct Server {
    http: Arc<tiny_http::Server>,
    desk: Arc<Desk>,
}

/// Where answers lie until the gate takes them, by the number of their place.
#[derive(Default)]
struct Desk {
    /// Locked to put one in or to take it out, as the next.
    outcomes: [Mutex<Option<Outcome>>; PLACES],
    places: [Mutex<Option<Place>>; PLACES],
    is_closed: AtomicBool,
}

impl Server {
    /// Starts a server and opens the line to it, which has answered once when this returns. Nobody
    /// else can come in: the listener has no name any more.
    pub(crate) fn start(
        context: &Arc<Context>,
        inbox: &Inbox,
        caps: &Caps,
        bell: &Arc<Bell>,
    ) -> io::Result<(Server, UnixStream)> {
        let nook = Nook::find(&context.facts.data)?;
        let http = tiny_http::Server::from_listener(nook.listener.try_clone()?, None);
        let http = Arc::new(http.map_err(io::Error::other)?);
        let desk = Arc::new(Desk::default());
        let server = Server { http: Arc::clone(&http), desk: Arc::clone(&desk) };
        for number in 0..WORKERS {
            let worker = Worker {
                http: Arc::clone(&http),
                desk: Arc::clone(&desk),
                context: Arc::clone(context),
                caps: caps.clone(),
                bell: Arc::clone(bell),
            };
            threads::spawn_vital(&format!("http-{number}"), inbox.clone(), move || {
                worker.work();
                Ok(())
            })?;
        }
        Ok((server, line(&nook.path)?))
    }

    /// Says where the answer to the request of this number goes to.
    pub(crate) fn seat(&self, number: usize, place: Place) {
        put(&self.desk.places[number], place);
    }

    /// Takes what is left to be done for the client of a place.
    pub(crate) fn outcome(&self, number: usize) -> Option<Outcome> {
        take(&self.desk.outcomes[number])
    }
}

fn put<T>(slot: &Mutex<Option<T>>, value: T) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
}

fn take<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.desk.is_closed.store(true, Ordering::Relaxed);
        for _ in 0..WORKERS {
            self.http.unblock();
        }
    }
}

/// How many there have been.
static NOOKS: AtomicU32 = AtomicU32::new(0);

/// A listener that has a name for as long as it takes to connect to it, in a directory that nobody
/// else can enter: whatever the umask and the place, only we can connect.
struct Nook {
    listener: UnixListener,
    path: PathBuf,
    /// What is made for it.
    folder: PathBuf,
    /// Makes the path short, whatever the directory's is (proc(5)); closed last.
    _directory: File,
}

impl Drop for Nook {
    fn drop(&mut self) {
        // Nobody comes in by it any more, so a name that stays only looks untidy.
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_dir(&self.folder);
        // The thread that accepts ends, which a server that is dropped does not see to, and with it
        // the threads that wait for more lines. A listener is shut down as any other socket.
        if let Ok(listener) = self.listener.try_clone() {
            let _ = UnixStream::from(OwnedFd::from(listener)).shutdown(Shutdown::Both);
        }
    }
}

impl Nook {
    /// In the data directory; elsewhere if sockets cannot be there.
    fn find(data: &Path) -> io::Result<Nook> {
        Nook::bind(data).or_else(|_| Nook::bind(&env::temp_dir()))
    }

    fn bind(directory: &Path) -> io::Result<Nook> {
        let directory = File::open(directory)?;
        // No name comes twice: a server that is dropped removes its own, perhaps late.
        let number = NOOKS.fetch_add(1, Ordering::Relaxed);
        let name = format!(".runwisp-http-{}-{number}", process::id());
        let folder = PathBuf::from(format!("/proc/self/fd/{}/{name}", directory.as_raw_fd()));
        let path = folder.join("socket");
        // Left by a process of the same number, which is gone. What is somebody else's stays, and
        // keeps us from making our own.
        let _ = fs::remove_file(&path);
        let _ = fs::remove_dir(&folder);
        DirBuilder::new().mode(0o700).create(&folder)?;
        let listener = UnixListener::bind(&path)?;
        Ok(Nook { listener, path, folder, _directory: directory })
    }
}

/// Opens a line and waits for its first answer.
fn line(path: &Path) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET / HTTP/1.1\r\n{CLIENT}: 0\r\n\r\n")?;
    let mut said = [0];
    stream.read_exact(&mut said)?;
    match said == [SAID] {
        true => Ok(stream),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// One of those who answer.
struct Worker {
    http: Arc<tiny_http::Server>,
    desk: Arc<Desk>,
    context: Arc<Context>,
    caps: Caps,
    bell: Arc<Bell>,
}

impl Worker {
    fn work(&self) {
        loop {
            match self.http.recv() {
                Ok(request) => self.serve(request),
                Err(_) if self.desk.is_closed.load(Ordering::Relaxed) => return,
                // The thread that accepts has ended, see [`Nook`].
                Err(_) => {}
            }
        }
    }

    fn serve(&self, mut request: Request) {
        let Some((number, peer)) = origin(&request) else { return };
        let Some(peer) = peer else { return greet(request) };
        let Some(asked) = read(&mut request, peer) else { return };
        // Nothing goes back this way; a request that were only dropped would be answered.
        drop(request.into_writer());
        log::debug!("http method={} path={}", asked.method.as_str(), asked.path);
        let Some(place) = take(&self.desk.places[number]) else { return };
        let outcome = match self.outcome(&asked) {
            Outcome::Ready(ready) => {
                let mut ready = ready.end_head(place.after);
                // It never waits. An error meets the gate again, which closes the connection.
                let _ = ready.send(&mut &*place.client);
                Outcome::Ready(ready)
            }
            Outcome::Apart(talk) => Outcome::Apart(talk),
        };
        let left = match &outcome {
            Outcome::Ready(ready) if ready.is_sent() && place.after == After::KeepAlive => {
                Left::Nothing
            }
            Outcome::Ready(_) | Outcome::Apart(_) => Left::Something,
        };
        // Before the gate hears of it, so that the socket is the gate's alone again.
        drop(place);
        put(&self.desk.outcomes[number], outcome);
        self.bell.answered(number, left);
    }

    fn outcome(&self, asked: &http::Request) -> Outcome {
        let method = asked.method;
        // What a handler shares with others is guarded by locks that know no half-done state.
        let reply = catch_unwind(AssertUnwindSafe(|| router::answer(&self.context, asked)));
        match reply {
            Err(panic) => Outcome::Ready(Ready::new(apart::panicked(&*panic), method)),
            Ok(Reply::Whole(whole)) => Outcome::Ready(Ready::new(whole, method)),
            Ok(Reply::Later(compute)) => match self.caps.other() {
                Some(permit) => Outcome::Apart(apart::later(compute, method, permit)),
                None => refused(method, "too many requests are waited for"),
            },
            Ok(Reply::Flow(flow)) => {
                if method == Method::Head {
                    return Outcome::Ready(apart::heading(flow));
                }
                let (permit, full) = match flow.kind {
                    FlowKind::Events => {
                        let client = self.context.guard.client(asked);
                        (self.caps.stream(client), "too many event streams are open")
                    }
                    FlowKind::Download { .. } => {
                        (self.caps.other(), "too many downloads are under way")
                    }
                };
                match permit {
                    Some(permit) => Outcome::Apart(apart::flow(flow, permit)),
                    None => refused(method, full),
                }
            }
        }
    }
}

/// Answers the first request of the line, which asks for nothing.
fn greet(request: Request) {
    let mut writer = request.into_writer();
    // A line that misses it is given up by who opened it.
    let _ = writer.write_all(&[SAID]).and_then(|()| writer.flush());
}

fn refused(method: Method, detail: &'static str) -> Outcome {
    Outcome::Ready(Ready::new(answer::busy(detail), method))
}

/// The place of a request and its peer, from the field that only the gate sets.
fn origin(request: &Request) -> Option<(usize, Option<Peer>)> {
    let field = request.headers().iter().find(|header| header.field.equiv(CLIENT))?;
    let text = field.value.as_str();
    let (number, peer) = text.split_once(' ').unwrap_or((text, ""));
    let number = number.parse().ok().filter(|number| *number < PLACES)?;
    let peer = match peer {
        "" => None,
        "socket" => Some(Peer::Socket),
        address => Some(Peer::Tcp(address.parse().ok()?)),
    };
    Some((number, peer))
}

/// The request as handlers see it; nothing if the gate has gone meanwhile.
fn read(request: &mut Request, peer: Peer) -> Option<http::Request> {
    let mut body = Vec::with_capacity(request.body_length().unwrap_or_default());
    request.as_reader().read_to_end(&mut body).ok()?;
    let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
    let headers = request.headers().iter();
    Some(http::Request {
        method: Method::parse(request.method().as_str()),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers
            .map(|header| (header.field.to_string(), header.value.to_string()))
            .collect(),
        body,
        peer,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::store::scratch::Scratch;

    #[test]
    fn a_server_lets_one_line_in_and_nobody_else() {
        let scratch = Scratch::new();
        let nook = Nook::bind(scratch.path()).unwrap();
        let (path, folder) = (nook.path.clone(), nook.folder.clone());
        let mode = fs::metadata(&nook.folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "nobody else comes near it, whatever the umask");
        let http = tiny_http::Server::from_listener(nook.listener.try_clone().unwrap(), None);
        let http = http.unwrap();
        let mut line = UnixStream::connect(&path).unwrap();
        line.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        greet(http.recv().unwrap());
        drop(nook);
        // The thread that accepts says that it has ended, while the line goes on.
        assert!(http.recv().is_err());
        line.write_all(b"GET /a HTTP/1.1\r\n\r\n").unwrap();
        assert_eq!(http.recv().unwrap().url(), "/a");
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
        assert_ne!(Nook::bind(scratch.path()).unwrap().folder, folder);
    }
}
