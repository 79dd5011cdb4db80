//! `runwisp notify`: how the notifiers fare, whether one works, and tasks that nobody wants to hear
//! of for a while. All of it is asked of the daemon.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::json;

use crate::base::escape::escape;
use crate::base::time::rfc3339;
use crate::cli::args::{Notify, Output};
use crate::cli::argv::hint;
use crate::cli::globals::Globals;
use crate::cli::table::Table;
use crate::cli::{Exit, Failure, Outcome, document, door};
use crate::web::client::documents::{Channel, Mute, Notifier, NotifySettings, Task, Tested};
use crate::web::client::{Client, segment};

/// The page of `runwisp notify --help`.
pub(crate) const HELP: &str = "\
Who is told when something goes wrong: asks the daemon, and has it send.

Usage: runwisp notify list [--json] [flags]
       runwisp notify test <id> [flags]
       runwisp notify mute <task> [--until <time>] [flags]
       runwisp notify unmute <task> [flags]

list shows for each channel how many messages wait, were delivered and were given up, when the next
one is tried, and what came of the last one. test sends a sample to a notifier, or to one with
another target ('ops:#night'), and prints what the other side answered: exit 0 when it was
delivered, 1 when not. mute sends the alerts of a task nowhere; its runs go on, and the dashboard
shows them.

      --json             list: one JSON document on stdout
      --until <time>     mute: to this RFC 3339 instant, within a year
                         [08:00 of the next day in the time zone of the task]
";

const HEAD: [&str; 7] = ["CHANNEL", "TYPE", "WAITING", "DELIVERED", "FAILED", "NEXT TRY", "LAST"];

pub(crate) fn run(globals: &Globals, order: &Notify) -> Result<Outcome, Failure> {
    let client = door::open(globals, None)?;
    match order {
        Notify::List { output } => list(&client, *output),
        Notify::Test { channel } => test(&client, channel),
        Notify::Mute { task, until } => mute(&client, task, *until),
        Notify::Unmute { task } => unmute(&client, task),
    }
}

fn list(client: &Client, output: Output) -> Result<Outcome, Failure> {
    #[derive(Serialize)]
    struct Listing {
        schema_version: u32,
        notifiers: Vec<Notifier>,
        channels: Vec<Channel>,
    }
    let NotifySettings { notifiers, channels } = client.get("/api/notify")?;
    Ok(Outcome::success(match output {
        Output::Json => document(&Listing { schema_version: 1, notifiers, channels }),
        Output::Human => {
            let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
            shown(&notifiers, &channels, &zone)
        }
    }))
}

fn shown(notifiers: &[Notifier], channels: &[Channel], zone: &TimeZone) -> String {
    if notifiers.is_empty() && channels.is_empty() {
        return "no notifiers are configured: alerts are listed in the dashboard alone\n"
            .to_owned();
    }
    let time = |at: Option<Timestamp>| {
        at.map(|at| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string())
    };
    let mut table = Table::new(HEAD);
    for channel in channels {
        let of = notifiers.iter().find(|notifier| notifier.id == id_of(&channel.channel));
        let last = channel.last().map(|(at, word, said)| {
            let at = time(Some(at)).unwrap_or_default();
            if said.is_empty() { format!("{at} {word}") } else { format!("{at} {word}: {said}") }
        });
        table.row([
            channel.channel.clone(),
            // What waits for a notifier that the file no longer has.
            of.map_or_else(|| "(gone)".to_owned(), |notifier| notifier.r#type.clone()),
            channel.pending.to_string(),
            channel.delivered.to_string(),
            channel.failed.to_string(),
            time(channel.next_try_at).unwrap_or_default(),
            last.unwrap_or_else(|| "nothing yet".to_owned()),
        ]);
    }
    let unused = notifiers
        .iter()
        .filter(|notifier| !channels.iter().any(|channel| id_of(&channel.channel) == notifier.id));
    for notifier in unused {
        let none = String::new;
        let (id, kind) = (notifier.id.clone(), notifier.r#type.clone());
        table.row([id, kind, none(), none(), none(), none(), "nothing goes there".to_owned()]);
    }
    table.to_string()
}

/// `ops` of `ops:#night`.
fn id_of(channel: &str) -> &str {
    channel.split_once(':').map_or(channel, |(id, _)| id)
}

impl Channel {
    /// The newest thing that is known: when, and what came of it.
    fn last(&self) -> Option<(Timestamp, &'static str, &str)> {
        [
            (self.last_delivered_at, "delivered", &self.last_answer),
            (self.last_failed_at, "given up", &self.last_error),
            (self.tried_at, "will be tried again", &self.retry_error),
        ]
        .into_iter()
        .filter_map(|(at, word, said)| Some((at?, word, said.as_deref().unwrap_or_default())))
        .max_by_key(|(at, ..)| *at)
    }
}

fn test(client: &Client, channel: &str) -> Result<Outcome, Failure> {
    let path = format!("/api/notify/test?channel={}", segment(channel));
    let Tested { delivered, answer } = client.post(&path)?;
    let (channel, answer) = (escape(channel), escape(&answer));
    Ok(match delivered {
        true => Outcome::success(match answer.is_empty() {
            true => format!("{channel}: delivered\n"),
            false => format!("{channel}: delivered, {answer}\n"),
        }),
        false => Outcome {
            stdout: String::new(),
            stderr: match answer.is_empty() {
                true => format!("error: {channel}: not delivered\n"),
                false => format!("error: {channel}: not delivered: {answer}\n"),
            },
            exit: Exit::Failure,
        },
    })
}

fn mute(client: &Client, task: &str, until: Option<Timestamp>) -> Result<Outcome, Failure> {
    known(client, task)?;
    let body = json!({ "until": until.map(rfc3339) });
    let path = format!("/api/tasks/{}/mute", segment(task));
    let Mute { muted_until } = client.post_json(&path, &body)?;
    let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
    let until = muted_until.map(|until| until.to_zoned(zone).strftime("%Y-%m-%d %H:%M %Z"));
    let until = until.map_or_else(String::new, |until| format!(" until {until}"));
    Ok(Outcome::success(format!("{}: alerts are muted{until}\n", escape(task))))
}

fn unmute(client: &Client, task: &str) -> Result<Outcome, Failure> {
    known(client, task)?;
    let Mute { .. } = client.post(&format!("/api/tasks/{}/unmute", segment(task)))?;
    Ok(Outcome::success(format!("{}: alerts are no longer muted\n", escape(task))))
}

/// Whoever mistypes a name is shown the one that is near.
fn known(client: &Client, task: &str) -> Result<(), Failure> {
    let known: Vec<Task> = client.get("/api/tasks")?;
    if known.iter().any(|one| one.name == task) {
        return Ok(());
    }
    let near = hint(task, known.iter().map(|one| one.name.as_str()));
    Err(Failure::Error(format!("task not found: {}{near}", escape(task))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(value: serde_json::Value) -> Channel {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn each_channel_has_a_line_with_the_newest_thing_that_is_known_of_it() {
        let notifiers =
            [("ops", "slack"), ("mail", "smtp"), ("pager", "webhook")].map(|(id, kind)| Notifier {
                id: id.into(),
                r#type: kind.into(),
                has_template: false,
                used: id != "pager",
            });
        let channels = [
            channel(
                json!({ "channel": "mail", "pending": 0, "delivered": 0, "failed": 0, "attempts": 0 }),
            ),
            channel(json!({
                "channel": "old", "pending": 1, "delivered": 0, "failed": 0, "attempts": 0,
            })),
            channel(json!({
                "channel": "ops", "pending": 0, "delivered": 12, "failed": 1, "attempts": 0,
                "last_delivered_at": "2026-05-07T01:00:00Z", "last_answer": "200 ok",
                "last_failed_at": "2026-05-06T01:00:00Z", "last_error": "no",
            })),
            channel(json!({
                "channel": "ops:#night", "pending": 2, "delivered": 0, "failed": 0, "attempts": 3,
                "tried_at": "2026-05-07T01:00:00Z", "retry_error": "slack:ops: \u{1b}[2J503",
                "next_try_at": "2026-05-07T01:00:08Z",
            })),
        ];
        let expected = "\
CHANNEL     TYPE     WAITING  DELIVERED  FAILED  NEXT TRY             LAST
mail        smtp     0        0          0                            nothing yet
old         (gone)   1        0          0                            nothing yet
ops         slack    0        12         1                            2026-05-07 03:00:00 delivered: 200 ok
ops:#night  slack    2        0          0       2026-05-07 03:00:08  2026-05-07 03:00:00 will be tried again: slack:ops: \\x1b[2J503
pager       webhook                                                   nothing goes there
";
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(shown(&notifiers, &channels, &zone), expected);
        let none = "no notifiers are configured: alerts are listed in the dashboard alone\n";
        assert_eq!(shown(&[], &[], &zone), none);
    }
}
