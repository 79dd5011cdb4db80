//! Unit files of systemd: sections of `Key=value`, keys that repeat, values that are reset, lines
//! that go on, and commands with systemd's own quotes (systemd.syntax(7), systemd.service(5)).

/// A unit with its drop-ins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unit {
    /// `backup.service`.
    pub(crate) name: String,
    /// Section, key and value, in the order in which they count.
    values: Vec<(String, String, String)>,
}

impl Unit {
    /// Reads the text of the unit, and then those of its drop-ins.
    pub(crate) fn read<'a>(name: &str, texts: impl IntoIterator<Item = &'a str>) -> Unit {
        let mut unit = Unit { name: name.to_owned(), values: Vec::new() };
        for text in texts {
            unit.add(text);
        }
        unit
    }

    fn add(&mut self, text: &str) {
        let mut section = String::new();
        let mut whole = String::new();
        for line in text.lines() {
            let line = line.trim();
            // Comments may stand between lines that go on.
            if line.starts_with(['#', ';']) || line.is_empty() && whole.is_empty() {
                continue;
            }
            if let Some(part) = line.strip_suffix('\\') {
                whole.push_str(part.trim_end());
                whole.push(' ');
                continue;
            }
            whole.push_str(line);
            let line = std::mem::take(&mut whole);
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name.to_owned();
            } else if let Some((key, value)) = line.split_once('=') {
                let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
                self.values.push((section.clone(), key, value));
            }
        }
    }

    /// The value that counts where one does.
    pub(crate) fn get(&self, section: &str, key: &str) -> Option<&str> {
        let mut values = self.values.iter().rev();
        let found = values.find(|(its, name, _)| its == section && name == key);
        found.map(|(_, _, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All values of a key that makes a list; an empty one takes back those before it.
    pub(crate) fn list(&self, section: &str, key: &str) -> Vec<&str> {
        let mut list = Vec::new();
        for (_, _, value) in
            self.values.iter().filter(|(its, name, _)| its == section && name == key)
        {
            match value.is_empty() {
                true => list.clear(),
                false => list.push(value.as_str()),
            }
        }
        list
    }

    /// The names of the keys of a section, each once.
    pub(crate) fn keys(&self, section: &str) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        for (its, key, value) in &self.values {
            if its == section && !value.is_empty() && !keys.contains(&key.as_str()) {
                keys.push(key);
            }
        }
        keys
    }

    pub(crate) fn has(&self, section: &str) -> bool {
        self.values.iter().any(|(its, ..)| its == section)
    }

    /// The name without its ending: `getty@tty1` of `getty@tty1.service`.
    pub(crate) fn stem(&self) -> &str {
        self.name.rsplit_once('.').map_or(&self.name, |(stem, _)| stem)
    }

    /// What stands between `@` and the ending.
    pub(crate) fn instance(&self) -> Option<&str> {
        self.stem().split_once('@').map(|(_, instance)| instance).filter(|it| !it.is_empty())
    }

    /// `%n` and its like filled in, as far as they are known without systemd; the others come
    /// back in the list.
    pub(crate) fn specified(&self, text: &str, unknown: &mut Vec<String>) -> String {
        let mut result = String::new();
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                result.push(letter);
                continue;
            }
            let Some(specifier) = letters.next() else {
                result.push('%');
                break;
            };
            let prefix = self.stem().split('@').next().unwrap_or_default();
            match (specifier, self.instance()) {
                ('%', _) => result.push('%'),
                ('n', _) => result += &self.name,
                ('N', _) => result += self.stem(),
                ('p' | 'P', _) => result += prefix,
                ('i', Some(instance)) => result += instance,
                // `-` in an instance stands for `/` there, which only `%I` undoes.
                ('I', Some(instance)) if !instance.contains(['-', '\\']) => result += instance,
                ('t', _) => result += "/run",
                ('S', _) => result += "/var/lib",
                ('C', _) => result += "/var/cache",
                ('L', _) => result += "/var/log",
                ('E', _) => result += "/etc",
                ('T', _) => result += "/tmp",
                ('V', _) => result += "/var/tmp",
                (other, _) => {
                    let specifier = format!("%{other}");
                    result += &specifier;
                    if !unknown.contains(&specifier) {
                        unknown.push(specifier);
                    }
                }
            }
        }
        result
    }
}

/// A line in systemd's quotes, which may begin inside a word too; `None` where one does not end.
/// A backslash before what it knows nothing of stays.
pub(crate) fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (Some(end), letter) if letter == end => quote = None,
            (_, '\\') => {
                let mut behind = letters.clone();
                let letter = escaped(&mut behind).inspect(|_| letters = behind);
                word.get_or_insert_default().push(letter.unwrap_or('\\'));
            }
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

fn escaped(letters: &mut std::str::Chars<'_>) -> Option<char> {
    let digits = match letters.next()? {
        'a' => return Some('\u{7}'),
        'b' => return Some('\u{8}'),
        'f' => return Some('\u{c}'),
        'n' => return Some('\n'),
        'r' => return Some('\r'),
        't' => return Some('\t'),
        'v' => return Some('\u{b}'),
        's' => return Some(' '),
        letter @ ('\\' | '"' | '\'') => return Some(letter),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => return None,
    };
    let code = letters.as_str().get(..digits)?;
    letters.nth(digits - 1);
    char::from_u32(u32::from_str_radix(code, 16).ok()?).filter(|letter| *letter != '\0')
}

/// A span of time: `5min 20s`, `90` (seconds), `infinity` for none (systemd.time(7)).
pub(crate) fn seconds(text: &str) -> Option<f64> {
    let compact: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let mut rest = compact.as_str();
    let mut sum = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, behind) = rest.split_at(end);
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let factor = match unit {
            "us" | "usec" | "µs" => 1e-6,
            "ms" | "msec" => 1e-3,
            "" | "s" | "sec" | "second" | "seconds" => 1.0,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "h" | "hr" | "hour" | "hours" => 3600.0,
            "d" | "day" | "days" => 86_400.0,
            "w" | "week" | "weeks" => 604_800.0,
            "M" | "month" | "months" => 2_629_800.0,
            "y" | "year" | "years" => 31_557_600.0,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * factor;
        rest = behind;
    }
    Some(sum)
}

/// The same as a duration of ours.
pub(crate) fn duration(text: &str) -> Option<String> {
    let millis = (seconds(text)? * 1000.0).round() as u64;
    Some(match millis % 1000 {
        0 => format!("{}s", millis / 1000),
        _ => format!("{millis}ms"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_on_and_values_are_reset() {
        let unit = "# c\n[Unit]\nDescription = a \\\n# between\n; too\n  b\n[Service]\nExecStart=one\nEnvironment=A=1\n\
                    ExecStart=two\nX=\n[Install]\nWantedBy=m\n";
        let dropin = "[Service]\nExecStart=\nExecStart=three\nUser=u\n";
        let unit = Unit::read("a@b-c.service", [unit, dropin]);
        assert_eq!(unit.get("Unit", "Description"), Some("a b"));
        assert_eq!(unit.list("Service", "ExecStart"), ["three"]);
        assert_eq!(unit.get("Service", "Environment"), Some("A=1"));
        assert_eq!(unit.keys("Service"), ["ExecStart", "Environment", "User"]);
        assert!(unit.has("Install") && !unit.has("Timer"));
        let mut unknown = Vec::new();
        assert_eq!(
            unit.specified("%n %N %p %i %I %t %% %h %h %", &mut unknown),
            "a@b-c.service a@b-c a b-c %I /run % %h %h %"
        );
        assert_eq!(unknown, ["%I", "%h"]);
    }

    #[test]
    fn commands_have_quotes_of_their_own() {
        for (text, words) in [
            ("a  'b c' \"d\\\"e\" f", Some(vec!["a", "b c", "d\"e", "f"])),
            (r"a\x20b\tc \s '\n'", Some(vec!["a b\tc", " ", "\n"])),
            ("it's", None),
            ("a=\"b c\"d 'x'y", Some(vec!["a=b cd", "xy"])),
            ("''", Some(vec![""])),
            ("'a", None),
            (r"a\q \xzz \; \x00", Some(vec![r"a\q", r"\xzz", r"\;", r"\x00"])),
        ] {
            let words = words.map(|words| words.into_iter().map(str::to_owned).collect());
            assert_eq!(split(text), words, "{text}");
        }
    }

    #[test]
    fn spans_of_time_are_read() {
        for (text, expected) in [
            ("90", Some("90s")),
            ("5min 20s", Some("320s")),
            ("1h30m", Some("5400s")),
            ("100ms", Some("100ms")),
            ("1.5s", Some("1500ms")),
            ("43200", Some("43200s")),
            ("infinity", None),
            ("x", None),
        ] {
            assert_eq!(duration(text).as_deref(), expected, "{text}");
        }
    }
}
