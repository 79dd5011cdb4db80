//! The first five fields of an entry, or `@daily` and the like. Cron takes more than it says:
//! it reads `0~59` as 0, takes ranges that run backwards and are empty, and knows only a star at
//! the very beginning of a day field as one. All that was tried out on Debian's cron 3.0pl1.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::word;
use crate::cron::Schedule;

/// When an entry is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// An expression of ours with the same ticks, in the zone of the machine.
    Cron(String),
    /// Once after each boot of the machine.
    Boot,
}

/// Why a line is no entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: String,
    pub(super) is_refused_by_cron: bool,
}

impl Fault {
    pub(super) fn refused(reason: impl Into<String>) -> Fault {
        Fault { reason: reason.into(), is_refused_by_cron: true }
    }

    /// Cron takes it and does something else than it seems to say.
    pub(super) fn odd(reason: impl Into<String>) -> Fault {
        Fault { reason: reason.into(), is_refused_by_cron: false }
    }
}

/// A field: its values, and their names from `low` on.
struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    names: &'static [&'static str],
    /// Whether a `*` in it has a meaning of its own.
    is_day: bool,
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, names: &[], is_day: false },
    Field { name: "hour", low: 0, high: 23, names: &[], is_day: false },
    Field { name: "day of month", low: 1, high: 31, names: &[], is_day: true },
    Field {
        name: "month",
        low: 1,
        high: 12,
        names: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
        is_day: false,
    },
    Field {
        name: "day of week",
        low: 0,
        high: 7,
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
        is_day: true,
    },
];

/// Reads the schedule at the beginning of a line; the rest comes back with it.
pub(super) fn read<'a>(line: &'a str, notes: &mut Vec<String>) -> Result<(When, &'a str), Fault> {
    if line.starts_with('@') {
        let (alias, rest) = word(line);
        return Ok((named(alias)?, rest));
    }
    let mut rest = line;
    let mut fields = Vec::new();
    for field in &FIELDS {
        let (text, behind) = word(rest);
        if text.is_empty() {
            return Err(Fault::refused("five fields and a command are needed"));
        }
        let read = field.read(text)?;
        if read != text {
            notes.push(format!(
                "{} {text:?} is written as {read:?}: cron takes only a * in front \
                                as one",
                field.name
            ));
        }
        fields.push(read);
        rest = behind;
    }
    let expression = fields.join(" ");
    let schedule = Schedule::parse(&expression, TimeZone::UTC, "UTC");
    let schedule = schedule.map_err(|error| Fault::odd(error.to_string()))?;
    if schedule.never_fires(Timestamp::UNIX_EPOCH) {
        return Err(Fault::odd("there is no such date: cron never runs it"));
    }
    Ok((When::Cron(expression), rest))
}

/// Cron knows them in small letters only.
fn named(alias: &str) -> Result<When, Fault> {
    let expression = match alias {
        "@reboot" => return Ok(When::Boot),
        "@yearly" | "@annually" => "@yearly",
        "@daily" | "@midnight" => "@daily",
        "@monthly" | "@weekly" | "@hourly" => alias,
        _ => return Err(Fault::refused(format!("cron does not know {alias:?}"))),
    };
    Ok(When::Cron(expression.to_owned()))
}

impl Field {
    /// The field in our words.
    fn read(&self, text: &str) -> Result<String, Fault> {
        let is_starred = text.starts_with('*');
        let items = text.split(',').map(|item| self.item(item, text, is_starred));
        Ok(items.collect::<Result<Vec<_>, _>>()?.join(","))
    }

    fn item(&self, item: &str, whole: &str, is_starred: bool) -> Result<String, Fault> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        if let Some(behind) = range.strip_prefix('*') {
            self.nothing_behind(behind, item)?;
        } else if let Some((from, to)) = range.split_once('-') {
            let (from, to) = (self.value(from, whole)?, self.value(to, whole)?);
            if from > to {
                let name = self.name;
                return Err(Fault::odd(format!(
                    "{name} {item:?} runs backwards: cron takes it as no value at all"
                )));
            }
        } else {
            self.value(range, whole)?;
            if step.is_some() {
                return Err(self.refuse(whole, "a step needs a * or a range in front"));
            }
        }
        if let Some(step) = step {
            let step = self.digits(step, whole)?;
            if step.is_none_or(|step| step == 0) {
                return Err(self.refuse(whole, "the step is no number above 0"));
            }
        }
        // With another item first, cron does not see the star: the days restrict.
        Ok(match item.strip_prefix('*') {
            Some(step) if self.is_day && !is_starred => format!("{}-{}{step}", self.low, self.high),
            Some(_) | None => item.to_owned(),
        })
    }

    fn value(&self, text: &str, whole: &str) -> Result<u32, Fault> {
        let value = match self.named(text) {
            Some(value) => Some(value),
            None => self.digits(text, whole)?,
        };
        value.filter(|value| (self.low..=self.high).contains(value)).ok_or_else(|| {
            let (low, high) = (self.low, self.high);
            self.refuse(whole, &format!("{text:?} is not between {low} and {high}"))
        })
    }

    /// Cron reads letters and digits; from the first other character to the next blank it looks
    /// at nothing.
    fn digits(&self, text: &str, whole: &str) -> Result<Option<u32>, Fault> {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
        let (start, behind) = text.split_at(end);
        let is_number = !start.is_empty() && start.bytes().all(|byte| byte.is_ascii_digit());
        if is_number || self.named(start).is_some() {
            self.nothing_behind(behind, whole)?;
        }
        Ok(if is_number { start.parse().ok() } else { None })
    }

    fn named(&self, text: &str) -> Option<u32> {
        let place = self.names.iter().position(|name| text.eq_ignore_ascii_case(name))?;
        Some(self.low + place as u32)
    }

    fn nothing_behind(&self, behind: &str, whole: &str) -> Result<(), Fault> {
        if behind.is_empty() {
            return Ok(());
        }
        if behind.starts_with('~') {
            let name = self.name;
            return Err(Fault::odd(format!(
                "{name} {whole:?} is a random time, which cronie knows"
            )));
        }
        let name = self.name;
        Err(Fault::odd(format!("{name} {whole:?}: cron passes over {behind:?}, whatever it means")))
    }

    fn refuse(&self, whole: &str, reason: &str) -> Fault {
        Fault::refused(format!("{} {whole:?}: {reason}", self.name))
    }
}
