//! The gate: one thread that owns the port, the control socket and every client's connection, so
//! that a client costs neither a thread nor much memory before its request is whole, and a slow or
//! silent one delays nobody (docs/security.md, Connections). Whole requests go to the HTTP server
//! behind it, and each answer is sent by a worker, from here, or by a thread of its own.

pub(crate) mod answer;
pub(crate) mod apart;
pub(crate) mod bell;
pub(crate) mod caps;
mod census;
pub(crate) mod client;
mod connection;
pub(crate) mod control;
mod door;
pub(crate) mod head;
mod intake;
mod keeper;
mod line;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::inbox::Inbox;
use crate::threads;
use crate::web::context::Context;
use crate::web::gate::bell::Bell;
use crate::web::gate::control::Control;
use crate::web::gate::keeper::Keeper;

/// The running gate.
pub(crate) struct Gate {
    bell: Arc<Bell>,
    thread: JoinHandle<()>,
}

/// Lets clients in until [`Gate::stop`]. A server that cannot be started again is a fatal input.
pub(crate) fn open(
    port: TcpListener,
    control: Option<Control>,
    context: Arc<Context>,
    inbox: Inbox,
) -> io::Result<Gate> {
    let bell = Arc::new(Bell::new()?);
    let keeper = Keeper::new(port, control, Arc::clone(&bell), context, inbox.clone())?;
    let thread = threads::spawn_vital("gate", inbox, move || keeper.keep())?;
    Ok(Gate { bell, thread })
}

impl Gate {
    /// Lets nobody in any more, has what is under way answered, and ends.
    pub(crate) fn stop(self) {
        self.bell.stop();
        if self.thread.join().is_err() {
            log::error!("the gate panicked while the daemon stopped");
        }
    }
}
