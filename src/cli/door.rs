//! How a command gets to the daemon: what the flags and the environment say of the way, and the
//! password that a login would use. Nothing is made here, neither a password nor a directory.

use std::env;
use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use crate::base::time::Clock;

use crate::cli::globals::{Globals, Origin};
use crate::daemon::secrets;
use crate::web::client::{Client, Deadline, Password, Refusal, SocketTrust, Way};

/// How long a daemon that is gone may take to come back, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const STEP: Duration = Duration::from_millis(250);

/// A daemon that may be asked; `password` is the one of a flag.
pub(crate) fn open(globals: &Globals, password: Option<&str>) -> Result<Client, Refusal> {
    let password = match password {
        Some(password) => Password::Known(password.to_owned()),
        None => known_password(globals),
    };
    Client::open(way(globals, trust(globals)), password, None)
}

/// A way to the daemon that is found anew where it was lost: for whoever waits for something.
pub(crate) struct Caller<'a> {
    globals: &'a Globals,
    client: Option<Client>,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(globals: &'a Globals, client: Client) -> Caller<'a> {
        Caller { globals, client: Some(client) }
    }

    /// Asks until there is an answer; a daemon that is gone has 30 s to come back.
    pub(crate) fn ask<T>(
        &mut self,
        question: impl Fn(&Client) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let clock = Clock::start();
        loop {
            let opened = self.client.take().map_or_else(|| open(self.globals, None), Ok);
            let answer = opened.and_then(|client| {
                let answer = question(&client);
                // A way that leads nowhere may be another one by now, and so may the session.
                if !matches!(answer, Err(Refusal::Unreachable { .. } | Refusal::Unauthorized)) {
                    self.client = Some(client);
                }
                answer
            });
            match answer {
                Err(
                    Refusal::Unreachable { .. }
                    | Refusal::Unauthorized
                    | Refusal::Said { status: 503, .. },
                ) if clock.now().steady < PATIENCE => thread::sleep(STEP),
                answer => return answer,
            }
        }
    }
}

/// The daemon that answers at host and port and no other, if it lets us in. Without a password
/// nobody knocks: the daemon would log a refusal each time.
pub(crate) fn open_same_port(
    globals: &Globals,
    deadline: Option<Deadline>,
) -> Result<Client, Refusal> {
    let trust = match is_here(globals) {
        true => SocketTrust::SamePort,
        false => SocketTrust::None,
    };
    if let Some(client) = Client::local(way(globals, trust), deadline.clone()) {
        return Ok(client);
    }
    match known_password(globals) {
        Password::Unknown(reason) => Err(Refusal::NoPassword(reason)),
        known @ Password::Known(_) => {
            Client::open(way(globals, SocketTrust::None), known, deadline)
        }
    }
}

/// From the environment, from a credential where the service manager calls us beside the daemon,
/// or from the data directory.
fn known_password(globals: &Globals) -> Password {
    let credentials = env::var_os("CREDENTIALS_DIRECTORY");
    match secrets::find(env::var_os(secrets::VARIABLE), credentials, &globals.data.path) {
        Ok(found) => match found.password {
            Some(password) => Password::Known(password.text),
            None => Password::Unknown(None),
        },
        Err(error) => Password::Unknown(Some(error.to_string())),
    }
}

pub(crate) fn way(globals: &Globals, trust: SocketTrust) -> Way<'_> {
    Way { socket: &globals.socket.path, trust, host: &globals.host, port: globals.port }
}

/// Whether the daemon is on this machine.
pub(crate) fn is_here(globals: &Globals) -> bool {
    globals.host == "localhost"
        || globals
            .host
            .parse()
            .is_ok_and(|host: IpAddr| host.is_loopback() || host.is_unspecified())
}

/// Another daemon than that of the data directory may be meant by host and port.
fn trust(globals: &Globals) -> SocketTrust {
    match (globals.socket.origin, globals.address) {
        (Origin::Flag, _) => SocketTrust::Any,
        _ if !is_here(globals) => SocketTrust::None,
        (Origin::Environment | Origin::Default, Origin::Default) => SocketTrust::Any,
        (Origin::Environment | Origin::Default, Origin::Flag | Origin::Environment) => {
            SocketTrust::SamePort
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{self, Invocation};
    use crate::cli::globals::Surroundings;

    #[test]
    fn the_socket_counts_unless_another_daemon_may_be_meant() {
        for (line, env, expected) in [
            ("status", "", SocketTrust::Any),
            ("status --data d", "", SocketTrust::Any),
            ("status", "RUNWISP_SOCKET", SocketTrust::Any),
            ("status --socket s --port 1 --host h", "", SocketTrust::Any),
            ("status --port 1", "", SocketTrust::SamePort),
            ("status --port 1", "RUNWISP_SOCKET", SocketTrust::SamePort),
            ("status --host 0.0.0.0", "", SocketTrust::SamePort),
            ("status", "RUNWISP_PORT", SocketTrust::SamePort),
            ("status --host 192.0.2.1", "", SocketTrust::None),
            ("status --host box", "RUNWISP_SOCKET", SocketTrust::None),
        ] {
            let lookup = |name: &str| (name == env).then(|| "1".into());
            let around = Surroundings { env: &lookup, is_root: false, has_local_config: false };
            let argv = line.split(' ').map(Into::into).collect();
            let Ok(Invocation::Run(globals, _)) = args::parse(argv, &around) else {
                panic!("{line}")
            };
            assert_eq!(trust(&globals), expected, "{line} {env}");
        }
    }
}
