//! One message to one channel: secrets are read, the text is laid out as the other side wants it,
//! and its answer becomes an [`Outcome`] without secrets (docs/notifications.md, Channels).

mod discord;
mod gotify;
mod mail;
mod mail_text;
mod ntfy;
mod pushover;
mod sendmail;
mod slack;
mod smtp;
mod telegram;
#[cfg(test)]
mod tests;
mod webhook;

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::base::template::Template;
use crate::base::ulid::Ulid;
use crate::model::alert::Delivery;
use crate::model::notifier::{Driver, NAMES, Notifier, Secret};
use crate::notify::message::Message;
use crate::notify::redact::Redactor;
use crate::notify::transport::{self, Request};
use crate::notify::values::value;
use crate::notify::{ATTEMPT, Facts, Outcome, secret};

/// What a driver lays out.
struct Letter {
    message: Message,
    id: Ulid,
    template: Option<Template>,
}

/// One attempt. It takes no longer than `limit`, nor than 15 s. `target` replaces the one of the
/// configuration, `zone` is the one of the job.
pub(crate) fn send(
    notifier: &Notifier,
    target: Option<&str>,
    delivery: &Delivery,
    facts: &Facts,
    zone: &TimeZone,
    limit: Duration,
) -> Outcome {
    let mut redactor = Redactor::default();
    let outcome = Letter::new(notifier, delivery, facts, zone)
        .and_then(|letter| {
            let mut secrets = Secrets { facts, redactor: &mut redactor };
            let limit = limit.min(ATTEMPT);
            attempt(notifier, target, &letter, &mut secrets, facts, limit)
        })
        .unwrap_or_else(|error| Outcome::Refused { error });
    cleaned(outcome, &redactor, &format!("{}:{}: ", notifier.driver.as_str(), notifier.id))
}

impl Letter {
    fn new(
        notifier: &Notifier,
        delivery: &Delivery,
        facts: &Facts,
        zone: &TimeZone,
    ) -> Result<Letter, String> {
        let template = notifier.template.as_deref().map(|text| Template::parse(text, &NAMES));
        let template = template.transpose().map_err(|flaw| format!("template_path: {flaw}"))?;
        Ok(Letter { message: Message::new(delivery, facts, zone), id: delivery.id, template })
    }

    /// The text of the template, if there is one.
    fn rendered(&self, escape: &dyn Fn(&str) -> String) -> Option<String> {
        let template = self.template.as_ref()?;
        Some(template.render(&|name| value(&self.message, self.id, name), escape))
    }

    /// The text of the template, else [`push_text`].
    fn push_text(&self) -> String {
        let rendered = self.rendered(&str::to_owned);
        rendered.unwrap_or_else(|| push_text(&self.message, &self.message.tail))
    }
}

/// Push messages have one text: all lines, the tail and the footer.
fn push_text(message: &Message, tail: &str) -> String {
    let lines = message.lines().collect::<Vec<_>>().join("\n");
    let parts = [&*lines, tail, &message.footer].into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("\n\n")
}

/// Reads secrets, and hides each from whatever is said later.
struct Secrets<'a> {
    facts: &'a Facts,
    redactor: &'a mut Redactor,
}

impl Secrets<'_> {
    fn token(&mut self, secret: &Secret) -> Result<String, String> {
        let value = secret::read(secret, self.facts)?;
        self.redactor.hide(&value);
        Ok(value)
    }

    fn url(&mut self, secret: &Secret) -> Result<String, String> {
        let value = secret::read(secret, self.facts)?;
        self.redactor.hide_url(&value);
        if !["http://", "https://"].iter().any(|scheme| value.starts_with(scheme)) {
            return Err(format!("{}: must start with http:// or https://", secret.key));
        }
        Ok(value)
    }
}

fn attempt(
    notifier: &Notifier,
    target: Option<&str>,
    letter: &Letter,
    secrets: &mut Secrets<'_>,
    facts: &Facts,
    limit: Duration,
) -> Result<Outcome, String> {
    let request = match &notifier.driver {
        Driver::Slack { webhook_url, channel } => {
            let channel = target.or(channel.as_deref());
            json(secrets.url(webhook_url)?, slack::body(letter, channel)?)
        }
        Driver::Telegram { bot_token, chat_id, parse_mode, api } => {
            let token = secrets.token(bot_token)?;
            Request {
                url: format!("{}/bot{token}/sendMessage", bare(api)),
                content_type: "application/x-www-form-urlencoded",
                headers: Vec::new(),
                body: telegram::body(letter, target.unwrap_or(chat_id), *parse_mode),
            }
        }
        Driver::Discord { webhook_url } => json(secrets.url(webhook_url)?, discord::body(letter)),
        Driver::Webhook { url, headers } => {
            headers.iter().for_each(|(_, value)| secrets.redactor.hide_header(value));
            let mut request = webhook::request(secrets.url(url)?, letter);
            request.headers.extend(headers.iter().cloned());
            request
        }
        Driver::Ntfy { url, topic, token } => {
            let body = ntfy::body(letter, target.unwrap_or(topic));
            let mut request = json(bare(url).to_owned(), body);
            if let Some(token) = token {
                let bearer = format!("Bearer {}", secrets.token(token)?);
                request.headers.push(("Authorization".to_owned(), bearer));
            }
            request
        }
        Driver::Gotify { url, token } => {
            let mut request = json(format!("{}/message", bare(url)), gotify::body(letter));
            request.headers.push(("X-Gotify-Key".to_owned(), secrets.token(token)?));
            request
        }
        Driver::Pushover { token, user, api } => {
            let (token, user) = (secrets.token(token)?, secrets.token(user)?);
            let body = pushover::body(letter, &token, target.unwrap_or(&user));
            json(format!("{}/1/messages.json", bare(api)), body)
        }
        Driver::Smtp(smtp) => return smtp::send(smtp, target, letter, secrets, facts, limit),
        Driver::Sendmail { path, mail } => {
            return sendmail::send(path.as_deref(), mail, target, letter, facts, limit);
        }
    };
    Ok(posted(request, letter.id, facts, limit))
}

fn posted(mut request: Request, id: Ulid, facts: &Facts, limit: Duration) -> Outcome {
    for name in ["Idempotency-Key", "X-Runwisp-Delivery"] {
        // Whoever names one in the configuration wants that one.
        if !request.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            request.headers.push((name.to_owned(), id.to_string()));
        }
    }
    transport::post(request, facts, limit, telegram::wait)
}

fn json(url: String, body: String) -> Request {
    Request { url, content_type: "application/json", headers: Vec::new(), body }
}

/// Without slashes at its end.
fn bare(url: &str) -> &str {
    url.trim_end_matches('/')
}

/// A value that can be written as JSON, as JSON.
fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers can be written")
}

/// The inside of a JSON string.
fn json_text(text: &str) -> String {
    let quoted = to_json(&text);
    quoted[1..quoted.len() - 1].to_owned()
}

/// The outcome as others may see it.
pub(super) fn cleaned(outcome: Outcome, redactor: &Redactor, prefix: &str) -> Outcome {
    let error = |error: String| redactor.clean(prefix, &error);
    match outcome {
        Outcome::Delivered { answer } => Outcome::Delivered { answer: redactor.clean("", &answer) },
        Outcome::Retry { error: text, after } => Outcome::Retry { error: error(text), after },
        Outcome::Refused { error: text } => Outcome::Refused { error: error(text) },
    }
}
