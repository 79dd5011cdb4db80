//! The values of a message as templates name them (docs/notifications.md, Templates).

use crate::base::time::rfc3339;
use crate::base::ulid::Ulid;
use crate::model::alert::{Detail, EndFacts, More, RunFacts};
use crate::notify::message::{Message, ran};

/// The value of a name of [`crate::model::notifier::NAMES`]; empty when it does not apply.
pub(super) fn value(message: &Message, id: Ulid, name: &str) -> String {
    let text = |text: &str| text.to_owned();
    match name {
        "id" => id.to_string(),
        "kind" => text(message.kind.as_str()),
        "severity" => text(message.severity.as_str()),
        "timestamp" | "time_rfc3339" => rfc3339(message.at),
        "task" => message.job.clone(),
        "title" => message.title.clone(),
        "sentence" => message.sentence.clone(),
        "origin" => message.origin.clone(),
        "tail" => message.tail.clone(),
        "count" => message.count.clone(),
        "link" => message.link().map(text).unwrap_or_default(),
        "footer" => message.footer.clone(),
        "emoji" => text(message.emoji),
        "verb" => text(message.verb),
        "trigger_phrase" => message.trigger.clone(),
        "time" => message.time.clone(),
        "duration" => message.duration.clone(),
        "reason" => message.reason.clone(),
        "run_url" => message.run_url.clone().unwrap_or_default(),
        "task_url" => message.task_url.clone().unwrap_or_default(),
        "fingerprint" => message.fingerprint.clone(),
        "hostname" => message.hostname.clone(),
        "version" => text(env!("CARGO_PKG_VERSION")),
        "coalesced_count" => {
            coalesced_count(message.more).map_or_else(String::new, |count| count.to_string())
        }
        "coalesced_summary" => is_summary(message.more).to_string(),
        _ => match &message.run {
            Some(run) => of_run(run, name).unwrap_or_else(|| of_detail(&message.detail, name)),
            None => of_detail(&message.detail, name),
        },
    }
}

/// How many alerts the message stands for, when it is not one alone.
pub(super) fn coalesced_count(more: More) -> Option<u64> {
    match more {
        More::None => None,
        More::CheckIn(count) | More::Summary { count, .. } => Some(count),
    }
}

pub(super) fn is_summary(more: More) -> bool {
    matches!(more, More::Summary { .. })
}

/// `None`: it is no name of a run.
fn of_run(run: &RunFacts, name: &str) -> Option<String> {
    let of_end = |fact: fn(&EndFacts) -> String| run.end.as_ref().map(fact).unwrap_or_default();
    Some(match name {
        "task_kind" => run.kind.as_str().to_owned(),
        "run_id" => run.id.to_string(),
        "exit_code" => of_end(|end| end.exit_code.to_string()),
        "end_reason" => of_end(|end| end.reason.as_str().to_owned()),
        "triggered_by" => run.trigger.as_str().to_owned(),
        "retry_attempt" => run.retry_attempt.to_string(),
        "replica_index" => run.replica.to_string(),
        "start_at" => run.started_at.map(rfc3339).unwrap_or_default(),
        "end_at" => of_end(|end| rfc3339(end.at)),
        "duration_ms" => ran(run).map(|ran| ran.as_millis().to_string()).unwrap_or_default(),
        _ => return None,
    })
}

fn of_detail(detail: &Detail, name: &str) -> String {
    match (detail, name) {
        (Detail::Disk { free, .. }, "free_bytes") => free.to_string(),
        (Detail::Disk { min, .. }, "min_free_bytes") => min.to_string(),
        (Detail::Disk { stopped, .. }, "killed_task") => stopped.to_string(),
        (Detail::Delivery { channel, .. }, "channel") => channel.clone(),
        (Detail::Delivery { original, .. }, "original_kind") => original.as_str().to_owned(),
        (Detail::Delivery { error, .. } | Detail::Secret { error, .. }, "error") => error.clone(),
        (Detail::Secret { notifier, .. }, "channel") => notifier.clone(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::alert::Kind;
    use crate::model::notifier::NAMES;
    use crate::notify::fixtures;

    #[test]
    fn every_name_has_a_value_in_some_message() {
        let messages = Kind::ALL.map(fixtures::message);
        let id = fixtures::id();
        for name in NAMES {
            let filled = messages.iter().any(|message| !value(message, id, name).is_empty());
            let summed = Message {
                more: fixtures::summary().more,
                count: "×3".to_owned(),
                ..messages[0].clone()
            };
            assert!(filled || !value(&summed, id, name).is_empty(), "{name}");
        }
        assert_eq!(value(&messages[2], id, "exit_code"), "1");
        assert_eq!(value(&messages[2], id, "duration_ms"), "300");
        assert_eq!(value(&messages[2], id, "coalesced_summary"), "false");
    }
}
