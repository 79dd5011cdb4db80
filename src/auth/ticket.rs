//! Launch tickets: one login by link on the machine itself (docs/security.md, Launch tickets).

use std::collections::VecDeque;
use std::time::Duration;

use super::same;

/// Letters of a ticket, about 256 bits.
pub(crate) const TICKET_LETTERS: usize = 43;

const LIFE: Duration = Duration::from_secs(60);
/// The most tickets that wait; the oldest makes room.
const MOST: usize = 100;

/// The tickets that wait to be redeemed, oldest first, each with its birth on the steady clock.
#[derive(Debug, Default)]
pub(crate) struct Tickets(VecDeque<(String, Duration)>);

impl Tickets {
    pub(crate) fn add(&mut self, ticket: String, now: Duration) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((ticket, now));
    }

    /// Whether the ticket was good; it is used up.
    pub(crate) fn redeem(&mut self, ticket: &str, now: Duration) -> bool {
        let place = self.0.iter().position(|(known, _)| same(known.as_bytes(), ticket.as_bytes()));
        let found = place.and_then(|place| self.0.remove(place));
        found.is_some_and(|(_, born)| now.saturating_sub(born) < LIFE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_ticket_is_good_once_and_for_a_minute() {
        let mut tickets = Tickets::default();
        tickets.add("one".to_owned(), SECOND);
        tickets.add("late".to_owned(), SECOND);
        assert!(!tickets.redeem("other", SECOND) && !tickets.redeem("", SECOND));
        assert!(tickets.redeem("one", 60 * SECOND));
        assert!(!tickets.redeem("one", 60 * SECOND));
        assert!(!tickets.redeem("late", 61 * SECOND));
    }

    #[test]
    fn the_hundred_newest_tickets_wait() {
        let mut tickets = Tickets::default();
        (0..101).for_each(|n| tickets.add(n.to_string(), SECOND));
        assert!(!tickets.redeem("0", SECOND));
        assert!((1..101).all(|n| tickets.redeem(&n.to_string(), SECOND)));
    }
}
