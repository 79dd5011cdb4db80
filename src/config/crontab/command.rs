//! From the rest of a crontab's line to a script: `%` and what follows it, and the option `-e`
//! that our shells have and those of cron do not.

/// Shells that read a here-document and know `set +e`; ours start these with `-e`.
const POSIX_SHELLS: [&str; 8] = ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox"];

/// The command, and what it reads. Up to the first `%` cron turns `\%` and `\\` into one
/// character; behind it `\%` alone, and each other `%` is the end of a line.
pub(super) fn split(text: &str) -> (String, Option<String>) {
    let mut command = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => return (command, input(letters.as_str())),
            '\\' => match letters.next() {
                Some(next @ ('%' | '\\')) => command.push(next),
                Some(next) => command.extend(['\\', next]),
                None => command.push('\\'),
            },
            letter => command.push(letter),
        }
    }
    (command, None)
}

/// Without a text there is no input, as without a `%`.
fn input(text: &str) -> Option<String> {
    let mut input = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        input.push(match letter {
            '\\' if letters.next_if_eq(&'%').is_some() => '%',
            '%' => '\n',
            letter => letter,
        });
    }
    if !input.is_empty() && !input.ends_with('\n') {
        input.push('\n');
    }
    (!input.is_empty()).then_some(input)
}

/// See [`super::Entry::script`].
pub(super) fn script(command: &str, stdin: Option<&str>, shell: Option<&str>) -> Option<String> {
    let name = shell.unwrap_or("sh").rsplit('/').next().unwrap_or_default();
    if !POSIX_SHELLS.contains(&name) {
        return stdin.is_none().then(|| command.to_owned());
    }
    let mut script = String::new();
    if !is_single(command) {
        script.push_str("set +e\n");
    }
    if let Some(input) = stdin {
        let mut end = "INPUT".to_owned();
        while input.lines().any(|line| line == end) {
            end.push('_');
        }
        // Input is for the shell and all that it starts, not for the last command alone.
        script.push_str(&format!("exec <<'{end}'\n{input}{end}\n"));
    }
    script.push_str(command);
    Some(script)
}

/// Whether `-e` surely makes no difference: one command, so that nothing comes after a failure,
/// and none that runs other text in the same shell. Redirections do not count, `2>&1` is one.
/// Where this is too careful, `set +e` does no harm.
fn is_single(command: &str) -> bool {
    let rest = command.replace(">&", ">").replace("<&", "<");
    let runs_text =
        |word: &str| matches!(word, "." | "source" | "eval" | "trap" | "command" | "builtin");
    !rest.contains([';', '&', '|', '(', ')', '`', '\n']) && !rest.split_whitespace().any(runs_text)
}
