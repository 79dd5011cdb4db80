//! `ExecStart` and `ExecStartPre` as a script. systemd starts programs without a shell, so whatever
//! would mean something to one is quoted; variables of the environment it does fill in.

use super::super::draft::Draft;
use super::super::words;
use super::unit::{self, Unit};

/// The commands as a script. One alone is executed in place of the shell; of several, the first
/// that fails is the last one, as in systemd.
pub(super) fn script(service: &Unit, is_task: bool, draft: &mut Draft) -> Result<String, String> {
    let starts = service.list("Service", "ExecStart");
    let before = service.list("Service", "ExecStartPre");
    let (count, prepared) = (starts.len(), before.len());
    if count == 0 {
        return Err("there is no ExecStart".to_owned());
    }
    if count > 1 && !is_task {
        return Err("several ExecStart need Type=oneshot".to_owned());
    }
    let mut lines: Vec<Line> = Vec::new();
    for text in before.into_iter().chain(starts) {
        let parts: Vec<&str> = text.split(" ; ").collect();
        for part in parts {
            lines.push(line(service, part, draft)?);
        }
    }
    if prepared > 0 {
        draft.note("ExecStartPre: the first lines of the script");
    } else if lines.len() > 1 {
        draft.note("several commands: one script");
    }
    let last = lines.len() - 1;
    let lines: Vec<String> = lines
        .into_iter()
        .enumerate()
        .map(|(place, line)| match (place == last, line.may_fail) {
            (_, true) => format!("{} || true", line.command),
            (true, false) => format!("exec {}", line.command),
            (false, false) => line.command,
        })
        .collect();
    Ok(lines.join("\n"))
}

struct Line {
    command: String,
    /// `-` in front: a failure is none.
    may_fail: bool,
}

fn line(service: &Unit, text: &str, draft: &mut Draft) -> Result<Line, String> {
    let rest = text.trim_start_matches(['@', '-', ':', '+', '!']);
    let prefix = &text[..text.len() - rest.len()];
    let mut unknown = Vec::new();
    let rest = service.specified(rest, &mut unknown);
    if !unknown.is_empty() {
        draft.todo(format!("{text}: write out {}", unknown.join(", ")));
    }
    let mut words = unit::split(&rest).ok_or("a quote in the command does not end")?;
    if prefix.contains('@') && words.len() > 1 {
        let name = words.remove(1);
        draft.note(format!("the program is called by its own name, not as {name}"));
    }
    if prefix.contains(['+', '!']) {
        draft.note(format!("the {prefix} in front: it runs with no other rights than the rest"));
    }
    if words.is_empty() {
        return Err("a command is empty".to_owned());
    }
    let has_variables = !prefix.contains(':');
    let argument = |word: &String| match word.as_str() {
        // Alone it would part two commands.
        r"\;" => argument(";", has_variables),
        word => argument(word, has_variables),
    };
    let words: Vec<String> = words.iter().map(argument).collect();
    Ok(Line { command: words.join(" "), may_fail: prefix.contains('-') })
}

/// One argument. `${X}` stays one, `$X` alone becomes as many as it has words, `$$` is a `$`.
fn argument(word: &str, has_variables: bool) -> String {
    if !has_variables || !word.contains('$') {
        return words::join(&[word.to_owned()]);
    }
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.as_bytes()[0].is_ascii_digit()
    };
    if let Some(name) = word.strip_prefix('$').filter(|name| is_name(name)) {
        return format!("${name}");
    }
    let mut text = String::new();
    let mut plain = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('$') {
        plain += &rest[..at];
        rest = &rest[at + 1..];
        let braced = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        match braced.filter(|(name, _)| is_name(name)) {
            Some((name, behind)) => {
                if !plain.is_empty() {
                    text += &words::join(&[std::mem::take(&mut plain)]);
                }
                text += &format!("\"${{{name}}}\"");
                rest = behind;
            }
            None => {
                plain.push('$');
                rest = rest.strip_prefix('$').unwrap_or(rest);
            }
        }
    }
    plain += rest;
    if !plain.is_empty() {
        text += &words::join(&[plain]);
    }
    text
}
