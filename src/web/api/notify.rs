//! Who is told what: notifiers and how they fare, where the alerts of each task go, a sample to
//! see whether it arrives, and tasks that nobody wants to hear of for a while (docs/api.md,
//! Notifications).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, civil};
use serde::{Deserialize, Serialize};

use crate::base::order;
use crate::base::time::{rfc3339, to_millis};
use crate::engine::Refusal;
use crate::model::alert::{Alert, Detail, Kind};
use crate::model::change::Tell;
use crate::model::job::Job;
use crate::model::notice::{Record, Waiting};
use crate::model::notifier::{Notifier, Notify, Route, Settings, Token};
use crate::notify::{Outcome, probe, route};
use crate::web::api::runs::settle;
use crate::web::api::tasks::Empty;
use crate::web::context::Context;
use crate::web::http::{Problem, Reply, Whole};
use crate::web::params::{self, Param};
use crate::web::router::Call;

pub(crate) static CHANNEL: Param = Param {
    name: "channel",
    about: "A notifier, or a notifier with another target: `ops` or `ops:#night`",
    kind: params::Kind::Needed { longest: 500 },
};

/// When a mute that says nothing else is over: the morning of the next day.
const MORNING: civil::Time = civil::time(8, 0, 0, 0);
/// A mute that is longer is a task that should not alert at all.
const LONGEST_MUTE: SignedDuration = SignedDuration::from_hours(366 * 24);

/// `NotifySettings` of the schema.
#[derive(Serialize)]
struct SettingsJson<'a> {
    default_notifiers: Vec<&'a str>,
    queue_size: usize,
    /// Nanoseconds, as all durations of the API.
    retry_budget: u64,
    coalesce_window: u64,
    coalesce_outbound: bool,
    occurrence_ring: usize,
    history_keep: u64,
    history_keep_for: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_url: Option<&'a str>,
    notifiers: Vec<NotifierJson<'a>>,
    channels: Vec<ChannelJson>,
    routes: Vec<RouteJson<'a>>,
}

#[derive(Serialize)]
struct NotifierJson<'a> {
    id: &'a str,
    r#type: &'a str,
    has_template: bool,
    /// Whether anything goes there.
    used: bool,
}

#[derive(Serialize)]
struct RouteJson<'a> {
    kinds: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<&'a str>,
    severity: &'static str,
    notify: Vec<&'a str>,
}

#[derive(Serialize)]
struct ChannelJson {
    channel: String,
    /// Messages that wait.
    pending: u64,
    delivered: u64,
    failed: u64,
    #[serde(flatten)]
    last: BTreeMap<&'static str, String>,
    /// Of the message at the head of the queue.
    attempts: u64,
}

/// `NotifyTask` of the schema.
#[derive(Serialize)]
struct TaskJson<'a> {
    name: &'a str,
    kind: &'static str,
    /// Channels by kind of alert; what nobody is told of is left out.
    alerts: BTreeMap<&'static str, Vec<String>>,
    alert_after: AfterJson,
    heartbeat: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<String>,
}

#[derive(Serialize)]
struct AfterJson {
    failures: u32,
    /// Nanoseconds; without it they count in a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<u64>,
}

pub(crate) fn settings(context: &Arc<Context>, _: &Call<'_>) -> Result<Reply, Problem> {
    let current = context.current();
    let (notify, jobs) = (&current.notify, &current.jobs);
    let (records, heads) = context.readers.read(|reader| {
        let records = reader.records()?;
        let busy = records.iter().filter(|record| record.pending > 0);
        let heads: Result<Vec<_>, _> = busy
            .map(|record| Ok((record.channel.clone(), reader.next_delivery(&record.channel)?)))
            .collect();
        Ok((records, heads?))
    })?;
    let used = probe::used(notify, jobs);
    let mut records =
        order::map(records.into_iter().map(|record| (record.channel.clone(), record)));
    for channel in probe::channels(notify, jobs) {
        let fresh = Record { channel: channel.to_owned(), ..Record::default() };
        records.entry(channel.to_owned()).or_insert(fresh);
    }
    let head = |channel: &str| heads.iter().find(|(known, _)| known == channel)?.1.as_ref();
    let channels = records.into_values().map(|record| {
        let next_try = context.channels.next_try(&record.channel);
        let head = head(&record.channel);
        ChannelJson::new(record, next_try, head)
    });
    let Settings { default_notifiers, .. } = &notify.settings;
    let json = SettingsJson {
        default_notifiers: texts(default_notifiers),
        queue_size: notify.settings.queue_size,
        retry_budget: nanos(notify.settings.budget),
        coalesce_window: nanos(notify.settings.coalesce_window),
        coalesce_outbound: notify.settings.coalesce_outbound,
        occurrence_ring: notify.settings.occurrence_ring,
        history_keep: notify.settings.history_keep,
        history_keep_for: nanos(notify.settings.history_keep_for),
        external_url: current.external_url.as_deref(),
        notifiers: notify
            .notifiers
            .iter()
            .map(|notifier| NotifierJson::new(notifier, used.contains(notifier.id.as_str())))
            .collect(),
        channels: channels.collect(),
        routes: notify.routes.iter().map(RouteJson::from).collect(),
    };
    Ok(Whole::json(200, &json).into())
}

pub(crate) fn tasks(context: &Arc<Context>, _: &Call<'_>) -> Result<Reply, Problem> {
    let context = Arc::clone(context);
    // A thousand tasks times all routes: not while a worker waits.
    Ok(Reply::later(move || {
        let current = context.current();
        let jobs = current
            .jobs
            .iter()
            .map(|job| TaskJson::new(&current.notify, job, context.board.muted_until(&job.name)));
        Ok(Whole::json(200, &jobs.collect::<Vec<_>>()))
    }))
}

pub(crate) fn test(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    #[derive(Serialize)]
    struct Tested {
        channel: String,
        delivered: bool,
        /// What the other side said, or why it could not be asked; without secrets.
        answer: String,
    }
    let Empty {} = call.body()?;
    let channel = call.values.text(&CHANNEL).unwrap_or_default().to_owned();
    let id = route::id_of(&channel);
    let current = context.current();
    if route::notifier_of(&current.notify, &channel).is_none() {
        let ids: Vec<_> = current.notify.notifiers.iter().map(|it| it.id.as_str()).collect();
        let declared = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
        return Err(Problem::new(404, format!("no notifier {id:?}; declared are {declared}")));
    }
    let context = Arc::clone(context);
    Ok(Reply::later(move || {
        let outcome = context.channels.test(&channel);
        let (delivered, answer) = match outcome {
            Outcome::Delivered { answer } => (true, answer),
            Outcome::Retry { error, .. } | Outcome::Refused { error } => (false, error),
        };
        Ok(Whole::json(200, &Tested { channel, delivered, answer }))
    }))
}

/// Until when, if not until tomorrow morning.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MuteBody {
    until: Option<Timestamp>,
}

pub(crate) fn mute(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let MuteBody { until } = call.body()?;
    let now = context.clock.now().wall;
    let name = call.job();
    let tomorrow = || {
        let zone = context.facts.calendar.zone(name.as_str());
        let today = zone.to_datetime(now).date();
        let morning = today.tomorrow().ok()?.to_datetime(MORNING);
        zone.to_ambiguous_zoned(morning).compatible().ok().map(|zoned| zoned.timestamp())
    };
    let until = until.or_else(tomorrow).unwrap_or(now);
    if until <= now || until.duration_since(now) > LONGEST_MUTE {
        let problem = "until must be in the future, and within a year";
        return Err(Problem::new(409, problem));
    }
    set_mute(context, call, Some(to_millis(until)))
}

pub(crate) fn unmute(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let Empty {} = call.body()?;
    set_mute(context, call, None)
}

fn set_mute(
    context: &Arc<Context>,
    call: &Call<'_>,
    until: Option<Timestamp>,
) -> Result<Reply, Problem> {
    #[derive(Serialize)]
    struct Mute {
        #[serde(skip_serializing_if = "Option::is_none")]
        muted_until: Option<String>,
    }
    let name = call.job();
    let job = context.current().job(&name).ok_or(Refusal::UnknownJob(name))?.name.clone();
    let (context, since) = (Arc::clone(context), context.clock.now().wall);
    Ok(Reply::later(move || {
        settle(&context, Tell::Mute { job: job.clone(), since, until })?;
        context.board.mute(&job, until);
        match until {
            Some(until) => log::info!("alerts muted task={job} until={}", rfc3339(until)),
            None => log::info!("alerts no longer muted task={job}"),
        }
        context.hub.publish(crate::hub::News::TasksChanged);
        Ok(Whole::json(200, &Mute { muted_until: until.map(rfc3339) }))
    }))
}

impl<'a> NotifierJson<'a> {
    fn new(notifier: &'a Notifier, used: bool) -> NotifierJson<'a> {
        let (id, r#type) = (&*notifier.id, notifier.driver.as_str());
        NotifierJson { id, r#type, has_template: notifier.template.is_some(), used }
    }
}

impl<'a> From<&'a Route> for RouteJson<'a> {
    fn from(route: &'a Route) -> RouteJson<'a> {
        RouteJson {
            kinds: route.kinds.iter().map(Kind::as_str).collect(),
            task: route.task.as_deref(),
            severity: route.severity.as_str(),
            notify: texts(&route.to),
        }
    }
}

impl ChannelJson {
    fn new(record: Record, next_try: Option<Timestamp>, head: Option<&Waiting>) -> ChannelJson {
        let mut last = BTreeMap::new();
        let mut note = |at: &'static str, text: &'static str, what: Option<(Timestamp, String)>| {
            if let Some((when, said)) = what {
                last.insert(at, rfc3339(when));
                last.insert(text, said);
            }
        };
        note("last_delivered_at", "last_answer", record.last_delivered);
        note("last_failed_at", "last_error", record.last_failed);
        note("tried_at", "retry_error", head.and_then(|head| head.tried.clone()));
        let waiting = head.map(|head| rfc3339(head.created_at));
        waiting.into_iter().for_each(|since| drop(last.insert("waiting_since", since)));
        next_try.into_iter().for_each(|at| drop(last.insert("next_try_at", rfc3339(at))));
        ChannelJson {
            channel: record.channel,
            pending: record.pending,
            delivered: record.delivered,
            failed: record.failed,
            last,
            attempts: head.map_or(0, |head| head.attempts),
        }
    }
}

impl<'a> TaskJson<'a> {
    fn new(notify: &Notify, job: &'a Job, muted_until: Option<Timestamp>) -> TaskJson<'a> {
        let told = |kind: Kind| {
            let detail = Detail::None;
            let (job_name, at) = (job.name.to_string(), Timestamp::UNIX_EPOCH);
            let alert = Alert { kind, at, job: job_name, run: None, detail };
            let channels = route::channels(notify, Some(&job.alerts), &alert);
            let is_raised = job.raises.contains(kind) && !channels.is_empty();
            let channels = channels.iter().map(|token| token.as_str().to_owned()).collect();
            is_raised.then_some((kind.as_str(), channels))
        };
        // The others are about the daemon and its channels.
        let is_of_job = |kind: &Kind| !matches!(kind, Kind::DeliveryFailed | Kind::Misconfigured);
        TaskJson {
            name: job.name.as_str(),
            kind: job.kind().as_str(),
            alerts: order::map(Kind::ALL.into_iter().filter(is_of_job).filter_map(told)),
            alert_after: AfterJson {
                failures: job.alerts.after.failures,
                within: job.alerts.after.within.map(nanos),
            },
            heartbeat: job.alerts.heartbeat.is_some(),
            muted_until: muted_until.map(rfc3339),
        }
    }
}

fn texts(tokens: &[Token]) -> Vec<&str> {
    tokens.iter().map(Token::as_str).collect()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
