//! The JSON Schema of the file, for editors (docs/configuration.md, Editors). There is no second list of keys: the
//! stages read a file in which every table is there and empty, and what they ask for is written
//! down. What a schema cannot say, such as which keys need others, is left to `validate`.

use std::cell::RefCell;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use toml::de::DeTable;

use super::include::File;
use super::problem::Report;
use super::surroundings::{NoZone, Surroundings};
use super::table::Table;
use crate::model::job::Source;

/// What a key may be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Any,
    Text,
    Duration,
    Size,
    Switch,
    Number(i64, i64),
    Words(Vec<String>),
    /// Of strings.
    List,
    /// The path of a table.
    Table(String),
    /// The path of each table of an array.
    Tables(String),
    /// Another spelling of a key of the same table.
    SameAs(&'static str),
    /// Tables under names, which are like those of the array under this key.
    NamedAs(&'static str),
    /// A schema of its own.
    Is(&'static str),
}

/// Everything that is asked for.
#[derive(Debug, Default)]
pub(crate) struct Recorder(RefCell<Vec<Note>>);

#[derive(Clone, Debug)]
struct Note {
    /// Of the table.
    path: String,
    /// `*` is every name.
    key: &'static str,
    shapes: Vec<Shape>,
}

impl Recorder {
    pub(crate) fn note(&self, path: &str, key: &'static str, shape: Shape) {
        let mut notes = self.0.borrow_mut();
        let known = notes.iter_mut().find(|note| note.path == path && note.key == key);
        let shapes = match known {
            Some(note) => &mut note.shapes,
            None => {
                notes.push(Note { path: path.to_owned(), key, shapes: Vec::new() });
                &mut notes.last_mut().expect("it has just been pushed").shapes
            }
        };
        // Words are texts, and whatever is known of a key is more than that it is one.
        let is_less = |one: &Shape, other: &Shape| {
            *one == Shape::Any
                || matches!((one, other), (Shape::Text, Shape::Words(_)))
                || matches!((one, other), (Shape::SameAs(_), Shape::NamedAs(_)))
        };
        if shapes.iter().any(|known| *known == shape || is_less(&shape, known)) {
            return;
        }
        shapes.retain(|known| !is_less(known, &shape));
        shapes.push(shape);
    }
}

/// The whole schema as JSON.
pub(crate) fn schema() -> String {
    let (report, tree, recorder) = (Report::new("", ""), DeTable::new(), Recorder::default());
    let around = Surroundings {
        file: "",
        directory: "".as_ref(),
        home: None,
        now: Timestamp::UNIX_EPOCH,
        zone: &|_| Err(NoZone::Unknown),
        local_zone: &|| TimeZone::UTC,
        env: &|_| None,
        read: &|_| Err(String::new()),
        crontab: &|_, _| Err(String::new()),
        entries: &|_| Err(String::new()),
    };
    let root = Table::recording(&report, String::new(), &tree, &recorder);
    let daemon = root.table("daemon");
    super::include::find(daemon.as_ref(), &around);
    super::include_cron::find(daemon.as_ref(), &[], &around);
    super::read_tables(&[File { table: root, around, source: Source::Root }], &[], daemon);
    let mut writer = Writer { notes: recorder.0.take(), text: String::from(START) };
    writer.object("");
    writer.text + "}\n"
}

/// `${…}` may stand in every text, whatever it is to become.
const START: &str = r##"{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"runwisp.toml","$defs":{
"substituted":{"type":"string","pattern":"\\$\\{"},
"duration":{"type":"string","pattern":"^$|^\\s*\\+?(0|((\\d+\\.?\\d*|\\.\\d+)(ns|us|µs|μs|ms|s|m|h|d|w))+)\\s*$|\\$\\{"},
"size":{"type":"string","pattern":"^$|^\\s*(\\d+\\.?\\d*|\\.\\d+)\\s*([kmgtKMGT]?[iI]?[bB]?)\\s*$|\\$\\{"},
"list":{"type":"array","items":{"type":"string","pattern":"\\S"}}
},"##;
/// Keys without which their table means nothing, by the end of its path.
const REQUIRED: [(&str, &str); 3] =
    [(r#"tasks."*""#, "run"), (r#"services."*""#, "run"), ("notifier", "type")];

struct Writer {
    notes: Vec<Note>,
    text: String,
}

impl Writer {
    /// The members of a schema for the table of this path, without braces.
    fn object(&mut self, path: &str) {
        self.text += r#""type":"object","#;
        let own: Vec<Note> = self.notes.iter().filter(|note| note.path == path).cloned().collect();
        if let Some(named) = own.iter().find(|note| note.key == "*") {
            self.text += r#""additionalProperties":"#;
            self.value(path, &named.shapes);
            return;
        }
        self.text += r#""properties":{"#;
        for (index, note) in own.iter().enumerate() {
            self.text += if index == 0 { "\"" } else { ",\"" };
            self.text += note.key;
            self.text += "\":";
            self.value(path, &note.shapes);
        }
        self.text += r#"},"additionalProperties":false"#;
        for (_, key) in REQUIRED.iter().filter(|(table, _)| *table == path) {
            self.text += &format!(r#","required":["{key}"]"#);
        }
        self.text.push('\n');
    }

    fn value(&mut self, path: &str, shapes: &[Shape]) {
        match shapes {
            [shape] => self.shape(path, shape),
            shapes => {
                self.text += r#"{"anyOf":["#;
                for (index, shape) in shapes.iter().enumerate() {
                    self.text += if index == 0 { "" } else { "," };
                    self.shape(path, shape);
                }
                self.text += "]}";
            }
        }
    }

    fn shape(&mut self, path: &str, shape: &Shape) {
        match shape {
            Shape::Any => self.text += "true",
            Shape::Text => self.text += r#"{"type":"string"}"#,
            Shape::Duration => self.text += r##"{"$ref":"#/$defs/duration"}"##,
            Shape::Size => self.text += r##"{"$ref":"#/$defs/size"}"##,
            Shape::List => self.text += r##"{"$ref":"#/$defs/list"}"##,
            Shape::Switch => self.text += r#"{"type":"boolean"}"#,
            Shape::Number(low, high) => {
                let range = format!(r#"{{"type":"integer","minimum":{low},"maximum":{high}}}"#);
                self.text += &range;
            }
            Shape::Words(words) => {
                let words = words.join("\",\"");
                self.text += &format!(
                    r##"{{"anyOf":[{{"enum":["{words}",""]}},{{"$ref":"#/$defs/substituted"}}]}}"##
                );
            }
            Shape::Table(path) => self.braced(path),
            Shape::Tables(path) => {
                self.text += r#"{"type":"array","items":"#;
                self.braced(path);
                self.text.push('}');
            }
            Shape::SameAs(key) => {
                let same = self.notes.iter().find(|note| note.path == path && note.key == *key);
                let shapes = same.map_or_else(Vec::new, |note| note.shapes.clone());
                self.value(path, &shapes);
            }
            Shape::NamedAs(key) => {
                self.text += r#"{"type":"object","additionalProperties":"#;
                self.braced(key);
                self.text.push('}');
            }
            Shape::Is(schema) => self.text += schema,
        }
    }

    fn braced(&mut self, path: &str) {
        self.text.push('{');
        self.object(path);
        self.text.push('}');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    #[test]
    fn every_table_and_both_spellings_are_there() {
        let schema: Value = serde_json::from_str(&super::schema()).unwrap();
        let at = |path: &str| schema.pointer(path).unwrap_or_else(|| panic!("{path}")).clone();
        for table in ["daemon", "scheduler", "storage", "defaults", "notify", "notification_route"]
        {
            at(&format!("/properties/{table}"));
        }
        assert_eq!(at("/properties/tasks/additionalProperties/required"), json!(["run"]));
        let notifier = at("/properties/notifier/items/properties");
        assert_eq!(at("/properties/notifiers/additionalProperties/properties"), notifier);
        for key in ["chat_id", "topic", "user_file", "tls_mode", "sendmail_path"] {
            assert!(notifier.get(key).is_some(), "{key}");
        }
        let service = at("/properties/services/additionalProperties/properties");
        assert_eq!(service["backoff_reset_after"], service["healthy_after"]);
        assert_eq!(service["instances"], json!({"type": "integer", "minimum": 1, "maximum": 64}));
        let check = &service["health_check"]["properties"];
        assert!(["run", "http", "tcp", "umask"].iter().all(|key| check.get(key).is_some()));
    }
}
