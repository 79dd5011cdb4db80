//! The settings that every command accepts: flag over environment over default.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::cli::argv::{Argv, Usage};
use crate::logging::{Level, Look};

/// The control socket in the data directory.
pub(crate) const SOCKET: &str = "runwisp.sock";
/// The HTTP port where nobody says another.
const DEFAULT_PORT: u16 = 9477;

/// What every command accepts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Globals {
    pub(crate) config: Setting,
    pub(crate) data: Setting,
    /// The control socket.
    pub(crate) socket: Setting,
    /// The address that the daemon binds and clients call: a name, or an IP without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether somebody chose the host or the port.
    pub(crate) address: Origin,
    pub(crate) log_level: Level,
    pub(crate) log_format: Look,
}

/// A path and who chose it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) path: PathBuf,
    pub(crate) origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag,
    Environment,
    Default,
}

/// What the arguments are read against.
pub(crate) struct Surroundings<'a> {
    /// Looks up an environment variable.
    pub(crate) env: &'a dyn Fn(&str) -> Option<OsString>,
    /// The effective user is root.
    pub(crate) is_root: bool,
    /// There is a `runwisp.toml` in the current directory.
    pub(crate) has_local_config: bool,
}

/// The global flags as they were typed.
pub(crate) struct GlobalFlags {
    config: Option<OsString>,
    data: Option<OsString>,
    socket: Option<OsString>,
    host: Option<String>,
    port: Option<String>,
    log_level: Option<String>,
    log_format: Option<String>,
}

impl GlobalFlags {
    pub(crate) fn take(argv: &mut Argv) -> Result<GlobalFlags, Usage> {
        Ok(GlobalFlags {
            config: argv.os_value(&["-c", "--config"])?,
            data: argv.os_value(&["--data"])?,
            socket: argv.os_value(&["--socket"])?,
            host: argv.value(&["--host"])?,
            port: argv.value(&["-p", "--port"])?,
            log_level: argv.value(&["--log-level"])?,
            log_format: argv.value(&["--log-format"])?,
        })
    }

    /// Whether the user chose a config file or a data directory by flag.
    pub(crate) fn name_a_path(&self) -> bool {
        self.config.is_some() || self.data.is_some()
    }

    /// Fills in the environment and the defaults (docs/running.md, Flags and environment).
    pub(crate) fn settle(self, around: &Surroundings<'_>) -> Result<Globals, String> {
        let system_config = around.is_root && !around.has_local_config;
        let config = path(around, self.config, "RUNWISP_CONFIG", || match system_config {
            true => "/etc/runwisp/runwisp.toml".into(),
            false => "runwisp.toml".into(),
        });
        // Root who names a file relative to the current directory works in that directory.
        let works_here = config.origin != Origin::Default && config.path.is_relative();
        let data =
            path(around, self.data, "RUNWISP_DATA", || match around.is_root && !works_here {
                true => "/var/lib/runwisp".into(),
                false => "data".into(),
            });
        let socket = path(around, self.socket, "RUNWISP_SOCKET", || data.path.join(SOCKET));
        let host = text(around, self.host, "--host", "RUNWISP_HOST")?;
        let port = text(around, self.port, "--port", "RUNWISP_PORT")?;
        let address = match (&host, &port) {
            (None, None) => Origin::Default,
            (Some((_, source)), _) | (None, Some((_, source))) => match source.starts_with('-') {
                true => Origin::Flag,
                false => Origin::Environment,
            },
        };
        let host = match host {
            None => "127.0.0.1".to_owned(),
            Some((value, source)) => bare_host(&value).ok_or_else(|| {
                format!("{source}: {value:?} is not a host name or an IP address; the port goes into --port")
            })?,
        };
        let port = match port {
            None => DEFAULT_PORT,
            Some((value, source)) => {
                value.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
                    format!("{source}: {value:?} is not a port; it must be between 1 and 65535")
                })?
            }
        };
        let log_level = match text(around, self.log_level, "--log-level", "RUNWISP_LOG_LEVEL")? {
            None => Level::Info,
            Some((value, source)) => Level::named(&value).ok_or_else(|| {
                format!("{source}: {value:?} must be one of debug, info, warn, error")
            })?,
        };
        let log_format = match text(around, self.log_format, "--log-format", "RUNWISP_LOG_FORMAT")?
        {
            None => Look::Auto,
            Some((value, source)) => Look::named(&value)
                .ok_or_else(|| format!("{source}: {value:?} must be one of auto, text, json"))?,
        };
        Ok(Globals { config, data, socket, host, port, address, log_level, log_format })
    }
}

/// An empty variable counts as unset: environment files have no other way to say it.
fn variable(around: &Surroundings<'_>, name: &str) -> Option<OsString> {
    (around.env)(name).filter(|value| !value.is_empty())
}

fn path(
    around: &Surroundings<'_>,
    flag: Option<OsString>,
    name: &str,
    default: impl Fn() -> PathBuf,
) -> Setting {
    let (path, origin) = match (flag, variable(around, name)) {
        (Some(value), _) => (value.into(), Origin::Flag),
        (None, Some(value)) => (value.into(), Origin::Environment),
        (None, None) => (default(), Origin::Default),
    };
    Setting { path, origin }
}

/// The value and the name of the flag or variable that it came from.
fn text(
    around: &Surroundings<'_>,
    flag: Option<String>,
    flag_name: &'static str,
    variable_name: &'static str,
) -> Result<Option<(String, &'static str)>, String> {
    match (flag, variable(around, variable_name)) {
        (Some(value), _) => Ok(Some((value, flag_name))),
        (None, None) => Ok(None),
        (None, Some(value)) => match value.into_string() {
            Ok(value) => Ok(Some((value, variable_name))),
            Err(_) => Err(format!("{variable_name}: the value is not UTF-8")),
        },
    }
}

/// The brackets of `[::1]` belong to URLs and are dropped.
fn bare_host(text: &str) -> Option<String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let is_name =
        !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    let is_address = bare.parse::<std::net::IpAddr>().is_ok();
    (is_name || is_address).then(|| bare.to_owned())
}
