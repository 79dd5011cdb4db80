//! The password as the database remembers it, so that a change between two starts is noticed:
//! argon2id as a PHC string. Made and checked once a start; it takes some 50 ms and 19 MiB.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;

use super::same;

/// Random bytes of a hash.
pub(crate) const SALT_BYTES: usize = 16;

/// What RFC 9106 calls m (KiB), t and p; the values are those of OWASP for argon2id.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const HASH_BYTES: usize = 32;
const PREFIX: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

/// The PHC string of a password.
pub(crate) fn hash(password: &str, salt: [u8; SALT_BYTES]) -> String {
    let params = Params::new(MEMORY, PASSES, LANES, Some(HASH_BYTES)).expect("they are in range");
    let mut memory = vec![Block::default(); params.block_count()];
    let mut hash = [0; HASH_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.as_bytes(), &salt, &mut hash, &mut memory)
        .expect("a password has less than 4 GiB");
    format!("{PREFIX}{}${}", BASE64.encode(salt), BASE64.encode(hash))
}

/// Whether the string is one of ours and was made of this password.
pub(crate) fn matches(stored: &str, password: &str) -> bool {
    let salt = stored.strip_prefix(PREFIX).and_then(|rest| rest.split('$').next());
    let salt = salt.and_then(|salt| BASE64.decode(salt).ok()?.try_into().ok());
    salt.is_some_and(|salt| same(hash(password, salt).as_bytes(), stored.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_knows_its_password() {
        let stored = hash("hunter2", [3; 16]);
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$AwMDAwMDAwMDAwMDAwMDAw$"));
        assert!(matches(&stored, "hunter2"));
        assert!(!matches(&stored, "hunter3"));
        assert!(!matches(&stored.replace("$Aw", "$Bw"), "hunter2"));
    }

    #[test]
    fn what_the_reference_implementation_made_is_understood() {
        let stored = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA\
                      $04jpQlFqpaJ6VZbUUk/zpWGISNgUVsjbydDAuyrAG+s";
        assert!(matches(stored, "hunter2"));
        assert_eq!(hash("hunter2", *b"saltsaltsaltsalt"), stored);
    }

    #[test]
    fn a_string_that_is_not_ours_matches_nothing() {
        for stored in [
            "",
            "hunter2",
            "$argon2id$v=19$m=19456,t=2,p=1$",
            "$argon2id$v=19$m=19456,t=2,p=1$AwMDAwMDAwMDAwMDAwMDAw",
            "$argon2id$v=19$m=19456,t=2,p=1$short$AAAA",
            "$argon2i$v=19$m=19456,t=2,p=1$AwMDAwMDAwMDAwMDAwMDAw$AAAA",
            "$2b$12$abcdefghijklmnopqrstuv",
        ] {
            assert!(!matches(stored, "hunter2"), "{stored}");
        }
    }
}
