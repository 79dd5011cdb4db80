//! Asks a replica again and again whether it is well, on a thread beside that of its run
//! (docs/running.md, Health checks). The engine hears of the first time that it is, and of the end
//! of patience; the log of the replica hears of every change.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::time::Clock;
use crate::cron::Schedule;
use crate::engine::Input;
use crate::inbox::Inbox;
use crate::model::run::Run;
use crate::model::service::HealthCheck;
use crate::process::Stopper;
use crate::process::health;
use crate::process::spec::{Spec, Surroundings};
use crate::threads;

/// The first check; until one has passed the waits double, up to the schedule's own.
const FIRST: Duration = Duration::from_millis(500);
/// No wait before a repeated check is longer.
const REPEAT_CAP: Duration = Duration::from_secs(60);

/// Ends the vigil when it is dropped; a check that is under way ends by itself.
pub(super) struct Vigil(Arc<Watched>);

#[derive(Default)]
struct Watched {
    is_over: Mutex<bool>,
    changed: Condvar,
}

/// Keeps vigil over a replica whose process has come to be, if its service has a check.
pub(super) fn begin(spec: &Spec, clock: &Clock, stopper: &Stopper, inbox: &Inbox) -> Option<Vigil> {
    let check = spec.job.service()?.health_check.clone()?;
    let watched = Arc::<Watched>::default();
    let id = spec.run.id.to_string();
    let vigil = Keeper {
        check,
        run: spec.run.clone(),
        surroundings: spec.surroundings(),
        clock: clock.clone(),
        stopper: stopper.clone(),
        inbox: inbox.clone(),
        watched: Arc::clone(&watched),
    };
    // Without it the replica is never found healthy, and is stopped when its time is over.
    if let Err(error) =
        threads::spawn(&format!("check-{}", &id[id.len() - 4..]), move || vigil.keep())
    {
        log::error!("cannot start a thread for health checks: {error} run={id}");
    }
    Some(Vigil(watched))
}

impl Drop for Vigil {
    fn drop(&mut self) {
        *self.0.lock() = true;
        self.0.changed.notify_all();
    }
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, bool> {
        // Nothing panics under the lock.
        self.is_over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the replica is still there after this time.
    fn sleep(&self, time: Duration) -> bool {
        let over = self.changed.wait_timeout_while(self.lock(), time, |is_over| !*is_over);
        !*over.unwrap_or_else(PoisonError::into_inner).0
    }
}

struct Keeper {
    check: Arc<HealthCheck>,
    run: Run,
    surroundings: Arc<Surroundings>,
    clock: Clock,
    stopper: Stopper,
    inbox: Inbox,
    watched: Arc<Watched>,
}

impl Keeper {
    fn keep(self) {
        let (mut wait, mut is_well, mut failed) = (FIRST, false, 0u32);
        let mut last = String::new();
        let mut early = FIRST;
        while self.watched.sleep(wait) {
            let result = health::check(&self.check, &self.run, &self.surroundings, &self.clock);
            if !self.watched.sleep(Duration::ZERO) {
                return;
            }
            wait = self.next();
            match result {
                Ok(()) => {
                    if !is_well || failed > 0 {
                        self.stopper.note("health check passed".to_owned());
                    }
                    if !std::mem::replace(&mut is_well, true) {
                        self.tell(Ok(()));
                    }
                    failed = 0;
                }
                // It may still be starting, and has its time for that.
                Err(why) if !is_well => {
                    if why != last {
                        self.stopper.note(format!("not healthy yet: {why}"));
                        last = why;
                    }
                    early = early.saturating_mul(2);
                    wait = wait.min(early);
                }
                Err(why) => {
                    failed += 1;
                    let of = self.check.attempts + 1;
                    self.stopper.note(format!("health check failed ({failed} of {of}): {why}"));
                    if failed > self.check.attempts {
                        return self.tell(Err(format!("health check failed: {why}")));
                    }
                    wait = self.check.backoff.wait(self.check.delay, failed, REPEAT_CAP);
                }
            }
        }
    }

    /// To the next check; those that would have overlapped this one are left out.
    fn next(&self) -> Duration {
        match &self.check.schedule {
            Schedule::Every(every) => every.interval,
            Schedule::Cron(cron) => {
                let now = self.clock.now().wall;
                let next = cron.next_after(now).map_or(now, |tick| tick.at);
                Duration::try_from(next.duration_since(now)).unwrap_or(REPEAT_CAP)
            }
        }
    }

    fn tell(&self, result: Result<(), String>) {
        self.inbox.send(Input::Checked { run: self.run.id, result });
    }
}
