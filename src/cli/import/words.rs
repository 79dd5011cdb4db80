//! Commands that no shell has ever read, for one that will: a list of arguments in the quotes that
//! keep it one, and what else sources have in common.

/// Stands in an argument for the number of the replica; such text is in no command.
pub(super) const REPLICA: char = '\u{e000}';

/// `exec` and the arguments. Nothing in them means anything to the shell.
pub(super) fn exec(words: &[String]) -> String {
    format!("exec {}", join(words))
}

/// The arguments, each quoted where it has to be.
pub(super) fn join(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| quote(word)).collect();
    quoted.join(" ")
}

/// One argument. [`REPLICA`] with a width behind it, `\u{e000}02`, becomes the number of the
/// replica with so many digits.
fn quote(word: &str) -> String {
    let mut pieces = word.split(REPLICA);
    let mut text = literal(pieces.next().unwrap_or_default());
    for piece in pieces {
        let width = piece.chars().take_while(char::is_ascii_digit).count().min(2);
        let (width, rest) = piece.split_at(width);
        text += &match width {
            "" => "\"$RUNWISP_REPLICA_INDEX\"".to_owned(),
            width => format!("\"$(printf %{width}d \"$RUNWISP_REPLICA_INDEX\")\""),
        };
        if !rest.is_empty() {
            text += &literal(rest);
        }
    }
    match text.strip_prefix("''") {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        Some(_) | None => text,
    }
}

fn literal(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(&byte);
    // A first word with `=` would be an assignment, one with `~` a home.
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A line taken apart as a POSIX shell would, without any expansion; `None` where a quote does not
/// end. This is how supervisord and PM2 read a command.
pub(super) fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter.is_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '\'' => break,
                        letter => word.push(letter),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        '"' => break,
                        '\\' => match letters.next()? {
                            letter @ ('"' | '\\') => word.push(letter),
                            letter => word.extend(['\\', letter]),
                        },
                        letter => word.push(letter),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(letters.next()?),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Some(words)
}

/// Seconds as a duration of ours.
pub(super) fn seconds(text: &str) -> Option<String> {
    text.trim().parse::<u32>().ok().map(|seconds| format!("{seconds}s"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_sees_the_arguments_that_were_meant() {
        let words =
            ["a", "", "b c", "it's", "$HOME", "`x`", "*", "~", "a=b", "\\", "\"", "a\nb", "#", "!"];
        let words = words.map(str::to_owned);
        let script = format!("printf '%s\\0' {}", join(&words));
        let output = Command::new("/bin/sh").args(["-e", "-c", &script]).output().unwrap();
        let seen = String::from_utf8(output.stdout).unwrap();
        let seen: Vec<&str> = seen.trim_end_matches('\0').split('\0').collect();
        assert_eq!(seen, words);
    }

    #[test]
    fn the_number_of_the_replica_is_put_in_by_the_shell() {
        let words =
            [format!("--port=80{REPLICA}02"), format!("{REPLICA}"), format!("{REPLICA}x y")];
        let script = format!("printf '%s|' {}", join(&words));
        let mut shell = Command::new("/bin/sh");
        let output = shell.args(["-e", "-c", &script]).env("RUNWISP_REPLICA_INDEX", "3").output();
        assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), "--port=8003|3|3x y|");
    }

    #[test]
    fn words_are_split_as_a_shell_does() {
        for (text, words) in [
            ("a  b\tc", Some(vec!["a", "b", "c"])),
            (r#"a 'b c' "d e" f\ g"#, Some(vec!["a", "b c", "d e", "f g"])),
            (r#""a\"b\n" '' x'y'"z""#, Some(vec!["a\"b\\n", "", "xyz"])),
            ("$HOME && `x` #", Some(vec!["$HOME", "&&", "`x`", "#"])),
            ("'a", None),
            ("a\\", None),
            ("", Some(vec![])),
        ] {
            let words = words.map(|words| words.into_iter().map(str::to_owned).collect());
            assert_eq!(split(text), words, "{text}");
        }
    }
}
