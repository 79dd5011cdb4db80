//! What stands in a file, for people: without secrets, and the part of it that defines one job.
//! Both are cut out by the spans of the parser, so nothing is guessed from lines.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Tables and lists of secrets: every value in them is hidden.
const SECRET_TABLES: [&str; 3] = ["secrets", "headers", "hook_tokens"];
/// Single values, the same that messages hide.
const SECRET_KEYS: [&str; 7] =
    ["webhook_url", "bot_token", "token", "password", "url", "api_url", "heartbeat"];
const HIDDEN: &str = "\"<hidden>\"";

/// The text with `"<hidden>"` in the place of every secret.
pub(crate) fn without_secrets(text: &str, tree: &DeTable<'_>) -> String {
    let mut found = Found { text, ..Found::default() };
    for (key, value) in tree.iter() {
        let is_notifier = key.get_ref().starts_with("notifier");
        match (&**key.get_ref(), value.get_ref()) {
            // Jobs may be called as secrets are.
            ("tasks" | "services", DeValue::Table(jobs)) => {
                jobs.iter().for_each(|(_, job)| found.look_into(job, "", is_notifier, false));
            }
            (key, _) => found.look_into(value, key, is_notifier, false),
        }
    }
    found.look_into_comments();
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end) in found.secrets {
        shown += &text[done..start];
        shown += HIDDEN;
        done = end;
    }
    shown + &text[done..]
}

#[derive(Default)]
struct Found<'a> {
    text: &'a str,
    secrets: Vec<(usize, usize)>,
    /// Values of more than one line, in which `#` begins no comment.
    long: Vec<(usize, usize)>,
}

impl Found<'_> {
    fn look_into(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        key: &str,
        is_notifier: bool,
        is_inside: bool,
    ) {
        match value.get_ref() {
            DeValue::Table(entries) => {
                let is_inside = is_inside || SECRET_TABLES.contains(&key);
                for (key, value) in entries.iter() {
                    let is_inside = is_inside && key.get_ref() != "allow";
                    self.look_into(value, key.get_ref(), is_notifier, is_inside);
                }
            }
            DeValue::Array(items) => {
                items.iter().for_each(|it| self.look_into(it, key, is_notifier, is_inside));
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {
                let is_secret = is_inside
                    || SECRET_KEYS.contains(&key)
                    || SECRET_TABLES.contains(&key)
                    || (is_notifier && key == "user");
                let (start, end) = (value.span().start, value.span().end);
                self.secrets.extend(is_secret.then_some((start, end)));
                let is_long = self.text[start..end].contains('\n');
                self.long.extend(is_long.then_some((start, end)));
            }
        }
    }

    /// A setting that is commented out may be a secret that was in use or will be. Which table it
    /// belongs to nobody can tell, so its name has to say what it is.
    fn look_into_comments(&mut self) {
        self.long.sort_unstable();
        let mut end = 0;
        for line in self.text.split_inclusive('\n') {
            let start = end;
            end += line.len();
            let before = self.long.partition_point(|(begin, _)| *begin < start);
            let is_inside = before > 0 && self.long[before - 1].1 > start;
            let Some((key, value)) = line.split_once('=').filter(|_| !is_inside) else { continue };
            let Some(key) = key.trim_start().strip_prefix('#') else { continue };
            if may_be_secret(key.trim_matches(['#', ' ', '\t'])) && !value.trim().is_empty() {
                let value = end - value.trim_start().len();
                self.secrets.push((value, start + line.trim_end().len()));
            }
        }
        self.secrets.sort_unstable();
    }
}

/// Whether the key of a setting is that of a secret, or a name that somebody gave, as variables
/// have; a sentence is no key.
fn may_be_secret(key: &str) -> bool {
    const PARTS: [&str; 5] = ["secret", "token", "pass", "key", "url"];
    let is_ours = |letter: char| letter.is_ascii_lowercase() || "._".contains(letter);
    !key.contains(char::is_whitespace)
        && (!key.chars().all(is_ours)
            || PARTS.iter().any(|part| key.contains(part))
            || key.split('.').any(|key| SECRET_KEYS.contains(&key) || SECRET_TABLES.contains(&key)))
}

/// Where tables and values stand.
#[derive(Default)]
struct Places {
    /// Where each header begins, and whether it is one of the job.
    headers: Vec<(usize, bool)>,
    /// Of values that are no tables; and whether they are the job's.
    values: Vec<(usize, usize, bool)>,
    /// The job's name where it has no header of its own.
    names: Vec<usize>,
}

/// The part of a file that defines a job: its tables as they are written, with the comments above
/// them. `None` when there is no such job, or no TOML.
pub(crate) fn definition_of(text: &str, name: &str) -> Option<String> {
    Definitions::new(text).of(name)
}

/// A file of which many jobs are asked for: it is parsed once.
pub(crate) struct Definitions<'a> {
    text: &'a str,
    tree: Option<Spanned<DeTable<'a>>>,
}

impl<'a> Definitions<'a> {
    pub(crate) fn new(text: &'a str) -> Definitions<'a> {
        Definitions { text, tree: DeTable::parse(text).ok() }
    }

    /// As [`definition_of`].
    pub(crate) fn of(&self, name: &str) -> Option<String> {
        let tree = self.tree.as_ref()?.get_ref();
        let has = |kind: &str| tree.get(kind)?.get_ref().as_table()?.get(name);
        has("tasks").or_else(|| has("services"))?;
        let mut places = Places::default();
        for (kind, value) in tree.iter() {
            let is_jobs = matches!(&**kind.get_ref(), "tasks" | "services");
            places.header(self.text, value, false);
            match value.get_ref().as_table().filter(|_| is_jobs) {
                Some(jobs) => {
                    for (key, job) in jobs.iter() {
                        let is_own = key.get_ref() == name;
                        places.names.extend(is_own.then_some(key.span().start));
                        places.find(self.text, job, is_own);
                    }
                }
                None => places.find(self.text, value, false),
            }
        }
        places.headers.sort_unstable();
        places.headers.dedup();
        Some(places.cut(self.text))
    }
}

impl Places {
    fn find(&mut self, text: &str, value: &Spanned<DeValue<'_>>, is_own: bool) {
        self.header(text, value, is_own);
        match value.get_ref() {
            DeValue::Table(entries) => {
                entries.iter().for_each(|(_, value)| self.find(text, value, is_own));
            }
            DeValue::Array(items) if items.iter().any(|item| is_header(text, item)) => {
                items.iter().for_each(|item| self.find(text, item, is_own));
            }
            DeValue::Array(_)
            | DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {
                self.values.push((value.span().start, value.span().end, is_own));
            }
        }
    }

    fn header(&mut self, text: &str, value: &Spanned<DeValue<'_>>, is_own: bool) {
        self.headers.extend(is_header(text, value).then(|| (value.span().start, is_own)));
    }

    fn cut(&self, text: &str) -> String {
        let mut parts = String::new();
        for (index, (start, _)) in self.headers.iter().enumerate().filter(|(_, it)| it.1) {
            let next = self.headers.get(index + 1);
            let end = next.map_or(text.len(), |(next, _)| self.begin(text, *next));
            parts += text[self.begin(text, *start)..end].trim_end();
            parts += "\n\n";
        }
        if parts.is_empty() {
            // `NAME.key = …` or `NAME = { … }`: the lines from the first to the last.
            let own = self.values.iter().filter(|(.., is_own)| *is_own);
            let end = own.map(|(_, end, _)| *end).max().unwrap_or_default();
            let start = self.names.iter().copied().min().unwrap_or_default();
            let start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
            let end = text[end..].find('\n').map_or(text.len(), |newline| end + newline);
            parts += text.get(start..end).unwrap_or_default();
        }
        parts.truncate(parts.trim_end().len());
        parts + "\n"
    }

    /// Where the comments above a header begin, which stand next to it.
    fn begin(&self, text: &str, header: usize) -> usize {
        let before = self.values.iter().filter(|(start, ..)| *start < header);
        let floor = before.map(|(_, end, _)| *end).max().unwrap_or_default();
        let mut begin = text[..header].rfind('\n').map_or(0, |newline| newline + 1);
        while begin > floor {
            let above = text[..begin - 1].rfind('\n').map_or(0, |newline| newline + 1);
            if above < floor || !text[above..begin].trim_start().starts_with('#') {
                break;
            }
            begin = above;
        }
        begin
    }
}

/// Whether a table begins with a header, and not with its first key or a brace.
fn is_header(text: &str, value: &Spanned<DeValue<'_>>) -> bool {
    value.get_ref().is_table() && text[value.span().start..].starts_with('[')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_is_hidden_and_nothing_else() {
        let text = r#"
daemon.heartbeat = "s1"
[[notifier]]
id = "a"
user = "s2"
token = "s3" # note
url_env = "URL"
headers = { X = "s4", Y = 's5' }
[notifiers.b]
bot_token = """s6
s6"""
[defaults.secrets]
A = "s7"
[tasks.t]
user = "me"
run = "token"
secrets.B = 's8'
env = { C = "x" }
hook_tokens = ["s9", { token = "s10", allow = ["run"] }]
[services.token]
run = "1"
health_check = { run = "1", secrets = { D = 5 } }
[services.secrets]
run = "2"
# token = "s11"
  #B="s12" # the old one
## timeout = "1h"
## db_password = x
# headers.x = 's13'
# it is so, if a = b
health_check.run = """
# token = 1"""
"#;
        let tree = DeTable::parse(text).unwrap();
        let shown = without_secrets(text, tree.get_ref());
        let expected = r#"
daemon.heartbeat = "<hidden>"
[[notifier]]
id = "a"
user = "<hidden>"
token = "<hidden>" # note
url_env = "URL"
headers = { X = "<hidden>", Y = "<hidden>" }
[notifiers.b]
bot_token = "<hidden>"
[defaults.secrets]
A = "<hidden>"
[tasks.t]
user = "me"
run = "token"
secrets.B = "<hidden>"
env = { C = "x" }
hook_tokens = ["<hidden>", { token = "<hidden>", allow = ["run"] }]
[services.token]
run = "1"
health_check = { run = "1", secrets = { D = "<hidden>" } }
[services.secrets]
run = "2"
# token = "<hidden>"
  #B="<hidden>"
## timeout = "1h"
## db_password = "<hidden>"
# headers.x = "<hidden>"
# it is so, if a = b
health_check.run = """
# token = 1"""
"#;
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_part_of_a_job_is_cut_out() {
        let text = "# the file\n\n[tasks.a]\nrun = '1' # one\n\n# about b\n# more\n[tasks.b.env]\n\
                    A = '1'\n[tasks.b]\nrun = '''\n[tasks.c]\n# end'''\n# c\n[tasks.c]\nrun = '1'\n\
                    [[tasks.a.params]]\narg = '1'\n[[tasks.a.params]]\narg = '2'\n\n\
                    [services.'a.b']\nrun = '1'\nhealth_check = {\n tcp = 'a:1' }\n\n# the end\n";
        for (name, part) in [
            (
                "a",
                "[tasks.a]\nrun = '1' # one\n\n[[tasks.a.params]]\narg = '1'\n\n\
                 [[tasks.a.params]]\narg = '2'\n",
            ),
            (
                "b",
                "# about b\n# more\n[tasks.b.env]\nA = '1'\n\n[tasks.b]\nrun = '''\n[tasks.c]\n\
                 # end'''\n",
            ),
            ("c", "# c\n[tasks.c]\nrun = '1'\n"),
            ("a.b", "[services.'a.b']\nrun = '1'\nhealth_check = {\n tcp = 'a:1' }\n\n# the end\n"),
        ] {
            assert_eq!(definition_of(text, name).as_deref(), Some(part));
        }
        assert_eq!(definition_of(text, "d"), None);
        assert_eq!(definition_of("[tasks", "d"), None);
        let text = "tasks.z.run = '1'\n[tasks]\n  x.run = '1'\n  x.env = { A = '1' } # x\ny = { run = '1' }\n[services.s]";
        for (name, part) in [
            ("x", "  x.run = '1'\n  x.env = { A = '1' } # x\n"),
            ("y", "y = { run = '1' }\n"),
            ("s", "[services.s]\n"),
        ] {
            let text = text.strip_prefix("tasks.z.run = '1'\n").unwrap();
            assert_eq!(definition_of(text, name).as_deref(), Some(part));
        }
        assert_eq!(definition_of(text, "z"), None, "no TOML: tasks is defined twice");
    }
}
