//! Several files (docs/configuration.md, Several files).

use std::collections::BTreeMap;
use std::path::Path;

use jiff::tz::TimeZone;

use super::super::surroundings::{NoZone, Surroundings};
use super::super::{Config, Problems};
use crate::model::job::Source;

/// Reads `/etc/rw/c.toml`, given as `conf/c.toml`, among these files.
pub(super) fn read(text: &str, files: &[(&str, &str)]) -> Result<Config, Problems> {
    let files: BTreeMap<_, _> = files.iter().map(|(path, text)| (Path::new(path), *text)).collect();
    let surroundings = Surroundings {
        file: "conf/c.toml",
        directory: Path::new("/etc/rw"),
        home: Some(Path::new("/home/me")),
        now: "2026-01-01T00:00:00Z".parse().unwrap(),
        zone: &|_| Err(NoZone::Unknown),
        local_zone: &|| TimeZone::UTC,
        env: &|_| None,
        read: &|path| files.get(path).map(|it| (*it).to_owned()).ok_or("no such file".to_owned()),
        crontab: &|path, _| {
            files.get(path).map(|it| (*it).to_owned()).ok_or("no such file".to_owned())
        },
        entries: &|directory| {
            let mut names: Vec<(String, bool)> = Vec::new();
            for rest in files.keys().filter_map(|path| path.strip_prefix(directory).ok()) {
                let parts: Vec<_> = rest.iter().map(|part| part.to_str().unwrap()).collect();
                names.push((parts[0].to_owned(), parts.len() > 1));
            }
            names.dedup();
            if directory.ends_with("secret") {
                Err("permission denied".to_owned())
            } else {
                Ok(names)
            }
        },
    };
    super::super::read(text, &surroundings)
}

fn problems(text: &str, files: &[(&str, &str)]) -> Vec<String> {
    let problems = read(text, files).err().map_or(Vec::new(), |problems| problems.0);
    problems.iter().map(ToString::to_string).collect()
}

fn include(patterns: &str) -> String {
    format!("[daemon]\ninclude = {patterns}\n[tasks.root]\nrun = \"1\"\n")
}

#[test]
fn jobs_notifiers_and_routes_come_from_all_files() {
    let second = "[tasks.b]\nrun = \"1\"\nworking_dir = \"w\"\nenv_file = \"b.env\"\n\
                  notify_on_failure = [\"ops\"]\n[tasks.a]\nrun = \"1\"\n";
    let first = "\u{feff}[services.z]\nrun = \"1\"\ndepends_on = [\"y\"]\n[[notifier]]\nid = \"ops\"\n\
                 type = \"discord\"\nwebhook_url_env = \"URL\"\n[[notification_route]]\n\
                 match.kind = [\"run.failed\"]\nnotify = [\"ops\"]\n";
    let files = [
        ("/etc/rw/conf.d/2.toml", second),
        ("/etc/rw/conf.d/1.toml", first),
        ("/etc/rw/conf.d/b.env", "A=1\n"),
        ("/etc/rw/conf.d/.x.toml", "broken"),
        ("/etc/rw/conf.d/sub.toml/x", "broken"),
        ("/home/me/y.toml", "[services.y]\nrun = \"1\"\n"),
        ("/etc/rw/c.toml", "the file itself"),
    ];
    let patterns = "[\"conf.d/*.toml\", \"conf.d/2.toml\", \"~/y.toml\", \"*.toml\", \"none/*\"]";
    let text = include(patterns) + "[defaults]\nkeep_runs = 3\n[services.last]\nrun = \"1\"\n";
    let config = match read(&text, &files) {
        Ok(config) => config,
        Err(problems) if cfg!(feature = "notify") => panic!("{problems}"),
        Err(_) => return,
    };
    let jobs: Vec<_> = config.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(jobs, ["root", "last", "z", "b", "a", "y"]);
    assert_eq!(config.jobs[0].source, Source::Root);
    let path = Path::new("/etc/rw/conf.d/2.toml");
    assert_eq!(config.jobs[3].source, Source::Included(path.into()));
    assert_eq!(config.jobs[3].keep.runs, Some(3));
    let process = &config.jobs[3].process;
    assert_eq!(process.working_dir.as_deref(), Some(Path::new("/etc/rw/conf.d/w")));
    assert_eq!(process.env.len(), 1);
    assert_eq!((config.notify.notifiers.len(), config.notify.routes.len()), (1, 1));
    let files: Vec<_> = config.files.iter().map(|file| file.path.to_str().unwrap()).collect();
    let included = ["/etc/rw/conf.d/1.toml", "/etc/rw/conf.d/2.toml", "/home/me/y.toml"];
    assert_eq!(files[0], "/etc/rw/c.toml");
    assert_eq!(files[1..], included);
    assert_eq!(config.files[0].text_hidden, text);
}

#[test]
fn problems_name_their_file() {
    let files = [
        ("/etc/rw/conf.d/1.toml", "[tasks.x]\nrun = \"1\"\ntimeuot = \"1s\"\n"),
        ("/etc/rw/conf.d/2.toml", "\n[tasks.x]\nrun = \"1\"\n[services.root]\nrun = \"1\"\n"),
        ("/srv/rw.toml", "[tasks.y]\nrun = \"1\"\ntimeout = \"x\"\n[tasks.\"a:b\"]\nrun = \"1\"\n"),
        ("/etc/rw/late.toml", "[tasks.\"a.b\"]\nrun = \"1\"\n"),
    ];
    let found =
        problems(&include("[\"conf.d/*\", \"late.toml\", \"/srv/rw.toml\"]\nx = 1"), &files);
    let expected = [
        "conf/c.toml:3:1: daemon.x: unknown key \"x\"",
        "conf/conf.d/1.toml:3:1: tasks.x.timeuot: unknown key",
        "conf/conf.d/2.toml:2:8: tasks.x: first defined at line 1 of conf/conf.d/1.toml, again at \
         line 2 of conf/conf.d/2.toml; rename one of them",
        "conf/conf.d/2.toml:4:11: services.root: the name is used by both [tasks.*] and \
         [services.*]: [tasks.root] first defined at line 4 of conf/c.toml, [services.root] at line 4",
        "/srv/rw.toml:3:11: tasks.y.timeout: \"x\"",
        "/srv/rw.toml:4:8: tasks.\"a:b\": shares the log directory \"a_b\" with tasks.\"a.b\", \
         first defined at line 1 of conf/late.toml",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "wanted {expected}\nfound  {found}");
    }
}

#[test]
fn an_included_file_holds_nothing_about_the_daemon() {
    let bad =
        "[daemon]\ninclude = [\"x\"]\n[scheduler]\n[defaults]\n[storage]\n[notify]\n[compose.a]\n";
    let found = problems(&include("[\"a.toml\"]"), &[("/etc/rw/a.toml", bad)]);
    let keys = ["daemon", "scheduler", "defaults", "storage", "notify", "compose"];
    assert_eq!(found.len(), keys.len(), "{found:#?}");
    for (line, key) in found.iter().zip(keys) {
        assert!(line.contains(&format!("unknown key \"{key}\"; ")), "{line}");
    }
    assert!(found[0].contains("an included file cannot include others"), "{}", found[0]);
    assert!(found[4].contains("belongs into the file that includes this one"), "{}", found[4]);
    assert!(found[5].contains("containers are not supported"), "{}", found[5]);
}

#[test]
fn patterns_and_files_that_cannot_be_read_are_named() {
    for (patterns, start, fact) in [
        ("[\"[a\"]", "conf/c.toml:2:12: daemon.include: ", "\"[a\" is not a pattern"),
        (
            "[\"a.toml\"]",
            "conf/c.toml:2:12: daemon.include: ",
            "cannot read \"/etc/rw/a.toml\": no",
        ),
        ("[\"secret/*\"]", "conf/c.toml:2:12: ", "cannot list \"/etc/rw/secret\": permission"),
        ("\"x\"", "conf/c.toml:2:11: daemon.include: ", "expected array of strings"),
    ] {
        let found = problems(&include(patterns), &[]);
        assert_eq!(found.len(), 1, "{patterns} {found:#?}");
        assert!(found[0].starts_with(start) && found[0].contains(fact), "{}", found[0]);
    }
    let broken = [("/etc/rw/a.toml", "[tasks.x]\nrun = 1\nrun = 2\n")];
    let found = problems(&include("[\"*.toml\"]\nx = 1"), &broken);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("conf/a.toml:3:1: not valid TOML: "), "{found:?}");
}
