//! A job of another scheduler on its way to a table of ours: the keys it gets, and what has to be
//! said about it. Sources make drafts; `page` writes them, and nobody else knows TOML.

use std::fmt::Write as _;

use crate::config::crontab::unique;
use crate::model::job::Kind;

/// Everything that one import found.
#[derive(Debug, Default)]
pub(crate) struct Import {
    pub(crate) drafts: Vec<Draft>,
    /// About the source as a whole.
    pub(crate) notes: Vec<String>,
}

/// One job.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// Where it stands in the source: `line 5`, `[program:web]`.
    pub(crate) place: String,
    pub(crate) keys: Vec<(&'static str, Value)>,
    /// What is different from before.
    pub(crate) notes: Vec<String>,
    /// What somebody has to look at.
    pub(crate) todos: Vec<String>,
    pub(crate) fate: Fate,
}

/// What becomes of a draft.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A table.
    Made,
    /// No table, or one that does not do what the job did: somebody has to write it. The text of
    /// the job in the source goes along as a comment.
    Broken(String),
    /// Nothing: a job of this name and command is there already.
    Known,
}

/// The value of a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Whole(i64),
    Switch(bool),
    List(Vec<String>),
    Table(Vec<(String, String)>),
}

impl Draft {
    pub(crate) fn new(kind: Kind, name: String, place: String) -> Draft {
        let (keys, notes, todos) = (Vec::new(), Vec::new(), Vec::new());
        Draft { kind, name, place, keys, notes, todos, fate: Fate::Made }
    }

    /// Something that becomes no table, and why.
    pub(crate) fn broken(name: String, place: String, reason: String, original: String) -> Draft {
        let mut draft = Draft::new(Kind::Task, name, place);
        draft.notes.push(reason);
        draft.fate = Fate::Broken(original);
        draft
    }

    /// Sets a key; a second time replaces the value.
    pub(crate) fn set(&mut self, key: &'static str, value: Value) {
        match self.keys.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => self.keys.push((key, value)),
        }
    }

    pub(crate) fn text(&mut self, key: &'static str, value: impl Into<String>) {
        self.set(key, Value::Text(value.into()));
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Says which settings are not among the keys; `why` stands behind a comma.
    pub(crate) fn left_out(&mut self, why: &str, settings: &[&str]) {
        if !settings.is_empty() {
            self.note(format!("left out{why}: {}", settings.join(", ")));
        }
    }

    /// As [`Draft::left_out`], of what only services have.
    pub(crate) fn not_of_tasks(&mut self, settings: &[&str]) {
        self.left_out(", a task has no such thing", settings);
    }

    pub(crate) fn todo(&mut self, todo: impl Into<String>) {
        self.todos.push(todo.into());
    }

    /// The text of a key, if it is one.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.keys.iter().find(|(known, _)| *known == key).and_then(|(_, value)| match value {
            Value::Text(text) => Some(text.as_str()),
            Value::Whole(_) | Value::Switch(_) | Value::List(_) | Value::Table(_) => None,
        })
    }

    /// `✓` as it was, `~` changed, `!` not without help, `-` left out.
    pub(crate) fn mark(&self) -> char {
        match self.fate {
            Fate::Broken(_) => '!',
            Fate::Known => '-',
            Fate::Made if self.notes.is_empty() && self.todos.is_empty() => '✓',
            Fate::Made => '~',
        }
    }
}

impl Import {
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Gives each job a name of its own. `existing` are the jobs that the configuration has, with
    /// their commands: the same job again is left out.
    pub(crate) fn settle_names(&mut self, existing: &[(String, String)]) {
        let mut taken: Vec<String> = existing.iter().map(|(name, _)| name.clone()).collect();
        for draft in &mut self.drafts {
            if draft.fate != Fate::Made {
                continue;
            }
            let run = draft.text_of("run").unwrap_or_default();
            let base = draft.name.clone();
            let is_same = |(name, command): &&(String, String)| {
                let number = name.strip_prefix(&base).map(|rest| rest.strip_prefix('-'));
                let is_numbered =
                    matches!(number, Some(Some(digits)) if digits.parse::<u32>().is_ok());
                command == run && (*name == base || is_numbered)
            };
            if let Some((name, _)) = existing.iter().find(is_same) {
                draft.name = name.clone();
                draft.fate = Fate::Known;
                continue;
            }
            draft.name = unique(&base, |name| taken.iter().any(|known| known == name));
            taken.push(draft.name.clone());
        }
    }

    pub(crate) fn has_broken(&self) -> bool {
        self.drafts.iter().any(|draft| matches!(draft.fate, Fate::Broken(_)))
    }

    /// One line for each job with what is to be said of it below, then the notes.
    pub(crate) fn summary(&self) -> String {
        let width = self.drafts.iter().map(|draft| draft.name.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        // Writing into a `String` cannot fail.
        for draft in &self.drafts {
            let (mark, name, place) = (draft.mark(), &draft.name, &draft.place);
            _ = writeln!(text, "{mark} {name:width$}  {place}");
            if draft.fate == Fate::Known {
                text.push_str("    already defined\n");
                continue;
            }
            draft.notes.iter().for_each(|note| _ = writeln!(text, "    {note}"));
            draft.todos.iter().for_each(|todo| {
                _ = writeln!(text, "    TODO: {}", todo.lines().next().unwrap_or_default())
            });
        }
        if !self.notes.is_empty() {
            text.push_str("Notes:\n");
            for note in &self.notes {
                let lines = note.lines().collect::<Vec<_>>().join("\n    ");
                _ = writeln!(text, "  {lines}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(name: &str, run: &str) -> Draft {
        let mut draft = Draft::new(Kind::Task, name.to_owned(), "line 1".to_owned());
        draft.text("run", run);
        draft
    }

    #[test]
    fn names_are_made_unique_and_what_is_there_is_left_out() {
        let existing = [("a", "x"), ("b", "y"), ("b-2", "z"), ("bb", "q")];
        let existing = existing.map(|(name, run)| (name.to_owned(), run.to_owned()));
        let drafts = [("a", "x"), ("a", "y"), ("a", "q"), ("b", "z"), ("c", "x"), ("c", "x")];
        let drafts = drafts.map(|(name, run)| draft(name, run)).into();
        let mut import = Import { drafts, notes: Vec::new() };
        import.settle_names(&existing);
        let settled = import.drafts.iter().map(|draft| format!("{}{}", draft.mark(), draft.name));
        assert_eq!(settled.collect::<Vec<_>>(), ["-a", "✓a-2", "✓a-3", "-b-2", "✓c", "✓c-2"]);
    }

    #[test]
    fn the_summary_has_a_mark_for_each_job() {
        let mut changed = draft("long-name", "y");
        changed.note("other");
        changed.todo("look\nat it");
        let broken =
            Draft::broken("?".to_owned(), "line 3".to_owned(), "no".to_owned(), "x".to_owned());
        let drafts = vec![draft("a", "x"), changed, broken];
        let import = Import { drafts, notes: vec!["one\ntwo".to_owned()] };
        let lines = [
            "✓ a          line 1",
            "~ long-name  line 1",
            "    other",
            "    TODO: look",
            "! ?          line 3",
            "    no",
            "Notes:",
            "  one",
            "    two\n",
        ];
        assert_eq!(import.summary(), lines.join("\n"));
    }
}
