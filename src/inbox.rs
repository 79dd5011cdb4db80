//! The way into the main thread: every other thread holds a clone and sends what happened.

use std::sync::mpsc::Sender;

use crate::engine::Input;

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
