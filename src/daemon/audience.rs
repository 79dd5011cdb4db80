//! Who listens to the daemon's engine: the log, `/health`, the service manager, retention.

use std::sync::Arc;
use std::time::Duration;

use crate::base::time::Clock;
use crate::board::Board;
use crate::daemon::announce::{announce, switched};
use crate::daemon::heartbeats::Heartbeats;
use crate::daemon::reload::Reloader;
use crate::daemon::sd_notify;
use crate::daemon::world::Audience;
use crate::engine::{Answer, ReplyId};
use crate::hub::{Hub, News};
use crate::inbox::Asker;
use crate::logging;
use crate::logs::Feeds;
use crate::model::event::Event;
use crate::notify::dispatch::Dispatcher;
use crate::sweep::Sweeper;
use crate::tally::Tally;
use crate::web::health::{Health, State};

pub(crate) struct DaemonAudience {
    pub(crate) clock: Clock,
    pub(crate) health: Health,
    pub(crate) sweeper: Sweeper,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) heartbeats: Heartbeats,
    /// `None`: nobody can read it.
    pub(crate) tally: Option<Tally>,
    pub(crate) board: Board,
    pub(crate) hub: Hub,
    pub(crate) feeds: Feeds,
    pub(crate) asker: Asker,
    pub(crate) reloader: Arc<Reloader>,
    /// When the stop began, on the steady clock.
    pub(crate) stopping: Option<Duration>,
}

impl Audience for DaemonAudience {
    fn hear(&mut self, event: &Event) {
        announce(event);
        self.tally.iter().for_each(|tally| tally.hear(event));
        match event {
            Event::RunCreated(run) => self.hub.publish(News::Created(run.clone())),
            Event::RunStarted(run) => {
                self.heartbeats.started(run);
                self.hub.publish(News::Started(run.clone()));
            }
            Event::RunEnded(run) => {
                self.heartbeats.ended(run);
                self.hub.publish(News::Ended(run.clone()));
                self.sweeper.tell(&run.job);
            }
            Event::Standing(standing) => {
                if let Some(before) = self.board.set(standing.clone()) {
                    switched(standing, before);
                    self.hub.publish(News::TasksChanged);
                }
            }
            Event::Stopping { .. } => {
                self.stopping = Some(self.clock.now().steady);
                self.health.set(State::ShuttingDown);
                self.hub.close();
                self.feeds.stop();
                logging::end_tails();
                sd_notify::notify(sd_notify::STOPPING);
            }
            Event::Raised => self.dispatcher.look(),
            Event::JobRemoved(job) => {
                self.board.remove(job);
                self.hub.publish(News::TasksChanged);
            }
            Event::ReloadAsked => self.reloader.reload_apart(),
            Event::TicksMissed { .. }
            | Event::StartedAnyway { .. }
            | Event::ClockJumped { .. }
            | Event::Fatal(_)
            | Event::CutShort(_) => {}
        }
    }

    fn answer(&mut self, to: ReplyId, answer: Answer) {
        self.asker.answer(to, answer);
    }
}
