//! Crontabs become tasks (docs/migration.md, From cron). How cron reads its lines is told in
//! `config/crontab`; here each entry gets its keys, and what is lost is said.

use super::draft::{Draft, Import, Value};
use crate::config::crontab::{self, Crontab, Entry, Form, Skipped, When, name_of};
use crate::model::job::Kind;

/// What the host knows that the crontab mentions.
pub(crate) struct Host<'a> {
    /// Debian's cron takes `CRON_TZ` and `RANDOM_DELAY` for mere variables, cronie does not.
    pub(crate) is_debian: bool,
    pub(crate) has_user: &'a dyn Fn(&str) -> bool,
    pub(crate) has_zone: &'a dyn Fn(&str) -> bool,
}

/// Reads one crontab into `import`. `owner` is whose it is, when its path says so; `file` is
/// named in front of line numbers when there are several.
pub(crate) fn import(
    import: &mut Import,
    text: &str,
    form: Form,
    owner: Option<&str>,
    file: &str,
    host: &Host<'_>,
) {
    let Crontab { entries, skipped, notes } = crontab::read(text, form);
    let at = |line: usize| match file {
        "" => format!("line {line}"),
        file => format!("{file}:{line}"),
    };
    let about = |note: String| match file {
        "" => note,
        file => format!("{file}: {note}"),
    };
    notes.into_iter().for_each(|note| import.note(about(note)));
    let refused = skipped.iter().filter(|line| line.is_refused_by_cron);
    let refused: Vec<String> = refused.map(|skipped| skipped.line.to_string()).collect();
    if !refused.is_empty() {
        let lines = refused.join(", ");
        import.note(about(format!(
            "cron refuses line {lines}; Debian's then ignores the whole file, so none of its jobs has run"
        )));
    }
    let has_entries = !entries.is_empty();
    let mut rows: Vec<(usize, Draft)> = Vec::new();
    for Skipped { line, text, reason, .. } in skipped {
        rows.push((line, Draft::broken(String::new(), at(line), reason, text)));
    }
    for entry in &entries {
        if let Some(note) = mail(entry) {
            import.note(about(note));
        }
        rows.push((entry.line, draft(entry, owner, at(entry.line), host)));
    }
    rows.sort_by_key(|(line, _)| *line);
    import.drafts.extend(rows.into_iter().map(|(_, draft)| draft));
    if has_entries && form == Form::User && owner.is_none() {
        import.note(
            "no user is named: the jobs run as the daemon's own user; where that is root and the \
             crontab was not root's, add user = \"NAME\"",
        );
    }
}

fn draft(entry: &Entry, owner: Option<&str>, place: String, host: &Host<'_>) -> Draft {
    let mut draft = Draft::new(Kind::Task, name_of(&entry.command), place);
    if let Some(user) = entry.user.as_deref().filter(|user| !(host.has_user)(user)) {
        let reason =
            format!("there is no user {user:?} here; does the file have a column for users?");
        return Draft::broken(draft.name, draft.place, reason, entry.text.clone());
    }
    draft.notes.clone_from(&entry.notes);
    if let Some(comment) = &entry.comment {
        draft.text("description", comment);
    }
    match &entry.when {
        When::Boot => draft.text("run_on_start", "boot"),
        When::Cron(expression) => {
            draft.text("cron", expression);
            let zone = zone(entry, host, &mut draft.todos);
            draft.text("timezone", zone);
            draft.text("catch_up", "skip");
            draft.text("on_overlap", "queue");
            jitter(entry, host, &mut draft);
        }
    }
    if let Some(user) = entry.user.as_deref().or(owner) {
        draft.text("user", user);
    }
    match entry.shell() {
        Some(shell) if shell.starts_with('/') => draft.text("shell", shell),
        Some(shell) => {
            draft.todo(format!("SHELL={shell} is no absolute path; name the shell here"))
        }
        None => {}
    }
    draft.text("working_dir", entry.home());
    draft.text("env_base", "clean");
    // On hosts where they mean something, these have keys of their own.
    let is_own = |name: &str| name == "CRON_TZ" && !host.is_debian;
    let env = entry.variables().filter(|(name, _)| !is_own(name));
    let env: Vec<_> = env.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    if !env.is_empty() {
        draft.set("env", Value::Table(env));
    }
    for name in entry.lost_variables() {
        draft.note(format!("the variable {name:?} is left out: names are letters, digits and _"));
    }
    match entry.script() {
        Some(script) => draft.text("run", script),
        None => {
            draft.text("run", &entry.command);
            let input = entry.stdin.as_deref().unwrap_or_default();
            draft.todo(format!("cron gives the command this input, which is lost here:\n{input}"));
        }
    }
    if let (None, Some((first, _))) = (&entry.user, entry.command.split_once(' '))
        && (host.has_user)(first)
    {
        draft.note(format!(
            "{first:?} is a user here: if the file has a column for users, add --system"
        ));
    }
    if entry.command.contains("/run/systemd/system") {
        draft.note(
            "it looks whether systemd runs this machine: a timer may do the same job there, which \
             \"runwisp import systemd\" reads",
        );
    }
    let is_of_anacron = ["daily", "weekly", "monthly"]
        .iter()
        .any(|period| entry.command.contains(&format!("/etc/cron.{period}")));
    if is_of_anacron && entry.command.contains("anacron") {
        draft.note(
            "where anacron is installed it runs this directory itself, and this does nothing",
        );
    }
    draft
}

/// Cron goes by the clock of the machine, cronie by that of `CRON_TZ`.
fn zone(entry: &Entry, host: &Host<'_>, todos: &mut Vec<String>) -> String {
    match entry.variable("CRON_TZ").filter(|_| !host.is_debian) {
        Some(zone) if (host.has_zone)(zone) => zone.to_owned(),
        Some(zone) => {
            todos.push(format!("CRON_TZ={zone} is no time zone of this host; name the right one"));
            "Local".to_owned()
        }
        None => "Local".to_owned(),
    }
}

fn jitter(entry: &Entry, host: &Host<'_>, draft: &mut Draft) {
    let Some(minutes) = entry.variable("RANDOM_DELAY").filter(|_| !host.is_debian) else { return };
    match minutes.parse::<u32>() {
        Ok(minutes @ 1..=1440) => draft.text("jitter", format!("{minutes}m")),
        Ok(_) | Err(_) => draft.todo(format!("RANDOM_DELAY={minutes} is no number of minutes")),
    }
}

/// Cron mails whatever a job prints; we tell of failures.
fn mail(entry: &Entry) -> Option<String> {
    let to = entry.variable("MAILTO").filter(|to| !to.is_empty())?;
    let to: Vec<String> =
        to.split([',', ' ']).filter(|to| !to.is_empty()).map(|to| format!("{to:?}")).collect();
    let to = to.join(", ");
    Some(format!(
        "MAILTO: output is kept and not mailed. For a mail when a job fails, put this into \
         runwisp.toml:\n[[notifier]]\nid = \"mail\"\ntype = \"sendmail\"\nfrom = \"runwisp@localhost\"\n\
         to = [{to}]\n[notify]\ndefault_notifiers = [\"mail\"]"
    ))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::super::page::tables;
    use super::*;

    fn imported(text: &str, form: Form, is_debian: bool) -> Import {
        let host = Host {
            is_debian,
            has_user: &|name| name == "root",
            has_zone: &|name| name == "Europe/Prague",
        };
        let mut found = Import::default();
        import(&mut found, text, form, None, "", &host);
        found.settle_names(&[]);
        found
    }

    fn page(text: &str) -> String {
        tables(&imported(text, Form::User, true))
    }

    #[test]
    fn an_entry_becomes_a_task_that_does_the_same() {
        let text = "# Nightly backup\nPATH=/opt/bin:/usr/bin\n# All of it\n30 2 * * mon-fri cd /srv && ./backup '${HOME}'\n";
        assert_eq!(
            page(text),
            "\n# line 4\n[tasks.backup]\ndescription = \"All of it\"\ncron = \"30 2 * * mon-fri\"\n\
             timezone = \"Local\"\ncatch_up = \"skip\"\non_overlap = \"queue\"\nworking_dir = \"~\"\n\
             env_base = \"clean\"\nenv = { PATH = \"/opt/bin:/usr/bin\" }\n\
             run = '''\nset +e\ncd /srv && ./backup '${HOME}''''\n"
                .replace("'''\nset +e\ncd /srv && ./backup '${HOME}''''", "\"\"\"\nset +e\ncd /srv && ./backup '${HOME}'\"\"\"")
        );
        let boot = page("@reboot /opt/a\n");
        assert!(boot.contains("run_on_start = \"boot\"\n") && !boot.contains("cron ="), "{boot}");
    }

    /// What the command prints, and its exit code.
    fn ran(args: &[&str], input: &str) -> (String, Option<i32>) {
        let mut shell = Command::new("/bin/sh");
        shell.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = shell.spawn().unwrap();
        // A command that does not read may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    }

    #[test]
    fn a_script_does_in_our_shell_what_the_command_did_in_crons() {
        for (line, command, input) in [
            ("false; echo on", "false; echo on", ""),
            ("test -x /no && echo yes; echo $?", "test -x /no && echo yes; echo $?", ""),
            ("exit 3", "exit 3", ""),
            (
                "cat; cat; echo end%a $HOME%'b' `c`%INPUT%%\\%",
                "cat; cat; echo end",
                "a $HOME\n'b' `c`\nINPUT\n\n%\n",
            ),
            (
                "(read a; echo $a); read b; echo $b%1%2",
                "(read a; echo $a); read b; echo $b",
                "1\n2\n",
            ),
            ("grep -c x%x%y", "grep -c x", "x\ny\n"),
            ("echo \\%", "echo %", ""),
            ("eval 'false; echo x'", "eval 'false; echo x'", ""),
            ("false | true; false; echo x 2>&1", "false | true; false; echo x 2>&1", ""),
        ] {
            let import = imported(&format!("@daily {line}\n"), Form::User, true);
            let script = import.drafts[0].text_of("run").unwrap();
            assert_eq!(
                ran(&["-e", "-c", script], ""),
                ran(&["-c", command], input),
                "{line}: {script}"
            );
        }
    }

    #[test]
    fn what_is_lost_is_said() {
        let text = "MAILTO=\"me, you\"\nSHELL=bash\nX-Y=1\n@daily a\n5/9 * * * * b\nSHELL=/usr/bin/perl\n@daily c%in\n";
        let import = imported(text, Form::User, true);
        let marks: String = import.drafts.iter().map(Draft::mark).collect();
        assert_eq!(marks, "~!~");
        let page = tables(&import);
        for said in [
            "# TODO: SHELL=bash is no absolute path",
            "# the variable \"X-Y\" is left out",
            "# TODO: line 5: minute \"5/9\": a step needs",
            "#   5/9 * * * * b",
            "# TODO: cron gives the command this input, which is lost here:\n#   in\n",
        ] {
            assert!(page.contains(said), "{said}\n{page}");
        }
        let notes = import.notes.join("\n");
        for said in ["to = [\"me\", \"you\"]", "cron refuses line 5", "no user is named"] {
            assert!(notes.contains(said), "{said}\n{notes}");
        }
    }

    #[test]
    fn a_user_has_to_be_there() {
        let text = "@daily root a\n@daily nobody-knows b\n@daily /usr/bin/c d\n";
        let import = imported(text, Form::System, true);
        let marks: String = import.drafts.iter().map(Draft::mark).collect();
        assert_eq!(marks, "✓!!");
        assert_eq!(import.drafts[0].text_of("user"), Some("root"));
        let import = imported("@daily root a\n@daily a root\n", Form::User, true);
        let marks: String = import.drafts.iter().map(Draft::mark).collect();
        assert_eq!(marks, "~✓");
    }

    #[test]
    fn cronies_own_variables_count_where_cronie_is() {
        let text = "CRON_TZ=Europe/Prague\nRANDOM_DELAY=30\n@daily a\nCRON_TZ=Mars\n@daily b\n";
        let import = imported(text, Form::User, false);
        let [a, b] = &import.drafts[..] else { panic!() };
        let of = |draft: &Draft, key: &str| draft.text_of(key).map(str::to_owned);
        assert_eq!(of(a, "timezone").as_deref(), Some("Europe/Prague"));
        assert_eq!(of(a, "jitter").as_deref(), Some("30m"));
        assert_eq!((of(b, "timezone").as_deref(), b.todos.len()), (Some("Local"), 1));
        let debian = &imported(text, Form::User, true).drafts[0];
        assert_eq!(
            (of(debian, "timezone").as_deref(), of(debian, "jitter")),
            (Some("Local"), None)
        );
        assert!(debian.keys.iter().any(|(key, _)| *key == "env"));
    }

    #[test]
    fn debians_own_lines_are_told_to_be_anacrons() {
        let line = "25 6 * * * root test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }\n";
        let import = imported(line, Form::System, true);
        assert_eq!(
            (import.drafts[0].name.as_str(), import.drafts[0].notes.len()),
            ("cron-daily", 1)
        );
    }
}
