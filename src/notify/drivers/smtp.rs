//! Mail to a server of ours, with whatever TLS was asked for: where `starttls` must be there, a
//! server without it gets neither password nor mail.

use std::error::Error as _;
use std::io;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;

use super::{Letter, Secrets, mail};
use crate::base::sentence::error_text;
use crate::base::time::Clock;
use crate::model::notifier::{MailTls, Smtp};
use crate::notify::{Facts, Outcome, secret, trust};
use crate::threads;

/// Farewell, when the mail is there already.
const QUIT: Duration = Duration::from_secs(1);

/// One conversation with the server.
struct Talk {
    smtp: Smtp,
    password: Option<String>,
    hello: ClientId,
    tls: TlsParameters,
    mail: lettre::Message,
    clock: Clock,
    limit: Duration,
}

/// One attempt. The conversation has a thread of its own, because a name server or a server that
/// says a letter each second could hold it for longer than `limit`; it ends by itself soon after.
pub(super) fn send(
    smtp: &Smtp,
    target: Option<&str>,
    letter: &Letter,
    secrets: &mut Secrets<'_>,
    facts: &Facts,
    limit: Duration,
) -> Result<Outcome, String> {
    let mut password = None;
    if let Some((user, secret)) = &smtp.login {
        let value = secret::read(secret, facts)?;
        secrets.redactor.hide_login(user, &value);
        password = Some(value);
    }
    let talk = Talk {
        smtp: smtp.clone(),
        password,
        hello: ClientId::Domain(mail::host(facts).to_owned()),
        tls: parameters(smtp, facts)?,
        mail: mail::with_html(&smtp.mail, target, letter, facts)?,
        clock: Clock::start(),
        limit,
    };
    let late = |error: &str| Outcome::Retry { error: error.to_owned(), after: None };
    let (outcomes, outcome) = mpsc::channel();
    if let Err(error) = threads::spawn("smtp", move || talk.hold(&outcomes)) {
        return Ok(late(&format!("cannot start a thread: {}", error_text(&error))));
    }
    Ok(outcome.recv_timeout(limit).unwrap_or_else(|_| late("no answer in time")))
}

fn parameters(smtp: &Smtp, facts: &Facts) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(smtp.host.clone())
        .dangerous_accept_invalid_certs(smtp.tls_skip_verify)
        .dangerous_accept_invalid_hostnames(smtp.tls_skip_verify);
    if let Some(path) = facts.ca_file.as_deref().filter(|_| smtp.tls != MailTls::None) {
        let pem = trust::pem(path)?;
        builder = builder
            .add_root_certificate(Certificate::from_pem(&pem).map_err(|error| error.to_string())?);
    }
    builder.build().map_err(|error| error.to_string())
}

impl Talk {
    fn hold(&self, outcomes: &Sender<Outcome>) {
        // Whoever waited may have given up meanwhile; then nobody is told.
        match self.deliver() {
            Err(error) => drop(outcomes.send(outcome_of(&error))),
            Ok((mut connection, response)) => {
                let text = response.message().collect::<Vec<_>>().join(" ");
                let answer = format!("{} {text}", response.code());
                drop(outcomes.send(Outcome::Delivered { answer }));
                if connection.set_timeout(Some(QUIT)).is_ok() {
                    // The mail is theirs, whatever they say to that.
                    let _ = connection.quit();
                }
            }
        }
    }

    fn deliver(&self) -> Result<(SmtpConnection, Response), Error> {
        let server = (self.smtp.host.as_str(), self.smtp.port);
        let implicit = (self.smtp.tls == MailTls::Implicit).then_some(&self.tls);
        let left = Some(self.left());
        let mut connection = SmtpConnection::connect(server, left, &self.hello, implicit, None)?;
        if self.smtp.tls == MailTls::StartTls {
            self.hurry(&mut connection);
            connection.starttls(&self.tls, &self.hello)?;
        }
        if let (Some((user, _)), Some(password)) = (&self.smtp.login, &self.password) {
            self.hurry(&mut connection);
            let credentials = Credentials::new(user.clone(), password.clone());
            connection.auth(DEFAULT_MECHANISMS, &credentials)?;
        }
        self.hurry(&mut connection);
        let response = connection.send(self.mail.envelope(), &self.mail.formatted())?;
        Ok((connection, response))
    }

    /// No zero, which would be no limit.
    fn left(&self) -> Duration {
        self.limit.saturating_sub(self.clock.now().steady).max(Duration::from_millis(1))
    }

    fn hurry(&self, connection: &mut SmtpConnection) {
        // A socket that takes no time-out fails at the next command.
        let _ = connection.set_timeout(Some(self.left()));
    }
}

/// A server that says no for good, and one that cannot do what is asked of it, are final.
fn outcome_of(error: &Error) -> Outcome {
    let text = text_of(error);
    if error.is_permanent() || error.is_client() {
        return Outcome::Refused { error: text };
    }
    Outcome::Retry { error: text, after: None }
}

fn text_of(error: &Error) -> String {
    if let (Some(code), Some(said)) = (error.status(), error.source()) {
        return format!("{code} {said}");
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            // A time-out of a socket is EAGAIN (socket(7), SO_RCVTIMEO).
            let is_late =
                [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&error.kind());
            return if is_late { "no answer in time".to_owned() } else { error_text(error) };
        }
        cause = error.source();
    }
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}
