//! The one place where threads begin: each has a name, and none dies unseen.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, JoinHandle};

use crate::engine::Input;
use crate::inbox::Inbox;
use crate::sys::memory;

/// For threads that come by the thousand. Only touched pages are taken; this bounds the rest.
const SMALL_STACK_BYTES: usize = 256 * 1024;

/// The stack and what a run or a client takes beside it. Whoever is refused this is told; a thread
/// that begins without it would take the whole daemon with it (docs/running.md, Lack of threads
/// and memory).
const ROOM_BYTES: usize = 2 * 1024 * 1024;

/// Starts a named thread. Names over 15 bytes are cut by the kernel (prctl(2), PR_SET_NAME).
/// An error is the operating system's refusal, such as EAGAIN.
pub(crate) fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    named(name).spawn(body)
}

/// [`spawn`] for a thread that the daemon cannot do without: an error that it ends with, and a
/// panic, are [`Input::Fatal`].
pub(crate) fn spawn_vital(
    name: &str,
    inbox: Inbox,
    body: impl FnOnce() -> Result<(), String> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let thread = name.to_owned();
    // Everything that the body owns dies with it, so nothing half-done is ever seen.
    spawn(name, move || match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => {}
        Ok(Err(fatal)) => inbox.send(Input::Fatal(fatal)),
        Err(panic) => {
            let text = format!("the thread {thread} panicked: {}", panic_text(&*panic));
            inbox.send(Input::Fatal(text));
        }
    })
}

/// [`spawn`] with a small stack.
pub(crate) fn spawn_small<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    memory::check_room(ROOM_BYTES)?;
    named(name).stack_size(SMALL_STACK_BYTES).spawn(body)
}

fn named(name: &str) -> Builder {
    debug_assert!(name.len() <= 15, "{name}");
    Builder::new().name(name.to_owned())
}

/// The text of a panic, for the log.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    match payload.downcast_ref::<&str>() {
        Some(text) => text,
        None => payload.downcast_ref::<String>().map_or("no message", String::as_str),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_end_of_a_vital_thread_is_heard_unless_it_ends_well() {
        let (sender, inputs) = mpsc::channel();
        let inbox = Inbox::new(sender);
        spawn_vital("well", inbox.clone(), || Ok(())).unwrap().join().unwrap();
        spawn_vital("ill", inbox.clone(), || Err("torn".to_owned())).unwrap().join().unwrap();
        spawn_vital("lost", inbox, || panic!("oh")).unwrap().join().unwrap();
        let heard: Vec<Input> = inputs.iter().collect();
        let texts =
            ["torn", "the thread lost panicked: oh"].map(|text| Input::Fatal(text.to_owned()));
        assert_eq!(heard, texts);
    }
}
