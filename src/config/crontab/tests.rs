use super::*;

fn entries(text: &str) -> Vec<Entry> {
    read(text, Form::User).entries
}

fn one(line: &str) -> Entry {
    let crontab = read(&format!("{line}\n"), Form::User);
    assert_eq!((crontab.entries.len(), &crontab.skipped), (1, &vec![]), "{line}");
    crontab.entries.into_iter().next().unwrap()
}

fn skipped(line: &str) -> Skipped {
    let crontab = read(&format!("{line}\n"), Form::User);
    assert_eq!(crontab.entries, [], "{line}");
    crontab.skipped.into_iter().next().unwrap_or_else(|| panic!("{line}"))
}

// What Debian's cron 3.0pl1-162 gave to a job that ran `env`.
#[test]
fn variables_are_read_as_cron_reads_them() {
    for (line, name, value) in [
        ("A=b", "A", "b"),
        ("A = b c  ", "A", "b c"),
        (" \tA=b", "A", "b"),
        (r#"A="b c ""#, "A", "b c"),
        ("A=' b'", "A", " b"),
        ("A=''", "A", ""),
        (r#"A=b "c""#, "A", r#"b "c""#),
        ("A==b", "A", "=b"),
        ("A=$HOME/x", "A", "$HOME/x"),
        ("A=b # c", "A", "b # c"),
        (r#""A"=b"#, "A", "b"),
        ("A=b\r", "A", "b"),
    ] {
        let text = format!("{line}\n* * * * * x\n");
        assert_eq!(entries(&text)[0].variable(name), Some(value), "{line}");
    }
    for line in ["A=", r#"A="b" c"#, r#"A="b"#, "A b=c", "A"] {
        assert!(skipped(line).is_refused_by_cron, "{line}");
    }
}

#[test]
fn a_variable_holds_for_the_entries_below_it() {
    let found = entries("A=1\n* * * * * one\nA=2\nB=3\n* * * * * two\n");
    let all = |entry: &Entry| entry.env.to_vec();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(all(&found[0]), [pair("A", "1")]);
    assert_eq!(all(&found[1]), [pair("A", "2"), pair("B", "3")]);
}

#[test]
fn what_cron_itself_reads_is_not_for_the_job() {
    let text = "SHELL=/bin/bash\nHOME=/srv\nMAILTO=me\nLOGNAME=x\nPATH=/x\n1A=b\n@daily x\n";
    let entry = &entries(text)[0];
    assert_eq!(entry.variables().collect::<Vec<_>>(), [("HOME", "/srv"), ("PATH", "/x")]);
    assert_eq!(entry.lost_variables().collect::<Vec<_>>(), ["1A"]);
    assert_eq!((entry.shell(), entry.home()), (Some("/bin/bash"), "/srv"));
    assert_eq!((one("@daily x").shell(), one("@daily x").home()), (None, "~"));
}

#[test]
fn schedules_stay_as_they_are_where_we_mean_the_same() {
    for (line, expected) in [
        ("*/15 0-6,22 1,15 jan-MAR mon,Fri x", "*/15 0-6,22 1,15 jan-MAR mon,Fri"),
        (" \t05\t 5 * *  7   x", "05 5 * * 7"),
        ("0 0 */2 * 1 x", "0 0 */2 * 1"),
        ("0 0 *,1 * 1 x", "0 0 *,1 * 1"),
        ("@midnight x", "@daily"),
        ("@annually\tx", "@yearly"),
        ("-5 4 * * * x", "5 4 * * *"),
    ] {
        assert_eq!(one(line).when, When::Cron(expected.to_owned()), "{line}");
    }
    assert_eq!(one("@reboot x").when, When::Boot);
}

#[test]
fn a_star_that_cron_does_not_see_is_written_out() {
    for (line, expected) in [
        ("0 0 1,* * 1 x", "0 0 1,1-31 * 1"),
        ("0 0 5,*/10 * 1 x", "0 0 5,1-31/10 * 1"),
        ("0 0 13 * 1,*/2 x", "0 0 13 * 1,0-7/2"),
    ] {
        let entry = one(line);
        assert_eq!(entry.when, When::Cron(expected.to_owned()), "{line}");
        assert_eq!(entry.notes.len(), 1, "{line}");
    }
}

#[test]
fn what_cron_refuses_or_reads_otherwise_is_skipped_with_the_reason() {
    for (line, is_refused, reason) in [
        ("5/10 * * * * x", true, r#"minute "5/10": a step needs a * or a range in front"#),
        ("60 * * * * x", true, r#"minute "60": "60" is not between 0 and 59"#),
        ("* 1,,2 * * * x", true, r#"hour "1,,2": "" is not between 0 and 23"#),
        ("* * ? * * x", true, r#"day of month "?": "?" is not between 1 and 31"#),
        ("* * * january * x", true, r#"month "january": "january" is not between 1 and 12"#),
        ("*/0 * * * * x", true, r#"minute "*/0": the step is no number above 0"#),
        ("*/-1 * * * * x", true, r#"minute "*/-1": the step is no number above 0"#),
        ("0 0 * *", true, "five fields and a command are needed"),
        ("@Daily x", true, r#"cron does not know "@Daily""#),
        ("@every 5m x", true, r#"cron does not know "@every""#),
        (
            "* * * * fri-sun x",
            false,
            r#"day of week "fri-sun" runs backwards: cron takes it as no value at all"#,
        ),
        (
            "* 22-5 * * * x",
            false,
            r#"hour "22-5" runs backwards: cron takes it as no value at all"#,
        ),
        ("0~59 * * * * x", false, r#"minute "0~59" is a random time, which cronie knows"#),
        ("*x * * * * x", false, r#"minute "*x": cron passes over "x", whatever it means"#),
        ("1-2-3 * * * * x", false, r#"minute "1-2-3": cron passes over "-3", whatever it means"#),
        ("0 0 5 * * * x", true, "the command begins with *; are there six fields of time?"),
        ("0 0 30 2 * x", false, "there is no such date: cron never runs it"),
        ("0 0 * * *", false, "there is no command"),
        ("@daily %x", false, "there is no command"),
        ("@daily a\u{fffd}", false, "it is not UTF-8 text without NUL bytes"),
    ] {
        let skipped = skipped(line);
        assert_eq!((skipped.is_refused_by_cron, &*skipped.reason), (is_refused, reason), "{line}");
        assert_eq!((skipped.line, &*skipped.text), (1, line));
    }
}

#[test]
fn the_systems_form_has_a_user() {
    let text = "0 5 * * * root\tx  y\n@daily www-data z\n0 5 * * * /usr/bin/x y\n0 5 * * *\n";
    let crontab = read(text, Form::System);
    let users: Vec<_> = crontab.entries.iter().map(|e| (e.user.as_deref(), &*e.command)).collect();
    assert_eq!(users, [(Some("root"), "x  y"), (Some("www-data"), "z")]);
    let reasons: Vec<_> = crontab.skipped.iter().map(|skipped| &*skipped.reason).collect();
    assert_eq!(
        reasons,
        [
            r#""/usr/bin/x" stands where the name of a user has to be"#,
            r#""" stands where the name of a user has to be"#
        ]
    );
    assert!(looks_like_system("# m h dom mon dow user\tcommand\n"));
    assert!(looks_like_system("# *  *  *  *  * user-name command to be executed\n"));
    assert!(!looks_like_system("# m h dom mon dow command\n0 0 * * * user command\n"));
}

// Debian's cron 3.0pl1-162 gave exactly this to `printf` and `cat`.
#[test]
fn a_percent_ends_the_command_and_begins_its_input() {
    for (line, command, stdin) in [
        (r"printf '[\%s]' 'a\\b\c'", r"printf '[%s]' 'a\b\c'", None),
        ("cat%one%two", "cat", Some("one\ntwo\n")),
        (r"cat %line two\%pct\\x\y%%end", "cat ", Some("line two%pct\\\\x\\y\n\nend\n")),
        ("cat%", "cat", None),
        ("cat%%", "cat", Some("\n")),
        (r"cat\\%x", r"cat\", Some("x\n")),
        (r"end\", r"end\", None),
    ] {
        let entry = one(&format!("@daily {line}"));
        assert_eq!((&*entry.command, entry.stdin.as_deref()), (command, stdin), "{line}");
    }
}

#[test]
fn the_script_does_not_notice_that_our_shell_has_e() {
    for (command, script) in [
        ("/usr/bin/backup --all >/dev/null 2>&1", "/usr/bin/backup --all >/dev/null 2>&1"),
        ("cd /srv && ./run", "set +e\ncd /srv && ./run"),
        ("false; true", "set +e\nfalse; true"),
        (". /etc/profile", "set +e\n. /etc/profile"),
        ("a &>/dev/null", "set +e\na &>/dev/null"),
        ("cat%a%INPUT", "exec <<'INPUT_'\na\nINPUT\nINPUT_\ncat"),
        ("cat; x%a", "set +e\nexec <<'INPUT'\na\nINPUT\ncat; x"),
    ] {
        assert_eq!(one(&format!("@daily {command}")).script().as_deref(), Some(script));
    }
    let python = |line: &str| {
        let text = format!("SHELL=/usr/bin/python3\n@daily {line}\n");
        entries(&text)[0].script()
    };
    assert_eq!(python("print(1); print(2)").as_deref(), Some("print(1); print(2)"));
    assert_eq!(python("input()%1"), None);
}

#[test]
fn the_comment_right_above_describes_the_entry() {
    for (above, expected) in [
        ("# Back up\n", Some("Back up")),
        ("# Back up\n# everything\n", Some("Back up everything")),
        ("# Back up\n\n", None),
        ("# old\n#0 5 * * * x\n# new one\n", Some("new one")),
        ("# m h  dom mon dow   command\n", None),
        ("#0 5 * * * /bin/x\n", None),
        ("#MAILTO=me\n", None),
        ("# ----\n", None),
        ("#Ansible: nightly\n", Some("Ansible: nightly")),
    ] {
        let found = entries(&format!("{above}0 5 * * * x\n"));
        assert_eq!(found[0].comment.as_deref(), expected, "{above}");
    }
}

#[test]
fn a_file_without_an_end_is_told_of() {
    assert_eq!(read("@daily x", Form::User).notes.len(), 1);
    assert_eq!(read("", Form::User), Crontab::default());
    let windows = read("\u{feff}@daily x\r\n", Form::User);
    assert_eq!((windows.entries[0].command.as_str(), windows.entries[0].notes.len()), ("x", 1));
}

#[test]
fn jobs_are_named_after_what_they_run() {
    for (command, name) in [
        ("/usr/local/bin/backup.sh --all", "backup"),
        ("cd /var/www && php artisan schedule:run >> /dev/null 2>&1", "artisan"),
        ("FOO=bar /usr/bin/python3 -u /srv/my.report.py", "my-report"),
        ("python3 -m app.jobs", "app-jobs"),
        ("flock -n /tmp/x.lock /opt/sync", "sync"),
        ("sudo -u www-data nice -n 10 /opt/x-y_z", "x-y_z"),
        ("timeout 5m curl -fsS https://example.org/cron", "curl"),
        ("sh -c 'cd /srv; ./run.sh'", "run"),
        ("su - postgres -c \"pg_dump all > x\"", "pg_dump"),
        ("[ -x /usr/lib/php/sessionclean ] && /usr/lib/php/sessionclean", "sessionclean"),
        (
            "test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }",
            "cron-daily",
        ),
        ("test -x a && perl -e 'sleep int(rand(43200))' && certbot -q renew", "certbot"),
        ("if [ -x a ]; then b; fi", "b"),
        ("echo hi", "job"),
        ("ö", "job"),
        ("/bin/--", "job"),
        ("", "job"),
        ("php -v", "php"),
    ] {
        assert_eq!(name_of(command), name, "{command}");
    }
    let taken = ["a", "a-2"];
    assert_eq!(unique("a", |name| taken.contains(&name)), "a-3");
    assert_eq!(unique("b", |name| taken.contains(&name)), "b");
}
