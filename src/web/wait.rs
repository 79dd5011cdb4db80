//! Waiting until runs are over or have begun, for answers that are to come only then. Follows the
//! news from before the question, and looks into the history when it was overtaken.

use std::collections::HashSet;
use std::time::Duration;

use crate::hub::{Follower, News, Next};
use crate::model::run::{Phase, Run, RunId};
use crate::web::context::Context;
use crate::web::http::Problem;

/// What is still to come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Awaited {
    /// Runs that are to end.
    pub(crate) ends: HashSet<RunId>,
    /// Runs that are to get their process, or to end without one.
    pub(crate) begins: HashSet<RunId>,
    /// Replicas that are to be followed by one that begins.
    pub(crate) heirs: HashSet<RunId>,
}

/// How the waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    Complete,
    /// The time was over, or the daemon stops.
    CutShort,
}

impl Awaited {
    /// Waits `patience` at most.
    pub(crate) fn wait(
        mut self,
        context: &Context,
        mut follower: Follower,
        patience: Duration,
    ) -> Result<Waited, Problem> {
        let until = context.clock.now().steady + patience;
        while !self.is_complete() {
            let left = until.saturating_sub(context.clock.now().steady);
            match follower.next(left) {
                Next::News(_, news) => self.hear(&news),
                Next::Missed => self.look(|run| context.readers.read(|reader| reader.run(run)))?,
                Next::Quiet if left.is_zero() => return Ok(Waited::CutShort),
                Next::Quiet => {}
                Next::Closed => return Ok(Waited::CutShort),
            }
        }
        Ok(Waited::Complete)
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.ends.is_empty() && self.begins.is_empty() && self.heirs.is_empty()
    }

    fn hear(&mut self, news: &News) {
        match news {
            News::Created(run) => {
                if run.retry_of.is_some_and(|before| self.heirs.remove(&before)) {
                    self.begins.insert(run.id);
                }
            }
            News::Started(run) => drop(self.begins.remove(&run.id)),
            News::Ended(run) => {
                self.ends.remove(&run.id);
                self.begins.remove(&run.id);
            }
            News::Deleted { .. } | News::Notice { .. } | News::Unread(_) | News::TasksChanged => {}
        }
    }

    /// What was lost is read. Who follows whom cannot be, so nobody waits for that any longer.
    fn look(&mut self, row: impl Fn(RunId) -> Result<Option<Run>, Problem>) -> Result<(), Problem> {
        self.heirs.clear();
        for run in self.ends.clone().union(&self.begins.clone()) {
            // A row that is gone was over before.
            match row(*run)?.map(|row| row.phase) {
                Some(Phase::Pending) => {}
                Some(Phase::Running { .. }) => drop(self.begins.remove(run)),
                Some(Phase::Ended { .. }) | None => {
                    self.ends.remove(run);
                    self.begins.remove(run);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::run::EndReason;
    use crate::store::scratch::{at, ended, pending};

    fn set(runs: &[&Run]) -> HashSet<RunId> {
        runs.iter().map(|run| run.id).collect()
    }

    #[test]
    fn a_run_ends_a_replica_begins_and_an_heir_is_found_first() {
        let [old, other, task] = ["web", "web", "task"].map(|job| pending(job, 0));
        let heir = Run { retry_of: Some(old.id), ..pending("web", 1) };
        let mut awaited =
            Awaited { ends: set(&[&task]), begins: set(&[&other]), heirs: set(&[&old]) };
        for (news, left) in [
            (News::Started(task.clone()), 3),
            (News::Created(pending("web", 1)), 3),
            (News::Ended(old.clone()), 3),
            (News::Created(heir.clone()), 3),
            (News::TasksChanged, 3),
            // It could not be started, which is as far as it will come.
            (News::Ended(heir), 2),
            (News::Started(other), 1),
            (News::Ended(task), 0),
        ] {
            assert!(!awaited.is_complete());
            awaited.hear(&news);
            let Awaited { ends, begins, heirs } = &awaited;
            assert_eq!(ends.len() + begins.len() + heirs.len(), left, "{news:?}");
        }
        assert!(awaited.is_complete());
    }

    #[test]
    fn whoever_was_overtaken_reads_how_far_the_runs_have_come() {
        let waits = pending("a", 0);
        let runs = Run { phase: Phase::Running { since: at(1) }, ..pending("a", 1) };
        let [over, gone] = [ended("a", 2, EndReason::Success), pending("a", 3)];
        let rows = [waits.clone(), runs.clone(), over.clone()];
        let all = set(&[&waits, &runs, &over, &gone]);
        let mut awaited = Awaited { ends: all.clone(), begins: all.clone(), heirs: all };
        awaited.look(|id| Ok(rows.iter().find(|row| row.id == id).cloned())).unwrap();
        let left =
            Awaited { ends: set(&[&waits, &runs]), begins: set(&[&waits]), heirs: HashSet::new() };
        assert_eq!(awaited, left);
    }
}
