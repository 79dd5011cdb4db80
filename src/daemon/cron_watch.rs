//! Tells the engine whether cron is alive, who then runs the jobs of crontabs himself
//! (docs/running.md, Held by cron). Without such jobs there is no thread.

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::base::time::Clock;
use crate::config::Config;
use crate::engine::Input;
use crate::inbox::Inbox;
use crate::model::job::Source;
use crate::sys::eventfd::EventFd;
use crate::sys::{cron, error_text, poll};
use crate::threads;

/// The length of a minute, and where in it a last look is taken: the jobs tick as the next one
/// begins, and cron, if it is alive by then, runs its own a second later.
const MINUTE: u64 = 60_000;
const LAST_LOOK: u64 = 59_800;
/// How long a cron that ended has to be there again, as when it is restarted.
const GRACE: Duration = Duration::from_secs(2);

/// Clones share the thread.
#[derive(Clone)]
pub(crate) struct CronWatch {
    inbox: Inbox,
    clock: Clock,
    /// Ends the thread, if there is one.
    bell: Arc<Mutex<Option<Arc<EventFd>>>>,
}

impl CronWatch {
    pub(crate) fn new(inbox: Inbox, clock: Clock) -> CronWatch {
        CronWatch { inbox, clock, bell: Arc::default() }
    }

    /// Watches from now on if this configuration has jobs of crontabs. Whether they are to be
    /// held.
    pub(crate) fn follow(&self, config: &Config) -> Result<bool, String> {
        let wanted = config.jobs.iter().any(|job| matches!(job.source, Source::Crontab(..)));
        let mut bell = self.bell.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*bell, wanted) {
            (None, true) => *bell = Some(self.start()?),
            (Some(old), false) => {
                old.add(1);
                *bell = None;
            }
            (None, false) | (Some(_), true) => {}
        }
        Ok(wanted && cron::find().is_some())
    }

    /// The daemon stops.
    pub(crate) fn stop(&self) {
        let bell = self.bell.lock().unwrap_or_else(PoisonError::into_inner).take();
        bell.into_iter().for_each(|bell| bell.add(1));
    }

    fn start(&self) -> Result<Arc<EventFd>, String> {
        let failed = |error| format!("cannot watch cron: {}", error_text(&error));
        let bell = Arc::new(EventFd::new().map_err(failed)?);
        let (inbox, clock, rung) = (self.inbox.clone(), self.clock.clone(), Arc::clone(&bell));
        let body = move || watch(&inbox, &clock, &rung).map_err(failed);
        threads::spawn_vital("cron", self.inbox.clone(), body).map_err(failed)?;
        Ok(bell)
    }
}

/// The thread `cron`. It says what it sees at each look, also if it is nothing new: a reload may
/// have looked in between.
fn watch(inbox: &Inbox, clock: &Clock, bell: &EventFd) -> std::io::Result<()> {
    loop {
        let found = cron::find();
        inbox.send(Input::Cron { alive: found.is_some() });
        let wait = match found {
            None => to_last_look(clock.now().wall).unwrap_or_else(|rest| rest),
            Some((_, process)) => {
                let fds = [Some(bell.as_fd()), Some(process.as_fd())];
                if poll::readable(fds, None)?[0] {
                    return Ok(());
                }
                to_last_look(clock.now().wall).map_or(Duration::ZERO, |wait| wait.min(GRACE))
            }
        };
        if poll::readable([Some(bell.as_fd())], Some(wait))?[0] {
            return Ok(());
        }
    }
}

/// How long it is to the last look of this minute; where that has passed, to that of the next.
fn to_last_look(wall: Timestamp) -> Result<Duration, Duration> {
    let into = u64::try_from(wall.as_millisecond().rem_euclid(60_000)).unwrap_or_default();
    match LAST_LOOK.checked_sub(into) {
        None | Some(0) => Err(Duration::from_millis(LAST_LOOK + MINUTE - into)),
        Some(left) => Ok(Duration::from_millis(left)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_minute_has_one_last_look() {
        let at = |text: &str| to_last_look(text.parse().unwrap());
        let millis = Duration::from_millis;
        assert_eq!(at("2026-05-07T14:30:00Z"), Ok(millis(59_800)));
        assert_eq!(at("2026-05-07T14:30:59.799Z"), Ok(millis(1)));
        assert_eq!(at("2026-05-07T14:30:59.8Z"), Err(millis(60_000)));
        assert_eq!(at("2026-05-07T14:30:59.999Z"), Err(millis(59_801)));
    }

    #[test]
    fn a_thread_tells_what_it_sees_and_ends_when_nobody_needs_it() {
        let (sender, inputs) = mpsc::channel();
        let watch = CronWatch::new(Inbox::new(sender), Clock::start());
        *watch.bell.lock().unwrap() = Some(watch.start().unwrap());
        let alive = cron::find().is_some();
        assert_eq!(inputs.recv(), Ok(Input::Cron { alive }));
        watch.stop();
        drop(watch);
        // The thread had the last way into the inbox.
        assert_eq!(inputs.recv(), Err(mpsc::RecvError));
    }
}
