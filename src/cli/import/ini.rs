//! Configuration files of supervisord, as Python's `ConfigParser` reads them: names in any case,
//! `=` or `:`, comments behind a blank, values that go on in indented lines.

/// `[program:web]` with what stands below it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IniSection {
    pub(super) name: String,
    pub(super) line: usize,
    /// In the order of the file; names in small letters, the last of a name counts.
    pub(super) values: Vec<(String, String)>,
}

impl IniSection {
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.values.iter().rfind(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// The sections, and the lines that are none of it.
pub(super) fn read(text: &str) -> (Vec<IniSection>, Vec<usize>) {
    let mut sections: Vec<IniSection> = Vec::new();
    let mut odd = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = without_comment(line);
        let trimmed = line.trim();
        if trimmed.is_empty() {
            continue;
        }
        let is_indented = line.starts_with(char::is_whitespace);
        let current = sections.last_mut();
        if is_indented && let Some((_, value)) = current.and_then(|it| it.values.last_mut()) {
            value.push('\n');
            value.push_str(trimmed);
        } else if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split(']').next())
        {
            sections.push(IniSection {
                name: name.trim().to_owned(),
                line: number,
                values: Vec::new(),
            });
        } else if let (Some(section), Some((key, value))) =
            (sections.last_mut(), trimmed.split_once(['=', ':']))
        {
            section.values.push((key.trim().to_lowercase(), value.trim().to_owned()));
        } else {
            odd.push(number);
        }
    }
    (sections, odd)
}

/// A comment is a whole line, or begins behind a blank.
fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, letter) in line.char_indices() {
        if matches!(letter, ';' | '#') && before.is_whitespace() {
            return &line[..at];
        }
        before = letter;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_on_and_comments_end() {
        let text = "; c\n[a] ; x\nKey = v;w ; c\nlong=one,\n  two ; c\n\n  ; none\n  three\nb: c=d\nb = e\n# c\nodd\n[b]\n";
        let (sections, odd) = read(text);
        assert_eq!(odd, [12]);
        let a = &sections[0];
        assert_eq!((a.name.as_str(), a.line, sections[1].name.as_str()), ("a", 2, "b"));
        assert_eq!(a.get("key"), Some("v;w"));
        assert_eq!(a.get("long"), Some("one,\ntwo\nthree"));
        assert_eq!((a.get("b"), a.get("c")), (Some("e"), None));
    }
}
