//! The in-app feed: what the bell shows, newest first, and marking it (docs/api.md,
//! Notifications).

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::base::time::rfc3339;
use crate::hub::News;
use crate::model::change::Tidy;
use crate::store::notices::Notification;
use crate::web::api::runs::settle;
use crate::web::api::tasks::Empty;
use crate::web::context::Context;
use crate::web::http::{Problem, Reply, Whole};
use crate::web::params::{Kind, Param};
use crate::web::router::Call;

pub(crate) static LIMIT: Param = Param {
    name: "limit",
    about: "Notifications of one page",
    kind: Kind::Integer { min: 1, max: 500, default: Some(50) },
};
pub(crate) static BEFORE: Param = Param {
    name: "before",
    about: "Only those with a lower id: the next_cursor of the page before",
    kind: Kind::Run,
};

/// `NotificationDTO` of the schema.
#[derive(Serialize)]
pub(crate) struct NotificationJson {
    id: String,
    fingerprint: String,
    kind: String,
    severity: String,
    task_name: String,
    run_id: String,
    title: String,
    body: String,
    count: u64,
    occurrences: Value,
    created_at: String,
    last_occurred_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_at: Option<String>,
}

impl From<Notification> for NotificationJson {
    fn from(one: Notification) -> NotificationJson {
        NotificationJson {
            id: one.id.to_string(),
            fingerprint: one.fingerprint,
            kind: one.kind,
            severity: one.severity,
            task_name: one.job,
            run_id: one.run,
            title: one.title,
            body: one.body,
            count: one.count,
            occurrences: serde_json::from_str(&one.occurrences).unwrap_or(Value::Array(Vec::new())),
            created_at: rfc3339(one.created_at),
            last_occurred_at: rfc3339(one.last_occurred_at),
            read_at: one.read_at.map(rfc3339),
        }
    }
}

pub(crate) fn list(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    #[derive(Serialize)]
    struct List {
        items: Vec<NotificationJson>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_cursor: Option<String>,
    }
    let limit = call.values.integer(&LIMIT).and_then(|limit| u32::try_from(limit).ok());
    let (limit, before) = (limit.unwrap_or(50), call.values.run(&BEFORE));
    // One more tells whether there is a next page.
    let mut found = context.readers.read(|reader| reader.notifications(before, limit + 1))?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| has_more).map(|last| last.id.to_string());
    let items = found.into_iter().map(NotificationJson::from).collect();
    Ok(Whole::json(200, &List { items, next_cursor }).into())
}

pub(crate) fn unread_count(context: &Arc<Context>, _: &Call<'_>) -> Result<Reply, Problem> {
    #[derive(Serialize)]
    struct Count {
        count: u64,
    }
    let count = context.readers.read(|reader| reader.unread_notifications())?;
    Ok(Whole::json(200, &Count { count }).into())
}

pub(crate) fn read_all(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let Empty {} = call.body()?;
    let read_at = context.clock.now().wall;
    Ok(settled(context, Tidy::MarkAll { read_at }, |context| {
        context.hub.publish(News::Unread(unread_now(context)));
    }))
}

pub(crate) fn read(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    mark(context, call, Mark::Read)
}

pub(crate) fn unread(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    mark(context, call, Mark::Unread)
}

#[derive(Clone, Copy, Debug)]
enum Mark {
    Read,
    Unread,
}

fn mark(context: &Arc<Context>, call: &Call<'_>, mark: Mark) -> Result<Reply, Problem> {
    let Empty {} = call.body()?;
    let notification = call.id("id");
    if !context.readers.read(|reader| reader.has_notification(notification))? {
        return Err(Problem::new(404, format!("notification not found: {notification}")));
    }
    let read_at = match mark {
        Mark::Read => Some(context.clock.now().wall),
        Mark::Unread => None,
    };
    Ok(settled(context, Tidy::Mark { notification, read_at }, move |context| {
        let notice = context.readers.read(|reader| reader.notification(notification));
        if let Ok(Some(notice)) = notice {
            let (notice, unread) = (Box::new(notice), unread_now(context));
            context.hub.publish(News::Notice { is_new: false, notice, unread });
        }
    }))
}

/// Other windows hear of it once it is durable.
fn settled(
    context: &Arc<Context>,
    change: Tidy,
    tell: impl FnOnce(&Context) + Send + 'static,
) -> Reply {
    let context = Arc::clone(context);
    Reply::later(move || {
        settle(&context, change)?;
        tell(&context);
        Ok(Whole::new(204))
    })
}

/// As the streams say it.
fn unread_now(context: &Context) -> i64 {
    context.readers.read(|reader| Ok(reader.unread_now())).unwrap_or(-1)
}
