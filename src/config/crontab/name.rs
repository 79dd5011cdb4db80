//! What a job is called that has no name: after the program it runs.

/// Our names may have 100 characters; some are left for a number.
const LONGEST: usize = 60;

/// What stands in front of a command and runs it, or a file.
const RUNNERS: [&str; 27] = [
    "env",
    "exec",
    "sudo",
    "doas",
    "runuser",
    "nice",
    "ionice",
    "chrt",
    "flock",
    "timeout",
    "nohup",
    "setsid",
    "time",
    "command",
    "chronic",
    "systemd-cat",
    "run-one",
    "java",
    "bundle",
    "poetry",
    "uv",
    "npx",
    "run-parts",
    "if",
    "then",
    "do",
    "while",
];
const SHELLS: [&str; 6] = ["sh", "bash", "dash", "zsh", "ksh", "su"];
/// Their one-liners are no names.
const INTERPRETERS: [&str; 8] =
    ["python", "python2", "python3", "perl", "ruby", "php", "node", "nodejs"];

/// What is done before the command that is meant.
const PREPARATIONS: [&str; 19] = [
    "cd", "test", "[", "[[", "!", "export", "set", "umask", "sleep", ".", "source", ":", "true",
    "echo", "printf", "mkdir", "touch", "fi", "done",
];

/// Endings of scripts; what runs a job is no part of its name.
const ENDINGS: [&str; 11] =
    [".sh", ".bash", ".py", ".pl", ".rb", ".php", ".js", ".mjs", ".cjs", ".jar", ".lua"];

/// `/usr/local/bin/backup.sh --all` → `backup`. Always a good name for a task.
pub(crate) fn name_of(command: &str) -> String {
    named_after(command).unwrap_or_else(|| "job".to_owned())
}

/// A name of another scheduler as one of ours.
pub(crate) fn sanitised(name: &str) -> String {
    Some(clean(name)).filter(|name| !name.is_empty()).unwrap_or_else(|| "job".to_owned())
}

/// `name`, or with the first number from 2 on that makes it new.
pub(crate) fn unique(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(name) {
        return name.to_owned();
    }
    let mut numbered = (2u32..).map(|number| format!("{name}-{number}"));
    numbered.find(|name| !is_taken(name)).expect("there are more numbers than names")
}

fn named_after(command: &str) -> Option<String> {
    let parts = simple_commands(command);
    parts.iter().filter_map(|words| program(words)).find(|name| !name.is_empty())
}

/// Words without their quotes, apart where the shell starts another command. A rough reading
/// will do.
fn simple_commands(text: &str) -> Vec<Vec<String>> {
    let mut parts = vec![vec![String::new()]];
    let mut quote = None;
    for letter in text.chars() {
        let part = parts.last_mut().expect("there is always one");
        match (quote, letter) {
            (Some(end), letter) if letter == end => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '&' | '|' | ';' | '(' | ')' | '{' | '}' | '`' | '\n') => {
                parts.push(vec![String::new()]);
            }
            (None, ' ' | '\t') => part.push(String::new()),
            (_, letter) => part.last_mut().expect("there is always one").push(letter),
        }
    }
    parts
}

/// The name of the program that a simple command runs, unless it only prepares another one.
fn program(words: &[String]) -> Option<String> {
    let mut words = words.iter().map(String::as_str).filter(|word| !word.is_empty());
    let mut runner = "";
    while let Some(word) = words.next() {
        let name = word.rsplit('/').next().unwrap_or_default();
        let is_value = word.bytes().all(|byte| byte.is_ascii_digit() || b".smhd".contains(&byte));
        match word {
            "-c" if SHELLS.contains(&runner) => return named_after(words.next()?),
            "-c" | "-e" | "-r" if INTERPRETERS.contains(&runner) => return None,
            "-m" if INTERPRETERS.contains(&runner) => return words.next().map(clean),
            "-u" | "-g" if ["sudo", "doas", "runuser", "env"].contains(&runner) => _ = words.next(),
            _ if !runner.is_empty() && (word.starts_with('-') || is_value) => {}
            // The account of `su`, whose command follows.
            _ if runner == "su" => {}
            // The lock file of `flock`.
            _ if runner == "flock" => runner = "exec",
            _ if word.contains(['=', '<', '>']) => {}
            _ if PREPARATIONS.contains(&word) => return None,
            _ if [&RUNNERS[..], &SHELLS, &INTERPRETERS].concat().contains(&name) => runner = name,
            _ => return Some(clean(name)),
        }
    }
    // A runner that was given nothing to run.
    Some(clean(runner))
}

/// Letters, digits, `_` and `-`, the first one no `-`.
fn clean(name: &str) -> String {
    let ending = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending));
    let mut clean = String::new();
    for letter in ending.unwrap_or(name).chars() {
        match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => clean.push(letter),
            _ if clean.is_empty() || clean.ends_with('-') => {}
            _ => clean.push('-'),
        }
    }
    clean.truncate(LONGEST);
    clean.trim_end_matches('-').to_owned()
}
