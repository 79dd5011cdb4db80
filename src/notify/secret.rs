//! Reads secrets where the configuration says that they stand, each time that one is needed, so
//! that a rotated file takes effect (docs/notifications.md, Secrets). No error names a value.

use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::base::sentence::error_text;
use crate::model::notifier::{Secret, Source};
use crate::notify::Facts;

/// The most that a file with a secret may hold.
const MOST: u64 = 64 * 1024;
/// Anybody but the owner may read it.
const SHARED: u32 = 0o044;

/// A secret that can be read, but should not stand as it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warning(pub(crate) String);

/// The secret as it is now. The error names the key.
pub(crate) fn read(secret: &Secret, facts: &Facts) -> Result<String, String> {
    reason(secret, facts).map_err(|reason| format!("{}: {reason}", secret.key))
}

/// What [`read`] says after the key.
fn reason(secret: &Secret, facts: &Facts) -> Result<String, String> {
    let text = match &secret.source {
        Source::Value(value) => value.clone(),
        Source::Variable(name) => match env::var(name) {
            Ok(value) => value,
            Err(env::VarError::NotPresent) => return Err(format!("{name} is not set")),
            Err(env::VarError::NotUnicode(_)) => return Err(format!("{name} is not UTF-8")),
        },
        Source::File(path) => from_file(&place(path, facts))?,
    };
    let text = text.trim();
    if !text.is_empty() {
        return Ok(text.to_owned());
    }
    Err(match &secret.source {
        Source::Value(_) => "is empty".to_owned(),
        Source::Variable(name) => format!("{name} is empty"),
        Source::File(path) => format!("{} is empty", place(path, facts).display()),
    })
}

/// For the boot: whether the secret could be read now, and whether others can. The error is what
/// is wrong, without the key.
pub(crate) fn probe(secret: &Secret, facts: &Facts) -> Result<Option<Warning>, String> {
    reason(secret, facts)?;
    let Source::File(path) = &secret.source else { return Ok(None) };
    let path = place(path, facts);
    let mode = fs::metadata(&path).map_or(0, |metadata| metadata.permissions().mode());
    let text = || format!("others can read {}, mode {:03o}", path.display(), mode & 0o777);
    Ok((mode & SHARED != 0).then(|| Warning(text())))
}

fn place(path: &Path, facts: &Facts) -> PathBuf {
    facts.data.join(path)
}

fn from_file(path: &Path) -> Result<String, String> {
    let failed = |error| format!("cannot read {}: {}", path.display(), error_text(&error));
    // A FIFO that nobody writes to would be waited for.
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = file.map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(format!("cannot read {}: not a regular file", path.display()));
    }
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MOST {
        return Err(format!("{} is longer than 64 KB", path.display()));
    }
    String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", path.display()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::notify::fixtures;
    use crate::store::scratch::Scratch;

    fn file(facts: &Facts, name: &str, text: &[u8], mode: u32) -> Secret {
        let path = facts.data.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Secret { key: "token_file", source: Source::File(name.into()) }
    }

    #[test]
    fn a_file_is_read_anew_each_time_and_trimmed() {
        let scratch = Scratch::new();
        let facts = fixtures::facts_in(scratch.path());
        let secret = file(&facts, "token", b"  one\n", 0o600);
        assert_eq!(read(&secret, &facts), Ok("one".to_owned()));
        assert_eq!(probe(&secret, &facts), Ok(None));
        file(&facts, "token", b"two", 0o640);
        assert_eq!(read(&secret, &facts), Ok("two".to_owned()));
        let path = scratch.path().join("token");
        let warning = format!("others can read {}, mode 640", path.display());
        assert_eq!(probe(&secret, &facts), Ok(Some(Warning(warning))));
    }

    #[test]
    fn what_cannot_be_read_is_named_and_never_shown() {
        let scratch = Scratch::new();
        let facts = fixtures::facts_in(scratch.path());
        let at = |name: &str| scratch.path().join(name).display().to_string();
        Command::new("mkfifo").arg(at("fifo")).status().unwrap();
        let source = |path: &str| Secret { key: "token_file", source: Source::File(path.into()) };
        for (secret, error) in [
            (source("none"), format!("cannot read {}: no such file or directory", at("none"))),
            (source("."), format!("cannot read {}: not a regular file", at("."))),
            (source("fifo"), format!("cannot read {}: not a regular file", at("fifo"))),
            (file(&facts, "blank", b" \n", 0o600), format!("{} is empty", at("blank"))),
            (file(&facts, "raw", b"\xffs3cret", 0o600), format!("{} is not UTF-8", at("raw"))),
            (
                file(&facts, "long", &vec![b'x'; 65 * 1024], 0o600),
                format!("{} is longer than 64 KB", at("long")),
            ),
        ] {
            assert_eq!(probe(&secret, &facts), Err(error.clone()));
            assert_eq!(read(&secret, &facts), Err(format!("token_file: {error}")));
        }
    }

    #[test]
    fn a_variable_is_one_of_the_daemon() {
        let facts = fixtures::facts();
        let variable =
            |name: &str| Secret { key: "token_env", source: Source::Variable(name.to_owned()) };
        assert_eq!(read(&variable("PATH"), &facts), Ok(env::var("PATH").unwrap()));
        let error = "token_env: NOBODY_SETS_THIS is not set".to_owned();
        assert_eq!(read(&variable("NOBODY_SETS_THIS"), &facts), Err(error));
    }
}
