//! How the jobs stand between their runs, told whenever it changes.

use crate::engine::Engine;
use crate::engine::slots::{Rest, Slot};
use crate::model::event::{Event, Standing, Switch};

impl Engine {
    /// How all jobs stand, by name.
    pub(crate) fn standings(&self) -> impl Iterator<Item = Standing> {
        let configured = (0..self.lanes.len()).filter(|lane| !self.lanes[*lane].is_gone);
        configured.map(|lane| self.standing(lane))
    }

    pub(super) fn publish_standing(&mut self, lane: usize) {
        if self.lanes[lane].is_gone {
            return;
        }
        let standing = self.standing(lane);
        self.publish_after(Event::Standing(standing));
    }

    pub(super) fn switch(&self, lane: usize) -> Switch {
        if let Some(ticking) = self.lanes[lane].ticking.as_ref().filter(|ticking| ticking.is_off())
        {
            return if ticking.held { Switch::Held } else { Switch::Paused };
        }
        let slots = &self.lanes[lane].slots;
        if slots.iter().any(|slot| slot.rest == Some(Rest::Fatal)) {
            return Switch::Fatal;
        }
        let is_stopped = |slot: &Slot| slot.rest == Some(Rest::Stopped);
        if !slots.is_empty() && slots.iter().all(is_stopped) {
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
            instances: one.slots.iter().map(Slot::instance).collect(),
        }
    }
}
