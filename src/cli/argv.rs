//! The raw argument list, taken apart with pico-args: flags by name first, then the words that
//! are left. Knows the forms (`--flag value`, `--flag=value`, `--`), not the meaning.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::base::suggest;
use crate::cli::help::Topic;

/// The spellings of one flag, the long one last.
pub(crate) type Flag = &'static [&'static str];

/// A command line that makes no sense, and where to read how it would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) message: String,
    /// The help page that says more, if one does.
    pub(crate) topic: Option<Topic>,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.topic {
            None => Ok(()),
            Some(Topic::Root) => f.write_str("\nsee \"runwisp --help\""),
            Some(topic) => write!(f, "\nsee \"runwisp {} --help\"", topic.name()),
        }
    }
}

/// The arguments that nobody took yet.
pub(crate) struct Argv {
    flags: pico_args::Arguments,
    /// What stands after `--`.
    after_dashes: Vec<OsString>,
    /// Every flag that was asked for: the candidates for a suggestion.
    pub(crate) known: Vec<&'static str>,
    /// The help page that errors point at.
    pub(crate) topic: Topic,
}

impl Argv {
    pub(crate) fn new(mut argv: Vec<OsString>, topic: Topic) -> Argv {
        let dashes = argv.iter().position(|arg| arg == "--");
        let after_dashes = dashes.map_or_else(Vec::new, |at| argv.split_off(at + 1));
        argv.truncate(dashes.unwrap_or(argv.len()));
        let split = argv.into_iter().flat_map(split_equals).collect();
        Argv {
            flags: pico_args::Arguments::from_vec(split),
            after_dashes,
            known: Vec::new(),
            topic,
        }
    }

    pub(crate) fn refuse(&self, message: String) -> Usage {
        Usage { message, topic: Some(self.topic) }
    }

    /// The first argument, unless it is a flag.
    pub(crate) fn subcommand(&mut self) -> Result<Option<String>, Usage> {
        let name = self.flags.subcommand();
        name.map_err(|_| self.refuse("unknown subcommand: it is not UTF-8".to_owned()))
    }

    /// Whether a flag without a value is given, once or more often.
    pub(crate) fn switch(&mut self, flag: Flag) -> bool {
        self.known.extend(flag);
        let mut is_given = false;
        for name in flag {
            while self.flags.contains(*name) {
                is_given = true;
            }
        }
        is_given
    }

    /// The value of a flag that may be given once.
    pub(crate) fn os_value(&mut self, flag: Flag) -> Result<Option<OsString>, Usage> {
        self.known.extend(flag);
        let mut found = None;
        for name in flag {
            while let Some(value) = self.take(name)? {
                if found.replace(value).is_some() {
                    return Err(self.refuse(format!("{name} is given more than once")));
                }
            }
        }
        Ok(found)
    }

    /// All values of a flag that may be repeated; they may look like flags themselves.
    pub(crate) fn values(&mut self, name: &'static str) -> Result<Vec<String>, Usage> {
        self.known.push(name);
        let mut values = Vec::new();
        let read = |value: &OsStr| Ok::<_, &str>(value.to_owned());
        while let Some(value) = self
            .flags
            .opt_value_from_os_str(name, read)
            .map_err(|_| self.refuse(format!("{name} needs a value")))?
        {
            values.push(self.text(value)?);
        }
        Ok(values)
    }

    fn take(&mut self, name: &'static str) -> Result<Option<OsString>, Usage> {
        // What looks like a flag is one: a value was forgotten.
        let read = |value: &OsStr| match is_flag(value) || value.is_empty() {
            true => Err(""),
            false => Ok(value.to_owned()),
        };
        let taken = self.flags.opt_value_from_os_str(name, read);
        taken.map_err(|_| self.refuse(format!("{name} needs a value")))
    }

    /// The same as text.
    pub(crate) fn value(&mut self, flag: Flag) -> Result<Option<String>, Usage> {
        let value = self.os_value(flag)?;
        value.map(|value| self.text(value)).transpose()
    }

    fn text(&self, value: OsString) -> Result<String, Usage> {
        value.into_string().map_err(|value| self.refuse(format!("{value:?} is not UTF-8")))
    }

    /// The arguments that are no flags. Every flag must have been asked for before.
    fn words(&mut self) -> Result<Vec<OsString>, Usage> {
        let flags = std::mem::replace(&mut self.flags, pico_args::Arguments::from_vec(Vec::new()));
        let mut words = flags.finish();
        if let Some(flag) = words.iter().find(|word| is_flag(word)) {
            let flag = flag.to_string_lossy();
            // One letter is near to every other one.
            let long = self.known.iter().copied().filter(|name| name.starts_with("--"));
            return Err(self.refuse(format!("unknown flag {flag:?}{}", hint(&flag, long))));
        }
        words.append(&mut self.after_dashes);
        Ok(words)
    }

    pub(crate) fn no_words(&mut self) -> Result<(), Usage> {
        let words = self.words()?;
        self.surplus(words.first())
    }

    pub(crate) fn optional_word(&mut self) -> Result<Option<OsString>, Usage> {
        let mut words = self.words()?.into_iter();
        let word = words.next();
        self.surplus(words.next().as_ref())?;
        Ok(word)
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<String>, Usage> {
        let word = self.optional_word()?;
        word.map(|word| self.text(word)).transpose()
    }

    /// Exactly one word; `what` it is goes into the error.
    pub(crate) fn one_word(&mut self, what: &str) -> Result<String, Usage> {
        let word =
            self.optional_word()?.ok_or_else(|| self.refuse(format!("{what} is missing")))?;
        self.text(word)
    }

    pub(crate) fn any_words(&mut self) -> Result<Vec<String>, Usage> {
        let words = self.words()?;
        words.into_iter().map(|word| self.text(word)).collect()
    }

    /// One word or more.
    pub(crate) fn some_words(&mut self, what: &str) -> Result<Vec<String>, Usage> {
        let words = self.any_words()?;
        match words.is_empty() {
            true => Err(self.refuse(format!("{what} is missing"))),
            false => Ok(words),
        }
    }

    fn surplus(&self, word: Option<&OsString>) -> Result<(), Usage> {
        match word {
            None => Ok(()),
            Some(word) => Err(self.refuse(format!("unexpected argument {word:?}"))),
        }
    }
}

/// `; did you mean "…"?`, or nothing.
pub(crate) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    suggest::nearest(word, known)
        .map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}

fn is_flag(arg: &OsStr) -> bool {
    matches!(arg.as_bytes(), [b'-', _, ..])
}

/// `--flag=value` is `--flag` and `value`.
fn split_equals(arg: OsString) -> Vec<OsString> {
    let equals = arg.as_bytes().iter().position(|byte| *byte == b'=');
    match equals {
        Some(at) if is_flag(&arg) => {
            let mut flag = arg.into_vec();
            let value = flag.split_off(at + 1);
            flag.truncate(at);
            vec![OsString::from_vec(flag), OsString::from_vec(value)]
        }
        Some(_) | None => vec![arg],
    }
}
