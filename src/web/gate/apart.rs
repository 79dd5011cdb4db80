//! Answers that are written by a thread of their own, straight to the client's socket: event
//! streams, downloads, and what takes long to compute. The gate has let go of the connection,
//! which ends with the answer.

use std::any::Any;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::base::sentence::error_text;
use crate::sys::memory;
use crate::threads;
use crate::web::gate::answer::{self, Ready};
use crate::web::gate::caps::Permit;
use crate::web::gate::client::Client;
use crate::web::gate::head::After;
use crate::web::http::{Flow, FlowKind, Method, Problem, Whole};

/// What a thread is to do with the socket of a client.
pub(crate) struct Talk {
    /// What the thread is called, with a number behind it.
    name: &'static str,
    speak: Speech,
}

type Speech = Box<dyn FnOnce(&mut Client) -> io::Result<()> + Send>;

/// An answer that takes long to compute.
pub(crate) fn later(
    compute: Box<dyn FnOnce() -> Whole + Send>,
    method: Method,
    permit: Permit,
) -> Talk {
    let speak = move |client: &mut Client| {
        let _permit = permit;
        // Everything that the computation owns dies with it.
        let whole = catch_unwind(AssertUnwindSafe(compute));
        let whole = whole.unwrap_or_else(|panic| panicked(&*panic));
        // The socket waits, so that one call sends all or fails.
        Ready::new(whole, method).end_head(After::Close).send(client).map(drop)
    };
    Talk { name: "later", speak: Box::new(speak) }
}

/// An answer that is written piece by piece.
pub(crate) fn flow(flow: Flow, permit: Permit) -> Talk {
    let (name, length) = match flow.kind {
        FlowKind::Events => ("stream", None),
        FlowKind::Download { length } => ("download", Some(length)),
    };
    let speak = move |client: &mut Client| {
        let _permit = permit;
        let mut head = answer::head(200, &flow.headers, length);
        head.extend_from_slice(answer::ending(After::Close));
        client.write_all(&head)?;
        (flow.write)(client)
    };
    Talk { name, speak: Box::new(speak) }
}

/// What `HEAD` gets for a flow.
pub(crate) fn heading(flow: Flow) -> Ready {
    match flow.kind {
        FlowKind::Events => Ready::bare(answer::head(200, &flow.headers, None)),
        FlowKind::Download { length } => {
            Ready::bare(answer::head(200, &flow.headers, Some(length)))
        }
    }
}

/// The answer of a handler that panicked.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Whole {
    let cause = format!("a handler panicked: {}", threads::panic_text(panic));
    Problem::internal(cause).header("Cache-Control", "no-store").into()
}

impl Talk {
    /// Starts the thread. Where there is none to be had the client is told to come again.
    pub(crate) fn start(self, client: Client, number: u64) {
        let spare = client.try_clone();
        let name = format!("{}-{}", self.name, number % 100_000);
        let started = threads::spawn_small(&name, move || self.run(client));
        let Err(error) = started else { return };
        log::warn!("cannot start a thread for an answer: {}", error_text(&error));
        let Ok(mut client) = spare else { return };
        let refused = Ready::new(answer::busy("no thread is to be had"), Method::Get);
        // As much of it as goes: nobody waits for this client.
        let _ = refused.end_head(After::Close).send(&mut client);
    }

    fn run(self, mut client: Client) {
        if let Err(error) = client.make_patient() {
            return log::debug!("cannot wait for a client: {}", error_text(&error));
        }
        let speak = self.speak;
        // The hook has logged a panic; the client sees an answer that ends too early.
        match catch_unwind(AssertUnwindSafe(|| speak(&mut client))) {
            Ok(Ok(())) | Err(_) => {}
            Ok(Err(error)) => log::debug!("a client went away: {}", error_text(&error)),
        }
        // What takes long often takes much too, and asks for it once.
        memory::give_back();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::web::gate::caps::Caps;

    /// What a client gets, and that its room is free again then.
    fn said(talk: impl FnOnce(Permit) -> Talk) -> String {
        let caps = Caps::default();
        let talk = talk(caps.other().unwrap());
        let (near, mut far) = UnixStream::pair().unwrap();
        talk.start(Client::Unix(near), 7);
        let mut text = String::new();
        far.read_to_string(&mut text).unwrap();
        assert_eq!(caps.held(), 0);
        text
    }

    #[test]
    fn answers_apart_are_whole_and_end_the_connection() {
        let text = said(|permit| later(Box::new(|| Whole::text(200, "OK")), Method::Get, permit));
        assert!(text.ends_with("Content-Length: 2\r\nConnection: close\r\n\r\nOK"), "{text}");
        let write = |sink: &mut dyn crate::web::http::Sink| sink.write_all(b"data");
        let events = Flow {
            kind: FlowKind::Events,
            headers: vec![("Content-Type", "text/event-stream".to_owned())],
            write: Box::new(write),
        };
        let text = said(|permit| flow(events, permit));
        assert!(
            text.ends_with("Content-Type: text/event-stream\r\nConnection: close\r\n\r\ndata"),
            "{text}"
        );
        assert!(text.contains("X-Frame-Options: DENY\r\n"), "{text}");
    }

    #[test]
    fn a_panic_ends_one_answer_and_nothing_else() {
        let text = said(|permit| later(Box::new(|| panic!("a test")), Method::Get, permit));
        assert!(text.starts_with("HTTP/1.1 500 "), "{text}");
        let broken = Flow {
            kind: FlowKind::Download { length: 9 },
            headers: Vec::new(),
            write: Box::new(|_| panic!("a test")),
        };
        let text = said(|permit| flow(broken, permit));
        assert!(text.ends_with("Content-Length: 9\r\nConnection: close\r\n\r\n"), "{text}");
    }
}
