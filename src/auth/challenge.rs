//! The challenge of a login: nonces that are good for one answer, and the answer that proves the
//! password (docs/security.md, Login). The password itself never travels.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::same;
use super::throttle::Attempt;

/// How long a nonce waits for its answer.
const LIFE: Duration = Duration::from_secs(300);
/// The most nonces that wait; the oldest makes room.
const MOST: usize = 1000;

/// Random bytes of a nonce.
pub(crate) const NONCE_BYTES: usize = 32;

/// The nonces that wait for an answer, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Nonces(VecDeque<Nonce>);

#[derive(Debug)]
struct Nonce {
    text: String,
    /// On the steady clock.
    issued: Duration,
    paid: Option<Attempt>,
}

/// A nonce that was live until now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Consumed {
    /// The attempt that was taken for it; callers without an address pay nothing.
    pub(crate) paid: Option<Attempt>,
}

impl Nonces {
    /// A nonce of these random bytes: 64 hexadecimal digits.
    pub(crate) fn issue(
        &mut self,
        random: [u8; NONCE_BYTES],
        paid: Option<Attempt>,
        now: Duration,
    ) -> String {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        let text = hex(&random);
        self.0.push_back(Nonce { text: text.clone(), issued: now, paid });
        text
    }

    /// Takes a nonce away, whatever its answer will be worth. `None`: unknown, too old or used.
    pub(crate) fn consume(&mut self, text: &str, now: Duration) -> Option<Consumed> {
        let place = self.0.iter().position(|nonce| nonce.text == text)?;
        let nonce = self.0.remove(place)?;
        (now.saturating_sub(nonce.issued) < LIFE).then_some(Consumed { paid: nonce.paid })
    }
}

/// Whether this is the answer of somebody who knows the password; hexadecimal in any case.
pub(crate) fn is_answered(password: &str, nonce: &str, response: &str) -> bool {
    let digest = Sha256::new().chain_update(password).chain_update(":").chain_update(nonce);
    same(hex(&digest.finalize()).as_bytes(), response.to_ascii_lowercase().as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_published_answer_is_right_and_no_other() {
        let nonce = "a".repeat(64);
        let right = "11d2f21b420693b3cbb79c186807e2b8693e53863c9eebd56b2de06e05f5c34d";
        assert!(is_answered("hunter2", &nonce, right));
        assert!(is_answered("hunter2", &nonce, &right.to_uppercase()));
        for wrong in ["", &right[1..], &right.replace("11d2", "11d3"), &format!("{right}0"), "é"] {
            assert!(!is_answered("hunter2", &nonce, wrong), "{wrong}");
        }
        assert!(!is_answered("hunter3", &nonce, right));
        assert!(!is_answered("hunter2", &"b".repeat(64), right));
    }

    #[test]
    fn a_nonce_is_good_once_and_for_five_minutes() {
        let mut nonces = Nonces::default();
        let nonce = nonces.issue([0xab; 32], None, SECOND);
        assert_eq!(nonce, "ab".repeat(32));
        assert_eq!(nonces.consume(&nonce.to_uppercase(), SECOND), None);
        assert_eq!(nonces.consume(&nonce, 300 * SECOND), Some(Consumed { paid: None }));
        assert_eq!(nonces.consume(&nonce, 300 * SECOND), None);
        let late = nonces.issue([1; 32], None, SECOND);
        assert_eq!(nonces.consume(&late, 301 * SECOND), None);
        assert_eq!(nonces.consume(&late, SECOND), None);
    }

    #[test]
    fn the_thousand_newest_nonces_wait() {
        let mut nonces = Nonces::default();
        let random = |n: u16| {
            let mut bytes = [0; 32];
            bytes[..2].copy_from_slice(&n.to_be_bytes());
            bytes
        };
        let issued: Vec<_> = (0..1001).map(|n| nonces.issue(random(n), None, SECOND)).collect();
        assert_eq!(nonces.consume(&issued[0], SECOND), None);
        assert!(issued[1..].iter().all(|nonce| nonces.consume(nonce, SECOND).is_some()));
    }
}
