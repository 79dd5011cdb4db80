//! `runwisp init`: a commented configuration to start from, and a password where it is clear
//! that the daemon will use it.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io::{self, IsTerminal};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use crate::base::sentence::error_text;
use crate::cli::args::Existing;
use crate::cli::globals::{Globals, Origin};
use crate::cli::{Failure, Outcome};
use crate::daemon::{secrets, whole_file};

/// The first line of files that are made here: where editors find the schema, if somebody puts it
/// there (docs/configuration.md, Editors).
pub(crate) const SCHEMA: &str = "#:schema ./runwisp.schema.json";
/// What it writes.
pub(crate) const STARTER: &str = include_str!("starter.toml");
/// The group reads: on a server the daemon's group owns the directory (docs/deployment.md).
pub(crate) const MODE: u32 = 0o640;

pub(crate) fn run(
    globals: &Globals,
    existing: Existing,
    password: Option<OsString>,
) -> Result<Outcome, Failure> {
    let path = &globals.config.path;
    let shown = path.display();
    let cannot =
        |error: io::Error| Failure::Error(format!("cannot write {shown}: {}", error_text(&error)));
    match (whole_file::at(path).map_err(cannot)?, existing) {
        (Some(kind), _) if kind.is_symlink() => {
            return Err(Failure::Error(format!("refusing to write {shown}: path is a symlink")));
        }
        (Some(kind), _) if kind.is_dir() => {
            return Err(Failure::Error(format!("cannot write {shown}: is a directory")));
        }
        (Some(_), Existing::Refuse) => {
            return Err(Failure::Error(format!("{shown} already exists; --force replaces it")));
        }
        (Some(_), Existing::Replace) | (None, _) => {}
    }
    whole_file::write(path, STARTER, MODE).map_err(cannot)?;
    let about_password = password_line(globals, password)?;
    let text =
        format!("wrote {shown}\n{about_password}\nnext: edit it, then \"runwisp validate\"\n");
    Ok(Outcome::success(text))
}

/// What becomes of the password; it is made only where the daemon will surely look for it.
fn password_line(globals: &Globals, variable: Option<OsString>) -> Result<String, Failure> {
    let failed = |error: secrets::SecretError| Failure::Error(error.to_string());
    let data = &globals.data.path;
    let file = secrets::path(data);
    if variable.is_some_and(|value| !value.is_empty()) {
        return Ok(format!("password: the one in {}", secrets::VARIABLE));
    }
    if let Ok(Some(_)) = whole_file::at(&file) {
        return Ok(format!("password: the one in {}", file.display()));
    }
    if globals.data.origin == Origin::Default && globals.config.path.is_absolute() {
        return Ok(format!(
            "password: the daemon makes one at its first start and writes it to the file \"password\" \
             in its data directory ({} unless --data says another)",
            data.display()
        ));
    }
    make_directory(data)?;
    let password = secrets::generate().map_err(failed)?;
    let path = secrets::store(data, &password).map_err(failed)?;
    let place = path.display();
    Ok(match io::stdout().is_terminal() {
        true => format!("password: {password} (kept in {place})"),
        false => format!("password: saved in {place}"),
    })
}

fn make_directory(data: &Path) -> Result<(), Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(|error| {
        let (data, cause) = (data.display(), error_text(&error));
        Failure::Error(format!("cannot create data directory {data}: {cause}"))
    })
}
