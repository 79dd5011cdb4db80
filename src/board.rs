//! How the jobs stand, for whoever asks over HTTP: the main thread writes it down when it changes
//! and is never asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::model::event::{Standing, Switch};
use crate::model::job::JobName;

/// The newest standing of each job. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board(Arc<Mutex<State>>);

/// By name, side by side: there may be ten thousand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standings {
    of: Vec<Standing>,
    /// Until when nobody wants to hear of a job.
    mutes: BTreeMap<JobName, Timestamp>,
}

#[derive(Debug, Default)]
struct State {
    standings: Standings,
    /// Counts what was written.
    version: u64,
    /// What was made of it last, gone with the next change.
    document: Option<Arc<[u8]>>,
}

impl Board {
    /// Returns the switch that the job had before, if it is another one now.
    pub(crate) fn set(&self, standing: Standing) -> Option<Switch> {
        let mut state = self.lock();
        state.version += 1;
        state.document = None;
        let switch = standing.switch;
        let before = state.standings.set(standing);
        let before = before.map_or(Switch::On, |before| before.switch);
        (before != switch).then_some(before)
    }

    /// Something else that the document is made of has changed.
    pub(crate) fn forget_document(&self) {
        let mut state = self.lock();
        state.version += 1;
        state.document = None;
    }

    /// The job is no longer configured.
    pub(crate) fn remove(&self, job: &JobName) {
        let mut state = self.lock();
        state.version += 1;
        state.document = None;
        if let Ok(place) = state.standings.find(job) {
            state.standings.of.remove(place);
        }
    }

    /// Nobody wants to hear of the job until then; `None`: they do again.
    pub(crate) fn mute(&self, job: &JobName, until: Option<Timestamp>) {
        let mut state = self.lock();
        state.version += 1;
        state.document = None;
        match until {
            Some(until) => drop(state.standings.mutes.insert(job.clone(), until)),
            None => drop(state.standings.mutes.remove(job)),
        }
    }

    /// Until when nobody wants to hear of the job; it may be over.
    pub(crate) fn muted_until(&self, job: &JobName) -> Option<Timestamp> {
        self.lock().standings.muted_until(job)
    }

    /// `None` until the daemon serves.
    pub(crate) fn get(&self, job: &JobName) -> Option<Standing> {
        self.lock().standings.get(job).cloned()
    }

    /// All of it as a document, which is made once for each state.
    pub(crate) fn document(&self, make: impl FnOnce(&Standings) -> Vec<u8>) -> Arc<[u8]> {
        let state = self.lock();
        if let Some(document) = &state.document {
            return Arc::clone(document);
        }
        let (version, standings) = (state.version, state.standings.clone());
        drop(state);
        let document: Arc<[u8]> = make(&standings).into();
        let mut state = self.lock();
        if state.version == version {
            state.document = Some(Arc::clone(&document));
        }
        document
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under the lock, so a state that was left is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standings {
    pub(crate) fn get(&self, job: &JobName) -> Option<&Standing> {
        self.find(job).ok().map(|place| &self.of[place])
    }

    /// Until when nobody wants to hear of the job; it may be over.
    pub(crate) fn muted_until(&self, job: &JobName) -> Option<Timestamp> {
        self.mutes.get(job).copied()
    }

    fn set(&mut self, standing: Standing) -> Option<Standing> {
        match self.find(&standing.job) {
            Ok(place) => Some(std::mem::replace(&mut self.of[place], standing)),
            Err(place) => {
                self.of.insert(place, standing);
                None
            }
        }
    }

    /// The place of a job, or the one that it would have.
    fn find(&self, job: &JobName) -> Result<usize, usize> {
        self.of.binary_search_by(|standing| standing.job.cmp(job))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(switch: Switch) -> Standing {
        Standing { job: JobName::new("a"), next: None, switch, instances: Vec::new() }
    }

    #[test]
    fn a_change_of_the_switch_is_told_from_a_tick() {
        let board = Board::default();
        for (switch, before) in [
            (Switch::On, None),
            (Switch::Paused, Some(Switch::On)),
            (Switch::Paused, None),
            (Switch::On, Some(Switch::Paused)),
        ] {
            assert_eq!(board.set(standing(switch)), before);
            assert_eq!(board.get(&JobName::new("a")), Some(standing(switch)));
        }
        assert_eq!(board.get(&JobName::new("b")), None);
    }

    #[test]
    fn the_document_is_made_once_for_each_state_and_never_kept_when_it_is_old() {
        let board = Board::default();
        let read = |text: &str| board.document(|_| text.into()).to_vec();
        assert_eq!(read("one"), b"one");
        assert_eq!(read("two"), b"one");
        board.set(standing(Switch::On));
        // It changes while somebody writes it down.
        let old = board.document(|_| {
            board.set(standing(Switch::Paused));
            b"three".to_vec()
        });
        assert_eq!(*old, *b"three");
        assert_eq!(read("four"), b"four");
    }
}
