//! The password and the key of sessions. The boot checks the password beside everything else, so
//! whoever needs either of them waits here for it, and nobody else does.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::auth::token::Key;
use crate::web::http::Problem;

/// The check takes 70 ms on a slow machine. A disk that is full or hangs may hold it up; nobody
/// waits for that so long after the start.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// What logins and sessions stand on.
pub(crate) struct Keys {
    pub(crate) password: String,
    pub(crate) origin: Origin,
    pub(crate) key: Key,
}

/// Where the password came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The file in the data directory.
    File,
    /// The environment, or a credential of the service manager: not ours to tell.
    Operator,
}

/// The keys, or the wait for them. Clones share it. Locked to look or to put them in.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyRing(Arc<(Mutex<Option<Arc<Keys>>>, Condvar)>);

impl KeyRing {
    /// Lets everybody go on who waits.
    pub(crate) fn put(&self, keys: Keys) {
        let (place, changed) = &*self.0;
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys));
        changed.notify_all();
    }

    /// The keys, or 503 when they do not come in time.
    pub(crate) fn keys(&self, patience: Duration) -> Result<Arc<Keys>, Problem> {
        let (place, changed) = &*self.0;
        let place = place.lock().unwrap_or_else(PoisonError::into_inner);
        let (place, _) = changed
            .wait_timeout_while(place, patience, |keys| keys.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        let starting =
            || Problem::new(503, "the daemon is still starting").header("Retry-After", "1");
        place.clone().ok_or_else(starting)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys(<hidden> from {:?})", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads;

    #[test]
    fn whoever_comes_early_waits_for_the_keys() {
        let ring = KeyRing::default();
        assert_eq!(ring.keys(Duration::ZERO).unwrap_err().status, 503);
        let other = ring.clone();
        let waiting = threads::spawn("early", move || other.keys(PATIENCE).unwrap().origin);
        ring.put(Keys {
            password: "hunter2".to_owned(),
            origin: Origin::Operator,
            key: Key::new([1; 32]),
        });
        assert_eq!(waiting.unwrap().join().unwrap(), Origin::Operator);
        let shown = format!("{ring:?}");
        assert!(shown.contains("<hidden>") && !shown.contains("hunter2"), "{shown}");
    }
}
