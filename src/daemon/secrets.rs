//! The password: from the environment, from its file in the data directory, or made by us.
//! Nothing here ever puts its value into an error, a warning or a log line.

use std::ffi::OsString;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::auth::letters::letters;
use crate::daemon::whole_file;

/// The variable that wins over the file.
pub(crate) const VARIABLE: &str = "RUNWISP_PASSWORD";
const FILE: &str = "password";
const CREDENTIAL: &str = "runwisp.password";
/// The most bytes that a password file may hold.
const MAX_FILE: u64 = 4096;
/// Letters of a password that we make; about 131 bits.
const GENERATED: usize = 22;
/// What templates say where a password belongs: public knowledge.
const PLACEHOLDERS: [&str; 4] =
    ["change-me", "changeme", "change-me-please", "replace-with-a-long-random-string"];

/// A password and where it came from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password {
    pub(crate) text: String,
    pub(crate) source: Source,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Environment,
    /// Handed over by the service manager.
    Credential(PathBuf),
    /// In the data directory.
    File(PathBuf),
}

/// What was found; `None` asks for [`generate`] and [`store`], which only the daemon and `init` do.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) password: Option<Password>,
    /// Whole sentences for the log.
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug)]
pub(crate) enum SecretError {
    Placeholder(Source),
    NotText(Source),
    Empty(PathBuf),
    NotAFile(PathBuf),
    TooLong(PathBuf),
    Unreadable(PathBuf, io::Error),
    Symlink(PathBuf),
    Write(PathBuf, io::Error),
    Random(getrandom::Error),
}

/// Where the password file of a data directory is.
pub(crate) fn path(data: &Path) -> PathBuf {
    data.join(FILE)
}

/// Looks at the environment's value, then at the file. Creates nothing.
pub(crate) fn read(variable: Option<OsString>, data: &Path) -> Result<Found, SecretError> {
    find(variable, None, data)
}

/// [`read`] for the daemon: between the two it looks into the directory of credentials that a
/// service manager has made for it (systemd.exec(5), LoadCredential=).
pub(crate) fn find(
    variable: Option<OsString>,
    credentials: Option<OsString>,
    data: &Path,
) -> Result<Found, SecretError> {
    let mut warnings = Vec::new();
    let mut password = from_environment(variable, &mut warnings)?;
    if let (None, Some(directory)) = (&password, credentials) {
        // Its mode is the manager's own business.
        let path = Path::new(&directory).join(CREDENTIAL);
        password = from_file(&path, Source::Credential(path.clone()), &mut Vec::new())?;
    }
    if password.is_none() {
        let path = path(data);
        password = from_file(&path, Source::File(path.clone()), &mut warnings)?;
    }
    if let Some(Password { text, source }) = &password {
        let lower = text.to_ascii_lowercase();
        let is_template = lower.starts_with('<') && lower.ends_with('>');
        if is_template || PLACEHOLDERS.contains(&lower.as_str()) {
            return Err(SecretError::Placeholder(source.clone()));
        }
        if text.chars().count() < 8 {
            warnings.push(format!("the password from {source} is shorter than 8 characters"));
        }
    }
    Ok(Found { password, warnings })
}

/// A new password: letters and digits, each equally likely.
pub(crate) fn generate() -> Result<String, SecretError> {
    letters(GENERATED, getrandom::fill).map_err(SecretError::Random)
}

/// Puts a password into its file, 0600 whatever the umask.
pub(crate) fn store(data: &Path, password: &str) -> Result<PathBuf, SecretError> {
    let path = path(data);
    match whole_file::at(&path) {
        Ok(Some(kind)) if kind.is_symlink() => return Err(SecretError::Symlink(path)),
        Ok(_) => {}
        Err(error) => return Err(SecretError::Write(path, error)),
    }
    match whole_file::write(&path, &format!("{password}\n"), 0o600) {
        Ok(()) => Ok(path),
        Err(error) => Err(SecretError::Write(path, error)),
    }
}

fn from_environment(
    variable: Option<OsString>,
    warnings: &mut Vec<String>,
) -> Result<Option<Password>, SecretError> {
    let Some(value) = variable else { return Ok(None) };
    let text = text(value.into_vec(), &Source::Environment)?;
    if text.trim().is_empty() {
        warnings.push(format!("{VARIABLE} is set but empty: treated as unset"));
        return Ok(None);
    }
    Ok(Some(Password { text, source: Source::Environment }))
}

fn from_file(
    path: &Path,
    source: Source,
    warnings: &mut Vec<String>,
) -> Result<Option<Password>, SecretError> {
    let unreadable = |error| SecretError::Unreadable(path.to_owned(), error);
    // Without O_NONBLOCK a FIFO in its place would hold the start for ever.
    let file = match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let facts = file.metadata().map_err(unreadable)?;
    if !facts.is_file() {
        return Err(SecretError::NotAFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(SecretError::TooLong(path.to_owned()));
    }
    let text = text(bytes, &source)?;
    if text.trim().is_empty() {
        return Err(SecretError::Empty(path.to_owned()));
    }
    if facts.permissions().mode() & 0o066 != 0 {
        warnings
            .push(format!("password file {0} is open to others; chmod 600 {0}", path.display()));
    }
    Ok(Some(Password { text, source }))
}

/// Without the newline that editors and `echo` leave at the end; nothing else is trimmed.
fn text(bytes: Vec<u8>, source: &Source) -> Result<String, SecretError> {
    let mut text = String::from_utf8(bytes).map_err(|_| SecretError::NotText(source.clone()))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Password(<hidden> from {})", self.source)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Environment => f.write_str(VARIABLE),
            Source::Credential(path) | Source::File(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretError::Placeholder(source) => {
                write!(
                    f,
                    "{source}: this password stands in templates that everybody can read; choose another"
                )
            }
            SecretError::NotText(source) => write!(f, "{source}: the password is not UTF-8"),
            SecretError::Empty(path) => write!(f, "password file {} is empty", path.display()),
            SecretError::NotAFile(path) => {
                write!(f, "password file {} is not a regular file", path.display())
            }
            SecretError::TooLong(path) => {
                write!(f, "password file {} is larger than 4 KiB", path.display())
            }
            SecretError::Unreadable(path, error) => {
                write!(f, "cannot read password file {}: {error}", path.display())
            }
            SecretError::Symlink(path) => {
                write!(f, "refusing to write {}: path is a symlink", path.display())
            }
            SecretError::Write(path, error) => {
                write!(f, "cannot write password file {}: {error}", path.display())
            }
            SecretError::Random(error) => {
                write!(f, "cannot get random bytes for a password: {error}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::symlink;

    use super::*;

    /// A fresh directory; `name` is the test's own.
    fn directory(name: &str) -> PathBuf {
        let directory =
            std::env::temp_dir().join(format!("runwisp-secrets-{name}-{}", std::process::id()));
        // It exists only when an earlier test process of the same number died.
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).unwrap();
        directory
    }

    fn put(data: &Path, text: &[u8], mode: u32) {
        fs::write(path(data), text).unwrap();
        fs::set_permissions(path(data), Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_environment_wins_and_only_its_newline_is_cut() {
        let data = directory("environment");
        put(&data, b"from the file\n", 0o600);
        for (value, text, from_file, warnings) in [
            (Some(" long enough \r\n"), " long enough ", false, 0),
            (Some("two\n\n\n\n\n\n"), "two\n\n\n\n\n", false, 0),
            (Some("tiny"), "tiny", false, 1),
            (Some(""), "from the file", true, 1),
            (Some("\n"), "from the file", true, 1),
            (None, "from the file", true, 0),
        ] {
            let found = read(value.map(OsString::from), &data).unwrap();
            let password = found.password.unwrap();
            assert_eq!(password.text, text, "{value:?}");
            let source = if from_file { Source::File(path(&data)) } else { Source::Environment };
            assert_eq!((&password.source, found.warnings.len()), (&source, warnings), "{value:?}");
            assert!(!format!("{password:?} {:?}", found.warnings).contains(text));
        }
        fs::remove_dir_all(data).unwrap();
    }

    #[test]
    fn a_file_that_holds_no_password_is_refused() {
        let data = directory("files");
        for (text, expected) in [
            (&b""[..], "is empty"),
            (b" \n\t\n", "is empty"),
            (b"\xff\xfe\n", "is not UTF-8"),
            (&[b'x'; 4097], "is larger than 4 KiB"),
            (b"change-me\n", "stands in templates"),
            (b"<your password>", "stands in templates"),
        ] {
            put(&data, text, 0o600);
            let message = read(None, &data).unwrap_err().to_string();
            assert!(message.contains(expected) && message.contains("/password"), "{message}");
        }
        fs::remove_file(path(&data)).unwrap();
        fs::create_dir(path(&data)).unwrap();
        assert!(read(None, &data).unwrap_err().to_string().ends_with("is not a regular file"));
        fs::remove_dir_all(data).unwrap();
    }

    #[test]
    fn a_credential_stands_between_the_variable_and_the_file() {
        let (data, credentials) = (directory("data"), directory("credentials"));
        put(&data, b"from the file\n", 0o600);
        let file = credentials.join(CREDENTIAL);
        let find = |variable: Option<&str>| {
            let directory = Some(credentials.clone().into_os_string());
            super::find(variable.map(OsString::from), directory, &data)
        };
        assert_eq!(find(None).unwrap().password.unwrap().text, "from the file");
        fs::write(&file, "from the manager\n").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o440)).unwrap();
        let found = find(None).unwrap();
        let source = Source::Credential(file.clone());
        assert_eq!(found.password, Some(Password { text: "from the manager".to_owned(), source }));
        assert_eq!(found.warnings, [""; 0]);
        assert_eq!(find(Some("from outside")).unwrap().password.unwrap().text, "from outside");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        fs::write(&file, "changeme").unwrap();
        assert!(find(None).unwrap_err().to_string().contains("runwisp.password: this password"));
        fs::remove_dir_all(data).unwrap();
        fs::remove_dir_all(credentials).unwrap();
    }

    #[test]
    fn a_file_that_others_read_or_write_is_a_warning() {
        let data = directory("modes");
        for mode in [0o640, 0o620, 0o604, 0o602] {
            put(&data, b"long enough\n", mode);
            assert!(read(None, &data).unwrap().warnings[0].contains("chmod 600"), "{mode:o}");
        }
        fs::remove_dir_all(data).unwrap();
    }

    #[test]
    fn a_made_password_is_stored_for_us_alone_and_read_again() {
        let data = directory("made");
        assert!(read(None, &data).unwrap().password.is_none());
        let password = generate().unwrap();
        assert_eq!(password.len(), 22);
        assert!(password.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(password, generate().unwrap());
        let path = store(&data, &password).unwrap();
        let facts = fs::metadata(&path).unwrap();
        assert_eq!((facts.len(), facts.permissions().mode() & 0o7777), (23, 0o600));
        assert_eq!(read(None, &data).unwrap().password.unwrap().text, password);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "no temporary file is left");
        fs::remove_dir_all(data).unwrap();
    }

    #[test]
    fn a_symlink_is_read_but_never_written() {
        let data = directory("symlink");
        symlink(data.join("elsewhere"), path(&data)).unwrap();
        assert!(read(None, &data).unwrap().password.is_none());
        let message = store(&data, "x").unwrap_err().to_string();
        assert!(message.starts_with("refusing to write") && message.ends_with("path is a symlink"));
        assert!(!data.join("elsewhere").exists());
        fs::write(data.join("elsewhere"), "long enough\n").unwrap();
        assert_eq!(read(None, &data).unwrap().password.unwrap().text, "long enough");
        fs::remove_dir_all(data).unwrap();
    }
}
