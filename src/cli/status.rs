//! `runwisp status`: one question to the daemon, made to be asked every second for ever.

use crate::cli::globals::Globals;
use crate::cli::{Exit, Outcome};
use crate::web::client::{self, Answer};

/// Exit 0 exactly when `/health` answered 200.
pub(crate) fn run(globals: &Globals) -> Outcome {
    let reason = match client::health(&globals.host, globals.port, client::WHOLE) {
        Answer::Healthy | Answer::Said { status: 200, .. } => {
            return Outcome::success(format!("RunWisp is healthy at :{}\n", globals.port));
        }
        Answer::Said { status, .. } => format!("answered {status}"),
        Answer::Unreachable(reason) => reason,
    };
    let address = client::address(&globals.host, globals.port);
    Outcome {
        stdout: String::new(),
        stderr: format!("RunWisp is not reachable at {address}: {reason}\n"),
        exit: Exit::Failure,
    }
}
