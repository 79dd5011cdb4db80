//! How many answers may be under way beside the gate (docs/security.md, Connections). A permit is
//! held for as long as the answer's thread lives.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::auth::throttle;

const STREAMS: usize = 64;
const STREAMS_OF_ONE: usize = 8;
/// Downloads and answers that take long.
const OTHERS: usize = 32;

/// The counts. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caps(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    /// By address; `None` are those of the control socket.
    streams: HashMap<Option<IpAddr>, usize>,
    others: usize,
}

/// Room for one; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    caps: Caps,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Stream(Option<IpAddr>),
    Other,
}

impl Caps {
    /// Room for an event stream of a client, whose address is unknown on the control socket.
    pub(crate) fn stream(&self, client: Option<IpAddr>) -> Option<Permit> {
        let client = client.map(throttle::group);
        let mut counts = self.lock();
        let all: usize = counts.streams.values().sum();
        let own = counts.streams.get(&client).copied().unwrap_or_default();
        if all >= STREAMS || (client.is_some() && own >= STREAMS_OF_ONE) {
            return None;
        }
        counts.streams.insert(client, own + 1);
        Some(Permit { caps: self.clone(), kind: Kind::Stream(client) })
    }

    /// Room for anything else that takes long.
    pub(crate) fn other(&self) -> Option<Permit> {
        let mut counts = self.lock();
        if counts.others >= OTHERS {
            return None;
        }
        counts.others += 1;
        Some(Permit { caps: self.clone(), kind: Kind::Other })
    }

    /// Permits that are held.
    pub(crate) fn held(&self) -> usize {
        let counts = self.lock();
        counts.streams.values().sum::<usize>() + counts.others
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Nothing panics under the lock, so counts that were left are right.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.caps.lock();
        match self.kind {
            Kind::Other => counts.others -= 1,
            Kind::Stream(client) => {
                let left = counts.streams.get(&client).map_or(0, |count| count - 1);
                match left {
                    0 => counts.streams.remove(&client),
                    left => counts.streams.insert(client, left),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_and_all_together_have_their_caps() {
        let caps = Caps::default();
        let address = |text: &str| Some(text.parse().unwrap());
        let network = |number: usize| address(&format!("2001:db8:0:{number}::{number}"));
        let mut held: Vec<Permit> =
            (0..STREAMS_OF_ONE).map(|_| caps.stream(address("192.0.2.1")).unwrap()).collect();
        assert!(caps.stream(address("192.0.2.1")).is_none());
        held.pop();
        held.push(caps.stream(address("192.0.2.1")).unwrap());
        for place in STREAMS_OF_ONE..STREAMS {
            held.push(caps.stream(network(place / STREAMS_OF_ONE)).unwrap());
        }
        assert!(caps.stream(address("192.0.2.9")).is_none());
        assert!(caps.stream(None).is_none());
        held.truncate(3);
        held.extend((0..STREAMS - 3).map(|_| caps.stream(None).unwrap()));
        assert!(caps.stream(None).is_none());
        held.clear();
        assert_eq!(caps.held(), 0);
    }

    #[test]
    fn other_answers_have_a_cap_of_their_own() {
        let caps = Caps::default();
        let held: Vec<Permit> = (0..OTHERS).map(|_| caps.other().unwrap()).collect();
        assert!(caps.other().is_none());
        assert!(caps.stream(None).is_some());
        assert_eq!(caps.held(), OTHERS);
        drop(held);
        assert!(caps.other().is_some());
    }
}
