//! ULIDs (https://github.com/ulid/spec): 48 bits of milliseconds and 80 random bits as 26
//! characters of Crockford's base32, so that text order is the order of creation.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 26;
const RANDOM_BITS: u32 = 80;

/// A 128-bit id that sorts by time of creation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ulid(u128);

impl Ulid {
    /// The lower half, which is random.
    pub(crate) fn low(self) -> u64 {
        self.0 as u64
    }
}

/// Text that is not an id: the wrong length, another letter, or a value over 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAUlid;

#[cfg(feature = "notify")]
impl Ulid {
    pub(crate) fn bits(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; LENGTH];
        for (place, letter) in text.iter_mut().rev().enumerate() {
            *letter = ALPHABET[(self.0 >> (5 * place)) as usize & 31];
        }
        f.pad(std::str::from_utf8(&text).expect("the alphabet is ASCII"))
    }
}

impl fmt::Debug for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Ulid {
    type Err = NotAUlid;

    fn from_str(text: &str) -> Result<Ulid, NotAUlid> {
        // 26 letters of 5 bits are 130: the first one may only carry three.
        if text.len() != LENGTH || !matches!(text.as_bytes()[0], b'0'..=b'7') {
            return Err(NotAUlid);
        }
        let mut value = 0u128;
        for letter in text.bytes() {
            let digit = ALPHABET.iter().position(|&known| known == letter).ok_or(NotAUlid)?;
            value = value << 5 | digit as u128;
        }
        Ok(Ulid(value))
    }
}

impl serde::Serialize for Ulid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Ulid {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Ulid, D::Error> {
        let text = <std::borrow::Cow<'de, str> as serde::Deserialize<'de>>::deserialize(from)?;
        text.parse().map_err(|_| serde::de::Error::custom(format!("{text:?} is not an id")))
    }
}

/// Makes ids that strictly increase, even inside one millisecond and when the clock is set back.
#[derive(Clone, Debug)]
pub(crate) struct Ulids {
    last: u128,
    state: u64,
}

impl Ulids {
    /// `seed` keeps the ids of two daemons apart; ids name runs, they are no secret.
    pub(crate) fn new(seed: u64) -> Ulids {
        Ulids { last: 0, state: seed }
    }

    pub(crate) fn next(&mut self, wall: Timestamp) -> Ulid {
        let millis = wall.as_millisecond().clamp(0, (1 << 48) - 1) as u128;
        let fresh = millis << RANDOM_BITS | self.random();
        self.last =
            if fresh >> RANDOM_BITS > self.last >> RANDOM_BITS { fresh } else { self.last + 1 };
        Ulid(self.last)
    }

    /// 79 bits, so that counting up inside one millisecond never spills into the time.
    fn random(&mut self) -> u128 {
        let high = u128::from(self.splitmix());
        let low = u128::from(self.splitmix());
        (high << 64 | low) & ((1 << (RANDOM_BITS - 1)) - 1)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn splitmix(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_increase_inside_a_millisecond_and_over_a_clock_set_back() {
        let mut ids = Ulids::new(7);
        let noon: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let before: Timestamp = "2026-01-01T11:00:00Z".parse().unwrap();
        let made: Vec<_> = [noon, noon, before, noon].map(|at| ids.next(at)).to_vec();
        assert!(made.is_sorted_by(|a, b| a < b && a.to_string() < b.to_string()), "{made:?}");
    }

    #[test]
    fn text_and_value_are_the_same_thing() {
        let id = Ulids::new(1).next("2026-01-01T12:00:00Z".parse().unwrap());
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().len(), LENGTH);
        assert!(id.to_string().starts_with("01KDWP"), "{id}");
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "01",
            "81KDX000000000000000000000",
            "01KDX00000000000000000000I",
            "01kdx000000000000000000000",
        ] {
            assert_eq!(text.parse::<Ulid>(), Err(NotAUlid), "{text}");
        }
    }
}
