//! Tells the engine whether cron is alive, who then runs the jobs of crontabs himself
//! (docs/running.md, Held by cron); in cron's place it sees, as cron does, that somebody has edited
//! a crontab. Without such jobs there is no thread.

use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::base::time::Clock;
use crate::config::Config;
use crate::config::load::Stamp;
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
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Ends the thread, if there is one.
    bell: Option<Arc<EventFd>>,
    /// The files of the configuration itself, which are read again when somebody says so, and all
    /// that it names.
    own: Stamp,
    named: Stamp,
}

impl CronWatch {
    pub(crate) fn new(inbox: Inbox, clock: Clock) -> CronWatch {
        CronWatch { inbox, clock, state: Arc::default() }
    }

    /// Watches from now on if this configuration has jobs of crontabs. Whether they are to be
    /// held.
    pub(crate) fn follow(&self, config: &Config) -> Result<bool, String> {
        let wanted = config.jobs.iter().any(|job| matches!(job.source, Source::Crontab(..)));
        let mut state = self.lock();
        if wanted {
            state.own = Stamp::of(config.files.iter().map(|file| &file.path));
            state.named = Stamp::of(config.watched.iter());
        }
        match (&state.bell, wanted) {
            (None, true) => state.bell = Some(self.start()?),
            (Some(old), false) => {
                old.add(1);
                state.bell = None;
            }
            (None, false) | (Some(_), true) => {}
        }
        drop(state);
        Ok(wanted && cron::find().is_some())
    }

    /// The daemon stops.
    pub(crate) fn stop(&self) {
        let bell = self.lock().bell.take();
        bell.into_iter().for_each(|bell| bell.add(1));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> Result<Arc<EventFd>, String> {
        let failed = |error| format!("cannot watch cron: {}", error_text(&error));
        let bell = Arc::new(EventFd::new().map_err(failed)?);
        let (watch, rung) = (self.clone(), Arc::clone(&bell));
        let body = move || watch.run(&rung).map_err(failed);
        threads::spawn_vital("cron", self.inbox.clone(), body).map_err(failed)?;
        Ok(bell)
    }

    /// The thread `cron`. It says what it sees at each look, also if it is nothing new: a reload
    /// may have looked in between.
    fn run(&self, bell: &EventFd) -> std::io::Result<()> {
        loop {
            let found = cron::find();
            self.inbox.send(Input::Cron { alive: found.is_some() });
            let wait = match found {
                None => {
                    if self.is_edited() {
                        self.inbox.send(Input::ReloadAsked);
                    }
                    to_last_look(self.clock.now().wall).unwrap_or_else(|rest| rest)
                }
                Some((_, process)) => {
                    let fds = [Some(bell.as_fd()), Some(process.as_fd())];
                    if poll::readable(fds, None)?[0] {
                        return Ok(());
                    }
                    let wait = to_last_look(self.clock.now().wall);
                    wait.map_or(Duration::ZERO, |wait| wait.min(GRACE))
                }
            };
            if poll::readable([Some(bell.as_fd())], Some(wait))?[0] {
                return Ok(());
            }
        }
    }

    /// Whether a crontab is another one than at the last look: one that is refused is so once. A
    /// configuration that is being edited as well is left for its owner to apply.
    fn is_edited(&self) -> bool {
        let mut state = self.lock();
        let is_edited = state.named.is_stale() && !state.own.is_stale();
        if is_edited {
            state.named.renew();
        }
        is_edited
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
        let bell = watch.start().unwrap();
        watch.lock().bell = Some(bell);
        let alive = cron::find().is_some();
        assert_eq!(inputs.recv(), Ok(Input::Cron { alive }));
        watch.stop();
        drop(watch);
        // The thread had the last way into the inbox.
        assert_eq!(inputs.recv(), Err(mpsc::RecvError));
    }
}
