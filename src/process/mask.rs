//! Hides secrets in what is kept of command lines and of the machine: values that the daemon knows
//! to be secret, wherever they stand, and what looks like one on a command line. Pure. Too much is
//! hidden rather than too little.

use crate::base::order;
use std::sync::LazyLock;

use regex_lite::Regex;

/// What stands in the place of a secret.
const HIDDEN: &str = "***";
/// Parts of names, in capitals.
const NAMES: [&str; 5] = ["PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL"];
/// A shorter one stands everywhere: without it nothing could be read, and it hides nothing.
const SHORTEST: usize = 3;

/// How secrets are given on command lines: what precedes one is the first group.
static GIVEN: LazyLock<[Regex; 6]> = LazyLock::new(|| {
    let name = "[a-z0-9_.-]*(?:pass|secret|token|key|credential)[a-z0-9_.-]*";
    let value = r#"(?:"[^"]*"|'[^']*'|[^\s"'&;|]+)"#;
    [
        // scheme://user:password@host
        r"([a-z][a-z0-9+.-]*://[^\s/@:]*:)\S*@".to_owned(),
        // Authorization: Bearer …
        r"\b((?:bearer|basic)\s+)[^\s'\x22]+".to_owned(),
        // --password=…, TOKEN=…, "key": "…"
        format!(r#"({name}["']?\s*[=:]\s*){value}"#),
        // --password …, password …
        format!(r"((?:--?{name}|\bpass(?:word|wd)?|\bsecret|\btoken)\s+){value}"),
        // mysql -p…
        format!(r"((?:^|\s)-p){value}"),
        // curl -u user:password
        r"((?:^|\s)(?:-u|--user)[\s=]*[^\s:]+:)\S+".to_owned(),
    ]
    .map(|pattern| Regex::new(&format!("(?i){pattern}")).expect("the pattern is ours"))
});

/// Whether a variable of this name holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    NAMES.iter().any(|part| name.contains(part))
}

/// The secrets of one run.
#[derive(Debug)]
pub(super) struct Mask(Vec<String>);

impl Mask {
    pub(super) fn new(mut secrets: Vec<String>) -> Mask {
        secrets.retain(|secret| secret.len() >= SHORTEST);
        // One may be a part of another.
        order::sort_by(&mut secrets, |a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        secrets.dedup();
        Mask(secrets)
    }

    /// Without the values that are known.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.0.iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), HIDDEN);
            }
        }
        text
    }

    /// A command line without what looks like a secret either. Of one that was `cut` at its end
    /// the last word goes, and as much as the longest secret takes: it may be half of one.
    pub(super) fn hide_in_command(&self, command: &str, cut: Cut) -> String {
        let whole = match cut {
            Cut::No => command,
            Cut::AtTheEnd => {
                let longest = self.0.first().map_or(0, String::len);
                let most = command.len().saturating_sub(longest);
                up_to(command, most).rsplit_once(' ').map_or("", |(before, _)| before)
            }
        };
        let mut text = self.hide(whole);
        for pattern in GIVEN.iter() {
            let at = if pattern.as_str().contains("://") { "@" } else { "" };
            let replaced = pattern.replace_all(&text, format!("${{1}}{HIDDEN}{at}"));
            text = replaced.into_owned();
        }
        text
    }
}

/// Whole letters of at most so many bytes.
pub(super) fn up_to(text: &str, most: usize) -> &str {
    let fits = |end: &usize| text.is_char_boundary(*end);
    &text[..(0..=most.min(text.len())).rev().find(fits).unwrap_or(0)]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    No,
    AtTheEnd,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_by_their_parts() {
        for name in ["PGPASSWORD", "MYSQL_PWD_PASS", "api_key", "AuthToken", "AWS_CREDENTIALS"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["PATH", "HOME", "RUNWISP_TASK", "LANG"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn known_values_are_hidden_wherever_they_stand_the_longest_first() {
        let mask = Mask::new(["abc", "abcdef", "", "x", "abc"].map(str::to_owned).into());
        assert_eq!(mask.hide("x --a=abcdef/abc é"), "x --a=***/*** é");
        assert_eq!(mask.hide("nothing"), "nothing");
    }

    #[test]
    fn what_looks_like_a_secret_on_a_command_line_is_hidden() {
        let mask = Mask::new(Vec::new());
        for (command, hidden) in [
            ("pg_dump --password=hunter2 db", "pg_dump --password=*** db"),
            ("pg_dump --password hunter2 db", "pg_dump --password *** db"),
            ("PGPASSWORD='a b' psql", "PGPASSWORD=*** psql"),
            ("curl -H 'Authorization: Bearer abc.def'", "curl -H 'Authorization: Bearer ***'"),
            ("curl https://u:p@ss@host/x?token=1&a=2", "curl https://u:***@host/x?token=***&a=2"),
            ("curl -u me:pw https://host", "curl -u me:*** https://host"),
            ("curl --user=me:pw x", "curl --user=me:*** x"),
            ("mysql -phunter2 -u root", "mysql -p*** -u root"),
            (
                "x api_key=1 --aws-secret 2 SecretKey:3",
                "x api_key=*** --aws-secret *** SecretKey:***",
            ),
            (r#"x {"token": "a b"}"#, r#"x {"token": ***}"#),
            ("echo password hunter2", "echo password ***"),
            ("sleep 60", "sleep 60"),
            ("tar -C / -czf a.tgz /etc", "tar -C / -czf a.tgz /etc"),
        ] {
            assert_eq!(mask.hide_in_command(command, Cut::No), hidden);
        }
    }

    #[test]
    fn half_a_secret_at_the_end_is_not_shown() {
        let mask = Mask::new(vec!["top secret value".to_owned()]);
        let hidden = mask.hide_in_command("run with these words, top secret va", Cut::AtTheEnd);
        assert!("run with these words, ".starts_with(&hidden), "{hidden}");
        assert_eq!(mask.hide_in_command("é", Cut::AtTheEnd), "");
    }
}
