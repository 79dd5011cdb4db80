//! Where alerts go, as the configuration defines it, complete and valid. Only `config` makes it
//! (docs/notifications.md).

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::model::alert::{Kinds, Severity};

/// The channel that is always there: the feed behind the bell.
pub(crate) const IN_APP: &str = "inapp";

/// The names that a template may use (docs/notifications.md, Templates): the facts of the alert,
/// the parts of the built-in message, and what surrounds both.
pub(crate) const NAMES: [&str; 42] = [
    "kind",
    "severity",
    "timestamp",
    "task",
    "task_kind",
    "run_id",
    "exit_code",
    "end_reason",
    "reason",
    "triggered_by",
    "retry_attempt",
    "replica_index",
    "start_at",
    "end_at",
    "duration_ms",
    "free_bytes",
    "min_free_bytes",
    "killed_task",
    "channel",
    "original_kind",
    "error",
    "coalesced_count",
    "coalesced_summary",
    "title",
    "sentence",
    "origin",
    "tail",
    "count",
    "link",
    "footer",
    "emoji",
    "verb",
    "trigger_phrase",
    "time",
    "time_rfc3339",
    "duration",
    "run_url",
    "task_url",
    "fingerprint",
    "hostname",
    "version",
    "id",
];

/// Everything that the file says about alerts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Notify {
    pub(crate) settings: Settings,
    /// In the order of the file.
    pub(crate) notifiers: Vec<Arc<Notifier>>,
    pub(crate) routes: Vec<Route>,
}

/// `[notify]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) default_notifiers: Vec<Token>,
    /// Deliveries that may wait for one notifier.
    pub(crate) queue_size: usize,
    /// The retry budget of one delivery.
    pub(crate) budget: Duration,
    /// The most rows of the feed, and how long one is kept.
    pub(crate) history_keep: u64,
    pub(crate) history_keep_for: Duration,
    /// Zero switches coalescing off.
    pub(crate) coalesce_window: Duration,
    pub(crate) coalesce_outbound: bool,
    /// Times kept of each row of the feed; after so many a held message is sent.
    pub(crate) occurrence_ring: usize,
    /// Certificates (PEM) that are trusted beside the built-in ones.
    pub(crate) ca_file: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            default_notifiers: vec![Token::in_app()],
            queue_size: 1024,
            budget: Duration::from_secs(300),
            history_keep: 1024,
            history_keep_for: Duration::from_secs(90 * 86_400),
            coalesce_window: Duration::from_secs(3600),
            coalesce_outbound: true,
            occurrence_ring: 10,
            ca_file: None,
        }
    }
}

/// `ID` or `ID:TARGET`: one channel.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Token(Arc<str>);

impl Token {
    /// `id` is declared, and `target` is one that its type takes.
    pub(crate) fn new(id: &str, target: Option<&str>) -> Token {
        match target {
            None => Token(id.into()),
            Some(target) => Token(format!("{id}:{target}").into()),
        }
    }

    pub(crate) fn in_app() -> Token {
        Token(IN_APP.into())
    }

    pub(crate) fn is_in_app(&self) -> bool {
        &*self.0 == IN_APP
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// `[[notification_route]]`: an alert that fits goes to all of `to`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Route {
    pub(crate) kinds: Kinds,
    /// A pattern over the name of the job (`base::glob`).
    pub(crate) task: Option<String>,
    /// The least severity.
    pub(crate) severity: Severity,
    pub(crate) to: Vec<Token>,
}

/// `[[notifier]]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Notifier {
    pub(crate) id: String,
    pub(crate) driver: Driver,
    /// The text of the file that replaces the built-in message, checked.
    pub(crate) template: Option<Arc<str>>,
}

/// What it speaks, and to whom.
#[derive(Clone, PartialEq)]
pub(crate) enum Driver {
    Slack { webhook_url: Secret, channel: Option<String> },
    Telegram { bot_token: Secret, chat_id: String, parse_mode: ParseMode, api: String },
    Discord { webhook_url: Secret },
    Webhook { url: Secret, headers: Vec<(String, String)> },
    Ntfy { url: String, topic: String, token: Option<Secret> },
    Gotify { url: String, token: Secret },
    Pushover { token: Secret, user: Secret, api: String },
    Smtp(Smtp),
    Sendmail { path: Option<PathBuf>, mail: Mail },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParseMode {
    Html,
    MarkdownV2,
}

/// Who a mail is from and to; addresses as RFC 5322 writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) reply_to: Option<String>,
    pub(crate) to: Vec<String>,
    pub(crate) cc: Vec<String>,
    pub(crate) bcc: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Smtp {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: MailTls,
    pub(crate) tls_skip_verify: bool,
    pub(crate) login: Option<(String, Secret)>,
    pub(crate) mail: Mail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MailTls {
    StartTls,
    Implicit,
    None,
}

/// Where a secret stands. It is read each time that a message is sent.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret {
    /// The key as it stands in the file, e.g. `webhook_url_env`.
    pub(crate) key: &'static str,
    pub(crate) source: Source,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Value(String),
    /// The name of a variable.
    Variable(String),
    /// A path; what is relative starts at the data directory.
    File(PathBuf),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Value(_) => write!(f, "{} (hidden)", self.key),
            Source::Variable(name) => write!(f, "{} = {name:?}", self.key),
            Source::File(path) => write!(f, "{} = {path:?}", self.key),
        }
    }
}

impl Driver {
    /// Everything of it that must be read before a message is sent.
    pub(crate) fn secrets(&self) -> Vec<&Secret> {
        match self {
            Driver::Slack { webhook_url, .. } | Driver::Discord { webhook_url } => {
                vec![webhook_url]
            }
            Driver::Telegram { bot_token, .. } => vec![bot_token],
            Driver::Webhook { url, .. } => vec![url],
            Driver::Ntfy { token, .. } => token.iter().collect(),
            Driver::Gotify { token, .. } => vec![token],
            Driver::Pushover { token, user, .. } => vec![token, user],
            Driver::Smtp(smtp) => smtp.login.iter().map(|(_, password)| password).collect(),
            Driver::Sendmail { .. } => Vec::new(),
        }
    }

    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Driver::Slack { .. } => "slack",
            Driver::Telegram { .. } => "telegram",
            Driver::Discord { .. } => "discord",
            Driver::Webhook { .. } => "webhook",
            Driver::Ntfy { .. } => "ntfy",
            Driver::Gotify { .. } => "gotify",
            Driver::Pushover { .. } => "pushover",
            Driver::Smtp(_) => "smtp",
            Driver::Sendmail { .. } => "sendmail",
        }
    }
}

/// Its name is all that is shown: headers are secrets.
impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one job says about alerts. Jobs that say nothing share one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct JobAlerts {
    /// `None`: the default notifiers.
    pub(crate) on_failure: Option<Vec<Token>>,
    pub(crate) on_success: Vec<Token>,
    /// What it takes for an alert.
    pub(crate) after: AlertAfter,
    pub(crate) expect: Expect,
    /// Where its heartbeat goes.
    pub(crate) heartbeat: Option<Heartbeat>,
}

/// `alert_after`: how many failures make an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AlertAfter {
    /// 1 to 1000.
    pub(crate) failures: u32,
    /// All of them within this time; `None`: in a row.
    pub(crate) within: Option<Duration>,
}

impl Default for AlertAfter {
    fn default() -> AlertAfter {
        AlertAfter { failures: 1, within: None }
    }
}

/// `expect`: what a run that is well looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expect {
    pub(crate) start_within: Option<Duration>,
    pub(crate) at_least: Option<Duration>,
    pub(crate) at_most: Option<Duration>,
    /// Bytes.
    pub(crate) output_min: Option<u64>,
}

/// A dead-man switch somewhere else: an absolute URL without a slash at its end. Whoever knows it
/// can speak for the job, so it is as secret as a token.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Heartbeat(pub(crate) Arc<str>);

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Heartbeat(hidden)")
    }
}
