//! Who may come in and who must go for it (docs/security.md, Connections): so many connections in
//! all, so many from one address, and room for a newcomer at the cost of whoever has kept us
//! waiting longest, first of those who are in the middle of nothing.

use std::net::IpAddr;
use std::time::Duration;

/// Connections in all.
pub(crate) const MOST: usize = 256;
/// Connections of one address; IPv6 by /64.
pub(crate) const MOST_OF_ONE: usize = 32;

/// Whom a connection counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// This host and its proxies, behind which there are many.
    Everybody,
    Address(IpAddr),
}

/// One who is in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guest {
    pub(crate) key: u64,
    pub(crate) group: Group,
    /// What for and since when it has kept us waiting, on the steady clock; `None` while we keep
    /// it waiting.
    pub(crate) waited_for: Option<(Reason, Duration)>,
}

/// What somebody is waited for with; whoever is worth less goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// A request, or the end.
    Nothing,
    /// To send the rest of a body, or to take that of an answer.
    Rest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Welcome,
    /// When this one has gone.
    After(u64),
    Refused,
}

/// Whether somebody of `group` may come in beside `guests` and `apart` others that nobody sees.
pub(crate) fn admit<'a>(
    group: Group,
    guests: impl Iterator<Item = Guest> + Clone + 'a,
    apart: usize,
) -> Admission {
    let of_one = || guests.clone().filter(|guest| guest.group == group);
    if group != Group::Everybody && of_one().count() >= MOST_OF_ONE {
        return instead_of(of_one());
    }
    if guests.clone().count() + apart >= MOST {
        return instead_of(guests);
    }
    Admission::Welcome
}

/// Who must go when there is no room for anybody.
pub(crate) fn longest(guests: impl Iterator<Item = Guest>) -> Option<u64> {
    guests.filter_map(|guest| Some((guest.waited_for?, guest.key))).min().map(|(_, key)| key)
}

fn instead_of(guests: impl Iterator<Item = Guest>) -> Admission {
    longest(guests).map_or(Admission::Refused, Admission::After)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(key: u64, group: Group, since: Option<u64>) -> Guest {
        let since = since.map(Duration::from_secs);
        Guest { key, group, waited_for: since.map(|since| (Reason::Nothing, since)) }
    }

    fn address(text: &str) -> Group {
        Group::Address(text.parse().unwrap())
    }

    #[test]
    fn a_newcomer_takes_the_place_of_the_one_that_kept_us_waiting_longest() {
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let many = |count: usize, group, since: Option<u64>| {
            (0..count as u64).map(move |key| guest(key, group, since.map(|since| since - key)))
        };
        let everybody = Group::Everybody;
        for (newcomer, guests, apart, expected) in [
            (one, many(31, one, Some(99)), 0, Admission::Welcome),
            (one, many(32, one, Some(99)), 0, Admission::After(31)),
            (one, many(32, one, None), 0, Admission::Refused),
            (other, many(32, one, None), 0, Admission::Welcome),
            (everybody, many(255, everybody, Some(999)), 0, Admission::Welcome),
            (everybody, many(256, everybody, Some(999)), 0, Admission::After(255)),
            (everybody, many(200, everybody, Some(999)), 56, Admission::After(199)),
            (one, many(256, everybody, None), 0, Admission::Refused),
        ] {
            assert_eq!(admit(newcomer, guests, apart), expected);
        }
        let reader =
            Guest { waited_for: Some((Reason::Rest, Duration::ZERO)), ..guest(1, one, None) };
        let mixed = [guest(0, one, None), reader, guest(2, other, Some(5)), guest(3, one, Some(6))];
        assert_eq!(longest(mixed.into_iter()), Some(2));
        assert_eq!(longest(mixed[..2].iter().copied()), Some(1));
        assert_eq!(longest(mixed[..1].iter().copied()), None);
    }
}
