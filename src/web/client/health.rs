//! Asks a port who is there: for `runwisp status`, made to be called every second for ever, and
//! for whoever finds the port taken.

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;

use crate::base::sentence::error_text;

/// A start script waits on this: nobody at the port must be known soon.
pub(crate) const CONNECT: Duration = Duration::from_secs(1);
/// The whole question, so that it fits a container's health check of 5 s.
pub(crate) const WHOLE: Duration = Duration::from_secs(4);
/// The whole question of who holds a port: a stranger may never answer.
pub(crate) const GLANCE: Duration = Duration::from_secs(1);
/// What `/health` may say at most.
const LONGEST: u64 = 1024;

/// What `/health` said.
#[derive(Debug)]
pub(crate) enum Answer {
    Healthy,
    /// Something else; by a runwisp daemon or by a stranger.
    Said {
        status: u16,
        by: Who,
    },
    Unreachable(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Daemon,
    Stranger,
}

/// Calls `/health` and waits this long. Healthy is who answers 200.
pub(crate) fn health(host: &str, port: u16, patience: Duration) -> Answer {
    let config = ureq::Agent::config_builder()
        // The daemon is asked itself, whatever proxy the surroundings name.
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(patience))
        .build();
    let url = format!("http://{}/health", address(host, port));
    let asked = ureq::Agent::new_with_config(config).get(url).header("Accept", "application/json");
    match asked.call() {
        Ok(mut answer) => {
            let body = answer.body_mut().with_config().limit(LONGEST).read_to_string();
            let status = answer.status().as_u16();
            match (status, who_says(&body.unwrap_or_default())) {
                (200, Who::Daemon) => Answer::Healthy,
                (status, by) => Answer::Said { status, by },
            }
        }
        Err(error) => Answer::Unreachable(reason(error)),
    }
}

/// Why there is no answer, for the end of a message.
pub(crate) fn reason(error: ureq::Error) -> String {
    if let ureq::Error::Io(error) = &error {
        return error_text(error);
    }
    if let ureq::Error::Timeout(_) = &error {
        return "no answer in time".to_owned();
    }
    error.to_string()
}

/// Our `/health` speaks JSON to whoever asks for it; a stranger's will hardly say these words.
fn who_says(body: &str) -> Who {
    #[derive(Deserialize)]
    struct Health {
        status: String,
    }
    match serde_json::from_str(body) {
        Ok(Health { status }) if ["ok", "starting", "shutting_down"].contains(&&*status) => {
            Who::Daemon
        }
        Ok(_) | Err(_) => Who::Stranger,
    }
}

/// Where a client finds the daemon that is bound to `host`: an address for everybody is no
/// place to go, so it becomes the loopback one. IPv6 gets its brackets.
pub(crate) fn address(host: &str, port: u16) -> String {
    match host.parse() {
        Ok(IpAddr::V4(any)) if any.is_unspecified() => format!("127.0.0.1:{port}"),
        Ok(IpAddr::V6(any)) if any.is_unspecified() => format!("[::1]:{port}"),
        Ok(IpAddr::V6(address)) => format!("[{address}]:{port}"),
        Ok(IpAddr::V4(_)) | Err(_) => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Clock;

    #[test]
    fn an_address_for_everybody_is_asked_on_the_loopback() {
        for (host, expected) in [
            ("0.0.0.0", "127.0.0.1:9477"),
            ("::", "[::1]:9477"),
            ("::1", "[::1]:9477"),
            ("192.0.2.7", "192.0.2.7:9477"),
            ("box.local", "box.local:9477"),
        ] {
            assert_eq!(address(host, 9477), expected);
        }
    }

    #[test]
    fn a_daemon_is_known_by_its_words() {
        assert_eq!(who_says(r#"{"status":"shutting_down"}"#), Who::Daemon);
        for body in ["OK", "{}", r#"{"status":"up"}"#, ""] {
            assert_eq!(who_says(body), Who::Stranger, "{body}");
        }
    }

    #[test]
    fn a_port_that_never_answers_is_given_up() {
        let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = silent.local_addr().unwrap().port();
        let clock = Clock::start();
        let Answer::Unreachable(reason) = health("127.0.0.1", port, GLANCE) else {
            panic!("nobody is there")
        };
        assert_eq!(reason, "no answer in time");
        assert!(clock.now().steady < WHOLE);
    }
}
