//! Who may come in, as decisions: nonces, tokens, limits, tickets, proxies, origins. All of it is
//! values in, values out; instants and random bytes are arguments, and `web::guard` keeps the
//! books under its lock (docs/security.md).

pub(crate) mod challenge;
pub(crate) mod cookie;
pub(crate) mod hook;
pub(crate) mod letters;
pub(crate) mod origin;
pub(crate) mod password;
pub(crate) mod proxy;
pub(crate) mod redirect;
pub(crate) mod throttle;
pub(crate) mod ticket;
pub(crate) mod token;

use core::hint::black_box;

/// Whether two secrets are equal, in a time that tells only their lengths.
fn same(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |all, (a, b)| black_box(all | (a ^ b)));
    one.len() == other.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_equal_secrets_are_the_same() {
        assert!(same(b"", b""));
        assert!(same(b"abc", b"abc"));
        for other in [&b"abd"[..], b"ab", b"abcd", b"", b"bbc"] {
            assert!(!same(b"abc", other), "{other:?}");
        }
    }
}
