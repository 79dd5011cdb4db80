//! How often an address may try: five attempts in any five minutes (docs/security.md, Login
//! limit). Time is the steady clock's, so setting the clock forgives nothing.

use crate::base::order;
use core::net::{IpAddr, Ipv6Addr};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

const BUDGET: usize = 5;
const WINDOW: Duration = Duration::from_secs(300);
/// The most addresses that are remembered.
const MOST: usize = 4096;
/// How many make room at once: looking through all of them for each newcomer would be work that
/// somebody with many addresses gives others to do.
const ROOM: usize = 256;

/// The attempts of the last five minutes, by address.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    /// Oldest first, never empty, at most [`BUDGET`] each.
    attempts: HashMap<IpAddr, VecDeque<Duration>>,
}

/// One attempt that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    group: IpAddr,
    at: Duration,
}

/// The budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// Whole seconds until there is room again, at least 1.
    pub(crate) retry_after: u64,
}

impl Throttle {
    /// Takes one attempt.
    pub(crate) fn take(&mut self, address: IpAddr, now: Duration) -> Result<Attempt, TooMany> {
        self.check(address, None, now)?;
        let group = group(address);
        if !self.attempts.contains_key(&group) && self.attempts.len() >= MOST {
            self.make_room(now);
        }
        self.attempts.entry(group).or_default().push_back(now);
        Ok(Attempt { group, at: now })
    }

    /// Whether an address is below its budget, not counting an attempt that it has paid for.
    pub(crate) fn check(
        &mut self,
        address: IpAddr,
        paid: Option<Attempt>,
        now: Duration,
    ) -> Result<(), TooMany> {
        let group = group(address);
        let Some(taken) = self.attempts.get_mut(&group) else { return Ok(()) };
        while taken.front().is_some_and(|at| has_left(*at, now)) {
            taken.pop_front();
        }
        let Some(oldest) = taken.front().copied() else {
            self.attempts.remove(&group);
            return Ok(());
        };
        let own = paid.is_some_and(|paid| paid.group == group && taken.contains(&paid.at));
        if taken.len() < BUDGET + usize::from(own) {
            return Ok(());
        }
        let left = (oldest + WINDOW).saturating_sub(now);
        Err(TooMany { retry_after: (left.as_millis().div_ceil(1000) as u64).max(1) })
    }

    /// An attempt that succeeded does not count.
    pub(crate) fn give_back(&mut self, attempt: Attempt) {
        let Some(taken) = self.attempts.get_mut(&attempt.group) else { return };
        if let Some(place) = taken.iter().position(|at| *at == attempt.at) {
            taken.remove(place);
        }
        if taken.is_empty() {
            self.attempts.remove(&attempt.group);
        }
    }

    /// Drops what no longer counts; if nothing does, the addresses that have been quiet longest.
    fn make_room(&mut self, now: Duration) {
        self.attempts.retain(|_, taken| taken.back().is_some_and(|at| !has_left(*at, now)));
        if self.attempts.len() < MOST {
            return;
        }
        let last = |(group, taken): (&IpAddr, &VecDeque<Duration>)| (taken.back().copied(), *group);
        let mut quiet: Vec<_> = self.attempts.iter().map(last).collect();
        order::sort(&mut quiet);
        for (_, group) in &quiet[..ROOM] {
            self.attempts.remove(group);
        }
    }
}

fn has_left(at: Duration, now: Duration) -> bool {
    now.saturating_sub(at) >= WINDOW
}

/// Whoever has one IPv6 address has its whole /64.
pub(crate) fn group(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(long) => {
            let [a, b, c, d, ..] = long.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_sixth_attempt_in_five_minutes_is_refused() {
        let mut throttle = Throttle::default();
        let client = address("192.0.2.1");
        for second in 0..5 {
            throttle.take(client, at(second)).unwrap();
        }
        assert_eq!(throttle.take(client, at(5)), Err(TooMany { retry_after: 295 }));
        let nearly = at(300) - Duration::from_millis(1);
        assert_eq!(throttle.take(client, nearly), Err(TooMany { retry_after: 1 }));
        assert!(throttle.take(address("192.0.2.2"), at(5)).is_ok(), "another address");
        throttle.take(client, at(300)).unwrap();
        assert_eq!(throttle.take(client, at(300)), Err(TooMany { retry_after: 1 }));
        throttle.take(client, at(301)).unwrap();
    }

    #[test]
    fn a_paid_attempt_may_be_finished_at_the_limit() {
        let mut throttle = Throttle::default();
        let client = address("192.0.2.1");
        let paid: Vec<_> = (0..5).map(|n| throttle.take(client, at(n)).unwrap()).collect();
        assert!(throttle.check(client, Some(paid[4]), at(5)).is_ok());
        assert!(throttle.check(client, None, at(5)).is_err());
        let elsewhere = throttle.take(address("192.0.2.9"), at(5)).unwrap();
        assert!(throttle.check(client, Some(elsewhere), at(5)).is_err());
    }

    #[test]
    fn an_attempt_that_is_given_back_makes_room() {
        let mut throttle = Throttle::default();
        let client = address("192.0.2.1");
        for second in 0..100 {
            let attempt = throttle.take(client, at(second)).unwrap();
            throttle.give_back(attempt);
            throttle.give_back(attempt);
        }
        assert!(throttle.attempts.is_empty());
        let kept: Vec<_> = (0..5).map(|_| throttle.take(client, at(100)).unwrap()).collect();
        throttle.give_back(kept[0]);
        throttle.take(client, at(101)).unwrap();
        assert!(throttle.take(client, at(101)).is_err());
    }

    #[test]
    fn a_whole_slash_64_is_one_client() {
        let mut throttle = Throttle::default();
        for n in 1..=5 {
            throttle.take(address(&format!("2001:db8:0:1::{n}")), at(0)).unwrap();
        }
        assert!(throttle.take(address("2001:db8:0:1:ffff::1"), at(0)).is_err());
        assert!(throttle.take(address("2001:db8:0:2::1"), at(0)).is_ok());
    }

    #[test]
    fn many_addresses_push_out_the_expired_and_then_the_quietest() {
        let mut throttle = Throttle::default();
        let client = |n: u32| IpAddr::from(Ipv4Addr::from(n));
        for _ in 0..5 {
            throttle.take(client(0), at(0)).unwrap();
        }
        for n in 1..4096 {
            throttle.take(client(n), at(1 + u64::from(n) / 100)).unwrap();
        }
        throttle.take(client(9999), at(50)).unwrap();
        assert_eq!(throttle.attempts.len(), MOST - ROOM + 1);
        assert!(throttle.take(client(0), at(50)).is_ok(), "the quietest was forgotten");
        while throttle.attempts.len() < MOST {
            let newcomer = client(20_000 + throttle.attempts.len() as u32);
            throttle.take(newcomer, at(50)).unwrap();
        }
        throttle.take(client(10_000), at(400)).unwrap();
        assert_eq!(throttle.attempts.len(), 1, "the expired went together");
    }
}
