//! One HTTP request and what its answer means (docs/notifications.md, Delivery). Redirects are not
//! followed and no proxy of the surroundings is used: what is sent goes to the address that the
//! configuration names, or nowhere.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, TcpConnector,
    Transport, TransportAdapter,
};
use ureq::{Agent, Error};

use crate::base::sentence::error_text;
use crate::base::time::Clock;
use crate::notify::{Facts, Outcome, trust};

/// The longest wait that somebody may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// What is read of an answer, for the text of an error.
const ANSWER: u64 = 4096;

/// What is to be posted.
pub(super) struct Request {
    pub(super) url: String,
    pub(super) content_type: &'static str,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// Where an answer says how long to wait, beside the header.
pub(super) type WaitInBody = fn(&str) -> Option<Duration>;

/// Posts it; what is wrong with it is [`Outcome::Refused`], what is wrong with the way there or
/// with the other side is [`Outcome::Retry`].
pub(super) fn post(
    request: Request,
    facts: &Facts,
    limit: Duration,
    wait_in_body: WaitInBody,
) -> Outcome {
    if limit.is_zero() {
        return Outcome::Retry { error: "no time left".to_owned(), after: None };
    }
    let trusted = match trust::client(facts.ca_file.as_deref()) {
        Ok(trusted) => trusted,
        Err(error) => return Outcome::Refused { error },
    };
    let config = Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent("runwisp-notify/1")
        .timeout_global(Some(limit))
        .build();
    let connector = ().chain(TcpConnector::default()).chain(Tls(trusted));
    let agent = Agent::with_parts(config, connector, DefaultResolver::default());
    let mut asked = agent.post(&request.url).header("Content-Type", request.content_type);
    for (name, value) in &request.headers {
        asked = asked.header(name, value);
    }
    match asked.send(request.body) {
        Err(error) => lost(error),
        Ok(mut answer) => {
            let status = answer.status();
            let name = status.canonical_reason().unwrap_or("");
            let header = answer.headers().get("Retry-After").and_then(|value| value.to_str().ok());
            let header = header.map(|value| retry_after(value, Clock::start().now().wall));
            let mut body = Vec::new();
            if !status.is_success() {
                // As much as comes: the status says enough.
                let _ = answer.body_mut().as_reader().take(ANSWER).read_to_end(&mut body);
            }
            let body = String::from_utf8_lossy(&body);
            let wait = || wait_in_body(&body).or(header).unwrap_or_default().min(LONGEST_WAIT);
            let text = format!("{} {name}", status.as_u16()).trim_end().to_owned();
            let error =
                if body.trim().is_empty() { text.clone() } else { format!("{text}: {body}") };
            match status.as_u16() {
                200..300 => Outcome::Delivered { answer: text },
                429 => Outcome::Retry { error, after: Some(wait()) },
                408 | 425 | 500.. => Outcome::Retry { error, after: None },
                _ => Outcome::Refused { error },
            }
        }
    }
}

/// Seconds or an HTTP date (RFC 9110, 10.2.3); what is malformed or over is no wait.
fn retry_after(value: &str, now: Timestamp) -> Duration {
    let value = value.trim();
    if value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
        // More digits than fit are a long wait.
        return value.parse().map_or(LONGEST_WAIT, Duration::from_secs);
    }
    let date = DateTimeParser::new().parse_timestamp(value);
    date.ok().and_then(|date| Duration::try_from(date.duration_since(now)).ok()).unwrap_or_default()
}

fn lost(error: Error) -> Outcome {
    if matches!(error, Error::BadUri(_) | Error::Http(_)) {
        return Outcome::Refused { error: error.to_string() };
    }
    let text = if let Error::Io(error) = &error {
        error_text(error)
    } else if let Error::Timeout(_) = &error {
        "no answer in time".to_owned()
    } else {
        error.to_string()
    };
    Outcome::Retry { error: text, after: None }
}

/// TLS over whatever connection is there, as [`trust`] says.
struct Tls(Arc<ClientConfig>);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl<In: Transport> Connector<In> for Tls {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(transport) = chained else { return Ok(None) };
        if !details.needs_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let host = details.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| Error::Tls("the host is no name that a certificate could have"))?;
        let transport: Box<dyn Transport> = Box::new(transport);
        let mut socket = TransportAdapter::new(transport, details.current_time.clone());
        socket.set_timeout(details.timeout);
        let mut connection = ClientConnection::new(Arc::clone(&self.0), name)?;
        connection.complete_io(&mut socket)?;
        let config = details.config;
        Ok(Some(Either::B(TlsTransport {
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
            stream: StreamOwned::new(connection, socket),
        })))
    }
}

/// One encrypted connection.
struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl std::fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsTransport")
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.sock.set_timeout(timeout);
        std::io::Write::write_all(&mut self.stream, &self.buffers.output()[..amount])?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.sock.set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // docs/notifications.md, Delivery; RFC 9110, 5.6.7.
    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now: Timestamp = "2026-05-14T15:11:04Z".parse().unwrap();
        for (value, seconds) in [
            ("0", 0),
            ("7", 7),
            (" 61 ", 61),
            ("99999999999999999999999", 60),
            ("-5", 0),
            ("soon", 0),
            ("", 0),
            ("1.5", 0),
            ("Thu, 14 May 2026 15:11:34 GMT", 30),
            ("Thu, 14 May 2026 15:11:00 GMT", 0),
            ("Thu, 14 May 2026", 0),
        ] {
            assert_eq!(retry_after(value, now), Duration::from_secs(seconds), "{value}");
        }
    }
}
