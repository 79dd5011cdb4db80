//! What addresses look like: those of the web and those of mail. Whether somebody is there shows
//! when something is sent.

use crate::config::table::Table;

/// Whether this is an absolute http or https URL with a host.
pub(crate) fn is_web_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let is_host = !host.is_empty() && !host.starts_with(':');
    is_host && !url.contains(|letter: char| letter.is_whitespace() || letter.is_control())
}

/// An address to which paths are added: without query, fragment and slash at its end.
pub(super) fn base(table: &Table<'_>, key: &'static str) -> Option<String> {
    let url = table.filled_text(key)?;
    if !is_web_address(url) || url.contains(['?', '#', '\\']) {
        let message = format!(
            "{}; must be an absolute http or https URL without query and fragment, \
             e.g. \"https://example.org\"",
            table.shown(key, url)
        );
        table.error(key, message);
        return None;
    }
    Some(url.trim_end_matches('/').to_owned())
}

/// What is wrong with a mail address, `name@host` or `Name <name@host>` (RFC 5322, 3.4), if
/// anything. Comments, groups and quoted names of mailboxes are not taken.
pub(super) fn mail_flaw(text: &str) -> Option<&'static str> {
    const FORM: &str = "is no mail address; e.g. \"ops@example.org\" or \"Ops <ops@example.org>\"";
    if text.contains(char::is_control) {
        return Some("contains a control character; remove it");
    }
    let address = match text.trim().strip_suffix('>') {
        Some(rest) => rest.rsplit_once('<').filter(|(name, _)| is_name(name.trim())),
        None => Some(("", text.trim())),
    };
    let is_good = address.is_some_and(|(_, address)| is_mailbox(address));
    (!is_good).then_some(FORM)
}

fn is_mailbox(address: &str) -> bool {
    let Some((local, host)) = address.rsplit_once('@') else { return false };
    let is_atom = |part: &str, further: &str| {
        !part.is_empty()
            && part.chars().all(|letter| {
                letter.is_alphanumeric() || !letter.is_ascii() || further.contains(letter)
            })
    };
    // The letters of an atom (RFC 5322, 3.2.3).
    let is_local = local.split('.').all(|part| is_atom(part, "!#$%&'*+-/=?^_`{|}~"));
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match literal {
        Some(literal) => is_atom(literal, ".:-"),
        None => host.split('.').all(|part| is_atom(part, "-_")),
    };
    is_local && is_host && !address.contains(char::is_whitespace)
}

/// The name in front of an address: nothing, words, or anything in quotes.
fn is_name(name: &str) -> bool {
    match name.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').is_some_and(|inner| {
            !inner.replace("\\\"", "").replace("\\\\", "").contains(['"', '\\'])
        }),
        None => !name.contains(['(', ')', '<', '>', '[', ']', ':', ';', '@', '\\', ',', '"']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses_are_told_from_other_text() {
        for text in [
            "a@b",
            "ops+cron@example.org",
            "Ops <ops@example.org>",
            "<ops@example.org>",
            "\"Smith, Bob\" <bob@example.org>",
            "\"A \\\"B\\\" C\" <a@b>",
            "J. Doe <j@b>",
            "müller@bücher.example",
            "root@[127.0.0.1]",
            "root@[IPv6:::1]",
            " a@b ",
        ] {
            assert_eq!(mail_flaw(text), None, "{text}");
        }
        for text in [
            "",
            "ops",
            "@b",
            "a@",
            "a@b@c",
            "a b@c",
            "a@b c",
            "a..b@c",
            ".a@c",
            "a@b..c",
            "a@b.",
            "a@b, c@d",
            "Ops ops@example.org>",
            "Ops <ops@example.org",
            "Ops <ops@example.org> x",
            "Smith, Bob <bob@example.org>",
            "\"Bob <bob@example.org>",
            "a@b\nBcc: c@d",
            "a\u{0}@b",
        ] {
            assert!(mail_flaw(text).is_some(), "{text}");
        }
    }
}
