//! `runwisp completion`: scripts for shells, made from the help pages. What a page says of flags,
//! actions and arguments is what the shell offers, so the two cannot tell different things.

use crate::cli::argv::{Argv, Usage, hint};
use crate::cli::help::Topic;

/// The page of `runwisp completion --help`.
pub(crate) const HELP: &str = "\
Prints a script that has a shell complete the words of runwisp, names of tasks too.

Usage: runwisp completion bash|zsh|fish

      source <(runwisp completion bash)      in ~/.bashrc; the same with zsh in ~/.zshrc
      runwisp completion fish | source       in ~/.config/fish/config.fish
";

/// A shell with a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Shell {
    /// Reads the arguments of `completion`.
    pub(crate) fn take(argv: &mut Argv) -> Result<Shell, Usage> {
        match argv.one_word("bash, zsh or fish")?.as_str() {
            "bash" => Ok(Shell::Bash),
            "zsh" => Ok(Shell::Zsh),
            "fish" => Ok(Shell::Fish),
            other => {
                let near = hint(other, ["bash", "zsh", "fish"]);
                let message =
                    format!("unknown shell {other:?}: it is one of bash, zsh, fish{near}");
                Err(argv.refuse(message))
            }
        }
    }
}

/// The whole script.
pub(crate) fn script(shell: Shell) -> String {
    match shell {
        Shell::Bash => bash(),
        // As a file named _runwisp it is run when the first word is completed.
        Shell::Zsh => format!(
            "#compdef runwisp\nautoload -U +X bashcompinit && bashcompinit\n{}\
             if [ \"${{funcstack[1]}}\" = _runwisp ]; then _bash_complete -F __runwisp; fi\n",
            bash()
        ),
        Shell::Fish => fish(),
    }
}

/// A line of a page about a flag.
#[derive(Debug, PartialEq)]
pub(crate) struct FlagLine<'a> {
    /// `-c`, `--config`.
    pub(crate) names: Vec<&'a str>,
    /// `<path>`.
    pub(crate) value: Option<&'a str>,
    about: &'a str,
}

/// The flags that a page tells of, in its order.
pub(crate) fn flags(page: &str) -> Vec<FlagLine<'_>> {
    let lines = page.lines().filter(|line| line.starts_with("  "));
    lines.map(str::trim_start).filter(|line| line.starts_with('-')).map(flag_line).collect()
}

fn flag_line(line: &str) -> FlagLine<'_> {
    let (head, about) = line.split_once("  ").unwrap_or((line, ""));
    let (names, value) = match head.split_once(" <") {
        Some((names, _)) => (names, Some(&head[names.len() + 1..])),
        None => (head, None),
    };
    FlagLine {
        names: names.split(", ").map(|name| name.split('[').next().unwrap_or(name)).collect(),
        value,
        about: about.trim_start(),
    }
}

/// What may stand behind a subcommand.
struct Arguments<'a> {
    /// `list`, `test`; the shells of `completion`.
    actions: Vec<&'a str>,
    tasks: bool,
    files: bool,
}

fn arguments<'a>(topic: Topic, page: &'a str) -> Arguments<'a> {
    let mut found = Arguments { actions: Vec::new(), tasks: false, files: false };
    let usage = page.split("Usage: ").nth(1).and_then(|rest| rest.split("\n\n").next());
    for line in usage.unwrap_or_default().lines() {
        let Some(line) = line.trim_start().strip_prefix("runwisp ") else { continue };
        let Some(rest) = line.strip_prefix(topic.name()) else { continue };
        found.tasks |=
            ["<task", "[task", "<target", "[target"].iter().any(|word| rest.contains(word));
        found.files |= ["<directory", "[path"].iter().any(|word| rest.contains(word));
        let word = rest.split_whitespace().next().unwrap_or_default();
        let is_action = |word: &&str| word.starts_with(|first: char| first.is_ascii_lowercase());
        for action in word.split('|').filter(is_action) {
            if !found.actions.contains(&action) {
                found.actions.push(action);
            }
        }
    }
    found
}

fn bash() -> String {
    let root = Topic::Root.page();
    let mut valued: Vec<&str> = Vec::new();
    let (mut flag_cases, mut word_cases) = (String::new(), String::new());
    let pages: Vec<(Topic, String)> =
        Topic::subcommands().map(|topic| (topic, topic.page())).collect();
    let globals: Vec<&str> = flags(&root).into_iter().flat_map(|flag| flag.names).collect();
    for (topic, page) in
        pages.iter().map(|(topic, page)| (topic, page.as_str())).chain([(&Topic::Root, &*root)])
    {
        let name = topic.name();
        let lines = flags(page);
        for line in lines.iter().filter(|line| line.value.is_some()) {
            valued.extend(
                line.names.iter().filter(|name| !valued.contains(name)).collect::<Vec<_>>(),
            );
        }
        let own = lines.iter().flat_map(|line| &line.names).filter(|name| !globals.contains(name));
        let own: Vec<&str> = own.copied().collect();
        if !own.is_empty() {
            flag_cases
                .push_str(&format!("        {name}) words=\"$words {}\" ;;\n", own.join(" ")));
        }
        let arguments = arguments(*topic, page);
        if !arguments.actions.is_empty() && *topic != Topic::Root {
            let actions = arguments.actions.join(" ");
            word_cases.push_str(&format!("        \"{name} 0\") words=\"{actions}\" ;;\n"));
        }
        if arguments.tasks {
            word_cases.push_str(&format!("        \"{name} \"*) words=$(__runwisp_tasks) ;;\n"));
        }
        if arguments.files {
            word_cases
                .push_str(&format!("        \"{name} \"*) words=$(compgen -f -- \"$cur\") ;;\n"));
        }
    }
    let commands: Vec<&str> = Topic::subcommands().map(Topic::name).collect();
    BASH.replace("@VALUED@", &valued.join("|"))
        .replace("@GLOBALS@", &globals.join(" "))
        .replace("@COMMANDS@", &commands.join(" "))
        .replace("@FLAG_CASES@\n", &flag_cases)
        .replace("@WORD_CASES@\n", &word_cases)
}

const BASH: &str = r#"__runwisp() {
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"
    local i word cmd="" count=0 config="" words=""
    # --flag=value is three words.
    [ "$cur" = "=" ] && cur=""
    [ "$prev" = "=" ] && prev="${COMP_WORDS[COMP_CWORD-2]}"
    for ((i = 1; i < COMP_CWORD; i++)); do
        word="${COMP_WORDS[i]}"
        case "$word" in
        @VALUED@)
            [ "${COMP_WORDS[i+1]}" = "=" ] && i=$((i + 1))
            i=$((i + 1))
            case "$word" in -c|--config) config="${COMP_WORDS[i]}" ;; esac
            ;;
        -*) ;;
        *) if [ -z "$cmd" ]; then cmd="$word"; else count=$((count + 1)); fi ;;
        esac
    done
    case "$prev" in
    -c|--config|--data|--socket|--binary) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --log-level) COMPREPLY=($(compgen -W "debug info warn error" -- "$cur")); return ;;
    @VALUED@) COMPREPLY=(); return ;;
    esac
    case "$cur" in
    -*)
        words="@GLOBALS@"
        case "$cmd" in
@FLAG_CASES@
        esac
        ;;
    *)
        case "$cmd $count" in
        " 0") words="@COMMANDS@" ;;
@WORD_CASES@
        esac
        ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
__runwisp_tasks() {
    runwisp list ${config:+--config "$config"} 2>/dev/null | {
        read -r word
        while read -r word _; do echo "$word"; done
    }
}
complete -F __runwisp runwisp
"#;

fn fish() -> String {
    let mut script = FISH.to_owned();
    let root = Topic::Root.page();
    for line in flags(&root) {
        script.push_str(&fish_flag("", &line));
    }
    let is_global =
        |line: &FlagLine<'_>| flags(&root).iter().any(|known| known.names == line.names);
    for topic in Topic::subcommands() {
        let (name, page) = (topic.name(), topic.page());
        let about = page.lines().next().unwrap_or_default().split([':', ',']).next();
        let about = quoted(about.unwrap_or_default().trim_end_matches('.'));
        let only = "complete -c runwisp -n __fish_use_subcommand";
        script.push_str(&format!("{only} -a {name} -d {about}\n"));
        let condition = format!(" -n '__fish_seen_subcommand_from {name}'");
        for line in flags(&page).into_iter().filter(|line| !is_global(line)) {
            script.push_str(&fish_flag(&condition, &line));
        }
        let arguments = arguments(topic, &page);
        if !arguments.actions.is_empty() {
            let actions = arguments.actions.join(" ");
            let no_action = format!(
                " -n '__fish_seen_subcommand_from {name}; and not __fish_seen_subcommand_from {actions}'"
            );
            script.push_str(&format!("complete -c runwisp{no_action} -a '{actions}'\n"));
        }
        if arguments.tasks {
            script.push_str(&format!("complete -c runwisp{condition} -a '(__runwisp_tasks)'\n"));
        }
        if arguments.files {
            script.push_str(&format!("complete -c runwisp{condition} -F\n"));
        }
    }
    script
}

const FISH: &str = "\
function __runwisp_tasks
    runwisp list 2>/dev/null | string match -r '^\\S+' | tail -n +2
end
complete -c runwisp -f
";

fn fish_flag(condition: &str, line: &FlagLine<'_>) -> String {
    let mut text = format!("complete -c runwisp{condition}");
    for name in &line.names {
        text.push_str(&match name.strip_prefix("--") {
            Some(long) => format!(" -l {long}"),
            None => format!(" -s {}", name.trim_start_matches('-')),
        });
    }
    match line.value {
        Some("<path>") => text.push_str(" -r -F"),
        Some("<lvl>") => text.push_str(" -x -a 'debug info warn error'"),
        Some(_) => text.push_str(" -x"),
        None => {}
    }
    // What follows is the default, often cut by the width of the page.
    let about = line.about.split(" [").next().unwrap_or_default();
    format!("{text} -d {}\n", quoted(about))
}

/// Both shells and fish take it as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_page_tells_names_value_and_meaning() {
        let page = "Usage: runwisp x [--y]\n\n  -n, --lines <N>        only N\n      --json             as JSON\n                         [no]\n";
        let expected = [
            FlagLine { names: vec!["-n", "--lines"], value: Some("<N>"), about: "only N" },
            FlagLine { names: vec!["--json"], value: None, about: "as JSON" },
        ];
        assert_eq!(flags(page), expected);
    }

    #[test]
    fn a_usage_line_tells_actions_and_arguments() {
        for (topic, actions, tasks, files) in [
            (Topic::Service, "install status uninstall", false, false),
            (Topic::Notify, "list test mute unmute", true, false),
            (Topic::Completion, "bash zsh fish", false, false),
            (Topic::Restart, "", true, false),
            (Topic::Next, "", true, false),
            (Topic::History, "", true, false),
            (Topic::Backup, "", false, true),
            (Topic::Validate, "", false, true),
            (Topic::Status, "", false, false),
        ] {
            let page = topic.page();
            let found = arguments(topic, &page);
            assert_eq!(found.actions.join(" "), actions, "{topic:?}");
            assert_eq!((found.tasks, found.files), (tasks, files), "{topic:?}");
        }
    }
}
