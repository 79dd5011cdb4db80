//! Drafts as TOML. The only place that knows how text is quoted there, and that `${` in any value
//! but a script would be replaced (docs/migration.md, What comes out).

use std::fmt::Write as _;

use super::draft::{Draft, Fate, Import, Value};

/// Longer ones become a table of their own.
const INLINE: usize = 70;

/// The tables, in the order of the source.
pub(crate) fn tables(import: &Import) -> String {
    let mut page = String::new();
    for draft in &import.drafts {
        match &draft.fate {
            Fate::Known => {}
            Fate::Broken(original) => {
                page.push('\n');
                comment(
                    &mut page,
                    "TODO: ",
                    &format!("{}: {}", draft.place, draft.notes.join("; ")),
                );
                comment(&mut page, "  ", original);
            }
            Fate::Made => table(&mut page, draft),
        }
    }
    page
}

fn table(page: &mut String, draft: &Draft) {
    let heading = format!("{}s.{}", draft.kind.as_str(), key(&draft.name));
    // Writing into a `String` cannot fail.
    _ = write!(page, "\n# {}\n", one_line(&draft.place));
    draft.notes.iter().for_each(|note| comment(page, "", note));
    draft.todos.iter().for_each(|todo| comment(page, "TODO: ", todo));
    _ = writeln!(page, "[{heading}]");
    let mut tables = Vec::new();
    // The script comes last, whatever was found when.
    let (scripts, others): (Vec<_>, Vec<_>) = draft.keys.iter().partition(|(key, _)| *key == "run");
    for (name, value) in others.into_iter().chain(scripts) {
        match value {
            Value::Text(text) if *name == "run" => _ = writeln!(page, "run = {}", script(text)),
            Value::Text(text) => _ = writeln!(page, "{name} = {}", value_text(text)),
            Value::Whole(number) => _ = writeln!(page, "{name} = {number}"),
            Value::Switch(is_on) => _ = writeln!(page, "{name} = {is_on}"),
            Value::List(items) => {
                let items: Vec<String> = items.iter().map(|item| value_text(item)).collect();
                _ = writeln!(page, "{name} = [{}]", items.join(", "));
            }
            Value::Table(pairs) => {
                let pairs = pairs
                    .iter()
                    .map(|(name, text)| format!("{} = {}", key(name), value_text(text)));
                let pairs: Vec<String> = pairs.collect();
                let inline = pairs.join(", ");
                match inline.len() <= INLINE && !inline.contains('\n') {
                    true => _ = writeln!(page, "{name} = {{ {inline} }}"),
                    false => tables.push((name, pairs)),
                }
            }
        }
    }
    for (name, pairs) in tables {
        _ = writeln!(page, "\n[{heading}.{name}]\n{}", pairs.join("\n"));
    }
}

/// Each line a comment; nothing in it can end one.
fn comment(page: &mut String, mark: &str, text: &str) {
    let mut mark = mark;
    for line in text.lines() {
        _ = writeln!(page, "# {mark}{}", one_line(line).trim_end());
        mark = "  ";
    }
}

fn one_line(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() && letter != '\t' { ' ' } else { letter })
        .collect()
}

/// A bare key where that is possible.
pub(crate) fn key(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    match !name.is_empty() && name.bytes().all(is_bare) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

fn value_text(text: &str) -> String {
    quoted(&text.replace("${", "$${"))
}

/// A script byte for byte: nothing in it is replaced.
fn script(text: &str) -> String {
    let is_literal = |letter: char| !letter.is_control() || letter == '\t';
    if text.contains('\n') && text.chars().all(|letter| is_literal(letter) || letter == '\n') {
        if !text.contains("'''") && !text.ends_with('\'') {
            // The first newline behind the quotes is no part of the text.
            return format!("'''\n{text}'''");
        }
        let lines: Vec<String> = text.split('\n').map(escaped).collect();
        return format!("\"\"\"\n{}\"\"\"", lines.join("\n"));
    }
    match text.contains(['"', '\\']) && !text.contains('\'') && text.chars().all(is_literal) {
        true => format!("'{text}'"),
        false => quoted(text),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '"' | '\\' => safe.extend(['\\', letter]),
            '\n' => safe.push_str("\\n"),
            '\t' => safe.push_str("\\t"),
            _ if letter.is_control() => _ = write!(safe, "\\u{:04X}", u32::from(letter)),
            _ => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;
    use crate::model::job::Kind;

    fn page(key: &'static str, value: Value) -> String {
        let mut draft = Draft::new(Kind::Task, "a.b".to_owned(), "line 1".to_owned());
        draft.set(key, value);
        tables(&Import { drafts: vec![draft], notes: Vec::new() })
    }

    /// The text at a path of keys.
    fn at(page: &str, path: &[&str]) -> String {
        let tree = DeTable::parse(page).unwrap_or_else(|error| panic!("{error}\n{page}"));
        let (last, tables) = path.split_last().unwrap();
        let mut table = tree.get_ref();
        for key in tables {
            table = table.get(*key).unwrap().get_ref().as_table().unwrap();
        }
        table.get(*last).unwrap().get_ref().as_str().unwrap().to_owned()
    }

    #[test]
    fn any_text_comes_back_as_it_was() {
        for text in [
            "plain",
            "",
            "'",
            "\"",
            "\\",
            "a'b\"c",
            "''' and \"\"\"",
            "a\nb",
            "a\n'",
            "a\n'''\n\"\"\"\\",
            "\n",
            "\na\n",
            "tab\there",
            "\u{1}\u{7f}\u{85}",
            "a\r\nb",
            "ä€😀",
            "#",
            "${X} $${Y} $Z",
            "\\n",
            "a\n\\n",
            "'''\n\\n",
            "a\n\\",
        ] {
            let run = page("run", Value::Text(text.to_owned()));
            assert_eq!(at(&run, &["tasks", "a.b", "run"]), text);
            let other = page("group", Value::Text(text.to_owned()));
            let expected = text.replace("${", "$${");
            assert_eq!(at(&other, &["tasks", "a.b", "group"]), expected);
            let pairs = vec![("A".to_owned(), text.to_owned()), ("B C".to_owned(), "x".repeat(60))];
            let env = page("env", Value::Table(pairs));
            assert_eq!(at(&env, &["tasks", "a.b", "env", "A"]), expected);
        }
    }

    #[test]
    fn comments_stay_comments() {
        let mut draft = Draft::new(Kind::Service, "web".to_owned(), "a\rb\nc".to_owned());
        draft.note("one\r\n[tasks.x]");
        draft.todo("two\n[tasks.y]\u{0}");
        draft.set("instances", Value::Whole(2));
        let broken = Draft::broken(
            String::new(),
            "p".to_owned(),
            "r\nx = 1".to_owned(),
            "o\ny = 1".to_owned(),
        );
        let page = tables(&Import { drafts: vec![draft, broken], notes: Vec::new() });
        let tree = DeTable::parse(&page).unwrap();
        let keys: Vec<_> = tree.get_ref().keys().map(|key| key.get_ref().to_string()).collect();
        assert_eq!(keys, ["services"], "{page}");
        assert!(
            page.ends_with(
                "[services.web]\ninstances = 2\n\n# TODO: p: r\n#   x = 1\n#   o\n#   y = 1\n"
            ),
            "{page}"
        );
    }
}
