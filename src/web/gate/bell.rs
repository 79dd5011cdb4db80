//! How others wake the gate: to stop it, and to say that an answer lies ready. A gate that is awake
//! looks by itself before it sleeps, and one that sleeps soundly has nothing to do about an answer
//! that has been sent already: not ringing then halves what a request costs the gate.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use crate::sys::eventfd::EventFd;

#[derive(Debug)]
pub(crate) struct Bell {
    event: EventFd,
    /// [`AWAKE`] or a [`Sleep`].
    sleep: AtomicU8,
    is_stopping: AtomicBool,
    /// One bit for each place whose answer lies ready.
    answered: AtomicU64,
}

const AWAKE: u8 = 0;

/// What a gate that sleeps is rung for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sleep {
    /// Every answer.
    Light = 1,
    /// Answers of which something is left to be done.
    Sound = 2,
}

/// What is left of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// To take note of it.
    Nothing,
    Something,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Bell> {
        Ok(Bell {
            event: EventFd::new()?,
            sleep: AtomicU8::new(AWAKE),
            is_stopping: AtomicBool::new(false),
            answered: AtomicU64::new(0),
        })
    }

    /// The gate is to end.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        self.event.add(1);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// The answer of a place lies ready; places are below 64.
    pub(crate) fn answered(&self, place: usize, left: Left) {
        self.answered.fetch_or(1 << place, Ordering::SeqCst);
        // The gate says that it sleeps before it looks a last time, and this is looked at after
        // the bit is set: one of the two sees the other. Whoever comes first rings.
        let sleep = self.sleep.load(Ordering::SeqCst);
        let is_to_ring = match left {
            Left::Nothing => sleep == Sleep::Light as u8,
            Left::Something => sleep != AWAKE,
        };
        if is_to_ring && self.sleep.swap(AWAKE, Ordering::SeqCst) != AWAKE {
            self.event.add(1);
        }
    }

    /// From now on the gate must be rung for. Whether it may sleep: no answer lies ready.
    pub(crate) fn fall_asleep(&self, sleep: Sleep) -> bool {
        self.sleep.store(sleep as u8, Ordering::SeqCst);
        self.answered.load(Ordering::SeqCst) == 0
    }

    /// The gate looks by itself again. The places whose answers lie ready.
    pub(crate) fn wake_up(&self) -> impl Iterator<Item = usize> + use<> {
        self.sleep.store(AWAKE, Ordering::SeqCst);
        let answered = self.answered.swap(0, Ordering::SeqCst);
        (0..64).filter(move |place| answered & (1 << place) != 0)
    }

    /// Takes the ringing.
    pub(crate) fn hush(&self) -> io::Result<()> {
        self.event.take().map(drop)
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sys::poll::readable;

    #[test]
    fn a_gate_is_rung_for_when_it_must_and_never_sleeps_over_an_answer() {
        let bell = Bell::new().unwrap();
        let rings = || {
            let is_rung = readable([Some(bell.as_fd())], Some(Duration::ZERO)).unwrap() == [true];
            if is_rung {
                bell.hush().unwrap();
            }
            is_rung
        };
        bell.answered(3, Left::Something);
        assert!(!rings());
        assert!(!bell.fall_asleep(Sleep::Light));
        assert_eq!(bell.wake_up().collect::<Vec<_>>(), [3]);
        for (sleep, left, is_rung) in [
            (Sleep::Light, Left::Nothing, true),
            (Sleep::Light, Left::Something, true),
            (Sleep::Sound, Left::Nothing, false),
            (Sleep::Sound, Left::Something, true),
        ] {
            assert!(bell.fall_asleep(sleep));
            bell.answered(0, left);
            assert_eq!(rings(), is_rung, "{sleep:?} {left:?}");
            bell.answered(63, left);
            assert!(!rings());
            assert_eq!(bell.wake_up().collect::<Vec<_>>(), [0, 63]);
            assert_eq!(bell.wake_up().next(), None);
        }
        bell.stop();
        assert!(rings() && bell.is_stopping());
    }
}
