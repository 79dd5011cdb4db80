//! `GET /api/stream`: everything that happens, numbered, and what a client missed since the number
//! that it names. `GET /api/runs/stream` and `GET /api/notifications/stream` are parts of it
//! without numbers: whoever falls behind there is disconnected (docs/api.md, Streams).

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::hub::{Follower, News, Next};
use crate::model::run::{End, Phase, Run};
use crate::sampler::{FAST, Look};
use crate::web::api::notifications::NotificationJson;
use crate::web::api::system::SystemStats;
use crate::web::context::Context;
use crate::web::http::{Problem, Reply, Sink};
use crate::web::json::run::RunJson;
use crate::web::router::Call;
use crate::web::stream::pace::{Pace, Turn};
use crate::web::stream::{flow, sse};

/// Written at once when many events wait: a slow client costs so much memory and not more.
const BATCH_BYTES: usize = 64 * 1024;

/// After each write, so that a flood of events is written in a few large pieces: 64 streams would
/// otherwise wake up for every step of every run.
const REST: Duration = Duration::from_millis(10);

/// What a stream tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    All,
    Runs,
    Notifications,
}

pub(crate) fn all(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    let last = call.request.header("Last-Event-ID").filter(|last| !last.is_empty());
    let follower = match last {
        None => context.hub.follow(),
        // What is no number was never given out: the client is told to read everything again.
        Some(last) => context.hub.follow_after(last.parse().unwrap_or(u64::MAX)),
    };
    open(context, call, Part::All, follower)
}

pub(crate) fn runs(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    open(context, call, Part::Runs, context.hub.follow())
}

pub(crate) fn notifications(context: &Arc<Context>, call: &Call<'_>) -> Result<Reply, Problem> {
    open(context, call, Part::Notifications, context.hub.follow())
}

fn open(
    context: &Arc<Context>,
    call: &Call<'_>,
    part: Part,
    follower: Follower,
) -> Result<Reply, Problem> {
    let (pace, own) = (Pace::of(context, call), Arc::clone(context));
    flow(context, move |sink| {
        let figures = (part == Part::All).then(|| Figures::begin(&own));
        Stream { part, follower, pace, figures, out: sse::RETRY.to_vec() }.write(&own, sink)
    })
}

/// An open stream.
struct Stream {
    part: Part,
    follower: Follower,
    pace: Pace,
    figures: Option<Figures>,
    /// Not written yet.
    out: Vec<u8>,
}

/// The samples of the host that go along.
struct Figures {
    look: Look,
    /// When the next one is due, on the steady clock.
    at: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Onward {
    Yes,
    No,
}

#[derive(Serialize)]
struct RunEvent<'a> {
    run: RunJson,
    /// Why it failed, in a few words.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
struct RunDeletedEvent<'a> {
    run_id: String,
    task_name: &'a str,
}

#[derive(Serialize)]
struct NotificationEvent {
    notification: NotificationJson,
    unread_count: i64,
}

#[derive(Serialize)]
struct UnreadEvent {
    unread_count: i64,
}

#[derive(Serialize)]
struct Empty {}

impl Figures {
    fn begin(context: &Context) -> Figures {
        Figures { look: context.sampler.look(), at: context.clock.now().steady }
    }
}

impl Stream {
    fn write(mut self, context: &Context, sink: &mut dyn Sink) -> io::Result<()> {
        // What the client missed comes before anything else.
        let mut onward = self.gather(Duration::ZERO);
        if self.part == Part::All {
            sse::position(&mut self.out, self.follower.position());
        }
        loop {
            if !self.out.is_empty() {
                sink.write_all(&self.out)?;
                sink.flush()?;
                self.out.clear();
                std::thread::sleep(REST);
            }
            if onward == Onward::No {
                return Ok(());
            }
            let patience = match self.pace.turn() {
                Turn::End => return Ok(()),
                Turn::Ping => {
                    self.tell("ping", &Empty {});
                    continue;
                }
                Turn::Wait(patience) => patience,
            };
            let patience = self.sample(context).map_or(patience, |wait| wait.min(patience));
            if self.out.is_empty() {
                onward = self.gather(patience);
            }
        }
    }

    /// Adds a sample of the host when it is time for one; how long it is to the next.
    fn sample(&mut self, context: &Context) -> Option<Duration> {
        let (figures, now) = (self.figures.as_mut()?, context.clock.now().steady);
        if figures.at <= now {
            figures.at = now + FAST;
            let sample = figures.look.now();
            self.tell("system.sample", &SystemStats::of(context, sample));
        }
        self.figures.as_ref().map(|figures| figures.at.saturating_sub(now))
    }

    /// Waits for something to tell and adds all that is there.
    fn gather(&mut self, mut patience: Duration) -> Onward {
        while self.out.len() < BATCH_BYTES {
            match (self.follower.next(patience), self.part) {
                (Next::News(_, news), _) => self.add(&news),
                (Next::Missed, Part::All) => self.tell("resync", &Empty {}),
                (Next::Missed, Part::Runs | Part::Notifications) => return Onward::No,
                (Next::Closed, Part::All | Part::Runs | Part::Notifications) => return Onward::No,
                (Next::Quiet, Part::All | Part::Runs | Part::Notifications) => break,
            }
            patience = Duration::ZERO;
        }
        Onward::Yes
    }

    fn add(&mut self, news: &News) {
        let is_notice = matches!(news, News::Notice { .. } | News::Unread(_));
        if self.part != Part::All && is_notice != (self.part == Part::Notifications) {
            return;
        }
        match news {
            News::Created(run) => self.tell("run.created", &RunEvent::of(run)),
            News::Started(run) => self.tell("run.started", &RunEvent::of(run)),
            News::Ended(run) if failure(run).is_some() => {
                self.tell("run.failed", &RunEvent::of(run));
            }
            News::Ended(run) => self.tell("run.completed", &RunEvent::of(run)),
            News::Deleted { run, job } if self.part == Part::All => {
                let event = RunDeletedEvent { run_id: run.to_string(), task_name: job.as_str() };
                self.tell("run.deleted", &event);
            }
            News::Notice { is_new, notice, unread } => {
                let name = if *is_new { "notification.created" } else { "notification.updated" };
                let notification = NotificationJson::from((**notice).clone());
                self.tell(name, &NotificationEvent { notification, unread_count: *unread });
            }
            News::Unread(count) => {
                let event = UnreadEvent { unread_count: *count };
                self.tell("notifications.unread_count_changed", &event);
            }
            News::TasksChanged if self.part == Part::All => self.tell("tasks.changed", &Empty {}),
            News::Deleted { .. } | News::TasksChanged => {}
        }
    }

    /// Adds an event. Those that are not kept carry the number of the last one that is, so that
    /// a client that comes back with it misses nothing.
    fn tell(&mut self, name: &str, data: &impl Serialize) {
        let id = (self.part == Part::All).then(|| self.follower.position());
        sse::event(&mut self.out, id, name, data);
    }
}

impl RunEvent<'_> {
    fn of(run: &Run) -> RunEvent<'_> {
        let error = failure(run).and_then(|end| end.message.as_deref());
        RunEvent { run: RunJson::from(run), error }
    }
}

/// How the run failed, if it did.
fn failure(run: &Run) -> Option<&End> {
    match &run.phase {
        Phase::Ended { end, .. } => end.is_failure.then_some(end),
        Phase::Pending | Phase::Running { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::base::time::Clock;
    use crate::hub::Hub;
    use crate::model::job::JobName;
    use crate::model::run::EndReason;
    use crate::store::scratch::{ended, pending};

    fn stream(hub: &Hub, part: Part, follower: Follower) -> Stream {
        hub.publish(News::TasksChanged);
        let pace = Pace::new(Clock::start(), None);
        Stream { part, follower, pace, figures: None, out: Vec::new() }
    }

    /// Id, name and data of the events that are not written yet.
    fn told(stream: &mut Stream) -> Vec<(Option<u64>, String, Value)> {
        let text = String::from_utf8(std::mem::take(&mut stream.out)).unwrap();
        let events = text.split_terminator("\n\n").map(|event| {
            let (mut id, mut name, mut data) = (None, String::new(), Value::Null);
            for line in event.lines() {
                match line.split_once(": ").unwrap() {
                    ("id", value) => id = Some(value.parse().unwrap()),
                    ("event", value) => name = value.to_owned(),
                    ("data", value) => data = serde_json::from_str(value).unwrap(),
                    (field, _) => panic!("{field}"),
                }
            }
            (id, name, data)
        });
        events.collect()
    }

    fn run_ended(reason: EndReason, message: Option<&str>) -> Run {
        let mut run = ended("backup", 5, reason);
        let Phase::Ended { end, .. } = &mut run.phase else { unreachable!() };
        end.message = message.map(str::to_owned);
        run
    }

    #[test]
    fn each_news_has_its_name_and_number() {
        let run = pending("backup", 0);
        let id = run.id;
        let json = serde_json::to_value(RunJson::from(&run)).unwrap();
        let deleted = News::Deleted { run: id, job: JobName::new("backup") };
        for (news, name, data) in [
            (News::Created(run.clone()), "run.created", json!({"run": json})),
            (News::Started(run), "run.started", json!({"run": json})),
            (deleted, "run.deleted", json!({"run_id": id.to_string(), "task_name": "backup"})),
            (News::TasksChanged, "tasks.changed", json!({})),
        ] {
            let hub = Hub::new(700);
            let is_for_runs = matches!(news, News::Created(_) | News::Started(_));
            let mut all = stream(&hub, Part::All, hub.follow_after(700));
            let mut runs = stream(&hub, Part::Runs, hub.follow());
            let mut notifications = stream(&hub, Part::Notifications, hub.follow());
            hub.publish(news);
            all.gather(Duration::ZERO);
            let events = told(&mut all);
            assert_eq!(events.last(), Some(&(Some(703), name.to_owned(), data.clone())));
            runs.gather(Duration::ZERO);
            let expected = is_for_runs.then(|| (None, name.to_owned(), data));
            assert_eq!(told(&mut runs).pop(), expected, "{name}");
            notifications.gather(Duration::ZERO);
            assert_eq!(told(&mut notifications), [], "{name}");
        }
    }

    #[test]
    fn an_end_is_a_failure_or_not_and_a_failure_says_why() {
        for reason in EndReason::ALL {
            let hub = Hub::new(0);
            let mut runs = stream(&hub, Part::Runs, hub.follow());
            let run = run_ended(reason, Some("why"));
            hub.publish(News::Ended(run.clone()));
            runs.gather(Duration::ZERO);
            let run = serde_json::to_value(RunJson::from(&run)).unwrap();
            let expected = match reason {
                EndReason::Failed
                | EndReason::Timeout
                | EndReason::Crashed
                | EndReason::LogOverflow
                | EndReason::StartFailed
                | EndReason::Unhealthy
                | EndReason::Missed => ("run.failed", json!({"run": run, "error": "why"})),
                EndReason::Success
                | EndReason::Stopped
                | EndReason::Skipped
                | EndReason::QueueFull
                | EndReason::DstSkipped => ("run.completed", json!({"run": run})),
            };
            assert_eq!(told(&mut runs), [(None, expected.0.to_owned(), expected.1)]);
        }
        let hub = Hub::new(0);
        let mut runs = stream(&hub, Part::Runs, hub.follow());
        hub.publish(News::Ended(run_ended(EndReason::Failed, None)));
        runs.gather(Duration::ZERO);
        assert_eq!(told(&mut runs)[0].2.get("error"), None);
    }

    #[test]
    fn who_is_overtaken_reads_again_where_events_are_numbered_and_is_disconnected_elsewhere() {
        let hub = Hub::new(500);
        let mut all = stream(&hub, Part::All, hub.follow_after(499));
        let mut runs = stream(&hub, Part::Runs, hub.follow());
        let mut notifications = stream(&hub, Part::Notifications, hub.follow());
        (0..1100).for_each(|_| hub.publish(News::TasksChanged));
        assert_eq!(all.gather(Duration::ZERO), Onward::Yes);
        let last = 500 + 3 + 1100 - 1;
        assert_eq!(told(&mut all), [(Some(last), "resync".to_owned(), json!({}))]);
        assert_eq!(runs.gather(Duration::ZERO), Onward::No);
        assert_eq!(notifications.gather(Duration::ZERO), Onward::No);
        let stranger = hub.follow_after(u64::MAX);
        let mut stranger = stream(&hub, Part::All, stranger);
        assert_eq!(stranger.gather(Duration::ZERO), Onward::Yes);
        assert_eq!(told(&mut stranger), [(Some(last + 1), "resync".to_owned(), json!({}))]);
        hub.close();
        assert_eq!(all.gather(Duration::from_secs(60)), Onward::No);
    }

    #[test]
    fn what_waits_is_written_in_bounded_pieces_and_nothing_is_lost_between_them() {
        let hub = Hub::new(0);
        let mut all = stream(&hub, Part::All, hub.follow_after(0));
        (1..1000).for_each(|_| hub.publish(News::Created(pending("backup", 0))));
        let mut ids = Vec::new();
        while ids.len() < 999 {
            assert_eq!(all.gather(Duration::ZERO), Onward::Yes);
            assert!(all.out.len() < BATCH_BYTES + 1024);
            ids.extend(told(&mut all).into_iter().map(|(id, _, _)| id.unwrap()));
        }
        assert_eq!(ids, (1..1000).collect::<Vec<u64>>());
    }
}
