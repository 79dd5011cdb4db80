//! What sessions stand on: the key that signs them, and a hash of the password that they were
//! given for. Another password than at the last start makes a new key, which ends all sessions
//! (docs/security.md, Sessions). The check is slow on purpose, so it has a thread of its own.

use std::io;
use std::thread::JoinHandle;

use crate::auth::password;
use crate::auth::token::Key;
use crate::daemon::secrets::{Password, Source};
use crate::inbox::Inbox;
use crate::model::change::Change;
use crate::store::writer::Writer;
use crate::store::{Error, Store};
use crate::sys::memory;
use crate::threads;
use crate::web::guard::keys::{KeyRing, Keys, Origin};

const SECRET: &str = "jwt_secret";
const HASH: &str = "password_hash";

/// What the last daemon left in `config_entries`.
pub(crate) struct Remembered {
    secret: Option<String>,
    hash: Option<String>,
}

impl Remembered {
    pub(crate) fn read(store: &Store) -> Result<Remembered, Error> {
        Ok(Remembered { secret: store.setting(SECRET)?, hash: store.setting(HASH)? })
    }
}

/// Starts the thread that puts the keys into `ring`, when they are durable.
pub(crate) fn settle(
    password: Password,
    remembered: Remembered,
    writer: Writer,
    ring: KeyRing,
    inbox: Inbox,
) -> io::Result<JoinHandle<()>> {
    threads::spawn_vital("keys", inbox, move || {
        let mut random = [0; 32 + password::SALT_BYTES];
        getrandom::fill(&mut random)
            .map_err(|error| format!("cannot read random bytes: {error}"))?;
        let Verdict { key, changes, sessions } = judge(&password.text, &remembered, &random);
        if !changes.is_empty() && writer.settle(changes).is_err() {
            // The daemon is leaving, or the writer has said why it cannot go on.
            return Ok(());
        }
        if sessions == Sessions::Ended {
            log::info!("password changed: all sessions were signed out");
        }
        let origin = match password.source {
            Source::File(_) => Origin::File,
            Source::Environment | Source::Credential(_) => Origin::Operator,
        };
        ring.put(Keys { password: password.text, origin, key });
        // Whatever else a start does is done by now.
        memory::give_back();
        memory::forget_start();
        Ok(())
    })
}

/// What becomes of the sessions that the last daemon gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sessions {
    Kept,
    /// Their key is gone, because the password is another one.
    Ended,
}

struct Verdict {
    key: Key,
    /// One transaction: never a new password beside the old key.
    changes: Vec<Change>,
    sessions: Sessions,
}

fn judge(text: &str, remembered: &Remembered, random: &[u8; 32 + password::SALT_BYTES]) -> Verdict {
    let (seed, salt) = random.split_first_chunk().expect("it is longer");
    let salt = salt.try_into().expect("the rest is the salt");
    let is_known = remembered.hash.as_ref().map(|hash| password::matches(hash, text));
    let sessions = match is_known {
        Some(false) => Sessions::Ended,
        Some(true) | None => Sessions::Kept,
    };
    let mut changes = Vec::new();
    if is_known != Some(true) {
        changes.push(Change::Set { key: HASH, value: password::hash(text, salt) });
    }
    let old = remembered.secret.as_deref().and_then(Key::from_text);
    let key = old.filter(|_| sessions == Sessions::Kept).unwrap_or_else(|| {
        let key = Key::new(*seed);
        changes.push(Change::Set { key: SECRET, value: key.to_text() });
        key
    });
    Verdict { key, changes, sessions }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: [u8; 48] = [9; 48];

    /// The key and what is written, by the names of the rows.
    fn judged(
        text: &str,
        secret: Option<&str>,
        hash: Option<&str>,
    ) -> (Key, Vec<&'static str>, Sessions) {
        let [secret, hash] = [secret, hash].map(|value| value.map(str::to_owned));
        let verdict = judge(text, &Remembered { secret, hash }, &RANDOM);
        let keys = verdict.changes.into_iter().filter_map(|change| {
            if let Change::Set { key, .. } = change { Some(key) } else { None }
        });
        (verdict.key, keys.collect(), verdict.sessions)
    }

    #[test]
    fn a_new_password_ends_all_sessions_and_nothing_else_does() {
        let old = Key::new([1; 32]);
        let secret = old.to_text();
        let hash = password::hash("hunter2", [1; 16]);
        let new = Key::new([9; 32]);
        for (text, secret, hash, key, written, sessions) in [
            ("hunter2", None, None, &new, &[HASH, SECRET][..], Sessions::Kept),
            ("hunter2", Some(&*secret), Some(&*hash), &old, &[], Sessions::Kept),
            ("hunter2", Some(&secret), None, &old, &[HASH], Sessions::Kept),
            ("hunter2", None, Some(&hash), &new, &[SECRET], Sessions::Kept),
            ("hunter2", Some("short"), Some(&hash), &new, &[SECRET], Sessions::Kept),
            ("hunter3", Some(&secret), Some(&hash), &new, &[HASH, SECRET], Sessions::Ended),
            ("hunter2", Some(&secret), Some("$1$x"), &new, &[HASH, SECRET], Sessions::Ended),
            ("hunter2", Some(&secret), Some(""), &new, &[HASH, SECRET], Sessions::Ended),
        ] {
            let expected = (key.clone(), written.to_vec(), sessions);
            assert_eq!(judged(text, secret, hash), expected, "{text} {secret:?} {hash:?}");
        }
    }
}
