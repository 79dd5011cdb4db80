//! Who listens to the daemon's engine: the log, `/health`, the service manager, retention.

use std::time::Duration;

use crate::base::time::Clock;
use crate::daemon::announce::announce;
use crate::daemon::sd_notify;
use crate::daemon::world::Audience;
use crate::engine::{Answer, ReplyId};
use crate::model::event::Event;
use crate::sweep::Sweeper;
use crate::web::health::{Health, State};

pub(crate) struct DaemonAudience {
    pub(crate) clock: Clock,
    pub(crate) health: Health,
    pub(crate) sweeper: Sweeper,
    /// When the stop began, on the steady clock.
    pub(crate) stopping: Option<Duration>,
}

impl Audience for DaemonAudience {
    fn hear(&mut self, event: &Event) {
        announce(event);
        match event {
            Event::RunEnded(run) => self.sweeper.tell(&run.job),
            Event::Stopping { .. } => {
                self.stopping = Some(self.clock.now().steady);
                self.health.set(State::ShuttingDown);
                sd_notify::notify(sd_notify::STOPPING);
            }
            Event::RunCreated(_)
            | Event::RunStarted(_)
            | Event::TicksMissed { .. }
            | Event::ClockJumped { .. }
            | Event::Fatal(_)
            | Event::CutShort(_) => {}
        }
    }

    fn answer(&mut self, to: ReplyId, answer: Answer) {
        log::debug!("an answer for {to:?} has no taker: {answer:?}");
    }
}
