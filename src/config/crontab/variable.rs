//! Lines that set a variable: `NAME=value`, with blanks around the `=`, either side in quotes
//! (Debian's crontab(5)). What does not fit is read as an entry, as cron does.

use super::BLANKS;

/// The name and the value. Blanks at the end of a value are cut, also inside quotes.
pub(super) fn read(line: &str) -> Option<(String, String)> {
    let (name, rest) = match quoted(line) {
        Some(quoted) => quoted?,
        None => line.split_at(line.find(is_end_of_name)?),
    };
    let value = rest.trim_start_matches(is_space).strip_prefix('=')?.trim_start_matches(is_space);
    let value = match quoted(value) {
        Some(quoted) => {
            let (value, rest) = quoted?;
            rest.trim_matches(is_space).is_empty().then_some(value)?
        }
        // `NAME=` alone is no variable: an empty value needs its quotes.
        None => Some(value).filter(|value| !value.trim_matches(is_space).is_empty())?,
    };
    Some((name.to_owned(), value.trim_end_matches(is_space).to_owned()))
}

/// What stands between quotes at the beginning, and the rest; `Some(None)` when they do not end.
fn quoted(text: &str) -> Option<Option<(&str, &str)>> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(text[1..].split_once(quote))
}

fn is_space(letter: char) -> bool {
    BLANKS.contains(&letter) || matches!(letter, '\r' | '\u{b}' | '\u{c}')
}

fn is_end_of_name(letter: char) -> bool {
    letter == '=' || is_space(letter)
}
