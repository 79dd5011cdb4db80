//! What one log line looks like, in the journal, on a terminal and in a file. Pure.

use serde_json::Value;

use crate::base::escape::escape;

/// How much a line matters (docs/deployment.md, Logging).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    Panic,
    Error,
    Warn,
    Info,
    Debug,
}

impl Priority {
    fn word(self) -> &'static str {
        match self {
            Priority::Panic => "PANIC",
            Priority::Error => "ERROR",
            Priority::Warn => "WARN",
            Priority::Info => "INFO",
            Priority::Debug => "DEBUG",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Priority::Panic => "panic",
            Priority::Error => "error",
            Priority::Warn => "warn",
            Priority::Info => "info",
            Priority::Debug => "debug",
        }
    }

    /// The prefix that the journal reads (sd-daemon(3)).
    fn journal_prefix(self) -> &'static str {
        match self {
            Priority::Panic => "<2>",
            Priority::Error => "<3>",
            Priority::Warn => "<4>",
            Priority::Info => "<6>",
            Priority::Debug => "<7>",
        }
    }

    /// The escape sequence that begins its colour (ECMA-48, SGR).
    fn colour(self) -> &'static str {
        match self {
            Priority::Panic => "\x1b[1;31m",
            Priority::Error => "\x1b[31m",
            Priority::Warn => "\x1b[33m",
            Priority::Info => "\x1b[32m",
            Priority::Debug => "\x1b[34m",
        }
    }
}

/// Who reads the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Journal,
    Plain,
    Coloured,
    /// One object a message; the journal reads the prefix.
    Json {
        for_journal: bool,
    },
}

impl Format {
    /// The physical lines of a message, each with its own prefix and newline. `time` is
    /// `2026-05-07 14:30:22`, of RFC 3339 for JSON; the journal has its own.
    pub(crate) fn lines(self, priority: Priority, time: &str, message: &str) -> Vec<String> {
        let word = priority.word();
        let prefix = match self {
            Format::Journal => priority.journal_prefix().to_owned(),
            Format::Plain => format!("{time} [{word}] "),
            Format::Coloured => format!("{time} {}[{word}]\x1b[0m ", priority.colour()),
            Format::Json { for_journal } => {
                let prefix = if for_journal { priority.journal_prefix() } else { "" };
                return vec![format!("{prefix}{}\n", object(priority, time, message))];
            }
        };
        message.lines().map(|line| format!("{prefix}{}\n", escape(line))).collect()
    }
}

/// What ends a message as `key=value`, each without blanks, are fields of their own.
fn object(priority: Priority, time: &str, message: &str) -> String {
    let (mut text, mut fields) = (message.trim_end(), Vec::new());
    while let Some((rest, last)) = text.rsplit_once([' ', '\n'])
        && let Some((key, value)) = last.split_once('=')
        && !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && !["time", "level", "msg"].contains(&key)
        && fields.iter().all(|(known, _)| *known != key)
    {
        fields.push((key, value));
        text = rest;
    }
    let lines: Vec<_> = text.lines().map(escape).collect();
    let (level, msg) = (priority.name(), Value::from(lines.join("\n")));
    let mut object = format!("{{\"time\":\"{time}\",\"level\":\"{level}\",\"msg\":{msg}");
    for (key, value) in fields.into_iter().rev() {
        object += &format!(",\"{key}\":{}", Value::from(escape(value)));
    }
    object + "}"
}

/// Whether `JOURNAL_STREAM` names the file with this device and inode (systemd.exec(5)).
pub(crate) fn names_file(journal_stream: &str, device: u64, inode: u64) -> bool {
    journal_stream
        .split_once(':')
        .is_some_and(|(left, right)| left.parse() == Ok(device) && right.parse() == Ok(inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "2026-05-07 14:30:22";

    #[test]
    fn each_reader_gets_its_own_form() {
        for (format, expected) in [
            (Format::Journal, "<6>run started task=x\n"),
            (Format::Plain, "2026-05-07 14:30:22 [INFO] run started task=x\n"),
            (Format::Coloured, "2026-05-07 14:30:22 \x1b[32m[INFO]\x1b[0m run started task=x\n"),
        ] {
            assert_eq!(format.lines(Priority::Info, TIME, "run started task=x"), [expected]);
        }
    }

    #[test]
    fn json_has_the_fields_that_end_a_message() {
        let json = |message: &str| {
            let lines = Format::Json { for_journal: true }.lines(Priority::Warn, "T", message);
            let [line] = &lines[..] else { panic!("{lines:?}") };
            let line = line.strip_prefix("<4>").unwrap().strip_suffix('\n').unwrap();
            assert!(!line.contains(['\n', '\x1b']), "{line}");
            serde_json::from_str::<Value>(line).unwrap()
        };
        for (message, expected) in [
            ("ready", serde_json::json!({ "msg": "ready" })),
            (
                "run started task=a.b run=01K=x",
                serde_json::json!({ "msg": "run started", "task": "a.b", "run": "01K=x" }),
            ),
            (
                "odd: a=b time=1 msg=2 C=3 d=4 d=5",
                serde_json::json!({ "msg": "odd: a=b time=1 msg=2 C=3 d=4", "d": "5" }),
            ),
            ("a \"b\"\x1b[2J\nc=d", serde_json::json!({ "msg": "a \"b\"\\x1b[2J", "c": "d" })),
            ("a\nb", serde_json::json!({ "msg": "a\nb" })),
            ("c=d", serde_json::json!({ "msg": "c=d" })),
        ] {
            let mut found = json(message);
            let fields = found.as_object_mut().unwrap();
            assert_eq!(fields.remove("time"), Some("T".into()));
            assert_eq!(fields.remove("level"), Some("warn".into()));
            assert_eq!(found, expected, "{message}");
        }
    }

    #[test]
    fn json_begins_with_the_time() {
        let lines = Format::Json { for_journal: false }.lines(Priority::Info, "T", "a b=c");
        assert_eq!(lines, ["{\"time\":\"T\",\"level\":\"info\",\"msg\":\"a\",\"b\":\"c\"}\n"]);
    }

    #[test]
    fn every_level_has_its_journal_number() {
        for (priority, number) in [
            (Priority::Panic, 2),
            (Priority::Error, 3),
            (Priority::Warn, 4),
            (Priority::Info, 6),
            (Priority::Debug, 7),
        ] {
            assert_eq!(Format::Journal.lines(priority, TIME, "x"), [format!("<{number}>x\n")]);
        }
    }

    #[test]
    fn every_physical_line_carries_the_prefix_and_no_control_byte_passes() {
        let lines = Format::Journal.lines(Priority::Error, TIME, "a\n<0>b\x1b[2J\r\nc\0");
        assert_eq!(lines, ["<3>a\n", "<3><0>b\\x1b[2J\n", "<3>c\\x00\n"]);
    }

    #[test]
    fn only_the_named_file_is_the_journal() {
        for (stream, is_journal) in [
            ("9:4711", true),
            ("9:4712", false),
            ("8:4711", false),
            ("9", false),
            ("", false),
            ("9:4711:1", false),
        ] {
            assert_eq!(names_file(stream, 9, 4711), is_journal, "{stream}");
        }
    }
}
