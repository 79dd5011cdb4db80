//! How the jobs stand between their runs, told whenever it changes.

use crate::engine::Engine;
use crate::model::event::{Event, Standing, Switch};

impl Engine {
    /// How all jobs stand, by name.
    pub(crate) fn standings(&self) -> impl Iterator<Item = Standing> {
        (0..self.lanes.len()).map(|lane| self.standing(lane))
    }

    pub(super) fn publish_standing(&mut self, lane: usize) {
        let standing = self.standing(lane);
        self.publish_after(Event::Standing(standing));
    }

    pub(super) fn switch(&self, lane: usize) -> Switch {
        if self.lanes[lane].ticking.as_ref().is_some_and(|ticking| ticking.paused) {
            return Switch::Paused;
        }
        if self.is_stopped(lane) {
            return Switch::Stopped;
        }
        Switch::On
    }

    fn standing(&self, lane: usize) -> Standing {
        let one = &self.lanes[lane];
        Standing {
            job: one.job.name.clone(),
            next: one.ticking.as_ref().and_then(|ticking| ticking.next(self.last)),
            switch: self.switch(lane),
        }
    }
}
