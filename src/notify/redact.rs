//! Keeps secrets out of every text about a delivery: out of the log, the feed, the API
//! (docs/notifications.md, Secrets).

use crate::base::order;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// What stands in the place of a secret.
const REDACTED: &str = "[redacted]";
/// Shorter values are words like any other.
const SHORTEST: usize = 4;
/// A part of a path that is as long as this can be the secret in it.
const SEGMENT: usize = 8;
/// The most characters of a text about a delivery.
const LONGEST: usize = 300;

/// The secrets of one notifier, in every form that they may come back in.
#[derive(Default)]
pub(crate) struct Redactor {
    /// The longest first, so that no part of one is left where another is inside it.
    values: Vec<String>,
}

impl Redactor {
    /// A token, or any other value.
    pub(crate) fn hide(&mut self, value: &str) {
        if value.len() < SHORTEST || self.values.iter().any(|known| known == value) {
            return;
        }
        self.values.push(value.to_owned());
        order::sort_by(&mut self.values, |a, b| b.len().cmp(&a.len()));
    }

    /// A URL: all of it, what follows the host, each long part of the path, and what follows `=`.
    pub(crate) fn hide_url(&mut self, url: &str) {
        self.hide(url);
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        if let Some((user, _)) = rest.split('/').next().and_then(|host| host.rsplit_once('@')) {
            self.hide(user);
        }
        let Some(start) = rest.find(['/', '?', '#']) else { return };
        let tail = &rest[start..];
        // A lone slash is no secret, and hiding it would spoil every text.
        self.hide(tail);
        self.hide(tail.trim_matches('/'));
        for part in tail.split(['/', '?', '&', '=', '#']).filter(|part| part.len() >= SEGMENT) {
            self.hide(part);
        }
    }

    /// A password, also as `AUTH PLAIN` and `AUTH LOGIN` say it (RFC 4616).
    pub(crate) fn hide_login(&mut self, user: &str, password: &str) {
        self.hide(password);
        for engine in [STANDARD, STANDARD_NO_PAD] {
            self.hide(&engine.encode(password));
            self.hide(&engine.encode(format!("\0{user}\0{password}")));
        }
    }

    /// The value of a header; often its last word is the secret: `Bearer 3f2a…`.
    pub(crate) fn hide_header(&mut self, value: &str) {
        self.hide(value);
        value
            .split_whitespace()
            .filter(|word| word.len() >= SEGMENT)
            .for_each(|word| self.hide(word));
    }

    /// The text without secrets, on one line behind `prefix`, without control characters, at most
    /// 300 characters.
    pub(crate) fn clean(&self, prefix: &str, text: &str) -> String {
        let mut text = text.to_owned();
        for value in &self.values {
            if text.contains(value) {
                text = text.replace(value, REDACTED);
            }
        }
        let words = text
            .split(|letter: char| letter.is_whitespace() || letter.is_control())
            .filter(|word| !word.is_empty());
        let line = format!("{prefix}{}", words.collect::<Vec<_>>().join(" "));
        match line.char_indices().nth(LONGEST) {
            None => line,
            Some(_) => {
                let end = line.char_indices().nth(LONGEST - 1).map_or(0, |(end, _)| end);
                format!("{}…", &line[..end])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_of_a_secret_is_hidden() {
        let mut redactor = Redactor::default();
        redactor.hide_url("https://hooks.example/services/T000/B11111111/s3cr3tpart?key=abcdefgh");
        redactor.hide("123456:token");
        redactor.hide_login("bob", "hunter2hunter2");
        redactor.hide("abc");
        redactor.hide_header("Bearer 3f2a3f2a");
        for (text, clean) in [
            (
                "no way to https://hooks.example/services/T000/B11111111/s3cr3tpart?key=abcdefgh !",
                "no way to [redacted] !",
            ),
            ("POST /services/T000/B11111111/s3cr3tpart?key=abcdefgh: 404", "POST [redacted]: 404"),
            (
                "unknown s3cr3tpart of B11111111, abcdefgh",
                "unknown [redacted] of [redacted], [redacted]",
            ),
            ("host hooks.example is not there", "host hooks.example is not there"),
            ("/bot123456:token/sendMessage", "/bot[redacted]/sendMessage"),
            ("aHVudGVyMmh1bnRlcjI=", "[redacted]"),
            ("AUTH PLAIN AGJvYgBodW50ZXIyaHVudGVyMg==", "AUTH PLAIN [redacted]"),
            ("abc is short", "abc is short"),
            ("3f2a3f2a is no Bearer", "[redacted] is no Bearer"),
            ("two\r\n lines\u{1b}[0m\u{0}", "two lines [0m"),
        ] {
            assert_eq!(redactor.clean("", text), clean);
        }
        assert_eq!(redactor.clean("", &"ä".repeat(301)), format!("{}…", "ä".repeat(299)));
        assert_eq!(redactor.clean("", &"ä".repeat(300)), "ä".repeat(300));
    }

    proptest! {
        #[test]
        fn no_secret_survives(
            secret in "[a-zA-Z0-9/+]{4,40}",
            before in "[^\u{0}-\u{1f}]{0,20}",
            after in "[^\u{0}-\u{1f}]{0,20}",
        ) {
            let mut redactor = Redactor::default();
            redactor.hide(&secret);
            let clean = redactor.clean("", &format!("{before}{secret}{after}"));
            prop_assume!(!REDACTED.contains(&secret));
            prop_assert!(!clean.contains(&secret), "{clean}");
        }
    }
}
