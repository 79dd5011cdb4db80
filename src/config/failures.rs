//! `failures`: which outcomes of a job count as failures. A plain list stands for itself, one of
//! `+` and `-` edits what is inherited (docs/configuration.md, Failures).

use std::ops::RangeInclusive;
use std::sync::Arc;

use regex_lite::Regex;

use super::table::Table;
use crate::base::sentence::quoted;
use crate::base::suggest;
use crate::model::failures::Failures;
use crate::model::run::EndReason;

const KEY: &str = "failures";
/// Reasons that a file for other versions may name. Nothing ends so here.
const ELSEWHERE: [&str; 1] = ["daemon_stopped"];

/// One entry of the list, without its sign.
enum Outcome {
    Reason(EndReason),
    Elsewhere,
    Codes(RangeInclusive<u8>),
    Output(Regex),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    None,
    Plus,
    Minus,
}

/// The list of a table, or what is inherited where there is none.
pub(crate) fn read(table: &Table<'_>, inherited: &Arc<Failures>) -> Arc<Failures> {
    let Some(items) = table.list(KEY) else { return inherited.clone() };
    let is_plain = items.iter().all(|item| sign(item.text).0 == Sign::None);
    let is_edit = items.iter().all(|item| sign(item.text).0 != Sign::None);
    if !is_plain && !is_edit {
        let message =
            "either all entries begin with + or -, which edits the inherited list, or none";
        table.error(KEY, message);
        return inherited.clone();
    }
    let mut set = if is_plain { Set::empty() } else { Set::of(inherited) };
    for item in &items {
        let (sign, text) = sign(item.text);
        let edited = outcome(text).and_then(|outcome| set.edit(sign, outcome));
        if let Err(flaw) = edited {
            table.error_at(item.at, KEY, format!("{}: {flaw}", quoted(item.text)));
        }
    }
    for item in &items {
        let (sign, text) = sign(item.text);
        let is_code = matches!(outcome(text), Ok(Outcome::Codes(_)));
        if sign == Sign::Minus && is_code && set.reasons.contains(&EndReason::Failed) {
            let message = format!(
                "{}: \"failed\" is in the list and stands for every exit code; remove it too \
                 and add the codes that count",
                quoted(item.text)
            );
            table.error_at(item.at, KEY, message);
        }
    }
    Arc::new(set.into_failures())
}

fn sign(text: &str) -> (Sign, &str) {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('+') {
        return (Sign::Plus, rest);
    }
    text.strip_prefix('-').map_or((Sign::None, text), |rest| (Sign::Minus, rest))
}

fn outcome(text: &str) -> Result<Outcome, String> {
    if let Some(pattern) = text.strip_prefix("output:") {
        if pattern.is_empty() {
            return Err("the pattern is empty and would fit every line".to_owned());
        }
        let regex = Regex::new(pattern);
        return regex
            .map(Outcome::Output)
            .map_err(|error| format!("not a pattern: {}", one_line(&error)));
    }
    if text.starts_with(|letter: char| letter.is_ascii_digit()) {
        return codes(text).map(Outcome::Codes);
    }
    if ELSEWHERE.contains(&text) {
        return Ok(Outcome::Elsewhere);
    }
    match reasons().find(|reason| reason.as_str() == text) {
        Some(reason) => Ok(Outcome::Reason(reason)),
        None => {
            let mut names: Vec<_> = reasons().map(EndReason::as_str).collect();
            names.extend(ELSEWHERE);
            let nearest = suggest::nearest(text, names.iter().copied());
            let advice = nearest.map(|near| format!("; did you mean {near:?}?"));
            Err(format!(
                "must be one of {}, an exit code (\"42\"), a range of them (\"1-23\") or \
                 \"output:PATTERN\"{}",
                names.join(", "),
                advice.unwrap_or_default()
            ))
        }
    }
}

/// What a run may end as, but for success.
fn reasons() -> impl Iterator<Item = EndReason> {
    EndReason::ALL.into_iter().filter(|reason| *reason != EndReason::Success)
}

fn codes(text: &str) -> Result<RangeInclusive<u8>, String> {
    let code = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let code = text.parse().ok().filter(|code: &u8| is_number && *code > 0);
        code.ok_or("exit codes must be between 1 and 255, e.g. \"42\" or \"1-23\"")
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (code(first)?, code(last)?);
    if first > last {
        return Err(format!("the range is reversed; write \"{last}-{first}\""));
    }
    Ok(first..=last)
}

/// Errors of patterns may take several lines.
fn one_line(error: &regex_lite::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A list while it is edited.
struct Set {
    reasons: Vec<EndReason>,
    /// By code.
    codes: [bool; 256],
    output: Vec<Regex>,
}

impl Set {
    fn empty() -> Set {
        Set { reasons: Vec::new(), codes: [false; 256], output: Vec::new() }
    }

    fn of(failures: &Failures) -> Set {
        let mut set = Set {
            reasons: failures.reasons.clone(),
            output: failures.output.to_vec(),
            ..Set::empty()
        };
        for code in failures.codes.iter().cloned().flatten() {
            set.codes[usize::from(code)] = true;
        }
        set
    }

    fn edit(&mut self, sign: Sign, outcome: Outcome) -> Result<(), String> {
        let is_in = sign != Sign::Minus;
        match outcome {
            Outcome::Elsewhere => {}
            Outcome::Reason(reason) => {
                self.reasons.retain(|other| *other != reason);
                self.reasons.extend(is_in.then_some(reason));
            }
            Outcome::Codes(range) => range.for_each(|code| self.codes[usize::from(code)] = is_in),
            Outcome::Output(regex) => {
                let before = self.output.len();
                self.output.retain(|other| other.as_str() != regex.as_str());
                if is_in {
                    self.output.push(regex);
                } else if self.output.len() == before {
                    return Err("no such pattern is inherited; repeat its text exactly".to_owned());
                }
            }
        }
        Ok(())
    }

    fn into_failures(self) -> Failures {
        let mut codes: Vec<RangeInclusive<u8>> = Vec::new();
        for code in (1..=u8::MAX).filter(|code| self.codes[usize::from(*code)]) {
            match codes.last_mut() {
                Some(range) if *range.end() == code - 1 => *range = *range.start()..=code,
                Some(_) | None => codes.push(code..=code),
            }
        }
        Failures { reasons: self.reasons, codes, output: self.output.into() }
    }
}
