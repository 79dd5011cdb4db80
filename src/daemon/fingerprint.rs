//! The name of this instance, such as `bright-falcon`, which tells one dashboard from another.

use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::daemon::words::{ADJECTIVES, NOUNS};

/// A valid name of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(String);

impl Fingerprint {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// `RUNWISP_FINGERPRINT` has a value that cannot be a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadFingerprint(String);

impl fmt::Display for BadFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RUNWISP_FINGERPRINT: {:?} must be 1 to 64 of a-z, 0-9 and -", self.0)
    }
}

/// The variable's value, else the stored name, else one derived from machine and directory,
/// which the caller stores.
pub(crate) fn fingerprint(
    variable: Option<&str>,
    stored: Option<&str>,
    machine_id: &str,
    directory: &Path,
) -> Result<Fingerprint, BadFingerprint> {
    match (variable, stored) {
        (Some(name), _) if is_valid(name) => Ok(Fingerprint(name.to_owned())),
        (Some(name), _) => Err(BadFingerprint(name.to_owned())),
        (None, Some(name)) => Ok(Fingerprint(name.to_owned())),
        (None, None) => Ok(derived(machine_id, directory)),
    }
}

/// What tells this machine from others: its id, else its name.
pub(crate) fn machine_id() -> String {
    let files = ["/etc/machine-id", "/var/lib/dbus/machine-id", "/proc/sys/kernel/hostname"];
    let texts = files.into_iter().filter_map(|file| fs::read_to_string(file).ok());
    let mut ids = texts.map(|text| text.trim().to_owned()).filter(|id| !id.is_empty());
    ids.next().unwrap_or_default()
}

fn is_valid(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(is_allowed)
}

fn derived(machine_id: &str, directory: &Path) -> Fingerprint {
    let hash = Sha256::new()
        .chain_update(machine_id)
        .chain_update([0])
        .chain_update(directory.as_os_str().as_bytes())
        .finalize();
    let word = |list: &'static str, index: u8| {
        list.split_ascii_whitespace().nth(usize::from(index)).expect("each list has 256 words")
    };
    Fingerprint(format!("{}-{}", word(ADJECTIVES, hash[0]), word(NOUNS, hash[1])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_list_has_256_different_plain_words() {
        for list in [ADJECTIVES, NOUNS] {
            let mut words: Vec<&str> = list.split_ascii_whitespace().collect();
            assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
            words.sort_unstable();
            let twice: Vec<_> = words.windows(2).filter(|pair| pair[0] == pair[1]).collect();
            assert_eq!((words.len(), twice), (256, Vec::new()));
        }
    }

    #[test]
    fn the_variable_wins_over_the_stored_name_and_that_over_the_derived_one() {
        let name = |variable, stored| {
            fingerprint(variable, stored, "m", Path::new("/d")).map(|name| name.as_str().to_owned())
        };
        assert_eq!(name(Some("my-box-1"), Some("old-name")), Ok("my-box-1".to_owned()));
        assert_eq!(name(None, Some("old-name")), Ok("old-name".to_owned()));
        let derived = name(None, None).unwrap();
        assert_eq!(derived.split('-').count(), 2, "{derived}");
        assert_eq!(name(None, None), Ok(derived));
        for bad in ["", "Upper", "a_b", "a b", &"x".repeat(65)] {
            let message = name(Some(bad), None).unwrap_err().to_string();
            assert!(message.ends_with("must be 1 to 64 of a-z, 0-9 and -"), "{message}");
        }
    }

    #[test]
    fn machine_and_directory_both_make_the_name() {
        let names: Vec<Fingerprint> = [("a", "/x"), ("a", "/y"), ("b", "/x")]
            .map(|(machine, directory)| derived(machine, Path::new(directory)))
            .into();
        assert!(names[0] != names[1] && names[0] != names[2]);
    }
}
