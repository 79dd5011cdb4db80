use super::super::page::tables;
use super::*;

fn imported(name: &str, units: &[(&str, &str)]) -> (Import, String) {
    let find = |name: &str| {
        let found = units.iter().find(|(known, _)| *known == name)?;
        Some(Unit::read(name, [found.1]))
    };
    let mut found = Import::default();
    import(&mut found, &find(name).unwrap(), &find);
    found.settle_names(&[]);
    let page = tables(&found);
    (found, page)
}

#[test]
fn a_timer_and_its_service_become_one_task() {
    let timer =
        "[Timer]\nOnCalendar=*-*-* 00,12:00:00\nRandomizedDelaySec=43200\nPersistent=true\n";
    let service = "[Unit]\nDescription=Renew 100%% of ${X}\n[Service]\nType=oneshot\nExecStart=/usr/bin/certbot -q renew\n";
    let (found, page) =
        imported("certbot.timer", &[("certbot.timer", timer), ("certbot.service", service)]);
    assert_eq!(
        page,
        "\n# certbot.timer and certbot.service\n# RandomizedDelaySec: the delay is the same each time\n\
         [tasks.certbot]\ndescription = \"Renew 100% of $${X}\"\n\
         working_dir = \"/\"\ncron = \"0 0,12 * * *\"\ntimezone = \"Local\"\ncatch_up = \"latest\"\n\
         on_overlap = \"skip\"\njitter = \"43200s\"\nrun = \"exec /usr/bin/certbot -q renew\"\n"
    );
    assert_eq!(found.drafts[0].mark(), '~');
    let fixed = format!("{timer}FixedRandomDelay=yes\n");
    let (found, page) =
        imported("certbot.timer", &[("certbot.timer", &fixed), ("certbot.service", service)]);
    assert!(page.contains("jitter = \"43200s\""), "{page}");
    assert_eq!(found.drafts[0].mark(), '✓');
}

#[test]
fn a_file_of_variables_may_be_absent_for_systemd_only() {
    let service = |file: &str| format!("[Service]\nExecStart=/x\nEnvironmentFile=-{file}\n");
    let page = |file: &str| imported("a.service", &[("a.service", &service(file))]).1;
    let absent = page("/nowhere/env");
    assert!(!absent.contains("env_file ="), "{absent}");
    assert!(absent.contains("# TODO: EnvironmentFile=-/nowhere/env: there is none"), "{absent}");
    let present = page("/dev/null");
    assert!(present.contains("env_file = \"/dev/null\""), "{present}");
    assert!(present.contains("# TODO: EnvironmentFile=-/dev/null: from now on"), "{present}");
}

#[test]
fn a_timer_may_be_due_in_several_ways() {
    let timer = "[Timer]\nOnBootSec=5min\nOnUnitActiveSec=1h\nOnCalendar=Tue *-*-8..14\nUnit=x.service\nAccuracySec=1h\nWakeSystem=yes\n";
    let service = "[Service]\nExecStart=/x\n";
    let (found, page) = imported("a.timer", &[("a.timer", timer), ("x.service", service)]);
    assert_eq!(found.drafts.iter().map(Draft::mark).collect::<String>(), "~~");
    for said in [
        "# TODO: OnCalendar=Tue *-*-8..14: both a day",
        "[tasks.a-2]",
        "cron = \"@every 3600s\"",
        "run_on_start = \"boot\"",
        "# AccuracySec=1h: runs on time",
        "# left out: WakeSystem",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
    let (found, _) = imported("b.timer", &[("b.timer", "[Timer]\nOnCalendar=daily\n")]);
    assert_eq!(found.drafts[0].mark(), '!');
}

#[test]
fn a_service_that_stays_becomes_a_service() {
    let service = "[Unit]\nDescription=Web\nAfter=network.target\n[Service]\nExecStart=/srv/web --name 'a b' $OPTS ${ONE}\n\
                   Restart=on-failure\nRestartSec=5\nUser=www\nGroup=web\nEnvironment=A=1 \"B=x y\" C=\"d e\"\n\
                   EnvironmentFile=/etc/web.env\nWorkingDirectory=/srv\nTimeoutStopSec=1min\nKillSignal=SIGINT\nUMask=0027\n\
                   [Install]\nWantedBy=multi-user.target\n";
    let (_, page) = imported("web.service", &[("web.service", service)]);
    assert_eq!(
        page,
        "\n# web.service\n# EnvironmentFile: values are taken literally, but for one pair of quotes\n[services.web]\n\
         description = \"Web\"\nuser = \"www:web\"\nworking_dir = \"/srv\"\numask = \"0027\"\n\
         env = { A = \"1\", B = \"x y\", C = \"d e\" }\nenv_file = \"/etc/web.env\"\nrestart = \"on_failure\"\n\
         restart_delay = \"5s\"\nrestart_backoff = \"constant\"\ngraceful_stop = \"60s\"\nstop_signal = \"SIGINT\"\n\
         run = \"exec /srv/web --name 'a b' $OPTS \\\"${ONE}\\\"\"\n"
    );
}

#[test]
fn what_systemd_does_beside_is_flagged() {
    let service = "[Service]\nType=forking\nExecStartPre=-/bin/mkdir /x\nExecStart=@/bin/a b %h\nExecStop=/bin/c\n\
                   ProtectSystem=strict\nNice=5\nStateDirectory=a\nRestart=always\n[Install]\nWantedBy=m\n";
    let (found, page) = imported("a.service", &[("a.service", service)]);
    assert_eq!(found.drafts[0].mark(), '~');
    for said in [
        "# TODO: Type=forking: it must stay in the foreground",
        "# TODO: ExecStop: not done here",
        "# TODO: StateDirectory: make what it needs",
        "# left out: ProtectSystem, Nice",
        "called by its own name, not as b",
        "write out %h",
        "run = '''\n/bin/mkdir /x || true\nexec /bin/a %h'''",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
}

#[test]
fn a_oneshot_may_have_several_commands() {
    let service = "[Service]\nType=oneshot\nExecStart=/a $$HOME\nExecStart=:/b $HOME ; /c\nTimeoutStartSec=1h\n";
    let (_, page) = imported("o@x.service", &[("o@x.service", service)]);
    for said in [
        "[tasks.o-x]",
        "/a '$HOME'\n/b '$HOME'\nexec /c",
        "timeout = \"3600s\"",
        "nothing starts it",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
    let two = "[Service]\nExecStart=/a\nExecStart=/b\n";
    let (found, _) = imported("t.service", &[("t.service", two)]);
    assert_eq!(found.drafts[0].mark(), '!');
    let (found, _) = imported("s.socket", &[("s.socket", "[Socket]\n")]);
    assert_eq!(found.drafts[0].mark(), '!');
}
