//! Session tokens: JWTs that only the holder of the key can make (RFC 7515, RFC 7519;
//! docs/security.md, Sessions). There is no list of sessions: a new key ends them all.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// Seconds that a session lasts.
pub(crate) const LIFE: i64 = 86_400;

/// A longer token is not looked at; ours have some 180 bytes.
const LONGEST: usize = 4096;
const ALGORITHM: &str = "HS256";
const ISSUER: &str = "runwisp";
const AUDIENCE: &str = "runwisp-api";

/// What signs tokens.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key([u8; 32]);

#[derive(Serialize)]
struct OwnClaims {
    iss: &'static str,
    aud: &'static str,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: i64,
}

/// RFC 7519, 4.1.3.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Some(Vec<String>),
}

impl Key {
    pub(crate) fn new(random: [u8; 32]) -> Key {
        Key(random)
    }

    /// What [`Key::to_text`] wrote.
    pub(crate) fn from_text(text: &str) -> Option<Key> {
        BASE64.decode(text).ok()?.try_into().ok().map(Key)
    }

    pub(crate) fn to_text(&self) -> String {
        BASE64.encode(self.0)
    }

    /// A token from now on.
    pub(crate) fn sign(&self, now: Timestamp) -> String {
        let iat = now.as_second();
        let claims = OwnClaims { iss: ISSUER, aud: AUDIENCE, iat, exp: iat + LIFE };
        let claims = serde_json::to_vec(&claims).expect("our documents have text keys only");
        let header = format!(r#"{{"alg":"{ALGORITHM}","typ":"JWT"}}"#);
        let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
        let signature = self.mac(&signed).finalize().into_bytes();
        format!("{signed}.{}", BASE64.encode(signature))
    }

    /// When the token expires, if it is one of ours and has not.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Option<Timestamp> {
        if token.len() > LONGEST {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let signature = BASE64.decode(signature).ok()?;
        self.mac(signed).verify_slice(&signature).ok()?;
        // What is signed was made by us, or by an older or newer version of us.
        let header: Header = serde_json::from_slice(&BASE64.decode(header).ok()?).ok()?;
        let claims: Claims = serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()?;
        let is_for_us = match &claims.aud {
            Audience::One(audience) => audience == AUDIENCE,
            Audience::Some(audiences) => audiences.iter().any(|audience| audience == AUDIENCE),
        };
        let until = Timestamp::from_second(claims.exp).ok()?;
        let is_good = header.alg == ALGORITHM && claims.iss == ISSUER && is_for_us && now < until;
        is_good.then_some(until)
    }

    fn mac(&self, text: &str) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0);
        mac.expect("a key may have any length").chain_update(text)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(<hidden>)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> Key {
        Key::new([7; 32])
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// A token with a good signature, whatever it says.
    fn signed(header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
        let signature = key().mac(&signed).finalize().into_bytes();
        format!("{signed}.{}", BASE64.encode(signature))
    }

    const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

    #[test]
    fn a_token_is_good_for_a_day() {
        let token = key().sign(at(1000));
        assert_eq!(key().verify(&token, at(1000)), Some(at(87_400)));
        assert_eq!(key().verify(&token, at(87_399)), Some(at(87_400)));
        assert_eq!(key().verify(&token, at(87_400)), None, "the second of exp is too late");
        assert_eq!(key().verify(&token, at(0)), Some(at(87_400)), "the clock was set back");
        assert_eq!(Key::new([8; 32]).verify(&token, at(1000)), None);
        let parts: Vec<_> = token.split('.').map(|part| BASE64.decode(part).unwrap()).collect();
        assert_eq!(parts[0], HEADER.as_bytes());
        let claims = br#"{"iss":"runwisp","aud":"runwisp-api","iat":1000,"exp":87400}"#;
        assert_eq!(parts[1], claims);
    }

    #[test]
    fn a_token_must_say_what_ours_say() {
        let claims = r#"{"iss":"runwisp","aud":"runwisp-api","exp":2000}"#;
        for (header, claims, is_good) in [
            (HEADER, claims, true),
            (HEADER, r#"{"iss":"runwisp","aud":["x","runwisp-api"],"exp":2000}"#, true),
            (r#"{"alg":"none"}"#, claims, false),
            (r#"{"alg":"hs256"}"#, claims, false),
            (r#"{"alg":"HS512"}"#, claims, false),
            (r#"{"typ":"JWT"}"#, claims, false),
            ("{}", claims, false),
            (HEADER, r#"{"iss":"other","aud":"runwisp-api","exp":2000}"#, false),
            (HEADER, r#"{"iss":"runwisp","aud":"other","exp":2000}"#, false),
            (HEADER, r#"{"iss":"runwisp","aud":[],"exp":2000}"#, false),
            (HEADER, r#"{"iss":"runwisp","exp":2000}"#, false),
            (HEADER, r#"{"iss":"runwisp","aud":"runwisp-api"}"#, false),
            (HEADER, r#"{"iss":"runwisp","aud":"runwisp-api","exp":"2000"}"#, false),
            (HEADER, r#"{"iss":"runwisp","aud":"runwisp-api","exp":1e300}"#, false),
            (HEADER, r#"{"iss":"runwisp","aud":"runwisp-api","exp":9223372036854775807}"#, false),
            (HEADER, "", false),
        ] {
            let verdict = key().verify(&signed(header, claims), at(1000));
            assert_eq!(verdict.is_some(), is_good, "{header} {claims}");
        }
    }

    #[test]
    fn a_token_in_another_form_is_refused() {
        let token = key().sign(at(1000));
        let unsigned = token.rsplit_once('.').unwrap().0;
        let none = BASE64.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let claims = token.split('.').nth(1).unwrap();
        for bad in [
            String::new(),
            "..".to_owned(),
            "...".to_owned(),
            unsigned.to_owned(),
            format!("{unsigned}."),
            format!("{none}.{claims}."),
            format!("{token}="),
            format!("{token}.x"),
            format!("x.{token}"),
            format!(" {token}"),
            signed(HEADER, &" ".repeat(4000)),
        ] {
            assert_eq!(key().verify(&bad, at(1000)), None, "{bad}");
        }
        let padded =
            format!(r#"{{"iss":"runwisp","aud":"runwisp-api","exp":2000{}}}"#, " ".repeat(3000));
        assert_eq!(key().verify(&signed(HEADER, &padded), at(1000)), None, "over 4 KiB");
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        assert_eq!(Key::from_text(&key().to_text()), Some(key()));
        assert_eq!(key().to_text().len(), 43);
        for bad in ["", "AAAA", &(key().to_text() + "="), &"!".repeat(43)] {
            assert_eq!(Key::from_text(bad), None, "{bad}");
        }
        assert_eq!(format!("{:?}", key()), "Key(<hidden>)");
    }

    proptest! {
        #[test]
        fn no_other_text_is_a_token(text in r"[A-Za-z0-9_.=-]{0,200}|.{0,80}") {
            prop_assert_eq!(key().verify(&text, at(1000)), None);
        }

        #[test]
        fn a_changed_token_is_refused(place in 0usize..180, letter in "[A-Za-z0-9._-]") {
            let token = key().sign(at(1000));
            let mut changed = token.clone();
            let place = place % token.len();
            changed.replace_range(place..=place, &letter);
            prop_assert_eq!(key().verify(&changed, at(1000)).is_some(), changed == token);
        }
    }
}
