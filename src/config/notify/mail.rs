//! Notifiers of the types `smtp` and `sendmail`: who a mail is from and to, and who takes it.

use std::path::PathBuf;

use super::address::mail_flaw;
use super::drivers::filled;
use super::secret::{self, PASSWORD};
use crate::base::sentence::quoted;
use crate::config::surroundings::Surroundings;
use crate::config::table::Table;
use crate::model::notifier::{Driver, Mail, MailTls, Smtp};

pub(super) const SENDMAIL_KEYS: [&str; 6] =
    ["sendmail_path", "from", "reply_to", "to", "cc", "bcc"];
pub(super) const SMTP_KEYS: [&str; 14] = [
    "host",
    "port",
    "tls",
    "tls_mode",
    "tls_skip_verify",
    "username",
    "password",
    "password_env",
    "password_file",
    "from",
    "reply_to",
    "to",
    "cc",
    "bcc",
];

const TLS: [(&str, MailTls); 4] = [
    ("starttls", MailTls::StartTls),
    ("implicit", MailTls::Implicit),
    ("none", MailTls::None),
    ("off", MailTls::None),
];

/// Mail servers (RFC 5321, 4.5.4.2), and those that begin with TLS (RFC 8314, 7.3).
const PORT: i64 = 25;
const TLS_PORT: i64 = 465;

pub(super) fn smtp(table: &Table<'_>, surroundings: &Surroundings<'_>) -> Option<Smtp> {
    let host = host(table);
    let port = table.number("port", 1..=65_535).unwrap_or(PORT);
    let tls_key = table.alias("tls", "tls_mode");
    let by_default = if port == TLS_PORT { MailTls::Implicit } else { MailTls::StartTls };
    let tls = table.choice(tls_key, &TLS).unwrap_or(by_default);
    let tls_skip_verify = table.switch("tls_skip_verify").unwrap_or(false);
    let has_name = table.has("username") || table.is_recorded();
    let username = has_name.then(|| filled(table, "username", "\"me\"")).flatten();
    let password = secret::optional(table, PASSWORD, surroundings);
    let set = PASSWORD.into_iter().find(|key| table.has(key));
    match (table.has("username"), set) {
        (true, None) => {
            let names = PASSWORD.join(", ");
            table.error(
                "username",
                format!("username needs a password; one is required of {names}"),
            );
        }
        (false, Some(key)) => table.misplaced(key, format!("{key} needs username")),
        (true, Some(_)) if tls == MailTls::None => {
            let message = "\"none\" would send the password unencrypted; use starttls or implicit, \
                           or leave out username and password";
            table.error(tls_key, message);
        }
        (true, Some(_)) | (false, None) => {}
    }
    let mail = mail(table);
    let login = username.zip(password);
    let port = u16::try_from(port).expect("in its range");
    Some(Smtp { host: host?, port, tls, tls_skip_verify, login, mail: mail? })
}

pub(super) fn sendmail(table: &Table<'_>, surroundings: &Surroundings<'_>) -> Option<Driver> {
    let path = table.filled_text("sendmail_path");
    let is_absolute =
        |path: &str| (path.starts_with('/') || path.starts_with("~/")) && !path.contains('\0');
    if let Some(path) = path.filter(|path| !is_absolute(path)) {
        let message =
            format!("{}; must be an absolute path, e.g. \"/usr/sbin/sendmail\"", quoted(path));
        table.error("sendmail_path", message);
    }
    let path: Option<PathBuf> = path.map(|path| surroundings.resolve(path));
    mail(table).map(|mail| Driver::Sendmail { path, mail })
}

fn host(table: &Table<'_>) -> Option<String> {
    let host = filled(table, "host", "\"mail.example.org\"")?;
    let flaw = if host.contains(|letter: char| letter.is_whitespace() || "/@?#".contains(letter)) {
        "must be the name or the address of a host, e.g. \"mail.example.org\""
    } else if host.matches(':').count() == 1 {
        "must be a host alone; use port for the number"
    } else {
        return Some(host);
    };
    table.error("host", format!("{}; {flaw}", quoted(&host)));
    None
}

fn mail(table: &Table<'_>) -> Option<Mail> {
    let one = |key| {
        let text = table.filled_text(key)?;
        if let Some(flaw) = mail_flaw(text) {
            table.error(key, format!("{} {flaw}", quoted(text)));
        }
        Some(text.trim().to_owned())
    };
    let many = |key| {
        let items = table.list(key).unwrap_or_default();
        for item in &items {
            if let Some(flaw) = mail_flaw(item.text) {
                table.error_at(item.at, key, format!("{} {flaw}", quoted(item.text)));
            }
        }
        items.iter().map(|item| item.text.trim().to_owned()).collect::<Vec<_>>()
    };
    if !table.has("from") {
        table.error_here("from is required, e.g. from = \"runwisp@example.org\"");
    }
    if !table.has("to") {
        table.error_here("to is required, e.g. to = [\"ops@example.org\"]");
    }
    let (from, reply_to) = (one("from"), one("reply_to"));
    let (to, cc, bcc) = (many("to"), many("cc"), many("bcc"));
    let is_list = table.entry("to").is_some_and(|entry| entry.value.is_array());
    if is_list && !table.has_items("to") {
        table.error("to", "to is empty; name at least one address");
    }
    Some(Mail { from: from?, reply_to, to, cc, bcc })
}
