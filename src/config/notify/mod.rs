//! Everything about alerts: `[notify]`, `[[notifier]]` and `[[notification_route]]` here and in
//! the files below, and what jobs say about theirs in `job` (docs/configuration.md,
//! Notifications). Secrets are named, never read: they may change while the daemon runs.

mod address;
mod drivers;
pub(super) mod heartbeat;
pub(super) mod job;
mod mail;
mod routes;
mod secret;
mod settings;
mod template;

use std::collections::HashMap;

use super::include::File;
use super::problem::Report;
use super::table::Table;
use crate::base::sentence::quoted;
use crate::base::suggest;
use crate::model::notifier::{IN_APP, Notify, Token};

pub(super) use address::is_web_address;
use drivers::Type;

/// Why nothing can leave the machine, if that is how this program was built.
const WITHOUT: Option<&str> = if cfg!(feature = "notify") {
    None
} else {
    Some("this build has no outbound notifiers; build with the cargo feature \"notify\"")
};

/// The notifiers that the file declares.
#[derive(Default)]
pub(crate) struct Channels<'a> {
    /// In the order of the file.
    ids: Vec<&'a str>,
    /// By id: where it stands, and its type unless that is wrong.
    declared: HashMap<&'a str, (&'a Report<'a>, usize, Option<Type>)>,
}

/// Reads all three tables. Only the first file has settings.
pub(crate) fn read<'a>(files: &[File<'a>]) -> (Channels<'a>, Notify) {
    let mut channels = Channels::default();
    let mut notifiers = Vec::new();
    for File { table, around, .. } in files {
        notifiers.extend(drivers::read(table, around, &mut channels));
    }
    let root = files.first().and_then(|file| Some((file.table.table("notify")?, &file.around)));
    let settings = root.map(|(table, around)| settings::read(table, around, &channels));
    let routes = files.iter().flat_map(|file| routes::read(&file.table, &channels)).collect();
    (channels, Notify { settings: settings.unwrap_or_default(), notifiers, routes })
}

impl<'a> Channels<'a> {
    /// An id that is good and new is one from now on.
    fn declare(&mut self, id: &'a str, at: usize, kind: Option<Type>, table: &Table<'a>) {
        if id == IN_APP {
            table.error_at(at, "id", "\"inapp\" is reserved; choose another id");
        } else if id.contains(':') {
            table.error_at(at, "id", format!("{} must not contain \":\"", quoted(id)));
        } else if let Some((report, first, _)) = self.declared.get(id) {
            let line = table.report().line_in(report, *first);
            let message = format!("duplicate notifier id {}; first defined at {line}", quoted(id));
            table.error_at(at, "id", message);
        } else if id.trim() != id {
            table.error_at(at, "id", format!("{} begins or ends with a blank", quoted(id)));
        } else if !id.is_empty() {
            self.declared.insert(id, (table.report(), at, kind));
            self.ids.push(id);
        }
    }

    /// The tokens of a list, each once, if there is a list.
    fn tokens(&self, table: &Table<'_>, key: &'static str) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        for item in table.list(key)? {
            match self.token(item.text) {
                Ok(token) if tokens.contains(&token) => {}
                Ok(token) => tokens.push(token),
                Err(flaw) => {
                    table.error_at(item.at, key, format!("{}: {flaw}", quoted(item.text)));
                }
            }
        }
        Some(tokens)
    }

    /// `ID` or `ID:TARGET`.
    fn token(&self, text: &str) -> Result<Token, String> {
        let (id, target) = match text.split_once(':') {
            Some((id, target)) => (id.trim(), Some(target.trim())),
            None => (text.trim(), None),
        };
        if id == IN_APP {
            return match target {
                None => Ok(Token::in_app()),
                Some(_) => Err("inapp has no target to override; write \"inapp\" alone".to_owned()),
            };
        }
        if target == Some("") {
            return Err(format!("target override is empty; write {} alone", quoted(id)));
        }
        let Some((_, _, kind)) = self.declared.get(id) else {
            return Err(
                self.unknown(id, if target.is_some() { "parent notifier" } else { "notifier" })
            );
        };
        match (kind, target) {
            (Some(kind), Some(target)) => match kind.target_flaw(target) {
                Some(flaw) => Err(flaw),
                None => Ok(Token::new(id, Some(target))),
            },
            (None, _) | (_, None) => Ok(Token::new(id, target)),
        }
    }

    fn unknown(&self, id: &str, role: &str) -> String {
        let ids: Vec<_> = std::iter::once(IN_APP).chain(self.ids.iter().copied()).collect();
        let nearest = suggest::nearest(id, ids.iter().copied());
        let advice = nearest.map(|near| format!("; did you mean {}?", quoted(near)));
        let names: Vec<_> = ids.iter().map(|id| plain(id)).collect();
        format!(
            "unknown {role} id {}; declared are {}{}",
            quoted(id),
            names.join(", "),
            advice.unwrap_or_default()
        )
    }
}

/// An id inside a list: quoted only where it would not read well otherwise.
fn plain(id: &str) -> String {
    let is_plain = id.chars().all(|letter| !letter.is_control() && !letter.is_whitespace());
    if is_plain { id.to_owned() } else { quoted(id) }
}
