//! Importing from other schedulers, and taking imported tables over: what is printed, what is
//! written, and that it is written whole or not at all.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use crate::harness::Home;

const CRONTAB: &str =
    "PATH=/usr/bin\n# All of it\n30 2 * * * /opt/backup.sh --all\n@reboot /opt/hello\n";
const OWN: &str = "# mine\n[tasks.mine]\nrun = \"true\"\n";

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn ran(home: &Home, line: &str) -> Output {
    home.run(line.split(' '))
}

fn well(home: &Home, line: &str) -> Output {
    let output = ran(home, line);
    assert_eq!(output.status.code(), Some(0), "{line}: {}", err(&output));
    output
}

fn badly(home: &Home, line: &str, said: &str) {
    let output = ran(home, line);
    assert_eq!(output.status.code(), Some(1), "{line}: {}", out(&output));
    assert!(err(&output).contains(said), "{line}: {}", err(&output));
}

#[test]
fn tables_go_to_stdout_and_everything_else_to_stderr() {
    let home = Home::new("");
    home.write("tab", CRONTAB);
    let output = well(&home, "import cron tab");
    let page = out(&output);
    assert!(
        page.starts_with(
            "#:schema ./runwisp.schema.json\n# Made by \"runwisp import cron\" from tab.\n\n\
             # line 3\n[tasks.backup]\n"
        ),
        "{page}"
    );
    assert!(
        page.contains("cron = \"30 2 * * *\"\n") && page.contains("run_on_start = \"boot\"\n"),
        "{page}"
    );
    let said = err(&output);
    assert!(
        said.contains("✓ backup  line 3\n") && said.ends_with("when RunWisp runs them\n"),
        "{said}"
    );
    let piped = home
        .output(home.command(["import", "cron"]).stdin(fs::File::open(home.path("tab")).unwrap()));
    assert_eq!(
        out(&piped).replace("\"runwisp import cron\".", ""),
        page.replace("\"runwisp import cron\" from tab.", "")
    );
    assert_eq!(err(&well(&home, "import cron tab --quiet")), "");
    assert_eq!(home.read("tab"), CRONTAB, "the source stays as it was");
    badly(&home, "import cron missing", "cannot read missing: no such file");
    badly(&home, "import cron tab other", "unexpected argument \"other\"");
    badly(&home, "import cron tab --quiet --dry-run", "--dry-run with --quiet");
    badly(&home, "import cron tab --write -o x", "exclude each other");
    badly(
        &home,
        "import at tab",
        "unknown source \"at\": it is one of cron, supervisord, systemd, pm2",
    );
    badly(&home, "import", "the source is missing");
}

#[test]
fn a_folder_of_crontabs_has_a_column_for_users() {
    let home = Home::new("");
    home.write("etc/cron.d/one", "@daily root /bin/one\n");
    home.write("etc/cron.d/two.sh", "@daily root /bin/two\n@daily no-such-user x\n");
    home.write("spool/cron/www-data", "@daily /bin/three\n");
    let output = well(&home, "import cron etc/cron.d");
    assert!(out(&output).contains("user = \"root\""), "{}", out(&output));
    let said = err(&output);
    for part in [
        "✓ one  one:1\n✓ two  two.sh:1\n! x    two.sh:2\n    there is no user \"no-such-user\"",
        "two.sh: Debian's cron ignores",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(out(&well(&home, "import cron spool/cron/www-data")).contains("user = \"www-data\""));
    let user = out(&well(&home, "import cron etc/cron.d/one --system=false"));
    assert!(user.contains("run = \"root /bin/one\"") && !user.contains("user ="), "{user}");
    home.write("plain", "@daily root /bin/one\n");
    assert!(out(&well(&home, "import cron --system plain")).contains("user = \"root\""));
}

#[test]
fn a_file_is_only_replaced_when_that_was_said() {
    let home = Home::new("");
    home.write("tab", CRONTAB);
    home.write("there.toml", "old");
    badly(&home, "import cron tab -o there.toml", "there.toml already exists; --force replaces it");
    assert_eq!(home.read("there.toml"), "old");
    well(&home, "import cron tab -o there.toml --dry-run");
    assert_eq!(home.read("there.toml"), "old");
    well(&home, "import cron tab -o there.toml --force");
    assert!(home.read("there.toml").contains("[tasks.backup]"));
    std::os::unix::fs::symlink("there.toml", home.path("link.toml")).unwrap();
    well(&home, "import cron tab -o link.toml --force");
    assert!(fs::symlink_metadata(home.path("link.toml")).unwrap().is_symlink());
    fs::create_dir(home.path("folder")).unwrap();
    badly(&home, "import cron tab -o folder --force", "folder: it is no plain file");
    well(&home, "import cron tab --output=new.toml");
    assert_eq!(home.read("new.toml"), home.read("there.toml"));
}

#[test]
fn imported_tables_are_included_and_not_imported_twice() {
    let home = Home::new(OWN);
    home.write("tab", CRONTAB);
    let dry = well(&home, "import cron tab --write --dry-run");
    assert!(out(&dry).contains("[tasks.backup]") && !home.path("runwisp.d").exists());
    let output = well(&home, "import cron tab --write");
    assert_eq!(out(&output), "");
    assert!(err(&output).contains("runwisp.d/imported.toml, which "), "{}", err(&output));
    assert_eq!(
        home.read("runwisp.toml"),
        format!("{OWN}\n[daemon]\ninclude = [\"runwisp.d/*.toml\"]\n")
    );
    let imported = home.read("runwisp.d/imported.toml");
    assert!(
        imported.contains("[tasks.backup]") && imported.contains("[tasks.hello]"),
        "{imported}"
    );

    // The same again is nothing new; another command of that name gets a number.
    home.write("tab", "@daily /opt/backup.sh --all\n@daily /opt/backup.sh\n@daily mine\n");
    let said = err(&well(&home, "import cron tab --write"));
    for part in [
        "- backup    line 1\n    already defined\n",
        "✓ backup-2  line 2\n",
        "✓ mine-2    line 3\n",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let more = home.read("runwisp.d/imported.toml");
    assert!(more.starts_with(imported.trim_end()) && more.contains("[tasks.backup-2]"), "{more}");
    assert!(err(&well(&home, "import cron tab --write")).contains("nothing is new\n"));
    assert_eq!(home.read("runwisp.d/imported.toml"), more);
}

#[test]
fn a_configuration_is_only_changed_where_that_is_safe() {
    for (config, after) in [
        (
            "[daemon]\nshutdown_timeout = \"9s\"",
            "[daemon]\ninclude = [\"runwisp.d/*.toml\"]\nshutdown_timeout = \"9s\"",
        ),
        (
            "[daemon] # x\n[tasks.a]\nrun = 'x'\n",
            "[daemon] # x\ninclude = [\"runwisp.d/*.toml\"]\n[tasks.a]\nrun = 'x'\n",
        ),
        (
            "[daemon]\ninclude = ['a', 'runwisp.d/*.toml']\n",
            "[daemon]\ninclude = ['a', 'runwisp.d/*.toml']\n",
        ),
    ] {
        let home = Home::new(config);
        home.write("tab", CRONTAB);
        well(&home, "import cron tab --write");
        assert_eq!(home.read("runwisp.toml"), after);
    }
    for (config, said) in [
        ("[daemon]\ninclude = [\"own/*.toml\"]\n", "has an include list of its own"),
        ("daemon = { shutdown_timeout = \"9s\" }\n", "has no [daemon] header"),
        ("[daemon\n", "is no TOML"),
    ] {
        let home = Home::new(config);
        home.write("tab", CRONTAB);
        badly(&home, "import cron tab --write", said);
        assert_eq!(home.read("runwisp.toml"), config);
        assert!(!home.path("runwisp.d/imported.toml").exists());
    }
    let home = Home::new("");
    fs::remove_file(home.path("runwisp.toml")).unwrap();
    home.write("tab", CRONTAB);
    well(&home, "import cron tab --write --config runwisp.toml");
    assert!(home.read("runwisp.toml").contains("include = [\"runwisp.d/*.toml\"]"));
    let mode = fs::metadata(home.path("runwisp.toml")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o640);
}

#[test]
fn what_needs_help_keeps_everything_from_being_written() {
    let home = Home::new(OWN);
    home.write("tab", "@daily /bin/a\n5/10 * * * * /bin/b\n");
    badly(&home, "import cron tab --write", "nothing is written: the lines with !");
    assert_eq!(home.read("runwisp.toml"), OWN);
    assert!(!home.path("runwisp.d").exists());
    let page = out(&well(&home, "import cron tab"));
    assert!(
        page.contains("# TODO: line 2: minute \"5/10\"")
            && page.contains("#   5/10 * * * * /bin/b"),
        "{page}"
    );
}

/// A folder where the temporary file would be: nothing can be written beside it.
fn block(home: &Home, name: &str) {
    home.write(&format!("{name}.tmp/full"), "");
}

#[test]
fn both_files_are_written_or_none() {
    let home = Home::new(OWN);
    home.write("tab", CRONTAB);
    block(&home, "runwisp.toml");
    badly(&home, "import cron tab --write", "cannot write ");
    assert_eq!(home.read("runwisp.toml"), OWN);
    assert!(!home.path("runwisp.d/imported.toml").exists());

    fs::remove_dir_all(home.path("runwisp.toml.tmp")).unwrap();
    well(&home, "import cron tab --write");
    let (root, imported) = (home.read("runwisp.toml"), home.read("runwisp.d/imported.toml"));
    block(&home, "runwisp.toml");
    badly(&home, "promote --all", "cannot write ");
    assert_eq!((home.read("runwisp.toml"), home.read("runwisp.d/imported.toml")), (root, imported));
}

#[test]
fn promoted_tables_move_with_their_comments() {
    let home = Home::new(OWN);
    home.write("tab", CRONTAB);
    well(&home, "import cron tab --write");
    let (root, imported) = (home.read("runwisp.toml"), home.read("runwisp.d/imported.toml"));
    badly(
        &home,
        "promote backup nothing mine",
        "\"nothing\" is neither imported nor read from a crontab; \"mine\" is in ",
    );
    badly(&home, "promote", "a task, or --all is missing");
    let moved = out(&well(&home, "promote backup --dry-run"));
    assert!(
        moved.starts_with("\n# line 3\n[tasks.backup]\ndescription = \"All of it\"\n"),
        "{moved}"
    );
    assert_eq!(
        (home.read("runwisp.toml"), home.read("runwisp.d/imported.toml")),
        (root.clone(), imported)
    );

    well(&home, "promote backup");
    assert_eq!(home.read("runwisp.toml"), format!("{root}{moved}"));
    let rest = home.read("runwisp.d/imported.toml");
    assert!(!rest.contains("tasks.backup") && rest.contains("[tasks.hello]"), "{rest}");
    assert!(out(&well(&home, "promote --all")).contains("moved 1 table to "));
    assert!(home.read("runwisp.toml").contains("[tasks.hello]"));
    badly(&home, "promote hello", "\"hello\" is in ");
    assert_eq!(out(&well(&home, "promote --all")), "nothing was imported\n");
}

#[test]
fn a_task_of_a_crontab_becomes_a_table_and_its_line_a_comment() {
    let home = Home::new("[daemon]\ninclude_cron = [\"cron.d/*\"]\n");
    let tab =
        "A=1\n# All of it\n30 2 * * * root /opt/backup.sh --all\n40 2 * * * root /opt/hello\n";
    home.write("cron.d/jobs", tab);
    let crontab = home.path("cron.d/jobs");
    fs::set_permissions(&crontab, fs::Permissions::from_mode(0o600)).unwrap();
    let root = home.read("runwisp.toml");
    assert_eq!(out(&well(&home, "promote --all")), "nothing was imported\n");
    badly(&home, "promote backup gone", "\"gone\" is neither imported nor read from a crontab");
    let table = out(&well(&home, "promote backup --dry-run"));
    assert!(table.contains("[tasks.backup]\ndescription = \"All of it\"\n"), "{table}");
    assert!(table.contains("cron = \"30 2 * * *\"\ntimezone = \"Local\"\n"), "{table}");
    assert!(
        table.contains("user = \"root\"\n") && table.contains("env = { A = \"1\" }\n"),
        "{table}"
    );
    assert_eq!(
        (home.read("runwisp.toml"), home.read("cron.d/jobs")),
        (root.clone(), tab.to_owned())
    );

    well(&home, "promote backup");
    assert_eq!(home.read("runwisp.toml"), format!("{root}{table}"));
    assert_eq!(home.read("cron.d/jobs"), tab.replace("30 2", "#30 2"));
    let mode = fs::metadata(&crontab).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "cron takes no other");
    badly(&home, "promote backup", "\"backup\" is in ");
    let listed = out(&well(&home, "list"));
    assert!(listed.contains("backup") && listed.contains("hello"), "{listed}");
    well(&home, "promote hello");
    let descriptions = home.read("runwisp.toml").matches("description").count();
    assert_eq!(descriptions, 1, "a line that was taken out describes nothing");
}

#[test]
fn the_files_that_supervisord_includes_are_read() {
    let home = Home::new("");
    home.write(
        "sv/supervisord.conf",
        "[include]\nfiles = conf.d/*.conf %(here)s/more.ini gone.ini\n[group:g]\nprograms=b\n",
    );
    home.write("sv/conf.d/b.conf", "[program:b]\ncommand=/bin/b\n");
    home.write("sv/conf.d/a.conf", "[program:a]\ncommand=%(here)s/a\n");
    home.write("sv/more.ini", "[program:c]\ncommand=/bin/c\nautorestart=false\n");
    let output = well(&home, "import supervisord sv/supervisord.conf");
    let (page, said) = (out(&output), err(&output));
    let place = fs::canonicalize(home.path("sv/conf.d")).unwrap();
    assert!(page.contains(&format!("run = \"exec {}/a\"", place.display())), "{page}");
    for part in ["[services.a]", "[services.b]\ngroup = \"g\"", "[tasks.c]"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(
        said.contains("[include] gone.ini: no such file")
            && said.contains("supervisord still runs"),
        "{said}"
    );
}

#[test]
fn units_are_read_with_their_drop_ins() {
    let home = Home::new("");
    home.write("units/x.timer", "[Timer]\nOnCalendar=hourly\n");
    home.write("units/x.service", "[Service]\nType=oneshot\nExecStart=/bin/x\n");
    home.write("units/x.timer.d/later.conf", "[Timer]\nOnCalendar=\nOnCalendar=Mon..Fri 09:00\n");
    home.write("units/x.service.d/user.conf", "[Service]\nUser=www-data\n");
    let timer = home.path("units/x.timer");
    let output = well(&home, &format!("import systemd {}", timer.display()));
    let page = out(&output);
    for part in
        ["[tasks.x]", "cron = \"0 9 * * mon-fri\"", "user = \"www-data\"", "run = \"exec /bin/x\""]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    let output = well(&home, "import systemd no-such-unit-here");
    assert!(err(&output).contains("there is no such unit"), "{}", err(&output));
}

#[test]
fn a_program_is_only_run_when_that_was_said() {
    let home = Home::new("");
    home.write("eco.config.js", "require('fs').writeFileSync('ran', ''); module.exports = {apps: [{name: 'w', script: 'w.js'}]};\n");
    home.write("eco.json", "{\"apps\": [{\"name\": \"w\", \"script\": \"w.js\"}]}");
    badly(&home, "import pm2 eco.config.js", "pm2 save");
    assert!(!home.path("ran").exists());
    let page = out(&well(&home, "import pm2 eco.json"));
    let place = fs::canonicalize(home.dir()).unwrap();
    assert!(page.contains(&format!("working_dir = \"{}\"", place.display())), "{page}");
    assert!(page.contains("run = \"exec node w.js\""), "{page}");
    if Command::new("node").arg("--version").output().is_ok() {
        let evaluated = out(&well(&home, "import pm2 --eval eco.config.js"));
        assert_eq!(evaluated.replace("eco.config.js", "eco.json"), page);
        assert!(home.path("ran").exists());
    }
    home.write("bad.json", "{");
    badly(&home, "import pm2 bad.json", "cannot read bad.json: it is no JSON");
}

/// Those without keys for an account; what is said of all of them holds for the others too.
#[test]
fn what_is_imported_loads() {
    let home = Home::new("");
    home.write(
        "u/x.timer",
        "[Timer]\nOnCalendar=Mon *-*-1..7 5:00\nOnCalendar=*:0/20:30\nOnUnitActiveSec=1h\n",
    );
    home.write(
        "u/x.service",
        "[Service]\nType=oneshot\nExecStart=/bin/x $A '${B}' \"it's\"\nTimeoutStartSec=2min\n",
    );
    let units = home.path("u/x.timer").display().to_string();
    well(&home, &format!("import systemd {units} -o systemd.toml"));
    home.write("eco.json", "[{\"name\": \"a b\", \"script\": \"w.js\", \"env\": {\"A\": \"'\\n\"}, \"kill_timeout\": 10}]");
    well(&home, "import pm2 eco.json -o pm2.toml");
    home.write(
        "crontab",
        "SHELL=/bin/bash\nMAILTO=root\n17 * * * * cd / && run-parts --report /etc/cron.hourly\n\
         @reboot echo \"it's\" ${HOME} \\% done\n*/5 2-4 * * 1,3 /usr/bin/nice -n 5 sync % one % two\n",
    );
    well(&home, "import cron crontab -o cron.toml");
    home.write(
        "supervisord.conf",
        "[program:web]\ncommand=/srv/web --port 80%(process_num)02d\nprocess_name=%(program_name)s_%(process_num)s\n\
         numprocs=2\nstartsecs=5\nstartretries=2\nstopsignal=INT\nenvironment=A=\"b c\",D='e'\numask=027\n\
         [program:once]\ncommand=/bin/true\nautorestart=false\n",
    );
    well(&home, "import supervisord supervisord.conf -o supervisord.toml");
    for file in ["systemd.toml", "pm2.toml", "cron.toml", "supervisord.toml"] {
        well(&home, &format!("validate {file}"));
    }
    assert!(home.read("systemd.toml").contains("[tasks.x-3]"), "{}", home.read("systemd.toml"));
}
